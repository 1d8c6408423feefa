"""Bodies in files: what is sent, who else reads them, and what is left."""

import json
import os
import re
import resource
import signal
import socket
import struct
import threading
import time

import pytest

from conftest import edge_conf, wait_for
from wire import CHAT, Client, chat, plan, request

SLOW = "COMET_SLOW" in os.environ

BLOCK = 65536

RULES = """
    comet_invalid repair;
    comet_param user =me;
    comet_max_output_tokens 50;
    client_body_buffer_size 1k;
"""


def body_of(pad, model="o3", **fields):
    """Edits at the start, in the middle and at the end of a body."""
    text = json.dumps({"model": model, "max_tokens": 999,
                       "messages": [{"role": "developer", "content": pad}],
                       "temperature": 5, **fields}).encode()
    middle = len(text) // 2
    assert len(pad) < 100 or text[middle:middle + 1] == pad[:1].encode()
    return text


def edited(pad, model="o3", cap=50, **fields):
    names = ("max_completion_tokens", "developer", 2) if model == "o3" \
        else ("max_tokens", "system", 1)
    return dict({"model": model, names[0]: cap, "user": "me",
                 "messages": [{"role": names[1], "content": pad}],
                 "temperature": names[2]}, **fields)


def worker(edge):
    return edge.workers()[0]


def fds(edge):
    """What the worker has open of the directory of bodies."""
    directory = "/proc/%d/fd" % worker(edge)
    found = []
    for fd in os.listdir(directory):
        path = os.path.join(directory, fd)
        try:
            if os.readlink(path).startswith(str(edge.dir / "body")):
                found.append(path)
        except FileNotFoundError:
            pass
    return found


def mappings(edge):
    with open("/proc/%d/maps" % worker(edge)) as maps:
        return [line for line in maps if str(edge.dir / "body") in line]


def nothing_left(edge):
    wait_for(lambda: not fds(edge) and not mappings(edge))
    assert not [name for _, _, names in os.walk(edge.dir / "body")
                for name in names]


def peak(edge):
    """The most memory that the worker ever had, in bytes."""
    for line in open("/proc/%d/status" % worker(edge)):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def servers(mock, location, **more):
    """Two servers of one upstream, both of them the mock."""
    one = "server 127.0.0.1:%d max_fails=0;" % mock.port
    return "upstream api { %s %s }" % (one, one) + edge_conf(
        mock, location, **more).replace("http://127.0.0.1:%d" % mock.port,
                                        "http://api")


@pytest.mark.parametrize("sendfile", ["on", "off"])
@pytest.mark.parametrize("chunked", [False, True])
def test_edits_at_every_place_of_a_file_twice_the_same(
        nginx, mock, chunked, sendfile):
    edge = nginx(servers(mock, RULES + """
        sendfile %s;
        comet_next_upstream http_503 non_idempotent;""" % sendfile, http="""
        comet_provider old {
            match     old-*;
            param     temperature 0..1;
            cap       max_tokens;
            developer off;
        }"""))
    with Client(edge) as client:
        for size in (1500, BLOCK - 200, BLOCK, 3 * BLOCK + 7):
            for model in ("o3", "old-x"):
                pad = "p" * size
                seen = len(mock.requests)
                answer = client.call("POST", "/v1/chat/completions",
                                     body_of(pad, model), plan(status=503),
                                     chunked=chunked)
                assert answer.status == 503
                first, second = mock.requests[seen:]
                assert first.json() == edited(pad, model)
                assert (first.head, first.body) == (second.head, second.body)
                # nothing is filled up with spaces
                assert b"  " not in first.body
    nothing_left(edge)


def test_edits_across_the_ends_of_blocks(nginx, mock):
    """A block may end before, in and behind what is edited."""
    edge = nginx(edge_conf(mock, RULES))
    base = body_of("")
    start = base.index(b'"developer"')
    stop = base.index(b'"temperature": 5') + 16
    with Client(edge) as client:
        for at in list(range(BLOCK - stop - 1, BLOCK - start + 2)):
            text = base[:-1] + b" " * 8 + b"}"
            text = b" " * at + text
            answer = client.call("POST", "/v1/chat/completions", text)
            assert answer.status == 200, answer.body
            got = mock.last()
            assert got.json() == edited("")
            assert got.body.lstrip(b" ").startswith(b'{"user":"me","model"')
            assert len(got.body) - len(got.body.lstrip(b" ")) == at
    nothing_left(edge)


