#!/usr/bin/env python3
"""Swapping policy and index under load, beside Squid's reload of the same names.

    swap.py BUILD [SWAPS]            default 100; environment: SECS=5 RATE=1500 NAMES=200000 PAUSE=0.5 TOOLS=../shared/tools

A paced load (a request counts from the moment it was due) runs before, while and after the policy (one pattern of a
thousand changed) and the category index (one name more) are swapped in turn, PAUSE seconds between two: requests that failed, p99, memory. Generator and
origin stand for other machines: they run at real-time priority where that is permitted (else their own waiting is in the figures).
Squid reads the same names again on SIGHUP. Prints a table and one JSON line a row."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

import bench
import lists

os.environ["BUILD"] = bench.BUILD
sys.path.insert(0, f"{bench.HERE}/../e2e")
from lib.daemons import Stack  # noqa: E402

SWAPS = int(sys.argv[2]) if len(sys.argv) > 2 else 100
SECS, RATE, NAMES = float(os.environ.get("SECS", 5)), os.environ.get("RATE", "1500"), int(os.environ.get("NAMES", 200_000))
PAUSE = float(os.environ.get("PAUSE", 0.5))


def children(pid):
    return [int(x) for x in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def load(pxload, port, origin, secs=SECS):
    r = subprocess.run([pxload, "get", "-x", f"127.0.0.1:{port}", "-u", f"http://origin.test:{origin}/1k", "-c", "32", "-R", RATE, "-d", f"{secs:g}", "-w", "0.5"],
                       stdout=subprocess.PIPE, text=True, check=True, preexec_fn=lambda: bench.first([0]))
    return json.loads(r.stdout)


def failed(j):
    return sum(j["errors"].values()) + sum(n for s, n in j["status"].items() if s != "200")


def rss_mib(pid):  # what is its own: mapped files (index, journal) come and go by the kernel
    return int(next(x for x in open(f"/proc/{pid}/status") if x.startswith("RssAnon")).split()[1]) / 1024


def during(pxload, port, origin, work):
    """Runs of the load until `work` is done; all of them."""
    runs, t = [], threading.Thread(target=work)
    t.start()
    while t.is_alive():
        runs.append(load(pxload, port, origin))
    t.join()
    return runs


def row(name, what, runs, memory, swaps=0):
    p99 = sorted(j["lat_us"]["p99"] for j in runs)[len(runs) // 2]
    out = {"bench": "swap", "proxy": name, "what": what, "swaps": swaps, "requests": sum(j["requests"] for j in runs), "failed": sum(failed(j) for j in runs),
           "p99_us": p99, "max_us": max(j["lat_us"]["max"] for j in runs), "rss_mib": round(memory, 1)}
    print(f"| {name} | {what} | {swaps} | {out['requests']:,} | {out['failed']} | {p99 / 1000:.2f} ms | {out['max_us'] / 1000:.1f} ms | {memory:.0f} MiB |", flush=True)
    return out


def proxyd_rows(pxload, origin, dns, files):
    document = json.load(open(files["policy.json"]))
    names = "\n".join(files["names"]).encode() + b"\n"
    out = []
    with Stack(proxy={"resolvers": f"127.0.0.1:{dns}"}) as s:
        def import_names(n):
            job = s.api.job(s.api.call("POST", "/categories/names:import?format=plain&mode=replace", raw=f"swap{n}.test\n".encode() + names))
            assert job["state"] == "done", job

        def swap():
            for n in range(SWAPS // 2):
                document["rules"][-1]["when"] = {"url_patterns": [f"/swapped/{n}/[0-9]+$"]}
                s.publish(document)
                time.sleep(PAUSE)
                import_names(n + 1)
                time.sleep(PAUSE)

        import_names(0)
        s.publish(document)
        load(pxload, s.proxy_port, origin, 2)
        pid = s.worker_pid
        out.append(row("proxyd", "before", [load(pxload, s.proxy_port, origin) for _ in range(3)], rss_mib(pid)))
        out.append(row("proxyd", "swapping", during(pxload, s.proxy_port, origin, swap), rss_mib(pid), SWAPS))
        time.sleep(2)
        out.append(row("proxyd", "after", [load(pxload, s.proxy_port, origin) for _ in range(3)], rss_mib(pid)))
    return out


def squid_rows(pxload, origin, files):
    squid = bench.Squid(bench.free_ports(10), "policy", files, None)
    out = []

    def reload():
        for _ in range(3):
            os.kill(squid.pid, signal.SIGHUP)
            time.sleep(SECS)

    try:
        load(pxload, squid.port, origin, 2)
        out.append(row("squid", "before", [load(pxload, squid.port, origin) for _ in range(3)], rss_mib(squid.pid)))
        out.append(row("squid", "reloading", during(pxload, squid.port, origin, reload), rss_mib(squid.pid), 3))
        out.append(row("squid", "after", [load(pxload, squid.port, origin) for _ in range(3)], rss_mib(squid.pid)))
    finally:
        bench.end(squid.pid)
    return out


def main():
    os.makedirs(bench.WORK, exist_ok=True)
    pxload = bench.make_pxload()
    base = bench.free_ports(4)
    lists.N_NAMES = NAMES
    files = lists.write_all(f"{bench.WORK}/swap-lists", bench.TOOLS, base)
    files["names"] = open(files["names.txt"]).read().split()
    origin = bench.start_origin(base)
    bench.first([origin, *children(origin)])
    bench.start_dns(base + 1)
    print(f"{len(files['names']):,} names, {RATE} requests/s, {SECS:g} s a run\n")
    print("| proxy | when | swaps | requests | failed | p99 | longest | memory |\n|---|---|---|---|---|---|---|---|", flush=True)
    out = proxyd_rows(pxload, base, base + 1, files)
    if os.environ.get("SQUID", "1") != "0":
        out += squid_rows(pxload, base, files)
    print()
    for r in out:
        print(json.dumps(r))
    if any(r["failed"] for r in out if r["proxy"] == "proxyd"):
        bench.fail("requests failed while policy and index were swapped")


if __name__ == "__main__":
    main()
