"""comet_pass without an upstream block: the addresses of the API's name."""

import os
import subprocess
import threading
import types

import pytest

from conftest import NGINX, edge_conf, free_port, wait_for
from cometapi import Mock
from nameserver import NXDOMAIN, SERVFAIL, NameServer
from wire import CHAT, Client, chat

A, B = "127.0.0.2", "127.0.0.3"


@pytest.fixture
def names():
    server = NameServer().start()
    yield server
    server.stop()


@pytest.fixture
def apis():
    """One port on two addresses, an API on each."""
    first = Mock(host=A).start()
    second = Mock(host=B, port=first.port).start()
    yield first, second
    for api in first, second:
        if api.is_up():
            api.stop()


def conf(mock, names, location="", name="api.test", http=""):
    return edge_conf(mock, location, http="resolver 127.0.0.1:%d; %s" % (
        names.port, http)).replace("127.0.0.1:%d" % mock.port,
                                   "%s:%d" % (name, mock.port))


def beside(text, url):
    """Another location, of GET /v1/models."""
    return text.replace("location /v1/ {", """location /v1/models {
            comet_pass %s;
            comet_key  file:KEYFILE;
        }
        location /v1/ {""" % url)


class Load:
    """Calls without end; every one of them must be served."""

    def __init__(self, edge, threads=4):
        self.edge = edge
        self.calls = 0
        self.failed = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run)
                        for _ in range(threads)]

    def run(self):
        while not self.over.is_set():
            try:
                status = chat(self.edge).status
            except (OSError, EOFError) as e:
                status = e
            self.calls += 1
            if status != 200:
                self.failed.append(status)

    def more(self, n):
        wanted = self.calls + n
        wait_for(lambda: self.calls >= wanted)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        assert not self.failed
        assert self.calls


# what is asked, and when

def test_the_addresses_change_under_load(nginx, apis, names):
    names.set("api.test", [A])
    edge = nginx(conf(apis[0], names), workers=2)
    with Load(edge) as load:
        for api, address in [(1, B), (0, A), (1, B)]:
            names.set("api.test", [address])
            # no request is begun at the address that was left
            wait_for(lambda: gone_from(apis[1 - api], load))
            assert apis[api].requests


def gone_from(api, load):
    before = len(api.requests)
    load.more(50)
    return len(api.requests) == before


def test_the_time_to_live_is_obeyed(nginx, apis, names):
    names.set("api.test", [A], ttl=3600)
    names.set("other.test", [B], ttl=1)
    edge = nginx(beside(conf(apis[0], names),
                        "http://other.test:%d" % apis[0].port))
    wait_for(lambda: names.asked["other.test"] >= 4)
    assert chat(edge).status == 200
    assert names.asked["api.test"] == 1
    assert len(apis[0].requests) == 1 and not apis[1].requests


def test_a_name_that_comes_later(nginx, apis, names):
    edge = nginx(conf(apis[0], names))
    assert "[warn]" in edge.log() or "[warn]" in output(edge)
    assert "host not found: \"api.test\"" in edge.log() + output(edge)
    answer = chat(edge)
    assert answer.status == 502
    assert answer.json()["error"]["code"] == "upstream_unavailable"
    assert "api.test could not be resolved (3: Host not found)" in edge.log()
    names.set("api.test", [A])
    wait_for(lambda: chat(edge).status == 200)


def output(edge):
    return (edge.dir / "output.log").read_text()


@pytest.mark.parametrize("later", [NXDOMAIN, SERVFAIL, "nothing", "silent",
                                   "killed"])
def test_a_dns_that_fails_later(nginx, apis, names, later):
    names.set("api.test", [A])
    edge = nginx(conf(apis[0], names, "resolver_timeout 1s;"))
    wait_for(lambda: chat(edge).status == 200)
    if later == "killed":
        names.stop()
    elif later == "silent":
        names.silent = True
    elif later == "nothing":
        names.set("api.test", [])
    else:
        names.set("api.test", code=later)
    with Load(edge):
        wait_for(lambda: "the addresses it had are used" in edge.log())
    names.silent = False
    names.set("api.test", [B])
    if later == "killed":
        names.start()
    with Load(edge):
        wait_for(lambda: apis[1].requests)


def test_a_reload_waits_for_the_first_answer(nginx, apis, names):
    """The system does not know the name, so new workers begin with none."""
    names.set("api.test", [A])
    edge = nginx(conf(apis[0], names), workers=2)
    with Load(edge) as load:
        for _ in range(4):
            edge.reload()
            load.more(20)


def test_one_that_never_answers_holds_no_worker(nginx, apis, names):
    """Who waits gets 502 in the end, and a worker without work exits."""
    names.silent = True
    edge = nginx(conf(apis[0], names, "resolver_timeout 1s;"))
    assert chat(edge).status == 502
    edge.reload(edge.http.replace("resolver_timeout 1s", "resolver_timeout 1h"))
    edge.reload()
    with Client(edge) as client:
        client.send(b"GET /v1/models HTTP/1.1\r\nHost: edge\r\n\r\n")
        names.silent = False
        names.set("api.test", [A])
        assert client.answer("GET").status == 200


# which of them is taken

def test_all_addresses_are_used(nginx, apis, names):
    names.set("api.test", [A, B])
    edge = nginx(conf(apis[0], names))
    for _ in range(8):
        assert chat(edge).status == 200
    assert {len(apis[0].requests), len(apis[1].requests)} == {4}


