"""Instructions of a worker for a request, counted by callgrind.

One process of nginx serves so many requests and then more of them; the
difference is without what starting takes.  The kernel's part is not seen.
"""

import re
import shutil
import subprocess
import time

from contestants import BUILD, Missing, Process, free_port
from workloads import load_end, load_start, request_file, sound

COUNTS = (200, 1200)


def count(contestant, upstream, name, requests):
    directory = BUILD / "callgrind" / contestant.name
    shutil.rmtree(directory, ignore_errors=True)
    port = free_port()
    command = contestant.conf(upstream, port, directory,
                              "master_process off;\n")
    out = BUILD / "callgrind" / ("%s-%s-%d.out" % (contestant.name, name,
                                                   requests))
    out.unlink(missing_ok=True)
    process = Process(["valgrind", "--tool=callgrind", "--quiet",
                       "--callgrind-out-file=%s" % out] + command, port,
                      directory / "output.log", 60)
    try:
        result = load_end(load_start(port, 240, {"a": dict(
            file=request_file(contestant, name), conns=4, n=requests)}))["a"]
        sound(result, "callgrind")
    finally:
        time.sleep(0.2)
        process.stop()
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)
    return int(found.group(1))


def measure(running, upstream, names):
    """found[name][contestant]: instructions a request"""
    if not shutil.which("valgrind"):
        raise Missing("valgrind is not installed")
    upstream.set(events=200, pace=0, burst=1, check=0)
    found = {}
    for name in names:
        for one in running:
            if not hasattr(one, "conf"):
                continue
            few, many = (count(one, upstream, name, n) for n in COUNTS)
            found.setdefault(name, {})[one.name] = \
                (many - few) / (COUNTS[1] - COUNTS[0])
    return found


def available():
    return subprocess.run(["valgrind", "--version"], capture_output=True,
                          text=True).stdout.strip()
