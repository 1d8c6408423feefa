"""Who is measured: how each is installed, configured, started and stopped."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "t" / "bench"
BUILD = ROOT / "build" / "bench"
NGINX = os.environ.get("COMET_NGINX", "nginx")
MODULE = os.environ.get("COMET_MODULE", str(ROOT / "build/ngx_comet_module.so"))
AGAINST = os.environ.get("COMET_AGAINST", "")
LUA_MODULES = pathlib.Path("/usr/lib/nginx/modules")

KEY = "sk-upstream-3f9c1d7e5b2a48660917"            # what the API is sent
CLIENT = "sk-bench-acme-2c5e8a7d19b4f603"           # what clients send
SLOW = "sk-bench-slow-7a90d3c1e5f24b68"             # a client over its limit
MENDER = "sk-bench-mender-51b0e7f2c84d"             # whose bodies are repaired
OTHER = "sk-bench-tenant-%s"                        # of many tenants
MANY = 10000

LITELLM = "litellm[proxy]==1.106.0"
# with the versions of what it needs that its own lock file has
PORTKEY = "@portkey-ai/gateway@1.15.2 @hono/node-server@1.13.5 hono@4.9.7"

BIFROST = "github.com/maximhq/bifrost/transports/bifrost-http@v1.4.0"


class Missing(Exception):
    """a contestant that cannot take part, and why"""


def free_ports(count):
    found = [socket.socket() for _ in range(count)]
    for s in found:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in found]
    for s in found:
        s.close()
    return ports


def free_port():
    return free_ports(1)[0]


def certificate():
    """(certificate, its key), made once"""
    folder = BUILD / "tls"
    found = folder / "localhost.pem", folder / "localhost.key"
    if not all(path.exists() for path in found):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
             "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-out", str(found[0]),
             "-keyout", str(found[1])], check=True, capture_output=True)
    return tuple(str(path) for path in found)


def tree(pid):
    """the process and all below it"""
    found = [pid]
    for one in found:
        try:
            for task in os.listdir("/proc/%d/task" % one):
                text = open("/proc/%d/task/%s/children" % (one, task)).read()
                found.extend(int(p) for p in text.split())
        except OSError:
            pass
    return found


def pss(pid):
    """bytes that the processes take, shared ones counted in part"""
    total = 0
    for one in tree(pid):
        try:
            text = open("/proc/%d/smaps_rollup" % one).read()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
        total += int(found.group(1)) * 1024 if found else 0
    return total


def cpu(pid):
    """seconds of processor that the processes took, the kernel's included"""
    total = 0
    for one in tree(pid):
        try:
            for task in os.listdir("/proc/%d/task" % one):
                path = "/proc/%d/task/%s/schedstat" % (one, task)
                total += int(open(path).read().split()[0])
        except OSError:
            pass
    return total / 1e9


# a gateway has a core for each worker; where there are only two cores, those
# that load it and answer it share the other one

CORES = sorted(os.sched_getaffinity(0))
GATEWAY_CORE = CORES[-1]
UPSTREAM_CORE = CORES[0]
LOAD_CORE = CORES[1] if len(CORES) > 2 else CORES[0]


def pinned(*cores):
    return lambda: os.sched_setaffinity(0, set(cores))


