"""The keeper: a crash, a hang and an upgrade under load. Nobody is refused, only what was in flight is lost, and the
records stay without a gap."""
import os
import shutil
import signal
import socket
import stat
import threading
import time

import requests

from lib.daemons import BUILD, SLOW, Process, Stack, policy, wait_until
from lib.origin import Origin


class Load:
    """Clients that ask one thing after the other on new connections, counting what they met."""

    def __init__(self, port, url, host, n=4):
        self.port, self.url, self.host = port, url, host
        self.good, self.refused, self.broken = [0] * n, [0] * n, [0] * n
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(n)]

    def run(self, i):
        request = f"GET {self.url} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode()
        while not self.stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20 * SLOW) as c:
                    c.settimeout(20 * SLOW)
                    c.sendall(request)
                    got = b""
                    while part := c.recv(65536):
                        got += part
                if got.startswith(b"HTTP/1.1 200"):
                    self.good[i] += 1
                else:
                    self.broken[i] += 1
            except ConnectionRefusedError:
                self.refused[i] += 1
            except OSError:
                self.broken[i] += 1

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join(30 * SLOW)

    def total(self):
        return sum(self.good)


def all_records(s):
    items, cursor = [], ""
    while True:
        page = s.api.get(f"/log?limit=1000{cursor}")
        items += page["items"]
        if not page["next_cursor"]:
            return items
        cursor = f"&cursor={page['next_cursor']}"


def assert_no_gap(s, at_least):
    wait_until(lambda: len(all_records(s)) >= at_least, 10, f"{at_least} records")
    ids = sorted(int(r["id"]) for r in all_records(s))
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    return len(ids)


def other_process(s, pid):
    return lambda: s.worker_pid != pid and s.worker_pid


def test_a_crash_is_over_within_a_second():
    crash = signal.SIGSEGV if SLOW == 1 else signal.SIGKILL  # the sanitizers would report the first as ours
    with Stack(proxy={"workers": "2"}) as s, Origin() as o:
        s.publish(policy())
        time.sleep(2.1)  # a process that dies young is started after a pause
        with Load(s.proxy_port, o.url("/bytes/100"), f"127.0.0.1:{o.port}") as load:
            wait_until(lambda: load.total() > 200, 20, "load")
            for _ in range(2):
                pid, before = s.worker_pid, load.total()
                began = time.monotonic()
                os.kill(pid, crash)
                wait_until(other_process(s, pid), 5, "a new process")
                wait_until(lambda: load.total() > before + 8, 10, "answers again")
                took = time.monotonic() - began
                assert took < 1 * SLOW, took
                time.sleep(2.1)
        assert sum(load.refused) == 0
        assert sum(load.broken) <= 2 * 4  # what the four clients had in flight, twice
        assert f"signal {int(crash)}" in s.proxyd.output()
        assert assert_no_gap(s, load.total()) >= load.total()


def test_a_hang_is_noticed():
    with Stack(proxy={"watchdog": "3"}) as s, Origin() as o:
        s.publish(policy())
        assert s.get(o.url("/bytes/10")).status_code == 200
        pid = s.worker_pid
        os.kill(pid, signal.SIGSTOP)
        wait_until(other_process(s, pid), 15, "a new process")
        assert s.get(o.url("/bytes/10")).status_code == 200
        assert "no sign of life" in s.proxyd.output()


