"""Limits where a request is more than one call, or less; what tenants share."""

import pathlib
import re

import pytest

from callers import ALICE, BOB, CAPPED, COST, bearer, left, tenants
from conftest import wait_for
from wire import call, chat


def requests_left(server, key=ALICE):
    return left(server, key, "requests")


def test_a_subrequest_is_a_call_of_its_own(nginx, mock):
    """A call and its mirror are two."""
    server = nginx(tenants(mock, http="comet_rate 1r/m burst=9;",
                           location="mirror /copy/;")
        .replace("server {", """server {
        location /copy/ {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        }
        location /v1/models {
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        }""" % (mock.port, mock.port), 1))
    assert chat(server, CAPPED, bearer()).status == 200
    wait_for(lambda: len(mock.requests) == 2)
    assert requests_left(server) == 6
    assert requests_left(server, BOB) == 8


def test_a_page_for_a_refused_body_reserves_by_its_own_limits(nginx, mock):
    """The rate was counted before; tokens are reserved where the body
    passes."""
    server = nginx(tenants(mock, http="comet_rate 1r/m burst=9;",
                           location="""comet_models o3; comet_budget 10/1d;
                                       error_page 403 = @other;""")
                   .replace("server {", """server {
        location @other {
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
            comet_budget 10000/1d;
        }""" % mock.port, 1))
    answer = chat(server, CAPPED, bearer())
    assert answer.status == 200
    assert answer.header("x-ratelimit-limit-tokens") == "10000"
    assert answer.header("x-ratelimit-remaining-tokens") == str(10000 - COST)
    assert requests_left(server) == 7


def page(mock, limits):
    """A tenant's refusal leads to another API, with limits of its own."""
    return """server {
        location @other {
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
            %s
        }""" % (mock.port, limits)


@pytest.mark.parametrize("limit", ["comet_budget 10/1d;",
                                   "comet_budget 10/1d models=gpt-*;",
                                   "comet_spend 0.000001/1d;"])
def test_a_page_for_a_call_that_does_not_fit_counts_it(nginx, mock, limit):
    server = nginx(tenants(mock, http="comet_price o3 input=1 output=1;",
                           location="error_page 403 429 = @other;" + limit)
                   .replace("server {", page(
                       mock, "comet_budget %d/1d;" % COST), 1))
    answer = chat(server, CAPPED, bearer())
    assert answer.status == 200
    assert answer.header("x-ratelimit-limit-tokens") == str(COST)
    assert answer.header("x-ratelimit-remaining-tokens") == "0"
    assert answer.header("retry-after") is None
    assert answer.header("x-should-retry") is None
    answer = chat(server, dict(CAPPED, n=2), bearer())
    assert answer.status == 429
    assert answer.header("x-should-retry") == "false"


def test_a_page_for_a_call_too_many_is_no_refusal(nginx, mock):
    server = nginx(tenants(mock, http="""
        log_format limits '$comet_limit|$comet_limit_status';
        access_log limits.log limits;""",
                           location="comet_rate 1r/m;"
                                    "error_page 429 = @other;")
                   .replace("server {", page(
                       mock, "comet_rate 5r/m burst=9;"), 1))
    for _ in range(2):
        answer = chat(server, CAPPED, bearer())
        assert answer.status == 200
        assert answer.header("retry-after") is None
    path = server.dir / "limits.log"
    wait_for(lambda: path.exists() and path.read_text().count("\n") == 2)
    assert path.read_text().splitlines() == ["comet_rate 1r/m|passed",
                                             "comet_rate 5r/m|passed"]


@pytest.mark.parametrize("more,count,status", [
    ("comet_rate 9r/m burst=9; comet_rate 9r/s burst=9;", 14, 200),
    ("comet_rate 9r/m burst=9;", 16, 503),
    ("comet_concurrency 9;", 16, 503)])
def test_as_many_limits_as_two_places_have(nginx, mock, more, count, status):
    """A call that is redirected can meet sixteen in all."""
    many = "".join("comet_budget 1m/%dh;" % (i + 1) for i in range(count))
    server = nginx(tenants(mock, location="comet_models o3;"
                           "error_page 403 = @other;" + more)
                   .replace("server {", page(mock, many), 1))
    for _ in range(3):
        assert chat(server, CAPPED, bearer()).status == status


def test_responses_are_not_told_apart_by_tenant(nginx, mock):
    """One API key, so whoever has the id has the response."""
    server = nginx(tenants(mock))
    for method, path in [("GET", "/v1/responses/resp_1"),
                         ("GET", "/v1/responses/resp_1/input_items"),
                         ("POST", "/v1/responses/resp_1/cancel"),
                         ("DELETE", "/v1/responses/resp_1")]:
        keys = set()
        for key in (ALICE, BOB):
            assert call(server, method, path, headers=bearer(key)).status < 300
            assert mock.last().target == path
            keys.add(mock.last().header("authorization"))
        assert len(keys) == 1


def test_a_page_of_another_place_has_its_own_say(nginx, mock):
    """What the first place has taken is not asked for again; the limits of
    the second one hold."""
    server = nginx(tenants(mock, location="""
                           comet_tokens 1m/m; comet_concurrency 1;
                           error_page 502 = @other;""")
        .replace("server {", page(mock, """
            comet_budget 5/30d; comet_concurrency 1;"""), 1)
        .replace("comet_pass http://127.0.0.1:%d;\n            comet_key"
                 % mock.port, "comet_pass http://127.0.0.1:1;\ncomet_key"))
    answer = chat(server, CAPPED, bearer())
    assert answer.status == 429 and not mock.requests
    assert "5/30d" in answer.json()["error"]["message"]


KINDS = pathlib.Path(__file__).parent.parent.parent \
    / "src/core/limits/ngx_comet_kind.c"


@pytest.mark.parametrize("name, usage", re.findall(
    r'^ {8}"(comet_\w+)", "([^ ",]+)', KINDS.read_text(), re.M))
def test_each_kind_of_limit_is_a_directive(nginx, mock, name, usage):
    """A row of the table has its directive, written as the row shows."""
    price = "comet_price * input=1 output=1;"
    server = nginx(tenants(mock, http=price + "%s %s;" % (name, usage)),
                   run=False)
    status, said = server.test()
    assert status == 0, said
    server = nginx(tenants(mock, http="%s nonsense;" % name), run=False)
    status, said = server.test()
    assert status != 0
    assert 'invalid limit "nonsense" in "%s": write it as in %s' \
        % (name, usage) in said
