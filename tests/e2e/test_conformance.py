"""The case tables of the wire room through the real proxyd to a recording origin: what is refused never
reaches the origin, what is accepted reaches it byte by byte as the table says, and a response that is cut or
odd never looks complete to the client."""
import re
import time

import pytest

from lib import cases
from lib.daemons import SLOW, Stack, policy
from lib.dns import Dns
from lib.origin import CLOSE, Origin
from lib.wirepeer import Client

# Answered by the proxy itself, or not to be sent to a plain origin: judged in their own tests.
REST = 0.15


@pytest.fixture(scope="module")
def world():
    with Origin() as origin, Dns({"origin.test": "127.0.0.1", "good.test": "127.0.0.1"}) as dns:
        with Stack(proxy={"resolvers": dns.address}) as stack:
            stack.publish(policy())
            yield stack, origin, f"origin.test:{origin.port}"


def without_ours(data):
    """Less the one Via line that the proxy adds, and the Date it adds when the origin sent none."""
    return re.sub(rb"(?m)^(Via: 1\.[01] proxyd[^\r\n]*|Date: [^\r\n]*)\r\n", b"", data, count=2)


def is_body_level(case):
    words = ("chunk", "trailer", "body-too-large")
    return any(w in case.want for w in words) and b"\r\n\r\n" in case.input


def check_refused(stack, origin, case):
    origin.clear()
    with Client(stack.proxy_port, 5 * SLOW) as c:
        c.send(case.input)
        if case.section == "9.3.2":
            first = c.response()
            if not first or first.status != 200:
                return f"the sound request before it gave {first}"
        r = c.response()
        closed = c.until_closed(5 * SLOW)
    whole = [q for q in origin.requests if q.complete]
    n_sound = 1 if case.section == "9.3.2" else 0
    if len(whole) > n_sound:
        return f"reached the origin: {whole[-1].head[:200]!r} {whole[-1].raw_body[:100]!r}"
    if not is_body_level(case) and origin.received() and n_sound == 0:
        return f"bytes reached the origin: {origin.received()[:200]!r}"
    if not closed:
        return "the connection stayed open"
    if r is None:
        # A reset may overtake the answer when bytes were still on their way to us.
        return None if c.reset and len(case.input) > 60000 else "closed without an answer"
    if r.status != case.status:
        return f"answered {r.status}"
    return None


def check_forwarded(stack, origin, case):
    origin.clear()
    with Client(stack.proxy_port, 5 * SLOW) as c:
        c.send(case.input)
        method = case.input.split(b" ")[0].strip().decode("latin-1")
        r = c.response(method)
        if not r or r.status != 200 or not r.complete:
            return f"answered {r}"
        if case.want == "ok+":
            r = c.response()
            if not r or r.status != 200:
                return f"the second answer is {r}"
            origin.wait(2)
    q = origin.wait(1)[0]
    got = without_ours(q.head + q.raw_body)
    if case.output is not None and got != case.output:
        return f"the origin got {got[:600]!r}, not {case.output[:600]!r}"
    if b"roxy-" in q.head:
        return f"a field of ours went on: {q.head!r}"
    return None


def in_order(chosen):
    """What is refused in the middle of its body comes last: a part of it may reach the origin late, when the next
    case is already being looked at."""
    return sorted(chosen, key=is_body_level)


def settle():
    time.sleep(0.2 * SLOW)


def run(checker, stack, origin, chosen):
    bad = []
    settle()
    for case in in_order(chosen):
        problem = checker(stack, origin, case)
        if problem:
            bad.append(f"{case.section} {case.why} [{case.want}]: {problem}")
    assert not bad, f"{len(bad)} of {len(chosen)}:\n" + "\n".join(bad)


def test_refused_requests(world):
    stack, origin, name = world
    chosen = [c for c in cases.load("requests", name) if c.status]
    assert len(chosen) >= 250
    run(check_refused, stack, origin, chosen)


def test_accepted_requests_reach_the_origin_unchanged(world):
    stack, origin, name = world
    chosen = [c for c in cases.load("requests", name) if c.want in ("ok", "ok+")]
    run(check_forwarded, stack, origin, chosen)


