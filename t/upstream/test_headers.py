"""Headers that choose within the account, or that tenants share."""

import base64
import hashlib
import hmac

import pytest

from callers import ALICE, BOB, bearer, tenants
from conftest import KEY, edge_conf
from wire import call, chat, plan


def sent(mock, name):
    return [v for k, v in mock.last().headers if k.lower() == name]


def sha(key, text):
    return hmac.new(key, text, hashlib.sha256)


def hashed(value, tenant="", key=KEY):
    """As docs/directives.md has it."""
    own = sha(key.encode(), b"comet idempotency\0" + tenant.encode()).digest()
    return sha(own, value.encode("latin-1")).hexdigest()


CHOOSING = {"OpenAI-Organization": "org-1", "openai-project": "proj-1"}


def test_what_chooses_within_the_account_stays(edge, mock):
    assert chat(edge, headers=dict(CHOOSING, **{"OpenAI-Beta": "a"})) \
        .status == 200
    assert sent(mock, "openai-organization") == []
    assert sent(mock, "openai-project") == []
    assert sent(mock, "openai-beta") == ["a"]
    assert b"org-1" not in mock.last().head
    assert b"proj-1" not in mock.last().head


def test_what_chooses_can_be_opened_one_by_one(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_forward_header OpenAI-Project;"))
    assert chat(edge, headers=CHOOSING).status == 200
    assert sent(mock, "openai-organization") == []
    assert sent(mock, "openai-project") == ["proj-1"]


@pytest.mark.parametrize("name", ["Idempotency-Key", "x-idempotency-key"])
@pytest.mark.parametrize("value", ["k", "7d9c-" * 500, "\xe9 \x80"])
def test_an_idempotency_key_is_hashed(nginx, mock, name, value):
    edge = nginx(edge_conf(mock, "comet_forward_header Idempotency-Key;"))
    answer = chat(edge, headers={name: value})
    assert answer.status == 200
    assert sent(mock, name.lower()) == [hashed(value)]


def test_two_tenants_with_one_key_are_two(nginx, mock):
    server = nginx(tenants(mock))
    seen = []
    for client, tenant in ((ALICE, "alice"), (BOB, "bob")):
        for _ in range(2):
            assert chat(server, headers=dict(
                bearer(client), **{"Idempotency-Key": "order-1"})) \
                .status == 200
            assert sent(mock, "idempotency-key") == [
                hashed("order-1", tenant)]
        seen += sent(mock, "idempotency-key")
    assert len(set(seen)) == 2
    assert b"order-1" not in b"".join(r.head for r in mock.requests)


def test_the_same_everywhere(nginx, mock):
    """On another edge, in other workers, after a reload."""
    conf = tenants(mock)
    one, two = nginx(conf, workers=2), nginx(conf)
    headers = dict(bearer(), **{"Idempotency-Key": "order-1"})
    for server in (one, two):
        for _ in range(4):
            assert chat(server, headers=headers).status == 200
    one.reload()
    assert chat(one, headers=headers).status == 200
    assert {r.header("idempotency-key") for r in mock.requests} \
        == {hashed("order-1", "alice")}


def test_another_key_of_the_api_is_another_hash(nginx, mock):
    server = nginx(tenants(mock, bob="comet_key sk-bobs-own-0123456789;"))
    headers = {"Idempotency-Key": "order-1"}
    assert chat(server, headers=dict(bearer(BOB), **headers)).status == 200
    assert sent(mock, "idempotency-key") == [
        hashed("order-1", "bob", "sk-bobs-own-0123456789")]


def test_each_of_several_is_hashed_and_an_empty_one_dropped(edge, mock):
    assert chat(edge, headers={"Idempotency-Key": ["a", "b", ""]}).status == 200
    assert sent(mock, "idempotency-key") == [hashed("a"), hashed("b")]


# what comes back: nginx's own reading of a line is the one that holds

LINES = ["X-A: b", "x-a: b c  d", "X_A: b", "X-A:b", "X-A:  b", "X-A: b ",
         "X-A: b  ", "X-A: ", "X-A:", "X-A", "X-A : b", "X A: b", " X-A: b",
         "X-A: \tb", "X-A: b\tc", "\tX-A: b", "X-A:\tb", ": b", "", "X-A: b\r",
         "X-A: b\r\r", "X-A: b\rc", "X-A: b\nX-B: c", "X-A: b\0c", "X-A: \0",
         "X-A\0: b", "X+A: b", "X.A: b", "X-A: \x7f", "X-A: \xc3\xa9", "X-A: b\x01",
         "X-\xe9: b", "X-A/b: c", "HTTP/1.1 200 OK", "HTTP: 1", "-: b", "0: b",
         "X-" + "a" * 29 + ": b", "X-" + "a" * 30 + ": b",
         "X-" + "a" * 31 + ": b", "X-" + "A" * 90 + ": b",
         "X-A: " + "b" * 2000, "X-A: b: c", "X-A:: b", "X-A: :", "x: 1",
         "Content-Language: EN", "Cache-Control: no-store", "CONTENT-TYPE: a/b",
         "Content-Length: 2", "Content-Length: 3", "Retry-After: 7"]


def told(line, end="\r\n", **how):
    head = "HTTP/1.1 200 OK\r\nX-Before: 1\r\n" + line + end \
        + "X-After: 2\r\nContent-Length: 2\r\n\r\n{}"
    return plan(close=True, raw=base64.b64encode(
        head.encode("latin-1")).decode(), **how)


def seen(answer):
    """All but what nginx says of itself, and of an error."""
    if answer.status != 200:
        return answer.status
    return [(k, v) for k, v in answer.headers
            if k not in ("server", "date", "connection")], answer.body


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_line_of_an_answer_is_read_as_nginx_reads_it(nginx, mock, end):
    """One that two lengths make ambiguous is no answer here."""
    edge = nginx(edge_conf(mock, server="""
        location /v2/ {
            proxy_pass http://127.0.0.1:%d/v1/;
            proxy_http_version 1.1;
        }""" % mock.port))
    for line in LINES:
        here, bare = (seen(call(edge, "GET", path, headers=told(line, end)))
                      for path in ("/v1/models", "/v2/models"))
        if line == "Content-Length: 3":
            assert here == 502
        elif line == "Content-Length: 2":
            assert here == 502
        else:
            assert here == bare, line


@pytest.mark.parametrize("seed", range(2))
def test_lines_that_come_in_pieces_are_the_same(nginx, mock, seed):
    edge = nginx(edge_conf(mock))
    for line in LINES:
        if len(line) > 100:
            continue
        whole, cut = (seen(call(edge, "GET", "/v1/models", headers=told(
            line, **how))) for how in ({}, {"pieces": seed, "longest": 20,
                                            "pause": 0.3}))
        assert whole == cut, line
