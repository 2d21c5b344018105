"""People of a real slapd through the real proxy: who gets in, by which groups, what a wrong login does and
does not reach, and what happens while the directory is away."""
import base64
import concurrent.futures
import itertools
import re
import socket
import struct
import time

import pytest

from lib.daemons import SLOW, Stack, free_port, policy, wait_until
from lib.dns import Dns
from lib.origin import Origin, make_certs
from lib.slapd import BASE, GROUPS, PEOPLE, Slapd, effective_groups, groups_of, have

HOSTS = ("staff.test", "alice.test", "odd.test", "loop.test", "deep.test", "open.test", "other.test")
counter = itertools.count(200)  # another settings document each time: it empties the cache


def allow(name, host, **when):
    return {"id": name, "name": name, "action": "allow", "when": {"hosts": [host], **when}}


RULES = policy(
    allow("staff", "staff.test", groups=["staff"]), allow("alice", "alice.test", users=["alice"]),
    allow("odd", "odd.test", groups=["Équipe (A*)"]), allow("loop", "loop.test", groups=["loop-b"]),
    allow("deep", "deep.test", groups=["chain-5"]), allow("open", "open.test"), default={"action": "block"})


@pytest.fixture(scope="module")
def d():
    with Slapd() as directory:
        yield directory


@pytest.fixture(scope="module")
def o():
    with Origin(name="origin.test") as origin:
        yield origin


@pytest.fixture(scope="module")
def s(o):
    with Dns({h: ["127.0.0.1"] for h in HOSTS}) as dns, Stack(proxy={"resolvers": dns.address}) as stack:
        stack.origin = o
        stack.publish(RULES)
        yield stack


def use(s, d, **more):
    """Makes the directory the stored one, with an empty cache."""
    cache = {"good": next(counter), "bad": 45, "stale": 600, **more.pop("cache_s", {})}
    s.api.put("/directory", d.settings(cache_s=cache, **more))


def request(s, host, user=None, password="", method="GET"):
    target = f"{host}:{s.origin.port}"
    login = ""
    if user is not None:
        pair = f"{user}:{password}".encode() if isinstance(user, str) else user + b":" + password
        login = f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}\r\n"
    url = target if method == "CONNECT" else f"http://{target}/bytes/10"
    return f"{method} {url} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n{login}\r\n".encode()


def status_of(raw):
    m = re.match(rb"HTTP/1\.1 (\d{3}) ", raw)
    assert m, raw[:200]
    return int(m.group(1))


def ask(s, host, user=None, password=None, **kw):
    """The status that a request to the host gets; password None: the right one."""
    password = f"pw-{user}" if password is None else password
    with socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20 * SLOW) as c:
        c.sendall(request(s, host, user, password, **kw))
        return status_of(c.recv(65536))


def directory_state(s):
    return s.api.get("/status")["proxyd"]["status"]["identity"]["directory"]


# --- who gets in ---------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["memberof", "search"])
def test_user_and_nested_groups_decide(s, d, how):
    use(s, d, groups={"from": how})
    for user in ("alice", "bob", "Carol", "dave", "erin", "frank", "loop", "nobody", "later"):
        groups = groups_of(user)
        want = {"staff.test": "staff" in groups, "alice.test": user == "alice", "odd.test": "Équipe (A*)" in groups,
                "loop.test": "loop-b" in groups, "deep.test": "chain-5" in groups, "open.test": True, "other.test": False}
        got = {h: ask(s, h, user) for h in want}
        assert got == {h: 200 if good else 403 for h, good in want.items()}, user


@pytest.mark.parametrize("how", ["memberof", "search"])
def test_the_way_to_each_group_is_told(s, d, how):
    """alice is in staff by way of sales by way of team; record and explanation say so."""
    use(s, d, groups={"from": how})
    assert ask(s, "staff.test", "alice") == 200
    record = s.log("user=alice&host=staff.test&limit=1")[0]
    assert dict(zip(record["groups"], record["group_paths"])) == {"team": "team", "sales": "sales<team", "staff": "staff<sales<team"}
    assert ask(s, "deep.test", "frank") == 200
    record = s.log("user=frank&host=deep.test&limit=1")[0]
    assert "chain-5<chain-4<chain-3<chain-2<chain-1<chain-0" in record["group_paths"]
    e = s.api.get(f"/log/{record['id']}/explain")
    assert e["same_as_recorded"]
    told = [c for r in e["trace"] if r["decided"] for c in r["conditions"] if c["key"] == "groups"]
    assert told[0]["path"] == "chain-5<chain-4<chain-3<chain-2<chain-1<chain-0"


