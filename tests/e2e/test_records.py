"""Access records as outsiders see them: what each request leaves, found by every filter, paged while more
arrive, exported, followed live, summed in reports, and still there after a kill -9."""
import csv
import io
import json
import os
import signal
import socket
import threading
import time

import pytest

from lib.daemons import SLOW, Stack, free_port, policy, wait_until
from lib.origin import Origin

RULES = policy(
    {"id": "no-games", "name": "No games", "when": {"hosts": ["games.test"]}, "action": "block"},
    {"id": "staff", "name": "Staff only", "when": {"ports": [9], "users": ["alice"]}, "action": "allow"},
    {"id": "others", "name": "Nobody else", "when": {"ports": [9]}, "action": "block"},
    {"id": "seen", "name": "Would block", "shadow": True, "when": {"url_patterns": ["/bytes/77$"]}, "action": "block"},
)


def pages(s, query, limit=50, between=None):
    """All records of a query, page by page."""
    items, cursor = [], None
    while True:
        page = s.api.get(f"/log?limit={limit}&{query}" + (f"&cursor={cursor}" if cursor else ""))
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return items
        if between:
            between()


@pytest.fixture(scope="module")
def stack():
    with Stack(proxy={"workers": "2"}) as s, Origin() as o:
        s.publish(RULES)
        s.add_user("alice", "correct horse 1", ["staff", "sales"])
        s.origin = o
        yield s


