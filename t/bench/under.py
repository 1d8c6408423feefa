"""One process of nginx under a tool that counts, and a request's share of it.

It serves so many requests and then more of them; the difference is without
what starting takes.
"""

import shutil
import time

from contestants import BUILD, Process, free_ports, tree
from workloads import load_end, load_start, sound


WAYS = ("", "two", "tls")


def run(tool, contestant, upstream, workload, requests, conns):
    """the file that the tool wrote; {out} in its command is that one"""
    directory = BUILD / "under" / contestant.name
    shutil.rmtree(directory, ignore_errors=True)
    ports = free_ports(3)
    command = contestant.conf(upstream, ports, directory,
                              "master_process off;\n")
    out = BUILD / "under" / ("%s-%s-%s-%d.out" % (tool[0], contestant.name,
                                                 workload.name, requests))
    out.unlink(missing_ok=True)
    process = Process([part.format(out=out) for part in tool] + command,
                      ports[0], directory / "output.log", 60)
    try:
        sound(load_end(load_start(
            ports[WAYS.index(workload.way)], 240, {"a": dict(
                workload.classes(contestant, 0)["a"], conns=conns,
                n=requests)}))["a"], tool[0])
    finally:
        time.sleep(0.2)
        process.stop(*tree(process.pid)[-1:])
    return out.read_text()
