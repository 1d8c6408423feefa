"""Routes: a name that clients ask for, and the models that calls go to."""

import json

import openai
import pytest

from callers import ALICE, BOB, bearer, tenants
from cometapi import Mock
from conftest import KEY, edge_conf, wait_for
from test_tls import pki, tls_mock  # noqa: F401
from wire import CHAT, Client, call, chat, plan

CLAUDE = "claude-sonnet-4-6"
LOG = """log_format r '$comet_model|$comet_route_model|$comet_provider|'
                      '$comet_verdict|$comet_repairs|$comet_cost';
         access_log routes.log r;"""


def route(text, name="smart", key=""):
    return "comet_route %s %s { %s }\n" % (name, key, text)


def logged(edge, n):
    path = edge.dir / "routes.log"
    wait_for(lambda: path.exists() and path.read_text().count("\n") >= n)
    return path.read_text().splitlines()


def asking(model="smart", **fields):
    return dict(CHAT, model=model, **fields)


def went(server, model="smart", headers=None):
    answer = chat(server, asking(model), headers)
    assert answer.status == 200
    return answer.header("x-comet-model")


def test_one_edit_and_the_client_is_told(nginx, mock):
    """The name becomes the target's, and no other byte changes."""
    edge = nginx(edge_conf(mock, http=LOG + route("to gpt-5.4;")))
    bodies = [
        (b'{"model":"smart","messages":[{"role":"user","content":"x"}]}',
         b'{"model":"gpt-5.4","messages":[{"role":"user","content":"x"}]}'),
        (b' { "messages" : [{"role":"user","content":"smart"}],\n'
         b'"seed":12345678901234567890, "mo\\u0064el" : "sm\\u0061rt" }\n',
         b' { "messages" : [{"role":"user","content":"smart"}],\n'
         b'"seed":12345678901234567890, "mo\\u0064el" : "gpt-5.4" }\n'),
    ]
    with Client(edge) as client:
        for chunked in (False, True):
            for body, sent in bodies:
                answer = client.call("POST", "/v1/chat/completions", body,
                                     chunked=chunked)
                assert answer.status == 200
                assert answer.all("x-comet-model") == ["gpt-5.4"]
                assert answer.json()["model"] == "gpt-5.4"
                assert mock.last().body == sent
        body = b'{"input":"x","model":"smart"}'
        for path in ("", "/compact", "/input_tokens"):
            answer = client.call("POST", "/v1/responses" + path, body)
            assert answer.header("x-comet-model") == "gpt-5.4"
            assert mock.last().body == b'{"input":"x","model":"gpt-5.4"}'
        answer = client.call("POST", "/v1/chat/completions",
                             b'{"model":"smart","model":"smart",'
                             b'"messages":[{"role":"user"}]}')
        assert answer.status == 400
        assert answer.header("x-comet-model") is None
        answer = client.call("POST", "/v1/chat/completions", CHAT)
        assert answer.status == 200
        assert answer.header("x-comet-model") is None
    lines = logged(edge, 9)
    assert lines[0] == "smart|gpt-5.4|openai|pass|-|-"
    assert lines[8] == "gpt-5.4|-|openai|pass|-|-"


def test_a_real_name_that_has_a_route(nginx, mock):
    edge = nginx(edge_conf(mock, http=route(
        "to gpt-5.4; then %s;" % CLAUDE, "gpt-5.4")
        + route("to gpt-5.4;")))
    body = b'{"model":"gpt-5\\u002e4","messages":[{"role":"user"}]}'
    answer = chat(edge, body)
    assert answer.header("x-comet-model") == "gpt-5.4"
    assert mock.last().body == body
    assert went(edge) == "gpt-5.4"


