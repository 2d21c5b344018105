"""Clients that keep their server waiting: who uploads or reads slower than the least rate is ended, with a record; slow servers, our
own bounds, long polls, tunnels, and those who are merely slow are not."""
import socket
import threading
import time

import pytest

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.origin import Pause

WINDOW = 400 * SLOW  # ms; a client has one of grace, and is judged after the next
MB = 1 << 20


@pytest.fixture(scope="module")
def s():
    with Stack() as stack:
        stack.publish(policy())
        settings(stack)
        yield stack


def settings(s, rate=5000, window=WINDOW, **traffic):
    s.api.put("/settings/proxy", {"traffic": {"min_rate": {"bytes_per_second": rate, "window_ms": window}, **traffic}})


def counters(s):
    return s.api.get("/status")["proxyd"]["status"]["counters"]


def connect(s, rcvbuf=None):
    c = socket.socket()
    if rcvbuf:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    c.settimeout(30 * SLOW)
    c.connect(("127.0.0.1", s.proxy_port))
    return c


def read_all(c):
    got = b""
    try:
        while part := c.recv(65536):
            got += part
    except ConnectionError:
        return got, "reset"
    return got, "end"


def ask(o, path, method="GET", *fields, host="127.0.0.1"):
    at = f"{host}:{o.port}"
    return "\r\n".join([f"{method} http://{at}{path} HTTP/1.1", f"Host: {at}", *fields, "", ""]).encode()


def drip(c, seconds, each=0.05):
    """Sends a byte now and then until the other side has enough of it; how long that took."""
    began = time.monotonic()
    c.setblocking(False)
    while time.monotonic() - began < seconds:
        try:
            c.send(b"x")
        except OSError:
            break
        try:
            if c.recv(1, socket.MSG_PEEK) is not None:
                break
        except BlockingIOError:
            pass
        time.sleep(each)
    c.setblocking(True)
    return time.monotonic() - began


def test_slow_upload(s, o):
    """A byte now and then: 408 after the second window, one record, the server sees its connection end."""
    before = counters(s)["limited_slow_uploads"]
    with connect(s) as c:
        c.sendall(ask(o, "/slow-up", "POST", "Content-Length: 1000000") + b"x" * 1000)
        took = drip(c, 20 * SLOW)
        got, _ = read_all(c)
    assert got.startswith(b"HTTP/1.1 408 ") and b"client_slow_upload" in got
    assert WINDOW / 1000 * 1.5 < took < WINDOW / 1000 * 2 + 3 * SLOW, took
    record = s.log("url=*/slow-up")[0]
    assert record["error"] == "client_slow_upload" and record["verdict"] == "refused" and record["status"] == 408
    assert counters(s)["limited_slow_uploads"] == before + 1
    wait_until(lambda: o.connections[-1].ended != "open", 5, "the server is let go")


def test_slow_download(s, o):
    """Megabytes wait and nobody takes them: the answer is cut after the second window, one record."""
    before = counters(s)["limited_slow_downloads"]
    with connect(s, rcvbuf=4096) as c:
        c.sendall(ask(o, f"/bytes/{40 * MB}"))
        began = time.monotonic()
        c.recv(100)
        record = s.log("error=client_slow_download", seconds=20)[0]
        took = time.monotonic() - began
        got, how = read_all(c)
    assert how == "reset" and len(got) < 40 * MB
    assert took > WINDOW / 1000 * 1.5, took
    assert record["verdict"] == "refused" and record["status"] == 200 and record["bytes_out"] < 40 * MB
    assert counters(s)["limited_slow_downloads"] == before + 1
    assert s.api.get("/status")["proxyd"]["status"]["workers"][0]["requests"] <= 1


