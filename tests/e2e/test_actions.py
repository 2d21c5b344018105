"""What rules do besides allowing and blocking: warnings and overrides that are accepted and remembered, redirects, daily
allowances of time and volume, limits of speed, header fields and safe search; over workers, restarts and kill -9."""
import html.parser
import os
import re
import signal
import socket
import struct
import threading
import time
import urllib.parse

import pytest
import requests

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.dns import Dns
from lib.origin import Origin, Pause

HOSTS = ("warn", "why", "pass", "gone", "redirect", "self", "quota", "bytes", "cat", "slow", "head", "short", "shadow", "user", "tun", "up")
NAMES = {f"{n}.test": ["127.0.0.1"] for n in HOSTS} | {"forcesafesearch.google.com": ["127.0.0.1"], "www.google.com": ["127.0.0.7"],
                                                       "restrict.youtube.com": ["127.0.0.1"], "www.youtube.com": ["127.0.0.7"]}
ACCEPT = {"Accept": "text/html"}


def on(*hosts, **rule):
    return {"when": {"hosts": [f"{h}.test" for h in hosts]}, "name": f"Rule of {hosts[0]}", **rule}


def rules(port):
    return policy(
        on("warn", id="warn", action="warn", message="Careful"),
        on("short", id="short", action="warn", remember_minutes=1),
        on("why", id="why", action="override"),
        on("pass", id="pass", action="override", remember_minutes=5, override={"by": "password", "password": "open sesame"}),
        on("redirect", id="redirect", action="redirect", redirect_url="http://info.test/rules?x=1"),
        on("self", id="self", action="redirect", redirect_url=f"http://self.test:{port}/here"),
        on("shadow", id="shadow-q", action="allow", shadow=True, quota={"bytes_per_day": 1}),
        on("quota", id="minutes", action="allow", quota={"minutes_per_day": 1, "zone": "Europe/Paris"}),
        on("bytes", "tun", "up", id="volume", action="allow", quota={"bytes_per_day": 300000}, message="Enough for today"),
        on("user", id="per-user", action="allow", quota={"bytes_per_day": 50000}) | {"when": {"hosts": ["user.test"], "groups": ["staff"]}},
        on("slow", id="slow", action="allow", limit={"bytes_per_second": 200000}),
        on("head", id="head", action="allow", set_headers={"X-Tenant": "ours", "Cookie": None}),
        {"id": "safe", "when": {"hosts": ["google.com", "youtube.com"]}, "action": "allow", "safe_search": "strict"},
    )


class Forms(html.parser.HTMLParser):
    """The forms of a page: [{action, method, fields: {}, kinds: {}}]."""

    def __init__(self, text):
        super().__init__()
        self.all = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.all.append({"action": a["action"], "method": a["method"], "fields": {}, "kinds": {}})
        elif tag in ("input", "textarea") and self.all:
            self.all[-1]["fields"][a["name"]] = a.get("value", "")
            self.all[-1]["kinds"][a["name"]] = a.get("type", tag)


@pytest.fixture(scope="module")
def dns():
    with Dns(NAMES) as d:
        yield d


@pytest.fixture(scope="module")
def o():
    with Origin(name="origin.test") as origin:
        yield origin


@pytest.fixture(scope="module")
def s(dns, o):
    with Stack(proxy={"resolvers": dns.address, "workers": "2", "allow-private": ["127.0.0.0/8", "::1/128"]}) as stack:
        stack.publish(rules(o.port))
        stack.add_user("alice", "wonderland-7", ["staff"])
        stack.add_user("bob", "builder-1-2-3", ["staff"])
        yield stack


def page(s, url, **kw):
    r = s.get(url, headers={**ACCEPT, **kw.pop("headers", {})}, **kw)
    return r, Forms(r.text).all


def send(s, url, form, **fields):
    """The form of a page at url, as a browser sends it."""
    at = urllib.parse.urljoin(url, form["action"])
    return s.get(at, method="POST", headers=ACCEPT, data={**form["fields"], **fields})


