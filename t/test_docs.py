"""Every configuration in the documents passes nginx -t."""

import re
import subprocess

import pytest

from conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# what stands in http, when it is a line's first word outside of braces
HTTP = {"server", "upstream", "map", "log_format", "include", "comet_zone",
        "comet_tenant", "comet_provider", "comet_price", "comet_route"}

# of this machine, in place of what the documents name
PLACES = [
    (r"file:/etc/nginx/cometapi\.key", "file:KEYFILE"),
    (r"file:/etc/nginx/keys/(\d)\.key", r"sk-\1"),
    (r"/etc/nginx/edge\.(pem|key)", r"DIRECTORY/edge.\1"),
    (r"/etc/nginx/clients-ca\.pem", "DIRECTORY/edge.pem"),
    (r"/etc/nginx/tenants/\*\.conf", "DIRECTORY/tenants/*.conf"),
    (r"/var/log/nginx/", "DIRECTORY/"),
    (r"api\.(cometapi|example)\.com", "localhost"),
    (r"(listen\s+)(127\.0\.0\.1:)?\d+", r"\1PORT"),
]


def blocks():
    for page in PAGES:
        text = page.read_text()
        for found in re.finditer(r"^```nginx\n(.*?)^```$", text, re.M | re.S):
            line = text.count("\n", 0, found.start()) + 2
            name = "%s:%d" % (page.relative_to(ROOT), line)
            yield pytest.param(found.group(1), id=name)


def outer_words(text):
    """the first word of each line outside of braces"""
    words, depth = [], 0
    for line in text.splitlines():
        if depth == 0 and line.strip() and line[0] not in " }#":
            words.append(line.split()[0])
        depth += line.count("{") - line.count("}")
    return words


def in_http(text):
    """what is to be put into http { }: one text, or one for each choice"""
    words = outer_words(text)
    if "http" in words:
        return [re.search(r"^http \{\n(.*?)^\}", text, re.M | re.S).group(1)]
    if HTTP & set(words):
        return [text]
    server = "server { listen PORT; comet_key sk-x; comet_tenant_from off; %s }"
    if "location" in words:
        return [server % text]
    passes = [line for line in text.splitlines()
              if line.startswith("comet_pass")]
    known = "map $host $region { default eu; } resolver 127.0.0.1; "
    location = "location /v1/ { %s }"
    if passes:
        assert passes == text.strip().splitlines()
        return [known + server % (location % line) for line in passes]
    return [server % (location % ("comet_pass http://127.0.0.1:9;" + text))]


@pytest.mark.parametrize("text", list(blocks()))
def test_what_the_documents_show_is_right(nginx, tmp_path, text):
    for place, instead in PLACES:
        text = re.sub(place, instead, text)
    if "ssl_certificate" in text:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                        "-nodes", "-subj", "/CN=edge", "-keyout",
                        tmp_path / "edge.key", "-out", tmp_path / "edge.pem"],
                       check=True, capture_output=True)
    for number, http in enumerate(in_http(text)):
        server = nginx(http.replace("DIRECTORY", str(tmp_path)), run=False,
                       name="conf%d" % number)
        status, output = server.test()
        assert status == 0, output
        assert "[warn]" not in output


def test_the_documents_show_configurations():
    assert len(list(blocks())) > 25


def test_links_and_tests_that_the_documents_name_are_there():
    """Headings that are linked to, and tests that are said to show it."""
    tests = "".join(path.read_text() for path in
                    [*(ROOT / "t").glob("**/test_*.py"),
                     *(ROOT / "t/unit").glob("**/*.[ch]")])
    for page in PAGES:
        text = page.read_text()
        for name in re.findall(r"`(test_[a-z_0-9]+)`", text):
            assert re.search(r"\b%s\b" % name, tests), (page, name)
        for name in re.findall(r"`((?:src|t)/[^`{*]*\.\w+)`", text):
            assert (ROOT / name).exists(), (page, name)
        for path, anchor in re.findall(r"\]\(([^)#:]*)(#[^)]*)?\)", text):
            target = (page.parent / path) if path else page
            assert target.exists(), (page, path)
            if anchor:
                heads = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
                slugs = {"#" + re.sub(r"[^a-z0-9 _-]", "", head.lower())
                         .replace(" ", "-") for head in heads}
                assert anchor in slugs, (page, path, anchor)
