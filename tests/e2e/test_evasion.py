"""A blocked host and a blocked URL in every spelling we know, by GET, CONNECT and behind another request on the
same connection: none reaches the origin, and none of as many innocent look-alikes is blocked."""
import urllib.parse

import pytest

from lib.daemons import Stack, policy
from lib.dns import Dns
from lib.origin import Origin
from lib.wirepeer import Client

HOST = "blocked.test"
IDN = "münchen-casino.test"
A_LABEL = "xn--mnchen-casino-wob.test"
ADDRESS = "127.0.0.9"


def wide(text):
    """Full-width forms of ASCII."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def pct(text):
    return "".join(f"%{b:02x}" for b in text.encode())


def one_by_one(text, change):
    """The text with one letter changed, for each letter."""
    return [text[:i] + change(c) + text[i + 1:] for i, c in enumerate(text) if c.isalpha()]


def host_spellings():
    """Spellings of the blocked names and of the blocked address, as they stand in a URL."""
    names = [HOST, HOST.upper(), "BlOcKeD.TeSt", HOST + ".", HOST.upper() + ".", "www." + HOST, "a.b.c." + HOST, "WWW." + HOST + ".",
             "_x." + HOST, "-." + HOST, "xn--a." + HOST, "1." + HOST, "0x7f." + HOST, "127.0.0.1." + HOST]
    encoded = [pct(HOST), "%62locked.test", "%42LOCKED.TEST", "blocked%2etest", "blocked%2Etest", "blocked.%74est", "blocked.test%2e",
               "bl%6Fcked.tes%74", "www%2eblocked%2etest", HOST[:-1] + "%54", "%62%6c%6f%63%6b%65%64%2e%74%65%73%74%2e"]
    unicode = [wide(HOST), wide("BLOCKED") + ".test", "blocked\u3002test", "blocked\uff0etest", "blocked\uff61test", "blocked.test\u3002",
               "bloc\u00adked.test", "b\u200blocked.test", "blo\u2060cked.test", "ⓑⓛⓞⓒⓚⓔⓓ.test", "𝐛𝐥𝐨𝐜𝐤𝐞𝐝.test", "𝓑locked.test",
               "ｂlocked.test", "bloc\u212aed.test", "blocked.te\u017ft", "blocked.te\ufb06", "blocked.tes\u200bt.", "\u00adblocked.test", "blocked.test\u2060",
               "blocked\u3002test\uff0e", "bl\u2134cked.test", "\u1d47locked.test", "BLO\u216dKED.test", "blocked\u200b.test", "blo\U0001d5bcked.test", "b\u217cocked.test", "www。blocked．test", "blocked.te\ufe0fst"]
    idn = [IDN, IDN.upper(), A_LABEL, A_LABEL.upper(), A_LABEL + ".", "mu\u0308nchen-casino.test", "www." + IDN, "MU\u0308NCHEN-CASINO.test",
           "münchen\u2010casino.test".replace("\u2010", "-"), "münchen-casino。test", "xn--mnchen-casino-wob%2etest"]
    address = [ADDRESS, ADDRESS + ".", "127.9", "127.0.9", "2130706441", "0x7f000009", "0x7F.0.0.9", "0X7f.0x0.0x0.0x9", "0177.0.0.011",
               "0177.9", "017700000011", "00177.0.0.9", "127.0x0.9", "127.0.0.%39", "%31%32%37.0.0.9", wide(ADDRESS), "127。0。0。9",
               "[::ffff:127.0.0.9]", "[::ffff:7f00:9]", "[0:0:0:0:0:ffff:7f00:0009]", "[::FFFF:7F00:0009]", "127.0.0.⑨", "0x7f.9",
               "0x0000007f.0.0.9", "127.000.000.009", "0x7f000009.", "017700000011.", "127.0.0.0x9", "0177.0x0.9", "127.0.0.011",
               "127.00000000.0.9", "①②⑦.⓪.⓪.⑨", "127%2e0%2E0%2e9", "%30x7f000009", "0%787f.9", "１２７.9", "127\uff610\uff610\uff619", "[0:0:0:0:0:ffff:127.0.0.9]",
               "[64:ff9b::7f00:9]", "[64:ff9b::127.0.0.9]", "[0064:ff9b:0:0:0:0:7f00:0009]", "0000000000000000000177.0.0.9",
               "0X7F000009", "0x00000000007f000009"]
    each = one_by_one(HOST, lambda c: f"%{ord(c):02x}") + one_by_one(HOST, str.upper) + one_by_one(HOST, wide)
    return list(dict.fromkeys(names + encoded + unicode + idn + address + each))


def path_spellings():
    """Paths under /casino/, which a pattern blocks on any host."""
    each = one_by_one("/casino/", lambda c: f"%{ord(c):02X}") + one_by_one("/casino/", str.upper)
    return each + ["/casino/", "/casino/x?y", "/CASINO/", "/Casino/a", "/%63asino/", "/%63%61%73%69%6e%6f/", "/casin%6F/", "/x/../casino/", "/./casino/",
            "/x/%2e%2e/casino/", "/x/%2E%2E/casino/", "/x/.%2e/casino/", "/x/%2e./casino/", "/%2e/casino/", "/a/b/../../casino/", "/../casino/",
            "/../../casino/", "/casino/../casino/", "/casino/.", "/casino/%2e", "/casino/./x", "/x/./../casino/",
            "/casino/#x".replace("#", "%23"), "/c%41sino/", "/casino/?../..", "/casino/%00", "/casino//", "/casino/;v=1",
            "/;x/../casino/", "/%2e%2e/%2e%2e/casino/", "/x/..%2e/../../casino/", "/x//../../casino/", "/a/b/c/../../../casino/", "/.%2E/casino/", "/casino/a/..", "/casino/a/%2e%2e/",
            "/c%61%73ino/?", "/%43%41%53%49%4e%4f/", "/x%2fy/../casino/", "/x%5cy/../casino/", "/%00/../casino/", "/\\/../casino/",
            "/%C0%AF/../casino/", "/casino/%", "/casino/%zz", "/casino/|", "/./././casino/", "/x/y/../%2e%2e/casino/"]


def refused_hosts():
    """What no resolver should be asked about: broken on purpose, so that somebody else reads another name or address in it."""
    return [HOST + "..", "." + HOST, "blocked..test", HOST + "%00", "%00" + HOST, HOST + "%00.good.test", HOST + "%20", "%09" + HOST, HOST + "%0d%0a", HOST + "%2f.good.test",
            HOST + "%5c.good.test", HOST + "%23.good.test", HOST + "%3f.good.test", "good.test%40" + HOST, HOST + "%3a80", "%2562locked.test", "%25%36%32locked.test",
            "blocked%c0%aetest", "blocked%e0%80%aetest", "%c1%a2locked.test", "blocked%ff.test", "blocked%e3%80test", HOST + "\u2105good.test", "good.test\uff20" + HOST,
            HOST + "\uff03", HOST + "\uff0f.good.test", HOST + "\uff1a80", "blocked\u2025test", "blocked.test\uff05", "blocked\u200d.test", "\u202eblocked.test",
            "127.0.0.256", "127.0.0.265", "127.0.0.0.9", "0x17f.0.0.9", "6425673737", "0x17f000009", "127.0.0.9.0x", "0177.0.0.019", "127..9", "127.0.0.9,1",
            "[127.0.0.9]", "[blocked.test]", "[::ffff:127.9]", "[::ffff:0177.0.0.9]", "[::ffff:0x7f000009]", "[::ffff:127.0.0.9%25lo]", "[::ffff:127.0.0.9%lo]", "[::ffff:127.0.0.9", "::ffff:127.0.0.9",
            "[[::ffff:127.0.0.9]]", "[::ffff:127.0.0.9/128]", "[%3a%3affff:127.0.0.9]", "[v1." + HOST + "]", "*." + HOST, "b*.test", HOST + ",good.test", HOST + ";good.test", "~" + HOST, "(" + HOST + ")",
            "[::127.0.0.9]", "[2002:7f00:9::]", "[2001::7f00:9]", "[::ffff:0:127.0.0.9]", "[64:ff9b:1::7f00:9]", "[fe80::1]"]


def innocent_hosts():
    near = ["notblocked.test", "blocked-test.test", "blocked.test.good.test", "xblocked.test", "blockedtest.test", "blocked.tes.test", "locked.test",
            "blocked1.test", "b.locked.test", "blocked.good.test", "blocked-.test", "blocked_.test", "test.blocked-x.test", "blocke.test", "blockedd.test",
            "block.ed.test", "blоcked.test", "blöcked.test", "munchen-casino.test", "muenchen-casino.test", "xn--mnchen-casino-4oa.test",
            "casino.test", "good.test", "GOOD.test", "good.test.", "%67ood.test", "127.0.0.1", "127.0.0.9.good.test", "127-0-0-9.good.test", "0x7f000009.good.test",
            "localhost.good.test", "blocked.test-good.test", "www-blocked.test", "blockеd.test", "b-locked.test", "blocked--.test"]
    near += ["127.0.0.-9", "0x7f.1", "2130706433", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0x7f000001", "127.0.0.1.", "017700000001", "127.0.0.%31",
             "[64:ff9b::7f00:1]", "xn--blocked-.test", "xn--blocked.test", "blocked.xn--test-", "bl0cked.test", "b1ocked.test", "blocked\u30fbtest.test", "blocked.test.blocked-test.test"]
    each = one_by_one(HOST, lambda c: "") + one_by_one(HOST, lambda c: c + c) + one_by_one(HOST, lambda c: "x")
    each += one_by_one(HOST, lambda c: c + "0") + one_by_one(HOST, lambda c: c + "_") + one_by_one(HOST, lambda c: "0" + c)
    return list(dict.fromkeys(near + each))


def innocent_paths():
    each = one_by_one("/casino/", lambda c: "") + one_by_one("/casino/", lambda c: c + c) + one_by_one("/casino/", lambda c: "%2525")
    each += one_by_one("/casino/", lambda c: c + "%20") + one_by_one("/casino/", lambda c: "_") + one_by_one("/casino/", lambda c: c + "%E2%80%8B")
    each += one_by_one("/casino/", lambda c: c + ";") + one_by_one("/casino/", lambda c: c + ".") + one_by_one("/casino/", lambda c: c + "%2F")
    each += one_by_one("/casino/", lambda c: "%5C" + c) + one_by_one("/casino/", lambda c: c + "=")
    return each + ["/", "/casino", "/casinos/", "/xcasino/", "/casino%2f", "/x/casino/", "/casino%2Fx", "/a?/casino/", "/?u=/casino/", "/casino-/", "/Casin0/",
            "/x/%2e%2e%2fcasino/", "/casino%5c", "/%2563asino/", "/casino%20/", "/..%2fcasino/", "/_casino/", "/casino.html", "/casino;/x", "/CASINOX/",
            "/%c2%adcasino/", "/x/..casino/", "/x/...//casino/", "/x/y/..//../casino/", "/%20casino/", "//casino/"]


@pytest.fixture(scope="module")
def world():
    # Whatever name gets through is answered: a hole shows as a request at the origin.
    with Origin(host="127.0.0.1") as origin, Origin(host=ADDRESS, port=origin.port) as other:
        every = [HOST, A_LABEL, "good.test", "www." + HOST] + [plain(h) for h in innocent_hosts() if plain(h)]
        more = ["a.b.c." + HOST, "_x." + HOST, "-." + HOST, "xn--a." + HOST, "1." + HOST, "0x7f." + HOST, "127.0.0.1." + HOST, "www." + A_LABEL]
        with Dns({n: "127.0.0.1" for n in set(every + more)}) as dns, Stack(proxy={"resolvers": dns.address}) as stack:
            stack.publish(policy({"name": "names", "when": {"hosts": [HOST, IDN, ADDRESS]}},
                                 {"name": "paths", "when": {"url_patterns": ["^https?://[^/]+/casino/"]}}))
            yield stack, origin, other


def plain(host):
    """The name as DNS has it, or None for addresses."""
    name = urllib.parse.unquote(host).rstrip(".").lower()
    if name.replace(".", "").isdigit():
        return None
    return name.encode("idna").decode() if not name.isascii() else name


def head(target, host, method="GET"):
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def wire(host):
    """In a request line only ASCII may stand: the rest goes percent-encoded."""
    return urllib.parse.quote(host, safe="%[]:._-~")


def ask(stack, request, method="GET", n=1):
    with Client(stack.proxy_port) as c:
        c.send(request)
        for _ in range(n - 1):
            assert c.response().status == 200
        return c.response(method)


def reached(*origins):
    return [q for o in origins for q in o.requests]


def test_blocked_hosts_by_get(world):
    stack, origin, other = world
    spelled = host_spellings()
    bad = []
    for h in spelled:
        host = f"{wire(h)}:{origin.port}"
        origin.clear(), other.clear()
        r = ask(stack, head(f"http://{host}/", host))
        if r is None or r.status not in (400, 403) or reached(origin, other):
            bad.append(f"{h!r}: {r} {reached(origin, other)}")
    assert not bad, f"{len(bad)} of {len(spelled)}:\n" + "\n".join(bad)


def test_most_spellings_are_understood_not_only_refused(world):
    """400 hides a name from the record; all but hopeless spellings must be recognised as the blocked one."""
    stack, origin, _ = world
    refused = []
    for h in host_spellings():
        host = f"{wire(h)}:{origin.port}"
        if ask(stack, head(f"http://{host}/", host)).status != 403:
            refused.append(h)
    assert len(refused) <= 6, refused


def test_broken_hosts_reach_nothing(world):
    stack, origin, other = world
    bad = []
    for h in refused_hosts():
        host = f"{wire(h)}:{origin.port}"
        for request, method in ((head(f"http://{host}/", host), "GET"), (head(host, host, "CONNECT"), "CONNECT"), (head(f"http://{host}/", f"good.test:{origin.port}"), "GET")):
            origin.clear(), other.clear()
            r = ask(stack, request, method)
            if r is None or r.status not in (400, 403) or reached(origin, other):
                bad.append(f"{method} {h!r}: {r} {reached(origin, other)}")
    assert not bad, "\n".join(bad)


PORTS = [":0", ":65536", ":99999999999", ":+{p}", ":-1", ":0{p}", ":{p}:{p}", ":{p}.", ":{p}@good.test", ": {p}", ":%3{q}", ":{p}\\", ":{p}&", ":{p};x", ":http", ":0x{x}", ":{p}%00", ":{p},80"]


def test_odd_ports_reach_nothing(world):
    stack, origin, other = world
    p, bad = origin.port, []
    for shape in PORTS:
        port = shape.format(p=p, q=str(p), x=f"{p:x}")
        for name in ("good.test", HOST, ADDRESS):
            for request, method in ((head(f"http://{name}{port}/", f"{name}:{p}"), "GET"), (head(name + port, f"{name}:{p}", "CONNECT"), "CONNECT"),
                                    (head(f"http://{name}:{p}/", name + port), "GET")):
                origin.clear(), other.clear()
                r = ask(stack, request, method)
                if r is None or r.status != 400 or reached(origin, other):
                    bad.append(f"{request!r}: {r}")
    assert not bad, "\n".join(bad)


SCHEMES = ["http:/{h}/", "http:{h}/", "//{h}/", "http:///{h}/", "http:\\\\{h}/", "http:/\\{h}/", "{h}/", "{h}", "://{h}/", "http//{h}/", "http:////{h}/", "hTTp:/{h}/", "http://\\{h}/",
           "http://?{h}/", "http://#{h}/", "http:@{h}/", "http:http://{h}/", "url:http://{h}/", "ws://{h}/", "ftp://{h}/", "https://{h}/", "view-source:http://{h}/", "jar:http://{h}/!/",
           "http+unix://{h}/", "HTTP:/{h}/", "%68ttp://{h}/", "http%3a//{h}/", "http:%2f%2f{h}/", "\thttp://{h}/", "http://\t{h}/", "\x00http://{h}/", "blob:http://{h}/", "http:.//{h}/"]


def test_odd_schemes_reach_nothing(world):
    stack, origin, other = world
    bad = []
    for shape in SCHEMES:
        for name in ("good.test", HOST):
            host = f"{name}:{origin.port}"
            origin.clear(), other.clear()
            r = ask(stack, head(shape.format(h=host), host))
            if r is None or r.status not in (400, 501) or reached(origin, other):
                bad.append(f"{shape} {name}: {r}")
    assert not bad, "\n".join(bad)


def test_the_record_holds_the_normal_form(world):
    """What is searched for in the records is what the policy saw, however it was spelled."""
    stack, origin, _ = world
    for n, h in enumerate(("BLOCKED.test.", "%62locked.test", "blocked\u3002test", wide(HOST))):
        host = f"{wire(h)}:{origin.port}"
        ask(stack, head(f"http://{host}/x/../%41{n}?%7e", host))
        row = stack.log(f"host={HOST}&url=http://{HOST}:{origin.port}/A{n}?~")[0]
        assert row["verdict"] == "blocked", row
    host = f"0x7f.0.0.9:{origin.port}"
    ask(stack, head(host, host, "CONNECT"), "CONNECT")
    assert stack.log(f"method=CONNECT&host={ADDRESS}&url=https://{ADDRESS}:{origin.port}/")[0]["verdict"] == "blocked"


def test_blocked_hosts_by_connect(world):
    stack, origin, other = world
    bad = []
    for h in host_spellings():
        host = f"{wire(h)}:{origin.port}"
        origin.clear(), other.clear()
        r = ask(stack, head(host, host, "CONNECT") + head("/", "good.test"), "CONNECT")
        if r is None or r.status not in (400, 403) or reached(origin, other):
            bad.append(f"{h!r}: {r} {reached(origin, other)}")
    assert not bad, "\n".join(bad)


def test_blocked_hosts_behind_an_allowed_request(world):
    stack, origin, other = world
    good = f"good.test:{origin.port}"
    bad = []
    for h in host_spellings():
        host = f"{wire(h)}:{origin.port}"
        origin.clear(), other.clear()
        r = ask(stack, head(f"http://{good}/", good) + head(f"http://{host}/", host), n=2)
        if r is None or r.status not in (400, 403) or len(reached(origin, other)) != 1:
            bad.append(f"{h!r}: {r} {reached(origin, other)}")
    assert not bad, "\n".join(bad)


def test_blocked_paths(world):
    stack, origin, _ = world
    good = f"good.test:{origin.port}"
    bad = []
    for path in path_spellings():
        origin.clear()
        r = ask(stack, head(f"http://{good}{path}", good))
        if r is None or r.status not in (400, 403) or origin.requests:
            bad.append(f"{path}: {r}")
        r = ask(stack, head(f"http://{good}/", good) + head(f"http://{good}{path}", good), n=2)
        if r is None or r.status not in (400, 403):
            bad.append(f"{path} behind another: {r}")
    assert not bad, "\n".join(bad)


def test_tricks_with_two_names(world):
    """Two names in one request: whichever counts, the blocked one is not reached under the good one's flag."""
    stack, origin, other = world
    p = origin.port
    good, evil = f"good.test:{p}", f"{HOST}:{p}"
    requests = [
        head(f"http://{good}/", evil), head(f"http://{evil}/", good), head(f"http://good.test@{evil}/", evil), head(f"http://{good}@{evil}/", evil),
        head(f"http://{evil}\\@{good}/", good), head(f"http://{good}%2f@{evil}/", evil), head(f"http://{good}#@{evil}/", evil),
        head(f"http://{good},{evil}/", evil), head(f"http://{HOST}%00.good.test:{p}/", good), head(f"http://{HOST}%09:{p}/", evil),
        head(f"http://{HOST}%20:{p}/", evil), head(f"http://{HOST}:{p}:{p}/", evil), head(f"http://[{HOST}]:{p}/", evil),
        f"GET http://{good}/ HTTP/1.1\r\nHost: {good}\r\nHost: {evil}\r\n\r\n".encode(),
        f"GET http://{good}/ HTTP/1.1\r\nHost: {good}, {evil}\r\n\r\n".encode(),
        f"GET http://{good}/ HTTP/1.1\r\nHost:{good}\r\n {evil}\r\n\r\n".encode(),
        f"CONNECT {evil} HTTP/1.1\r\nHost: {good}\r\n\r\n".encode(), f"CONNECT {good},{evil} HTTP/1.1\r\nHost: {good}\r\n\r\n".encode(),
        f"CONNECT {good}@{evil} HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode(), f"CONNECT {HOST}%00:{p} HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode(),
        f"POST http://{good}/ HTTP/1.1\r\nHost: {good}\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
        f"0\r\n\r\nGET http://{evil}/ HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode(),
    ]
    for request in requests:
        origin.clear(), other.clear()
        r = ask(stack, request, "CONNECT" if request.startswith(b"CONNECT") else "GET")
        assert r is not None and r.status in (400, 403), (request, r)
        assert not reached(origin, other), request


def test_innocent_hosts_pass(world):
    stack, origin, _ = world
    bad = []
    for h in innocent_hosts():
        host = f"{wire(h)}:{origin.port}"
        r = ask(stack, head(f"http://{host}/", host))
        if r is None or r.status != 200:
            bad.append(f"{h!r}: {r}")
        r = ask(stack, head(host, host, "CONNECT"), "CONNECT")
        if r is None or r.status != 200:
            bad.append(f"CONNECT {h!r}: {r}")
    assert not bad, "\n".join(bad)


def test_innocent_paths_pass(world):
    stack, origin, _ = world
    good = f"good.test:{origin.port}"
    bad = []
    for path in innocent_paths():
        r = ask(stack, head(f"http://{good}{path}", good))
        if r is None or r.status != 200:
            bad.append(f"{path}: {r}")
    assert not bad, "\n".join(bad)


def test_there_are_enough_of_them():
    evasive = len(set(host_spellings())) + len(set(path_spellings()))
    innocent = len(set(innocent_hosts())) + len(set(innocent_paths()))
    assert innocent >= evasive >= 120, (evasive, innocent)
    assert len(set(refused_hosts())) + len(PORTS) + len(SCHEMES) >= 100
