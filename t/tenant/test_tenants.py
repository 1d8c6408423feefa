"""Who calls, and how much: tenants and their limits, across all workers."""

import concurrent.futures
import hashlib
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import openai
import pytest

from conftest import ROOT, wait_for
from wire import CHAT, STREAM, Client, call, chat, plan, request

ALICE = "alice-8f14e45fceea167a5a36dedd4bea2543"
BOB = "bob-c9f0f895fb98ab9159f51fd0297e236d"


def bearer(key=ALICE):
    return {"Authorization": "Bearer " + key}


def tenants(mock, alice="", bob="", http="", location="", key=True):
    return """
    comet_zone comet:1m;
    comet_tenant alice { comet_client_key %s; %s }
    comet_tenant bob   { comet_client_key sha256:%s; %s }
    %s
    keepalive_requests 1000000;
    server {
        listen PORT;
        location /v1/ {
            comet_pass http://127.0.0.1:%d;
            %s
            %s
        }
    }
    """ % (ALICE, alice, hashlib.sha256(BOB.encode()).hexdigest(), bob, http,
           mock.port, "comet_key file:KEYFILE;" if key else "", location)


def models(server, key=ALICE):
    return call(server, "GET", "/v1/models", headers=bearer(key))


def left(server, key=ALICE, what="tokens"):
    value = models(server, key).header("x-ratelimit-remaining-" + what)
    return None if value is None else int(value)


def estimate(body, output):
    return len(json.dumps(body)) // 4 + 1 + output


CAPPED = dict(CHAT, max_completion_tokens=100)
COST = estimate(CAPPED, 100)
USED = plan(usage=[COST - 100, 100])      # exactly what was reserved


# who calls


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


# limits


def test_a_rate_lets_its_burst_through_and_says_what_is_left(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 1r/m burst=3;"))
    for remaining in "210":
        answer = chat(server, headers=bearer())
        assert answer.status == 200
        assert answer.header("x-ratelimit-limit-requests") == "3"
        assert answer.header("x-ratelimit-remaining-requests") == remaining
    answer = chat(server, headers=bearer())
    assert answer.status == 429
    error = answer.json()["error"]
    assert error["type"] == "rate_limit_error"
    assert error["code"] == "rate_limit_exceeded"
    assert "1r/m" in error["message"] and "frees in" in error["message"]
    assert 50 < int(answer.header("retry-after")) <= 60
    assert 50000 < int(answer.header("retry-after-ms")) <= 60000
    assert answer.header("x-should-retry") is None
    assert answer.header("x-ratelimit-remaining-requests") == "0"
    assert answer.header("x-ratelimit-reset-requests") in ("2m59s", "3m0s")
    assert chat(server, headers=bearer(BOB)).status == 200
    assert len(mock.requests) == 4


@pytest.mark.parametrize("limit,what,number,left", [
    ("comet_rate 60r/m burst=20;", "requests", 60, 19),
    ("comet_rate 60r/m;", "requests", 60, 0),
    ("comet_rate 2r/m burst=5;", "requests", 5, 4),
    ("comet_rate 7r/m burst=7 models=gpt-*;", "requests", 7, 6),
    ("comet_tokens 1m/m;", "tokens", 1000000, 1000000 - COST),
    ("comet_tokens 1m/m burst=200k;", "tokens", 1000000, 200000 - COST),
    ("comet_tokens 10k/m burst=200k;", "tokens", 200000, 200000 - COST),
    ("comet_budget 10k/1d;", "tokens", 10000, 10000 - COST)])
def test_the_limit_that_is_told_is_that_of_the_period(nginx, mock, limit, what,
                                                      number, left):
    """60 for 60r/m, as SDKs read it, though 20 may come at once; and what is
    left is never more than that."""
    server = nginx(tenants(mock, alice=limit))
    answer = chat(server, CAPPED, bearer())
    assert answer.header("x-ratelimit-limit-" + what) == str(number)
    assert answer.header("x-ratelimit-remaining-" + what) == str(left)


def test_a_refused_body_is_not_read_and_the_connection_lives(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 1r/m;"))
    with Client(server) as client:
        for status in (200, 429, 429):
            assert client.call("POST", "/v1/chat/completions", CHAT,
                               bearer()).status == status
    with Client(server) as client:          # only the head
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            dict(bearer(), Expect="nothing"))[:-20])
        assert client.head()[1] == 429


