"""No two readers: of what passes the gate, every reader of JSON reads the same.

Hostile bodies go through a real nginx.  Each that reaches the API is read
there by Go's encoding/json, by JSON.parse, by cJSON in two ways and by Python.
"""

import json
import os
import random
import re
import shutil
import struct
import subprocess
import warnings

import pytest

from conftest import ROOT, edge_conf, wait_for
from wire import Client, plan, request

SEED = 20
BODIES = 4000

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"

FIELDS = {
    CHAT: ["model", "stream", "max_tokens", "max_completion_tokens",
           "temperature", "n", "user"],
    RESPONSES: ["model", "stream", "max_output_tokens", "max_tokens",
                "max_completion_tokens", "temperature"],
}

MODELS = ["o3", "gpt-5.4", "gpt-4o", "gpt-4.1", "claude-x", "gemini-x",
          "mystery", "vendor/k\u00fchn-1"]


# bodies: a list of members, [name, value] as they stand in the text

def text(value):
    return json.dumps(value, ensure_ascii=False)


def valid(rng, target):
    members = [["model", text(rng.choice(MODELS))]]
    if target == CHAT:
        members.append(["messages", '[{"role":"user","content":"Hi"}]'])
    else:
        members.append(["input", '"Hi"'])
    for name, values in [("stream", ["true", "false"]),
                         ("temperature", ["0", "1", "0.25", "1.0", "1e-1"]),
                         (rng.choice([n for n in FIELDS[target]
                                      if n.startswith("max_")]),
                          ["5", "0", "4096", "9007199254740991"]),
                         ("n", ["1"]),
                         ("user", ['"me"', '"\u212a\u00e9"', '""'])]:
        if name in FIELDS[target] and rng.random() < 0.6:
            members.append([name, rng.choice(values)])
    rng.shuffle(members)
    return [['"%s"' % name, value] for name, value in members]


def bare(member):
    return member[0][1:-1]


def relied(rng, members, target):
    return rng.choice([m for m in members if bare(m) in FIELDS[target]])


def other(rng, member):
    """Another value of the same type."""
    value = member[1]
    if value.startswith('"'):
        return rng.choice(['"other"', '"gpt-5.4"', '""', value])
    if value in ("true", "false"):
        return rng.choice(["true", "false"])
    return rng.choice(["1", "0", "2", value])


def put(rng, members, *member):
    members.insert(rng.randint(0, len(members)), list(member))


def escaped(rng, name):
    at = rng.randrange(len(name))
    code = "\\u%04x" % ord(name[at])
    if rng.random() < 0.5:
        code = "\\u" + code[2:].upper()
    return name[:at] + code + name[at + 1:]


def cased(rng, name):
    while True:
        new = "".join(c.upper() if rng.random() < 0.4 else c for c in name)
        if new != name:
            return new


def folded(rng, name):
    """In a case that only Unicode knows."""
    places = [i for i, c in enumerate(name) if c in "sk"]
    if not places:
        return cased(rng, name)
    at = rng.choice(places)
    c = {"s": "\u017f", "k": "\u212a"}[name[at]]
    if rng.random() < 0.3:
        c = "\\u%04x" % ord(c)
    return name[:at] + c + name[at + 1:]


def nul(rng, name):
    return rng.choice([name + "\\u0000", name + "\\u0000x", "\\u0000" + name,
                       name[:1] + "\\u0000" + name[1:]])


def spelt(rng, name):
    return rng.choice([cased, cased, folded, nul,
                       lambda r, n: escaped(r, cased(r, n))])(rng, name)


def duplicate(rng, members, target):
    m = relied(rng, members, target)
    put(rng, members, m[0], other(rng, m))


def duplicate_of_null(rng, members, target):
    m = relied(rng, members, target)
    put(rng, members, m[0], "null")


def duplicate_escaped(rng, members, target):
    m = relied(rng, members, target)
    put(rng, members, '"%s"' % escaped(rng, bare(m)), other(rng, m))


def duplicate_spelt(rng, members, target):
    m = relied(rng, members, target)
    put(rng, members, '"%s"' % spelt(rng, bare(m)), other(rng, m))


def spelt_alone(rng, members, target):
    m = relied(rng, members, target)
    m[0] = '"%s"' % spelt(rng, bare(m))


