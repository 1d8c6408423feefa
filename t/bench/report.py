"""The page of figures: docs/benchmarks.md between its marks, and the terminal."""

import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BEGIN = "<!-- figures: written by make bench -->\n"
END = "<!-- end of figures -->\n"
SHOWN = ("direct", "bare", "before", "comet", "lua", "litellm", "portkey",
         "bifrost")


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
                    lambda w: not w.refusal and not w.pace
                    and w.name != "beside")
        self.add("As absolute figures:", "")
        self.across("rate", number, self.values, self.here,
                    lambda w: not w.refusal and not w.pace
                    and w.name != "beside")

    def cost(self):
        names = [n for n in self.here if n not in ("bare", "direct")]
        self.add("### CPU time, as a multiple of bare nginx", "",
                 "What the gateway's processes take for a request, or for an "
                 "event of a stream,", "with the kernel's work for them. "
                 "Less is better.", "")
        self.across("cpu", ratio, self.ratios, names,
                    lambda w: not w.refusal)
        self.add("Bare nginx, in microseconds:", "")
        self.across("cpu", number, self.values, ["bare"],
                    lambda w: not w.refusal)

    def latency(self):
        self.add("### Latency, in microseconds", "")
        for name, key, what in (
                ("alone", "p50", "A chat of 2 KB, one at a time: median"),
                ("first", "first", "Time to the first event, one stream at "
                 "a time: median"),
                ("beside", "p50", "Small calls beside images of 16 MB: "
                 "median"),
                ("beside", "p99", "Small calls beside images of 16 MB: 99th "
                 "percentile")):
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
        rounds = self.results[workload]["comet"]
        other = self.results[workload].get(name, {})
        return [(r[key] - other[n][key]) / unit for n, r in rounds.items()
                if key in r and key in other.get(n, {})]

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
        titles = {w.body: w.title for w in reversed(self.chosen)}
        self.table(
            [""] + [self.title(n) for n in names],
            [[titles.get(body, body)] + [
                "%s%s" % (number(per[n]), "" if n == "bare" else
                          " (%s)" % ratio(per[n] / per["bare"]))
                if n in per else "–" for n in names]
             for body, per in found.items()])

    def parts(self):
        for name, text in self.data.get("parts", {}).items():
            self.add("### `build/bench/%s`" % name, "", "```", text.strip("\n"),
                     "```", "")

    def who(self):
        rows = []
        for n in SHOWN:
            one = self.data["contestants"][n]
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
        self.rates()
        self.cost()
        self.latency()
        self.streams()
        self.meter()
        self.refusals()
        self.instructions()
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


def write(data, chosen, output):
    text = Page(data, chosen).write()
    print("\n" + text)
    if not output:
        return
    path = pathlib.Path(output)
    page = path.read_text()
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit("bench: %s has no marks to write between" % path)
    path.write_text(before + BEGIN + "\n" + text.strip("\n") + "\n\n" + END
                    + after)
    print("bench: written to %s" % path)
