"""backup and restore: one file that brings everything back, here and on another machine; nothing changes when it is bad."""
import glob
import json
import os
import sqlite3
import stat

import pytest

from lib.daemons import Api, Stack, policy, wait_until

SECRET = "kq7-bind-secret-of-the-directory"
DIRECTORY = {"enabled": False, "servers": ["ldap://127.0.0.1:1"], "base": "dc=x", "bind_dn": "cn=reader,dc=x", "bind_password": SECRET}


@pytest.fixture(scope="module")
def s():
    with Stack() as stack:
        stack.publish(policy({"id": "ads", "when": {"categories": ["ads"]}}), "first")
        stack.api.job(stack.api.call("POST", "/categories/ads:import?format=domains", raw=b"ads.test\nbanner.test\n",
                                     headers={"Content-Type": "application/octet-stream"}))
        stack.add_user("bob", "secret of bob")
        stack.api.put("/directory", {**stack.api.get("/directory"), **DIRECTORY})
        yield stack


def restore(stack, path, *args, ok=True):
    r = stack.ctl("restore", str(path), "--json", *args, ok=ok)
    return json.loads(r.stdout) if r.returncode == 0 else r


def state_of(stack):
    """What a restore could change, as the API tells it."""
    def get(path):
        return json.loads(stack.ctl(*path).stdout)
    return [get(p) for p in (("policy", "show", "live", "--json"), ("category", "list", "--json"), ("user", "list", "--json"))]


def test_there_and_back(s, tmp_path):
    """Everything that was changed after the backup is as it was; versions and the audit trail go on instead of back."""
    file = tmp_path / "one.backup"
    s.ctl("backup", str(file))
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600 and not os.path.exists(f"{file}.part")
    assert SECRET.encode() not in file.read_bytes()
    before = state_of(s)
    version = s.publish(policy({"id": "other", "when": {"hosts": ["other.test"]}}), "second")
    s.api.delete("/users/bob")
    s.add_user("eve", "secret of eve")
    s.api.job(s.api.call("POST", "/categories/ads:import?format=domains", raw=b"elsewhere.test\n", headers={"Content-Type": "application/octet-stream"}))
    directory = s.api.get("/directory")
    s.api.put("/directory", {**directory, "base": "dc=changed"})
    s.api.put("/policy/draft", policy())
    rows = s.api.get("/audit:verify")["rows"]
    job = restore(s, file)
    result = job["result"]
    assert result["applied"] and result["version"] == version + 1 and result["is_new_version"] and result["versions_apart"] == 0
    assert result["secrets_missing"] == 0 and not result["backup"]["has_secrets"] and result["backup"]["users"] == 1
    after = state_of(s)
    assert after[0]["document"] == before[0]["document"] and after[0]["comment"].startswith("restored from a backup of 20")
    assert [c["counts"] for c in after[1]["items"]] == [c["counts"] for c in before[1]["items"]]
    assert [u["username"] for u in after[2]["items"]] == ["bob"]
    assert s.api.call("GET", "/me", ok=False).status_code == 401  # sessions ended with the accounts
    s.api.login("admin", s.admin_password)
    assert s.api.get("/directory")["base"] == "dc=x"
    assert s.api.get("/policy/draft") == after[0]["document"]
    check = s.api.get("/audit:verify")
    assert check["ok"] and check["rows"] > rows
    assert any(r["action"] == "restore" and r["after"]["put_aside"] == result["put_aside"] for r in s.api.get("/audit?limit=5")["items"])
    assert [v["version"] for v in s.api.get("/policy/versions?limit=3")["items"]] == [version + 1, version, version - 1]
    # the running proxy has it: rule, list, and nothing of what came later
    assert s.get("http://ads.test/").status_code == 403
    assert s.get("http://other.test/").status_code != 403 and s.get("http://elsewhere.test/").status_code != 403
    # the secret was not in the file and stays
    with sqlite3.connect(f"file:{s.state}/policy.db?mode=ro", uri=True) as db:
        assert json.loads(db.execute("SELECT document FROM settings WHERE name='directory'").fetchone()[0])["bind_password"] == SECRET
    # what was put aside is itself a backup
    aside = os.path.join(s.state, result["put_aside"])
    assert stat.S_IMODE(os.stat(aside).st_mode) == 0o600
    assert restore(s, aside, "--dry-run")["result"]["backup"]["live_version"] == version


def test_secrets_only_when_asked_for(s, tmp_path):
    file = tmp_path / "full.backup"
    s.ctl("backup", str(file), "--with-secrets")
    assert SECRET.encode() in file.read_bytes()
    s.api.login("admin", s.admin_password)
    assert any(r["action"] == "GET /backup" and r["object"] == "with secrets" for r in s.api.get("/audit?limit=3")["items"])
    for name in ("secret of bob", s.admin_password):
        assert name.encode() not in file.read_bytes()
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM admin_session").fetchone() == (0,)


