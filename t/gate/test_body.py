"""What follows a body that was not read whole has none."""

import socket
import threading

import pytest

from conftest import edge_conf, wait_for
from wire import CHAT, Client, call, chat, request

BAD = b'{"model":"o3","n":0,"messages":[{"role":"user","content":"'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: edge\r\n" \
    b"Content-Type: application/json\r\n"


def length(body, rest=200000):
    return HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + rest) + body


def chunked(body, behind=b""):
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" \
        + b"%x\r\n%s\r\n" % (len(body), body) + behind


def frame(kind, flags, payload, stream=1):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) \
        + stream.to_bytes(4, "big") + payload


def http2(body, rest=None):
    """Not ended: the client could send more."""
    block = b"\x83\x86\x04\x14/v1/chat/completions\x01\x04edge" \
        + b"\x0f\x10\x10application/json"
    if rest is not None:
        size = b"%d" % (len(body) + rest)
        block += b"\x0f\x0d" + bytes([len(size)]) + size
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, b"", 0) \
        + frame(1, 4, block) + frame(0, 0, body)


LONG = BAD + b"x" * 70000
SMALL = b'{"model":"o3","messages":[]' + b" " * 500

SENT = {
    "length": length(LONG),
    "chunked": chunked(LONG, b"fff\r\n" + b"x" * 3000),
    "http2": http2(BAD + b"x" * 10000),
    "http2 with a length": http2(BAD + b"x" * 10000, 200000),
    "a chunk too large": chunked(SMALL, b"ffffff\r\n" + b"x" * 3000),
    "a broken chunk": chunked(SMALL, b"what\r\n" + b"x" * 3000),
}

PAGES = ["error_page 400 403 413 = @p;", "error_page 400 403 413 = /b/err;",
         "error_page 400 403 413 = @auth;"]


def plain(mock, pages, **how):
    """An edge with a plain proxy on connections that are kept beside it."""
    return edge_conf(mock, pages + "client_max_body_size 1m;", http="""
        upstream plain { server 127.0.0.1:%d; keepalive 4; }
        proxy_http_version 1.1;
        proxy_set_header Connection "";""" % mock.port, server="""
        location @p { proxy_pass http://plain; }
        location @auth { auth_request /b/auth; proxy_pass http://plain; }
        location /b/ { proxy_pass http://plain; }""", **how)


@pytest.mark.parametrize("pages", PAGES)
@pytest.mark.parametrize("how", SENT)
def test_behind_a_half_read_body_there_is_none(nginx, mock, how, pages):
    conf = plain(mock, pages)
    if how.startswith("http2"):
        conf = conf.replace("listen PORT;", "listen PORT http2;")
    edge = nginx(conf)
    with Client(edge) as client:
        client.send(SENT[how])
        wait_for(lambda: mock.requests
                 and mock.last().target != "/b/auth")
        for one in mock.requests:
            assert one.header("content-length") in (None, "0")
            assert one.header("transfer-encoding") is None
        if how.startswith("http2"):
            client.send(frame(0, 0, b"x" * 10000) + frame(0, 1, b"x" * 100))
            while b'"object"' not in client.buffer:
                assert client.receive()
        else:
            assert client.answer().status == 200
    connections = mock.connections
    if not how.startswith("http2"):
        assert call(edge, "GET", "/b/next").status == 200
        assert (mock.last().method, mock.last().target) == ("GET", "/b/next")
        assert mock.connections == connections


def test_after_the_request_there_is_none_either(nginx, mock):
    """post_action, of a client that left in the middle of its body."""
    edge = nginx(plain(mock, "post_action /b/after;"))
    with Client(edge) as client:
        client.send(length(SMALL))
    wait_for(lambda: mock.requests)
    assert mock.last().target == "/b/after"
    assert mock.last().header("content-length") in (None, "0")


def test_an_opened_endpoint_is_read_as_carefully(nginx, mock):
    edge = nginx(plain(mock, PAGES[0] + "comet_endpoints /v1/files;"))
    with Client(edge) as client:
        client.send(SENT["a chunk too large"].replace(
            b"/v1/chat/completions", b"/v1/files"))
        assert client.answer().status == 200
    assert mock.last().header("content-length") in (None, "0")


