"""What lies in shared memory tells another binary how it lies there: each
member of each struct is in the number that the zone begins with."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = ROOT / "src/core"

STRUCT = re.compile(r"(?:typedef )?(?:struct|union)(?: (\w+)_s)? \{\n(.*?)^\}(?: (\w+)_t)?;",
                    re.M | re.S)
MEMBER = re.compile(r"^    ([\w ]+?)\s+\**(\w+)((?:\[\w*\])*);", re.M)
SAID = re.compile(r"ngx_comet_member\((\w+), (\w+)\)"
                  r"|offsetof\((\w+), (\w+)\)|\(\((\w+) \*\) 0\)->(\w+)")


def sources(ending):
    return "\n".join(path.read_text() for path in sorted(CORE.glob("*/*" + ending)))


def structs(text):
    """{type: [(type of a member, its name)]}"""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    # a union within is named behind it
    text = re.sub(r"^    union \{.*?^    \}\s+(\w+)(\[\w*\]);", r"    union  \1\2;",
                  text, flags=re.M | re.S)
    return {(tag or name) + "_t": [(kind.replace("const ", ""), member)
                                   for kind, member, _ in MEMBER.findall(body)]
            for tag, body, name in STRUCT.findall(text)}


def shared(known):
    """The ledger, and all that it leads to."""
    left, found = ["ngx_comet_ledger_t"], {}
    while left:
        name = left.pop()
        if name in known and name not in found:
            found[name] = known[name]
            left += [kind for kind, _ in known[name]]
    return found


def left_out(headers, code):
    said = {tuple(part for part in parts if part) for parts in SAID.findall(code)}
    return sorted((name, member) for name, members in shared(structs(headers)).items()
                  for _, member in members if (name, member) not in said)


def test_every_member_of_shared_memory_is_in_its_layout():
    found = shared(structs(sources(".h")))
    assert {"ngx_comet_counter_t", "ngx_comet_level_t", "ngx_comet_call_t", "ngx_comet_lock_t",
            "ngx_comet_tally_t", "ngx_comet_series_t", "ngx_comet_name_t"} <= found.keys()
    assert all(found.values())
    assert left_out(sources(".h"), sources(".c")) == []


@pytest.mark.parametrize("line", [
    "uint64_t                     generation;",
    "ngx_comet_call_t            *next;",
    "uint32_t                    *in_flight;",
    "uint64_t             since;",
    "char                         text[];",
])
def test_a_new_member_that_is_left_out_is_found(line):
    headers = sources(".h")
    assert line in headers
    planted = headers.replace(line, line + "\n    uint32_t  planted;", 1)
    (_, member), = left_out(planted, sources(".c"))
    assert member == "planted"
