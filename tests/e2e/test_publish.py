"""Publishing under load: no request fails, and none is judged by two versions. Each version allows
exactly one path and blocks the other with its own rule, so a record that mixes two versions shows."""
import threading
import time

import requests

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.origin import Origin


def versioned(n):
    """Version n blocks /odd when n is odd, else /even, by a rule that carries its number."""
    word = "odd" if n % 2 else "even"
    rules = [{"id": f"v{n}", "name": f"version {n}", "when": {"url_patterns": [f"/{word}$"]}, "action": "block"}]
    rules += [{"id": f"f{n}-{i}", "when": {"hosts": [f"h{i}.test"]}} for i in range(50)]
    return policy(*rules)


class Load(threading.Thread):
    def __init__(self, stack, origin):
        super().__init__()
        self.stack, self.origin = stack, origin
        self.counts, self.bad, self.stop = {}, [], threading.Event()

    def run(self):
        with requests.Session() as http:
            http.trust_env = False
            http.proxies = self.stack.proxies()
            n = 0
            while not self.stop.is_set():
                word = "odd" if n % 2 else "even"
                n += 1
                try:
                    r = http.get(self.origin.url(f"/{word}"), timeout=10)
                except requests.RequestException as e:
                    self.bad.append(repr(e))
                    continue
                self.counts[r.status_code] = self.counts.get(r.status_code, 0) + 1
                if r.status_code not in (200, 403):
                    self.bad.append(f"{r.status_code} {r.text[:200]}")


def test_fifty_publishes_under_load():
    with Origin() as origin, Stack(proxy={"workers": "2"}) as s:
        for word in ("odd", "even"):
            origin.on(f"/{word}", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        s.publish(versioned(0))
        loads = [Load(s, origin) for _ in range(4)]
        for x in loads:
            x.start()
        try:
            versions = [s.publish(versioned(n), f"number {n}") for n in range(1, 51)]
        finally:
            for x in loads:
                x.stop.set()
            for x in loads:
                x.join(20)
        assert versions == list(range(versions[0], versions[0] + 50))
        assert [b for x in loads for b in x.bad] == []
        total = sum(sum(x.counts.values()) for x in loads)
        blocked = sum(x.counts.get(403, 0) for x in loads)
        assert total > 500 and 0 < blocked < total
        records = []
        cursor = None
        deadline = time.monotonic() + 20
        while len(records) < total and time.monotonic() < deadline:
            page = s.api.get("/log?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
            records += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                if len(records) >= total:
                    break
                records, cursor = [], None
                time.sleep(0.2)
        assert len(records) == total, "exactly one record a request"
        first = versions[0] - 1  # the version of versioned(0)
        for r in records:
            n = r["policy_version"] - first
            word = "odd" if n % 2 else "even"
            if r["url"].endswith(f"/{word}"):
                assert (r["verdict"], r["rule"]) == ("blocked", f"v{n}"), r
            else:
                assert (r["verdict"], r["rule"]) == ("allowed", ""), r
        ids = sorted(r["id"] for r in records)
        assert ids == list(range(ids[0], ids[0] + total)), "numbers without gaps"


def rss_kb(pid):
    return int(next(x for x in open(f"/proc/{pid}/status") if x.startswith("RssAnon")).split()[1])


def test_policy_and_index_are_swapped_under_load():
    """Every second swap is of the index: each time another one of two names is listed, so what is served tells which
    index is mapped. No request fails, and memory comes back to its level."""
    with Origin() as origin, Stack(proxy={"workers": "2"}) as s:
        for word in ("odd", "even"):
            origin.on(f"/{word}", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        many = "".join(f"host{i}.listed.test\n" for i in range(20000)).encode()

        def policy_with(n):
            document = versioned(n)
            document["rules"].insert(0, {"id": f"c{n}", "name": "listed", "when": {"categories": ["games"]}, "action": "block"})
            return document

        def list_name(n):
            raw = f"now{n % 2}.test\n".encode() + many
            job = s.api.job(s.api.call("POST", "/categories/games:import?format=plain&mode=replace", raw=raw))
            assert job["state"] == "done", job

        def listed():
            return [s.get(f"http://now{n}.test:1/").status_code == 403 for n in range(2)]

        list_name(0)
        s.publish(policy_with(0))
        loads = [Load(s, origin) for _ in range(4)]
        for x in loads:
            x.start()
        levels = []
        try:
            for n in range(1, 21):
                s.publish(policy_with(n))
                list_name(n)
                wait_until(lambda: listed() == [n % 2 == 0, n % 2 == 1], 10, "the new index")
                levels.append(rss_kb(s.worker_pid))
        finally:
            for x in loads:
                x.stop.set()
            for x in loads:
                x.join(20)
        assert [b for x in loads for b in x.bad] == []
        assert sum(sum(x.counts.values()) for x in loads) > 300
        print("resident KiB after each swap of both:", levels)
        assert SLOW > 1 or max(levels[-5:]) < max(levels[:5]) + 8 * 1024, f"memory grows by swaps: {levels}"