def test_a_rate_frees_steadily(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 20r/s;"))
    assert chat(server, headers=bearer()).status == 200
    wait_for(lambda: chat(server, headers=bearer()).status == 200, 5)


def hammer(server, clients, seconds=None, calls=None, body=CHAT,
           headers=None):
    """statuses of all calls of so many clients at once"""
    statuses = []
    end = time.monotonic() + (seconds or 600)

    def one():
        mine = []
        with Client(server) as client:
            while time.monotonic() < end and (calls is None
                                              or len(mine) < calls):
                mine.append(client.call("POST", "/v1/chat/completions", body,
                                        headers or bearer()).status)
        statuses.extend(mine)
    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_never_more_than_rate_and_burst_pass(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 50r/s burst=20;"),
                   workers=2)
    start = time.monotonic()
    statuses = hammer(server, 64, seconds=2)
    elapsed = time.monotonic() - start
    passed = statuses.count(200)
    assert set(statuses) == {200, 429}
    assert 20 < passed <= 50 * elapsed + 20
    assert passed == len(mock.requests)


def test_reservations_never_exceed_the_budget(nginx, mock):
    budget = 20 * COST + COST - 1
    server = nginx(tenants(mock, alice="comet_budget %d/30d;" % budget),
                   workers=2)
    statuses = hammer(server, 64, calls=3, body=CAPPED,
                      headers=dict(bearer(), **plan(
                          delay=0.05, usage=[COST - 100, 100])))
    assert set(statuses) == {200, 429}
    passed = len(mock.requests)
    assert passed == statuses.count(200) <= 20
    wait_for(lambda: left(server) == budget - passed * COST)


def test_an_exhausted_budget_is_told_before_the_body_is_read(nginx, mock):
    server = nginx(tenants(mock, alice="comet_budget %d/30d;" % COST))
    assert chat(server, CAPPED, dict(bearer(), **USED)).status == 200
    wait_for(lambda: models(server).status == 429)
    with Client(server) as client:
        client.send(request("POST", "/v1/chat/completions", CAPPED,
                            bearer())[:-20])
        answer = client.answer()
    assert answer.status == 429
    error = answer.json()["error"]
    assert error["code"] == "insufficient_quota"
    assert error["type"] == "rate_limit_error"
    assert "%d/30d" % COST in error["message"]
    assert answer.header("x-should-retry") == "false"
    assert answer.header("retry-after") == "60"
    assert answer.header("x-ratelimit-limit-tokens") == str(COST)
    assert answer.header("x-ratelimit-remaining-tokens") == "0"
    assert answer.header("x-ratelimit-reset-tokens").startswith("7")   # 719h


def test_a_call_that_never_fits_is_told_so(nginx, mock):
    server = nginx(tenants(mock, alice="comet_tokens 50/m;"))
    answer = chat(server, CAPPED, bearer())
    assert answer.status == 429 and not mock.requests
    assert "never" in answer.json()["error"]["message"]
    assert answer.header("x-should-retry") == "false"
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"


def test_the_estimate_is_of_the_body_and_the_cap(nginx, mock):
    server = nginx(tenants(mock, alice="comet_budget 1m/1d;",
                           bob="comet_budget 1m/1d; comet_reserve_output 77; "
                               "comet_max_output_tokens 50 default;"))
    body = dict(CAPPED, n=3, model="gpt-4o")
    total = 1000000
    for one, key, output in [(CAPPED, ALICE, 100), (body, ALICE, 300),
                             (dict(CHAT, max_tokens=0), ALICE, 4096),
                             (CHAT, ALICE, 4096), (CHAT, BOB, 50)]:
        before = left(server, key)
        total = before - estimate(one, output)
        with_hold = threading.Event()

        def look(request=one, key=key):
            assert chat(server, request, dict(bearer(key),
                                              **plan(delay=0.3))).status == 200
            with_hold.set()
        thread = threading.Thread(target=look)
        thread.start()
        wait_for(lambda: left(server, key) == total)   # while it is reserved
        thread.join()
        assert with_hold.is_set()


def test_an_image_is_not_estimated_as_text(nginx, mock):
    server = nginx(tenants(mock, alice="comet_tokens 200k/m;"))
    url = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUg+/" * 200000
    body = dict(CAPPED, messages=[{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": url}}]}])
    assert chat(server, body, bearer()).status == 200
    body["messages"][0]["content"] = "some words " * 100000
    assert chat(server, body, bearer()).status == 429


@pytest.mark.parametrize("how", ["refused upstream", "upstream down",
                                 "gate", "model"])
def test_what_failed_is_not_charged(nginx, mock, how):
    server = nginx(tenants(mock, alice="comet_budget 10000/1d; "
                                       "comet_models gpt-*;"))
    body, headers = CAPPED, bearer()
    if how == "refused upstream":
        headers.update(plan(status=500))
    elif how == "upstream down":
        mock.port_was, mock.port = mock.port, 1
        server.reload(tenants(mock, alice="comet_budget 10000/1d;"))
    elif how == "gate":
        body = dict(CAPPED, temperature=9)
    else:
        body = dict(CAPPED, model="o3")
    answer = chat(server, body, headers)
    assert answer.status in (400, 403, 500, 502)
    assert answer.header("x-ratelimit-limit-tokens") == "10000"
    if how == "upstream down":
        answer = chat(server, dict(CAPPED, temperature=9), headers)
        assert answer.header("x-ratelimit-remaining-tokens") == "10000"
    else:
        wait_for(lambda: left(server) == 10000)


def test_concurrency_counts_calls_under_way(nginx, mock):
    server = nginx(tenants(mock, alice="comet_concurrency 2;"), workers=2)
    with Client(server) as one, Client(server) as two:
        for client in (one, two):
            client.send(request("POST", "/v1/chat/completions", STREAM,
                                dict(bearer(), **plan(hold=True))))
            client.head()
        answer = chat(server, headers=bearer())
        assert answer.status == 429
        assert "under way" in answer.json()["error"]["message"]
        assert answer.header("retry-after") == "1"
        assert chat(server, headers=bearer(BOB)).status == 200
    wait_for(lambda: chat(server, headers=bearer()).status == 200)


def test_nothing_is_left_after_hang_ups_anywhere(nginx, mock):
    n = 100 if os.environ.get("COMET_SLOW") else 1000
    server = nginx(tenants(mock, alice="comet_concurrency 4000; "
                                       "comet_budget 1g/30d;"), workers=2)
    rng = random.Random(4)
    text = request("POST", "/v1/chat/completions", dict(STREAM,
                   max_completion_tokens=100),
                   dict(bearer(), **plan(events=3, pace=0.001, pieces=1)))

    def one(seed):
        r = random.Random(seed)
        with Client(server) as client:
            client.send(text[:r.choice([r.randrange(len(text)), len(text)])])
            try:
                for _ in range(r.randrange(6)):
                    client.socket.settimeout(r.random() * 0.05)
                    client.receive()
            except TimeoutError:
                pass
            if r.random() < 0.5:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         struct.pack("ii", 1, 0))
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(one, [rng.random() for _ in range(n)]))

    server.reload(tenants(mock, alice="comet_concurrency 1; "
                                      "comet_budget 1g/30d;"))
    wait_for(lambda: models(server).status == 200)
    assert left(server) == left(server)


def test_a_killed_worker_gives_back_what_it_held(nginx, mock):
    budget = 1000000
    server = nginx(tenants(mock, alice="comet_concurrency 8; "
                                       "comet_budget %d/30d;" % budget),
                   workers=2)
    clients = [Client(server) for _ in range(7)]
    for client in clients:
        client.send(request("POST", "/v1/chat/completions",
                            dict(STREAM, max_completion_tokens=100),
                            dict(bearer(), **plan(hold=True))))
        client.head()
    assert left(server) < budget - 700
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)

    def free():
        try:
            return left(server) == budget
        except (OSError, EOFError):
            return False
    wait_for(free)
    assert "worker died with" in server.log()
    for client in clients:
        client.socket.close()
    server.forget_a_kill()


def test_workers_killed_again_and_again_leave_nothing_locked(nginx, mock):
    """Wherever they die, others go on, and all that they held is free."""
    budget = 100000000
    limits = "comet_rate 1000r/s burst=100000; comet_concurrency 64; " \
             "comet_budget %d/30d;" % budget
    server = nginx(tenants(mock, alice=limits, bob=limits), workers=2)
    done = threading.Event()
    counts = []

    def work(key):
        n = 0
        while not done.is_set():
            try:
                assert chat(server, CAPPED, dict(bearer(key), **USED)).status in (200, 502)
            except (OSError, EOFError):
                pass
            n += 1
        counts.append(n)

    threads = [threading.Thread(target=work, args=(key,))
               for key in (ALICE, BOB) * 3]
    for thread in threads:
        thread.start()
    for _ in range(12):
        reached = len(mock.requests)
        wait_for(lambda: len(mock.requests) > reached + 20)
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
    done.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert len(counts) == 6 and sum(counts) >= len(mock.requests) > 240

    # nothing is held any more, and no more was charged than was answered

    def charged(key):
        return budget - left(server, key)

    def settled():
        try:
            return all(charged(key) % COST == 0 for key in (ALICE, BOB))
        except (OSError, EOFError):
            return False
    wait_for(settled)
    assert 0 < charged(ALICE) + charged(BOB) <= len(mock.requests) * COST
    for key in (ALICE, BOB):
        before = charged(key)
        assert chat(server, CAPPED, dict(bearer(key), **USED)).status == 200
        wait_for(lambda: charged(key) == before + COST)
    server.forget_a_kill()


def test_limits_stand_side_by_side_and_the_tightest_decides(nginx, mock):
    server = nginx(tenants(mock, alice="""
        comet_rate 100r/s burst=100;
        comet_rate 2r/m burst=2 models=o3;
        comet_budget 1m/day;
        comet_budget %d/30d models=gpt-5*;
        """ % (2 * COST)))
    o3 = dict(CAPPED, model="o3")
    used = dict(bearer(), **USED)
    assert [chat(server, o3, used).status for _ in range(3)] \
        == [200, 200, 429]
    assert [chat(server, CAPPED, used).status for _ in range(3)] \
        == [200, 200, 429]
    answer = chat(server, CAPPED, bearer())
    assert "for gpt-5*" in answer.json()["error"]["message"]
    other = dict(CAPPED, model="gpt-4o")
    answer = chat(server, other, bearer())
    assert answer.status == 200
    assert answer.header("x-ratelimit-limit-tokens") == "1000000"


def test_money_is_counted_by_price(nginx, mock):
    # 100 output tokens at 10 a million are 0.001
    server = nginx(tenants(mock, alice="comet_spend 0.0025/30d;", http="""
        comet_price gpt-5* input=0 output=10;
        comet_price claude-* input=1 output=1;"""))
    used = dict(bearer(), **USED)
    statuses = [chat(server, CAPPED, used).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    error = chat(server, CAPPED, bearer()).json()["error"]
    assert error["code"] == "insufficient_quota"
    assert "0.0005 of it is left" in error["message"]
    assert "take 0.001." in error["message"]
    answer = chat(server, dict(CHAT, model="mystery-1"), bearer())
    assert answer.status == 403
    assert "mystery-1" in answer.json()["error"]["message"]


def test_an_inherited_limit_counts_each_tenant_and_each_place(nginx, mock):
    server = nginx("""
    comet_zone comet:1m;
    comet_rate 1r/m;
    comet_tenant a { comet_client_key %s; }
    comet_tenant b { comet_client_key %s; }
    comet_key file:KEYFILE;
    server {
        listen PORT;
        location /v1/ { comet_pass http://127.0.0.1:%d; }
        location /v1/chat/ { comet_pass http://127.0.0.1:%d; }
        location /v1/responses { comet_pass http://127.0.0.1:%d;
                                 comet_rate 1r/m; }
    }""" % (ALICE, BOB, mock.port, mock.port, mock.port))
    for key in (ALICE, BOB):
        assert models(server, key).status == 200
        assert chat(server, headers=bearer(key)).status == 429
        body = {"model": "gpt-5.4", "input": "Hi"}
        for status in (200, 429):
            assert call(server, "POST", "/v1/responses", body,
                        bearer(key)).status == status


def test_limits_without_tenants_count_all_callers(nginx, mock):
    server = nginx("""
    comet_zone comet:1m;
    server {
        listen PORT;
        location /v1/ { comet_pass http://127.0.0.1:%d;
                        comet_key file:KEYFILE; comet_rate 1r/m burst=2; }
    }""" % mock.port)
    assert [chat(server).status for _ in range(3)] == [200, 200, 429]


def test_a_dry_run_counts_and_refuses_nothing(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 1r/m; comet_budget 10/1d; "
                                       "comet_dry_run on;", http="""
        log_format limits '$comet_tenant|$comet_limit|$comet_limit_status|'
                          '$comet_limit_remaining|$comet_limit_reset';
        access_log limits.log limits;"""))
    for _ in range(3):
        assert chat(server, CAPPED, bearer()).status == 200
    assert server.log().count("limited, dry run, tenant \"alice\"") >= 4
    wait_for(lambda: (server.dir / "limits.log").exists()
             and (server.dir / "limits.log").read_text().count("\n") == 3)
    line = (server.dir / "limits.log").read_text().splitlines()[2]
    tenant, limit, status, remaining, reset = line.split("|")
    assert tenant == "alice" and status == "refused_dry_run"
    assert limit.startswith("comet_") and remaining == "0"
    assert float(reset) > 1


def test_the_log_tells_what_was_closest(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 1r/m burst=9; "
                                       "comet_budget 1g/1d;", http="""
        log_format limits '$comet_tenant|$comet_limit|$comet_limit_status|'
                          '$comet_limit_remaining|$comet_error_code';
        access_log limits.log limits;"""))
    for _ in range(10):
        chat(server, CAPPED, bearer())
    chat(server, CAPPED)
    path = server.dir / "limits.log"
    wait_for(lambda: path.exists() and len(path.read_text().split("\n")) == 12)
    lines = path.read_text().splitlines()
    assert lines[0] == "alice|comet_rate 1r/m|passed|8|-"
    assert lines[9] == "alice|comet_rate 1r/m|refused|0|rate_limit_exceeded"
    assert lines[10] == "-|-|-|-|invalid_api_key"


