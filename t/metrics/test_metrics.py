"""comet_metrics: the page says what happened, in Prometheus's own words."""

import json
import os
import re
import signal
import socket
import struct
import zlib

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import ROOT, wait_for
from callers import ALICE, BOB, bearer, tenants
from wire import CHAT, STREAM, Client, call, chat, plan, request

COUNTED = dict(STREAM, stream_options={"include_usage": True})


def conf(mock, page="", metrics=True, **how):
    """tenants alice and bob, and the page on the same port"""
    text = tenants(mock, **how)
    if not metrics:
        return text
    at = text.index("location /v1/")
    return (text[:at] + "location = /metrics { comet_metrics; %s }\n" % page
            + text[at:])


def page(server):
    answer = call(server, "GET", "/metrics")
    assert answer.status == 200 and answer.complete
    assert answer.header("content-type") \
        == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode()


class Metrics:
    def __init__(self, server):
        self.text = page(server)
        self.families = list(text_string_to_metric_families(self.text))
        self.samples = [s for f in self.families for s in f.samples]
        keys = [(s.name, tuple(sorted(s.labels.items())))
                for s in self.samples]
        assert len(keys) == len(set(keys)), "a series stands there twice"
        for f in self.families:
            assert f.documentation and f.type in ("counter", "gauge",
                                                  "histogram")
            assert f.type != "histogram" or self.agrees(f)

    @staticmethod
    def agrees(family):
        """buckets only grow, and the last is the count"""
        rows = {}
        for s in family.samples:
            key = (s.labels["endpoint"], s.labels["provider"])
            rows.setdefault(key, {}).setdefault(
                s.name.rsplit("_", 1)[1], []).append((s.labels.get("le"),
                                                      s.value))
        for row in rows.values():
            bounds = [float(le) for le, _ in row["bucket"]]
            counts = [n for _, n in row["bucket"]]
            assert bounds == sorted(bounds) and counts == sorted(counts)
            assert bounds[-1] == float("inf") and len(bounds) == 16
            assert counts[-1] == row["count"][0][1]
        return True

    def all(self, name, **labels):
        return [s for s in self.samples if s.name == name
                and labels.items() <= s.labels.items()]

    def sum(self, name, **labels):
        return sum(s.value for s in self.all(name, **labels))


def counted(server, n, name="comet_requests_total", **labels):
    """a request is counted when it is logged: after its last byte was sent"""
    wait_for(lambda: Metrics(server).sum(name, **labels) >= n)
    metrics = Metrics(server)
    assert metrics.sum(name, **labels) == n
    return metrics


def test_requests_by_what_became_of_them(nginx, mock):
    server = nginx(conf(mock, alice="comet_rate 4r/m burst=4;"))
    bad = dict(CHAT, temperature=9)
    for body, key, status in [
            (CHAT, ALICE, 200), (CHAT, ALICE, 200), (bad, ALICE, 400),
            (b"{", ALICE, 400), (CHAT, ALICE, 429), (CHAT, ALICE, 429),
            (CHAT, "nobody-b6d767d2f8ed5d21a44b0e5886680cb9", 401),
            (dict(CHAT, model="claude-x"), BOB, 200)]:
        assert chat(server, body, bearer(key)).status == status
    assert call(server, "GET", "/v1/nothing", headers=bearer(BOB)).status \
        == 404
    assert call(server, "PUT", "/v1/models", headers=bearer(BOB)).status \
        == 405
    assert chat(server, headers=dict(bearer(BOB), **plan(
        status=503))).status == 503

    metrics = counted(server, 11)
    chats = "chat.completions"
    for tenant, endpoint, provider, verdict, status, code, n in [
            ("alice", chats, "openai", "pass", "200", "", 2),
            ("alice", chats, "openai", "refused", "400", "invalid_value", 1),
            ("alice", chats, "", "refused", "400", "invalid_json", 1),
            ("alice", "", "", "refused", "429", "rate_limit_exceeded", 2),
            ("", "", "", "refused", "401", "invalid_api_key", 1),
            ("bob", chats, "claude", "pass", "200", "", 1),
            ("bob", "", "", "refused", "404", "not_found", 1),
            ("bob", "models", "", "refused", "405", "method_not_allowed", 1),
            ("bob", chats, "openai", "pass", "503", "", 1)]:
        assert metrics.sum(
            "comet_requests_total", tenant=tenant, endpoint=endpoint,
            provider=provider, verdict=verdict, status=status,
            code=code) == n, (tenant, status, code, metrics.text)
    assert metrics.sum("comet_overhead_seconds_count") == 11
    assert metrics.sum("comet_overhead_seconds_sum") > 0
    assert metrics.sum("comet_duration_seconds_count") == 4


