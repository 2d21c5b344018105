#!/usr/bin/env python3
"""What a proxy adds to the time of a request, and whether a second worker costs anything.

    latency.py BUILD            environment: SECS=4 RUNS=3 TOOLS=../shared/tools

half load   a paced load of half of what Squid can do, and of half of what the proxy itself can do: p99 less the p99 without a
            proxy at the same pace, generator and origin at real-time priority (they stand for other machines); proxyd with the policy of `make bench`, the peers as they are
scaling     CPU per request of one worker, of two that have as much to do each, and of two processes that share nothing: what workers
            share would show between the last two
Prints a table and one JSON line a row; a request counts from the moment it was due."""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import bench
import lists

ROWS = []
PER_WORKER = 6000  # requests a second
ROUNDS = 5


def row(what, **more):
    out = {"bench": "latency", "row": what, **more}
    ROWS.append(out)
    print(" · ".join(f"{k} {v}" for k, v in out.items() if k != "bench"), flush=True)


def load(pxload, args, pids=(), pinned=True, clients=64):
    cmd = [*(bench.pin("1") if pinned else []), pxload, "get", "-c", str(clients), "-d", str(bench.SECS), "-w", "0.5", *args]
    if pids:
        cmd += ["-p", ",".join(map(str, pids))]
    runs = [json.loads(subprocess.run(cmd, stdout=subprocess.PIPE, text=True, check=True, preexec_fn=lambda: pinned and bench.first([0])).stdout) for _ in range(bench.RUNS)]
    return sorted(runs, key=lambda j: j["lat_us"]["p99"])[len(runs) // 2]


def through(peer, origin):
    host = "127.0.0.1" if isinstance(peer, bench.Script) else "origin.test"
    return ["-x", f"127.0.0.1:{peer.port}", "-u", f"http://{host}:{origin}/1k"]


def half_load(pxload, origin, dns, files):
    peers = [(bench.Squid, "plain"), (bench.Proxyd, "policy"), (bench.TrafficServer, "plain"), (bench.Haproxy, "plain")]
    direct = ["-D", f"127.0.0.1:{origin}", "-u", f"http://127.0.0.1:{origin}/1k"]
    squids_half, added = None, {}
    for peer_class, variant in peers:
        peer = peer_class(bench.free_ports(10), variant, files, dns)
        try:
            peak = load(pxload, through(peer, origin))["rps"]
            squids_half = squids_half or peak / 2
            for what, rate in (("half of Squid's peak", squids_half), ("half of its own peak", peak / 2)):
                without = load(pxload, [*direct, "-R", f"{rate:.0f}"])["lat_us"]["p99"]
                j = load(pxload, [*through(peer, origin), "-R", f"{rate:.0f}"])
                more = j["lat_us"]["p99"] - without
                added[(peer.name, what)] = more
                row("half load", proxy=peer.name, pace=what, per_s=round(j["rps"]), p50_us=j["lat_us"]["p50"], p99_us=j["lat_us"]["p99"], added_p99_us=more,
                    of_squids=round(more / max(1, added[("squid", what)]), 2), wanted="0.5" if peer.name == "proxyd" else "-")
        finally:
            bench.end(peer.pid)


def cpu_of(pxload, origin, peers, workers):
    """CPU per request of these proxies together, each with PER_WORKER requests a second for each of its workers."""
    with ThreadPoolExecutor(len(peers)) as at_once:
        runs = list(at_once.map(lambda p: load(pxload, [*through(p, origin), "-R", str(PER_WORKER * workers)], bench.tree(p.pid), False, 32 * workers), peers))
    return sum(j["proxy_cpu_us_per_req"] for j in runs) / len(runs), sum(j["rps"] for j in runs)


def scaling(pxload, origin, dns, files):
    """Two processes share nothing but the machine; what two workers of one cost beyond that is what workers share. In turn, the median of each."""
    os.environ["PX_CPUS"] = ""
    kinds = (("one worker", 1, 1), ("two processes", 2, 1), ("two workers", 1, 2))
    costs, per_s = {k[0]: [] for k in kinds}, {}
    for what, processes, workers in kinds * ROUNDS:
        os.environ["PX_WORKERS"] = str(workers)
        peers = []
        try:
            for _ in range(processes):
                peers.append(bench.Proxyd(bench.free_ports(10), "policy", files, dns))
            cost, per_s[what] = cpu_of(pxload, origin, peers, workers)
            costs[what].append(cost)
        finally:
            for p in peers:
                bench.end(p.pid)
    middle = {what: sorted(x)[len(x) // 2] for what, x in costs.items()}
    for what, _, workers in kinds:
        row("scaling", of=what, per_s=round(per_s[what]), cpu_us_per_request=round(middle[what], 2), from_to=[round(min(costs[what]), 1), round(max(costs[what]), 1)],
            **({"of_two_processes": round(middle[what] / middle["two processes"], 3), "wanted": "1.08"} if workers == 2 else {}))


def main():
    os.makedirs(bench.WORK, exist_ok=True)
    pxload = bench.make_pxload()
    base = bench.free_ports(4)
    os.environ["BENCH_ORIGIN"] = str(base)
    files = lists.write_all(f"{bench.WORK}/latency-lists", bench.TOOLS, base)
    origin = bench.start_origin(base)
    bench.first(bench.tree(origin))
    bench.start_dns(base + 1)
    half_load(pxload, base, base + 1, files)
    scaling(pxload, base, base + 1, files)
    print()
    for r in ROWS:
        print(json.dumps(r))


if __name__ == "__main__":
    sys.exit(main())