def test_an_error_page_is_no_second_call(nginx, mock):
    server = nginx(tenants(mock, alice="comet_rate 1r/m burst=2; "
                                       "comet_concurrency 1; "
                                       "comet_budget 10000/1d;",
                           location="error_page 502 = @other;",
                           http="").replace("server {", """server {
        location @other { comet_pass http://127.0.0.1:%d;
                          comet_key file:KEYFILE; }""" % mock.port, 1)
                   .replace("comet_pass http://127.0.0.1:%d;\n            "
                            "comet_key file:KEYFILE;" % mock.port,
                            "comet_pass http://127.0.0.1:1;\n"
                            "comet_key file:KEYFILE;"))
    assert chat(server, CAPPED, bearer()).status == 200
    answer = models(server)
    assert answer.status == 200
    assert answer.header("x-ratelimit-remaining-requests") == "0"
    assert left(server) is not None


# the official SDKs

SDK_LIMITS = """comet_models gpt-*; comet_rate 2r/s;
                comet_budget 10/1d models=gpt-4o;"""


def sdk(server, key=ALICE, retries=2):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=key,
                         max_retries=retries)


def ask(client, model="gpt-5.4"):
    return client.chat.completions.create(model=model,
                                          messages=CHAT["messages"])


def test_the_python_sdk_knows_each_refusal(nginx, mock):
    server = nginx(tenants(mock, alice=SDK_LIMITS))
    with pytest.raises(openai.AuthenticationError):
        ask(sdk(server, "unknown"))
    with pytest.raises(openai.PermissionDeniedError):
        ask(sdk(server), "o3")
    for _ in range(4):                       # it waits as it is told
        ask(sdk(server, retries=5))
    server.reload(tenants(mock, alice="comet_rate 1r/m;"))
    with pytest.raises(openai.RateLimitError) as caught:
        for _ in range(2):
            ask(sdk(server, retries=0))
    assert caught.value.code == "rate_limit_exceeded"