def cap_of_another_name(rng, members, target):
    name = rng.choice(["max_tokens", "max_completion_tokens",
                       "max_output_tokens"])
    if '"%s"' % name not in [m[0] for m in members]:
        put(rng, members, '"%s"' % name, rng.choice(["5", "null", "0"]))


def escaped_name(rng, members, target):
    m = relied(rng, members, target)
    m[0] = '"%s"' % escaped(rng, bare(m))


def escaped_value(rng, members, target):
    m = members[[bare(m) for m in members].index("model")] \
        if '"model"' in [m[0] for m in members] else members[0]
    if len(m[1]) > 2 and m[1].startswith('"') and "\\" not in m[1]:
        m[1] = '"%s"' % escaped(rng, m[1][1:-1])


NUMBERS = ["1E400", "-1E400", "1e308", "1e-400", "1e5", "1E+0", "1.0", "-0",
           "-0.0", "0.1e1", "10e-1", "0e999", "01", "-01", "1.", ".5", "+1",
           "0x10", "1e", "1e+", "--1", "1_0", "NaN", "Infinity", "-Infinity",
           "123456789012345678901234567890", "9007199254740993",
           "0." + "0" * 50 + "1", "0." + "3" * 90, "1" * 200, "\u0661"]


def number(rng, members, target):
    names = [n for n in FIELDS[target] if n not in ("model", "stream", "user")]
    name = '"%s"' % rng.choice(names)
    members[:] = [m for m in members if m[0] != name]
    put(rng, members, name, rng.choice(NUMBERS))


def other_type(rng, members, target):
    relied(rng, members, target)[1] = rng.choice(
        ["null", "[]", "{}", '"x"', "true", "1", "tru", "nulL", "TRUE"])


STRINGS = ["\\ud800", "\\udc00\\ud800", "\\ud83d\\ude00", "\\uD83D\\u0041",
           "\\u0000", "\\x41", "\\'", "\\/", "\\u12", "\\U0041", "\u2028",
           "\x00", "\n", "\t", "\x1f", "\x7f", "\ufeff", "\ufffe", "\U0001f600"]


def string(rng, members, target):
    value = '"a%sb"' % rng.choice(STRINGS)
    if rng.random() < 0.5:
        put(rng, members, '"free"', value)
    else:
        name = rng.choice(["model", "user", "messages", "input"])
        members[:] = [m for m in members if bare(m) != name]
        put(rng, members, '"%s"' % name, value)


def free_number(rng, members, target):
    put(rng, members, '"seed"', rng.choice(NUMBERS))


def free_name(rng, members, target):
    put(rng, members, '"%s"' % rng.choice(
        ["__proto__", "constructor", "", " model", "model ", "m\u043edel",
         "\u0130", "modell", "mode", "\\u0000", "x\\u0000model", "top-k",
         "model\u200b", "\ufeffmodel", "strea\\u006d\\u0020"]), '"x"')


def free_duplicates(rng, members, target):
    put(rng, members, '"vendor"', rng.choice(
        ['{"model":"a","model":"b"}', '{"model":"a","MODEL":"b"}',
         '[{"stream":true},{"stream":false,"stream":true}]',
         '{"a":{"a":{"a":1}},"a":2}']))
    if rng.random() < 0.3:
        put(rng, members, '"vendor"', "2")


def deep(rng, members, target):
    n = rng.choice([20, 200, 254, 255, 256, 257, 300, 2000])
    o, c = rng.choice([("[", "]"), ('{"model":', "}")])
    put(rng, members, '"vendor"', o * n + "1" + c * n)


def roles(rng, members, target):
    messages = rng.choice(
        ['[{"role":"user","role":"system","content":"x"}]',
         '[{"role":"user","ROLE":"system","content":"x"}]',
         '[{"role":"user","r\\u006fle":"system"}]',
         '[{"role":"user","content":"x","Content":"y"}]',
         '[{"role":"user","content":"x","free":1,"free":2}]',
         '[{"r\\u006fle":"user","content":[{"type":"text","type":"x"}]}]',
         '[{"role":"user"},{"role":"assistant","tool_calls":[{"id":1}]}]',
         '[{"role":"user","role\\u0000":"system"}]'])
    members[:] = [m for m in members if m[0] != '"messages"']
    put(rng, members, '"messages"', messages)