def test_by_weight(nginx, mock):
    """Of a thousand calls so many as weights say, give or take six times
    the deviation; each of them sticks to its key."""
    edge = nginx(edge_conf(mock, http="keepalive_requests 10000;" + route(
        "to gpt-5.4 weight=90; to %s weight=10;" % CLAUDE)
        + route("to a weight=90; to b weight=10;", "sticky",
                "key=$http_openai_user")))
    with Client(edge) as client:
        def ask(model, **headers):
            answer = client.call("POST", "/v1/chat/completions",
                                 asking(model), headers)
            assert answer.json()["model"] == answer.header("x-comet-model")
            return answer.header("x-comet-model")

        n = sum(ask("smart") == CLAUDE for _ in range(1000))
        assert 100 - 57 <= n <= 100 + 57
        stuck = [ask("sticky", **{"OpenAI-User": "user %d" % i})
                 for i in range(300)]
        assert 30 - 31 < stuck.count("b") <= 30 + 31
        assert stuck == [ask("sticky", **{"OpenAI-User": "user %d" % i})
                         for i in range(300)]
        # without a value nothing sticks
        n = sum(ask("sticky", **{"OpenAI-User": ""}) == "b"
                for _ in range(1000))
        assert 100 - 57 <= n <= 100 + 57
        edge.reload(edge.http.replace("to a weight=90", "to a weight=45"))
    with Client(edge) as client:
        moved = [ask("sticky", **{"OpenAI-User": "user %d" % i})
                 for i in range(300)]
    assert {(a, b) for a, b in zip(stuck, moved) if a != b} <= {("a", "b")}
    assert 0 < sum(a != b for a, b in zip(stuck, moved)) < 60


@pytest.mark.parametrize("mode", ["reject", "repair", "observe"])
def test_judged_by_the_rules_of_the_model_it_goes_to(nginx, mock, mode):
    edge = nginx(edge_conf(mock, "comet_invalid %s;" % mode, http=LOG + route(
        "to %s;" % CLAUDE) + route("to %s;" % CLAUDE, "gpt-5.4")
        + route("to gpt-5;", "old")))
    for name in ("smart", "gpt-5.4"):
        answer = chat(edge, asking(
            name, temperature=1.5, max_completion_tokens=7, logprobs=True,
            top_logprobs=2))
        assert answer.status == 200
        assert answer.header("x-comet-repairs") == (
            "temperature=1, logprobs=dropped, top_logprobs=dropped")
        assert mock.last().json() == asking(CLAUDE, temperature=1,
                                            max_tokens=7)
    chat(edge, asking("old", max_tokens=7))
    assert mock.last().json() == asking("gpt-5", max_completion_tokens=7)
    lines = logged(edge, 3)
    assert lines[1] == ("gpt-5.4|%s|claude|repaired|temperature=1, "
                        "logprobs=dropped, top_logprobs=dropped|-" % CLAUDE)
    # what no model takes is the client's
    answer = chat(edge, asking(temperature=2.5))
    if mode == "reject":
        assert answer.status == 400
        assert "takes 0 to 1" in answer.json()["error"]["message"]
    else:
        assert mock.last().json()["temperature"] == (
            1 if mode == "repair" else 2.5)


JSON_OBJECT = {"response_format": {"type": "json_object"}}


def test_what_a_target_cannot_take_goes_to_the_next(nginx, mock):
    edge = nginx(edge_conf(mock, http=route(
        "to %s; then o1-pro; then %s; then gpt-5.4; then gpt-4o;"
        % (CLAUDE, CLAUDE)) + route("to %s;" % CLAUDE, "one")))
    answer = chat(edge, asking(max_tokens=5, **JSON_OBJECT))
    assert answer.status == 200
    assert answer.header("x-comet-model") == "gpt-5.4"
    assert answer.header("x-comet-repairs") is None
    assert mock.last().json() == asking("gpt-5.4", max_completion_tokens=5,
                                        **JSON_OBJECT)
    answer = chat(edge, asking("one", **JSON_OBJECT))
    assert answer.status == 400
    assert answer.json()["error"]["param"] == "response_format"
    # what is wrong anyway is asked of nobody else
    answer = chat(edge, asking(temperature="x", **JSON_OBJECT))
    assert answer.status == 400
    assert answer.json()["error"]["param"] == "temperature"
    assert len(mock.requests) == 1


