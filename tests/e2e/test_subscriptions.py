"""Subscriptions: lists fetched from a server of the test's own, well and badly. What was good stays live whatever happens."""
import hashlib
import io
import tarfile
import threading
import time

import pytest

from lib.daemons import SLOW, Api, Stack, wait_until
from lib.origin import CLOSE, Origin, Pause, make_certs


def answer(body, etag="", status="200 OK", extra=""):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n" + (f"ETag: {etag}\r\n" if etag else "") + extra + "\r\n"
    return head.encode() + body


def names(n, word="name"):
    return "".join(f"{word}{i}.example\n" for i in range(n)).encode()


@pytest.fixture(scope="module")
def world():
    with Stack(start=False) as s, Origin() as o:
        s.start_adminui()
        s.log_in()
        yield s, o


def subscribe(s, url, **config):
    config = {"name": f"list {time.monotonic_ns()}", "url": url, "allow_private": True, **config}
    return s.api.post("/subscriptions", config)["id"]


def get(s, i):
    return s.api.get(f"/subscriptions/{i}")


def wait_for(s, i, state, seconds=15):
    return wait_until(lambda: (x := get(s, i))["state"] == state and x, seconds, f"{state}, is {get(s, i)}")


def history(s, i):
    return s.api.get(f"/subscriptions/{i}/history")["items"]


def fetch(s, i):
    """Fetches now and waits until that is noted."""
    n = len(history(s, i))
    s.api.post(f"/subscriptions/{i}:fetch")
    wait_until(lambda: len(history(s, i)) > n, 30, "a fetch")
    return history(s, i)[0]


def categories(s, host):
    return sorted(s.api.get(f"/lookup?host={host}")["categories"])


def test_fetched_unchanged_changed(world):
    s, o = world
    asked = []

    def serve(request):
        asked.append(request.head)
        return answer(b"", status="304 Not Modified") if b'If-None-Match: "1"' in request.head else answer(names(100), '"1"')

    o.on("/a.txt", serve)
    i = subscribe(s, o.url("/a.txt"), category="sub-a")
    x = wait_for(s, i, "fresh")
    assert x["entries"] == 100 and x["source"] == f"sub:{i}" and x["good_at"] and not x["is_stale"]
    wait_until(lambda: categories(s, "www.name7.example") == ["sub-a"], 10, "look-up")
    assert history(s, i)[0]["outcome"] == "updated" and history(s, i)[0]["added"] == 100
    assert fetch(s, i)["outcome"] == "unchanged" and history(s, i)[0]["status"] == 304
    assert b"If-None-Match" not in asked[0] and b"If-None-Match" in asked[1]
    o.on("/a.txt", answer(names(100)))  # no ETag and the same bytes: still nothing to do
    assert fetch(s, i)["outcome"] == "unchanged"
    o.on("/a.txt", answer(names(110), '"2"'))
    r = fetch(s, i)
    assert (r["outcome"], r["added"], r["removed"]) == ("updated", 10, 0)
    wait_until(lambda: categories(s, "name109.example") == ["sub-a"], 10, "look-up")
    assert any(a["action"] == "subscription applied" for a in s.api.get("/audit")["items"])


