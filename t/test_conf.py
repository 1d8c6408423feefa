"""Every mistake fails `nginx -t` with file, line and what to write."""

import pytest

GOOD = "comet_pass http://127.0.0.1:9; comet_key sk-x;"

MISTAKES = [
    # (inside the location, what nginx -t must say)
    ("comet_pass http://127.0.0.1:9;", 'add "comet_key file:'),
    ("comet_key sk-x; comet_pass api.cometapi.com;", "write https://HOST"),
    ("comet_key sk-x; comet_pass ftp://x;", "write https://HOST"),
    ("comet_key sk-x; comet_pass https://;", "write https://HOST"),
    ("comet_key sk-x; comet_pass 'http://h/a b';", "write https://HOST"),
    ("comet_key sk-x; comet_pass 'http://h h/';", "write https://HOST"),
    ("comet_key sk-x; comet_pass http://h?a=b;", "takes no query"),
    ("comet_key sk-x; comet_pass http://h/p#x;", "takes no query"),
    ("comet_key sk-x; comet_pass http://h:99999;", "invalid port"),
    ("comet_key sk-x; comet_pass http://no.such.host.invalid;",
     "host not found"),
    ("comet_key sk-x; comet_pass;", "invalid number of arguments"),
    (GOOD + "comet_pass http://127.0.0.1:8;", "is duplicate"),
    (GOOD + "comet_key sk-y;", "is duplicate"),
    (GOOD + "proxy_pass http://127.0.0.1:8;", "a location of its own"),
    ("proxy_pass http://127.0.0.1:8;" + GOOD, "a location of its own"),
    ("stub_status;" + GOOD, "a location of its own"),
    ("comet_pass http://127.0.0.1:9; comet_key file:;",
     "write file:/path/to/the.key"),
    ("comet_pass http://127.0.0.1:9; comet_key /etc/key;",
     "write file:/path/to/the.key"),
    ("comet_pass http://127.0.0.1:9; comet_key $key;", "no variable"),
    ("comet_pass http://127.0.0.1:9; comet_key vault:x;", "env:NAME"),
    ("comet_pass http://127.0.0.1:9; comet_key '';", "is empty"),
    ("comet_pass http://127.0.0.1:9; comet_key 'sk a';", "at position 3"),
    ("comet_pass http://127.0.0.1:9; comet_key env:;", "is not set"),
    ("comet_pass http://127.0.0.1:9; comet_key env:NO_SUCH_NAME_SET;",
     '"NO_SUCH_NAME_SET"'),
    (GOOD + "comet_forward_header Authorization;", "is never forwarded"),
    (GOOD + "comet_forward_header X-API-Key;", "is never forwarded"),
    (GOOD + "comet_forward_header cookie;", "is never forwarded"),
    (GOOD + "comet_forward_header Transfer-Encoding;", "is never forwarded"),
    (GOOD + "comet_forward_header 'a: b';", "invalid header name"),
    (GOOD + "comet_forward_header;", "invalid number of arguments"),
    (GOOD + "comet_endpoints v1/embeddings;", "write it as in /v1/"),
    (GOOD + "comet_endpoints '';", "write it as in /v1/"),
    (GOOD + "comet_read_timeout soon;", "invalid value"),
    (GOOD + "comet_buffer_size -1;", "invalid value"),
    (GOOD + "comet_next_upstream http_529;", "invalid value"),
    (GOOD + "comet_ssl_verify maybe;", "invalid value"),
    (GOOD + "comet_ssl_protocols SSLv2;", "invalid value"),
    (GOOD + "comet_bind nonsense;", "invalid address"),
    (GOOD + "comet_invalid maybe;", "invalid value"),
    (GOOD + "comet_models ~(;", "invalid regular expression"),
    (GOOD + "comet_deny_models '';", "empty pattern"),
    (GOOD + "comet_param temperature;", "invalid number of arguments"),
    (GOOD + "comet_param temperature 2..1;", "write it as in 0..1.5"),
    (GOOD + "comet_param temperature 0..x;", "write it as in 0..1.5"),
    (GOOD + "comet_param temperature 0..inf;", "write it as in 0..1.5"),
    (GOOD + "comet_param user %s other;" % ("x" * 64), "1 to 63"),
    (GOOD + "comet_param Seed off;", "small letters"),
    (GOOD + "comet_param n off; comet_param n 1..2;", "duplicate rule"),
    (GOOD + "comet_param model off;", "comet_models"),
    (GOOD + "comet_param user =;", 'nothing after "="'),
    (GOOD + "comet_max_output_tokens many;", "above 0"),
    (GOOD + "comet_max_output_tokens 0;", "above 0"),
    (GOOD + "comet_max_output_tokens 5 always;", 'only "default"'),
    (GOOD + "comet_max_output_tokens 5; comet_max_output_tokens 6;",
     "is duplicate"),
    (GOOD + "comet_buffer_size 0;", "at least 1024"),
    ("comet_pass http://127.0.0.1:9; comet_key 'sk\\\\a';", "backslash"),
    ("comet_pass http://127.0.0.1:9; comet_key 'sk\"a';", "quote"),
    (GOOD + "comet_nonsense 1;", "unknown directive"),
]

