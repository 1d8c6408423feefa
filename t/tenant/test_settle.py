"""Every call is settled once, with what its line in the log says."""

import concurrent.futures
import json
import os
import random
import signal
import socket
import struct
import threading
import time

import pytest

from callers import ALICE, bearer, left, tenants
from conftest import wait_for
from wire import CHAT, STREAM, Client, plan, request

SLOW = "COMET_SLOW" in os.environ
BUDGET = 1000000000

LOG = """
    log_format used '$request_method|$status|$comet_metered|'
                    '$comet_input_tokens|$comet_output_tokens|$comet_cost';
    access_log used.log used;
    comet_price * input=1.25 output=10 cached=0.125;
"""

LIMITS = """comet_concurrency 1000; comet_budget %d/30d;
            comet_tokens 1g/s; comet_spend 1000000/30d;""" % BUDGET

RESPONSE = {"model": "gpt-5.4", "input": "Hi", "max_output_tokens": 100}
CALL = dict(CHAT, max_completion_tokens=100)
LIVE = dict(STREAM, max_completion_tokens=100)


def conf(mock, location="", limits=LIMITS, **more):
    return tenants(mock, alice=limits, http=LOG + more.pop("http", ""),
                   location=location)


def lines(server):
    """of calls; what asks for the rest of the budget is a GET"""
    path = server.dir / "used.log"
    text = path.read_text() if path.exists() else ""
    return [line.split("|")[1:] for line in text.splitlines()
            if line.startswith("POST")]


def charged(server):
    """tokens by the log"""
    return sum(int(n) for line in lines(server) for n in line[2:4]
               if n != "-")


def hang_up(client, reset=False):
    if reset:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
    client.socket.close()


def send(server, body, path="/v1/chat/completions", upto=None, **wishes):
    client = Client(server)
    client.send(request("POST", path, body,
                        dict(bearer(), Connection="close",
                             **plan(**wishes)))[:upto])
    return client


def finished(server, body=CALL, path="/v1/chat/completions", **wishes):
    with send(server, body, path, **wishes) as client:
        return client.answer()


def cut(server, body, **wishes):
    with send(server, body, **wishes) as client:
        try:
            client.answer()
        except EOFError:
            pass


def left_waiting(server, body, **wishes):
    client = send(server, body, **wishes)
    wait_for(lambda: server.mock.requests)
    hang_up(client)


def left_in_mid_stream(server, body, reset, **wishes):
    client = send(server, body, **wishes)
    client.head()
    client.until(b"\n\n")
    client.until(b"\n\n")
    client.until(b"\n\n")
    hang_up(client, reset)


def left_behind_the_head(server, body, **wishes):
    client = send(server, body, **wishes)
    client.head()
    hang_up(client, True)


def told(server, text):
    with Client(server) as client:
        client.call("POST", "/v1/chat/completions", CALL,
                    dict(bearer(), **plan(body=text)))


GZIP = {"headers": {"Content-Encoding": "gzip"}}
HOSTILE = json.dumps({"usage": {"prompt_tokens": -5,
                                "completion_tokens": 1e300}})

# a name, how it ends, what $comet_metered says, whether tokens are charged

WAYS = [
    ("answered", lambda s: finished(s), "yes", True),
    ("answered on responses",
     lambda s: finished(s, RESPONSE, "/v1/responses"), "yes", True),
    ("streamed", lambda s: finished(s, LIVE), "yes", True),
    ("streamed on responses",
     lambda s: finished(s, dict(RESPONSE, stream=True), "/v1/responses"),
     "yes", True),
    ("n is 3", lambda s: finished(s, dict(CALL, n=3)), "yes", True),
    ("an answer of HTTP/1.0",
     lambda s: finished(s, CALL, framing="close"), "yes", True),
    ("refused by the gate",
     lambda s: finished(s, dict(CALL, temperature=9)), "yes", False),
    ("refused early",
     lambda s: finished(s, dict(CALL, temperature=9, user="x" * 3000000)),
     "yes", False),
    ("not JSON", lambda s: finished(s, b"nonsense"), "yes", False),
    ("error of the API", lambda s: finished(s, status=500), "yes", False),
    ("limit of the API", lambda s: finished(s, status=429), "yes", False),
    ("no answer but a reset", lambda s: finished(s, cut=0, how="reset"),
     "yes", False),
    ("half a head", lambda s: finished(s, cut=30), "yes", False),
    ("not believed", lambda s: told(s, '{"usage": nonsense'), "no", True),
    ("hostile numbers", lambda s: told(s, HOSTILE), "no", True),
    ("compressed", lambda s: finished(s, **GZIP), "no", True),
    ("cut in the body", lambda s: cut(s, CALL, cut=400), "estimate", True),
    ("cut in a stream", lambda s: cut(s, LIVE, cut=900), "estimate", True),
    ("reset in a stream",
     lambda s: cut(s, LIVE, cut=900, how="reset"), "estimate", True),
    ("stalled in a stream",
     lambda s: cut(s, LIVE, cut=900, how="stall"), "estimate", True),
    ("silent", lambda s: finished(s, silent=True), "yes", False),
    ("hung up while waiting",
     lambda s: left_waiting(s, CALL, silent=True), "no", True),
    ("hung up in a stream",
     lambda s: left_in_mid_stream(s, LIVE, False, pace=0.02, events=50),
     "estimate", True),
    ("reset by the client in a stream",
     lambda s: left_in_mid_stream(s, LIVE, True, pace=0.02, events=50),
     "estimate", True),
    ("hung up on an error of the API",
     lambda s: left_behind_the_head(s, CALL, status=500, cut=180,
                                    how="stall"), "yes", False),
    ("hung up in the body",
     lambda s: hang_up(send(s, CALL, upto=-10)), "yes", False),
]