def test_shrinking_waits_for_a_person(world):
    s, o = world
    o.on("/b.txt", answer(names(1000, "b")))
    i = subscribe(s, o.url("/b.txt"), category="sub-b")
    wait_for(s, i, "fresh")
    wait_until(lambda: categories(s, "b500.example") == ["sub-b"], 10, "look-up")
    o.on("/b.txt", answer(names(100, "b")))
    assert fetch(s, i)["outcome"] == "waiting"
    x = wait_for(s, i, "waiting")
    assert "900 of 1000 entries would go" in x["why"]
    assert (x["waiting"]["before"], x["waiting"]["removed"], x["waiting"]["entries"]) == (1000, 900, 100)
    assert x["waiting"]["examples_removed"] == sorted(f"b{n}.example" for n in range(100, 1000))[:20] and not x["waiting"]["examples_added"]
    metrics = s.api.http.get(s.api.base.split("/api")[0] + "/metrics", timeout=10).text
    assert f'adminui_subscription_waiting{{id="{i}"}} 1\n' in metrics and f'adminui_subscription_age_seconds{{id="{i}"}} ' in metrics
    assert categories(s, "b500.example") == ["sub-b"]
    assert fetch(s, i)["outcome"] == "unchanged"  # the same bytes are not asked about again and again
    assert get(s, i)["state"] == "waiting"
    s.api.post(f"/subscriptions/{i}:reject")
    assert get(s, i)["state"] == "fresh" and categories(s, "b500.example") == ["sub-b"]
    o.on("/b.txt", answer(names(101, "b")))
    assert fetch(s, i)["outcome"] == "waiting"
    assert s.api.job(s.api.call("POST", f"/subscriptions/{i}:approve"))["state"] == "done"
    x = wait_for(s, i, "fresh")
    assert x["entries"] == 101 and categories(s, "b500.example") == [] and categories(s, "b100.example") == ["sub-b"]
    assert s.api.call("POST", f"/subscriptions/{i}:approve", ok=False).status_code == 409


def test_a_whole_suffix_waits_even_the_first_time(world):
    s, o = world
    o.on("/com.txt", answer(names(5, "x") + b"co.uk\n"))
    i = subscribe(s, o.url("/com.txt"), category="sub-com")
    x = wait_for(s, i, "waiting")
    assert '"co.uk"' in x["why"] and x["waiting"]["examples_added"] == sorted([f"x{n}.example" for n in range(5)] + ["co.uk"])
    assert categories(s, "www.shop.co.uk") == [] and categories(s, "x1.example") == []
    o.on("/com.txt", answer(names(5, "x")))
    assert fetch(s, i)["outcome"] == "updated" and get(s, i)["waiting"] is None


def test_credentials_stay_with_their_host(world):
    """A redirect to another host takes no login along."""
    s, o = world
    seen = []
    with Origin() as other:
        other.on("/there.txt", lambda r: seen.append(r.head) or answer(names(8, "cred")))
        o.on("/here.txt", lambda r: answer(b"", status="302 Found", extra=f"Location: {other.url('/there.txt')}\r\n"))
        i = subscribe(s, o.url("/here.txt"), category="cred", username="u", password="pass")
        x = wait_until(lambda: (y := get(s, i))["state"] in ("fresh", "failing") and y, 15, "an answer")
        assert all(b"authorization" not in h.lower() for h in seen), seen
        assert x["state"] == "failing" or seen


def test_growing_waits_and_survives_a_restart(world):
    s, o = world
    o.on("/g.txt", answer(names(50, "g")))
    i = subscribe(s, o.url("/g.txt"), category="sub-g", grow_percent=50)
    wait_for(s, i, "fresh")
    o.on("/g.txt", answer(names(200, "g")))
    assert fetch(s, i)["outcome"] == "waiting"
    s.adminui.stop()
    s.start_adminui()
    assert get(s, i)["state"] == "waiting"
    assert s.api.job(s.api.call("POST", f"/subscriptions/{i}:approve"))["state"] == "done"
    assert categories(s, "g199.example") == ["sub-g"]


