"""The page of figures: docs/benchmarks.md between its marks, and the terminal."""

import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys

from workloads import WORKLOADS

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BEGIN = "<!-- %s: written by make bench -->\n"
END = "<!-- end of %s -->\n"
SHOWN = ("direct", "bare", "before", "comet", "lua", "litellm", "portkey",
         "bifrost")
ASIDE = ("many", "bare2", "comet2")         # with tables of their own


def number(value):
    if value >= 1000:
        return "{:,.0f}".format(value)
    return "%.0f" % value if value >= 100 else "%.3g" % value


def spread(values, form):
    """median, and (minimum to maximum) where there is more than one"""
    if not values:
        return "–"
    text = form(statistics.median(values))
    if len(values) > 1:
        text += " (%s–%s)" % (form(min(values)), form(max(values)))
    return text


def ratio(value):
    return "%.2f" % value if value >= 0.095 else "%.2g" % value


def signed(value):
    return "%+.0f" % value


def kilobytes(value):
    return "%.1f KB" % value


# what the module is meant to reach beside bare nginx: what, as it is written,
# the bound and whether it is the least or the most, and where it is found

LEAST, MOST = 1, -1
TARGETS = [
    ("requests a second, 2 KB, 16 connections", "0.92, better 0.95", 0.92,
     LEAST, ratio, ("ratios", "small", "comet", "rate")),
    ("requests a second, 200 KB of many turns", "0.90", 0.9, LEAST, ratio,
     ("ratios", "turns", "comet", "rate")),
    ("requests a second, 16 MB", "0.90", 0.9, LEAST, ratio,
     ("ratios", "image", "comet", "rate")),
    *(("requests a second, %s MB, edited at its %s" % (size, where), "0.90",
       0.9, LEAST, ratio, ("ratios", "%s%sm" % (where, size), "comet", "rate"))
      for size in (8, 16) for where in ("front", "end")),
    ("events a second, 200 events at once", "0.98", 0.98, LEAST, ratio,
     ("ratios", "events", "comet", "rate")),
    ("events a second, each written by itself", "0.98", 0.98, LEAST, ratio,
     ("ratios", "writes", "comet", "rate")),
    ("p99 of small calls beside 16 MB", "1.1", 1.1, MOST, ratio,
     ("ratios", "beside", "comet", "p99")),
    ("p99 of small calls beside 16 MB, edited at its front", "1.1", 1.1, MOST,
     ratio, ("ratios", "besidefront", "comet", "p99")),
    ("added to the first event, p50, µs", "50", 50, MOST, signed,
     ("added", "first", "bare", "first", 1)),
    ("memory of a waiting stream", "1.15", 1.15, MOST, ratio,
     ("ratios", "waiting", "comet", "memory")),
    ("memory that the meter adds to a stream", "4 KB", 4, MOST, kilobytes,
     ("added", "waiting", "unread", "memory", 1024)),
    ("time that the meter adds to an event, µs", "5", 5, MOST,
     lambda v: "%.2f" % v, ("added", "paced1000", "unread", "cpu", 1)),
    *(("refusals a second, to its own requests: %s" % what, "above 1", 1,
       LEAST, ratio, ("to_own", name, "comet", "rate")) for name, what in (
           ("hot", "a parameter"), ("unknown", "a key"), ("limit", "a rate"))),
]