LIMITED = """
    comet_rate 1r/m burst=50;
    comet_rate 1r/m models=gpt-5.4;
    comet_tokens 100k/m models=gpt-5.4;
    comet_budget 1/1d models=gpt-4o;
"""

TO = "to gpt-5.4; then gpt-4o; then %s;" % CLAUDE


@pytest.mark.parametrize("where", ["memory", "file"])
def test_the_next_one_where_limits_refuse(nginx, mock, where):
    """A limit of one model refuses; the call is one request for the rest."""
    body = asking(temperature=1.5, max_tokens=9)
    if where == "file":
        body["messages"] = [{"role": "user", "content": "smart " * 50000}]
        body["max_tokens"] = body.pop("max_tokens")
    edge = nginx(tenants(mock, http=LIMITED.replace("100k", "10m"),
                         alice=route(TO),
                         location="client_body_buffer_size 8k;"))
    answer = chat(edge, body, bearer())
    assert answer.header("x-comet-model") == "gpt-5.4"
    assert answer.header("x-comet-repairs") is None
    assert mock.last().json() == {
        "max_completion_tokens" if k == "max_tokens" else k: v
        for k, v in dict(body, model="gpt-5.4").items()}
    for i in range(3):
        answer = chat(edge, body, bearer())
        assert answer.status == 200
        assert answer.header("x-comet-model") == CLAUDE
        assert answer.header("x-comet-repairs") == "temperature=1"
        assert answer.header("retry-after") is None
        assert answer.header("x-ratelimit-remaining-requests") == str(48 - i)
        assert mock.last().json() == dict(body, model=CLAUDE, temperature=1)
    assert len(mock.requests) == 4


def test_the_last_refusal_is_told(nginx, mock):
    edge = nginx(tenants(mock, alice=route("to gpt-5.4; then gpt-4o;"),
                         http="""comet_rate 1r/m models=gpt-5.4;
                                 comet_budget 1/1d models=gpt-4o;"""))
    assert chat(edge, asking(), bearer()).status == 200
    answer = chat(edge, asking(), bearer())
    assert answer.status == 429
    assert answer.header("x-comet-model") is None
    assert answer.header("x-should-retry") == "false"
    assert "for gpt-4o" in answer.json()["error"]["message"]


def test_prices_are_those_of_the_model_it_goes_to(nginx, mock):
    edge = nginx(tenants(mock, alice="comet_spend 1/1d;" + route(
        "to mystery; then gpt-5.4;"), http=LOG + """
        comet_price gpt-5.4 input=1 output=2;
        comet_price smart input=100000 output=100000;
        comet_route two { to gpt-5.4; }""", location="comet_spend 9/1d;"))
    for name in ("smart", "two"):
        answer = chat(edge, asking(name),
                      dict(bearer(), **plan(usage=[100, 100])))
        assert answer.header("x-comet-model") == "gpt-5.4"
    assert logged(edge, 2) == [
        "%s|gpt-5.4|openai|pass|-|0.0003" % name for name in ("smart", "two")]


def test_metrics_are_of_the_model_it_goes_to(nginx, mock):
    edge = nginx("comet_zone z:1m;" + edge_conf(
        mock, server="location = /metrics { comet_metrics; }",
        http=route("to %s;" % CLAUDE)
        + "comet_price claude-* input=1 output=1;"))
    assert chat(edge, asking(), plan(usage=[7, 3])).status == 200
    text = call(edge, "GET", "/metrics").body.decode()
    assert 'provider="claude"' in text
    assert 'provider="other"' not in text
    assert [line for line in text.splitlines()
            if line.startswith("comet_cost_total{")
            and line.endswith(" 0.00001")] or "0.00001" in text