def test_the_python_sdk_does_not_retry_an_exhausted_budget(nginx, mock):
    server = nginx(tenants(mock, alice="comet_budget 10/1d;"))
    with pytest.raises(openai.RateLimitError) as caught:
        ask(sdk(server, retries=5))
    assert caught.value.code == "insufficient_quota"
    assert ask(sdk(server, BOB)).usage.total_tokens
    wait_for(lambda: len(server.access()) == 2)


def test_the_node_sdk_knows_each_refusal(nginx, mock):
    server = nginx(tenants(mock, alice=SDK_LIMITS))
    script = ROOT / "build/venv/npm/limits.mjs"
    script.write_text((ROOT / "t/node/limits.mjs").read_text())
    done = subprocess.run(["node", script, server.url + "/v1", ALICE],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


# the zone


def test_a_reload_keeps_every_counter(nginx, mock):
    used = dict(bearer(), **USED)
    limits = "comet_rate 2r/m burst=2; comet_budget %d/30d;" % (3 * COST)
    server = nginx(tenants(mock, alice=limits))
    assert chat(server, CAPPED, used).status == 200
    server.reload()
    assert chat(server, CAPPED, used).status == 200
    assert chat(server, CAPPED, used).status == 429
    # another number, the same counter
    server.reload(tenants(mock, alice=limits.replace("burst=2", "burst=9")))
    assert chat(server, CAPPED, used).status == 200
    assert chat(server, CAPPED, used).status == 429
    # gone, and back
    server.reload(tenants(mock))
    assert chat(server, CAPPED, used).status == 200
    server.reload(tenants(mock, alice=limits))
    assert chat(server, CAPPED, used).status == 429


@pytest.mark.parametrize("right,wrong", [
    ("comet_zone comet:1m;", ""),
    ("comet_tenant_from key;", "comet_tenant_from key default=nobody;"),
    ("comet_budget 10000/30d;", "comet_spend 1/1d;"),
    ("# elsewhere", "location /x/ { comet_rate 1r/m; proxy_pass http://[::1]; }"),
])
def test_a_worker_after_a_reload_that_failed_is_whole(nginx, mock, right,
                                                      wrong):
    """The master has refused a configuration, and starts a worker for one
    that died: it judges, counts and filters as the one before."""
    server = nginx(tenants(mock, location="""comet_models gpt-*;
        comet_tenant_from key; comet_budget 10000/30d; }
        # elsewhere
        location /y/ {"""))
    one = chat(server, CAPPED, dict(bearer(), **USED))
    models(server)                          # the first call is settled
    before = server.workers()
    server.write(server.http.replace(right, wrong))
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "[emerg]" in server.log())
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: server.workers() and server.workers() != before)
    two = chat(server, CAPPED, dict(bearer(), **USED))
    assert (one.status, two.status) == (200, 200)
    assert [int(one.header("x-ratelimit-remaining-tokens"))
            - int(two.header("x-ratelimit-remaining-tokens"))] == [COST]
    assert b"o3" not in models(server).body
    refused = chat(server, headers={})
    assert refused.status == 401 and refused.json()["error"]["code"]
    log = server.log()
    assert len(re.findall(r"\[(?:emerg|alert)\]", log)) == 2
    (server.dir / "error.log").write_text(re.sub(
        r".*(?:\[emerg\]|exited on signal 9).*", "", log))


