"""Who hangs up, when, and what the call costs then."""

import json
import signal
import socket

import pytest

from conftest import free_port, wait_for
from test_settle import BUDGET, charged, conf, finished, hang_up, \
    left_waiting, lines, send
from callers import ALICE, bearer, left
from wire import CHAT, Client, plan, request

CAP = 4000
USAGE = [100, 3000]                   # what the API counts
SHARE = CAP // 4

GPT = dict(CHAT, model="gpt-5.4", max_completion_tokens=CAP)
OLD = dict(CHAT, model="gpt-4o", max_tokens=CAP)
RESPONSE = {"model": "gpt-5.4", "input": "Hi", "max_output_tokens": CAP}
DONE = b'"finish_reason": "stop"'
TEXT_DONE = b"response.output_text.done"
CHAT_PATH, RESPONSES_PATH = "/v1/chat/completions", "/v1/responses"


def live(body, **more):
    return dict(body, stream=True, **more)


def step(server, client, mark):
    """the API sends one event after the other, until the client has mark"""
    seen = b""
    while mark not in seen:
        server.mock.release()
        seen = client.until(b"\n\n")


def left_at(server, body, mark, path=CHAT_PATH, reset=False, **wishes):
    wishes = dict({"hold": True, "usage": USAGE}, **wishes)
    client = send(server, body, path, **wishes)
    client.head()
    step(server, client, mark)
    hang_up(client, reset)


def outcome(server, n=1):
    wait_for(lambda: len(lines(server)) == n)
    wait_for(lambda: left(server) == BUDGET - charged(server))
    _, metered, taken, brought, _ = lines(server)[n - 1]
    return metered, int(taken), int(brought)


@pytest.fixture
def limited(nginx, mock):
    def start(location="", http="", **more):
        server = nginx(conf(mock, location, http=http), **more)
        server.mock = mock
        return server
    return start


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("how", ["", "cancel estimate", "cancel reserved"])
@pytest.mark.parametrize("body,path,mark", [
    (live(GPT), CHAT_PATH, DONE),
    (live(GPT, stream_options={"include_usage": True}), CHAT_PATH, DONE),
    (live(RESPONSE), RESPONSES_PATH, TEXT_DONE)],
    ids=["chat", "asked", "responses"])
def test_behind_the_last_text_the_usage_is_waited_for(limited, mock, body,
                                                      path, mark, how, reset):
    server = limited("comet_on_abort %s;" % how if how else "")
    left_at(server, body, mark, path, reset)
    mock.release(9)
    assert outcome(server) == ("yes", *USAGE)


def test_leaving_before_the_usage_never_pays(limited, mock):
    server = limited()
    for n in range(5):
        left_at(server, live(GPT), DONE, usage=[100, 102000])
        mock.release(2)
        wait_for(lambda: len(lines(server)) == n + 1)
        mock._permits = 0
    assert charged(server) == 510500
    wait_for(lambda: left(server) == BUDGET - 510500)


# in the middle of a stream: nine bytes were seen

MIDDLE = [
    ("seen", live(OLD), "", ("estimate", 3)),
    ("reasons", live(GPT), "", ("estimate", SHARE)),
    ("reasons on responses", live(RESPONSE), "", ("estimate", SHARE)),
    ("reasons by what is asked", live(OLD, model="acme-1",
                                      reasoning_effort="high"), "",
     ("estimate", SHARE)),
    ("does not", live(GPT, reasoning_effort="none"), "", ("estimate", 3)),
    ("estimate", live(GPT), "comet_on_abort cancel estimate;",
     ("estimate", 3)),
    ("reserved", live(OLD), "comet_on_abort cancel reserved;", ("no", CAP)),
]


@pytest.mark.parametrize("body,how,expected", [row[1:] for row in MIDDLE],
                         ids=[row[0] for row in MIDDLE])
def test_in_mid_stream_the_api_is_cancelled(limited, mock, body, how,
                                            expected):
    server = limited(how)
    left_at(server, body, b"edge",
            RESPONSES_PATH if "input" in body else CHAT_PATH)
    assert mock.last().gone.wait(30)
    metered, _, brought = outcome(server)
    assert (metered, brought) == expected


@pytest.mark.parametrize("how,metered,brought", [
    ("", "no", CAP), ("comet_on_abort cancel;", "no", CAP),
    ("comet_on_abort cancel reserved;", "no", CAP),
    ("comet_on_abort cancel estimate;", "estimate", 0)])
def test_a_plain_call_left_before_its_head(limited, mock, how, metered,
                                           brought):
    server = limited(how)
    left_waiting(server, GPT, silent=True)
    assert mock.last().gone.wait(30)
    size = len(mock.last().body) // 4 + 1
    assert outcome(server) == (metered, size, brought)


@pytest.mark.parametrize("body,brought", [
    (live(GPT), SHARE), (live(OLD), 0), (live(RESPONSE), SHARE)])
