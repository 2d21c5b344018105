"""Bounds on what one client, one user and everybody together may take: who is over them gets a fair answer and a record, the
others do not notice. Clients are loopback addresses, told apart by the address they come from."""
import base64
import json
import os
import socket
import threading
import time

import pytest
import requests

from lib.daemons import SLOW, Stack, free_port, policy, wait_until
from lib.origin import Origin, Pause

NAMED = policy({"id": "who", "when": {"hosts": ["127.0.0.3"], "users": ["alice", "bob"]}, "action": "allow"}, {"id": "else", "when": {"hosts": ["127.0.0.3"]}, "action": "block"})


@pytest.fixture(scope="module")
def ports():
    return {"six": free_port(), "balanced": free_port()}


@pytest.fixture(scope="module")
def s(ports):
    lines = [f"listen = [::1]:{ports['six']}", f"listen = 127.0.0.1:{ports['balanced']} proxy-protocol=on"]
    with Stack(proxy={"workers": "2"}, proxy_lines=lines) as stack:
        stack.publish(policy())
        yield stack


class Bounds:
    """Sets the bounds and waits until both workers judge by them; the node's name tells."""
    n = 0

    def __init__(self, s):
        self.s = s

    def __call__(self, limits=None, **traffic):
        Bounds.n += 1
        self.s.api.put("/settings/proxy", {"node": f"n{Bounds.n}", "limits": limits or {}, "traffic": traffic})


@pytest.fixture()
def bounds(s):
    yield Bounds(s)
    Bounds(s)()


