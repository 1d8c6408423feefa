"""One model has many spellings to who serves it; lists, limits and prices
know it in all of them."""

import pytest

from callers import CAPPED, bearer, tenants
from conftest import edge_conf
from judged import with_
from wire import call, chat, plan

# as one of these may be served: gpt-5.4-pro
SPELT = ["gpt-5.4-pro", "GPT-5.4-PRO", "gpt-5.4-Pro", "openai/gpt-5.4-pro",
         "OpenAI/GPT-5.4-Pro", "a/b/gpt-5.4-pro", "gpt-5.4-pro/",
         "openai/ gpt-5.4-pro", "gpt-5.4-pr\u00f3", "\uff47pt-5.4-pro",
         "gpt-5.4\u200b-pro", "gpt-5.4-\u1d3fro"]

# nobody's name of a model
TRIMMED = [" gpt-5.4-pro", "gpt-5.4-pro ", "gpt-5.4-pro\t", "\ngpt-5.4-pro",
           "gpt-5.4-pro\u00a0", "\u2003gpt-5.4-pro", "gpt-5.4-pro\u2028",
           "gpt-5.4-pro\u3000", "\ufeffgpt-5.4-pro", "gpt-5.4-pro\u200b",
           "gpt-5.4-pro\u2060", "gpt-5.4-pro\x7f", "gpt-5.4-pro\u0085"]


def escaped(name):
    """In a path; what is within ASCII, as clients send it."""
    return "".join(c if c.isalnum() and c.isascii() or c in "-./" else
                   "".join("%%%02x" % b for b in c.encode()) for c in name)


@pytest.mark.parametrize("rule", ["gpt-*-pro", "GPT-5.4-PRO", "~^gpt-.*-pro$"])
def test_a_denied_model_in_any_spelling(nginx, mock, rule):
    edge = nginx(edge_conf(mock, "comet_deny_models %s;" % rule))
    for name in SPELT:
        answer = chat(edge, with_(name))
        assert answer.status == 403, name
        assert answer.json()["error"]["code"] == "model_not_allowed"
    for name, status in (("GPT-5.4-PRO", 404), ("openai/gpt-5.4-pro", 404),
                         ("gpt-5.4-pr\u00f3", 400)):       # of no path
        answer = call(edge, "GET", "/v1/models/" + escaped(name))
        assert answer.status == status, name
    assert not mock.requests
    for name in ("gpt-5.4-mini", "GPT-5.4", "openai/gpt-5.4-mini", "pro",
                 "my model"):
        assert chat(edge, with_(name)).status == 200, name
        assert mock.last().json()["model"] == name
    names = ["GPT-5.4-Pro", "openai/gpt-5.4-pro", "gpt-5.4-mini", "O3"]
    body = '{"data":[%s]}' % ",".join('{"id":"%s"}' % n for n in names)
    answer = call(edge, "GET", "/v1/models", headers=plan(body=body))
    assert [m["id"] for m in answer.json()["data"]] == names[2:]


def test_what_is_allowed_is_spelt_as_it_is_written(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_models gpt-5* K\u00fchn-* ~^o[0-9];"))
    for name in ("gpt-5.4", "K\u00fchn-1", "o3"):
        assert chat(edge, with_(name)).status == 200, name
    for name in ("GPT-5.4", "openai/gpt-5.4", "gpt-5", "O3", "k\u00fchn-1",
                 "\uff47pt-5.4"):
        assert chat(edge, with_(name)).status == (200 if name == "gpt-5"
                                                  else 403), name


@pytest.mark.parametrize("mode", ["reject", "repair"])
def test_white_space_at_an_end_is_of_no_name(nginx, mock, mode):
    edge = nginx(edge_conf(mock, "comet_invalid %s;" % mode))
    for name in TRIMMED:
        answer = chat(edge, with_(name))
        assert answer.status == 400, repr(name)
        error = answer.json()["error"]
        assert (error["param"], error["code"]) == ("model", "invalid_value")
        assert "white space" in error["message"]
        answer = call(edge, "GET", "/v1/models/" + escaped(name))
        assert answer.status in (400, 404), repr(name)
    assert not mock.requests
    for name in ("my model", "k\u00fchn", "\u901a\u4e49", "m\u00a0m"):
        assert chat(edge, with_(name)).status == 200, repr(name)


def test_a_limit_of_a_model_counts_all_its_spellings(nginx, mock):
    server = nginx(tenants(mock, location="""
        comet_rate 1r/m burst=99;
        comet_rate 2r/m burst=2 models=gpt-*-pro;"""))
    assert chat(server, dict(CAPPED, model="gpt-5.4-pro"),
                bearer()).status == 200
    assert chat(server, dict(CAPPED, model="Openai/GPT-5.4-pro"),
                bearer()).status == 200
    for name in SPELT:
        answer = chat(server, dict(CAPPED, model=name), bearer())
        assert answer.status == 429, name
        assert "gpt-*-pro" in answer.json()["error"]["message"]
    assert chat(server, CAPPED, bearer()).status == 200


def test_a_price_is_that_of_all_spellings(nginx, mock):
    server = nginx(tenants(mock, http="""
        comet_price gpt-*-pro input=1000 output=1000;
        comet_price * input=0.01 output=0.01;""",
                           location="comet_spend 0.01/1d;"))
    for name in SPELT:
        answer = chat(server, dict(CAPPED, model=name), bearer())
        error = answer.json()["error"]
        assert (answer.status, error["code"], "has no price" in error["message"]) in (
            (429, "insufficient_quota", False),
            (403, "model_without_price", True)), name
    assert not mock.requests
    assert chat(server, dict(CAPPED, model="gpt-5.4-mini"),
                bearer()).status == 200


def test_one_price_for_all_is_for_all_spellings(nginx, mock):
    server = nginx(tenants(mock, http="comet_price * input=1 output=1;",
                           location="comet_spend 1/1d;"))
    for name in SPELT + ["\u901a\u4e49"]:
        assert chat(server, dict(CAPPED, model=name), bearer()).status == 200


def test_rules_of_a_model_in_any_case(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_invalid repair;", http="""
        comet_provider house { match house-*; param temperature 0..0.5; }"""))
    for name, want in (("House-1", 0.5), ("vendor/HOUSE-1", 0.5),
                       ("Claude-X", 1), ("Anthropic/CLAUDE-X", 1),
                       ("Gemini-X", 2)):
        assert chat(edge, with_(name, temperature=3)).status == 200
        assert mock.last().json() == with_(name, temperature=want)
    chat(edge, with_("GPT-5.4", max_tokens=5))
    assert mock.last().json() == with_("GPT-5.4", max_completion_tokens=5)
    assert chat(edge, with_("O1-Pro")).status == 400