@pytest.mark.parametrize("how,metered,costs",
                         [way[1:] for way in WAYS],
                         ids=[way[0] for way in WAYS])
def test_each_way_a_call_can_end_is_settled_once(nginx, mock, how, metered,
                                                 costs):
    server = nginx(conf(mock, "comet_read_timeout 1s;",
                        LIMITS.replace("1000;", "1;", 1)))
    server.mock = mock
    how(server)
    wait_for(lambda: len(lines(server)) == 1)
    wait_for(lambda: left(server) == BUDGET - charged(server))
    assert lines(server)[0][1] == metered
    assert (charged(server) > 0) == costs
    assert (float(lines(server)[0][4]) > 0) == costs
    assert finished(server).status == 200       # its place is free
    wait_for(lambda: len(lines(server)) == 2)
    wait_for(lambda: left(server) == BUDGET - charged(server))


def test_hanging_up_pays_for_what_was_produced(nginx, mock):
    server = nginx(conf(mock))
    client = send(server, LIVE, pace=0.001, events=400)
    client.head()
    for _ in range(300):
        client.until(b"\n\n")
    hang_up(client)
    wait_for(lambda: len(lines(server)) == 1)
    output = int(lines(server)[0][3])
    assert 290 < output < 1000


@pytest.mark.parametrize("body", [CALL, LIVE], ids=["plain", "stream"])
@pytest.mark.parametrize("status", [200, 500])
def test_what_a_mirror_used_is_not_nothing(nginx, mock, body, status):
    """nginx drops its answer, so what was reserved is charged."""
    server = nginx(conf(mock, "mirror /copy/;").replace("server {", """server {
        log_subrequest on;
        location /copy/ {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        }""" % mock.port, 1))
    assert finished(server, body, status=status).status == status
    wait_for(lambda: len(lines(server)) == 2)
    assert sorted(line[1] for line in lines(server)) == \
        (["no", "yes"] if status == 200 else ["yes", "yes"])
    assert all((int(line[3]) > 0) == (status == 200)
               for line in lines(server))
    wait_for(lambda: left(server) == BUDGET - charged(server))


def test_a_fallback_is_charged_once(nginx, mock):
    server = nginx(conf(mock, "error_page 502 = @other;").replace(
        "server {", """server {
        location @other { comet_pass http://127.0.0.1:%d;
                          comet_key file:KEYFILE; }""" % mock.port, 1).replace(
        "comet_pass http://127.0.0.1:%d;\n            comet_key"
        % mock.port, "comet_pass http://127.0.0.1:1;\ncomet_key"))
    answer = finished(server, usage=[30, 12])
    assert answer.status == 200
    wait_for(lambda: len(lines(server)) == 1)
    assert charged(server) == 42
    assert finished(server, usage=[30, 12]).header(
        "x-ratelimit-remaining-tokens") is not None
    wait_for(lambda: left(server) == BUDGET - 84)


def test_money_is_the_sum_of_the_log(nginx, mock):
    server = nginx(conf(mock, limits="comet_spend 0.01/30d;"))
    spent = 0
    while True:
        answer = finished(server, usage=[100, 7], model=1)
        if answer.status != 200:
            break
        spent += 1
        wait_for(lambda: len(lines(server)) == spent)
    assert answer.json()["error"]["code"] == "insufficient_quota"
    # 97 at 1.25, 3 cached at 0.125 and 7 at 10 a million
    costs = {line[4] for line in lines(server)[:-1]}
    assert costs == {"0.000191625"}


def test_the_budget_is_the_sum_of_the_log(nginx, mock):
    """Hang-ups, resets, timeouts, errors, reloads and a killed worker."""
    text = conf(mock, "comet_read_timeout 500ms; comet_connect_timeout 5s;")
    server = nginx(text, workers=2)
    end = time.monotonic() + (4 if SLOW else 8)
    stop = threading.Event()

    def one(seed):
        rng = random.Random(seed)
        while time.monotonic() < end and not stop.is_set():
            body = rng.choice([CALL, LIVE, LIVE])
            wishes = rng.choice([
                {}, {"events": 30, "pace": 0.005}, {"status": 500},
                {"cut": rng.randrange(2000)},
                {"cut": rng.randrange(2000), "how": "reset"},
                {"cut": rng.randrange(2000), "how": "stall"},
                {"silent": True}, {"pieces": rng.randrange(1 << 30)}])
            try:
                client = send(server, body, **wishes)
                if rng.random() < 0.4:
                    client.socket.settimeout(rng.random() * 0.1)
                while client.receive():
                    if rng.random() < 0.02:
                        break
                hang_up(client, rng.random() < 0.5)
            except OSError:
                client.socket.close()

    def disturb():
        for n in range(3):
            time.sleep(1)
            server.reload_now(text)
            if n == 1:
                os.kill(server.workers()[-1], signal.SIGKILL)
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        calls = [pool.submit(one, n) for n in range(23)]
        pool.submit(disturb).result()
        for each in calls:
            each.result()

    wait_for(lambda: len(server.workers()) == 2)

    def even():
        try:
            return left(server) == BUDGET - charged(server)
        except OSError:
            return False
    wait_for(even)
    assert len(lines(server)) > 50 and charged(server) > 0
    server.forget_a_kill()
    assert ALICE not in server.log()
