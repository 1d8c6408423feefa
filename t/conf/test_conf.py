"""Every mistake fails `nginx -t` with file, line and what to write."""

import pytest

PASS = "comet_pass http://127.0.0.1:9;"
GOOD = PASS + "comet_key sk-x;"

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
    ("comet_key sk-x; comet_pass;", "invalid number of arguments"),
    (GOOD + "comet_pass http://127.0.0.1:8;", "is duplicate"),
    (GOOD + "comet_key sk-x;", "same key as number 1 of this level"),
    ("".join("comet_key sk-%d;" % i for i in range(65)), "more than 64 keys"),
    (GOOD + "comet_breaker;", "invalid number of arguments"),
    (GOOD + "comet_breaker on;", "write failures=N"),
    (GOOD + "comet_breaker failures=5 off;", "write failures=N"),
    (GOOD + "comet_breaker failures=0;", "as in failures=5"),
    (GOOD + "comet_breaker failures=many;", "as in failures=5"),
    (GOOD + "comet_breaker failures=5 failures=6;", "write it once"),
    (GOOD + "comet_breaker share=50;", "as in share=50%"),
    (GOOD + "comet_breaker share=%;", "as in share=50%"),
    (GOOD + "comet_breaker share=101%;", "as in share=50%"),
    (GOOD + "comet_breaker share=0%;", "as in share=50%"),
    (GOOD + "comet_breaker share=50% min=0;", "as in min=20"),
    (GOOD + "comet_breaker share=50% window=0;", "as in window=30s"),
    (GOOD + "comet_breaker share=50% window=2d;", "as in window=30s"),
    (GOOD + "comet_breaker failures=5 rest=soon;", "as in rest=10s"),
    (GOOD + "comet_breaker rest=5s;", "add failures=N or share=P%"),
    (GOOD + "comet_breaker failures=5 min=5;", "add share=P%"),
    (GOOD + "comet_breaker failures=5; comet_breaker off;", "is duplicate"),
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
    (GOOD + "comet_keepalive many;", "as in 32 or 32 timeout=30s, or off"),
    (GOOD + "comet_keepalive 0;", 'invalid value "0"'),
    (GOOD + "comet_keepalive 2 time=3s;", 'invalid value "time=3s"'),
    (GOOD + "comet_keepalive 2 timeout=0;", 'invalid value "timeout=0"'),
    (GOOD + "comet_keepalive off timeout=3s;", 'invalid value "off"'),
    (GOOD + "comet_keepalive 2; comet_keepalive 3;", "is duplicate"),
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
    (GOOD + "comet_retry;", "invalid number of arguments"),
    (GOOD + "comet_retry on;", "attempts=3 base=500ms"),
    (GOOD + "comet_retry off attempts=3;", "attempts=3 base=500ms"),
    (GOOD + "comet_retry attempts=0;", "from 1 to 10"),
    (GOOD + "comet_retry attempts=11;", "from 1 to 10"),
    (GOOD + "comet_retry attempts=2 attempts=3;", "duplicate"),
    (GOOD + "comet_retry base=0;", "as in base=500ms"),
    (GOOD + "comet_retry max=soon;", "as in max=8s"),
    (GOOD + "comet_retry base=9s;", "is more than"),
    (GOOD + "comet_retry budget=20;", "as in budget=20%"),
    (GOOD + "comet_retry budget=0%;", "as in budget=20%"),
    (GOOD + "comet_retry budget=101%;", "as in budget=20%"),
    (GOOD + "comet_retry on=;", "on=error,timeout,http_429"),
    (GOOD + "comet_retry on=error,;", "on=error,timeout,http_429"),
    (GOOD + "comet_retry on=http_400;", "on=error,timeout,http_429"),
    (GOOD + "comet_retry off; comet_retry off;", "is duplicate"),
    (GOOD + "comet_deadline soon;", "invalid value"),
    (GOOD + "comet_tell_attempts maybe;", "invalid value"),
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


