"""Parent proxies: which requests go through which, what a parent is told and what is believed of its answers, and what
happens when one dies. The peers are scripted ones that keep every byte, Debian's Squid, and a second proxyd."""
import base64
import socket
import struct
import threading
import time

import pytest
import requests

from lib.daemons import Stack, free_port, policy, wait_until
from lib.dns import Dns
from lib.origin import Origin
from lib.parent import V2_SIGNATURE, Parent, ParentProcess
from lib.squid import Squid
from lib.wirepeer import Client

NAMES = {"near.test": ["127.0.0.2"], "far.test": ["127.0.0.1"], "direct.test": ["127.0.0.1"],
         "back.test": ["127.0.0.1"]}
NEAR = {"id": "near", "when": {"server_networks": ["127.0.0.2/32"]}, "action": "block"}
RULES = policy(
    {"id": "b", "when": {"hosts": ["b.test"]}, "action": "allow", "upstream": "branch"},
    {"id": "direct", "when": {"hosts": ["direct.test"]}, "action": "allow", "upstream": "direct"},
    {"id": "hq", "when": {"hosts": ["test", "youtube.com"]}, "action": "allow", "upstream": "hq",
     "set_headers": {"X-By": "rule"}, "safe_search": "strict"})
PLAIN = policy({"id": "direct", "when": {"hosts": ["direct.test"]}, "action": "allow", "upstream": "direct"},
               {"id": "b", "when": {"hosts": ["b.test"]}, "action": "allow", "upstream": "branch"},
               {"id": "all", "when": {}, "action": "allow", "upstream": "hq"})
CHECKS = {"interval_ms": 100, "timeout_ms": 300, "down_after": 2, "up_after": 1}


def group(name, *members, **more):
    return {"name": name, "check": {"interval_ms": 0, "retry_ms": 60000, "down_after": 1},
            "members": [{"address": m.address} if not isinstance(m, dict) else m for m in members], **more}


def through(s, *groups, default=None):
    s.api.put("/settings/upstreams", {"groups": list(groups), "default": default})


def members(s, name):
    return [m for m in s.api.get("/upstreams")["items"] if m["group"] == name]


@pytest.fixture(scope="module")
def s():
    with Dns(NAMES) as dns, Stack(proxy={"resolvers": dns.address}) as stack:
        stack.dns = dns
        yield stack


@pytest.fixture(autouse=True)
def plain(s):
    if getattr(s, "published", None) is not PLAIN:
        publish(s, PLAIN)


def publish(s, document):
    s.publish(document)
    s.published = document


def connect(s, host, port, extra=b""):
    c = Client(s.proxy_port)
    c.send(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode() + extra)
    return c


def through_tunnel(s, host, o, want=200):
    with connect(s, host, o.port) as c:
        r = c.response("CONNECT")
        if want != 200 or r.status != 200:
            return r
        c.data = b""
        c.send(b"GET /echo HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n")
        inner = c.response()
        assert inner.status == 200
        return r


def test_rules_say_where(s):
    publish(s, RULES)
    with Parent("one") as one, Parent("two") as two, Origin() as o:
        through(s, group("hq", one), group("branch", two), default="hq")
        r = s.get("http://a.test/x?y=1", user=("alice", "secret"))
        assert r.text == "one http://a.test/x?y=1"
        head = one.heads[-1]
        assert head.startswith(b"GET http://a.test/x?y=1 HTTP/1.1\r\nHost: a.test\r\n")
        assert b"\r\nVia: 1.1 " in head and b"\r\nX-By: rule\r\n" in head
        assert b"proxy-authorization" not in head.lower(), "what the client told us is ours"
        assert s.get("http://b.test:81/").text == "two http://b.test:81/"
        assert s.get(o.url("/echo").replace("127.0.0.1", "direct.test")).status_code == 200
        assert s.get("http://other.example/").text == "one http://other.example/", "no rule: the default"
        rows = {r["host"]: r["upstream"] for r in s.log("", want=4)}
        assert rows["a.test"] == rows["other.example"] == f"hq/{one.address}"
        assert rows["b.test"] == f"branch/{two.address}" and rows["direct.test"] == f"127.0.0.1:{o.port}"
        assert not s.dns.queries("a.test"), "a parent looks names up itself"
        through(s, group("hq", one), group("branch", two))
        assert s.get("http://no-such-name.example/").status_code in (502, 504), "no default: direct"


