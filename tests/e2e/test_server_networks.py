"""Rules on the address that would be dialled: judged on what the name servers say, asked only when a rule depends on
it, and the address that was judged is the one that is dialled."""
import pytest

from lib.daemons import Stack, policy
from lib.dns import Dns
from lib.origin import Origin

NAMES = {"near.test": ["127.0.0.2"], "far.test": ["127.0.0.1"], "both.test": ["127.0.0.1", "127.0.0.2"],
         "shut.test": ["127.0.0.1"], "blocked.test": ["127.0.0.1"]}
RULES = policy(
    {"id": "shut", "when": {"hosts": ["shut.test"]}, "action": "block"},
    {"id": "near", "name": "Nothing near", "when": {"server_networks": ["127.0.0.2/32", "2001:db8::/32"]}, "action": "block"},
    {"id": "later", "when": {"hosts": ["blocked.test"]}, "action": "block"},
    tests=[{"name": "near", "url": "http://x.test/", "server": "127.0.0.2", "expect": "block"},
           {"name": "near, behind NAT64", "url": "http://x.test/", "server": "64:ff9b::127.0.0.2", "expect": "block"},
           {"name": "near, by 6to4", "url": "http://x.test/", "server": "2002:7f00:2::1", "expect": "block"},
           {"name": "far behind NAT64", "url": "http://x.test/", "server": "64:ff9b::127.0.0.3", "expect": "allow"},
           {"name": "far", "url": "http://x.test/", "server": "198.51.100.1", "expect": "allow"},
           {"name": "itself", "url": "http://[2001:db8::1]/", "expect": "block"}])


@pytest.fixture(scope="module")
def s():
    with Dns(NAMES) as dns, Stack(proxy={"resolvers": dns.address}) as stack:
        stack.dns = dns
        stack.publish(RULES)
        yield stack


def ask(s, o, host):
    return s.get(o.url("/").replace("127.0.0.1", host).replace("localhost", host))


def connect(s, host, port):
    got = s.raw(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode(), until=b"\r\n\r\n")
    return int(got.split()[1])


def test_a_rule_on_addresses(s):
    with Origin() as o:
        assert ask(s, o, "far.test").status_code == 200
        r = ask(s, o, "near.test")
        assert r.status_code == 403 and "Nothing near" in r.text
        assert ask(s, o, "127.0.0.2").status_code == 403, "a literal is its own address"
        assert ask(s, o, "blocked.test").status_code == 403
        assert connect(s, "near.test", o.port) == 403 and connect(s, "far.test", o.port) == 200
        assert [r["rule"] for r in s.log("host=near.test", want=2)] == ["near", "near"]
        assert len(o.requests) == 1, "what is blocked is not dialled"


def test_of_several_addresses_only_those_judged_alike_are_dialled(s):
    with Origin() as o:
        for _ in range(6):
            status = ask(s, o, "both.test").status_code
            assert status in (200, 403)
        rows = s.log("host=both.test", want=6)
        assert all(r["upstream"].startswith("127.0.0.1:") for r in rows if r["status"] == 200), rows


def test_addresses_are_asked_for_only_when_the_verdict_depends_on_them(s):
    with Origin() as o:
        assert ask(s, o, "shut.test").status_code == 403
        assert s.dns.queries("shut.test") == 0, "an earlier rule settled it"
        assert ask(s, o, "never.test").status_code in (502, 503, 504), "no such name"


def test_simulated(s):
    told = s.api.post("/simulate", {"url": "http://near.test/", "server": "127.0.0.2"})
    assert told["rule"] == "near" and "the server's address is in the network 127.0.0.2/32" in told["why"]
    told = s.api.post("/simulate", {"url": "http://near.test/"})
    assert not told["is_final"] and told["needs"] == "address" and "the server's address" in told["why"]
    assert s.api.call("POST", "/simulate", {"url": "http://near.test/", "server": "x"}, ok=False).status_code == 422
    assert all(t["passed"] for t in s.api.post("/policy/draft:validate")["tests"])
