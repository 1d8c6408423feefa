"""What an operator adds to the documented rules."""

import pytest

from conftest import edge_conf
from judged import gate, post, with_
from wire import call, chat, plan


def test_comet_param(nginx, mock):
    edge = gate(nginx, mock, """
        comet_param temperature 0.2..0.8;
        comet_param tools off;
        comet_param service_tier default flex;
        comet_param stop 0..2;
        comet_param functions 0..0;
        comet_param vendor_list 0..4;
        comet_param user =$http_x_user;
        comet_param store =false;
        comet_param seed =-7;
        comet_param tag =v1;
        comet_param zip =007;
        comet_param vendor_extra off;""")
    good = {"X-User": 'a"b\\\u0041'}
    for fields, status, param in [
            ({"temperature": 0.5}, 200, None),
            ({"temperature": 1}, 400, "temperature"),
            ({"tools": []}, 400, "tools"),
            ({"service_tier": "flex"}, 200, None),
            ({"service_tier": "auto"}, 400, "service_tier"),
            ({"stop": ["a", "b", "c"]}, 400, "stop"),
            ({"stop": ["a", "b"]}, 200, None),
            ({"functions": [1]}, 400, "functions"),
            ({"functions": []}, 200, None),
            ({"vendor_list": [None, {}, [1], "x"]}, 200, None),
            ({"vendor_list": [1, 2, 3, 4, 5]}, 400, "vendor_list"),
            ({"vendor_extra": 1}, 400, "vendor_extra"),
            ({"user": "mine", "store": True, "seed": 1}, 200, None)]:
        answer = chat(edge, with_(**fields), good)
        assert answer.status == status, (fields, answer.body)
        if param:
            assert answer.json()["error"]["param"] == param
            continue
        want = with_(**dict(fields, user='a"b\\A', store=False, seed=-7,
                            tag="v1", zip="007"))
        assert mock.last().json() == want


def test_comet_provider(nginx, mock):
    edge = nginx(edge_conf(mock, "comet_invalid repair;", http="""
        comet_provider house {
            match house-* ~^mist;
            param temperature 0..0.5;
            param logprobs off;
            param service_tier default;
            cap max_completion_tokens;
            developer off;
        }
        comet_provider strict { match claude-strict*; param n 1..1; }"""))
    body = with_("house-1", temperature=1, logprobs=True, max_tokens=5,
                 messages=[{"role": "developer", "content": "x"}])
    answer = chat(edge, body)
    assert mock.last().json() == with_(
        "house-1", temperature=0.5, max_completion_tokens=5,
        messages=[{"role": "system", "content": "x"}])
    for said in ("temperature=0.5", "logprobs=dropped", "role=system"):
        assert said in answer.header("x-comet-repairs")
    assert chat(edge, with_("mist", service_tier="flex")).status == 400
    assert chat(edge, with_("claude-strict", temperature=2)).status == 200
    assert mock.last().json()["temperature"] == 2
    chat(edge, with_("claude-x", temperature=2))
    assert mock.last().json()["temperature"] == 1


def test_comet_max_output_tokens(nginx, mock):
    for text, body, status, arrives in [
            ("100", with_("o3"), 200, {}),
            ("100", with_("o3", max_tokens=100), 200,
             {"max_completion_tokens": 100}),
            ("100", with_("o3", max_tokens=101), 400, None),
            ("100 default", with_("o3"), 200, {"max_completion_tokens": 100}),
            ("100 default", with_("claude-x"), 200, {"max_tokens": 100}),
            ("100 default", with_("gpt-4o", max_tokens=None), 200,
             {"max_tokens": 100}),
            ("100 default", with_("mystery", max_completion_tokens=7), 200,
             {"max_completion_tokens": 7})]:
        edge = nginx(edge_conf(mock, "comet_max_output_tokens %s;" % text))
        answer = chat(edge, body)
        assert answer.status == status, (text, body, answer.body)
        if status == 200:
            want = {k: v for k, v in body.items()
                    if not k.startswith("max_")}
            assert mock.last().json() == dict(want, **arrives)
        edge.stop()
    edge = nginx(edge_conf(
        mock, "comet_max_output_tokens 100; comet_invalid repair;"))
    answer = chat(edge, with_("o3", max_tokens=5000))
    assert mock.last().json() == with_("o3", max_completion_tokens=100)
    assert "max_tokens=100" in answer.header("x-comet-repairs")
    answer = chat(edge, with_("o3", max_tokens=0))
    assert mock.last().json() == with_("o3", max_completion_tokens=1)
    assert "max_tokens=1" in answer.header("x-comet-repairs")


CAPPED = ["comet_max_output_tokens 100;", "comet_max_output_tokens 100 default;",
          "comet_param max_completion_tokens 0..100;"]