class Process:
    """a program that listens on a port"""

    def __init__(self, command, port, log, seconds=15, env=None,
                 cores=(GATEWAY_CORE,)):
        self.port = port
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=dict(os.environ, **(env or {})), start_new_session=True,
                preexec_fn=pinned(*cores))
        deadline = time.monotonic() + seconds
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Missing("%s did not start, see %s" % (
                    os.path.basename(command[0]), log.relative_to(ROOT)))
            time.sleep(0.01)

    @property
    def pid(self):
        return self.process.pid

    def stop(self, pid=None):
        """pid: of the one that ends all, if that is not the first"""
        if self.process.poll() is None:
            os.kill(pid or self.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                for one in reversed(tree(self.pid)):
                    os.kill(one, signal.SIGKILL)
                self.process.wait()


class Contestant:
    name = title = version = setting = ""
    slow = False            # no requests a second worth many of them
    exact = True            # the body arrives as it is meant to
    edits = False           # it is edited on its way
    only = ()               # workloads that it has a part in, if not all
    workers = 1
    cores_needed = 0
    refuses = ()            # of "400", "401", "429"
    statuses = {}           # where it has another one for these
    headers = {}
    ports = {}              # of other ways to it than HTTP/1.1 in clear
    model = "gpt-4o"
    lacks = ""              # why it has no part in streams
    coded = 0               # its streams are in a coding that nobody knows
    process = None

    def install(self):
        """raises Missing"""

    def start(self, upstream):
        raise NotImplementedError

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def restart(self, upstream):
        self.stop()
        self.start(upstream)

    def settle(self, upstream):
        """until what was given up is worked off"""
        for _ in range(60):
            before = cpu(self.pid)
            time.sleep(0.25)
            if cpu(self.pid) - before < 0.05:
                return
        self.restart(upstream)

    @property
    def port(self):
        return self.process.port

    @property
    def pid(self):
        return self.process.pid if self.process else None


class Direct(Contestant):
    name = "direct"
    title = "no gateway"
    setting = "the load generator asks the upstream itself"

    def start(self, upstream):
        self.upstream = upstream
        self.ports = {"tls": upstream.tls_port}

    @property
    def port(self):
        return self.upstream.port


class Nginx(Contestant):
    main = ""
    file = ""               # other than of its name
    zone = "16m"
    tenants = 0

    def conf(self, upstream, ports, directory, main=""):
        """the command that runs it; ports: of HTTP/1.1, HTTP/2 and TLS"""
        plain, two, tls = ports
        made, key = certificate()
        values = {
            "user": "user root;" if os.geteuid() == 0 else "",
            "files": str(file_limit()), "dir": str(directory),
            "bench": str(BENCH), "upstream": str(upstream.port),
            "upstreamtls": str(upstream.tls_port), "certificate": made,
            "certificatekey": key, "port": str(plain), "two": str(two),
            "tls": str(tls), "workers": str(self.workers),
            "reuse": " reuseport" if self.workers > 1 else "",
            "key": KEY, "client": CLIENT, "slow": SLOW, "mender": MENDER,
            "zone": self.zone, "main": self.main + main,
        }
        values["http"] = (BENCH / ((self.file or self.name) + ".conf")).read_text()
        values["limits"] = LIMITS
        values["tenants"] = "".join(
            TENANT % (i, "sha256:" + hashlib.sha256(
                (OTHER % ("%05d" % i)).encode()).hexdigest(), LIMITS)
            for i in range(self.tenants))
        text = (BENCH / "nginx.conf").read_text()
        while True:
            done = re.sub(r"@([a-z]+)@", lambda m: values[m.group(1)], text)
            if done == text:
                break
            text = done
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "nginx.conf"
        path.write_text(text)
        return [NGINX, "-p", str(directory), "-c", str(path),
                "-e", str(directory / "error.log")]

    def start(self, upstream):
        directory = BUILD / self.name
        shutil.rmtree(directory, ignore_errors=True)
        ports = free_ports(3)
        command = self.conf(upstream, ports, directory)
        self.ports = {"two": ports[1], "tls": ports[2]}
        self.process = Process(command, ports[0], directory / "output.log",
                               cores=CORES[-self.workers:])

    @property
    def version(self):
        done = subprocess.run([NGINX, "-v"], capture_output=True, text=True)
        return done.stderr.strip().rpartition("/")[2]


def file_limit():
    import resource
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


class Bare(Nginx):
    name = "bare"
    title = "nginx, `proxy_pass`"
    setting = ("unbuffered answers, connections to the API kept, a key put "
               "in, no check of anything: `t/bench/bare.conf`")


# what a tenant of the bench has; wide, so that each call is counted against
# all of them and none is refused

LIMITS = """comet_models             gpt-* claude-* gemini-*;
        comet_rate               1000000r/s burst=1000000;
        comet_tokens             1000g/m;
        comet_budget             1000g/30d;
        comet_spend              1000000/30d;
        comet_concurrency        100000;
        comet_max_output_tokens  16384 default;"""
TENANT = """
    comet_tenant t%05d {
        comet_client_key         %s;
        %s
    }
"""


class Comet(Nginx):
    name = "comet"
    edits = True
    title = "nginx, this module"
    main = "load_module %s;\n" % MODULE
    refuses = ("400", "401", "429")
    setting = "everything on: `t/bench/comet.conf`"


class Before(Comet):
    """another build of the module: COMET_AGAINST=FILE"""

    name = "before"
    file = "comet"
    title = "nginx, another build of this module"
    main = "load_module %s;\n" % AGAINST
    setting = "the same"


class Unread(Comet):
    """all that the module does but reading the streams"""

    name = "unread"
    file = "comet"
    title = "nginx, this module, streams that the meter does not read"
    coded = 1
    setting = "the same, and the API names a coding of its streams"


class BareTwo(Bare):
    name = "bare2"
    file = "bare"
    title = "nginx, `proxy_pass`, 2 workers"
    workers = 2
    cores_needed = 4
    only = ("wide",)


class CometTwo(Comet):
    name = "comet2"
    file = "comet"
    title = "nginx, this module, 2 workers"
    workers = 2
    cores_needed = 4
    only = ("wide",)


class Many(Comet):
    name = "many"
    file = "comet"
    title = "nginx, this module, 10,000 tenants"
    setting = "the same, and 10,000 tenants more with the same limits"
    tenants = MANY
    zone = "64m"
    only = ("small", "apart")


class Lua(Nginx):
    name = "lua"
    title = "nginx, Lua"
    refuses = ("400", "401", "429")
    setting = ("the same checks, by hand: `t/bench/lua.conf`, "
               "`t/bench/gate.lua`")
    main = "".join("load_module %s;\n" % (LUA_MODULES / name) for name in (
        "ndk_http_module.so", "ngx_http_lua_module.so"))

    def install(self):
        for name in ("ndk_http_module.so", "ngx_http_lua_module.so"):
            if not (LUA_MODULES / name).exists():
                raise Missing("libnginx-mod-http-lua is not installed")

    @property
    def version(self):
        found = []
        for package in ("libnginx-mod-http-lua", "lua-cjson"):
            done = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Version}", package],
                capture_output=True, text=True)
            found.append("%s %s" % (package, done.stdout))
        return ", ".join(found)


