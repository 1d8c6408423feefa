"""Makes calls and answers of the API at random, and knows what they say."""

import json
import random
import zlib

from wire import CHAT

RESPONSE = {"model": "gpt-5.4", "input": "Hi"}

WORDS = ["word", " ", "é", "€", "😀", "\n", '"', "\\", "/", "\x7f", "\u2028",
         '"usage":{', "\ndata: [DONE]\n\n", "{}", "[]", "prompt_tokens"]
KINDS = ["chat stream", "chat stream", "chat", "response stream", "response"]
LINES = ["\n", "\n", "\r\n", "\r"]
FINISHES = ["stop", "length", "tool_calls", "content_filter"]
DELTAS = ["output_text", "function_call_arguments", "refusal",
          "reasoning_summary_text"]

# status, reason of what is incomplete, and what the log calls it
STATUSES = [("completed", None, "stop"),
            ("incomplete", "max_output_tokens", "length"),
            ("incomplete", "content_filter", "content_filter"),
            ("failed", None, "error")]

HEAD = ["Content-Type: %s", "Server: mocked", "X-Request-Id: made"]
EVENTS = ["text/event-stream", "text/event-stream; charset=utf-8",
          "Text/Event-Stream;charset=UTF-8"]


class Made:
    """A call; the API's answer to it, .sent; and what must become of it:
    .body at the client, and .line in the log."""

    def __init__(self, number):
        self.random = random.Random(number)
        self.kind = self.random.choice(KINDS)
        self.style()
        self.finish = ""
        self.usage = None
        self.known = None               # pieces and bytes at the last usage
        self.pieces = self.bytes = 0
        self.model = self.random.choice(["gpt-5.4", "gpt-5.4-2026-03-05"])
        self.parts = []                 # bytes, and whether the client's
        self.ask()
        getattr(self, self.kind.replace(" ", "_"))()
        self.conclude()
        self.frame()

    def rare(self, chance=0.1):
        return self.random.random() < chance

    # how it is written

    def style(self):
        pick = self.random.choice
        self.eol = pick(LINES)
        self.ascii = pick([True, False])
        self.spaces = pick([(",", ":"), (", ", ": ")])
        self.order = pick(["", "", "any", str(self.random.random())])
        self.escaped = self.rare()
        self.prefix = pick(["data: ", "data: ", "data:"])
        self.padded = self.rare(0.5)
        self.comments = pick([0, 0.05, 0.5])

    def arrange(self, value):
        """members in an order that an API may have"""
        if isinstance(value, list):
            return [self.arrange(one) for one in value]
        if not isinstance(value, dict):
            return value
        names = list(value)
        if self.order == "any":
            self.random.shuffle(names)
        elif self.order:
            names.sort(key=lambda name: zlib.crc32(
                (self.order + name).encode()))
        return {name: self.arrange(value[name]) for name in names}

    def dump(self, value, indent=None):
        text = json.dumps(self.arrange(value), ensure_ascii=self.ascii,
                          separators=self.spaces, indent=indent)
        return text.replace('"usage"', '"\\u0075sage"') if self.escaped \
            else text

    def put(self, text, kept=True):
        self.parts.append((text.encode(), kept))

    def event(self, value, kept=True, name=None):
        if self.rare(self.comments):
            self.put(": comment" + self.eol
                     + self.random.choice(["", self.eol]))
        text = value if isinstance(value, str) \
            else self.dump(value, 0 if self.rare() else None)
        lines = [self.prefix + line for line in text.split("\n")]
        if name:
            lines.insert(0, "event: " + name)
        if self.rare(0.05):
            lines.insert(0, "id: 7")
        if self.rare(0.05):
            lines.append(": comment")
        self.put(self.eol.join(lines + ["", ""]), kept)

    # what it says

    def text(self):
        if self.rare(0.01):
            return "x" * self.random.randint(1, 9000)
        return "".join(self.random.choices(WORDS,
                                           k=self.random.randint(0, 4)))

    def count(self, *texts):
        """what they add to an estimate"""
        self.pieces += any(texts)
        self.bytes += sum(len(text.encode()) for text in texts)

    def number(self):
        return self.random.randint(0, self.random.choice(
            [10, 1000, 10**6, 10**12]))

    def use(self, given, taken):
        """a usage, and what the log must say of it"""
        numbers = [self.number() for _ in range(4)]
        value = {given: numbers[0], taken: numbers[1],
                 "total_tokens": numbers[0] + numbers[1]}
        for i, names in ((2, (given, "cached_tokens")),
                         (3, (taken, "reasoning_tokens"))):
            details = {"audio_tokens": self.number(), names[1]: numbers[i]}
            if self.rare(0.2):
                numbers[i] = 0
                details = self.random.choice([None, {}, "absent"])
            if details != "absent":
                value[names[0] + "_details"] = details
        numbers[2] = min(numbers[2], numbers[0])
        self.usage = [max(pair) for pair in zip(numbers,
                                                self.usage or numbers)]
        self.known = self.pieces, self.bytes
        return value

    # the call

    def ask(self):
        self.path = "/v1/responses"
        self.call = dict(RESPONSE)
        if self.kind.startswith("chat"):
            self.path = "/v1/chat/completions"
            self.call = dict(CHAT, n=self.random.randint(1, 4))
        self.asked = dict(self.call)            # as it comes to the API
        if self.kind.endswith("stream"):
            self.call["stream"] = self.asked["stream"] = True
        self.injected = False
        if self.kind != "chat stream":
            return
        options = self.random.choice(
            ["absent", None, {}, {"include_usage": False},
             {"include_obfuscation": False}, {"include_usage": True}])
        if options != "absent":
            self.call["stream_options"] = options
        self.asked["stream_options"] = dict(
            options if isinstance(options, dict) else {}, include_usage=True)
        self.injected = self.asked != self.call

    # chat completions

    def tools(self):
        return [{"index": i, "id": "call_%d" % i, "type": "function",
                 "function": {"name": "f", "arguments": self.text()}}
                for i in range(self.random.randint(1, 2))]

    def choice(self, holder, index, finish=None):
        said = {}
        kind = self.random.random()
        if kind < 0.2:
            said["tool_calls"] = self.tools()
        elif kind < 0.9:
            said[self.random.choice(["content", "content", "refusal",
                                     "reasoning_content",
                                     "reasoning"])] = self.text()
        if self.rare(0.3):
            said.setdefault("content", None)
        if self.rare(0.3):
            said["role"] = "assistant"
        self.count(*(value for name, value in said.items()
                     if isinstance(value, str) and name != "role"),
                   *(text for tool in said.get("tool_calls", ())
                     for text in tool["function"].values()))
        self.finish = self.finish or finish or ""
        return {"index": index, holder: said, "logprobs": None,
                "finish_reason": finish}

    def chunk(self, choices, usage="absent", kept=True):
        value = {"id": "chatcmpl-1", "object": "chat.completion.chunk",
                 "created": 1774412483, "model": self.model,
                 "choices": choices, "usage": usage}
        if usage == "absent":
            del value["usage"]
        if self.padded:
            value["obfuscation"] = "x" * self.random.randint(0, 12)
        self.event(value, kept)

    def chat_stream(self):
        n = self.call["n"]
        totals = self.rare()                    # running ones
        between = self.random.choice(["absent", None])
        left = list(range(n))
        if self.rare(0.05):
            self.put("\ufeff")
        for _ in range(self.random.randint(1, 24)):
            some = self.random.sample(range(n), 1 if self.rare(0.8) else n)
            self.chunk([self.choice("delta", i) for i in some],
                       self.chat_usage() if totals else between)
            if self.rare(0.05):
                self.chunk([], None)
        while left:
            i = left.pop(self.random.randrange(len(left)))
            self.chunk([self.choice("delta", i,
                                    self.random.choice(FINISHES))], between)
        alone = not self.rare()
        if alone:
            self.chunk([], self.chat_usage(), not self.injected)
        self.whole = not alone or not self.rare()
        if self.whole:
            self.event("[DONE]")

    def chat_usage(self):
        return self.use("prompt_tokens", "completion_tokens")

    def chat(self):
        choices = [self.choice("message", i, self.random.choice(FINISHES))
                   for i in range(self.call["n"])]
        self.document({
            "id": "chatcmpl-1", "object": "chat.completion",
            "model": self.model, "choices": choices,
            "usage": None if self.rare() else self.chat_usage()})

    def document(self, value):
        self.put(self.dump(value, self.random.choice([None, None, 0, 2])))
        self.whole = True

    # responses

    def item(self):
        if self.rare(0.3):
            return {"id": "fc_1", "type": "function_call", "name": "f",
                    "arguments": self.text()}
        return {"id": "msg_1", "type": "message", "role": "assistant",
                "content": [{"type": "output_text", "annotations": [],
                             "text": self.text()}]}

    def ended(self, stream):
        """a response at its end, and the status"""
        status, reason, finish = self.random.choice(STATUSES)
        items = [self.item() for _ in range(self.random.randint(0, 3))]
        if finish == "stop" and any(i["type"] == "function_call"
                                    for i in items):
            finish = "tool_calls"
        self.finish = finish
        return status, {
            "id": "resp_1", "object": "response", "status": status,
            "error": {"code": "server_error", "message": "no"}
            if status == "failed" else None,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": self.model, "output": items, "metadata": {},
            "usage": None if stream and self.rare() else
            self.use("input_tokens", "output_tokens")}

    def response_stream(self):
        names = self.rare(0.8)
        numbers = iter(range(self.random.choice([0, 1, 97]), 1 << 30))

        def event(kind, **fields):
            value = dict({"type": kind, "sequence_number": next(numbers)},
                         **fields)
            if self.padded:
                value["obfuscation"] = "x" * self.random.randint(0, 12)
            self.event(value, name=kind if names else None)
        start = {"id": "resp_1", "status": "in_progress", "output": [],
                 "model": self.model, "usage": None}
        event("response.created", response=start)
        event("response.in_progress", response=start)
        for i in range(self.random.randint(0, 3)):
            kind = self.random.choice(DELTAS)
            said = ""
            event("response.output_item.added", output_index=i,
                  item=self.item())
            for _ in range(self.random.randint(0, 10)):
                delta = self.text()
                said += delta
                self.count(delta)
                event("response.%s.delta" % kind, output_index=i,
                      delta=delta)
            event("response.%s.done" % kind, output_index=i, text=said)
        status, value = self.ended(True)
        event("response." + status, response=value)
        if self.rare():
            self.event("[DONE]")
        self.whole = True

    def response(self):
        _, value = self.ended(False)
        self.document(value)

    # what comes of it

    def conclude(self):
        def tokens(pieces, size):
            return max(pieces, -(-size // 4))
        metered = "yes"
        if self.usage is None:
            metered = "estimate"
            self.usage = [len(json.dumps(self.call)) // 4 + 1,
                          tokens(self.pieces, self.bytes), 0, 0]
        elif self.kind == "chat stream" and self.known[0] != self.pieces:
            metered = "estimate"
            self.usage[1] = max(
                tokens(self.pieces, self.bytes), self.usage[1]
                + tokens(self.pieces - self.known[0],
                         self.bytes - self.known[1]))
        self.body = b"".join(part for part, kept in self.parts if kept)
        self.line = dict(zip(("input", "output", "cached", "reasoning"),
                             map(str, self.usage)),
                         metered=metered, finish=self.finish,
                         model=self.model)

    def frame(self):
        body = b"".join(part for part, _ in self.parts)
        framing = self.random.choice(["length", "chunked"]
                                     + ["close"] * self.whole)
        self.close = framing == "close"
        lines = ["HTTP/1.%d 200 OK" % (not self.close or self.rare(0.5))]
        lines += HEAD
        lines[1] %= self.random.choice(EVENTS) \
            if self.kind.endswith("stream") else "application/json"
        lines += {"length": ["Content-Length: %d" % len(body)],
                  "chunked": ["Transfer-Encoding: chunked"],
                  "close": ["Connection: close"]}[framing]
        head = "\r\n".join(lines + ["", ""]).encode()
        if self.rare(0.05):
            head = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head
        self.sent = head + (self.chunks(body) if framing == "chunked"
                            else body)

    def chunks(self, body):
        text = []
        largest = self.random.choice([7, 200, 200, len(body)])
        while body:
            n = min(self.random.randint(1, largest), len(body))
            text.append(b"%x%s\r\n%s\r\n" % (n, self.random.choice(
                [b"", b"", b";a=b", b" ;x"]), body[:n]))
            body = body[n:]
        return b"".join(text) + b"0\r\n" + self.random.choice(
            [b"", b"X-Trailer: ignored\r\n"]) + b"\r\n"
