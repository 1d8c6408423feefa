"""Who calls, and whose word counts: the tenant's or its location's."""

import hashlib

import pytest

from callers import ALICE, BOB, CAPPED, bearer, tenants
from wire import CHAT, Client, call, chat


@pytest.mark.parametrize("headers", [
    {"Authorization": "Bearer " + ALICE},
    {"authorization": "bearer  " + ALICE},
    {"x-api-key": ALICE},
    {"API-Key": ALICE},
])
def test_a_key_of_ours_is_taken_and_stays_here(nginx, mock, headers):
    server = nginx(tenants(mock))
    assert chat(server, headers=headers).status == 200
    head = mock.last().head.decode()
    assert ALICE not in head
    assert "Authorization: Bearer sk-comet-" in head


@pytest.mark.parametrize("headers", [
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": ""},
    {"Authorization": ALICE},
    {"Authorization": "Basic " + ALICE},
    {"Authorization": "Bearer " + ALICE[:-1]},
    {"Authorization": "Bearer " + ALICE + "x"},
    {"Authorization": "Bearer " + ALICE, "x-api-key": ALICE},
    {"Authorization": "Bearer " + ALICE, "api-key": "other"},
    {"x-api-key": [ALICE, ALICE]},
    {"x-api-key": "x" * 7000},
    {"Authorization": "Bearer " + hashlib.sha256(BOB.encode()).hexdigest()},
])
def test_who_is_not_known_is_401(nginx, mock, headers):
    server = nginx(tenants(mock), level="debug")
    answer = chat(server, headers=headers)
    assert answer.status == 401
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "invalid_api_key" and error["param"] is None
    assert not mock.requests


SEVERAL = "more than one API key"


@pytest.mark.parametrize("headers,said,logged", [
    ({}, "missing or not known", "there is no API key"),
    ({"Authorization": "Basic abc"}, "missing", "there is no API key"),
    (bearer("wrong-5f4dcc3b5aa7"), "not known", "the API key is not known"),
    ({"api-key": "wrong-5f4" * 500}, "not known", "the API key is too long"),
    (dict(bearer(), **{"x-api-key": "wrong-5f4"}), SEVERAL,
     "there is " + SEVERAL),
    ({"x-api-key": ALICE, "api-key": ALICE}, SEVERAL, "there is " + SEVERAL)])
def test_why_it_is_401_is_told_and_logged(nginx, mock, headers, said, logged):
    server = nginx(tenants(mock), level="notice")
    answer = chat(server, headers=headers)
    assert answer.status == 401
    assert said in answer.json()["error"]["message"]
    line, = [one for one in server.log().splitlines() if "no tenant" in one]
    assert "[notice]" in line and "no tenant: " + logged in line
    assert "wrong-5f4" not in line and ALICE not in line
    assert "client: 127.0.0.1" in line


def test_a_variable_that_names_nobody_is_logged(nginx, mock):
    server = nginx(tenants(mock, location="comet_tenant_from $http_x_who;"),
                   level="notice")
    answer = chat(server, headers={"X-Who": "mallory"})
    assert answer.status == 401
    assert "not known here" in answer.json()["error"]["message"]
    line, = [one for one in server.log().splitlines() if "no tenant" in one]
    assert "[notice]" in line and "comet_tenant_from" in line
    assert "mallory" not in line