def test_a_call_that_outlives_a_reload_is_settled(nginx, mock):
    conf = tenants(mock, alice="comet_concurrency 1; comet_budget 10000/1d;")
    server = nginx(conf)
    with Client(server) as client:
        client.send(request("POST", "/v1/chat/completions",
                            dict(STREAM, max_completion_tokens=100),
                            dict(bearer(), **plan(hold=True))))
        client.head()
        server.reload_now()
        wait_for(lambda: models(server).status == 429)
        mock.release(100)
        assert client.chunks()[1]
    wait_for(lambda: models(server).status == 200)
    wait_for(lambda: len(server.workers()) == 1)


def test_another_size_begins_anew(nginx, mock):
    conf = tenants(mock, alice="comet_rate 1r/m;")
    server = nginx(conf)
    assert [chat(server, headers=bearer()).status for _ in range(2)] \
        == [200, 429]
    server.reload(conf.replace("comet:1m", "comet:2m"))
    assert [chat(server, headers=bearer()).status for _ in range(2)] \
        == [200, 429]


def test_a_zone_too_small_is_told_by_the_test(nginx, mock):
    many = "".join("comet_tenant t%d { comet_rate 1r/s; comet_budget 1k/1h; }"
                   % i for i in range(2000))
    server = nginx(tenants(mock, http=many).replace("comet:1m", "comet:64k"),
                   run=False)
    status, said = server.test()
    assert status != 0 and "too small" in said and "64k" in said


def test_a_full_zone_refuses_what_it_cannot_count(nginx, mock):
    conf = tenants(mock, alice="comet_concurrency 10000;")
    server = nginx(conf.replace("comet:1m", "comet:64k"))
    clients = []
    statuses = []
    for _ in range(300):
        client = Client(server)
        clients.append(client)
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            dict(bearer(), **plan(hold=True))))
        statuses.append(client.head()[1])
    assert set(statuses) == {200, 503}
    assert chat(server, headers=bearer(BOB)).status == 200
    for client in clients:
        client.socket.close()
    wait_for(lambda: chat(server, headers=bearer()).status == 200)
    assert "comet_zone is full" in server.log()