def test_errors_of_the_gateway_have_codes_and_those_of_the_api_none(
        nginx, mock):
    server = nginx(conf(mock, location="comet_read_timeout 100ms; "
                                       "client_max_body_size 1k;"))
    assert chat(server, headers=dict(bearer(), **plan(
        silent=True))).status == 504
    assert chat(server, headers=dict(bearer(), **plan(
        cut=0, how="fin"))).status == 502
    assert chat(server, dict(CHAT, user="x" * 2000), bearer(),
                chunked=True).status == 413
    assert chat(server, headers=dict(bearer(), **plan(
        status=502))).status == 502
    metrics = counted(server, 4)
    assert chat(server, STREAM, dict(bearer(BOB), **plan(
        cut=600, how="fin"))).status == 200
    metrics = counted(server, 1, tenant="bob")
    assert metrics.sum("comet_requests_total", tenant="bob", status="200",
                       code="upstream_unavailable") == 1, metrics.text
    for status, code in [("504", "upstream_timeout"), ("413",
                         "request_too_large"), ("502", "upstream_unavailable"),
                         ("502", "")]:
        assert metrics.sum("comet_requests_total", status=status,
                           code=code) == 1, metrics.text


def test_tokens_cost_and_repairs(nginx, mock):
    server = nginx(conf(mock, http="comet_price gpt-* input=2 output=8;",
                        location="comet_invalid repair;"))
    total = dict(input=0, output=0)
    for body in (CHAT, dict(CHAT, temperature=9, n=200)):
        usage = chat(server, body, bearer()).json()["usage"]
        total["input"] += usage["prompt_tokens"]
        total["output"] += usage["completion_tokens"]
    assert chat(server, dict(CHAT, model="claude-x"),
                bearer(BOB)).status == 200
    metrics = counted(server, 3)
    alice = dict(tenant="alice", endpoint="chat.completions",
                 provider="openai")
    for kind in total:
        assert metrics.sum("comet_tokens_total", kind=kind, **alice) \
            == total[kind]
    assert metrics.sum("comet_cost_total", **alice) == pytest.approx(
        (total["input"] * 2 + total["output"] * 8) / 1e6, abs=1e-12)
    assert metrics.sum("comet_cost_total", tenant="bob") == 0
    assert metrics.sum("comet_tokens_total", tenant="bob", kind="input") > 0
    assert metrics.sum("comet_repairs_total") == 2
    assert metrics.sum("comet_repairs_total", **alice) == 2
    assert metrics.sum("comet_requests_total", verdict="repaired") == 1
    assert metrics.sum("comet_estimated_calls_total") == 0
    assert metrics.sum("comet_first_token_seconds_count") == 0


def test_streams_and_clients_that_hang_up(nginx, mock):
    server = nginx(conf(mock))
    assert chat(server, COUNTED, bearer()).complete
    metrics = counted(server, 1, "comet_first_token_seconds_count",
                      endpoint="chat.completions", provider="openai")
    assert metrics.sum("comet_aborted_calls_total") == 0

    with Client(server) as client:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            dict(bearer(), **plan(hold=True))))
        client.head()
        mock.release(3)
        client.until(b"\n\n")
    metrics = counted(server, 1, "comet_aborted_calls_total", tenant="alice")
    assert metrics.sum("comet_estimated_calls_total") == 1
    assert metrics.sum("comet_requests_total", status="200") == 2

    assert metrics.sum("comet_unmetered_calls_total") == 0
    broken = '{"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":1}}'
    chat(server, CHAT, dict(bearer(BOB), **plan(body=broken)))
    metrics = counted(server, 1, "comet_unmetered_calls_total", tenant="bob")
    assert metrics.sum("comet_estimated_calls_total") == 1


