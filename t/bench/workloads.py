"""What is asked, and what is measured of it."""

import json
import random
import subprocess
import time

from contestants import (BUILD, CLIENT, KEY, LOAD_CORE, MANY, MENDER, OTHER,
                         SLOW, UPSTREAM_CORE, cpu, pinned, pss)

WORDS = ("the bridge river committee engineer repair water winter lorry "
         "company north between because stone arch report night open year "
         "number question answer detail reason and of to in is was with"
         ).split()
UNKNOWN = "sk-bench-nobody-000000000000000000"
EACH = OTHER % "@@@@@"      # the load generator puts numbers there


def prose(size, seed):
    chance = random.Random(seed)
    text = []
    have = 0
    while have < size:
        word = chance.choice(WORDS)
        text.append(word)
        have += len(word) + 1
    return " ".join(text)[:size]


def chat(size, **more):
    """a chat whose text is so long"""
    body = {"model": "gpt-4o", "temperature": 0.7, "max_tokens": 1024}
    body.update(more)
    body["messages"] = [
        {"role": "system", "content": "You answer briefly.\nIn \"prose\"."},
        {"role": "user", "content": prose(size - 260, size)},
    ]
    return body


def turns(size):
    body = chat(300)
    messages = body["messages"]
    number = 0
    have = 0
    while have < size - 400:
        text = prose(1500 if number % 2 else 300, number)
        if number % 5 == 1:
            text += "\n\n```c\n\tif (n == 0) {\n\t\treturn \"a\\b\";\n\t}\n```\n"
        messages.append({"role": "assistant" if number % 2 else "user",
                         "content": text})
        have += len(text) + 40
        number += 1
    messages.append({"role": "user", "content": "And then?"})
    return body


def image(size):
    letters = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
               "0123456789+/")
    piece = "".join(random.Random(7).choices(letters, k=65536))
    body = chat(400)
    body["messages"].append({"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {
            "url": "data:image/png;base64," + piece * (size // 65536),
        }},
    ]})
    return body


def edited(size, where):
    """a cap whose name the model does not take, before or behind the rest"""
    made = image(size) if size > 65536 else chat(size)
    made["model"] = "gpt-5.4"
    del made["max_tokens"]
    return dict({"max_tokens": 1024}, **made) if where == "front" \
        else dict(made, max_tokens=1024)


STREAM = {"stream": True, "stream_options": {"include_usage": True}}
EDITS = {"%s%s" % (where, name): (where, name, size)
         for name, size in (("64k", 65536), ("1m", 1 << 20), ("8m", 8 << 20),
                            ("16m", 16 << 20))
         for where in ("front", "end")}
TOO_HOT = {"temperature": 3}
BODIES = {
    "small": lambda: chat(2048),
    "stream": lambda: chat(2048, **STREAM),
    "turns": lambda: turns(200 * 1024),
    "image": lambda: image(16 * 1024 * 1024),
    "hot": lambda: chat(2048, **TOO_HOT),
    "hotturns": lambda: dict(turns(200 * 1024), **TOO_HOT, top_p=7),
    **{name: lambda size=size, where=where: edited(size, where)
       for name, (where, _, size) in EDITS.items()},
}
_made = {}


def body(contestant, name):
    key = (contestant.model, name)
    if key not in _made:
        made = BODIES[name]()
        if name not in EDITS:
            made["model"] = contestant.model
        _made[key] = json.dumps(made, separators=(",", ":")).encode()
    return _made[key]


# what the module makes of the members of a body
CHANGES = [(b'"max_tokens":', b'"max_completion_tokens":', EDITS),
           (b'"temperature":3', b'"temperature":2', ("hot", "hotturns")),
           (b'"top_p":7', b'"top_p":1', ("hotturns",))]


def arrives(contestant, name):
    """what the API is to get of it"""
    text = body(contestant, name)
    if not contestant.edits:
        return text
    for old, new, names in CHANGES:
        if name in names:
            assert text.count(old) == 1
            text = text.replace(old, new)
    return text


def in_chunks(text, size=16384):
    pieces = [text[i:i + size] for i in range(0, len(text), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p)
                    for p in pieces) + b"0\r\n\r\n"


def two_string(text):
    assert len(text) < 127 + 128
    size = bytes([len(text)]) if len(text) < 127 \
        else bytes([127, len(text) - 127])
    return size + text.encode()


