#!/usr/bin/env python3
"""proxyd beside Squid: the same work for both, one after the other, on this machine.

    bench.py BUILD            environment: SECS=4 RUNS=3 ROWS=all TOOLS=../shared/tools

Prints a table and one JSON line a row; every raw line of the generator goes to build/bench/raw.jsonl.
The proxy is pinned to core 0, origin and generator to core 1. Everything started here ends by its pid."""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import lists

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/build/release")
WORK = f"{ROOT}/build/bench"
TOOLS = os.path.abspath(os.environ.get("TOOLS", f"{ROOT}/../shared/tools"))
SECS, RUNS = float(os.environ.get("SECS", 4)), int(os.environ.get("RUNS", 3))
MANY = (os.cpu_count() or 1) > 1
started = []


def fail(text):
    print(f"error: bench: {text}", file=sys.stderr)
    sys.exit(1)


def pin(core):
    return ["taskset", "-c", core if MANY else "0"]


def free_ports(n):
    """n ports in a row; the start script takes the one five above for the dashboard."""
    for base in range(19000, 60000, 20):
        try:
            for p in range(base, base + n):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", p))
            return base
        except OSError:
            continue
    fail("no free ports")


def first(pids):
    """These go before everybody else on the processors, as if they had their own; where that is not permitted, not."""
    for pid in pids:
        try:
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(10))
        except PermissionError:
            return


def wait_port(port, seconds, process=None):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process and process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def stat_fields(pid):
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()


def alive(pid):
    try:
        return stat_fields(pid)[0] != "Z"
    except OSError:
        return False


def end(pid):
    """SIGTERM, then SIGKILL after ten seconds; also for what we did not start ourselves (children of our scripts)."""
    try:
        os.kill(pid, signal.SIGTERM)
        for _ in range(200):
            if not alive(pid):
                break
            time.sleep(0.05)
        else:
            os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
    try:
        os.waitpid(pid, 0)
    except OSError:
        pass
    if pid in started:
        started.remove(pid)


def end_all():
    for pid in list(reversed(started)):
        end(pid)


atexit.register(end_all)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def tree(pid):
    out = [pid]
    try:
        for t in os.listdir(f"/proc/{pid}/task"):
            for c in open(f"/proc/{pid}/task/{t}/children").read().split():
                out += tree(int(c))
    except OSError:
        pass
    return out


def spawn(argv, folder, port, seconds):
    log = open(f"{folder}/out", "ab")
    p = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    started.append(p.pid)
    if not wait_port(port, seconds, p):
        fail(f"{argv[0]} does not listen on {port}; see {folder}/out")
    return p.pid


def fresh(name):
    folder = f"{WORK}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def program(name):
    for folder in [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin"]:
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    fail(f"{name} is not installed (packaging/deps.sh bench)")


def make_pxload():
    folder = f"{WORK}/pxload"
    if not os.path.exists(f"{TOOLS}/pxload/pxload.c"):
        fail(f"the load generator is not at {TOOLS}/pxload; set TOOLS=folder")
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["make", "-s", "-C", folder, "-f", f"{TOOLS}/pxload/Makefile", f"VPATH={TOOLS}/pxload", "pxload"], check=True)
    return f"{folder}/pxload"


def start_origin(port):
    w = fresh("origin")
    os.makedirs(f"{w}/www")
    os.chmod(w, 0o755)
    for name, size in (("1k", 1024), ("64k", 65536), ("100m", 100 << 20)):
        with open(f"{w}/www/{name}", "wb") as f:
            for _ in range(0, size, 1 << 20):
                f.write(os.urandom(min(size, 1 << 20)))
    lists.put(f"{w}/nginx.conf", f"""worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid {w}/pid;
error_log {w}/error.log error;
events {{ worker_connections 8192; multi_accept on; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600s;
    default_type application/octet-stream; open_file_cache max=100 inactive=600s;
    client_body_temp_path {w}/b; proxy_temp_path {w}/p; fastcgi_temp_path {w}/f; uwsgi_temp_path {w}/u; scgi_temp_path {w}/s;
    server {{ listen 127.0.0.1:{port} backlog=4096; root {w}/www;
        location / {{ try_files $uri /1k; add_header Cache-Control "private, no-store"; }} }}
}}
""")
    return spawn([*pin("1"), program("nginx"), "-p", w, "-c", f"{w}/nginx.conf", "-e", f"{w}/error.log"], w, port, 10)


def start_dns(port):
    w = fresh("dns")
    log = open(f"{w}/out", "ab")
    p = subprocess.Popen([*pin("1"), program("dnsmasq"), "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
                          f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--address=/origin.test/127.0.0.1",
                          "--local-ttl=3600", f"--pid-file={w}/pid", "--user="], stdout=log, stderr=log)
    started.append(p.pid)
    if not wait_port(port, 5, p):
        fail(f"dnsmasq does not listen; see {w}/out")


