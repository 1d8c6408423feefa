"""POST /v1/responses/compact and /v1/responses/input_tokens."""

import json

import pytest

from callers import bearer, estimate, left, tenants
from conftest import edge_conf, wait_for
from wire import Client, call, plan

COMPACT = "/v1/responses/compact"
COUNT = "/v1/responses/input_tokens"

ASK = {"model": "gpt-5.4", "input": [{"role": "user", "content": "Hi"}]}

LOG = """log_format u '$comet_endpoint|$comet_model|$comet_provider|'
    '$comet_verdict|$comet_metered|$comet_input_tokens|$comet_output_tokens|'
    '$comet_cached_tokens|$comet_reasoning_tokens';"""


@pytest.mark.parametrize("target", [COMPACT, COUNT])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_body_goes_as_it_came(nginx, mock, target, chunked):
    """Whatever rules there are for the calls that make text."""
    edge = nginx(edge_conf(mock, """
        comet_invalid repair; comet_param store =false;
        comet_param instructions off; comet_max_output_tokens 5 default;"""))
    body = b""" {"model" : "claude-x", "temperature":9, "stream":"x","a":1,
        "instructions":"i", "max_tokens":-1, "a":1E400, "n":0, "big":
        12345678901234567890 }"""
    assert call(edge, "POST", target, body, chunked=chunked).status == 200
    assert mock.last().body == body
    assert mock.last().target == target


@pytest.mark.parametrize("target", [COMPACT, COUNT])
@pytest.mark.parametrize("mode", ["reject", "repair", "observe"])
def test_the_lists_of_models_hold(nginx, mock, target, mode):
    edge = nginx(edge_conf(mock, "comet_invalid %s; comet_deny_models gpt-*;"
                           % mode))
    for body, status, code in [
            (ASK, 403, "model_not_allowed"),
            (b'{"input":"x","model":"gpt-5.4"}', 403, "model_not_allowed"),
            (b'{"model":"o3","model":"gpt-5.4"}', 400, "ambiguous_parameter"),
            (b'{"model":"o3","Model":"gpt-5.4"}', 400, "ambiguous_parameter"),
            (b'{"model":"o3"} {"model":"gpt-5.4"}', 400, "invalid_json"),
            (b'{"model":"gpt-5.4"', 403, "model_not_allowed"),
            (b'{"model":["gpt-5.4"]}', 400, "invalid_type")]:
        answer = call(edge, "POST", target, body)
        assert answer.status == status, body
        assert answer.json()["error"]["code"] == code, body
    assert not mock.requests
    for body in (dict(ASK, model="o3"), {"previous_response_id": "resp_1"}):
        assert call(edge, "POST", target, body).status == 200


@pytest.mark.parametrize("target", [COMPACT, COUNT])
def test_what_is_no_json_or_no_post_is_refused(edge, mock, target):
    answer = call(edge, "POST", target, b'{"model":"o3",}')
    assert answer.status == 400
    assert answer.json()["error"]["code"] == "invalid_json"
    answer = call(edge, "POST", target, headers={"Content-Length": "0"})
    assert answer.status == 415
    for method in ("GET", "DELETE"):
        answer = call(edge, method, target)
        assert answer.status == 405
        assert answer.header("allow") == "POST"
    assert not mock.requests


def test_they_are_metered_as_what_they_are(nginx, mock):
    edge = nginx(edge_conf(mock, server="access_log use.log u;", http=LOG))
    with Client(edge) as client:
        client.call("POST", COMPACT, ASK, plan(usage=[1000, 70]))
        client.call("POST", COUNT, ASK, plan(usage=[1000, 70]))
        client.call("POST", COMPACT, {"previous_response_id": "resp_1"},
                    plan(usage=[10, 7]))
    log = edge.dir / "use.log"
    wait_for(lambda: log.exists() and log.read_text().count("\n") == 3)
    assert log.read_text().splitlines() == [
        "responses.compact|gpt-5.4|openai|pass|yes|1000|70|3|2",
        "responses.input_tokens|gpt-5.4|openai|pass|-|-|-|-|-",
        "responses.compact|-|-|pass|yes|10|7|3|2"]


def test_a_compaction_is_reserved_and_charged(nginx, mock):
    server = nginx(tenants(mock, "comet_budget 5000/1d; comet_reserve_output"
                           " 1000;"))
    before = left(server)
    with Client(server) as client:
        answer = client.call("POST", COMPACT, ASK,
                             dict(bearer(), **plan(usage=[300, 40])))
        assert answer.status == 200
        assert int(answer.header("x-ratelimit-remaining-tokens")) \
            == before - estimate(ASK, 1000)
    wait_for(lambda: left(server) == before - 340)
    answer = call(server, "POST", COMPACT, dict(ASK, input="a word " * 6000),
                  bearer())
    assert answer.status == 429
    assert len([r for r in mock.requests if r.method == "POST"]) == 1


def test_counting_is_a_call_and_takes_no_tokens(nginx, mock):
    server = nginx(tenants(
        mock, "comet_budget 100/1d; comet_rate 1r/m burst=3 models=gpt-*;"
        "comet_spend 1/1d;", http="comet_price o3 input=1 output=1;"))
    body = dict(ASK, input="a word " * 6000)
    for _ in range(3):
        answer = call(server, "POST", COUNT, body, bearer())
        assert answer.status == 200
        assert answer.json()["object"] == "response.input_tokens"
    assert left(server) == 100
    assert call(server, "POST", COUNT, body, bearer()).status == 429
    assert call(server, "POST", COUNT, dict(body, model="o3"),
                bearer()).status == 200


def test_the_python_sdk_calls_them(nginx, mock):
    openai = pytest.importorskip("openai")
    edge = nginx(edge_conf(mock))
    client = openai.OpenAI(base_url=edge.url + "/v1", api_key="x",
                           max_retries=0)
    count = client.responses.input_tokens.count(model="gpt-5.4", input="Hi")
    assert count.input_tokens > 0
    done = client.responses.compact(model="gpt-5.4", input="Hi")
    assert done.object == "response.compaction" and done.usage.input_tokens
    assert [r.target for r in mock.requests] == [COUNT, COMPACT]
    assert json.loads(mock.last().body)["model"] == "gpt-5.4"
