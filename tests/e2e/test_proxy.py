"""What the proxy does on the wire: forwarding, framing, kept connections, tunnels, names, refusals and
its own pages; and that each request leaves exactly one record."""
import random
import socket
import time

import pytest
import requests

from lib.daemons import SLOW, Stack, free_port, policy, wait_until
from lib.dns import Dns
from lib.origin import CLOSE, ECHO, HALF_CLOSE, RESET, Origin, Pause, chunked, reply

NAMES = {"origin.test": ["127.0.0.1"], "two.test": ["127.0.0.3", "127.0.0.1"], "six.test": ["::1", "127.0.0.1"],
         "private.test": ["10.1.2.3"], "meta.test": ["169.254.169.254"], "mixed.test": ["10.1.2.3", "127.0.0.1"]}
RULES = policy(
    {"id": "bad", "name": "No <b>games</b>", "when": {"hosts": ["blocked.test"]}, "action": "block", "message": "Not at work"},
    {"id": "warn", "name": "Careful", "when": {"hosts": ["warn.test"]}, "action": "warn"},
    {"id": "why", "name": "Say why", "when": {"hosts": ["why.test"]}, "action": "override"},
    {"id": "exe", "name": "No programs", "when": {"content_types": ["application/x-msdownload"]}, "action": "block"},
    {"id": "login", "name": "Staff only", "when": {"hosts": ["staff.test"], "groups": ["staff"]}, "action": "block"},
)
NAMES.update({n: ["127.0.0.1"] for n in ("warn.test", "why.test", "staff.test")})


@pytest.fixture(scope="module")
def dns():
    with Dns(NAMES) as d:
        yield d


@pytest.fixture(scope="module")
def s(dns):
    with Stack(proxy={"resolvers": dns.address, "allow-private": ["127.0.0.0/8", "::1/128"]}) as stack:
        stack.publish(RULES)
        yield stack


@pytest.fixture()
def o():
    with Origin(name="origin.test") as origin:
        yield origin


def heads(raw):
    """(status, fields in lower case, body) of each response in raw bytes, bodies by Content-Length."""
    out = []
    while raw:
        head, sep, rest = raw.partition(b"\r\n\r\n")
        if not sep:
            break
        lines = head.split(b"\r\n")
        fields = {k.strip().lower().decode(): v.strip().decode() for k, v in (x.split(b":", 1) for x in lines[1:])}
        n = int(fields.get("content-length", 0)) if lines[0].split()[1] not in (b"100", b"304") else 0
        out.append((int(lines[0].split()[1]), fields, rest[:n]))
        raw = rest[n:]
    return out


def get(url, *fields, method="GET", version="1.1"):
    host = url.split("/")[2]
    return "\r\n".join([f"{method} {url} HTTP/{version}", f"Host: {host}", *fields, "", ""]).encode()


class Client:
    """A raw connection to the proxy."""

    def __init__(self, s):
        self.c = socket.create_connection(("127.0.0.1", s.proxy_port), timeout=10 * SLOW)

    def send(self, data):
        self.c.sendall(data)
        return self

    def until(self, mark, got=b""):
        while mark not in got:
            part = self.c.recv(65536)
            if not part:
                raise AssertionError(f"closed before {mark!r}: {got[-300:]!r}")
            got += part
        return got

    def rest(self):
        got = bytearray()
        while True:
            try:
                part = self.c.recv(65536)
            except ConnectionResetError:
                return bytes(got), "reset"
            if not part:
                return bytes(got), "end"
            got += part

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.c.close()


# --- forwarding -----------------------------------------------------------------------------------------
def test_get_by_name_is_forwarded_and_recorded(s, o):
    r = s.get(o.url("/bytes/5000"), headers={"User-Agent": "tester/1"})
    assert r.status_code == 200 and len(r.content) == 5000
    assert "proxyd" in r.headers["Via"]
    seen = o.wait()[0]
    assert seen.target == "/bytes/5000" and seen.get("host") == f"origin.test:{o.port}"
    assert "proxyd" in seen.get("via") and seen.get("proxy-connection") is None
    rec = s.log(f"url={o.url('/bytes/5000')}")[0]
    assert rec["status"] == 200 and rec["verdict"] == "allowed" and rec["method"] == "GET"
    assert rec["host"] == "origin.test" and rec["port"] == o.port and rec["scheme"] == "http"
    assert rec["user_agent"] == "tester/1" and rec["bytes_out"] > 5000 and rec["upstream"] == f"127.0.0.1:{o.port}"
    assert rec["policy_version"] >= 1 and rec["client"] == "127.0.0.1" and rec["tls"] == "none"


