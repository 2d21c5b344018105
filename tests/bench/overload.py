#!/usr/bin/env python3
"""More than the proxy can or may do: what passes, what is refused, and what it costs.

    overload.py BUILD [--short]      environment: SECS=4 TOOLS=../shared/tools

saturation  1.5 times what proxy and machine can do, kept connections and new ones: what passes stays near the peak, nothing fails
bound       a server that takes 100 ms, total.concurrent_requests 100, 1.5 times what that allows: the rest gets 503 at once
flood       one client as fast as it can, another one 40 a second: the quiet one never notices
attempts    20,000 connection attempts on a full proxy: all 503, memory stays
Prints a table and one JSON line a row; ends with 1 when a row misses what it must show (the numbers stand in `checks`)."""
import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time

options = argparse.ArgumentParser()
options.add_argument("build", nargs="?", default=None)
options.add_argument("--short", action="store_true")
options = options.parse_args()
sys.argv = sys.argv[:1] + ([options.build] if options.build else [])

import bench  # noqa: E402

os.environ["BUILD"] = bench.BUILD
sys.path.insert(0, f"{bench.HERE}/../e2e")
from lib.daemons import Stack, policy  # noqa: E402

SECS = 1.0 if options.short else float(os.environ.get("SECS", 4))
ATTEMPTS = 4000 if options.short else 20000
SLOW_MS, TOTAL = 100, 100
rows, missed = [], []


class SlowServer:
    """Answers every request after SLOW_MS, any number at once."""

    def __init__(self):
        self.loop, self.port = asyncio.new_event_loop(), None
        ready = threading.Event()
        threading.Thread(target=self.run, args=(ready,), daemon=True).start()
        ready.wait()

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(SLOW_MS / 1000)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def first(pid=0):
    """This one goes before everybody else on the processors, as if it had its own."""
    try:
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(10))
    except PermissionError:
        pass


def load(pxload, s, mode, url, *more, secs=SECS, warm=0.3):
    argv = [pxload, mode, "-x", f"127.0.0.1:{s.proxy_port}", "-u", url, "-d", f"{secs:g}", "-w", f"{warm:g}", "-p", str(s.worker_pid), *map(str, more)]
    r = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(r.stdout)


def good(j):
    return j["status"].get("200", 0) / j["secs"]


def anon_kib(pid):
    return int(next(x for x in open(f"/proc/{pid}/status") if x.startswith("RssAnon")).split()[1])


def row(what, j, **checks):
    """checks: name=(is it so, what was measured)."""
    errors = {k: v for k, v in j["errors"].items() if v}
    out = {"bench": "overload", "what": what, "good_per_s": round(good(j)), "status": j["status"], "errors": errors, "p99_us": j["lat_us"]["p99"],
           "cpu_us_per_request": round(j.get("proxy_cpu_us_per_req", 0), 1), "checks": {k: v for k, (_, v) in checks.items()}}
    rows.append(out)
    missed.extend(f"{what}: {k}: {v}" for k, (ok, v) in checks.items() if not ok)
    print(f"| {what} | {good(j):,.0f} | {j['status']} | {errors or ''} | {j['lat_us']['p99'] / 1000:.1f} ms | {out['cpu_us_per_request']} | {out['checks'] or ''} |", flush=True)
    return j


def settings(s, limits=None, **traffic):
    s.api.put("/settings/proxy", {"limits": limits or {}, "traffic": traffic})


def only(j, *statuses):
    return not any(j["errors"].values()) and set(j["status"]) <= set(statuses), {"status": j["status"], "errors": j["errors"]}


