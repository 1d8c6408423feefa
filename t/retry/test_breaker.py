"""comet_breaker: an API that fails is left alone for a while."""

import pytest

from conftest import edge_conf, free_port, wait_for
from wire import CHAT, Client, chat, plan, request

ZONE = "comet_zone comet:1m;"
OTHER = dict(CHAT, model="o3")


def breaker(mock, arguments="failures=3 rest=60s", http=ZONE, location=""):
    return edge_conf(mock, "comet_tenant_from off; comet_breaker %s; %s"
                     % (arguments, location), http=http)


def statuses(edge, n, body=None, **wishes):
    return [chat(edge, body, plan(**wishes)).status for _ in range(n)]


def is_open(edge, body=None):
    """asks only a breaker that is open for long"""
    answer = chat(edge, body)
    return answer.status == 503 \
        and answer.json()["error"]["code"] == "breaker_open"


@pytest.mark.parametrize("http", ["", ZONE])
def test_it_opens_by_failures_in_a_row(nginx, mock, http):
    edge = nginx(breaker(mock, http=http))
    assert statuses(edge, 2, status=503) == [503] * 2
    assert statuses(edge, 1) == [200]
    assert statuses(edge, 3, status=503) == [503] * 3
    sent, connected = len(mock.requests), mock.connections
    answer = chat(edge)
    assert answer.status == 503
    assert answer.json()["error"]["code"] == "breaker_open"
    assert answer.json()["error"]["type"] == "api_error"
    assert 1 <= int(answer.header("retry-after")) <= 60
    assert 1 <= int(answer.header("retry-after-ms")) <= 60000
    assert (len(mock.requests), mock.connections) == (sent, connected)
    assert 'breaker opened for upstream "127.0.0.1:%d" model "gpt-5.4" for ' \
        '60000ms' % mock.port in edge.log()
    wait_for(lambda: len(edge.access()) == 7)
    assert edge.access()[-1].split("|")[2] == "-"


def test_each_model_has_one(nginx, mock):
    edge = nginx(breaker(mock))
    statuses(edge, 3, status=500)
    assert is_open(edge)
    assert statuses(edge, 3, OTHER) == [200] * 3
    with Client(edge) as client:
        assert client.call("GET", "/v1/models").status == 200


def test_each_upstream_has_one(nginx, mock):
    edge = nginx("""
    comet_tenant_from off; comet_key sk-a; comet_breaker failures=2 rest=60s;
    %s
    server {
        listen PORT;
        location /v1/ { comet_pass http://127.0.0.1:%d/; }
        location /v1/responses { comet_pass http://127.0.0.1:%d/other/; }
    }""" % (ZONE, mock.port, mock.port))
    statuses(edge, 2, status=500)
    assert is_open(edge)
    with Client(edge) as client:
        assert client.call("POST", "/v1/responses",
                           {"model": "gpt-5.4", "input": "Hi"}).status == 200


@pytest.mark.parametrize("wish,status", [
    ({"status": 500}, 500), ({"status": 502}, 502), ({"status": 504}, 504),
    ({"status": 524}, 524), ({"status": 529}, 529),
    ({"cut": 0, "how": "reset"}, 502), ({"cut": 0}, 502), ({"cut": 30}, 502),
    ({"raw": "bm8gSFRUUA0KDQo="}, 502), ({"silent": True}, 504)])
def test_what_is_a_failure(nginx, mock, wish, status):
    edge = nginx(breaker(mock, location="comet_read_timeout 300ms;"))
    assert statuses(edge, 3, **wish) == [status] * 3
    assert is_open(edge)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429])
def test_what_is_none(nginx, mock, status):
    edge = nginx(breaker(mock))
    assert statuses(edge, 5, status=status) == [status] * 5
    assert statuses(edge, 2, status=503) == [503] * 2
    assert statuses(edge, 1, status=status) == [status]
    assert statuses(edge, 1) == [200]
    assert "breaker" not in edge.log()


def test_clients_that_leave_are_none(nginx, mock):
    edge = nginx(breaker(mock))
    for _ in range(5):
        n = len(mock.requests)
        with Client(edge) as client:
            client.send(request("POST", "/v1/chat/completions", CHAT,
                                plan(silent=True)))
            wait_for(lambda: len(mock.requests) > n)
        wait_for(mock.last().gone.is_set)
    assert statuses(edge, 1) == [200]