def test_without_nesting_only_direct_groups_count(s, d):
    use(s, d, groups={"nested": False})
    assert (ask(s, "staff.test", "dave"), ask(s, "staff.test", "alice")) == (200, 403)


def test_login_is_asked_only_when_the_verdict_needs_it(s, d):
    use(s, d)
    assert ask(s, "open.test") == 200
    assert ask(s, "other.test") == 403
    assert ask(s, "staff.test") == 407
    assert ask(s, "staff.test", method="CONNECT") == 407
    assert ask(s, "staff.test", "dave", method="CONNECT") == 200
    assert ask(s, "staff.test", "nobody", method="CONNECT") == 403


def test_name_is_spelt_as_the_directory_does(s, d):
    use(s, d)
    assert ask(s, "staff.test", "cAROL", "pw-Carol") == 200
    record = s.log("user=Carol&host=staff.test&limit=1")[0]
    assert record["user"] == "Carol" and record["groups"] == ["staff"] and record["verdict"] == "allowed"


@pytest.mark.parametrize("kind,how", [("openldap", "memberof"), ("openldap", "search"), ("ad", "memberof")])
def test_a_thousand_people_have_their_groups(s, kind, how):
    if not have(kind):
        pytest.skip("the shared directory data are not beside the project")
    want = effective_groups()
    with Slapd(kind) as big:
        use(s, big, groups={"from": how})
        since = s.log("limit=1", want=0)
        last = since[0]["id"] if since else 0
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            codes = dict(zip(want, pool.map(lambda u: ask(s, "staff.test", u), want)))
    refused = {u for u, c in codes.items() if c == 407}
    assert set(codes.values()) <= {403, 407}
    assert len(refused) == (69 if kind == "ad" else 0)  # disabled or expired there

    def records():
        rows, path = [], "/log?host=staff.test&limit=500"
        cursor = None
        while True:
            page = s.api.get(path + (f"&cursor={cursor}" if cursor else ""))
            rows += [r for r in page["items"] if r["id"] > last]
            cursor = page["next_cursor"]
            if not cursor or page["items"][-1]["id"] <= last:
                return rows if len(rows) >= len(want) else None
    found = {r["user"].lower(): sorted(r["groups"]) for r in wait_until(records, 20, "1,000 records") if r["verdict"] != "denied_auth"}
    assert found == {u: g for u, g in want.items() if u not in refused}


DIRECT = {"mode": "direct", "direct_dn": f"uid={{user}},ou=People,{BASE}", "bind_dn": "", "bind_password": ""}


@pytest.fixture(scope="module", params=["search", "direct"])
def way(request, s, d):
    """Both ways to log in, each set up once and shown to work."""
    use(s, d, **(DIRECT if request.param == "direct" else {}))
    assert ask(s, "staff.test", "alice") == 200


# --- who does not --------------------------------------------------------------------------------
@pytest.mark.parametrize("user,password", [
    ("alice", "wrong"), ("nosuch", "pw-nosuch"), ("alice", ""), ("", ""), ("", "pw-alice"), ("*)(uid=*", "pw-alice"), ("*", "pw-alice"),
    ("a*", "pw-alice"), ("alice)(objectClass=*", "pw-alice"), ("alice,ou=People", "pw-alice"), ("expired", None), ("locked", None),
    ("proxy-bind", None), ("alice\\", "pw-alice"), (b"alice\0", b"pw-alice"), (b"\xff\xfe", b"x"), ("a" * 300, "x"), ("alice", "x" * 3000)])
def test_refused(s, way, user, password):
    assert ask(s, "staff.test", user, password) == 407


def test_refusals_are_recorded_without_the_password(s, d):
    use(s, d)
    assert ask(s, "staff.test", "alice", "a-secret-never-to-be-seen") == 407
    assert ask(s, "staff.test", "alice", "pw-alice") == 200
    assert s.log("verdict=denied_auth&limit=1")[0]["status"] == 407
    for log in (s.proxyd, s.adminui):
        assert "a-secret-never-to-be-seen" not in log.output() and "pw-" not in log.output()
    assert s.api.get("/directory")["bind_password"] is None
    assert "pw-proxy-bind" not in s.api.call("GET", "/directory").text + s.api.call("GET", "/status").text + s.api.call("GET", "/audit").text


def test_a_known_bad_pair_never_reaches_the_directory_again(s, d):
    use(s, d)
    before = d.binds("bob")
    assert {ask(s, "staff.test", "bob", "stale-password") for _ in range(20)} == {407}
    assert d.binds("bob") == before + 1
    assert ask(s, "staff.test", "bob") == 200  # five wrong binds would have locked the account


