"""What comes from elsewhere: a mirror's bad day is no failure of ours."""

import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading

import pytest

from conftest import ROOT

ORIG = "/debian/pool/main/n/nginx/nginx_1.26.3.orig.tar.gz"


def tarball():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("nginx-1.26.3/src/core/nginx.h")
        tar.addfile(member, io.BytesIO())
    return out.getvalue()


@pytest.fixture
def project(tmp_path):
    """The scripts alone, in a folder of their own."""
    for name in ("t/fetch.sh", "t/source.sh", ".ci/run"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(project, *command, **env):
    done = subprocess.run(command, cwd=project, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, COMET_PAUSES="0 0", **env))
    missing = project / "build/missing"
    return (done.returncode, done.stdout,
            missing.read_text() if missing.exists() else "")


@pytest.fixture
def mirror():
    """A mirror that has lost everything but what a test puts into files; a
    path's answers are used up but for the last."""
    files = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answers = files.get(self.path, [404])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            body = b"" if isinstance(answer, int) else answer
            self.send_response(200 if body else answer)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.files = files
    server.url = "http://127.0.0.1:%d" % server.server_port
    yield server
    server.shutdown()
    server.server_close()


def pin(project, content):
    script = project / "t/source.sh"
    ours = re.search(r"nginx_1\.26\.3\.orig\.tar\.gz\n +sha256=(\w{64})\n",
                     script.read_text()).group(1)
    script.write_text(script.read_text().replace(
        ours, hashlib.sha256(content).hexdigest()))


@pytest.mark.parametrize("answers", [[], [404], [404, 404]])
def test_a_mirror_with_the_original_alone(project, mirror, answers):
    content = tarball()
    pin(project, content)
    mirror.files[ORIG] = answers + [content]
    status, output, missing = run(project, "t/source.sh", "trixie",
                                  COMET_MIRROR=mirror.url)
    assert status == 0, output
    assert "unpacked nginx-1.26.3" in output and not missing
    assert (project / "build/source/trixie/src/core/nginx.h").exists()


@pytest.mark.parametrize("files", [{}, {ORIG: [b"another file"]}])
def test_a_mirror_without_it(project, mirror, files):
    mirror.files.update(files)
    status, output, missing = run(project, "t/source.sh", "trixie",
                                  COMET_MIRROR=mirror.url)
    assert status != 0
    assert "MISSING: the source of nginx (trixie)" in output
    assert missing == "the source of nginx (trixie)\n"
    assert not (project / "build/source/trixie").exists()


@pytest.mark.parametrize("failures", range(4))
def test_what_passes_is_tried_again(project, failures):
    status, output, missing = run(
        project, "sh", "-euc", """. t/fetch.sh
        flaky() { echo x >>tries; [ $(wc -l <tries) -gt %d ]; }
        fetch "a thing" flaky""" % failures)
    assert (status == 0) == (failures < 3)
    assert missing == ("" if failures < 3 else "a thing\n")
    assert output.count("again") == min(failures, 2)


def ci(project, **broken):
    """.ci/run, with targets that do nothing, fail, or miss something"""
    does = {"fails": "false", "misses": "mkdir -p build; "
            "echo nginx 9 >>build/missing; false"}
    targets = ("test", "asan", "newer", "fuzz", "lint", "rooms")
    (project / "Makefile").write_text("".join(
        "%s:\n\t@%s\n" % (name, does.get(broken.get(name), "true"))
        for name in targets))
    (project / "build").mkdir()
    (project / "build/missing").write_text("of an earlier run\n")
    status, output, _ = run(project, "bash", ".ci/run")
    return status, output.strip().splitlines()[-3:]


def test_ci_counts_what_passed(project):
    status, lines = ci(project)
    assert status == 0 and lines[-1] == "7 passed, 0 failed, 0 skipped"


def test_ci_tells_what_could_not_be_had(project):
    status, lines = ci(project, newer="misses")
    assert status == 0 and lines[-1] == "6 passed, 0 failed, 1 skipped"
    assert lines[-2] == "== MISSING, so not done: make newer: nginx 9"


@pytest.mark.parametrize("broken", [
    {"newer": "fails"}, {"test": "fails"}, {"test": "misses"},
    {"newer": "misses", "lint": "fails"}])
def test_ci_fails_with_what_is_ours(project, broken):
    status, lines = ci(project, **broken)
    assert status == 1 and ", 1 failed, " in lines[-1]


def test_packages_are_pinned_and_name_no_host():
    for line in (ROOT / "t/requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[\w-]+==[\w.]+", line)
    lock = json.loads((ROOT / "t/node/package-lock.json").read_text())
    manifest = json.loads((ROOT / "t/node/package.json").read_text())
    packages = lock["packages"]
    assert packages[""]["dependencies"] == manifest["dependencies"]
    assert all("integrity" in package for name, package in packages.items()
               if name)
    assert "resolved" not in json.dumps(lock)
