"""Bodies to judge, and an nginx that judges them."""

import os

import pytest

from conftest import edge_conf
from wire import CHAT, Client

SLOW = "COMET_SLOW" in os.environ

RESPONSE = {"model": "gpt-5.4", "input": "Hi"}


def post(edge, target, body, **how):
    with Client(edge) as client:
        return client.call("POST", target, body, **how)


def with_(model=None, **fields):
    body = dict(CHAT, **fields)
    if model:
        body["model"] = model
    return body


@pytest.fixture
def modes(nginx, mock):
    """One nginx with the three modes side by side."""
    conf = "\n".join("""
        location /%s/ {
            rewrite ^/[a-z]+(/.*)$ $1 break;
            comet_invalid %s;
            comet_pass http://127.0.0.1:%d;
            comet_key file:KEYFILE;
        }""" % (mode, mode, mock.port)
        for mode in ("reject", "repair", "observe"))
    return nginx("""
        log_format g '$comet_endpoint|$comet_model|$comet_provider|'
                     '$comet_verdict|$comet_error_code|$comet_error_param|'
                     '$comet_repairs';
        server { listen PORT; access_log gate.log g; %s }""" % conf)


def gate(nginx, mock, text):
    return nginx(edge_conf(mock, text))
