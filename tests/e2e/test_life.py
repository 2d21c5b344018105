"""The life of a policy: at a time, with a second person, for a part first, and back by itself."""
import base64
import time

import pytest

from lib.daemons import SLOW, Api, Stack, policy, wait_until
from lib.origin import Origin

OPEN = policy()
SHUT = policy({"id": "all", "name": "everything", "action": "block"})
FAST = {"watch_minutes": 5, "min_requests": 10, "max_block_rate_factor": 3, "min_block_rate": 0.05, "max_error_rate": 0.5}


def ahead(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def ask(api, document, ok=True, **body):
    """Saves the draft and asks for its publication; the answer."""
    api.put("/policy/draft", document)
    return api.call("POST", "/policy/draft:publish", {"comment": "c", **body}, headers={"If-Match": "*"}, ok=ok)


def change(s, id_):
    return s.api.get(f"/policy/pending/{id_}")


def say(s, id_, verb, comment="", api=None, ok=True):
    return (api or s.api).call("POST", f"/policy/pending/{id_}:{verb}", {"comment": comment}, ok=ok)


def live(s):
    return s.api.get("/policy/live")


def actions(s):
    return [(r["actor"], r["action"], r["object"]) for r in s.api.get("/audit?limit=100")["items"]]


@pytest.fixture(scope="module")
def one():
    with Stack() as s:
        s.publish(OPEN)
        yield s


# --- at a time ---------------------------------------------------------------------------------

def test_scheduled(one):
    s, before = one, live(one)["version"]
    r = ask(s.api, SHUT, at=ahead(2))
    assert r.status_code == 202 and r.json()["version"] is None and not r.json()["applied"]
    id_ = r.json()["pending"]
    p = change(s, id_)
    assert (p["state"], p["kind"], p["base_version"], p["created_by"]) == ("scheduled", "publish", before, "admin")
    assert [(c["op"], c["id"]) for c in p["changes"]] == [("added", "all")]
    assert s.api.get(f"/policy/diff?from=live&to=pending:{id_}")["changes"] == p["changes"]
    s.api.put("/policy/draft", policy({"id": "later"}))  # the draft goes on, the change does not
    assert [x["id"] for x in s.api.get("/policy/pending")["items"]] == [id_]
    done = wait_until(lambda: (lambda x: x if x["state"] == "done" else None)(change(s, id_)), 10, "published")
    assert done["version"] == before + 1 and done["ended_at"]
    assert [x["id"] for x in live(s)["document"]["rules"]] == ["all"] and live(s)["version"] == before + 1
    wait_until(lambda: s.api.get("/status")["proxyd"]["status"]["policy_version"] == before + 1, 5, "proxyd runs it")
    assert ("proxyd", "scheduled change published", f"change {id_}") in actions(s)
    assert s.api.get("/policy/draft")["rules"][0]["id"] == "later"
    assert s.api.get("/policy/pending")["items"] == []
    assert say(s, id_, "cancel", ok=False).status_code == 409
    s.publish(OPEN)


def test_difference_reads_well(one):
    s = one
    s.publish(policy({"id": "a", "name": "A", "when": {"hosts": ["x.test", "y.test"]}}, {"id": "b"}))
    s.api.put("/policy/draft", policy({"id": "b", "enabled": False}, {"id": "a", "name": "A", "when": {"hosts": ["y.test", "z.test"]}},
                                      default={"action": "block"}))
    out = s.ctl("policy", "diff").stdout.splitlines()
    assert "  /when/hosts: +1 (z.test) -1 (x.test)" in out, out
    assert "  /enabled: yes -> no" in out and "changed rule a (A), number 1 -> 2" in out
    assert [x for x in out if x.startswith("moved rule")] and "changed setting default" in out
    s.publish(OPEN)


def test_scheduled_may_be_cancelled(one):
    s = one
    id_ = ask(s.api, SHUT, at=ahead(3600)).json()["pending"]
    s.api.call("DELETE", f"/policy/pending/{id_}")
    assert change(s, id_)["state"] == "cancelled" and change(s, id_)["document"] is None
    for at, code in (("yesterday", 422), (ahead(-5), 422), (ahead(400 * 86400), 422)):
        assert ask(s.api, SHUT, ok=False, at=at).status_code == code, at


def test_scheduled_for_what_is_no_longer_live_waits_for_a_person(one):
    s = one
    id_ = ask(s.api, SHUT, at=ahead(2)).json()["pending"]
    s.publish(policy({"id": "between", "when": {"hosts": ["x.test"]}}))
    held = wait_until(lambda: (lambda x: x if x["state"] == "held" else None)(change(s, id_)), 10, "held")
    assert "undo" in held["message"]
    assert live(s)["document"]["rules"][0]["id"] == "between"
    assert say(s, id_, "promote").json()["state"] == "done"
    assert live(s)["document"]["rules"][0]["id"] == "all"
    s.publish(OPEN)


def test_scheduled_while_the_dashboard_is_down(one):
    s = one
    soon, late = [ask(s.api, policy({"id": n}), at=ahead(SLOW)).json()["pending"] for n in ("soon", "late")]
    s.adminui.stop()
    time.sleep(SLOW + 0.2)
    s.start_adminui()
    s.api.login("admin", s.admin_password)
    done = wait_until(lambda: (lambda x: x if x["ended_at"] else None)(change(s, soon)), 10, "published")
    assert done["state"] == "done"
    assert change(s, late)["state"] == "held", "one made for the same version would undo the first"
    say(s, late, "cancel")
    # later than the bound: nothing happens unasked
    s.api.put("/settings/publishing", {"late_minutes": 0})
    id_ = ask(s.api, SHUT, at=ahead(SLOW)).json()["pending"]
    s.adminui.stop()
    time.sleep(SLOW + 0.2)
    s.start_adminui()
    s.api.login("admin", s.admin_password)
    held = wait_until(lambda: (lambda x: x if x["state"] == "held" else None)(change(s, id_)), 10, "held")
    assert "not running" in held["message"]
    say(s, id_, "cancel")
    s.api.put("/settings/publishing", {})
    s.publish(OPEN)


def test_a_failing_test_of_the_document(one):
    s = one
    bad = policy({"id": "b", "when": {"hosts": ["shop.test"]}}, tests=[{"name": "shop", "url": "http://shop.test/", "expect": "allow"}])
    r = ask(s.api, bad, ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["code"] == "test-failed"
    assert ask(s.api, bad, ok=False, at=ahead(60)).status_code == 422
    r = ask(s.api, bad, ok=False, force=True)
    assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/reason"
    assert ask(s.api, bad, force=True, reason="shop is closed").status_code == 200
    assert any("although a test fails" in o for _, _, o in actions(s))
    broken = policy({"id": "b", "action": "nonsense"})
    assert ask(s.api, broken, ok=False, force=True, reason="x").status_code == 422
    s.publish(OPEN)


def test_asked_for_twice(one):
    """A double click publishes once; changes that wait have a bound that says what to do."""
    s = one
    s.api.put("/policy/draft", OPEN)
    tag = s.api.call("GET", "/policy/draft").headers["ETag"]
    before = live(s)["version"]
    codes = [s.api.call("POST", "/policy/draft:publish", {"comment": "twice"}, headers={"If-Match": tag}, ok=False) for _ in range(2)]
    assert [r.status_code for r in codes] == [200, 412] and live(s)["version"] == before + 1
    again = codes[0].headers["ETag"]
    assert again != tag and again == s.api.call("GET", "/policy/draft").headers["ETag"]
    ids = [ask(s.api, OPEN, at=ahead(3600)).json()["pending"] for _ in range(50)]
    full = ask(s.api, OPEN, ok=False, at=ahead(3600))
    assert full.status_code == 409 and "50 changes are open" in full.json()["detail"]
    assert ask(s.api, OPEN).status_code == 200, "what goes live at once needs no place"
    for i in ids:
        say(s, i, "cancel")


# --- a second person ---------------------------------------------------------------------------

def test_second_person(one):
    s = one
    people = {}
    for name, role in (("eddy", "editor"), ("ann", "admin"), ("vera", "viewer")):
        s.api.post("/accounts", {"username": name, "password": "a long one for them", "role": role})
        people[name] = Api(s.admin_port)
        people[name].login(name, "a long one for them")
    eddy, ann, vera = people["eddy"], people["ann"], people["vera"]
    s.api.put("/settings/publishing", {"approval": {"required": True, "roles": ["admin"]}})
    before = live(s)["version"]
    r = ask(eddy, SHUT)
    assert r.status_code == 202
    id_ = r.json()["pending"]
    assert change(s, id_)["state"] == "awaiting-approval" and live(s)["version"] == before
    assert say(s, id_, "approve", api=eddy, ok=False).status_code == 403, "not the author"
    assert say(s, id_, "approve", api=vera, ok=False).status_code == 403, "not a viewer"
    assert say(s, id_, "promote", api=ann, ok=False).status_code == 409, "no way round"
    assert say(s, id_, "reject", api=ann, ok=False).status_code == 422, "with a reason"
    assert say(s, id_, "reject", "too much", api=ann).json()["state"] == "rejected"
    id_ = ask(eddy, SHUT).json()["pending"]
    done = say(s, id_, "approve", "fine", api=ann).json()
    assert done["state"] == "done" and done["version"] == before + 1 and done["applied"]
    assert [(a["by"], a["verdict"], a["comment"]) for a in done["approvals"]] == [("ann", "approved", "fine")]
    assert live(s)["published_by"] == "eddy"
    # an administrator's own token is that administrator
    id_ = ask(ann, OPEN).json()["pending"]
    token = ann.post("/tokens", {"name": "t", "scopes": ["admin"]})["token"]
    r = vera.http.post(f"{ann.base}/policy/pending/{id_}:approve", headers={"Authorization": f"Bearer {token}"}, cookies={}, timeout=20)
    by_token = Api(s.admin_port)
    r = by_token.call("POST", f"/policy/pending/{id_}:approve", headers={"Authorization": f"Bearer {token}"}, ok=False)
    assert r.status_code == 403, r.text
    # the local socket is a person of its own
    r = s.ctl("--json", "policy", "approve", str(id_))
    assert change(s, id_)["state"] == "done", r.stdout
    # going back to what ran just before needs nobody; further back does
    assert s.api.call("POST", f"/policy/versions/{before + 1}:rollback").status_code == 200
    assert s.api.call("POST", f"/policy/versions/{before}:rollback").status_code == 202
    # emergency: role admin, with a reason, loud
    assert ask(eddy, OPEN, ok=False, emergency=True, reason="x").status_code == 403
    assert ask(ann, OPEN, ok=False, emergency=True).status_code == 422
    assert ask(ann, OPEN, emergency=True, reason="the shop is closed").status_code == 200
    assert any(a == "ann" and "EMERGENCY" in o for a, _, o in actions(s))
    assert "EMERGENCY" in s.adminui.output()
    # no other door: neither a backup nor the wizard
    assert ann.call("POST", "/restore", raw=b"x", ok=False).status_code == 403
    assert ann.call("POST", "/setup", {"new_password": "a new one for setup", "preset": "open"}, ok=False).status_code == 409
    # it cannot be switched off alone
    r = s.api.call("PUT", "/settings/publishing", {}, headers={"If-Match": "*"}, ok=False)
    assert r.status_code == 202, r.text
    assert s.api.get("/settings/publishing")["approval"]["required"]
    assert s.api.call("PUT", "/settings", {"publishing": {}}, headers={"If-Match": "*"}, ok=False).status_code == 422
    assert say(s, r.json()["pending"], "approve", ok=False).status_code == 403
    assert say(s, r.json()["pending"], "approve", api=ann).json()["state"] == "done"
    assert s.api.get("/settings/publishing") == {}
    for p in s.api.get("/policy/pending")["items"]:
        say(s, p["id"], "cancel")


# --- for a part first ----------------------------------------------------------------------------

def test_trial_for_a_group(one):
    """The members of a group get the new version, whoever else the live one, and nobody meets a login for it."""
    s = one
    s.add_user("pia", "a secret of hers", ["pilots"])
    s.add_user("otto", "a secret of his", ["office"])
    pia, otto = ("pia", "a secret of hers"), ("otto", "a secret of his")
    with Origin() as origin:
        origin.on("/", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        base = s.publish(OPEN)
        r = ask(s.api, SHUT, canary={"groups": ["Pilots"], "minutes": 30}).json()
        assert r["applied"] and r["version"] == base + 1 and r["pending"]
        assert live(s)["version"] == base
        assert s.api.get("/status")["proxyd"]["status"]["trial_version"] == base + 1
        assert s.api.get("/policy/watch")["canary"]["version"] == base + 1
        assert s.get(origin.url("/"), user=pia).status_code == 403
        assert s.get(origin.url("/"), user=otto).status_code == 200
        assert s.get(origin.url("/")).status_code == 200, "nobody is asked to log in"
        assert s.get(origin.url("/"), user=("pia", "wrong")).status_code == 200, "nor for a wrong password"
        for (name, secret), status in ((pia, b"403"), (otto, b"200")):
            basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
            got = s.raw(f"CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\nHost: 127.0.0.1:{origin.port}\r\nProxy-Authorization: Basic {basic}\r\n\r\n".encode(), until=b"\r\n\r\n")
            assert got.split()[1] == status, got
        tried = s.log(f"policy_version={base + 1}")
        assert {(x["user"], x["verdict"], x["effect"]) for x in tried} == {("pia", "blocked", "canary")}
        assert {x["effect"] for x in s.log(f"policy_version={base}", want=3)} == {""}
        assert ask(s.api, OPEN, ok=False).status_code == 409, "one thing at a time"
        # both programs may be restarted meanwhile
        s.proxyd.stop()
        s.start_proxyd()
        s.adminui.stop()
        s.start_adminui()
        s.api.login("admin", s.admin_password)
        assert s.get(origin.url("/"), user=pia).status_code == 403
        assert s.get(origin.url("/"), user=otto).status_code == 200
        x = change(s, r["pending"])
        assert x["state"] == "canary" and x["canary"]["groups"] == ["Pilots"] and x["canary"]["until"]
        assert say(s, r["pending"], "abort").json()["state"] == "aborted"
        assert s.get(origin.url("/"), user=pia).status_code == 200
        # and the other way: to the end
        r = ask(s.api, SHUT, canary={"networks": ["127.0.0.1/32"]}).json()
        assert s.get(origin.url("/")).status_code == 403
        done = say(s, r["pending"], "promote").json()
        assert done["state"] == "done" and done["version"] == r["version"] + 1
        assert live(s)["version"] == done["version"]
        assert s.get(origin.url("/"), user=otto).status_code == 403
    for wrong in ({}, {"groups": []}, {"networks": ["10.0.0.1/8"]}, {"who": ["x"]}):
        assert ask(s.api, OPEN, ok=False, canary=wrong).status_code == 422, wrong
    s.publish(OPEN)


def some_requests(s, origin, n):
    return [s.get(origin.url("/")).status_code for _ in range(n)]


def test_bad_change_comes_back_by_itself():
    """Everything is blocked by a change; without a person the last version is back within seconds."""
    with Origin() as origin, Stack() as s:
        origin.on("/", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        s.api.put("/settings/publishing", {"return": {"enabled": True, **FAST}})
        good = s.publish(policy({"id": "x", "when": {"hosts": ["other.test"]}}))
        assert set(some_requests(s, origin, 20)) == {200}
        # a harmless change is left alone
        same = s.publish(policy({"id": "y", "when": {"hosts": ["other.test"]}}))
        assert set(some_requests(s, origin, 20)) == {200}
        w = wait_until(lambda: (lambda w: w if w["now"]["requests"] >= 20 else None)(s.api.get("/policy/watch")), 10, "figures")
        assert (w["state"], w["version"], w["previous"]) == ("watching", same, good) and w["expected"]["requests"] >= 20
        bad = s.publish(SHUT)
        t0 = time.monotonic()
        assert set(some_requests(s, origin, 20)) == {403}
        wait_until(lambda: s.get(origin.url("/")).status_code == 200, 15, "returned")
        assert time.monotonic() - t0 < 15
        now = live(s)
        assert now["version"] == bad + 1 and now["rolled_back_from"] == same and now["published_by"] == "proxyd"
        assert "blocked" in now["comment"] and f"version {bad}" in now["comment"]
        assert now["document"]["rules"][0]["id"] == "y"
        w = s.api.get("/policy/watch")
        assert w["state"] == "returned" and w["version"] == bad
        assert ("proxyd", "automatic return", f"version {bad + 1}") in actions(s)
        assert s.api.get("/policy/draft")["rules"][0]["id"] == "all", "the draft still has what was wrong"
        # a trial is always watched
        r = ask(s.api, SHUT, canary={"networks": ["127.0.0.0/8"], "minutes": 60}).json()
        some_requests(s, origin, 20)
        back = wait_until(lambda: (lambda x: x if x["ended_at"] else None)(change(s, r["pending"])), 15, "taken back")
        assert back["state"] == "returned" and "blocked" in back["message"]
        assert some_requests(s, origin, 1) == [200] and live(s)["version"] == bad + 1
        # and one without alarm is promoted by itself
        r = ask(s.api, policy({"id": "z", "when": {"hosts": ["other.test"]}}), canary={"networks": ["127.0.0.0/8"], "minutes": 0.02}).json()
        done = wait_until(lambda: (lambda x: x if x["ended_at"] else None)(change(s, r["pending"])), 15, "promoted")
        assert done["state"] == "done" and live(s)["document"]["rules"][0]["id"] == "z"
        # meant to block: nothing comes back
        assert ask(s.api, SHUT, watch=False).status_code == 200
        assert s.api.get("/policy/watch")["state"] == "off"


def test_usage_of_rules(one):
    s = one
    with Origin() as origin:
        origin.on("/", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        s.publish(policy({"id": "used", "name": "Used", "when": {"ports": [origin.port]}, "action": "allow"}, {"id": "idle"}))
        assert some_requests(s, origin, 3) == [200, 200, 200]
        s.log("rule=used", want=3)
        u = s.api.get("/policy/rules/usage?days=2")
        rows = {x["rule"]: x for x in u["items"]}
        assert rows["used"]["hits"] == 3 and rows["used"]["name"] == "Used" and rows["used"]["last_hit_at"]
        assert "idle" not in rows and u["counted_from"] and u["days"] == 2
    s.publish(OPEN)


# --- exceptions ----------------------------------------------------------------------------------

def except_(s, ok=True, **body):
    return s.api.call("POST", "/policy/exceptions", {"reason": "needed", "minutes": 60, **body}, ok=ok)


def test_exception_from_a_record():
    """One call opens what a record shows as blocked, for one person alone, before the rule that blocks; it lapses by itself."""
    with Origin() as origin, Stack() as s:
        origin.on("/", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        alice, bob = ("alice", "a secret of hers"), ("bob", "a secret of his")
        for name, secret in (alice, bob):
            s.add_user(name, secret, ["staff"])
        s.publish(policy({"id": "fine", "when": {"hosts": ["fine.test"]}, "action": "allow"},
                         {"id": "no", "name": "No games", "when": {"groups": ["staff"], "ports": [origin.port, 80]}}))
        s.api.put("/policy/draft", {**s.api.get("/policy/draft"), "comment": "something unfinished"})
        assert s.get(origin.url("/"), user=alice).status_code == 403 and s.get(origin.url("/"), user=bob).status_code == 403
        s.log("verdict=blocked", want=2)
        record = s.log("user=alice&verdict=blocked")[0]["id"]
        seen = except_(s, record=record, **{"for": {"everybody": True}}, dry_run=True, publish=True).json()
        assert seen["before"] == "no" and "127.0.0.1" in seen["sentence"] and seen["version"] is None
        assert {p["name"] for p in seen["radius"]["people"]} == {"alice", "bob"} and seen["radius"]["newly_allowed"] == 2
        narrow = except_(s, record=record, **{"for": {"users": ["alice"]}}, dry_run=True).json()
        assert [p["name"] for p in narrow["radius"]["people"]] == ["alice"]
        assert s.api.get("/policy/exceptions")["items"] == []
        r = except_(s, record=record, **{"for": {"users": ["alice"]}}, publish=True).json()
        assert r["applied"] and r["version"] and r["before"] == "no"
        assert s.get(origin.url("/"), user=alice).status_code == 200 and s.get(origin.url("/"), user=bob).status_code == 403
        live, draft = s.api.get("/policy/live")["document"], s.api.get("/policy/draft")
        for doc in (live, draft):
            assert [x["id"] for x in doc["rules"]] == ["fine", r["id"], "no"]
        assert draft["comment"] == "something unfinished" and live["comment"] == "", "only the exception went live"
        rule = live["rules"][1]
        assert (rule["action"], rule["owner"], rule["comment"]) == ("allow", "admin", "needed") and rule["when"]["users"] == ["alice"]
        s.log(f"rule={r['id']}")
        e = s.api.get("/policy/exceptions?state=active")["items"][0]
        assert e["id"] == r["id"] and e["hits"] == 1 and e["last_hit_at"] and e["still_used"] and e["created_at"] and e["in_live"] and e["in_draft"]
        s.api.post(f"/policy/exceptions/{r['id']}:renew", {"minutes": 43200, "publish": True})
        assert s.api.get("/policy/exceptions")["items"][0]["state"] == "active"
        s.api.post(f"/policy/exceptions/{r['id']}:end", {"publish": True})
        assert s.get(origin.url("/"), user=alice).status_code == 403
        assert s.api.get("/policy/exceptions?state=lapsed")["items"][0]["id"] == r["id"]
        assert s.api.post("/policy/exceptions:sweep") == {"removed": [r["id"]]}
        assert [x["id"] for x in s.api.get("/policy/draft")["rules"]] == ["fine", "no"]
        # the draft alone; by host, and behind everything where the default is in the way
        r = except_(s, host="Games.Test", **{"for": {"networks": ["10.0.0.0/8"]}}).json()
        assert r["version"] is None and not r["applied"] and r["before"] == "no" and r["rule"]["when"] == {"hosts": ["games.test"], "networks": ["10.0.0.0/8"]}
        s.publish(policy(default={"action": "block"}))
        r = except_(s, url="http://a.test/x.html", **{"for": {"everybody": True}}, publish=True).json()
        assert r["before"] is None and r["rule"]["when"]["url_patterns"] == ["^http://a\\.test/x\\.html(\\?|$)"]
        s.publish(policy({"id": "g", "when": {"categories": ["gambling"]}}, {"id": "h", "when": {"hosts": ["x.test"]}}))
        assert except_(s, category="gambling", **{"for": {"groups": ["staff"]}}).json()["before"] == "g"
        s.api.call("POST", "/policy/draft:discard", headers={"If-Match": "*"})
        # wrong
        for body, code in (({"host": "free.test", "for": {"everybody": True}}, 409), ({"host": "x.test", "for": {}}, 422),
                           ({"host": "x.test", "for": {"users": ["a"], "everybody": True}}, 422), ({"for": {"everybody": True}}, 422),
                           ({"record": "99999999", "for": {"everybody": True}}, 422), ({"host": "x.test", "for": {"everybody": True}, "minutes": 0}, 422),
                           ({"url": "https://x.test/", "for": {"everybody": True}}, 422), ({"host": "a b", "for": {"everybody": True}}, 422),
                           ({"host": "x.test", "for": {"networks": ["10.0.0.1/8"]}}, 422)):
            assert except_(s, ok=False, **body).status_code == code, body
        out = s.ctl("policy", "except", "x.test", "--user", "alice", "--minutes", "30", "--reason", "a try", "--dry-run").stdout
        assert "Allows x.test for alice until" in out and 'before the rule "rule 2"' in out
        assert "exception-" in s.ctl("policy", "except", "x.test", "--user", "alice", "--minutes", "30", "--reason", "a try", "--publish").stdout
        assert "a try" in s.ctl("policy", "exceptions").stdout


def test_exception_with_a_second_person(one):
    s = one
    s.publish(policy({"id": "no", "when": {"hosts": ["x.test"]}}))
    s.api.put("/settings/publishing", {"approval": {"required": True}})
    r = except_(s, host="x.test", **{"for": {"everybody": True}}, publish=True)
    assert r.status_code == 202 and r.json()["pending"]
    assert len(live(s)["document"]["rules"]) == 1
    s.api.put("/policy/draft", {**s.api.get("/policy/draft"), "comment": "goes on"})
    s.ctl("policy", "approve", str(r.json()["pending"]))
    assert [x["id"] for x in live(s)["document"]["rules"]] == [r.json()["id"], "no"]
    draft = s.api.get("/policy/draft")
    assert [x["id"] for x in draft["rules"]] == [r.json()["id"], "no"] and draft["comment"] == "goes on"
    id_ = s.api.call("PUT", "/settings/publishing", {}, headers={"If-Match": "*"}).json()["pending"]
    s.ctl("policy", "approve", str(id_))