OF_MEMBERS = [duplicate, duplicate_of_null, duplicate_escaped,
              duplicate_spelt, spelt_alone, cap_of_another_name, escaped_name,
              escaped_name, escaped_value, number, other_type, string,
              free_number, free_name, free_duplicates, deep, roles]


# bodies: the bytes

def written(rng, members):
    spaces = ["", "", "", " ", "\n", "\t\r\n"] if rng.random() < 0.3 else [""]

    def space():
        return rng.choice(spaces)

    parts = [space() + name + space() + ":" + space() + value + space()
             for name, value in members]
    return (space() + "{" + ",".join(parts) + "}" + space()).encode()


def mark(rng, body):
    return rng.choice([
        b"\xef\xbb\xbf" + body, body.decode().encode("utf-16"),
        body.decode().encode("utf-16-le"), body.decode().encode("utf-32-be")])


def behind(rng, body):
    return body + rng.choice([b"x", b"{}", body, b"\0", b",", b"}", b"//",
                              b" ", b"\n\n", b"\xc2\xa0", b'{"model":"b"}'])


def before(rng, body):
    return rng.choice([b"\0", b"x", b")]}',\n", b"[", b" ", b"\xc2\xa0",
                       b"data: ", b"{}"]) + body


def ends(rng, body):
    return body[:rng.randrange(len(body))]


def between(rng, body):
    """Something odd beside a comma, a colon or a bracket."""
    at = rng.choice([m.start() for m in re.finditer(rb"[,:{}]", body)])
    odd = rng.choice([b"\xc2\xa0", b"\v", b"\f", b"\0", b"\x1f", b"\xe2\x80\xa8",
                      b"/**/", b"//x\n", b"#x\n", b",", b":", b" ", b"\r",
                      b"\xff", b"\\u0020"])
    at += rng.randint(0, 1)
    return body[:at] + odd + body[at:]


def quotes(rng, body):
    return rng.choice([body.replace(b'"', b"'"), body.replace(b'"', b"'", 2),
                       body.replace(b'"', b"", 2),
                       body.replace(b'"', b"\xe2\x80\x9c", 1)])


INVALID = [b"\xff", b"\xc0\x80", b"\xc1\xaf", b"\xed\xa0\x80", b"\x80",
           b"\xe2\x82", b"\xf4\x90\x80\x80", b"\xe0\x80\xaf", b"\xf8\x88"]


def bad_utf8(rng, body):
    at = rng.choice([m.start() + 1 for m in re.finditer(rb'"', body)])
    return body[:at] + rng.choice(INVALID) + body[at:]


def flipped(rng, body):
    at = rng.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) \
        + body[at + 1:]


def lost(rng, body):
    at = rng.randrange(len(body))
    return body[:at] + body[at + 1:]


def more(rng, body):
    at = rng.randrange(len(body))
    return body[:at] + bytes([rng.choice(b'"\\{}[],:0 a\0')]) + body[at:]


OF_BYTES = [mark, behind, before, ends, between, between, quotes, bad_utf8,
            flipped, lost, more]


def hostile(rng, target):
    members = valid(rng, target)
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        if any(bare(m) in FIELDS[target] for m in members):
            rng.choice(OF_MEMBERS)(rng, members, target)
    body = written(rng, members)
    if rng.random() < 0.3:
        body = rng.choice(OF_BYTES)(rng, body)
    return body


# readers: bodies in, one line for each out

def read_by_program(command, bodies):
    data = b"".join((b"c" if target == CHAT else b"r")
                    + struct.pack(">I", len(body)) + body
                    for target, body in bodies)
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(bodies)
    return [told(json.loads(line)) for line in lines]


def told(line):
    if line == "error":
        return line
    return {name: value if not value
            else float(value[1:]) if value[0] == "n"
            else bytes.fromhex(value[1:]).decode(errors="replace")
            if value[0] == "s"
            else value for name, value in line.items()}


def read_by_python(bodies):
    def tell(value):
        if isinstance(value, bool):
            return "b" + str(value).lower()
        if value is None or isinstance(value, (str, float)):
            return value
        return "other"

    out = []
    for target, body in bodies:
        try:
            value = json.loads(body, parse_int=float)
        except (ValueError, RecursionError):
            value = None
        out.append({name: tell(value.get(name)) for name in FIELDS[target]}
                   if isinstance(value, dict) else "error")
    return out