def test_lists_are_asked_about_the_name(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_models smart o3; comet_deny_models "
                                 "claude-*;",
                           http=route("to %s;" % CLAUDE)
                           + route("to o3;", "secret")))
    assert went(edge) == CLAUDE
    for name in ("secret", CLAUDE):
        answer = chat(edge, asking(name))
        assert answer.status == 403
        assert "model %s is not" % name in answer.json()["error"]["message"]
    assert len(mock.requests) == 1


def test_a_tenants_own_routes(nginx, mock):
    """They hide those of http that have the same name, for nobody else."""
    edge = nginx(tenants(
        mock, alice=route("to gpt-4o;") + route("to o3;", "mine"),
        http=route("to gpt-5.4;") + route("to gpt-4o;", "common")))
    assert went(edge, "smart", bearer()) == "gpt-4o"
    assert went(edge, "mine", bearer()) == "o3"
    assert went(edge, "common", bearer()) == "gpt-4o"
    assert went(edge, "smart", bearer(BOB)) == "gpt-5.4"
    assert went(edge, "mine", bearer(BOB)) is None
    assert mock.last().json()["model"] == "mine"

    def listed(key):
        answer = call(edge, "GET", "/v1/models", headers=bearer(key))
        return [m["id"] for m in answer.json()["data"]]

    assert listed(ALICE)[-3:] == ["smart", "mine", "common"]
    assert listed(BOB)[-2:] == ["smart", "common"]
    assert "mine" not in listed(BOB)


def entry(name):
    return {"id": name, "object": "model", "created": 0,
            "owned_by": "comet_route"}


def test_the_list_of_models_has_them(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_models smart o* gpt-*;", http=route(
        "to gpt-5;") + route("to o3;", "hidden")
        + route("to o3;", "gpt-5.4") + route("to gpt-9; to o3;", "gpt-9")))
    with Client(edge) as client:
        answer = client.call("GET", "/v1/models")
        models = answer.json()["data"]
        assert [m["id"] for m in models] == ["gpt-5.4", "o3", "smart", "gpt-9"]
        assert models[0]["owned_by"] != "comet_route"
        assert models[2] == entry("smart")
        n = len(mock.requests)
        for name in ("smart", "gpt-5.4"):
            answer = client.call("GET", "/v1/models/" + name)
            assert answer.status == 200
            assert answer.header("content-type") == "application/json"
            assert answer.json() == entry(name)
            answer = client.call("HEAD", "/v1/models/" + name)
            assert answer.status == 200
        assert len(mock.requests) == n
        # one that is among its own targets is a model
        client.call("GET", "/v1/models/gpt-9")
        assert mock.last().target == "/v1/models/gpt-9"
        assert client.call("GET", "/v1/models/hidden").status == 404


def test_without_lists_every_model_is_there(nginx, mock):
    edge = nginx(edge_conf(mock, http=route("to gpt-5.4;")))
    own = call(mock, "GET", "/v1/models").json()
    answer = call(edge, "GET", "/v1/models").json()
    assert answer == dict(own, data=own["data"] + [entry("smart")])


@pytest.mark.parametrize("size", [0, 300000])
def test_a_body_in_a_file(nginx, mock, size):
    """The name stands behind all else, in a body that is in a file."""
    edge = nginx(edge_conf(mock, "client_body_in_file_only clean;",
                           http=route("to %s; then gpt-5.4;" % CLAUDE)))
    for more in ({}, JSON_OBJECT):
        body = dict(messages=[{"role": "user", "content": "x" * size}],
                    temperature=1, **more, model="smart")
        answer = chat(edge, body)
        model = "gpt-5.4" if more else CLAUDE
        assert answer.header("x-comet-model") == model
        assert mock.last().body == json.dumps(dict(body, model=model)).encode()


@pytest.fixture
def other():
    server = Mock().start()
    yield server
    server.stop()


