"""Several comet_key at one level: which one a call gets, and which rest."""

import os
import signal

import pytest

from conftest import wait_for
from wire import Client, STREAM, chat, plan, request

ZONE = "comet_zone comet:1m;"


def pool(mock, keys="ab", http="", location=""):
    return """
    %s
    server {
        listen PORT;
        location /v1/ {
            comet_pass http://127.0.0.1:%d;
            comet_tenant_from off;
            %s
            %s
        }
    }""" % (http, mock.port, "".join("comet_key sk-%s;" % k for k in keys),
            location)


def keys(mock, start=0):
    return "".join(r.key().removeprefix("sk-") for r in mock.requests[start:])


def calls(edge, mock, n, **wishes):
    """the keys that so many calls came with, one after the other"""
    start = len(mock.requests)
    for _ in range(n):
        chat(edge, headers=plan(**wishes))
    return keys(mock, start)


def held(edge, mock):
    """a stream under way, and the key that it has"""
    start = len(mock.requests)
    client = Client(edge)
    client.send(request("POST", "/v1/chat/completions", STREAM,
                        plan(hold=True, events=1)))
    client.head()
    return client, keys(mock, start)


def finish(mock, client):
    mock.release(100)
    body, complete = client.chunks()
    assert complete
    client.socket.close()


@pytest.mark.parametrize("http", ["", ZONE])
def test_idle_keys_take_turns(nginx, mock, http):
    edge = nginx(pool(mock, "abc", http))
    assert calls(edge, mock, 7) == "abcabca"


@pytest.mark.parametrize("http", ["", ZONE])
def test_the_one_with_the_fewest_calls_under_way_is_next(nginx, mock, http):
    edge = nginx(pool(mock, "abc", http))
    one, first = held(edge, mock)
    two, second = held(edge, mock)
    third, = set("abc") - {first, second}
    assert calls(edge, mock, 5) == 5 * third
    three, key = held(edge, mock)
    assert key == third
    assert len(set(calls(edge, mock, 3))) == 3
    for client in (one, two, three):
        finish(mock, client)
    assert sorted(calls(edge, mock, 6)) == list("aabbcc")


def test_a_client_that_leaves_gives_its_key_back(nginx, mock):
    edge = nginx(pool(mock, http=ZONE))
    client, key = held(edge, mock)
    other, = set("ab") - {key}
    assert calls(edge, mock, 3) == 3 * other
    client.socket.close()
    wait_for(mock.requests[0].gone.is_set)
    wait_for(lambda: key in calls(edge, mock, 2))


def rest(key, seconds):
    return {"keys": {"sk-" + key: {"status": 429, "headers":
                                   {"retry-after": str(seconds)}}}}


@pytest.mark.parametrize("http", ["", ZONE])
def test_a_key_rests_after_429(nginx, mock, http):
    edge = nginx(pool(mock, "abc", http))
    calls(edge, mock, 3, **rest("b", 60))
    assert set(calls(edge, mock, 6)) == set("ac")
    wait_for(lambda: 'key 2 of 3 of location "/v1/" is at rest for 60000ms' in edge.log())
    assert "sk-" not in edge.log()


def test_it_comes_back_after_its_rest(nginx, mock):
    edge = nginx(pool(mock, http=ZONE))
    calls(edge, mock, 2, **rest("a", 1))
    assert calls(edge, mock, 2) == "bb"
    wait_for(lambda: "a" in calls(edge, mock, 1))
    wait_for(lambda: 'key 1 of 2 of location "/v1/" is back' in edge.log())


def test_it_comes_back_with_few_calls_at_once(nginx, mock):
    edge = nginx(pool(mock, http=ZONE))
    calls(edge, mock, 2, **rest("a", 1))
    wait_for(lambda: "a" in calls(edge, mock, 1))
    busy = [held(edge, mock) for _ in range(4)]
    assert sorted(key for _, key in busy) == list("aabb")
    assert calls(edge, mock, 3) == "bbb"
    for client, _ in busy:
        finish(mock, client)
    assert sorted(calls(edge, mock, 4)) == list("aabb")


