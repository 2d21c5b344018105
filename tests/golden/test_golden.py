"""Outputs kept as files and compared byte by byte: what the starter policies answer and why, and the PAC file of
fixed settings. After a change that is meant: UPDATE_GOLDEN=1 /usr/bin/python3 -m pytest tests/golden, then look at the diff."""
import json
import os
import re
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

from lib.daemons import Stack  # noqa: E402

ASKED = [
    {"url": "http://www.msftconnecttest.com/connecttest.txt"},
    {"url": "http://blocked.example/x?y=1"},
    {"url": "https://www.example.com/", "user": "alice", "groups": ["staff"]},
    {"url": "www.example.com:22"},
    {"url": "www.example.com:443", "client": "10.1.2.3", "user": "bob"},
]
PAC = {"url": "https://proxy.example.com/proxy.pac", "profiles": [
    {"name": "branch", "networks": ["10.8.0.0/16"], "proxies": [{"type": "http", "host": "p8.example.com", "port": 3128}], "fallback": "direct"},
    {"name": "default", "networks": [], "proxies": [{"type": "https", "host": "p1.example.com", "port": 3129},
                                                    {"type": "http", "host": "p2.example.com", "port": 3128}],
     "sharing": "by-host", "fallback": "none", "plain_names_direct": True,
     "direct": {"domains": ["corp.example"], "exact": ["www.partner.example"], "networks": ["10.0.0.0/8", "fd00::/8"]}}]}


def compare(name, text):
    path = os.path.join(HERE, name)
    if os.environ.get("UPDATE_GOLDEN"):
        with open(path, "w") as f:
            f.write(text)
    assert text == open(path).read(), f"{name} is not what it was; if that is meant: UPDATE_GOLDEN=1"


@pytest.fixture(scope="module")
def stack():
    with Stack() as s:
        yield s


@pytest.mark.parametrize("preset", ["open", "careful", "named", "locked"])
def test_starter_policy_answers(stack, preset):
    document = next(p["document"] for p in stack.api.get("/presets")["items"] if p["name"] == preset)
    stack.api.put("/policy/draft", document)
    answers = [stack.api.post("/simulate", {**q, "time": "2026-11-23T10:00:00Z", "policy": "draft"}) for q in ASKED]
    compare(f"starter-{preset}.json", json.dumps(answers, indent=1, sort_keys=True) + "\n")


@pytest.mark.parametrize("client", ["10.8.1.1", "192.0.2.1"])
def test_pac_file(stack, client):
    stack.api.put("/pac", PAC)
    text = stack.api.call("GET", f"/pac/file?client={client}").text
    compare(f"pac-{client}.txt", re.sub(r"settings version \d+", "settings version N", text))