@pytest.mark.parametrize("text", CAPPED)
def test_a_cap_of_zero_is_none(nginx, mock, text):
    """0 and -0 vanish where a reader leaves out what is empty."""
    edge = nginx(edge_conf(mock, text))
    for zero in (b"0", b"-0"):
        for name, path, head in [
                (b"max_tokens", "chat/completions", b'"messages":[{"role":'
                 b'"user"}]'),
                (b"max_completion_tokens", "chat/completions",
                 b'"messages":[{"role":"user"}]'),
                (b"max_output_tokens", "responses", b'"input":"x"'),
                (b"max_tokens", "responses", b'"input":"x"')]:
            answer = post(edge, "/v1/" + path, b'{"model":"gpt-5",%s,"%s":%s}'
                          % (head, name, zero))
            error = answer.json()["error"]
            assert (answer.status, error["param"]) == (400, name.decode())
            assert zero.decode() in error["message"]
    assert chat(edge, with_("o3", max_tokens=1)).status == 200
    assert chat(edge, with_("o3", max_tokens=None)).status == 200


def test_models(nginx, mock):
    edge = gate(nginx, mock, """
        comet_models gpt-5* claude-* ~^o[0-9]+$;
        comet_deny_models *-pro ~(a+)+$;""")
    for model, status in [("gpt-5.4", 200), ("claude-x", 200), ("o3", 200),
                          ("o3-mini", 403), ("gpt-4o", 403),
                          ("gpt-5-pro", 403), ("claude-aaaa", 403)]:
        answer = chat(edge, with_(model))
        assert answer.status == status, model
        if status == 403:
            error = answer.json()["error"]
            assert error["type"] == "permission_error"
            assert model in error["message"]
        answer = call(edge, "GET", "/v1/models/" + model)
        assert answer.status == (404 if status == 403 else 200)


def test_subrequests(nginx, mock):
    """Included, mirrored: a subrequest harms nothing of the main one."""
    edge = nginx(edge_conf(mock, """
        mirror /mirror/; comet_invalid repair; comet_max_output_tokens 16;
        client_body_buffer_size 1k;""", server="""
        location /mirror/ {
            internal;
            rewrite ^ /v1/chat/completions break;
            comet_pass http://127.0.0.1:%d; comet_key sk-x;
            comet_invalid repair; comet_max_output_tokens 16;
        }
        location /page/ { root %s; ssi on; ssi_types *; }
        location /list/ {
            internal;
            rewrite ^/list(/.*)$ $1 break;
            comet_pass http://127.0.0.1:%d; comet_key sk-x; comet_models o3;
        }
        location /down/ {
            internal;
            rewrite ^/down(/.*)$ $1 break;
            comet_pass http://127.0.0.1:9; comet_key sk-x;
        }""" % (mock.port, "PAGES", mock.port)).replace(
            "PAGES", "."))
    for size in (10, 5000):
        body = with_("o3", max_tokens=999, user="u" * size)
        seen = len(mock.requests)
        assert chat(edge, body).status == 200
        main = [r for r in mock.requests[seen:]
                if r.json().get("max_completion_tokens") == 16]
        assert main
    pages = edge.dir / "page"
    pages.mkdir()
    (pages / "a.html").write_text(
        'A<!--#include virtual="/list/v1/models" -->B'
        '<!--#include virtual="/down/v1/models" -->C')
    answer = call(edge, "GET", "/page/a.html")
    assert answer.status == 200 and answer.complete
    assert b'A{"object":"list"' in answer.body
    assert b'"o3"' in answer.body and b"gpt" not in answer.body
    assert answer.body.endswith(b"C")
    for wishes in ({"body": "["}, {"body": ""}, {"cut": 300}):
        answer = call(edge, "GET", "/page/a.html", headers=plan(**wishes))
        assert answer.status == 200 and answer.complete
        assert answer.body.startswith(b"A") and answer.body.endswith(b"C")


def test_an_expression_that_explodes_is_cut_off(nginx, mock):
    for rule in ("comet_models ~^(a+)+$ o3;", "comet_deny_models ~^(a+)+$;"):
        edge = gate(nginx, mock, rule)
        answer = chat(edge, with_("a" * 200 + "!"))
        assert answer.status == 403
        assert chat(edge, with_("o3")).status == 200


def test_a_list_of_models_holds_in_observe_mode_too(nginx, mock):
    edge = gate(nginx, mock, "comet_models o3; comet_invalid observe;")
    assert chat(edge, with_("o3", n=0)).status == 200
    assert chat(edge, with_("o4", n=0)).status == 403
    for body in (b'{"model":7}', b'{"model":null}', b'{}', b'{"model":""}',
                 b'{"model":"o3","model":"o4"}', b'["o3"]', b"x"):
        assert chat(edge, body).status == 400, body
    assert len(mock.requests) == 1
