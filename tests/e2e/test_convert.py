"""Old configurations through the API and proxyctl, and the proof of the pudding: a real Squid with its squid.conf and
proxyd with the document made from it are asked the same things and must answer the same."""
import base64
import io
import itertools
import json
import socket
import subprocess
import tarfile

import pytest

from lib.daemons import BUILD, Stack
from lib.dns import Dns
from lib.origin import Origin
from lib.parent import Parent
from lib.squid import Squid

HOSTS = ["ok.test", "www.banned.test", "banned.test", "notbanned.test", "ad1.x.test", "road.test", "listed.test", "deep.listed.test"]
USERS = {"alice": "secret", "bob": "secret2"}
RULES = """
acl localnet src 127.0.0.0/255.0.0.0
acl kiosk src 127.0.0.7-127.0.0.9
acl Safe_ports port 80 443 {port}
acl banned dstdomain .banned.test {list}
acl adhost dstdom_regex -i (^|\\.)ads?[0-9]*\\.
acl path urlpath_regex ^/private \\.exe$
acl word url_regex -i casino
acl who proxy_auth REQUIRED
acl alice proxy_auth alice
acl posts method POST
acl night time SMTWHFA 00:00-24:00
http_access deny !Safe_ports
http_access deny banned
http_access deny adhost !kiosk
http_access deny path posts
http_access allow kiosk night
http_access deny word
http_access deny !who
http_access deny alice posts
http_access allow localnet
http_access deny all
"""
LIST = "# a list\n.listed.test\n\n.other.test\n"


def tar(files):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w:gz") as t:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            t.addfile(info, io.BytesIO(text.encode()))
    return b.getvalue()


def ask(port, source, method, url, host, user=None):
    """The status a proxy answers with."""
    head = f"{method} {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    if user:
        head += "Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{USERS[user]}".encode()).decode() + "\r\n"
    if method == "POST":
        head += "Content-Length: 0\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0)) as s:
        s.sendall(head.encode() + b"\r\n")
        answer = s.recv(4096)
    return int(answer.split(b" ", 2)[1])


@pytest.fixture(scope="module")
def stack():
    names = {h: "127.0.0.1" for h in HOSTS}
    with Dns(names) as d, Stack(proxy={"resolvers": d.address}) as s:
        for name, password in USERS.items():
            s.add_user(name, password)
        yield s


def convert(stack, data, query=""):
    job = stack.api.job(stack.api.call("POST", f"/convert{query}", raw=data))
    assert job["state"] == "done", job
    return job["result"]


def test_the_same_answers_as_squid(stack, tmp_path):
    listing = tmp_path / "banned.txt"
    listing.write_text(LIST)
    tmp_path.chmod(0o755)
    with Origin() as o:
        rules = RULES.format(port=o.port, list=f'"{listing}"')
        result = convert(stack, tar({"etc/squid/squid.conf": rules, "etc/squid/banned.txt": LIST}))
        assert result["counts"]["dropped"] == 0, [r for r in result["report"] if r["outcome"] == "dropped"]
        stack.publish(result["document"])
        with Squid(rules, {h: "127.0.0.1" for h in HOSTS}, USERS) as q:
            table = list(itertools.product(["127.0.0.1", "127.0.0.8"], [None, "alice", "bob"], ["GET", "POST"], HOSTS,
                                           ["/", "/private/x", "/x.exe", "/casino/", "/x?q=CASINO"]))
            differences, seen = [], set()
            for source, user, method, host, path in table:
                authority = f"{host}:{o.port}"
                of = [ask(p, source, method, f"http://{authority}{path}", authority, user) for p in (q.port, stack.proxy_port)]
                kind = [{403: "no", 407: "who"}.get(x, "yes") for x in of]
                seen.add(kind[0])
                if kind[0] != kind[1]:
                    differences.append((source, user, method, host, path, of))
            assert seen == {"yes", "no", "who"}
            assert not differences, f"{len(differences)} of {len(table)}: {differences[:5]}"


