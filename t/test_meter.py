"""The meter: what the log says is what the API counted, and the client gets
every byte of the API's answer but the chunk it did not ask for."""

import base64
import json
import os
import random
import re
import socket
import struct

import pytest

from conftest import edge_conf, wait_for
from wire import CHAT, STREAM, Client, call, chat, plan, request

SLOW = "COMET_SLOW" in os.environ

FORMAT = """log_format meter escape=json '{"status":$status,'
    '"metered":"$comet_metered","input":"$comet_input_tokens",'
    '"output":"$comet_output_tokens","cached":"$comet_cached_tokens",'
    '"reasoning":"$comet_reasoning_tokens","finish":"$comet_finish_reason",'
    '"model":"$comet_upstream_model","first":"$comet_first_token_time",'
    '"verdict":"$comet_verdict"}';
    access_log meter.log meter;
"""

RESPONSE = {"model": "gpt-5.4", "input": "Hi"}
ASKED = dict(STREAM, stream_options={"include_usage": True})


def conf(mock, location="", **more):
    return edge_conf(mock, location, http=FORMAT, **more)


@pytest.fixture
def edge(nginx, mock):
    return nginx(conf(mock))


def logged(edge, n=None):
    """the last line of the meter's log, or the first once there are n"""
    path = edge.dir / "meter.log"

    def lines():
        return path.read_text().splitlines() if path.exists() else []
    if n is not None:
        wait_for(lambda: len(lines()) >= n)
    return json.loads(lines()[-1])


def count(edge):
    path = edge.dir / "meter.log"
    return len(path.read_text().splitlines()) if path.exists() else 0


def numbers(line):
    return [line[k] for k in ("metered", "input", "output", "cached",
                              "reasoning")]


def sent(mock, words=5):
    """what the mock counts for the last request"""
    return ["yes", str(11 + len(mock.last().body) // 4), str(words), "3", "2"]


def post(edge, path, body, headers=None, **how):
    n = count(edge)
    answer = call(edge, "POST", path, body, headers, **how)
    return answer, logged(edge, n + 1)


def raw(head, body):
    """a plan: the whole answer, with a length and then closed"""
    text = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (head, len(body))
    return plan(close=True, raw=base64.b64encode(text + body).decode())


@pytest.mark.parametrize("path,body", [
    ("/v1/chat/completions", CHAT), ("/v1/chat/completions", ASKED),
    ("/v1/responses", RESPONSE), ("/v1/responses", dict(RESPONSE,
                                                        stream=True))],
    ids=["chat", "chat stream", "response", "response stream"])
@pytest.mark.parametrize("framing", [None, "close"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_the_log_says_what_the_api_counted(edge, mock, path, body, framing,
                                           version):
    answer, line = post(edge, path, body, plan(framing=framing, events=7),
                        version=version)
    assert answer.complete
    assert numbers(line) == sent(mock, 7)
    assert line["finish"] == "stop"
    assert line["model"] == "gpt-5.4"
    assert bool(re.fullmatch(r"\d+\.\d{3}", line["first"])) \
        == bool(body.get("stream"))


def test_what_brings_no_tokens_counts_none(edge, mock):
    for headers in (plan(status=429), plan(status=500),
                    plan(cut=0, how="reset")):
        _, line = post(edge, "/v1/chat/completions", CHAT, headers)
        assert numbers(line) == ["yes", "0", "0", "0", "0"]
        assert line["finish"] == line["model"] == line["first"] == ""
    _, line = post(edge, "/v1/chat/completions", dict(CHAT, temperature=9))
    assert line["verdict"] == "refused"
    assert numbers(line) == ["yes", "0", "0", "0", "0"]
    call(edge, "GET", "/v1/models")
    assert numbers(logged(edge, 5)) == [""] * 5


@pytest.mark.parametrize("body,want", [
    (b'{"usage":{"prompt_tokens":1,"completion_tokens":-2}}', "no"),
    (b'{"usage":{"prompt_tokens":1e3,"completion_tokens":2}}', "no"),
    (b'{"usage":{"prompt_tokens":99999999999999999999,'
     b'"completion_tokens":2}}', "no"),
    (b'{"usage":{"prompt_tokens":1,"completion_tokens":2}}}', "no"),
    (b'\x1f\x8b not JSON', "no"),
    (b'{"usage":null}', "estimate"),
    (b'', "estimate")])
def test_an_answer_that_is_not_believed(edge, mock, body, want):
    answer, line = post(edge, "/v1/chat/completions", CHAT,
                        raw(b"200 OK", body))
    assert answer.body == body
    size = len(mock.last().body)
    assert numbers(line) == [want, str((size + 3) // 4), "0", "0", "0"]


def test_a_compressed_answer_passes_unread(edge, mock):
    answer, line = post(edge, "/v1/chat/completions", CHAT,
                        raw(b"200 OK\r\nContent-Encoding: gzip", b"\x1f\x8b"))
    assert answer.body == b"\x1f\x8b"
    assert answer.header("content-encoding") == "gzip"
    assert line["metered"] == "no"


def hang_up(client, reset):
    if reset:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
    client.socket.close()


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("path,body,first", [
    ("/v1/chat/completions", STREAM, 1),
    ("/v1/responses", dict(RESPONSE, stream=True), 4)])
def test_a_client_that_hangs_up_is_charged_for_what_passed(edge, mock, path,
                                                           body, first,
                                                           reset):
    with Client(edge) as client:
        client.send(request("POST", path, body, plan(hold=True, events=20)))
        client.head()
        for _ in range(first + 9):
            mock.release()
            client.until(b"\n\n")
        hang_up(client, reset)
    line = logged(edge, 1)
    size = (len(mock.last().body) + 3) // 4
    assert numbers(line) == ["estimate", str(size), line["output"], "0", "0"]

    # nine deltas, of 46 bytes
    assert int(line["output"]) == 12
    assert line["first"]


def test_hanging_up_before_an_answer(edge, mock):
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            plan(silent=True)))
        wait_for(lambda: mock.requests)
    line = logged(edge, 1)
    assert line["status"] == 499
    assert numbers(line) == ["estimate",
                             str((len(mock.last().body) + 3) // 4),
                             "0", "0", "0"]


def test_hanging_up_on_a_plain_answer(edge, mock):
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            plan(events=400, cut=2000, how="stall")))
        client.until(b"later nor changed")
    line = logged(edge, 1)
    assert line["metered"] == "estimate"
    assert int(line["output"]) > 100


def test_generated_cuts(edge, mock):
    """Whatever the pieces, the log and the bytes are the same."""
    rng = random.Random(20261122)
    bodies = [("/v1/chat/completions", ASKED),
              ("/v1/chat/completions", dict(CHAT, n=3)),
              ("/v1/responses", dict(RESPONSE, stream=True))]
    with Client(edge) as through:
        for n in range(20 if SLOW else 60):
            path, body = bodies[n % 3]
            seed = rng.getrandbits(32)
            wishes = {"events": rng.randint(1, 30), "pieces": seed}
            if rng.random() < 0.5:
                wishes["chunks"] = seed
            answer = through.call("POST", path, body, plan(**wishes))
            assert answer.complete, seed
            assert numbers(logged(edge, n + 1)) \
                == sent(mock, wishes["events"]), seed