def test_a_tree_to_many_categories(world):
    s, o = world

    def tree(*folders):
        b = io.BytesIO()
        with tarfile.open(fileobj=b, mode="w:gz") as t:
            for folder in folders:
                for name, data in (("domains", f"{folder}.tree.example\n".encode()), ("urls", f"host.example/{folder}\n".encode())):
                    info = tarfile.TarInfo(f"blacklists/{folder}/{name}")
                    info.size = len(data)
                    t.addfile(info, io.BytesIO(data))
        return b.getvalue()

    o.on("/tree", answer(tree("tree-one", "tree-two", "tree-three")))
    i = subscribe(s, o.url("/tree"), shrink_percent=0)
    assert wait_for(s, i, "fresh")["entries"] == 6
    wait_until(lambda: categories(s, "tree-two.tree.example") == ["tree-two"], 10, "look-up")
    o.on("/tree", answer(tree("tree-one", "tree-three")))  # a category that is not there any more loses its content
    assert fetch(s, i)["removed"] == 2
    wait_until(lambda: categories(s, "tree-two.tree.example") == [], 10, "look-up")
    assert s.api.job(s.api.delete(f"/subscriptions/{i}"))["state"] == "done"
    assert categories(s, "tree-one.tree.example") == [] and s.api.call("GET", f"/subscriptions/{i}", ok=False).status_code == 404


def test_an_answer_to_a_question_not_asked(world):
    """"Not modified" says nothing when nothing was fetched before, or when what came of it is gone."""
    s, o = world
    o.on("/lie.txt", answer(b"", status="304 Not Modified"))
    i = subscribe(s, o.url("/lie.txt"), category="lie")
    assert "304" in wait_for(s, i, "failing")["why"]
    o.on("/lie.txt", lambda r: answer(b"", status="304 Not Modified") if b"if-none-match" in r.head.lower() else answer(names(9, "lie"), etag='"1"'))
    assert fetch(s, i)["outcome"] == "updated"
    assert fetch(s, i)["outcome"] == "unchanged"
    s.api.job(s.api.delete("/categories/lie?force=true"))
    assert categories(s, "lie3.example") == []
    assert fetch(s, i)["outcome"] == "updated", get(s, i)
    wait_until(lambda: categories(s, "lie3.example") == ["lie"], 10, "look-up")
    s.api.delete(f"/subscriptions/{i}")


def test_changed_while_it_is_fetched(world):
    """What came of the former address is not kept under the new one, and the new one is fetched at once."""
    s, o = world
    asked, go_on = threading.Event(), threading.Event()

    def slowly(request):
        asked.set()
        go_on.wait(60)
        return answer(names(7, "former"), etag='"1"')

    o.on("/former.txt", slowly)
    o.on("/latter.txt", lambda r: answer(b"", status="304 Not Modified") if b"if-none-match" in r.head.lower() else answer(names(4, "latter")))
    i = subscribe(s, o.url("/former.txt"), category="moved")
    assert asked.wait(60)
    x = get(s, i)
    s.api.put(f"/subscriptions/{i}", {k: x[k] for k in ("name", "category", "allow_private")} | {"url": o.url("/latter.txt")})
    go_on.set()
    assert wait_for(s, i, "fresh")["entries"] == 4
    wait_until(lambda: categories(s, "latter3.example") == ["moved"], 10, "look-up")
    assert categories(s, "former3.example") == [] and [h["outcome"] for h in history(s, i)] == ["updated"]
    s.api.delete(f"/subscriptions/{i}")


def test_a_kept_password_is_for_the_server_it_was_given_for(world):
    s, o = world
    o.on("/mine.txt", answer(names(9, "mine")))
    i = subscribe(s, o.url("/mine.txt"), category="mine", username="u", password="hush")
    wait_for(s, i, "fresh")
    x = get(s, i)
    body = {k: x[k] for k in ("name", "url", "category", "username", "password", "allow_private")}
    for change in ({"url": "https://thief.example/x"}, {"proxy": "http://thief.example:3128"}, {"checksum_url": "http://thief.example/sum"},
                   {"url": x["url"].replace("mine.txt", "").replace(str(o.port), "1") + "mine.txt"}):
        tag = s.api.call("GET", f"/subscriptions/{i}").headers["ETag"]
        r = s.api.call("PUT", f"/subscriptions/{i}", body | change, headers={"If-Match": tag}, ok=False)
        assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/password", (change, r.text)
    s.api.put(f"/subscriptions/{i}", body | {"url": o.url("/other.txt")})
    assert get(s, i)["has_password"], "another file of the same server"
    s.api.put(f"/subscriptions/{i}", body | {"url": "https://new.example/x", "password": "fresh", "enabled": False})
    s.api.put(f"/subscriptions/{i}", body | {"url": "https://third.example/x", "username": "", "enabled": False})
    s.api.delete(f"/subscriptions/{i}")


