"""Streams: byte for byte, at once, in constant memory, and cut when cut."""

import asyncio
import os
import random
import socket
import threading

import pytest

from conftest import edge_conf, wait_for
from wire import ASKED, CHAT, STREAM, Client, chat, plan, request

SLOW = "COMET_SLOW" in os.environ      # sanitizers and valgrind


def memory(edge):
    """resident kilobytes of the worker, and sockets and files it holds"""
    pid, = edge.workers()
    status = open("/proc/%d/status" % pid).read()
    return (int(status.split("VmRSS:")[1].split()[0]),
            len(os.listdir("/proc/%d/fd" % pid)))


def settled(edge, before):
    wait_for(lambda: memory(edge)[1] <= before[1])


def test_a_stream_reads_as_it_was_sent(edge, mock):
    answer = chat(edge, STREAM, plan(events=20))
    assert answer.complete
    assert answer.header("content-type") == "text/event-stream"
    events = answer.body.split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    assert len(events) == 20 + 4


def test_random_cuts(nginx, mock):
    """The bytes at the client equal the upstream's at over 10,000 cuts."""
    edge = nginx("upstream api { server 127.0.0.1:%d; keepalive 4; }"
                 % mock.port + edge_conf(mock).replace(
                     "127.0.0.1:%d" % mock.port, "api"))
    rng = random.Random(20261121)
    cuts = 0
    wanted = 2000 if SLOW else 12000
    with Client(mock) as direct, Client(edge) as through:
        while cuts < wanted:
            seed = rng.getrandbits(32)
            wishes = {"events": rng.randint(1, 40)}
            if rng.random() < 0.6:
                wishes["chunks"] = seed
            if rng.random() < 0.2:
                wishes["interim"] = [100, 103]
            body = dict(STREAM, user=str(seed))
            path = "/v1/chat/completions"
            want = direct.call("POST", path, body, plan(events=wishes["events"]))
            before = len(mock.requests)
            got = through.call("POST", path, body,
                               plan(pieces=seed, **wishes))
            assert got.complete, (seed, wishes)
            assert got.body == want.body, (seed, wishes)
            cuts += mock.requests[before].sent // 49
    assert mock.connections == 2       # framing was never lost on the way


def test_an_event_is_on_the_wire_before_the_next_is_sent(edge, mock):
    """The mock waits for the client to have read each event."""
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", ASKED,
                            plan(hold=True, events=200)))
        _, status, _ = client.head()
        assert status == 200
        for n in range(204):
            mock.release()
            event = client.until(b"\n\n")
            assert b"data: " in event
        assert b"[DONE]" in event


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_an_event_comes_alone_whatever_the_framing(edge, mock, framing):
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", ASKED,
                            plan(hold=True, events=3, framing=framing)))
        client.head()
        for _ in range(7):
            mock.release()
            client.until(b"\n\n")


def test_the_head_comes_before_the_first_event(edge, mock):
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            plan(hold=True)))
        assert client.head()[1] == 200
        mock.release(100)
        client.until(b"[DONE]")


def drain(client, size):
    left = size
    view = bytearray(1 << 20)
    while left:
        n = client.socket.recv_into(view, min(left, len(view)))
        if n == 0:
            return left
        left -= n
    return 0


def test_a_gigabyte_leaves_memory_where_it_was(nginx, mock):
    edge = nginx(edge_conf(mock), measured=True)
    size = (64 << 20) if SLOW else (1 << 30)
    with Client(edge) as client:
        for n in (1 << 20, size):        # the first warms up
            client.send(request("POST", "/v1/chat/completions", CHAT,
                                plan(size=n, framing="length")))
            client.head()
            got = client.buffer
            client.buffer = b""
            assert drain(client, n - len(got)) == 0
            if n != size:
                before = memory(edge)[0]
    assert memory(edge)[0] - before < 512


def test_a_slow_client_slows_the_upstream(nginx, mock):
    """Back-pressure, not buffering: neither memory nor a temporary file."""
    edge = nginx(edge_conf(mock), measured=True)
    size = 64 << 20
    with Client(edge) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(request("POST", "/v1/chat/completions", CHAT,
                            plan(size=size, framing="length")))
        client.head()
        before = memory(edge)[0]
        last = -1
        while mock.last().sent != last:
            last = mock.last().sent
            threading.Event().wait(0.3)
        assert last < size // 2
        assert memory(edge)[0] - before < 512
        assert not list((edge.dir / "proxy").glob("**/*"))
        assert drain(client, size - len(client.buffer)) == 0


def test_a_thousand_streams_on_one_worker(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_keepalive off;"), connections=8192)
    count = 100 if SLOW else 1000

    async def one(n, start):
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        body = dict(STREAM, model="m%d" % n)
        writer.write(request("POST", "/v1/chat/completions", body,
                             dict(plan(events=20, pace=0.05),
                                  Connection="close")))
        await reader.readuntil(b"\r\n\r\n")
        start.append(n)
        data = await reader.read(-1)
        writer.close()
        assert data.count(b'"model": "m%d"' % n) == 22, n
        assert b"[DONE]" in data and data.endswith(b"0\r\n\r\n")

    async def all_of_them():
        start = []
        await asyncio.gather(*(one(n, start) for n in range(count)))

    chat(edge, version="1.0")
    before = memory(edge)
    asyncio.run(all_of_them())
    settled(edge, before)
    wait_for(lambda: len(edge.access()) == 1 + count)


# a cut answer must look cut

def whole(edge, body, wishes):
    return len(chat(edge, body, plan(**wishes)).body)


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["plain", "stream"])
def test_an_answer_cut_anywhere_looks_cut(edge, mock, how, framing, version,
                                          body):
    wishes = {"framing": framing, "events": 4}
    chat(edge, body, plan(**wishes))
    size = mock.last().sent
    head = size - whole(edge, body, wishes)
    step = 41 if SLOW else 7
    for cut in range(head, size, step):
        try:
            answer = chat(edge, body, plan(cut=cut, how=how, **wishes),
                          version=version)
        except EOFError:
            continue                   # reset before our head was read
        assert answer.status in (200, 502)
        assert answer.status == 502 or not answer.complete, cut