def test_squidguard_in_front_of_squid(stack):
    """Categories are stored, and both have to let a request pass."""
    files = {
        "squid.conf": "acl net src 127.0.0.0/8\nurl_rewrite_program /usr/bin/squidGuard\nhttp_access allow net\nhttp_access deny all\n",
        "squidGuard.conf": "dbhome /var/lib/squidguard/db\nsrc boss {\n ip 127.0.0.9\n}\ndest bad {\n domainlist bad/domains\n"
                           " urllist bad/urls\n}\ndest good {\n domainlist good/domains\n}\nacl {\n boss {\n  pass any\n }\n"
                           " default {\n  pass good !bad any\n  redirect http://x/%u\n }\n}\n",
        "db/bad/domains": "banned.test\nlisted.test\n", "db/bad/urls": "ok.test/private\n", "db/good/domains": "deep.listed.test\n"}
    result = convert(stack, tar(files), "?categories=store")
    assert result["from"] == "squid" and result["stored"], result
    assert {c["name"]: c["entries"] for c in result["categories"]} == {"bad": 3, "good": 1}
    stack.publish(result["document"])
    with Origin() as o:
        def get(host, path="/", source="127.0.0.1"):
            return ask(stack.proxy_port, source, "GET", f"http://{host}:{o.port}{path}", f"{host}:{o.port}")
        assert get("ok.test") == 200 and get("banned.test") == 403 and get("listed.test") == 403
        assert get("deep.listed.test") == 200
        assert get("banned.test", source="127.0.0.9") == 200


def test_what_is_not_understood_says_so(stack):
    r = stack.api.call("POST", "/convert?from=nonsense", raw=b"x", ok=False)
    assert r.status_code == 422
    job = stack.api.job(stack.api.call("POST", "/convert", raw=b"\xff\xd8\xff nothing of the kind"))
    assert job["state"] == "failed" and "squid.conf" in job["message"]
    job = stack.api.job(stack.api.call("POST", "/convert", raw=tar({"a": "b"})[:40]))
    assert job["state"] == "failed" and job["message"]
    before = stack.api.get("/policy/draft")
    convert(stack, b"http_access deny all\n", "?name=squid.conf")
    assert stack.api.get("/policy/draft") == before


def test_proxyctl(stack, tmp_path):
    conf = tmp_path / "squid.conf"
    conf.write_text("acl bad dstdomain .bad.example\nacl odd arp 00:11:22:33:44:55\nhttp_access deny bad\nhttp_access deny odd\n"
                    "http_access allow all\n")
    r = subprocess.run([f"{BUILD}/proxyctl", "--socket", f"{stack.state}/admin.sock", "policy", "convert", str(conf)],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    document = json.loads(r.stdout)
    assert [x["enabled"] for x in document["rules"]] == [True, False]
    assert "squid.conf:4: partly" in r.stderr and "hardware addresses" in r.stderr.lower()
    new = tmp_path / "new.json"
    new.write_text(r.stdout)
    assert "ok" in stack.ctl("policy", "check", str(new)).stdout


def test_parents(stack, tmp_path):
    """A squid.conf with parents, saved and published, sends requests where Squid would."""
    with Origin() as o, Parent() as hq:
        conf = (f"cache_peer 127.0.0.1 parent {hq.port} 0 no-query name=hq login=site:pw\nacl corp dstdomain .banned.test\n"
                "cache_peer_access hq allow corp\ncache_peer_access hq deny all\nnever_direct allow corp\nforwarded_for delete\n"
                f"acl ok port {o.port}\nhttp_access deny !ok\nhttp_access allow all\n")
        result = convert(stack, conf.encode(), "?name=squid.conf")
        assert result["settings"]["privacy"] == {"privacy": "anonymous"}
        assert result["counts"]["dropped"] == 0, result["report"]
        stack.api.put("/settings/upstreams", result["settings"]["upstreams"])
        stack.publish(result["document"])
        try:
            for host in ("ok.test", "www.banned.test"):
                assert ask(stack.proxy_port, "127.0.0.1", "GET", f"http://{host}:{o.port}/", f"{host}:{o.port}") == 200
            assert [h.split(b"\r\n")[0] for h in hq.heads] == [f"GET http://www.banned.test:{o.port}/ HTTP/1.1".encode()]
            assert base64.b64encode(b"site:pw") in hq.heads[0]
        finally:
            stack.api.put("/settings/upstreams", {"groups": []})
    file = tmp_path / "squid.conf"
    file.write_text(conf)
    r = subprocess.run([f"{BUILD}/proxyctl", "--socket", f"{stack.state}/admin.sock", "policy", "convert", str(file)],
                       capture_output=True, text=True, timeout=60)
    assert '"name": "hq"' in r.stderr and "for each listener: privacy=anonymous" in r.stderr


def test_files_that_include_themselves_end(stack):
    job = stack.api.job(stack.api.call("POST", "/convert?name=squid.conf",
                                       raw=b"include squid.conf\ninclude squid.conf\nhttp_access deny all\n"))
    assert job["state"] == "failed" and "include" in job["message"]
