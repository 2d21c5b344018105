"""Attempts to make the two ends of a connection disagree on where one message ends and the next begins: answers that
come too early or to nobody, bodies nobody expects, switches of protocol that nobody asked for, a server that is gone
while the client still sends. What was not judged never becomes a request, and no answer reaches another asker."""
import fcntl
import os
import re
import signal
import socket
import struct
import termios
import threading
import time

import pytest

from lib.daemons import SLOW, Stack, policy, wait_until
from lib.origin import CLOSE, ECHO, RESET, Origin, Pause, chunked, reply
from lib.wirepeer import Client

SECRET = "/secret"


@pytest.fixture(scope="module")
def s():
    with Stack() as stack:
        stack.publish(policy({"id": "b", "when": {"hosts": ["blocked.test"]}}, {"id": "s", "when": {"url_patterns": ["/secret"]}}))
        yield stack


def ask(o, path="/", *fields, method="GET", version="1.1", body=b""):
    lines = [f"{method} {o.url(path)} HTTP/{version}", f"Host: 127.0.0.1:{o.port}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def once(s, data, method="GET"):
    with Client(s.proxy_port, 5 * SLOW) as c:
        c.send(data)
        return c.response(method)


def paths(o):
    return [r.target for r in o.requests]


# --- answers to nothing -------------------------------------------------------------------------------------
class Frozen:
    """The serving process stands still, so that what happens meanwhile is seen by it at once."""

    def __init__(self, s):
        self.pid = s.worker_pid

    def is_still(self):
        folder = f"/proc/{self.pid}/task"
        return all(open(f"{folder}/{t}/stat").read().rpartition(")")[2].split()[0] == "T" for t in os.listdir(folder))

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(self.is_still, 5, "a process that stands still")

    def __exit__(self, *_):
        time.sleep(0.05)
        os.kill(self.pid, signal.SIGCONT)


EVIL = reply(200, b"poison", [("X-Evil", "1")])


@pytest.mark.parametrize("is_first", ["the request", "the poison"])
def test_an_answer_that_was_there_before_the_request_is_nobodys(s, o, is_first):
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/one"))
        assert c.response().status == 200
        kept = o.connections[0].sock
        with Frozen(s):
            if is_first == "the request":
                c.send(ask(o, "/two"))
                time.sleep(0.05)
            kept.sendall(EVIL)
            time.sleep(0.05)
            if is_first == "the poison":
                c.send(ask(o, "/two"))
        r = c.response()
        assert r.status == 200 and r.get("X-Evil") is None and r.body == b"hello world\n"
    assert [q for q in o.requests if q.target == "/two" and q.connection.number == 1], "asked on another connection"


def test_nor_is_it_the_answer_to_what_must_not_be_repeated(s, o):
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/one"))
        assert c.response().status == 200
        with Frozen(s):
            c.send(ask(o, "/two", "Content-Length: 2", method="POST", body=b"hi"))
            time.sleep(0.05)
            o.connections[0].sock.sendall(EVIL)
        r = c.response()
        assert r.status == 502 and "answer-before-request" in r.get("Proxy-Status"), r
    assert len(o.requests) <= 2


def test_late_surplus_empties_the_pool(s, o):
    """The second answer comes after the first was taken as whole: the connection is not used again."""
    o.on("/late", [reply(200, b"ok"), Pause(0.1), EVIL])
    assert once(s, ask(o, "/late")).body == b"ok"
    time.sleep(0.3)
    r = once(s, ask(o, "/after"))
    assert r.body == b"hello world\n" and o.requests[-1].connection.number == 1


# --- bodies -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method,is_kept", [("POST", True), ("PUT", True), ("GET", False), ("DELETE", False), ("HEAD", False)])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_connection_that_carried_a_body_nobody_expects_is_not_used_again(s, o, method, is_kept, framing):
    """A server that looks for no body behind a GET takes it for the next request, and would answer it to the next client."""
    body = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
    fields = [f"Content-Length: {len(body)}"] if framing == "length" else ["Transfer-Encoding: chunked"]
    sent = body if framing == "length" else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert once(s, ask(o, "/one", *fields, method=method, body=sent), method).status == 200
    assert once(s, ask(o, "/two")).status == 200
    assert (o.requests[1].connection.number == 0) == is_kept


def test_an_answer_before_the_body_ends_the_connection(s, o):
    """The rest of the body is never read as a request, whoever is late."""
    hidden = ask(o, SECRET)
    for fields in (["Content-Length: 500"], ["Content-Length: 500", "Expect: 100-continue"], ["Transfer-Encoding: chunked"]):
        with Origin() as early:
            early.on_connect = [Pause(0.15), reply(200, b"early")]
            with Client(s.proxy_port) as c:
                c.send(ask(early, "/early", *fields, method="POST"))
                r = c.response()
                assert r.status == 200 and r.body == b"early"
                c.send(hidden + ask(o, "/next"))
                assert c.until_closed(5 * SLOW) and c.data == b"", c.data
    assert o.requests == []


class Leaver(threading.Thread):
    """A server that reads a head and a part of the body, answers at length and is gone with a reset once all is delivered."""

    def __init__(self, n_bytes):
        super().__init__(daemon=True)
        self.n_bytes, self.n_taken = n_bytes, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        c, _ = self.listener.accept()
        self.listener.close()
        got = b""
        while not got.endswith(b"hello") and (part := c.recv(65536)):
            got += part
        c.settimeout(0.3)
        data = memoryview(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.n_bytes + bytes(self.n_bytes))
        try:
            while data:
                data = data[c.send(data):]
        except TimeoutError:
            pass

        def waiting():
            return struct.unpack("i", fcntl.ioctl(c, termios.TIOCOUTQ, b"\0\0\0\0"))[0]

        end = time.monotonic() + 1
        while waiting() and time.monotonic() < end:
            time.sleep(0.01)
        self.n_taken = self.n_bytes - len(data) - waiting()
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()


def post_half(s, server):
    """A client that does not read the answer."""
    server.start()
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    c.settimeout(10 * SLOW)
    c.connect(("127.0.0.1", s.proxy_port))
    c.sendall(f"POST http://127.0.0.1:{server.port}/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 10\r\n\r\nhello".encode())
    server.join(20 * SLOW)
    return c


def test_what_follows_a_body_the_server_did_not_take_is_read_from_its_beginning(s, o):
    """The server resets with the body half read while its answer is still on the way; what comes behind the rest of the body
    is the next request, whole or not at all."""
    server = Leaver(64 << 20)
    for less in (150000, 150000, 300000, 600000, 1200000):  # all of it under way to the client, not all past the proxy
        post_half(s, server).close()
        server = Leaver(server.n_taken - less)  # as much as fits is not the same twice
        c = post_half(s, server)
        if server.n_taken == server.n_bytes:
            break
        c.close()
        server = Leaver(64 << 20)
    with c:
        assert server.n_taken == server.n_bytes, "how much fits was never the same twice"
        time.sleep(0.1)
        hidden = ask(o, "/third", "Connection: close")
        c.sendall(b"world" + ask(o, "/second", f"Content-Length: {len(hidden)}", "Connection: close", method="POST"))
        time.sleep(0.2)
        left = server.n_bytes
        while left > 0 and (part := c.recv(min(left, 1 << 20))):
            left -= len(part)
        try:
            c.sendall(hidden)
            while c.recv(65536):
                pass
        except OSError:
            pass
    assert paths(o) in ([], ["/second"]), "a body was read as a request"
    assert not o.requests or o.requests[0].body == hidden


# --- switching protocols ------------------------------------------------------------------------------------
def switch(*fields):
    return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *fields, "", ""]).encode()