def frame(kind, flags, payload):
    """of stream 0: the load generator puts in another one"""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) \
        + bytes(4) + payload


def in_frames(headers, text, size=16384):
    """HTTP/2, no header field of which is in a table of the connection"""
    fields = b"\x83\x86\x04" + two_string("/v1/chat/completions") \
        + b"\x01" + two_string("127.0.0.1") + b"".join(
            b"\0" + two_string(name.lower()) + two_string(value)
            for name, value in headers.items() if name != "Host")
    pieces = [text[i:i + size] for i in range(0, len(text), size)]
    return frame(1, 4, fields) + b"".join(
        frame(0, i == len(pieces) - 1, piece)
        for i, piece in enumerate(pieces))


def request(contestant, name, key=CLIENT, form=""):
    """a call as it is sent; form: how the body is, "chunked" or of HTTP/2"""
    text = body(contestant, name)
    headers = {
        "Host": "127.0.0.1", "Content-Type": "application/json",
        "Accept": "application/json", "User-Agent": "OpenAI/Python 2.8.0",
        "Authorization": "Bearer " + key,
        "X-Stainless-Lang": "python", "X-Stainless-Package-Version": "2.8.0",
        "X-Stainless-Runtime": "CPython", "X-Stainless-OS": "Linux",
    }
    headers.update(contestant.headers)
    if form == "chunked":
        headers["Transfer-Encoding"] = "chunked"
        text = in_chunks(text)
    else:
        headers["Content-Length"] = str(len(text))
    if form == "two":
        return in_frames(headers, text)
    head = "POST /v1/chat/completions HTTP/1.1\r\n" + "".join(
        "%s: %s\r\n" % pair for pair in headers.items()) + "\r\n"
    return head.encode() + text


def request_file(contestant, name, key=CLIENT, form=""):
    folder = BUILD / "requests"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "-".join([contestant.name, name, *filter(None, [form, {
        CLIENT: "", SLOW: "slow", UNKNOWN: "unknown", MENDER: "mender",
        EACH: "each"}[key]])])
    data = request(contestant, name, key, form)
    if not path.exists() or path.stat().st_size != len(data) \
            or path.read_bytes() != data:
        path.write_bytes(data)
    return path


def load_start(port, limit, classes):
    command = [str(BUILD / "load"), str(port), "limit=%g" % limit]
    for name, options in classes.items():
        command.append(name + "".join(
            ",%s=%s" % pair for pair in options.items() if pair[1]))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                            preexec_fn=pinned(LOAD_CORE))


def load_end(process):
    out = process.communicate()[0]
    if process.returncode:
        raise RuntimeError("the load generator failed")
    lines = [json.loads(line) for line in out.splitlines()]
    return {line["name"]: line for line in lines}


class Failed(Exception):
    pass


def sound(result, what, passing=0):
    if result["errors"] > passing or not result["done"] and not result["events"]:
        raise Failed("%s: %s" % (what, json.dumps(
            {k: result[k] for k in ("sent", "done", "errors", "statuses")})))


