"""The page of figures."""

import json
import statistics


def write(data, chosen, output):
    for w in chosen:
        per = data["results"].get(w.name, {})
        print("==", w.title)
        bare = per.get("bare", {})
        for name, rounds in per.items():
            keys = sorted({k for r in rounds.values() for k in r})
            line = []
            for k in keys:
                vals = [r[k] for r in rounds.values() if r.get(k) is not None]
                if not vals:
                    continue
                rat = [r[k] / bare[n][k] for n, r in rounds.items()
                       if n in bare and bare[n].get(k) and r.get(k) is not None]
                line.append("%s %.1f (x%s)" % (
                    k, statistics.median(vals),
                    "%.3f" % statistics.median(rat) if rat else "-"))
            print("  %-8s %s" % (name, "  ".join(line)))
    print("seconds", data["seconds"])