@pytest.mark.parametrize("answer", [
    switch(), switch("Upgrade: websocket"), switch("Connection: upgrade"), switch("Connection: upgrade", "Upgrade: other"),
    switch("Connection: upgrade", "Upgrade: h2c"), switch("Connection: upgrade", "Upgrade: websocket, other"),
    switch("Connection: upgrade", "Upgrade: websocket", "Content-Length: 5"),
    switch("Connection: upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked"),
    switch("Connection: upgrade", "Upgrade: websocket").replace(b"1.1 101", b"1.0 101")])
def test_a_switch_to_something_else_is_refused(s, o, answer):
    o.on("/up", [answer, ECHO])
    r = once(s, ask(o, "/up", "Connection: Upgrade", "Upgrade: websocket"))
    assert r.status == 502 and "http_protocol_error" in r.get("Proxy-Status")


def test_a_switch_that_nobody_asked_for_is_refused(s, o):
    o.on("/up", [switch("Connection: upgrade", "Upgrade: websocket"), ECHO])
    for fields in ([], ["Upgrade: websocket"], ["Connection: Upgrade"], ["Connection: Upgrade", "Upgrade: h2c"],
                   ["Connection: Upgrade", "Upgrade: TLS/1.2"], ["Connection: Upgrade", "Upgrade: HTTP/2.0"]):
        assert once(s, ask(o, "/up", *fields)).status == 502, fields
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/up", "Connection: Upgrade", "Upgrade: websocket", version="1.0"))
        assert c.response().status == 502


