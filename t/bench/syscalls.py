"""System calls of one process of nginx for a request on a kept connection."""

import shutil
import subprocess

import under
from contestants import Missing

TOOL = ["strace", "-f", "-c", "-o", "{out}"]

# what is asked, and how often: a large body takes its time under strace

COUNTS = {"small": (100, 600), "repaired": (50, 150), "turns": (50, 150),
          "chunkedturns": (50, 150), "two": (50, 150), "tls": (50, 150),
          "events": (50, 150), "image": (2, 6), "front16m": (2, 6),
          "end16m": (2, 6)}


def available():
    if not shutil.which("strace"):
        raise Missing("strace is not installed")
    done = subprocess.run(["strace", "-c", "-o", "/dev/null", "true"],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode:
        raise Missing("strace may not trace here: %s"
                      % done.stderr.strip().partition("\n")[0])


def count(contestant, upstream, workload, requests):
    """found[system call]: how often"""
    text = under.run(TOOL, contestant, upstream, workload, requests, 1)
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5 and words[0][0].isdigit() and words[-1] != "total":
            found[words[-1]] = int(words[3])
    return found


def measure(running, upstream, workloads):
    """found[workload][contestant][system call]: how often for a request"""
    available()
    upstream.set(events=20, pace=0, burst=0, check=0)
    found = {}
    for workload in workloads:
        counts = COUNTS[workload.name]
        for one in running:
            few, many = (count(one, upstream, workload, n) for n in counts)
            more = {call: (many[call] - few.get(call, 0))
                    / (counts[1] - counts[0]) for call in many}
            found.setdefault(workload.name, {})[one.name] = {
                call: n for call, n in more.items() if n >= 0.01}
    return found
