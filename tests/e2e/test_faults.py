"""Bad days of the machine: damaged files, a full disk, a state directory nobody may write, a second start.
Each gives one clear message that names the place; what ran before still runs."""
import glob
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time

import pytest
import requests

from lib.daemons import BUILD, Process, SLOW, Stack, policy, wait_until
from lib.origin import Origin


def spoil(path, offset=0, n=4096):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(b"\x5a" * n)


def messages(text, *words):
    """Lines of a daemon's output that hold all the words."""
    return [x for x in text.splitlines() if all(w in x for w in words)]


def day_file(s):
    return wait_until(lambda: [p for p in glob.glob(f"{s.state}/events/20??-??-??.db")], 10, "a day file")[0]


def end_of(s, name):
    """The program, expected to refuse to start: its exit code and output."""
    p = Process([f"{BUILD}/{name}", "--config", s.config], f"{s.state}/{name}-refused.log")
    try:
        code = p.p.wait(20 * SLOW)
    except subprocess.TimeoutExpired:
        p.stop()
        raise AssertionError(f"{name} did not end:\n{p.output()}")
    return code, p.output()


def test_truncated_policy_db_is_named_and_traffic_goes_on():
    """The file is cut while both run: traffic goes on. adminui started on it says what is wrong and ends; proxyd
    started on it goes on with what it ran last."""
    with Stack() as s, Origin() as o:
        s.publish(policy({"id": "r1", "when": {"hosts": ["blocked.test"]}}))
        assert s.adminui.stop() == 0
        path = f"{s.state}/policy.db"
        with sqlite3.connect(path) as db, sqlite3.connect(f"{s.state}/good.db") as good:
            db.backup(good)  # proxyd still reads: part of it may stand in policy.db-wal
        os.truncate(path, 6000)
        for side in ("-wal", "-shm"):
            if os.path.exists(path + side):
                os.unlink(path + side)
        assert s.get(o.url("/bytes/5")).status_code == 200
        assert s.get("http://blocked.test/").status_code == 403
        code, text = end_of(s, "adminui")
        assert code in (1, 2)
        assert messages(text, "error:", "policy.db"), text
        assert s.proxyd.stop() == 0
        s.start_proxyd()
        assert s.get("http://blocked.test/").status_code == 403
        assert messages(s.proxyd.output(), "policy.db"), s.proxyd.output()
        s.proxyd.stop()
        shutil.copy(f"{s.state}/good.db", path)
        s.start_adminui()
        s.start_proxyd()
        s.api.login("admin", s.admin_password)
        wait_until(lambda: s.get("http://blocked.test/").status_code == 403, 10, "the policy of the restored file")


def test_policy_db_of_another_kind_is_refused():
    with Stack(start=False) as s:
        with open(f"{s.state}/policy.db", "wb") as f:
            f.write(b"this is not a database at all, but long enough to look at" * 100)
        code, text = end_of(s, "adminui")
        assert code in (1, 2) and messages(text, "error:", "policy.db"), text
        assert open(f"{s.state}/policy.db", "rb").read(20) == b"this is not a databa"  # nobody wrote over it


def test_damaged_day_file_is_set_aside():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        s.get(o.url("/bytes/5"))
        s.log("url=*/bytes/5")
        s.proxyd.stop()
        s.adminui.stop()  # the last one out empties the write-ahead log into the file
        path = day_file(s)
        spoil(path)
        s.start_adminui()
        s.start_proxyd()
        s.api.login("admin", s.admin_password)
        assert s.get(o.url("/bytes/6")).status_code == 200
        got = s.log("url=*/bytes/6")
        assert len(got) == 1
        assert glob.glob(path + ".damaged-*")


def test_damaged_journal_is_set_aside():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        s.get(o.url("/bytes/5"))
        s.log("url=*/bytes/5")
        s.proxyd.stop()
        spoil(f"{s.state}/events/journal-0")
        s.start_proxyd()
        assert s.get(o.url("/bytes/6")).status_code == 200
        assert s.log("url=*/bytes/6")
        assert os.path.exists(f"{s.state}/events/journal-0.damaged")


def test_second_proxyd_on_the_same_state_is_refused():
    with Stack() as s, Origin() as o:
        s.publish(policy())
        code, text = end_of(s, "proxyd")  # same ports too, but the first message counts
        assert code in (1, 2) and messages(text, "error:"), text
        other = Stack(state=s.state, start=False)
        other.config = f"{s.state}/other.conf"
        other.write_config()
        code, text = end_of(other, "proxyd")
        assert code in (1, 2) and messages(text, "error:", "another proxyd"), text
        assert s.get(o.url("/bytes/5")).status_code == 200
        assert s.log("url=*/bytes/5")