class Page:
    def __init__(self, data, chosen):
        self.data = data
        self.chosen = chosen
        self.results = data["results"]
        self.here = [n for n in SHOWN if any(
            n in per for per in self.results.values())]
        self.lines = []

    def title(self, name):
        return self.data["contestants"][name]["title"]

    def values(self, workload, name, key):
        rounds = self.results.get(workload, {}).get(name, {})
        return [r[key] for r in rounds.values() if r.get(key) is not None]

    def ratios(self, workload, name, key):
        """of each round to bare nginx in the same round"""
        rounds = self.results.get(workload, {}).get(name, {})
        bare = self.results.get(workload, {}).get("bare", {})
        return [r[key] / bare[n][key] for n, r in rounds.items()
                if r.get(key) is not None and bare.get(n, {}).get(key)]

    def add(self, *lines):
        self.lines.extend(lines)

    def table(self, head, rows):
        if rows:
            self.add("| " + " | ".join(head) + " |",
                     "|" + "---|" * len(head))
            self.add(*("| " + " | ".join(row) + " |" for row in rows))
            self.add("")

    def across(self, key, form, get, names, keep):
        """a row for each workload, a column for each contestant"""
        rows = []
        for w in self.chosen:
            if not keep(w):
                continue
            cells = [spread(get(w.name, n, key), form) for n in names]
            if any(c != "–" for c in cells):
                rows.append([w.title] + cells)
        self.table([""] + [self.title(n) for n in names], rows)

    def rates(self):
        plain = [n for n in self.here if n != "bare"]
        self.add("### Requests a second, as a fraction of bare nginx", "",
                 "For streams, events a second. More is better.", "")
        self.across("rate", ratio, self.ratios, plain,
                    self.common)
        self.add("As absolute figures:", "")
        self.across("rate", number, self.values, self.here,
                    self.common)

    def common(self, w):
        return not (w.refusal or w.pace or w.among or hasattr(w, "beside"))

    def ways(self):
        """bodies that are sent in another way, of bare nginx and the module"""
        rows = []
        for w in self.chosen:
            if not w.among or hasattr(w, "beside") \
                    or not self.values(w.name, "bare", "rate") \
                    or not self.values(w.name, "comet", "rate"):
                continue
            rows.append([w.title] + [
                spread(self.ratios(w.name, n, key), ratio)
                for n, key in (("comet", "rate"), ("comet", "cpu"))] + [
                spread(self.values(w.name, "bare", "rate"), number)])
        if rows:
            self.add("### Bodies that are edited or repaired, or sent in another way", "",
                     "This module, as a fraction and a multiple of bare nginx. "
                     "For streams, events.", "")
            self.table(["", "a second", "CPU time",
                        "bare nginx, a second"], rows)

    def cost(self):
        names = [n for n in self.here if n not in ("bare", "direct")]
        self.add("### CPU time, as a multiple of bare nginx", "",
                 "What the gateway's processes take for a request, or for an "
                 "event of a stream,", "with the kernel's work for them. "
                 "Less is better.", "")
        self.across("cpu", ratio, self.ratios, names,
                    lambda w: not w.refusal and not w.among)
        self.add("Bare nginx, in microseconds:", "")
        self.across("cpu", number, self.values, ["bare"],
                    lambda w: not w.refusal and not w.among)

    def latency(self):
        self.add("### Latency, in microseconds", "")
        for name, key, what in (
                ("alone", "p50", "A chat of 2 KB, one at a time: median"),
                ("first", "first", "Time to the first event, one stream at "
                 "a time: median"),
                ("beside", "p50", "Small calls beside images of 16 MB: "
                 "median"),
                ("beside", "p99", "Small calls beside images of 16 MB: 99th "
                 "percentile"),
                ("besidefront", "p50", "Small calls beside images of 16 MB, "
                 "edited at their front: median"),
                ("besidefront", "p99", "Small calls beside images of 16 MB, "
                 "edited at their front: 99th percentile")):
            if name not in self.results:
                continue
            rows = []
            for n in self.here:
                values = self.values(name, n, key)
                if not values:
                    continue
                added = []
                bare = self.results[name].get("bare", {})
                for k, r in self.results[name][n].items():
                    if k in bare and r.get(key) and bare[k].get(key):
                        added.append(r[key] - bare[k][key])
                rows.append([
                    self.title(n), spread(values, number),
                    spread(added, lambda v: "%+.0f" % v)
                    if n not in ("direct", "bare") else "",
                    spread(self.ratios(name, n, key), ratio)
                    if n != "bare" else ""])
            self.add("%s." % what, "")
            self.table(["", "µs", "added to bare nginx", "ratio"], rows)

    def streams(self):
        for w in self.chosen:
            if not w.pace or w.name not in self.results:
                continue
            rows = []
            for n in self.here:
                if not self.values(w.name, n, "delay"):
                    continue
                title = self.title(n)
                if self.data["contestants"][n]["slow"]:
                    title += ", %d streams" % w.slow_conns
                memory = self.values(w.name, n, "memory")
                rows.append([title] + [
                    spread(memory, lambda v: number(v / 1024))
                    if n != "direct" else "",
                    spread(self.ratios(w.name, n, "memory"), ratio)
                    if n not in ("direct", "bare") else ""] + [
                    spread(self.values(w.name, n, k), number) for k in (
                        "first", "first99", "delay", "delay99")])
            self.add("### " + w.title, "",
                     "Memory is what a stream adds to the gateway's processes "
                     "(Pss).", "The delay is from the upstream's write to "
                     "the client's read.", "")
            self.table(["", "memory, KB", "ratio", "first event, µs: p50",
                        "p99", "delay, µs: p50", "p99"], rows)

    def added(self, workload, name, key, unit):
        """by the module to what another one takes in the same round"""
        rounds = self.results.get(workload, {}).get("comet", {})
        other = self.results.get(workload, {}).get(name, {})
        return [(r[key] - other[n][key]) / unit for n, r in rounds.items()
                if key in r and key in other.get(n, {})]

    def to_own(self, workload, name, key):
        """of each round to what the same one passes on in it"""
        own = self.results.get("small", {}).get(name, {})
        rounds = self.results.get(workload, {}).get(name, {})
        return [r[key] / own[n][key] for n, r in rounds.items() if n in own]

    def workers(self):
        rows = []
        for one, two in (("bare", "bare2"), ("comet", "comet2")):
            rounds = self.results.get("wide", {})
            if one not in rounds or two not in rounds:
                continue
            rows.append([self.title(one)] + [
                spread(self.values("wide", n, "rate"), number)
                for n in (one, two)] + [
                spread([r["rate"] / rounds[one][k]["rate"]
                        for k, r in rounds[two].items() if k in rounds[one]],
                       ratio)])
        if rows:
            self.add("### One worker and two", "", "Requests a second of 2 KB, "
                     "64 connections, all of one tenant.", "")
            self.table(["", "1 worker", "2 workers", "ratio"], rows)

    def tenants(self):
        found = self.data.get("resources", {})
        if "many" not in found or "comet" not in found:
            return
        self.add("### 10,000 tenants, each with five limits", "",
                 "Memory is that of all processes (Pss), the zone included. "
                 "What is used of the zone", "holds the counters. A call of "
                 "another tenant each time is the dearest: nothing of it is "
                 "in a cache.", "")
        rows = [[what] + [spread([r[key] / unit for r in found[n]], number)
                          for n in ("comet", "many")]
                for what, key, unit in (
                    ("start-up to the first response, ms", "start", 0.001),
                    ("memory, MB", "memory", 1 << 20),
                    ("used of the zone, KB", "zone", 1024))]
        for what, workload, key in (
                ("requests a second, 2 KB", "small", "rate"),
                ("CPU of a request, µs", "small", "cpu"),
                ("requests a second, 2 KB, each by another tenant", "apart",
                 "rate"),
                ("CPU of a request, µs, each by another tenant", "apart",
                 "cpu")):
            cells = [spread(self.values(workload, n, key), number)
                     for n in ("comet", "many")]
            if cells[1] != "–":
                rows.append([what] + cells)
        self.table(["", "a few tenants", "10,000 tenants"], rows)

    def idle(self):
        found = self.data.get("resources", {})
        rows = [[self.title(n)] + [
            spread([r[key] for r in found[n]], number)
            for key in ("fresh", "used")]
            for n in ("bare", "before", "comet") if n in found]
        if rows:
            self.add("### An idle connection of a client, bytes", "",
                     "What one of 2,000 adds to nginx's processes (Pss); the "
                     "kernel's buffers are not in it.", "")
            self.table(["", "before its first call", "after a call"], rows)

    def syscalls(self):
        found = self.data.get("syscalls")
        if not found:
            return
        names = [n for n in ("bare", "before", "comet")
                 if any(n in per for per in found.values())]
        titles = {w.name: w.title for w in WORKLOADS}
        titles["events"] = "A stream of 20 events, written at once"
        self.add("### System calls of a request", "",
                 "Of a worker, on a kept connection, counted by strace. How "
                 "often sockets are read and written,", "and waited for, "
                 "depends with large bodies on how they come.", "")
        rows = []
        for name, per in found.items():
            calls = sorted({c for n in names for c in per[n]},
                           key=lambda c: -max(per[n].get(c, 0) for n in names))
            rows.append(["**%s**" % titles[name]] + [
                "**%.1f**" % sum(per[n].values()) for n in names])
            rows.extend([["`%s`" % c] + [
                "%.1f" % per[n][c] if c in per[n] else "–" for n in names]
                for c in calls])
        self.table([""] + [self.title(n) for n in names], rows)

    def busy(self):
        names = [n for n in ("bare", "comet") if n in self.here]
        rows = [[w.title] + [spread(self.values(w.name, n, key), ratio)
                             for n in names for key in ("busy", "others")]
                for w in self.chosen
                if any(self.values(w.name, n, "busy") for n in names)]
        if rows:
            self.add("### Who waits for whom", "",
                     "The part of its CPU that the gateway takes, and the part "
                     "of theirs that the load generator", "and the upstream "
                     "take. Where the gateway takes nearly all of it, it is "
                     "what is measured; where", "nobody does, calls wait for "
                     "each other by nature, or the machine was busy "
                     "elsewhere.", "")
            self.table([""] + [self.title(n) + what for n in names
                               for what in ("", ": the others")], rows)

    def targets(self):
        rows = []
        for what, meant, bound, sign, form, (get, *where) in TARGETS:
            values = getattr(self, get)(*where)
            if not values:
                continue
            held = sign * (round(statistics.median(values), 2) - bound) >= 0
            rows.append([what, meant, spread(values, form),
                         "yes" if held else "no"])
        page = Page(self.data, self.chosen)
        page.table(["", "meant", "found", "held"], rows)
        return "\n".join(page.lines)

    def meter(self):
        """the module beside itself"""
        if not any("unread" in per for per in self.results.values()):
            return
        self.add("### What reading a stream adds", "",
                 "Both are the same, except that for one the API names a "
                 "coding of its streams.", "So the meter passes them unread.",
                 "")
        for key, unit, what in (("memory", 1024, "KB a stream"),
                                ("cpu", 1, "µs of CPU an event")):
            rows = []
            for w in self.chosen:
                if not self.values(w.name, "unread", key):
                    continue
                rows.append([w.title] + [
                    spread([v / unit for v in self.values(w.name, n, key)],
                           number) for n in ("bare", "unread", "comet")] + [
                    spread(self.added(w.name, n, key, unit),
                           lambda v: "%+.2f" % v) for n in ("unread", "bare")])
            self.table([what, "nginx, `proxy_pass`", "not read", "read",
                        "added by the meter", "added to `proxy_pass`"], rows)

    def refusals(self):
        rows = []
        for w in self.chosen:
            if not w.refusal:
                continue
            for n in self.here:
                own = self.results.get("small", {}).get(n, {})
                rounds = self.results.get(w.name, {}).get(n, {})
                values = [r["rate"] for r in rounds.values()]
                if not values:
                    continue
                both = [(r, own[k]) for k, r in rounds.items() if k in own]
                rows.append([w.title, self.title(n), spread(values, number),
                             spread([r["rate"] / o["rate"] for r, o in both],
                                    ratio),
                             spread([r["cpu"] / o["cpu"] for r, o in both],
                                    ratio)])
        if rows:
            self.add("### Refusals", "", "With a chat of 2 KB. The last two "
                     "columns compare with what the same gateway passes on.",
                     "")
            self.table(["", "", "a second", "to its own requests",
                        "CPU time, to its own requests"], rows)

    def instructions(self):
        found = self.data.get("instructions")
        if not found:
            return
        names = [n for n in self.here if any(n in f for f in found.values())]
        self.add("### Instructions for a request", "",
                 "Of a worker, counted by callgrind, outside the kernel. 1,200 "
                 "requests, less what 200 take,", "divided by 1,000.", "")
        titles = {w.name: w.title for w in WORKLOADS}
        self.table(
            [""] + [self.title(n) for n in names],
            [[titles[name]] + [
                "%s%s" % (number(per[n]), "" if n == "bare" else
                          " (%s)" % ratio(per[n] / per["bare"]))
                if n in per else "–" for n in names]
             for name, per in found.items()])

    def parts(self):
        for name, text in self.data.get("parts", {}).items():
            self.add("### `build/bench/%s`" % name, "", "```", text.strip("\n"),
                     "```", "")

    def who(self):
        rows = []
        for n in SHOWN + ASIDE:
            one = self.data["contestants"].get(n)
            if not one:
                continue
            why = self.data["missing"].get(n)
            note = "did not take part: " + why if why else one["setting"]
            if n in self.data["lacks"]:
                note += "; no streams: " + self.data["lacks"][n]
            for key, text in self.data["failures"].items():
                if key.endswith("/" + n):
                    note += "; failed %s" % key.partition("/")[0]
            rows.append([one["title"], one["version"].replace("|", "\\|"),
                         note.replace("|", "\\|").replace("\n", " ")])
        self.add("### Who takes part", "")
        self.table(["", "version", "how"], rows)

    def write(self):
        self.add("Command: `python3 %s`, %d rounds, %d minutes, on" % (
            shlex.join(sys.argv), self.data["rounds"],
            round(self.data["seconds"] / 60)), machine() + ".", "")
        self.who()
        for name, why in self.data["missing"].items():
            if name not in self.data["contestants"]:
                self.add("Not measured: %s, %s." % (name, why), "")
        self.rates()
        self.ways()
        self.cost()
        self.latency()
        self.streams()
        self.meter()
        self.refusals()
        self.workers()
        self.tenants()
        self.idle()
        self.syscalls()
        self.instructions()
        self.busy()
        self.parts()
        return "\n".join(self.lines)


