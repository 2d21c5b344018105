"""What is in a category and who put it there: entries by hand, live at once; networks, ports and expressions through the
proxy; sources and their ages; a damaged index under a running proxy."""
import os
import time

import pytest

from lib.daemons import Stack, policy, wait_until


@pytest.fixture(scope="module")
def stack():
    with Stack() as s:
        s.publish(policy({"action": "block", "when": {"categories": ["mixed"]}}))
        yield s


def load(s, name, data, query=""):
    job = s.api.job(s.api.call("POST", f"/categories/{name}:import{query}", raw=data))
    assert job["state"] == "done", job
    return job["result"]


def is_blocked(s, url):
    return s.get(url).status_code == 403


def test_by_hand_is_live_at_once(stack):
    """An entry added, one of a list taken away, both given back: each change holds when the call has answered."""
    load(stack, "mixed", b"listed.hand.example\nother.hand.example\n", "?source=mine.txt")
    change = lambda **body: stack.api.post("/categories/mixed/entries", body)
    assert not is_blocked(stack, "http://127.0.0.1:9/new")
    r = change(add=["HTTP://127.0.0.1:9/new", "*.New.Hand.Example.", "bad..name"], remove=["listed.hand.example", "nowhere.example"])
    assert (r["added"], r["excepted"], r["removed"], r["applied"]) == (2, 1, 0, True), r
    assert {x["text"] for x in r["rejected"]} == {"bad..name", "nowhere.example"} and all(x["reason"] for x in r["rejected"])
    assert is_blocked(stack, "http://127.0.0.1:9/new/below") and is_blocked(stack, "http://www.new.hand.example/")
    assert not is_blocked(stack, "http://127.0.0.1:9/old")
    assert is_blocked(stack, "http://other.hand.example/")
    look = stack.api.get("/lookup?host=a.listed.hand.example")
    assert look["categories"] == [] and look["exceptions"][0]["entry"] == "listed.hand.example" and look["exceptions"][0]["source"] == "local"
    hit = stack.api.get("/lookup?host=www.new.hand.example")["matches"]
    assert [(h["entry"], h["kind"], h["source"]) for h in hit] == [("new.hand.example", "domain", "local")] and hit[0]["since"]
    r = change(add=["listed.hand.example"], remove=["new.hand.example"])
    assert r["removed"] == 1 and r["applied"]
    assert is_blocked(stack, "http://listed.hand.example/") and not is_blocked(stack, "http://www.new.hand.example/")
    assert stack.api.get("/categories/mixed/entries?source=local&kind=exceptions")["items"] == []


def test_by_hand_makes_a_category_and_outlives_imports_and_restarts(stack):
    assert stack.api.post("/categories/only-hand/entries", {"add": ["alone.example", "10.77.0.0/16"]})["added"] == 2
    load(stack, "unrelated", b"unrelated.example\n")
    load(stack, "only-hand", b"list.example\n")
    for host in ("alone.example", "10.77.5.5", "list.example"):
        assert stack.api.get(f"/lookup?host={host}")["categories"] == ["only-hand"], host
    os.unlink(f"{stack.state}/categories.idx.local")
    stack.adminui.stop(9)
    stack.start_adminui()
    stack.api.login("admin", stack.admin_password)
    wait_until(lambda: stack.api.get("/lookup?host=alone.example")["categories"] == ["only-hand"], 20, "the local index")


