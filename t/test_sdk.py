"""The official OpenAI SDKs, with nothing changed but base_url and api_key."""

import json
import pathlib
import subprocess

import openai
import pytest

from conftest import ROOT, edge_conf
from test_pass import dead_port
from wire import plan

HELLO = [{"role": "user", "content": "Hello"}]


def client(edge, **options):
    options.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=edge.url + "/v1", api_key="client-key",
                         **options)


def test_create(edge, mock):
    answer = client(edge).chat.completions.create(
        model="gpt-5.4", messages=HELLO, temperature=0.5)
    assert answer.choices[0].message.content.startswith("The edge")
    assert answer.usage.completion_tokens == 5
    assert "client-key" not in str(mock.last().headers)
    assert mock.last().header("x-stainless-lang") == "python"


def test_what_agents_send_unasked_passes(edge, mock):
    """Where the API's documents differ, and roles that every model knows."""
    sdk = client(edge)
    for model, more in (("gpt-5", {"reasoning_effort": "low"}),
                        ("gpt-5-mini", {"reasoning_effort": "minimal"}),
                        ("claude-sonnet-4-6", {"temperature": 1}),
                        ("gemini-2.5-pro", {"temperature": 2}),
                        ("gpt-4o", {"service_tier": "fast"})):
        messages = [{"role": "developer", "content": "Be brief"}] + HELLO
        sdk.chat.completions.create(model=model, messages=messages, **more)
        assert mock.last().json() == dict(model=model, messages=messages,
                                          **more)
    sdk.responses.create(model="claude-sonnet-4-6", input="Hello",
                         temperature=1.8, service_tier="fast")
    assert mock.last().json()["temperature"] == 1.8


def test_stream(edge):
    stream = client(edge).chat.completions.create(
        model="gpt-5.4", messages=HELLO, stream=True,
        stream_options={"include_usage": True}, extra_headers=plan(events=40))
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks
                   if c.choices)
    assert text.count(" ") == 40
    assert chunks[-1].usage.completion_tokens == 40


def test_responses(edge):
    sdk = client(edge)
    answer = sdk.responses.create(model="gpt-5.4", input="Hello")
    assert answer.output_text.startswith("The edge")
    assert sdk.responses.retrieve(answer.id).id == answer.id
    assert sdk.responses.input_items.list(answer.id).data == []
    sdk.responses.cancel(answer.id)
    sdk.responses.delete(answer.id)


def test_responses_stream(edge):
    kinds = [event.type for event in client(edge).responses.create(
        model="gpt-5.4", input="Hello", stream=True)]
    assert kinds[0] == "response.created"
    assert kinds.count("response.output_text.delta") == 5
    assert kinds[-1] == "response.completed"


def test_models(edge):
    sdk = client(edge)
    assert "o3" in [model.id for model in sdk.models.list()]
    assert sdk.models.retrieve("gpt-5.4").object == "model"


@pytest.mark.parametrize("status,error", [
    (400, openai.BadRequestError), (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError), (404, openai.NotFoundError),
    (409, openai.ConflictError), (422, openai.UnprocessableEntityError),
    (429, openai.RateLimitError), (500, openai.InternalServerError)])
def test_errors_of_the_api_keep_their_type(edge, status, error):
    with pytest.raises(error) as caught:
        client(edge).chat.completions.create(
            model="gpt-5.4", messages=HELLO, extra_headers=plan(status=status))
    assert caught.value.code == "mocked"


def test_errors_made_here_have_a_type(nginx, mock):
    edge = nginx(edge_conf(mock, "client_max_body_size 1k;"))
    with pytest.raises(openai.NotFoundError) as caught:
        client(edge).embeddings.create(model="x", input="y")
    assert caught.value.code == "not_found"
    with pytest.raises(openai.APIStatusError) as caught:
        client(edge).responses.create(model="x", input="y" * 5000)
    assert caught.value.status_code == 413
    assert "client_max_body_size" in caught.value.message

    down = nginx(edge_conf(mock).replace(str(mock.port), str(dead_port())))
    with pytest.raises(openai.InternalServerError) as caught:
        client(down).models.list()
    assert caught.value.code == "upstream_unavailable"
    assert caught.value.status_code == 502


def test_the_sdk_retries_through_the_edge(edge, mock):
    with pytest.raises(openai.RateLimitError):
        client(edge, max_retries=2).chat.completions.create(
            model="gpt-5.4", messages=HELLO, extra_headers=plan(
                status=429, headers={"retry-after-ms": "1"}))
    assert len(mock.requests) == 3
    assert [r.header("x-stainless-retry-count") for r in mock.requests] \
        == ["0", "1", "2"]


def test_usage_is_seen_by_who_asked(edge, mock):
    def stream(**more):
        return list(client(edge).chat.completions.create(
            model="gpt-5.4", messages=HELLO, stream=True, **more))
    assert all(c.choices and c.usage is None for c in stream())
    assert mock.last().json()["stream_options"] == {"include_usage": True}
    last = stream(stream_options={"include_usage": True})[-1]
    assert last.choices == [] and last.usage.completion_tokens == 5


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("asks", [False, True])
def test_a_stream_cut_anywhere_raises(edge, mock, framing, asks):
    """At every few bytes: in a line, a string, an escape, a number."""
    more = {"stream_options": {"include_usage": True}} if asks else {}
    for cut in range(330, 1000, 23):
        with pytest.raises(openai.APIError) as caught:
            list(client(edge).chat.completions.create(
                model="gpt-5.4", messages=HELLO, stream=True,
                extra_headers=plan(cut=cut, framing=framing), **more))
        assert "broke off its answer" in caught.value.message, cut
        assert caught.value.code == "upstream_unavailable"


def test_a_cut_stream_of_responses_raises(edge):
    for cut in range(330, 4000, 97):
        with pytest.raises(openai.APIError) as caught:
            list(client(edge).responses.create(
                model="gpt-5.4", input="Hello", stream=True,
                extra_headers=plan(cut=cut)))
        assert caught.value.code == "upstream_unavailable", cut


def test_node(edge, mock, tmp_path):
    """t/node/sdk.mjs holds the same for openai-node."""
    modules = ROOT / "build/venv/npm/node_modules"
    script = modules.parent / "sdk.mjs"
    script.write_text((ROOT / "t/node/sdk.mjs").read_text())
    done = subprocess.run(["node", script, edge.url + "/v1"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["passed"] >= 11
    assert any(r.header("x-stainless-lang") == "js" for r in mock.requests)
