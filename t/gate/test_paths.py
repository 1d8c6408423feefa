"""Paths: what was judged is what is sent, and all read it alike."""

import pytest

from conftest import edge_conf
from test_body import frame
from wire import CHAT, Client, call

# as another reader may take them: /v1/files, /v1/chat/completions, …
TWISTED = [
    ("GET", "/v1/models/..\\files"), ("DELETE", "/v1/responses/..\\files\\f"),
    ("GET", "/v1/models/..;/files"), ("GET", "/v1/models/..%2ffiles"),
    ("GET", "/v1/models/..%5cfiles"), ("GET", "/v1/models/%2e%2e/files"),
    ("GET", "/v1/models/.%2E%2ffiles"), ("GET", "/v1/models/x/../../files"),
    ("GET", "/v1/models/%252e%252e/files"), ("GET", "/v1/models/a%00b"),
    ("GET", "/v1/responses/x%2finput_items"), ("GET", "/v1/responses/x%3Fy"),
    ("POST", "/v1/chat\\completions"), ("POST", "/v1/chat%5Ccompletions"),
    ("POST", "/v1/chat%2Fcompletions"), ("POST", "/v1/chat/completions;x=1"),
    ("POST", "/v1/chat;x=1/completions"), ("POST", "/v1/chat/completions%3bx"),
    ("POST", "/v1/chat/completions%20"), ("POST", "/v1/chat/completions%09"),
    ("POST", "/v1/%20chat/completions"), ("POST", "/v1/chat/completions%0a"),
    ("POST", "/v1/chat/completions%C2%A0"), ("POST", "/v1/chat/completions."),
    ("POST", "/v1/chat/completions%2e"), ("POST", "/v1/chat./completions"),
    ("POST", "/v1/chat/x\\..\\completions"), ("POST", "/v1/./chat/completions"),
    ("POST", "/v1/x/../chat/completions"), ("POST", "/v1/chat/completions%23x"),
    ("POST", "/v1/chat/completions#x"), ("POST", "/v1/chat/completions%3fx"),
    ("POST", "/v1/chat/completions%25"), ("POST", "/v1/chat/completions\xa0"),
    ("POST", "/v1/responses/compact%09"), ("POST", "/v1/chat/completions?a#b"),
]

NAMES = ["/v1/responses/a@b", "/v1/responses/a!", "/v1/responses/a(b)/cancel",
         "/v1/responses/a,b/input_items", "/v1/models/gpt=5", "/v1/models/a'b"]


@pytest.mark.parametrize("opened", ["", "comet_endpoints /v1/*;",
                                    "comet_endpoints /*; merge_slashes off;"])
def test_what_can_be_read_in_two_ways_is_refused(nginx, mock, opened):
    edge = nginx(edge_conf(mock, "comet_deny_models gpt*;" + opened.split(
        ";")[0] + ";" if opened else "", server=opened.partition("; ")[2]))
    for method, target in TWISTED:
        answer = call(edge, method, target, CHAT if method == "POST" else None)
        # nginx itself knows no path with a NUL
        assert answer.status == 400, target
        if "%00" not in target:
            error = answer.json()["error"]
            assert error["code"] == "invalid_path", target
            assert error["message"].startswith("The path has a"), target
    assert not mock.requests


@pytest.mark.parametrize("target", NAMES)
def test_what_a_path_names_has_its_characters(nginx, mock, target):
    edge = nginx(edge_conf(mock, "comet_endpoints /v1/*;"))
    answer = call(edge, "POST" if "cancel" in target else "GET", target)
    assert answer.status == 400
    assert answer.json()["error"]["code"] == "invalid_path"
    assert "letters, digits and" in answer.json()["error"]["message"]
    assert not mock.requests


@pytest.mark.parametrize("target", [
    "/v1/models/@cf/meta/llama-3.1:free", "/v1/models/a+b_c",
    "/v1/responses/resp_0-a.b:c="])
def test_names_as_there_are(edge, mock, target):
    assert call(edge, "GET", target).status == 200
    assert mock.last().target == target


@pytest.mark.parametrize("target", [
    "/v1/chat/completions/", "/V1/Responses", "/v1/chat/Completions",
    "/v1/responses/compact/", "/v1/models/denied/", "/V1/models/denied",
    "/v1/responses/resp_1/", "/v1/Responses/resp_1/cancel"])
def test_nothing_opened_is_alike_to_what_is_known(nginx, mock, target):
    edge = nginx(edge_conf(mock, "comet_endpoints /*; comet_models o3;")
                 .replace("location /v1/", "location /"))
    answer = call(edge, "POST", target, CHAT)
    assert answer.status == 404
    assert not mock.requests