def test_a_key_that_is_refused_is_taken_out(nginx, mock):
    edge = nginx(pool(mock, "abc", ZONE))
    calls(edge, mock, 3, keys={"sk-a": {"status": 401}})
    assert set(calls(edge, mock, 6)) == set("bc")
    wait_for(lambda: 'key 1 of 3 of location "/v1/" is taken out' in edge.log())
    assert "sk-" not in edge.log()


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_what_is_not_the_fault_of_a_key_does_nothing_to_it(nginx, mock,
                                                           status):
    edge = nginx(pool(mock, http=ZONE))
    calls(edge, mock, 2, keys={"sk-a": {"status": status}})
    assert sorted(calls(edge, mock, 4)) == list("aabb")
    assert "key 1" not in edge.log()


def test_all_at_rest(nginx, mock):
    edge = nginx(pool(mock, http=ZONE))
    calls(edge, mock, 2, keys={
        "sk-a": {"status": 429, "headers": {"retry-after": "40"}},
        "sk-b": {"status": 429, "headers": {"retry-after-ms": "20000",
                                            "retry-after": "90"}}})
    answered, connected = len(mock.requests), mock.connections
    answer = chat(edge)
    assert answer.status == 429
    assert answer.json()["error"]["code"] == "keys_at_rest"
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(answer.header("retry-after")) <= 20
    assert 1 <= int(answer.header("retry-after-ms")) <= 20000
    assert len(mock.requests) == answered
    assert mock.connections == connected
    assert "sk-" not in edge.log() + answer.body.decode()


def test_one_key_is_no_pool(nginx, mock):
    """what the API says passes, and the next call is sent"""
    edge = nginx(pool(mock, "a", ZONE))
    for status in (429, 401, 429):
        assert chat(edge, headers=plan(status=status, headers={
            "retry-after": "60"})).status == status
    assert chat(edge).status == 200
    assert "key 1" not in edge.log()


def test_a_pool_is_inherited_as_a_whole(nginx, mock):
    edge = nginx("""
    comet_tenant_from off;
    comet_key sk-a;
    comet_key sk-b;
    server {
        listen PORT;
        location /v1/ { comet_pass http://127.0.0.1:%(port)d; }
        location /v1/models {
            comet_key sk-c;
            comet_pass http://127.0.0.1:%(port)d;
        }
    }""" % {"port": mock.port})
    assert sorted(calls(edge, mock, 4)) == list("aabb")
    with Client(edge) as client:
        for _ in range(3):
            assert client.call("GET", "/v1/models").status == 200
    assert keys(mock, 4) == "ccc"


def test_tenants_have_pools_of_their_own(nginx, mock):
    edge = nginx("""
    %s
    comet_tenant team {
        comet_client_key client-key-of-the-team;
        comet_key sk-c;
        comet_key sk-d;
    }
    comet_tenant other { comet_client_key client-key-of-another; }
    %s""" % (ZONE, pool(mock).replace("comet_tenant_from off;", "")))
    team = {"Authorization": "Bearer client-key-of-the-team"}
    other = {"Authorization": "Bearer client-key-of-another"}
    for _ in range(2):
        chat(edge, headers=dict(team, **plan(**rest("d", 60))))
    assert sorted(keys(mock)) == list("ccd")
    for _ in range(2):
        chat(edge, headers=team)
        chat(edge, headers=other)
    assert sorted(keys(mock, 3)) == list("abcc")
    wait_for(lambda: 'key 2 of 2 of tenant "team" is at rest' in edge.log())


def test_a_key_is_the_same_wherever_it_stands(nginx, mock):
    http = pool(mock, "ab", ZONE)
    http = http.replace("location /v1/", """
        location /v1/models {
            comet_tenant_from off;
            comet_pass http://127.0.0.1:%d;
            comet_key sk-c; comet_key sk-a;
        }
        location /v1/""" % mock.port)
    edge = nginx(http)
    calls(edge, mock, 2, **rest("a", 60))
    with Client(edge) as client:
        for _ in range(3):
            client.call("GET", "/v1/models")
    assert keys(mock, 3) == "ccc"