def connect(s, host, port):
    c = socket.create_connection(("127.0.0.1", s.proxy_port), timeout=10 * SLOW)
    c.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        part = c.recv(65536)
        if not part:
            break
        got += part
    return c, got


def why(s, query="", **kw):
    return requests.request(kw.pop("method", "GET"), f"http://127.0.0.1:{s.proxy_port}/why{query}", timeout=10, headers=ACCEPT, **kw)


# --- warnings -------------------------------------------------------------------------------------------
def test_warning_is_accepted_once_for_all_workers(s, o):
    url = f"http://warn.test:{o.port}/bytes/6"
    r, forms = page(s, url)
    assert r.status_code == 403 and len(forms) == 1 and forms[0]["method"] == "post" and "Careful" in r.text
    assert "frame-ancestors 'none'" in r.headers["Content-Security-Policy"] and r.headers["Cache-Control"] == "no-store"
    go = send(s, url, forms[0])
    assert go.status_code == 303 and go.headers["Location"] == url
    for _ in range(12):  # either worker
        assert s.get(url).status_code == 200
    rec = s.log(f"url={url}&status=200", want=12)
    assert all(x["verdict"] == "warned" and x["effect"] == "warn-continued" and x["rule"] == "warn" for x in rec)
    assert s.log("host=warn.test&status=303")[0]["rule"] == "warn"


def test_programs_get_a_link(s, o):
    url = f"http://short.test:{o.port}/bytes/6"
    link = s.get(url, headers={"Accept": "application/json"}).json()["continue"]
    text = s.get(url).text
    assert f"Continue: http://short.test:{o.port}/.well-known/" in text
    assert s.get(link).status_code == 302 and s.get(url).status_code == 200


@pytest.mark.parametrize("change", ["w", "h", "r", "v", "e", "c", "t"])
def test_a_token_is_for_what_it_was_made_for(s, o, change):
    url = f"http://why.test:{o.port}/bytes/6"
    _, forms = page(s, url)
    v = forms[0]["fields"][change]
    forms[0]["fields"][change] = v[:-1] + ("0" if v[-1] != "0" else "1")
    assert send(s, url, forms[0], reason="a very good reason").status_code == 400
    assert s.get(url).status_code == 403


def test_a_token_of_one_host_is_nothing_on_another(s, o):
    _, forms = page(s, f"http://why.test:{o.port}/bytes/6")
    assert send(s, f"http://other.test:{o.port}/", forms[0], reason="a very good reason").status_code == 400


def test_a_token_of_an_older_policy_is_stale(s, o):
    url = f"http://why.test:{o.port}/bytes/6"
    _, forms = page(s, url)
    s.publish({**rules(o.port), "comment": "newer"})
    assert send(s, url, forms[0], reason="a very good reason").status_code == 400


# --- overrides ------------------------------------------------------------------------------------------
def test_override_takes_a_reason_of_some_length(s, o):
    url = f"http://why.test:{o.port}/bytes/6"
    r, forms = page(s, url)
    assert r.status_code == 403 and forms[0]["kinds"]["reason"] == "textarea"
    for thin in ("", "because", "a         b      c"):
        r = send(s, url, forms[0], reason=thin)
        assert r.status_code == 403 and 'role="alert"' in r.text
        forms = Forms(r.text).all
    by_get = url.rsplit("/bytes", 1)[0] + forms[0]["action"] + "?" + urllib.parse.urlencode({**forms[0]["fields"], "reason": "x" * 20})
    assert s.get(by_get).status_code == 405  # never in a URL
    assert send(s, url, forms[0], reason="Für <b>die</b>\r\nPrüfung").status_code == 303
    assert s.get(url).status_code == 200
    rec = s.log("host=why.test&status=303")[0]
    assert rec["effect"] == "override-justified" and rec["note"] == "Für <b>die</b>  Prüfung" and rec["verdict"] == "warned"
    later = s.log("host=why.test&status=200")[0]
    assert later["effect"] == "override-justified" and not later["note"]


