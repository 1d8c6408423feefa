"""What a configuration of tenants may say, and what it is told at start."""

import hashlib
import json
import re
import signal

import pytest

from callers import ALICE, bearer, models, tenants
from conftest import wait_for
from wire import STREAM, Client, chat, plan, request

# mistakes: (in http, in a tenant, in the location, what is said)

GOOD = "comet_pass http://127.0.0.1:9; comet_key sk-x;"

MISTAKES = [
    ("comet_tenant '' { }", "", GOOD, "invalid name"),
    ("comet_tenant 'a\"b' { }", "", GOOD, "invalid name"),
    ("comet_tenant t { }", "", GOOD, 'there is a tenant "t" already'),
    ("comet_tenant u { comet_client_key key-of-tenant-tt; }",
     "comet_client_key key-of-tenant-tt;", GOOD, 'key of tenant "u" already'),
    ("", "comet_client_key sha256:12;", GOOD, "64 hexadecimal digits"),
    ("", "comet_client_key sha256:%s;" % ("x" * 64), GOOD, "64 hexadecimal"),
    ("", "comet_client_key file:/x;", GOOD, "takes no file"),
    ("", "comet_client_key '';", GOOD, "1 to 4096"),
    ("", "comet_client_key 'a b';", GOOD, "cannot have a space"),
    ("", "", GOOD, "no tenant has a \"comet_client_key\""),
    ("", "comet_client_key %s;" % ALICE, "comet_pass http://127.0.0.1:9;",
     'no key to send for tenant "t"'),
    ("", "proxy_pass http://x;", GOOD, "not allowed here"),
    ("", "comet_pass http://x;", GOOD, "not allowed here"),
    ("comet_client_key x;", "", GOOD, "not allowed here"),
    ("", "", GOOD + "comet_tenant_from alice;", 'write "key"'),
    ("", "", GOOD + "comet_tenant_from key default=nobody;",
     'default tenant "nobody" is not there'),
    ("", "", GOOD + "comet_tenant_from off default=t;", 'beside "off"'),
    ("", "", GOOD + "comet_tenant_from key other;", "default=NAME"),
    ("", "comet_rate 60;", GOOD, "write it as in 60r/m"),
    ("", "comet_rate 60r/h;", GOOD, "write it as in 60r/m"),
    ("", "comet_rate 0r/m;", GOOD, "write it as in 60r/m"),
    ("", "comet_rate 1r/m burst=0;", GOOD, "invalid burst"),
    ("", "comet_rate 1r/m burst=x;", GOOD, "invalid burst"),
    ("", "comet_rate 1r/m model=x;", GOOD, "models=PATTERN"),
    ("", "comet_rate 1r/m models=;", GOOD, "empty pattern"),
    ("", "comet_rate 1r/m models=~(;", GOOD, "invalid regular expression"),
    ("", "comet_rate 1r/m; comet_rate 2r/m;", GOOD, "twice for one period"),
    ("", "comet_rate off; comet_rate 2r/m;", GOOD, '"off"'),
    ("", "comet_rate 2r/m; comet_rate off;", GOOD, '"off"'),
    ("", "comet_tokens 5k;", GOOD, "200k/m"),
    ("", "comet_tokens 5x/m;", GOOD, "200k/m"),
    ("", "comet_budget 5k/m;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/0d;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/367d;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/week;", GOOD, "10m/30d"),
    ("", "comet_budget 5k/1d burst=3;", GOOD, "models=PATTERN"),
    ("", "comet_budget 99999999999g/1d;", GOOD, "10m/30d"),
    ("", "comet_spend 1.1234567/1d;", GOOD, "50/30d"),
    ("", "comet_spend 1000001/1d;", GOOD, "50/30d"),
    ("", "comet_spend ./1d;", GOOD, "50/30d"),
    ("", "comet_client_key %s; comet_spend 5/1d;" % ALICE, GOOD, "add \"comet_price"),
    ("", "comet_concurrency 0;", GOOD, "write it as in 20"),
    ("", "comet_concurrency 5/m;", GOOD, "write it as in 20"),
    ("comet_price * input=1;", "", GOOD, "invalid number of arguments"),
    ("comet_price * input=1 cached=2;", "", GOOD, 'both "input="'),
    ("comet_price * input=1 output=x;", "", GOOD, "a million tokens"),
    ("comet_price * input=1 input=2;", "", GOOD, "a million tokens"),
    ("comet_price ~( input=1 output=2;", "", GOOD, "invalid regular"),
    ("comet_zone x:1m;", "", GOOD, "is duplicate"),
    ("", "".join("comet_budget 1k/%dh;" % (i + 1) for i in range(17)),
     "comet_tenant_from $remote_user; " + GOOD, "at most 16"),
]


@pytest.mark.parametrize("http,tenant,location,said", MISTAKES,
                         ids=[(m[0] + m[1] + m[2][len(GOOD):])[:60]
                              for m in MISTAKES])