def test_a_stream_left_before_its_head(limited, mock, body, brought):
    server = limited()
    client = send(server, body,
                  RESPONSES_PATH if "input" in body else CHAT_PATH,
                  silent=True)
    wait_for(lambda: mock.requests)
    hang_up(client)
    assert mock.last().gone.wait(30)
    metered, _, output = outcome(server)
    assert (metered, output) == ("estimate", brought)


def test_a_plain_answer_that_has_begun_is_read_to_its_end(limited, mock):
    server = limited()
    client = send(server, GPT, events=200000, usage=USAGE)
    client.head()
    hang_up(client, True)
    assert outcome(server) == ("yes", *USAGE)


def test_a_usage_that_does_not_come_costs_the_reservation(limited, mock):
    server = limited()
    left_at(server, live(GPT), DONE)
    assert mock.last().gone.wait(30)
    metered, _, brought = outcome(server)
    assert (metered, brought) == ("no", CAP)
    assert "waited for 2000 ms for the rest of an answer" in server.log()


def test_a_call_of_which_the_api_lacks_a_part_costs_nothing(limited, mock):
    server = limited("client_max_body_size 64m;")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        server.reload(server.http.replace(
            str(mock.port), str(deaf.getsockname()[1]), 1))
        client = send(server, dict(GPT, user="x" * 30000000))
        peer, _ = deaf.accept()
        hang_up(client)
        wait_for(lambda: len(lines(server)) == 1)
        peer.close()
    assert lines(server)[0][1:4] == ["yes", "0", "0"]


@pytest.mark.parametrize("body", [GPT, live(GPT)], ids=["plain", "stream"])
def test_the_time_of_a_drain_counts_from_the_hang_up(limited, mock, body):
    """The API says nothing and would be waited for ten minutes."""
    server = limited("comet_on_abort drain 300ms;")
    left_waiting(server, body, silent=True)
    assert mock.last().gone.wait(30)
    metered, _, brought = outcome(server)
    assert (metered, brought) == (("no", CAP) if body is GPT
                                  else ("estimate", SHARE))


def test_a_drain_asks_no_other_server(limited, mock):
    server = limited("comet_on_abort drain 300ms;"
                     "comet_next_upstream error timeout non_idempotent;",
                     http="upstream two { server 127.0.0.1:%d;"
                          "               server 127.0.0.1:%d; }"
                     % (mock.port, mock.port))
    server.reload(server.http.replace(
        "comet_pass http://127.0.0.1:%d" % mock.port, "comet_pass http://two"))
    left_waiting(server, GPT, silent=True)
    assert outcome(server)[0] == "no"
    assert len([r for r in mock.requests if r.method == "POST"]) == 1


def test_a_client_that_reads_no_more_is_one_that_left(limited, mock):
    server = limited("send_timeout 300ms;")
    server.reload(server.http.replace("listen PORT;",
                                      "listen PORT sndbuf=16k;"))
    client = Client(server)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(request("POST", CHAT_PATH, live(GPT),
                        dict(bearer(), **plan(events=30000))))
    client.head()
    wait_for(lambda: len(lines(server)) == 1)
    hang_up(client)
    assert mock.last().gone.wait(30)
    metered, _, brought = outcome(server)
    assert metered == "estimate" and brought >= SHARE


def unsent(server, client):
    """bytes that the client's system does not take from nginx"""
    ends = [":%04X" % port for port in (server.port,
                                        client.socket.getsockname()[1])]
    for line in open("/proc/net/tcp"):
        words = line.split()
        if [word[-5:] for word in words[1:3]] == ends:
            return int(words[4].split(":")[0], 16)
    return 0


@pytest.mark.parametrize("body,how", [
    (GPT, ""), (live(GPT), "comet_on_abort drain;")], ids=["plain", "stream"])
def test_what_a_slow_client_left_unsent_holds_nothing_back(limited, mock,
                                                           body, how):
    server = limited(how)
    server.reload(server.http.replace("listen PORT;",
                                      "listen PORT sndbuf=16k;"))
    client = Client(server)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(request("POST", CHAT_PATH, body,
                        dict(bearer(), **plan(events=200000, usage=USAGE))))
    client.head()
    wait_for(lambda: unsent(server, client) > 8192)
    hang_up(client, True)
    assert outcome(server) == ("yes", *USAGE)


# HTTP/2: a stream that is reset, and a connection that ends

def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) \
        + stream.to_bytes(4, "big") + payload


def literal(name, value):
    def text(s):
        n = len(s)
        head = bytes([n]) if n < 127 else b"\x7f" + bytes([n - 127])
        return head + s
    return b"\0" + text(name) + text(value)


class Http2(Client):
    """one request on stream 1"""

    def call2(self, body, **wishes):
        body = json.dumps(body).encode()
        path = CHAT_PATH.encode()
        block = b"\x83\x86\x04" + bytes([len(path)]) + path \
            + b"\x01\x04edge" + b"\x0f\x10\x10application/json" \
            + literal(b"authorization", b"Bearer " + ALICE.encode()) \
            + literal(b"openai-mock", json.dumps(wishes).encode())
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
                  + frame(1, 4, 1, block) + frame(0, 1, 1, body))

    def data(self):
        while True:
            head = self.take(9)
            payload = self.take(int.from_bytes(head[:3], "big"))
            if head[3] == 0:
                return payload

    def cancel(self):
        self.send(frame(3, 0, 1, (8).to_bytes(4, "big")))