def test_a_dropped_range_over_many_blocks(nginx, mock):
    edge = nginx(edge_conf(mock, RULES))
    chat(edge, body_of("x" * 5000))
    before = peak(edge)
    for gap in (BLOCK, 30 << 20):
        head = b'{"model":"claude-x","messages":[{"role":"user",' \
            b'"content":"Hi"}],"logprobs":'
        text = head + b" " * gap + b'true,"keep":1}'
        assert chat(edge, text).status == 200
        assert mock.last().body == b'{"user":"me",' + head[1:-12] \
            + b',"keep":1}'
    assert peak(edge) - before < 10 << 20
    nothing_left(edge)


def test_others_read_the_body_as_it_came(nginx, mock):
    """mirror, error_page and client_body_in_file_only."""
    edge = nginx(edge_conf(mock, RULES + """
        mirror /plain; mirror /comet; mirror /observe;
        error_page 502 = @plain;""", server="""
        location = /plain {
            internal;
            proxy_pass http://127.0.0.1:%(port)d/plain;
        }
        location = /comet {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%(port)d/mirrored;
            comet_key sk-x; comet_invalid repair;
            comet_param user =other; comet_max_output_tokens 7;
        }
        location = /observe {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%(port)d/observed;
            comet_key sk-x; comet_invalid observe;
        }
        location @plain {
            proxy_method POST;
            proxy_pass http://127.0.0.1:%(port)d;
        }
        location /down/ {
            rewrite ^/down(/.*)$ $1 break;
            comet_pass http://127.0.0.1:1; comet_key sk-x;
            %(rules)s
            error_page 502 = @plain;
            client_body_in_file_only on;
        }""" % {"port": mock.port, "rules": RULES}))
    for size in (10, 3000, 20 * BLOCK):
        pad = "p" * size
        text = body_of(pad)
        del mock.requests[:]
        assert chat(edge, text).status == 200
        wait_for(lambda: len(mock.requests) == 4 and all(
            len(r.body) == int(r.header("content-length"))
            for r in mock.requests))
        got = {r.target: r for r in mock.requests}
        assert got["/v1/chat/completions"].json() == edited(pad)
        assert got["/mirrored/v1/chat/completions"].json() \
            == dict(edited(pad, cap=7), user="other")
        assert got["/plain"].body == text
        assert got["/observed/v1/chat/completions"].body == text
        nothing_left(edge)
        with Client(edge) as client:
            client.call("POST", "/down/v1/chat/completions", text)
        assert mock.last().body == text
        wait_for(lambda: not fds(edge))
        kept = list((edge.dir / "body").iterdir())
        assert [path.read_bytes() for path in kept] == [text]
        kept[0].unlink()


SECOND = """
    location /first/ {
        comet_pass http://127.0.0.1:1; comet_key sk-x;
        rewrite ^/first(/.*)$ $1 break;
        error_page 502 = @second;
        %s
    }
    location @second {
        comet_pass http://127.0.0.1:%d; comet_key sk-x;
        comet_invalid repair; comet_max_output_tokens 7 default;
        client_body_temp_path %s;
    }"""


def first(edge, text):
    with Client(edge) as client:
        return client.call("POST", "/first/v1/chat/completions", text)


def test_behind_an_error_page_the_body_is_edited_from_what_came(nginx, mock):
    edge = nginx(edge_conf(mock, "", server=SECOND % (RULES, mock.port,
                                                      "body")))
    for size in (10, 3000, BLOCK, 5 * BLOCK):
        pad = "p" * size
        assert first(edge, body_of(pad)).status == 200
        want = edited(pad, cap=7)
        del want["user"]
        assert mock.last().json() == want
        assert first(edge, body_of(pad, n=0)).status == 200
        assert mock.last().json() == dict(want, n=1)
        assert first(edge, body_of(pad)[:-1]).status == 400
        nothing_left(edge)