@pytest.mark.parametrize("name", ["proxyd", "adminui"])
def test_unwritable_state_is_named(name):
    """A state directory that is a file, and one that cannot be made: root may write anything else."""
    with Stack(start=False) as s:
        for bad in (f"{s.state}/proxyd.conf", "/proc/nothing-here"):
            text = open(s.config).read()
            with open(f"{s.state}/bad.conf", "w") as f:
                f.write(text.replace(f"dir = {s.state}", f"dir = {bad}"))
            other = Stack(state=s.state, start=False)
            other.config = f"{s.state}/bad.conf"
            code, out = end_of(other, name)
            assert code in (1, 2), out
            assert messages(out, "error:", bad), out


@pytest.fixture
def small_disk():
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path = tempfile.mkdtemp(prefix="proxyd-small-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=0755", "tmpfs", path]).returncode != 0:
        os.rmdir(path)
        pytest.skip("this machine lets nobody mount")
    yield path
    subprocess.run(["umount", path], check=True)
    os.rmdir(path)


def test_full_disk(small_disk):
    """The state directory's disk fills up: requests are answered, one message tells, the API says what is wrong,
    and when there is room again no record that was kept is missing."""
    with Stack(state=small_disk) as s, Origin() as o:
        s.publish(policy())
        assert s.get(o.url("/bytes/5")).status_code == 200
        s.log("url=*/bytes/5")
        filler = f"{small_disk}/filler"
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 65536)
            except OSError:
                pass
            try:
                while True:
                    f.write(b"x" * 512)
            except OSError:
                pass
        for n in range(300):
            assert s.get(o.url("/bytes/6")).status_code == 200
        wait_until(lambda: s.api.get("/status")["proxyd"]["status"] and messages(s.proxyd.output(), "space"), 15, "a message")
        assert len(messages(s.proxyd.output(), "space")) <= 3  # once, not for every try
        refused = s.api.call("PUT", "/policy/draft", policy(lists=[{"name": "big", "kind": "domains",
                             "entries": [f"h{i}.example" for i in range(40000)]}]), ok=False,
                             headers={"If-Match": s.api.call("GET", "/policy/draft").headers["ETag"]})
        assert refused.status_code in (500, 503, 507), refused.text
        assert s.get(o.url("/bytes/7")).status_code == 200
        os.unlink(filler)
        got = s.log("url=*/bytes/6&limit=1000", want=300, seconds=20)
        assert len(got) == 300
        assert s.log("url=*/bytes/7")
        s.api.put("/policy/draft", policy())


def fill(path):
    with open(path, "wb", buffering=0) as f:
        for piece in (65536, 512):
            try:
                while True:
                    f.write(b"x" * piece)
            except OSError:
                pass


def test_journal_full(small_disk):
    """No disk and no room in the journal either: requests are refused with 503 (the default), nobody is left without the
    PAC file; with room again service and records come back by themselves, numbered without a gap."""
    with Stack(state=small_disk) as s, Origin() as o, requests.Session() as http:
        s.publish(policy())
        http.trust_env, http.proxies = False, s.proxies()
        fill(f"{small_disk}/filler")
        agent = {"User-Agent": "a" * 1000, "Referer": "http://x.example/" + "r" * 900}
        answers = []
        while len(answers) < 6000 and answers[-20:] != [503] * 20:
            answers.append(http.get(o.url("/bytes/8?" + "q" * 7000), headers=agent, timeout=20).status_code)
        assert set(answers) == {200, 503} and answers[0] == 200, (len(answers), set(answers))
        refused = http.get(o.url("/bytes/8"), timeout=20)
        assert refused.status_code == 503 and "Retry-After" in refused.headers and "Proxy-Status" in refused.headers
        pac = requests.get(f"http://127.0.0.1:{s.proxy_port}/proxy.pac", timeout=10)
        assert pac.status_code == 200 and "FindProxyForURL" in pac.text
        os.unlink(f"{small_disk}/filler")
        wait_until(lambda: http.get(o.url("/bytes/9"), timeout=20).status_code == 200, 30, "service is back")
        s.log("url=*/bytes/9")
        seen, cursor = [], ""
        while cursor is not None:
            page = s.api.get(f"/log?limit=1000{cursor}")
            seen += [(r["id"], r["status"]) for r in page["items"]]
            cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
        ids = sorted(i for i, _ in seen)
        assert sum(1 for _, status in seen if status == 200) >= answers.count(200)
        assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_start_on_a_full_disk(small_disk):
    with Stack(state=small_disk, start=False) as s:
        with open(f"{small_disk}/filler", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        for name in ("adminui", "proxyd"):
            log = f"/tmp/{name}-{os.getpid()}.log"
            p = Process([f"{BUILD}/{name}", "--config", s.config], log)
            try:
                code = p.p.wait(20 * SLOW)
                assert code in (1, 2)
                assert messages(p.output(), "error:", small_disk) or messages(p.output(), "error:", "space"), p.output()
            finally:
                p.stop()
                os.unlink(log)
        os.unlink(f"{small_disk}/filler")
        s.start_adminui()
        s.start_proxyd()
        time.sleep(0.2)
        assert s.proxyd.alive() and s.adminui.alive()
