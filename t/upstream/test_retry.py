"""An attempt that fails: what follows, and what the client is told."""

import itertools
import json
import re
import socket

import openai
import pytest

from callers import bearer, tenants
from conftest import KEY, edge_conf, wait_for
from faults import Faults
from test_pass import Names
from test_routes import CLAUDE, asking, route
from test_tls import pki, tls_mock  # noqa: F401
from wire import ASKED, CHAT, STREAM, Client, call, chat, plan, request

RETRY = "comet_retry attempts=3 base=1ms max=50ms; comet_tell_attempts on;" \
        "client_body_buffer_size 8k;"
CALLS = itertools.count()

BIG = dict(CHAT, messages=[{"role": "user", "content": "x" * 100000}])

LOG = 'log_format r "$comet_attempts|$comet_retry_reason|$status";' \
      "access_log attempts.log r;"


def attempts(*wishes):
    return plan(call="call %d" % next(CALLS), attempts=list(wishes))


def edge_of(nginx, mock, location=RETRY, port=None, **frame):
    conf = edge_conf(mock, location, http=LOG + frame.pop("http", ""))
    if port:
        conf = conf.replace("127.0.0.1:%d" % mock.port, "127.0.0.1:%d" % port)
    return nginx(conf, **frame)


@pytest.fixture
def retrying(nginx, mock):
    return edge_of(nginx, mock)


def logged(edge):
    path = edge.dir / "attempts.log"
    return path.read_text().splitlines() if path.exists() else []


def last(edge, n=1):
    wait_for(lambda: len(logged(edge)) >= n)
    return logged(edge)[-1].split("|")


STATUSES = [408, 429, 500, 502, 503, 504, 524, 529]

FAILURES = {
    **{str(n): {"status": n} for n in STATUSES},
    "503, chunked": {"status": 503, "framing": "chunked", "pieces": 1},
    "503, until the end": {"status": 503, "framing": "close"},
    "503, byte by byte": {"status": 503, "pieces": 2, "longest": 3},
    "503, and no body": {"status": 503, "body": ""},
    "503, cut in its body": {"status": 503, "cut": 150},
    "reset before the head": {"cut": 0, "how": "reset"},
    "closed before the head": {"cut": 0},
    "cut in the head": {"cut": 20},
    "reset in the head": {"cut": 20, "how": "reset"},
    "no HTTP": {"raw": "SGVsbG8sIHdvcmxkCg0KDQo="},
}