def test_a_mistake_is_told(nginx, http, tenant, location, said):
    server = nginx("""
        comet_zone comet:1m;
        %s
        comet_tenant t { %s }
        server { listen PORT; location /v1/ { %s } }
        """ % (http, tenant, location), run=False)
    status, output = server.test()
    assert status != 0
    assert said in output
    assert "nginx.conf:" in output
    assert ALICE not in output


@pytest.mark.parametrize("zone", ["x", ":1m", "x:", "x:1", "x:1t"])
def test_a_zone_has_a_name_and_a_size(nginx, zone):
    server = nginx("comet_zone %s;" % zone, run=False)
    status, output = server.test()
    assert status != 0 and "as in comet:16m" in output


def test_a_limit_needs_a_zone(nginx):
    server = nginx("""server { listen PORT; location /v1/ {
        comet_pass http://127.0.0.1:9; comet_key sk-x; comet_rate 1r/s;
    } }""", run=False)
    status, output = server.test()
    assert status != 0 and 'add "comet_zone comet:16m;"' in output


NOBODY = """
    include tenants/*.conf;
    server { listen PORT; location /v1/ {
        comet_pass http://127.0.0.1:%d; comet_key file:KEYFILE;
        %s
    } }"""


@pytest.mark.parametrize("said", ["key", "$remote_user", "$http_x_team"])
def test_an_include_of_nothing_lets_nobody_in(nginx, mock, said):
    """Where it is said who may call, and nobody is there to be it."""
    server = nginx(NOBODY % (mock.port, "comet_tenant_from %s;" % said),
                   run=False)
    status, output = server.test()
    assert status == 0 and "every call is answered with 401" in output
    assert "nginx.conf:" in output
    server.start()
    for headers in ({}, bearer(), {"x-api-key": ALICE}, {"x-team": "alice"}):
        assert chat(server, headers=headers).status == 401
        assert models(server, "x").status == 401
    assert not mock.requests
    (server.dir / "tenants").mkdir()
    (server.dir / "tenants" / "a.conf").write_text(
        "comet_tenant alice { comet_client_key %s; }" % ALICE)
    server.reload()
    name = {"x-team": "alice", "x-api-key": ALICE}
    assert chat(server, headers=name).status \
        == (401 if said == "$remote_user" else 200)


def test_tenants_that_are_gone_stay_out(nginx, mock):
    """A reload that finds the last tenant no more does not open the edge."""
    server = nginx(NOBODY % (mock.port, "comet_tenant_from key;"), run=False)
    (server.dir / "tenants").mkdir()
    tenant = server.dir / "tenants" / "a.conf"
    tenant.write_text("comet_tenant alice { comet_client_key %s; }" % ALICE)
    server.start()
    assert chat(server, headers=bearer()).status == 200
    tenant.unlink()
    server.reload()
    assert chat(server, headers=bearer()).status == 401
    assert chat(server).status == 401
    assert len(mock.requests) == 1


def test_it_needs_no_key_of_the_api_then(nginx, mock):
    server = nginx((NOBODY % (mock.port, "comet_tenant_from key;"))
                   .replace("comet_key file:KEYFILE;", ""))
    assert chat(server).status == 401


@pytest.mark.parametrize("location,warned", [
    ("", True), ("comet_tenant_from off;", False),
    ("if ($arg_a) { set $b 1; }", True)])
def test_an_open_edge_is_told_at_start(nginx, mock, location, warned):
    server = nginx(NOBODY % (mock.port, location), run=False)
    status, output = server.test()
    assert status == 0
    assert output.count("whoever reaches this location uses the key") == warned
    assert not warned or "comet_tenant_from off;" in output
    server.start()
    assert chat(server).status == 200


@pytest.mark.parametrize("location,told", [
    ("", True), ("comet_tenant_from off;", True),
    ("comet_tenant_from $remote_user;", False),
    ("comet_tenant_from key default=carol;", False)])
def test_a_tenant_without_a_key_is_told(nginx, mock, location, told):
    server = nginx(tenants(mock, http="comet_tenant carol {\n}",
                           location=location), run=False)
    status, output = server.test()
    line = 1 + server.conf.read_text().splitlines().index(
        "    comet_tenant carol {")
    assert status == 0
    assert ('no one can be tenant "carol"' in output) == told
    assert not told or "nginx.conf:%d\n" % line in output


