"""The main job, end to end: Chromium is given the address of the PAC file and nothing else; a person logs in; a category
decides on http and on https; both decisions are found in the dashboard's log with rule, category and policy version."""
import json
import os
import subprocess

from test_dashboard import HERE, SHOTS, packages  # noqa: F401 (installs the browser driver)

from lib.daemons import Stack, policy
from lib.dns import Dns
from lib.origin import Origin

PASSWORD = "an example pass sentence"
PAGE = b"<!doctype html><title>Intranet</title><p>the page behind the proxy</p>"


def test_browser_with_nothing_but_the_pac_file(packages):  # noqa: F811
    names = {"www.origin.example": ["127.0.0.1"], "www.casino.example": ["127.0.0.1"]}
    with Origin() as origin, Dns(names) as dns, Stack(proxy={"resolvers": dns.address}) as s:
        origin.on("/page", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE))
        s.api.post("/setup", {"new_password": PASSWORD, "preset": None, "user": None})  # the first-run wizard is another test's
        job = s.api.call("POST", "/categories/gambling:import", raw=b"casino.example\nbets.example\n",
                         headers={"Content-Type": "text/plain"})
        assert s.api.job(job)["state"] == "done"
        version = s.publish(policy(
            {"id": "no-gambling", "name": "No gambling at work", "when": {"categories": ["gambling"]}, "message": "Not at work."},
            {"id": "people", "name": "People log in", "when": {"users": ["*"]}, "action": "allow"},
            default={"action": "block"}))
        s.add_user("bob", "bob's good password", ["staff"])
        port = origin.url("/").split(":")[2].split("/")[0]
        env = {"PAC_URL": f"http://127.0.0.1:{s.proxy_port}/proxy.pac", "PAGE_URL": f"http://www.origin.example:{port}/page",
               "BLOCKED_URL": f"http://www.casino.example:{port}/roulette", "BLOCKED_TLS": "https://www.casino.example/",
               "LOGIN_USER": "bob", "LOGIN_PASSWORD": "bob's good password", "DASHBOARD": f"https://127.0.0.1:{s.admin_port}",
               "ADMIN_PASSWORD": PASSWORD, "SCREENSHOTS": SHOTS, "PROXY": f"127.0.0.1:{s.proxy_port}"}
        r = subprocess.run(["node", "main_job.mjs"], cwd=HERE, env=dict(os.environ, **env), capture_output=True, text=True, timeout=180)
        assert r.returncode == 0, r.stdout[-2000:] + r.stderr[-4000:]
        saw = json.loads(r.stdout.splitlines()[-1])

        assert saw["stranger"].get("status") == 407 or "error" in saw["stranger"], saw["stranger"]
        assert saw["page"]["status"] == 200 and "the page behind the proxy" in saw["page"]["text"]
        assert saw["blocked"]["status"] == 403
        for text in ("Not at work.", "No gambling at work", "gambling"):
            assert text in saw["blocked"]["text"], saw["blocked"]["text"]
        assert "error" in saw["blocked_tls"], "https to a blocked host fails closed"
        assert not any(b"casino" in q.head for q in origin.requests), "nothing of it reached a server"

        records = s.log("host=www.casino.example&verdict=blocked", want=2)
        assert {(x["method"], x["rule"], tuple(x["categories"]), x["policy_version"]) for x in records} >= {
            ("GET", "no-gambling", ("gambling",), version), ("CONNECT", "no-gambling", ("gambling",), version)}
        assert any(x["user"] == "bob" and x["status"] == 200 for x in s.log("host=www.origin.example&user=bob"))
        assert "No gambling at work" in saw["log"] and "www.casino.example" in saw["log"] and "bob" in saw["log"]
        for text in ("No gambling at work", "gambling", str(version)):
            assert text in saw["record"], saw["record"]
        assert saw["trouble"] == []