def test_a_verdict_on_addresses_holds_for_parents_too(s):
    publish(s, policy(NEAR))
    with Parent("one") as one:
        through(s, group("hq", one), group("branch", one), default="hq")
        assert s.get("http://near.test/").status_code == 403
        assert s.get("http://far.test/").text == "one http://far.test/"
        with connect(s, "near.test", 443) as c:
            assert c.response("CONNECT").status == 403
        behind = policy({"id": "type", "when": {"content_types": ["image/*"]}, "action": "block"},
                        {"id": "b", "when": {"hosts": ["b.test"]}, "action": "allow", "upstream": "branch"})
        publish(s, behind)
        with Parent("two") as two:
            through(s, group("hq", one), group("branch", two), default="hq")
            assert s.get("http://b.test/").text.startswith("two") and s.get("http://a.test/").text.startswith("one")
            two.answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 0\r\n\r\n"
            assert s.get("http://b.test/").status_code == 403
        late = policy({"id": "type", "when": {"content_types": ["image/*"]}, "action": "block"},
                      {"id": "near", "when": {"server_networks": ["127.0.0.1/32"], "hosts": ["near.test"]}, "action": "block"},
                      {"id": "far", "when": {"server_networks": ["127.0.0.1/32"], "hosts": ["far.test"]}, "action": "block"})
        publish(s, late)
        assert s.get("http://near.test/").status_code == 200, "127.0.0.1 is the parent's address, not the server's"
        assert s.get("http://far.test/").status_code == 403


def test_tunnels(s):
    publish(s, RULES)
    with Parent("one") as one, Origin() as o:
        through(s, group("hq", one), group("branch", one))
        r = through_tunnel(s, "a.test", o)
        assert r.get("X-Parent") is None and r.head.startswith(b"HTTP/1.1 200 ")
        head = one.heads[-1]
        assert head.startswith(f"CONNECT a.test:{o.port} HTTP/1.1\r\nHost: a.test:{o.port}\r\n".encode())
        assert b"X-By" not in head, "what a rule sets is for requests, not for tunnels"
        row = s.log(f"host=a.test&method=CONNECT")[0]
        assert row["upstream"] == f"hq/{one.address}" and row["status"] == 200 and row["tls"] == "tunnel"
        assert o.requests[-1].head.startswith(b"GET /echo ")
        with connect(s, "www.youtube.com", o.port) as c:
            assert c.response("CONNECT").status == 200
        head = one.heads[-1]
        assert head.startswith(f"CONNECT restrict.youtube.com:{o.port} ".encode()), "the name that enforces safe search"
        assert b"www.youtube.com" not in head and b"YouTube-Restrict" not in head


def test_bytes_sent_early_reach_the_server(s):
    with Parent("one") as one, Origin() as o:
        through(s, group("hq", one), group("branch", one))
        with connect(s, "a.test", o.port, b"GET /echo HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n") as c:
            assert wait_until(lambda: c.data.count(b"HTTP/1.1 200 ") == 2 or c.read(0.2) and None, 5, "both answers")


def test_upgrade_goes_through_a_tunnel(s):
    with Parent("one") as one, Origin() as o:
        through(s, group("hq", one), group("branch", one))
        with Client(s.proxy_port) as c:
            c.send(f"GET http://a.test:{o.port}/upgrade HTTP/1.1\r\nHost: a.test:{o.port}\r\nConnection: upgrade\r\n"
                   "Upgrade: websocket\r\n\r\n".encode())
            assert c.response().status == 101
        assert one.heads[-1].startswith(f"CONNECT a.test:{o.port} ".encode())
        assert o.requests[-1].head.startswith(b"GET /upgrade HTTP/1.1\r\n")
        assert s.log("host=a.test&status=101")[0]["upstream"] == f"hq/{one.address}"


def test_credentials(s):
    with Parent("one", login=("proxyd", "s3cret:x")) as one, Origin() as o:
        member = {"address": one.address, "username": "proxyd", "password": "s3cret:x"}
        through(s, group("hq", member), group("branch", one))
        assert s.get("http://a.test/").text == "one http://a.test/"
        through_tunnel(s, "a.test", o)
        token = base64.b64encode(b"proxyd:s3cret:x")
        assert all(h.count(b"Proxy-Authorization: Basic " + token + b"\r\n") == 1 for h in one.heads)
        r = s.get("http://b.test/")
        assert r.status_code == 502 and "up-407" not in r.text and "Proxy-Authenticate" not in r.headers
        assert "error=" in r.headers["Proxy-Status"]
        r = through_tunnel(s, "b.test", o, want=502)
        assert r.status == 502 and b"up-407" not in r.body and r.get("Proxy-Authenticate") is None
        assert token not in one.heads[-1]


