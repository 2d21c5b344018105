"""What the forwarding path must not do, counted in the real binary: calls of the heap and of locks in steady state; that a record is
there before its client has the whole answer; and what happens when memory or descriptors are missing."""
import base64
import os
import resource
import signal
import socket
import threading
import time

import pytest
import requests

from lib.daemons import SLOW, Process, Stack, policy, wait_until
from lib.origin import Origin
from lib.shim import Shim

pytestmark = pytest.mark.skipif(os.environ.get("MODE", "release") != "release", reason="a sanitizer has a heap of its own")
OK = b"HTTP/1.1 200 OK\r\nX-Pad: " + b"p" * 90 + b"\r\nContent-Length: 10\r\n\r\n0123456789"


@pytest.fixture(scope="module")
def shim():
    with Shim() as x:
        yield x


@pytest.fixture(scope="module")
def s(shim):
    named = {"id": "who", "when": {"url_patterns": ["/named"], "users": ["alice"]}, "action": "allow"}
    with Stack(env=shim.env) as stack:
        stack.publish(policy({"id": "b", "when": {"hosts": ["blocked.test"]}}, {"id": "p", "when": {"url_patterns": ["/never/"]}}, named,
                             {"id": "else", "when": {"url_patterns": ["/named"]}}))
        stack.add_user("alice", "correct horse 1")
        yield stack


class Server:
    """Answers every request with the same bytes, fast; keeps connections."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()
        except OSError:
            pass

    def serve(self, c):
        got = b""
        try:
            while part := c.recv(65536):
                got += part
                while b"\r\n\r\n" in got:
                    got = got.partition(b"\r\n\r\n")[2]
                    c.sendall(OK)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.fixture()
def o():
    with Server() as server:
        yield server


def connect(s):
    return socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20)


def head(o, path="/", *fields, method="GET"):
    at = f"127.0.0.1:{o.port}"
    target = at if method == "CONNECT" else f"http://{at}{path}"
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {at}", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) test", *fields, "", ""]).encode()


def one(c, request, end=b"0123456789"):
    c.sendall(request)
    got = b""
    while not got.endswith(end):
        part = c.recv(65536)
        assert part, got
        got += part
    return got


def kept(s, o, n, *fields, path="/"):
    with connect(s) as c:
        for _ in range(n):
            one(c, head(o, path, *fields))


def fresh(s, o, n):
    for _ in range(n):
        with connect(s) as c:
            one(c, head(o, "/", "Connection: close"))
            assert c.recv(1) == b""


def tunnels(s, o, n):
    for _ in range(n):
        with connect(s) as c:
            one(c, head(o, method="CONNECT"), b"\r\n\r\n")
            one(c, b"GET / HTTP/1.1\r\n\r\n")


def cost(shim, what, n=200):
    """Calls of heap, locks and files per request, once all is warm; the rare ones of the loop itself are rounded away."""
    what(50)
    before = shim.counts()
    what(n)
    time.sleep(0.05)
    after = shim.counts()
    assert after["sends"] - before["sends"] >= n
    return {k: round((after[k] - before[k]) / n, 1) for k in ("allocs", "frees", "locks", "writes")}


NOTHING = {"allocs": 0, "frees": 0, "locks": 0, "writes": 0}


def test_kept_connection(s, o, shim):
    assert cost(shim, lambda n: kept(s, o, n)) == NOTHING


def test_new_connections(s, o, shim):
    assert cost(shim, lambda n: fresh(s, o, n)) == NOTHING


def test_tunnels(s, o, shim):
    assert cost(shim, lambda n: tunnels(s, o, n)) == NOTHING


def test_a_person_known_already(s, o, shim):
    """The answer to his name and password is remembered by the connection; now and then all workers' memory is asked, under a lock."""
    who = "Proxy-Authorization: Basic " + base64.b64encode(b"alice:correct horse 1").decode()
    wait_until(lambda: s.get(f"http://127.0.0.1:{o.port}/named", user=("alice", "correct horse 1")).status_code == 200, 20, "alice")
    assert cost(shim, lambda n: kept(s, o, n, who, path="/named")) == NOTHING


def test_with_bounds(s, o, shim):
    s.api.put("/settings/proxy", {"traffic": {"per_client": {"requests_per_second": 100000, "concurrent_requests": 1000, "tunnels": 1000},
                                              "total": {"concurrent_requests": 10000}}})
    try:
        assert cost(shim, lambda n: kept(s, o, n)) == NOTHING
        assert cost(shim, lambda n: tunnels(s, o, n)) == NOTHING
    finally:
        s.api.put("/settings/proxy", {})


