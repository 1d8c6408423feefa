"""How much: limits of each tenant, across all workers, and what SDKs make
of a refusal."""

import concurrent.futures
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

import openai
import pytest

from callers import ALICE, BOB, CAPPED, COST, USED, bearer, estimate, left, \
    models, tenants
from conftest import ROOT, wait_for
from wire import CHAT, STREAM, Client, call, chat, plan, request


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