def test_the_hash_of_nothing_lets_nobody_in(nginx, mock):
    """as a script makes it of a variable that is not set"""
    for nothing in (b"", b"\n", b"\r\n", b" ", b"-n \n"):
        server = nginx(tenants(mock, alice="comet_client_key sha256:%s;"
                               % hashlib.sha256(nothing).hexdigest().upper()),
                       run=False)
        status, said = server.test()
        assert status != 0 and "the hash of nothing" in said
    server = nginx(tenants(mock))
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "x"},
                    {"x-api-key": ""}, {**bearer(), "x-api-key": BOB}):
        assert chat(server, headers=headers).status == 401
    assert chat(server, headers=bearer()).status == 200


def test_ten_thousand_tenants(nginx, mock):
    text = "".join("""comet_tenant team-%d {
        comet_client_key sha256:%s;
        comet_models gpt-5* claude-*;
        comet_rate 1r/m burst=20;
        comet_tokens 200k/m;
        comet_budget 10m/30d;
    }
    """ % (i, hashlib.sha256(b"key-%d" % i).hexdigest()) for i in range(10000))
    server = nginx(tenants(mock, http="include tenants.conf;")
                   .replace("comet:1m", "comet:8m"), run=False)
    (server.dir / "tenants.conf").write_text(text)
    server.start()
    for i in (0, 1, 4999, 9999):
        answer = chat(server, headers=bearer("key-%d" % i))
        assert answer.status == 200
        assert answer.header("x-ratelimit-remaining-requests") == "19"
    assert chat(server, headers=bearer("key-10000")).status == 401
    server.reload()
    answer = chat(server, headers=bearer("key-4999"))
    assert answer.header("x-ratelimit-remaining-requests") == "18"


# mistakes: (in http, in a tenant, in the location, what is said)

GOOD = "comet_pass http://127.0.0.1:9; comet_key sk-x;"

MISTAKES = [
    ("comet_tenant '' { }", "", GOOD, "invalid name"),
    ("comet_tenant 'a\"b' { }", "", GOOD, "invalid name"),
    ("comet_tenant t { }", "", GOOD, 'there is a tenant "t" already'),
    ("comet_tenant u { comet_client_key key-of-tenant-tt; }",
     "comet_client_key key-of-tenant-tt;", GOOD, 'key of tenant "u" already'),
    ("", "comet_client_key sha256:12;", GOOD, "64 hexadecimal digits"),
    ("", "comet_client_key sha256:%s;" % ("x" * 64), GOOD, "64 hexadecimal"),
    ("", "comet_client_key file:/x;", GOOD, "takes no file"),
    ("", "comet_client_key '';", GOOD, "1 to 4096"),
    ("", "comet_client_key 'a b';", GOOD, "cannot have a space"),
    ("", "", GOOD, "no tenant has a \"comet_client_key\""),
    ("", "comet_client_key %s;" % ALICE, "comet_pass http://127.0.0.1:9;",
     'no key to send for tenant "t"'),
    ("", "proxy_pass http://x;", GOOD, "not allowed here"),
    ("", "comet_pass http://x;", GOOD, "not allowed here"),
    ("comet_client_key x;", "", GOOD, "not allowed here"),
    ("", "", GOOD + "comet_tenant_from alice;", 'write "key"'),
    ("", "", GOOD + "comet_tenant_from key default=nobody;",
     'default tenant "nobody" is not there'),
    ("", "", GOOD + "comet_tenant_from off default=t;", 'beside "off"'),
    ("", "", GOOD + "comet_tenant_from key other;", "default=NAME"),
    ("", "comet_rate 60;", GOOD, "write it as in 60r/m"),
    ("", "comet_rate 60r/h;", GOOD, "write it as in 60r/m"),
    ("", "comet_rate 0r/m;", GOOD, "write it as in 60r/m"),
    ("", "comet_rate 1r/m burst=0;", GOOD, "invalid burst"),
    ("", "comet_rate 1r/m burst=x;", GOOD, "invalid burst"),
    ("", "comet_rate 1r/m model=x;", GOOD, "models=PATTERN"),
    ("", "comet_rate 1r/m models=;", GOOD, "empty pattern"),
    ("", "comet_rate 1r/m models=~(;", GOOD, "invalid regular expression"),
    ("", "comet_rate 1r/m; comet_rate 2r/m;", GOOD, "twice for one period"),
    ("", "comet_rate off; comet_rate 2r/m;", GOOD, '"off"'),
    ("", "comet_rate 2r/m; comet_rate off;", GOOD, '"off"'),
    ("", "comet_tokens 5k;", GOOD, "200k/m"),
    ("", "comet_tokens 5x/m;", GOOD, "200k/m"),
    ("", "comet_budget 5k/m;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/0d;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/367d;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/week;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/1d burst=3;", GOOD, "models=PATTERN"),
    ("", "comet_budget 99999999999g/1d;", GOOD, "10m/30d"),
    ("", "comet_spend 1.1234567/1d;", GOOD, "50/30d"),
    ("", "comet_spend 1000001/1d;", GOOD, "50/30d"),
    ("", "comet_spend ./1d;", GOOD, "50/30d"),
    ("", "comet_client_key %s; comet_spend 5/1d;" % ALICE, GOOD, "add \"comet_price"),
    ("", "comet_concurrency 0;", GOOD, "write it as in 20"),
    ("", "comet_concurrency 5/m;", GOOD, "write it as in 20"),
    ("comet_price * input=1;", "", GOOD, "invalid number of arguments"),
    ("comet_price * input=1 cached=2;", "", GOOD, 'both "input="'),
    ("comet_price * input=1 output=x;", "", GOOD, "a million tokens"),
    ("comet_price * input=1 input=2;", "", GOOD, "a million tokens"),
    ("comet_price ~( input=1 output=2;", "", GOOD, "invalid regular"),
    ("comet_zone x:1m;", "", GOOD, "is duplicate"),
    ("", "".join("comet_budget 1k/%dh;" % (i + 1) for i in range(17)),
     "comet_tenant_from $remote_user; " + GOOD, "at most 16"),
]