def test_a_switch_before_the_request_is_whole_is_refused(s, o):
    with Origin() as early:
        early.on_connect = [Pause(0.15), switch("Connection: upgrade", "Upgrade: websocket")]
        r = once(s, ask(early, "/up", "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5", method="POST", body=b"he"))
        assert r.status == 502


def test_bytes_behind_an_upgrade_are_judged_when_there_is_none(s, o):
    o.on("/no", reply(426, b"no"))
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/no", "Connection: Upgrade", "Upgrade: websocket") + ask(o, SECRET) + ask(o, "/fine"))
        assert [c.response().status for _ in range(3)] == [426, 403, 200]
    assert paths(o) == ["/no", "/fine"]


def test_bytes_behind_an_upgrade_belong_to_the_tunnel(s, o):
    o.on("/up", [switch("Connection: Upgrade", "Upgrade: WebSocket"), b"first", ECHO])
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/up", "Connection: Upgrade", "Upgrade: websocket") + b"\x81\x05early")
        while b"early" not in c.data and c.read(3):
            pass
        head, _, rest = c.data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ") and b"\r\nUpgrade: WebSocket" in head and rest == b"first\x81\x05early"


def test_requests_inside_of_a_refused_tunnel_are_judged(s, o):
    with Client(s.proxy_port) as c:
        c.send(b"CONNECT blocked.test:443 HTTP/1.1\r\nHost: blocked.test:443\r\n\r\n" + ask(o, SECRET) + ask(o, "/fine"))
        assert [c.response(m).status for m in ("CONNECT", "GET", "GET")] == [403, 403, 200]


# --- interim answers ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: x", "Content-Length: 0\r\nContent-Length: 0"])
def test_an_interim_answer_may_not_claim_a_body(s, o, field):
    """With nothing behind its head, so that only the claim is wrong."""
    o.on("/i", [f"HTTP/1.1 103 Early\r\n{field}\r\n\r\n".encode() + reply(200, b"final")])
    r = once(s, ask(o, "/i"))
    assert r.status == 502, r


def test_interim_answers_without_end(s, o):
    o.on("/train", [b"HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n" * 1000, reply(200, b"final")])
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/train"))
        r = c.response()
        assert r.status == 502 and "too-many-interim" in r.get("Proxy-Status")
    o.on("/hints", [b"HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n" * 20, reply(200, b"final")])
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/hints"))
        while b"final" not in c.data and c.read(3):
            pass
        assert c.data.count(b"HTTP/1.1 103 ") == 20


def test_a_100_that_comes_late_is_not_the_next_answer(s, o):
    o.on("/one", [reply(200, b"one"), b"HTTP/1.1 100 Continue\r\n\r\n"])
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/one"))
        assert c.response().body == b"one"
        c.send(ask(o, "/two"))
        r = c.response()
        assert r.body == b"hello world\n" and b" 100 " not in c.data


# --- what the other side must not be told --------------------------------------------------------------------
def test_a_login_is_ours_to_ask_for(s, o):
    o.on("/login", [reply(407, b"type your password", [("Proxy-Authenticate", 'Basic realm="evil"')])])
    r = once(s, ask(o, "/login"))
    assert r.status == 502 and b"evil" not in r.head and b"password" not in r.body