def test_a_dead_address_rests(nginx, apis, names):
    apis[1].stop()
    names.set("api.test", [A, B])
    edge = nginx(conf(apis[0], names))
    for _ in range(40):
        assert chat(edge).status == 200
    assert edge.log().count("connect() failed") < 20
    assert "is left alone" in edge.log()


def test_an_address_comes_back_when_no_other_is_left(nginx, names):
    """Where all rest, the one that rested longest is tried."""
    names.set("api.test", [A, B])
    port = free_port()
    edge = nginx(conf(types.SimpleNamespace(port=port), names))
    assert chat(edge).status == 502
    api = Mock(host=A, port=port).start()
    for _ in range(4):
        assert chat(edge).status == 200
    api.stop()


def test_an_address_without_a_route_is_passed_over(nginx, apis, names):
    names.set("api.test", ["fe80::1", "fe80::2", A])
    edge = nginx(conf(apis[0], names))
    for _ in range(8):
        assert chat(edge).status == 200
    assert "failed" not in edge.log()


def test_of_two_families_the_bound_one_is_used(nginx, names):
    mock = Mock(host="127.0.0.1").start()
    names.set("api.test", ["::1", "127.0.0.1"])
    edge = nginx(conf(mock, names, "comet_bind 127.0.0.1;"))
    for _ in range(4):
        assert chat(edge).status == 200
    assert "failed" not in edge.log()
    mock.stop()


# who is asked

def test_the_hosts_file_is_not_overruled(nginx, mock, names):
    names.set("localhost", ["127.0.0.9"])
    names.set("other.test", ["127.0.0.1"])
    edge = nginx(conf(mock, names, name="localhost"))
    for _ in range(4):
        assert chat(edge).status == 200
    other = nginx(conf(mock, names, name="other.test"))
    assert chat(other).status == 200
    assert names.asked["other.test"] and not names.asked["localhost"]


def can_be_its_own_system():
    try:
        return os.geteuid() == 0 and subprocess.run(
            ["unshare", "-m", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_be_its_own_system(),
                    reason="needs root, for port 53 and files under /etc")
def test_the_systems_name_servers_are_the_default(nginx, apis, tmp_path):
    """nginx runs where /etc has other files: one server of them is deaf, and
    one line is none that nginx could ask."""
    (tmp_path / "resolv.conf").write_text(
        "# nameserver 127.0.0.9\n; nameserver 127.0.0.9\nsearch test\n"
        "nameserver fe80::1%lo\n nameserver\t127.0.0.77 # ours\n"
        "options ndots:1\n")
    (tmp_path / "hosts").write_text(
        "127.0.0.1 localhost\n# 127.0.0.9 api.test\n"
        "127.0.0.3\tother HOSTS.test # api.test\n")
    wrapper = tmp_path / "nginx"
    wrapper.write_text(
        "#!/bin/sh\nexec unshare -m sh -c 'mount --bind %s/resolv.conf "
        "/etc/resolv.conf && mount --bind %s/hosts /etc/hosts && "
        "exec %s \"$@\"' nginx \"$@\"\n" % (tmp_path, tmp_path, NGINX))
    wrapper.chmod(0o755)
    names = NameServer("127.0.0.77", 53).start()
    try:
        names.set("api.test", [A])
        names.set("hosts.test", [A])
        for name, api in [("api.test", 0), ("hosts.test", 1)]:
            text = edge_conf(apis[0]).replace("127.0.0.1:%d" % apis[0].port,
                                              "%s:%d" % (name, apis[0].port))
            edge = nginx(text, run=False, name=name)
            command = edge.command
            edge.command = lambda *a: [str(wrapper), *command(*a)[1:]]
            edge.start()
            before = len(apis[api].requests)
            assert chat(edge).status == 200
            assert len(apis[api].requests) == before + 1
        names.set("api.test", [B])
        assert names.asked["api.test"] and not names.asked["hosts.test"]
    finally:
        names.stop()


# what else a URL may name

def test_a_block_that_follows_is_found(nginx, mock):
    """conf.d is read in the order of its names."""
    edge = nginx(edge_conf(mock).replace("127.0.0.1:%d" % mock.port, "api")
                 + "upstream api { least_conn; server 127.0.0.1:%d; }"
                 % mock.port)
    assert chat(edge).status == 200
    assert output(edge).count("[warn]") == 1      # of tenants


def test_a_block_may_not_be_given_a_port(nginx, mock):
    status, said = nginx(edge_conf(mock).replace(
        "127.0.0.1:%d" % mock.port, "api:99")
        + "upstream api { server 127.0.0.1:1; }", run=False).test()
    assert status == 1
    assert 'upstream "api" may not have port 99 in ' in said


def test_proxy_pass_to_the_same_host_is_left_alone(nginx, mock, names):
    """One of them refuses to start without its address, as ever."""
    text = conf(mock, names, name="nowhere.test")
    assert nginx(text, run=False).test()[0] == 0
    status, said = nginx(text.replace(
        "location /v1/ {", "location /x { proxy_pass http://nowhere.test:%d; }"
        "\n location /v1/ {" % mock.port), run=False).test()
    assert status == 1 and "host not found in upstream" in said


def test_a_variable_finds_the_host_of_another_location(nginx, apis, names):
    names.set("api.test", [A])
    edge = nginx(beside(conf(apis[0], names), "http://$http_x_host"))
    assert chat(edge).status == 200
    with Client(edge) as client:
        assert client.call("GET", "/v1/models", headers={
            "X-Host": "api.test:%d" % apis[0].port}).status == 200
    assert chat(edge, CHAT).status == 200
