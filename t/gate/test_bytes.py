"""Bodies byte for byte: edits, the rest of a refused one, cuts anywhere."""

import json
import random
import time

import pytest

from conftest import edge_conf
from judged import SLOW, post, with_
from wire import CHAT, Client, call, chat, plan, request


@pytest.mark.parametrize("memory", ["1k", "8k", "1m"])
@pytest.mark.parametrize("chunked", [False, True])
def test_edits_in_memory_and_in_files(nginx, mock, memory, chunked):
    """The same requests, whatever nginx holds the body in."""
    edge = nginx("""
    upstream api { server 127.0.0.1:%d max_fails=0;
                   server 127.0.0.1:%d max_fails=0; }
    """ % (mock.port, mock.port) + edge_conf(mock, """
        comet_invalid repair; comet_param user =me; comet_param store =true;
        comet_max_output_tokens 50 default;
        comet_next_upstream http_503 non_idempotent;
        client_body_buffer_size %s;""" % memory, http="""
        comet_provider old {
            match     old-*;
            param     temperature 0..1;
            param     logprobs off;
            param     top_logprobs off;
            param     reasoning_effort off;
            cap       max_tokens;
            developer off;
        }""").replace("127.0.0.1:%d" % mock.port, "api"))
    rng = random.Random(3)
    for n in range(12):
        pad = "\u043f" * rng.choice([1, 300, 9000, 40000])
        fields = [("model", rng.choice(["old-x", "o3", "gemini-x"])),
                  ("messages", [{"role": "developer", "content": pad},
                                {"role": "user", "content": pad}]),
                  ("temperature", 5.25), ("logprobs", True),
                  ("top_logprobs", 3), ("reasoning_effort", "low"),
                  (rng.choice(["max_tokens", "max_completion_tokens"]), 999),
                  ("keep", 12345678901234567890), ("user", "you")]
        rng.shuffle(fields)
        body = dict(fields)
        text = json.dumps(body, ensure_ascii=False).encode()
        seen = len(mock.requests)
        answer = chat(edge, text, plan(status=503), chunked=chunked)
        assert answer.status == 503
        first, second = mock.requests[seen:]
        assert (first.head, first.body) == (second.head, second.body)
        got = first.json()
        old = body["model"] == "old-x"
        want = dict(body, user="me", store=True, temperature=1 if old else 2)
        for name in ("max_tokens", "max_completion_tokens"):
            want.pop(name, None)
        want["max_completion_tokens" if body["model"] == "o3"
             else "max_tokens"] = 50
        if body["model"] != "o3":
            for name in ("logprobs", "top_logprobs", "reasoning_effort"):
                want.pop(name)
        if old:
            want["messages"] = [dict(body["messages"][0], role="system"),
                                body["messages"][1]]
        assert got == want
        assert b"12345678901234567890" in first.body


def test_an_ordinary_prompt_never_touches_the_disk(edge, mock):
    for size in (1000, 100000, 1000000):
        body = with_(messages=[{"role": "user", "content": "x" * size}])
        for chunked in (False, True):
            assert chat(edge, body, chunked=chunked).status == 200
    assert "buffered to a temporary file" not in edge.log()


def free_value(rng, depth=0):
    """What no rule touches, in odd spellings."""
    kind = rng.randint(0, 9 if depth < 6 else 6)
    space = lambda: rng.choice(["", "", " ", "\n", "\t ", "\r\n"])  # noqa: E731
    if kind <= 1:
        return rng.choice(["1E400", "-0", "0.10", "1e-7", "-1E+2",
                           "123456789012345678901234567890", "1.0"])
    if kind <= 4:
        return '"%s"' % "".join(rng.choice([
            "a", "\\n", "\\u0041", "\\ud83d\\ude00", "\\/", "\\\"", "\u20ac",
            "\U0001f600", "\\u0000", "\x7f", " "])
            for _ in range(rng.randint(0, 60)))
    if kind <= 6:
        return rng.choice(["true", "false", "null"])
    if kind == 7:
        return "[" + ",".join(space() + free_value(rng, depth + 1) + space()
                              for _ in range(rng.randint(0, 4))) + "]"
    return "{" + ",".join(
        '%s"%s"%s:%s%s' % (space(), rng.choice(["k", "id", "\\u006b", "", "k"]),
                           space(), space(), free_value(rng, depth + 1))
        for _ in range(rng.randint(0, 4))) + "}"