@pytest.mark.parametrize("size", ["in memory", "in a file"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", FAILURES)
def test_the_next_attempt_is_as_if_there_had_been_none(retrying, mock, how,
                                                       stream, size):
    body = dict(BIG if size == "in a file" else CHAT, stream=stream,
                max_completion_tokens=7, model="gpt-4o")
    before = len(mock.requests)
    answer = chat(retrying, body, attempts(FAILURES[how], FAILURES[how], {}))
    assert answer.status == 200 and answer.complete
    assert answer.header("x-comet-attempts") == "3"
    assert answer.header("x-should-retry") is None
    sent = mock.requests[before:]
    assert len(sent) == 3
    assert len({one.body for one in sent}) == 1
    assert b'"max_tokens":' in sent[0].body.replace(b" ", b"")
    key, = {one.header("idempotency-key") for one in sent}
    assert len(key) == 32
    assert last(retrying)[0] == "3" and last(retrying)[2] == "200"


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("how", FAILURES)
def test_after_the_last_attempt_the_last_answer_is_told(nginx, mock, how, n):
    edge = edge_of(nginx, mock, "comet_retry attempts=%d base=1ms max=2ms;"
                                "comet_tell_attempts on;" % n)
    before = len(mock.requests)
    answer = chat(edge, CHAT, attempts(FAILURES[how]))
    assert len(mock.requests) - before == n
    assert answer.header("x-comet-attempts") == str(n)
    status = FAILURES[how].get("status", 502)
    assert answer.status == status
    assert answer.header("x-should-retry") == ("false" if n > 1 else None)
    if "cut" not in FAILURES[how] and FAILURES[how].get("body") != "":
        assert set(answer.json()["error"]) == {"message", "type", "param",
                                               "code"}


def test_a_real_answer_is_worth_more_than_none(retrying, mock):
    """The client is told what the API said, not that it was then lost."""
    answer = chat(retrying, CHAT, attempts(
        {"status": 429, "headers": {"x-said": "req_1",
                                    "retry-after-ms": "3"}},
        {"cut": 0, "how": "reset"}))
    assert answer.status == 429 and answer.complete
    assert answer.header("x-said") == "req_1"
    assert answer.json()["error"]["message"]
    assert answer.header("x-comet-attempts") == "3"
    assert answer.header("x-should-retry") == "false"
    assert answer.header("set-cookie") is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_is_the_client_s_fault_is_not_tried_again(retrying, mock, status):
    before = len(mock.requests)
    assert chat(retrying, CHAT, plan(status=status)).status == status
    assert len(mock.requests) - before == 1


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("error,n", [
    ({"type": "invalid_request_error", "code": None}, 1),
    ({"type": "server_error", "code": "invalid_request_error"}, 1),
    ({"type": "server_error", "code": None, "message": "invalid_request"}, 3),
])
def test_a_500_that_blames_the_request(retrying, mock, error, n, framing):
    text = '{"error":%s}' % json.dumps(error)
    before = len(mock.requests)
    answer = chat(retrying, CHAT, plan(status=500, body=text, framing=framing))
    assert answer.status == 500 and answer.complete
    assert answer.body.decode() == text
    assert len(mock.requests) - before == n


def test_a_large_error_passes_as_it_is(retrying, mock):
    text = "x" * 200000
    before = len(mock.requests)
    for framing in ("length", "chunked", "close"):
        answer = chat(retrying, CHAT,
                      plan(status=503, fill=200000, framing=framing))
        assert answer.status == 503 and answer.body.decode() == text
        assert answer.header("x-comet-attempts") == "1"
    assert len(mock.requests) - before == 3


@pytest.mark.parametrize("size", [4000, 4096, 8000, 30000, 60000])
def test_an_error_of_any_size_passes_in_the_end(retrying, mock, size):
    text = "x" * size
    for framing in ("length", "chunked", "close"):
        answer = chat(retrying, CHAT,
                      plan(status=503, fill=size, framing=framing, chunks=1))
        assert answer.status == 503 and answer.body.decode() == text


@pytest.mark.parametrize("header,n", [
    ({"retry-after": "0"}, 3), ({"retry-after": "1"}, 1),
    ({"retry-after-ms": "20"}, 3), ({"retry-after-ms": "51"}, 1),
    ({"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"}, 1),
    ({"retry-after": "1", "retry-after-ms": "20"}, 3),
    ({"retry-after": "soon"}, 3),
])
def test_the_api_says_when(retrying, mock, header, n):
    before = len(mock.requests)
    answer = chat(retrying, CHAT, plan(status=429, headers=header))
    assert answer.status == 429
    assert len(mock.requests) - before == n
    for name, value in header.items():
        assert answer.header(name) == value
    if header == {"retry-after-ms": "20"}:
        waits = re.findall(r"begins in (\d+) ms", retrying.log())
        assert waits == ["20", "20"]


def test_waits_are_jittered_and_bounded(nginx, mock):
    edge = edge_of(nginx, mock, "comet_retry attempts=4 base=8ms max=20ms;")
    for _ in range(3):
        assert chat(edge, CHAT, plan(status=503)).status == 503
    waits = [int(n) for n in re.findall(r"begins in (\d+) ms", edge.log())]
    assert len(waits) == 9
    for at, bound in enumerate([8, 16, 20]):
        assert max(waits[at::3]) <= bound
    assert len(set(waits)) > 1


def test_retries_have_a_budget(nginx, mock):
    """An outage gets the calls that there are, and a few more."""
    edge = edge_of(nginx, mock,
                   "comet_retry attempts=3 base=1ms max=2ms budget=20%;",
                   http="comet_zone z:1m;", workers=2)
    before = len(mock.requests)
    for _ in range(100):
        assert chat(edge, CHAT, plan(status=503)).status == 503
    assert 110 <= len(mock.requests) - before <= 125


@pytest.mark.parametrize("on,how,n", [
    ("http_503", {"status": 503}, 3), ("http_503", {"status": 502}, 1),
    ("error", {"cut": 0}, 3), ("http_429,http_529", {"cut": 0}, 1),
    ("http_429,http_529", {"status": 529}, 3),
    ("invalid", FAILURES["no HTTP"], 3), ("error", FAILURES["no HTTP"], 1),
])
def test_what_is_tried_again_can_be_chosen(nginx, mock, on, how, n):
    edge = edge_of(nginx, mock,
                   "comet_retry attempts=3 base=1ms on=%s;" % on)
    before = len(mock.requests)
    chat(edge, CHAT, plan(**how))
    assert len(mock.requests) - before == n


def test_without_the_directive_there_is_one_attempt(edge, mock):
    before = len(mock.requests)
    assert chat(edge, CHAT, plan(status=503)).status == 503
    assert chat(edge, CHAT, plan(cut=0)).status == 502
    assert len(mock.requests) - before == 2


@pytest.mark.parametrize("how", ["reset", "close", "read", "garbage"])
@pytest.mark.parametrize("size", ["in memory", "in a file"])
def test_connections_that_fail(nginx, mock, how, size):
    faults = Faults(mock.port, [how, how])
    edge = edge_of(nginx, mock, port=faults.port)
    before = len(mock.requests)
    answer = chat(edge, BIG if size == "in a file" else CHAT)
    assert answer.status == 200
    assert faults.connections == 3
    assert len(mock.requests) - before == 1
    faults.stop()


def test_nobody_listens(nginx, mock):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        edge = edge_of(nginx, mock, port=deaf.getsockname()[1])
        answer = chat(edge, CHAT)
    assert answer.status == 502
    assert answer.header("x-comet-attempts") == "3"
    assert answer.header("x-should-retry") == "false"
    assert last(edge) == ["3", "error", "502"]


def test_a_head_that_does_not_come(nginx, mock):
    faults = Faults(mock.port, ["stall", "stall"])
    edge = edge_of(nginx, mock, RETRY + "comet_read_timeout 1500ms;",
                   port=faults.port)
    assert chat(edge, CHAT).status == 200
    assert last(edge) == ["3", "timeout", "200"]
    faults.stop()


def test_a_first_token_that_does_not_come(nginx, mock):
    edge = edge_of(nginx, mock, RETRY + "comet_first_token_timeout 1500ms;")
    answer = chat(edge, STREAM, attempts({"silent": True}, {}))
    assert answer.status == 200 and answer.complete
    assert last(edge) == ["2", "timeout", "200"]


def test_never_after_a_byte_has_gone_to_the_client(retrying, mock):
    before = len(mock.requests)
    answer = chat(retrying, STREAM, plan(cut=400))
    assert answer.status == 200
    assert b"error" in answer.body
    assert len(mock.requests) - before == 1


def test_a_client_that_leaves_ends_the_wait(nginx, mock):
    edge = edge_of(nginx, mock, "comet_retry attempts=3 base=60s max=60s;")
    before = len(mock.requests)
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            attempts({"status": 503, "headers":
                                      {"retry-after": "50"}})))
        wait_for(lambda: "begins in 50000 ms" in edge.log())
    assert last(edge) == ["1", "http_503", "499"]
    assert len(mock.requests) - before == 1


