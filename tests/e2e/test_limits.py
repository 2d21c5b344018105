"""Every state has its end: slow and silent clients and servers, too many connections, too few
descriptors, large heads; and each of them leaves a record and a working proxy."""
import os
import resource
import socket
import time

import pytest

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.origin import Origin, Pause

SETTINGS = {"node": "edge-1", "realm": "The House", "contact": "help@corp.example", "note": "Ask us first.",
            "timeouts_ms": {"head": 700, "idle": 900, "connect": 1000, "answer": 1000, "body": 1000, "tunnel": 1200, "resolve": 1500,
                            "reply": 1000},
            "limits": {"per_client": 40, "head_bytes": 20000, "line_bytes": 8000, "field_bytes": 9000, "fields": 20}}


@pytest.fixture(scope="module")
def s():
    with Stack(proxy={"resolvers": "127.0.0.1:9"}) as stack:
        stack.publish(policy({"id": "b", "when": {"hosts": ["blocked.test"]}}))
        stack.api.put("/settings/proxy", SETTINGS)
        wait_until(lambda: "edge-1" in stack.get("http://blocked.test/").headers.get("Proxy-Status", ""), 10, "settings")
        yield stack


def connect(s):
    return socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20 * SLOW)


def ends(c):
    """All bytes until the end, and how it ended."""
    got = b""
    while True:
        try:
            part = c.recv(65536)
        except ConnectionResetError:
            return got, "reset"
        if not part:
            return got, "end"
        got += part


def test_settings_show(s):
    r = s.get("http://blocked.test/", headers={"Accept": "text/html"})
    assert "help@corp.example" in r.text and "Ask us first." in r.text and r.headers["Proxy-Status"].startswith("edge-1")


def test_silent_client_is_closed_without_an_answer(s):
    with connect(s) as c:
        assert ends(c) == (b"", "end")


def test_slow_head_gets_408(s):
    with connect(s) as c:
        c.sendall(b"GET http://x.test/ HTTP/1.1\r\nHo")
        got, _ = ends(c)
    assert got.startswith(b"HTTP/1.1 408 ")
    assert s.log("status=408")[0]["verdict"] == "refused"


def test_trickling_head_does_not_last(s):
    began = time.monotonic()
    with connect(s) as c:
        try:
            for b in b"GET http://x.test/ HTTP/1.1\r\nX: " + b"y" * 1000:
                c.sendall(bytes([b]))
                time.sleep(0.02)
        except OSError:
            pass
    assert time.monotonic() - began < 8 * SLOW