# (inside the location, what nginx -t must say): what to write instead
CHOICES = [
    ("comet_invalid strict;", 'invalid value "strict" in "comet_invalid": '
                              "write reject, repair or observe"),
    ("comet_next_upstream http_529;", "write error, timeout, invalid_header,"),
    ("comet_next_upstream error http_529;", "http_429 or off"),
    ("comet_ssl_protocols SSLv2;",
     "write TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"),
    ("comet_ssl_verify maybe;", "write on or off"),
    ("comet_ssl_server_name yes;", "write on or off"),
    ("comet_ssl_session_reuse 1;", "write on or off"),
    ("comet_dry_run true;", "write on or off"),
    ("comet_usage true;", "write on or off"),
    ("comet_socket_keepalive '';", "write on or off"),
    ("comet_read_timeout soon;", "write a time, as in 500ms, 30s or 10m"),
    ("comet_read_timeout 0;", "write a time, as in 500ms, 30s or 10m, above 0"),
    ("comet_send_timeout -1;", "above 0"),
    ("comet_connect_timeout 0s;", "above 0"),
    ("comet_first_token_timeout 5y5y;", "write a time, as in"),
    ("comet_idle_timeout x;", "write a time, as in"),
    ("comet_next_upstream_timeout x;", "write a time, as in"),
    ("comet_buffer_size 4kb;", "write a size, as in 8k or 1m"),
    ("comet_buffer_size '';", "write a size, as in 8k or 1m"),
    ("comet_next_upstream_tries many;", "write a number"),
    ("comet_ssl_verify_depth -1;", "write a number"),
    ("comet_reserve_output lots;", "write a number of tokens, as in"),
    ("comet_max_output_tokens 99999999g;", "as in 4096 or 8k"),
    ("comet_host https://api.cometapi.com;", "write a name alone, as in"),
    ("comet_host api.cometapi.com/v1;", "write a name alone"),
    ("comet_ssl_name https://h;", "write a name alone"),
    ("comet_ssl_name '';", "write a name alone"),
    ("comet_hide_header 'X-A: b';", "write the name of a header alone"),
    ("comet_hide_header X-A,X-B;", "write the name of a header alone"),
]