def test_a_client_that_a_failed_write_shows_to_be_gone(nginx, mock):
    """The worker sees the API's bytes first, and the client's reset after."""
    server = nginx(conf(mock))
    pid, = server.workers()
    with Client(server) as client:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            dict(bearer(), **plan(hold=True))))
        client.head()
        mock.release()
        client.until(b"\n\n")
        os.kill(pid, signal.SIGSTOP)
        before = mock.last().sent
        mock.release()
        wait_for(lambda: mock.last().sent > before)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
    os.kill(pid, signal.SIGCONT)
    metrics = counted(server, 1, "comet_requests_total", status="200")
    assert "client prematurely closed" not in server.log()
    assert metrics.sum("comet_aborted_calls_total", tenant="alice") == 1


def test_in_flight(nginx, mock):
    server = nginx(conf(mock), workers=2)
    clients = [Client(server) for _ in range(5)]
    for client in clients:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            dict(bearer(), **plan(hold=True))))
        client.head()
    assert Metrics(server).sum("comet_in_flight") == 5
    # old workers keep what is under way, new ones count on
    server.reload_now()
    assert Metrics(server).sum("comet_in_flight") == 5
    for client in clients[:2]:
        client.socket.close()
    wait_for(lambda: Metrics(server).sum("comet_in_flight") == 3)
    mock.release(1000)
    for client in clients[2:]:
        assert client.chunks()[1]
    wait_for(lambda: Metrics(server).sum("comet_in_flight") == 0)
    wait_for(lambda: len(server.workers()) == 2)
    assert Metrics(server).sum("comet_requests_total") == 5


def test_a_killed_worker_has_nothing_in_flight(nginx, mock):
    server = nginx(conf(mock, alice="comet_concurrency 100;"), workers=2)
    assert chat(server, headers=bearer()).status == 200
    clients = [Client(server) for _ in range(6)]
    for client in clients:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            dict(bearer(), **plan(hold=True))))
        client.head()
    counted(server, 1)
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)

    def free():
        try:
            metrics = Metrics(server)
            return metrics.sum("comet_in_flight") == 0 \
                and metrics.sum("comet_zone_held_calls") == 0 \
                and metrics.sum("comet_zone_lost_calls_total") == 6
        except (OSError, EOFError):
            return False
    wait_for(free)
    counted(server, 1)
    for client in clients:
        client.socket.close()
    server.forget_a_kill()


def test_a_reload_keeps_what_is_counted(nginx, mock):
    server = nginx(conf(mock), workers=2)
    for _ in range(3):
        chat(server, headers=bearer())
    before = counted(server, 3)
    server.reload()
    assert counted(server, 3).all("comet_tokens_total") \
        == before.all("comet_tokens_total")
    chat(server, headers=bearer())
    counted(server, 4)
    # without a page nothing is counted, and nothing forgotten
    server.reload(conf(mock, metrics=False))
    chat(server, headers=bearer())
    server.reload(conf(mock))
    chat(server, headers=bearer())
    counted(server, 5)
    # one that comes later begins at nothing
    server.reload(conf(mock, metrics=False).replace("comet:1m", "comet:2m"))
    chat(server, headers=bearer())
    server.reload(conf(mock).replace("comet:1m", "comet:2m"))
    chat(server, headers=bearer())
    counted(server, 1)


def test_what_each_worker_counts_is_read_together(nginx, mock):
    """Of those that were killed, and of those that have their slots now."""
    server = nginx(conf(mock), workers=3)
    sent = 0
    for change in (None, "kill", "reload", "kill", "reload"):
        if change == "reload":
            server.reload()
        elif change:
            gone = server.workers()
            for worker in gone:
                os.kill(worker, signal.SIGKILL)
            wait_for(lambda: len(set(server.workers()) - set(gone)) == 3)
        for _ in range(20):
            assert chat(server, headers=bearer()).status == 200
        sent += 20
        counted(server, sent)
    server.forget_a_kill()