class Squid:
    name = "squid"

    def __init__(self, port, variant, files, _dns):
        w = fresh(f"squid-{variant}")
        os.chmod(w, 0o777)          # as root it becomes the user proxy
        lists.put(f"{w}/hosts", "127.0.0.1 localhost origin.test\n")
        rules = open(files[f"{variant}.conf"]).read() if variant in ("policy", "large", "users") else ""
        log = "none" if variant == "nolog" else f"stdio:{w}/access.log squid"
        lists.put(f"{w}/squid.conf", f"""http_port 127.0.0.1:{port}
workers 1
visible_hostname bench.test
pid_filename {w}/pid
cache_log {w}/cache.log
coredump_dir {w}
max_filedescriptors 16384
pinger_enable off
shutdown_lifetime 1 second
hosts_file {w}/hosts
access_log {log}
cache deny all
{rules}http_access allow all
""")
        self.port, self.pid = port, spawn([*pin("0"), program("squid"), "-N", "-f", f"{w}/squid.conf"], w, port, 120)


class Proxyd:
    name = "proxyd"

    def __init__(self, port, variant, files, dns):
        w = fresh(f"proxyd-{variant}-{port}")
        env = dict(os.environ, BUILD=BUILD, PX_RESOLVERS=f"127.0.0.1:{dns}")
        if variant != "plain":
            env["PX_POLICY"] = files[f"{variant}.json"]
        if variant in ("users", "full"):
            env["PX_USERS"] = str(lists.N_USERS)
        if variant == "full" and os.path.exists(files["tree.tar"]):
            env["PX_TREE"] = files["tree.tar"]
        if variant in ("policy", "large", "full"):
            env["PX_CATEGORIES"] = f"names={files['names.txt']}"
        r = subprocess.run([f"{HERE}/start-proxyd.sh", str(port), w, os.environ.get("PX_CPUS", "0")], env=env, stdout=subprocess.DEVNULL)
        if r.returncode != 0:
            fail(f"proxyd does not start; see {w}")
        self.port, self.pid = port, int(open(f"{w}/pids").readline())
        started.append(self.pid)