def test_a_cut_without_any_framing_looks_cut(nginx, mock):
    edge = nginx(edge_conf(mock, "chunked_transfer_encoding off;"))
    assert chat(edge, STREAM).complete
    assert not chat(edge, STREAM, plan(cut=900)).complete


@pytest.mark.parametrize("cut", [None, 900])
def test_a_cut_resets_an_http2_stream(nginx, mock, cut):
    edge = nginx(edge_conf(mock).replace("listen PORT;",
                                         "listen PORT http2;"))
    kinds = []
    with Client(edge) as client:
        client.send(http2_request("/v1/chat/completions", STREAM, cut))
        while not {3, "end"} & set(kinds):
            head = client.take(9)
            kinds.append(head[3])
            client.take(int.from_bytes(head[:3], "big"))
            if head[3] == 0 and head[4] & 1:
                kinds.append("end")
    assert kinds[-1] == (3 if cut else "end")     # RST_STREAM


def http2_request(path, body, cut, **wishes):
    import json

    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) \
            + stream.to_bytes(4, "big") + payload

    def literal(name, value):
        return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value

    body = json.dumps(body).encode()
    block = b"\x83\x86" + b"\x04" + bytes([len(path)]) + path.encode() \
        + b"\x01\x04edge" + b"\x0f\x10\x10application/json"
    if cut:
        wishes["cut"] = cut
    if wishes:
        block += literal(b"openai-mock", json.dumps(wishes).encode())
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") \
        + frame(1, 4, 1, block) + frame(0, 1, 1, body)


def test_a_broken_chunk_looks_cut(edge):
    import base64
    for tail in (b"zz\r\n", b"5\r\nabcdeXX", b"-1\r\n",
                 b"ffffffffffffffffff\r\n"):
        raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" \
              b"2\r\nok\r\n" + tail
        answer = chat(edge, headers=plan(
            close=True, raw=base64.b64encode(raw).decode()))
        assert answer.status == 200 and not answer.complete


def test_a_stalled_stream_is_cut(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_read_timeout 200ms;"))
    answer = chat(edge, STREAM, plan(cut=900, how="stall"))
    assert answer.status == 200 and not answer.complete
    assert mock.last().gone.wait(30)


# hanging up

def hangs_up(edge, data, mock, when, reset):
    n = len(mock.requests)
    client = Client(edge)
    client.send(data)
    when(client, n)
    if reset:
        import struct
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
    client.socket.close()
    return mock.requests[n] if len(mock.requests) > n else None


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("point", ["before the head", "in a stream",
                                   "in a plain answer", "slow reader"])
def test_a_client_that_hangs_up_closes_the_upstream(nginx, mock, point, reset):
    edge = nginx(edge_conf(mock, "comet_keepalive off;"))
    chat(edge, version="1.0")
    before = memory(edge)

    def arrived(client, n):
        wait_for(lambda: len(mock.requests) > n)

    def reading(client, n):
        client.head()

    wishes, body, when = {
        "before the head": ({"silent": True}, CHAT, arrived),
        "in a stream": ({"events": 10000, "pace": 0.01}, STREAM, reading),
        "in a plain answer": ({"cut": 400, "how": "stall"}, CHAT, reading),
        "slow reader": ({"size": 1 << 30, "framing": "length"}, CHAT,
                        reading),
    }[point]
    data = request("POST", "/v1/chat/completions", body, plan(**wishes))
    for _ in range(3):
        taken = hangs_up(edge, data, mock, when, reset)
        assert taken.gone.wait(30)
    wait_for(lambda: mock.open == 0)
    settled(edge, before)


def test_hanging_up_at_every_point_leaves_nothing(nginx, mock):
    edge = nginx(edge_conf(mock, "client_body_buffer_size 1k;"
                                 "comet_keepalive off;"))
    body = dict(STREAM, padding="z" * 4000)
    data = request("POST", "/v1/chat/completions", body,
                   plan(events=5, pace=0.002))
    chat(edge, body)
    before = memory(edge)
    rng = random.Random(7)
    for n in range(60 if SLOW else 300):
        with Client(edge) as client:
            client.send(data[:rng.randint(1, len(data))]
                        if n % 2 else data)
            if n % 4 == 0:
                client.take(rng.randint(1, 1200))
    wait_for(lambda: mock.open == 0)
    settled(edge, before)
    assert not [p for p in (edge.dir / "body").glob("**/*") if p.is_file()]
    assert chat(edge).status == 200


def test_a_reload_in_mid_stream_lets_it_finish(edge, mock):
    with Client(edge) as client:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            plan(hold=True, events=5)))
        client.head()
        mock.release()
        client.until(b"\n\n")
        edge.reload_now()
        mock.release(100)
        client.until(b"[DONE]")
    assert chat(edge).status == 200
