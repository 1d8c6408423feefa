"""Limits where a request is more than one call, or less; what tenants share."""

from conftest import wait_for
from test_tenants import ALICE, BOB, CAPPED, COST, bearer, left, models, \
    tenants
from wire import call, chat


def requests_left(server, key=ALICE):
    return left(server, key, "requests")


def test_a_subrequest_is_a_call_of_its_own(nginx, mock):
    """Mirrored: each of the two reserves, is charged and lets go."""
    server = nginx(tenants(mock, http="""
        comet_rate 1r/m burst=9; comet_budget 10000/1d;
        comet_concurrency 2;""", location="mirror /copy/;")
        .replace("server {", """server {
        location /copy/ {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        }
        location /v1/models {
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        }""" % (mock.port, mock.port), 1))
    for calls in (1, 2):
        assert chat(server, CAPPED, bearer()).status == 200
        wait_for(lambda: left(server) == 10000 - 2 * calls * COST)
    assert [r.method for r in mock.requests].count("POST") == 4
    assert left(server, BOB) == 10000


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
