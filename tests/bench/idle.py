#!/usr/bin/env python3
"""What a connection costs that nobody uses, beside Squid and HAProxy.

    idle.py BUILD            environment: TUNNELS=9500 CLIENTS=19000 TOOLS=../shared/tools

tunnels   CONNECT tunnels that stand and say nothing (HAProxy: bare TCP relays), each with its client's and its server's socket
clients   clients that were answered once and stay (proxyd alone: the peers' descriptor limits are lower)
The figure is the growth of the process's own memory (PSS) over the number of connections. Prints a table and one JSON line a row;
ends with 1 when proxyd misses what it must show."""
import json
import os
import resource
import signal
import socket
import sys
import threading
import time

import bench
import lists

TUNNELS, CLIENTS = int(os.environ.get("TUNNELS", 9500)), int(os.environ.get("CLIENTS", 19000))
WANTED = {"tunnels": 1.5, "clients": 1.0}  # KiB
rows = []


class Holder:
    """A server that takes connections and holds them, in a process of its own: they are descriptors, too."""

    def __init__(self):
        l = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port, self.pid = l.getsockname()[1], os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what its parent started is not its to end
            held = []
            while True:
                held.append(l.accept()[0])
        l.close()
        bench.started.append(self.pid)


def pss_kib(pids):
    return sum(int(next(x for x in open(f"/proc/{p}/smaps_rollup") if x.startswith("Pss:")).split()[1]) for p in pids)


def connected(port, i):
    c = socket.socket()
    c.bind((f"127.0.{1 + i // 5000}.{2 + i % 20}", 0))  # so that there are enough ports
    c.settimeout(20)
    c.connect(("127.0.0.1", port))
    return c


def asked(port, i, request, n_least):
    c = connected(port, i)
    c.sendall(request)
    got = b""
    while len(got) < n_least and (part := c.recv(65536)):
        got += part
    if not got.startswith(b"HTTP/1.1 200"):
        bench.fail(f"answer to connection {i}: {got[:100]!r}")
    return c


def several(n, one):
    """n connections, some at a time."""
    out, lock, at_once = [], threading.Lock(), 16

    def part(k):
        for i in range(k, n, at_once):
            c = one(i)
            with lock:
                out.append(c)
    threads = [threading.Thread(target=part, args=(k,)) for k in range(at_once)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if len(out) != n:
        bench.fail(f"only {len(out)} of {n} connections")
    return out


def measure(what, peer, n, one):
    pids = bench.tree(peer.pid)
    for c in several(64, one):  # what is made once and kept
        c.close()
    time.sleep(1)
    before = pss_kib(pids)
    held = several(n, one)
    time.sleep(2)
    each = (pss_kib(pids) - before) / n
    wanted = WANTED[what] if peer.name == "proxyd" else None
    rows.append({"bench": "idle", "what": what, "proxy": peer.name, "n": n, "kib_each": round(each, 2), "wanted": wanted})
    print(f"| {what} | {peer.name} | {n:,} | {each:.2f} KiB | {'-' if wanted is None else f'{wanted} KiB'} |", flush=True)
    for c in held:
        c.close()


def tunnels(peer, origin, server):
    at = f"127.0.0.1:{server.port}"
    if peer.name == "haproxy":
        measure("tunnels", peer, TUNNELS, lambda i: connected(peer.port + 1, i))
    else:
        request = f"CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n".encode()
        n = min(TUNNELS, 8000) if peer.name == "squid" else TUNNELS  # it was given 16,384 descriptors
        measure("tunnels", peer, n, lambda i: asked(peer.port, i, request, 19))


def clients(peer, origin, server):
    request = f"GET http://origin.test:{origin}/1k HTTP/1.1\r\nHost: origin.test:{origin}\r\n\r\n".encode()
    measure("clients", peer, CLIENTS, lambda i: asked(peer.port, i, request, 1100))


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.makedirs(bench.WORK, exist_ok=True)
    origin = bench.free_ports(4)
    files = lists.write_all(f"{bench.WORK}/lists", bench.TOOLS, origin)
    bench.start_origin(origin)
    bench.start_dns(origin + 1)
    print("| what | proxy | connections | memory each | at most |\n|---|---|---|---|---|")
    for peer_class, variant, what in ((bench.Proxyd, "policy", tunnels), (bench.Proxyd, "policy", clients), (bench.Squid, "plain", tunnels), (bench.Haproxy, "plain", tunnels)):
        server = Holder()
        os.environ["BENCH_ORIGIN"] = str(server.port)
        peer = peer_class(bench.free_ports(10), variant, files, origin + 1)
        try:
            what(peer, origin, server)
        finally:
            bench.end(peer.pid)
            bench.end(server.pid)
    print()
    for r in rows:
        print(json.dumps(r))
    return any(r["wanted"] and r["kib_each"] > r["wanted"] for r in rows)


if __name__ == "__main__":
    sys.exit(main())
