"""The gate: every rule through a real nginx, and bodies byte for byte."""

import json
import os
import random
import time

import pytest

from conftest import edge_conf, wait_for
from wire import CHAT, Client, call, chat, plan, request

SLOW = "COMET_SLOW" in os.environ

RESPONSE = {"model": "gpt-5.4", "input": "Hi"}


def post(edge, target, body, **how):
    with Client(edge) as client:
        return client.call("POST", target, body, **how)


def with_(model=None, **fields):
    body = dict(CHAT, **fields)
    if model:
        body["model"] = model
    return body


@pytest.fixture
def modes(nginx, mock):
    """One nginx with the three modes side by side."""
    conf = "\n".join("""
        location /%s/ {
            rewrite ^/[a-z]+(/.*)$ $1 break;
            comet_invalid %s;
            comet_pass http://127.0.0.1:%d;
            comet_key file:KEYFILE;
        }""" % (mode, mode, mock.port)
        for mode in ("reject", "repair", "observe"))
    return nginx("""
        log_format g '$comet_endpoint|$comet_model|$comet_provider|'
                     '$comet_verdict|$comet_error_code|$comet_error_param|'
                     '$comet_repairs';
        server { listen PORT; access_log gate.log g; %s }""" % conf)


# what is refused: (body, parameter, code, what a repair makes of it)
DROPPED = "dropped"

WRONG = [
    (with_(temperature=2.1), "temperature", "invalid_value", 2),
    (with_(temperature=-0.1), "temperature", "invalid_value", 0),
    (with_("claude-sonnet-4-6", temperature=1.7), "temperature",
     "unsupported_value", 1),
    (with_("gemini-2.5-pro", temperature=2.5), "temperature",
     "invalid_value", 2),
    (with_("mystery", temperature=3), "temperature", "invalid_value", 2),
    (with_(top_p=1.1), "top_p", "invalid_value", 1),
    (with_("claude-x", top_p=-1), "top_p", "invalid_value", 0),
    (with_(frequency_penalty=2.5), "frequency_penalty", "invalid_value", 2),
    (with_(presence_penalty=-3), "presence_penalty", "invalid_value", -2),
    (with_(n=0), "n", "invalid_value", 1),
    (with_(n=129), "n", "invalid_value", 128),
    (with_("claude-x", n=2), "n", "unsupported_value", 1),
    (with_("gemini-x", n=9), "n", "unsupported_value", 8),
    (with_(n=1.5), "n", "invalid_type", None),
    (with_(stop=list("abcde")), "stop", "unsupported_value", None),
    (with_("gemini-x", stop=list("abcdef")), "stop", "unsupported_value",
     None),
    (with_(stop=["a", 1]), "stop[1]", "invalid_type", None),
    (with_("claude-x", logprobs=True), "logprobs", "unsupported_parameter",
     DROPPED),
    (with_("gemini-x", logprobs=True), "logprobs", "unsupported_parameter",
     DROPPED),
    (with_("claude-x", reasoning_effort="low"), "reasoning_effort",
     "unsupported_parameter", DROPPED),
    (with_("gemini-x", reasoning_effort="low"), "reasoning_effort",
     "unsupported_parameter", DROPPED),
    (with_("gpt-4o", reasoning_effort="low"), "reasoning_effort",
     "unsupported_parameter", DROPPED),
    (with_("o3", reasoning_effort="hard"), "reasoning_effort",
     "invalid_value", None),
    (with_("claude-x", response_format={"type": "json_object"}),
     "response_format", "unsupported_value", None),
    (with_(response_format={"type": "xml"}), "response_format.type",
     "invalid_value", None),
    (with_(response_format={"type": "json_schema"}), "response_format",
     "missing_required_parameter", None),
    (with_(top_logprobs=21, logprobs=True), "top_logprobs",
     "invalid_value", 20),
    (with_(top_logprobs=2), "top_logprobs", "invalid_value", DROPPED),
    (with_(stream_options={}), "stream_options", "invalid_value", DROPPED),
    (with_("mystery", max_tokens=-1), "max_tokens", "invalid_value", 0),
    (with_(logit_bias={"50256": True}), "logit_bias", "invalid_type", None),
    (with_(tools=[{"function": {"name": "f"}}]), "tools[0]",
     "missing_required_parameter", None),
    (with_(tools=[{"type": "function"}]), "tools[0]",
     "missing_required_parameter", None),
    (with_(tools=[{"type": "function", "function": {}}]),
     "tools[0].function", "missing_required_parameter", None),
    (with_(tool_choice="maybe"), "tool_choice", "invalid_value", None),
    (with_(service_tier="gold"), "service_tier", "invalid_value", None),
    (with_(user=7), "user", "invalid_type", None),
    (with_(stream="yes"), "stream", "invalid_type", None),
    (with_(messages=[]), "messages", "invalid_value", None),
    (with_(messages=[7]), "messages[0]", "invalid_type", None),
    (with_(messages=[{"role": "boss", "content": "x"}]), "messages[0].role",
     "invalid_value", None),
    (with_(messages=[{"content": "x"}]), "messages[0]",
     "missing_required_parameter", None),
    (with_(messages=[{"role": "tool", "content": "x"}]), "messages[0]",
     "missing_required_parameter", None),
    (with_(messages=[{"role": "user", "content": [{"text": "x"}]}]),
     "messages[0].content[0]", "missing_required_parameter", None),
    (with_(messages=[{"role": "user", "content": [
        {"type": "image_url", "image_url": {"detail": "huge"}}]}]),
     "messages[0].content[0].image_url.detail", "invalid_value", None),
    (with_(model=None, messages=None), "messages",
     "missing_required_parameter", None),
    ({"messages": CHAT["messages"]}, "model", "missing_required_parameter",
     None),
    (with_("o1-pro"), "model", "unsupported_value", None),
    (dict(CHAT, model=""), "model", "invalid_value", None),
    (dict(CHAT, model="o3\r\nX-Evil: 1"), "model", "invalid_value", None),
]

