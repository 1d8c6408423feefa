"""comet_keepalive: connections to the API are kept, each for those alone who
would have made the same."""

import ctypes
import os
import signal
import socket
import struct

import pytest

from conftest import KEY, edge_conf, wait_for
from cometapi import Mock
from test_pass import framings, raw
from test_tls import openssl, pki, server_context, tls_mock, trusting  # noqa: F401
from wire import CHAT, STREAM, Client, call, chat, plan, request

POST = request("POST", "/v1/chat/completions", CHAT)
GET = request("GET", "/v1/models")


def https(mock, location, **where):
    return edge_conf(mock, location, **where).replace("http://127", "https://127")


def two(mock, first, second):
    """/v1/chat/completions and /v1/models are locations to one address."""
    return https(mock, first).replace("location /v1/ {", """
        location /v1/models {
            comet_pass https://127.0.0.1:%d;
            comet_key  file:KEYFILE;
            %s
        }
        location /v1/ {""" % (mock.port, second))


# how many, how long

def test_a_connection_is_kept(edge, mock):
    with Client(edge) as client:
        for how in framings()[:2] * 5 + framings()[3:]:
            assert client.call("POST", "/v1/chat/completions", CHAT,
                               plan(**how)).complete
        assert client.call("POST", "/v1/chat/completions", STREAM).complete
        assert client.call("GET", "/v1/models").status == 200
    assert mock.connections == 1


def test_it_can_be_switched_off(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_keepalive off;"))
    for _ in range(4):
        assert chat(edge).status == 200
    assert mock.connections == 4
    wait_for(lambda: mock.open == 0)


@pytest.mark.parametrize("outer,inner,kept", [
    ("comet_keepalive off;", "", False),
    ("comet_keepalive off;", "comet_keepalive 1;", True),
    ("comet_keepalive 1;", "comet_keepalive off;", False),
    ("comet_keepalive 1 timeout=1h;", "", True)])
def test_it_is_inherited(nginx, mock, outer, inner, kept):
    edge = nginx(edge_conf(mock, inner, outer))
    for _ in range(4):
        assert chat(edge).status == 200
    assert mock.connections == (1 if kept else 4)


def test_no_more_than_so_many_are_kept(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_keepalive 2;"))
    clients = [Client(edge) for _ in range(5)]
    for client in clients:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            plan(hold=True)))
    wait_for(lambda: mock.open == 5)
    mock.release(1000)
    for client in clients:
        assert client.answer().complete
        client.socket.close()
    wait_for(lambda: mock.open == 2)
    for _ in range(4):
        assert chat(edge).status == 200
    assert mock.connections == 5


def test_an_idle_one_is_closed_in_time(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_keepalive 2 timeout=50ms;"))
    assert chat(edge).status == 200
    wait_for(lambda: mock.open == 0)
    assert chat(edge).status == 200
    assert mock.connections == 2


def test_a_connection_serves_a_thousand_requests(nginx, mock):
    edge = nginx(edge_conf(mock, server="keepalive_requests 2000;"))
    with Client(edge) as client:
        for _ in range(1001):
            assert client.call("GET", "/v1/models").status == 200
    assert [r.connection for r in mock.requests] == [1] * 1000 + [2]


def test_a_worker_that_ends_closes_them(nginx, mock):
    edge = nginx(edge_conf(mock), workers=2)
    for _ in range(8):
        assert chat(edge).status == 200
    assert mock.open
    edge.reload()
    wait_for(lambda: mock.open == 0)
    assert chat(edge).status == 200
    edge.process.send_signal(signal.SIGQUIT)
    assert edge.process.wait(30) == 0
    wait_for(lambda: mock.open == 0)


def test_descriptors_come_back(nginx, tls_mock):
    edge = nginx(https(tls_mock, "comet_ssl_verify off; comet_keepalive 2;"))
    assert chat(edge).status == 200
    before = descriptors(edge)
    for how in [{}, {"close": True}, {"cut": 30}, {"framing": "close"},
                {"cut": 300, "how": "reset"}] * 8:
        chat(edge, headers=plan(**how))
    assert chat(edge).status == 200
    wait_for(lambda: descriptors(edge) <= before)


def descriptors(edge):
    return sum(len(os.listdir("/proc/%d/fd" % pid)) for pid in edge.workers())


# to whom

def test_a_handshake_serves_many_calls(nginx, tls_mock, pki):
    edge = nginx(https(tls_mock, trusting(pki) + "comet_ssl_name api.test;"))
    for _ in range(10):
        assert chat(edge, STREAM).complete
    assert tls_mock.tls.session_stats()["accept"] == 1
    assert tls_mock.tls.asked == ["api.test"]


def strangers(pki, tmp_path):
    """An authority that nobody of ours was certified by."""
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
            "/CN=stranger", "-keyout", "x.key", "-out", "x.pem")
    return "comet_ssl_name api.test; comet_ssl_trusted_certificate %s;" % (
        tmp_path / "x.pem")


