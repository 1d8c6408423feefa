"""comet_pass: what goes to the API and what comes back."""

import json
import re
import socket
import struct
import threading

import pytest

from conftest import KEY, edge_conf, wait_for
from wire import CHAT, STREAM, Client, call, chat, plan, request


def sent(mock):
    return {k.lower(): v for k, v in mock.last().headers}


# the request's head

def test_the_ten_line_configuration_serves_a_call(edge, mock):
    answer = chat(edge)
    assert answer.status == 200
    assert answer.json()["choices"][0]["message"]["role"] == "assistant"
    assert mock.last().method == "POST"
    assert mock.last().target == "/v1/chat/completions"
    assert mock.last().json() == CHAT


def test_the_key_is_put_in_and_the_clients_own_is_left_out(edge, mock):
    secrets = {"Authorization": "Bearer client-secret",
               "x-api-key": "client-secret", "api-key": "client-secret",
               "Proxy-Authorization": "Basic client-secret",
               "Cookie": "session=client-secret"}
    assert chat(edge, headers=secrets).status == 200
    assert sent(mock)["authorization"] == "Bearer " + KEY
    assert b"client-secret" not in mock.last().head


def test_nothing_of_the_network_behind_is_told(edge, mock):
    private = {"X-Forwarded-For": "10.1.2.3", "X-Real-IP": "10.1.2.3",
               "Forwarded": "for=10.1.2.3", "Via": "1.1 inner-proxy",
               "X-Forwarded-Host": "inner-proxy", "Referer": "inner-proxy",
               "X-Client-Cert": "inner-proxy", "Origin": "inner-proxy"}
    assert chat(edge, headers=private).status == 200
    assert b"10.1.2.3" not in mock.last().head
    assert b"inner-proxy" not in mock.last().head


def test_what_an_api_needs_goes_on(edge, mock):
    wanted = {"Accept": "text/event-stream", "User-Agent": "OpenAI/Python 1",
              "OpenAI-Beta": "x=v2", "X-Stainless-Lang": "python",
              "X-Stainless-Retry-Count": "1",
              "traceparent": "00-abc-def-01", "tracestate": "a=b",
              "X-Request-ID": "req-1", "X-Client-Request-Id": "req-2"}
    assert chat(edge, headers=wanted).status == 200
    head = dict(mock.last().headers)
    for name, value in wanted.items():
        assert head[name] == value
    assert head["Content-Type"] == "application/json"


def test_the_head_is_exactly_what_is_documented(edge, mock):
    chat(edge, headers={"Accept-Encoding": "gzip, br", "TE": "trailers",
                        "Connection": "keep-alive, x-hop", "X-Hop": "1",
                        "Priority": "u=1", "Accept-Language": "uk"})
    assert [k.lower() for k, _ in mock.last().headers] == [
        "host", "accept-encoding", "authorization", "content-length",
        "content-type"]
    assert sent(mock)["accept-encoding"] == "identity"
    assert sent(mock)["host"] == "127.0.0.1:%d" % mock.port