def output_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    model = " ".join(found.group(1).split()) if found else os.uname().machine
    family = "".join(" %s %s" % (what, one.group(1)) for what, one in (
        ("family", re.search(r"^cpu family\s*:\s*(\d+)", text, re.M)),
        ("model", re.search(r"^model\s*:\s*(\d+)", text, re.M))) if one)
    compiler = output_of("cc", "--version").partition("\n")[0]
    kernel = re.match(r"[\d.]+", os.uname().release).group(0).rstrip(".")
    return "%s (%s), %d cores, Linux %s, %s" % (
        model, family.strip(), len(os.sched_getaffinity(0)), kernel, compiler)


def between(page, what, text):
    before, _, rest = page.partition(BEGIN % what)
    _, found, after = rest.partition(END % what)
    if not found:
        raise SystemExit("bench: the page has no marks of %s" % what)
    return before + BEGIN % what + "\n" + text.strip("\n") + "\n\n" \
        + END % what + after


def write(data, chosen, output):
    page = Page(data, chosen)
    targets, figures = page.targets(), page.write()
    print("\n" + targets + "\n" + figures)
    if not output:
        return
    path = pathlib.Path(output)
    path.write_text(between(between(path.read_text(), "targets", targets),
                            "figures", figures))
    print("bench: written to %s" % path)