@pytest.mark.parametrize("http,tenant,location,said", MISTAKES,
                         ids=[(m[0] + m[1] + m[2][len(GOOD):])[:60]
                              for m in MISTAKES])
def test_a_mistake_is_told(nginx, http, tenant, location, said):
    server = nginx("""
        comet_zone comet:1m;
        %s
        comet_tenant t { %s }
        server { listen PORT; location /v1/ { %s } }
        """ % (http, tenant, location), run=False)
    status, output = server.test()
    assert status != 0
    assert said in output
    assert "nginx.conf:" in output
    assert ALICE not in output


@pytest.mark.parametrize("zone", ["x", ":1m", "x:", "x:1", "x:1t"])
def test_a_zone_has_a_name_and_a_size(nginx, zone):
    server = nginx("comet_zone %s;" % zone, run=False)
    status, output = server.test()
    assert status != 0 and "as in comet:16m" in output


def test_a_limit_needs_a_zone(nginx):
    server = nginx("""server { listen PORT; location /v1/ {
        comet_pass http://127.0.0.1:9; comet_key sk-x; comet_rate 1r/s;
    } }""", run=False)
    status, output = server.test()
    assert status != 0 and 'add "comet_zone comet:16m;"' in output


NOBODY = """
    include tenants/*.conf;
    server { listen PORT; location /v1/ {
        comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        %s
    } }"""


@pytest.mark.parametrize("said", ["key", "$remote_user", "$http_x_team"])
def test_an_include_of_nothing_lets_nobody_in(nginx, mock, said):
    """Where it is said who may call, and nobody is there to be it."""
    server = nginx(NOBODY % (mock.port, "comet_tenant_from %s;" % said),
                   run=False)
    status, output = server.test()
    assert status == 0 and "every call is answered with 401" in output
    assert "nginx.conf:" in output
    server.start()
    for headers in ({}, bearer(), {"x-api-key": ALICE}, {"x-team": "alice"}):
        assert chat(server, headers=headers).status == 401
        assert models(server, "x").status == 401
    assert not mock.requests
    (server.dir / "tenants").mkdir()
    (server.dir / "tenants" / "a.conf").write_text(
        "comet_tenant alice { comet_client_key %s; }" % ALICE)
    server.reload()
    name = {"x-team": "alice", "x-api-key": ALICE}
    assert chat(server, headers=name).status \
        == (401 if said == "$remote_user" else 200)


def test_tenants_that_are_gone_stay_out(nginx, mock):
    """A reload that finds the last tenant no more does not open the edge."""
    server = nginx(NOBODY % (mock.port, "comet_tenant_from key;"), run=False)
    (server.dir / "tenants").mkdir()
    tenant = server.dir / "tenants" / "a.conf"
    tenant.write_text("comet_tenant alice { comet_client_key %s; }" % ALICE)
    server.start()
    assert chat(server, headers=bearer()).status == 200
    tenant.unlink()
    server.reload()
    assert chat(server, headers=bearer()).status == 401
    assert chat(server).status == 401
    assert len(mock.requests) == 1


def test_it_needs_no_key_of_the_api_then(nginx, mock):
    server = nginx((NOBODY % (mock.port, "comet_tenant_from key;"))
                   .replace("comet_key file:KEYFILE;", ""))
    assert chat(server).status == 401


@pytest.mark.parametrize("location,warned", [
    ("", True), ("comet_tenant_from off;", False),
    ("if ($arg_a) { set $b 1; }", True)])
def test_an_open_edge_is_told_at_start(nginx, mock, location, warned):
    server = nginx(NOBODY % (mock.port, location), run=False)
    status, output = server.test()
    assert status == 0
    assert output.count("whoever reaches this location uses the key") == warned
    assert not warned or "comet_tenant_from off;" in output
    server.start()
    assert chat(server).status == 200


@pytest.mark.parametrize("location,told", [
    ("", True), ("comet_tenant_from off;", True),
    ("comet_tenant_from $remote_user;", False),
    ("comet_tenant_from key default=carol;", False)])
def test_a_tenant_without_a_key_is_told(nginx, mock, location, told):
    server = nginx(tenants(mock, http="comet_tenant carol {\n}",
                           location=location), run=False)
    status, output = server.test()
    line = 1 + server.conf.read_text().splitlines().index(
        "    comet_tenant carol {")
    assert status == 0
    assert ('no one can be tenant "carol"' in output) == told
    assert not told or "nginx.conf:%d\n" % line in output