TLS_MISTAKES = [
    ("comet_ssl_trusted_certificate /nonexistent.pem;", "/nonexistent.pem"),
    ("comet_ssl_certificate /x.pem;", "comet_ssl_certificate_key"),
    ("comet_ssl_ciphers NONSENSE;", "NONSENSE"),
    ("comet_ssl_conf_command Nonsense on;", "Nonsense"),
    ("comet_ssl_password_file /nonexistent;", "/nonexistent"),
]


def conf(text):
    return "server { listen PORT; location /v1/ {\n%s\n} }" % text


@pytest.mark.parametrize("text,said", MISTAKES)
def test_mistakes(nginx, text, said):
    status, output = nginx(conf(text), run=False).test()
    assert status != 0, output
    assert said in output
    assert "nginx.conf:" in output
    assert "sk-" not in output.replace("sk-x;", "")


@pytest.mark.parametrize("text,said", [
    ("comet_provider x { }", "has no"),
    ("comet_provider { match a; }", "invalid number of arguments"),
    ("comet_provider x { match a; nonsense 1; }", "it takes"),
    ("comet_provider x { match ~(; }", "invalid regular expression"),
    ("comet_provider x { match a; cap max; }", "write max_tokens"),
    ("comet_provider x { match a; developer maybe; }", "write on or off"),
    ("comet_provider x { match a; param user =$remote_user; }",
     "cannot set"),
    ("comet_provider x { match a; param nonsense off; }",
     "is not documented"),
    ("comet_provider x { match a; param n 3..2; }", "write it as in")])
def test_mistakes_of_providers(nginx, text, said):
    status, output = nginx(text, run=False).test()
    assert status != 0 and said in output and "nginx.conf:" in output


@pytest.mark.parametrize("text,said", TLS_MISTAKES)
def test_mistakes_of_tls(nginx, text, said):
    status, output = nginx(conf(
        "comet_key sk-x; comet_pass https://127.0.0.1:9;" + text),
        run=False).test()
    assert status != 0 and said in output


@pytest.mark.parametrize("text,said", [
    ("comet_pass http://192.0.2.1:9;", "in clear: write https://"),
    ("comet_pass https://127.0.0.1:9; comet_ssl_verify off;",
     "goes to whoever answers"),
    ("comet_pass http://127.0.0.1:9;", None),
    ("comet_pass http://localhost:9;", None),
    ("comet_pass http://api;", None),
    ("comet_pass https://api;", None)])
def test_warnings(nginx, text, said):
    status, output = nginx("upstream api { server 192.0.2.1; }"
                           + conf("comet_key sk-x;" + text), run=False).test()
    assert status == 0
    assert ("[warn]" in output) == (said is not None)
    assert said is None or said in output


def test_the_line_of_a_missing_key_is_that_of_comet_pass(nginx):
    server = nginx("\n\n" + conf("comet_pass http://127.0.0.1:9;"), run=False)
    _, output = server.test()
    line = 1 + server.conf.read_text().splitlines().index(
        "comet_pass http://127.0.0.1:9;")
    assert "nginx.conf:%d" % line in output


def test_contexts(nginx):
    for place in ("server { listen PORT; comet_pass http://127.0.0.1:9; }",
                  "comet_pass http://127.0.0.1:9;"):
        status, output = nginx(place, run=False,
                               name="c%d" % len(place)).test()
        assert status != 0 and "is not allowed here" in output


def test_no_authorities(nginx, monkeypatch, tmp_path):
    import os
    server = nginx(conf("comet_key sk-x; comet_pass https://127.0.0.1:9;"),
                   run=False)
    env = dict(os.environ, SSL_CERT_FILE=str(tmp_path / "none"),
               SSL_CERT_DIR=str(tmp_path / "nowhere"))
    status, output = server.test(env=env)
    assert status != 0 and "ca-certificates" in output
    assert "nginx.conf:" in output


def test_every_directive_is_documented(nginx):
    import re
    from conftest import ROOT
    source = (ROOT / "ngx_comet_module.c").read_text()
    names = set(re.findall(r'"(comet_[a-z_]+)"', source))
    page = (ROOT / "docs/directives.md").read_text()
    documented = set(re.findall(r"^### (comet_[a-z_]+)$", page, re.M))
    assert names == documented