@pytest.mark.parametrize("keep", ["", "comet_keepalive off;"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("first", ["off", "ours"])
def test_no_location_uses_what_another_one_verified(
        nginx, tls_mock, pki, tmp_path, first, version, keep):
    """Neither its connection nor its session, in which there is a verdict."""
    import ssl
    tls_mock.tls.maximum_version = ssl.TLSVersion[version]
    trust = {"off": "comet_ssl_verify off;",
             "ours": trusting(pki) + "comet_ssl_name api.test;"}[first]
    edge = nginx(two(tls_mock, trust + keep, strangers(pki, tmp_path) + keep))
    for _ in range(3):
        assert chat(edge).status == 200
        assert call(edge, "GET", "/v1/models").status == 502
    assert {r.target for r in tls_mock.requests} == {"/v1/chat/completions"}
    assert "certificate verify error" in edge.log()
    if keep:
        assert tls_mock.tls.session_stats()["hits"] > 0
    else:
        assert {r.connection for r in tls_mock.requests} == {1}


def test_two_who_verify_alike_have_connections_of_their_own(
        nginx, tls_mock, pki):
    trust = trusting(pki) + "comet_ssl_name api.test;"
    edge = nginx(two(tls_mock, trust, trust))
    for _ in range(3):
        assert chat(edge).status == 200
        assert call(edge, "GET", "/v1/models").status == 200
    assert {(r.target, r.connection) for r in tls_mock.requests} == {
        ("/v1/chat/completions", 1), ("/v1/models", 2)}


@pytest.mark.parametrize("keep", ["", "comet_keepalive off;"])
@pytest.mark.parametrize("name", ["comet_ssl_name", "comet_host"])
def test_one_name_is_not_another(nginx, tls_mock, pki, name, keep):
    edge = nginx(https(tls_mock, trusting(pki) + keep
                       + name + " $http_x_name;"))
    for _ in range(3):
        assert chat(edge, headers={"X-Name": "api.test"}).status == 200
        assert chat(edge, headers={"X-Name": "other.test"}).status == 502
    assert len(tls_mock.requests) == 3
    assert "does not match" in edge.log()


def test_a_name_without_end_is_not_kept(nginx, tls_mock, pki):
    """Two that differ behind where we look are two, and so is a list of them."""
    edge = nginx(https(tls_mock, "comet_ssl_verify off; comet_ssl_server_name "
                                 "off; comet_ssl_name $http_x_name;"))
    for name in ["a" * 2000 + ".x", "a" * 2000 + ".y"] * 2:
        assert chat(edge, headers={"X-Name": name}).status == 200
    assert tls_mock.connections == 4
    for number in range(40):
        for _ in range(2):
            assert chat(edge, headers={"X-Name": "n%d" % number}).status == 200
    assert tls_mock.connections == 44
    wait_for(lambda: tls_mock.open == 32)


def test_one_client_certificate_is_not_another(nginx, pki):
    server = Mock(tls=server_context(pki, client=True)).start()
    try:
        edge = nginx(https(server, trusting(pki) + """
            comet_ssl_name api.test;
            comet_ssl_certificate     %s/$http_x_who.pem;
            comet_ssl_certificate_key %s/$http_x_who.key;""" % (pki, pki)),
            key=KEY)
        for who in ["client", "guest"] * 3:
            assert chat(edge, headers={"X-Who": who}).status == 200
        assert [r.connection for r in server.requests] == [1, 2] * 3
    finally:
        server.stop()


def test_one_local_address_is_not_another(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_bind $http_x_from;"))
    for address in ["127.0.0.5", "127.0.0.6", ""] * 3:
        assert chat(edge, headers={"X-From": address}).status == 200
    assert [r.connection for r in mock.requests] == [1, 2, 3] * 3


def test_plain_is_not_tls(nginx, mock, tls_mock):
    """A variable that finds the host of another location."""
    text = two(mock, "", "").replace("https", "http").replace(
        "comet_pass http:", "comet_ssl_verify off; comet_connect_timeout 100ms;"
        "comet_pass $http_x_scheme:", 1)
    edge = nginx(text)
    for scheme, status in [("http", 200), ("https", 504)] * 3:
        answer = call(edge, "GET", "/v1/models", headers={"X-Scheme": scheme})
        assert answer.status == status
    assert {r.connection for r in mock.requests} == {1}


# what is left on one

@pytest.mark.parametrize("answer", [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 200 EVIL\r\n\r\n",
    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"])
@pytest.mark.parametrize("fill", [0, 1024])
def test_one_with_something_left_on_it_is_not_used_again(
        nginx, tls_mock, answer, fill):
    """Be it read by nginx, or by OpenSSL alone: the buffer ends before it."""
    edge = nginx(https(tls_mock, "comet_ssl_verify off;"
                                 "comet_buffer_size 1k;"))
    if fill:
        head, rest = answer.split("\r\n\r\n", 1)
        rest = "" if "204" in head else rest[2:]
        body = "{}" if "204" not in head else ""
        x = fill - len(head) - len("\r\nX: \r\n\r\n") - len(body)
        answer = head + "\r\nX: " + "x" * x + "\r\n\r\n" + body + (
            rest or "HTTP/1.1 200 EVIL\r\nContent-Length: 0\r\n\r\n")
    for _ in range(3):
        assert chat(edge, headers=plan(**raw(answer))).status in (200, 204)
        assert chat(edge).json()["object"] == "chat.completion"
    assert tls_mock.connections >= 4


# one that is dead

class Peer:
    """A connection of the edge, in the hands of the test."""

    def __init__(self, listener, tls):
        self.socket, self.address = listener.accept()
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True,
                                          suppress_ragged_eofs=True)

    def request(self):
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.receive()
        head, body = got.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length: "):
                length = int(line[16:])
        while len(body) < length:
            body += self.receive()
        return head, body

    def receive(self):
        data = self.socket.recv(1 << 16)
        assert data
        return data

    def serve(self):
        got = self.request()
        self.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        return got

    def deafen(self):
        """Drop what comes before TCP sees it, so that it is never
        acknowledged: nothing of ours may wait for that any more."""
        wait_for(lambda: self.unheard(mine=True) == 0)
        instruction = struct.pack("HBBI", 6, 0, 0, 0)      # return 0 bytes
        self.program = ctypes.create_string_buffer(instruction)
        self.socket.setsockopt(socket.SOL_SOCKET, 26, struct.pack(
            "HP", 1, ctypes.addressof(self.program)))      # SO_ATTACH_FILTER

    def unheard(self, mine=False):
        """How many bytes in a socket were not acknowledged."""
        ends = [":%04X" % self.address[1],
                ":%04X" % self.socket.getsockname()[1]]
        if mine:
            ends.reverse()
        for line in open("/proc/net/tcp").read().splitlines()[1:]:
            field = line.split()
            if field[1].endswith(ends[0]) and field[2].endswith(ends[1]):
                return int(field[4].split(":")[0], 16)
        return 0

    def was_written_to(self):
        return self.unheard() > 100

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        os.close(self.socket.detach())


class Hands:
    def __init__(self, tls=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30)
        self.port = self.listener.getsockname()[1]
        self.tls = tls

    def accept(self):
        return Peer(self.listener, self.tls)


@pytest.fixture(params=["plain", "tls"])
def api(request, pki):  # noqa: F811
    hands = Hands(server_context(pki) if request.param == "tls" else None)
    yield hands
    hands.listener.close()


def before(api, location=""):
    if api.tls:
        return https(api, "comet_ssl_verify off;" + location)
    return edge_conf(api, location)


def first_call(api, client):
    client.send(POST)
    peer = api.accept()
    peer.serve()
    assert client.answer().status == 200
    return peer


def test_one_that_the_api_closes_is_forgotten(nginx, api):
    edge = nginx(before(api))
    with Client(edge) as client:
        peer = first_call(api, client)
        open_then = descriptors(edge)
        peer.close()
        wait_for(lambda: descriptors(edge) == open_then - 1)
        first_call(api, client)


@pytest.mark.parametrize("reset", [False, True])
def test_one_whose_end_was_not_read_yet_is_not_used(nginx, api, reset):
    """The worker finds its end and the next request at once."""
    edge = nginx(before(api))
    with Client(edge) as client:
        peer = first_call(api, client)
        for _ in range(5):
            worker, = edge.workers()
            os.kill(worker, signal.SIGSTOP)
            client.send(POST)
            peer.close(reset)
            os.kill(worker, signal.SIGCONT)
            peer = api.accept()
            peer.serve()
            assert client.answer().status == 200
    assert "upstream" not in edge.log()


def large():
    return request("POST", "/v1/chat/completions",
                   dict(CHAT, padding="y" * 3000000))


@pytest.mark.parametrize("body", ["small", "memory", "file"])
def test_what_nobody_heard_is_sent_again(nginx, api, body):
    """The end of a kept connection crosses a request. It acknowledges none of
    that, so nobody has read it, and even a POST goes once more."""
    edge = nginx(before(api, "client_body_buffer_size %s;" % {
        "small": "1k", "memory": "4m", "file": "1k"}[body]))
    text = POST if body == "small" else large()
    with Client(edge) as client:
        for _ in range(3):
            peer = first_call(api, client)
            open_then = descriptors(edge)
            peer.deafen()
            client.send(text)
            wait_for(peer.was_written_to)
            peer.socket.shutdown(socket.SHUT_RDWR)
            again = api.accept()
            head, sent = again.serve()
            assert sent == text.split(b"\r\n\r\n", 1)[1]
            assert client.answer().status == 200
            peer.close(reset=True)
            again.close()
            wait_for(lambda: descriptors(edge) == open_then - 1)
    assert edge.access()[-1].endswith("|502, 200|2")


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_was_heard_is_sent_again_if_that_is_safe(
        nginx, api, method, reset):
    """As by nginx: a POST may have been acted on, unless it is said that this
    does not matter."""
    edge = nginx(before(api))
    with Client(edge) as client:
        peer = first_call(api, client)
        client.send(POST if method == "POST" else GET)
        peer.request()
        peer.close(reset)
        if method == "GET":
            api.accept().serve()
        assert client.answer().status == (502 if method == "POST" else 200)
        # and the address is none the worse for it
        first_call(api, client)
    assert "is left alone" not in edge.log()


def test_non_idempotent_sends_it_again(nginx, api):
    edge = nginx(before(api, "comet_next_upstream error non_idempotent;"))
    with Client(edge) as client:
        peer = first_call(api, client)
        client.send(POST)
        peer.request()
        peer.close()
        api.accept().serve()
        assert client.answer().status == 200


def test_an_api_that_restarts(nginx, api):
    """All that were kept are dead; none is tried after the first."""
    edge = nginx(before(api))
    clients = [Client(edge) for _ in range(4)]
    peers = []
    for client in clients:
        client.send(POST)
        peers.append(api.accept())
    for client, peer in zip(clients, peers):
        peer.serve()
        assert client.answer().status == 200
    for peer in peers:
        peer.deafen()
    clients[0].send(POST)
    wait_for(lambda: any(peer.was_written_to() for peer in peers))
    peer = next(peer for peer in peers if peer.was_written_to())
    peer.socket.shutdown(socket.SHUT_RDWR)
    api.accept().serve()
    assert clients[0].answer().status == 200
    for client in clients:
        client.socket.close()


# others

def test_an_upstream_block_keeps_its_own(nginx, mock):
    edge = nginx("upstream api { server 127.0.0.1:%d; keepalive 4; }"
                 % mock.port + edge_conf(mock, server="comet_keepalive off;")
                 .replace("127.0.0.1:%d" % mock.port, "api"))
    for _ in range(4):
        assert chat(edge).status == 200
    assert mock.connections == 1
