"""comet_invalid observe refuses nothing, but where lists, limits or prices
hold, what they rely on is the same for every reader."""

import pytest

from conftest import edge_conf
from wire import Client, chat, plan, request

HI = b'"messages":[{"role":"user","content":"Hi"}]'

MODEL = [
    b'{"model":"o3",%s,"model":"gpt-5.4-pro"}' % HI,
    b'{"model":"o3",%s,"mod\\u0065l":"gpt-5.4-pro"}' % HI,
    b'{"MODEL":"gpt-5.4-pro","model":"o3",%s}' % HI,
    b'{"Model":"gpt-5.4-pro",%s}' % HI,
    b'{"model\\u0000":"gpt-5.4-pro","model":"o3",%s}' % HI,
    b'{"model":["gpt-5.4-pro"],%s}' % HI,
    b'{"model":"o3 ",%s}' % HI,
    b'{%s}' % HI,
]

OUTPUT = [
    b'{"model":"o3",%s,"max_completion_tokens":1,"Max_Tokens":9}' % HI,
    b'{"model":"o3",%s,"max_completion_tokens":1,'
    b'"max_completion_tokens":9}' % HI,
    b'{"model":"o3",%s,"max_completion_to\xe2\x84\xaaens":9}' % HI,
    b'{"model":"o3",%s,"n":1,"N":100}' % HI,
    b'{"model":"o3",%s,"n":1,"\\u006e":100}' % HI,
    b'{"model":"o3",%s,"n":"100"}' % HI,
]

UNREADABLE = [
    b'{"a":"\\ud800","model":"gpt-5.4-pro",%s}' % HI,
    b'{"a":"\xff","model":"gpt-5.4-pro",%s}' % HI,
    b'{"a":' + b"[" * 300 + b"]" * 300
    + b',"model":"gpt-5.4-pro",%s}' % HI,
    b'{"a":NaN,"model":"gpt-5.4-pro",%s}' % HI,
    b'{"model":"o3",%s}{"model":"gpt-5.4-pro"}' % HI,
    b'\xef\xbb\xbf{"model":"gpt-5.4-pro",%s}' % HI,
    b'["gpt-5.4-pro"]', b" ",
]

# what nothing relies on
ELSE = [
    b'{"model":"o3",%s,"temperature":1,"temperature":9}' % HI,
    b'{"model":"o3",%s,"Stop":[],"logit_bias":{"1":200}}' % HI,
    b'{"model":"o3","messages":[{"role":"user","ROLE":"x"}]}',
    b'{"model":"o3"}',
]

ZONE = "comet_zone comet:1m;"
PRICE = "comet_price * input=1 output=1;"


def observing(nginx, mock, location="", http=""):
    return nginx(edge_conf(mock, "comet_invalid observe;" + location,
                           http=ZONE + http))


def check(edge, mock, bodies, status):
    for body in bodies:
        seen = len(mock.requests)
        # the mock answers anything that it is told to answer
        answer = chat(edge, body, plan(status=201, body="{}"))
        assert answer.status == status, (body, answer.body)
        if status == 201:
            assert mock.last().body == body
        else:
            assert len(mock.requests) == seen
            assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("location,http", [
    ("", ""), ("comet_rate 1000r/s burst=1000; comet_concurrency 9;", ""),
    ("comet_max_output_tokens 5;", ""),
    ("comet_budget 1/1d models=gpt*; comet_tokens 1/m; comet_dry_run on;",
     "")])
def test_nothing_is_refused_where_nothing_relies_on_it(
        nginx, mock, location, http):
    edge = observing(nginx, mock, location, http)
    check(edge, mock, MODEL + OUTPUT + UNREADABLE + ELSE, 201)


@pytest.mark.parametrize("location,http", [
    ("comet_models o3;", ""), ("comet_deny_models gpt-*-pro;", ""),
    ("", PRICE), ("comet_rate 1000r/s burst=1000 models=gpt-*-pro;", ""),
    ("comet_concurrency 9 models=gpt-*-pro;", "")])
def test_which_model_is_certain(nginx, mock, location, http):
    edge = observing(nginx, mock, location, http)
    check(edge, mock, MODEL + UNREADABLE, 400)
    check(edge, mock, OUTPUT + ELSE, 201)


@pytest.mark.parametrize("location", ["comet_tokens 100m/m;",
                                      "comet_budget 100m/1d;"])
def test_how_much_is_certain(nginx, mock, location):
    edge = observing(nginx, mock, location)
    check(edge, mock, OUTPUT + UNREADABLE, 400)
    check(edge, mock, MODEL + ELSE, 201)


@pytest.mark.parametrize("location,http", [
    ("comet_spend 100/1d;", PRICE),
    ("comet_budget 100m/1d models=*;", ""),
    ("comet_models o3; comet_tokens 100m/m;", "")])
def test_both_are_certain(nginx, mock, location, http):
    edge = observing(nginx, mock, location, http)
    check(edge, mock, MODEL + OUTPUT + UNREADABLE, 400)
    check(edge, mock, ELSE, 201)


def test_what_is_relied_upon_is_told_first(nginx, mock):
    edge = observing(nginx, mock, "comet_models o3;")
    body = b'{"model":"o3","temperature":9,%s,"MODEL":"x"}' % HI
    error = chat(edge, body).json()["error"]
    assert (error["param"], error["code"]) == ("model", "ambiguous_parameter")
    assert error["message"].startswith('model is written "MODEL", which')


def test_a_limit_counts_the_cap_that_the_api_reads(nginx, mock):
    """A cap under a name that the model does not know is none, and so is what
    a rule would put in."""
    edge = observing(nginx, mock, """
        comet_budget 3000/1d; comet_param n =1;""")
    for more in (b'"max_completion_tokens":1', b'"max_tokens":1000,"n":4'):
        answer = chat(edge, b'{"model":"claude-x",%s,%s}' % (HI, more))
        assert answer.status == 429, more
    assert chat(edge, b'{"model":"claude-x",%s,"max_tokens":1}'
                % HI).status == 200


def test_it_is_refused_before_the_rest_is_sent(nginx, mock):
    edge = observing(nginx, mock, "comet_deny_models gpt-*-pro;")
    data = request("POST", "/v1/chat/completions",
                   b'{"model":"o3","model":"x",%s,"a":"' % HI
                   + b"x" * 500000)
    with Client(edge) as client:
        client.send(data[:1000])
        answer = client.answer()
        assert answer.status == 400
        assert answer.header("connection") == "close"
    assert not mock.requests
