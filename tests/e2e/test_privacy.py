"""What an origin sees of a client and of the proxy, byte by byte, for each privacy mode of a listener: kept connections,
pipelining, HTTP/1.0, upgrades, loops that no Via tells of, the settings that change a mode, and the faults of the file."""
import re
import socket
import subprocess
import threading

import pytest

from lib.daemons import SLOW, Stack, free_port, policy
from lib.origin import Origin, reply
from lib.parent import Parent
from lib.wirepeer import Client

MODES = ("via", "named", "anonymous", "high")
TELLING = ("Forwarded: for=198.51.100.77", "X-FORWARDED-FOR: 198.51.100.77", "x-real-ip: 198.51.100.77",
           "Client-IP: 198.51.100.77", "True-Client-IP: 198.51.100.77", "From: tester@inside.test",
           "Via: 1.1 pc17.inside.test", "X-Proxy-ID: 17", "Proxy-Foo: bar", "CDN-Loop: inner", "X-UIDH: abc",
           "Proxy-Connection: keep-alive")


@pytest.fixture(scope="module")
def ports():
    return {m: free_port() for m in (*MODES, "trusting", "plain", "balanced")}


@pytest.fixture(scope="module")
def s(ports):
    lines = [f"listen = 127.0.0.1:{ports['via']} privacy=via",
             f"listen = 127.0.0.1:{ports['named']} privacy=named",
             f"listen = 127.0.0.1:{ports['anonymous']} privacy=anonymous referer=same-host",
             f"listen = 127.0.0.1:{ports['high']} privacy=high-anonymity referer=none",
             f"listen = 127.0.0.1:{ports['trusting']} privacy=named trust-forwarded=10.0.0.0/8,127.0.0.0/8",
             f"listen = 127.0.0.1:{ports['plain']}",
             f"listen = 127.0.0.1:{ports['balanced']} privacy=named proxy-protocol=on"]
    with Stack(proxy_lines=lines) as stack:
        stack.publish(policy())
        yield stack


