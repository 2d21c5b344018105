"""Going down and changing while there is traffic: SIGTERM loses no record and no answer under way, a
second start goes on, a policy is swapped under load without one request being hurt."""
import os
import signal
import socket
import threading
import time

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.origin import Origin, Pause, reply


class Load(threading.Thread):
    """Requests on a kept connection until stopped; counts complete answers."""

    def __init__(self, s, url, pause=0):
        super().__init__(daemon=True)
        self.pause = pause
        self.s, self.url, self.answers, self.bad, self.stop = s, url, [], [], False

    def one(self, c):
        host = self.url.split("/")[2]
        c.sendall(f"GET {self.url} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        got = b""
        while b"\r\n\r\n" not in got:
            part = c.recv(65536)
            if not part:
                return None
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        n = next(int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length"))
        while len(body) < n:
            part = c.recv(65536)
            if not part:
                self.bad.append("cut")
                return None
            body += part
        return int(head.split()[1]), head

    def run(self):
        while not self.stop:
            try:
                with socket.create_connection(("127.0.0.1", self.s.proxy_port), timeout=10 * SLOW) as c:
                    while not self.stop:
                        answer = self.one(c)
                        if answer is None:
                            break
                        self.answers.append(answer)
                        time.sleep(self.pause)
            except OSError:
                time.sleep(0.02)


def run_load(s, url, n=6, pause=0):
    threads = [Load(s, url, pause) for _ in range(n)]
    for t in threads:
        t.start()
    return threads


def end(threads):
    for t in threads:
        t.stop = True
    for t in threads:
        t.join(15 * SLOW)


def test_sigterm_under_load_keeps_every_record():
    with Stack(proxy={"workers": "2"}) as s, Origin() as o:
        s.publish(policy())
        threads = run_load(s, o.url("/bytes/100"))
        wait_until(lambda: sum(len(t.answers) for t in threads) > 300, 20, "load")
        assert s.proxyd.stop() == 0
        end(threads)
        assert not any(t.bad for t in threads)
        n = sum(len(t.answers) for t in threads)
        s.start_proxyd()
        assert s.get(o.url("/bytes/7")).status_code == 200
        newest = s.log(f"url={o.url('/bytes/7')}")[0]["id"]
        total, cursor, ids = 0, "", set()
        while True:
            page = s.api.get(f"/log?limit=500&url={o.url('/bytes/100')}" + (f"&cursor={cursor}" if cursor else ""))
            total += len(page["items"])
            ids.update(i["id"] for i in page["items"])
            cursor = page.get("next_cursor")
            if not cursor:
                break
        assert total == len(ids)
        assert n <= total <= n + len(threads)  # an answer may have been under way to a client that had stopped reading
        assert newest == max(ids) + 1  # ids go on without a gap


def test_answers_under_way_are_finished():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        o.on("/slow", [b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf", Pause(1), b"done"])
        with socket.create_connection(("127.0.0.1", s.proxy_port), timeout=10 * SLOW) as c:
            c.sendall(f"GET {o.url('/slow')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
            got = b""
            while b"half" not in got:
                got += c.recv(65536)
            os.kill(s.proxyd.pid, signal.SIGTERM)
            time.sleep(0.2)
            try:
                socket.create_connection(("127.0.0.1", s.proxy_port), timeout=2).close()
                raise AssertionError("still accepting")
            except OSError:
                pass
            while b"done" not in got:
                part = c.recv(65536)
                assert part, got
                got += part
        s.proxyd.p.wait(15 * SLOW)
        assert s.proxyd.p.returncode == 0


def test_tunnels_are_cut_when_the_time_is_over():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        s.api.put("/settings/proxy", {"timeouts_ms": {"drain": 500}})
        time.sleep(1.5)
        with socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20 * SLOW) as c:
            c.sendall(f"CONNECT 127.0.0.1:{o.port} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
            assert b" 200 " in c.recv(1000)
            began = time.monotonic()
            os.kill(s.proxyd.pid, signal.SIGTERM)
            try:
                assert c.recv(1000) == b""
            except ConnectionResetError:
                pass
            assert time.monotonic() - began < 5 * SLOW
        s.proxyd.p.wait(15 * SLOW)
        s.start_proxyd()
        assert s.log("method=CONNECT")[0]["status"] == 200


def test_fifty_publishes_under_load():
    """Each policy names itself in the page of a blocked host; a page and its record must agree."""
    with Stack(proxy={"workers": "2"}) as s, Origin() as o:
        def numbered(n):
            return policy({"id": f"rule-{n}", "when": {"hosts": ["blocked.test"]}, "message": f"policy {n}"})

        s.publish(numbered(0))
        loads = run_load(s, o.url("/bytes/50"), 3) + run_load(s, "http://blocked.test/", 2, 0.02)
        for n in range(1, 51):
            s.publish(numbered(n))
        wait_until(lambda: all(len(t.answers) > 20 for t in loads), 20, "load")
        end(loads)
        assert not any(t.bad for t in loads)
        assert all(status == 200 for t in loads[:3] for status, _ in t.answers)
        assert all(status == 403 for t in loads[3:] for status, _ in t.answers)
        versions = {}
        for item in s.log("host=blocked.test&limit=500"):
            versions.setdefault(item["policy_version"], set()).add(item["rule"])
        assert len(versions) > 3 and all(len(rules) == 1 for rules in versions.values()), versions
        assert s.proxyd.alive()


def test_sighup_reloads_and_listeners_stay():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        with socket.create_connection(("127.0.0.1", s.proxy_port), timeout=10 * SLOW) as c:
            for _ in range(3):
                c.sendall(f"GET {o.url('/bytes/3')} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
                got = b""
                while b"\r\n\r\n" not in got:
                    got += c.recv(1000)
                os.kill(s.proxyd.pid, signal.SIGHUP)
                time.sleep(0.2)
        assert s.proxyd.alive()


def test_without_a_policy_it_says_so():
    with Stack(start=False) as s:
        s.start_proxyd()
        r = s.get("http://origin.test/")
        assert r.status_code == 503 and "No policy has been published yet" in r.text and "Retry-After" in r.headers
        s.start_adminui()
        s.log_in()
        s.publish(policy())
        with Origin() as o:
            o.on("/x", reply(200, b"now"))
            assert wait_until(lambda: s.get(o.url("/x")).content == b"now", 10, "policy is picked up")
