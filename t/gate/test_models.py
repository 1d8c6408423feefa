"""The list of models, as it is shown to those who may use some of them."""

import pytest

from conftest import free_port
from judged import gate
from wire import Client, call, plan, request


def test_the_list_of_models_shows_what_may_be_used(nginx, mock):
    edge = gate(nginx, mock, "comet_models gpt-* o3 gem*; "
                             "comet_deny_models gemini-*;")
    with Client(edge) as client:
        for how in ({}, {"framing": "chunked"}, {"pieces": 5}):
            answer = client.call("GET", "/v1/models", headers=plan(**how))
            assert answer.complete
            assert [m["id"] for m in answer.json()["data"]] \
                == ["gpt-5.4", "o3"]
            assert answer.json()["object"] == "list"
        assert client.call("HEAD", "/v1/models").status == 200
        answer = client.call("GET", "/v1/models", headers=plan(status=500))
        assert answer.status == 500 and b"mocked" in answer.body
    for wishes in ({"body": "[]"}, {"body": "{"}, {"body": '{"data":{}}'},
                   {"body": ""}, {"size": 5000000, "framing": "length"}):
        answer = call(edge, "GET", "/v1/models", headers=plan(**wishes))
        assert answer.status == 502 and answer.complete
        assert answer.json()["error"]["code"] == "upstream_unavailable"
    for wishes in ({"status": 201}, {"headers": {"Content-Encoding": "gzip"}}):
        answer = call(edge, "GET", "/v1/models", headers=plan(**wishes))
        assert [m["id"] for m in answer.json()["data"]] == ["gpt-5.4", "o3"]
        assert answer.header("content-encoding") is None
    for body, status in (
            ('{"data":[{"id":"o3","id":"o4"},{"id":"o3"}]}', 200),
            ('{"data":[],"data":[{"id":"o4"}]}', 502)):
        answer = call(edge, "GET", "/v1/models", headers=plan(body=body))
        assert answer.status == status and b"o4" not in answer.body
    for wishes in ({"cut": 400}, {"cut": 400, "how": "reset"}):
        answer = call(edge, "GET", "/v1/models", headers=plan(**wishes))
        assert answer.status == 502 and answer.complete


UNREADABLE = [{"body": "["}, {"body": ""}, {"body": "{", "framing": "chunked"},
              {"body": "{", "framing": "close"}, {"cut": 500},
              {"size": 100000, "framing": "length"}]

STRAY = {"ETag": '"x"', "Location": "/x", "Content-Language": "tlh",
         "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT"}


@pytest.mark.parametrize("recursive", ["off", "on"])
def test_an_error_page_for_a_list_that_cannot_be_read(nginx, mock, recursive):
    """The answer is that of the page, whatever it is, and nothing else."""
    pages = {"comet": "@other", "twice": "@twice", "file": "/page.txt",
             "none": None}
    other = free_port()
    edge = nginx("""
    upstream api { server 127.0.0.1:%d; keepalive 4; }
    server { listen 127.0.0.1:%d; location / { return 200 "the other"; } }
    server {
        listen PORT;
        root .;
        recursive_error_pages %s;
        comet_key sk-x;
        %s
        location @other { comet_pass http://127.0.0.1:%d; }
        location @twice {
            comet_pass http://api;
            comet_models o3;
            error_page 502 = @other;
            rewrite ^ /v1/models break;
        }
    }""" % (mock.port, other, recursive, "\n".join("""
        location /%s/ {
            comet_pass http://api;
            comet_models o3;
            rewrite ^/[a-z]+(/.*)$ $1 break;
            %s
        }""" % (name, "error_page 502 = %s;" % page if page else "")
        for name, page in pages.items()), other))
    (edge.dir / "page.txt").write_text("a page of text")
    wants = {"comet": b"the other", "file": b"a page of text"}
    if recursive == "on":
        wants["twice"] = b"the other"

    def ask(client, name, **wishes):
        answer = client.call("GET", "/%s/v1/models" % name,
                             headers=plan(**dict(wishes, headers=STRAY)))
        assert answer.complete, (name, wishes)
        assert answer.header("content-language") is None
        assert answer.header("location") is None
        assert answer.header("etag") != '"x"'
        assert answer.header("last-modified") != STRAY["Last-Modified"]
        assert len(answer.all("content-type")) == 1
        if name in wants:
            assert (answer.status, answer.body) == (200, wants[name])
        else:
            error = answer.json()["error"]
            assert answer.status == 502
            assert error["code"] == "upstream_unavailable"

    with Client(edge) as client:
        for wishes in UNREADABLE:
            for name in pages:
                ask(client, name, **wishes)
            assert client.call("HEAD", "/comet/v1/models").status == 200
            assert client.call("GET", "/comet/v1/models").json()["data"]
    with Client(edge) as client:
        client.send(request("GET", "/none/v1/models", version="1.0",
                            headers=plan(body="[")))
        answer = client.answer()
        assert answer.status == 502 and answer.complete and answer.json()
    assert "upstream sent no list of models that can be read" in edge.log()
