"""The meter: what the log says is what the API counted, and the client gets
every byte of the API's answer but the chunk it did not ask for."""

import base64
import json
import os
import re
import socket
import struct
import zlib

import pytest

from conftest import edge_conf, wait_for
from test_stream import http2_request
from wire import ASKED, CHAT, STREAM, Client, call, chat, plan, request

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


USED = b'"usage":{"prompt_tokens":1,"completion_tokens":2}'
EVENTS = b"200 OK\r\nContent-Type: text/event-stream"


def say(text):
    return b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % text


@pytest.mark.parametrize("odd", [
    b'"a\\ud83d"', b'"\\ude00\\ud83d"', b'"caf\xe9"', b'[NaN,-Infinity]'],
    ids=["lone", "turned round", "latin", "numbers"])
@pytest.mark.parametrize("plain", [True, False])
def test_what_json_readers_read_is_metered(edge, mock, odd, plain):
    """An answer that is not strictly JSON; of a stream the first event."""
    body = b'{"choices":[{"message":{"content":%s}}],%s}' % (odd, USED)
    if plain:
        answer, line = post(edge, "/v1/chat/completions", CHAT,
                            raw(b"200 OK", b"\xef\xbb\xbf" + body))
    else:
        body = b'data: {"choices":[{"delta":{"content":"a"},"x":%s}]}\n\n' \
               b'data: {"choices":[],%s}\n\ndata: [DONE]\n\n' % (odd, USED)
        answer, line = post(edge, "/v1/chat/completions", ASKED,
                            raw(EVENTS, body))
    assert answer.body.endswith(body)
    assert numbers(line) == ["yes", "1", "2", "0", "0"]


def test_an_event_that_is_no_json_is_one_event(edge, mock):
    body = say(b"a") + b'data: {"choices":[}\n\ndata: what\n\n' + say(b"b") \
        + b'data: {"choices":[],%s}\n\ndata: [DONE]\n\n' % USED
    answer, line = post(edge, "/v1/chat/completions", ASKED, raw(EVENTS, body))
    assert answer.body == body
    assert numbers(line) == ["yes", "1", "2", "0", "0"]


def test_the_largest_of_several_usages_counts(edge, mock):
    zero = b'data: {"choices":[],"usage":{"prompt_tokens":0,' \
           b'"completion_tokens":0}}\n\n'
    body = say(b"a") + b'data: {"choices":[],%s}\n\n' % USED + zero \
        + b"data: [DONE]\n\n"
    _, line = post(edge, "/v1/chat/completions", ASKED, raw(EVENTS, body))
    assert numbers(line) == ["yes", "1", "2", "0", "0"]


def test_text_behind_a_usage_is_counted_too(edge, mock):
    body = b'data: {"choices":[],%s}\n\n' % USED + say(b"one two") * 9 \
        + b"data: [DONE]\n\n"
    _, line = post(edge, "/v1/chat/completions", ASKED, raw(EVENTS, body))
    assert numbers(line) == ["estimate", "1", "18", "0", "0"]


@pytest.mark.parametrize("more,stays", [
    (b',"error":{"message":"no"}', True), (b',"citations":["x"]', True),
    (b',"error":null,"cost":null,"id":"x"', False)])
def test_a_chunk_that_holds_more_than_usage_stays(edge, mock, more, stays):
    """Nobody asked for its usage, but for the rest of it."""
    chunk = b'data: {"choices":[],%s%s}\n\n' % (USED, more)
    end = b"data: [DONE]\n\n"
    answer, line = post(edge, "/v1/chat/completions", STREAM,
                        raw(EVENTS, say(b"a") + chunk + end))
    assert answer.body == say(b"a") + (chunk if stays else b"") + end
    assert numbers(line) == ["yes", "1", "2", "0", "0"]