def test_nothing_that_is_sent_makes_series_without_end(nginx, mock):
    server = nginx(conf(mock))
    for i in range(40):
        chat(server, dict(CHAT, model="model-%d\n\"{}" % i), bearer())
        chat(server, dict(CHAT, **{"x%d" % i: 1}), bearer("nobody-%d" % i))
        call(server, "GET", "/v1/x%d" % i, headers=bearer())
        call(server, "GET", "/v1/models/m%d" % i, headers=bearer())
        chat(server, b"[%d" % i, bearer())
    before = len(counted(server, 200).all("comet_requests_total"))
    assert before <= 8, page(server)
    for status in [*range(200, 204), *range(205, 304), *range(305, 1000)]:
        chat(server, headers=dict(bearer(), **plan(status=status)))
    metrics = counted(server, 200 + 4 + 99 + 695)
    statuses = {s.labels["status"]
                for s in metrics.all("comet_requests_total")}
    assert len(statuses) < 80 and "other" in statuses
    assert {"200", "404", "429", "529", "503"} <= statuses
    assert not {"299", "599", "777", "999"} & statuses


def test_names_of_tenants_are_told_as_they_are(nginx, mock):
    names = ["größer", "日本語", "a b", "a{b}=,c", "o'neill", "x" * 128]
    raw = [b"bytes-\xff", b"bytes-\xfe", b"\xe6\x97"]
    all_names = [n.encode() for n in names] + raw
    server = nginx(conf(mock, http="include names.conf;",
                        location="comet_tenant_from $http_x_name;"),
                   run=False)
    (server.dir / "names.conf").write_bytes(
        b"".join(b'comet_tenant "%s" { }\n' % n for n in all_names))
    server.start()
    for name in all_names:
        answer = chat(server, headers={"x-name": name.decode("latin-1")})
        assert answer.status == 200, name
    metrics = counted(server, len(names) + len(raw))
    seen = {s.labels["tenant"] for s in metrics.all("comet_requests_total")}
    assert seen == set(names) | {"bytes-\\xff", "bytes-\\xfe", "\\xe6\\x97"}


def test_what_finds_no_room_is_counted_as_other(nginx, mock):
    n = 300
    many = "".join("comet_tenant team-%d-%s { }\n" % (i, "x" * 100)
                   for i in range(n))
    server = nginx(conf(mock, http=many, alice="comet_tokens 1m/m;",
                        location="comet_tenant_from $arg_t;")
                   .replace("comet:1m", "comet:128k"))
    with Client(server) as client:
        for i in range(n):
            assert client.call(
                "POST", "/v1/chat/completions?t=team-%d-%s" % (i, "x" * 100),
                CHAT).status == 200
    metrics = counted(server, n)
    assert metrics.sum("comet_zone_series_overflow_total") > 0
    assert 0 < metrics.sum("comet_requests_total", tenant="other",
                           endpoint="other", code="other") < n
    assert metrics.sum("comet_zone_series_bytes") \
        <= metrics.sum("comet_zone_series_limit_bytes") <= 32768
    assert metrics.sum("comet_tokens_total", kind="input") > 0
    assert metrics.sum("comet_tokens_total", tenant="other", kind="input") > 0
    # what overflows takes nothing from the limits
    free = []
    for _ in range(2):
        assert call(server, "POST", "/v1/chat/completions?t=alice",
                    CHAT).status == 200
        free.append(Metrics(server).sum("comet_zone_free_bytes"))
    assert free[0] == free[1] > 0


def test_the_page_is_read_only(nginx, mock):
    server = nginx(conf(mock))
    head = call(server, "HEAD", "/metrics")
    assert head.status == 200 and head.body == b""
    assert head.header("content-type").startswith("text/plain; version=0.0.4")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = call(server, method, "/metrics", b"x" * 100000)
        assert answer.status == 405
        assert answer.header("allow") == "GET, HEAD"
    with Client(server) as client:
        for _ in range(3):
            assert client.call("GET", "/metrics", b"body").status == 200
        assert client.call("HEAD", "/metrics").status == 200
    assert call(server, "GET", "/metrics", version="1.0").complete
    assert "comet_requests_total{" not in page(server)


