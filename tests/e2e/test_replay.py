"""Rehearsal: real traffic of every kind through the real proxy, then judged again. The policy that was live changes nothing;
another one changes exactly what it should, by user, host, category and rule."""
import base64
import copy
import itertools
import os
import socket
import subprocess

import pytest

from lib.daemons import BUILD, ROOT, SHARED, Stack, policy, wait_until
from lib.dns import Dns
from lib.origin import Origin

USERS = {"alice": "secret-1", "bob": "secret-2"}
HOSTS = ["open.test", "blocked.test", "warned.test", "override.test", "moved.test", "staff.test", "games.test", "late.test", "typed.test", "nobody.test"]
RULES = [
    {"id": "block", "action": "block", "when": {"hosts": ["blocked.test"]}, "unless": {"users": ["bob"]}},
    {"id": "warn", "action": "warn", "when": {"hosts": ["warned.test"]}},
    {"id": "override", "action": "override", "when": {"hosts": ["override.test"]}},
    {"id": "moved", "action": "redirect", "redirect_url": "http://elsewhere.test/", "when": {"hosts": ["moved.test"]}},
    {"id": "staff", "action": "allow", "when": {"hosts": ["staff.test"], "groups": ["staff"]}},
    {"id": "not-staff", "action": "block", "when": {"hosts": ["staff.test"]}},
    {"id": "games", "action": "block", "when": {"categories": ["games"]}, "unless": {"methods": ["CONNECT"]}},
    {"id": "never-now", "action": "block", "when": {"schedules": ["never"]}},
    {"id": "pattern", "action": "block", "when": {"url_patterns": ["/secret/", "[?]q=bad"]}},
    {"id": "typed", "action": "block", "when": {"hosts": ["typed.test"], "content_types": ["video/*"]}},
    {"id": "big", "action": "block", "when": {"hosts": ["typed.test"], "min_bytes": 5000}},
    {"id": "quiet", "action": "allow", "when": {"hosts": ["late.test"]}, "log": "no-query"},
]
DOCUMENT = policy(*RULES, schedules=[{"name": "never", "zone": "Europe/Paris", "windows": [{"days": ["mon"], "from": "00:00", "to": "00:01"}]}])


@pytest.fixture(scope="module")
def world():
    names = {h: "127.0.0.1" for h in HOSTS if h != "nobody.test"}
    with Dns(names) as d, Stack(proxy={"resolvers": d.address, "workers": "2"}) as s, Origin() as o:
        s.add_user("alice", USERS["alice"], ["staff"])
        s.add_user("bob", USERS["bob"])
        assert s.api.job(s.api.call("POST", "/categories/games:import", raw=b"games.test\n"))["state"] == "done"
        s.publish(DOCUMENT)
        o.on("/video", b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 3\r\n\r\nabc")
        n = drive(s, o)
        s.log(want=1)
        wait_until(lambda: count(s) >= n, 20, f"{n} records")
        yield s, o, n


def count(s):
    return s.api.get("/reports/overview?from=now-1h")["totals"]["requests"]


def ask(s, method, url, host, user=None):
    """One request on a connection of its own; reads the status and closes."""
    head = f"{method} {url} HTTP/1.1\r\nHost: {host}\r\n" + ("" if method == "CONNECT" else "Connection: close\r\n")
    if user:
        head += "Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{USERS[user]}".encode()).decode() + "\r\n"
    with socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20) as c:
        c.sendall(head.encode() + b"\r\n")
        return int(c.recv(4096).split(b" ", 2)[1])


def drive(s, o):
    """A few hundred requests of every kind; how many."""
    n, seen = 0, set()
    for host, path, user in itertools.product(HOSTS, ["/bytes/10", "/secret/x", "/bytes/6000?q=bad", "/video"], [None, "alice", "bob"]):
        seen.add(ask(s, "GET", f"http://{host}:{o.port}{path}", f"{host}:{o.port}", user))
        n += 1
    for host, user in itertools.product(HOSTS + ["127.0.0.1", "10.9.8.7"], [None, "alice", "bob"]):
        seen.add(ask(s, "CONNECT", f"{host}:{o.port}", f"{host}:{o.port}", user))
        n += 1
    assert {200, 403, 407} <= seen and seen & {302, 307} and seen & {502, 503, 504}, seen
    return n


def replay(s, body):
    job = s.api.job(s.api.call("POST", "/replay", {"from": "now-1h", **body}))
    assert job["state"] == "done", job
    return job["result"]