def test_unfinished_requests_get_no_answer(world):
    stack, origin, name = world
    settle()
    for case in cases.load("requests", name):
        if case.want != "more":
            continue
        origin.clear()
        with Client(stack.proxy_port) as c:
            c.send(case.input)
            c.read(REST)
            assert c.data == b"" and not c.closed, case.why
        assert not [q for q in origin.requests if q.complete], case.why


def test_cut_at_many_places(world):
    """The same bytes in two packets: the same answer, the same bytes at the origin."""
    stack, origin, name = world
    chosen = [c for c in cases.load("requests", name) if len(c.input) < 400 and c.want != "more" and c.want != "local"]
    bad = []
    settle()
    for n, case in enumerate(in_order(chosen)):
        checker = check_refused if case.status else check_forwarded
        cut = 1 + n * 37 % (len(case.input) - 1)

        class Halves(Client):
            def send(self, data):
                super().send(data[:cut])
                time.sleep(0.002)
                super().send(data[cut:])

        problem = with_client(Halves, checker, stack, origin, case)
        if problem:
            bad.append(f"{case.section} {case.why} cut at {cut}: {problem}")
    assert not bad, f"{len(bad)} of {len(chosen)}:\n" + "\n".join(bad)


def with_client(kind, checker, *args):
    global Client
    kept, Client = Client, kind
    try:
        return checker(*args)
    finally:
        Client = kept


def test_every_cut_of_one_request(world):
    stack, origin, name = world
    case = next(c for c in cases.load("requests", name) if c.why == "two trailers")
    settle()
    for cut in range(1, len(case.input)):
        origin.clear()
        with Client(stack.proxy_port) as c:
            c.send(case.input[:cut])
            time.sleep(0.001)
            c.send(case.input[cut:])
            assert c.response().status == 200, cut
        q = origin.wait(1)[0]
        assert without_ours(q.head + q.raw_body) == case.output, cut


# --- responses ----------------------------------------------------------------------------------------
def judge_response(case, r, closed):
    if case.want == "cut":
        return None if r is None or r.status in (502, 504) or not r.complete else f"a cut response looks complete: {r}"
    if r is None:
        return "no answer"
    if case.status == 502:
        if r.status == 502:
            return None
        is_late = any(w in case.want for w in ("chunk", "trailer", "body-too-large"))
        return None if is_late and not r.complete else f"answered {r}"
    if r.status == 502:
        return "refused"
    if not r.complete:
        return f"cut: {r}"
    if r.left and case.want != "close":
        return f"bytes behind the response: {r.left[:100]!r}"
    return None


def check_response(stack, origin, case, number):
    path = f"/case/{number}"
    origin.on(path, [case.input, CLOSE])
    with Client(stack.proxy_port, 5 * SLOW) as c:
        c.send(f"{case.method} {origin_url(origin, path)} HTTP/1.1\r\nHost: origin.test:{origin.port}\r\n"
               "Connection: close\r\n\r\n".encode())
        c.until_closed(5 * SLOW)
        r = c.response(case.method)
        if not c.closed:
            return "the connection stayed open"
    problem = judge_response(case, r, c.closed)
    if problem or case.output is None or r.status == 502 or case.want in ("cut", "surplus"):
        return problem
    head, _, _ = case.output.partition(b"\r\n\r\n")
    got = without_ours(r.head).replace(b"Connection: close\r\n", b"")
    if got != head + b"\r\n\r\n":
        return f"the client got the head {got!r}, not {head!r}"
    return None


def origin_url(origin, path):
    return f"http://origin.test:{origin.port}{path}"


def test_responses(world):
    stack, origin, name = world
    chosen = cases.load("responses", name)
    assert len(chosen) >= 80
    bad = []
    for n, case in enumerate(chosen):
        problem = check_response(stack, origin, case, n)
        if problem:
            bad.append(f"{case.section} {case.why} [{case.want}]: {problem}")
    assert not bad, f"{len(bad)} of {len(chosen)}:\n" + "\n".join(bad)