def test_comet_forward_header_adds_to_the_list(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_forward_header X-Team x-cost-center;"))
    chat(edge, headers={"X-TEAM": "red", "X-Cost-Center": "7", "X-Other": "1"})
    assert sent(mock)["x-team"] == "red"
    assert sent(mock)["x-cost-center"] == "7"
    assert "x-other" not in sent(mock)


@pytest.mark.parametrize("target", [
    "/v1/models?limit=2&after=%20x%2Fy", "/v1/models/ft%3Agpt-4o",
    "/v1/models/vendor/model-1?a=b?c", "/v1/models/vendor%2Fmodel",
    "/v1/responses/resp_1/input_items?a",
    "/v1/responses/resp%5f1"])
def test_path_and_query_go_as_sent(edge, mock, target):
    assert call(edge, "GET", target).status == 200
    assert mock.last().target == target


@pytest.mark.parametrize("target,judged", [
    ("//v1//models", "/v1/models"), ("/v1//models?x=%41//", "/v1/models?x=%41//"),
    ("/v1/responses//resp%5f1", "/v1/responses/resp_1")])
def test_a_path_that_nginx_had_to_read_goes_as_it_was_judged(
        edge, mock, target, judged):
    assert call(edge, "GET", target).status == 200
    assert mock.last().target == judged


def test_a_path_prefix(nginx, mock):
    conf = edge_conf(mock).replace("%d;" % mock.port,
                                   "%d/tenant/a/;" % mock.port)
    edge = nginx(conf)
    call(edge, "GET", "/v1/models?x=1")
    assert mock.last().target == "/tenant/a/v1/models?x=1"
    call(edge, "GET", "//v1/models?x=1")
    assert mock.last().target == "/tenant/a/v1/models?x=1"


def test_a_rewritten_location(nginx, mock):
    edge = nginx(edge_conf(mock).replace(
        "location /v1/ {",
        "location /llm/ { rewrite ^/llm(/.*)$ $1 break;"))
    assert call(edge, "GET", "/llm/v1/models?x=1").status == 200
    assert mock.last().target == "/v1/models?x=1"


def test_comet_host(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_host $http_x_which.example;"))
    chat(edge, headers={"X-Which": "eu"})
    assert sent(mock)["host"] == "eu.example"


def test_no_value_of_a_variable_ends_its_line(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_host $http_x_host;"))
    assert chat(edge, headers={"X-Host": "a"}).status == 200
    assert chat(edge, headers={"X-Host": "a HTTP/1.1"}).status == 500
    assert len(mock.requests) == 1


def test_a_rewritten_uri_cannot_add_a_line(nginx, mock):
    edge = nginx(edge_conf(mock, "rewrite ^ /v1/models?u=$http_x_u break;"))
    assert call(edge, "GET", "/v1/x", headers={"X-U": "1"}).status == 200
    answer = call(edge, "GET", "/v1/x", headers={"X-U": "1 HTTP/1.1 X-Inj: y"})
    assert answer.status == 500
    assert len(mock.requests) == 1


# the request's body

@pytest.mark.parametrize("size", [0, 1, 1000, 20000, 3000000])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("memory", ["1k", "16k", "4m"])
def test_the_body_arrives_byte_for_byte(nginx, mock, size, chunked, memory):
    edge = nginx(edge_conf(mock, "client_body_buffer_size %s;"
                           "comet_endpoints /v1/files;" % memory))
    anything = (bytes(range(256)) * (size // 256 + 1))[:size]
    prompt = b"""{ "messages":[ {"content" : "%s", "role":"user"}]  ,
        "x" : 1E400,"big":12345678901234567890123, "model" : "o3" }""" \
        % ((b"abc\\u0041\\n\\\"\xd0\xbf") * (size // 14))
    with Client(edge) as client:
        for target, body in (("/v1/files", anything),
                             ("/v1/chat/completions", prompt)):
            answer = client.call("POST", target, body, chunked=chunked)
            assert answer.status == 200
            assert mock.last().body == body
            assert sent(mock)["content-length"] == str(len(body))
            assert "transfer-encoding" not in sent(mock)


def test_http2(nginx, mock, tmp_path):
    """nginx's own client for HTTP/2 is curl, where it can speak it."""
    edge = nginx(edge_conf(mock).replace("listen PORT;",
                                         "listen PORT http2;"))
    frame = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">I", 0)[1:] \
        + b"\x04\x00\x00\x00\x00\x00"
    body = json.dumps(CHAT).encode()
    # :method POST, :scheme http, :path and :authority as literals
    block = b"\x83\x86" + b"\x04\x14/v1/chat/completions" + b"\x01\x04edge" \
        + b"\x0f\x10\x10application/json"
    headers = struct.pack(">I", len(block))[1:] + b"\x01\x04\x00\x00\x00\x01"
    data = struct.pack(">I", len(body))[1:] + b"\x00\x01\x00\x00\x00\x01"
    with Client(edge) as client:
        client.send(frame + headers + block + data + body)
        wait_for(lambda: mock.requests and mock.last().body == body)
        while b"chat.completion" not in client.buffer:
            assert client.receive()
    assert sent(mock)["content-length"] == str(len(body))


# the answer

def framings():
    return [{"framing": "length"}, {"framing": "chunked"},
            {"framing": "close"}, {"framing": "chunked", "chunks": 7}]


@pytest.mark.parametrize("how", framings())
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_every_framing_of_the_answer(edge, how, version):
    answer = chat(edge, headers=plan(events=50, **how), version=version)
    assert answer.complete
    assert answer.json()["usage"]["completion_tokens"] == 50


@pytest.mark.parametrize("interim", [[100], [103], [102, 103, 100],
                                     [100] * 100])
def test_interim_answers_are_passed_over(edge, interim):
    answer = chat(edge, headers=plan(interim=interim))
    assert answer.status == 200 and answer.complete
    assert answer.header("link") is None
    assert answer.json()["object"] == "chat.completion"


def test_too_many_interim_answers(edge):
    answer = chat(edge, headers=plan(interim=[102] * 101))
    assert answer.status == 502 and answer.complete


def test_an_answer_without_body(edge, mock):
    with Client(edge) as client:
        headers = plan(status=204)
        assert client.call("DELETE", "/v1/responses/resp_1",
                           headers=headers).status == 204
        assert client.call("GET", "/v1/models").status == 200


def test_an_answer_without_body_has_no_length(edge):
    answer = call(edge, "GET", "/v1/models", headers=plan(**raw(
        "HTTP/1.1 204 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")))
    assert answer.status == 204
    assert answer.header("content-length") is None


def test_head(edge, mock):
    with Client(edge) as client:
        answer = client.call("HEAD", "/v1/models")
        assert answer.status == 200
        assert int(answer.header("content-length")) > 100
        assert mock.last().method == "HEAD"
        assert client.call("GET", "/v1/models").json()["object"] == "list"


def test_what_is_not_for_clients_stays(edge):
    hidden = {"Set-Cookie": ["a=b", "c=d"], "Alt-Svc": "h3=\":443\"",
              "X-Accel-Redirect": "/secret", "X-Accel-Buffering": "yes",
              "X-Accel-Limit-Rate": "1", "X-Accel-Charset": "koi8-r",
              "X-Accel-Expires": "1", "x-ratelimit-limit-requests": "9",
              "X-RateLimit-Remaining-Tokens": "9", "Keep-Alive": "max=1",
              "Proxy-Authenticate": "Basic", "Trailer": "X-Trailer",
              "Upgrade": "h2c", "Connection": "X-Hop, x-HOP2 ,upgrade",
              "X-Hop": "1", "X-Hop2": "2"}
    answer = chat(edge, headers=plan(headers=hidden))
    assert answer.status == 200
    names = {k for k, _ in answer.headers}
    assert not names & {k.lower() for k in hidden} - {"connection"}
    assert answer.header("connection") == "keep-alive"
    assert answer.json()["object"] == "chat.completion"


def test_what_clients_need_passes(edge):
    passed = {"retry-after": "3", "x-request-id": "abc", "x-odd": "1",
              "openai-version": "2020", "Cache-Control": "no-store",
              "Content-Type": "text/plain; charset=utf-8"}
    answer = chat(edge, headers=plan(headers=passed, status=429))
    assert answer.status == 429
    for name in ("retry-after", "x-odd", "openai-version", "cache-control"):
        assert answer.header(name) == {k.lower(): v for k, v
                                       in passed.items()}[name]


def test_comet_hide_header(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_hide_header openai-processing-ms;"))
    answer = chat(edge)
    assert answer.header("openai-processing-ms") is None
    assert answer.header("x-request-id")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 502,
                                    503, 529])
def test_errors_of_the_api_pass_untouched(edge, status):
    body = '{"error": {"message": "as it\\u0027s",   "n": 1e2}}'
    answer = chat(edge, headers=plan(status=status, body=body))
    assert answer.status == status
    assert answer.body == body.encode()


# where it goes

def test_an_upstream_block_with_keepalive(nginx, mock):
    edge = nginx("""
    upstream api { server 127.0.0.1:%d; keepalive 4; }
    """ % mock.port + edge_conf(mock).replace(
        "127.0.0.1:%d" % mock.port, "api"))
    with Client(edge) as client:
        for how in framings()[:2] * 5 + framings()[3:]:
            assert client.call("POST", "/v1/chat/completions", CHAT,
                               plan(**how)).complete
        for method, target, how in [
                ("HEAD", "/v1/models", {}), ("GET", "/v1/models", {}),
                ("DELETE", "/v1/responses/x", {"status": 204}),
                ("POST", "/v1/chat/completions", {"body": ""})]:
            assert client.call(method, target, None, plan(**how)).complete
    assert mock.connections == 1
    assert sent(mock)["host"] == "api"


def raw(text):
    import base64
    return {"raw": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("answer", [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    "HTTP/1.1 200 EVIL\r\n\r\n",
    "HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 200 EVIL\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 EVIL\r\n\r\n",
    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
])
def test_a_connection_with_something_left_on_it_is_not_used_again(
        nginx, mock, answer):
    edge = nginx("""
    upstream api { server 127.0.0.1:%d; keepalive 4; }
    """ % mock.port + edge_conf(mock).replace(
        "127.0.0.1:%d" % mock.port, "api"))
    for _ in range(3):
        assert chat(edge, headers=plan(**raw(answer))).status in (200, 204)
        assert chat(edge).json()["object"] == "chat.completion"
    assert mock.connections >= 4


def test_the_next_upstream(nginx, mock):
    """The first peer fails; the body must come whole to the second."""
    edge = nginx("""
    upstream api { server 127.0.0.1:%d max_fails=0; server 127.0.0.1:%d backup; }
    """ % (dead_port(), mock.port) + edge_conf(
        mock, "comet_next_upstream error; client_body_buffer_size 2k;")
        .replace("127.0.0.1:%d" % mock.port, "api"))
    body = dict(CHAT, padding="x" * 50000)
    assert chat(edge, body).status == 200
    assert mock.last().json() == body


@pytest.mark.parametrize("memory", ["1k", "64k"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_retry_sends_the_same_request_again(nginx, mock, memory, chunked):
    """The chain is rewound by nginx: head, memory and file alike."""
    edge = nginx("""
    upstream api { server 127.0.0.1:%d max_fails=0;
                   server 127.0.0.1:%d max_fails=0; keepalive 4; }
    """ % (mock.port, mock.port) + edge_conf(
        mock, "comet_next_upstream http_503 non_idempotent;"
        "client_body_buffer_size %s;" % memory)
        .replace("127.0.0.1:%d" % mock.port, "api"))
    body = dict(CHAT, padding="y" * 20000)
    answer = chat(edge, body, plan(status=503), chunked=chunked)
    assert answer.status == 503
    assert len(mock.requests) == 2
    first, second = mock.requests
    assert first.head == second.head
    assert first.body == second.body and first.json() == body


def test_a_retry_after_an_early_answer(nginx, mock):
    """The first peer answers before it has read the body."""
    edge = nginx("""
    upstream api { server 127.0.0.1:%d max_fails=0;
                   server 127.0.0.1:%d max_fails=0; }
    """ % (mock.port, mock.port) + edge_conf(
        mock, "comet_next_upstream http_503 non_idempotent;")
        .replace("127.0.0.1:%d" % mock.port, "api"))
    body = dict(CHAT, padding="y" * 16000000)
    for _ in range(3):
        answer = chat(edge, body, plan(status=503, deaf=True,
                                       framing="chunked", interim=[100]))
        assert answer.status in (502, 503)
        assert chat(edge).status == 200


def dead_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Names(threading.Thread):
    """A DNS server that knows every name as 127.0.0.1."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = []
        self.unknown = 0        # so many names, to come
        self.start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 1
            self.asked.append(query[12:end])
            known = not self.unknown
            self.unknown -= not known
            found = known and query[end:end + 2] == b"\0\1"
            answer = query[:2] + (b"\x81\x80" if known else b"\x81\x83") \
                + b"\0\1" \
                + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0" \
                + query[12:end + 4]
            if found:
                answer += b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1"
            self.socket.sendto(answer, peer)


def test_a_variable_is_resolved(nginx, mock):
    names = Names()
    edge = nginx(edge_conf(
        mock, server="resolver 127.0.0.1:%d;" % names.port).replace(
        "http://127.0.0.1:%d" % mock.port,
        "http://$http_x_region.api.test:%d/base" % mock.port))
    answer = call(edge, "GET", "/v1/models?a=b", headers={"X-Region": "eu"})
    assert answer.status == 200
    assert sent(mock)["host"] == "eu.api.test:%d" % mock.port
    assert mock.last().target == "/base/v1/models?a=b"
    assert names.asked


def test_a_variable_may_name_an_upstream_block(nginx, mock):
    edge = nginx("upstream api { server 127.0.0.1:%d; }" % mock.port
                 + edge_conf(mock).replace(
                     "http://127.0.0.1:%d" % mock.port,
                     "http://$http_x_region"))
    assert chat(edge, headers={"X-Region": "api"}).status == 200
    answer = chat(edge, headers={"X-Region": "nowhere"})
    assert answer.status == 502
    assert answer.json()["error"]["type"] == "api_error"


def test_a_variable_that_is_no_url(nginx, mock):
    edge = nginx(edge_conf(mock).replace(
        "http://127.0.0.1:%d" % mock.port, "$http_x_url"))
    for url in ("", "gopher://x", "http://", "http://[::1",
                "http://127.0.0.1:9/a?b", "http://127.0.0.1:9/a#b",
                "http://127.0.0.1:9/a b", "http://127.0.0.1:9/v1",
                "http://127.0.0.1:%d/a/v1/" % mock.port,
                "http://127.0.0.1:%d/v1/models" % mock.port):
        answer = chat(edge, headers={"X-Url": url})
        assert answer.status == 500
        assert answer.json()["error"]["code"] == "internal_error"
    assert not mock.requests
    assert "ends in a path of the API" in edge.log()


def test_an_if_block_keeps_the_pass(nginx, mock):
    edge = nginx(edge_conf(mock, """
        if ($http_x_a) { set $b 1; }
        limit_except GET POST { deny all; }
    """))
    assert chat(edge, headers={"X-A": "1"}).status == 200
    assert call(edge, "GET", "/v1/models").status == 200
    assert call(edge, "DELETE", "/v1/responses/a").status == 403


# endpoints

@pytest.mark.parametrize("method,target", [
    ("GET", "/v1/models"), ("GET", "/v1/models/gpt-5.4"),
    ("POST", "/v1/responses"), ("GET", "/v1/responses/resp_1"),
    ("DELETE", "/v1/responses/resp_1"),
    ("POST", "/v1/responses/resp_1/cancel"),
    ("GET", "/v1/responses/resp_1/input_items"),
    ("POST", "/v1/responses/compact"),
    ("POST", "/v1/responses/input_tokens")])
def test_known_endpoints(edge, mock, method, target):
    body = {"model": "gpt-5.4", "input": "Hi"} if method == "POST" else None
    assert call(edge, method, target, body).status == 200
    assert (mock.last().method, mock.last().target) == (method, target)


@pytest.mark.parametrize("target", [
    "/v1/", "/v1/embeddings", "/v1/chat", "/v1/chat/completions/x",
    "/v1/models/", "/v1/responses/", "/v1/responses/a/b",
    "/v1/responses/a/cancel/b", "/v1/Chat/Completions"])
def test_unknown_endpoints_are_404(edge, mock, target):
    answer = call(edge, "POST", target, {})
    assert answer.status == 404
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert target in error["message"]
    assert not mock.requests


@pytest.mark.parametrize("method,target,allow", [
    ("GET", "/v1/chat/completions", "POST"),
    ("PUT", "/v1/responses", "POST"),
    ("POST", "/v1/models", "GET, HEAD"),
    ("PATCH", "/v1/responses/a", "GET, HEAD, DELETE"),
    ("OPTIONS", "/v1/chat/completions", "POST")])
def test_wrong_methods_are_405(edge, mock, method, target, allow):
    answer = call(edge, method, target)
    assert answer.status == 405
    assert answer.header("allow") == allow
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert not mock.requests


def test_comet_endpoints_opens_more(nginx, mock):
    edge = nginx(edge_conf(
        mock, "comet_endpoints /v1/embeddings /v1/images/*;"))
    for target in ("/v1/embeddings", "/v1/images/generations"):
        assert call(edge, "POST", target, {}).status == 200
        assert mock.last().target == target
    assert call(edge, "POST", "/v1/audio/speech", {}).status == 404
    edge = nginx(edge_conf(mock, "comet_endpoints /*;"))
    for target in ("/v1/chat/completions/", "/V1/Responses",
                   "/v1/chat//completions//"):
        assert call(edge, "POST", target, {}).status in (400, 404), target
    assert call(edge, "POST", "/v1/anything", {}).status == 200
    assert call(edge, "GET", "/v1/chat/completions").status == 405
