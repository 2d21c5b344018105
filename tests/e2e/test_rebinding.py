"""Names that say one thing when they are judged and another when they are dialled: there is one look-up, its addresses are
judged one by one, and only what was judged is dialled."""
import time

import pytest

from lib.daemons import Stack, policy, wait_until
from lib.dns import Dns
from lib.origin import CLOSE, Origin, reply

OPEN, SHUT = "127.0.0.2", "127.0.0.3"  # the one may be dialled, the other not
NAMES = {"flip.test": [OPEN], "mixed.test": [SHUT, OPEN, "10.1.2.3", "169.254.169.254"], "inner.test": [SHUT], "alias.test": "@inner.test",
         "fine.test": "@outer.test", "outer.test": [OPEN], "mapped.test": [f"::ffff:{SHUT}"], "nat64.test": [f"64:ff9b::{SHUT}"],
         "compat.test": [f"::{SHUT}"], "six.test": ["::1"], "link.test": ["fe80::1"], "sixto4.test": ["2002:7f00:3::1"],
         "zero.test": ["0.0.0.0"], "zero6.test": ["::"], "ula.test": ["fd00:ec2::254"], "multi.test": ["224.0.0.1"], "bcast.test": ["255.255.255.255"],
         "cgn.test": ["100.64.0.1"], "meta.test": ["169.254.169.254"], "azure.test": ["168.63.129.16"], "teredo.test": ["2001::1"],
         "two.test": ["127.0.0.6", OPEN], "only.test": [OPEN]}


@pytest.fixture(scope="module")
def dns():
    with Dns(NAMES, ttl=0) as d:
        yield d


@pytest.fixture(scope="module")
def s(dns):
    allowed = [f"{OPEN}/32", "127.0.0.6/32"]
    with Stack(proxy={"resolvers": dns.address, "allow-private": allowed}) as stack:
        stack.publish(policy())
        yield stack


@pytest.fixture()
def pair():
    """The same port at both addresses; whoever is reached says so."""
    with Origin(host=OPEN) as good, Origin(host=SHUT, port=good.port) as bad:
        good.on(None, lambda r: [reply(200, b"good", [("Connection", "close"), ("Content-Type", "text/plain")]), CLOSE])
        yield good, bad


def get(s, name, port):
    return s.get(f"http://{name}:{port}/")


def connect(s, name, port):
    got = s.raw(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode(), until=b"\r\n\r\n")
    return int(got.split()[1])


def test_an_answer_that_changes(s, dns, pair):
    """The classic: harmless first, then the address that is forbidden. A time to live of 0 counts as a second."""
    good, bad = pair
    assert get(s, "flip.test", good.port).content == b"good"
    dns.set({**NAMES, "flip.test": [SHUT]})
    try:
        r = wait_until(lambda: [x for x in [get(s, "flip.test", good.port)] if x.status_code != 200], 5, "the new answer")[0]
        assert r.status_code == 403 and "destination_ip_prohibited" in r.headers["Proxy-Status"]
        assert connect(s, "flip.test", good.port) == 403
    finally:
        dns.set(NAMES)
    assert bad.connections == []


def test_of_mixed_answers_only_the_allowed_are_dialled(s, pair):
    good, bad = pair
    for _ in range(6):
        assert get(s, "mixed.test", good.port).content == b"good"
        assert connect(s, "mixed.test", good.port) == 200
    good.stop()
    assert get(s, "mixed.test", bad.port).status_code == 502 and connect(s, "mixed.test", bad.port) == 502
    assert bad.connections == []


@pytest.mark.parametrize("name", [n for n in NAMES if n.split(".")[0] in (
    "inner", "alias", "mapped", "nat64", "compat", "six", "link", "sixto4", "zero", "zero6", "ula", "multi", "bcast", "cgn", "meta", "azure", "teredo")])
def test_names_of_forbidden_addresses(s, pair, name):
    good, bad = pair
    r = get(s, name, good.port)
    assert r.status_code == 403 and "destination_ip_prohibited" in r.headers["Proxy-Status"]
    assert connect(s, name, good.port) == 403
    assert good.connections == bad.connections == []


def test_an_alias_of_a_good_name_is_good(s, pair):
    assert get(s, "fine.test", pair[0].port).content == b"good"


def test_own_ports_are_no_answer_of_any_name():
    """Also where loopback may be dialled."""
    own = Dns({"me.test": ["127.0.0.1"], "me6.test": ["::ffff:127.0.0.1"], "me0.test": ["0.0.0.0"], "alias.test": "@me.test"})
    with own, Stack(proxy={"resolvers": own.address}) as s:
        s.publish(policy())
        for name in own.names:
            for port in (s.proxy_port, s.admin_port):
                assert get(s, name, port).status_code == 403, name
                assert connect(s, name, port) == 403, name


def test_one_look_up_for_judging_and_dialling(s, dns, pair):
    s.publish(policy({"id": "net", "when": {"server_networks": [f"{SHUT}/32"]}}))
    before = dns.queries("only.test")
    assert get(s, "only.test", pair[0].port).content == b"good"
    assert dns.queries("only.test") - before == 2, "A and AAAA, once"
    s.publish(policy())


def test_names_that_do_not_exist_are_remembered(s, dns):
    for _ in range(5):
        assert get(s, "nobody.test", 80).status_code == 502
    assert dns.queries("nobody.test") <= 2


def test_no_search_domain_is_tried(dns, monkeypatch):
    """Not those of the machine: "intranet" is not "intranet.<domain of the proxy's house>"."""
    monkeypatch.setenv("LOCALDOMAIN", "good.test")
    monkeypatch.setenv("RES_OPTIONS", "ndots:5")
    with Dns({"intranet.good.test": [OPEN], "other.test.good.test": [OPEN]}) as d, Stack(proxy={"resolvers": d.address, "allow-private": f"{OPEN}/32"}) as s:
        s.publish(policy())
        for name in ("intranet", "other.test"):
            assert get(s, name, 80).status_code == 502
            assert d.queries(f"{name}.good.test") == 0


@pytest.mark.parametrize("blocked,status", [(OPEN, 403), ("127.0.0.6", 200)])
def test_a_rule_reached_with_the_answer_judges_the_address_that_answered(s, pair, blocked, status):
    """Of two addresses one is dead; a rule before this one had to wait for the answer's type."""
    s.publish(policy({"id": "type", "when": {"content_types": ["application/x-msdownload"]}}, {"id": "net", "when": {"server_networks": [f"{blocked}/32"]}}))
    for _ in range(6):
        assert get(s, "two.test", pair[0].port).status_code == status
        time.sleep(0.01)
    s.publish(policy())