@pytest.fixture
def both(limited, mock):
    """port() is of HTTP/1.1, where the rest of the budget is asked for; the
    same location answers HTTP/2 on .second"""
    def start(location="", **frame):
        server = limited(location, **frame)
        listening = free_port()
        server.reload(server.http.replace(
            "listen PORT;", "listen PORT; listen 127.0.0.1:%d http2;"
            % listening))
        server.second = listening
        return server
    return start


@pytest.mark.parametrize("ends", [False, True], ids=["reset", "connection"])
@pytest.mark.parametrize("how,mark,expected", [
    ("", DONE, ("yes", USAGE[1])),
    ("", b"edge", ("estimate", SHARE)),
    ("comet_on_abort drain;", b"edge", ("yes", USAGE[1]))],
    ids=["behind the last text", "in mid-stream", "drain"])
def test_over_http2(both, mock, ends, how, mark, expected):
    server = both(how)
    with Http2(server.second) as client:
        client.call2(live(GPT), hold=True, usage=USAGE)
        wait_for(lambda: mock.requests)
        seen = b""
        while mark not in seen:
            mock.release()
            seen = client.data()
        if ends:
            hang_up(client, True)
        else:
            client.cancel()
        wait_for(lambda: "client" in server.log())
        mock.release(99)
        metered, _, brought = outcome(server)
    assert (metered, brought) == expected


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_has_to_exit_drains_no_longer(both, mock, when):
    """worker_shutdown_timeout ends what nobody waits for, too."""
    server = both("comet_on_abort drain 10m;",
                  main="worker_shutdown_timeout 500ms;")
    pid = server.workers()[0]
    with Http2(server.second) as client:
        client.call2(live(GPT), hold=True, usage=USAGE)
        wait_for(lambda: mock.requests)
        mock.release()
        client.data()
        if when == "before":
            client.cancel()
            wait_for(lambda: "is read without it" in server.log())
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: pid not in server.workers())
    assert outcome(server)[0] == "estimate"


# what takes the context away

KEPT = """log_format kept '$request|$comet_tenant|$comet_model|$comet_verdict|'
                          '$comet_metered|$comet_output_tokens';
          access_log kept.log kept;"""


def kept(server, n=1):
    path = server.dir / "kept.log"

    def found():
        text = path.read_text() if path.exists() else ""
        return [line.split("|", 1)[1] for line in text.splitlines()
                if line.startswith("POST ")]
    wait_for(lambda: len(found()) == n)
    return found()


@pytest.mark.parametrize("body", [GPT, live(GPT)], ids=["plain", "stream"])
def test_a_post_action_charges_and_logs_the_call(nginx, mock, body):
    text = conf(mock, "post_action /done;", http=KEPT).replace(
        "location /v1/", "location = /done { internal; return 204; }"
        "location /v1/")
    server = nginx(text)
    server.mock = mock
    assert finished(server, body, usage=USAGE).status == 200
    assert outcome(server) == ("yes", *USAGE)
    assert kept(server)[0] == "alice|gpt-5.4|pass|yes|3000"


def test_a_post_action_of_a_call_that_was_left(nginx, mock):
    text = conf(mock, "post_action /done;", http=KEPT).replace(
        "location /v1/", "location = /done { internal; return 204; }"
        "location /v1/")
    server = nginx(text)
    server.mock = mock
    left_waiting(server, GPT, silent=True)
    assert outcome(server)[::2] == ("no", CAP)
    assert kept(server)[0] == "alice|gpt-5.4|pass|no|%d" % CAP


def test_a_post_action_that_is_a_call_is_one_more(nginx, mock):
    text = conf(mock, "post_action /done;").replace(
        "location /v1/", """location = /done {
            internal; rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        }
        location /v1/""" % mock.port)
    server = nginx(text)
    server.mock = mock
    assert finished(server, GPT, usage=USAGE).status == 200
    wait_for(lambda: len(lines(server)) == 1)
    calls = [r for r in mock.requests if r.method == "POST"]
    assert len(calls) == 2
    size = len(calls[1].body) // 4 + 1        # its answer is not read
    wait_for(lambda: left(server) == BUDGET - sum(USAGE) - size - CAP)


def test_a_page_elsewhere_keeps_what_the_log_says(nginx, mock):
    text = conf(mock, "error_page 400 = /sorry;", http=KEPT).replace(
        "location /v1/", "location = /sorry { internal; return 200 'sorry'; }"
        "location /v1/")
    server = nginx(text)
    answer = finished(server, dict(GPT, temperature=9))
    assert answer.body == b"sorry"
    assert kept(server) == ["alice|gpt-5.4|refused|yes|0"]
