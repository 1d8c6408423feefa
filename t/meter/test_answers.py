"""The meter beside answers made at random and cut at random: of each call the
log says what the API said, to the token, and the client gets every byte of it
but the chunk that only the gateway asked for.

COMET_ANSWERS says how many of them there are."""

import concurrent.futures
import json
import os
import random

import pytest

from answers import Made
from conftest import edge_conf, wait_for
from wire import Client, plan

SLOW = "COMET_SLOW" in os.environ
ANSWERS = int(os.environ.get("COMET_ANSWERS", 100 if SLOW else 400))
CLIENTS = 32

FORMAT = """log_format meter escape=json '{"call":"$http_x_call",'
    '"metered":"$comet_metered","input":"$comet_input_tokens",'
    '"output":"$comet_output_tokens","cached":"$comet_cached_tokens",'
    '"reasoning":"$comet_reasoning_tokens","finish":"$comet_finish_reason",'
    '"model":"$comet_upstream_model"}';
    access_log meter.log meter;
    keepalive_requests 1000000;
    upstream api {
        server 127.0.0.1:%d;
        keepalive 32;
        keepalive_requests 1000000;
    }
"""


def conf(mock, location):
    return edge_conf(mock, location, http=FORMAT % mock.port).replace(
        "comet_pass http://127.0.0.1:%d" % mock.port, "comet_pass http://api")


def longest(chance, size):
    """of the pieces of an answer: short ones may come byte by byte"""
    return chance.choice([1] * (size < 1500) + [3] * (size < 4000)
                         + [17, 97, 400, 4000, 1 << 20])


class Clients:
    """Each has a connection, and every CLIENTS-th of the calls."""

    def __init__(self, edge, mock, numbers):
        self.edge = edge
        self.mock = mock
        self.numbers = numbers
        self.lines = {}                 # what the log must say of each
        self.wrong = False

    def run(self, first):
        client = None
        for number in self.numbers[first::CLIENTS]:
            if self.wrong:
                break
            client = client or Client(self.edge)
            try:
                version = self.call(client, number)
            except BaseException:
                self.wrong = True
                raise
            if version == "1.0":
                client.socket.close()
                client = None
        if client:
            client.socket.close()

    def call(self, client, number):
        chance = random.Random(-1 - number)
        made = Made(number)
        version = chance.choice(["1.1"] * 9 + ["1.0"])
        self.mock.kept[number] = made.sent
        answer = client.call(
            "POST", made.path, made.call, dict(
                plan(kept=number, pieces=number, pause=0.2, close=made.close,
                     longest=longest(chance, len(made.sent))),
                **{"x-call": number}), version=version)
        request, = [r for r in list(self.mock.requests)
                    if r.kept == number]
        self.mock.requests.remove(request)
        assert answer.status == 200 and answer.complete, number
        assert answer.body == made.body, number
        assert request.json() == made.asked, number
        self.lines[number] = made.line
        return version


@pytest.mark.parametrize("half,location", [
    (0, ""), (1, "comet_buffer_size 1k;")], ids=["4k", "1k"])
def test_generated_answers(nginx, mock, half, location):
    edge = nginx(conf(mock, location))
    numbers = range(half, ANSWERS, 2)
    clients = Clients(edge, mock, numbers)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(clients.run, n) for n in range(CLIENTS)]:
            done.result()
    path = edge.dir / "meter.log"
    wait_for(lambda: path.read_bytes().count(b"\n") >= len(numbers))
    logged = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(logged) == len(clients.lines) == len(numbers)
    for line in logged:
        number = int(line.pop("call"))
        assert line == clients.lines.pop(number), number
