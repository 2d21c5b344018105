"""API and proxy together: publishing reaches the workers, records come back by search, export and live tail, and
neither program disturbs the other when it is restarted or killed."""
import csv
import io
import json
import re
import sqlite3
import threading
import time

import pytest

from lib.daemons import SLOW, Stack, free_port, policy, wait_until
from lib.origin import Origin


@pytest.fixture(scope="module")
def stack():
    with Stack() as s, Origin() as o:
        s.origin = o
        yield s


def block(host, **more):
    return policy({"id": "gone", "name": "Gone", "action": "block", "when": {"hosts": [host]}, **more})


def test_publish_is_running_when_it_answers(stack):
    url = stack.origin.url("/")
    for n in range(6):
        doc = block("127.0.0.1") if n % 2 == 0 else policy()
        version = stack.publish(doc, f"number {n}")
        assert stack.get(url).status_code == (403 if n % 2 == 0 else 200)
        assert stack.api.get("/status")["policy"] == {**stack.api.get("/status")["policy"], "running_version": version, "live_version": version}
    back = stack.api.post(f"/policy/versions/{version - 1}:rollback", {})
    assert back["applied"] and back["version"] == version + 1
    assert stack.get(url).status_code == 403
    stack.publish(policy(), "open again")


def test_category_reaches_the_proxy(stack):
    stack.publish(policy({"id": "cat", "action": "block", "when": {"categories": ["locals"]}}))
    url = stack.origin.url("/")
    assert stack.get(url).status_code == 200
    job = stack.api.job(stack.api.call("POST", "/categories/locals:import", raw=b"127.0.0.1\n"))
    assert job["state"] == "done" and job["result"]["applied"], job
    r = stack.get(url)
    assert r.status_code == 403
    record = stack.log("verdict=blocked&rule=cat")[0]
    assert record["categories"] == ["locals"] and record["url"] == url
    stack.publish(policy())


def test_new_user_is_known_at_once(stack):
    stack.publish(policy(identity="always"))
    url = stack.origin.url("/")
    assert stack.get(url, user=("late", "the password")).status_code == 407
    stack.add_user("late", "the password", ["staff"])
    assert stack.get(url, user=("late", "the password")).status_code == 200
    stack.api.put("/users/late", {"password": "another"})
    assert stack.get(url, user=("late", "the password")).status_code == 407
    stack.api.put("/users/late", {"enabled": False})
    assert stack.get(url, user=("late", "another")).status_code == 407
    stack.publish(policy())


def test_directory_that_is_down_is_a_warning(stack):
    """The state that proxyd reports reaches the status page; forgetting a person is answered."""
    closed = free_port()
    stack.api.put("/directory", {**stack.api.get("/directory"), "enabled": True, "servers": [f"ldap://127.0.0.1:{closed}"],
                                 "allow_cleartext": True, "starttls": False, "base": "dc=x"})
    stack.publish(policy(identity="always"))
    try:
        assert stack.get(stack.origin.url("/"), user=("somebody", "x")).status_code == 503

        def warned():
            return [w for w in stack.api.get("/status")["warnings"] if w["code"] == "directory-down"]
        wait_until(warned, 10, "the warning")
        steps = stack.api.post("/directory:test", {"username": "somebody"})
        assert not steps["ok"] and not steps["steps"][0]["ok"]
        assert stack.api.call("POST", "/directory:forget", {"username": "somebody"}).status_code == 204
    finally:
        stack.api.put("/directory", {**stack.api.get("/directory"), "enabled": False})
        stack.publish(policy())


def test_search(stack):
    for i in range(30):
        stack.get(stack.origin.url(f"/search/{i}"))
    stack.log("url=*/search/*", want=30)
    page = stack.api.get("/log?url=*/search/*&limit=7")
    ids = [r["id"] for r in page["items"]]
    while page["next_cursor"]:
        page = stack.api.get(f"/log?url=*/search/*&limit=7&cursor={page['next_cursor']}")
        ids += [r["id"] for r in page["items"]]
    assert len(ids) == 30 and ids == sorted(ids, reverse=True)
    one = stack.api.get(f"/log/{ids[0]}")
    assert one["id"] == ids[0] and one["method"] == "GET" and one["status"] == 200
    assert stack.api.call("GET", "/log/999999999", ok=False).status_code == 404
    assert stack.api.get("/log?url=*/search/*&status=!200")["items"] == []
    assert stack.api.get("/log?url=*/search/*&to=now-1h")["items"] == []
    r = stack.api.call("GET", "/log?nonsense=1&x", ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/nonsense"
    assert stack.api.call("GET", "/log?cursor=nonsense", ok=False).status_code == 422


def test_export(stack):
    stack.get(stack.origin.url("/export/=cmd"))
    want = stack.log("url=*/export/*")[0]
    text = stack.api.call("GET", "/log/export?format=ndjson&url=*/export/*")
    assert [json.loads(x) for x in text.text.splitlines()] == [want]
    assert "attachment" in text.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(stack.api.call("GET", "/log/export?format=csv&url=*/search/*").text)))
    assert len(rows) == 31 and "url" in rows[0]
    squid = stack.api.call("GET", "/log/export?format=squid&url=*/search/*&limit=3").text.splitlines()
    assert len(squid) == 3 and all(re.match(r"\d+\.\d{3} +\d+ \S+ \S+/\d{3} \d+ GET http", x) for x in squid), squid
    assert stack.api.call("GET", "/log/export?format=x", ok=False).status_code == 422


