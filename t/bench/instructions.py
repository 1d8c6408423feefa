"""Instructions of a worker for a request, counted by callgrind.

The kernel's part is not seen.
"""

import re
import shutil

import under
from contestants import Missing

COUNTS = (200, 1200)
TOOL = ["valgrind", "--tool=callgrind", "--quiet",
        "--callgrind-out-file={out}"]


def count(contestant, upstream, workload, requests):
    text = under.run(TOOL, contestant, upstream, workload, requests, 4)
    return int(re.search(r"^(?:summary|totals): (\d+)", text, re.M).group(1))


def measure(running, upstream, workloads):
    """found[workload][contestant]: instructions a request"""
    if not shutil.which("valgrind"):
        raise Missing("valgrind is not installed")
    upstream.set(events=200, pace=0, burst=1, check=0)
    found = {}
    for workload in workloads:
        for one in running:
            few, many = (count(one, upstream, workload, n) for n in COUNTS)
            found.setdefault(workload.name, {})[one.name] = \
                (many - few) / (COUNTS[1] - COUNTS[0])
    return found