def test_a_deadline_is_over_all_attempts(nginx, mock):
    edge = edge_of(nginx, mock, "comet_retry attempts=3 base=1ms max=60s;"
                                "comet_deadline 2s;")
    before = len(mock.requests)
    answer = chat(edge, CHAT, plan(silent=True))
    assert answer.status == 504
    assert len(mock.requests) - before == 1
    answer = chat(edge, CHAT, plan(status=503,
                                   headers={"retry-after": "5"}))
    assert answer.status == 503
    assert len(mock.requests) - before == 2
    answer = chat(edge, STREAM, plan(events=8, pace=0.4))
    assert answer.status == 200 and answer.complete


@pytest.mark.parametrize("said", ["0.2", "1"])
def test_an_sdk_shortens_the_deadline(nginx, mock, said):
    edge = edge_of(nginx, mock, "comet_deadline 60s;")
    answer = chat(edge, CHAT, {**plan(silent=True),
                               "x-stainless-timeout": said})
    assert answer.status == 504


def test_an_idempotency_key_of_the_client_is_kept(retrying, mock):
    before = len(mock.requests)
    headers = attempts({"status": 503}, {})
    chat(retrying, CHAT, {**headers, "Idempotency-Key": "mine"})
    keys = [one.header("idempotency-key") for one in mock.requests[before:]]
    assert len(keys) == 2 and len(set(keys)) == 1 and keys[0]
    chat(retrying, CHAT)
    assert mock.last().header("idempotency-key") not in keys


