"""PAC: served by proxyd without a login, made from the settings, understood by old and new engines and by a real
browser, and the same in the tester; snippets for clients parse in their formats."""
import json
import os
import plistlib
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
import requests

from lib.daemons import SLOW, Stack, free_port, policy, wait_until, zstd_lines
from lib.dns import Dns
from lib.origin import Origin

TYPE = "application/x-ns-proxy-autoconfig"
SETTINGS = {
    "url": "https://proxy.corp.test/proxy.pac",
    "profiles": [
        {"name": "default", "networks": [],
         "proxies": [{"type": "http", "host": "p1.corp.test", "port": 3128, "weight": 1},
                     {"type": "http", "host": "p2.corp.test", "port": 3128, "weight": 2}],
         "sharing": "by-host", "fallback": "none", "plain_names_direct": True,
         "direct": {"domains": ["corp.test", "google.com"], "exact": ["www.example.com"], "networks": ["10.0.0.0/8", "2001:db8::/32"],
                    "schemes": ["ftp"], "ports": [8081]},
         "routes": [{"name": "partner", "proxies": [{"type": "https", "host": "partner.test", "port": 443}], "sharing": "failover",
                     "fallback": "direct", "domains": ["facebook.com"], "exact": [], "networks": ["10.9.0.0/16"]}],
         "resolve_names": False},
        {"name": "lab", "networks": ["192.0.2.0/24"], "proxies": [], "fallback": "direct"}]}
URLS = ["http://intranet/", "https://www.example.com/a", "http://mail.example.com/", "https://10.1.2.3/", "https://10.9.2.3:8443/",
        "http://[2001:db8::1]/", "http://[2001:db9::1]:8081/x", "http://example.org:8081/",
        "https://www.google.com/search?q=1", "https://notgoogle.com/", "https://m.facebook.com/", "https://constructor/",
        "https://__proto__.example/", "http://WWW.Example.COM/"]


def pac_settings(stack, document):
    return stack.api.put("/pac", document)


def served(stack, path="/proxy.pac", **kw):
    return requests.get(f"http://127.0.0.1:{stack.proxy_port}{path}", timeout=10, **kw)