def test_the_same_policy_changes_nothing(world):
    s, _, n = world
    r = replay(s, {"policy": "live"})
    assert r["records"] >= n and r["judged"] > n * 0.8
    assert (r["flips"], r["rule_changes"], r["by_lists"]) == (0, 0, 0), r["examples"][:3] + r["examples_lists"][:3]
    hidden = expected(s, lambda x: x["rule"] == "quiet" and x["method"] != "CONNECT")
    assert hidden and {x["id"] for x in r["examples_unsure"]} == {x["id"] for x in hidden}  # their query was not kept, on purpose
    assert r["is_whole"] and r["version"] is not None


def expected(s, fits):
    items = s.api.get("/log?limit=1000")["items"]
    return [x for x in items if fits(x)]


def with_rules(*rules):
    document = copy.deepcopy(DOCUMENT)
    document["rules"] = [*rules]
    return document


def test_one_rule_taken_away(world):
    """Without "block" what it blocked is allowed, and nothing else changes."""
    s, _, _ = world
    rules = [r for r in copy.deepcopy(DOCUMENT["rules"]) if r["id"] != "block"]
    want = expected(s, lambda x: x["rule"] == "block")
    asked = expected(s, lambda x: x["host"] == "blocked.test" and x["verdict"] == "denied_auth")
    r = replay(s, {"document": with_rules(*rules)})
    assert len(want) == 3 and len(asked) == 3
    assert r["newly_allowed"] == r["flips"] == 6 and r["rule_changes"] == 0
    assert [x["name"] for x in r["by_host"]] == ["blocked.test"] and r["hosts"] == 1
    assert {x["name"]: x["flips"] for x in r["by_user"]} == {"alice": len(want), "": len(asked)}
    assert r["people"] == 1
    assert {x["id"] for x in r["examples"]} == {x["id"] for x in want + asked}
    assert {(x["before"], x["after"]) for x in r["examples"]} == {("blocked", "allowed"), ("denied_auth", "allowed")}


def test_one_rule_added(world):
    """A new rule on a host and a user: newly blocked by exactly that rule."""
    s, _, _ = world
    new = {"id": "new", "name": "Not for Alice", "enabled": True, "shadow": False, "action": "block", "unless": {},
           "when": {"hosts": ["staff.test"], "users": ["alice"]}}
    want = expected(s, lambda x: x["host"] == "staff.test" and x["user"] == "alice" and x["verdict"] == "allowed")
    r = replay(s, {"document": with_rules(new, *copy.deepcopy(DOCUMENT["rules"]))})
    assert want and r["newly_blocked"] == len(want) == r["flips"]
    assert [(x["name"], x["title"], x["newly_blocked"]) for x in r["by_rule"]] == [("new", "Not for Alice", len(want))]
    assert [(x["name"], x["flips"]) for x in r["by_category"]] == [("", len(want))]


def test_nobody_was_asked(world):
    """Of those nobody asked who they were, nobody can say what a rule on users would do; so it says so."""
    s, _, _ = world
    new = {"id": "new", "name": "x", "enabled": True, "shadow": False, "action": "block", "unless": {}, "when": {"hosts": ["open.test"], "users": ["alice"]}}
    unknown = expected(s, lambda x: x["host"] == "open.test" and not x["user"] and x["verdict"] == "allowed")
    r = replay(s, {"document": with_rules(new, *copy.deepcopy(DOCUMENT["rules"]))})
    assert r["flips"] == 0 and {x["text"]: x["n"] for x in r["unsure_reasons"]}["nobody was asked who it was, this policy would ask"] == len(unknown) > 0


def test_lists_that_changed_are_not_the_edit(world):
    s, _, _ = world
    try:
        assert s.api.job(s.api.call("POST", "/categories/games:import", raw=b"other.test\n"))["state"] == "done"
        r = replay(s, {"policy": "live"})
        want = expected(s, lambda x: x["rule"] == "games" and x["verdict"] == "blocked")
        let_through = [x for x in want if "/secret/" not in x["url"] and "q=bad" not in x["url"]]
        assert r["flips"] == 0 and r["by_lists"] == len(let_through) > 0
        assert {x["host"] for x in r["examples_lists"]} == {"games.test"}
    finally:
        assert s.api.job(s.api.call("POST", "/categories/games:import", raw=b"games.test\n"))["state"] == "done"


def test_every_record_explains_itself(world):
    """The explanation is made from the record by the version it names, and says what was decided: action, rule, reason."""
    s, _, _ = world
    items = s.api.get("/log?limit=1000")["items"]
    seen = set()
    for x in items:
        if not x["policy_version"] or x["verdict"] in ("refused", "error"):
            continue
        e = s.api.get(f"/log/{x['id']}/explain")
        assert e["same_as_recorded"] and e["reason"] is None, (x, e["reason"])
        assert (e["rule"] or "") == x["rule"] and e["version"] == x["policy_version"] and e["why"]
        want = {"allowed": "allow", "blocked": "block", "warned": ("warn", "override")}.get(x["verdict"])
        if x["verdict"] == "denied_auth":
            assert not e["is_final"] and e["needs"] == "identity"
        else:
            assert e["action"] in (want if isinstance(want, tuple) else (want, "redirect"))
        seen.add(x["verdict"])
    assert {"allowed", "blocked", "warned", "denied_auth"} <= seen
    assert s.api.call("GET", "/log/999999999/explain", ok=False).status_code == 404