def test_a_limit_is_logged_at_notice(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 1r/m;"), level="notice")
    assert [chat(server, headers=bearer()).status for _ in "12"] == [200, 429]
    line, = [one for one in server.log().splitlines() if "limited" in one]
    assert "[notice]" in line and 'tenant "alice"' in line and "1r/m" in line
    assert ALICE not in line


def test_a_second_authorization_is_no_key(nginx, mock):
    server = nginx(tenants(mock))
    answer = chat(server, headers={"Authorization": ["Bearer " + ALICE,
                                                     "Bearer " + BOB]})
    assert answer.status in (400, 401)       # newer nginx refuses it itself
    assert not mock.requests


def test_requests_of_a_connection_are_each_of_their_own_key(nginx, mock):
    long = "long-" + 40 * "8f14e45f"
    server = nginx(tenants(
        mock, alice="comet_client_key %s; comet_rate 1000r/s burst=100;" % long,
        bob="comet_rate 2000r/s burst=100;"))
    both = {"x-api-key": ALICE, "api-key": ALICE}
    with Client(server) as client:
        for headers, limit in [
                (bearer(), "1000"), (bearer(), "1000"), (both, None),
                (bearer(ALICE[:-1]), None), (bearer(ALICE + "3"), None),
                (bearer(ALICE[:-1] + "4"), None), (bearer(), "1000"), ({}, None),
                (bearer(BOB), "2000"), (bearer(BOB), "2000"),
                (bearer(BOB[:-1]), None), (bearer(long), "1000"),
                (bearer(long), "1000"), (bearer(long[:-1]), None),
                (bearer(long[:len(BOB)]), None), (bearer(BOB), "2000"),
                ({"x-api-key": ALICE}, "1000"), (bearer(ALICE.upper()), None)]:
            answer = client.call("GET", "/v1/models", headers=headers)
            assert answer.status == (200 if limit else 401), headers
            assert answer.header("x-ratelimit-limit-requests") == limit


def test_the_key_comes_before_all_else(nginx, mock):
    server = nginx(tenants(mock))
    for method, path in [("GET", "/v1/nothing"), ("PUT", "/v1/models"),
                         ("GET", "/v1/models/secret")]:
        assert call(server, method, path).status == 401


def test_keys_are_in_no_log_and_no_dump(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 1r/m;"))
    for key in (ALICE, BOB, "wrong-key-5f4dcc3b5aa765d61d83"):
        for _ in range(2):
            chat(server, headers=bearer(key))
            call(server, "POST", "/v1/chat/completions", b"nonsense",
                 bearer(key))
    text = server.log() + "\n".join(server.access())
    assert "wrong-key" not in text and ALICE not in text and BOB not in text
    server.port = 1
    _, dump = server.test("-T")
    assert "comet_client_key" in dump and ALICE not in dump


def test_keys_are_rotated_without_a_gap(nginx, mock):
    new = "alice-new-45c48cce2e2d7fbdea1afc51c7c6ad26"
    server = nginx(tenants(mock))
    assert chat(server, headers=bearer(new)).status == 401
    server.reload(tenants(mock, alice="comet_client_key %s;" % new))
    assert chat(server, headers=bearer()).status == 200
    assert chat(server, headers=bearer(new)).status == 200


def test_a_variable_names_the_tenant(nginx, mock):
    server = nginx(tenants(mock, alice="comet_models gpt-*;",
                           bob="comet_models o3;", http="""
        map $http_x_team $team { a alice; b bob; default $http_x_team; }
        comet_tenant_from $team;"""))
    assert chat(server, headers={"x-team": "a"}).status == 200
    assert chat(server, headers={"x-team": "b"}).status == 403
    assert chat(server, headers={"x-team": "alice"}).status == 200
    for name in ("", "carol", "ALICE", "alice "):
        answer = chat(server, headers={"x-team": name or "-"})
        assert answer.status == (200 if name == "alice " else 401)
    assert chat(server, headers=bearer()).status == 401


def test_the_default_tenant(nginx, mock):
    server = nginx(tenants(mock, bob="comet_models o3;",
                           location="comet_tenant_from key default=bob;"))
    assert chat(server, headers=bearer()).status == 200
    assert chat(server).status == 403
    assert chat(server, headers=bearer("unknown")).status == 403
    assert chat(server, dict(CHAT, model="o3")).status == 200


def test_a_location_without_tenants_is_as_before(nginx, mock):
    server = nginx(tenants(mock, location="comet_tenant_from off;"))
    assert chat(server).status == 200
    assert chat(server, headers=bearer("unknown")).status == 200


def test_a_tenants_own_key_goes_to_the_api(nginx, mock):
    server = nginx(tenants(mock, alice="comet_key sk-of-alice;"))
    chat(server, headers=bearer())
    assert mock.last().header("authorization") == "Bearer sk-of-alice"
    chat(server, headers=bearer(BOB))
    assert mock.last().header("authorization").startswith("Bearer sk-comet")


def test_every_tenant_with_a_key_needs_none_around(nginx, mock):
    server = nginx(tenants(mock, alice="comet_key sk-a;", bob="comet_key sk-b;",
                           key=False))
    chat(server, headers=bearer(BOB))
    assert mock.last().header("authorization") == "Bearer sk-b"


# the tenant's word wins: (directive, around, tenant, body, around's, tenant's)

HOT = dict(CHAT, model="claude-sonnet-4-6", temperature=1.7)

MERGED = [
    ("comet_models o3;", "comet_models gpt-*;", CHAT, 403, 200),
    ("comet_deny_models gpt-*;", "comet_deny_models o3;", CHAT, 403, 200),
    ("comet_invalid reject;", "comet_invalid repair;", HOT, 400, 200),
    ("comet_invalid observe;", "comet_invalid reject;", HOT, 200, 400),
    ("comet_param n off;", "comet_param seed off;", dict(CHAT, n=2), 400, 200),
    ("comet_max_output_tokens 5;", "comet_max_output_tokens 500;",
     dict(CHAT, max_completion_tokens=50), 400, 200),
    ("comet_rate 1r/m;", "comet_rate 1r/m burst=9;", CHAT, 429, 200),
    ("comet_tokens 10/m;", "comet_tokens 1m/m;", CAPPED, 429, 200),
    ("comet_concurrency off;", "comet_concurrency 1;", CHAT, 200, 200),
    ("comet_budget 10/30d;", "comet_budget 1m/30d;", CAPPED, 429, 200),
    ("comet_budget 10/30d;", "comet_budget off;", CAPPED, 429, 200),
    ("comet_spend 0.000001/1h;", "comet_spend 9/day;", CAPPED, 429, 200),
    ("comet_budget 500/1h; comet_reserve_output 900;",
     "comet_reserve_output 9;", CHAT, 429, 200),
    ("comet_budget 10/1h; comet_dry_run off;", "comet_dry_run on;", CAPPED,
     429, 200),
]


@pytest.mark.parametrize("level", ["http", "location"])
@pytest.mark.parametrize("around,own,body,status,own_status", MERGED,
                         ids=[m[0].split(";")[0] + "/" + m[1] for m in MERGED])
def test_what_a_tenant_says_wins(nginx, mock, level, around, own, body, status,
                                 own_status):
    price = "comet_price * input=1 output=1;"
    where = {"http": dict(http=price + around),
             "location": dict(http=price, location=around)}[level]
    server = nginx(tenants(mock, alice=own, **where))
    for _ in range(2):
        mine = chat(server, body, bearer())
        other = chat(server, body, bearer(BOB))
    assert (other.status, mine.status) == (status, own_status)