def test_forms_are_bounded(s, o):
    url = f"http://gone.test:{o.port}/.well-known/proxyd-continue"
    r = s.get(url, method="POST", data=b"e=1&" + b"x" * 100000)
    assert r.status_code == 413

    def chunks():
        for _ in range(40):
            yield b"y" * 1000
    assert s.get(url, method="POST", data=chunks()).status_code == 413
    for bad in (b"", b"e=1", b"%zz", b"\x00" * 50, b"e=1&v=2&c=3&w=4&h=5&r=6&u=7&t=8", b"&" * 9000):
        assert s.get(url, method="POST", data=bad).status_code == 400


def test_override_by_password_and_its_guesses(s, o):
    url = f"http://pass.test:{o.port}/bytes/6"
    r, forms = page(s, url)
    assert r.status_code == 403 and forms[0]["kinds"]["password"] == "password"
    assert "sesame" not in r.text and "argon2" not in r.text
    assert send(s, url, forms[0], password="open simsim").status_code == 403
    assert send(s, url, forms[0], password="open sesame").status_code == 303
    assert s.get(url).status_code == 200
    assert s.log("host=pass.test&status=200")[0]["effect"] == "override-password"
    assert not [x for x in s.log("host=pass.test", want=3) if "sesame" in str(x) or "simsim" in str(x)]
    codes = [send(s, url, forms[0], password="wrong").status_code for _ in range(5)]
    assert codes[:3] == [403, 403, 403] and codes[3:] == [429, 429]
    r = send(s, url, forms[0], password="open sesame")  # also the right one has to wait
    assert r.status_code == 429 and "Retry-After" in r.headers


# --- CONNECT --------------------------------------------------------------------------------------------
def test_a_refused_tunnel_is_explained_and_accepted_on_why(s, o):
    c, got = connect(s, "warn2.test", o.port)
    c.close()
    doc = rules(o.port)
    doc["rules"].insert(0, on("tun", id="tun-warn", action="warn", message="Think twice"))
    doc["rules"].insert(0, on("up", id="up-block", action="block", message="Never"))
    s.publish(doc)
    try:
        c, got = connect(s, "tun.test", o.port)
        c.close()
        assert got.startswith(b"HTTP/1.1 403") and b"<" not in got.split(b"\r\n\r\n")[0]
        c, got2 = connect(s, "up.test", o.port)
        c.close()
        r = why(s, "?host=tun.test")
        assert r.status_code == 200 and f"tun.test:{o.port}" in r.text and "Think twice" in r.text and "up.test" not in r.text
        everything = why(s).text
        assert "up.test" in everything and "Never" in everything
        forms = Forms(r.text).all
        assert len(forms) == 1 and forms[0]["action"] == "/why"
        assert why(s, method="POST", data=forms[0]["fields"]).status_code == 200
        c, got = connect(s, "tun.test", o.port)
        assert got.startswith(b"HTTP/1.1 200"), got
        c.sendall(b"GET /bytes/5 HTTP/1.0\r\n\r\n")
        assert b" 200 " in c.recv(1000)
        c.close()
        rec = s.log("host=tun.test&status=200")[0]
        assert rec["effect"] == "warn-continued" and rec["verdict"] == "warned"
    finally:
        s.publish(rules(o.port))


def test_the_text_of_a_refused_tunnel_names_why(s, o):
    c, got = connect(s, "redirect.test", 443)
    got += c.recv(65536) if b"/why?host=redirect.test" not in got else b""
    c.close()
    assert got.startswith(b"HTTP/1.1 403") and b"Location" not in got
    assert f"http://127.0.0.1:{s.proxy_port}/why?host=redirect.test".encode() in got