def test_what_no_record_can_tell(world):
    """A rule that looked at a query and kept it out of the record; an allowance that was used up; a failure on the way."""
    s, o, rules = world
    before = s.api.get("/policy/live")["document"]
    cut = {"id": "cut", "action": "block", "log": "no-query", "when": {"url_patterns": ["secret=1"]}}
    spent = {"id": "spent", "action": "allow", "quota": {"bytes_per_day": 1}, "when": {"hosts": ["quota.test"]}}
    try:
        version = s.publish(policy(cut, spent))
        assert ask(s, "GET", f"http://{HOSTS[0]}:{o.port}/x?secret=1", f"{HOSTS[0]}:{o.port}", None) == 403
        s.get(f"http://127.0.0.1:{o.port}/bytes/10")
        assert ask(s, "GET", "http://127.0.0.1:1/", "127.0.0.1:1", None) in (502, 503)
        mine = f"policy_version={version}"
        blocked, failed = s.log(f"{mine}&rule=cut")[0], s.log(f"{mine}&verdict=error")[0]
        assert "secret" not in blocked["url"]
        e = s.api.get(f"/log/{blocked['id']}/explain")
        assert not e["same_as_recorded"] and e["reason"] == "the query was not recorded" and "the full URL" in e["why"], e
        e = s.api.get(f"/log/{failed['id']}/explain")
        assert not e["same_as_recorded"] and "than the policy ended this request" in e["reason"]
        r = s.api.post("/policy/exceptions", {"record": blocked["id"], "everybody": True, "minutes": 5, "reason": "x", "dry_run": True}, ok=False)
        assert r.get("status") != 409, f"something blocks it: {r}"
        only = {"policy": "live", "from": blocked["time"]}
        live = replay(s, only)
        assert (live["flips"], live["by_lists"], live["unsure"]) == (0, 0, 1), live
        assert live["unsure_reasons"] == [{"text": "the query was not recorded", "n": 1}]
        gone = replay(s, {"document": policy(spent), "from": blocked["time"]})
        assert (gone["flips"], gone["by_lists"], gone["unsure"]) == (1, 0, 0), "without the rule it is allowed for certain"
    finally:
        s.publish(before)


def test_periods_and_refusals(world):
    s, _, _ = world
    assert replay(s, {"policy": "live", "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})["records"] == 0
    for body in ({"policy": "live", "from": "now", "to": "now-1h"}, {"policy": "live", "from": "yesterday"}, {"odd": 1}):
        assert s.api.call("POST", "/replay", body, ok=False).status_code in (400, 422), body
    assert s.api.call("POST", "/replay", {"policy": 9999}, ok=False).status_code == 404
    job = s.api.job(s.api.call("POST", "/replay", {"document": {"rules": 7}}))
    assert job["state"] == "failed" and "rules" in job["message"]


@pytest.mark.skipif(not os.path.exists(f"{SHARED}/data/urls-sample.txt.zst"), reason="the shared data are not beside the project")
def test_a_generated_month():
    """A month of decisions by a thousand rules, made by the engine: judged again, none of them flips (what `make bench` times)."""
    r = subprocess.run(["/usr/bin/python3", f"{ROOT}/tests/bench/replay.py", BUILD, "60000"], capture_output=True, text=True, timeout=300)
    assert r.returncode == 0, r.stdout + r.stderr
    assert "60,000 records" in r.stdout and " 0 flips" in r.stdout


def test_a_replay_can_be_cancelled(world):
    s, _, _ = world
    r = s.api.call("POST", "/replay", {"policy": "live"})
    path = r.headers["Location"].replace("/api/v1", "")
    s.api.call("DELETE", path, ok=False)
    assert s.api.job(r)["state"] in ("cancelled", "done")


def test_proxyctl(world, tmp_path):
    s, _, _ = world
    r = s.ctl("policy", "replay", "live", "--from", "now-1h", "--to", "now")
    assert "nothing changes" in r.stdout.lower()
    import json
    path = tmp_path / "new.json"
    path.write_text(json.dumps(with_rules(*[x for x in DOCUMENT["rules"] if x["id"] != "block"])))
    r = s.ctl("policy", "replay", str(path), "--from", "now-1h")
    assert "newly allowed" in r.stdout and "blocked.test" in r.stdout and "alice" in r.stdout
