#!/usr/bin/env python3
"""make bench: gateways beside bare nginx, in interleaved rounds of one run."""

import argparse
import http.client
import json
import resource
import signal
import subprocess
import sys
import time
import urllib.request
import zlib

import contestants
import instructions
import report
import resources
import syscalls
from contestants import (BENCH, BUILD, CLIENT, KEY, MODULE, ROOT, SLOW,
                         Missing, Nginx)
from workloads import PLAIN, UNKNOWN, WORKLOADS, Failed, arrives, request

_, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))

NAMED = {w.name: w for w in WORKLOADS}
USAGE = {"prompt_tokens": 412, "completion_tokens": 61, "total_tokens": 473}


def say(text):
    print("bench: " + text, flush=True)


def compile_tools():
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("upstream", "load"):
        subprocess.run(
            ["cc", "-O2", "-g", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
             "-o", str(BUILD / name),
             *(str(path) for path in sorted(BENCH.glob(name + "*.c"))),
             "-lssl", "-lcrypto", "-lz"], check=True)


class Upstream(contestants.Process):
    def __init__(self):
        port, self.tls_port = contestants.free_ports(2)
        super().__init__([str(BUILD / "upstream"), str(port),
                          str(self.tls_port), *contestants.certificate()],
                         port, BUILD / "upstream.out",
                         cores=(contestants.UPSTREAM_CORE,))

    def ask(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def set(self, **values):
        self.ask("/bench?" + "&".join("%s=%d" % pair
                                      for pair in values.items()))

    def last(self):
        first, _, head = self.ask("/bench/last").partition("\n")
        length, value = first.split()
        return int(length), value, head


def ask(contestant, name, key=CLIENT):
    data = request(contestant, name, key)
    head, _, content = data.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1)
                   for line in head.decode().split("\r\n")[1:])
    connection = http.client.HTTPConnection("127.0.0.1", contestant.port,
                                            timeout=60)
    connection.request("POST", "/v1/chat/completions", content, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


def must(condition, what):
    if not condition:
        raise Failed(what)


def check_body(contestant, upstream, name, key=CLIENT):
    length, value, head = upstream.last()
    if contestant.exact:
        meant = arrives(contestant, name)
        must(length == len(meant) and value == "%08x" % zlib.crc32(meant),
             "the body of %s does not arrive as it should" % name)
    if contestant.pid:
        must("Bearer " + key not in head or contestant.name == "portkey",
             "the key of the client goes on")
        must("Bearer " + KEY in head or contestant.name == "portkey",
             "the key of the API is not put in")


def check(contestant, upstream, quick):
    """it answers as it should, or is not measured"""
    upstream.set(check=1, events=20, pace=0, burst=0)
    for name in ("small", "turns"):
        answer, text = ask(contestant, name)
        must(answer.status == 200, "%s: status %d, %s" % (
            name, answer.status, text[:300].decode(errors="replace")))
        usage = json.loads(text)["usage"]
        must(all(usage[k] == v for k, v in USAGE.items()), "another usage")
        check_body(contestant, upstream, name)

    try:
        check_stream(contestant, upstream)
    except Failed as error:
        if not contestant.slow:
            raise
        contestant.lacks = str(error)
        say("%s has no part in streams: %s" % (contestant.name, error))

    answer, text = ask(contestant, "image")
    must(answer.status == 200, "image: status %d, %s" % (
        answer.status, text[:300]))
    if contestant.exact:
        check_calls(contestant, upstream, quick)
    upstream.set(check=0)
    check_refusals(contestant)
    if contestant.coded:
        check_unread(contestant, upstream)


def check_calls(contestant, upstream, quick):
    """a call of each workload, as the load generator sends it"""
    for workload in WORKLOADS:
        if workload.refusal or not workload.fits(contestant, quick):
            continue
        workload.once(contestant)
        check_body(contestant, upstream, workload.body, workload.key)


def unmetered(contestant):
    """calls that it has not read, as it counts them itself"""
    text = urllib.request.urlopen(
        "http://127.0.0.1:%d/metrics" % contestant.port).read().decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.split("\n")
               if line.startswith("comet_unmetered_calls_total{"))


def check_unread(contestant, upstream):
    must(unmetered(contestant) == 0, "streams that are not read")
    upstream.set(coded=1)
    answer, text = ask(contestant, "stream")
    must(text.endswith(b"data: [DONE]\n\n"), "the end is missing")
    must(unmetered(contestant) == 1, "streams are read")
    upstream.set(coded=0)


def check_stream(contestant, upstream):
    answer, text = ask(contestant, "stream")
    lines = [line for line in text.decode().split("\n") if line]
    must(answer.status == 200 and lines[-1] == "data: [DONE]",
         "stream: status %d, %s" % (answer.status,
                                    text[-300:].decode(errors="replace")))
    must(sum("@T" in line for line in lines) == 18, "events are missing")
    must('"total_tokens":610' in text.decode().replace(": ", ":"),
         "the usage of a stream is missing")
    check_body(contestant, upstream, "stream")


def check_refusals(contestant):
    wrong = {"400": ("hot", CLIENT, 400), "401": ("small", UNKNOWN, 401),
             "429": ("small", SLOW, 429)}
    for kind in contestant.refuses:
        name, key, status = wrong[kind]
        status = contestant.statuses.get(kind, status)
        ask(contestant, name, key)
        answer, text = ask(contestant, name, key)
        must(answer.status == status, "%s for what is a %d: %s" % (
            answer.status, status, text[:300]))
        must("error" in json.loads(text), "an error without its form")