def test_an_empty_password_does_not_reach_it_at_all(s, d):
    use(s, d)
    before = d.binds("dave")
    assert ask(s, "staff.test", "dave", "") == 407
    assert d.binds("dave") == before


def test_the_same_pair_at_once_is_asked_once(s, d):
    use(s, d)
    assert ask(s, "staff.test", "dave") == 200  # connections are open
    before = d.binds("bob")
    d.freeze()
    clients = [socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20 * SLOW) for _ in range(30)]
    for c in clients:
        c.sendall(request(s, "staff.test", "bob", "pw-bob"))
    time.sleep(0.3)
    d.thaw()
    assert {status_of(c.recv(65536)) for c in clients} == {200}
    for c in clients:
        c.close()
    assert d.binds("bob") == before + 1


def test_clients_that_leave_while_it_is_asked(s, d):
    """Their answers come late and must reach nobody: least of all those who got their places."""
    use(s, d)
    assert ask(s, "staff.test", "bob") == 200

    def asked():
        return s.api.get("/status")["proxyd"]["status"]["identity"]["asked"]

    def ended():
        return s.api.get("/status")["proxyd"]["status"]["counters"]["requests"]

    def pending(user, n):
        want = asked() + n
        clients = [socket.create_connection(("127.0.0.1", s.proxy_port), timeout=20 * SLOW) for _ in range(n)]
        for c in clients:
            c.sendall(request(s, "staff.test", user, f"pw-{user}"))
        wait_until(lambda: asked() == want, 5, "all asked")
        return clients

    d.freeze()
    before = ended()
    for c in pending("dave", 30):
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset: a FIN alone may still read
        c.close()
    wait_until(lambda: ended() == before + 30, 2, "they are gone")
    others = pending("frank", 30)  # many levels of groups: his answer is the later one
    d.thaw()
    assert [status_of(c.recv(65536)) for c in others] == [403] * 30
    for c in others:
        c.close()
    assert ask(s, "staff.test", "dave") == 200


# --- an outage -----------------------------------------------------------------------------------
def test_outage_and_recovery(s, d):
    use(s, d, cache_s={"good": 1})
    assert ask(s, "staff.test", "dave") == 200
    assert directory_state(s)["state"] == "up"
    d.stop()
    try:
        assert ask(s, "staff.test", "dave") == 200
        assert ask(s, "staff.test", "bob") == 503
        wait_until(lambda: directory_state(s)["state"] == "down", 5, "the state is shown")
        assert directory_state(s)["servers"][0]["detail"]
        assert "directory-down" in [w["code"] for w in s.api.get("/status")["warnings"]]
        wait_until(lambda: f"a directory server does not answer server={d.tls}" in s.proxyd.output(), 5, "the operator is told")
        time.sleep(1.1)  # the answer is old now, but it may be used while nobody can be asked
        assert ask(s, "staff.test", "dave") == 200
        assert ask(s, "staff.test", "dave", "wrong") == 503  # not known: neither right nor wrong
        assert ask(s, "open.test") == 200
    finally:
        d.start()
    wait_until(lambda: ask(s, "staff.test", "bob") == 200, 40, "recovery")
    assert directory_state(s)["state"] == "up"
    wait_until(lambda: "the directory server answers again" in s.proxyd.output(), 5, "the operator is told")
    assert ask(s, "staff.test", "dave", "wrong") == 407


def test_stale_answers_end_when_the_settings_say_so(s, d):
    use(s, d, cache_s={"good": 1, "stale": 0})
    assert ask(s, "staff.test", "dave") == 200
    d.stop()
    try:
        time.sleep(1.1)
        assert ask(s, "staff.test", "dave") == 503
    finally:
        d.start()


def test_a_silent_server_is_given_up_and_disturbs_nobody(s, d):
    use(s, d, timeouts_ms={"connect": 500, "operation": 500})
    d.freeze()
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            slow = [pool.submit(ask, s, "staff.test", u) for u in ("alice", "bob", "dave")]
            begin = time.monotonic()
            assert ask(s, "open.test") == 200
            assert time.monotonic() - begin < 0.4 * SLOW
            assert [f.result() for f in slow] == [503] * 3
    finally:
        d.thaw()
    wait_until(lambda: ask(s, "staff.test", "dave") == 200, 40, "recovery")


def test_the_next_server_is_asked(s, d):
    dead = f"ldaps://127.0.0.1:{free_port()}"
    use(s, d, servers=[dead, d.tls])
    assert ask(s, "staff.test", "dave") == 200
    states = {v["server"]: v["state"] for v in directory_state(s)["servers"]}
    assert states == {dead: "down", d.tls: "up"}
    begin = time.monotonic()
    assert ask(s, "staff.test", "bob") == 200
    assert time.monotonic() - begin < 1 * SLOW