def test_limits_that_meet_are_told_of_whom(nginx):
    """Of the tenant in whose call they meet, and of no other."""
    limits = "".join("comet_budget 10k/%dh;" % (i + 1) for i in range(9))
    http = """
        comet_zone comet:1m;
        comet_tenant few { comet_client_key key-of-the-few-00; %s }
        comet_tenant many { comet_client_key key-of-the-many-0; %s %s }
        server { listen PORT; location /v1/ {
            comet_pass http://127.0.0.1:9; comet_key sk-x;
            %s
        } }"""
    tokens = limits.replace("budget", "tokens").replace("h;", "h;")
    tokens = "".join("comet_tokens 10k/m models=a%d;" % i for i in range(9))
    status, output = nginx(http % (limits, limits, tokens, ""),
                           run=False).test()
    assert status != 0
    assert 'a call of tenant "many" here would have to fit 18 limits' in output
    assert "at most 16 are taken: leave 2 out" in output
    assert "nginx.conf:" in output
    # each has enough, but not in one call
    status, output = nginx(http % (limits, tokens, "", ""), run=False).test()
    assert status == 0, output
    status, output = nginx(http % (limits, "", "", tokens), run=False).test()
    assert status != 0 and 'of tenant "few" here' in output


@pytest.mark.parametrize("key,said", [
    ("SHA256:" + "a" * 64, "in small letters"),
    ("Sha256:" + "a" * 64, "write sha256:HEX"),
    ("sha256=" + "a" * 64, "write sha256:HEX"),
    ("sha-256:" + "a" * 64, "write sha256:HEX"),
    ("SHA2-256=" + "a" * 64, "write sha256:HEX"),
    ("sha512:" + "a" * 128, "takes no hash but sha256:HEX"),
    ("md5:" + "a" * 32, "takes no hash but sha256:HEX"),
    ("FILE:/etc/key", "takes no file"), ("Env:KEY", "takes no file")])
def test_a_client_key_in_another_form(nginx, key, said):
    server = nginx("comet_tenant t {\ncomet_client_key %s;\n}" % key,
                   run=False)
    status, output = server.test()
    line = 1 + server.conf.read_text().splitlines().index(
        "comet_client_key %s;" % key)
    assert status != 0 and said in output
    assert "nginx.conf:%d\n" % line in output
    assert key not in output


def test_a_hash_without_its_name_is_told(nginx, mock):
    digest = hashlib.sha256(ALICE.encode()).hexdigest()
    server = nginx(tenants(mock, bob="comet_client_key %s;" % digest))
    said = server.test()[1]
    assert "write sha256: before it" in said and digest not in said
    server.stop()


def test_a_zone_is_told_how_large_it_has_to_be(nginx, mock):
    """What is told is enough, and the line is that of the zone."""
    many = "".join("comet_tenant t%d { comet_rate 1r/s; comet_tokens 9k/m; }"
                   % i for i in range(3000))
    for metrics in ("", "location = /m { comet_metrics; }"):
        conf = tenants(mock, http=many).replace("location /v1/",
                                                metrics + " location /v1/")
        server = nginx(conf.replace("comet:1m", "comet:64k"), run=False)
        status, said = server.test()
        needed = re.search(r"give it (\d+k) or more in .*nginx.conf:(\d+)",
                           said)
        assert status != 0 and needed
        assert "comet_zone" in server.conf.read_text().splitlines()[
            int(needed[2]) - 1]
        server = nginx(conf.replace("comet:1m", "comet:" + needed[1]),
                       run=False)
        assert server.test()[0] == 0, needed[1]
        assert int(needed[1][:-1]) <= 640 if not metrics else 1024


@pytest.mark.parametrize("size", ["1M", "64K", "1024k"])
def test_sizes_and_amounts_in_capital_letters(nginx, mock, size):
    server = nginx(tenants(mock, alice="""
        comet_tokens 20K/m burst=10K; comet_budget 1M/day;
        comet_budget 1G/month; comet_max_output_tokens 2K default;""")
        .replace("comet:1m", "comet:" + size))
    answer = chat(server, headers=bearer())
    assert answer.status == 200
    assert answer.header("x-ratelimit-limit-tokens") == "20000"
    body = json.loads(mock.last().body)
    assert 2000 in (body.get("max_tokens"), body.get("max_completion_tokens"))


WITHOUT_MASTER = "master_process off; daemon off;"


@pytest.mark.parametrize("change", [
    ("comet:1m", "comet:2m"), ("comet:1m", "other:1m")])
def test_without_a_master_the_zone_stays(nginx, mock, monkeypatch, change):
    """nginx would unmap it under the requests that go on to use it."""
    import conftest
    monkeypatch.setattr(conftest, "FRAME", conftest.FRAME.replace(
        "daemon off;", WITHOUT_MASTER))
    server = nginx(tenants(mock, alice="comet_rate 1r/m burst=2;"),
                   run=False)
    monkeypatch.setattr(server, "workers", lambda: [server.process.pid])
    server.start()
    conf = server.http
    with Client(server) as client:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            dict(bearer(), **plan(hold=True))))
        assert client.head()[1] == 200
        server.write(conf.replace(*change))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: '"master_process off": restart nginx, in ' in server.log())
        assert models(server).status == 200
        assert models(server).status == 429
    server.stop()
    log = server.dir / "error.log"
    text = log.read_text()
    assert text.count("[emerg]") == 1
    log.write_text(re.sub(".*master_process off.*", "", text))