WRONG_RESPONSES = [
    (dict(RESPONSE, temperature=2.5), "temperature", "invalid_value", 2),
    (dict(RESPONSE, model="claude-x", temperature=2.5), "temperature",
     "invalid_value", 2),
    (dict(RESPONSE, top_p=2), "top_p", "invalid_value", 1),
    (dict(RESPONSE, top_logprobs=21), "top_logprobs", "invalid_value", 20),
    (dict(RESPONSE, max_tool_calls=-1), "max_tool_calls", "invalid_value",
     0),
    (dict(RESPONSE, metadata={str(n): "" for n in range(17)}), "metadata",
     "invalid_value", None),
    (dict(RESPONSE, metadata={"k" * 65: ""}), "metadata", "invalid_value",
     None),
    (dict(RESPONSE, metadata={"k": "\u00fc" * 513}), "metadata",
     "invalid_value", None),
    (dict(RESPONSE, safety_identifier="x" * 65), "safety_identifier",
     "invalid_value", None),
    (dict(RESPONSE, prompt_cache_retention="1h"), "prompt_cache_retention",
     "invalid_value", None),
    (dict(RESPONSE, truncation="some"), "truncation", "invalid_value", None),
    (dict(RESPONSE, reasoning={"effort": "hard"}), "reasoning.effort",
     "invalid_value", None),
    (dict(RESPONSE, text={"verbosity": "loud"}), "text.verbosity",
     "invalid_value", None),
    (dict(RESPONSE, text={"format": {"type": "json_schema", "name": "x"}}),
     "text.format", "missing_required_parameter", None),
    (dict(RESPONSE, include="x"), "include", "invalid_type", None),
    (dict(RESPONSE, store=1), "store", "invalid_type", None),
    (dict(RESPONSE, stream_options={}), "stream_options", "invalid_value",
     DROPPED),
    (dict(RESPONSE, tools=[{"type": "function"}]), "tools[0]",
     "missing_required_parameter", None),
    (dict(RESPONSE, previous_response_id="a", conversation="b"),
     "previous_response_id", "invalid_value", None),
    ({"model": "gpt-5.4"}, "input", "missing_required_parameter", None),
    ({"input": "Hi"}, "model", "missing_required_parameter", None),
]

CASES = [("/v1/chat/completions",) + case for case in WRONG] \
    + [("/v1/responses",) + case for case in WRONG_RESPONSES]


