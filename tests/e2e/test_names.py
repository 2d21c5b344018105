"""Names: a dead address of one family does not keep from the other, what does not exist is asked for once, and nothing is
appended to a name."""
import time

from lib.daemons import Stack, policy
from lib.dns import Dns
from lib.origin import Origin
from lib.wirepeer import Client

ALL = policy({"id": "all", "when": {}, "action": "allow"})


def status(s, host, port):
    c = Client(s.proxy_port)
    c.send(f"GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    return c.response().status


def test_names(monkeypatch):
    monkeypatch.setenv("LOCALDOMAIN", "test")  # what a machine's "search" line is to c-ares
    with Dns({"both.test": ["::1", "127.0.0.1"]}) as dns, Stack(proxy={"resolvers": dns.address}) as s, Origin() as o:
        s.publish(ALL)
        began = time.monotonic()
        assert status(s, "both.test", o.port) == 200
        assert time.monotonic() - began < 2
        for _ in range(5):
            assert status(s, "gone.test", o.port) in (502, 503, 504)
            assert status(s, "short", o.port) in (502, 503, 504)
        assert 1 <= dns.queries("gone.test") <= 2, "A and AAAA, once"
        with open(f"{dns.folder}/log", errors="replace") as f:
            asked = {line.split()[-3] for line in f if "query[A" in line and " short" in line}
        assert asked == {"short"}, asked