def test_ipv6_origin(s):
    with Origin(host="::1") as o6:
        assert s.get(o6.url("/bytes/10")).content == s.get(f"http://six.test:{o6.port}/bytes/10").content


def test_next_address_is_tried(s, o):
    assert s.get(f"http://two.test:{o.port}/bytes/7").status_code == 200


def test_both_sides_are_kept(s, o):
    with Client(s) as c:
        for i in range(5):
            c.send(get(o.url("/bytes/10")))
            c.until(b"0000000.00")
    assert len({r.connection.number for r in o.wait(5)}) == 1


def test_pipelined_requests_are_answered_in_order(s, o):
    with Client(s) as c:
        c.send(get(o.url("/bytes/3")) + get(o.url("/status/404")) + get(o.url("/bytes/4"), "Connection: close"))
        got, end = c.rest()
    assert [x[0] for x in heads(got)] == [200, 404, 200] and end == "end"
    assert [r.target for r in o.requests] == ["/bytes/3", "/status/404", "/bytes/4"]


def test_pipelined_behind_bodies(s, o):
    post = get(o.url("/echo"), "Content-Length: 5", method="POST") + b"hello"
    chunks = get(o.url("/echo"), "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n0\r\n\r\n"
    refused = get("http://blocked.test/", "Content-Length: 3", method="POST") + b"xyz"
    with Client(s) as c:
        c.send(post + chunks + refused + post + get(o.url("/bytes/4"), "Connection: close"))
        got, _ = c.rest()
    assert [x[0] for x in heads(got)] == [200, 200, 403, 200, 200]
    assert [r.body for r in o.wait(4)] == [b"hello", b"abc", b"hello", b""]


def test_head_cut_at_every_byte(s, o):
    data = get(o.url("/bytes/1"), "Connection: close")
    for i in range(1, len(data), 7):
        with Client(s) as c:
            c.c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            c.send(data[:i])
            time.sleep(0.002)
            c.send(data[i:])
            assert heads(c.rest()[0])[0][0] == 200


def test_bodies_by_length_and_chunked(s, o):
    body = bytes(range(256)) * 2000
    r = s.get(o.url("/echo"), method="POST", data=body)
    assert r.status_code == 200 and o.wait()[0].body == body
    o.clear()

    def pieces():
        for i in range(0, len(body), 70001):
            yield body[i:i + 70001]

    s.get(o.url("/echo"), method="PUT", data=pieces())
    seen = o.wait()[0]
    assert seen.body == body and seen.get("transfer-encoding") == "chunked" and seen.get("content-length") is None


def test_large_answer_with_a_slow_reader(s, o):
    n = 8_000_000
    with Client(s) as c:
        c.c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131072)
        c.send(get(o.url(f"/bytes/{n}"), "Connection: close"))
        time.sleep(0.5)
        got, end = c.rest()
    assert end == "end" and heads(got)[0][0] == 200 and len(heads(got)[0][2]) == n


