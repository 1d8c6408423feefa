#!/usr/bin/env python3
"""nginx's style, as far as a script can tell, and what must not be called."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

BANNED = re.compile(
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|scanf|sscanf"
    r"|alloca|system|popen|mktemp|tmpnam|setjmp|longjmp)\s*\(")
LINES = [
    (re.compile(r"\t"), "a tab"),
    (re.compile(r"[ \t]+$"), "space at the end"),
    (re.compile(r"(^|\s)//"), "a // comment"),
    (re.compile(r"\b(if|for|while|switch)\("), "no space after the keyword"),
    (re.compile(r"\)\{"), "no space before the brace"),
    (re.compile(r"^[a-z].*\b\w+\(.*\)$(?<!;)"), "type and name of a function "
                                                "on one line"),
    (re.compile(r"\bNGX_COMET_\w*STUB|\bTODO\b|\bFIXME\b"), "left to do"),
]
LONGEST_FUNCTION = 120
LONGEST_FILE = 900

problems = []


def problem(path, number, what):
    problems.append("%s:%d: %s" % (path.relative_to(ROOT), number, what))


def functions(lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start, number - start
            start = None


def check_c(path):
    text = path.read_text()
    lines = text.splitlines()
    unit = "/t/" in str(path)
    for number, line in enumerate(lines, 1):
        if len(line) > 80:
            problem(path, number, "over 80 columns")
        for pattern, what in LINES:
            if what.startswith("type and") and (
                    path.suffix == ".h" or "define" in line or line.startswith(("extern", "typedef",
                                                         "return"))):
                continue
            if pattern.search(line):
                problem(path, number, what)
        found = BANNED.search(line)
        if found and not unit:
            problem(path, number, "%s() is banned" % found.group(1))
    for number, length in functions(lines):
        if length > LONGEST_FUNCTION:
            problem(path, number, "a function of %d lines" % length)
    if len(lines) > LONGEST_FILE:
        problem(path, 1, "a file of %d lines" % len(lines))
    if "\n\n\n\n" in text:
        problem(path, 1, "three empty lines in a row")
    if not text.endswith("\n"):
        problem(path, len(lines), "no end of line at the end")
    if re.search(r"^}\n\n?[a-z#/]", text, re.M) and path.suffix == ".c":
        problem(path, 1, "less than two empty lines after a function")
    if "core" in path.relative_to(ROOT).parts \
            and re.search(r"#include <ngx_|ngx_config", text):
        problem(path, 1, "the core includes nginx")


def check_python(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if len(line) > 100:
            problem(path, number, "over 100 columns")
        if line.rstrip() != line:
            problem(path, number, "space at the end")
    try:
        compile(path.read_text(), str(path), "exec")
    except SyntaxError as error:
        problem(path, error.lineno or 1, str(error))


files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"],
                       cwd=ROOT, capture_output=True, text=True,
                       check=True).stdout.splitlines()
for name in files:
    path = ROOT / name
    if not path.exists():
        continue
    if path.suffix in (".c", ".h"):
        check_c(path)
    elif path.suffix == ".py":
        check_python(path)

print("\n".join(problems) or "lint: %d files" % len(files))
sys.exit(bool(problems))