def test_a_host_that_cannot_be_reached(nginx, mock):
    conf = breaker(mock).replace(":%d" % mock.port, ":%d" % free_port())
    edge = nginx(conf)
    assert statuses(edge, 3) == [502] * 3
    assert is_open(edge)


def test_it_opens_by_a_share(nginx, mock):
    edge = nginx(breaker(mock, "share=50% window=60s min=10 rest=60s"))
    assert statuses(edge, 6) == [200] * 6
    assert statuses(edge, 5, status=503) == [503] * 5
    assert statuses(edge, 1) == [200]
    assert statuses(edge, 2, status=503) == [503] * 2
    assert is_open(edge)


def test_it_closes_by_two_good_calls(nginx, mock):
    edge = nginx(breaker(mock, "failures=2 rest=1s"))
    statuses(edge, 2, status=503)
    sent = len(mock.requests)
    wait_for(lambda: not is_open(edge))
    assert len(mock.requests) == sent + 1
    assert "breaker closed" not in edge.log()
    assert statuses(edge, 1) == [200]
    wait_for(lambda: 'breaker closed for upstream "127.0.0.1:%d" model "gpt-5.4"'
             % mock.port in edge.log())
    assert statuses(edge, 1, status=503) == [503]
    assert statuses(edge, 1) == [200]


def test_a_bad_probe_opens_it_again(nginx, mock):
    edge = nginx(breaker(mock, "failures=2 rest=1s"))
    statuses(edge, 2, status=503)
    sent = len(mock.requests)
    wait_for(lambda: statuses(edge, 1, status=504) == [504])
    assert len(mock.requests) == sent + 1
    wait_for(lambda: "breaker opened again" in edge.log())
    assert is_open(edge)


def test_there_is_one_probe_at_a_time(nginx, mock):
    edge = nginx(breaker(mock, "failures=2 rest=1s"))
    statuses(edge, 2, status=503)
    sent = len(mock.requests)

    def probe():
        client = Client(edge)
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            plan(silent=True)))
        clients.append(client)
        client.socket.settimeout(0.05)
        try:
            client.head()
        except TimeoutError:
            pass
        return len(mock.requests) > sent

    clients = []
    wait_for(probe)
    assert is_open(edge) and is_open(edge)
    assert len(mock.requests) == sent + 1

    # its client leaves: it says nothing, and the next one is tried

    for client in clients:
        client.socket.close()
    wait_for(mock.last().gone.is_set)
    wait_for(lambda: not is_open(edge))
    assert statuses(edge, 2) == [200] * 2


def test_a_long_stream_is_a_good_probe_when_it_begins(nginx, mock):
    edge = nginx(breaker(mock, "failures=2 rest=1s"))
    statuses(edge, 2, status=503)
    wait_for(lambda: not is_open(edge))
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions",
                            dict(CHAT, stream=True),
                            plan(hold=True, events=1)))
        assert client.head()[1] == 200
        wait_for(lambda: "breaker closed" in edge.log())
        mock.release(100)
        assert client.chunks()[1]


def test_workers_and_reloads(nginx, mock):
    edge = nginx(breaker(mock), workers=4)
    statuses(edge, 3, status=503)
    assert all(is_open(edge) for _ in range(8))
    edge.reload()
    assert is_open(edge)


def test_off_where_a_location_says_so(nginx, mock):
    conf = breaker(mock, "off", http=ZONE + "comet_breaker failures=1;")
    edge = nginx(conf)
    statuses(edge, 5, status=503)
    assert statuses(edge, 1) == [200]


def test_names_of_models_do_not_push_an_open_one_out(nginx, mock):
    edge = nginx(breaker(mock, "failures=1 rest=60s",
                         http="comet_zone comet:64k;"))
    statuses(edge, 1, status=503)
    with Client(edge) as client:
        for i in range(300):
            client.call("POST", "/v1/chat/completions",
                        dict(CHAT, model="m%d" % i),
                        plan(status=503 if i % 2 else 200))
    assert is_open(edge)