# what has the form of something else
FORMS = [
    # one thing for a list, or for another kind of pattern
    ("comet_models a*,b*;", '"," means nothing in it'),
    ("comet_models a,;", "write patterns apart, as in gpt-5* claude-*"),
    ("comet_models 'gpt-5* claude-*';", "write patterns apart"),
    ("comet_deny_models gpt-?;", '"?" means nothing in it, only "*" does'),
    ("comet_deny_models gpt-[45]*;", '"[" means nothing in it'),
    ("comet_deny_models 'gpt-{4,5}*';", '"{" means nothing in it'),
    ("comet_models ^gpt-;", "regular expression, as in ~^(gpt-5|claude-)"),
    ("comet_models 'gpt-(4|5)';", '"(" means nothing in it'),
    ("comet_models gpt-5|claude;", '"|" means nothing in it'),
    ("comet_deny_models !gpt-5;", '"!" means nothing in it'),
    ("comet_models 'gpt\\-5';", "means nothing in it"),
    ("comet_models ~*gpt;", "in any case as in ~(?i)"),
    ("comet_models ~;", "write it as in ~^o[0-9]"),
    ("comet_rate 1r/s models=a*,b*;", '"," means nothing in it'),
    ("comet_endpoints /v1/a,/v1/b;", 'and paths apart'),
    ("comet_endpoints /v1/a?b=1;", "invalid path"),
    ("comet_endpoints '/v1/{id}';", "invalid path"),
    ("comet_endpoints '/v1/a /v1/b';", "invalid path"),
    # a URL that has the path of the request already
    ("comet_pass https://127.0.0.1:9/v1;", 'write "https://127.0.0.1:9"'),
    ("comet_pass https://127.0.0.1:9/v1/;", 'write "https://127.0.0.1:9"'),
    ("comet_pass http://127.0.0.1:9/a/v1//;", 'write "http://127.0.0.1:9/a"'),
    ("comet_pass http://127.0.0.1:9/v1/chat/completions;",
     'write "http://127.0.0.1:9"'),
    ("comet_pass http://127.0.0.1:9/v1/responses/;",
     'write "http://127.0.0.1:9"'),
    ("comet_pass http://127.0.0.1:9/o/v1/models;",
     'write "http://127.0.0.1:9/o"'),
    ("comet_pass https://$host/v1;", 'write "https://$host"'),
    ("comet_pass $scheme://$host/v1/;", 'write "$scheme://$host"'),
    # the key
    ("comet_key cometapi.key;", "looks like the name of a file; write file:"),
    ("comet_key keys/comet.TXT;", "looks like the name of a file"),
    ("comet_key nginx.conf;", "looks like the name of a file"),
    ("comet_key comet-of-the-team;", "looks like the name of a file"),
    ("comet_key COMETAPI_KEY=sk-y;", "write the value alone"),
    ("comet_ssl_certificate_key x.pem; comet_pass https://127.0.0.1:9;"
     "comet_ssl_name h;", 'needs a "comet_ssl_certificate"'),
    # what a parameter cannot be
    ("comet_param temperature 0-1;",
     '"0-1" is no value of temperature, which is a number; write numbers, or'),
    ("comet_param temperature low;", "write numbers, or LOW..HIGH"),
    ("comet_param temperature 0.5 high;", '"high" is no value'),
    ("comet_param n 1.5;", "a number that is whole"),
    ("comet_param n 0.2..0.8;", "there is none in this range"),
    ("comet_param stream yes;", "write true or false"),
    ("comet_param store 0..1;", "only a number or a list has a range"),
    ("comet_param user 0..1;", "only a number or a list has a range"),
    ("comet_param logit_bias x;", "write off, or leave it out"),
    ("comet_param metadata 0..5;", "only a number or a list"),
    ("comet_param temperature =low;", "sent as a string, but temperature is a"),
    ("comet_param temperature =$arg_t;", "sent as a string"),
    ("comet_param store =False;", "sent as a string, but store is a boolean"),
    ("comet_param store =0;", "sent as a number, but store is a boolean"),
    ("comet_param max_tokens =0.5;", "a number that is whole"),
    ("comet_param user =5;", "sent as a number, but user is a string"),
    ("comet_param response_format =json_object;", "is an object"),
    ("comet_param user =a b;", "in quotes if it has spaces"),
    ("comet_param user a =b;", "a value to send stands alone"),
    # limits
    ("comet_spend 2000000/day;", "at most 1000000"),
    ("comet_budget 2000g/day;", "at most 1000g"),
    ("comet_budget 5k/400d;", "366d"),
]