def test_why_answers_only_under_its_own_name(s):
    def ask(host, path="/why", method="GET", body=b""):
        raw = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        return s.raw(raw.encode() + body)
    assert b" 302 " in ask("evil.test").split(b"\r\n")[0]
    assert f"Location: http://127.0.0.1:{s.proxy_port}/why?host=x".encode() in ask("evil.test", "/why?host=x")
    assert b" 302 " in ask("10.1.1.1").split(b"\r\n")[0]
    assert b" 400 " in ask("evil.test", method="POST", body=b"e=1").split(b"\r\n")[0]
    assert b" 405 " in ask("127.0.0.1", "/quota", "POST", b"e=1").split(b"\r\n")[0]
    assert b" 200 " in ask(f"127.0.0.1:{s.proxy_port}").split(b"\r\n")[0]
    assert b" 200 " in ask("localhost").split(b"\r\n")[0]
    through = s.raw(f"GET http://127.0.0.1:{s.proxy_port}/why HTTP/1.1\r\nHost: 127.0.0.1:{s.proxy_port}\r\nConnection: close\r\n\r\n".encode())
    assert through.startswith(b"HTTP/1.1 200")


# --- redirects ------------------------------------------------------------------------------------------
def test_redirect_keeps_the_method_and_never_runs_in_a_circle(s, o):
    r = s.get(f"http://redirect.test:{o.port}/a")
    assert r.status_code == 302 and r.headers["Location"] == "http://info.test/rules?x=1"
    r = s.get(f"http://redirect.test:{o.port}/a", method="POST", data=b"abc")
    assert r.status_code == 307 and r.headers["Location"] == "http://info.test/rules?x=1"
    assert s.get(f"http://self.test:{o.port}/there").status_code == 302
    for same in ("/here", "/here?a=b", "/HERE"):
        assert s.get(f"http://self.test:{o.port}{same}").status_code in (403, 302 if same == "/HERE" else 403)
    assert s.get(f"http://self.test:{o.port}/here").status_code == 403


def test_shadow_rules_of_every_action_are_recorded_only(s, o):
    doc = rules(o.port)
    actions = [("block", {}), ("warn", {}), ("override", {}), ("redirect", {"redirect_url": "http://x.test/"}), ("allow", {"quota": {"bytes_per_day": 1}})]
    for i, (a, more) in enumerate(actions):
        doc["rules"].insert(0, on("shadow", id=f"sh-{i}", action=a, shadow=True, **more))
    s.publish(doc)
    for _ in range(2):
        assert s.get(f"http://shadow.test:{o.port}/bytes/9").status_code == 200
    rec = s.log("host=shadow.test&status=200", want=2)[0]
    assert {f"sh-{i}" for i in range(5)} <= set(rec["shadow"]) and not rec["effect"] and rec["verdict"] == "allowed"
    s.publish(rules(o.port))


# --- quotas ---------------------------------------------------------------------------------------------
def slot_of(state, who, rule):
    """(offset, bytes) of an account in the ledger's file."""
    with open(os.path.join(state, "ledger"), "rb") as f:
        data = f.read()
    mark = rule.encode() + who.encode()
    for at in range(8192, len(data), 512):
        if mark in data[at + 64:at + 512] and data[at + 68] == 1:
            return at, data[at:at + 512]
    raise AssertionError(f"no account of {who} under {rule}")


def used_bytes(state, who="127.0.0.1", rule="volume"):
    return struct.unpack("<Q", slot_of(state, who, rule)[1][32:40])[0]


def test_volume_is_counted_both_ways_and_ends_what_goes_beyond(s, o):
    url = f"http://bytes.test:{o.port}/bytes/100000"
    before = 0
    for _ in range(2):
        assert s.get(url).status_code == 200
    wait_until(lambda: used_bytes(s.state) > 200000, what="the account")
    recorded = sum(x["bytes_in"] + x["bytes_out"] for x in s.log("host=bytes.test&status=200", want=2))
    assert used_bytes(s.state) - before == recorded
    with pytest.raises(Exception):  # cut in the middle
        s.get(f"http://bytes.test:{o.port}/bytes/50000000")
    r, forms = page(s, url)
    assert r.status_code == 403 and not forms and "Enough for today" in r.text and "300.0 kB" in r.text and "UTC" in r.text
    j = s.get(url, headers={"Accept": "application/json"}).json()
    assert j["rule"] == "volume" and j["bytes_used"].endswith("/ 300.0 kB") and j["renewed"].endswith("00:00 UTC")
    assert used_bytes(s.state) < 300000 + 2 * 1024 * 1024
    cut, refused = s.log("host=bytes.test&effect=quota-bytes", want=2)[-1], s.log("host=bytes.test&effect=quota-bytes&status=403")[0]
    assert cut["status"] == 200 and cut["verdict"] == "blocked" and refused["verdict"] == "blocked" and refused["rule"] == "volume"