def test_edits_write_no_file(nginx, mock):
    """The directory went away when the body was there already."""
    edge = nginx(edge_conf(mock, "", server=SECOND % (RULES, mock.port,
                                                      "gone")))
    (edge.dir / "gone").rmdir()
    for pad in ("p" * 3000, "p" * 5 * BLOCK):
        assert first(edge, body_of(pad)).status == 200
        assert mock.last().json()["max_completion_tokens"] == 7
    nothing_left(edge)


def test_without_address_space_it_is_a_500(nginx, mock):
    edge = nginx(edge_conf(mock, RULES))
    assert chat(edge, body_of("p" * 5 * BLOCK)).status == 200
    seen = len(mock.requests)
    with open("/proc/%d/statm" % worker(edge)) as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.prlimit(worker(edge), resource.RLIMIT_AS, (size + (24 << 20), -1))
    answer = chat(edge, body_of("p" * (48 << 20)))
    assert answer.status == 500 and answer.complete
    assert answer.json()["error"]["type"] == "api_error"
    assert len(mock.requests) == seen
    assert chat(edge, body_of("p" * 5 * BLOCK)).status == 200
    nothing_left(edge)
    lines = edge.log().splitlines(True)
    told = [line for line in lines if "[alert]" in line]
    assert len(told) == 1 and "mmap(" in told[0] and "ppp" not in told[0]
    (edge.dir / "error.log").write_text(
        "".join(line for line in lines if line not in told))


@pytest.fixture
def breaker():
    """A server that reads so much of a request, resets, and takes the next."""
    class Breaker(threading.Thread):
        after = 0

        def __init__(self):
            super().__init__(daemon=True)
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            self.port = self.listener.getsockname()[1]
            self.taken = []

        def run(self):
            broken = False
            while True:
                try:
                    peer, _ = self.listener.accept()
                except OSError:
                    return
                with peer:
                    peer.settimeout(30)
                    if not broken:
                        left = self.after
                        while left:
                            left -= len(peer.recv(left))
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        struct.pack("ii", 1, 0))
                    else:
                        self.taken.append(self.whole(peer))
                        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                     b"Connection: close\r\n\r\n{}")
                    broken = not broken

        def whole(self, peer):
            data = b""
            while b"\r\n\r\n" not in data:
                data += peer.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
            while len(body) < length:
                body += peer.recv(65536)
            return body

    server = Breaker()
    server.start()
    yield server
    server.listener.close()


@pytest.mark.parametrize("sendfile", ["on", "off"])
def test_a_retry_after_any_byte_sends_the_same_again(
        nginx, mock, breaker, sendfile):
    one = "server 127.0.0.1:%d max_fails=0;" % breaker.port
    edge = nginx("upstream api { %s %s }" % (one, one) + edge_conf(
        mock, RULES + "sendfile %s; comet_next_upstream error non_idempotent;"
        % sendfile).replace("127.0.0.1:%d" % mock.port, "api"))
    text = body_of("p" * 8 * BLOCK)
    with Client(edge) as client:
        for after in [1, 200, 300, 350, 400, 420, 450, 500, 1000, BLOCK, BLOCK + 1,
                      3 * BLOCK, 7 * BLOCK, 8 * BLOCK, len(text), len(text) + 100]:
            breaker.after = after
            answer = client.call("POST", "/v1/chat/completions", text)
            assert answer.status == 200
            body = breaker.taken.pop()
            assert not breaker.taken
            assert json.loads(body) == edited("p" * 8 * BLOCK)
            assert b"  " not in body
    nothing_left(edge)


