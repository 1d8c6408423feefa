"""What comet_metrics tells of attempts, breakers and keys."""

import socket
import threading

from conftest import free_port
from test_metrics import Metrics
from test_pool import ZONE, calls, pool, rest
from wire import chat, plan


def conf(mock, keys="a", location=""):
    return pool(mock, keys, ZONE, location).replace(
        "location /v1/", "location = /metrics { comet_metrics; }\n"
        "location /v1/", 1)


def attempts(edge):
    return {s.labels["outcome"]: s.value for s in Metrics(edge).samples
            if s.name == "comet_attempts_total"}


def test_attempts_by_what_became_of_them(nginx, mock):
    edge = nginx(conf(mock, location="comet_read_timeout 300ms;"))
    for wish in ({}, {}, {"status": 503}, {"status": 429}, {"status": 404},
                 {"status": 999}, {"status": 599}, {"cut": 0, "how": "reset"},
                 {"raw": "bm8gSFRUUA0KDQo="}, {"silent": True}):
        chat(edge, headers=plan(**wish))
    assert attempts(edge) == {
        "ok": 2, "http_503": 1, "http_429": 1, "http_404": 1, "other": 2,
        "reset": 1, "invalid": 1, "timeout": 1}
    assert Metrics(edge).sum("comet_retries_total") == 0
    edge.reload(conf(mock).replace(":%d" % mock.port, ":%d" % free_port()))
    assert chat(edge).status == 502
    assert attempts(edge)["connect"] == 1


def test_a_handshake_that_fails(nginx, mock):
    server = socket.create_server(("127.0.0.1", 0))

    def talk():
        peer, _ = server.accept()
        peer.recv(1 << 16)
        peer.sendall(b"no TLS\r\n")
        peer.close()
    thread = threading.Thread(target=talk)
    thread.start()
    edge = nginx(conf(mock, location="comet_ssl_verify off;").replace(
        "http://127.0.0.1:%d" % mock.port,
        "https://127.0.0.1:%d" % server.getsockname()[1]))
    assert chat(edge).status == 502
    thread.join()
    server.close()
    assert attempts(edge) == {"tls": 1}


def test_breakers_and_keys_are_told(nginx, mock):
    edge = nginx(conf(mock, "abc", "comet_breaker failures=2 rest=60s;"))
    calls(edge, mock, 3, **rest("a", 60))
    calls(edge, mock, 2, keys={"sk-b": {"status": 401}})
    calls(edge, mock, 2, status=500)
    metrics = Metrics(edge)
    assert metrics.sum("comet_keys_at_rest") == 1
    assert metrics.sum("comet_keys_out") == 1
    assert metrics.sum("comet_breakers_open") == 1
    assert metrics.sum("comet_breakers_half_open") == 0
    assert metrics.sum("comet_breaker_openings_total") == 1
    assert chat(edge).status == 503
    assert Metrics(edge).sum("comet_attempts_total") == 7 + 2
    assert metrics.sum("comet_retries_total") == 2
    assert "sk-" not in metrics.text


def test_without_pools_and_breakers(nginx, mock):
    edge = nginx(conf(mock))
    chat(edge)
    metrics = Metrics(edge)
    assert metrics.sum("comet_breakers_open") == 0
    assert metrics.sum("comet_keys_at_rest") == 0
    assert attempts(edge) == {"ok": 1}
