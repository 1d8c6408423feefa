#!/usr/bin/env python3
"""A CometAPI to test against: answers as the documentation shows, and
misbehaves on request.

A request asks for misbehaviour in a header, which the gateway lets through:

    openai-mock: {"status": 429, "headers": {"retry-after": "1"}}

status, headers   of the answer; an error status gets an error body
body, fill        the answer's body, instead of the endpoint's own: a text,
                  or how many letters
raw               base64: the whole answer, head and framing included
kept              the name of such an answer in Mock.kept, which gives it up
framing           "length", "chunked" or "close"
interim           statuses sent before the answer: [100, 103]
delay             seconds before the head
silent            never answer
usage             tokens of input and of output to tell: [7, 100]
events            how many pieces of text a stream or an answer has
pace              seconds between events
hold              wait for Mock.release() before each event
size              a body of so many bytes
pieces            a seed: cut the answer's bytes at random, with pauses
longest, pause    of the pieces in bytes (97), chance of one behind each (0.1)
chunks            a seed: random chunk sizes, extensions and trailers
cut, how          after so many bytes: "fin", "reset" or "stall"
close             end the connection after the answer
deaf              answer without reading the request's body
keys              other wishes by the key that comes: {"sk-a": {"status": 429}}
attempts          a list of such wishes: one for each time that the call of
call              this name comes, and the last for all further ones
"""

import argparse
import asyncio
import base64
import json
import random
import socket
import ssl
import struct
import threading

WORDS = ("The edge answers with every byte as it came, "
         "neither later nor changed. ").split(" ")


# any time: that of two answers is the same
CREATED = 1774412483


class Cut(Exception):
    pass


class Request:
    def __init__(self, method, target, headers, connection):
        self.method = method
        self.target = target
        self.headers = headers
        self.connection = connection
        self.body = b""
        self.head = b""
        self.gone = threading.Event()     # the peer hung up on the answer
        self.kept = None                  # the name of the answer
        self.sent = 0

    def key(self):
        return (self.header("authorization") or "").removeprefix("Bearer ")

    def plan(self):
        """what was wished for, by whoever called or for the key that came"""
        plan = json.loads(self.header("openai-mock") or "{}")
        return dict(plan, **plan.get("keys", {}).get(self.key(), {}))

    def header(self, name):
        values = [v for k, v in self.headers if k.lower() == name]
        return values[0] if values else None

    def json(self):
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        return value if isinstance(value, dict) else {}


