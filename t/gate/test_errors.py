"""Errors that are made here are JSON that a person and an SDK understand."""


import pytest

from conftest import edge_conf, wait_for
from test_pass import dead_port, raw
from wire import CHAT, Client, call, chat, plan, request


def error_of(answer, status, kind, code):
    assert answer.status == status
    assert answer.header("content-type") == "application/json"
    assert answer.complete
    assert int(answer.header("content-length")) == len(answer.body)
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == (kind, code)
    assert len(error["message"]) > 20
    return error


def test_an_upstream_that_is_down_is_502(nginx, mock):
    edge = nginx(edge_conf(mock).replace(str(mock.port), str(dead_port())))
    with Client(edge) as client:
        for _ in range(2):
            answer = client.call("POST", "/v1/chat/completions", CHAT)
            error_of(answer, 502, "api_error", "upstream_unavailable")


def test_an_upstream_that_is_silent_is_504(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_read_timeout 100ms;"))
    answer = chat(edge, headers=plan(silent=True))
    error_of(answer, 504, "api_error", "upstream_timeout")
    wait_for(lambda: mock.requests)
    assert mock.last().gone.wait(30)


def test_an_upstream_that_resets_before_the_answer_is_502(edge):
    error_of(chat(edge, headers=plan(cut=0, how="reset")), 502, "api_error",
             "upstream_unavailable")
    error_of(chat(edge, headers=plan(cut=30)), 502, "api_error",
             "upstream_unavailable")


@pytest.mark.parametrize("answer", [
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/1.1 099 Strange\r\n\r\n",
    "HTTP/1.1 20\r\n\r\n",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    "Content-Length: 2\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: %s\r\n\r\n" % ("a" * 4500),
])
def test_an_upstream_that_speaks_no_clear_http_is_502(edge, answer):
    error_of(chat(edge, headers=plan(close=True, **raw(answer))), 502,
             "api_error", "upstream_unavailable")


def test_413_names_the_directive(nginx, mock):
    edge = nginx(edge_conf(mock, "client_max_body_size 1k;"))
    for chunked in (False, True):
        with Client(edge) as client:
            client.send(request("POST", "/v1/chat/completions", b"x" * 5000,
                                chunked=chunked))
            error = error_of(client.answer(), 413, "invalid_request_error",
                             "request_too_large")
            assert "client_max_body_size" in error["message"]
    assert not mock.requests


def test_400_of_nginx(edge, mock):
    with Client(edge) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        error_of(client.answer(), 400, "invalid_request_error", "bad_request")
    assert not mock.requests


@pytest.mark.parametrize("rule,status,kind", [
    ("deny all;", 403, "permission_error"),
    ("limit_except GET { deny all; }", 403, "permission_error"),
    ("auth_basic x; auth_basic_user_file /dev/null;", 401,
     "invalid_request_error"),
    ("return 503;", 503, "api_error"), ("return 429;", 429,
                                        "rate_limit_error"),
    ("return 418;", 418, "invalid_request_error")])
def test_refusals_of_other_modules(nginx, mock, rule, status, kind):
    answer = chat(nginx(edge_conf(mock, rule)))
    assert answer.status == status
    if status == 418:       # nginx has no page for it, so nothing to replace
        assert answer.json()["error"]["code"] is None
    assert answer.json()["error"]["type"] == kind


def test_error_page_still_works(nginx, mock):
    edge = nginx(edge_conf(mock, "error_page 404 =410 /gone;",
                           server="location = /gone { return 410 mine; }"))
    answer = call(edge, "POST", "/v1/nothing", {})
    assert (answer.status, answer.body) == (410, b"mine")


def test_error_page_into_another_api(nginx, mock):
    """The upstream's answer to a redirected error is its own, not ours."""
    edge = nginx(edge_conf(mock, "error_page 404 /v1/models;"))
    answer = call(edge, "GET", "/v1/nothing")
    assert answer.json()["object"] == "list"
    assert mock.last().target == "/v1/models"


def test_nothing_changes_outside_comet_locations(nginx, mock):
    edge = nginx(edge_conf(mock, server="location / { deny all; }"))
    answer = call(edge, "GET", "/")
    assert answer.status == 403 and b"<html>" in answer.body


def test_a_refusal_keeps_the_connection(edge):
    with Client(edge) as client:
        for _ in range(3):
            assert client.call("POST", "/v1/nothing", {"a": "b" * 9000}
                               ).status == 404
            assert client.call("GET", "/v1/chat/completions").status == 405
            assert client.call("POST", "/v1/chat/completions",
                               CHAT).status == 200


def test_a_refused_head_has_no_body(edge):
    with Client(edge) as client:
        answer = client.call("HEAD", "/v1/nothing")
        assert answer.status == 404
        assert int(answer.header("content-length")) > 50
        assert client.call("GET", "/v1/models").status == 200


def test_a_message_is_json_whatever_the_client_wrote(edge):
    for path in ("/v1/%ff%fe", "/v1/%22%5c%0a%00x", "/v1/%ed%a0%80",
                 "/v1/%e4%bd", "/v1/" + "long" * 1500):
        answer = call(edge, "GET", path)
        assert answer.status in (400, 404), path
        if answer.status == 404:
            answer.json()


def test_gzip_and_add_header_see_the_error(nginx, mock):
    edge = nginx(edge_conf(mock, """
        gzip on; gzip_types application/json; gzip_min_length 1;
        add_header X-Seen yes always;"""))
    answer = call(edge, "GET", "/v1/nothing",
                  headers={"Accept-Encoding": "gzip"})
    assert answer.header("content-encoding") == "gzip"
    assert answer.header("x-seen") == "yes"
    import gzip
    assert b"/v1/nothing" in gzip.decompress(answer.body)