# --- the ways to it ------------------------------------------------------------------------------
def test_starttls_and_cleartext(s, d):
    use(s, d, servers=[d.plain])
    assert ask(s, "staff.test", "dave") == 200
    assert "STARTTLS" in d.log()
    clear = d.settings(servers=[d.plain], starttls=False)
    r = s.api.call("PUT", "/directory", clear, headers={"If-Match": s.api.call("GET", "/directory").headers["ETag"]}, ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/servers/0", r.text
    use(s, d, servers=[d.plain], starttls=False, allow_cleartext=True)
    assert ask(s, "staff.test", "dave") == 200


def test_a_certificate_of_another_authority_is_refused(s, d, tmp_path):
    _, _, other = make_certs(str(tmp_path), "127.0.0.1")
    before = d.binds("dave")
    for server in (d.tls, d.plain):
        use(s, d, servers=[server], ca_file=other)
        assert ask(s, "staff.test", "dave") == 503
    use(s, d, ca_file="")
    assert ask(s, "staff.test", "dave") == 503
    assert d.binds("dave") == before
    use(s, d, ca_file="", verify=False)
    assert ask(s, "staff.test", "dave") == 200


def test_direct_bind(s, d):
    use(s, d, **DIRECT)
    before = len(d.searches())
    assert (ask(s, "staff.test", "alice"), ask(s, "staff.test", "nobody"), ask(s, "staff.test", "alice", "x")) == (200, 403, 407)
    assert not [f for f in d.searches()[before:] if "uid=alice)" in f]  # nobody was looked for


def test_a_wrong_service_password_is_not_the_fault_of_the_person(s, d):
    use(s, d, bind_password="wrong")
    assert ask(s, "staff.test", "dave") == 503


def test_local_people_come_first(s, d):
    use(s, d)
    s.add_user("bob", "a-local-password", groups=["staff"])
    try:
        assert (ask(s, "staff.test", "bob", "a-local-password"), ask(s, "staff.test", "bob", "pw-bob")) == (200, 407)
        assert ask(s, "staff.test", "dave") == 200
    finally:
        s.api.delete("/users/bob")
    assert (ask(s, "staff.test", "bob", "a-local-password"), ask(s, "staff.test", "bob", "pw-bob")) == (407, 200)


def test_a_forgotten_person_is_asked_about_again(s, d):
    use(s, d)
    before = d.binds("carol")
    for spelling in ("carol", "CAROL"):
        assert [ask(s, "staff.test", spelling, "pw-Carol") for _ in range(2)] == [200, 200]
    assert d.binds("carol") == before + 2  # one for each spelling
    s.api.post("/directory:forget", {"username": "Carol"})
    assert ask(s, "staff.test", "carol", "pw-Carol") == 200
    assert d.binds("carol") == before + 3


# --- for administrators --------------------------------------------------------------------------
def steps(s, username, password=None, settings=None):
    answer = s.api.post("/directory:test", {"username": username, "password": password, "settings": settings})
    return answer["ok"], [(x["step"], x["ok"]) for x in answer["steps"]], " ".join(x["detail"] for x in answer["steps"])


def test_step_by_step(s, d):
    use(s, d)
    good = ["connect", "tls", "service-bind", "search", "user-bind", "groups"]
    ok, done, text = steps(s, "alice", "pw-alice")
    assert ok and done == [(x, True) for x in good] and "sales, staff, team" in text
    ok, done, _ = steps(s, "alice")
    assert ok and ("user-bind", True) not in done and ("groups", True) in done
    for username, password, change, step in (
            ("alice", "wrong", {}, "user-bind"), ("nosuch", "x", {}, "search"), ("expired", "pw-expired", {}, "search"),
            ("alice", "pw-alice", {"bind_password": "wrong"}, "service-bind"), ("alice", "pw-alice", {"base": "dc=nowhere"}, "search"),
            ("alice", "pw-alice", {"ca_file": ""}, "connect"), ("alice", "pw-alice", {"servers": ["ldaps://127.0.0.1:1"]}, "connect")):
        ok, done, text = steps(s, username, password, d.settings(**change))
        assert not ok and done[-1] == (step, False), (username, change, done, text)
        assert "pw-" not in text
    ok, done, text = steps(s, "alice", "pw-alice", d.settings(bind_password=None))  # null: the stored one
    assert ok, text


def test_the_small_directory_is_what_the_tests_think():
    assert groups_of("alice") == ["sales", "staff", "team"] and len(groups_of("frank")) == 6
    assert set(p for people, _ in GROUPS.values() for p in people) <= set(PEOPLE)
