"""make install into a folder, started from there; make run as a newcomer would, ended by Ctrl-C and by SIGTERM; a
Debian package that holds what it should."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
import requests

from lib.daemons import BUILD, ROOT, SLOW, Process, free_port, listens, wait_until

# Coverage of start and end is the same in every mode, and sanitizers need ptrace rights that packaging takes away.
release = pytest.mark.skipif(os.environ.get("MODE", "release") != "release", reason="only in release mode")


def installed(tmp_path, prefix="/usr"):
    env = dict(os.environ, BUILD=BUILD, DESTDIR=str(tmp_path / "root"), PREFIX=prefix)
    r = subprocess.run([f"{ROOT}/packaging/install.sh"], env=env, capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return tmp_path / "root"


def test_installed_programs_start(tmp_path):
    root = installed(tmp_path)
    for path in ("usr/sbin/proxyd", "usr/sbin/adminui", "usr/bin/proxyctl", "usr/share/proxyd/proxyd.conf", "etc/proxyd/proxyd.conf",
                 "usr/lib/systemd/system/proxyd.service", "usr/lib/systemd/system/proxyd-admin.service", "usr/lib/sysusers.d/proxyd.conf",
                 "usr/share/man/man8/proxyd.8", "usr/share/man/man8/adminui.8", "usr/share/man/man1/proxyctl.1"):
        assert (root / path).exists(), path
    unit = (root / "usr/lib/systemd/system/proxyd.service").read_text()
    assert "@" not in unit.replace("@system-service", "") and "ExecStart=/usr/sbin/proxyd --config /etc/proxyd/proxyd.conf" in unit
    conf = (root / "etc/proxyd/proxyd.conf").read_text()
    for program in ("proxyd", "adminui"):                      # the example is a valid file as delivered
        r = subprocess.run([root / "usr/sbin" / program, "--config", root / "etc/proxyd/proxyd.conf", "--check"], capture_output=True, text=True, timeout=30 * SLOW)
        assert r.returncode == 0, r.stderr
    proxy, admin, state = free_port(), free_port(), tmp_path / "state"
    state.mkdir()
    lines = [f"dir = {state}" if x.startswith("dir = ") else f"user = {os.popen('id -un').read().strip()}" if x.startswith("user = ") else x
             for x in conf.splitlines()]
    text = "\n".join(lines).replace("127.0.0.1:3128", f"127.0.0.1:{proxy}").replace("127.0.0.1:8443", f"127.0.0.1:{admin}")
    (tmp_path / "test.conf").write_text(text)
    # A file of the administrator's own is never overwritten.
    (root / "etc/proxyd/proxyd.conf").write_text("; mine\n")
    installed(tmp_path)
    assert (root / "etc/proxyd/proxyd.conf").read_text() == "; mine\n"
    running = []
    try:
        for program, port in (("proxyd", proxy), ("adminui", admin)):        # in any order
            running.append(Process([str(root / "usr/sbin" / program), "--config", str(tmp_path / "test.conf")], str(tmp_path / f"{program}.log")))
            wait_until(lambda: listens(port), 20, f"{program}:\n{running[-1].output()}")
        page = requests.get(f"https://127.0.0.1:{admin}/", verify=False, timeout=10)
        assert page.status_code == 200
        if os.path.exists(f"{ROOT}/web/dist/index.html"):
            assert "<script" in page.text
        assert requests.get(f"https://127.0.0.1:{admin}/api/v1/openapi.json", verify=False, timeout=10).json()["openapi"].startswith("3.1")
        wait_until(lambda: requests.get(f"http://127.0.0.1:{proxy}/proxy.pac", timeout=5).status_code == 200, 10, "the PAC file")
        r = subprocess.run([root / "usr/bin/proxyctl", "--socket", state / "admin.sock", "status"], capture_output=True, text=True, timeout=30 * SLOW)
        assert r.returncode == 0, r.stderr
    finally:
        codes = [p.stop() for p in running]
    assert codes == [0, 0]


def start_run(tmp_path, **more):
    """make run without make: the script itself, on free ports."""
    env = {**os.environ, "BUILD": BUILD, "STATE": str(tmp_path / "var"), "PROXY_PORT": str(free_port()), "ADMIN_PORT": str(free_port()), **more}
    p = Process([f"{ROOT}/packaging/run.sh"], str(tmp_path / f"run-{time.monotonic_ns()}.log"), env)

    def up():
        assert p.alive(), p.output()
        return "Ctrl-C ends both programs" in p.output()
    wait_until(up, 40, "make run")
    return p, env


def children_gone(tmp_path):
    """No program works on this state directory any more."""
    out = subprocess.run(["pgrep", "-f", f"{tmp_path}/var/proxyd.conf"], capture_output=True, text=True).stdout
    return not out.strip()


def test_run(tmp_path):
    p, env = start_run(tmp_path)
    proxy = f"http://127.0.0.1:{env['PROXY_PORT']}"
    try:
        text = p.output()
        password = re.search(r"password +(\S+)", text).group(1)
        base = f"https://127.0.0.1:{env['ADMIN_PORT']}"
        login = requests.post(f"{base}/api/v1/session", json={"username": "admin", "password": password}, verify=False, timeout=20)
        assert login.status_code in (200, 201), login.text
        # The three commands it tells to try, as they stand there (the first needs a network and is left out).
        commands = [x.strip() for x in text.splitlines() if re.match(r" {4}(curl|.*proxyctl)", x)]
        assert len(commands) == 3 and "example.com" in commands[0]
        blocked = subprocess.run(commands[1].replace("curl ", "curl -sS -o /dev/null -w %{http_code} --noproxy '' "), shell=True, capture_output=True, text=True, timeout=30)
        assert blocked.stdout == "403", commands[1] + blocked.stdout + blocked.stderr
        status = subprocess.run(commands[2], shell=True, cwd=os.getcwd(), capture_output=True, text=True, timeout=30 * SLOW)
        assert status.returncode == 0, commands[2] + status.stderr
        # Nothing of this machine is reachable through it as delivered.
        inside = requests.get(f"http://127.0.0.1:{env['ADMIN_PORT']}/", proxies={"http": proxy}, timeout=10)
        assert inside.status_code == 403
        # A second one says at once what is wrong.
        for change, word in (({}, "another make run"), ({"STATE": str(tmp_path / "other")}, "is in use")):
            second = subprocess.run([f"{ROOT}/packaging/run.sh"], env=dict(env, **change), capture_output=True, text=True, timeout=30)
            assert second.returncode == 1 and word in second.stderr, second.stderr
            assert len(second.stderr.strip().splitlines()) == 1
    finally:
        os.killpg(p.pid, signal.SIGINT)                        # what Ctrl-C does
        code = p.p.wait(20 * SLOW)
        p.stop()
    assert code == 0, p.output()
    wait_until(lambda: children_gone(tmp_path), 5, "both programs end")
    # The second start knows all of the first and shows no password.
    p, env = start_run(tmp_path, PROXY_PORT=env["PROXY_PORT"], ADMIN_PORT=env["ADMIN_PORT"])
    assert "with the password you chose" in p.output()
    assert p.stop() == 0
    wait_until(lambda: children_gone(tmp_path), 5, "both programs end")


def test_run_ends_when_a_program_ends(tmp_path):
    p, env = start_run(tmp_path)
    try:
        pid = int(subprocess.run(["pgrep", "-f", f"adminui --config {tmp_path}/var/proxyd.conf"], capture_output=True, text=True).stdout.split()[0])
        os.kill(pid, signal.SIGKILL)
        code = p.p.wait(20 * SLOW)
    finally:
        p.stop()
    assert code == 2 and "adminui ended by itself" in p.output()
    wait_until(lambda: children_gone(tmp_path), 5, "proxyd ends as well")


def test_run_killed_leaves_nothing(tmp_path):
    p, _ = start_run(tmp_path)
    p.p.kill()
    p.p.wait(10)
    p.stop()
    wait_until(lambda: children_gone(tmp_path), 10, "both programs end with the script")


@release
@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb")
def test_package(tmp_path):
    r = subprocess.run([f"{ROOT}/packaging/deb.sh"], cwd=ROOT, env=dict(os.environ, BUILD=BUILD, VERSION="0.0.1"), capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, r.stderr
    package = os.path.join(ROOT, re.search(r"build/\S+\.deb", r.stdout).group(0))
    try:
        fields = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True).stdout
        for library in ("libsqlite3-0", "libpcre2-8-0", "libmicrohttpd12", "libldap-2.5-0", "libc6"):
            assert library in fields, fields
        content = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
        for path in ("./usr/sbin/proxyd", "./usr/bin/proxyctl", "./usr/share/proxyd/proxyd.conf", "./usr/lib/systemd/system/proxyd.service"):
            assert path in content, path
        assert "./etc/" not in content
    finally:
        os.unlink(package)