def test_kept_connection_is_closed_when_idle(s, o):
    with connect(s) as c:
        c.sendall(f"GET {o.url('/bytes/3')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
        got, how = ends(c)
    assert got.startswith(b"HTTP/1.1 200 ") and how == "end"


def test_slow_answers(s, o):
    o.on("/never", [Pause(5)])
    assert s.get(o.url("/never")).status_code == 504
    assert s.log(f"url={o.url('/never')}")[0]["error"] == "http_response_timeout"
    o.on("/stalls", [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nbegin", Pause(5)])
    with connect(s) as c:
        c.sendall(f"GET {o.url('/stalls')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
        got, how = ends(c)
    assert how == "reset" or (b"begin" in got and b"Content-Length: 50" in got)


def test_stalled_upload(s, o):
    with connect(s) as c:
        c.sendall(f"POST {o.url('/echo')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\nContent-Length: 100\r\n\r\nhalf".encode())
        got, _ = ends(c)
    assert got.startswith(b"HTTP/1.1 408 ")
    with connect(s) as c:  # waits within the framing
        c.sendall(f"POST {o.url('/echo')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n4".encode())
        got, _ = ends(c)
    assert got.startswith(b"HTTP/1.1 408 ")


def test_idle_tunnel_ends(s, o):
    with connect(s) as c:
        c.sendall(f"CONNECT 127.0.0.1:{o.port} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
        assert b" 200 " in c.recv(1000)
        assert ends(c)[0] == b""
    assert s.log("method=CONNECT")[0]["duration_ms"] >= 1000


def test_names_that_nobody_answers(s):
    r = s.get("http://slow-name.test/")
    assert r.status_code in (502, 504) and "dns_" in r.headers["Proxy-Status"]


def test_reader_that_stops(s, o):
    """The answer waits in the kernel and in one buffer; the limit ends it."""
    with connect(s) as c:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.sendall(f"GET {o.url('/bytes/50000000')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
        wait_until(lambda: s.log(f"url={o.url('/bytes/50000000')}"), 15, "record of the abandoned answer")


@pytest.mark.parametrize("head, status", [
    ("GET http://x.test/" + "a" * 9000 + " HTTP/1.1\r\nHost: x.test\r\n\r\n", 414),
    ("GET http://x.test/ HTTP/1.1\r\nHost: x.test\r\n" + "".join(f"X{i}: 1\r\n" for i in range(30)) + "\r\n", 431),
    ("GET http://x.test/ HTTP/1.1\r\nHost: x.test\r\nX: " + "a" * 9500 + "\r\n\r\n", 431),
    ("GET http://x.test/ HTTP/1.1\r\nHost: x.test\r\n" + "".join(f"X{i}: {'a' * 3000}\r\n" for i in range(8)) + "\r\n", 431),
], ids=["line", "fields", "field", "head"])
def test_head_bounds(s, head, status):
    with connect(s) as c:
        c.sendall(head.encode())
        assert f" {status} ".encode() in ends(c)[0].split(b"\r\n")[0]


def test_connections_of_one_client(s, o):
    held = [connect(s) for _ in range(40)]
    try:
        with connect(s) as c:
            got, _ = ends(c)
        assert got.startswith(b"HTTP/1.1 503 ") and b"connection_limit_reached" in got
        assert s.log("error=connection_limit_reached")[0]["status"] == 503
    finally:
        for c in held:
            c.close()
    assert wait_until(lambda: s.get(o.url("/bytes/2")).status_code == 200, 10, "service after the crowd")


def test_sixty_four_descriptors_and_two_hundred_clients():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        resource.prlimit(s.worker_pid, resource.RLIMIT_NOFILE, (64, 64))
        held = []
        for _ in range(200):
            c = socket.create_connection(("127.0.0.1", s.proxy_port), timeout=10 * SLOW)
            c.sendall(f"GET {o.url('/bytes/3')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
            held.append(c)
        time.sleep(0.5)
        assert s.proxyd.alive()
        for c in held:
            c.close()
        assert wait_until(lambda: s.proxyd.alive() and s.get(o.url("/bytes/3")).status_code == 200, 20, "service returns")


def test_idle_servers_make_room_when_descriptors_run_out():
    """Kept connections to servers hold the last descriptors: a new server is reached all the same."""
    with Stack() as s, Origin() as o:
        s.publish(policy())
        waiting = []
        o.on("/wait", [Pause(0.4), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
        for _ in range(24):
            c = socket.create_connection(("127.0.0.1", s.proxy_port), timeout=10 * SLOW)
            c.sendall(f"GET {o.url('/wait')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\nConnection: close\r\n\r\n".encode())
            waiting.append(c)
        for c in waiting:
            while c.recv(65536):
                pass
            c.close()
        used = {int(n) for n in os.listdir(f"/proc/{s.worker_pid}/fd")}
        top = max(used) + 1
        resource.prlimit(s.worker_pid, resource.RLIMIT_NOFILE, (top, top))
        # clients fill the gaps but one, which the next client takes: for a server there is none left
        held = [socket.create_connection(("127.0.0.1", s.proxy_port), timeout=10 * SLOW) for _ in range(top - len(used) - 1)]
        wait_until(lambda: len(os.listdir(f"/proc/{s.worker_pid}/fd")) >= top - 1, 10, "clients taken")
        with Origin() as other:
            assert [s.get(other.url(f"/bytes/{n}")).status_code for n in (1, 2)] == [200, 200]
        for c in held:
            c.close()


def test_client_leaves_in_every_state(s, o):
    """Half a head, while connecting, while waiting, in the middle of bodies: nothing is left behind."""
    o.on("/never", [Pause(3)])
    host = f"Host: 127.0.0.1:{o.port}\r\n"
    cases = [b"GET http://x", f"GET {o.url('/never')} HTTP/1.1\r\n{host}\r\n".encode(),
             b"GET http://10.255.255.1/ HTTP/1.1\r\nHost: 10.255.255.1\r\n\r\n",
             b"GET http://slow-name2.test/ HTTP/1.1\r\nHost: slow-name2.test\r\n\r\n",
             f"GET {o.url('/bytes/9000000')} HTTP/1.1\r\n{host}\r\n".encode(),
             f"POST {o.url('/echo')} HTTP/1.1\r\n{host}Content-Length: 100000\r\n\r\nabc".encode(),
             f"CONNECT 127.0.0.1:{o.port} HTTP/1.1\r\n{host}\r\nGET /never HTTP/1.1\r\n\r\n".encode(),
             b"GET http://blocked.test/ HTTP/1.1\r\nHost: blocked.test\r\n\r\n"]
    for wait in (0, 0.05, 0.2):
        for data in cases:
            for abort in (False, True):
                c = connect(s)
                c.sendall(data)
                time.sleep(wait)
                if abort:
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                c.close()
    wait_until(lambda: s.get(o.url("/bytes/2")).status_code == 200, 10, "still serving")