class Client:
    """A kept connection from an address of its own."""

    def __init__(self, s, address="127.0.0.1", port=None):
        self.c = socket.create_connection(("127.0.0.1", port or s.proxy_port), timeout=20 * SLOW, source_address=(address, 0))
        self.f = self.c.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.f.close()
        self.c.close()

    def send(self, url, *fields, method="GET", host=None):
        host = host or url.split("/")[2]
        self.c.sendall("\r\n".join([f"{method} {url} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode())

    def answer(self):
        """status, fields, body."""
        status = int(self.f.readline().split()[1])
        fields = {}
        while (line := self.f.readline().strip()):
            name, value = line.decode().split(":", 1)
            fields[name.lower()] = value.strip()
        return status, fields, self.f.read(int(fields.get("content-length", 0)))

    def get(self, url, *fields, **kw):
        self.send(url, *fields, **kw)
        return self.answer()

    def connect(self, o):
        self.send(f"127.0.0.1:{o.port}", method="CONNECT", host=f"127.0.0.1:{o.port}")
        return self.answer()


def counters(s):
    return s.api.get("/status")["proxyd"]["status"]["counters"]


def test_over_its_rate_a_client_gets_429_and_keeps_its_connection(s, o, bounds):
    bounds(per_client={"requests_per_second": 1, "burst": 3})
    before = counters(s)["limited_client_rate"]
    with Client(s, "127.0.0.11") as c, Client(s, "127.0.0.12") as other:
        assert [c.get(o.url("/bytes/2"))[0] for _ in range(3)] == [200] * 3
        status, fields, body = c.get(o.url("/bytes/2"), "Accept: application/json", "Accept-Language: de")
        said = json.loads(body)
        assert status == 429 and fields["retry-after"] == "1" and said["title"] == "Zu viele Anfragen"
        assert said["error"] == "client_request_rate" and said["retry_after"] == "1"
        assert 'http_request_denied; details="client_request_rate"' in fields["proxy-status"]
        assert b"<dt>" in c.get(o.url("/bytes/2"), "Accept: text/html")[2]
        assert other.get(o.url("/bytes/2"))[0] == 200  # somebody else's bucket
        wait_until(lambda: c.get(o.url("/bytes/2"))[0] == 200, 5, "the next second")  # and on the same connection
    r = s.log("client=127.0.0.11&status=429")[-1]
    assert r["verdict"] == "refused" and r["error"] == "client_request_rate" and r["url"] == o.url("/bytes/2")
    assert counters(s)["limited_client_rate"] >= before + 2
    assert f"proxyd_counters_limited_client_rate {counters(s)['limited_client_rate']}" in \
        s.api.http.get(s.api.base.replace("/api/v1", "/metrics"), timeout=20).text


def test_a_tunnel_is_refused_like_a_request(s, o, bounds):
    bounds(per_client={"requests_per_second": 1, "burst": 1})
    with Client(s, "127.0.0.13") as c, Client(s, "127.0.0.13") as d:
        assert c.connect(o)[0] == 200
        status, fields, _ = d.connect(o)
        assert status == 429 and "retry-after" in fields
        wait_until(lambda: d.connect(o)[0] == 200, 5, "a tunnel on the same connection")
    assert len(s.log("client=127.0.0.13&method=CONNECT&status=200", want=2)) == 2 and s.log("client=127.0.0.13&method=CONNECT&status=429")


def test_own_pages_are_not_counted(s, bounds):
    bounds(per_client={"requests_per_second": 1, "burst": 1})
    with Client(s, "127.0.0.14") as c:
        assert [c.get("/proxy.pac", host="x")[0] for _ in range(5)] == [200] * 5


def test_delayed_requests_come_evenly(s, o, bounds):
    bounds(per_client={"requests_per_second": 10, "burst": 1}, when_over="delay", delay_ms=1000)
    before = counters(s)["delayed"]
    with Client(s, "127.0.0.15") as c:
        began = time.monotonic()
        assert [c.get(o.url("/bytes/2"))[0] for _ in range(6)] == [200] * 6
        assert 0.45 <= time.monotonic() - began < 3 * SLOW
        assert counters(s)["delayed"] >= before + 4
    many = [Client(s, "127.0.0.16") for _ in range(20)]
    for c in many:
        c.send(o.url("/bytes/2"))
    got = sorted(c.answer()[0] for c in many)
    assert got.count(429) > 0 and 9 <= got.count(200) <= 15  # those whose turn comes within a second
    for c in many:
        c.close()


def test_a_client_that_leaves_while_it_waits(s, o, bounds):
    bounds(per_client={"requests_per_second": 1, "burst": 1}, when_over="delay", delay_ms=5000)
    with Client(s, "127.0.0.17") as c, Client(s, "127.0.0.17") as d:
        assert c.get(o.url("/bytes/2"))[0] == 200
        d.send(o.url("/gone"))
        time.sleep(0.1)
        d.c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert s.log(f"url={o.url('/gone')}")[0]["status"] == 0
    assert b"/gone" not in o.received()


def test_requests_at_once(s, o, bounds):
    bounds(per_client={"concurrent_requests": 2})
    o.on("/wait", [Pause(1), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    with Client(s, "127.0.0.18") as a, Client(s, "127.0.0.18") as b, Client(s, "127.0.0.18") as c:
        a.send(o.url("/wait"))
        b.send(o.url("/wait"))
        o.wait(2)
        status, fields, body = c.get(o.url("/bytes/2"))
        assert status == 429 and b"client_requests" in body and fields["retry-after"] == "1"
        shown = [x for x in s.api.get("/limits/clients")["items"] if x["name"] == "127.0.0.18"][0]
        assert shown["requests"] == 2 and shown["connections"] == 3 and shown["refused"] == 1 and shown["load"] == 1
        assert shown["bounds"]["concurrent_requests"] == 2 and shown["bounds"]["tunnels"] is None
        assert "127.0.0.18" in s.ctl("limits", "show", "--limit", "5").stdout
        assert a.answer()[0] == b.answer()[0] == 200
        assert c.get(o.url("/bytes/2"))[0] == 200
        for x in (a, b, c):  # tunnels that stand are not requests that run
            assert x.connect(o)[0] == 200
        with Client(s, "127.0.0.18") as d:
            assert d.get(o.url("/bytes/2"))[0] == 200


def test_tunnels_at_once(s, o, bounds):
    bounds(per_client={"tunnels": 2})
    with Client(s, "127.0.0.19") as a, Client(s, "127.0.0.19") as b, Client(s, "127.0.0.19") as c:
        assert a.connect(o)[0] == b.connect(o)[0] == 200
        status, _, body = c.connect(o)
        assert status == 429 and b"client_tunnels" in body
        assert c.get(o.url("/bytes/2"))[0] == 200
        a.c.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: c.connect(o)[0] == 200, 5, "a tunnel's place")


def test_classes_exempt_and_together(s, o, bounds):
    few = {"requests_per_second": 1, "burst": 1}
    bounds(per_client=few, classes=[{"name": "terminal servers", "networks": ["127.0.0.32/28"], "requests_per_second": 1, "burst": 5},
                                    {"name": "monitoring", "networks": ["127.0.0.40/32"], "exempt": True},
                                    {"name": "guests", "networks": ["127.0.0.64/28"], "together": True}])

    def passed(*addresses):
        n = 0
        for a in addresses:
            with Client(s, a) as c:
                n += c.get(o.url("/bytes/2"))[0] == 200
        return n
    assert passed(*["127.0.0.31"] * 8) == 1
    assert passed(*["127.0.0.33"] * 8) == 5 and passed(*["127.0.0.34"] * 8) == 5
    assert passed(*["127.0.0.40"] * 8) == 8  # the narrower network decides
    assert passed("127.0.0.65", "127.0.0.66", "127.0.0.67") == 1
    shown = {x["name"]: x for x in s.api.get("/limits/clients")["items"]}
    assert shown["guests"]["kind"] == "class" and shown["127.0.0.40"]["exempt"] and shown["127.0.0.33"]["class"] == "terminal servers"


def test_people_behind_one_address(s, o, bounds):
    """The address is exempt, its people are not."""
    bounds(per_client={"requests_per_second": 1, "burst": 1}, per_user={"requests_per_second": 1, "burst": 2, "concurrent_requests": 1},
           classes=[{"name": "terminal server", "networks": ["127.0.0.1"], "exempt": True}])
    for name in ("alice", "bob"):
        s.add_user(name, "the password of " + name)
    s.publish(NAMED)
    with Origin(host="127.0.0.3") as o3:
        url = o3.url("/bytes/2").replace("127.0.0.1", "127.0.0.3")

        def ask(name):
            return s.get(url, (name, "the%20password%20of%20" + name)).status_code
        try:
            assert [ask("alice") for _ in range(3)] == [200, 200, 429]
            assert [ask("bob") for _ in range(2)] == [200, 200]
            r = s.log("user=alice&status=429")[0]
            assert r["error"] == "user_request_rate"
            o3.on("/wait", [Pause(0.7), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
            time.sleep(1.1)
            t = threading.Thread(target=lambda: s.get(url.replace("/bytes/2", "/wait"), ("bob", "the%20password%20of%20bob")))
            t.start()
            wait_until(lambda: b"/wait" in o3.received(), 5, "bob's request")
            assert ask("bob") == 429
            t.join()
            assert s.log("user=bob&error=user_requests")
        finally:
            s.publish(policy())


def test_ipv6_networks_and_proxied_clients_are_clients(s, o, ports, bounds):
    bounds(limits={"per_client": 2}, per_client={"requests_per_second": 1, "burst": 2})

    def ask(address):
        with socket.create_connection(("127.0.0.1", ports["balanced"]), timeout=10 * SLOW) as c:
            c.sendall(f"PROXY TCP6 {address} 2001:db8::1 4711 3128\r\nGET {o.url('/bytes/2')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n"
                      "Connection: close\r\n\r\n".encode())
            got = b""
            while (part := c.recv(65536)):
                got += part
            return int(got.split()[1])
    assert [ask(f"2001:db8:5:5::{i}") for i in range(1, 5)] == [200, 200, 429, 429]
    assert ask("2001:db8:5:6::1") == 200
    held = []
    for i in range(3):  # connections are the named client's, too, not the balancer's
        c = socket.create_connection(("127.0.0.1", ports["balanced"]), timeout=10 * SLOW)
        c.sendall(f"PROXY TCP6 2001:db8:7:7::{i} 2001:db8::1 4711 3128\r\n".encode())
        held.append(c)
    time.sleep(0.2)
    assert ask("2001:db8:7:7::99") == 503
    assert ask("2001:db8:7:8::1") == 200
    assert s.log("client=2001:db8:7:7::99")[0]["error"] == "connection_limit_reached"
    for c in held:
        c.close()


def test_new_connections_a_second(s, o, bounds):
    bounds(total={"new_connections_per_second": 5})
    got = []
    for i in range(12):
        try:
            got.append(s.raw(f"GET {o.url('/bytes/2')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\nConnection: close\r\n\r\n".encode()))
        except OSError:
            got.append(b"")
    refused = [g for g in got if g.startswith(b"HTTP/1.1 503 ")]
    assert refused and all(b"Retry-After: " in g and b"connection_rate" in g for g in refused)
    assert len([g for g in got if g.startswith(b"HTTP/1.1 200 ")]) >= 4
    assert s.log("error=connection_rate")[0]["status"] == 503
    wait_until(lambda: "overloaded" in s.proxyd.output(), 5, "the message")
    assert s.proxyd.output().count("overloaded: ") == 1
    assert "overloaded" in [w["code"] for w in s.api.get("/status")["warnings"]]


def test_the_last_eighth_is_for_the_modest(s, o, bounds):
    bounds(total={"concurrent_requests": 16})
    o.on("/wait", [Pause(1.5), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    greedy = [Client(s, "127.0.0.51") for _ in range(18)]
    try:
        for c in greedy:
            c.send(o.url("/wait"))
        o.wait(14)
        refused = s.log("client=127.0.0.51&error=client_share", want=4)
        assert len(refused) == 4 and refused[0]["status"] == 503
        for i in (52, 53):
            with Client(s, f"127.0.0.{i}") as modest:
                assert modest.get(o.url("/bytes/2"))[0] == 200
        assert sorted(c.answer()[0] for c in greedy) == [200] * 14 + [503] * 4
        assert greedy[17].get(o.url("/bytes/2"))[0] == 200
    finally:
        for c in greedy:
            c.close()


def fetch(s, url, address, out, i, connect=None):
    with Client(s, address) as c:
        if connect:
            assert c.connect(connect)[0] == 200
            c.send("/bytes/" + url.rsplit("/", 1)[1], host="x")
        else:
            c.send(url)
        n, began = 0, time.monotonic()
        status, fields = None, {}
        while True:
            part = c.f.read1(65536)
            if not part:
                break
            n += len(part)
            out[i] = (n, time.monotonic() - began)
            if n >= int(url.rsplit("/", 1)[1]):
                break


def test_bytes_of_a_client_are_shared_by_its_connections(s, o, bounds):
    """Two downloads and a tunnel of one client, on any worker: its speed in all, and none starves."""
    bounds(per_client={"bytes_per_second": 600000})
    out = [(0, 1)] * 3
    began = time.monotonic()
    threads = [threading.Thread(target=fetch, args=(s, o.url("/bytes/500000"), "127.0.0.55", out, i, o if i == 2 else None)) for i in range(3)]
    for t in threads:
        t.start()
    time.sleep(0.6)
    with Client(s, "127.0.0.56") as other:  # not slowed by them
        at = time.monotonic()
        assert len(other.get(o.url("/bytes/130000"))[2]) == 130000 and time.monotonic() - at < 0.5 * SLOW
    first = [n for n, _ in out]
    time.sleep(0.9)
    moved = [n - f for (n, _), f in zip(out, first)]
    for t in threads:
        t.join()
    assert 2 <= time.monotonic() - began < 5 * SLOW
    assert all(n >= 500000 for n, _ in out)
    assert sum(moved) > 300000 / SLOW and min(moved) > 0.6 * max(moved), (first, moved)


def test_idle_tunnels_take_nothing_of_their_clients_speed(s, o, bounds):
    bounds(per_client={"bytes_per_second": 200000})
    began = time.monotonic()
    idle = [Client(s, "127.0.0.60") for _ in range(80)]
    assert all(c.connect(o)[0] == 200 for c in idle)
    with Client(s, "127.0.0.60") as c:
        assert len(c.get(o.url("/bytes/30000"))[2]) == 30000 and time.monotonic() - began < SLOW
    for c in idle:
        c.close()


def test_uploads_are_measured_and_the_slowest_bound_decides(s, o, bounds):
    bounds(per_client={"bytes_per_second": 10000000}, total={"bytes_per_second": 200000})
    with Client(s, "127.0.0.57") as c:
        began = time.monotonic()
        c.send(o.url("/echo"), "Content-Length: 300000", method="POST")
        c.c.sendall(b"x" * 300000)
        assert c.answer()[0] == 200
        assert time.monotonic() - began > 0.9


def test_slow_readers_and_writers_cost_only_their_client(s, o, bounds):
    """They move a byte now and then, so no time limit ends them; they fill their own client's places."""
    bounds(per_client={"concurrent_requests": 20})
    memory = [x for x in open(f"/proc/{s.worker_pid}/status") if x.startswith("RssAnon")][0]
    slow = []
    for i in range(30):
        c = Client(s, "127.0.0.58")
        c.c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if i % 2:
            c.send(o.url("/bytes/20000000"))
        else:
            c.send(o.url("/echo"), "Content-Length: 1000000", method="POST")
            c.c.sendall(b"x")
        slow.append(c)
    refused = s.log("client=127.0.0.58&error=client_requests", want=10)
    assert len(refused) == 10
    for c in slow:  # they trickle on
        try:
            c.c.sendall(b"x")
        except OSError:
            pass
    with Client(s, "127.0.0.59") as other:
        for _ in range(20):
            assert len(other.get(o.url("/bytes/100000"))[2]) == 100000
    grown = int([x for x in open(f"/proc/{s.worker_pid}/status") if x.startswith("RssAnon")][0].split()[1]) - int(memory.split()[1])
    assert SLOW > 1 or grown < 30 * 512, f"{grown} KiB"
    for c in slow:
        c.close()
    wait_until(lambda: not [x for x in s.api.get("/limits/clients")["items"] if x["requests"]], 10, "all places free again")


def test_a_body_in_front_of_another_protocol_is_counted_once(s, o, bounds):
    """POST, its body, 101: the tunnel that follows begins at nothing, the client's turn comes all the same, the record has both."""
    bounds(per_client={"bytes_per_second": 1000000000})
    with Client(s, "127.0.0.71") as c:
        c.send(o.url("/upgrade"), "Upgrade: echo", "Connection: Upgrade", "Content-Length: 30000", method="POST")
        c.c.sendall(b"z" * 30000)
        assert c.answer()[0] == 101
        c.c.sendall(b"hello")
        assert c.f.read(5) == b"hello"
        with Client(s, "127.0.0.71") as other:
            other.c.settimeout(5 * SLOW)
            assert other.get(o.url("/bytes/500"))[0] == 200
    record = s.log("client=127.0.0.71&status=101")[0]
    assert 30005 < record["bytes_in"] < 30500, record


def test_connections_of_a_user(s, bounds):
    """He may be on so many connections at once, wherever they come from; the connection itself goes on for somebody else."""
    s.publish(NAMED)
    for name in ("alice", "bob"):
        if not any(u["username"] == name for u in s.api.get("/users")["items"]):
            s.add_user(name, "the password of " + name)
    bounds(per_user={"connections": 2})
    with Origin("127.0.0.3") as o3:
        who = {n: "Proxy-Authorization: Basic " + base64.b64encode(f"{n}:the password of {n}".encode()).decode() for n in ("alice", "bob")}
        clients = [Client(s, f"127.0.0.{80 + i}") for i in range(3)]
        try:
            url = o3.url("/bytes/2")
            assert [c.get(url, who["alice"])[0] for c in clients] == [200, 200, 429]
            assert clients[0].get(url, who["alice"])[0] == 200
            assert clients[2].get(url, who["bob"])[0] == 200
            assert clients[1].get(url, who["bob"])[0] == 200  # now it is bob's
            assert Client(s).get(url, who["alice"])[0] == 200
            record = s.log("error=user_connections")[0]
            assert record["status"] == 429 and record["user"] == "alice"
            clients[0].close()
            wait_until(lambda: Client(s).get(url, who["alice"])[0] == 200, 5, "room again")
        finally:
            for c in clients:
                c.close()
            s.publish(policy())


def test_refused_settings_say_where(s):
    r = s.api.call("GET", "/settings/proxy")
    doc = r.json()
    doc["traffic"] = {"per_client": {"requests_per_second": -1, "connections": 3}, "when_over": "shrug", "ipv4_prefix": 0,
                      "classes": [{"name": "x", "networks": ["10.0.0.1/8"]}, {"name": "x", "networks": []}]}
    r = s.api.call("PUT", "/settings/proxy", doc, headers={"If-Match": r.headers["ETag"]}, ok=False)
    want = {"/traffic/per_client/requests_per_second", "/traffic/per_client/connections", "/traffic/when_over", "/traffic/ipv4_prefix",
            "/traffic/classes/0/networks/0", "/traffic/classes/1/networks", "/traffic/classes/1/name"}
    assert r.status_code == 422 and {e["pointer"] for e in r.json()["errors"]} == want
