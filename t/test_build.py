"""The module is one file that keeps its names to itself, and what it is built
from is asked for in one line."""

import os
import pathlib
import re
import subprocess

import pytest

from conftest import MODULE, ROOT


def read(*command):
    return subprocess.run([*command, MODULE], check=True, capture_output=True,
                          text=True).stdout


def test_the_module_exports_what_nginx_asks_for():
    names = {line.split()[-1] for line in
             read("nm", "-D", "--defined-only").splitlines()}
    assert names == {"ngx_modules", "ngx_module_names", "ngx_module_order"}


def test_the_module_brings_cjson():
    brought = (ROOT / "build/source/cjson").exists() \
        and os.environ.get("COMET_CJSON") != "system"
    needs = read("readelf", "-d")
    assert ("libcjson" in needs) == (not brought)
    assert (" U cJSON_" in read("nm", "-D")) == (not brought)


def test_the_module_is_stripped_and_the_build_is_not():
    for path in {pathlib.Path(MODULE),
                 ROOT / "build/module/objs/ngx_comet_module.so"}:
        if path.exists():
            sections = subprocess.run(["readelf", "-SW", path], check=True,
                                      capture_output=True, text=True).stdout
            built = path.parent.name == "objs"
            assert (".debug_info" in sections) == built, path


def test_readme_names_the_packages_that_setup_installs():
    setup = re.search(r"build\)\s+echo ([^;]*?) ;;",
                      (ROOT / "t/setup.sh").read_text()).group(1)
    readme = re.search(r"apt-get install (gcc [^`]*?)\nmake module",
                       (ROOT / "README.md").read_text()).group(1)
    assert readme.replace("\\", "").split() == setup.replace("\\", "").split()


@pytest.fixture
def configure(tmp_path):
    """config, in a build of nginx that finds all but what it lacks"""
    (tmp_path / "auto").mkdir()
    (tmp_path / "auto/feature").write_text(
        "ngx_found=yes\n"
        '[ -z "$LACKS" ] || [ "${ngx_feature%$LACKS}" = "$ngx_feature" ]'
        " || ngx_found=no\n")
    (tmp_path / "auto/module").write_text(
        "echo $ngx_module_srcs $ngx_module_libs\n")

    def run(**env):
        env = {"HTTP_SSL": "YES", "NGX_OBJS": ".", "LACKS": "",
               "ngx_module_link": "DYNAMIC", "ngx_addon_dir": str(ROOT),
               "PATH": os.environ["PATH"], **env}
        done = subprocess.run(["sh", "-c", '. "$ngx_addon_dir/config"'],
                              cwd=tmp_path, env=env, capture_output=True,
                              text=True)
        return done.returncode, done.stdout + done.stderr
    return run


@pytest.mark.parametrize("env, says", [
    ({"LACKS": "cJSON library"}, "install libcjson-dev"),
    ({"LACKS": "PCRE2 library"}, "install libpcre2-dev"),
    ({"HTTP_SSL": "NO"}, "requires --with-http_ssl_module"),
    ({"COMET_CJSON": "nowhere"}, "no cJSON.c in COMET_CJSON=nowhere"),
])
def test_what_is_missing_is_one_line(configure, env, says):
    status, output = configure(**env)
    assert status == 1 and output.count("\n") == 1
    assert "error: " in output and says in output


def test_cjson_of_its_source(configure, tmp_path):
    (tmp_path / "cJSON-1").mkdir()
    (tmp_path / "cJSON-1/cJSON.c").touch()
    status, output = configure(COMET_CJSON="cJSON-1", LACKS="cJSON library")
    assert status == 0 and "-lcjson" not in output
    assert str(tmp_path / "cJSON-1/cJSON.c") in output
    assert (tmp_path / "cjson/cJSON.c").exists()


def test_cjson_of_a_library(configure):
    status, output = configure(LACKS="static cJSON library")
    assert status == 0 and "-Bstatic" not in output and "-lcjson" in output
    assert " + cJSON is a shared library" in output
    status, output = configure()
    assert status == 0 and "-Wl,-Bstatic -lcjson -Wl,-Bdynamic" in output


def test_only_nginxs_names_leave_the_module(configure, tmp_path):
    status, output = configure()
    assert status == 0 and "--version-script=./ngx_comet_module.map" in output
    status, output = configure(LACKS="linker's version scripts")
    assert status == 0 and "--version-script" not in output