def test_limits_that_meet_are_told_of_whom(nginx):
    """Of the tenant in whose call they meet, and of no other."""
    limits = "".join("comet_budget 10k/%dh;" % (i + 1) for i in range(9))
    http = """
        comet_zone comet:1m;
        comet_tenant few { comet_client_key key-of-the-few-00; %s }
        comet_tenant many { comet_client_key key-of-the-many-0; %s %s }
        server { listen PORT; location /v1/ {
            comet_pass http://127.0.0.1:9; comet_key sk-x;
            %s
        } }"""
    tokens = limits.replace("budget", "tokens").replace("h;", "h;")
    tokens = "".join("comet_tokens 10k/m models=a%d;" % i for i in range(9))
    status, output = nginx(http % (limits, limits, tokens, ""),
                           run=False).test()
    assert status != 0
    assert 'a call of tenant "many" here would have to fit 18 limits' in output
    assert "at most 16 are taken: leave 2 out" in output
    assert "nginx.conf:" in output
    # each has enough, but not in one call
    status, output = nginx(http % (limits, tokens, "", ""), run=False).test()
    assert status == 0, output
    status, output = nginx(http % (limits, "", "", tokens), run=False).test()
    assert status != 0 and 'of tenant "few" here' in output


@pytest.mark.parametrize("key,said", [
    ("SHA256:" + "a" * 64, "in small letters"),
    ("Sha256:" + "a" * 64, "write sha256:HEX"),
    ("sha256=" + "a" * 64, "write sha256:HEX"),
    ("sha-256:" + "a" * 64, "write sha256:HEX"),
    ("SHA2-256=" + "a" * 64, "write sha256:HEX"),
    ("sha512:" + "a" * 128, "takes no hash but sha256:HEX"),
    ("md5:" + "a" * 32, "takes no hash but sha256:HEX"),
    ("FILE:/etc/key", "takes no file"), ("Env:KEY", "takes no file")])
def test_a_client_key_in_another_form(nginx, key, said):
    server = nginx("comet_tenant t {\ncomet_client_key %s;\n}" % key,
                   run=False)
    status, output = server.test()
    line = 1 + server.conf.read_text().splitlines().index(
        "comet_client_key %s;" % key)
    assert status != 0 and said in output
    assert "nginx.conf:%d\n" % line in output
    assert key not in output


def test_a_hash_without_its_name_is_told(nginx, mock):
    digest = hashlib.sha256(ALICE.encode()).hexdigest()
    server = nginx(tenants(mock, bob="comet_client_key %s;" % digest))
    said = server.test()[1]
    assert "write sha256: before it" in said and digest not in said
    server.stop()


def test_a_zone_is_told_how_large_it_has_to_be(nginx, mock):
    """What is told is enough, and the line is that of the zone."""
    many = "".join("comet_tenant t%d { comet_rate 1r/s; comet_tokens 9k/m; }"
                   % i for i in range(3000))
    for metrics in ("", "location = /m { comet_metrics; }"):
        conf = tenants(mock, http=many).replace("location /v1/",
                                                metrics + " location /v1/")
        server = nginx(conf.replace("comet:1m", "comet:64k"), run=False)
        status, said = server.test()
        needed = re.search(r"give it (\d+k) or more in .*nginx.conf:(\d+)",
                           said)
        assert status != 0 and needed
        assert "comet_zone" in server.conf.read_text().splitlines()[
            int(needed[2]) - 1]
        server = nginx(conf.replace("comet:1m", "comet:" + needed[1]),
                       run=False)
        assert server.test()[0] == 0, needed[1]
        assert int(needed[1][:-1]) <= 640 if not metrics else 1024


@pytest.mark.parametrize("size", ["1M", "64K", "1024k"])
def test_sizes_and_amounts_in_capital_letters(nginx, mock, size):
    server = nginx(tenants(mock, alice="""
        comet_tokens 20K/m burst=10K; comet_budget 1M/day;
        comet_budget 1G/month; comet_max_output_tokens 2K default;""")
        .replace("comet:1m", "comet:" + size))
    answer = chat(server, headers=bearer())
    assert answer.status == 200
    assert answer.header("x-ratelimit-limit-tokens") == "20000"
    body = json.loads(mock.last().body)
    assert 2000 in (body.get("max_tokens"), body.get("max_completion_tokens"))


WITHOUT_MASTER = "master_process off; daemon off;"


@pytest.mark.parametrize("change", [
    ("comet:1m", "comet:2m"), ("comet:1m", "other:1m")])
def test_without_a_master_the_zone_stays(nginx, mock, monkeypatch, change):
    """nginx would unmap it under the requests that go on to use it."""
    import conftest
    monkeypatch.setattr(conftest, "FRAME", conftest.FRAME.replace(
        "daemon off;", WITHOUT_MASTER))
    server = nginx(tenants(mock, alice="comet_rate 1r/m burst=2;"),
                   run=False)
    monkeypatch.setattr(server, "workers", lambda: [server.process.pid])
    server.start()
    conf = server.http
    with Client(server) as client:
        client.send(request("POST", "/v1/chat/completions", STREAM,
                            dict(bearer(), **plan(hold=True))))
        assert client.head()[1] == 200
        server.write(conf.replace(*change))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: '"master_process off": restart nginx, in ' in server.log())
        assert models(server).status == 200
        assert models(server).status == 429
    server.stop()
    log = server.dir / "error.log"
    text = log.read_text()
    assert text.count("[emerg]") == 1
    log.write_text(re.sub(".*master_process off.*", "", text))