def test_access_rules_hold(nginx, mock):
    server = nginx(conf(mock, page="allow 192.0.2.1; deny all;"))
    assert call(server, "GET", "/metrics").status == 403
    server = nginx(conf(mock, page="allow 127.0.0.1; deny all;"))
    assert call(server, "GET", "/metrics").status == 200


def test_a_page_within_conditions_and_pages(nginx, mock):
    server = nginx(conf(mock, page="if ($arg_x) { set $y 1; } "
                                   "gzip on; gzip_types text/plain;")
                   .replace("location /v1/", "location /ssi/ { ssi on; "
                            "ssi_types text/plain; root %s; }\n"
                            "location /v1/" % "DIR"), run=False)
    server.http = server.http.replace("DIR", str(server.dir))
    (server.dir / "ssi").mkdir()
    (server.dir / "ssi" / "a.html").write_text(
        'before <!--# include virtual="/metrics" --> after')
    server.start()
    assert "comet_in_flight 0" in call(server, "GET",
                                       "/metrics?x=1").body.decode()
    text = call(server, "GET", "/ssi/a.html").body.decode()
    assert text.startswith("before # HELP") and text.endswith(" after")
    answer = call(server, "GET", "/metrics",
                  headers={"Accept-Encoding": "gzip"})
    assert answer.header("content-encoding") == "gzip"
    assert b"comet_in_flight 0" in zlib.decompress(answer.body, 31)


def test_an_error_page_is_counted_once_as_it_ended(nginx, mock):
    text = conf(mock, alice="comet_rate 1r/m;",
                location="error_page 429 /limited;").replace(
        "location /v1/", "location = /limited { return 200 later; }\n"
                         "location /v1/")
    server = nginx(text)
    assert [chat(server, headers=bearer()).status for _ in range(3)] \
        == [200, 429, 429]
    metrics = counted(server, 3)
    assert metrics.sum("comet_requests_total", tenant="alice", status="429",
                       verdict="refused", code="rate_limit_exceeded") == 2
    assert metrics.sum("comet_in_flight") == 0


@pytest.mark.parametrize("text,said", [
    ("server { listen PORT; location = /m { comet_metrics; } }",
     'add "comet_zone comet:16m;"'),
    ("comet_zone c:1m; server { listen PORT; location = /m { comet_metrics; "
     "comet_metrics; } }", "is duplicate"),
    ("comet_zone c:1m; server { listen PORT; location = /m { comet_metrics; "
     "comet_pass http://127.0.0.1:9; comet_key sk-x; } }",
     "a location of its own"),
    ("comet_zone c:1m; server { listen PORT; location = /m { comet_key sk-x; "
     "comet_pass http://127.0.0.1:9; comet_metrics; } }",
     "a location of its own"),
    ("comet_zone c:1m; server { listen PORT; location = /m { comet_metrics; "
     "proxy_pass http://127.0.0.1:9; } }", "a location of its own"),
    ("comet_zone c:1m; server { listen PORT; location = /m { stub_status; "
     "comet_metrics; } }", "a location of its own"),
    ("comet_zone c:1m; server { listen PORT; comet_metrics; }",
     "is not allowed here"),
    ("comet_zone c:1m; server { listen PORT; location = /m { comet_metrics "
     "on; } }", "invalid number of arguments"),
])
def test_a_mistake_is_told(nginx, text, said):
    status, output = nginx(text, run=False).test()
    assert status != 0 and said in output and "nginx.conf:" in output


def test_the_smallest_zone_has_room_for_a_page(nginx, mock):
    server = nginx(conf(mock).replace("comet:1m", "comet:64k"))
    assert chat(server, headers=bearer()).status == 200
    counted(server, 1)


def queried(text):
    """names of metrics in an expression"""
    text = re.sub(r'"[^"]*"', "", text)
    return set(re.findall(r"\bcomet_[a-z_]+", text))


