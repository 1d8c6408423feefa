"""t/wings.py, by which "make lint" holds the architecture."""

import shutil

import pytest

from conftest import ROOT
from wings import check


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    shutil.copy(ROOT / "ngx_comet_module.c", tmp_path)
    return tmp_path


def plant(path, text):
    path.write_text(path.read_text() + text)


def test_no_arrow_runs_up(project):
    assert check(project) == []


@pytest.mark.parametrize("path, text", [
    ("src/core/json/ngx_comet_skim.c", '#include "ngx_comet_judge.h"\n'),
    ("src/core/policy/ngx_comet_glob.h", '#include "ngx_comet_usage.h"\n'),
    ("src/core/limits/ngx_comet_limit.c", '#include "ngx_comet_http.h"\n'),
    ("src/http/meter/ngx_comet_meter.c", '#include "ngx_comet_abort.h"\n'),
    ("src/http/ngx_comet_http.h", '#include "ngx_comet_gate.h"\n'),
    ("src/http/tenant/ngx_comet_admit.c",
     "ngx_int_t ngx_comet_body_read(void *r, void *handler);\n"
     "void\nngx_comet_planted(void *r)\n{\n    ngx_comet_body_read(r, NULL);\n}\n"),
    ("src/http/conf/ngx_comet_set.c", "extern void *ngx_comet_hide_headers;\n"),
])
def test_an_arrow_that_runs_up_is_told(project, path, text):
    plant(project / path, text)
    found = check(project)
    assert found and all("a wing above it" in line and path in line for line in found)


def test_parts_that_know_each_other_are_told(project):
    plant(project / "src/http/tenant/ngx_comet_tenant.c", '#include "ngx_comet_admit.h"\n')
    found, = check(project)
    assert "src/http/tenant: admit and " in found and " and tenant and " in found


def test_a_folder_is_a_wing(project):
    (project / "src/http/new").mkdir()
    (project / "src/http/new/ngx_comet_new.c").write_text("\n")
    found, = check(project)
    assert "no wing" in found