def test_a_password_is_never_shown_and_stays_with_its_server(s):
    with Parent("one", login=("u", "kept")) as one, Parent("two") as two:
        through(s, group("hq", {"address": one.address, "username": "u", "password": "kept"}), group("branch", two))
        shown = s.api.get("/settings/upstreams")
        assert shown["groups"][0]["members"][0]["password"] is None
        assert "kept" not in s.api.call("GET", "/settings").text
        shown["groups"][0]["members"].insert(0, {"address": two.address, "username": "u", "password": None})
        s.api.put("/settings/upstreams", shown)
        assert s.get("http://a.test/").text.startswith("two")
        assert base64.b64encode(b"u:kept") not in two.heads[-1], "one server's password is not another's"
        two.stop()
        assert s.get("http://a.test/").text.startswith("one"), "and is kept where it was"


def own_address(c):
    return c.s.getsockname()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_client_is_told_in_front(s, version):
    with Parent("one", line=version) as one, Origin() as o:
        through(s, group("hq", {"address": one.address, "proxy_protocol": version}), group("branch", one))
        for method in ("GET", "GET", "CONNECT"):
            with Client(s.proxy_port) as c:
                port = own_address(c)[1]
                target = f"a.test:{o.port}" if method == "CONNECT" else f"http://a.test:{o.port}/"
                c.send(f"{method} {target} HTTP/1.1\r\nHost: a.test:{o.port}\r\n\r\n".encode())
                assert c.response(method).status == 200
            want = (f"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {s.proxy_port}\r\n".encode() if version == "v1" else
                    V2_SIGNATURE + b"\x21\x11\x00\x0c" + b"\x7f\0\0\1" * 2 + struct.pack(">HH", port, s.proxy_port))
            assert one.lines[-1] == want
            assert one.heads[-1].startswith(method.encode() + b" ")
        assert one.n_connections == 3, "a connection speaks for one client"