def test_a_get_is_tried_again_too(retrying, mock):
    answer = call(retrying, "GET", "/v1/models",
                  headers={**ASKED, **attempts({"status": 503}, {})})
    assert answer.status == 200
    assert mock.last().header("idempotency-key") is None


def test_an_address_that_variables_name(nginx, mock):
    faults = Faults(mock.port, ["reset", "close"])
    edge = edge_of(nginx, mock, RETRY, port=faults.port)
    edge.write(edge.http.replace("http://127.0.0.1:", "http://$arg_h:"))
    edge.reload()
    answer = call(edge, "POST", "/v1/chat/completions?h=127.0.0.1", CHAT)
    assert answer.status == 200
    assert faults.connections == 3
    faults.stop()


def test_a_name_that_is_not_found(nginx, mock):
    names = Names()
    names.unknown = 2
    edge = edge_of(nginx, mock, RETRY + "resolver 127.0.0.1:%d ipv6=off;"
                   % names.port)
    edge.reload(edge.http.replace("http://127.0.0.1:",
                                  "http://$http_x_region.api.test:"))
    answer = chat(edge, CHAT, {"X-Region": "eu"})
    assert answer.status == 200
    assert last(edge) == ["3", "error", "200"]
    names.unknown = 1000
    answer = chat(edge, CHAT, {"X-Region": "us"})
    assert answer.status == 502
    assert answer.header("x-comet-attempts") == "3"


TWICE = "comet_retry attempts=2 base=1ms max=2ms; comet_tell_attempts on;" \
        "client_body_buffer_size 8k;"
NEXT = route("to gpt-5.4; then %s;" % CLAUDE)


@pytest.mark.parametrize("size", ["in memory", "in a file"])
@pytest.mark.parametrize("how", ["503", "429", "reset before the head"])
def test_the_next_of_a_route_after_the_last_attempt(nginx, mock, how, size):
    """Its body is made for it: what the first took, the next may not."""
    edge = edge_of(nginx, mock, TWICE, http=NEXT)
    large = BIG if size == "in a file" else CHAT
    body = asking(messages=large["messages"], max_tokens=7, temperature=1.5)
    before = len(mock.requests)
    answer = chat(edge, body, attempts(FAILURES[how], FAILURES[how], {}))
    assert answer.status == 200 and answer.complete
    assert answer.json()["model"] == CLAUDE
    assert answer.all("x-comet-model") == [CLAUDE]
    assert answer.all("x-comet-attempts") == ["3"]
    assert answer.header("x-should-retry") is None
    first, again, then = mock.requests[before:]
    assert first.body == again.body
    gpt = asking("gpt-5.4", messages=large["messages"],
                 max_completion_tokens=7, temperature=1.5)
    assert first.json() == gpt
    assert then.json() == asking(CLAUDE, messages=large["messages"],
                                 max_tokens=7, temperature=1)
    assert int(then.header("content-length")) == len(then.body)
    keys = [one.header("idempotency-key") for one in (first, again, then)]
    assert keys[0] == keys[1] != keys[2]
    assert last(edge)[0] == "3" and last(edge)[2] == "200"


def test_a_stream_of_the_next_of_a_route(nginx, mock):
    edge = edge_of(nginx, mock, TWICE, http=NEXT)
    answer = chat(edge, dict(STREAM, model="smart"),
                  attempts({"status": 503}, {"cut": 0}, {}))
    assert answer.status == 200 and answer.complete
    assert answer.body.rstrip().endswith(b"[DONE]")
    assert mock.last().json()["model"] == CLAUDE