class Script:
    """A peer that only forwards, started by its script in TOOLS: no filtering, in the variant `plain` alone."""

    def __init__(self, port, variant, _files, _dns):
        w = fresh(f"{self.name}-{variant}")
        env = dict(os.environ, ORIGIN=os.environ["BENCH_ORIGIN"])
        r = subprocess.run([f"{TOOLS}/peers/start-{self.script}.sh", str(port), w, "0"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if r.returncode != 0:
            fail(f"{self.name} does not start; see {w}")
        self.port, self.pid = port, int(open(f"{w}/pids").readline())
        started.append(self.pid)
        if os.path.exists(f"{w}/helpers"):
            started.extend(int(x) for x in open(f"{w}/helpers").read().split())


class TrafficServer(Script):
    name, script = "ats", "ats"


class Haproxy(Script):
    """It has no CONNECT: that row is a bare TCP relay to the origin, without the CONNECT and its answer; and it cannot ask for names."""
    name, script = "haproxy", "haproxy"
    relay, leaves_out = {"connect": "getnew"}, {"varied", "bulk"}


class Floor:
    """The least a relay can cost here: it parses, judges and records nothing (floor.h)."""
    name, engine = "floor", "epoll"

    def __init__(self, port, variant, _files, _dns):
        w = fresh(f"{self.name}-{variant}")
        self.port, self.pid = port, spawn([*pin("0"), f"{BUILD}/bench/floor", self.engine, str(port), os.environ["BENCH_ORIGIN"]], w, port, 5)


class FloorSplice(Floor):
    name, engine = "floor-splice", "splice"


class FloorUring(Floor):
    name, engine = "floor-uring", "uring"


HAS_FLOOR = os.path.exists(f"{BUILD}/bench/floor")
PEERS = {"plain": (Proxyd, Squid, TrafficServer, Haproxy, *((Floor, FloorSplice, FloorUring) if HAS_FLOOR else ())), "full": (Proxyd,)}


# name: what it is, pxload mode, arguments, the figure, variants it is measured in
def rows(origin, files):
    at = f"http://origin.test:{origin}"
    return {
        "get": ("keep-alive GET 1 KiB, 64 clients", "get", ["-u", f"{at}/1k", "-c", "64"], "rps", ("plain", "policy", "large", "nolog", "full")),
        "varied": ("the same, 20,000 different URLs", "get", ["-U", files["varied.urls"], "-c", "64"], "rps", ("plain", "policy", "large")),
        "new": ("a connection for each GET", "getnew", ["-u", f"{at}/1k", "-c", "64", "-S", "20"], "rps", ("plain", "policy", "full")),
        "connect": ("CONNECT, one GET in each", "connect", ["-u", f"{at}/1k", "-c", "64", "-S", "20"], "rps", ("plain", "policy", "full")),
        "64k": ("GET 64 KiB, 64 clients", "get", ["-u", f"{at}/64k", "-c", "64"], "gbit_s", ("plain", "policy", "full")),
        "bulk": ("100 MiB through CONNECT", "bulk", ["-u", f"{at}/100m", "-c", "4"], "gbit_s", ("plain", "policy", "full")),
        "login": (f"keep-alive GET, {lists.N_USERS} people logged in", "get",
                  ["-u", f"{at}/1k", "-c", "64"], "rps", ("users",)),
        "blocked": ("blocked answers", "get", ["-U", files["blocked.urls"], "-c", "64"], "rps", ("policy",)),
    }


def busy_ticks():
    f = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return sum(f) - f[3] - f[4]


def ticks(pids):
    n = 0
    for p in pids:
        try:
            f = stat_fields(p)
            n += int(f[11]) + int(f[12])
        except OSError:
            pass
    return n


class Generator:
    def __init__(self, path, raw):
        self.path, self.raw = path, raw

    def run(self, mode, args, via, pids, tag, secs=SECS):
        cmd = [*pin("1"), self.path, mode, *via, "-g", tag, "-d", str(secs), "-w", "0.5", *args]
        if pids:
            cmd += ["-p", ",".join(map(str, pids))]
        ours = [p for s in started for p in tree(s)]
        b, o, t = busy_ticks(), ticks(ours), time.monotonic()
        r = subprocess.run(cmd, stdout=subprocess.PIPE, text=True)
        took = time.monotonic() - t
        try:
            j = json.loads(r.stdout)
        except ValueError:
            return None
        other = (busy_ticks() - b - (ticks(ours) - o)) / took - j["own_cpu_s"] * 100 / took
        j["other_cpu_pct"] = round(max(0.0, other), 1)
        self.raw.write(json.dumps(j) + "\n")
        self.raw.flush()
        return j

    def median(self, mode, args, via, pids, tag, figure):
        got = [j for j in (self.run(mode, args, via, pids, tag) for _ in range(RUNS)) if j]
        return sorted(got, key=lambda j: j[figure])[len(got) // 2] if got else None


WARM_SECS = 6
CREDENTIALS = ["-a", "user%d:password-%d", "-A", str(lists.N_USERS)]


def measure(generator, peer_class, variant, files, origin, dns):
    """All rows of one variant against one proxy."""
    peer = peer_class(free_ports(10), variant, files, dns)
    out = {}
    try:
        for key, (_, mode, args, figure, variants) in rows(origin, files).items():
            if variant not in variants or not wanted(key) or key in getattr(peer, "leaves_out", ()):
                continue
            port = peer.port
            if variant in ("users", "full"):
                args = args + CREDENTIALS
                if not out:  # first log-ins, made slow on purpose, are another figure
                    generator.run("get", [*rows(origin, files)["get"][2], *CREDENTIALS], ["-x", f"127.0.0.1:{port}"], [], "warm", max(SECS, WARM_SECS))
            if isinstance(peer, Script):
                args = [x.replace("//origin.test:", "//127.0.0.1:") for x in args]
                if key in getattr(peer, "relay", {}):
                    mode, port = peer.relay[key], peer.port + 1
            out[key] = generator.median(mode, args, ["-x", f"127.0.0.1:{port}"], tree(peer.pid), f"{key}/{variant}/{peer.name}", figure)
    finally:
        end(peer.pid)
    return out


def wanted(key):
    w = os.environ.get("ROWS", "all")
    return w == "all" or key in w.split(",")


def cost(j, figure):
    return j.get("proxy_cpu_s_per_GB" if figure == "gbit_s" and j["mode"] == "bulk" else "proxy_cpu_us_per_req", 0.0)


def cell(j, figure):
    if not j:
        return "failed"
    value = f"{j[figure]:,.0f}/s" if figure == "rps" else f"{j[figure]:.1f} Gbit/s"
    unit = "s/GB" if j["mode"] == "bulk" else "us"
    odd = "" if set(j["status"]) <= {"200"} and not j["errors"] else f" {json.dumps(j['status'])}{json.dumps(j['errors']) if j['errors'] else ''}"
    return f"{value} · {cost(j, figure):.{2 if unit == 's/GB' else 0}f} {unit}{odd}"


def ratio(a, b):
    return f"{a / b:.2f}" if a and b else "-"


def report(results, origin, files):
    """Both with the same work to do."""
    print("\n| work | variant | proxyd: figure · CPU | Squid: figure · CPU | throughput, proxyd / Squid | CPU, proxyd / Squid | other |")
    print("|---|---|---|---|---|---|---|")
    summary = []
    for key, (title, _, _, figure, variants) in rows(origin, files).items():
        for v in variants:
            p, s = results.get(("proxyd", v), {}).get(key), results.get(("squid", v), {}).get(key)
            if v == "full" or (not p and not s):
                continue
            both = p and s
            faster = ratio(p[figure], s[figure]) if both else "-"
            cheaper = ratio(cost(p, figure), cost(s, figure)) if both else "-"
            other = max(j["other_cpu_pct"] for j in (p, s) if j)
            print(f"| {title} | {v} | {cell(p, figure)} | {cell(s, figure)} | {faster} | {cheaper} | {other:.0f} % |")
            summary.append({"row": key, "variant": v, "figure": figure, "proxyd": p and p[figure], "squid": s and s[figure],
                            "proxyd_cpu": p and cost(p, figure), "squid_cpu": s and cost(s, figure), "throughput_ratio": faster,
                            "cpu_ratio": cheaper, "other_cpu_pct": other, "secs": SECS, "runs": RUNS})
    return summary


BESIDE = [("squid", "Squid"), ("ats", "Traffic Server"), ("haproxy", "HAProxy"), ("floor", "floor"), ("floor-splice", "with splice"), ("floor-uring", "with io_uring")]


def report_full(results, origin, files):
    """proxyd with everything on beside proxies that only forward."""
    print("\nCPU of proxyd with 1,000 rules and patterns, all categories, people logged in and every request recorded; beside it that of others that only forward, and proxyd's share of it")
    print("| work | proxyd | " + " | ".join(title for _, title in BESIDE) + " |")
    print("|---" * (2 + len(BESIDE)) + "|")
    summary = []
    for key, (title, _, _, figure, variants) in rows(origin, files).items():
        p = results.get(("proxyd", "full"), {}).get(key)
        if "full" not in variants or not p:
            continue
        beside = {n: cost(x, figure) for n, _ in BESIDE if (x := results.get((n, "plain"), {}).get(key))}
        digits = 2 if p["mode"] == "bulk" else 0
        cells = [f"{beside[n]:.{digits}f} ({ratio(cost(p, figure), beside[n])})" if beside.get(n) else "-" for n, _ in BESIDE]
        print(f"| {title} | {cell(p, figure)} | " + " | ".join(cells) + " |")
        summary.append({"row": key, "variant": "full", "figure": figure, "proxyd": p[figure], "proxyd_cpu": cost(p, figure),
                        **{f"{n}_cpu": x for n, x in beside.items()}, **{f"cpu_ratio_{n}": ratio(cost(p, figure), x) for n, x in beside.items()}})
    return summary


def main():
    os.makedirs(WORK, exist_ok=True)
    pxload = make_pxload()
    base = free_ports(4)
    origin, dns = base, base + 1
    os.environ["BENCH_ORIGIN"] = str(origin)
    files = lists.write_all(f"{WORK}/lists", TOOLS, origin)
    start_origin(origin)
    start_dns(dns)
    with open(f"{WORK}/raw.jsonl", "w") as raw:
        generator = Generator(pxload, raw)
        direct = generator.run("get", ["-u", f"http://127.0.0.1:{origin}/1k", "-c", "64"], ["-D", f"127.0.0.1:{origin}"], [], "direct")
        print(f"without a proxy: {direct['rps']:,.0f} GET/s; {SECS:g} s a run, median of {RUNS}; raw lines in build/bench/raw.jsonl", flush=True)
        results = {}
        for variant in ("plain", "policy", "large", "nolog", "users", "full"):
            for peer in PEERS.get(variant, (Proxyd, Squid)):
                if any(wanted(k) and variant in r[4] for k, r in rows(origin, files).items()):
                    print(f"... {peer.name}, {variant}", file=sys.stderr, flush=True)
                    results[(peer.name, variant)] = measure(generator, peer, variant, files, origin, dns)
        summary = report(results, origin, files) + report_full(results, origin, files)
        print()
        for row in summary:
            print(json.dumps(row))
    lists.put(f"{WORK}/summary.jsonl", "".join(json.dumps(s) + "\n" for s in summary))
    if any(not s["proxyd"] for s in summary):
        fail("some rows of proxyd failed")


if __name__ == "__main__":
    main()
