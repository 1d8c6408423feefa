"""Bodies in files: what is sent, who else reads them, and what is left."""

import json
import os
import signal
import socket
import struct
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


def nothing_left(edge):
    wait_for(lambda: not fds(edge))
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


def test_a_copy_that_cannot_be_written_is_a_500(nginx, mock):
    """The directory went away when the body was there already."""
    edge = nginx(edge_conf(mock, "", server=SECOND % (RULES, mock.port,
                                                      "gone")))
    (edge.dir / "gone").rmdir()
    for pad in ("p" * 3000, "p" * 5 * BLOCK):
        answer = first(edge, body_of(pad))
        assert answer.status == 500 and answer.complete
        assert answer.json()["error"]["type"] == "api_error"
    assert not mock.requests
    nothing_left(edge)
    lines = edge.log().splitlines(True)
    told = [line for line in lines if "[crit]" in line]
    assert len(told) == 2
    assert all("open()" in line and "/gone/" in line for line in told)
    (edge.dir / "error.log").write_text(
        "".join(line for line in lines if line not in told))
    # a body without edits needs no copy
    assert first(edge, json.dumps(dict(CHAT, user="p" * 5000,
                                       max_completion_tokens=5)).encode()).status == 200


@pytest.mark.parametrize("target", ["/v1/copied/", "/v1/again/"])
def test_a_large_body_does_not_hold_the_worker(nginx, mock, target):
    """What comes behind its last byte is served before it is."""
    edge = nginx(edge_conf(mock, "", server="""
        client_body_buffer_size 64k;
        lingering_close off;    # which would come before the log
        location = /small { return 200; }
        location /v1/copied/ {
            rewrite ^ /v1/chat/completions break;
            comet_pass http://$arg_none; comet_key sk-x;
            comet_param user =me;
        }
        location /v1/again/ {
            rewrite ^ /v1/chat/completions break;
            comet_pass http://$arg_none; comet_key sk-x;
            error_page 500 = @again;
        }
        location @again { comet_pass http://$arg_none; comet_key sk-x; }"""))
    text = json.dumps(dict(CHAT, pad="p" * 500 * BLOCK)).encode()
    data = request("POST", target, text)
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
def test_a_client_that_leaves_while_its_body_is_copied(nginx, mock, how):
    """The request ends, and its mirrors with it, wherever their copies are."""
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


def test_a_worker_that_is_to_exit_finishes_its_copies(nginx, mock):
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