@pytest.mark.parametrize("size", ["in memory", "in a file"])
def test_where_all_of_a_route_fail_the_last_answer_is_told(nginx, mock, size):
    edge = edge_of(nginx, mock, TWICE, http=NEXT)
    body = dict(BIG if size == "in a file" else CHAT, model="smart")
    before = len(mock.requests)
    answer = chat(edge, body, attempts(
        {"status": 503}, {"status": 503},
        {"status": 429, "headers": {"x-said": "req_3"}},
        {"cut": 0, "how": "reset"}))
    assert answer.status == 429 and answer.complete
    assert answer.header("x-said") == "req_3"
    assert answer.json()["error"]["message"]
    assert answer.header("x-comet-attempts") == "4"
    assert answer.header("x-should-retry") == "false"
    assert [one.json()["model"] for one in mock.requests[before:]] == \
        ["gpt-5.4"] * 2 + [CLAUDE] * 2
    assert chat(edge, body, attempts({"cut": 0})).status == 502


@pytest.mark.parametrize("how", ["503", "closed before the head"])
def test_without_the_directive_the_next_of_a_route_follows_at_once(
        nginx, mock, how):
    edge = edge_of(nginx, mock, "", http=route(
        "to gpt-5.4; then o3; then %s;" % CLAUDE))
    before = len(mock.requests)
    answer = chat(edge, asking(), attempts(FAILURES[how], FAILURES[how], {}))
    assert answer.status == 200
    assert answer.header("x-comet-model") == CLAUDE
    assert [one.json()["model"] for one in mock.requests[before:]] == \
        ["gpt-5.4", "o3", CLAUDE]
    before = len(mock.requests)
    assert chat(edge, asking(), plan(status=400)).status == 400
    assert len(mock.requests) - before == 1


def test_the_key_of_a_target_goes_to_no_other(nginx, mock, tmp_path):
    own = tmp_path / "own.key"
    own.write_text("sk-own-1\n")
    edge = edge_of(nginx, mock, TWICE, http=route(
        "to gpt-5.4 key=file:%s; then %s; then o3 key=file:%s;"
        % (own, CLAUDE, own)))
    before = len(mock.requests)
    answer = chat(edge, asking(), attempts(*[{"status": 503}] * 5, {}))
    assert answer.status == 200
    keys = [one.header("authorization") for one in mock.requests[before:]]
    assert keys == ["Bearer sk-own-1"] * 2 + ["Bearer " + KEY] * 2 \
        + ["Bearer sk-own-1"] * 2


def test_the_next_of_a_route_where_a_breaker_is_open(nginx, mock):
    """It is the model's that failed, not that of the name."""
    edge = edge_of(nginx, mock, "comet_breaker failures=2 rest=60s;",
                   http=NEXT)
    for _ in range(2):
        assert chat(edge, asking(), attempts({"status": 503}, {})).status \
            == 200
    before = len(mock.requests)
    answer = chat(edge, asking())
    assert answer.header("x-comet-model") == CLAUDE
    assert len(mock.requests) - before == 1


@pytest.mark.parametrize("location", [TWICE, ""])
def test_what_is_reserved_is_of_the_target_that_is_tried(nginx, mock,
                                                         location):
    """All that may be used is held once, and in the end what was used."""
    edge = nginx(tenants(mock, location=location, alice=NEXT,
                         http="comet_tokens 1000/m; comet_concurrency 1;"))
    body = asking(max_tokens=800)
    failures = [{"status": 503}] * (2 if location else 1)
    for _ in range(3):
        answer = chat(edge, body, {**attempts(*failures, {}), **bearer()})
        assert answer.status == 200
        assert answer.header("x-comet-model") == CLAUDE
        answer = chat(edge, body, {**plan(status=503), **bearer()})
        assert answer.status == 503
    assert chat(edge, body, bearer()).status == 200