def test_a_compressed_answer_passes_unread(edge, mock):
    answer, line = post(edge, "/v1/chat/completions", CHAT,
                        raw(b"200 OK\r\nContent-Encoding: gzip", b"\x1f\x8b"))
    assert answer.body == b"\x1f\x8b"
    assert answer.header("content-encoding") == "gzip"
    assert line["metered"] == "no"


def test_what_a_body_is_read_by_is_no_matter_of_a_hop(edge, mock):
    """Headers that Connection names are dropped, but not these."""
    answer, line = post(edge, "/v1/chat/completions", CHAT, raw(
        b"200 OK\r\nContent-Encoding: gzip\r\nCache-Control: no-store\r\n"
        b"X-Hop: 1\r\nConnection: content-ENCODING, Cache-Control, x-hop,"
        b"content-length", b"\x1f\x8b"))
    assert answer.header("content-encoding") == "gzip"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-length") == "2"
    assert answer.header("x-hop") is None
    assert line["metered"] == "no"
    answer, line = post(edge, "/v1/chat/completions", ASKED, plan(headers={
        "Connection": "content-type"}))
    assert answer.header("content-type") == "text/event-stream"
    assert numbers(line) == sent(mock)


@pytest.mark.parametrize("kind,stream", [
    ("text/event-stream", True), ("Text/Event-Stream;charset=utf-8", True),
    ("text/event-stream ; x=y", True), ("text/event-stream\t", True),
    ("text/event-streams", False), ("text/event-stream+json", False)])
def test_what_is_a_stream(edge, mock, kind, stream):
    """Its body is read as events, or as one text of JSON."""
    body = b'{"choices":[],"usage":' \
           b'{"prompt_tokens":1,"completion_tokens":2}}'
    if stream:
        body = b"data: %s\n\ndata: [DONE]\n\n" % body
    answer, line = post(edge, "/v1/chat/completions", ASKED, raw(
        b"200 OK\r\nContent-Type: " + kind.encode(), body))
    assert answer.body == body
    assert numbers(line) == ["yes", "1", "2", "0", "0"]


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
    size = len(json.dumps(body)) // 4 + 1       # as the client sent it
    assert numbers(line) == ["estimate", str(size), line["output"], "0", "0"]

    # nine deltas, of 46 bytes
    assert int(line["output"]) == 12
    assert line["first"]


def test_hanging_up_before_an_answer(edge, mock):
    """What it cost cannot be known; there is no limit to reserve from."""
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            plan(silent=True)))
        wait_for(lambda: mock.requests)
    line = logged(edge, 1)
    assert line["status"] == 499
    assert numbers(line) == ["no", str(len(mock.last().body) // 4 + 1),
                             "0", "0", "0"]


def test_hanging_up_on_a_plain_answer(edge, mock):
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            plan(events=400, cut=2000, how="stall")))
        client.until(b"later nor changed")
    line = logged(edge, 1)
    assert line["metered"] == "no"
    assert int(line["output"]) > 100


# the chunk that only the gateway asked for

def direct(mock, body, wishes):
    """the answer as the mock sends it to one who asks"""
    return call(mock, "POST", "/v1/chat/completions", body,
                plan(**wishes)).body


def without_usage(body):
    events = body.split(b"\n\n")
    return b"\n\n".join(e for e in events if b'"choices": []' not in e)