def test_a_spent_quota_survives_kill_9(s, o):
    url = f"http://bytes.test:{o.port}/bytes/10"
    assert s.get(url).status_code == 403
    was = used_bytes(s.state)
    os.kill(s.worker_pid, signal.SIGKILL)
    wait_until(lambda: s.get(url).status_code == 403, what="the same answer of the next process")
    assert used_bytes(s.state) == was
    assert s.get(f"http://warn.test:{o.port}/bytes/6").status_code == 200  # accepted long before the kill


def test_a_tunnel_ends_when_the_volume_is_used_up(dns, o):
    o.on("/flood", [b"HTTP/1.1 200 OK\r\n\r\n"] + [b"x" * 40000, Pause(0.05)] * 400)
    with Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8"]}) as s:
        s.publish(rules(o.port))
        c, got = connect(s, "tun.test", o.port)
        assert got.startswith(b"HTTP/1.1 200")
        idle, got = connect(s, "tun.test", o.port)
        c.sendall(b"GET /flood HTTP/1.0\r\n\r\n")
        n, began = 0, time.monotonic()
        while True:
            try:
                part = c.recv(65536)
            except ConnectionResetError:
                break
            if not part:
                break
            n += len(part)
        assert 200000 < n < 500000 and time.monotonic() - began < 5 * SLOW
        rec = s.log("effect=quota-bytes")[0]
        assert rec["method"] == "CONNECT" and rec["verdict"] == "blocked" and rec["status"] == 200
        assert used_bytes(s.state) >= 300000
        c2, got = connect(s, "tun.test", o.port)
        assert got.startswith(b"HTTP/1.1 403")
        up = s.get(f"http://up.test:{o.port}/echo", method="POST", data=b"z" * 1000)
        assert up.status_code == 403
        for x in (c, c2, idle):
            x.close()


def test_an_upload_counts_too(dns, o):
    with Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8"]}) as s:
        s.publish(rules(o.port))
        try:
            r = s.get(f"http://up.test:{o.port}/echo", method="POST", data=b"z" * 5000000)
            assert r.status_code == 403
        except Exception:
            pass  # cut while the client was still sending
        rec = s.log("host=up.test&effect=quota-bytes")[0]
        assert rec["bytes_in"] < 5000000 and rec["verdict"] == "blocked"


def test_each_user_has_an_own_account_and_sees_it(s, o):
    url = f"http://user.test:{o.port}/bytes/30000"
    alice, bob = ("alice", "wonderland-7"), ("bob", "builder-1-2-3")
    assert [s.get(url, user=alice).status_code for _ in range(2)] == [200, 200]
    assert s.get(url, user=alice).status_code == 403
    assert s.get(url, user=bob).status_code == 200
    at = f"http://127.0.0.1:{s.proxy_port}/quota"
    r = requests.get(at, timeout=10)
    assert r.status_code == 401 and "Basic" in r.headers["WWW-Authenticate"] and "Proxy-Authenticate" not in r.headers
    assert requests.get(at, auth=("alice", "wrong"), timeout=10).status_code == 401
    r = requests.get(at, auth=bob, timeout=10, headers={"Accept": "application/json"})
    assert r.status_code == 200
    mine = [x for x in r.json()["items"] if x["title"] == "Rule of user"]
    assert len(mine) == 1 and re.match(r"3\d\.\d kB / 50.0 kB", mine[0]["bytes_used"])
    address = [x for x in r.json()["items"] if x["title"].endswith("(127.0.0.1)")]
    assert {x["title"] for x in address} >= {"Rule of bytes (127.0.0.1)"}  # counted while nobody was known
    assert "Kontingente" in requests.get(at, auth=alice, headers={**ACCEPT, "Accept-Language": "de"}, timeout=10).text


