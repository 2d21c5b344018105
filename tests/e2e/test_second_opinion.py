"""Two other parsers on the same corpus: h11, and node's llhttp in its strict mode. What we let through must be one message to
both, with the same method, target and body, and nothing behind it: a disagreement there is a way in. Where they are laxer than
we are nothing is lost; where they are stricter, the row is named here with the sentence of the RFC that decides."""
import base64
import json
import os
import re
import shutil
import subprocess

import pytest

from lib import cases
from lib.wirepeer import chunks

HERE = os.path.dirname(os.path.abspath(__file__))

ANY_TOKEN = "RFC 9110 9.1: a method is any token, and RFC 9110 16.1 has a registry of them; node knows only its own list"
STRICTER_NODE = {"method with a hyphen": ANY_TOKEN, "method of strange token characters": ANY_TOKEN, "method of 32 bytes": ANY_TOKEN}


def split(raw):
    """(method, target, number of fields, content, surplus) of one forwarded request: our own reading of our own output."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    method, target, _ = lines[0].split(b" ")
    length = re.search(rb"(?im)^content-length:[ \t]*(\d+)[ \t]*\r?$", head)
    if re.search(rb"(?im)^transfer-encoding:", head):
        content, complete, used = chunks(rest)
        assert complete
    else:
        used = int(length.group(1)) if length else 0
        content = rest[:used]
    return method.decode("latin-1"), target.decode("latin-1"), len(lines) - 1, content, rest[used:]


def accepted():
    """Each row that is accepted, as the origin gets it."""
    return [c for c in cases.load("requests") if c.want == "ok" and c.output]


def refused():
    return [c for c in cases.load("requests") if c.status]


def by_h11(raw):
    """(requests, is_refused) as h11 reads one connection."""
    import h11
    c = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    out = []
    try:
        c.receive_data(raw)
        c.receive_data(b"")
        while True:
            e = c.next_event()
            if isinstance(e, h11.Request):
                out.append([e.method.decode("latin-1"), e.target.decode("latin-1"), len(e.headers), b""])
            elif isinstance(e, h11.Data):
                out[-1][3] += bytes(e.data)
            elif isinstance(e, h11.EndOfMessage):
                if c.their_state is h11.MUST_CLOSE:
                    return out, False, c.trailing_data[0]
                c.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                c.send(h11.EndOfMessage())
                if c.our_state is not h11.DONE or c.their_state is not h11.DONE:
                    return out, False, c.trailing_data[0]
                c.start_next_cycle()
            else:  # NEED_DATA, PAUSED, ConnectionClosed
                return out, False, c.trailing_data[0]
    except h11.RemoteProtocolError as x:
        return out, str(x), b""
    except h11.LocalProtocolError:  # a CONNECT or an upgrade: no more requests
        return out, False, b""


def by_node(many):
    lines = "".join(base64.b64encode(raw).decode() + "\n" for raw in many)
    r = subprocess.run(["node", f"{HERE}/lib/second_opinion.mjs"], input=lines, capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, r.stderr[-2000:]
    return [json.loads(line) for line in r.stdout.split("\n") if line]


def test_h11_reads_what_we_send_as_we_mean_it():
    pytest.importorskip("h11")
    bad = []
    for case in accepted():
        method, target, n_fields, content, surplus = split(case.output)
        assert surplus == b"", case.why
        got, problem, left = by_h11(case.output)
        if problem:
            bad.append(f"{case.why}: refused, {problem}")
        elif got != [[method, target, n_fields, content]] or left:
            bad.append(f"{case.why}: {str(got)[:300]} left {left[:100]!r}")
    assert not bad, "\n".join(bad)


@pytest.mark.skipif(not shutil.which("node"), reason="no node")
def test_node_reads_what_we_send_as_we_mean_it():
    chosen, bad = accepted(), []
    for case, got in zip(chosen, by_node([c.output for c in chosen]), strict=True):
        method, target, n_fields, content, _ = split(case.output)
        if got["refused"]:
            if case.why not in STRICTER_NODE:
                bad.append(f"{case.why}: refused, {got['refused']}")
            continue
        seen = [(q["method"], q["target"], q["fields"], q["body"], q["complete"]) for q in got["requests"]]
        if seen != [(method, target, n_fields, content.decode("latin-1"), True)]:
            bad.append(f"{case.why}: {str(seen)[:300]}")
    assert not bad, "\n".join(bad)


if __name__ == "__main__":  # where they are laxer: for reading
    chosen = refused()
    for case, node in zip(chosen, by_node([c.input for c in chosen]), strict=True):
        got, problem, _ = by_h11(case.input)
        who = [n for n, lax in (("h11", not problem and got), ("node", not node["refused"] and node["requests"])) if lax]
        if who:
            print(f"{case.section:14} {case.why:60} {case.want:32} taken by {' '.join(who)}")