def saturation(pxload, s, origin):
    """The best of two runs each, in turn, since others may work on this machine."""
    url = f"http://127.0.0.1:{origin}/1k"
    for mode, name, clients in (("get", "kept connections", 256), ("getnew", "new connections", 128)):
        peaks, overs = [], []
        for _ in range(1 if options.short else 3):
            peaks.append(load(pxload, s, mode, url, "-c", clients, "-S", 20))
            overs.append(load(pxload, s, mode, url, "-c", clients * 3 // 2, "-R", round(good(peaks[-1]) * 1.5), "-S", 20))
        peak, over = max(peaks, key=good), max(overs, key=good)
        ratio = good(over) / good(peak)
        row(f"{name}, {clients} clients, all they can", peak)
        row(f"{name}, {clients * 3 // 2} clients, 1.5 times as much", over, of_peak=(ratio >= (0.3 if options.short else 0.9), round(ratio, 3)),
            planned=only(over, "200"))


def bound(pxload, s):
    slow = SlowServer()
    settings(s, total={"concurrent_requests": TOTAL})
    may = TOTAL * 1000 / SLOW_MS
    j = load(pxload, s, "get", f"http://127.0.0.1:{slow.port}/", "-c", 400, "-R", round(may * 1.5), "-S", 100, secs=max(SECS, 2))
    refused = j["status"].get("503", 0) / j["secs"]
    row("a bound of 100 at once, 1.5 times as many", j, of_bound=(good(j) >= (0.3 if options.short else 0.85) * may, round(good(j) / may, 3)),
        planned=only(j, "200", "503"), refused_per_s=(refused > 0, round(refused)))
    assert s.log("error=total_requests") or s.log("error=client_share")
    settings(s)


def flood(pxload, s, origin):
    url = f"http://127.0.0.1:{origin}/1k"
    settings(s, per_client={"requests_per_second": 200, "burst": 200})
    alone = row("a quiet client alone", load(pxload, s, "get", url, "-c", 4, "-R", 40))
    argv = [pxload, "get", "-x", f"127.0.0.1:{s.proxy_port}", "-u", url, "-c", "500", "-S", "1", "-d", f"{SECS + 2:g}", "-p", str(s.worker_pid)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as p:
        time.sleep(0.7)
        quiet = subprocess.run([pxload, "get", "-x", f"127.0.0.1:{s.proxy_port}", "-u", url, "-c", "4", "-R", "40", "-S", "3", "-d", f"{SECS:g}", "-w", "0"],
                               stdout=subprocess.PIPE, text=True, check=True, preexec_fn=first)
        flooding = json.loads(p.communicate()[0])
    quiet = json.loads(quiet.stdout)
    p99 = quiet["lat_us"]["p99"]
    row("the quiet one during the flood", quiet, all_pass=only(quiet, "200"), p99_ms=(p99 <= max((250 if options.short else 100) * 1000, 4 * alone["lat_us"]["p99"]), round(p99 / 1000, 1)))
    row("the flood itself", flooding, planned=only(flooding, "200", "429"), passed_per_s=(good(flooding) <= 300, round(good(flooding))),
        cheaper_than_a_request=(True, round(flooding.get("proxy_cpu_us_per_req", 0) / max(alone.get("proxy_cpu_us_per_req", 1), 0.1), 2)))
    settings(s)


def attempts(pxload, s, origin):
    url = f"http://127.0.0.1:{origin}/1k"
    settings(s, limits={"clients": 200})
    with subprocess.Popen([pxload, "hold", "-x", f"127.0.0.1:{s.proxy_port}", "-u", url, "-c", "200", "-d", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as held:
        time.sleep(1)
        try:
            load(pxload, s, "getnew", url, "-c", 16, "-S", 20, "-n", ATTEMPTS // 4, secs=60, warm=0)
            before = anon_kib(s.worker_pid)
            j = load(pxload, s, "getnew", url, "-c", 16, "-S", 20, "-n", ATTEMPTS, secs=60, warm=0)
            grown = anon_kib(s.worker_pid) - before
        finally:
            held.terminate()
    row(f"{ATTEMPTS:,} attempts on a full proxy", j, all_503=only(j, "503"), grown_kib=(grown <= 1024, grown))
    settings(s)


def main():
    os.makedirs(bench.WORK, exist_ok=True)
    pxload = bench.make_pxload()
    origin = bench.free_ports(2)
    first(bench.start_origin(origin))
    if bench.MANY:
        os.sched_setaffinity(0, {1})
    with Stack() as s:
        s.publish(policy())
        if bench.MANY:
            subprocess.run(["taskset", "-a", "-p", "-c", "0", str(s.worker_pid)], stdout=subprocess.DEVNULL, check=True)
        print("| what | passed a second | answers | errors | p99 | CPU us a request | |\n|---|---|---|---|---|---|---|", flush=True)
        saturation(pxload, s, origin)
        bound(pxload, s)
        flood(pxload, s, origin)
        attempts(pxload, s, origin)
        shed = s.api.get("/status")["proxyd"]["status"]["counters"]
        assert shed["records_lost"] == 0
    print()
    for r in rows:
        print(json.dumps(r))
    for m in missed:
        print(f"missed: {m}", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