def test_what_is_wrong_in_every_mode(modes, mock):
    for target, body, param, code, repaired in CASES:
        where = (target, param, body.get("model"))

        answer = post(modes, "/reject" + target, body)
        assert answer.status == 400, where
        error = answer.json()["error"]
        assert (error["param"], error["code"]) == (param, code), where
        assert error["type"] == "invalid_request_error"
        top = param.split(".")[0].split("[")[0]
        assert top in error["message"]

        seen = len(mock.requests)
        answer = post(modes, "/repair" + target, body)
        if repaired is None:
            assert answer.status == 400, where
            assert len(mock.requests) == seen
        else:
            assert answer.status == 200, (where, answer.body)
            got = mock.last().json()
            told = answer.header("x-comet-repairs")
            if repaired == DROPPED:
                assert param not in got, where
                assert "%s=dropped" % param in told
            else:
                assert got[param] == repaired, where
                assert "%s=%s" % (param, repaired) in told
            rest = {k: v for k, v in body.items() if k in got
                    and k != param}
            assert {k: v for k, v in got.items() if k != param} == rest

        answer = post(modes, "/observe" + target, body)
        assert answer.status == 200, where
        assert answer.header("x-comet-repairs") is None
        assert mock.last().body == json.dumps(body).encode()


def test_numbers_inside_of_a_parameter_are_clamped(modes, mock):
    body = with_(logit_bias={"1": 101, "2": -1e9, "3": 7})

    answer = post(modes, "/reject/v1/chat/completions", body)
    assert answer.status == 400
    assert "logit_bias has 101, but takes -100 to 100" \
        in answer.json()["error"]["message"]

    answer = post(modes, "/repair/v1/chat/completions", body)
    assert answer.status == 200
    assert answer.header("x-comet-repairs") == "logit_bias=clamped"
    assert mock.last().json()["logit_bias"] == {"1": 100, "2": -100, "3": 7}


RIGHT = [
    with_(temperature=0), with_(temperature=2), with_("claude-x",
                                                      temperature=1),
    with_(top_p=0), with_(top_p=1), with_(n=1), with_(n=128),
    with_("gemini-x", n=8), with_("claude-x", n=1), with_(stop="x"),
    with_(stop=list("abcd")), with_("gemini-x", stop=list("abcde")),
    with_(logprobs=True, top_logprobs=20), with_("claude-x", logprobs=None),
    with_("o3", reasoning_effort="xhigh"),
    with_("gpt-5.1", reasoning_effort="none"),
    with_("gpt-5", reasoning_effort="low"),
    with_("gpt-5-nano", reasoning_effort="minimal"),
    with_(service_tier="fast"),
    with_("vendor/unknown", reasoning_effort="low", logprobs=True),
    with_(response_format={"type": "json_object"}),
    with_("claude-x", response_format={
        "type": "json_schema", "json_schema": {"name": "x", "schema": {}}}),
    with_(temperature=None, n=None, stop=None, tools=None, user=None),
    with_(unknown={"anything": [1, {"n": 1e300}]}, temperature=1.0),
    with_(messages=[{"role": r, "content": "x", "tool_call_id": "y"}
                    for r in ("system", "developer", "user", "assistant",
                              "tool", "function")]),
    with_(messages=[{"role": "assistant", "content": None,
                     "tool_calls": [{"n": 999}]}]),
    with_(tools=[{"type": "function", "function": {"name": "f"}},
                 {"type": "web"}], tool_choice={"type": "function"}),
    with_(logit_bias={"1": -100, "2": 100}, stream=True,
          stream_options={"include_usage": True}),
]

RIGHT_RESPONSES = [
    RESPONSE, dict(RESPONSE, input=[{"role": "user", "content": "x"}]),
    {"model": "o3", "prompt": {"id": "p"}},
    {"model": "o3", "previous_response_id": "resp_1"},
    {"model": "o3", "conversation": {"id": "c"}},
    dict(RESPONSE, temperature=2, top_p=1, top_logprobs=20,
         max_output_tokens=0, max_tool_calls=3, truncation="auto",
         metadata={"k" * 64: "\u00fc" * 512}, safety_identifier="\u00fc" * 64,
         prompt_cache_retention="24h", reasoning={"effort": "minimal"},
         text={"format": {"type": "json_schema", "name": "n", "schema": {}},
               "verbosity": "low"}, include=["anything"], store=False,
         background=False, parallel_tool_calls=True, stream=False,
         tool_choice="auto", tools=[{"type": "function", "name": "f"},
                                    {"type": "web_search_preview"}]),
    dict(RESPONSE, model="o1-pro"),
    dict(RESPONSE, model="claude-x", temperature=1.5, service_tier="fast"),
]