def run_logged(command, log, **how):
    with open(log, "wb") as out:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=out, **how)
    if done.returncode:
        raise Missing("could not be installed: `%s` fails, see %s" % (
            " ".join(os.path.basename(str(c)) for c in command),
            log.relative_to(ROOT)))


class Litellm(Contestant):
    name = "litellm"
    title = "LiteLLM's proxy"
    version = LITELLM
    slow = True
    exact = False
    refuses = ("401",)
    statuses = {"401": 400}     # it would look into a database
    setting = ("one process, uvloop, no database, no spend logs, no "
               "telemetry, a master key: the key is checked and nothing else")

    def install(self):
        self.venv = BUILD / "litellm"
        done = self.venv / "done"
        if done.exists() and done.read_text() == LITELLM:
            return
        print("bench: installing %s into %s" % (
            LITELLM, self.venv.relative_to(ROOT)), flush=True)
        run_logged(["python3", "-m", "venv", self.venv], BUILD / "venv.log")
        run_logged([self.venv / "bin/pip", "install", "-q",
                    "--disable-pip-version-check", LITELLM],
                   BUILD / "litellm.log")
        done.write_text(LITELLM)

    def start(self, upstream):
        self.headers = {}
        port = free_port()
        path = BUILD / "litellm.yaml"
        path.write_text(json.dumps({
            "model_list": [{
                "model_name": "gpt-4o",
                "litellm_params": {
                    "model": "openai/gpt-4o", "api_key": KEY,
                    "api_base": "http://127.0.0.1:%d/v1" % upstream.port,
                },
            }],
            "litellm_settings": {
                "num_retries": 0, "request_timeout": 600, "telemetry": False,
                "set_verbose": False, "json_logs": True,
            },
            "general_settings": {
                "master_key": CLIENT, "disable_spend_logs": True,
                "disable_error_logs": True,
            },
        }, indent=1))
        self.process = Process(
            [str(self.venv / "bin/litellm"), "--config", str(path),
             "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"],
            port, BUILD / "litellm.out", 120, {
                "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "LITELLM_TELEMETRY": "False", "NO_DOCS": "True",
            })