def take_part(running, names, upstream, quick):
    """adds those that run and answer rightly; why the others do not"""
    missing = {}
    for kind in contestants.ALL:
        one = kind()
        if names and one.name not in names:
            continue
        try:
            if quick and one.slow and not names:
                raise Missing("not in the quick run")
            if len(contestants.CORES) < one.cores_needed and not names:
                raise Missing("this machine has %d CPUs, and it needs %d" % (
                    len(contestants.CORES), one.cores_needed))
            one.install()
            one.start(upstream)
            check(one, upstream, quick)
            running.append(one)
            say("%s answers rightly" % one.name)
        except (Missing, Failed, OSError, http.client.HTTPException,
                ValueError, KeyError) as error:
            one.stop()
            if not (one.slow or one.cores_needed):
                raise
            missing[one.name] = str(error) or repr(error)
            say("%s does not take part: %s" % (one.name, missing[one.name]))
    return missing


def attempt(workload, one, upstream, quick, tries=3):
    """a short run on a machine that is busy elsewhere may see no answer"""
    for number in range(tries):
        try:
            return workload.run(one, upstream, quick, 4 ** number)
        except Failed as error:
            if one.slow or number == tries - 1:
                raise
            say("once more: %s: %s" % (one.name, error))


def measure(running, upstream, chosen, rounds, quick):
    """results[workload][contestant][round] is a dictionary of figures"""
    results, failures = {}, {}
    fewer = 1 if quick else min(rounds, 2)
    for number in range(rounds):
        at = number % len(running)
        for workload in chosen:
            if workload.pace and number >= fewer:
                continue
            for one in running[at:] + running[:at]:
                key = "%s/%s" % (workload.name, one.name)
                if not workload.fits(one, quick) or key in failures \
                        or one.slow and number >= fewer:
                    continue
                try:
                    found = attempt(workload, one, upstream, quick)
                    results.setdefault(workload.name, {}).setdefault(
                        one.name, {})[number] = found
                except Failed as error:
                    if not one.slow:
                        raise
                    failures[key] = str(error)
                    say("%s: %s" % (one.name, error))
                if one.slow:
                    one.settle(upstream)
        say("round %d of %d is over" % (number + 1, rounds))
    return results, failures


LONG_PARTS = ("hostile",)


def parts(running, upstream, quick):
    """what each bench_*.c prints"""
    found = {}
    for path in sorted(BENCH.glob("bench_*.c")):
        name = path.stem.partition("_")[2]
        if quick and name in LONG_PARTS:
            say("build/bench/%s does not run: not in the quick run" % name)
        elif (BUILD / name).exists():
            say("build/bench/%s runs" % name)
            found[name] = subprocess.run(
                [str(BUILD / name)], check=True, capture_output=True,
                text=True).stdout
    return found


def instructions_of(running, upstream, quick):
    return instructions.measure(
        [c for c in running if isinstance(c, Nginx) and not c.only
         and not c.coded], upstream, [NAMED[n] for n in ("small", "turns")])


def syscalls_of(running, upstream, quick):
    return syscalls.measure(
        [c for c in running if c.name in PLAIN], upstream,
        [NAMED[n] for n in (("small",) if quick else syscalls.COUNTS)])


def resources_of(running, upstream, quick):
    return resources.measure(
        [c for c in running if c.name in (*PLAIN, "many")], upstream,
        1 if quick else 3)


# what is measured once, behind the rounds: is it part of the quick run?

BESIDES = {
    "resources": (resources_of, True, "memory and start-up are measured"),
    "syscalls": (syscalls_of, True, "strace counts system calls"),
    "instructions": (instructions_of, False, "callgrind counts instructions"),
    "parts": (parts, True, "the parts run"),
}


def measure_besides(data, asked, running, upstream, quick):
    for name, (run, in_quick, what) in BESIDES.items():
        if name not in asked if asked else quick and not in_quick:
            continue
        say(what)
        try:
            data[name] = run(running, upstream, quick)
        except Missing as error:
            data["missing"][name] = str(error)
            say("NOT MEASURED, %s: %s" % (name, error))


def terminated(*_):
    """once: the gateways have to be stopped"""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", help="contestants, by comma")
    parser.add_argument("--workloads", help="by comma")
    parser.add_argument("--output", help="the page, docs/benchmarks.md")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, terminated)
    began = time.monotonic()
    rounds = options.rounds or (2 if options.quick else 5)
    names = options.only.split(",") if options.only else None
    asked = options.workloads.split(",") if options.workloads else None
    chosen = [w for w in WORKLOADS if not asked or w.name in asked]

    compile_tools()
    data = {"rounds": rounds, "quick": options.quick}
    upstream = Upstream()
    running = []
    try:
        data["missing"] = take_part(running, names, upstream, options.quick)
        data["results"], data["failures"] = measure(
            running, upstream, chosen, rounds, options.quick)
        measure_besides(data, asked, running, upstream, options.quick)
    finally:
        for one in running:
            one.stop()
        upstream.stop()

    data["lacks"] = {c.name: c.lacks for c in running if c.lacks}
    data["contestants"] = {
        c.name: dict(title=c.title, version=c.version, setting=c.setting,
                     slow=c.slow)
        for c in (kind() for kind in contestants.ALL)}
    data["seconds"] = time.monotonic() - began
    (BUILD / "results.json").write_text(json.dumps(data, indent=1))
    report.write(data, chosen, options.output)


if __name__ == "__main__":
    sys.exit(main())