ANSWERS = [
    ("a refusal", b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nupstream!", 502),
    ("a login", b"HTTP/1.1 407 Login\r\nContent-Length: 9\r\n\r\nupstream!", 502),
    ("an error", b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nupstream!", 502),
    ("a redirect", b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n", 502),
    ("a switch", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 502),
    ("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\nupstream!\r\n\r\n", 502),
    ("half a head", b"HTTP/1.1 200 OK\r\nX-", 503),
    ("an interim and a tunnel", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200),
    ("a tunnel with a length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200),
]


@pytest.mark.parametrize("why,answer,want", ANSWERS, ids=[a[0].replace(" ", "-") for a in ANSWERS])
def test_answers_to_connect(s, why, answer, want):
    with Parent("one") as one, Origin() as o:
        through(s, group("hq", one), group("branch", one))
        one.connect_answer = answer
        with connect(s, "a.test", o.port) as c:
            r = c.response("CONNECT")
        assert r.status == want, why
        if want != 200:
            assert b"upstream!" not in r.body and r.get("Location") is None and "error=" in r.get("Proxy-Status")


def test_an_answer_cut_anywhere_is_no_tunnel(s):
    whole = b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n"
    with Parent("one") as one:
        through(s, group("hq", one), group("branch", one))
        for n in range(len(whole)):
            one.connect_answer = whole[:n]
            through(s, group("hq", one, comment=str(n)), group("branch", one))
            with connect(s, "a.test", 443) as c:
                r = c.response("CONNECT")
            assert r.status in (502, 503), f"cut at {n}"


def test_the_next_one_when_one_is_gone(s):
    with Parent("one") as one, Parent("two") as two, Origin() as o:
        through(s, group("hq", one, two, check=CHECKS), group("branch", one))
        assert s.get("http://a.test/").text.startswith("one")
        one.stop()
        for _ in range(3):
            assert s.get("http://a.test/").text.startswith("two"), "nobody notices"
        through_tunnel(s, "a.test", o)
        wait_until(lambda: members(s, "hq")[0]["state"] == "down", 5, "the check notices")
        wait_until(lambda: f"is down member=hq/{one.address}" in s.proxyd.output(), 5, "the operator is told")
        one.start()
        wait_until(lambda: members(s, "hq")[0]["state"] == "up", 5, "it comes back")
        assert s.get("http://a.test/").text.startswith("one")
        wait_until(lambda: f"is up again member=hq/{one.address}" in s.proxyd.output(), 5, "and of that")


def test_a_check_can_ask(s):
    """One that accepts connections and serves nobody is up for whoever only connects."""
    with Parent("one", login=("u", "p")) as one, Parent("two", line="v2") as two:
        asked = {**CHECKS, "kind": "http"}
        fetched = {**asked, "url": "http://probe.test/ok"}
        who = {"address": one.address, "username": "u", "password": "p"}
        through(s, group("hq", who, check=CHECKS), group("branch", who, check=asked),
                group("far", who, check=fetched), group("line", {"address": two.address, "proxy_protocol": "v2"}, check=asked))
        wait_until(lambda: members(s, "far")[0]["checks"] > 3, 5, "checks")
        assert all(members(s, g)[0]["state"] == "up" and not members(s, g)[0]["missed"] for g in ("hq", "branch", "far", "line"))
        heads = {h.split(b"\r\n")[0] for h in one.heads}
        assert heads == {b"OPTIONS * HTTP/1.1", b"GET http://probe.test/ok HTTP/1.1"}
        assert all(b"Proxy-Authorization: Basic " in h for h in one.heads)
        assert set(two.lines) == {V2_SIGNATURE + b"\x20\0\0\0"}, "a connection of our own"
        one.answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        wait_until(lambda: members(s, "far")[0]["state"] == "down", 5, "what is fetched has to be there")
        assert members(s, "branch")[0]["state"] == "up", "who refuses is alive"
        one.mode = "hang"
        wait_until(lambda: members(s, "branch")[0]["state"] == "down", 5, "and who is silent is not")
        assert members(s, "hq")[0]["state"] == "up"
        one.mode, one.answer = "serve", None
        wait_until(lambda: members(s, "far")[0]["state"] == members(s, "branch")[0]["state"] == "up", 5, "all is well")


@pytest.mark.parametrize("mode", ["close", "hang"])
def test_one_that_takes_requests_and_says_nothing(s, mode):
    with Parent("one") as one, Parent("two") as two, Origin() as o:
        through(s, group("hq", one, two, connect_timeout_ms=300), group("branch", one))
        one.mode = mode
        begun = time.monotonic()
        with connect(s, "a.test", o.port) as c:
            assert c.response("CONNECT").status == 200, "nothing of the tunnel was sent yet"
        assert time.monotonic() - begun < 4
        assert len(one.heads) == 1 and two.heads
        if mode == "close":
            through(s, group("hq", one, two, comment="anew"), group("branch", one))
            assert s.get("http://a.test/").text.startswith("two")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_one_that_cannot_reach_the_server(s, status):
    """Another one may; and one that reaches nothing of one server is not down."""
    with Parent("one") as one, Parent("two") as two, Origin() as o:
        through(s, group("hq", one, two), group("branch", one))
        one.connect_answer = b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status
        for _ in range(4):
            assert through_tunnel(s, "a.test", o).status == 200
        assert len(one.heads) == len(two.heads) == 4 and members(s, "hq")[0]["state"] == "up"
        two.connect_answer = one.connect_answer
        with connect(s, "a.test", o.port) as c:
            r = c.response("CONNECT")
        assert r.status == 502 and "parent-refused" in r.get("Proxy-Status"), r.get("Proxy-Status")


def test_a_no_of_a_parent_is_its_last_word(s):
    with Parent("one") as one, Parent("two") as two, Origin() as o:
        through(s, group("hq", one, two), group("branch", one))
        one.connect_answer = b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"
        with connect(s, "a.test", o.port) as c:
            assert c.response("CONNECT").status == 502
        assert not two.heads


def test_silence_is_no_answer(s):
    with Parent("one") as one, Parent("two") as two:
        through(s, group("hq", one, two, answer_timeout_ms=400), group("branch", one, answer_timeout_ms=400))
        one.mode = "hang"
        with pytest.raises(requests.Timeout):
            s.get("http://a.test/", method="POST", data=b"x", timeout=1.5)
        assert len(one.heads) == 1 and not two.heads, "what may not be repeated waits"
        begun = time.monotonic()
        assert s.get("http://a.test/").text.startswith("two") and 0.3 < time.monotonic() - begun < 4
        assert len(one.heads) == 2
        begun = time.monotonic()
        one.mode = two.mode = "hang"
        through(s, group("hq", one, two, answer_timeout_ms=300, comment="anew"), group("branch", one))
        assert s.get("http://a.test/").status_code == 503, "nobody is left"
        assert time.monotonic() - begun < 6


def test_when_all_are_silent_the_server_answers(s):
    with Origin() as o, Parent("one") as one:
        one.mode = "hang"
        through(s, group("hq", one), group("branch", one, when_all_down="direct", answer_timeout_ms=300), default="branch")
        publish(s, policy())
        assert s.get(o.url("/echo").replace("127.0.0.1", "back.test")).status_code == 200
        assert len(one.heads) == 1 and len(o.requests) == 1, "each was asked once"


def test_a_request_with_effect_is_not_sent_twice(s):
    with Parent("one") as one, Parent("two") as two:
        through(s, group("other", one, two), group("hq", one, two), group("branch", one))
        one.mode = "close"
        assert s.get("http://a.test/", method="POST").status_code == 502
        assert not two.heads


def test_all_gone(s):
    with Origin() as o, Parent("one") as one:
        port = free_port()
        gone = {"address": f"127.0.0.1:{port}"}
        through(s, group("hq", gone), group("branch", gone, when_all_down="direct"), default="branch")
        r = s.get("http://a.test/")
        assert r.status_code == 503 and "Retry-After" in r.headers and "error=" in r.headers["Proxy-Status"]
        with connect(s, "a.test", 443) as c:
            assert c.response("CONNECT").status == 503
        assert "upstream-down" in [w["code"] for w in s.api.get("/status")["warnings"]]
        publish(s, policy())
        for _ in range(2):
            assert s.get(o.url("/echo").replace("127.0.0.1", "back.test")).status_code == 200, "direct instead"
        assert s.log("host=back.test")[0]["upstream"] == f"127.0.0.1:{o.port}"
        assert through_tunnel(s, "back.test", o).status == 200
    

def test_direct_instead_dials_only_what_was_judged(s):
    """The verdict holds for one of two addresses; falling back may not lead to the other."""
    with Origin() as o, Dns({"both.test": ["127.0.0.1", "127.0.0.2"]}) as dns, Stack(proxy={"resolvers": dns.address}) as t:
        t.publish(policy({"id": "near", "when": {"server_networks": ["127.0.0.2/32"]}, "action": "block"}))
        gone = {"address": f"127.0.0.1:{free_port()}"}
        through(t, group("hq", gone, when_all_down="direct"), default="hq")
        for _ in range(6):
            assert t.get(o.url("/").replace("127.0.0.1", "both.test")).status_code in (200, 403)
        rows = t.log("host=both.test", want=6)
        assert all(r["upstream"].startswith("127.0.0.1:") for r in rows if r["status"] == 200), rows


def test_in_turn_by_weight(s):
    with Parent("one") as one, Parent("two") as two:
        through(s, group("hq", {"address": one.address, "weight": 3}, two, balance="round-robin"), group("branch", one))
        said = [s.get("http://a.test/").text.split()[0] for _ in range(40)]
        assert said.count("one") == 30 and said.count("two") == 10
        assert [m["requests"] for m in members(s, "hq")] == [30, 10]


def test_killed_under_load(s):
    """Two parents in turn; one is killed with -9 in the middle: who asked has an answer."""
    answers, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            answers.append(s.get("http://a.test/").status_code)

    with ParentProcess("one", free_port()) as one, ParentProcess("two", free_port()) as two:
        through(s, group("hq", one, two, balance="round-robin", check=CHECKS), group("branch", one))
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            wait_until(lambda: len(answers) > 100, 10, "load")
            one.kill()
            seen = len(answers)
            wait_until(lambda: len(answers) > seen + 100, 10, "load goes on")
            wait_until(lambda: members(s, "hq")[0]["state"] == "down", 5, "noticed")
            one.start()
            wait_until(lambda: members(s, "hq")[0]["state"] == "up", 5, "back")
            before = members(s, "hq")[0]["requests"]
            wait_until(lambda: members(s, "hq")[0]["requests"] > before + 5, 5, "takes its part again")
        finally:
            stop.set()
            for t in threads:
                t.join(20)
    failed = [a for a in answers if a != 200]
    assert len(failed) <= 4, f"{len(failed)} of {len(answers)}: at most what was in flight"


def test_kept_connections_are_not_mixed(s):
    with Parent("one") as one:
        through(s, group("hq", {"address": one.address, "username": "h", "password": "1"}),
                group("branch", {"address": one.address, "username": "b", "password": "2"}))
        for _ in range(3):
            s.get("http://a.test/")
            s.get("http://b.test/")
            s.get("http://c.test/")
        assert one.n_connections == 2, "one kept connection a group, whatever the target"
        for h in one.heads:
            want = b"b:2" if b"b.test" in h else b"h:1"
            assert base64.b64encode(want) in h


def test_targets_that_are_not_public(s):
    with Parent("one") as one, Stack(proxy={"allow-private": "192.0.2.0/24"}) as t:
        t.publish(policy())
        through(t, group("hq", one), default="hq")
        assert t.get("http://a.test/").status_code == 200, "the administrator may name a parent anywhere"
        for host in ("169.254.169.254", "127.0.0.1", "[::1]", "10.0.0.1", "localhost", "x.localhost", "2852039166"):
            assert t.get(f"http://{host}/").status_code in (400, 403), host
            with connect(t, host, 443) as c:
                assert c.response("CONNECT").status in (400, 403), host
        assert len(one.heads) == 1
        through(t, group("hq", {"address": f"127.0.0.1:{t.proxy_port}"}), default="hq")
        assert t.get("http://a.test/").status_code in (403, 502, 503), "never itself"


def test_squid(s):
    rules = "acl who proxy_auth REQUIRED\nhttp_access allow who\nhttp_access deny all"
    with Squid(rules, names={"o.test": "127.0.0.1"}, users={"proxyd": "secret"}) as q, Origin() as o:
        address = f"127.0.0.1:{q.port}"
        through(s, group("hq", {"address": address, "username": "proxyd", "password": "secret"}),
                group("branch", {"address": address, "username": "proxyd", "password": "wrong"}))
        for _ in range(3):
            assert s.get(o.url("/echo").replace("127.0.0.1", "o.test")).status_code == 200
        assert b"squid" in o.requests[-1].head.lower(), "its Via"
        assert through_tunnel(s, "o.test", o).status == 200
        assert s.get("http://b.test/").status_code == 502
        assert s.log("host=o.test")[0]["upstream"] == f"hq/{address}"


def test_another_proxyd_and_loops(s):
    with Dns(NAMES) as dns, Stack(proxy={"resolvers": dns.address}) as t, Origin() as o:
        t.publish(policy())
        there = {"address": f"127.0.0.1:{t.proxy_port}"}
        through(s, group("hq", there), group("branch", there))
        url = o.url("/echo").replace("127.0.0.1", "far.test")
        assert s.get(url).status_code == 200
        assert o.requests[-1].head.count(b"Via: ") == 2 or o.requests[-1].head.count(b"1.1 ") >= 2
        assert through_tunnel(s, "far.test", o).status == 200
        assert t.log("host=far.test", want=2)
        through(t, group("back", {"address": f"127.0.0.1:{s.proxy_port}"}), default="back")
        assert s.get(url).status_code == 508, "round in a circle"
        with connect(s, "far.test", o.port) as c:
            assert c.response("CONNECT").status == 502
        assert s.log("host=far.test&status=508")


def test_told(s):
    with Parent("one") as one:
        through(s, group("hq", one), group("branch", one))
        told = s.api.post("/simulate", {"url": "http://b.test/"})
        assert told["effects"]["upstream"] == "branch", told
        s.get("http://b.test/")
        listed = s.ctl("upstream", "list").stdout
        assert one.address in listed and "up" in listed and "hq" in listed
        metrics = s.api.http.get(s.api.base.split("/api")[0] + "/metrics", timeout=10).text
        assert f'proxyd_upstream_up{{group="hq",member="{one.address}"}} 1' in metrics
        assert f'proxyd_upstream_requests{{group="branch",member="{one.address}"}} 1' in metrics
        assert "proxyd_upstreams_members_down 0" in metrics
        through(s, group("hq", one))
        s.api.put("/policy/draft", PLAIN)
        warned = s.api.post("/policy/draft:validate")["warnings"]
        assert any(w["code"] == "unknown-upstream" and w["pointer"] == "/rules/1/upstream" for w in warned), warned
        r = s.get("http://b.test/")
        assert r.status_code == 500 and "proxy_configuration_error" in r.headers["Proxy-Status"], "never another way out"


def test_faults_have_places(s):
    bad = {"groups": [{"name": "hq", "members": [{"address": "x"}], "balance": "random"}], "default": "no"}
    head = s.api.call("GET", "/settings/upstreams")
    r = s.api.call("PUT", "/settings/upstreams", bad, headers={"If-Match": head.headers["ETag"]}, ok=False)
    assert r.status_code == 422
    places = {e["pointer"] for e in r.json()["errors"]}
    assert {"/groups/0/members/0/address", "/groups/0/balance", "/default"} <= places
