"""Twenty clients without manners against a server without manners, policies changing meanwhile. Then
everything is back to nothing: no connection, request, tunnel or old policy left, one record a request."""
import os
import random
import socket
import threading
import time

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.origin import CLOSE, RESET, Origin, Pause, reply

SECONDS = float(os.environ.get("CHAOS_SECONDS", "6"))


def answers(rng):
    body = os.urandom(rng.choice([0, 1, 1000, 20000, 300000]))
    whole = reply(200, body)
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body) + 1, body + b"!")
    return rng.choice([
        [whole], [whole], [whole], [chunks], [chunks], [whole[:max(20, len(whole) // 2)], rng.choice([CLOSE, RESET])],
        [chunks[:-3], CLOSE], [Pause(rng.random()), whole], [b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * rng.randint(1, 40), whole],
        [CLOSE], [RESET], [b"HTTP/1.0 200 OK\r\n\r\n" + body, CLOSE], [whole + b"surplus"], [b"garbage\r\n\r\n", CLOSE],
        [reply(200, body, [("Content-Type", "application/x-msdownload")])],
        [b"HTTP/1.1 200 OK\r\nContent-Le", Pause(rng.random()), CLOSE]])


def requests_of(rng, o):
    host = f"Host: 127.0.0.1:{o.port}\r\n".encode()
    url = o.url("/x").encode()
    get = b"GET " + url + b" HTTP/1.1\r\n" + host + b"\r\n"
    post = b"POST " + url + b" HTTP/1.1\r\n" + host
    connect = b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % o.port + host + b"\r\n"
    data = rng.choice([
        get * rng.randint(1, 3), get * rng.randint(1, 3), get,
        post + b"Content-Length: 50000\r\n\r\n" + b"x" * rng.choice([0, 100, 50000]),
        post + b"Transfer-Encoding: chunked\r\n\r\n" + rng.choice([b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhel", b"zz\r\n"]),
        connect, connect + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", connect + b"junk",
        b"GET http://blocked.test/ HTTP/1.1\r\nHost: blocked.test\r\n\r\n", b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
        b"GET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n", b"BAD\r\n\r\n", b"GET http://nx.test/ HTTP/1.0\r\n\r\n"])
    return data[:rng.randint(0, len(data))] if rng.random() < 0.2 else data


def client(s, o, seed, until):
    rng = random.Random(seed)
    while time.monotonic() < until:
        try:
            c = socket.create_connection(("127.0.0.1", s.proxy_port), timeout=3)
            for _ in range(rng.randint(1, 4)):
                c.sendall(requests_of(rng, o))
                c.settimeout(0.01 + rng.random())
                try:
                    for _ in range(rng.choice([0, 1, 20])):
                        if not c.recv(rng.choice([10, 65536])):
                            break
                except (TimeoutError, socket.timeout):
                    pass
            if rng.random() < 0.2:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            if rng.random() < 0.2:
                c.shutdown(socket.SHUT_WR)
                time.sleep(0.05)
            c.close()
        except OSError:
            pass


def test_nothing_is_left_behind():
    with Stack(proxy={"workers": "2", "resolvers": "127.0.0.1:9"}) as s, Origin() as o:
        def document(n):
            return policy({"id": f"b{n}", "when": {"hosts": ["blocked.test"]}},
                          {"id": "exe", "when": {"content_types": ["application/x-msdownload"]}})

        s.publish(document(0))
        s.api.put("/settings/proxy", {"timeouts_ms": {"head": 600, "idle": 800, "connect": 800, "answer": 700, "body": 600,
                                                      "tunnel": 900, "reply": 500, "pool": 700, "resolve": 700}})
        rng = random.Random(4)
        o.on(None, lambda r: answers(rng))
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=client, args=(s, o, i, until)) for i in range(20)]
        for t in threads:
            t.start()
        n = 0
        while time.monotonic() < until:
            n += 1
            s.publish(document(n))
            time.sleep(0.3)
        for t in threads:
            t.join(60 * SLOW)

        def quiet():
            now = s.api.get("/status")["proxyd"]["status"]
            gauges = ("clients", "requests", "tunnels", "idle_upstreams", "old_policies")
            return now if all(w[g] == 0 for w in now["workers"] for g in gauges) and now["log"]["lag_bytes"] == 0 else None

        now = wait_until(quiet, 15, "all is over")
        assert now["counters"]["open"] == 0 and now["counters"]["tunnels"] == 0 and now["counters"]["records_lost"] == 0
        assert now["counters"]["requests"] == now["log"]["written"] == now["log"]["last_id"] > 50
        assert len(os.listdir(f"/proc/{s.worker_pid}/fd")) < 64
        s.publish(document(n + 1))
        with Origin() as calm:
            assert s.get(calm.url("/bytes/3")).status_code == 200