def test_slow_but_fast_enough(s, o):
    """Ten windows of a steady reader and a steady sender above the rate: neither is ended."""
    settings(s, rate=5000)
    seconds = WINDOW / 1000 * 5
    body = b"y" * 200_000

    def sender(got):
        with connect(s) as c:
            c.sendall(ask(o, "/steady-up", "POST", f"Content-Length: {len(body)}"))
            o.on("/steady-up", lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            steps = 50
            for i in range(steps):
                c.sendall(body[i * len(body) // steps:(i + 1) * len(body) // steps])
                time.sleep(seconds / steps)
            got.append(c.recv(1000))

    def reader(got):
        with connect(s, rcvbuf=4096) as c:
            c.sendall(ask(o, f"/bytes/{8 * MB}", "GET", "Connection: close"))
            n, end = 0, time.monotonic() + seconds
            while time.monotonic() < end:
                n += len(c.recv(20000))
                time.sleep(0.02)
            rest, how = read_all(c)
            got.append((n + len(rest), how))
    up, down = [], []
    threads = [threading.Thread(target=sender, args=(up,)), threading.Thread(target=reader, args=(down,))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60 * SLOW)
    assert up and up[0].startswith(b"HTTP/1.1 200 ")
    assert down and down[0][0] > 8 * MB and down[0][1] == "end", down


def test_others_are_slow(s, o):
    """A server that drips, one that thinks for long, a client that waits for its 100: none is the client's fault."""
    pause = WINDOW / 1000 * 3.5
    settings(s, rate=1000000)
    o.on("/drip", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"] + [x for i in range(4) for x in (Pause(pause / 4), b"d")])
    o.on("/think", [Pause(pause), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    o.on("/hundred", [Pause(pause), b"HTTP/1.1 100 Continue\r\n\r\n", Pause(0.1), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    asks = {"drip": ask(o, "/drip"), "think": ask(o, "/think", "POST", "Content-Length: 3") + b"abc",
            "hundred": ask(o, "/hundred", "POST", "Content-Length: 3", "Expect: 100-continue")}
    conns = {name: connect(s) for name in asks}
    for name, c in conns.items():
        c.sendall(asks[name])
    for name, c in conns.items():
        got = b""
        while b"\r\n\r\n" not in got or got.startswith(b"HTTP/1.1 100") and got.count(b"\r\n\r\n") < 2:
            part = c.recv(65536)
            assert part, (name, got)
            got += part
            if got == b"HTTP/1.1 100 Continue\r\n\r\n":
                c.sendall(b"abc")
        assert b" 200 OK" in got, (name, got)
        c.close()


def test_a_server_that_does_not_read(s):
    """The upload stands still because the server takes nothing for a while."""
    settings(s, rate=1000000)
    body = b"w" * (24 * MB)

    def serve(listener):
        with listener.accept()[0] as c:
            time.sleep(WINDOW / 1000 * 3.5)
            got = c.recv(1 << 16)
            left = len(body) - len(got.partition(b"\r\n\r\n")[2])
            while left > 0:
                left -= len(c.recv(1 << 20)) or left
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with socket.create_server(("127.0.0.1", 0)) as listener, connect(s) as c:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        at = f"127.0.0.1:{listener.getsockname()[1]}"
        c.sendall(f"POST http://{at}/deaf HTTP/1.1\r\nHost: {at}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert c.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_our_own_bounds_do_not_count(s, o):
    """Slowed down by a bound of ours to a tenth of the least rate: it is not the client who is slow."""
    settings(s, rate=1000000, per_client={"bytes_per_second": 100000})
    began = time.monotonic()
    size = 150000 * SLOW
    r = s.get(o.url(f"/bytes/{size}"))
    assert r.status_code == 200 and len(r.content) == size
    body = b"z" * (size // 2)
    assert s.get(o.url("/echo"), method="POST", data=body).status_code == 200
    assert time.monotonic() - began > WINDOW / 1000 * 2
    settings(s)


def test_exempt_and_switched_off(s, o):
    for traffic in ({"rate": 0}, {"classes": [{"name": "far", "networks": ["127.0.0.0/8"], "exempt": True}]}):
        settings(s, **traffic)
        with connect(s) as c:
            c.sendall(ask(o, "/patience", "POST", "Content-Length: 1000000"))
            assert drip(c, WINDOW / 1000 * 3) >= WINDOW / 1000 * 3
    settings(s)


def test_tunnel_is_not_judged(s, o):
    with connect(s) as c:
        c.sendall(f"CONNECT 127.0.0.1:{o.port} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
        assert c.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert drip(c, WINDOW / 1000 * 3) >= WINDOW / 1000 * 3