def test_a_large_body_does_not_hold_the_worker(nginx, mock):
    """What comes behind its last byte is served before it is."""
    edge = nginx(edge_conf(mock, "", server="""
        client_body_buffer_size 64k;
        lingering_close off;    # which would come before the log
        location = /small { return 200; }
        location /v1/again/ {
            rewrite ^ /v1/chat/completions break;
            comet_pass http://$arg_none; comet_key sk-x;
            error_page 500 = @again;
        }
        location @again { comet_pass http://$arg_none; comet_key sk-x; }"""))
    text = json.dumps(dict(CHAT, pad="p" * 500 * BLOCK)).encode()
    data = request("POST", "/v1/again/", text)
    for n in range(50):
        seen = len(edge.access())
        with Client(edge) as large, Client(edge) as small:
            assert small.call("GET", "/small").status == 200
            large.send(data[:-1])
            wait_for(lambda: sum(os.stat(path).st_size for path in fds(edge))
                     > len(text) - 2 * BLOCK)
            large.send(data[-1:])
            assert small.call("GET", "/small").status == 200
            assert large.answer().status == 500
        wait_for(lambda: len(edge.access()) == seen + 3)
        if edge.access()[seen + 1].startswith("GET"):
            break
    else:
        raise AssertionError("never in fifty times")
    nothing_left(edge)


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_client_that_leaves_while_its_body_is_sent(nginx, mock, how):
    """The request ends, and its mirrors with it, wherever their bodies are."""
    edge = nginx(edge_conf(mock, RULES + "mirror /comet;", server="""
        location = /plain {
            mirror /comet; mirror /comet;
            proxy_pass http://127.0.0.1:%d;
        }
        location = /comet {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key sk-x;
            %s
        }""" % (mock.port, mock.port, RULES)))
    text = body_of("p" * 100 * BLOCK)
    for target in ("/v1/chat/completions", "/plain"):
        for n in range(5):
            with Client(edge) as client:
                client.send(request("POST", target, text, plan(silent=True)))
                if how == "reset":
                    client.socket.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
    assert chat(edge, CHAT).status == 200
    nothing_left(edge)


def frames(body, wishes=None):
    """A request in HTTP/2, in one stream."""
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) \
            + struct.pack(">I", stream) + payload

    # POST, http, :path, :authority, content-type
    block = b"\x83\x86" + b"\x04\x14/v1/chat/completions" \
        + b"\x01\x04edge" + b"\x0f\x10\x10application/json"
    for name, value in (wishes or {}).items():
        block += b"\0%c%s%c%s" % (len(name), name.encode(),
                                  len(value), value.encode())
    parts = [body[n:n + 16384] for n in range(0, len(body), 16384)]
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") \
        + frame(1, 4, 1, block) + b"".join(
            frame(0, part is parts[-1], 1, part) for part in parts)


RESET = b"\0\0\4\3\0\0\0\0\1\0\0\0\x08"


@pytest.mark.parametrize("how", ["wait", "reset", "close"])
def test_an_http2_body_in_a_file(nginx, mock, how):
    edge = nginx(edge_conf(mock, RULES, http="http2_body_preread_size 16m;")
                 .replace("listen PORT;", "listen PORT http2;"))
    pad = "p" * 50 * BLOCK
    for n in range(5):
        with Client(edge) as client:
            client.send(frames(body_of(pad), None if how == "wait"
                               else plan(silent=True)))
            if how == "reset":
                wait_for(lambda: fds(edge))
                client.send(RESET)
                # the connection is as good as before
                client.send(b"\0\0\x08\6\0\0\0\0\0the ping")
                while b"the ping" not in client.buffer:
                    assert client.receive()
            elif how == "wait":
                while b"chat.completion" not in client.buffer:
                    assert client.receive()
                assert mock.last().json() == edited(pad)
    with Client(edge) as client:
        client.send(frames(body_of(pad)))
        while b"chat.completion" not in client.buffer:
            assert client.receive()
    assert mock.last().json() == edited(pad)
    nothing_left(edge)


def test_a_worker_that_is_to_exit_finishes_what_it_sends(nginx, mock):
    edge = nginx(edge_conf(mock, RULES + "client_body_buffer_size 64k;")
                 .replace("client_body_buffer_size 1k;", ""))
    data = request("POST", "/v1/chat/completions", body_of("p" * 500 * BLOCK))
    for n in range(3 if SLOW else 12):
        old = worker(edge)
        with Client(edge) as client:
            client.send(data)
            time.sleep(n * 0.002)
            os.kill(old, signal.SIGQUIT)
            assert client.answer().status == 200
        wait_for(lambda: edge.workers() not in ([], [old]))
    nothing_left(edge)