def test_sends_are_put_together(s, o, shim):
    """Head and body go in one call, in both directions."""
    kept(s, o, 20)
    time.sleep(0.05)
    before = shim.sends
    kept(s, o, 100)
    time.sleep(0.05)
    assert shim.sends - before == 200


def test_idle_connections_hold_no_buffer(s, o):
    """Kept clients and tunnels that rest: none of the worker's buffers is out; bytes that nobody takes hold one."""
    held = []
    for i in range(60):
        c = connect(s)
        if i % 2:
            one(c, head(o))
        else:
            one(c, head(o, method="CONNECT"), b"\r\n\r\n")
            one(c, b"GET / HTTP/1.1\r\n\r\n")
        held.append(c)

    def buffers():
        worker = s.api.get("/status")["proxyd"]["status"]["workers"][0]
        return worker["buffers"] if worker["clients"] >= 60 else None
    wait_until(lambda: buffers() == 0, 10, "no buffer is out")
    held[1].sendall(b"GET http://half.a.head/ HTTP/1.1\r\nX: ")
    wait_until(lambda: buffers() == 1, 10, "one is")
    for c in held:
        c.close()


# --- killed right behind the last byte -------------------------------------------------------------------------------------------


def until_killed(s, shim, act):
    """The process dies right behind the send that act lets it do; what act gives. The next one serves then."""
    pid = s.worker_pid
    time.sleep(2.1)  # a process that dies young is started after a pause
    shim.set(kill_behind=1)
    try:
        got = act()
    finally:
        shim.set(kill_behind=0)
    wait_until(lambda: s.worker_pid != pid, 10, "the next process")
    wait_until(lambda: s.api.get("/status")["proxyd"]["running"], 10, "control")
    return got


def everything(c):
    got = b""
    try:
        while part := c.recv(65536):
            got += part
    except OSError:
        pass
    return got


def test_killed_behind_a_page(s, o, shim):
    def act():
        with connect(s) as c:
            c.sendall(b"GET http://blocked.test/killed HTTP/1.1\r\nHost: blocked.test\r\n\r\n")
            return everything(c)
    assert until_killed(s, shim, act).startswith(b"HTTP/1.1 403 ")
    assert len(s.log("url=*/killed")) == 1


def test_killed_behind_an_answer(s, o, shim):
    """The first send goes to the server: the second is the answer."""
    def act():
        with connect(s) as c:
            shim.set(kill_behind=2)
            c.sendall(head(o, "/killed-answer"))
            return everything(c)
    assert until_killed(s, shim, act).endswith(b"0123456789")
    record = s.log("url=*/killed-answer")
    assert len(record) == 1 and record[0]["status"] == 200 and record[0]["bytes_out"] > 10


def test_killed_behind_a_large_answer(s, shim):
    """Megabytes through a pipe, at every send of them: whoever got all of it has a record, with all its bytes."""
    size = 900000
    with Origin() as o:
        for n in (2, 3, 4, 5, 6, 8, 12):
            def act():
                with connect(s) as c:
                    shim.set(kill_behind=n)
                    c.sendall(f"GET {o.url(f'/bytes/{size}')}?{n}- HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\nConnection: close\r\n\r\n".encode())
                    return everything(c)
            pid = s.worker_pid
            got = act()
            shim.set(kill_behind=0)
            if len(got.partition(b"\r\n\r\n")[2]) == size:
                record = s.log(f"url=*{n}-", seconds=20)
                assert len(record) == 1 and record[0]["bytes_out"] == len(got), (n, record)
            if len(got) < size or s.worker_pid != pid:
                wait_until(lambda: s.worker_pid != pid, 10, "the next process")
                wait_until(lambda: s.api.get("/status")["proxyd"]["running"], 10, "control")


def test_killed_behind_a_refusal_at_the_door(s, o, shim):
    s.api.put("/settings/proxy", {"limits": {"clients": 1}})
    try:
        with connect(s) as held:
            one(held, head(o))

            def act():
                with connect(s) as c:
                    return everything(c)
            before = len(s.api.get("/log?error=connection_limit_reached")["items"])
            assert until_killed(s, shim, act).startswith(b"HTTP/1.1 503 ")
            assert len(s.log("error=connection_limit_reached", before + 1)) == before + 1
    finally:
        s.api.put("/settings/proxy", {})


def test_a_record_that_was_made_too_early_is_taken_back(s, o, shim):
    """The last bytes are in hand and the client takes only 100 of them, then it is gone: the record tells that, and there is one."""
    for path, n in (("/taken-back", 2), ("/page-taken-back", 1)):
        request = head(o, path) if n == 2 else f"GET http://blocked.test{path} HTTP/1.1\r\nHost: blocked.test\r\n\r\n".encode()
        with connect(s) as c:
            shim.set(short_at=n)
            c.sendall(request)
            got = b""
            while len(got) < 100:
                got += c.recv(1000)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        records = s.log(f"url=*{path}")
        assert len(records) == 1 and records[0]["error"] == "client_closed" and records[0]["bytes_out"] == len(got), records
    ids = [r["id"] for r in s.api.get("/log?limit=1000")["items"]]
    assert ids == list(range(ids[0], ids[0] - len(ids), -1))