class Portkey(Contestant):
    name = "portkey"
    title = "Portkey's gateway"
    version = PORTKEY
    slow = True
    exact = False
    setting = ("`--headless`, one process of Node, no log, no cache: it "
               "passes on and checks nothing")

    def install(self):
        self.folder = BUILD / "portkey"
        done = self.folder / "done"
        if done.exists() and done.read_text() == PORTKEY:
            return
        if not shutil.which("npm"):
            raise Missing("npm is not installed")
        print("bench: installing %s into %s" % (
            PORTKEY, self.folder.relative_to(ROOT)), flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        run_logged(["npm", "install", "--silent", "--no-audit", "--no-fund",
                    *PORTKEY.split()], BUILD / "portkey.log", cwd=self.folder)
        done.write_text(PORTKEY)

    def start(self, upstream):
        port = free_port()
        self.headers = {
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": "http://127.0.0.1:%d/v1" % upstream.port,
        }
        server = (self.folder / "node_modules/@portkey-ai/gateway/build"
                  / "start-server.js")
        self.process = Process(
            ["node", str(server), "--port=%d" % port, "--headless"], port,
            BUILD / "portkey.out", 60, {"NODE_ENV": "production"})


class Bifrost(Contestant):
    name = "bifrost"
    title = "Bifrost"
    version = BIFROST
    slow = True
    exact = False
    model = "openai/gpt-4o"
    setting = ("`config.json`, no store of configuration or logs, no "
               "logging: it passes on and checks nothing")

    def install(self):
        self.binary = os.environ.get("BIFROST")
        if self.binary:
            return
        go = shutil.which("go")
        if not go:
            raise Missing("go is not installed")
        folder = BUILD / "bifrost"
        self.binary = str(folder / "bifrost-http")
        if not os.path.exists(self.binary):
            run_logged([go, "install", BIFROST], BUILD / "bifrost.log",
                       env=dict(os.environ, GOBIN=str(folder)))

    def start(self, upstream):
        port = free_port()
        folder = BUILD / "bifrost-data"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({
            "client": {"enable_logging": False, "drop_excess_requests": False,
                       "initial_pool_size": 1000},
            "providers": {"openai": {
                "keys": [{"name": "bench", "value": KEY, "models": ["*"],
                          "weight": 1.0}],
                "network_config": {
                    "base_url": "http://127.0.0.1:%d" % upstream.port,
                    "max_retries": 0,
                    "default_request_timeout_in_seconds": 600,
                },
            }},
            "config_store": {"enabled": False},
            "logs_store": {"enabled": False},
        }, indent=1))
        self.process = Process(
            [self.binary, "-host", "127.0.0.1", "-port", str(port),
             "-app-dir", str(folder), "-log-level", "error"], port,
            BUILD / "bifrost.out", 60)


ALL = [Direct, Bare, Comet, *([Before] if AGAINST else []), Unread, Many,
       BareTwo, CometTwo, Lua, Litellm, Portkey, Bifrost]