def test_surplus_bytes_never_answer_the_next_request(world):
    """A second response behind the first must not be given to whoever asks next."""
    stack, origin, _ = world
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Evil: 1\r\n\r\npoison"
    for head in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 204 No Content\r\n\r\n",
                 b"HTTP/1.1 304 Not Modified\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        origin.on("/evil", [head + evil])
        for _ in range(5):
            with Client(stack.proxy_port) as c:
                ask = f"HTTP/1.1\r\nHost: origin.test:{origin.port}\r\n\r\n"
                c.send(f"GET {origin_url(origin, '/evil')} {ask}".encode())
                first = c.response()
                assert b"poison" not in first.body
                if not c.until_closed(0.02):
                    c.send(f"GET {origin_url(origin, '/after')} {ask}".encode())
                    second = c.response()
                    assert second is None or (second.body == b"hello world\n" and second.get("X-Evil") is None)


# --- by hand ------------------------------------------------------------------------------------------
def test_expect_continue(world):
    stack, origin, _ = world
    url, host = origin_url(origin, "/echo"), f"Host: origin.test:{origin.port}"
    with Client(stack.proxy_port) as c:
        c.send(f"POST {url} HTTP/1.1\r\n{host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n".encode())
        while b"\r\n\r\n" not in c.data and not c.closed:
            assert c.read(3), "no 100 Continue"
        assert c.data.startswith(b"HTTP/1.1 100 ")
        c.send(b"hello")
        r = c.response()
        assert r.status == 200 and b'"body": "hello"' in r.body


def test_no_100_to_http_10(world):
    stack, origin, _ = world
    origin.on("/hints", [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    with Client(stack.proxy_port) as c:
        c.send(f"GET {origin_url(origin, '/hints')} HTTP/1.0\r\n\r\n".encode())
        c.until_closed()
        assert b" 100 " not in c.data and b" 103 " not in c.data
        assert c.response().body == b"ok"


def test_http_10_client_gets_no_chunks(world):
    stack, origin, _ = world
    with Client(stack.proxy_port) as c:
        c.send(f"GET {origin_url(origin, '/chunked/5000')} HTTP/1.0\r\n\r\n".encode())
        c.until_closed()
        r = c.response()
        assert r.get("transfer-encoding") is None and len(r.body) == 5000


def test_head_and_1xx_through(world):
    stack, origin, _ = world
    host = f"Host: origin.test:{origin.port}"
    with Client(stack.proxy_port) as c:
        c.send(f"HEAD {origin_url(origin, '/')} HTTP/1.1\r\n{host}\r\n\r\n".encode())
        assert c.response("HEAD").get("content-length") == "12"
        c.send(f"GET {origin_url(origin, '/continue')} HTTP/1.1\r\n{host}\r\n\r\n".encode())
        assert c.response().body == b"after hints\n"


def test_via_loop_is_refused(world):
    stack, origin, _ = world
    url, host = origin_url(origin, "/echo"), f"Host: origin.test:{origin.port}"
    with Client(stack.proxy_port) as c:
        c.send(f"GET {url} HTTP/1.1\r\n{host}\r\n\r\n".encode())
        via = re.search(rb'\["Via", "1\.1 ([^"]+)"\]', c.response().body).group(1).decode()
        origin.clear()
        c.send(f"GET {url} HTTP/1.1\r\n{host}\r\nVia: 1.0 other, 1.1 {via}\r\n\r\n".encode())
        r = c.response()
        assert r.status in (400, 508, 502), r
        assert not origin.requests


def test_trace_does_not_echo_credentials(world):
    stack, origin, _ = world
    with Client(stack.proxy_port) as c:
        c.send(f"TRACE {origin_url(origin, '/')} HTTP/1.1\r\nHost: origin.test:{origin.port}\r\nMax-Forwards: 0\r\n"
               "Proxy-Authorization: Basic c2VjcmV0OnNlY3JldA==\r\nCookie: secret=1\r\n\r\n".encode())
        r = c.response()
        assert b"c2VjcmV0" not in r.head + r.body and b"secret=1" not in r.body


def test_connect_tunnel_carries_bytes_verbatim(world):
    stack, origin, name = world
    host = f"Host: {name}"
    with Client(stack.proxy_port) as c:
        c.send(f"CONNECT {name} HTTP/1.1\r\n{host}\r\n\r\nGET / HTTP/1.1\r\n{host}\r\nX: \x01\r\n\r\n".encode())
        while c.data.count(b"\r\n\r\n") < 2 and not c.closed:
            assert c.read(3)
        assert c.data.startswith(b"HTTP/1.1 200")
        assert c.data.endswith(b"hello world\n")
