"""What is told of nginx's own tests: which of them the module makes fail."""

import shutil
import subprocess

from conftest import ROOT

WITH = "$ENV{TEST_NGINX_GLOBALS_HTTP}"
OK = 'print "ok 1 - page\\n";'
BAD = 'print "not ok 1 - page\\n"; exit 1;'
SKIP = 'print "1..0 # skip no perl\\n"; exit;'

FILES = {
    "passes.t": 'print "1..1\\n";' + OK,
    "fails.t": 'print "1..1\\n";' + BAD,
    "todo.t": 'print "1..1\\nnot ok 1 - page # TODO later\\n"',
    "skipped.t": SKIP,
    # a busy machine: the first of all runs fails
    "slow.t": 'print "1..1\\n"; my $first = ! -e "ran"; open F, ">ran";'
              "if ($first) {%s} %s" % (BAD, OK),
    "mended.t": 'print "1..1\\n"; if (!%s) {%s} %s' % (WITH, BAD, OK),
}

# and what is said of them
BROKEN = {
    "end.t": ('print "1..2\\n"; %s die if %s; print "ok 2 - end\\n"'
              % (OK, WITH), "Bad plan.  You planned 2 tests but ran 1."),
    "exit.t": ('print "1..1\\n"; %s exit(%s ? 3 : 0)' % (OK, WITH), "exit 3"),
    "first.t": ('print "1..1\\n"; if (%s) {%s} %s' % (WITH, BAD, OK),
                "1 - page"),
    "second.t": ('print "1..2\\nnot ok 1 - page\\n";'
                 'print %s ? "not ok 2 - end\\n" : "ok 2 - end\\n"; exit 1'
                 % WITH, "2 - end"),
    "start.t": ("if (%s) {%s} %s" % (WITH, SKIP, 'print "1..1\\n";' + OK),
                "skipped: no perl"),
}


def run(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    shutil.copy(ROOT / "t/nginx_tests.pl", tmp_path)
    done = subprocess.run(["perl", "nginx_tests.pl", tmp_path / "objs"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_what_fails_without_the_module_too_is_told_and_passes(tmp_path):
    status, lines = run(tmp_path, FILES)
    assert (status, lines[-6:]) == (0, [
        "1 files fail with the module and without",
        "  fails.t: 1 - page",
        "1 files fail only without the module",
        "  mended.t: 1 - page",
        "0 files fail only with the module",
        "6 files, 1 skipped",
    ])


def test_what_fails_only_with_the_module_fails(tmp_path):
    status, lines = run(tmp_path, {
        **FILES, **{name: text for name, (text, _) in BROKEN.items()}})
    assert (status, lines[-7:-1]) == (1, [
        "5 files fail only with the module",
        *("  %s: %s" % (name, BROKEN[name][1]) for name in BROKEN)])
