"""Two tenants and their keys, and what a call of theirs takes."""

import hashlib
import json

from wire import CHAT, call, plan

ALICE = "alice-8f14e45fceea167a5a36dedd4bea2543"
BOB = "bob-c9f0f895fb98ab9159f51fd0297e236d"


def bearer(key=ALICE):
    return {"Authorization": "Bearer " + key}


def tenants(mock, alice="", bob="", http="", location="", key=True):
    return """
    comet_zone comet:1m;
    comet_tenant alice { comet_client_key %s; %s }
    comet_tenant bob   { comet_client_key sha256:%s; %s }
    %s
    keepalive_requests 1000000;
    server {
        listen PORT;
        location /v1/ {
            comet_pass http://127.0.0.1:%d;
            %s
            %s
        }
    }
    """ % (ALICE, alice, hashlib.sha256(BOB.encode()).hexdigest(), bob, http,
           mock.port, "comet_key file:KEYFILE;" if key else "", location)


def models(server, key=ALICE):
    return call(server, "GET", "/v1/models", headers=bearer(key))


def left(server, key=ALICE, what="tokens"):
    value = models(server, key).header("x-ratelimit-remaining-" + what)
    return None if value is None else int(value)


def estimate(body, output):
    return len(json.dumps(body)) // 4 + 1 + output


CAPPED = dict(CHAT, max_completion_tokens=100)
COST = estimate(CAPPED, 100)
USED = plan(usage=[COST - 100, 100])      # exactly what was reserved