@pytest.mark.parametrize("options", [
    None, {}, {"include_usage": False}, {"include_usage": None},
    {"include_usage": 0}, {"include_usage": "false"},
    {"include_obfuscation": False}, "absent"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_client_that_did_not_ask_does_not_see_it(edge, mock, options,
                                                   version):
    body = dict(STREAM, stream_options=options)
    if options == "absent":
        body = STREAM
    answer, line = post(edge, "/v1/chat/completions", body, version=version)
    assert mock.last().json() == dict(body, stream_options=dict(
        options if isinstance(options, dict) else {}, include_usage=True))
    assert answer.complete
    assert numbers(line) == sent(mock)
    assert answer.body == without_usage(direct(mock, ASKED, {}))
    assert b"usage" not in answer.body and answer.body.count(b"data:") == 8
    assert answer.header("x-comet-repairs") is None
    assert line["verdict"] == "pass"


def test_a_client_that_asked_sees_it(edge, mock):
    answer, line = post(edge, "/v1/chat/completions", ASKED)
    assert mock.last().json() == ASKED
    assert answer.body == direct(mock, ASKED, {})
    assert b'"choices": []' in answer.body
    assert numbers(line) == sent(mock)


@pytest.mark.parametrize("location", ["comet_usage off;",
                                      "comet_invalid observe;"])
def test_nobody_asks(nginx, mock, location):
    edge = nginx(conf(mock, location))
    answer, line = post(edge, "/v1/chat/completions", STREAM)
    assert mock.last().json() == STREAM
    assert answer.body == direct(mock, STREAM, {})
    size = len(mock.last().body)
    assert line["metered"] == "estimate"
    assert line["finish"] == "stop"
    assert int(line["input"]) == (size + 3) // 4
    assert int(line["output"]) == 7            # 27 bytes in 5 pieces


def test_an_operator_who_says_what_is_sent(nginx, mock):
    edge = nginx(conf(mock, "comet_param stream_options off;"))
    chat(edge, STREAM)
    assert mock.last().json() == STREAM


def test_what_is_held_comes_in_the_end(edge, mock):
    """A stream that ends in the middle of what could be the chunk."""
    body = b'data: {"choices":[],"usage":{"prompt_tokens":1'
    answer, line = post(edge, "/v1/chat/completions", STREAM, raw(
        b"200 OK\r\nContent-Type: text/event-stream", body))
    assert answer.complete and answer.body == body
    assert line["metered"] == "estimate"


def test_a_slow_client_and_odd_pieces_take_little_memory(nginx, mock):
    """Every event is held in part, and nobody reads them."""
    event = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % (b"x" * 80)
    body = event * 100000
    text = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" \
           b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    listener = socket.create_server(("127.0.0.1", 0))
    edge = nginx(conf(mock).replace("listen PORT;", "listen PORT sndbuf=16k;")
                 .replace(str(mock.port), str(listener.getsockname()[1])),
                 measured=True)
    pid, = edge.workers()

    def resident():
        status = open("/proc/%d/status" % pid).read()
        return int(status.split("VmRSS:")[1].split()[0])

    with Client(edge) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(request("POST", "/v1/chat/completions", STREAM))
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        peer.recv(65536)
        peer.sendall(text[:1000])
        client.head()
        before = resident()
        peer.settimeout(2)
        at = 1000
        with pytest.raises(TimeoutError):
            while at < len(text):
                at += peer.send(text[at:at + (61 if at < 300000 else 4096)])
        assert resident() - before < 1024
        peer.close()
    listener.close()


# a stream that breaks off

def events(body):
    """(name, data) of each event, as the standard says"""
    found = []
    name, data = None, []
    lines = re.split(rb"\r\n|\r|\n", body)
    for line in lines[:-1]:
        if line == b"":
            if data:
                found.append((name, b"\n".join(data)))
            name, data = None, []
        elif not line.startswith(b":"):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value.decode()
    assert lines[-1] == b"" and not data
    return found


def check_error(body, code="upstream_unavailable"):
    """the events before the error"""
    *before, (name, data) = events(body)
    data = json.loads(data)
    assert data["error"]["code"] == code
    assert data["error"]["type"] == "api_error"
    assert set(data["error"]) == {"message", "type", "param", "code"}
    if name is not None:
        assert name == "error" and data["type"] == "error"
        assert data["code"] == code and data["param"] is None
        assert data["sequence_number"] in (len(before), len(before) + 1)
        assert isinstance(data["message"], str)
    return before


STREAMS = [("/v1/chat/completions", STREAM), ("/v1/chat/completions", ASKED),
           ("/v1/responses", dict(RESPONSE, stream=True))]


@pytest.mark.parametrize("path,body", STREAMS,
                         ids=["injected", "chat", "responses"])
@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_stream_cut_anywhere_says_so(edge, mock, path, body, framing, how):
    wishes = {"framing": framing, "events": 2}
    whole = call(edge, "POST", path, body, plan(**wishes)).body
    size = mock.last().sent
    whole = [d for n, d in events(whole)]
    head = size - len(call(mock, "POST", path, body, plan(**wishes)).raw)
    told = 0
    step = 53 if SLOW else 19
    for cut in range(300, size, step):
        try:
            answer = call(edge, "POST", path, body,
                          plan(cut=cut, how=how, **wishes))
        except EOFError:
            continue
        if answer.status != 200 or b"[DONE]" in answer.body \
                or b'"response.completed"' in answer.body:
            continue
        told += 1
        before = [d for n, d in check_error(answer.body)]
        if before and b"[DONE]".startswith(before[-1]):
            before.pop()                 # half of it is no JSON to go on with
        assert all(json.loads(d) for d in before)
        if path == "/v1/chat/completions":
            assert before == whole[:len(before)], cut
    assert head and told > 3


@pytest.mark.parametrize("path,body", STREAMS,
                         ids=["injected", "chat", "responses"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_error_overruns_no_length(edge, mock, path, body, version):
    """The API says how long the stream is; what is left of it the error would
    fill up, and more."""
    wishes = {"framing": "length"}
    with Client(edge) as client:
        for _ in range(2):
            client.send(request("POST", path, body, plan(**wishes), version))
            answer = client.answer()
            assert answer.complete
            assert answer.header("content-length") is None
            if version == "1.0":
                break
    answer = call(edge, "POST", path, body, plan(
        cut=mock.last().sent - 20, **wishes), version=version)
    assert answer.header("content-length") is None
    assert not answer.complete
    check_error(answer.body)


def http2_fields(block):
    """the static indexes of the names in a block of HPACK"""
    found, at = [], 0
    while at < len(block):
        first = block[at]
        at += 1
        if first >= 0x80 or first & 0xe0 == 0x20:
            found.append(first & 0x7f)
            continue
        most = 0x3f if first & 0x40 else 0x0f
        index = first & most
        if index == most:
            index += block[at]
            at += 1
        found.append(index)
        for _ in range(1 if index else 2):
            assert block[at] & 0x7f < 0x7f
            at += 1 + (block[at] & 0x7f)
    return found


@pytest.mark.parametrize("cut", [None, 1000])
def test_http2_has_no_length_that_an_error_could_overrun(nginx, mock, cut):
    edge = nginx(conf(mock).replace("listen PORT;", "listen PORT http2;"))
    names, body, last = [], b"", None
    with Client(edge) as client:
        client.send(http2_request("/v1/chat/completions", ASKED, cut,
                                  framing="length"))
        while last is None:
            head = client.take(9)
            data = client.take(int.from_bytes(head[:3], "big"))
            if head[3] == 1:
                names = http2_fields(data)
            elif head[3] == 0:
                body += data
                last = "end" if head[4] & 1 else None
            elif head[3] == 3:
                last = "reset"
    assert 31 in names and 28 not in names     # content-type, -length
    assert last == ("reset" if cut else "end")
    if cut:
        check_error(body)


def test_a_plain_answer_keeps_its_length(edge, mock):
    want = call(mock, "POST", "/v1/chat/completions", CHAT)
    answer = chat(edge, CHAT)
    assert answer.complete and answer.body.split(b'"usage"')[0] \
        == want.body.split(b'"usage"')[0]
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.header("transfer-encoding") is None


def test_a_stream_that_times_out_says_so(nginx, mock):
    edge = nginx(conf(mock, "comet_read_timeout 1500ms;"))
    for path, body in STREAMS:
        answer, line = post(edge, path, body, plan(cut=900, how="stall"))
        assert answer.status == 200 and not answer.complete
        check_error(answer.body, "upstream_timeout")
        assert line["metered"] == "estimate"
        assert int(line["input"]) > 0


def test_a_broken_chunk_in_a_stream_says_so(edge, mock):
    text = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" \
           b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: {}\n\r\nzz\r\n"
    headers = plan(close=True, raw=base64.b64encode(text).decode())
    for body, before in [(ASKED, [(None, b"{}")]), (STREAM, [])]:
        answer = chat(edge, body, headers)
        assert not answer.complete
        assert check_error(answer.body) == before


def test_an_error_of_the_api_is_not_told_twice(edge, mock):
    said = b'data: {"error":{"message":"no"}}\n\n'
    text = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" \
           b"Content-Length: 999\r\n\r\n" + said
    answer = chat(edge, STREAM, plan(
        close=True, raw=base64.b64encode(text).decode()))
    assert answer.body == said and not answer.complete


def test_a_plain_answer_is_cut_as_ever(edge, mock):
    answer = chat(edge, CHAT, plan(cut=400))
    assert not answer.complete and b"upstream_unavailable" not in answer.body


def test_the_rest_of_a_slow_client_comes_before_the_error(nginx, mock):
    """The error waits behind what the client has not read yet."""
    edge = nginx(conf(mock).replace("listen PORT;", "listen PORT sndbuf=16k;"))
    with Client(edge) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        client.send(request("POST", "/v1/chat/completions", STREAM, plan(
            events=2000, cut=150000)))
        client.head()
        wait_for(lambda: mock.open == 0 or mock.last().sent >= 100000)
        body, complete = client.chunks()
    assert not complete
    assert len(check_error(body)) > 700


# patience

def test_no_first_token_before_the_head_is_504(nginx, mock):
    edge = nginx(conf(mock, "comet_first_token_timeout 200ms;"))
    answer, line = post(edge, "/v1/chat/completions", STREAM,
                        plan(silent=True))
    assert answer.status == 504
    assert answer.json()["error"]["code"] == "upstream_timeout"
    assert mock.last().gone.wait(30)
    assert "was waited for 200 ms for the first token" in edge.log()
    assert numbers(line) == ["yes", "0", "0", "0", "0"]


def test_no_first_token_as_the_handshake_waits_is_504(nginx, mock):
    """TLS to a peer that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        edge = nginx(conf(mock, "comet_first_token_timeout 200ms;").replace(
            "http://127.0.0.1:%d" % mock.port,
            "https://127.0.0.1:%d" % listener.getsockname()[1]))
        answer = chat(edge, STREAM)
    assert answer.status == 504
    assert answer.json()["error"]["code"] == "upstream_timeout"
    assert "was waited for 200 ms for the first token" in edge.log()


def test_a_plain_answer_may_take_its_time(nginx, mock):
    edge = nginx(conf(mock, "comet_first_token_timeout 1500ms;"
                            "comet_idle_timeout 1500ms;"))
    answer = chat(edge, CHAT, plan(delay=2))
    assert answer.status == 200 and answer.complete
    assert chat(edge, STREAM, plan(status=429)).status == 429


@pytest.mark.parametrize("directive,words", [
    ("comet_first_token_timeout 2s;", "first token"),
    ("comet_idle_timeout 2s;", "next event")])
def test_a_stream_that_falls_silent(nginx, mock, directive, words):
    """Comments that keep the connection open are no events."""
    edge = nginx(conf(mock, directive))
    listener = socket.create_server(("127.0.0.1", 0))
    edge.reload(edge.http.replace(str(mock.port),
                                  str(listener.getsockname()[1])))
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", ASKED))
        peer, _ = listener.accept()
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Connection: close\r\n\r\n"
                     b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n')
        client.head()
        peer.settimeout(0.05)
        with pytest.raises(OSError):
            while True:
                try:
                    if peer.recv(1) == b"":
                        raise ConnectionError
                except TimeoutError:
                    peer.sendall(b": ping\n\n")
        body, complete = client.chunks()
        peer.close()
    listener.close()
    assert not complete
    assert len(check_error(body, "upstream_timeout")) == 1
    assert words in edge.log()


def test_events_in_time_keep_a_stream_open(nginx, mock):
    edge = nginx(conf(mock, "comet_first_token_timeout 4s;"
                            "comet_idle_timeout 2s;"))
    answer = chat(edge, STREAM, plan(events=12, pace=0.25))
    assert answer.complete and b"[DONE]" in answer.body


def test_a_client_that_reads_slowly_does_not_end_its_stream(nginx, mock):
    """The API is not idle while its bytes are not taken."""
    edge = nginx(conf(mock, "comet_idle_timeout 1500ms;").replace(
        "listen PORT;", "listen PORT sndbuf=64k;"))
    with Client(edge) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(request("POST", "/v1/chat/completions", ASKED,
                            plan(events=8000)))
        client.head()
        last = -1
        while mock.last().sent != last:          # until all is full
            last = mock.last().sent
            mock.last().gone.wait(4)
        body, complete = client.chunks()
    assert complete and b"[DONE]" in body
    assert "was waited for" not in edge.log()


# who hangs up, and what becomes of the answer

def leave(edge, mock, body, wishes, mark, path="/v1/chat/completions"):
    n = len(mock.requests)
    with Client(edge) as client:
        client.send(request("POST", path, body, plan(**wishes)))
        wait_for(lambda: len(mock.requests) > n)
        if mark:
            client.head()
            mock.release()
            client.until(mark)
        hang_up(client, True)


@pytest.mark.parametrize("path,body", STREAMS,
                         ids=["injected", "chat", "responses"])
def test_the_rest_is_read_without_the_client(nginx, mock, path, body):
    edge = nginx(conf(mock, "comet_on_abort drain;"))
    leave(edge, mock, body, {"hold": True, "events": 50}, b"\n\n", path)
    mock.release(200)
    line = logged(edge, 1)
    assert numbers(line) == sent(mock, 50)
    assert line["finish"] == "stop"
    assert chat(edge).status == 200


def test_the_rest_of_a_plain_answer_is_read_too(nginx, mock):
    edge = nginx(conf(mock, "comet_on_abort drain 30s;"))
    leave(edge, mock, CHAT, {"delay": 0.3, "events": 20000}, None)
    assert numbers(logged(edge, 1)) == sent(mock, 20000)


@pytest.mark.parametrize("body", [CHAT, STREAM, ASKED],
                         ids=["plain", "injected", "stream"])
def test_the_head_is_not_taken_and_all_is_read(nginx, mock, body):
    edge = nginx(conf(mock, "comet_on_abort drain; postpone_output 0;"))
    leave(edge, mock, body, {"delay": 0.3}, None)
    assert numbers(logged(edge, 1)) == sent(mock)


def test_the_rest_is_not_waited_for_without_end(nginx, mock):
    edge = nginx(conf(mock, "comet_on_abort drain 300ms;"))
    leave(edge, mock, STREAM, {"hold": True, "events": 50}, b"\n\n")
    mock.release(9)
    assert mock.last().gone.wait(30)
    assert logged(edge, 1)["metered"] == "estimate"
    assert "for the rest of an answer" in edge.log()


def test_a_client_that_hangs_up_ends_the_call_by_default(edge, mock):
    leave(edge, mock, STREAM, {"hold": True, "events": 50}, b"\n\n")
    assert mock.last().gone.wait(30)
    assert logged(edge, 1)["metered"] == "estimate"


@pytest.mark.parametrize("text,words", [
    ("comet_on_abort stop;", 'takes "cancel", "cancel estimate"'),
    ("comet_on_abort cancel 5s;", 'write "estimate" or "reserved"'),
    ("comet_on_abort drain soon;", 'invalid time "soon"'),
    ("comet_on_abort drain 0;", 'invalid time "0"'),
    ("comet_on_abort drain; comet_on_abort cancel;", "is duplicate"),
    ("comet_usage maybe;", 'write on or off'),
    ("comet_idle_timeout never;", "invalid value")])
def test_mistakes(nginx, mock, text, words):
    status, said = nginx(conf(mock, text), run=False).test()
    assert status != 0 and words in said


def test_a_mirrored_stream_is_not_asked_for_usage(nginx, mock):
    """A subrequest has no client from whom the chunk would be kept."""
    edge = nginx(conf(mock, "mirror /mirror/;", server="""
        location /mirror/ {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key sk-x;
            comet_first_token_timeout 100ms;
        }""" % mock.port))
    answer, line = post(edge, "/v1/chat/completions", STREAM)
    assert b"usage" not in answer.body
    wait_for(lambda: len(mock.requests) == 2)
    asked = [r for r in mock.requests if "stream_options" in r.json()]
    assert len(asked) == 1 and asked[0].json() == ASKED
    assert line["metered"] == "yes"


def test_no_first_token_is_a_timeout_for_the_next_upstream(nginx, mock):
    listener = socket.create_server(("127.0.0.1", 0))
    edge = nginx(conf(mock, "comet_first_token_timeout 2s;"
                            "comet_next_upstream timeout non_idempotent;",
                      ).replace("comet_pass http://127.0.0.1:%d" % mock.port,
                                "comet_pass http://api")
                 + "upstream api { server 127.0.0.1:%d; "
                   "server 127.0.0.1:%d backup; }"
                 % (listener.getsockname()[1], mock.port))
    answer, line = post(edge, "/v1/chat/completions", STREAM)
    assert answer.complete and b"[DONE]" in answer.body
    assert numbers(line) == sent(mock)
    assert "was waited for 2000 ms for the first token" in edge.log()
    listener.close()


def test_the_chunk_is_taken_out_before_gzip(nginx, mock):
    edge = nginx(conf(mock, "gzip on; gzip_types text/event-stream;"
                            "gzip_min_length 1;"))
    answer = chat(edge, STREAM, {"Accept-Encoding": "gzip"})
    assert answer.header("content-encoding") == "gzip"
    assert zlib.decompress(answer.body, 31) \
        == without_usage(direct(mock, ASKED, {}))
    answer = chat(edge, STREAM, dict(plan(cut=900),
                                     **{"Accept-Encoding": "gzip"}))
    assert not answer.complete
    check_error(zlib.decompressobj(31).decompress(answer.body))


@pytest.mark.parametrize("options", ["absent", None, {},
                                     {"include_usage": False, "x": [1]}])
def test_a_body_in_a_file_is_asked_for_usage_too(nginx, mock, options):
    edge = nginx(conf(mock, "client_body_buffer_size 1k;"))
    body = dict(STREAM, user="u" * 100000)
    if options != "absent":
        body["stream_options"] = options
    answer, line = post(edge, "/v1/chat/completions", dict(body, seed=7))
    assert mock.last().json() == dict(body, seed=7, stream_options=dict(
        options if isinstance(options, dict) else {}, include_usage=True))
    assert b"usage" not in answer.body
    assert numbers(line) == sent(mock)


@pytest.mark.parametrize("cut", [None, 900])
def test_over_http2(nginx, mock, cut):
    edge = nginx(conf(mock).replace("listen PORT;", "listen PORT http2;"))
    body, last = b"", None
    with Client(edge) as client:
        client.send(http2_request("/v1/chat/completions", STREAM, cut))
        while last is None:
            head = client.take(9)
            data = client.take(int.from_bytes(head[:3], "big"))
            if head[3] == 0:
                body += data
                last = "end" if head[4] & 1 else None
            elif head[3] == 3:
                last = "reset"
    if cut:
        assert last == "reset" and check_error(body)
    else:
        assert last == "end"
        assert body == without_usage(direct(mock, ASKED, {}))


def test_http_1_0_reads_the_error_before_the_reset(edge, mock):
    for body in (STREAM, ASKED):
        answer = chat(edge, body, plan(cut=900), version="1.0")
        assert not answer.complete
        assert check_error(answer.body)
