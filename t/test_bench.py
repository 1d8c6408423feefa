"""What make bench writes, from figures that are made up."""

import shutil
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "t/bench"))

import report  # noqa: E402
from contestants import ALL, OTHER  # noqa: E402
from workloads import EACH, WORKLOADS, arrives, body, request  # noqa: E402

FIGURES = dict.fromkeys(
    ("rate", "cpu", "p50", "p99", "busy", "others", "first", "first99",
     "delay", "delay99", "memory"), 2.0)


def data(names, **more):
    kinds = {kind.name: kind() for kind in ALL}
    found = {c.name: dict(title=c.title, version="1", setting="", slow=c.slow)
             for c in kinds.values()}
    return dict({
        "rounds": 2, "quick": False, "seconds": 60, "missing": {}, "lacks": {},
        "failures": {}, "contestants": found,
        "results": {w.name: {n: {0: dict(FIGURES), 1: dict(FIGURES)}
                             for n in names if w.fits(kinds[n], False)}
                    for w in WORKLOADS}}, **more)


@pytest.mark.parametrize("names", [
    ["bare"], ["comet"], ["bare", "comet"], [kind.name for kind in ALL]])
def test_the_page_is_written_whatever_was_measured(tmp_path, names):
    page = tmp_path / "page.md"
    shutil.copy(ROOT / "docs/benchmarks.md", page)
    before = page.read_text()
    report.write(data(names), WORKLOADS, page)
    after = page.read_text()
    assert after != before
    report.write(data(names), WORKLOADS, page)
    assert page.read_text() == after
    for marks in report.BEGIN, report.END:
        for what in "targets", "figures":
            assert after.count(marks % what) == 1
    assert before.partition("<!--")[0] == after.partition("<!--")[0]


def test_a_target_is_held_or_not():
    worse = data(["bare", "comet"])
    for found in worse["results"]["small"]["comet"].values():
        found["rate"] = 1.82
    lines = report.Page(worse, WORKLOADS).targets().split("\n")
    assert "| requests a second, 2 KB, 16 connections | 0.92, better 0.95 " \
        "| 0.91 (0.91–0.91) | no |" in lines
    assert sum(line.endswith("| yes |") for line in lines) >= 15


def test_what_could_not_be_measured_is_told():
    page = report.Page(data(["bare", "comet"], missing={
        "syscalls": "strace is not installed"}), WORKLOADS).write()
    assert "Not measured: syscalls, strace is not installed." in page


def test_each_target_is_of_a_workload():
    names = {w.name for w in WORKLOADS}
    assert {where[1] for *_, where in report.TARGETS} <= names


def frames(text):
    while text:
        size = int.from_bytes(text[:3], "big")
        yield text[3], text[4], text[9:9 + size]
        text = text[9 + size:]


def test_a_request_of_http2():
    one = ALL[0]()
    first, *rest = frames(request(one, "turns", form="two"))
    assert first[:2] == (1, 4)
    assert [flags for _, flags, _ in rest] == [0] * (len(rest) - 1) + [1]
    assert b"".join(text for _, _, text in rest) == body(one, "turns")


def test_a_request_in_chunks():
    one = ALL[0]()
    head, _, text = request(one, "turns", form="chunked").partition(
        b"\r\n\r\n")
    assert b"Content-Length" not in head
    found = b""
    while text:
        size, _, text = text.partition(b"\r\n")
        found += text[:int(size, 16)]
        text = text[int(size, 16) + 2:]
    assert found == body(one, "turns")


def test_a_key_for_each_of_many():
    assert len(EACH) == len(OTHER % "00000")
    assert request(ALL[0](), "small", EACH).count(b"@@@@@") == 1


def test_what_is_to_arrive_of_an_edited_body():
    bare, comet = (next(kind() for kind in ALL if kind.name == name)
                   for name in ("bare", "comet"))
    for name in "front64k", "end64k", "hot", "hotturns":
        assert arrives(bare, name) == body(bare, name)
        assert arrives(comet, name) != body(comet, name)
    assert arrives(comet, "small") == body(comet, "small")
