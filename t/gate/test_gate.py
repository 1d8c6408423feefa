"""The gate: every rule through a real nginx, and what no two readers may
read differently."""

import json
import random

import pytest

from conftest import edge_conf, wait_for
from judged import RESPONSE, modes, post, with_  # noqa: F401
from wire import CHAT, Client, call, chat

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
