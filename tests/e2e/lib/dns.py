"""Names for tests: a dnsmasq of the test's own on a free loopback port, that knows what it is told and nothing else.

    with Dns({"origin.test": "127.0.0.1", "six.test": "::1"}) as d:
        Stack(proxy={"resolvers": d.address, "allow-private": "loopback"})

A name stands for itself and everything below it; several addresses are a list. Every other name is NXDOMAIN.
"""
import socket
import subprocess
import tempfile
import time


def free_udp_and_tcp_port():
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, socket.socket() as t:
            u.bind(("127.0.0.1", 0))
            port = u.getsockname()[1]
            try:
                t.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Dns:
    def __init__(self, names, ttl=60, extra=()):
        self.names, self.ttl, self.extra = names, ttl, list(extra)
        self.port = free_udp_and_tcp_port()
        self.address = f"127.0.0.1:{self.port}"
        self.p = None

    def __enter__(self):
        args = ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--no-daemon",
                f"--port={self.port}", "--listen-address=127.0.0.1", "--bind-interfaces", f"--local-ttl={self.ttl}", "--user=",
                "--local=/#/", "--log-facility=-"]
        for name, addresses in self.names.items():
            for a in addresses if isinstance(addresses, (list, tuple)) else [addresses]:
                # the record makes the other family "no data" instead of "no such name"
                args += [f"--address=/{name}/{a}", f"--host-record={name},{a}"]
        self.log = tempfile.TemporaryFile()
        self.p = subprocess.Popen(args + self.extra, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.p.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.log.seek(0)
        text = self.log.read().decode("utf-8", "replace")
        self.__exit__()
        raise AssertionError(f"dnsmasq does not answer:\n{text}")

    def __exit__(self, *_):
        if self.p and self.p.poll() is None:
            self.p.terminate()
            try:
                self.p.wait(5)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait(5)
