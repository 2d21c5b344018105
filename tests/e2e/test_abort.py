"""Either side leaves at every byte of an exchange: the proxy goes on, gives every descriptor back, never shows a cut
answer as whole, and never mixes one exchange with the next."""
import os
import socket
import struct
import time

import pytest

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.dns import Dns
from lib.origin import CLOSE, RESET, Origin, Pause
from lib.wirepeer import Client


@pytest.fixture(scope="module")
def world():
    with Origin() as origin, Dns({"origin.test": "127.0.0.1", "blocked.test": "127.0.0.1"}) as dns:
        with Stack(proxy={"resolvers": dns.address}) as stack:
            stack.add_user("alice", "secret", ["staff"])
            stack.publish(policy({"name": "no", "when": {"hosts": ["blocked.test"]}},
                                 {"name": "who", "when": {"groups": ["nobody"], "hosts": ["who.origin.test"]}}))
            yield stack, origin


def exchanges(port):
    o = f"origin.test:{port}"
    return {
        "get": f"GET http://{o}/ HTTP/1.1\r\nHost: {o}\r\n\r\n",
        "length": f"POST http://{o}/echo HTTP/1.1\r\nHost: {o}\r\nContent-Length: 20\r\n\r\n01234567890123456789",
        "chunked": f"POST http://{o}/echo HTTP/1.1\r\nHost: {o}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\nX-A: b\r\n\r\n",
        "connect": f"CONNECT {o} HTTP/1.1\r\nHost: {o}\r\n\r\nGET / HTTP/1.1\r\nHost: {o}\r\n\r\n",
        "blocked": f"POST http://blocked.test:{port}/ HTTP/1.1\r\nHost: blocked.test:{port}\r\nContent-Length: 9\r\n\r\n012345678",
        "login": f"GET http://who.{o}/ HTTP/1.1\r\nHost: who.{o}\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n",
        "large": f"GET http://{o}/bytes/3000000 HTTP/1.1\r\nHost: {o}\r\n\r\n",
        "pipelined": f"GET http://{o}/ HTTP/1.1\r\nHost: {o}\r\n\r\nHEAD http://{o}/ HTTP/1.1\r\nHost: {o}\r\n\r\n",
    }


def reset(c):
    """Ends a connection with RST."""
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.s.close()


def still_right(stack, origin):
    assert stack.proxyd.alive(), stack.proxyd.output()[-3000:]
    with Client(stack.proxy_port) as c:
        c.send(exchanges(origin.port)["get"].encode())
        r = c.response()
        assert r and r.status == 200 and r.body == b"hello world\n", r


def descriptors(stack, origin):
    """Those at rest: without the upstream connections that are kept for the next request."""
    kept = sum(c.ended == "open" for c in origin.connections)
    return len(os.listdir(f"/proc/{stack.worker_pid}/fd")) - kept


@pytest.fixture
def no_leak(world):
    """The descriptors at rest are as many afterwards; the day file with its two companions may have been opened."""
    stack, origin = world
    still_right(stack, origin)
    before = descriptors(stack, origin)
    yield
    still_right(stack, origin)
    wait_until(lambda: descriptors(stack, origin) <= before + 3, 20, f"descriptors as before: {before}")


@pytest.mark.parametrize("leave", [Client.__exit__, reset], ids=["close", "reset"])
@pytest.mark.parametrize("kind", list(exchanges(0)))
def test_client_leaves_at_every_byte(world, no_leak, kind, leave):
    stack, origin = world
    data = exchanges(origin.port)[kind].encode()
    for cut in range(0, len(data) + 1, 1 if SLOW == 1 else 3):
        c = Client(stack.proxy_port)
        c.send(data[:cut])
        if cut % 4 == 0:
            time.sleep(0.001)
        leave(c)


@pytest.mark.parametrize("word", ["login", "blocked", "connect", "large"])
def test_client_leaves_while_the_answer_comes(world, no_leak, word):
    stack, origin = world
    data = exchanges(origin.port)[word].encode()
    for delay in (0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.02):
        for leave in (Client.__exit__, reset):
            c = Client(stack.proxy_port)
            c.send(data)
            time.sleep(delay)
            leave(c)


ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-A: b\r\n\r\n0123456789",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
    "hints": b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["close", "reset"])
@pytest.mark.parametrize("kind", list(ANSWERS))
def test_origin_leaves_at_every_byte(world, no_leak, kind, end):
    stack, origin = world
    answer = ANSWERS[kind]
    for cut in range(len(answer)):
        origin.on(f"/{kind}/{cut}", [answer[:cut], Pause(0.001), end])
        with Client(stack.proxy_port, 5 * SLOW) as c:
            ask = f"GET http://origin.test:{origin.port}/{kind}/{cut} HTTP/1.1\r\nHost: origin.test:{origin.port}\r\n\r\n"
            c.send(ask.encode())
            r = c.response()
            assert r is None or r.status in (502, 504) or not r.complete, (cut, r)
            if r and r.status == 200:
                assert c.until_closed(5 * SLOW), f"cut at {cut}: an answer without end, and the connection stays"


@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_origin_answers_before_the_body_and_leaves(world, no_leak, kind):
    stack, origin = world
    origin.on("/early", [b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", CLOSE])
    o = f"origin.test:{origin.port}"
    framing = "Content-Length: 2000000" if kind == "length" else "Transfer-Encoding: chunked"
    for _ in range(20):
        with Client(stack.proxy_port, 5 * SLOW) as c:
            c.send(f"POST http://{o}/early HTTP/1.1\r\nHost: {o}\r\nExpect: 100-continue\r\n{framing}\r\n\r\n".encode())
            body = b"x" * 1000 if kind == "length" else b"3e8\r\n" + b"x" * 1000 + b"\r\n"
            for _ in range(20):
                c.send(body)
            r = c.response()
            assert r is None or r.status in (403, 502), r


def test_tunnel_ends_from_both_sides(world, no_leak):
    stack, origin = world
    o = f"origin.test:{origin.port}"
    origin.on("/bye", [b"HTTP/1.1 200 OK\r\n\r\nbye", CLOSE])
    for path in ("/bye", "/slow/0.01", "/bytes/500000"):
        for leave in (Client.__exit__, reset, None):
            c = Client(stack.proxy_port)
            c.send(f"CONNECT {o} HTTP/1.1\r\nHost: {o}\r\n\r\nGET {path} HTTP/1.1\r\nHost: {o}\r\n\r\n".encode())
            c.read(1)
            if leave is None:  # half close: what the origin still has to say must come
                c.s.shutdown(socket.SHUT_WR)
                while not c.closed and b"bye" not in c.data and b"slow\n" not in c.data and len(c.data) < 500000:
                    c.read(2)
                assert b"bye" in c.data or b"slow\n" in c.data or len(c.data) >= 500000, (path, c.data[:300])
                leave = Client.__exit__
            leave(c)


def test_every_one_of_them_has_at_most_one_record(world):
    """Records are unique, without a gap, and none tells of more than it saw."""
    stack, _ = world
    time.sleep(0.5)
    items = stack.api.get("/log?limit=1000")["items"]
    ids = [i["id"] for i in items]
    assert len(ids) == len(set(ids)) and len(ids) > 500
    assert sorted(ids) == list(range(min(ids), max(ids) + 1))