def test_live_tail(stack):
    """Only what fits, in order, with ids; a reconnect with Last-Event-ID misses nothing."""
    def read(headers, n, during):
        got = []
        r = stack.api.http.get(f"{stack.api.base}/log/stream?url=*/tail/*", headers=headers, stream=True, timeout=20 * SLOW)
        assert r.headers["Content-Type"] == "text/event-stream"
        lines = r.iter_lines(decode_unicode=True, chunk_size=1)
        assert next(lines) == ": records follow"
        during()
        for line in lines:
            if line.startswith("data: "):
                got.append(json.loads(line[6:]))
            if line.startswith("id: "):
                last = line[4:]
            if len(got) == n:
                break
        r.close()
        return got, last

    def ask(part):
        def run():
            stack.get(stack.origin.url("/other"))
            for i in range(3):
                stack.get(stack.origin.url(f"/tail/{part}{i}"))
        return run

    got, last = read({}, 3, ask("a"))
    assert [r["url"].rsplit("/", 1)[1] for r in got] == ["a0", "a1", "a2"] and last == str(got[-1]["id"])
    ask("b")()
    got, _ = read({"Last-Event-ID": last}, 6, ask("c"))
    assert [r["url"].rsplit("/", 1)[1] for r in got] == ["b0", "b1", "b2", "c0", "c1", "c2"]


def test_reports(stack):
    stack.publish(block("127.0.0.1"))
    stack.get(stack.origin.url("/report"))
    stack.publish(policy())
    wait_until(lambda: stack.api.get("/reports/overview?from=now-1h")["totals"]["blocked"] >= 1, 8, "roll-ups")
    o = stack.api.get("/reports/overview?from=now-1h&buckets=30")
    assert o["totals"]["requests"] == sum(p["requests"] for p in o["series"]) >= 30
    assert any(r["name"] == "gone" and r["title"] == "Gone" for r in o["top"]["rules"]), o["top"]
    assert stack.api.get("/reports/hosts?sort=blocked")["items"][0]["name"] == "127.0.0.1"
    text = stack.api.call("GET", "/reports/hosts?format=csv").text.splitlines()
    assert text[0].startswith("name,title,requests") and len(text) >= 2
    assert stack.api.call("GET", "/reports/hosts?sort=x", ok=False).status_code == 422
    assert stack.api.call("GET", "/reports/overview?from=now&to=now-1h", ok=False).status_code == 422


def test_metrics(stack):
    text = stack.api.http.get(stack.api.base.split("/api")[0] + "/metrics", timeout=10).text
    assert "proxyd_up 1" in text and "proxyd_policy_version" in text
    assert all(re.match(r"(# TYPE \w+ \w+|\w+ [-+.\de]+)$", line) for line in text.splitlines())


def test_either_may_be_restarted_alone(stack):
    """Traffic goes on while adminui is killed and started; adminui answers while proxyd is down and says so; what is
    published meanwhile runs as soon as proxyd is back."""
    url, faults, stop = stack.origin.url("/steady"), [], threading.Event()

    def traffic():
        while not stop.is_set():
            try:
                status = stack.get(url).status_code
                if status != 200:
                    faults.append(status)
            except Exception as e:
                faults.append(e)
    t = threading.Thread(target=traffic)
    t.start()
    try:
        for sig in (9, 15):
            stack.adminui.stop(sig)
            time.sleep(0.2)
            stack.start_adminui()
            assert stack.api.get("/status")["proxyd"]["running"]
    finally:
        stop.set()
        t.join()
    assert not faults, faults[:3]
    assert stack.proxyd.stop() == 0
    assert not stack.api.get("/status")["proxyd"]["running"]
    stack.api.put("/policy/draft", block("127.0.0.1"))
    tag = stack.api.call("GET", "/policy/draft").headers["ETag"]
    r = stack.api.call("POST", "/policy/draft:publish", {}, headers={"If-Match": tag}).json()
    assert not r["applied"] and "not running" in r["message"]
    stack.start_proxyd()
    wait_until(lambda: stack.get(url).status_code == 403, 5, "the new version")
    # it serves a moment before it answers on the control socket
    wait_until(lambda: stack.api.get("/status")["policy"]["running_version"] == r["version"], 5, "its own word on it")
    stack.publish(policy())


def test_last_good_policy_is_kept_when_the_store_is_damaged(stack):
    """policy.db cut short: adminui says so and does not start; proxyd runs what it ran."""
    url = stack.origin.url("/damaged")
    version = stack.api.get("/status")["policy"]["running_version"]
    stack.adminui.stop()
    path = f"{stack.state}/policy.db"
    # what still stands in the log beside it would make the damage good again
    db = sqlite3.connect(path)
    wait_until(lambda: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, 10, "a whole file")
    db.close()
    good = open(path, "rb").read()
    open(path, "r+b").truncate(len(good) // 2)
    try:
        stack.start_adminui(wait=False)
        wait_until(lambda: not stack.adminui.alive(), 10, "the end of adminui")
        assert stack.adminui.p.returncode == 2 and "policy.db" in stack.adminui.output()
        assert stack.get(url).status_code == 200
    finally:
        open(path, "wb").write(good)
    stack.start_adminui()
    assert stack.api.get("/status")["policy"]["running_version"] == version
