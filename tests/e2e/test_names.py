"""Names: a dead address of one family does not keep from the other, what does not exist is asked for once, and nothing is
appended to a name."""
import socket
import threading
import time

from lib.daemons import SLOW, Stack, policy
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


class OneFamily:
    """A name server that answers what is asked for `kind` with `answer`, and keeps silent about the other family until told to speak."""
    A, AAAA = 1, 28

    def __init__(self, kind, answer):
        self.kind, self.answer, self.speaks, self.asked = kind, answer, False, []
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.s.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                q, who = self.s.recvfrom(4096)
            except OSError:
                return
            end = q.index(b"\0", 12) + 5
            kind = int.from_bytes(q[end - 4:end - 2], "big")
            self.asked.append(kind)
            if kind == self.kind:
                record = b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1" + (60).to_bytes(4, "big") + len(self.answer).to_bytes(2, "big") + self.answer
                self.s.sendto(q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + q[12:end] + record, who)
            elif self.speaks:
                self.s.sendto(q[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + q[12:end], who)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()


def test_a_silent_family_is_not_waited_for():
    """Some name servers never answer for AAAA (RFC 4074): the other family alone is as good."""
    with OneFamily(OneFamily.A, b"\x7f\0\0\1") as dns, Stack(proxy={"resolvers": dns.address}) as s, Origin() as o:
        s.publish(ALL)
        for name in ("one.test", "two.test"):
            began = time.monotonic()
            assert status(s, name, o.port) == 200
            assert 0.04 < time.monotonic() - began < 1 * SLOW, "50 ms are given to the other"
        n = len(dns.asked)
        for _ in range(5):
            assert status(s, "one.test", o.port) == 200
        assert dns.asked[n:].count(OneFamily.A) == 0, "what is known of one family is in the cache"
        dns.speaks = True
        began = time.monotonic()
        assert status(s, "three.test", o.port) == 200 and time.monotonic() - began < 1 * SLOW


def test_ipv6_alone_with_a_silent_ipv4():
    v6 = bytes(15) + b"\1"
    with OneFamily(OneFamily.AAAA, v6) as dns, Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8", "::1/128"]}) as s, Origin(host="::1") as o:
        s.publish(ALL)
        began = time.monotonic()
        assert status(s, "six.test", o.port) == 200
        assert time.monotonic() - began < 1 * SLOW