class Mock:
    """Runs in a thread of its own; tests look at .requests."""

    def __init__(self, port=0, host="127.0.0.1", tls=None, log=None):
        self.requests = []
        self.connections = 0
        self.open = 0
        self.tls = tls
        self.log = log
        self.responses = {}
        self.kept = {}
        self.calls = {}
        self._permits = 0
        self._address = (host, port)
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        self._started.wait()
        return self

    def stop(self):
        self._loop.call_soon_threadsafe(self._stopping.set_result, None)
        self._thread.join()

    def is_up(self):
        return self._thread.is_alive()

    def release(self, n=1):
        def permit():
            self._permits += n
            self._changed.set()
        self._loop.call_soon_threadsafe(permit)

    def last(self):
        return self.requests[-1]

    def _run(self):
        asyncio.run(self._main())

    async def _main(self):
        self._loop = asyncio.get_running_loop()
        self._stopping = self._loop.create_future()
        self._changed = asyncio.Event()
        server = await asyncio.start_server(
            self._serve, *self._address, ssl=self.tls, backlog=4096,
            limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        number = self.connections
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                request = await self._read_head(reader, number)
                if request is None:
                    break
                self.requests.append(request)
                if not await self._answer(request, reader, writer):
                    break
        except (Cut, ConnectionError, asyncio.IncompleteReadError,
                asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _read_head(self, reader, number):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = [tuple(line.split(": ", 1)) for line in lines[1:] if line]
        request = Request(method, target, headers, number)
        request.head = head
        return request

    async def _answer(self, request, reader, writer):
        plan = self._wishes(request)
        if not plan.get("deaf"):
            length = int(request.header("content-length") or 0)
            request.body = await reader.readexactly(length)
        if self.log:
            self.log(request)
        watch = asyncio.ensure_future(self._watch(request, reader, writer))
        try:
            out = Output(self, request, writer, plan)
            await out.answer()
        except (ConnectionError, ssl.SSLError):
            request.gone.set()
            raise
        finally:
            watch.cancel()
        return not (plan.get("close") or plan.get("framing") == "close"
                    or plan.get("deaf"))

    def _wishes(self, request):
        plan = request.plan()
        if "attempts" in plan:
            n = self.calls.get(plan.get("call"), 0)
            self.calls[plan.get("call")] = n + 1
            plan = plan["attempts"][min(n, len(plan["attempts"]) - 1)]
        return plan

    async def _watch(self, request, reader, writer):
        while not reader.at_eof() and not writer.transport.is_closing():
            await asyncio.sleep(0.01)
        request.gone.set()


class Output:
    """Writes one answer, in the pieces and up to the cut that were asked."""

    def __init__(self, mock, request, writer, plan):
        self.mock = mock
        self.request = request
        self.writer = writer
        self.plan = plan
        self.left = plan.get("cut")
        self.random = (random.Random(plan["pieces"])
                       if "pieces" in plan else None)
        self.framing = plan.get("framing")
        self.chunks = (random.Random(plan["chunks"])
                       if "chunks" in plan else None)

    async def answer(self):
        plan = self.plan
        await asyncio.sleep(plan.get("delay", 0))
        if plan.get("silent"):
            await self.stall()
        if "raw" in plan:
            await self.send(base64.b64decode(plan["raw"]))
            return
        if "kept" in plan:
            self.request.kept = plan["kept"]
            await self.send(self.mock.kept.pop(plan["kept"]))
            return
        for status in plan.get("interim", []):
            await self.send(b"HTTP/1.1 %d Wait\r\nLink: </early>\r\n\r\n"
                            % status)
        if "size" in plan:
            await self.head("application/octet-stream", plan["size"])
            await self.bulk(plan["size"])
        elif self.request.json().get("stream") and plan.get("status", 200) == 200:
            events = list(stream_of(self.request, self.words()))
            await self.head("text/event-stream",
                            sum(map(len, events))
                            if self.framing == "length" else None)
            await self.events(events)
        else:
            body = self.document()
            await self.head("application/json", len(body))
            if self.request.method != "HEAD" and plan.get("status") != 204:
                await self.data(body)
        await self.end()

    def document(self):
        plan = self.plan
        status = plan.get("status", 200)
        if "body" in plan:
            return plan["body"].encode()
        if "fill" in plan:
            return b"x" * plan["fill"]
        if status >= 400:
            return json.dumps({"error": {
                "message": "the mock was asked for %d" % status,
                "type": "mock_error", "param": None, "code": "mocked",
            }}).encode()
        return json.dumps(answer_of(self.mock, self.request,
                                    self.words())).encode()

    def words(self):
        n = self.plan.get("events", 5)
        return [WORDS[i % len(WORDS)] + " " for i in range(n)]

    async def head(self, kind, length):
        plan = self.plan
        if self.framing is None:
            self.framing = "chunked" if length is None else "length"
        lines = ["HTTP/1.1 %d %s" % (plan.get("status", 200), "Mocked"),
                 "Content-Type: " + kind,
                 "x-request-id: mock-%d" % len(self.mock.requests),
                 "openai-processing-ms: 7"]
        if plan.get("status") == 204:
            self.framing = "none"
        if self.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif self.framing == "length" and length is not None:
            lines.append("Content-Length: %d" % length)
        if plan.get("close") or self.framing == "close":
            lines.append("Connection: close")
        for name, value in plan.get("headers", {}).items():
            for one in value if isinstance(value, list) else [value]:
                lines.append("%s: %s" % (name, one))
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def events(self, events):
        for event in events:
            if self.plan.get("hold"):
                while self.mock._permits == 0:
                    self.mock._changed.clear()
                    await self.mock._changed.wait()
                self.mock._permits -= 1
            await self.data(event)
            await asyncio.sleep(self.plan.get("pace", 0))

    async def bulk(self, size):
        block = bytes(range(256)) * 256
        while size:
            part = block[:min(size, len(block))]
            await self.data(part)
            size -= len(part)

    async def data(self, body):
        if self.framing != "chunked":
            await self.send(body)
            return
        while body:
            n = len(body)
            extension = b""
            if self.chunks:
                n = self.chunks.randint(1, n)
                extension = self.chunks.choice([b"", b"", b";a=b", b" ;x"])
            await self.send(b"%x%s\r\n%s\r\n" % (n, extension, body[:n]))
            body = body[n:]

    async def end(self):
        if self.framing == "chunked":
            trailer = b"X-Trailer: ignored\r\n" if self.chunks else b""
            await self.send(b"0\r\n" + trailer + b"\r\n")

    async def send(self, data):
        if self.left is not None and len(data) >= self.left:
            await self.write(data[:self.left])
            await self.cut()
        if self.left is not None:
            self.left -= len(data)
        await self.write(data)

    async def write(self, data):
        if self.random is None:
            await self.flush(data)
            return
        longest = self.plan.get("longest", 97)
        pause = self.plan.get("pause", 0.1)
        while data:
            n = self.random.randint(1, min(len(data), longest))
            await self.flush(data[:n])
            data = data[n:]
            if self.random.random() < pause:
                await asyncio.sleep(0.001)

    async def flush(self, data):
        self.writer.write(data)
        self.request.sent += len(data)
        await self.writer.drain()
        if self.random is not None:
            await asyncio.sleep(0)

    async def cut(self):
        how = self.plan.get("how", "fin")
        if how == "stall":
            await self.stall()
        if how == "reset":
            sock = self.writer.get_extra_info("socket")
            await asyncio.sleep(0.02)     # or what was sent is lost as well
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise Cut()

    async def stall(self):
        while not self.request.gone.is_set():
            await asyncio.sleep(0.01)
        raise Cut()


def usage(request, words):
    return request.plan().get("usage") or (11 + len(request.body) // 4, len(words))


def answer_of(mock, request, words):
    path = request.target.split("?")[0]
    if path.endswith("/chat/completions"):
        return chat(request, words)
    if path.endswith("/v1/responses"):
        value = response(request, words, "completed")
        mock.responses[value["id"]] = value
        return value
    if path.endswith("/v1/responses/input_tokens"):
        return {"object": "response.input_tokens",
                "input_tokens": usage(request, words)[0]}
    if path.endswith("/v1/responses/compact"):
        return compaction(request, words)
    if "/v1/responses/" in path:
        if path.endswith("/input_items"):
            return {"object": "list", "data": [], "has_more": False}
        name = path.split("/v1/responses/")[1].split("/")[0]
        value = mock.responses.get(name, response(request, words, "completed"))
        if request.method == "DELETE":
            return {"id": name, "object": "response", "deleted": True}
        return dict(value, id=name)
    models = [{"id": name, "object": "model", "created": CREATED,
               "owned_by": owner}
              for name, owner in [("gpt-5.4", "openai"), ("o3", "openai"),
                                  ("claude-sonnet-4-6", "anthropic"),
                                  ("gemini-2.5-pro", "google")]]
    if path.endswith("/v1/models"):
        return {"object": "list", "data": models}
    return dict(models[0], id=path.rsplit("/", 1)[1])


def chat(request, words):
    body = request.json()
    prompt, completion = usage(request, words)
    return {
        "id": "chatcmpl-mock", "object": "chat.completion",
        "created": CREATED, "model": body.get("model", "gpt-5.4"),
        "choices": [{
            "index": i, "logprobs": None, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "".join(words),
                        "refusal": None, "annotations": []},
        } for i in range(body.get("n") if body.get("n") in (2, 3) else 1)],
        "usage": chat_usage(prompt, completion),
        "service_tier": "default", "system_fingerprint": "fp_mock",
    }


def chat_usage(prompt, completion):
    return {
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2,
                                      "audio_tokens": 0},
    }


def response(request, words, status):
    body = request.json()
    prompt, completion = usage(request, words)
    done = status == "completed"
    return {
        "id": "resp_mock%08x" % random.getrandbits(32), "object": "response",
        "created_at": CREATED, "status": status,
        "background": False, "error": None, "incomplete_details": None,
        "instructions": None, "max_output_tokens": None,
        "model": body.get("model", "gpt-5.4"),
        "output": [message("".join(words))] if done else [],
        "parallel_tool_calls": True, "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None}, "store": True,
        "temperature": 1, "text": {"format": {"type": "text"}},
        "tool_choice": "auto", "tools": [], "top_p": 1,
        "truncation": "disabled", "metadata": {},
        "usage": {
            "input_tokens": prompt, "output_tokens": completion,
            "total_tokens": prompt + completion,
            "input_tokens_details": {"cached_tokens": 3},
            "output_tokens_details": {"reasoning_tokens": 2},
        } if done else None,
    }


def compaction(request, words):
    value = response(request, words, "completed")
    return {
        "id": value["id"], "object": "response.compaction",
        "created_at": value["created_at"], "usage": value["usage"],
        "output": [{"id": "cmp_mock", "type": "compaction",
                    "encrypted_content": "".join(words)}],
    }


def message(text):
    return {"id": "msg_mock", "type": "message", "status": "completed",
            "role": "assistant", "content": [
                {"type": "output_text", "annotations": [], "text": text}]}


def stream_of(request, words):
    if "/chat/completions" in request.target:
        return chat_stream(request, words)
    return response_stream(request, words)


def sse(data, event=None):
    prefix = "event: %s\n" % event if event else ""
    return ("%sdata: %s\n\n" % (prefix, json.dumps(data))).encode()


def chat_stream(request, words):
    body = request.json()
    base = {"id": "chatcmpl-mock", "object": "chat.completion.chunk",
            "created": CREATED, "model": body.get("model", "gpt-5.4")}

    def chunk(delta, finish=None):
        return sse(dict(base, choices=[{"index": 0, "delta": delta,
                                        "finish_reason": finish}]))
    yield chunk({"role": "assistant", "content": ""})
    for word in words:
        yield chunk({"content": word})
    yield chunk({}, "stop")
    if (body.get("stream_options") or {}).get("include_usage"):
        yield sse(dict(base, choices=[],
                       usage=chat_usage(*usage(request, words))))
    yield b"data: [DONE]\n\n"


def response_stream(request, words):
    number = iter(range(1 << 30))
    text = "".join(words)
    start = response(request, words, "in_progress")
    place = {"item_id": "msg_mock", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "annotations": [], "text": ""}

    def event(kind, **fields):
        return sse(dict({"type": kind, "sequence_number": next(number)},
                        **fields), kind)
    yield event("response.created", response=start)
    yield event("response.in_progress", response=start)
    yield event("response.output_item.added", output_index=0,
                item=dict(message(""), status="in_progress", content=[]))
    yield event("response.content_part.added", part=part, **place)
    for word in words:
        yield event("response.output_text.delta", delta=word, logprobs=[],
                    **place)
    yield event("response.output_text.done", text=text, logprobs=[], **place)
    yield event("response.content_part.done", part=dict(part, text=text),
                **place)
    yield event("response.output_item.done", output_index=0,
                item=message(text))
    yield event("response.completed",
                response=dict(response(request, words, "completed"),
                              id=start["id"]))


def main():
    parser = argparse.ArgumentParser(description="A CometAPI to test against")
    parser.add_argument("--port", type=int, default=8081)
    options = parser.parse_args()

    def log(request):
        print("mock: %s %s, %d bytes" % (request.method, request.target,
                                         len(request.body)), flush=True)
    mock = Mock(options.port, log=log).start()
    print("mock CometAPI on http://127.0.0.1:%d" % mock.port, flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        mock.stop()


if __name__ == "__main__":
    main()