def test_large_bodies_arrive_unchanged(s, o):
    """Up, down and through a tunnel, in every framing, on one kept connection: what is large goes by pipes."""
    body = random.Random(7).randbytes(6_000_000)
    pieces = [body[i:i + 777_777] for i in range(0, len(body), 777_777)]
    o.on("/length", reply(200, body))
    o.on("/chunked", chunked(*pieces))
    with requests.Session() as c:
        c.proxies, c.trust_env = {"http": f"http://127.0.0.1:{s.proxy_port}"}, False
        for path in ("/length", "/chunked", "/length"):
            assert c.get(o.url(path)).content == body, path
        for data in (body, iter(pieces)):
            assert c.post(o.url("/echo"), data=data).status_code == 200
            assert o.requests[-1].body == body
        assert [r.connection.number for r in o.requests] == [o.requests[0].connection.number] * 5
    o.on("/close", [b"HTTP/1.0 200 OK\r\n\r\n", body, CLOSE])
    assert s.get(o.url("/close")).content == body
    with tunnel(s, f"127.0.0.1:{o.port}") as c:
        c.send(b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n")
        assert c.rest()[0].endswith(body)


def test_chunked_answers(s, o):
    assert len(s.get(o.url("/chunked/100000/333")).content) == 100000
    with Client(s) as c:  # a 1.0 client gets the content without chunks
        c.send(get(o.url("/chunked/5000/100"), version="1.0"))
        got, end = c.rest()
    head, _, body = got.partition(b"\r\n\r\n")
    assert len(body) == 5000 and b"chunked" not in head.lower() and end == "end"


def test_answer_until_close(s, o):
    o.on("/old", [b"HTTP/1.0 200 OK\r\n\r\nall of it", CLOSE])
    r = s.get(o.url("/old"))
    assert r.content == b"all of it" and r.headers.get("Connection") == "close"


def test_head_304_204_have_no_body(s, o):
    o.on("/none", reply(204)[:-2].replace(b"Content-Length: 0\r\n", b"") + b"\r\n")
    o.on("/same", b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 500\r\n\r\n")
    with Client(s) as c:
        c.send(get(o.url("/bytes/1000"), method="HEAD"))
        assert b" 200 OK" in c.until(b"\r\n\r\n")
        c.send(get(o.url("/none")))
        assert b" 204 " in c.until(b"\r\n\r\n")
        c.send(get(o.url("/same")))
        assert b" 304 " in c.until(b"\r\n\r\n")
        c.send(get(o.url("/bytes/3")))
        assert b" 200 " in c.until(b"000")


@pytest.mark.parametrize("cut", [
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", CLOSE],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", RESET],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CLOSE],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", Pause(2)],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", CLOSE],
], ids=["length", "length-reset", "chunked", "bad-chunk", "no-end"])
def test_a_cut_answer_never_looks_complete(s, o, cut):
    o.on("/cut", cut)
    with Client(s) as c:
        c.send(get(o.url("/cut")))
        got, end = c.rest()
    assert end == "reset" or (b"\r\n0\r\n\r\n" not in got and b"100" in got)
    rec = s.log(f"url={o.url('/cut')}&error=http_*")[0]
    assert rec["verdict"] == "error" and rec["status"] == 200


@pytest.mark.parametrize("bad", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
], ids=["two-lengths", "length-and-chunked", "no-http", "unasked-101"])
def test_a_bad_answer_is_502(s, o, bad):
    o.on("/bad", [bad, CLOSE])
    r = s.get(o.url("/bad"))
    assert r.status_code == 502 and "http_protocol_error" in r.headers["Proxy-Status"]