def test_a_next_one_that_its_limits_refuse(nginx, mock):
    edge = nginx(tenants(mock, location=TWICE,
                         alice=route("to gpt-5.4; then gpt-4o;"),
                         http="comet_budget 1/1d models=gpt-4o;"))
    answer = chat(edge, asking(), {**plan(status=503), **bearer()})
    assert answer.status == 503
    assert answer.header("x-comet-model") == "gpt-5.4"
    assert answer.header("x-comet-attempts") == "2"
    assert [one.json()["model"] for one in mock.requests] == ["gpt-5.4"] * 2
    assert chat(edge, asking(), bearer()).status == 200


@pytest.mark.parametrize("how", ["reset", "close", "read", "garbage"])
def test_handshakes_that_fail(nginx, tls_mock, how):
    faults = Faults(tls_mock.port, [how, how])
    edge = edge_of(nginx, tls_mock, RETRY + "comet_ssl_verify off;",
                   port=faults.port)
    edge.reload(edge.http.replace("comet_pass http:", "comet_pass https:"))
    assert chat(edge, CHAT).status == 200
    assert last(edge)[0] == "3"
    assert len(tls_mock.requests) == 1
    faults.stop()


def test_the_retries_of_an_sdk_and_ours_do_not_multiply(retrying, mock):
    sdk = openai.OpenAI(base_url=retrying.url + "/v1", api_key="any",
                        max_retries=2)
    before = len(mock.requests)
    for wishes in (plan(status=503), plan(cut=0),
                   plan(status=429, headers={"retry-after-ms": "1"})):
        with pytest.raises(openai.APIStatusError):
            sdk.chat.completions.create(**CHAT, extra_headers=wishes)
    assert len(mock.requests) - before == 3 * 3


def test_a_post_action_has_the_request_that_waited(nginx, mock):
    """The next attempt does not begin in what nginx made of the request."""
    conf = edge_conf(mock, "comet_retry attempts=3 max=1s;"
                           "post_action /after;",
                     "location = /after { proxy_pass http://127.0.0.1:%d; }"
                     % mock.port, LOG)
    edge = nginx(conf)
    before = len(mock.requests)
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", CHAT, attempts(
            {"status": 503, "headers": {"retry-after-ms": "300"}},
            {"delay": 1})))
        wait_for(lambda: "begins in 300 ms" in edge.log())
    wait_for(lambda: len(logged(edge)) == 1)
    assert [one.target for one in mock.requests[before:]] == [
        "/v1/chat/completions", "/after"]
    assert chat(edge, CHAT).status == 200


def test_a_server_that_nginx_turns_to_is_of_the_same_attempt(nginx, mock):
    edge = edge_of(nginx, mock, RETRY + "comet_next_upstream http_503 error "
                                        "non_idempotent;",
                   http="upstream api { server 127.0.0.1:%d max_fails=0;"
                        "server localhost:%d max_fails=0; }"
                        % (mock.port, mock.port))
    edge.reload(edge.http.replace("comet_pass http://127.0.0.1:%d"
                                  % mock.port, "comet_pass http://api"))
    answer = chat(edge, CHAT, attempts({"status": 503}, {}))
    assert answer.status == 200
    assert answer.all("x-comet-attempts") == ["1"]
    assert last(edge) == ["1", "-", "200"]


def test_what_ends_with_its_connection_is_not_asked_for_again(nginx, mock):
    """nginx would: to it, an answer that it was not told of has not come."""
    edge = edge_of(nginx, mock, "comet_retry attempts=2 base=1ms;"
                                "comet_next_upstream error;",
                   http="upstream api { server 127.0.0.1:%d max_fails=0;"
                        "server localhost:%d max_fails=0; }"
                        % (mock.port, mock.port))
    edge.reload(edge.http.replace("comet_pass http://127.0.0.1:%d"
                                  % mock.port, "comet_pass http://api"))
    before = len(mock.requests)
    answer = call(edge, "GET", "/v1/models", headers=attempts(
        {"status": 503, "framing": "close", "body": "first"},
        {"cut": 20, "how": "reset"}))
    assert answer.status == 503 and answer.body == b"first"
    assert len(mock.requests) - before >= 2