def test_workers_share_what_they_know(nginx, mock):
    edge = nginx(pool(mock, http=ZONE), workers=4)
    calls(edge, mock, 8, **rest("a", 60))
    assert keys(mock).count("a") == 1
    assert calls(edge, mock, 8) == 8 * "b"


def test_a_reload_and_another_place_change_nothing(nginx, mock):
    edge = nginx(pool(mock, http=ZONE))
    calls(edge, mock, 2, **rest("a", 60))
    edge.reload()
    assert calls(edge, mock, 4) == "bbbb"
    edge.reload(pool(mock, "cba", ZONE))
    assert set(calls(edge, mock, 6)) == set("bc")


def test_calls_of_a_worker_that_was_killed_are_over(nginx, mock):
    edge = nginx(pool(mock, http=ZONE))
    clients = [held(edge, mock) for _ in range(2)]
    more, busy = held(edge, mock)
    idle, = set("ab") - {busy}
    assert calls(edge, mock, 2)[0] == idle
    worker, = edge.workers()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: edge.workers() and edge.workers() != [worker])
    for client in [more] + [client for client, _ in clients]:
        client.socket.close()
    assert sorted(calls(edge, mock, 6)) == list("aaabbb")
    edge.forget_a_kill()


def test_the_smallest_zone_is_enough(nginx, mock):
    edge = nginx(pool(mock, http="comet_zone comet:64k;"))
    assert sorted(calls(edge, mock, 4)) == list("aabb")


def test_an_idempotency_key_is_the_same_whichever_key_is_sent(nginx, mock):
    edge = nginx(pool(mock))
    for _ in range(2):
        chat(edge, headers={"Idempotency-Key": "once"})
    one, two = mock.requests
    assert one.key() != two.key()
    assert len(one.header("idempotency-key")) == 64
    assert one.header("idempotency-key") == two.header("idempotency-key")


LONG = ["sk-%s-3f9c1d7e5b2a48660917" % name for name in ("first", "second")]


def secret_pool(mock):
    conf = pool(mock, "xy", ZONE)
    for key, instead in zip(("sk-x", "sk-y"), LONG):
        conf = conf.replace("comet_key %s;" % key, "comet_key %s;" % instead)
    return conf


def test_keys_of_a_pool_never_show(nginx, mock):
    edge = nginx(secret_pool(mock), level="debug")
    for wish in ({}, {"status": 429}, {"status": 401}, {"status": 500},
                 {"cut": 0}, {}):
        answer = chat(edge, headers=plan(**wish))
        assert not any(key.encode() in answer.raw + answer.body
                       for key in LONG)
    edge.stop()
    wait_for(lambda: "at rest" in edge.log())
    assert not any(key in edge.log() for key in LONG)
    assert not any(key in edge.test("-T")[1] for key in LONG)
    twice = nginx(secret_pool(mock).replace(LONG[1], LONG[0]), run=False)
    status, said = twice.test()
    assert status != 0 and "the same key as number 1" in said
    assert LONG[0] not in said


def shared(pid):
    """the zone, as a process sees it: the only memory that is shared"""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb") as memory:
        for line in maps:
            place, rights, *_ = line.split()
            if rights != "rw-s":
                continue
            start, end = (int(n, 16) for n in place.split("-"))
            memory.seek(start)
            yield memory.read(end - start)


def test_the_zone_does_not_hold_a_key(nginx, mock):
    edge = nginx(secret_pool(mock))
    for _ in range(4):
        chat(edge, headers=plan(status=429))
    worker, = edge.workers()
    memory = b"".join(shared(worker))
    assert len(memory) >= 1 << 20
    for key in LONG:
        assert key.encode() not in memory
        assert key.encode()[-12:] not in memory