# what passes all the same
RIGHT = [
    "comet_models gpt-5* openai/o3-mini c4ai-command-r+ a.b:c@d_e;",
    "comet_models '~^gpt-[45]{1,2}(-mini|-pro)?$' '~(?i)^CLAUDE, or';",
    "comet_param temperature 0..1; comet_param n 1 2; comet_param seed 5;",
    "comet_param temperature 0 0.5 1e0; comet_param store false;",
    "comet_param stop 0..2; comet_param tools off; comet_param top_k 1..40;",
    "comet_param response_format text json_object; comet_param user =$uri;",
    "comet_param store =false; comet_param temperature =1;",
    "comet_param metadata =null; comet_param stream_options off;",
    "comet_param tool_choice auto none; comet_param service_tier gold;",
    "comet_param max_tokens =100; comet_param thinking =x;",
    "comet_param function_call off; comet_param seed 0-1;",
    "comet_invalid REJECT; comet_ssl_verify OFF;",
    "comet_read_timeout 1ms; comet_idle_timeout 0; comet_buffer_size 8K;",
    "comet_max_output_tokens 4K default; comet_reserve_output 0;",
    "comet_host $host:8080; comet_ssl_name $host; comet_hide_header x-a_b;",
    "comet_next_upstream error HTTP_500 non_idempotent;",
    "comet_endpoints /v1/embeddings /v1/images/*;",
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


def said_of(nginx, text, http=""):
    """The exit status and what is said of the location's text."""
    pass_ = "" if "comet_pass" in text else PASS
    key = "" if "comet_key" in text else "comet_key sk-x;"
    server = nginx("""
        comet_zone comet:1m; %s
        comet_price zzz input=1 output=1;
        server { listen PORT; comet_tenant_from off;
            location /v1/ {
                %s %s
                %s
            }
        }""" % (http, pass_, key, text), run=False)
    (server.dir / "comet-of-the-team").write_text("sk-y")
    status, output = server.test()
    line = 1 + server.conf.read_text().splitlines().index(" " * 16 + text)
    return status, output, "nginx.conf:%d" % line


@pytest.mark.parametrize("text,said", CHOICES + FORMS)
def test_it_tells_what_to_write(nginx, text, said):
    status, output, line = said_of(nginx, text)
    assert status != 0, output
    assert said in output
    assert line in output
    assert len(output.split("[emerg]")) == 2
    assert "sk-y" not in output


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_passes_in_silence(nginx, text):
    status, output, _ = said_of(nginx, text)
    assert status == 0, output
    assert "[warn]" not in output


@pytest.mark.parametrize("text,said", [
    ("comet_param temprature 0..1;", 'but "temperature": is that meant?'),
    ("comet_param max-tokens 1..5;", 'but "max_tokens"'),
    ("comet_param tool off;", 'but "tools"'),
    ("comet_param stream_option off;", 'but "stream_options"'),
    ("comet_param service_tier defualt;", 'but "default" is: is that meant?'),
    ("comet_param reasoning_effort medum high;", 'but "medium" is'),
    ("comet_budget 4095/day;", "less than what is reserved for one call"),
    ("comet_budget 1m/day; comet_budget 1k/1h;", '"comet_budget 1k/1h" is'),
    ("comet_tokens 1k/m;", "4096 output tokens, so each is refused"),
    ("comet_tokens 1m/m burst=1k;", '"comet_tokens 1m/m" is less'),
    ("comet_max_output_tokens 8k default; comet_budget 7K/day;",
     "8000 output tokens"),
    ("comet_reserve_output 8k; comet_budget 7k/day;", "8000 output tokens"),
    ("comet_spend 0.004/day;", '"comet_spend 0.004/day" is less than'),
    ("return 503;", '"comet_pass" is never reached: "return"'),
    ("try_files $uri =404;", 'move "comet_pass" into a location @NAME'),
    ("proxy_read_timeout 900s;",
     '"proxy_read_timeout" has no effect beside "comet_pass": write '
     '"comet_read_timeout",'),
    ("proxy_set_header Host x;", '"proxy_set_header" has no effect beside '
                                 '"comet_pass": take it out,'),
    ("proxy_buffering off;", '"proxy_buffering" has no effect'),
    ("proxy_ssl_verify on;", 'write "comet_ssl_verify"'),
    ("proxy_hide_header X-A;", 'write "comet_hide_header"'),
    ("comet_pass https://127.0.0.1:9;", 'the address "127.0.0.1" as a name'),
    ("comet_pass https://[::1]:9;", 'add "comet_ssl_name NAME;"'),
    ("comet_pass https://backend;", 'the name "backend", that of the upstream'),
    ("comet_pass https://no.such.host.invalid;",
     'host not found: "no.such.host.invalid" of "comet_pass"'),
    ("comet_pass http://backend; comet_keepalive 2;",
     'no effect on the upstream block "backend": write "keepalive" there'),
    ("comet_pass https://$host;", 'add "resolver ADDRESS;"'),
    ("comet_pass https://api.example.com/$arg_a;", 'has no "resolver"')])
def test_what_may_be_meant_is_a_warning(nginx, text, said):
    http = "upstream backend { server 192.0.2.1:443; }" \
        if "backend" in text else ""
    status, output, _ = said_of(nginx, text, http)
    assert status == 0, output
    assert said in output and len(output.split("[warn]")) == 2, output
    assert "nginx.conf:" in output


@pytest.mark.parametrize("text", [
    "comet_budget 4096/day; comet_spend 0.004096/day;",
    "comet_max_output_tokens 500 default; comet_budget 600/day;",
    "comet_reserve_output 100; comet_tokens 150/m;",
    "comet_rate 1r/m; comet_concurrency 1;",
    "if ($arg_x) { return 403; }",
    "error_page 404 = @x; rewrite ^/llm(/.*) $1 break;",
    "comet_pass https://127.0.0.1:9; comet_ssl_name api.example.com;",
    "comet_pass https://127.0.0.1:9; comet_host api.example.com;",
    "comet_pass https://localhost:9;",
    "comet_pass https://api.example.com;",
    "comet_pass https://backend; comet_host api.example.com;",
    "comet_pass http://backend;",
    "comet_pass https://$host; resolver 127.0.0.1;",
    "comet_pass https://api.example.com/$arg_a;",
    "comet_pass https://$arg_a;",
    "comet_pass http://127.0.0.1:9/$arg_a;",
    "comet_pass http://127.0.0.1:9/v1/of/tenant;",
    "comet_pass http://127.0.0.1:9/v11;"])
def test_what_is_meant_is_no_warning(nginx, text):
    http = "upstream %s { server 192.0.2.1:443; } proxy_read_timeout 5s;" % (
        "backend" if "backend" in text else "api.example.com") \
        if "127.0.0.1" not in text else "proxy_read_timeout 5s;"
    status, output, _ = said_of(nginx, text, http)
    assert status == 0, output
    assert "[warn]" not in output


@pytest.mark.parametrize("text,level,said", [
    # in a location that has no comet_pass of its own
    (GOOD + "location /v1/a/ { location /v1/a/b {\ncomet_models gpt-*; } }",
     "emerg", 'in location "/v1/a/b"'),
    (GOOD + "location /v1/models {\ncomet_models gpt-*; }", "emerg",
     'there is no "comet_pass" in location "/v1/models"'),
    ("proxy_pass http://127.0.0.1:9;\ncomet_models gpt-*;", "emerg",
     '"comet_models" has no effect'),
    ("return 403;\ncomet_rate 1r/s; comet_models gpt-*;", "warn",
     '"comet_rate" has no effect'),
    ("root /;\ncomet_key sk-x;", "warn", '"comet_key" has no effect'),
    ("comet_metrics;\ncomet_models gpt-*;", "emerg",
     '"comet_models" has no effect'),
    (GOOD + "location /v1/models {\ncomet_models x; " + PASS + " }", None, ""),
    ("\ncomet_models x; location /v1/a/ { %s }" % GOOD, None, ""),
    ("\ncomet_models x; if ($arg_a) { %s } comet_key sk-x;" % PASS, None, ""),
    (GOOD + "\ncomet_models x; limit_except GET { deny all; }", None, "")])
def test_policy_without_comet_pass(nginx, text, level, said):
    server = nginx("comet_zone comet:1m; comet_tenant_from off;" + conf(text),
                   run=False)
    status, output = server.test()
    assert (status != 0) == (level == "emerg"), output
    if level is None:
        assert "[warn]" not in output
        return
    line = 1 + server.conf.read_text().splitlines().index(
        text.splitlines()[1])
    assert "[%s]" % level in output and said in output
    assert "nginx.conf:%d\n" % line in output


@pytest.mark.parametrize("prices,said", [
    ("* gpt-*", '"comet_price gpt-*" is never reached'),
    ("gpt-* gpt-5*", '"comet_price gpt-*" before it fits all'),
    ("gpt-5 gpt-5", "is never reached"),
    ("a* ** ~^o3", '"comet_price ~^o3" is never reached'),
    ("gpt-5* gpt-* *", None),
    ("*-pro gpt-5*", None),
    ("~. gpt-5*", None),
    ("~^gpt ~^gpt-5 gpt-?5" .replace("?", ""), None)])
def test_prices_that_are_never_reached(nginx, prices, said):
    status, output = nginx("\n".join(
        "comet_price %s input=1 output=2;" % price
        for price in prices.split()), run=False).test()
    assert (status != 0) == (said is not None), output
    assert said is None or said in output
    assert said is None or "move it before that one" in output


@pytest.mark.parametrize("matches,said", [
    (["*", "llama-*"], 'match llama-*" is never reached'),
    (["b llama-*", "a llama-3*"], '"match llama-*" of "comet_provider p0"'),
    (["llama-3*", "llama-*"], None), (["~^l", "llama"], None),
    (["llama-* llama-3*", "qwen*"], None)])
def test_providers_that_are_never_reached(nginx, matches, said):
    status, output = nginx("".join(
        "comet_provider p%d { match %s; }\n" % one
        for one in enumerate(matches)), run=False).test()
    assert (status != 0) == (said is not None), output
    assert said is None or said in output


def test_the_most_that_a_price_can_be(nginx):
    status, output = nginx("comet_price * input=100001 output=1;",
                           run=False).test()
    assert status != 0 and "at most 100000" in output


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


ROUTES = [
    ("comet_route smart { }", 'add "to MODEL;" to it, in'),
    ("comet_route { to a; }", "invalid number of arguments"),
    ("comet_route smart { then a; to b; }", "before the first \"then\""),
    ("comet_route smart { to a; then b; to c; }", "before the first \"then\""),
    ("comet_route smart { to; }", 'it takes "to MODEL'),
    ("comet_route smart { default a; }", 'it takes "to MODEL'),
    ("comet_route smart { to a weight=0; }", "a number from 1 to 1000000"),
    ("comet_route smart { to a weight=-1; }", "a number from 1 to 1000000"),
    ("comet_route smart { to a weight=1.5; }", "a number from 1 to 1000000"),
    ("comet_route smart { to a weight=1000001; }",
     "a number from 1 to 1000000"),
    ("comet_route smart { to a; then b weight=1; }", 'a "then" has no weight'),
    ("comet_route smart { to weight=1; }", "write the name of one model"),
    ("comet_route smart { to gpt-*; }", "write the name of one model"),
    ("comet_route smart { to ' a'; }", "write the name of one model"),
    ("comet_route smart { to a'b\\\\'; }", "write the name of one model"),
    ("comet_route gpt-* { to a; }", "write the name of one model"),
    ("comet_route %s { to a; }" % ("x" * 256), "write the name of one model"),
    ("comet_route smart { to a; to a; }", "write it once, with its weight"),
    ("comet_route smart { to a; then b; then b; }", "is tried once"),
    ("comet_route smart { to a; } comet_route smart { to b; }",
     "write all of its targets in one block"),
    ("comet_route smart { to a b; }", "behind a model it takes"),
    ("comet_route smart { to a size=3; }", "behind a model it takes"),
    ("comet_route smart user { to a; }", "write key=$variable"),
    ("comet_route smart key=user { to a; }", "write key=$variable"),
    ("comet_route smart { to a pass=api; }", "write https://HOST"),
    ("comet_route smart { to a pass=https://h/v1; }", 'write "https://h"'),
    ("comet_route smart { to a pass=http://h?x=1; }", "takes no query"),
    ("comet_route smart { to a pass=http://127.0.0.1:1 "
     "pass=http://127.0.0.1:2; }", "once each"),
    ("comet_route smart { to a key=sk-123456; }", "write key=file:"),
    ("comet_route smart { to a key=env:NO_SUCH_NAME_SET; }", "is not set"),
    ("comet_route smart { to a key=file:; }", "write file:/path"),
    ("comet_route a { to b; } comet_route b { to c; }",
     '"b" in "comet_route a" is a route itself'),
    ("comet_route b { to c; } comet_tenant t { comet_route a { to d; then b; }"
     " }", '"b" in "comet_route a" is a route itself'),
    ("server { comet_route a { to b; } }", "not allowed here"),
]


@pytest.mark.parametrize("text,said", ROUTES)
def test_mistakes_of_routes(nginx, text, said):
    status, output = nginx(text, run=False).test()
    assert status != 0 and said in output and "nginx.conf:" in output
    assert "sk-123456" not in output


@pytest.mark.parametrize("text", [
    "comet_route smart { to a; }",
    "comet_route gpt-5.4 { to gpt-5.4 weight=9; to b; then c; then a/b; }",
    "comet_route gpt-5.4 { to gpt-5.4; then b; } comet_route a { to gpt-5.4; }",
    "comet_route smart key=$remote_addr$arg_x { to a weight=1000000; then a; }",
    "comet_route smart { to a; to a pass=http://127.0.0.1:9/x; "
    "to a key=file:KEYFILE; then a pass=https://127.0.0.1:9; }",
    "comet_route b { to a; } comet_tenant t { comet_client_key "
    "0123456789abcdef; comet_route b { to c; } comet_route d { to e; } }"])
def test_routes_that_are_right(nginx, text):
    status, output = nginx(text, run=False).test()
    assert status == 0 and "[warn]" not in output and "[emerg]" not in output


@pytest.mark.parametrize("route", [
    "%s", "comet_tenant t { comet_client_key 0123456789abcdef; %s }"])
def test_a_target_in_clear_is_warned_of(nginx, route):
    for url, warned in [("http://192.0.2.1:9", 1), ("https://192.0.2.1:9", 0),
                        ("http://127.0.0.1:9", 0), ("http://api", 0)]:
        text = route % ("comet_route a { to b pass=%s; }" % url)
        status, output = nginx(
            "upstream api { server 192.0.2.1; }" + text, run=False,
            name="nginx-" + url.replace("/", "-")).test()
        assert status == 0
        assert output.count("in clear: write https://") == warned


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
    ("comet_pass https://api;", 'the name "api"'),
    ("comet_pass https://api; comet_ssl_name api.example.com;", None),
    ("comet_pass http://192.0.2.1:9; if ($arg_x) { set $x 1; }",
     "in clear: write https://")])