def request(o, *fields, path="/bytes/3", method="GET", version="1.1", body=b""):
    lines = [f"{method} {o.url(path)} HTTP/{version}", f"Host: 127.0.0.1:{o.port}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def ask(port, data, method="GET", before=b""):
    with Client(port, 10 * SLOW) as c:
        c.send(before + data)
        return c.response(method)


def seen(o, n=1):
    """The bytes of the last head the origin got, our pseudonym as NAME."""
    o.wait(n)
    head = o.requests[-1].head
    head = head if isinstance(head, bytes) else head.encode()
    return re.sub(rb"proxyd-[0-9a-f]{6}", b"NAME", head).decode().rstrip("\r\n").split("\r\n")[1:]


def host(o):
    return f"Host: 127.0.0.1:{o.port}"


def want(o, mode):
    mine = ("User-Agent: u", "Accept: a")
    told = ("Forwarded: for=127.0.0.1;proto=http", "X-Forwarded-For: 127.0.0.1")
    kept = TELLING[:-1]
    return {"via": [host(o), mine[0], *kept, mine[1], "Via: 1.1 NAME"],
            "plain": [host(o), mine[0], *kept, mine[1], "Via: 1.1 NAME"],
            "named": [host(o), mine[0], *(f for f in kept[5:-1]), mine[1], "Via: 1.1 NAME", *told],
            "trusting": [host(o), mine[0], *kept, mine[1], "Via: 1.1 NAME", *told],
            "anonymous": [host(o), mine[0], mine[1], "Via: 1.1 NAME"],
            "high": [host(o), mine[0], "Connection: keep-alive", mine[1]]}[mode]


@pytest.mark.parametrize("mode", (*MODES, "trusting", "plain"))
def test_what_the_origin_sees(s, o, ports, mode):
    got = ask(ports[mode], request(o, "User-Agent: u", *TELLING, "Accept: a"))
    assert got.status == 200
    assert seen(o) == want(o, mode)


def test_a_client_named_by_the_proxy_protocol(s, o, ports):
    ask(ports["balanced"], request(o), before=b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 3128\r\n")
    assert seen(o)[-2:] == ['Forwarded: for="[2001:db8::7]";proto=http', "X-Forwarded-For: 2001:db8::7"]


def test_the_answer_tells_no_more(s, o, ports):
    o.on("/bare", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nok")
    for mode in MODES:
        head = ask(ports[mode], request(o, path="/bare")).head
        text = head if isinstance(head, str) else head.decode()
        assert ("Via:" in text) == (mode != "high"), text
        assert ("Date:" in text) == (mode != "high"), text
        assert "proxyd" not in text or mode != "high"


@pytest.mark.parametrize("mode", MODES)
def test_http_1_0(s, o, ports, mode):
    assert ask(ports[mode], request(o, *TELLING, version="1.0")).status == 200
    told = {"via": "Via: 1.0 NAME", "named": "X-Forwarded-For: 127.0.0.1", "anonymous": "Via: 1.0 NAME", "high": "Connection: keep-alive"}
    assert seen(o)[-1] == told[mode]
    assert ("198.51.100.77" in "".join(seen(o))) == (mode == "via")


@pytest.mark.parametrize("mode", MODES)
def test_upgrade(s, o, ports, mode):
    o.on("/ws", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    data = request(o, "Connection: keep-alive, Upgrade", "Upgrade: websocket", "X-Real-IP: 198.51.100.77", path="/ws")
    with Client(ports[mode], 10 * SLOW) as c:
        c.send(data)
        head = c.response("GET")
    assert head.status == 101
    text = "\n".join(seen(o))
    assert "Upgrade: websocket" in text and ("198.51.100.77" in text) == (mode == "via")
    assert ("Connection: keep-alive, Upgrade" in text) == (mode == "high")
    assert ("Via: 1.1 NAME" in text) == (mode != "high")


def test_modes_do_not_mix_on_kept_connections(s, o, ports):
    """Requests of two listeners, pipelined, in turn: each head has its own mode; and a connection on which a server has
    seen Via carries nothing of a client that must not be known to come by a proxy."""
    n = 0
    for turn in range(3):
        for mode in ("named", "high", "anonymous", "via"):
            with Client(ports[mode], 10 * SLOW) as c:
                c.send(request(o, "X-Forwarded-For: 198.51.100.77") * 2)
                assert [c.response("GET").status, c.response("GET").status] == [200, 200]
            n += 2
            text = "".join(seen(o, n))
            assert ("Via" in text) == (mode != "high") and ("198.51.100.77" in text) == (mode == "via")
    of = {}
    for r in o.requests:
        of.setdefault(r.connection, set()).add(bool(r.get("Via")))
    assert all(len(kinds) == 1 for kinds in of.values())
    assert sum(True not in kinds for kinds in of.values()) <= 1 and len(of) < n  # and connections are kept all the same


def test_referer(s, o, ports):
    for mode, field, stays in (("anonymous", "http://other.test/a", False), ("anonymous", o.url("/a"), True),
                               ("anonymous", "http://127.0.0.1.other.test/", False), ("high", o.url("/a"), False),
                               ("via", "http://other.test/a", True)):
        o.clear()
        ask(ports[mode], request(o, f"Referer: {field}"))
        assert (f"Referer: {field}" in seen(o)) == stays, (mode, field)


def test_the_settings_say_what_the_file_leaves_open(s, o, ports):
    before = s.api.get("/settings/proxy")

    def say(*listeners, ok=True):
        return s.api.call("PUT", "/settings/proxy", {**before, "listeners": list(listeners)}, headers={"If-Match": "*"}, ok=ok)
    name = f"127.0.0.1:{ports['plain']}"
    say({"listener": name, "privacy": "high-anonymity"}, {"listener": f"127.0.0.1:{ports['named']}", "privacy": "high-anonymity"},
        {"listener": "192.0.2.1:3128", "privacy": "named"})
    ask(ports["plain"], request(o, *TELLING))
    assert seen(o) == [host(o), "Connection: keep-alive"]
    ask(ports["named"], request(o))
    assert seen(o, 2)[-1] == "X-Forwarded-For: 127.0.0.1"  # the file has said so
    say({"listener": name, "privacy": "named", "trust_forwarded": ["127.0.0.0/8"]})
    ask(ports["plain"], request(o, "X-Forwarded-For: 198.51.100.77"))
    assert "X-Forwarded-For: 198.51.100.77" in seen(o, 3) and seen(o)[-1] == "X-Forwarded-For: 127.0.0.1"
    bad = say({"listener": "nowhere", "privacy": "secret", "x": 1, "trust_forwarded": ["10.0.0.1/8"]}, {"listener": name},
              {"listener": name}, ok=False)
    assert bad.status_code == 422
    assert {e["pointer"] for e in bad.json()["errors"]} == {"/listeners/0/listener", "/listeners/0/privacy", "/listeners/0/x",
                                                             "/listeners/0/trust_forwarded/0", "/listeners/2/listener"}
    say()


# --- loops --------------------------------------------------------------------------------------------------------------
class Back:
    """An origin that sends what it gets to a proxy again, for another of its kind: what a middlebox does that catches
    plain HTTP. Two of them and two proxies make a circle of four."""

    def __init__(self, port, target=None):
        self.to, self.target, self.n = port, target, 0
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.sock.getsockname()[1]
        self.target = target or self
        self.lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        try:
            self._pass_on(c)
        except OSError:
            pass
        finally:
            c.close()

    def _pass_on(self, c):
        head = b""
        while b"\r\n\r\n" not in head:
            part = c.recv(65536)
            if not part:
                return
            head += part
        with self.lock:
            self.n += 1
        line, _, rest = head.partition(b"\r\n")
        method, path, version = line.split(b" ")
        name = f"127.0.0.1:{self.target.port}".encode()
        rest = re.sub(rb"(?im)^host: [^\r]*", b"Host: " + name, rest)
        with socket.create_connection(("127.0.0.1", self.to), timeout=30 * SLOW) as up:
            up.sendall(method + b" http://" + name + path + b" " + version + b"\r\n" + rest)
            while True:
                part = up.recv(65536)
                if not part:
                    return
                c.sendall(part)

    def stop(self):
        self.sock.close()


@pytest.fixture(scope="module")
def second():
    """Another proxyd, with a listener of every mode."""
    ports = {m: free_port() for m in MODES}
    words = {"high": "high-anonymity"}
    with Stack(proxy_lines=[f"listen = 127.0.0.1:{p} privacy={words.get(m, m)}" for m, p in ports.items()]) as stack:
        stack.publish(policy())
        yield ports


@pytest.mark.parametrize("mode", MODES)
def test_a_loop_ends_in_every_mode(s, ports, second, mode):
    to_second = Back(second[mode])
    to_first = Back(ports[mode], to_second)
    to_second.target = to_first
    try:
        data = f"GET http://127.0.0.1:{to_second.port}/ HTTP/1.1\r\nHost: 127.0.0.1:{to_second.port}\r\nConnection: close\r\n\r\n"
        # of an anonymous answer the Via fields pile up on the way back, until they are too many
        assert ask(ports[mode], data.encode()).status in ((508, 502) if mode == "anonymous" else (508,))
        passes = to_second.n + to_first.n
        assert passes <= 2 if mode in ("via", "named") else passes <= 210
    finally:
        to_first.stop()
        to_second.stop()


@pytest.mark.parametrize("mode", MODES)
def test_nobody_reaches_ourselves(s, ports, mode):
    data = f"GET http://127.0.0.1:{ports['high']}/ HTTP/1.1\r\nHost: 127.0.0.1:{ports['high']}\r\n\r\n".encode()
    assert ask(ports[mode], data).status in (400, 403)


def test_many_equal_requests_are_no_loop(s, o, ports):
    """Well below the bound, all at once, and again: what ended is not counted any more."""
    o.on("/slow", reply(body=b"x"))
    for _ in range(3):
        done = []
        threads = [threading.Thread(target=lambda: done.append(ask(ports["high"], request(o, path="/slow")).status)) for _ in range(60)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert done == [200] * 60


# --- parent proxies -----------------------------------------------------------------------------------------------------
def through(s, address, **member):
    groups = [{"name": "up", "check": {"interval_ms": 0, "retry_ms": 1000}, "members": [{"address": address, **member}]}] if address else []
    s.api.put("/settings/upstreams", {"groups": groups, "default": "up" if address else ""})


def by_name(head):
    return re.sub(rb"proxyd-[0-9a-f]{6}", b"NAME", head).decode().rstrip("\r\n").split("\r\n")


@pytest.mark.parametrize("mode", MODES)
def test_a_parent_is_told_no_more(s, ports, mode):
    told = ["Forwarded: for=127.0.0.1;proto=http", "X-Forwarded-For: 127.0.0.1"]
    with Parent("one") as one:
        through(s, one.address)
        try:
            data = b"GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\nX-Real-IP: 198.51.100.77\r\nVia: 1.1 in\r\n\r\n"
            assert ask(ports[mode], data).status == 200
            want = ["GET http://a.example/x HTTP/1.1", "Host: a.example"]
            want += {"via": ["X-Real-IP: 198.51.100.77", "Via: 1.1 in", "Via: 1.1 NAME"], "named": ["Via: 1.1 in", "Via: 1.1 NAME", *told],
                     "anonymous": ["Via: 1.1 NAME"], "high": []}[mode]
            assert by_name(one.heads[-1]) == want
            ask(ports[mode], b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nVia: 1.1 in\r\nClient-IP: 198.51.100.77\r\n\r\n", "CONNECT")
            want = ["CONNECT a.example:443 HTTP/1.1", "Host: a.example:443"]
            want += {"via": ["Via: 1.1 in", "Via: 1.1 NAME"], "named": ["Via: 1.1 in", "Via: 1.1 NAME", "Forwarded: for=127.0.0.1", told[1]],
                     "anonymous": ["Via: 1.1 NAME"], "high": []}[mode]
            assert by_name(one.heads[-1]) == want
        finally:
            through(s, None)


@pytest.mark.parametrize("mode", ("named", "high"))
def test_parents_in_a_circle(mode):
    """Two proxyds that have each other as parent: plain requests and tunnels."""
    word, near, far = {"high": "high-anonymity"}.get(mode, mode), free_port(), free_port()
    with Stack(proxy_lines=[f"listen = 127.0.0.1:{near} privacy={word}"]) as a, Stack(proxy_lines=[f"listen = 127.0.0.1:{far} privacy={word}"]) as b:
        for stack, port in ((a, far), (b, near)):
            stack.publish(policy())
            through(stack, f"127.0.0.1:{port}")
        assert ask(near, b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").status == 508
        got = ask(near, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "CONNECT")
        assert got.status in (502, 503, 508), got
        assert len(a.log("host=a.example&limit=1000", want=2)) <= 2 * 101


# --- the file -----------------------------------------------------------------------------------------------------------
def test_faults_of_the_file(tmp_path):
    from lib.daemons import BUILD
    file = tmp_path / "c.conf"
    file.write_text("[proxy]\nlisten = 127.0.0.1:3128 privacy=hidden\nlisten = 127.0.0.1:3129 referer=some\n"
                    "listen = 127.0.0.1:3130 privacy=named trust-forwarded=10.0.0.0/8,pc17\nlisten = 127.0.0.1:3131 privacy\n")
    got = subprocess.run([f"{BUILD}/proxyd", "--config", str(file), "--check"], capture_output=True, text=True, timeout=20)
    assert got.returncode == 1
    for line in (2, 3, 4, 5):
        assert re.search(rf"(line=|:|line ){line}\b", got.stderr), got.stderr
    assert "high-anonymity" in got.stderr and "same-host" in got.stderr and "pc17" in got.stderr


# --- the self-test ------------------------------------------------------------------------------------------------------
LISTED = {"via": "via", "named": "named", "anonymous": "anonymous", "high": "high-anonymity", "trusting": "named",
          "plain": "via", "balanced": "named"}


@pytest.mark.parametrize("mode", LISTED)
def test_the_test_shows_what_leaks(s, ports, mode):
    r = s.api.post("/listeners:privacy-test", {"listener": f"127.0.0.1:{ports[mode]}"})
    assert r["privacy"] == LISTED[mode] and r["kept"] and r["in_order"], r
    assert r["said_by"] == ("default" if mode == "plain" else "file")
    came = {i["field"].lower(): i for i in r["items"] if i["seen"] is not None}
    ours = {i["field"]: i for i in r["items"] if i["sent"] is None}
    assert ("198.51.100.77" in str([i["seen"] for i in r["items"]])) == (mode in ("via", "plain", "trusting"))
    assert "proxy-authorization" not in came and "x-secret-hop" not in came
    if mode == "high":
        assert not ours and set(came) == {"host", "user-agent", "accept", "cookie"}
        assert r["answer"] == []
    else:
        assert ours["Via"]["tells"] == "this-proxy" and {a["field"] for a in r["answer"]} == {"Via", "Date"}
    if LISTED[mode] == "named":
        client = "203.0.113.77" if mode == "balanced" else "127.0.0.1"
        assert ours["X-Forwarded-For"]["seen"] == client and ours["X-Forwarded-For"]["tells"] == "client"
    assert r["source"].startswith("127.0.0.1:")


@pytest.mark.parametrize("mode", LISTED)
def test_the_test_shows_a_body_and_what_a_parent_is_told(s, ports, mode):
    r = s.api.post("/listeners:privacy-test", {"listener": f"127.0.0.1:{ports[mode]}"})
    post, connect = r["also"]
    assert (r["request"], post["request"], connect["request"]) == ("get", "post", "connect")
    assert post["kept"] and connect["kept"], r

    def came(x):
        return {i["field"].lower() for i in x["items"] if i["seen"] is not None}
    assert came(post) == came(r) | {"content-type", "content-length"}
    names = LISTED[mode] in ("via", "named")
    assert connect["line_names_client"] == names
    assert connect["proxy_line"].startswith("PROXY TCP4 ")
    assert ("203.0.113.77" in connect["proxy_line"]) == (mode == "balanced")
    told = {"host"} | ({"via"} if LISTED[mode] != "high-anonymity" else set())
    if LISTED[mode] == "named":
        told |= {"forwarded", "x-forwarded-for"}
    assert came(connect) == told
    out = s.ctl("privacy", "test", "--listener", f"127.0.0.1:{ports[mode]}").stdout
    assert connect["proxy_line"].split()[1] in out and "Content-Length" in out


def test_the_test_leaves_a_record_and_an_audit_row(s, ports):
    before = len(s.log("host=privacy-test.invalid", want=0))
    name = f"127.0.0.1:{ports['high']}"
    s.api.post("/listeners:privacy-test", {"listener": name})
    got = s.log("host=privacy-test.invalid", want=before + 1)
    assert got[0]["effect"] == "privacy-test" and got[0]["verdict"] == "allowed"
    assert any("privacy-test" in str(row) and name in str(row) for row in s.api.get("/audit?limit=20")["items"])


def test_a_listener_that_is_not_there(s):
    bad = s.api.call("POST", "/listeners:privacy-test", {"listener": "192.0.2.1:1"}, ok=False)
    assert bad.status_code == 422 and bad.json()["errors"][0]["pointer"] == "/listener"


def test_listeners_are_listed(s, ports):
    items = {i["listener"]: i for i in s.api.get("/listeners")["items"]}
    for mode, word in LISTED.items():
        assert items[f"127.0.0.1:{ports[mode]}"]["privacy"] == word
    assert items[f"127.0.0.1:{ports['high']}"]["referer"] == "none"
    assert items[f"127.0.0.1:{ports['high']}"]["referer_said_by"] == "file"


def test_proxyctl(s, ports):
    assert "high-anonymity" in s.ctl("privacy", "show").stdout
    out = s.ctl("privacy", "test", "--listener", f"127.0.0.1:{ports['named']}").stdout
    assert "X-Forwarded-For" in out and "client" in out


def test_no_hole_is_left(ports):
    """Nobody else reaches loopback by the name of the test: not before, not while a test runs, not afterwards. What is
    open just then is looked for by trying all that while, with tokens that are not the one, from four threads."""
    stop, hits, tries = threading.Event(), [], [0]
    port = free_port()
    with Stack(proxy={"allow-private": ""}, proxy_lines=[f"listen = 127.0.0.1:{port} privacy=high-anonymity"]) as own:
        own.publish(policy())
        victim = Origin()
        victim.start()

        def prod(i):
            token = f"{i:x}" * 32
            while not stop.is_set():
                for name in ("privacy-test.invalid", "127.0.0.1"):
                    data = f"GET http://{name}:{victim.port}/{token} HTTP/1.1\r\nHost: {name}:{victim.port}\r\nConnection: close\r\n\r\n"
                    hits.append(ask(port, data.encode()).status)
                    tries[0] += 1
        threads = [threading.Thread(target=prod, args=(i,)) for i in range(1, 5)]
        try:
            [t.start() for t in threads]
            for _ in range(10):
                r = own.api.post("/listeners:privacy-test", {"listener": f"127.0.0.1:{port}"})
                assert r["kept"]  # although loopback is refused to everybody
        finally:
            stop.set()
            [t.join() for t in threads]
            victim.stop()
        assert tries[0] > 20 and not victim.requests and set(hits) <= {403, 502, 504, 503}, set(hits)
        seen_at = int(r["source"].rsplit(":", 1)[1])
        assert ask(port, f"GET http://127.0.0.1:{seen_at}/ HTTP/1.1\r\nHost: 127.0.0.1:{seen_at}\r\n\r\n".encode()).status == 403


def test_the_test_needs_no_login_and_no_policy():
    port = free_port()
    with Stack(proxy_lines=[f"listen = 127.0.0.1:{port} privacy=anonymous"]) as own:
        own.publish(policy({"id": "all", "when": {}, "action": "block"}, identity="always"))
        assert own.api.post("/listeners:privacy-test", {"listener": f"127.0.0.1:{port}"})["kept"]