def test_another_machine(s, tmp_path):
    """A new machine becomes the old one; its own version 1 and audit trail stay, the secret is said to be missing."""
    file = tmp_path / "move.backup"
    s.ctl("backup", str(file))
    with Stack() as new:
        own = new.api.get("/policy/versions/1")["document"]
        result = restore(new, file)["result"]
        assert result["applied"] and result["secrets_missing"] == 1 and result["versions_added"] >= 1, result
        assert new.get("http://ads.test/").status_code == 403
        Api(new.admin_port).login("admin", s.admin_password)
        assert json.loads(new.ctl("policy", "show", "1", "--json").stdout)["document"] == own
        with pytest.raises(AssertionError):
            Api(new.admin_port).login("admin", "not this one")


def test_accounts_can_stay(s, tmp_path):
    file = tmp_path / "accounts.backup"
    s.ctl("backup", str(file))
    s.api.login("admin", s.admin_password)
    s.api.post("/accounts", {"username": "later", "password": "twelve letters", "role": "viewer"})
    restore(s, file, "--keep-accounts")
    assert s.api.get("/accounts/later")["enabled"]  # and the session goes on
    restore(s, file)
    s.api.login("admin", s.admin_password)
    assert s.api.call("GET", "/accounts/later", ok=False).status_code == 404
    assert len(glob.glob(f"{s.state}/before-restore-*.db")) <= 3


def spoil(kind, good):
    def run(*sql):
        with sqlite3.connect(good) as db:
            for x in sql:
                db.execute(x)
        db.close()
    data = open(good, "rb").read()
    if kind == "empty":
        data = b""
    elif kind == "text":
        data = b"SQLite is not this\n" * 100
    elif kind == "cut":
        data = data[: len(data) // 2]
    elif kind == "scribbled":
        data = data[:8192] + bytes(4096 * 3) + data[8192 + 4096 * 3:]
    else:
        run(*{"trigger": ["CREATE TRIGGER evil AFTER INSERT ON person BEGIN DELETE FROM settings; END"],
              "view": ["CREATE VIEW evil AS SELECT * FROM admin_account"],
              "other table": ["DROP TABLE person", "CREATE TABLE person(name TEXT)"],
              "newer": ["PRAGMA user_version=900"],
              "another program's": ["PRAGMA application_id=7"],
              "nobody": ["UPDATE admin_account SET enabled = 0"],
              "no policy": ["DELETE FROM policy_live"],
              "bad policy": ["DROP TRIGGER policy_version_is_immutable", "UPDATE policy_version SET document = '{\"rules\":7}'",
                             "CREATE TRIGGER policy_version_is_immutable BEFORE UPDATE ON policy_version"
                             "  BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END"],
              "bad settings": ["UPDATE settings SET document = '{\"servers\":5}' WHERE name = 'directory'"]}[kind])
        return
    open(good, "wb").write(data)


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "scribbled", "trigger", "view", "other table", "newer", "another program's", "nobody",
                                  "no policy", "bad policy", "bad settings"])
def test_a_bad_file_changes_nothing(s, tmp_path, kind):
    file = tmp_path / "bad.backup"
    s.ctl("backup", str(file))
    spoil(kind, str(file))
    before, asides = state_of(s), glob.glob(f"{s.state}/before-restore-*")
    r = restore(s, file, ok=False)
    job = r if isinstance(r, dict) else None
    assert job is None or job["state"] == "failed", job
    text = (job or {}).get("message", "") or r.stdout + r.stderr
    assert any(w in text for w in ("no backup of proxyd", "newer version", "not ours", "nobody in this backup", "no policy was ever", "cannot be used",
                                   "the body is empty", "needs a body", "Nothing was sent")), text
    assert state_of(s) == before and glob.glob(f"{s.state}/before-restore-*") == asides
    wait_until(lambda: not os.listdir(f"{s.state}/uploads"), 5, "nothing is left in the spool")


def test_only_admins(s, tmp_path):
    s.api.login("admin", s.admin_password)
    s.api.post("/accounts", {"username": "ed", "password": "twelve letters", "role": "editor"})
    ed = Api(s.admin_port)
    ed.login("ed", "twelve letters")
    assert ed.call("GET", "/backup", ok=False).status_code == 403
    assert ed.call("POST", "/restore", raw=b"x", headers={"Content-Type": "application/octet-stream"}, ok=False).status_code == 403
    r = s.api.call("GET", "/backup")
    assert r.headers["Content-Type"] == "application/vnd.sqlite3" and r.content.startswith(b"SQLite format 3\0")
    assert "proxyd-20" in r.headers["Content-Disposition"]
    assert s.api.call("GET", "/backup?secrets=perhaps", ok=False).status_code == 422
