"""A dnsmasq on a loopback port, with names of the test's own; it asks nobody else.

    with Dns({"origin.test": ["127.0.0.1"], "gone.test": [], "alias.test": "@origin.test"}) as d:
        Stack(proxy={"resolvers": d.address}) ...

"@name" is a CNAME to a name of the table. Names below the domains of the table that are not in it do not exist (NXDOMAIN). set() changes the table.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time

from lib.daemons import free_port, wait_until


class Dns:
    def __init__(self, names, ttl=60):
        self.names, self.ttl = dict(names), ttl
        self.folder = tempfile.mkdtemp(prefix="proxyd-dns-")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.p = None

    def _args(self):
        tops = {n.rsplit(".", 1)[-1] for n in self.names} | {"test"}
        args = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", f"--port={self.port}",
                "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--no-poll",
                f"--pid-file={self.folder}/pid", f"--local-ttl={self.ttl}", "--user=root" if os.geteuid() == 0 else "--no-daemon",
                "--log-queries", f"--log-facility={self.folder}/log", "--cache-size=0"]
        args += [f"--local=/{t}/" for t in tops]
        for name, addresses in self.names.items():
            if addresses and addresses[0] == "@":
                args.append(f"--cname={name},{addresses[1:]}")
                continue
            args += [f"--host-record={name},{a}" for a in ([addresses] if isinstance(addresses, str) else addresses)]
        return args

    def start(self):
        self.p = subprocess.Popen(self._args(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, 10, "dnsmasq")
        return self

    def _answers(self):
        assert self.p.poll() is None, "dnsmasq ended"
        q = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04test\x00\x00\x01\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.sendto(q, ("127.0.0.1", self.port))
            try:
                return s.recv(512)[:2] == b"\x12\x34"
            except OSError:
                return False

    def set(self, names):
        """Another table; dnsmasq is started anew on the same port."""
        self.names = dict(names)
        self._end()
        self.start()

    def queries(self, name):
        """How often the name was asked for."""
        time.sleep(0.05)
        with open(f"{self.folder}/log", errors="replace") as f:
            return sum(1 for line in f if "query[" in line and f" {name} " in line)

    def _end(self):
        if self.p and self.p.poll() is None:
            self.p.terminate()
            self.p.wait(10)

    def stop(self):
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