def test_what_is_right_passes_byte_for_byte(modes, mock):
    for target, bodies in (("/v1/chat/completions", RIGHT),
                           ("/v1/responses", RIGHT_RESPONSES)):
        for body in bodies:
            text = json.dumps(body, indent=random.choice([None, 1])).encode()
            for mode in ("reject", "observe"):
                answer = post(modes, "/%s%s" % (mode, target), text)
                assert answer.status == 200, (body, answer.body)
                assert mock.last().body == text


CAPS = [
    # model, sent, arrives
    ("o3", {"max_tokens": 5}, {"max_completion_tokens": 5}),
    ("o3", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
    ("gpt-5.4", {"max_tokens": 5}, {"max_completion_tokens": 5}),
    ("gpt-4.1-mini", {"max_tokens": 5}, {"max_tokens": 5}),
    ("gpt-4o", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("chatgpt-4o-latest", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("claude-x", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("vendor/gemini-x", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("mystery", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
    ("o3", {"max_tokens": 5, "max_completion_tokens": 5},
     {"max_completion_tokens": 5}),
    ("claude-x", {"max_tokens": 5, "max_completion_tokens": 5},
     {"max_tokens": 5}),
    ("o3", {"max_tokens": 5, "max_completion_tokens": None},
     {"max_completion_tokens": 5}),
    ("o3", {"max_tokens": None}, {"max_tokens": None}),
]


@pytest.mark.parametrize("mode", ["reject", "repair"])
def test_the_cap_goes_under_the_name_that_the_model_takes(modes, mock, mode):
    for model, sent, arrives in CAPS:
        body = dict(CHAT, model=model)
        for order in (dict(body, **sent), dict(sent, **body)):
            answer = post(modes, "/%s/v1/chat/completions" % mode, order)
            assert answer.status == 200, (model, sent, answer.body)
            assert mock.last().json() == dict(body, **arrives)
            assert answer.header("x-comet-repairs") is None
    answer = post(modes, "/%s/v1/chat/completions" % mode,
                  dict(CHAT, max_tokens=5, max_completion_tokens=6))
    message = answer.json()["error"]["message"]
    assert answer.status == 400
    assert "max_tokens" in message and "max_completion_tokens" in message
    for name in ("max_tokens", "max_completion_tokens"):
        post(modes, "/%s/v1/responses" % mode, dict(RESPONSE, **{name: 9}))
        assert mock.last().json() == dict(RESPONSE, max_output_tokens=9)


def test_the_developer_role(modes, mock):
    """It is one of every model that is documented."""
    for model in ("claude-x", "gemini-x", "gpt-4o", "gpt-3.5-turbo", "o3",
                  "mystery"):
        body = with_(model, messages=[{"role": "developer", "content": "a"},
                                      {"role": "user", "content": "b"}])
        for mode in ("reject", "repair", "observe"):
            answer = post(modes, "/%s/v1/chat/completions" % mode, body)
            assert answer.status == 200
            assert answer.header("x-comet-repairs") is None
            assert mock.last().body == json.dumps(body).encode()


def test_a_provider_without_the_developer_role(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_invalid repair;", http="""
        comet_provider old { match old-*; developer off; }"""))
    body = with_("old-1", messages=[
        {"role": "developer", "content": "a"},
        {"content": "developer", "role": "user"},
        {"role": "DEV", "content": "b"}])
    text = json.dumps(body).encode().replace(b"DEV", b"dev\\u0065loper")
    answer = chat(edge, text)
    assert [m["role"] for m in mock.last().json()["messages"]] \
        == ["system", "user", "system"]
    assert "role=system" in answer.header("x-comet-repairs")
    assert chat(edge, text.replace(b"old-1", b"new-1")).status == 200
    assert b"system" not in mock.last().body


def test_several_violations_are_all_told(modes):
    body = with_("claude-x", temperature=9, n=3, logprobs=True)
    error = post(modes, "/reject/v1/chat/completions", body).json()["error"]
    assert error["param"] == "temperature"
    for said in ("temperature is 9, but claude-x takes 0 to 1",
                 "n is 3, but claude-x takes only 1",
                 "logprobs is not supported by claude-x"):
        assert said in error["message"]


def test_a_body_has_so_many_small_members(modes, mock):
    def body(count):
        bias = ",".join('"%d":1' % n for n in range(count))
        return ('{"model":"gpt-4o","messages":[{"role":"user"}],'
                '"logit_bias":{%s}}' % bias).encode()

    for mode in ("reject", "repair", "observe"):
        assert post(modes, "/%s/v1/chat/completions" % mode, body(4000)).status == 200
        assert mock.last().body == body(4000)
    seen = len(mock.requests)
    for mode in ("reject", "repair"):
        answer = post(modes, "/%s/v1/chat/completions" % mode, body(10000))
        error = answer.json()["error"]
        assert (answer.status, error["code"], error["param"]) \
            == (400, "too_many_members", "logit_bias")
    assert len(mock.requests) == seen
    assert post(modes, "/observe/v1/chat/completions", body(10000)).status == 200
    assert mock.last().body == body(10000)


@pytest.mark.parametrize("size", [0, 3000000])
def test_a_body_is_repaired_in_256_places_at_most(modes, mock, size):
    """in memory and in a file"""
    def body(count, value):
        bias = ",".join('"%d":%d' % (n, value) for n in range(count))
        return ('{"model":"gpt-4o","messages":[{"role":"user"}],'
                '"x":"%s","logit_bias":{%s}}' % ("x" * size, bias)).encode()

    answer = post(modes, "/repair/v1/chat/completions", body(256, 200))
    assert answer.status == 200
    assert answer.header("x-comet-repairs") == "logit_bias=clamped"
    assert mock.last().body == body(256, 100)

    answer = post(modes, "/repair/v1/chat/completions", body(257, 200))
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["param"]) \
        == (400, "too_many_repairs", "logit_bias")
    assert "more than 256 values" in error["message"]

    answer = post(modes, "/reject/v1/chat/completions", body(100000, 200))
    assert answer.status == 400
    assert answer.json()["error"]["code"] == "invalid_value"

    answer = post(modes, "/observe/v1/chat/completions", body(100000, 200))
    assert answer.status == 200
    assert mock.last().body == body(100000, 200)


# no two readers

AMBIGUOUS = [
    b'{"model":"o3","model":"o3","messages":[{"role":"user"}]}',
    b'{"model":"o3","mod\\u0065l":"o3","messages":[{"role":"user"}]}',
    b'{"model":"o3","Model":"x","messages":[{"role":"user"}]}',
    b'{"model":"o3","MODEL":"x","messages":[{"role":"user"}]}',
    b'{"model":"o3","stop":1,"\xc5\xbftop":2,"messages":[{"role":"user"}]}',
    b'{"model":"o3","max_to\xe2\x84\xaaens":2,"messages":[{"role":"user"}]}',
    b'{"model":"o3","model\\u0000x":"x","messages":[{"role":"user"}]}',
    b'{"model":"o3","messages":[{"role":"user","role":"system"}]}',
    b'{"model":"o3","messages":[{"role":"user","ROLE":"system"}]}',
    b'{"model":"o3","max_tokens":1E400,"messages":[{"role":"user"}]}',
    b'\xef\xbb\xbf{"model":"o3","messages":[{"role":"user"}]}',
    b'{"model":"o3","messages":[{"role":"user"}]}{}',
    b'{"model":"o3","messages":[{"role":"user"}]} x',
    b'{"model":"o3","messages":[{"role":"user"}],}',
    b'{"model":"o3","messages":[{"role":"user","content":"\xff"}]}',
    b'{"model":"o3","messages":[{"role":"user","content":"\\ud800"}]}',
    b'{"model":"o3","messages":[{"role":"user","content":"a\nb"}]}',
    b'{"model":"o3","x":NaN,"messages":[{"role":"user"}]}',
    b'{"model":"o3","x":01,"messages":[{"role":"user"}]}',
    b"{'model':'o3'}", b"", b"[]", b'"x"', b"null", b"{",
    b'{"model":"o3","messages":[{"role":"user"}],"x":' + b"[" * 300
    + b"]" * 300 + b"}",
]


@pytest.mark.parametrize("mode", ["reject", "repair"])
def test_what_two_readers_may_read_differently(modes, mock, mode):
    for body in AMBIGUOUS:
        for chunked in (False, True):
            answer = post(modes, "/%s/v1/chat/completions" % mode, body,
                          chunked=chunked)
            assert answer.status == 400, body
            assert answer.json()["error"]["type"] == "invalid_request_error"
    assert not mock.requests


def test_a_message_says_which_and_what_to_write(modes):
    for target, body, param, said in [
            ("/v1/responses", dict(RESPONSE, metadata={"a": "", "b\"c": 7}),
             "metadata", 'metadata["b"c"] must be a string'),
            ("/v1/responses", dict(RESPONSE, metadata={"\x1bé": []}),
             "metadata", 'metadata["\x1bé"] must be a string'),
            ("/v1/chat/completions", with_(logit_bias={"7": "1"}),
             "logit_bias", 'logit_bias["7"] must be a number'),
            ("/v1/chat/completions", with_(Temperature=1), "temperature",
             'temperature is written "Temperature", which only some readers '
             'take for it: write "temperature"'),
            ("/v1/chat/completions", with_(**{"max_to\u212aens": 5}),
             "max_tokens", 'take for it: write "max_tokens"'),
            ("/v1/chat/completions", with_(**{"user\0x": ""}), "user",
             'user is written "user\\u0000", which')]:
        error = post(modes, "/reject" + target, body).json()["error"]
        assert error["param"] == param
        assert said in error["message"], error["message"]


@pytest.mark.parametrize("headers,lines", [
    ({"Content-Encoding": "gzip"}, 1), ({"Content-Encoding": "br"}, 1),
    ({"Content-Type": "application/json"}, 2)])
def test_415(edge, mock, headers, lines):
    answer = chat(edge, headers=headers)
    assert answer.status == 415, answer.body
    assert not mock.requests


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8",
                                  "Application/JSON;charset=\"UTF-8\"",
                                  "application/json ;\t charset=utf-8",
                                  "application/json; "])
def test_json_in_utf8_however_it_is_said(edge, kind):
    body = json.dumps(CHAT).encode()
    with Client(edge) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (kind.encode(), len(body), body))
        assert client.answer().status == 200


@pytest.mark.parametrize("kind", ["", "text/plain",
                                  "application/json; charset=utf-7",
                                  "application/json; charset=utf-16", "application/jsonx",
                                  "app lication/json", "application /json",
                                  "application/js\ton", "application/json charset=utf-8",
                                  "application/json; charset = utf-8",
                                  "application/json; charset=utf-8 x",
                                  "application/json; charset=\"utf -8\"",
                                  "application/json; charset=utf-8; charset=utf-7",
                                  "application/json; x", "application/json,text/plain",
                                  ";application/json", "application/json;;",
                                  "application/x-www-form-urlencoded"])
def test_415_for_other_types(edge, mock, kind):
    body = json.dumps(CHAT).encode()
    with Client(edge) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                    + (b"Content-Type: %s\r\n" % kind.encode() if kind
                       else b"")
                    + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert client.answer().status == 415
        answer = client.call("POST", "/v1/chat/completions", CHAT)
        assert answer.status == 200
    assert len(mock.requests) == 1


def test_two_lengths_are_nginxs_400(edge, mock):
    with Client(edge) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
        assert client.head()[1] == 400
    assert not mock.requests


# what an operator adds

def gate(nginx, mock, text):
    return nginx(edge_conf(mock, text))


def test_comet_param(nginx, mock):
    edge = gate(nginx, mock, """
        comet_param temperature 0.2..0.8;
        comet_param tools off;
        comet_param service_tier default flex;
        comet_param stop 0..2;
        comet_param functions 0..0;
        comet_param vendor_list 0..4;
        comet_param user =$http_x_user;
        comet_param store =false;
        comet_param seed =-7;
        comet_param tag =v1;
        comet_param zip =007;
        comet_param vendor_extra off;""")
    good = {"X-User": 'a"b\\\u0041'}
    for fields, status, param in [
            ({"temperature": 0.5}, 200, None),
            ({"temperature": 1}, 400, "temperature"),
            ({"tools": []}, 400, "tools"),
            ({"service_tier": "flex"}, 200, None),
            ({"service_tier": "auto"}, 400, "service_tier"),
            ({"stop": ["a", "b", "c"]}, 400, "stop"),
            ({"stop": ["a", "b"]}, 200, None),
            ({"functions": [1]}, 400, "functions"),
            ({"functions": []}, 200, None),
            ({"vendor_list": [None, {}, [1], "x"]}, 200, None),
            ({"vendor_list": [1, 2, 3, 4, 5]}, 400, "vendor_list"),
            ({"vendor_extra": 1}, 400, "vendor_extra"),
            ({"user": "mine", "store": True, "seed": 1}, 200, None)]:
        answer = chat(edge, with_(**fields), good)
        assert answer.status == status, (fields, answer.body)
        if param:
            assert answer.json()["error"]["param"] == param
            continue
        want = with_(**dict(fields, user='a"b\\A', store=False, seed=-7,
                            tag="v1", zip="007"))
        assert mock.last().json() == want


def test_comet_provider(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_invalid repair;", http="""
        comet_provider house {
            match house-* ~^mist;
            param temperature 0..0.5;
            param logprobs off;
            param service_tier default;
            cap max_completion_tokens;
            developer off;
        }
        comet_provider strict { match claude-strict*; param n 1..1; }"""))
    body = with_("house-1", temperature=1, logprobs=True, max_tokens=5,
                 messages=[{"role": "developer", "content": "x"}])
    answer = chat(edge, body)
    assert mock.last().json() == with_(
        "house-1", temperature=0.5, max_completion_tokens=5,
        messages=[{"role": "system", "content": "x"}])
    for said in ("temperature=0.5", "logprobs=dropped", "role=system"):
        assert said in answer.header("x-comet-repairs")
    assert chat(edge, with_("mist", service_tier="flex")).status == 400
    assert chat(edge, with_("claude-strict", temperature=2)).status == 200
    assert mock.last().json()["temperature"] == 2
    chat(edge, with_("claude-x", temperature=2))
    assert mock.last().json()["temperature"] == 1


def test_comet_max_output_tokens(nginx, mock):
    for text, body, status, arrives in [
            ("100", with_("o3"), 200, {}),
            ("100", with_("o3", max_tokens=100), 200,
             {"max_completion_tokens": 100}),
            ("100", with_("o3", max_tokens=101), 400, None),
            ("100 default", with_("o3"), 200, {"max_completion_tokens": 100}),
            ("100 default", with_("claude-x"), 200, {"max_tokens": 100}),
            ("100 default", with_("gpt-4o", max_tokens=None), 200,
             {"max_tokens": 100}),
            ("100 default", with_("mystery", max_completion_tokens=7), 200,
             {"max_completion_tokens": 7})]:
        edge = nginx(edge_conf(mock, "comet_max_output_tokens %s;" % text))
        answer = chat(edge, body)
        assert answer.status == status, (text, body, answer.body)
        if status == 200:
            want = {k: v for k, v in body.items()
                    if not k.startswith("max_")}
            assert mock.last().json() == dict(want, **arrives)
        edge.stop()
    edge = nginx(edge_conf(
        mock, "comet_max_output_tokens 100; comet_invalid repair;"))
    answer = chat(edge, with_("o3", max_tokens=5000))
    assert mock.last().json() == with_("o3", max_completion_tokens=100)
    assert "max_tokens=100" in answer.header("x-comet-repairs")
    answer = chat(edge, with_("o3", max_tokens=0))
    assert mock.last().json() == with_("o3", max_completion_tokens=1)
    assert "max_tokens=1" in answer.header("x-comet-repairs")


CAPPED = ["comet_max_output_tokens 100;", "comet_max_output_tokens 100 default;",
          "comet_param max_completion_tokens 0..100;"]


@pytest.mark.parametrize("text", CAPPED)
def test_a_cap_of_zero_is_none(nginx, mock, text):
    """0 and -0 vanish where a reader leaves out what is empty."""
    edge = nginx(edge_conf(mock, text))
    for zero in (b"0", b"-0"):
        for name, path, head in [
                (b"max_tokens", "chat/completions", b'"messages":[{"role":'
                 b'"user"}]'),
                (b"max_completion_tokens", "chat/completions",
                 b'"messages":[{"role":"user"}]'),
                (b"max_output_tokens", "responses", b'"input":"x"'),
                (b"max_tokens", "responses", b'"input":"x"')]:
            answer = post(edge, "/v1/" + path, b'{"model":"gpt-5",%s,"%s":%s}'
                          % (head, name, zero))
            error = answer.json()["error"]
            assert (answer.status, error["param"]) == (400, name.decode())
            assert zero.decode() in error["message"]
    assert chat(edge, with_("o3", max_tokens=1)).status == 200
    assert chat(edge, with_("o3", max_tokens=None)).status == 200


def test_models(nginx, mock):
    edge = gate(nginx, mock, """
        comet_models gpt-5* claude-* ~^o[0-9]+$;
        comet_deny_models *-pro ~(a+)+$;""")
    for model, status in [("gpt-5.4", 200), ("claude-x", 200), ("o3", 200),
                          ("o3-mini", 403), ("gpt-4o", 403),
                          ("gpt-5-pro", 403), ("claude-aaaa", 403)]:
        answer = chat(edge, with_(model))
        assert answer.status == status, model
        if status == 403:
            error = answer.json()["error"]
            assert error["type"] == "permission_error"
            assert model in error["message"]
        answer = call(edge, "GET", "/v1/models/" + model)
        assert answer.status == (404 if status == 403 else 200)


def test_subrequests(nginx, mock):
    """Included, mirrored: a subrequest harms nothing of the main one."""
    edge = nginx(edge_conf(mock, """
        mirror /mirror/; comet_invalid repair; comet_max_output_tokens 16;
        client_body_buffer_size 1k;""", server="""
        location /mirror/ {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key sk-x;
            comet_invalid repair; comet_max_output_tokens 16;
        }
        location /page/ { root %s; ssi on; ssi_types *; }
        location /list/ {
            internal;
            rewrite ^/list(/.*)$ $1 break;
            comet_pass http://127.0.0.1:%d; comet_key sk-x; comet_models o3;
        }
        location /down/ {
            internal;
            rewrite ^/down(/.*)$ $1 break;
            comet_pass http://127.0.0.1:9; comet_key sk-x;
        }""" % (mock.port, "PAGES", mock.port)).replace(
            "PAGES", "."))
    for size in (10, 5000):
        body = with_("o3", max_tokens=999, user="u" * size)
        seen = len(mock.requests)
        assert chat(edge, body).status == 200
        main = [r for r in mock.requests[seen:]
                if r.json().get("max_completion_tokens") == 16]
        assert main
    pages = edge.dir / "page"
    pages.mkdir()
    (pages / "a.html").write_text(
        'A<!--#include virtual="/list/v1/models" -->B'
        '<!--#include virtual="/down/v1/models" -->C')
    answer = call(edge, "GET", "/page/a.html")
    assert answer.status == 200 and answer.complete
    assert b'A{"object":"list"' in answer.body
    assert b'"o3"' in answer.body and b"gpt" not in answer.body
    assert answer.body.endswith(b"C")
    for wishes in ({"body": "["}, {"body": ""}, {"cut": 300}):
        answer = call(edge, "GET", "/page/a.html", headers=plan(**wishes))
        assert answer.status == 200 and answer.complete
        assert answer.body.startswith(b"A") and answer.body.endswith(b"C")


def test_an_expression_that_explodes_is_cut_off(nginx, mock):
    for rule in ("comet_models ~^(a+)+$ o3;", "comet_deny_models ~^(a+)+$;"):
        edge = gate(nginx, mock, rule)
        answer = chat(edge, with_("a" * 200 + "!"))
        assert answer.status == 403
        assert chat(edge, with_("o3")).status == 200


def test_a_list_of_models_holds_in_observe_mode_too(nginx, mock):
    edge = gate(nginx, mock, "comet_models o3; comet_invalid observe;")
    assert chat(edge, with_("o3", n=0)).status == 200
    assert chat(edge, with_("o4", n=0)).status == 403
    for body in (b'{"model":7}', b'{"model":null}', b'{}', b'{"model":""}',
                 b'{"model":"o3","model":"o4"}', b'["o3"]', b"x"):
        assert chat(edge, body).status == 400, body
    assert len(mock.requests) == 1


# bytes

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


def test_variables(modes, mock):
    for mode, body in [("reject", with_()), ("reject", with_(n=0)),
                       ("repair", with_("claude-x", temperature=3)),
                       ("observe", with_(n=0))]:
        post(modes, "/%s/v1/chat/completions" % mode, body)
    call(modes, "GET", "/reject/v1/models")
    log = modes.dir / "gate.log"
    call(modes, "GET", "/reject/v1/nothing")
    wait_for(lambda: len(log.read_text().splitlines()) == 6)
    assert log.read_text().splitlines() == [
        "chat.completions|gpt-5.4|openai|pass|-|-|-",
        "chat.completions|gpt-5.4|openai|refused|invalid_value|n|-",
        "chat.completions|claude-x|claude|repaired|unsupported_value|"
        "temperature|temperature=1",
        "chat.completions|gpt-5.4|openai|observed|invalid_value|n|-",
        "models|-|-|pass|-|-|-", "-|-|-|refused|not_found|-|-"]
