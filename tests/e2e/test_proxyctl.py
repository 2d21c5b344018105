"""proxyctl over the real socket: every verb, tables and --json, exit codes, texts of refusals."""
import json
import os
import subprocess

import pytest

from lib.daemons import BUILD, Stack, policy, wait_until


@pytest.fixture(scope="module")
def admin():
    with Stack(start=False) as s:
        s.start_adminui()
        yield s


def ctl(admin, *args, stdin="", code=0):
    r = subprocess.run([f"{BUILD}/proxyctl", "--socket", f"{admin.state}/admin.sock", *args], input=stdin, capture_output=True, text=True, timeout=60)
    assert r.returncode == code, f"{args}: {r.returncode}\n{r.stdout}\n{r.stderr}"
    return r


def test_usage():
    run = lambda *a: subprocess.run([f"{BUILD}/proxyctl", *a], capture_output=True, text=True)
    assert run("--help").returncode == 0 and "policy publish" in run("--help").stdout
    assert run("--version").stdout.startswith("proxyctl ")
    assert run().returncode == 1 and "usage" in run().stderr
    r = run("--socket", "/nonexistent/x.sock", "status")
    assert r.returncode == 2 and "/nonexistent/x.sock" in r.stderr
    for words in (["nonsense"], ["policy"], ["policy", "nonsense"], ["policy", "check"], ["user", "add", "a", "b"], ["--nonsense"]):
        assert run(*words).returncode == 1, words


def test_status(admin):
    r = ctl(admin, "status")
    assert "proxyd is not running" in r.stdout and "live policy" in r.stdout
    assert json.loads(ctl(admin, "status", "--json").stdout)["policy"]["live_version"] >= 1


def test_policy(admin, tmp_path):
    doc = json.loads(ctl(admin, "policy", "show").stdout)
    assert any(r["id"] == "blocked-sites" for r in doc["rules"])
    path = tmp_path / "p.json"
    path.write_text(json.dumps(policy({"id": "x", "action": "block", "when": {"hosts": ["x.example"]}})))
    assert "ok" in ctl(admin, "policy", "check", str(path)).stdout
    r = ctl(admin, "policy", "publish", str(path), "--comment", "from the shell")
    assert "version 2 is live" in r.stdout and "not running" in r.stderr
    assert "from the shell" in ctl(admin, "policy", "versions").stdout
    assert "removed" in ctl(admin, "policy", "diff", "1", "2").stdout
    assert "(none)" in ctl(admin, "policy", "diff").stdout
    assert "held other changes" not in r.stderr
    r = ctl(admin, "policy", "test", "http://www.x.example/", "--user", "bob", "--groups", "a,b", "--client", "10.0.0.1", "--time", "2026-01-05T10:00:00Z")
    assert "block" in r.stdout and "* " in r.stdout
    assert json.loads(ctl(admin, "policy", "test", "http://y.example/", "--json", "--policy", "2").stdout)["action"] == "allow"
    assert "version 3 is live" in ctl(admin, "policy", "rollback", "1").stdout
    assert ctl(admin, "policy", "show", "draft").stdout == ctl(admin, "policy", "show", "1").stdout
    admin.log_in()
    admin.api.put("/policy/draft", policy({"id": "of-somebody-else", "when": {"hosts": ["y.example"]}}))
    assert "held other changes" in ctl(admin, "policy", "publish", str(path), "--comment", "over it").stderr
    ctl(admin, "policy", "rollback", "1")


def test_policy_faults(admin, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"default": {"action": "x"}, "rules": [{"id": "a", "action": "block", "nokey": 1}]}))
    r = ctl(admin, "policy", "check", str(path), code=1)
    assert "/rules/0/nokey" in r.stdout or "/rules/0" in r.stdout
    before = ctl(admin, "policy", "versions").stdout
    r = ctl(admin, "policy", "publish", str(path), "--comment", "x", code=1)
    assert "/default/action" in r.stderr
    assert ctl(admin, "policy", "versions").stdout == before
    path.write_text('{"a": 1,\n "b": }')
    assert "line 2" in ctl(admin, "policy", "check", str(path), code=1).stderr
    assert "/no/such/file" in ctl(admin, "policy", "check", "/no/such/file", code=1).stderr
    ctl(admin, "policy", "rollback", "99", code=1)
    ctl(admin, "policy", "show", "99", code=1)
    ctl(admin, "policy", "test", "nonsense", code=1)