class Workload:
    """Closed: as many at once as conns, each after the one before it."""

    conns = 16
    key = CLIENT
    status = 200
    events = 0
    pace = 0
    burst = 0
    seconds = (3, 0.3)
    slow_seconds = 5
    slow_conns = None
    refusal = None
    reading = False         # it tells what reading a stream adds
    form = ""               # how a body is sent
    way = ""                # by which port, if not that of HTTP/1.1 in clear
    vary = 0                # so many keys, another one each time
    among = ()              # those who have a part in it, if not all
    quick = True
    slow_ok = True

    def __init__(self, name, title, body, **how):
        self.name, self.title, self.body = name, title, body
        self.__dict__.update(how)

    def fits(self, contestant, quick):
        if contestant.only and self.name not in contestant.only \
                or self.among and contestant.name not in self.among:
            return False
        if contestant.coded:
            return self.reading and not quick
        if self.refusal:
            return self.refusal in contestant.refuses
        if contestant.slow and not self.slow_ok:
            return False
        if contestant.lacks and self.body == "stream":
            return False
        return self.quick or not quick

    def many(self, contestant):
        return contestant.slow and self.slow_conns or self.conns

    def classes(self, contestant, seconds):
        return {"a": dict(
            file=request_file(contestant, self.body, self.key, self.form),
            conns=self.many(contestant), seconds=seconds, vary=self.vary,
            status=contestant.statuses.get(self.refusal, self.status),
            **({self.way: 1} if self.way else {}))}

    def run(self, contestant, upstream, quick, longer=1):
        upstream.set(events=self.events or 200, pace=self.pace,
                     burst=self.burst, check=0, coded=contestant.coded)
        seconds = self.slow_seconds if contestant.slow \
            else self.seconds[bool(quick)] * longer
        port = contestant.ports[self.way] if self.way else contestant.port
        before = self.spent(contestant, upstream)
        began = time.monotonic()
        results = load_end(load_start(port, seconds + 60,
                                      self.classes(contestant, seconds)))
        took = time.monotonic() - began
        spent, answering = (now - then for now, then in zip(
            self.spent(contestant, upstream), before))
        found = self.figures(results, spent)
        asking = max(one["cpu"] for one in results.values())
        found["busy"] = spent / took / contestant.workers
        found["others"] = (
            asking + answering if LOAD_CORE == UPSTREAM_CORE
            else max(asking, answering)) / took
        return found

    def once(self, contestant):
        """one call"""
        port = contestant.ports[self.way] if self.way else contestant.port
        options = self.classes(contestant, 0)["a"]
        sound(load_end(load_start(port, 60, {"a": dict(
            options, conns=1, n=1, rate=0)}))["a"], self.name)

    def spent(self, contestant, upstream):
        """CPU seconds of the gateway and of the upstream"""
        return (cpu(contestant.pid) if contestant.pid else 0,
                cpu(upstream.pid))

    def figures(self, results, spent):
        one = results["a"]
        # who is over a rate is below it once a minute
        sound(one, self.name, passing=2 * (self.status == 429))
        done = max(one["done"], 1)
        found = {"rate": one["done"] / one["seconds"],
                 "cpu": spent / done * 1e6,
                 "p50": one["latency"].get("p50"),
                 "p99": one["latency"].get("p99")}
        if self.events:
            found["rate"] = one["events"] / one["seconds"]
            found["cpu"] = spent / max(one["events"], 1) * 1e6
            found["first"] = one["first"].get("p50")
            found["delay"] = one["delay"].get("p50")
        return found


class Beside(Workload):
    """large bodies at a rate, and small calls at another one beside them"""

    large = (4, 500)
    beside = "image"
    seconds = (6, 0.6)
    slow_seconds = 12

    def classes(self, contestant, seconds):
        large, small = self.large
        if contestant.slow:
            large, small = 0.2, 10
        return {
            "large": dict(file=request_file(contestant, self.beside),
                          conns=8,
                          rate=large, seconds=seconds),
            "a": dict(file=request_file(contestant, "small"), conns=64,
                      rate=small, seconds=seconds),
        }


class Paced(Workload):
    """so many streams at once; each waits for the next event"""

    limit = 45

    def run(self, contestant, upstream, quick, longer=1):
        if contestant.pid:
            contestant.restart(upstream)
        events = self.events if not quick else 100
        upstream.set(events=20, pace=0, burst=0, check=0,
                     coded=contestant.coded)
        path = request_file(contestant, self.body)
        warm = load_end(load_start(contestant.port, 60, {
            "a": dict(file=path, conns=4, n=16)}))
        sound(warm["a"], self.name)

        upstream.set(events=events, pace=self.pace, burst=0)
        conns = self.many(contestant)
        ramp = conns
        empty = pss(contestant.pid) if contestant.pid else 0
        before = cpu(contestant.pid) if contestant.pid else 0
        load = load_start(contestant.port, self.limit, {"a": dict(
            file=path, conns=conns, n=conns, ramp=ramp)})
        full = empty
        while load.poll() is None:
            # all of them at once are the most; a fast one may be over early
            full = max(full, pss(contestant.pid) if contestant.pid else 0)
            time.sleep(0.5)
        one = load_end(load)["a"]
        spent = cpu(contestant.pid) - before if contestant.pid else 0

        if one["errors"] or not one["events"]:
            raise Failed("%s: %s" % (self.name, json.dumps(one)))
        return {
            "rate": one["events"] / one["seconds"],
            "memory": (full - empty) / conns,
            "cpu": spent / one["events"] * 1e6,
            "first": one["first"]["p50"], "first99": one["first"]["p99"],
            "delay": one["delay"]["p50"], "delay99": one["delay"]["p99"],
            "unfinished": one["unfinished"],
        }