def test_the_dashboard_asks_for_what_is_there(nginx, mock):
    server = nginx(conf(mock, alice="comet_tokens 1m/m;"))
    assert chat(server, COUNTED, bearer()).complete
    metrics = counted(server, 1)
    there = {s.name for s in metrics.samples}
    there |= set(re.findall(r"^# TYPE (\S+) counter$", metrics.text, re.M))

    board = json.loads((ROOT / "docs/grafana.json").read_text())
    panels = [p for p in board["panels"] if p["type"] != "row"]
    assert len(panels) >= 12
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
    expressions = [t["expr"] for p in panels for t in p["targets"]]
    expressions += [v["definition"] for v in board["templating"]["list"]
                    if v["type"] == "query"]
    asked = set().union(*map(queried, expressions))
    assert asked and asked <= there, asked - there

    labels = {k for s in metrics.samples for k in s.labels}
    labels |= {"instance", "reason"}      # of retries, if there are any
    for text in expressions:
        for group in re.findall(r"\bby \(([^)]*)\)", text):
            assert set(group.split(", ")) <= labels
        for group in re.findall(r"\{([^}]*)\}", text):
            assert set(re.findall(r"(\w+)=", group)) <= labels

    # every metric of the page is in the dashboard or has no need to be
    bases = {re.sub(r"_(bucket|sum|count)$", "", n) for n in there}
    assert bases == {re.sub(r"_bucket$", "", n) for n in asked}

    variables = {v["name"] for v in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"])))
    assert used - {"__rate_interval", "__range"} <= variables
    for p in panels:
        assert p["datasource"]["uid"] == "${datasource}"


def test_the_documentation_names_what_is_there(nginx, mock):
    server = nginx(conf(mock))
    assert chat(server, COUNTED, bearer()).complete
    counted(server, 1)
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page(server), re.M))
    text = (ROOT / "docs/directives.md").read_text()
    told = {name: kind for name, kind in re.findall(
        r"^\| `(comet_[a-z_]+)` \| (counter|gauge|histogram) \|", text, re.M)}
    assert told == kinds
    for path in ("docs/policies.md", "README.md"):
        names = re.findall(r"\bcomet_[a-z_]+_total\b",
                           (ROOT / path).read_text())
        assert set(names) <= set(kinds)


def test_a_page_of_many_pieces(nginx, mock):
    n = 3000
    many = "".join("comet_tenant team-%d { }\n" % i for i in range(n))
    server = nginx(conf(mock, http=many, location="comet_tenant_from $arg_t;",
                        page="gzip on; gzip_types text/plain; "
                             "limit_rate $arg_rate; postpone_output 1m;")
                   .replace("comet:1m", "comet:8m")
                   .replace("listen PORT", "listen PORT sndbuf=16k"))
    with Client(server) as client:
        for at in range(0, n, 100):
            client.send(b"".join(request(
                "GET", "/v1/nothing?t=team-%d" % i)
                for i in range(at, at + 100)))
            assert {client.answer("GET").status for _ in range(100)} == {404}
    whole = counted(server, n)
    assert len(whole.text) > 5 * 65536
    lines = sorted(whole.text.splitlines())

    def same(text):
        assert sorted(text.splitlines()) == lines

    # who reads slowly gets all of it, and holds up nobody
    with Client(server) as slow:
        slow.send(request("GET", "/metrics"))
        slow.head()
        for _ in range(20):
            same(page(server))
        same(slow.chunks()[0].decode())
        same(slow.call("GET", "/metrics").body.decode())

    same(call(server, "GET", "/metrics?rate=200k").body.decode())
    same(call(server, "GET", "/metrics", version="1.0").body.decode())
    answer = call(server, "GET", "/metrics",
                  headers={"Accept-Encoding": "gzip"})
    same(zlib.decompress(answer.body, 31).decode())

    # who goes away in the middle is forgotten
    for rate in ("", "?rate=1k"):
        with Client(server) as client:
            client.send(request("GET", "/metrics" + rate))
            client.head()
    same(page(server))

    # a worker that is to exit sends all of it
    with Client(server) as slow:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        slow.send(request("GET", "/metrics"))
        slow.head()
        server.reload_now()
        same(slow.chunks()[0].decode())