def test_minutes_are_counted_and_end(dns, o):
    with Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8"]}) as s:
        s.publish(rules(o.port))
        url = f"http://quota.test:{o.port}/bytes/10"
        assert s.get(url).status_code == 200
        s.proxyd.stop()
        at, slot = slot_of(s.state, "127.0.0.1", "minutes")
        minute = int(time.time() // 60)
        count = struct.unpack("<Q", slot[24:32])[0]
        assert count >> 32 == 1 and abs((count & 0xffffffff) - minute) <= 1
        with open(os.path.join(s.state, "ledger"), "r+b") as f:  # as if that minute were over
            f.seek(at + 24)
            f.write(struct.pack("<Q", 1 << 32 | (minute - 5)))
        s.start_proxyd()
        r = s.get(url, headers=ACCEPT)
        assert r.status_code == 403 and "1 / 1 min" in r.text and "Europe/Paris" in r.text
        rec = s.log("host=quota.test&effect=quota-time")[0]
        assert rec["verdict"] == "blocked" and rec["rule"] == "minutes"


def test_a_damaged_ledger_stops_nobody(dns, o):
    with Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8"]}) as s:
        s.publish(rules(o.port))
        assert s.get(f"http://bytes.test:{o.port}/bytes/10").status_code == 200
        s.proxyd.stop()
        at, _ = slot_of(s.state, "127.0.0.1", "volume")
        with open(os.path.join(s.state, "ledger"), "r+b") as f:
            f.seek(at + 90)
            f.write(b"????")
        s.start_proxyd()
        assert s.get(f"http://bytes.test:{o.port}/bytes/10").status_code == 200
        assert "damaged" in s.proxyd.output()
        s.proxyd.stop()
        with open(os.path.join(s.state, "ledger"), "wb") as f:
            f.write(b"not at all" * 1000)
        s.start_proxyd()
        assert s.get(f"http://bytes.test:{o.port}/bytes/10").status_code == 200
        assert os.path.exists(os.path.join(s.state, "ledger.bad"))


# --- speed, header fields, safe search ------------------------------------------------------------------
def test_limit_paces_all_connections_together(s, o):
    began, done = time.monotonic(), []

    def fetch():
        done.append(len(s.get(f"http://slow.test:{o.port}/bytes/200000", timeout=60).content))
    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - began
    assert done == [200000, 200000] and 1.4 < took < 8 * SLOW  # 400 kB at 200 kB/s, a quarter second of it at once


def test_limit_paces_a_tunnel(s, o):
    c, got = connect(s, "slow.test", o.port)
    began, n = time.monotonic(), 0
    c.sendall(b"GET /bytes/300000 HTTP/1.0\r\n\r\n")
    while n < 300000:
        part = c.recv(65536)
        if not part:
            break
        n += len(part)
    assert n >= 300000 and time.monotonic() - began > 0.9
    c.close()


def test_header_fields_are_ours(s, o):
    n = len(o.requests)
    r = s.get(f"http://head.test:{o.port}/bytes/5", headers={"x-TENANT": "theirs", "Cookie": "a=b", "X-Other": "stays"})
    assert r.status_code == 200
    seen = o.requests[n]
    assert seen.all("X-Tenant") == ["ours"] and seen.all("Cookie") == [] and seen.get("X-Other") == "stays"
    s.get(f"http://shadow.test:{o.port}/bytes/5", headers={"X-Tenant": "theirs"})
    assert o.requests[-1].all("X-Tenant") == ["theirs"]


def test_safe_search_dials_the_enforcing_name(s, o, dns):
    n = len(o.requests)
    r = s.get(f"http://www.google.com:{o.port}/bytes/5?q=x&safe=off")
    assert r.status_code == 200
    seen = o.requests[n]
    assert seen.get("Host") == f"www.google.com:{o.port}" and seen.target == "/bytes/5?q=x&safe=active&ssui=on"
    assert s.get(f"http://www.youtube.com:{o.port}/bytes/5", headers={"YouTube-Restrict": "None"}).status_code == 200
    assert o.requests[-1].all("YouTube-Restrict") == ["Strict"]
    c, got = connect(s, "www.google.com", o.port)
    assert got.startswith(b"HTTP/1.1 200")
    c.close()
    assert dns.queries("www.google.com") == 0 and dns.queries("forcesafesearch.google.com") > 0
    assert s.log("host=www.google.com&method=CONNECT")[0]["upstream"] == f"127.0.0.1:{o.port}"


# --- for administrators ---------------------------------------------------------------------------------
def test_balances_and_grants_are_seen_and_taken_back(dns, o):
    with Stack(proxy={"resolvers": dns.address, "workers": "2", "allow-private": ["127.0.0.0/8"]}) as s:
        s.publish(rules(o.port))
        volume, warn, why_url = (f"http://{h}.test:{o.port}/bytes/10" for h in ("bytes", "warn", "why"))
        with pytest.raises(Exception):
            s.get(f"http://bytes.test:{o.port}/bytes/50000000")
        assert s.get(volume).status_code == 403
        got = s.api.get("/quotas")
        assert got["table"]["is_kept"] and got["table"]["used"] >= 1 and not got["truncated"]
        item, = got["items"]
        assert item["user"] == "127.0.0.1" and item["rule"] == "volume" and item["rule_name"] == "Rule of bytes" and item["category"] == ""
        assert item["is_spent"] and item["bytes_per_day"] == 300000 and item["bytes_used"] >= 300000 and item["minutes_per_day"] is None
        assert item["day"] == time.strftime("%Y-%m-%d", time.gmtime()) and item["renewed_at"].endswith("T00:00:00.000Z")
        assert s.api.get("/quotas?user=127.0&rule=volume")["items"] == [item] and s.api.get("/quotas?user=nobody")["items"] == []
        assert s.api.post("/quotas:reset", {"user": "127.0.0"}) == {"reset": 0}
        assert s.api.post("/quotas:reset", {"user": "127.0.0.1", "rule": "volume"}) == {"reset": 1}
        assert s.get(volume).status_code == 200
        _, forms = page(s, warn)
        assert send(s, warn, forms[0]).status_code == 303
        _, forms = page(s, why_url)
        assert send(s, why_url, forms[0], reason="The audit of the year").status_code == 303
        grants = {g["rule"]: g for g in s.api.get("/grants?user=127")["items"]}
        assert grants["warn"]["kind"] == "warn-continued" and grants["warn"]["host"] == "warn.test" and grants["warn"]["until"].endswith("Z")
        assert grants["why"]["kind"] == "override-justified" and grants["why"]["note"] == "The audit of the year"
        assert [g["rule"] for g in s.api.get("/grants?host=why.test")["items"]] == ["why"]
        assert s.api.post("/grants:revoke", {"user": "127.0.0.1", "host": "warn.test"}) == {"revoked": 1}
        assert [s.get(warn).status_code for _ in range(6)] == [403] * 6 and s.get(why_url).status_code == 200
        click = s.log("host=why.test&status=303")[0]
        assert click["rule"] == "why" and not click["user"] and not click["policy_version"]
        s.log("host=warn.test&status=403", want=7)
        replayed = s.api.job(s.api.call("POST", "/replay", {"from": "now-1h", "to": "now", "policy": "live"}))["result"]
        assert replayed["judged"] >= 10 and replayed["flips"] == 0, replayed
        audit = [a["action"] for a in s.api.get("/audit")["items"]]
        assert any("quotas" in a for a in audit) and any("grants" in a for a in audit), audit
        doc = rules(o.port)
        doc["rules"] = [r for r in doc["rules"] if r["id"] not in ("volume", "why")]
        s.publish(doc)  # what was counted under rules that are gone stays readable
        assert s.api.get("/quotas")["items"][0]["rule_name"] == "" and s.api.get("/quotas")["items"][0]["bytes_per_day"] is None
        assert s.api.call("POST", "/quotas:reset", {"user": ""}, ok=False).status_code == 422
        s.proxyd.stop()
        for call in (("GET", "/quotas"), ("GET", "/grants"), ("POST", "/quotas:reset", {"user": "x"}), ("POST", "/grants:revoke", {"user": "x"})):
            assert s.api.call(*call, ok=False).status_code == 503


def test_what_is_accepted_and_counted_outlives_a_restart_and_an_upgrade(dns, o):
    with Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8"]}) as s:
        s.publish(rules(o.port))
        warn = f"http://warn.test:{o.port}/bytes/10"
        _, forms = page(s, warn)
        assert send(s, warn, forms[0]).status_code == 303
        assert s.get(f"http://bytes.test:{o.port}/bytes/1000").status_code == 200
        was = wait_until(lambda: used_bytes(s.state), what="the count, a moment behind the answer")
        s.proxyd.stop()
        s.start_proxyd()
        assert s.get(warn).status_code == 200 and used_bytes(s.state) == was
        pid = s.worker_pid
        c, _ = connect(s, "tun.test", o.port)  # keeps the old process for a while
        os.kill(s.proxyd.pid, signal.SIGUSR2)
        wait_until(lambda: s.worker_pid != pid, what="the next process")
        c.sendall(b"GET /bytes/2000 HTTP/1.0\r\n\r\n")
        wait_until(lambda: used_bytes(s.state) > was + 2000, what="bytes of the old process")
        assert s.get(f"http://bytes.test:{o.port}/bytes/1000").status_code == 200
        wait_until(lambda: used_bytes(s.state) > was + 3000, what="bytes of the new one")
        assert s.get(warn).status_code == 200
        c.close()


def test_an_allowance_for_each_category(dns, o):
    with Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8"]}) as s:
        for name, host in (("games", "cat.test"), ("video", "quota.test")):
            s.api.job(s.api.call("POST", f"/categories/{name}:import", raw=f"{host}\n".encode()))
        s.publish(policy({"id": "each", "name": "Each", "when": {"categories": ["games", "video"]}, "action": "allow",
                          "quota": {"bytes_per_day": 30000, "per": "category"}}))
        assert s.get(f"http://cat.test:{o.port}/bytes/40000").status_code == 200
        wait_until(lambda: s.get(f"http://cat.test:{o.port}/bytes/10").status_code == 403, what="games used up")
        assert s.get(f"http://quota.test:{o.port}/bytes/10").status_code == 200  # video has its own
        got = {x["category"]: x["is_spent"] for x in s.api.get("/quotas")["items"]}
        assert got == {"games": True, "video": False}
        s.api.post("/quotas:reset", {"user": "127.0.0.1", "category": "video"})
        assert s.get(f"http://cat.test:{o.port}/bytes/10").status_code == 403
        s.api.post("/quotas:reset", {"user": "127.0.0.1", "category": "games"})
        assert s.get(f"http://cat.test:{o.port}/bytes/10").status_code == 200
        page = requests.get(f"http://127.0.0.1:{s.proxy_port}/quota", timeout=10, headers={"Accept": "application/json"}).json()
        assert {x["title"] for x in page["items"]} >= {"Each: games (127.0.0.1)"}


def test_a_field_of_a_rule_cannot_be_overruled(s, o):
    """Not by a copy, not by the spelling that CGI takes for the same, not from behind the body."""
    def post(*fields, trailer=""):
        head = "\r\n".join([f"POST http://head.test:{o.port}/echo HTTP/1.1", f"Host: head.test:{o.port}", "Connection: close",
                            "Transfer-Encoding: chunked", *fields, "", ""])
        return s.raw(f"{head}2\r\nhi\r\n0\r\n{trailer}\r\n".encode())

    assert b'"X-Tenant", "ours"' in post("X-Tenant: mine", "x_tenant: mine", "X_TENANT: mine", "Connection: x-tenant")
    assert b"mine" not in post("X-Tenant: mine", "x_tenant: mine", "cookie: mine")
    assert post(trailer="X-Sum: 1\r\n").startswith(b"HTTP/1.1 200 ")
    before = len([q for q in o.requests if q.complete])
    for name in ("X-Tenant", "x_tenant", "X-TENANT"):
        assert b" 400 " in post(trailer=f"{name}: mine\r\n")[:20]
    assert len([q for q in o.requests if q.complete]) == before