def readers_of(directory):
    """name -> command"""
    source = ROOT / "t" / "readers"
    c = str(directory / "read-c")
    subprocess.run(["cc", "-O1", "-o", c, str(source / "read.c"), "-lcjson"],
                   check=True)
    readers = {"JSON.parse": ["node", str(source / "read.mjs")],
               "cJSON": [c], "cJSON in any case": [c, "any"]}
    if shutil.which("go"):
        go = str(directory / "read-go")
        env = dict(os.environ, CGO_ENABLED="0", GOTOOLCHAIN="local",
                   GO111MODULE="off")
        env.setdefault("GOCACHE", str(ROOT / "build" / "go"))
        subprocess.run(["go", "build", "-o", go, str(source / "read.go")],
                       check=True, cwd=directory, env=env)
        readers["encoding/json"] = [go]
    else:
        warnings.warn("go is not installed: read without encoding/json")
    return readers


def read_by_all(readers, bodies):
    out = {name: read_by_program(command, bodies)
           for name, command in readers.items()}
    out["Python"] = read_by_python(bodies)
    return out


# many versions of cJSON refuse a number of more than 63 bytes, wherever it is
LONG_NUMBER = re.compile(rb"[-+.0-9eE]{64}")


def excused(name, what, body):
    return name.startswith("cJSON") and what == "error" \
        and LONG_NUMBER.search(body)


def as_in_c(what):
    """A string in C ends at a NUL; of those relied on, user may hold one."""
    if what == "error":
        return what
    return {name: value.split("\0")[0] if name == "user"
            and isinstance(value, str) else value
            for name, value in what.items()}


def differences(read, bodies):
    found = []
    for i, (target, body) in enumerate(bodies):
        views = {name: as_in_c(all_read[i]) for name, all_read in read.items()
                 if not excused(name, all_read[i], body)}
        if any(view != views["Python"] for view in views.values()):
            found.append((body, views))
    return found


MODES = {
    "reject": "comet_invalid reject;",
    "repair": """comet_invalid repair; comet_max_output_tokens 100 default;
                 comet_param user =$http_x_user; comet_param n 1..4;
                 client_body_buffer_size 1k;""",
}


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    return readers_of(tmp_path_factory.mktemp("readers"))


@pytest.mark.parametrize("mode", MODES)
def test_all_readers_read_the_same(nginx, mock, readers, mode):
    edge = nginx(edge_conf(mock, MODES[mode] + " access_log model.log model;",
                           http="""
        log_format model escape=none '$comet_verdict $comet_model';"""))

    rng = random.Random(SEED)
    passed, refused = [], []
    client = Client(edge)

    for n in range(BODIES):
        target = rng.choice([CHAT, CHAT, RESPONSES])
        body = hostile(rng, target)
        seen = len(mock.requests)
        client.send(request("POST", target, body,
                            dict(plan(status=201, body="{}"),
                                 **{"x-user": 'a "b"'}),
                            chunked=rng.random() < 0.2))
        answer = client.answer()
        if len(mock.requests) > seen:
            assert answer.status == 201
            passed.append((target, body, mock.last().body))
        else:
            assert answer.status == 400, (answer.status, body)
            refused.append((target, body))
        if answer.header("connection") == "close":
            client.socket.close()
            client = Client(edge)

    client.socket.close()

    # neither all nor nothing
    assert len(passed) > BODIES / 5, len(passed)
    assert len(refused) > BODIES / 5, len(refused)

    bodies = [(target, body) for target, _, body in passed]
    read = read_by_all(readers, bodies)
    found = differences(read, bodies)
    assert not found, "%d bodies are read in two ways, one is %r: %s" \
        % (len(found), *min(found, key=lambda f: len(f[0])))

    # the gate is a reader too
    log = edge.dir / "model.log"
    wait_for(lambda: log.read_bytes().count(b"\n") >= BODIES)
    models = [line.split(" ", 1)[1] for line in log.read_text().split("\n")
              if line.startswith(("pass ", "repaired "))]
    assert models == [one["model"] for one in read["Python"]]

    # and what it refuses, some do read in another way than others
    assert len(differences(read_by_all(readers, refused), refused)) > 200
