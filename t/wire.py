"""HTTP by hand: what a test must see is the bytes."""

import json
import re
import socket


class Answer:
    def __init__(self, status, headers, body, complete, raw):
        self.status = status
        self.headers = headers
        self.body = body
        self.complete = complete      # as its own framing tells
        self.raw = raw

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def all(self, name):
        return [v for k, v in self.headers if k == name.lower()]

    def json(self):
        return json.loads(self.body)


def plan(**wishes):
    """The header that tells the mock how to behave."""
    return {"openai-mock": json.dumps(wishes)}


def request(method, target, body=None, headers=None, version="1.1",
            chunked=False):
    lines = ["%s %s HTTP/%s" % (method, target, version), "Host: edge"]
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        lines.append("Content-Type: application/json")
        lines.append("Transfer-Encoding: chunked" if chunked
                     else "Content-Length: %d" % len(body))
    for name, value in (headers or {}).items():
        for one in value if isinstance(value, list) else [value]:
            lines.append("%s: %s" % (name, one))
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    if not body:
        return head + (b"0\r\n\r\n" if chunked else b"")
    if chunked:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return head + body


class Client:
    def __init__(self, server, timeout=60):
        port = server if isinstance(server, int) else server.port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.reset = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            self.reset = True
            data = b""
        self.buffer += data
        return data

    def until(self, mark):
        while mark not in self.buffer:
            if not self.receive():
                raise EOFError(self.buffer)
        head, self.buffer = self.buffer.split(mark, 1)
        return head + mark

    def take(self, n):
        while len(self.buffer) < n and self.receive():
            pass
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def head(self):
        text = self.until(b"\r\n\r\n")
        lines = text.decode("latin-1").split("\r\n")
        headers = [(k.lower(), v) for k, v in
                   (line.split(": ", 1) for line in lines[1:] if line)]
        return text, int(lines[0].split()[1]), headers

    def answer(self, method="POST"):
        raw, status, headers = self.head()
        fields = dict(headers)
        if method == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"", True, raw)
        if fields.get("transfer-encoding") == "chunked":
            body, complete = self.chunks()
        elif "content-length" in fields:
            n = int(fields["content-length"])
            body = self.take(n)
            complete = len(body) == n
        else:
            while self.receive():
                pass
            body, self.buffer = self.buffer, b""
            complete = not self.reset
        return Answer(status, headers, body, complete, raw)

    def chunks(self):
        body = b""
        try:
            while True:
                size = int(re.match(rb"[0-9a-fA-F]+",
                                    self.until(b"\r\n")).group(), 16)
                data = self.take(size)
                body += data
                if len(data) < size or self.take(2) != b"\r\n":
                    return body, False
                if size == 0:
                    return body, True
        except EOFError:
            return body, False

    def call(self, method, target, body=None, headers=None, **how):
        self.send(request(method, target, body, headers, **how))
        return self.answer(method)


def call(server, method, target, body=None, headers=None, **how):
    with Client(server) as client:
        return client.call(method, target, body, headers, **how)


CHAT = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "Hi"}]}
STREAM = dict(CHAT, stream=True)
ASKED = dict(STREAM, stream_options={"include_usage": True})


def chat(server, body=None, headers=None, **how):
    return call(server, "POST", "/v1/chat/completions", body or CHAT, headers,
                **how)