# --- too little of everything ----------------------------------------------------------------------------------------------------


def gauges_are_zero(s):
    now = s.api.get("/status")["proxyd"]["status"]
    return all(w[g] == 0 for w in now["workers"] for g in ("clients", "requests", "tunnels"))


def crowd(s, o, seconds, n=12):
    """Clients that ask and build tunnels until the time is over; what they got."""
    end, seen, lock = time.monotonic() + seconds, {}, threading.Lock()

    def run(i):
        k = i
        while time.monotonic() < end:
            k += 1
            what = b""
            try:
                with connect(s) as c:
                    if k % 3 == 0:
                        c.sendall(head(o, method="CONNECT"))
                        what = c.recv(65536)
                        if b" 200 " in what[:20]:
                            c.sendall(b"GET / HTTP/1.1\r\n\r\n")
                            what = c.recv(65536)
                    elif k % 3 == 1:
                        c.sendall(head(o, "/", "Connection: close", "X-Long: " + "y" * 30000))
                        what = everything(c)
                    else:
                        c.sendall(b"POST http://blocked.test/ HTTP/1.1\r\nHost: blocked.test\r\nContent-Length: 3000\r\n\r\n" + b"z" * 3000)
                        what = c.recv(65536)
            except OSError:
                pass
            with lock:
                seen[what[9:12]] = seen.get(what[9:12], 0) + 1
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(seconds + 30)
    assert not any(t.is_alive() for t in threads)
    return seen


@pytest.mark.parametrize("everywhere", [0, 1], ids=["in-loops", "everywhere"])
def test_memory_fails_now_and_then(s, o, shim, everywhere):
    """One allocation in a few fails, in the loops or in every thread: some requests fail with 503 or a closed connection, nothing
    crashes, nothing hangs, it is told, and all is as before when there is memory again."""
    pid = s.worker_pid
    before = shim.failed
    shim.set(fail_every=7 if not everywhere else 50, fail_all=everywhere)
    try:
        seen = crowd(s, o, 3)
    finally:
        shim.set(fail_every=0, fail_all=0)
    assert shim.failed > before + 20, "nothing failed: nothing was tried"
    assert set(seen) <= {b"200", b"403", b"503", b"408", b""}, seen
    assert s.worker_pid == pid and s.proxyd.alive(), s.proxyd.output()[-3000:]
    after = crowd(s, o, 1)
    assert set(after) == {b"200", b"403"}, after
    wait_until(lambda: gauges_are_zero(s), 10, "nothing is left open")


def test_address_space_is_used_up(s, o):
    """The real thing: no more memory for the process. Clients who need much are refused, the others are served; it is seen; it mends."""
    pid = s.worker_pid
    size = int(open(f"/proc/{pid}/statm").read().split()[0]) * resource.getpagesize()
    soft, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (size + (1 << 20), hard))
    held = []
    try:
        for _ in range(1500):  # each a head that is not complete: a buffer and a request
            c = connect(s)
            c.sendall(b"GET http://x.test/ HTTP/1.1\r\nX: ")
            held.append(c)
        assert wait_until(lambda: s.api.get("/status")["proxyd"]["status"]["counters"]["short_memory"], 10, "it is counted")
        wait_until(lambda: "short-of-resources" in [w["code"] for w in s.api.get("/status")["warnings"]], 10, "it is told")
    finally:
        resource.prlimit(pid, resource.RLIMIT_AS, (soft, hard))
        for c in held:
            c.close()
    assert s.worker_pid == pid
    with connect(s) as c:
        one(c, head(o))
    wait_until(lambda: gauges_are_zero(s), 10, "nothing is left open")
    assert "out of descriptors or memory" in s.proxyd.output()


def test_memory_of_what_runs_is_bounded(s, o):
    """Heads that never end fill what there may be: the next ones get 503 at once and a record, who was in is served, the rest are
    welcome as soon as there is room."""
    s.api.put("/settings/proxy", {"limits": {"memory_mb": 2}})
    held = []
    try:
        before = len(s.api.get("/log?error=memory_limit&limit=1000")["items"])
        for i in range(120):
            c = connect(s)
            c.sendall(head(o)[:-2] + b"X-Never-Ends: ")
            held.append(c)
        time.sleep(0.2)
        refused = [c for c in held if answered(c)]
        assert 30 < len(refused) < 110, len(refused)
        assert all(everything(c).startswith(b"HTTP/1.1 503 ") for c in refused)
        assert len(s.log("error=memory_limit&limit=1000", before + len(refused))) == before + len(refused)
        staying = next(c for c in held if c not in refused)
        one(staying, b"now it does\r\n\r\n")
        for c in held:
            c.close()
        wait_until(lambda: gauges_are_zero(s), 10, "they are gone")
        kept(s, o, 3)
        assert s.api.get("/status")["proxyd"]["status"]["counters"]["limited_memory"] >= len(refused)
    finally:
        s.api.put("/settings/proxy", {})
        for c in held:
            c.close()