PLAIN = ("bare", "before", "comet")


class Own(Workload):
    """of bare nginx and the module alone"""

    among = PLAIN


WORKLOADS = [
    Workload("small", "A chat of 2 KB", "small"),
    Workload("alone", "A chat of 2 KB, one at a time", "small", conns=1,
             seconds=(2, 0.3)),
    Workload("events", "Streams of 200 events, written as fast as the "
             "sockets take them", "stream", events=200, reading=True),
    Workload("writes", "Streams of 200 events, each written by itself",
             "stream", events=200, burst=1, quick=False),
    Workload("first", "A stream of 4 events, one at a time", "stream",
             events=4, conns=1, seconds=(2, 0.3)),
    Workload("turns", "A chat of 200 KB in many turns", "turns", conns=8),
    Workload("image", "A chat with an image, 16 MB", "image", conns=2,
             seconds=(4, 0.6), slow_conns=1, slow_seconds=15),
    Beside("beside", "Small calls beside images of 16 MB", "small"),
    Beside("besidefront", "Small calls beside images of 16 MB that are edited "
           "at their front", "small", beside="front16m", among=PLAIN,
           quick=False),
    *(Own(name, "A body of %s, to be edited at its %s" % (
        size.upper().replace("M", " MB").replace("K", " KB"), where), name,
          conns=4, quick=name == "end8m", seconds=(3, 0.6))
      for name, (where, size, _) in EDITS.items()),
    Own("repaired", "A chat of 2 KB that is repaired", "hot", key=MENDER),
    Own("repairedturns", "A chat of 200 KB that is repaired at its front and "
        "end", "hotturns", key=MENDER, conns=8, quick=False),
    Own("chunked", "A chat of 2 KB, sent chunked", "small", form="chunked",
        quick=False),
    Own("chunkedturns", "A chat of 200 KB, sent chunked", "turns",
        form="chunked", conns=8),
    Own("chunkedimage", "A chat with an image, 16 MB, sent chunked", "image",
        form="chunked", conns=2, seconds=(4, 0.6), quick=False),
    Own("two", "A chat of 2 KB, by HTTP/2", "small", form="two", way="two"),
    Own("twoturns", "A chat of 200 KB, by HTTP/2", "turns", form="two",
        way="two", conns=8, quick=False),
    Own("twoevents", "Streams of 200 events at once, by HTTP/2", "stream",
        form="two", way="two", events=200, quick=False),
    Own("tls", "A chat of 2 KB, TLS on both sides", "small", way="tls",
        among=("direct", *PLAIN), seconds=(3, 1)),
    Own("tlsturns", "A chat of 200 KB, TLS on both sides", "turns", way="tls",
        among=("direct", *PLAIN), conns=8, quick=False),
    Own("tlsevents", "Streams of 200 events at once, TLS on both sides",
        "stream", way="tls", among=("direct", *PLAIN), events=200,
        quick=False),
    Workload("apart", "A chat of 2 KB, each by another tenant", "small",
             key=EACH, vary=MANY, among=("many",)),
    Workload("wide", "A chat of 2 KB, 64 connections", "small", conns=64,
             among=("bare", "comet", "bare2", "comet2"), quick=False),
    Workload("hot", "Refused: a temperature out of its range", "hot",
             status=400, refusal="400"),
    Workload("unknown", "Refused: a key that nobody has", "small",
             key=UNKNOWN, status=401, refusal="401"),
    Workload("limit", "Refused: over the rate", "small", key=SLOW, status=429,
             refusal="429"),
    Paced("paced1000", "1,000 streams at once, an event each 20 ms", "stream",
          conns=1000, slow_conns=10, events=250, pace=20, reading=True),
    Paced("waiting", "5,000 streams at once, an event each second", "stream",
          conns=5000, events=10, pace=1000, quick=False, slow_ok=False,
          reading=True),
    Paced("paced5000", "5,000 streams at once, an event each 20 ms", "stream",
          conns=5000, events=400, pace=20, quick=False, slow_ok=False),
]

assert KEY != CLIENT
