#!/usr/bin/python3
"""Makes the seeds of tests/fuzz/corpus anew from the case tables and from the lists below: one file per
kind of answer. Files that a fuzz run found worth keeping are added by hand with other names.

    tests/fuzz/seed.py
"""
import base64
import os
import ssl
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/e2e")
from lib import cases  # noqa: E402

LONGEST = 2000


def write(target, name, data):
    folder = f"{ROOT}/tests/fuzz/corpus/{target}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/seed-{name}", "wb") as f:
        f.write(data)


def heads_and_bodies():
    seen = {}
    for kind, name in ((0, "requests"), (1, "responses")):
        for c in cases.load(name):
            key = (kind, c.want, c.section if c.status is None else "")
            seen[key] = seen.get(key, 0) + 1
            if len(c.input) > LONGEST or seen[key] > 3:
                continue
            write("head", f"{name}-{c.id[:60]}", bytes([kind, 128]) + c.input)
            head, mark, body = c.input.partition(b"\r\n\r\n")
            if mark and body and b"chunked" in head.lower():
                write("body", f"{name}-{c.id[:60]}", bytes([1, 128]) + body)
    write("body", "length", bytes([4, 128]) + b"hello")


def strings():
    hosts = ["example.com", "EXAMPLE.com.", "0x7f.1", "0177.0.0.1", "2130706433", "127.1", "[::1]", "[::ffff:1.2.3.4]",
             "münchen.de", "m%C3%BCnchen.de", "ｅｘａｍｐｌｅ。com", "exam\u00adple.com", "xn--mnchen-3ya.de", "a..b", "1.2.3.4.5",
             "[fe80::1%25eth0]", "10.0.0.0/8", "2001:db8::/32", "1.2.3.4:80", "[::1]:80", "١٢٧.0.0.1", "a" * 64 + ".com",
             "%65xample%2ecom", "例え.テスト", "::ffff:10.0.0.0/104"]
    for i, h in enumerate(hosts):
        write("host", f"{i:02}", h.encode())
    tails = ["", "/", "/a/../b/./c", "/%2e%2E/%41%2f%zz", "?q=/../x", "/é", "/a|b^c{d}", ":80/", ":8080/x#y", ":/", "//a//..//b",
             "/a\\..\\b", "/100%"]
    for i, t in enumerate(tails):
        for j, scheme in enumerate(("http://", "HTTPS://")):
            write("url", f"{i:02}-{j}", f"{scheme}{hosts[i % len(hosts)]}{t}".encode())
    for i, a in enumerate(("example.com:443", "[::1]:443", "a@b:1", "a:65536", "a:4294967739", "a:", ":1")):
        write("url", f"authority-{i}", a.encode())


def credentials():
    for i, (user, pw) in enumerate((("alice", "secret"), ("", "x"), ("a", ""), ("müller", "päss"), ("a\0b", "c"), ("a" * 900, "b"))):
        token = base64.b64encode(f"{user}:{pw}".encode())
        write("auth", f"basic-{i}", b"Basic " + token)
        write("auth", f"token-{i}", token)
    for i, v in enumerate((b"Negotiate YII=", b"NTLM TlRM", b'Digest username="a", realm="b"', b"Bearer a.b.c", b"Basic YTpiYh==",
                           b"Basic  YTpi , x", b"Basic bfxsbGVyOnA=")):
        write("auth", f"other-{i}", v)


def hello(name, alpn, newest):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols(alpn)
    come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(come, go, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return go.read()


def hellos():
    newest = ssl.TLSVersion.TLSv1_3
    write("client_hello", "13", b"\x80" + hello("www.example.com", ["h2", "http/1.1"], newest))
    whole = hello("a.test", ["http/1.1"], ssl.TLSVersion.TLSv1_2)
    write("client_hello", "12", b"\x80" + whole)
    write("client_hello", "no-name", b"\x80" + hello(None, None, newest))
    body = whole[5:]
    write("client_hello", "records", b"\x80" + b"".join(
        b"\x16\x03\x01" + len(body[i:i + 20]).to_bytes(2, "big") + body[i:i + 20] for i in range(0, len(body), 20)))


def proxy_lines():
    sign = b"\r\n\r\n\0\r\nQUIT\n"
    lines = [b"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\nGET", b"PROXY TCP6 2001:db8::1 ::2 80 443\r\n", b"PROXY UNKNOWN x\r\n",
             b"PROXY TCP4 1.2.3.4 5.6.7.8 080 443\r\n", sign + b"\x21\x11\0\x0c\1\2\3\4\5\6\7\x08\0\x50\1\xbb",
             sign + b"\x21\x21\0\x24" + bytes(36), sign + b"\x20\0\0\0", sign + b"\x21\x11\0\x10\1\2\3\4\5\6\7\x08\0\x50\1\xbb\4\0\1x"]
    for i, line in enumerate(lines):
        write("proxy_line", f"{i:02}", b"\x80" + line)


def patterns():
    """A pattern, a zero byte, a text."""
    url = b"http://www.example.com/ads/banner12.gif?id=ff&x=aaaaaaaaaaaaaaaa"
    rows = ["casino", "(^|[-.?+=/_0-9])ads([-.?+=/_0-9]|$)", "/ads/(banner|x)[0-9]*\\.(gif|jpe?g)", "^http://[^/]*example[0-9]*\\.(com|net)/",
            "[?&]id=[0-9a-f]+(&|$)", "/(ads|foo)[^/]*\\.(exe|zip|gif)$", "^https?://([^/]+\\.)?example\\.com(/|$)", "(a+)+$", "(a|aa)+$",
            "(.*a){9}$", "(x+x+)+y", "(?<!no)ads", "(\\w)\\1\\1", "(?=.*foo)(?=.*ads)^", "a++b", "(?>a+)ab", "\\bads?\\b", "x*", "(?-i)Ads",
            "a\\Kb", "(?(?=a)ab|cd)", "^(?:(a)|b)(?(1)c|d)$", "\\xff|\\x{41}", "[[:alpha:]]+x", "[^[:digit:]_]{3,}", "(?<n>a)\\k<n>", "(a(?1)?b)",
            "a{2,3}?b{4}c{0,}", "[]^-a]+", "(?#no)ads", "(?i:ADS)", "(?s-m:.)b", "(?|(a)|(b))c", "\\d+\\d+\\d+\\d+x", "\\R\\N\\h", "\\Qa.b\\E",
            "(*ACCEPT)a", "a{,3}", "\\/ads\\/", "(?:%[0-9a-f]{2}|.)*;$", "(|a)+b", "^$", "((((a*)*)*)*)*b", "[a-z]{97,106}$"]
    for i, row in enumerate(rows):
        write("pattern", f"{i:02}", row.encode("latin-1") + b"\0" + url)


def forms():
    rows = {"reason": "e=1&v=2&c=3&w=4&h=5&r=6&u=7&t=8&reason=one+two%21", "query": "/search?safe=off&q=x&SSUI=1&&safe",
            "cut": "reason=%c3%bc%", "bare": "?", "nul": "/a?b?safe=1&reason=%00"}
    for name, row in rows.items():
        write("form", name, row.encode())


heads_and_bodies()
forms()
strings()
credentials()
hellos()
proxy_lines()
patterns()