def test_two_slashes_that_nginx_keeps(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_endpoints /v1/*;",
                           server="merge_slashes off;"))
    answer = call(edge, "POST", "/v1/chat//completions", CHAT)
    assert answer.status == 400
    assert not mock.requests


def test_over_http2(nginx, mock):
    """Its parser of paths is another one."""
    edge = nginx(edge_conf(mock, "comet_endpoints /v1/*;").replace(
        "listen PORT;", "listen PORT http2;"))
    with Client(edge) as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, b"", 0))
        for n, (_, target) in enumerate(TWISTED):
            path = target.encode("latin-1")
            block = b"\x82\x86\x04" + bytes([len(path)]) + path \
                + b"\x01\x04edge"
            client.send(frame(1, 5, block, 2 * n + 1))
            before = client.buffer.count(b'"code":"')
            while client.buffer.count(b'"code":"') == before \
                    and b"<html>" not in client.buffer:
                assert client.receive()
    assert not mock.requests


def test_try_files_cannot_change_what_was_judged(nginx, mock):
    edge = nginx(edge_conf(mock, "root ./; comet_models allowed;"
                           "try_files /v1/models/denied =404;"))
    (edge.dir / "v1" / "models").mkdir(parents=True)
    (edge.dir / "v1" / "models" / "denied").write_text("")
    answer = call(edge, "GET", "/v1/models/allowed")
    assert answer.status == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert call(edge, "GET", "/v1/models/denied").status == 404
    assert not mock.requests


def test_a_rewritten_path_is_judged_as_it_is_sent(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_models o3;").replace(
        "location /v1/ {", "location /x/ { rewrite ^/x(.*)$ $1 break;"))
    assert call(edge, "GET", "/x/v1/models/o3?a=b").status == 200
    assert mock.last().target == "/v1/models/o3?a=b"
    for target, status in [("/x/v1/models/..\\files", 400),
                           ("/x/v1/responses/x%2finput_items", 400),
                           ("/x/y/../v1/models/o3", 400),
                           ("/x/v1/models/o4", 404),
                           ("/x/v1/models/%6f4", 404)]:
        assert call(edge, "GET", target).status == status
    assert len(mock.requests) == 1


# comet_endpoints beside what is known

def test_what_is_named_goes_before_what_is_matched(nginx, mock):
    edge = nginx(edge_conf(
        mock, "comet_endpoints /v1/* /v1/responses/batch /v1/models/top/*;"
              "comet_models o3;"))
    for target in ("/v1/responses/batch", "/v1/models/top/ten"):
        assert call(edge, "PUT", target, {}).status == 200
        assert mock.last().target == target
    for target, status in [("/v1/responses/other", 405),
                           ("/v1/responses/batch/cancel", 405),
                           ("/v1/models/other", 405)]:
        assert call(edge, "PUT", target, {}).status == status
    assert call(edge, "GET", "/v1/models/o4").status == 404
    assert len(mock.requests) == 2


def test_what_is_judged_cannot_be_opened(nginx, mock):
    edge = nginx(edge_conf(
        mock, "comet_endpoints /v1/chat/completions /v1/responses/compact"
              " /v1/models; comet_models o3;"))
    for target in ("/v1/chat/completions", "/v1/responses/compact"):
        assert call(edge, "POST", target, CHAT).status == 403
        assert call(edge, "PUT", target, CHAT).status == 405
    assert not mock.requests


# base URLs

@pytest.mark.parametrize("target,there,remedy", [
    ("/chat/completions", "/v1/chat/completions", "has to end in /v1"),
    ("/models/gpt-5", "/v1/models/gpt-5", "has to end in /v1"),
    ("/v1/v1/responses", "/v1/responses", "has /v1 once")])
def test_a_base_url_that_is_wrong_is_told(nginx, mock, target, there, remedy):
    edge = nginx(edge_conf(mock).replace("location /v1/", "location /"))
    answer = call(edge, "POST", target, CHAT)
    assert answer.status == 404
    error = answer.json()["error"]
    assert error["code"] == "not_found"
    assert target in error["message"] and there in error["message"]
    assert remedy in error["message"]
    assert not mock.requests


# WebSocket

WEBSOCKET = {"Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@pytest.mark.parametrize("tenants", ["", """
    comet_zone z:1m; comet_tenant a { comet_client_key %s; comet_rate 1r/m; }
    """ % ("a" * 32)])
def test_a_websocket_is_426(nginx, mock, tenants):
    """Of whoever asks: the call over HTTP that follows is judged."""
    edge = nginx(edge_conf(mock, http=tenants))
    with Client(edge) as client:
        for _ in range(3):
            answer = client.call("GET", "/v1/responses", headers=WEBSOCKET)
            assert answer.status == 426
            assert answer.header("upgrade") == "HTTP/1.1"
            assert "Upgrade" in answer.all("connection")
            error = answer.json()["error"]
            assert error["code"] == "upgrade_required"
            assert error["type"] == "invalid_request_error"
        answer = client.call("POST", "/v1/responses",
                             {"model": "o3", "input": "Hi"},
                             {"Authorization": "Bearer " + "a" * 32})
        assert answer.status == 200
    assert len(mock.requests) == 1


@pytest.mark.parametrize("method,target,headers,status", [
    ("GET", "/v1/responses", {}, 405),
    ("GET", "/v1/responses", {"Upgrade": "h2c"}, 405),
    ("POST", "/v1/responses", WEBSOCKET, 200),
    ("GET", "/v1/models", WEBSOCKET, 200)])
def test_all_else_is_as_without(edge, method, target, headers, status):
    body = {"model": "o3", "input": "Hi"} if method == "POST" else None
    assert call(edge, method, target, body, headers).status == status