def test_warnings(nginx, text, said):
    status, output = nginx(
        "comet_tenant_from off; upstream api { server 192.0.2.1; }"
        + conf("comet_key sk-x;" + text), run=False).test()
    assert status == 0
    assert output.count("[warn]") == (said is not None)
    assert said is None or said in output


def test_a_provider_without_models(nginx):
    """The block and its line are told, not the last line within."""
    server = nginx("\ncomet_provider llama {\n    param n 1..2;\n}\n",
                   run=False)
    status, output = server.test()
    line = 1 + server.conf.read_text().splitlines().index(
        "comet_provider llama {")
    assert status != 0
    assert '"comet_provider llama" has no models: add "match' in output
    assert "nginx.conf:%d\n" % line in output


@pytest.mark.parametrize("line,said", [
    ("param temperature low;", 'invalid rule for "temperature"'),
    ("param user =x;", "cannot set"),
    ("param seed off;", "is not documented"),
    ("match a,b;", '"," means nothing')])
def test_a_line_of_a_provider(nginx, line, said):
    server = nginx("comet_provider x {\n  %s\n  match m;\n}\n" % line,
                   run=False)
    status, output = server.test()
    where = 1 + server.conf.read_text().splitlines().index("  " + line)
    assert status != 0 and said in output
    assert "nginx.conf:%d\n" % where in output


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