def test_an_upgrade_refuses_nobody(tmp_path):
    program = tmp_path / "proxyd"
    shutil.copy(f"{BUILD}/proxyd", program)
    with Stack(proxy={"workers": "2"}, start=False) as s, Origin() as o:
        s.start_adminui()
        s.proxyd = Process([str(program), "--config", s.config], f"{s.state}/proxyd.log")
        s.wait_for(s.proxyd, s.proxy_port)
        s.log_in()
        s.api.put("/settings/proxy", {"timeouts_ms": {"drain": 10000 * SLOW}})  # the tunnel is used once more until then
        s.publish(policy())
        tunnel = socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20)
        tunnel.sendall(f"CONNECT 127.0.0.1:{o.port} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
        assert tunnel.recv(4096).startswith(b"HTTP/1.1 200")
        with Load(s.proxy_port, o.url("/bytes/100"), f"127.0.0.1:{o.port}") as load:
            wait_until(lambda: load.total() > 200, 20, "load")
            for _ in range(3):
                pid, before = s.worker_pid, load.total()
                new = tmp_path / "new"
                shutil.copy(f"{BUILD}/proxyd", new)
                os.rename(new, program)
                os.kill(s.proxyd.pid, signal.SIGUSR2)
                wait_until(other_process(s, pid), 15, "the new process")
                wait_until(lambda: s.api.get("/status")["proxyd"]["running"], 10, "control")
                wait_until(lambda: load.total() > before + 200, 20, "load goes on")
                # the tunnel of the first process still carries bytes while that one drains
                if tunnel:
                    tunnel.sendall(f"GET /bytes/5 HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
                    assert tunnel.recv(4096).startswith(b"HTTP/1.1 200")
                    tunnel.close()
                    tunnel = None
                wait_until(lambda: len(open(f"/proc/{s.proxyd.pid}/task/{s.proxyd.pid}/children").read().split()) == 1,
                           20, "the old process ends")
        assert (sum(load.refused), sum(load.broken)) == (0, 0)
        assert assert_no_gap(s, load.total() + 1) == load.total() + 1  # and one for the tunnel
        assert s.proxyd.stop() == 0


def test_an_upgrade_in_the_middle_of_another_waits_for_its_end():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        tunnel = socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20)
        tunnel.sendall(f"CONNECT 127.0.0.1:{o.port} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\n\r\n".encode())
        assert tunnel.recv(4096).startswith(b"HTTP/1.1 200")
        first = s.worker_pid
        os.kill(s.proxyd.pid, signal.SIGUSR2)
        wait_until(lambda: "the new process serves" in s.proxyd.output(), 15, "the new process")
        second = s.worker_pid
        assert second != first
        os.kill(s.proxyd.pid, signal.SIGUSR2)
        wait_until(lambda: "the upgrade waits" in s.proxyd.output(), 10, "a word")
        assert s.worker_pid == second
        tunnel.close()
        wait_until(other_process(s, second), 15, "the process after that")
        wait_until(lambda: s.get(o.url("/bytes/10")).status_code == 200, 10, "service")


REPLACED = """import os, sys
program, new, config = sys.argv[1:]
fd = os.open(program, os.O_RDONLY)
os.replace(new, program)
os.execve(fd, [program, "--config", config], os.environ)"""


def test_a_program_replaced_while_it_starts_is_upgraded_all_the_same(tmp_path):
    """What the kernel calls "proxyd (deleted)" by then is not where the next program stands."""
    program, new = tmp_path / "proxyd", tmp_path / "new"
    shutil.copy(f"{BUILD}/proxyd", program)
    shutil.copy(f"{BUILD}/proxyd", new)
    with Stack(start=False) as s:
        s.write_config()
        s.proxyd = Process(["/usr/bin/python3", "-c", REPLACED, str(program), str(new), s.config], f"{s.state}/proxyd.log")
        s.wait_for(s.proxyd, s.proxy_port)
        assert os.readlink(f"/proc/{s.proxyd.pid}/exe").endswith(" (deleted)")
        os.kill(s.proxyd.pid, signal.SIGUSR2)
        wait_until(lambda: "the new process serves" in s.proxyd.output(), 15, "the new process")
        assert os.readlink(f"/proc/{s.proxyd.pid}/exe") == str(program)


def test_an_upgrade_that_cannot_work_changes_nothing(tmp_path):
    program = tmp_path / "proxyd"
    shutil.copy(f"{BUILD}/proxyd", program)
    with Stack(start=False) as s, Origin() as o:
        s.start_adminui()
        s.proxyd = Process([str(program), "--config", s.config], f"{s.state}/proxyd.log")
        s.wait_for(s.proxyd, s.proxy_port)
        s.log_in()
        s.publish(policy())
        pid = s.worker_pid

        def try_it(why):
            n = s.proxyd.output().count(why)
            os.kill(s.proxyd.pid, signal.SIGUSR2)
            wait_until(lambda: s.proxyd.output().count(why) > n, 10, why)
            wait_until(lambda: s.worker_pid == pid, 10, "the one that looked at the new program ends")
            assert s.get(o.url("/bytes/10")).status_code == 200

        program.unlink()
        program.write_bytes(b"no program at all")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        try_it("not upgraded")
        program.unlink()
        shutil.copy(f"{BUILD}/proxyd", program)
        config = open(s.config).read()
        with open(s.config, "a") as f:
            f.write("nonsense = 1\n")
        try_it("not upgraded")
        with open(s.config, "w") as f:
            f.write(config.replace(f"listen = 127.0.0.1:{s.proxy_port}", f"listen = 127.0.0.1:{s.proxy_port}\nlisten = 127.0.0.1:1"))
        try_it("this needs a restart")


def test_a_first_start_that_fails_ends():
    with Stack(start=False) as s:
        s.start_adminui()
        blocker = socket.socket()
        blocker.bind(("127.0.0.1", s.proxy_port))
        blocker.listen()
        s.start_proxyd(wait=False)
        assert s.proxyd.p.wait(10) == 2
        blocker.close()
