"""comet_key: where it comes from, and that it goes nowhere else."""

import os

import pytest

from conftest import KEY, edge_conf
from wire import chat, plan


def bearer(mock):
    return mock.last().header("authorization")


def conf(mock, key):
    return edge_conf(mock).replace("file:KEYFILE", key)


def test_from_a_file_with_the_line_end_that_editors_leave(nginx, mock):
    edge = nginx(edge_conf(mock), run=False)
    for end in ("", "\n", "\r\n", " \n\n"):
        edge.key_file.write_text("sk-abc" + end)
        assert edge.test()[0] == 0
    edge.start()
    chat(edge)
    assert bearer(mock) == "Bearer sk-abc"


def test_from_the_environment(nginx, mock):
    edge = nginx(conf(mock, "env:COMET_TEST_KEY"), run=False)
    edge.start(env=dict(os.environ, COMET_TEST_KEY="sk-from-env"))
    chat(edge)
    assert bearer(mock) == "Bearer sk-from-env"
    edge.reload()
    chat(edge)
    assert bearer(mock) == "Bearer sk-from-env"


def test_as_it_stands(nginx, mock):
    edge = nginx(conf(mock, '"sk-literal"'))
    chat(edge)
    assert bearer(mock) == "Bearer sk-literal"


def test_a_relative_path_is_beside_nginx_conf(nginx, mock):
    edge = nginx(conf(mock, "file:comet.key"))
    chat(edge)
    assert bearer(mock) == "Bearer " + KEY


def test_inherited_and_overridden(nginx, mock):
    edge = nginx("""
    comet_key sk-outer;
    server {
        listen PORT;
        location /v1/ { comet_pass http://127.0.0.1:%(port)d; }
        location /v1/models {
            comet_key sk-inner;
            comet_pass http://127.0.0.1:%(port)d;
        }
    }""" % {"port": mock.port})
    chat(edge)
    assert bearer(mock) == "Bearer sk-outer"
    from wire import call
    call(edge, "GET", "/v1/models")
    assert bearer(mock) == "Bearer sk-inner"


def test_a_reload_reads_the_file_again(nginx, mock):
    edge = nginx(edge_conf(mock))
    edge.key_file.write_text("sk-rotated\n")
    chat(edge)
    assert bearer(mock) == "Bearer " + KEY
    edge.reload()
    chat(edge)
    assert bearer(mock) == "Bearer sk-rotated"


def test_others_can_read_it(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_tenant_from off;"), run=False)
    edge.key_file.chmod(0o644)
    status, said = edge.test()
    assert status == 0
    assert "[warn]" in said and "chmod" in said and KEY not in said
    edge.key_file.chmod(0o640)
    assert "[warn]" not in edge.test()[1]


@pytest.mark.parametrize("content,said", [
    ("", "is empty"), ("\n\n", "is empty"),
    ("sk-a\nsk-b\n", "at position 5"), ("sk-a\tb", "at position 5"),
    ("sk-a\0b", "at position 5"), ("sk-\x1b[0m", "at position 4"),
    ("sk-\u00e9", "at position 4"), ("Bearer sk-a", "at position 7"),
    ("k" * 5000, "longer than 4096"),
    ("COMETAPI_KEY=sk-a\n", "as NAME=VALUE: write the value alone"),
    ("export COMETAPI_KEY=sk-a", "as NAME=VALUE"),
    ("key=\"sk-a\"", "as NAME=VALUE"),
    ("\"sk-a\"\n", "has a quote at position 1"),
    ("sk-a'", "has a quote at position 5"),
    ("{\"key\":\"sk-a\"}", "has a quote at position 2")])
def test_a_file_that_holds_no_key(nginx, mock, content, said):
    edge = nginx(edge_conf(mock), run=False)
    edge.key_file.write_text(content)
    status, text = edge.test()
    assert status != 0
    assert said in text and "comet.key" in text
    assert "nginx.conf:" in text
    assert "sk-" not in text


@pytest.mark.parametrize("key", ["c2stYQ==", "abc=", "a_b-c.d=", "=", "a=="])
def test_a_key_may_end_in_what_base64_ends_in(nginx, mock, key):
    edge = nginx(edge_conf(mock), run=False)
    edge.key_file.write_text(key + "\n")
    assert edge.test()[0] == 0


def test_an_environment_that_holds_no_key(nginx, mock):
    edge = nginx(conf(mock, "env:COMET_TEST_KEY"), run=False)
    for value in ("COMETAPI_KEY=sk-a", "'sk-a'", ""):
        status, text = edge.test(env=dict(os.environ, COMET_TEST_KEY=value))
        assert status != 0 and "env:COMET_TEST_KEY" in text
        assert "sk-a" not in text


def test_a_file_that_cannot_be_read(nginx, mock, tmp_path):
    for path, said in [("/nonexistent/key", "cannot open"),
                       (str(tmp_path), "not a regular file")]:
        edge = nginx(conf(mock, "file:" + path), run=False,
                     name=said.split()[0])
        status, text = edge.test()
        assert status != 0 and said in text and path in text
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    edge = nginx(conf(mock, "file:%s" % fifo), run=False, name="fifo-test")
    assert edge.test()[0] != 0


def test_it_never_shows(nginx, mock):
    """Not in any log at any level, nor in a dump, an error or a header."""
    edge = nginx(edge_conf(mock, """
        add_header X-Vars "$http_authorization|$upstream_http_authorization";
        """), level="debug")
    evil = {"headers": {"X-Bad Header": "1"}}
    for wish in ({}, {"status": 500}, {"cut": 40}, {"cut": 400}, evil,
                 {"cut": 0, "how": "reset"}):
        answer = chat(edge, headers=plan(**wish))
        assert KEY.encode() not in answer.raw + answer.body
    edge.reload()
    chat(edge)
    assert mock.last().header("authorization") == "Bearer " + KEY
    edge.stop()
    log = edge.log()
    assert KEY not in log
    assert KEY not in "".join(edge.access())
    assert "http upstream" in log or "[debug]" not in log


def test_a_dump_of_the_configuration_hides_it(nginx, mock):
    edge = nginx(conf(mock, KEY), run=False)
    status, text = edge.test("-T")
    assert status == 0
    assert "comet_key" in text and KEY not in text
    assert "*" * len(KEY) in text