def test_surplus_behind_an_answer_goes_to_nobody(s, o):
    o.on("/more", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    with Client(s) as c:
        c.send(get(o.url("/more")))
        c.until(b"ok")
        c.send(get(o.url("/bytes/3"), "Connection: close"))
        got, _ = c.rest()
    assert b"poison" not in got and heads(got)[0][0] == 200


def test_interim_answers(s, o):
    o.on("/hints", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", Pause(0.2), reply(200, b"done")])
    with Client(s) as c:
        c.send(get(o.url("/hints")))
        assert b" 103 " in c.until(b"</a>\r\n") and b" 200 " in c.until(b"done")
    with Client(s) as c:  # HTTP/1.0 clients do not know them
        c.send(get(o.url("/hints"), version="1.0"))
        assert b"103" not in c.rest()[0]


def test_expect_continue(s, o):
    with Client(s) as c:
        c.send(get(o.url("/echo"), "Expect: 100-continue", "Content-Length: 5", method="POST"))
        assert b" 100 " in c.until(b"\r\n\r\n")
        c.send(b"hello")
        assert b" 200 " in c.until(b"\r\n\r\n")
    assert o.wait()[0].body == b"hello"


def test_hop_by_hop_fields_stay_here(s, o):
    with Client(s) as c:
        c.send(get(o.url("/bytes/1"), "Connection: close, X-Private", "X-Private: 1", "Proxy-Authorization: Basic YTpi",
                   "TE: trailers", "Keep-Alive: 5", "X-Public: 2"))
        c.rest()
    seen = o.wait()[0]
    assert seen.get("x-public") == "2"
    for name in ("x-private", "proxy-authorization", "keep-alive", "proxy-connection"):
        assert seen.get(name) is None, name


def test_websocket_upgrade_on_plain_http(s, o):
    o.on("/ws", [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n", ECHO])
    with Client(s) as c:
        c.send(get(o.url("/ws"), "Connection: Upgrade", "Upgrade: echo"))
        assert b" 101 " in c.until(b"\r\n\r\n")
        c.send(b"ping" * 1000)
        got = b""
        while len(got) < 4000:
            got += c.c.recv(65536)
        assert got == b"ping" * 1000
    assert s.log(f"url={o.url('/ws')}")[0]["status"] == 101


def test_max_forwards_and_loops(s, o):
    with Client(s) as c:
        c.send(get(o.url("/"), "Max-Forwards: 0", "X-Secret: s3cret", method="TRACE"))
        got = c.until(b"\r\n\r\n")
        assert b" 405 " in got and b"s3cret" not in got
    assert o.requests == []
    via = s.get(o.url("/bytes/1")).headers["Via"].split(" ", 1)[1]
    with Client(s) as c:
        c.send(get(o.url("/"), f"Via: 1.1 {via}"))
        assert b" 508 " in c.until(b"\r\n\r\n")


def test_stale_kept_connection_is_replaced(s, o):
    seen = []

    def answer(r):
        seen.append(r.connection.number)
        return [reply(200, b"first")] if len(seen) == 1 else [CLOSE] if len(seen) == 2 else [reply(200, b"again")]

    o.on("/stale", answer)
    assert s.get(o.url("/stale")).content == b"first"
    assert s.get(o.url("/stale")).content == b"again"
    seen.clear()
    assert s.get(o.url("/stale")).content == b"first"
    r = s.get(o.url("/stale"), method="POST", data=b"once")  # not to be repeated
    assert r.status_code == 502 and len(seen) == 2


# --- tunnels --------------------------------------------------------------------------------------------
def tunnel(s, target):
    c = Client(s)
    c.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head, _, c.early = c.until(b"\r\n\r\n").partition(b"\r\n\r\n")
    assert b" 200 " in head
    return c


def test_tunnel_and_its_record(s, o):
    with tunnel(s, f"origin.test:{o.port}") as c:
        c.send(b"GET /bytes/1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 200 " in c.until(b"0000120")
    rec = s.log(f"method=CONNECT&port={o.port}")[0]
    assert rec["tls"] == "tunnel" and rec["url"] == f"https://origin.test:{o.port}/" and rec["bytes_out"] >= 1000
    assert rec["status"] == 200 and rec["verdict"] == "allowed"


def test_tunnel_half_close_both_ways(s, o):
    o.on_connect = [ECHO]
    with tunnel(s, f"127.0.0.1:{o.port}") as c:
        c.send(b"x" * 500_000)
        c.c.shutdown(socket.SHUT_WR)
        got, end = c.rest()
    assert got == b"x" * 500_000 and end == "end"
    o.on_connect = [b"hello", HALF_CLOSE, Pause(0.2), ECHO]
    with tunnel(s, f"127.0.0.1:{o.port}") as c:
        assert c.early + c.rest()[0] == b"hello"


def test_bytes_before_the_200_are_not_lost(s, o):
    o.on_connect = [ECHO]
    with Client(s) as c:
        at = f"127.0.0.1:{o.port}"
        c.send(f"CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\nearly".encode())
        assert c.until(b"early").startswith(b"HTTP/1.1 200 ")


def test_connect_refused_is_502(s):
    at = f"127.0.0.1:{free_port()}"
    with Client(s) as c:
        c.send(f"CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n".encode())
        assert b" 502 " in c.until(b"\r\n\r\n")


# --- names and addresses --------------------------------------------------------------------------------
def test_names_are_cached(s, o, dns):
    for _ in range(5):
        s.get(f"http://origin.test:{o.port}/bytes/1")
        s.raw(get(f"http://origin.test:{free_port()}/", "Connection: close"))
    assert dns.queries("origin.test") <= 4  # A and AAAA, and once more when the time was over


@pytest.mark.parametrize("url, status, error", [
    ("http://gone.test/", 502, "dns_error"),
    ("http://private.test/", 403, "destination_ip_prohibited"),
    ("http://meta.test/latest/meta-data/", 403, "destination_ip_prohibited"),
    ("http://169.254.169.254/", 403, "destination_ip_prohibited"),
    ("http://[::ffff:10.0.0.1]/", 403, "destination_ip_prohibited"),
    ("http://0x0a000001/", 403, "destination_ip_prohibited"),
    ("http://0.0.0.0/", 403, "destination_ip_prohibited"),
    ("http://127.0.0.1:1/", 502, "connection_refused"),
])
def test_refusals_by_name_and_address(s, url, status, error):
    r = heads(s.raw(get(url), until=b"Proxy: "))[0]
    assert r[0] == status and error in r[1]["proxy-status"]


def test_own_ports_are_not_reachable(s):
    for port in (s.proxy_port, s.admin_port):
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1"):
            r = heads(s.raw(get(f"http://{host}:{port}/healthz"), until=b"Proxy: "))[0]
            assert r[0] in (403, 502), (host, port, r)
            if host != "localhost":
                assert "destination_ip_prohibited" in r[1]["proxy-status"]


def test_forbidden_addresses_of_a_name_are_skipped(s, o):
    assert s.get(f"http://mixed.test:{o.port}/bytes/2").status_code == 200


# --- what the proxy answers itself ----------------------------------------------------------------------
def origin_form(s, path, *fields, method="GET", host="wpad"):
    return heads(s.raw("\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *fields, "", ""]).encode()))


def test_pac_file_without_login(s):
    for path in ("/wpad.dat", "/proxy.pac", "/proxy.pac?x=1"):
        status, fields, body = origin_form(s, path, host="whatever.example")[0]
        assert status == 200 and fields["content-type"] == "application/x-ns-proxy-autoconfig"
        assert fields["cache-control"] == "max-age=300" and b"FindProxyForURL" in body
        assert f"127.0.0.1:{s.proxy_port}".encode() in body
    assert origin_form(s, "/proxy.pac", f"If-None-Match: {fields['etag']}")[0][0] == 304
    assert origin_form(s, "/proxy.pac", "If-None-Match: \"other\"")[0][0] == 200
    assert origin_form(s, "/proxy.pac", method="POST")[0][0] == 405


def test_other_origin_forms(s):
    assert origin_form(s, "/healthz")[0][::2] == (200, b"ok\n")
    assert origin_form(s, "/ca.pem")[0][0] == 404
    assert origin_form(s, "/")[0][0] == 400
    assert origin_form(s, "/admin")[0][0] == 400
    status, fields, body = origin_form(s, "*", method="OPTIONS")[0]
    assert status == 200 and "CONNECT" in fields["allow"] and body == b""


def test_malformed_heads_are_refused_and_recorded(s):
    before = len(s.api.get("/log?verdict=refused&limit=200")["items"])
    got = s.raw(b"GET http://origin.test/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET http://origin.test/ HTTP/1.1\r\n\r\n")
    assert [x[0] for x in heads(got)] == [400] and b"Connection: close" in got
    got = s.raw(b"GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nX: " + b"y" * 200_000)
    assert heads(got)[0][0] == 431
    wait_until(lambda: len(s.api.get("/log?verdict=refused&limit=200")["items"]) >= before + 2, 8, "two records")


def test_block_page(s):
    r = s.get("http://blocked.test/<x>?q=\"><script>", headers={"Accept": "text/html", "Accept-Language": "fr;q=0.5, de;q=0.9, xx",
                                                                "User-Agent": "block-page"})
    assert r.status_code == 403 and r.headers["Content-Type"].startswith("text/html")
    assert 'lang="de"' in r.text and "Not at work" in r.text and "No &lt;b&gt;games" in r.text
    assert "<script" not in r.text and "prefers-color-scheme" in r.text
    assert "http_request_denied" in r.headers["Proxy-Status"]
    rec = s.log("rule=bad&verdict=blocked&user_agent=block-page")[0]
    assert f">{rec['id']}<" in r.text and rec["rule_name"] == "No <b>games</b>" and rec["status"] == 403
    j = s.get("http://blocked.test/", headers={"Accept": "application/json"}).json()
    assert j["rule"] == "bad" and j["reason"] == "Not at work" and int(j["record"]) > rec["id"]
    assert "Not at work" in s.get("http://blocked.test/").text


def test_blocked_connect_fails_closed(s):
    with Client(s) as c:
        c.send(b"CONNECT blocked.test:443 HTTP/1.1\r\nHost: blocked.test:443\r\n\r\n")
        assert b" 403 " in c.until(b"\r\n\r\n")


def test_answer_is_judged_before_it_goes_on(s, o):
    o.on("/setup", reply(200, b"MZ secret", [("Content-Type", "application/x-msdownload; x=1")]))
    o.on("/page", reply(200, b"fine", [("Content-Type", "text/html")]))
    r = s.get(o.url("/setup"))
    assert r.status_code == 403 and b"MZ" not in r.content
    assert s.get(o.url("/page")).content == b"fine"
    assert s.log("rule=exe")[0]["content_type"] == "application/x-msdownload"


# --- login ----------------------------------------------------------------------------------------------
def test_407_only_where_the_verdict_needs_a_name(s, o):
    s.add_user("alice", "wonderland-7", ["staff"])
    s.add_user("bob", "builder-1-2-3", [])
    staff = f"http://staff.test:{o.port}/bytes/3"
    assert s.get(o.url("/bytes/3")).status_code == 200
    with Client(s) as c:  # the connection survives a 407, body and all
        c.send(get(staff, "Content-Length: 5", method="POST") + b"hello")
        got = c.until(b"\r\n\r\n")
        assert b" 407 " in got and b"Proxy-Authenticate: Basic realm=" in got and b"Connection: close" not in got
        n = heads(got)[0][1]["content-length"]
        while len(got.partition(b"\r\n\r\n")[2]) < int(n):
            got += c.c.recv(65536)
        c.send(get(o.url("/bytes/4")))
        assert b" 200 " in c.until(b"0000")
    with Client(s) as c:
        c.send(f"CONNECT staff.test:{o.port} HTTP/1.1\r\nHost: staff.test:{o.port}\r\n\r\n".encode())
        assert b" 407 " in c.until(b"\r\n\r\n")
    wait_until(lambda: s.get(staff, user=("bob", "builder-1-2-3")).status_code == 200, 10, "new people are known")
    assert s.get(staff, user=("bob", "wrong")).status_code == 407
    assert s.get(staff, user=("alice", "wonderland-7")).status_code == 403
    assert s.log("verdict=denied_auth&host=staff.test", want=3)
    rec = s.log("user=alice")[0]
    assert rec["rule"] == "login" and "staff" in rec["groups"]


def test_a_path_rule_asks_no_tunnel_for_a_name(s, o):
    s.publish(policy({"id": "p", "when": {"groups": ["staff"], "url_patterns": ["/casino/"]}}))
    try:
        with tunnel(s, f"127.0.0.1:{o.port}"):
            pass
        assert s.get(o.url("/casino/1")).status_code == 407
    finally:
        s.publish(RULES)


def test_identity_always(s, o):
    doc = policy(identity="always")
    s.publish(doc)
    try:
        assert s.get(o.url("/bytes/3")).status_code == 407
        assert origin_form(s, "/wpad.dat")[0][0] == 200
    finally:
        s.publish(RULES)


def test_each_request_has_one_record(s, o):
    tag = f"/bytes/1?tag={time.time()}"
    with Client(s) as c:
        for _ in range(50):
            c.send(get(o.url(tag)))
        c.send(get(o.url(tag), "Connection: close"))
        c.rest()
    items = s.log(f"url={o.url(tag)}&limit=200", want=51)
    assert len(items) == 51 and len({i["id"] for i in items}) == 51