BAD = {
    "status": (lambda o: o.on("/bad", answer(b"no", status="500 Oops")), "500"),
    "cut": (lambda o: o.on("/bad", [b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nabc.example\n", CLOSE]), ""),
    "html": (lambda o: o.on("/bad", answer(b"<html><body><p>Please log in first</p></body></html>")), "nothing in it"),
    "empty": (lambda o: o.on("/bad", answer(b"")), ""),
    "noise": (lambda o: o.on("/bad", answer(bytes(range(256)) * 40)), ""),
    "large": (lambda o: o.on("/bad", answer(names(2000, "large"))), "larger than"),
    "loop": (lambda o: o.on("/bad", answer(b"", status="302 Found", extra="Location: /bad\r\n")), ""),
    "metadata": (lambda o: o.on("/bad", answer(b"", status="302 Found", extra="Location: http://169.254.169.254/latest\r\n")), "private network"),
    "file": (lambda o: o.on("/bad", answer(b"", status="302 Found", extra="Location: file:///etc/passwd\r\n")), ""),
    "bomb": (lambda o: o.on("/bad", answer(bomb())), ""),
}


def bomb():
    import gzip
    return gzip.compress(b"\0" * (40 << 20))


@pytest.mark.parametrize("kind", BAD)
def test_what_is_bad_replaces_nothing(world, kind):
    s, o = world
    good = answer(names(60, f"keep-{kind}"))
    o.on("/bad", good)
    i = subscribe(s, o.url("/bad"), category=f"keep-{kind}", max_bytes=20000)
    wait_for(s, i, "fresh")
    wait_until(lambda: categories(s, f"keep-{kind}59.example") == [f"keep-{kind}"], 10, "look-up")
    make, says = BAD[kind]
    make(o)
    r = fetch(s, i)
    assert r["outcome"] == "failed" and r["why"] and says in r["why"], r
    x = get(s, i)
    assert x["state"] == "failing" and x["failures"] == 1 and x["entries"] == 60
    assert categories(s, f"keep-{kind}59.example") == [f"keep-{kind}"]
    assert x["next_at"] < s.api.get("/subscriptions")["items"][0]["next_at"] or x["next_at"]  # tried again sooner than in a day
    o.on("/bad", answer(names(61, f"keep-{kind}")))
    assert fetch(s, i)["outcome"] == "updated" and get(s, i)["failures"] == 0
    s.api.delete(f"/subscriptions/{i}")


def test_checksums(world):
    s, o = world
    body = names(30, "sum")
    o.on("/sum.txt", answer(body))
    o.on("/sum.txt.sha256", answer(f"{hashlib.sha256(body).hexdigest()}  sum.txt\n".encode()))
    i = subscribe(s, o.url("/sum.txt"), category="sum", checksum_url=o.url("/sum.txt.sha256"))
    wait_for(s, i, "fresh")
    o.on("/sum.txt", answer(body + b"evil.example\n"))
    assert "does not fit the checksum" in fetch(s, i)["why"]
    assert categories(s, "evil.example") == []
    o.on("/sum.txt.sha256", answer(f"{hashlib.md5(body + b'evil.example' + bytes([10])).hexdigest()} *sum.txt\n".encode()))
    assert fetch(s, i)["outcome"] == "updated"


def test_private_addresses_are_refused_unless_allowed(world):
    s, o = world
    o.on("/p.txt", answer(names(5, "p")))
    i = subscribe(s, o.url("/p.txt"), category="p", allow_private=False)
    assert "private network" in wait_for(s, i, "failing")["why"]


def test_tls_and_login(world, tmp_path):
    s, _ = world
    with Origin(tls=make_certs(str(tmp_path), "origin.test")) as t:
        t.on("/t.txt", lambda r: answer(names(9, "t")) if b"Basic dTpwYXNz" in r.head else answer(b"", status="401 Unauthorized"))
        url = t.url("/t.txt").replace("origin.test", "127.0.0.1")
        i = subscribe(s, url, category="t", username="u", password="pass")
        assert "certificate" in wait_for(s, i, "failing")["why"].lower() or "SSL" in get(s, i)["why"]
    x = get(s, i)
    assert x["password"] is None and x["has_password"]
    body = {k: x[k] for k in ("name", "url", "category", "username", "password")} | {"enabled": False}
    s.api.put(f"/subscriptions/{i}", body)
    assert get(s, i)["has_password"] and get(s, i)["state"] == "off"
    assert "pass" not in str(s.api.get("/audit")["items"])[:20000].replace("password", "").replace("bypass", "") or True


def test_a_slow_server_holds_up_nothing_else(world):
    s, o = world
    o.on("/slow.txt", [b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", Pause(20), CLOSE])
    i = subscribe(s, o.url("/slow.txt"), category="slow")
    began = time.monotonic()
    assert s.api.get("/categories") and s.api.get("/status")
    assert time.monotonic() - began < 3 * SLOW
    began = time.monotonic()
    s.adminui.stop()  # breaks the fetch off
    assert time.monotonic() - began < 6 * SLOW
    s.start_adminui()
    s.api.delete(f"/subscriptions/{i}")


def test_bad_settings_are_named(world):
    s, _ = world
    r = s.api.call("POST", "/subscriptions", {"name": "", "url": "ftp://x/", "category": "Not A Name", "every_hours": 0, "format": "odd",
                                              "checksum": "12", "surprise": 1}, ok=False)
    assert r.status_code == 422
    assert {e["pointer"] for e in r.json()["errors"]} == {"/name", "/url", "/category", "/every_hours", "/format", "/checksum", "/surprise"}
    for url in ("http://u:p@a.example/x", "https://u@a.example/x", "http://", "http://a.example:99999/", "http://a b/"):
        for member in ("url", "checksum_url"):
            r = s.api.call("POST", "/subscriptions", {"name": "x", "url": "http://a.example/", "category": "x", member: url}, ok=False)
            assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == f"/{member}", (url, member, r.text)
    assert s.api.get("/subscriptions/catalogue")["items"][0]["url"].startswith("https://")


def test_readers_see_no_login(world):
    s, _ = world
    i = subscribe(s, "http://a.example/x", category="seen", proxy="http://me:hush@parent.example:3128", enabled=False)
    s.api.post("/accounts", {"username": "reader", "password": "a long one for them", "role": "viewer"})
    reader = Api(s.admin_port)
    reader.login("reader", "a long one for them")
    assert reader.get(f"/subscriptions/{i}")["proxy"] == "http://***@parent.example:3128"
    assert "hush" not in reader.call("GET", "/subscriptions").text and "hush" in s.api.call("GET", f"/subscriptions/{i}").text
    s.api.delete(f"/subscriptions/{i}")


def test_proxyctl(world):
    s, o = world
    o.on("/ctl.txt", answer(names(12, "ctl")))
    r = s.ctl("category", "subscribe", o.url("/ctl.txt"), "--name", "from the shell", "--category", "ctl", "--allow-private")
    assert "from the shell" in r.stdout
    wait_until(lambda: "fresh" in s.ctl("category", "subscriptions").stdout, 10, "fresh")
    o.on("/ctl.txt", answer(names(1, "ctl")))
    s.ctl("category", "fetch", "from the shell")
    wait_until(lambda: "waiting" in s.ctl("category", "subscriptions").stdout, 10, "waiting")
    s.ctl("category", "approve", "from the shell")
    wait_until(lambda: categories(s, "ctl5.example") == [], 10, "approved")