class Recorder(threading.Thread):
    """Takes what comes on one connection and hangs up."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.data = b""
        self.start()

    def run(self):
        connection, _ = self.socket.accept()
        with connection:
            self.data = connection.recv(1 << 16)


@pytest.mark.parametrize("how", ["length", "chunked"])
@pytest.mark.parametrize("kind", ["fastcgi", "uwsgi", "scgi"])
def test_nor_do_other_gateways_hear_of_one(nginx, mock, kind, how):
    backend = Recorder()
    edge = nginx(edge_conf(mock, "error_page 400 = @b;", server="""
        location @b {
            %s_param CONTENT_LENGTH $content_length;
            %s_pass 127.0.0.1:%d;
        }""" % (kind, kind, backend.port)))
    with Client(edge) as client:
        client.send(SENT[how])
        client.answer()
    backend.join(30)
    assert b"CONTENT_LENGTH" in backend.data
    assert b"x" * 100 not in backend.data
    assert b"2000" not in backend.data and b"7005" not in backend.data


def test_a_second_gate_behind_the_first_has_none_to_judge(nginx, mock):
    edge = nginx(edge_conf(mock, "error_page 400 = @second;", server="""
        location @second {
            comet_pass http://127.0.0.1:%d; comet_key sk-x;
            comet_invalid observe; comet_endpoints /*;
        }""" % mock.port))
    with Client(edge) as client:
        client.send(SENT["length"])
        assert client.answer().status == 200
    assert mock.last().body == b""
    assert mock.last().header("content-length") == "0"


@pytest.mark.parametrize("why", ["key", "rate", "type", "method"])
def test_what_is_refused_before_its_body_is_read_keeps_it(nginx, mock, why):
    """The page's own location reads it, whole."""
    edge = nginx(plain(mock, "error_page 401 405 415 429 = @p;"
                       "comet_tenant_from $http_x_tenant;").replace(
        "server {", """comet_zone z:1m;
        comet_tenant a { comet_rate 1r/m; } comet_key sk-x;
        server {""", 1))
    data = dict(CHAT, user="u" * 100000)
    headers = {"X-Tenant": "a"}
    if why == "key":
        headers = {}
    if why == "rate":
        assert chat(edge, headers=headers).status == 200
    for is_chunked in (False, True):
        with Client(edge) as client:
            sent = request("PUT" if why == "method" else "POST",
                           "/v1/chat/completions", data, headers,
                           chunked=is_chunked)
            if why == "type":
                sent = sent.replace(b"/json", b"/jsonl")
            client.send(sent + request("GET", "/b/next"))
            assert client.answer().status == 200
            assert client.answer().status == 200
        first, second = mock.requests[-2:]
        assert first.json() == data and second.target == "/b/next"


def test_a_whole_body_that_is_refused_goes_on_whole(nginx, mock):
    edge = nginx(plain(mock, PAGES[0]))
    data = dict(CHAT, n=0)
    for is_chunked in (False, True):
        assert chat(edge, data, chunked=is_chunked).status == 200
        assert mock.last().json() == data
        assert call(edge, "GET", "/b/next").status == 200
    assert mock.connections == 1


@pytest.mark.parametrize("said, status", [
    ("", 200),
    ("client_header_buffer_size 1k;", 200),     # nginx's default: not set
    ("client_header_buffer_size 2k;", 400),
])
def test_a_head_and_a_short_body_are_read_at_once(nginx, mock, said, status):
    """The first buffer of a connection: the others hold less here."""
    edge = nginx(edge_conf(mock, server="large_client_header_buffers 4 1k;"
                           + said))
    head = {"X-Long": "x" * 2500}
    assert chat(edge, CHAT, head).status == status


def test_without_comet_pass_nothing_changes_how_a_head_is_read(nginx, mock):
    edge = nginx("""server {
        listen PORT;
        large_client_header_buffers 4 1k;
        location / { return 204; }
    }""")
    assert call(edge, "GET", "/", headers={"X-Long": "x" * 2500}).status == 400
