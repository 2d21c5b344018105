"""What is odd about a draft: over the API, in the check of a draft that is being edited, and from the shell."""
import json
import time

from lib.daemons import policy


def save(admin, document):
    return admin.api.put("/policy/draft", document)


def kinds(answer):
    return [(f["kind"], f["rule"], f["other_rule"]) for f in answer["findings"]]


ODD = policy(
    {"id": "wide", "name": "No news", "action": "block", "when": {"hosts": ["news.example"]}},
    {"id": "dead", "name": "Sport is news", "action": "allow", "when": {"hosts": ["sport.news.example"]}},
    {"id": "never", "action": "block", "when": {"min_bytes": 10, "max_bytes": 1}},
    {"id": "good", "action": "block", "when": {"hosts": ["x.example"]}},
    lists=[{"name": "nobody", "kind": "domains", "entries": ["a.example"]}])


def test_findings(admin):
    saved = save(admin, ODD)
    warned = {(w["pointer"], w["code"]) for w in saved["report"]["warnings"]}
    assert {("/rules/1", "shadowed"), ("/rules/2/when/min_bytes", "never")} <= warned
    assert saved["report"]["ok"], "odd is not wrong"
    answer = admin.api.get("/policy/draft/lint")
    assert kinds(answer) == [("shadowed", "dead", "wide"), ("never", "never", None), ("unused-list", None, None), ("no-tests", None, None)]
    dead = answer["findings"][0]
    assert dead["index"] == 1 and dead["other_index"] == 0 and dead["severity"] == "error"
    assert "No news" in dead["text"] and "Sport is news" in dead["text"] and "block instead of allow" in dead["text"]
    assert answer["counted_from"] is None and answer["idle_days"] == 30, "nothing was counted yet"
    r = admin.api.call("GET", "/policy/draft/lint?idle_days=none", ok=False)
    assert r.status_code == 422
    out = admin.ctl("policy", "lint").stdout
    assert "error (shadowed)" in out and "error (never)" in out and "hint (no-tests)" in out
    assert kinds(json.loads(admin.ctl("policy", "lint", "--json", "--days", "7").stdout)) == kinds(answer)


def test_a_faulty_draft_is_refused_with_its_faults(admin):
    save(admin, {"rules": [{"id": "a", "action": "nonsense"}]})
    r = admin.api.call("GET", "/policy/draft/lint", ok=False)
    assert r.status_code == 422 and any(e["pointer"] == "/rules/0/action" for e in r.json()["errors"])


def test_sound(admin):
    save(admin, policy({"id": "a", "action": "block", "when": {"hosts": ["a.example"]}},
                       tests=[{"name": "t", "url": "http://a.example/", "expect": "block"}]))
    assert admin.api.get("/policy/draft/lint")["findings"] == []
    assert "nothing odd" in admin.ctl("policy", "lint").stdout


def test_ten_thousand_rules_are_looked_at_in_seconds(admin):
    rules = [{"id": f"r{i}", "action": "block" if i % 2 else "allow", "when": {"hosts": [f"h{i % 4000}.d{i % 50}.example"], "groups": [f"g{i % 9}"]}}
             for i in range(10000)]
    save(admin, policy(*rules))
    began = time.monotonic()
    answer = admin.api.get("/policy/draft/lint", timeout=60)
    assert answer["n_rules"] == 10000 and time.monotonic() - began < 15


def test_an_explanation_names_entry_source_and_lists(admin):
    upload = b"poker.example\nbingo.example\n"
    admin.api.job(admin.api.call("POST", "/categories/games:import?format=plain", raw=upload, headers={"Content-Type": "text/plain"}))
    save(admin, policy({"id": "g", "name": "No games", "action": "block", "when": {"categories": ["games"], "groups": ["staff"]}}))
    r = admin.api.post("/simulate", {"url": "http://www.poker.example/", "user": "ann", "groups": ["staff"], "policy": "draft"})
    assert (r["action"], r["rule"], r["index"]) == ("block", "g", 0)
    assert r["why"].startswith('Blocked by rule "No games" (number 1), because the user is in the group staff, and the site is in the category games '
                               "(by its entry poker.example). poker.example is listed by "), r["why"]
    assert r["lists"]["built_at"] and r["lists"]["version"] > 0
    c = [x for x in r["trace"][0]["conditions"] if x["key"] == "categories"][0]
    assert c["entry"] == "poker.example" and c["source"] == "upload" and c["since"]
    turned = [f["text"] for f in r["flip"]]
    assert "If the user were not in the group staff, it would be allowed." in turned