def test_what_no_rule_touches_is_the_same_upstream(edge, mock):
    rng = random.Random(11)
    with Client(edge) as client:
        for n in range(150 if SLOW else 600):
            members = ['"model":"o3"', '"messages" : [{"role":"user",'
                       '"content":"%s"}]' % ("x" * rng.randint(0, 3000)),
                       '"max_completion_tokens":\t%d' % n]
            members += ['"free%d":%s' % (k, free_value(rng))
                        for k in range(rng.randint(0, 6))]
            rng.shuffle(members)
            body = ("{" + " ,\n".join(members) + "}\n").encode()
            answer = client.call("POST", "/v1/chat/completions", body,
                                 chunked=rng.random() < 0.3)
            assert answer.status == 200, (body, answer.body)
            assert mock.last().body == body


def test_a_body_of_50_megabytes(edge, mock):
    import hashlib
    image = "data:image/png;base64," + "iVBORw0KGgo+/AAB" * (50 * 65536)
    body = with_("o3", max_tokens=5, messages=[{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": image, "detail": "low"}}]}])
    text = json.dumps(body).encode()
    want = text.replace(b'"max_tokens"', b'"max_completion_tokens"')
    for chunked in (False, True):
        assert chat(edge, text, chunked=chunked).status == 200
        assert mock.last().json()["max_completion_tokens"] == 5
        assert len(mock.last().body) == len(want)
        assert hashlib.sha256(mock.last().body).digest() \
            == hashlib.sha256(want).digest()


def test_a_violation_is_told_before_the_rest_is_sent(edge, mock):
    body = b'{"model":"claude-x","temperature":3,"messages":[{"role":' \
        b'"user","content":"' + b"x" * 100000
    with Client(edge) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Type: application/json\r\n"
                    b"Content-Length: 50000000\r\n\r\n" + body)
        answer = client.answer()       # with 49.9 MB still to come
        assert answer.status == 400
        assert answer.json()["error"]["param"] == "temperature"
        assert answer.header("connection") == "close"
        try:
            for _ in range(100):
                client.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        except OSError:
            pass
    assert not mock.requests


SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: smuggled\r\n\r\n"


def nothing_behind(edge, mock, data, at_once=True):
    """Whatever follows a refused request's head is not the next one."""
    with Client(edge) as client:
        client.send(data + SMUGGLED if at_once else data)
        first = client.answer()
        try:
            if not at_once:
                client.send(SMUGGLED)
            while client.receive():
                pass
        except OSError:
            pass
        assert b"HTTP/1.1" not in client.buffer
    assert not mock.requests
    return first.status


@pytest.mark.parametrize("line,status", [
    (b"POST /v1/nope", 404), (b"PUT /v1/responses", 405),
    (b"POST /v1/chat/completions", 415), (b"GET /v1/models/denied", 404)])
def test_a_broken_body_of_a_refused_request_is_no_request(
        nginx, mock, line, status):
    edge = nginx(edge_conf(mock, "comet_models o3;"))
    head = line + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert nothing_behind(edge, mock, head) == status


@pytest.mark.parametrize("page", ["", "error_page 403 400 /e;"])
def test_the_rest_of_a_refused_body_is_no_request(nginx, mock, page):
    edge = nginx(edge_conf(mock, "comet_models o3;" + page, server="""
        location = /e { return 403 mine; }"""))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" \
        b"Content-Type: application/json\r\nContent-Length: 500000\r\n\r\n"
    for start, status in ((b'{"model":"evil","messages":[]} ', 403),
                          (b'{"model":"o3","n":0, ', 400)):
        assert nothing_behind(edge, mock, head + start, at_once=False) \
            in (status, 403)


def test_a_refusal_of_a_whole_body_keeps_the_connection(edge, mock):
    with Client(edge) as client:
        for _ in range(3):
            assert client.call("POST", "/v1/chat/completions",
                               with_(n=0)).status == 400
            assert client.call("POST", "/v1/chat/completions",
                               CHAT).status == 200
    assert len(mock.requests) == 3


def test_a_refusal_before_a_short_rest_keeps_the_connection(edge, mock):
    data = request("POST", "/v1/chat/completions", dict(
        with_(n=0), user="x" * 60000, temperature=3))
    with Client(edge) as client:
        for _ in range(3):
            client.send(data[:300])
            time.sleep(0.05)
            client.send(data[300:])
            answer = client.answer()
            assert answer.status == 400
            assert answer.header("connection") == "keep-alive"
            message = answer.json()["error"]["message"]
            assert "n is 0" in message and "temperature is 3" in message
        assert client.call("POST", "/v1/chat/completions",
                           CHAT).status == 200
    assert len(mock.requests) == 1


def test_bodies_that_come_at_once_are_judged_apart(edge, mock):
    """A worker keeps what judges a body for the next one."""
    bodies = [(with_(n=0), 400), (CHAT, 200), (with_(temperature=3), 400),
              (with_("o3", max_tokens=5), 200)] * 2
    clients = [Client(edge) for _ in bodies]
    for i in range(3):
        for client, (body, _) in zip(clients, bodies):
            data = request("POST", "/v1/chat/completions", body)
            at = data.index(b"\r\n\r\n") + 4
            cuts = [0, at + 20, at + 40, len(data)]
            client.send(data[cuts[i]:cuts[i + 1]])
        assert chat(edge).status == 200
    for client, (body, status) in zip(clients, bodies):
        with client:
            assert client.answer().status == status
    sent = sorted(json.dumps(one.json()) for one in mock.requests)
    fine = [CHAT] * 5 + [with_("o3", max_completion_tokens=5)] * 2
    assert sent == sorted(json.dumps(body) for body in fine)


@pytest.mark.parametrize("expect", [False, True])
def test_behind_a_refusal_with_a_short_rest_the_next_one_is_read(
        edge, mock, expect):
    data = request("POST", "/v1/chat/completions",
                   dict(with_(n=0), user="x" * 30000),
                   headers={"Expect": "100-continue"} if expect else None)
    at = data.index(b"\r\n\r\n") + 4
    with Client(edge) as client:
        client.send(data[:at])
        if expect:
            assert client.head()[1] == 100
        for piece in (data[at:at + 300], data[at + 300:9000]):
            client.send(piece)
            time.sleep(0.05)
        client.send(data[9000:]
                    + request("POST", "/v1/chat/completions", CHAT))
        assert client.answer().status == 400
        assert client.answer().status == 200
    assert [one.json() for one in mock.requests] == [CHAT]


def test_cut_anywhere_the_body_is_judged_the_same(edge, mock):
    good = request("POST", "/v1/chat/completions", with_("o3", max_tokens=5))
    bad = request("POST", "/v1/chat/completions", with_(n=0))
    for data, status in ((good, 200), (bad, 400)):
        start = data.index(b"\r\n\r\n") + 4
        with Client(edge) as client:
            for cut in range(start, len(data), 3):
                client.send(data[:cut])
                time.sleep(0.001)
                client.send(data[cut:])
                assert client.answer().status == status
    assert all(r.json() == with_("o3", max_completion_tokens=5)
               for r in mock.requests)


def test_a_body_that_was_read_before_the_gate(nginx, mock):
    """Behind an internal redirect the filter saw nothing of this request."""
    edge = nginx(edge_conf(mock, "client_body_buffer_size 2k;", server="""
        location /first/ {
            comet_pass http://127.0.0.1:1; comet_key sk-x;
            rewrite ^/first(/.*)$ $1 break;
            error_page 502 = @second;
            client_body_buffer_size 2k;
        }
        location @second {
            comet_pass http://127.0.0.1:%d; comet_key sk-x;
            rewrite ^/first(/.*)$ $1 break;
            comet_invalid repair;
        }""" % mock.port))
    for size in (10, 100000):
        body = with_("o3", max_tokens=5, user="x" * size)
        answer = post(edge, "/first/v1/chat/completions", body)
        want = dict(body, max_completion_tokens=5)
        del want["max_tokens"]
        assert answer.status in (200, 405), answer.body
        if answer.status == 200:
            assert mock.last().json() == want


def test_an_error_page_into_the_api_takes_no_body_along(nginx, mock):
    edge = nginx(edge_conf(mock, "error_page 400 = /v1/models;"))
    assert chat(edge, b"[1, 2, 3]").json()["object"] == "list"
    assert mock.last().method == "GET" and mock.last().body == b""
    assert mock.last().header("content-length") is None


def test_try_files_does_not_lead_around_the_gate(nginx, mock):
    edge = nginx(edge_conf(mock, "try_files /v1/responses =404;"
                                 "comet_endpoints /v1/files; root ./;"))
    (edge.dir / "v1").mkdir()
    (edge.dir / "v1" / "responses").write_text("")
    assert call(edge, "POST", "/v1/files", {}).status == 500
    assert not mock.requests
