"""What does not depend on how busy a gateway is: start-up and memory."""

import http.client
import re
import socket
import time
import urllib.request

from contestants import pss
from workloads import (EACH, PLAIN, load_end, load_start, request,
                       request_file, sound)

CONNECTIONS = 2000
USED = re.compile(r"^comet_zone_(size|free)_bytes (\S+)$", re.M)


def read(s):
    """one answer, with its length"""
    answer = http.client.HTTPResponse(s)
    answer.begin()
    answer.read()
    assert answer.status == 200, answer.status


def call(s, text):
    s.sendall(text)
    read(s)


def start_up(contestant, upstream):
    """seconds until it has answered a call"""
    contestant.stop()
    began = time.monotonic()
    contestant.start(upstream)
    with socket.create_connection(("127.0.0.1", contestant.port)) as s:
        call(s, request(contestant, "small"))
    return time.monotonic() - began


def zone_used(contestant):
    text = urllib.request.urlopen(
        "http://127.0.0.1:%d/metrics" % contestant.port).read().decode()
    found = dict(USED.findall(text))
    return float(found["size"]) - float(found["free"])


def idle(contestant):
    """bytes of a connection before its first call, and after it"""
    text = request(contestant, "small")
    with socket.create_connection(("127.0.0.1", contestant.port)) as s:
        for _ in range(20):
            call(s, text)
    empty = pss(contestant.pid)
    all_of_them = [socket.create_connection(("127.0.0.1", contestant.port))
                   for _ in range(CONNECTIONS)]
    # when the last one is answered, all before it were taken
    call(all_of_them[-1], text)
    fresh = pss(contestant.pid)
    for s in all_of_them:
        call(s, text)
    used = pss(contestant.pid)
    for s in all_of_them:
        s.close()
    return {"fresh": (fresh - empty) / CONNECTIONS,
            "used": (used - empty) / CONNECTIONS}


def once(contestant, upstream):
    found = {"start": start_up(contestant, upstream)}
    if contestant.edits:
        name = "many" if contestant.tenants else "one"
        if contestant.tenants:
            sound(load_end(load_start(contestant.port, 60, {"a": dict(
                file=request_file(contestant, "small", EACH), conns=4,
                n=contestant.tenants, vary=contestant.tenants)}))["a"], name)
        found["zone"] = zone_used(contestant)
    found["memory"] = pss(contestant.pid)
    if contestant.name in PLAIN:
        found.update(idle(contestant))
    return found


def measure(running, upstream, rounds):
    """found[contestant]: a list of what each round found"""
    upstream.set(events=20, pace=0, burst=0, check=0)
    found = {}
    for _ in range(rounds):
        for one in running:
            found.setdefault(one.name, []).append(once(one, upstream))
    return found