def test_targets_with_an_api_of_their_own(nginx, mock, other, tmp_path):
    """Its address, its path, its Host and its key, for this target alone."""
    (tmp_path / "other.key").write_text("sk-other-1\n")
    edge = nginx(edge_conf(mock, "comet_host api.example.com;", http=route(
        "to gpt-5.4 pass=http://127.0.0.1:%d/llm key=file:%s;"
        % (other.port, tmp_path / "other.key"))
        + route("to gpt-5.4 pass=http://127.0.0.1:%d;" % other.port, "two")
        + route("to gpt-5.4 key=file:%s;" % (tmp_path / "other.key"), "three")
        + route("to gpt-5.4 pass=http://group; then o3;", "four")
        + "upstream group { server 127.0.0.1:%d; }" % other.port))
    here = "127.0.0.1:%d" % other.port
    for name, api, path, host, key in [
            ("smart", other, "/llm/v1/chat/completions", here, "sk-other-1"),
            ("two", other, "/v1/chat/completions", here, KEY),
            ("three", mock, "/v1/chat/completions", "api.example.com",
             "sk-other-1"),
            ("four", other, "/v1/chat/completions", "group", KEY),
            ("gpt-5.4", mock, "/v1/chat/completions", "api.example.com", KEY)]:
        answer = chat(edge, asking(name))
        assert answer.status in (200, 404)
        request = api.last()
        assert request.target == path
        assert request.header("host") == host
        assert request.header("authorization") == "Bearer " + key
        assert request.json() == asking("gpt-5.4")
        api.requests.clear()
    assert not mock.requests and not other.requests
    assert "sk-other" not in edge.log()


def test_a_target_over_tls_is_verified(nginx, mock, tls_mock, pki):
    """Where the location itself is not over TLS."""
    groups = "".join("upstream %s { server 127.0.0.1:%d; }\n"
                     % (name, tls_mock.port)
                     for name in ("api.test", "wrong.test"))
    edge = nginx(edge_conf(
        mock, "comet_ssl_trusted_certificate %s/root.pem;" % pki,
        http=groups + route("to gpt-5.4 pass=https://api.test;")
        + route("to gpt-5.4 pass=https://wrong.test;", "wrong")))
    assert went(edge) == "gpt-5.4"
    assert tls_mock.last().header("host") == "api.test"
    assert chat(edge, asking("wrong")).status == 502
    assert chat(edge).status == 200
    assert len(tls_mock.requests) == 1 and len(mock.requests) == 1


def test_behind_an_error_page(nginx, mock):
    """A call that comes to another gate is routed there."""
    edge = nginx(edge_conf(
        mock, "comet_models o3; error_page 403 = @other;", server="""
        location @other {
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        }""" % mock.port, http=route("to %s;" % CLAUDE)))
    answer = chat(edge, asking(temperature=1.5))
    assert answer.header("x-comet-model") == CLAUDE
    assert mock.last().json() == asking(CLAUDE, temperature=1)


def test_the_sdk_asks_for_a_route(nginx, mock):
    edge = nginx(tenants(mock, alice=route("to %s;" % CLAUDE)))
    client = openai.OpenAI(base_url=edge.url + "/v1", api_key=ALICE,
                           max_retries=0)
    answer = client.chat.completions.with_raw_response.create(
        model="smart", messages=CHAT["messages"], temperature=1.5)
    assert answer.headers["x-comet-model"] == CLAUDE
    assert answer.headers["x-comet-repairs"] == "temperature=1"
    assert answer.parse().model == CLAUDE
    chunks = list(client.chat.completions.create(
        model="smart", messages=CHAT["messages"], stream=True))
    assert chunks and {chunk.model for chunk in chunks} == {CLAUDE}
    assert client.responses.create(model="smart", input="Hi").model == CLAUDE
    assert client.models.retrieve("smart").owned_by == "comet_route"
    assert "smart" in {model.id for model in client.models.list()}
    assert mock.last().target == "/v1/models"
