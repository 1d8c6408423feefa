"""A real nginx with the module, before a mock CometAPI, for every test."""

import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "t"), *map(str, (ROOT / "t").glob("*/"))]

from cometapi import Mock  # noqa: E402

NGINX = os.environ.get("COMET_NGINX", "nginx")
MODULE = os.environ.get("COMET_MODULE", str(ROOT / "build/ngx_comet_module.so"))
KEY = "sk-comet-3f9c1d7e5b2a48660917"

# where a test measures memory, ASan must not keep what was freed
FREES = ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"

BAD = re.compile(r"\[(alert|emerg|crit)\]|AddressSanitizer|runtime error"
                 r"|LeakSanitizer|==ERROR|Invalid (read|write) of size")

# a thousand streams take two thousand sockets here and as many in nginx
_, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))

FRAME = """
daemon off;
{user}
worker_processes {workers};
{main}
load_module {module};
error_log {dir}/error.log {level};
pid {dir}/nginx.pid;
events {{ worker_connections {connections}; }}
http {{
    log_format t '$request|$status|$upstream_status|$body_bytes_sent';
    access_log {dir}/access.log t;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    client_max_body_size 64m;
{http}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nginx:
    """http: the text inside http{}; PORT in it becomes a port of its own."""

    def __init__(self, directory, http, key=KEY, **frame):
        self.dir = directory
        self.http = http
        self.frame = dict(workers=1, level="info", main="", connections=4096,
                          measured=False,
                          module=MODULE, user="user root;"
                          if os.geteuid() == 0 else "")
        self.frame.update(frame)
        self.key_file = directory / "comet.key"
        self.key_file.write_text(key + "\n")
        self.key_file.chmod(0o600)
        self.process = None

    def write(self, http=None):
        if http is not None:
            self.http = http
        text = self.http.replace("KEYFILE", str(self.key_file))
        text = re.sub(r"\bPORT\b", "127.0.0.1:%d" % self.port, text)
        self.conf = self.dir / "nginx.conf"
        self.conf.write_text(FRAME.format(dir=self.dir, http=text,
                                          **self.frame))

    def command(self, *arguments):
        return [NGINX, "-p", str(self.dir), "-c", str(self.conf),
                "-e", str(self.dir / "error.log"), *arguments]

    def test(self, *arguments, env=None):
        """nginx -t: (exit status, all that it said)"""
        self.port = free_port()
        self.write()
        done = subprocess.run(self.command(*(arguments or ["-t"])),
                              capture_output=True, text=True, env=env)
        return done.returncode, done.stdout + done.stderr

    def asan(self):
        options = os.environ.get("ASAN_OPTIONS", "")
        return options + FREES * self.frame["measured"]

    def start(self, env=None):
        for _ in range(5):
            self.port = free_port()
            self.write()
            self.output = open(self.dir / "output.log", "wb")
            self.process = subprocess.Popen(
                self.command(), stdout=self.output, stderr=self.output,
                env=dict(env or os.environ, ASAN_OPTIONS=self.asan()))
            if self._listening():
                return self
            if "Address already in use" not in self.log():
                break
            (self.dir / "error.log").unlink()
        raise RuntimeError("nginx did not start:\n" + self.log()
                           + (self.dir / "output.log").read_text())

    def _listening(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0 \
                        and self.workers():
                    return True
            time.sleep(0.01)
        return False

    def workers(self):
        pid = self.process.pid
        try:
            text = open("/proc/%d/task/%d/children" % (pid, pid)).read()
        except FileNotFoundError:
            return []
        return [int(p) for p in text.split()]

    def log(self):
        path = self.dir / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def access(self):
        return (self.dir / "access.log").read_text().splitlines()

    def reload(self, http=None):
        """new workers answer, and the old ones are gone"""
        before = self.workers()
        self.reload_now(http)
        wait_for(lambda: not set(before) & set(self.workers()))

    def reload_now(self, http=None):
        """new workers answer; old ones may still have work"""
        before = self.workers()
        self.write(http)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: set(self.workers()) - set(before))

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
        self.output.close()

    def forget_a_kill(self):
        """nginx tells of it, and of the lock that the worker had"""
        log = self.dir / "error.log"
        log.write_text("".join(
            line for line in log.read_text().splitlines(True)
            if "exited on signal 9" not in line and "was locked by" not in line))

    def check(self):
        text = self.log()
        output = self.dir / "output.log"
        if output.exists():
            text += output.read_text(errors="replace")
        # another process may take the port for a moment; nginx tries again
        bad = [line for line in text.splitlines() if BAD.search(line)
               and "Address already in use" not in line]
        assert not bad, "nginx complained:\n" + "\n".join(bad[:20])

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("waited %d s in vain" % seconds)


@pytest.fixture
def mock():
    server = Mock().start()
    yield server
    server.stop()


@pytest.fixture
def nginx(tmp_path):
    """nginx(http, ...) starts one; every log is read when the test ends."""
    running = []

    def start(http, run=True, name=None, **frame):
        directory = tmp_path / (name or "nginx%d" % len(running))
        directory.mkdir()
        server = Nginx(directory, http, **frame)
        running.append(server)
        return server.start() if run else server

    yield start
    for server in running:
        server.stop()
    for server in running:
        if server.process:
            server.check()


@pytest.fixture
def edge(nginx, mock):
    """The ten-line configuration, before the mock."""
    return nginx(edge_conf(mock))


def edge_conf(mock, location="", server="", http=""):
    return """
    %s
    server {
        listen PORT;
        %s
        location /v1/ {
            comet_pass http://127.0.0.1:%d;
            comet_key  file:KEYFILE;
            %s
        }
    }
    """ % (http, server, mock.port, location)
