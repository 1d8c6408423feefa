#!/usr/bin/env python3
"""The architecture that the folders show: a wing knows only those before it,
and parts of one wing that need each other have a reason."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

WINGS = [
    "src/core/json",
    "src/core/limits",
    "src/core/policy",
    "src/core/metrics",
    "src/core/meter",
    "src/core/retry",

    "src/http",
    "src/http/conf",
    "src/http/policy",
    "src/http/meter",
    "src/http/tenant",
    "src/http/metrics",
    "src/http/retry",
    "src/http/gate",
    "src/http/upstream",

    ".",
]

# one part in several files, which share a header of their own
FAMILIES = {
    "collect": "one taker of a body's tokens",
    "scan": "one scanner of JSON",
    "text": "one run over text, as fast as each machine can",
    "usage": "one reader of answers",
}

# parts that know each other, and why
CIRCLES = {
    frozenset(["judge", "collect", "range", "fit", "amend"]):
        "one judge, fed by tokens: what it keeps, what it finds, what it changes",
}

NAME = re.compile(r"\bngx_comet_\w+")
INCLUDE = re.compile(r'^#include "(ngx_comet_\w+\.h)"', re.M)
STATIC = re.compile(r"^static\b[^;{]*?\b(ngx_comet_\w+)(?:\(|\[|;| =)", re.M)
DEFINED = re.compile(r"^(?:(ngx_comet_\w+)\(|(?!static|extern|typedef)[a-z][\w ]*?[ *]"
                     r"(ngx_comet_\w+)(?:\[\w*\])*(?:;| = ))", re.M)
NOT_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


class File:
    def __init__(self, path, root):
        self.path = path.relative_to(root)
        self.wing = str(self.path.parent)
        name = self.path.stem.removeprefix("ngx_comet_")
        self.part = next((family for family in FAMILIES
                          if name.startswith(family + "_")), name)
        text = path.read_text()
        self.includes = INCLUDE.findall(text)
        code = NOT_CODE.sub(" ", text)
        self.own = set(STATIC.findall(code))
        self.defines = {a or b for a, b in DEFINED.findall(code)} - self.own \
            if path.suffix == ".c" else set()
        self.names = set(NAME.findall(code)) - self.own


def read(root):
    paths = [root / "ngx_comet_module.c", *sorted(root.glob("src/**/*.[ch]"))]
    return [File(path, root) for path in paths]


def arrows(files):
    """(file, what it uses of it, the other file)"""
    headers = {file.path.name: file for file in files}
    homes = {name: file for file in files for name in file.defines}
    for file in files:
        for name in file.includes:
            if name in headers:
                yield file, name, headers[name]
        for name in sorted(file.names & homes.keys()):
            yield file, name, homes[name]


def check(root=ROOT):
    files = read(root)
    problems = []
    seen = {}
    for file in files:
        if file.wing not in WINGS:
            problems.append("%s: a folder that is no wing of t/wings.py" % file.path)
        other = seen.setdefault(file.path.name, file)
        if other is not file:
            problems.append("%s: the name of %s" % (file.path, other.path))
    if problems:
        return problems

    known = {}
    for file, name, other in arrows(files):
        if other.path.name == "ngx_comet_module.c" and name == "ngx_comet_module":
            continue
        if WINGS.index(file.wing) < WINGS.index(other.wing):
            problems.append("%s: \"%s\" is of %s, a wing above it" % (file.path, name, other.wing))
        elif file.wing == other.wing and file.part != other.part:
            known.setdefault((file.wing, file.part), set()).add((other.wing, other.part))

    for circle in circles(known):
        if circle[1] not in CIRCLES:
            problems.append("%s: %s know each other; part them, or say why in t/wings.py"
                            % (circle[0], " and ".join(sorted(circle[1]))))
    return sorted(set(problems))


def circles(known):
    """The groups of parts each of which leads to the others."""
    reach = {}

    def reached(part):
        if part not in reach:
            found, left = set(), [part]
            while left:
                for other in known.get(left.pop(), ()):
                    if other not in found:
                        found.add(other)
                        left.append(other)
            reach[part] = found
        return reach[part]

    groups = {frozenset(other for other in reached(part) if part in reached(other))
              for part in known if part in reached(part)}
    return sorted(((next(iter(group))[0], frozenset(part for _, part in group))
                   for group in groups), key=str)


if __name__ == "__main__":
    found = check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    print("\n".join(found) or "wings: no arrow runs up")
    sys.exit(bool(found))