def test_policy_from_stdin(admin):
    r = ctl(admin, "policy", "check", "-", stdin=json.dumps(policy()))
    assert "ok" in r.stdout


def test_categories(admin, tmp_path):
    path = tmp_path / "list with space.txt"
    path.write_text("a.ctl.example\nbad..name\nb.ctl.example\n")
    r = ctl(admin, "category", "import", "from-shell", str(path))
    assert "2 accepted" in r.stdout and "1 rejected" in r.stdout and "bad..name" in r.stdout
    assert "from-shell" in ctl(admin, "category", "list").stdout
    assert "a.ctl.example" in ctl(admin, "category", "lookup", "www.a.ctl.example").stdout
    assert json.loads(ctl(admin, "category", "lookup", "b.ctl.example", "--json").stdout)["categories"] == ["from-shell"]
    assert "list with space.txt" == json.loads(ctl(admin, "category", "list", "--json").stdout)["items"][0]["source"]
    ctl(admin, "category", "import", "x", "/no/such/file", code=1)
    ctl(admin, "category", "import", "UPPER", str(path), code=1)
    ctl(admin, "category", "delete", "from-shell")
    ctl(admin, "category", "delete", "from-shell", code=1)


def test_users(admin):
    ctl(admin, "user", "add", "bob", "--groups", "staff,it", stdin="a secret\n")
    ctl(admin, "user", "add", "bob", stdin="again\n", code=1)
    ctl(admin, "user", "add", "nopass", code=1)
    assert "staff,it" in ctl(admin, "user", "list").stdout
    ctl(admin, "user", "passwd", "bob", stdin="another\n")
    ctl(admin, "user", "passwd", "nobody", stdin="another\n", code=1)
    assert "not running" in ctl(admin, "user", "forget", "bob", code=2).stderr
    ctl(admin, "user", "delete", "bob")
    assert "(none)" in ctl(admin, "user", "list").stdout


def test_the_rest(admin):
    assert "FindProxyForURL" in ctl(admin, "pac", "show").stdout
    assert "PROXY" in ctl(admin, "pac", "test", "http://www.example.com/").stdout
    assert "(none)" in ctl(admin, "log", "search", "verdict=blocked").stdout
    assert json.loads(ctl(admin, "log", "search", "--json").stdout) == {"items": [], "next_cursor": None}
    ctl(admin, "log", "search", "nonsense", code=1)
    assert "/nonsense" in ctl(admin, "log", "search", "nonsense=1", code=1).stderr
    assert "requests" in ctl(admin, "report", "overview").stdout
    assert "(none)" in ctl(admin, "report", "hosts", "--from", "now-1h").stdout
    ctl(admin, "report", "nonsense", code=1)


def test_follow():
    """Records appear in the tail while they are made."""
    with Stack() as s:
        tail = subprocess.Popen([f"{BUILD}/proxyctl", "--socket", f"{s.state}/admin.sock", "log", "search", "--follow", "verdict=blocked"],
                                stdout=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: s.api.get("/status")["adminui"]["streams"] == 1, 5, "the stream")
            assert s.get("http://blocked.example/").status_code == 403
            line = tail.stdout.readline()
            assert "blocked.example" in line and "403" in line
        finally:
            tail.terminate()
            tail.wait(10)


def test_names_are_not_passed_raw_to_the_terminal(admin):
    s = admin
    r = ctl(s, "policy", "rollback", "1", "--comment", "evil \x1b[31m red")
    assert "\x1b" not in ctl(s, "policy", "versions").stdout
    assert os.path.exists(f"{s.state}/policy.db") and r.returncode == 0
