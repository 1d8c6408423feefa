"""What the workers share: counters that outlive reloads and workers."""

import hashlib
import os
import re
import signal

import pytest

from callers import BOB, CAPPED, COST, USED, bearer, models, tenants
from conftest import wait_for
from wire import STREAM, Client, chat, plan, request


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