def answered(c):
    c.setblocking(False)
    try:
        return c.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return False
    finally:
        c.setblocking(True)
        c.settimeout(20)


def test_few_descriptors(o):
    """A small table: clients beyond it get 503 at once and a record, the last descriptors are for the servers of those who are in."""
    with Stack(limits={resource.RLIMIT_NOFILE: (200, 200)}) as s:
        s.publish(policy())
        held, refused = [], 0
        for _ in range(220):
            c = connect(s)
            c.setblocking(False)
            held.append(c)
        time.sleep(0.3)
        for c in held:
            try:
                refused += c.recv(1000).startswith(b"HTTP/1.1 503 ")
            except BlockingIOError:
                pass
        assert 30 < refused < 120, refused
        standing = next(c for c in held if still_open(c))
        standing.settimeout(20)
        one(standing, head(o))  # who is in is served
        records = s.log("error=connection_limit_reached&limit=500", refused)
        assert len(records) == refused
        status = s.api.get("/status")
        assert status["proxyd"]["status"]["counters"]["short_descriptors"] >= refused
        wait_until(lambda: "short-of-resources" in [w["code"] for w in s.api.get("/status")["warnings"]], 10, "it is told")
        for c in held:
            c.close()
        wait_until(lambda: gauges_are_zero(s), 10, "they are gone")
        assert s.get(f"http://127.0.0.1:{o.port}/").status_code == 200


def still_open(c):
    try:
        return c.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


# --- a queue that stands ---------------------------------------------------------------------------------------------------------


def test_requests_that_wait_too_long_are_shed(s, o):
    """The process gets so little of the processor that everybody waits: after a second 503 with Retry-After, told and recorded; as
    soon as it runs freely again everybody is served."""
    s.api.put("/settings/proxy", {"traffic": {"total": {"queue_delay_ms": 60}}})
    stop, seen = threading.Event(), []

    def client():
        with connect(s) as c:
            while not stop.is_set():
                c.sendall(head(o))
                got = c.recv(65536)
                while b"\r\n\r\n" in got and len(got.partition(b"\r\n\r\n")[2]) < int(got.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
                    got += c.recv(65536)
                seen.append(got)
    threads = [threading.Thread(target=client) for _ in range(4)]
    pid = s.worker_pid
    try:
        for t in threads:
            t.start()
        end = time.monotonic() + 10
        while time.monotonic() < end and not any(x.startswith(b"HTTP/1.1 503 ") for x in seen):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.15)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.002)
        refused = [x for x in seen if x.startswith(b"HTTP/1.1 503 ")]
        assert refused and all(b"Retry-After: 5\r\n" in x and b"queue_delay" in x for x in refused)
        time.sleep(0.3)
        n = len(seen)
        time.sleep(0.5)
        assert len(seen) > n + 50 and all(x.startswith(b"HTTP/1.1 200 ") for x in seen[n:])
    finally:
        stop.set()
        for t in threads:
            t.join(20)
        s.api.put("/settings/proxy", {})
    records = s.log("error=queue_delay")
    assert records[0]["verdict"] == "refused" and records[0]["status"] == 503
    assert s.api.get("/status")["proxyd"]["status"]["counters"]["limited_queue_delay"] >= len(refused)


def test_a_stuck_worker_is_noticed(o):
    """One of two loops stops turning, the process is alive otherwise: it ends itself, the next one serves."""
    with Shim() as shim, Stack(env=shim.env, proxy={"workers": "2", "watchdog": "2"}) as s:
        s.publish(policy())
        pid = s.worker_pid
        for _ in range(8):
            assert s.get(f"http://127.0.0.1:{o.port}/").status_code == 200
        shim.set(hang=1)
        try:
            wait_until(lambda: "a worker is stuck" in s.proxyd.output(), 10, "it is noticed")
        finally:
            shim.set(hang=0)
        wait_until(lambda: s.worker_pid != pid, 10, "the next process")
        wait_until(lambda: s.api.get("/status")["proxyd"]["running"], 10, "control")
        for _ in range(8):
            assert s.get(f"http://127.0.0.1:{o.port}/").status_code == 200