def test_networks_ports_and_expressions_are_matched(stack):
    r = load(stack, "mixed", b"10.20.0.0/16\nport.example:8080/only\n192.0.2.44\nlisted.hand.example\n")
    r = load(stack, "mixed", b"(casino|poker)[0-9]+\n^https?://[^/]*/auto/\n", "?format=expressions&mode=merge")
    assert r["not_matched"] == 0
    for url, want in (("http://10.20.3.4/", True), ("http://10.21.3.4/", False), ("http://192.0.2.44/", True),
                      ("http://port.example:8080/only/x", True), ("http://port.example/only/x", False),
                      ("http://127.0.0.1:9/CASINO77", True), ("http://127.0.0.1:9/casino", False), ("http://127.0.0.1:9/auto/x", True)):
        got = stack.api.post("/simulate", {"url": url})
        assert (got["action"] == "block") == want, (url, got)
        if want:
            assert is_blocked(stack, url), url
    kinds = {u: [(m["kind"], m["entry"]) for m in stack.api.get(f"/lookup?url={u}")["matches"]]
             for u in ("http://10.20.3.4/", "http://port.example:8080/only/x", "http://127.0.0.1:9/casino77")}
    assert list(kinds.values()) == [[("network", "10.20.0.0/16")], [("url", "port.example:8080/only")], [("expression", "(casino|poker)[0-9]+")]]
    # CONNECT: expressions see the authority, as url_patterns do.
    answer = stack.raw(b"CONNECT poker7.example:443 HTTP/1.1\r\nHost: poker7.example:443\r\n\r\n", until=b"\r\n\r\n")
    assert b" 403 " in answer.split(b"\r\n")[0], answer[:200]


def test_since_is_kept_across_refreshes(stack):
    load(stack, "aged", b"old.aged.example\n", "?source=first.txt")
    age = lambda: {d["entry"]: d["since"] for d in stack.api.get("/categories/aged/entries")["details"]}
    first = age()
    time.sleep(1.1)  # ages are whole seconds
    load(stack, "aged", b"new.aged.example\nold.aged.example\n", "?source=second.txt")
    second = age()
    assert second["old.aged.example"][:19] == first["old.aged.example"][:19] and second["new.aged.example"] > second["old.aged.example"]
    sources = stack.api.get("/categories/aged/sources")["items"]
    assert [(s["source"], s["title"], s["counts"]["domains"]) for s in sources] == [("upload", "second.txt", 2)]


def test_damaged_index_leaves_the_last_good_one(stack):
    """proxyd goes on with what it has, and takes the next good file."""
    load(stack, "mixed", b"before.example\n")
    assert is_blocked(stack, "http://before.example/")
    path = f"{stack.state}/categories.idx"
    good = open(path, "rb").read()
    for i, bad in enumerate((b"", b"PXDINDX4" + b"\0" * 300, good[:len(good) // 2], good[:-1] + bytes([good[-1] ^ 1]))):
        with open(path + ".new", "wb") as f:
            f.write(bad)
        os.rename(path + ".new", path)
        stack.api.post("/categories/mixed/entries", {"add": [f"meanwhile{i}.example"]})  # proxyd is told to look
        assert is_blocked(stack, f"http://meanwhile{i}.example/")
        assert is_blocked(stack, "http://before.example/")
    load(stack, "mixed", b"after.example\n")
    assert is_blocked(stack, "http://after.example/")


def test_what_is_worth_a_look_is_said(stack):
    """Public suffixes and names everybody needs are warnings; what would empty a category is refused unless it is meant."""
    r = load(stack, "suspicious", b"co.uk\ngoogle.com\nfine.example\n")
    assert [(w["code"], w["entries"], w["n"]) for w in r["warnings"]] == [("public-suffix", ["co.uk"], 1), ("popular", ["google.com"], 1)]
    load(stack, "shrinks", b"".join(b"s%d.example\n" % i for i in range(500)))
    half = b"".join(b"s%d.example\n" % i for i in range(250))
    for small in (half, b"s1.example\n", b"# nothing\n"):
        job = stack.api.job(stack.api.call("POST", "/categories/shrinks:import", raw=small))
        assert job["state"] == "failed" and "would be gone" in job["message"], job
        assert stack.api.get("/categories/shrinks")["counts"]["domains"] == 500
    assert load(stack, "shrinks", b"s1.example\n", "?dry_run=true")["warnings"][0]["code"] == "shrunk"
    assert load(stack, "shrinks", b"s1.example\n", "?force=true")["removed"] == 499