def test_expect_of_http_10_is_ignored(s, o):
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/echo", "Expect: 100-continue", "Content-Length: 5", method="POST", version="1.0", body=b"hello"))
        r = c.response()
        assert r.status == 200 and b" 100 " not in c.data
    assert o.requests[0].get("expect") is None and o.requests[0].body == b"hello"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_http_10_is_told_of_no_transfer_coding(s, o, method):
    o.on("/c", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n" + (b"" if method == "HEAD" else b"2\r\nok\r\n0\r\nX-T: 1\r\n\r\n")])
    o.on("/304", [b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"])
    for path in ("/c", "/304"):
        with Client(s.proxy_port) as c:
            c.send(ask(o, path, method=method, version="1.0"))
            c.until_closed()
            r = c.response(method)
            assert r.get("Transfer-Encoding") is None and r.get("Trailer") is None and b"X-T" not in r.raw_body
            assert r.body == (b"ok" if method == "GET" and path == "/c" else b"")


def test_an_answer_without_a_date_gets_one(s, o):
    """RFC 9110 6.6.1; one that has a date keeps it."""
    o.on("/dated", [reply(200, b"", [("Date", "Sun, 06 Nov 1994 08:49:37 GMT")])])
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", once(s, ask(o, "/")).get("Date"))
    head = once(s, ask(o, "/dated")).head
    assert head.count(b"Date:") == 1 and b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" in head


def test_what_may_be_asked_of_us(s, o):
    """OPTIONS that comes to its last stop is answered here; TRACE is not echoed."""
    r = once(s, ask(o, "/x", "Max-Forwards: 0", method="OPTIONS"))
    assert r.status == 200 and "CONNECT" in r.get("Allow") and r.get("Content-Length") == "0"
    assert once(s, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert once(s, ask(o, "/x", "Max-Forwards: 1", method="OPTIONS")).status == 200
    assert [(q.method, q.get("Max-Forwards")) for q in o.requests] == [("OPTIONS", "0")]


@pytest.mark.parametrize("steps", [
    [b"HTTP/1.1 200 OK\r\n\r\nhello", RESET], [b"HTTP/1.0 200 OK\r\n\r\nhello", RESET], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", CLOSE],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", RESET], [chunked(b"hello")[:-2], CLOSE], [chunked(b"hello")[:-5], RESET],
    [chunked(b"hello")[:-5], CLOSE]])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_cut_answer_ends_in_a_reset(s, o, steps, version):
    """Where neither length nor last chunk tells, only a reset does: until the end, HTTP/1.0 without chunks."""
    o.on("/cut", [steps[0], Pause(0.1), steps[1]])
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/cut", version=version))
        assert c.until_closed(5 * SLOW) and c.reset, c.data


# --- nothing of the client's in what we say -------------------------------------------------------------------
HOSTILE = "/x%0d%0aSet-Cookie:%20a=b/<script>alert(1)</script>\"'><img%20src=x>/secret?q=</pre>&\\u2028"


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain", "*/*"])
def test_pages_hold_no_bytes_of_the_client_as_they_came(s, o, accept):
    for target in (o.url(HOSTILE), "http://blocked.test" + HOSTILE, "http://nx.test" + HOSTILE, f"http://127.0.0.1:1{HOSTILE}"):
        host = target.split("/")[2]
        with Client(s.proxy_port) as c:
            c.send((f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nAccept-Language: de\"<x>\r\n"
                    "User-Agent: <script>\r\nReferer: <script>\r\nX-Forwarded-Host: <script>\r\n\r\n").encode())
            r = c.response()
        assert r.status in (403, 502), r
        assert b"Set-Cookie" not in r.head.replace(b"%0D%0ASet-Cookie", b"")
        assert not re.search(rb"(?m)^(Set-Cookie|X-Forwarded|Location)", r.head), r.head
        if accept == "text/html":
            assert b"<script>" not in r.body and b"<img" not in r.body and b"\"'>" not in r.body, r.body
            assert "default-src 'none'" in r.get("Content-Security-Policy")
        assert r.get("X-Content-Type-Options") == "nosniff" and r.get("Content-Type").startswith(("text/html", "application/json", "text/plain"))


def test_what_is_malformed_is_not_repeated(s):
    for head in (b"GET http://x/<script> HTTP/9.9\r\n\r\n", b"<script>alert(1)</script>\r\n\r\n", b"GET http://<script>/ HTTP/1.1\r\nHost: <script>\r\n\r\n",
                 b"GET http://x/ HTTP/1.1\r\nHost: x\r\n<script>: 1\r\n\r\n", b"GET /<script> HTTP/1.1\r\nHost: \"><script>\r\nAccept: text/html\r\n\r\n",
                 b"GET /<script>?\"' HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"):
        r = once(s, head)
        assert r.status >= 400 and b"<script>" not in r.head + r.body, r.head + r.body


# --- what we generate says so ---------------------------------------------------------------------------------
# RFC 9209 2.3, as registered.
ERROR_TYPES = set("""dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited destination_ip_unroutable
connection_refused connection_terminated connection_timeout connection_read_timeout connection_write_timeout connection_limit_reached
tls_protocol_error tls_certificate_error tls_alert_received http_request_error http_request_denied http_response_incomplete
http_response_header_section_size http_response_header_size http_response_body_size http_response_trailer_section_size http_response_trailer_size
http_response_transfer_coding http_response_content_coding http_response_timeout http_upgrade_failed http_protocol_error proxy_internal_response
proxy_internal_error proxy_configuration_error proxy_loop_detected""".split())


def test_every_error_of_ours_names_its_kind(s, o):
    o.on("/garbage", [b"garbage\r\n\r\n", CLOSE])
    o.on("/gone", [CLOSE])
    o.on("/half", [b"HTTP/1.1 200 OK\r\nX: ", CLOSE])
    o.on("/big", [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n", CLOSE])
    via = re.search(r"Via: 1\.1 (\S+)", once(s, ask(o)).head.decode()).group(1)
    provoked = {
        403: [b"GET http://blocked.test/ HTTP/1.1\r\nHost: blocked.test\r\n\r\n", b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n",
              b"CONNECT blocked.test:443 HTTP/1.1\r\nHost: blocked.test:443\r\n\r\n", f"GET http://127.0.0.1:{s.proxy_port}/ HTTP/1.1\r\nHost: 127.0.0.1:{s.proxy_port}\r\n\r\n".encode()],
        502: [ask(o, "/garbage"), ask(o, "/gone"), ask(o, "/half"), ask(o, "/big"), b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
              b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"],
        400: [b"GET http://x/ HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello\r\n\r\n", ask(o, "/", "Transfer-Encoding: chunked", method="POST", body=b"zz\r\n")],
        405: [ask(o, "/", "Max-Forwards: 0", method="TRACE")], 408: [], 414: [ask(o, "/" + "a" * 40000)], 417: [ask(o, "/", "Expect: tea")],
        431: [ask(o, "/", "X: " + "y" * 66000)], 501: [b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", ask(o, "/", "Transfer-Encoding: gzip", method="POST")],
        505: [b"GET http://x/ HTTP/3.0\r\n\r\n"], 508: [ask(o, "/", f"Via: 1.1 {via}")],
    }
    for status, requests in provoked.items():
        for data in requests:
            r = once(s, data)
            assert r is not None and r.status == status, (data[:80], r)
            m = re.fullmatch(r'proxyd(; error=([a-z_]+))(; details="[^"]*")?', r.get("Proxy-Status") or "")
            assert m and m.group(2) in ERROR_TYPES, (data[:80], r.get("Proxy-Status"))
            assert r.get("Date") and r.get("Content-Length") and "no-store" in r.get("Cache-Control")


# --- ends of connections ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("first", [("GET", "1.1", ["Connection: close"]), ("GET", "1.0", []), ("GET", "1.1", ["Proxy-Connection: close"]),
                                   ("GET", "1.1", ["Connection: keep-alive, close"]), ("GET", "1.1", ["connection: CLOSE"])])
def test_nothing_behind_the_last_request_is_served(s, o, first):
    """RFC 9112 9.6: after a request that says close no other is processed."""
    method, version, fields = first
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/one", *fields, method=method, version=version) + ask(o, "/two"))
        assert c.response().status == 200
        assert c.until_closed() and c.data == b""
    assert paths(o) == ["/one"]


def test_http_10_is_kept_only_when_asked(s, o):
    with Client(s.proxy_port) as c:
        c.send(ask(o, "/one", "Connection: keep-alive", version="1.0"))
        r = c.response()
        assert r.get("Connection") == "keep-alive"
        c.send(ask(o, "/two", version="1.0"))
        assert c.response().get("Connection") == "close" and c.until_closed()


def test_fields_of_64_kib_pass_both_ways(s, o):
    value = "v" * 65536
    o.on("/big", [reply(200, b"ok", [("X-Big", value)])])
    r = once(s, ask(o, "/big", f"X-Big: {value}", f"Cookie: {value[:50000]}"))
    assert r.status == 200 and r.get("X-Big") == value
    assert o.requests[0].get("X-Big") == value and len(o.requests[0].get("Cookie")) == 50000