def test_served_without_login():
    """The file is public even when every request needs a name, from memory and with the right type."""
    with Stack() as s:
        s.publish(policy(identity="always"))
        for path in ("/proxy.pac", "/wpad.dat"):
            r = served(s, path)
            assert r.status_code == 200, r.text
            assert r.headers["Content-Type"] == TYPE
            assert f"PROXY 127.0.0.1:{s.proxy_port}" in r.text
            assert r.text.startswith("/*") and "function FindProxyForURL(" in r.text
            assert r.content.isascii()
            assert "max-age" in r.headers.get("Cache-Control", "")
        tag = r.headers["ETag"]
        assert served(s).headers["ETag"] == tag
        again = served(s, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        head = requests.head(f"http://127.0.0.1:{s.proxy_port}/proxy.pac", timeout=10)
        assert head.status_code == 200 and head.headers["Content-Length"] == str(len(r.content))
        # Whatever name a client thinks it found us by (WPAD), the answer is the same.
        assert served(s, "/wpad.dat", headers={"Host": "wpad.corp.test"}).content == r.content


def test_settings_reach_proxyd():
    with Stack() as s:
        assert s.api.get("/pac")["profiles"][0]["name"] == "default"
        pac_settings(s, SETTINGS)
        wait_until(lambda: "p2.corp.test" in served(s).text, 5, "the new settings at the proxy")
        file = s.api.call("GET", "/pac/file")
        assert file.headers["Content-Type"].startswith(TYPE) and "p2.corp.test" in file.text
        lab = s.api.call("GET", "/pac/file?client=192.0.2.7").text
        assert "p2.corp.test" not in lab and "profile lab" in lab
        # All faults at once, each with its place; nothing changes.
        bad = json.loads(json.dumps(SETTINGS))
        bad["profiles"][0]["direct"]["domains"] += ["a b", "10.0.0.1"]
        bad["profiles"][0]["nonsense"] = 1
        tag = s.api.call("GET", "/pac").headers["ETag"]
        r = s.api.call("PUT", "/pac", bad, headers={"If-Match": tag}, ok=False)
        assert r.status_code == 422, r.text
        places = {e["pointer"] for e in r.json()["errors"]}
        assert {"/profiles/0/direct/domains/2", "/profiles/0/direct/domains/3", "/profiles/0/nonsense"} <= places
        assert s.api.get("/pac")["profiles"][0]["direct"]["domains"] == SETTINGS["profiles"][0]["direct"]["domains"]
        stale = s.api.call("PUT", "/pac", SETTINGS, headers={"If-Match": '"0"'}, ok=False)
        assert stale.status_code == 412


def test_wpad_port_of_its_own():
    """[pac] listen: the file and nothing else, naming the proxy's port, chosen by the address of who asks."""
    port = free_port()
    document = json.loads(json.dumps(SETTINGS))
    document["profiles"][1]["networks"] = ["127.0.0.0/8"]
    with Stack(proxy_lines=["[pac]", f"listen = 127.0.0.1:{port}"]) as s:
        r = requests.get(f"http://127.0.0.1:{port}/wpad.dat", timeout=10)
        assert (r.status_code, r.headers["Content-Type"]) == (200, TYPE)
        assert f'"PROXY 127.0.0.1:{s.proxy_port}"' in r.text
        assert requests.get(f"http://127.0.0.1:{port}/wpad.dat?x=1", timeout=10).content == r.content
        for path in ("/", "/other", "/admin"):
            assert requests.get(f"http://127.0.0.1:{port}{path}", timeout=10).status_code in (400, 404)
        through = requests.get("http://blocked.example/", proxies={"http": f"http://127.0.0.1:{port}"}, timeout=10)
        assert through.status_code in (400, 404)                 # not even judged: this port forwards nothing
        pac_settings(s, document)
        wait_until(lambda: "profile lab" in requests.get(f"http://127.0.0.1:{port}/wpad.dat", timeout=10).text, 5, "the profile of 127.0.0.0/8")


def host_of(url):
    authority = url.split("//", 1)[1].split("/", 1)[0]
    return authority[1:].split("]")[0] if authority.startswith("[") else authority.split(":")[0]


def run_engine(argv, pac, pairs, tmp_path):
    """Answers of an engine that runs a script."""
    script = tmp_path / "run.js"
    script.write_text(pac + "\nvar qs = " + json.dumps(pairs) + ", i, say = typeof print === \"function\" ? print : console.log;\n"
                      "for (i = 0; i < qs.length; i++) say(FindProxyForURL(qs[i][0], qs[i][1]));\n")
    r = subprocess.run([*argv, str(script)], capture_output=True, text=True, timeout=60 * SLOW)
    assert r.returncode == 0, r.stderr
    return r.stdout.splitlines()


def run_node_vm(pac, pairs, tmp_path):
    """A context with nothing of Node in it, as in a browser's PAC sandbox."""
    script = tmp_path / "vm.js"
    script.write_text("const vm = require('vm'); const c = vm.createContext(Object.create(null));\n"
                      f"vm.runInContext({json.dumps(pac)}, c);\n"
                      f"for (const [u, h] of {json.dumps(pairs)}) {{ c.u = u; c.h = h; console.log(vm.runInContext('FindProxyForURL(u, h)', c)); }}\n")
    r = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return r.stdout.splitlines()


def run_pactester(pac, pairs, tmp_path):
    """The oldest engine; it takes the host from the URL itself and cannot do IPv6 literals there."""
    (tmp_path / "proxy.pac").write_text(pac)
    (tmp_path / "urls").write_text("".join(u + "\n" for u, _ in pairs))
    r = subprocess.run(["pactester", "-p", str(tmp_path / "proxy.pac"), "-f", str(tmp_path / "urls")], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return [line.split(" : ", 1)[1] for line in r.stdout.splitlines() if " : " in line]


def test_engines_agree(tmp_path):
    """What the tester says is what each engine answers from the file that proxyd serves."""
    urls = URLS + [f"https://{d}/" for d in (zstd_lines("popular-domains.txt.zst") or [])[:60]]
    pairs = [[u, host_of(u)] for u in urls]
    with Stack() as s:
        pac_settings(s, SETTINGS)
        wait_until(lambda: "p2.corp.test" in served(s).text, 5, "the new settings at the proxy")
        pac = served(s).text
        want = [s.api.post("/pac:test", {"url": u})["result"] for u in urls]
        assert s.api.post("/pac:test", {"url": urls[0], "client": "192.0.2.9"})["result"] == "DIRECT"
    assert want[0] == "DIRECT" and want[1] == "DIRECT" and want[2].startswith("PROXY p") and want[3] == "DIRECT"
    assert want[4] == "HTTPS partner.test:443; DIRECT" and want[10] == want[4]
    assert len({w for w in want if w.startswith("PROXY")}) == 2          # both orders occur
    engines = 0
    for argv in (["duk"], ["mujs"], ["node"]):
        if shutil.which(argv[0]):
            assert run_engine(argv, pac, pairs, tmp_path) == want, argv
            engines += 1
    if shutil.which("node"):
        assert run_node_vm(pac, pairs, tmp_path) == want
    if shutil.which("pactester"):
        plain = [(p, w) for p, w in zip(pairs, want) if "[" not in p[0] and not p[0].startswith("http://WWW")]
        assert run_pactester(pac, [p for p, _ in plain], tmp_path) == [w for _, w in plain]
        engines += 1
    assert engines >= 2, "no JavaScript engine to compare with"


def test_deploy_snippets():
    with Stack() as s:
        pac_settings(s, SETTINGS)
        items = s.api.get("/pac/deploy")["items"]
        assert len(items) >= 15
        for item in items:
            r = s.api.call("GET", f"/pac/deploy/{item['target']}")
            text = r.text
            assert SETTINGS["url"] in text or "wpad" in text or "p1.corp.test:3128" in text, item["target"]
            if item["content_type"] == "application/json":
                json.loads(text)
            if item["file_name"].endswith(".mobileconfig"):
                ET.fromstring(text)
                proxy = plistlib.loads(text.encode())["PayloadContent"][0]
                assert proxy["ProxyPACURL"] == SETTINGS["url"] and proxy["ProxyPACFallbackAllowed"] is False
            if item["file_name"].endswith(".reg"):
                assert r.content.count(b"\n") == r.content.count(b"\r\n")
        assert s.api.call("GET", "/pac/deploy/none", ok=False).status_code == 404
        hostile = s.api.call("GET", "/pac/deploy/firefox?pac_url=https%3A%2F%2Fx%2F%22%27%3Cy%3E", ok=False)
        assert hostile.status_code == 422


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium")
def test_browser_finds_the_proxy(tmp_path):
    """A real browser loads the file, goes through the proxy, and is recorded; the name exists for the proxy alone."""
    page = b"<html><body><p>seen through the proxy</p></body></html>"
    with Origin() as o, Dns({"www.origin.test": ["127.0.0.1"]}) as dns, Stack(proxy={"resolvers": dns.address}) as s:
        o.on("/page", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page))
        s.publish(policy())
        port = o.url("/").split(":")[2].split("/")[0]
        url = f"http://www.origin.test:{port}/page"
        r = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                            "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path}",
                            f"--proxy-pac-url=http://127.0.0.1:{s.proxy_port}/proxy.pac", "--dump-dom", url],
                           capture_output=True, text=True, timeout=60 * SLOW, env=dict(os.environ, HOME=str(tmp_path)))
        assert "seen through the proxy" in r.stdout, r.stdout[-500:] + r.stderr[-1500:]
        records = s.log("host=www.origin.test&status=200")      # the browser asks for its icon as well
        assert [r["verdict"] for r in records if r["url"] == url] == ["allowed"]