def test_each_outcome_leaves_one_record(stack):
    s, o = stack, stack.origin
    dead = free_port()
    first = s.api.get("/log?limit=1")["items"]
    last = first[0]["id"] if first else 0
    ua = {"User-Agent": "check \u202e <b>".encode()}
    assert s.get(o.url("/bytes/500"), headers={**ua, "Referer": "http://from.test/"}).status_code == 200
    assert s.get(o.url("/bytes/77")).status_code == 200
    assert s.get("http://games.test/play?x=1").status_code == 403
    assert s.get("http://127.0.0.1:9/").status_code == 407
    assert s.get(f"http://127.0.0.1:{dead}/").status_code in (502, 503, 504)
    assert s.get("http://169.254.169.254/latest/").status_code == 403
    assert b" 400 " in s.raw(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", until=b"\r\n\r\n")
    assert b" 200" in s.raw(f"CONNECT 127.0.0.1:{o.port} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode(), 1, b"\r\n\r\n")
    items = wait_until(lambda: (x := [i for i in pages(s, "") if i["id"] > last]) and len(x) >= 8 and x, 10, "8 records")
    items.reverse()
    assert [i["id"] for i in items] == list(range(last + 1, last + 9))  # one each, no gap
    ok, shadowed, blocked, login, dead_host, private, bad, tunnel = items
    assert ok["verdict"] == "allowed" and ok["status"] == 200 and ok["bytes_out"] > 500
    assert ok["url"] == o.url("/bytes/500") and ok["host"] == "127.0.0.1" and ok["port"] == o.port
    assert ok["method"] == "GET" and ok["scheme"] == "http" and ok["client"] == "127.0.0.1" and ok["tls"] == "none"
    assert ok["referer"] == "http://from.test/" and ok["upstream"] == f"127.0.0.1:{o.port}" and ok["user"] == ""
    assert "check" in ok["user_agent"] and ok["policy_version"] >= 1 and ok["duration_ms"] >= 0
    assert shadowed["shadow"] == ["seen"] and shadowed["verdict"] == "allowed"
    assert blocked["verdict"] == "blocked" and blocked["rule"] == "no-games" and blocked["rule_name"] == "No games"
    assert blocked["status"] == 403 and blocked["url"] == "http://games.test/play?x=1" and blocked["upstream"] == ""
    assert login["verdict"] == "denied_auth" and login["status"] == 407
    assert dead_host["verdict"] == "error" and dead_host["error"]
    assert private["verdict"] == "refused" and private["error"]
    assert bad["verdict"] == "refused" and bad["status"] == 400
    assert tunnel["method"] == "CONNECT" and tunnel["tls"] == "tunnel" and tunnel["status"] == 200
    for i in items:
        assert s.api.get(f"/log/{i['id']}") == i
    assert s.api.call("GET", "/log/999999999", ok=False).status_code == 404


def test_every_filter(stack):
    s, o = stack, stack.origin
    s.get("http://127.0.0.1:9/", user=("alice", "correct horse 1"))
    for n in (1, 2, 3):
        s.get(o.url(f"/bytes/{n}"), headers={"User-Agent": f"filter/{n}"})
    s.get("http://games.test/again")
    every = wait_until(lambda: (x := pages(s, "")) and any(i["user"] == "alice" for i in x) and x, 10, "records")

    def same(query, fits):
        got = [i["id"] for i in pages(s, query)]
        want = [i["id"] for i in every if fits(i)]
        assert got[:len(want)] == want or [g for g in got if g <= every[0]["id"]] == want, query

    same("verdict=blocked", lambda i: i["verdict"] == "blocked")
    same("verdict=blocked&verdict=allowed", lambda i: i["verdict"] in ("blocked", "allowed"))
    same("verdict=!allowed", lambda i: i["verdict"] != "allowed")
    same("user=ALICE", lambda i: i["user"] == "alice")
    same("user=", lambda i: i["user"] == "")
    same("groups=sales", lambda i: "sales" in i["groups"])
    same("host=games.test", lambda i: i["host"] == "games.test")
    same("host=*.test&method=GET", lambda i: i["host"].endswith(".test") and i["method"] == "GET")
    same("url=*/bytes/*", lambda i: "/bytes/" in i["url"])
    same("status=400..499", lambda i: 400 <= i["status"] <= 499)
    same("status=!200", lambda i: i["status"] != 200)
    same("user_agent=filter/2", lambda i: i["user_agent"] == "filter/2")
    same("client=127.*", lambda i: True)
    same("rule=no-games&verdict=blocked", lambda i: i["rule"] == "no-games")
    same("tls=tunnel", lambda i: i["tls"] == "tunnel")
    same(f"port={o.port}", lambda i: i["port"] == o.port)
    same("from=now-1h&to=now%2B1h", lambda i: True)
    same("to=now-1h", lambda i: False)
    for bad in ("nope=1", "status=abc", "verdict=maybe", "from=yesterday", "limit=0", "cursor=xyz"):
        assert s.api.call("GET", f"/log?{bad}", ok=False).status_code == 422, bad


def test_pages_hold_still_while_records_arrive(stack):
    s, o = stack, stack.origin
    for n in range(40):
        s.get(o.url("/bytes/4"))
    before = wait_until(lambda: (x := pages(s, "url=*/bytes/4")) and len(x) == 40 and x, 10, "40 records")
    got = pages(s, "url=*/bytes/4", limit=7, between=lambda: s.get(o.url("/bytes/4")))
    assert [i["id"] for i in got] == [i["id"] for i in before]


def test_exports(stack):
    s = stack
    seen = []

    def settled():
        """Records of the tests before may still be on their way."""
        seen.append(len(pages(s, "method=GET")))
        time.sleep(0.25)
        return len(seen) > 1 and seen[-1] == seen[-2]

    wait_until(settled, 10, "no more records")
    every = pages(s, "method=GET")
    lines = s.api.call("GET", "/log/export?format=ndjson&method=GET").text.splitlines()
    assert {json.loads(x)["id"] for x in lines} >= {i["id"] for i in every}
    by_id = {json.loads(x)["id"]: json.loads(x) for x in lines}
    assert all(by_id[i["id"]] == i for i in every)
    text = s.api.call("GET", "/log/export?format=csv&method=GET").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {int(r["id"]) for r in rows} == set(by_id)
    assert not any(c in text for c in ("\u202e", "\x1b"))
    assert all(r["url"] == by_id[int(r["id"])]["url"] for r in rows)
    squid = s.api.call("GET", "/log/export?format=squid&method=GET").text.splitlines()
    assert len(squid) == len(rows)
    for line in squid:  # Squid's native format: ten fields, always
        fields = line.split()
        assert len(fields) == 10 and "/" in fields[3] and float(fields[0]) > 1e9, line
    assert any(" TCP_DENIED/403 " in x and "http://games.test/" in x for x in squid)
    assert s.api.call("GET", "/log/export?format=xml", ok=False).status_code == 422


def test_live_stream_follows_and_resumes(stack):
    s, o = stack, stack.origin
    got = []

    def listen(after=None, want=1):
        h = {"Last-Event-ID": str(after)} if after else {}
        with s.api.http.get(f"{s.api.base}/log/stream?url=*/live/*", headers=h, stream=True, timeout=30 * SLOW) as r:
            assert r.headers["Content-Type"].startswith("text/event-stream")
            n = 0
            for line in r.iter_lines():
                if line.startswith(b"data:") and b'"id"' in line:
                    got.append(json.loads(line[5:]))
                    n += 1
                    if n == want:
                        return

    o.on("/live/1", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    o.on("/live/2", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    t = threading.Thread(target=listen, daemon=True)
    t.start()
    time.sleep(0.7)
    s.get(o.url("/bytes/3"))
    began = time.monotonic()
    s.get(o.url("/live/1"))
    t.join(20 * SLOW)
    assert [i["url"] for i in got] == [o.url("/live/1")]
    assert time.monotonic() - began < 5 * SLOW
    s.get(o.url("/live/2"))  # while nobody listens
    time.sleep(0.5)
    t = threading.Thread(target=listen, args=(got[0]["id"],), daemon=True)
    t.start()
    t.join(20 * SLOW)
    assert [i["url"] for i in got] == [o.url("/live/1"), o.url("/live/2")]


def test_reports_agree_with_the_records(stack):
    s = stack
    every = pages(s, "")
    over = wait_until(lambda: (r := s.api.get("/reports/overview?from=now-2h&to=now%2B1m"))["totals"]["requests"] >= len(every) and r,
                      10, "overview")
    every = pages(s, "")
    totals = s.api.get("/reports/overview?from=now-2h&to=now%2B1m")["totals"]
    assert totals["requests"] == len(every)
    for verdict in ("allowed", "blocked", "denied_auth", "refused", "error"):
        assert totals[verdict] == sum(i["verdict"] == verdict for i in every), verdict
    assert totals["bytes_out"] == sum(i["bytes_out"] for i in every)
    assert totals["bytes_in"] == sum(i["bytes_in"] for i in every)
    assert totals["users"] == len({i["user"] for i in every if i["user"]})
    assert sum(p["requests"] for p in over["series"]) == over["totals"]["requests"]
    hosts = s.api.get("/reports/hosts?from=now-2h&to=now%2B1m&limit=100")["items"]
    for row in hosts:
        assert row["requests"] == sum(i["host"] == row["name"] for i in every), row
    rules = {r["name"]: r for r in s.api.get("/reports/rules?from=now-2h&to=now%2B1m&sort=blocked")["items"]}
    assert rules["no-games"]["blocked"] == sum(i["rule"] == "no-games" for i in every)
    assert rules["no-games"]["title"] == "No games"
    users = {r["name"]: r for r in s.api.get("/reports/users?from=now-2h&to=now%2B1m")["items"]}
    assert users["alice"]["requests"] == sum(i["user"] == "alice" for i in every)


class Asker(threading.Thread):
    """Requests one after the other until the proxy is gone; counts complete answers."""

    def __init__(self, s, url):
        super().__init__(daemon=True)
        self.s, self.url, self.n = s, url, 0

    def run(self):
        host = self.url.split("/")[2]
        ask = f"GET {self.url} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.s.proxy_port), timeout=20) as c:
                while True:
                    c.sendall(ask)
                    got = b""
                    while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < 10:
                        part = c.recv(65536)
                        if not part:
                            return
                        got += part
                    self.n += 1
        except OSError:
            pass


def test_kill_9_loses_no_answered_request():
    """The process dies without a word, three times; what was recorded is there after the next start, once."""
    with Stack(proxy={"workers": "2"}) as s, Origin() as o:
        s.publish(policy())
        answered = 0
        for round in range(3):
            askers = [Asker(s, o.url("/bytes/10")) for _ in range(4)]
            for a in askers:
                a.start()
            wait_until(lambda: sum(a.n for a in askers) > 300 * (round + 1), 60, "load")
            os.kill(s.proxyd.pid, signal.SIGKILL)
            s.proxyd.p.wait(10)
            for a in askers:
                a.join(20)
            answered += sum(a.n for a in askers)
            s.start_proxyd()
        s.get(o.url("/bytes/9"))
        s.log("url=*/bytes/9")
        items = pages(s, "url=*/bytes/10", limit=1000)
        ids = [i["id"] for i in items]
        assert len(ids) == len(set(ids))
        # A record goes into the journal right before the send of the last byte: a kill costs no record of an answer that came
        # whole, and leaves at most those of the answers that were on their way.
        kills, clients = 3, 4
        assert answered <= len(ids) <= answered + kills * clients
        total = s.api.get("/reports/overview?from=now-2h&to=now%2B1m")["totals"]["requests"]
        assert total == len(pages(s, "", limit=1000))
