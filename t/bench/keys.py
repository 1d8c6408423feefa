#!/usr/bin/env python3
"""Whether the time of a refusal tells anything about a key.

Wrong keys of several kinds are sent in random order over one connection, and
the times to the answer compared: Welch's t of the means, without the slowest
tenth, which is the scheduler's. One kind is there twice: its t is the noise.
"""

import hashlib
import math
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KEY = "alice-8f14e45fceea167a5a36dedd4bea2543"

DIGITS = "0123456789abcdef"


def any_key(rng):
    return "".join(rng.choice(DIGITS) for _ in KEY)


def near_key(rng):
    at = rng.randrange(len(KEY))
    return KEY[:at] + rng.choice(DIGITS.replace(KEY[at], "")) + KEY[at + 1:]


def distinct(prefix, key, rng, count=300):
    """as many of each kind, or a cache would know one better"""
    found = set()
    while len(found) < count:
        found.add(prefix + key(rng))
    return sorted(found)


# all of one length, which is no secret; the first two are the same kind, to
# show what the noise is

KINDS = {
    "unknown": ("Bearer ", any_key),
    "unknown, once more": ("Bearer ", any_key),
    "known but for one character": ("Bearer ", near_key),
    "malformed": ("Nearer ", any_key),
}

CONF = """
daemon off; worker_processes 1; pid %(dir)s/pid;
load_module %(root)s/build/ngx_comet_module.so;
error_log %(dir)s/error.log;
events { }
http {
    access_log off; keepalive_requests 100000000;
    comet_tenant alice { comet_client_key %(key)s; }
    %(more)s
    server {
        listen 127.0.0.1:%(port)d;
        location /v1/ { comet_pass http://127.0.0.1:9; comet_key sk-x; }
    }
}
"""


def measure(port, count):
    rng = random.Random(1)
    times = {kind: [] for kind in KINDS}
    order = [(kind, ("GET /v1/models HTTP/1.1\r\nHost: x\r\n"
                     "Authorization: %s\r\n\r\n" % value).encode())
             for kind, (prefix, key) in KINDS.items()
             for value in distinct(prefix, key, rng)]
    order *= count * len(KINDS) // len(order)
    rng.shuffle(order)
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for kind, text in order:
            start = time.perf_counter_ns()
            s.sendall(text)
            answer = s.recv(4096)
            times[kind].append(time.perf_counter_ns() - start)
            assert answer.startswith(b"HTTP/1.1 401")
    return times


def usual(times):
    return sorted(times)[:len(times) * 9 // 10]


def welch(one, two):
    spread = (statistics.variance(one) / len(one)
              + statistics.variance(two) / len(two))
    return (statistics.fmean(one) - statistics.fmean(two)) / math.sqrt(spread)


def main():
    count = 5000 if "--quick" in sys.argv else 100000
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        more = "".join(
            "comet_tenant t%d { comet_client_key sha256:%s; }\n" % (
                i, hashlib.sha256(b"key-%032d" % i).hexdigest())
            for i in range(10000))
        path = pathlib.Path(directory, "nginx.conf")
        path.write_text(CONF % dict(dir=directory, root=ROOT, key=KEY,
                                    port=port, more=more))
        nginx = subprocess.Popen(["nginx", "-p", directory, "-c", path,
                                  "-e", directory + "/error.log"])
        try:
            while True:
                with socket.socket() as s:
                    if s.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            times = measure(port, count)
        finally:
            nginx.terminate()
            nginx.wait()
    print("wrong keys, %d of each kind among 10,001 tenants" % count)
    base = usual(times["unknown"])
    for kind in KINDS:
        own = usual(times[kind])
        print("  %-36s median %6.2f us   t %5.2f" % (
            kind, statistics.median(own) / 1000, welch(own, base)))


if __name__ == "__main__":
    main()
