"""Category imports through the API: formats, archives, reports of refused lines, jobs and their cancelling, the index
behind look-ups, and the whole of the shared data in one go."""
import io
import os
import subprocess
import tarfile
import time

import pytest

from lib.daemons import SHARED, SLOW, Stack, policy, wait_until

DATA = f"{SHARED}/data"
needs_data = pytest.mark.skipif(not os.path.isdir(f"{DATA}/formats"), reason="the shared data are not beside the project")


def load(admin, name, data, query="", want="done"):
    job = admin.api.job(admin.api.call("POST", f"/categories/{name}:import{query}", raw=data))
    assert job["state"] == want, job
    return job


def categories_of(admin, host):
    return sorted(admin.api.get(f"/lookup?host={host}")["categories"])


FORMATS = {
    "plain": (b"# a comment\na.plain.example\n\nb.plain.example # behind\n", 2),
    "hosts": (b"127.0.0.1 localhost\n0.0.0.0 a.hosts.example\n0.0.0.0 b.hosts.example c.hosts.example\n", 3),
    "adblock": (b"[Adblock Plus 2.0]\n! title\n||a.adblock.example^\n||b.adblock.example^$third-party\n##.ad\n", 2),
    "dnsmasq": (b"address=/a.dnsmasq.example/0.0.0.0\nserver=/b.dnsmasq.example/\n", 2),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(admin, name):
    data, n = FORMATS[name]
    result = load(admin, f"f-{name}", data)["result"]
    assert result["format"] == name and result["accepted"] == n, result
    assert categories_of(admin, f"deep.below.a.{name}.example") == [f"f-{name}"]
    assert categories_of(admin, f"{name}.example") == []


def test_rejects_are_reported(admin):
    result = load(admin, "rejects", b"good.example\nbad..example\nwrong host.example\ngood.example\n" + b"x" * 70000 + b"\nlast.example", "?format=plain")["result"]
    assert result["accepted"] == 2 and result["duplicates"] == 1 and result["n_rejected"] >= 2
    assert {r["line"] for r in result["rejected"]} >= {2, 5} and all(r["reason"] for r in result["rejected"])
    assert all(len(r["text"].encode()) <= 200 for r in result["rejected"])


def test_replace_merge_and_dry_run(admin):
    load(admin, "modes", b"one.example\ntwo.example\n")
    r = load(admin, "modes", b"three.example\n", "?dry_run=true")["result"]
    assert r["dry_run"] and r["added"] == 1 and r["removed"] == 2 and not r["applied"]
    assert admin.api.get("/categories/modes")["counts"]["domains"] == 2
    load(admin, "modes", b"three.example\n", "?mode=merge&source=by%20hand")
    c = admin.api.get("/categories/modes")
    assert c["counts"]["domains"] == 3 and c["source"] == "by hand"
    load(admin, "modes", b"three.example\n")
    assert admin.api.get("/categories/modes")["counts"]["domains"] == 1
    assert categories_of(admin, "one.example") == [] and categories_of(admin, "three.example") == ["modes"]


def test_bad_imports(admin):
    for path, status in (("/categories/UPPER:import", 422), ("/categories/a:import?format=nonsense", 422), ("/categories/a:import?mode=x", 422)):
        assert admin.api.call("POST", path, raw=b"x.example\n", ok=False).status_code == status
    assert admin.api.call("POST", "/categories/a:import", ok=False).status_code == 400  # no body
    before = admin.api.get("/categories")
    job = admin.api.job(admin.api.call("POST", "/categories:import", raw=b"\x1f\x8b broken gzip" + b"\0" * 600))
    assert job["state"] == "failed" and job["message"]
    assert admin.api.get("/categories")["items"] == before["items"]
    assert os.listdir(f"{admin.state}/uploads") == []


def archive(files, links=(), mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


def test_archive_never_touches_the_file_system(admin):
    """Names that climb out, absolute names and links are reported, never written."""
    data = archive({"good-cat/domains": b"good.archive.example\n", "../evil/domains": b"evil.example\n", "/etc/evil2/domains": b"evil2.example\n"},
                   links=[("linked/domains", "/etc/passwd")])
    job = admin.api.job(admin.api.call("POST", "/categories:import", raw=data))
    assert job["state"] == "done", job
    said = {(r["file"], r["reason"]) for r in job["result"]["rejected"]}
    assert said == {("../evil/domains", "its path leads out of the archive"), ("/etc/evil2/domains", "its path leads out of the archive"),
                    ("linked/domains", "a link to another file, not followed")} and job["result"]["n_rejected"] == 3, said
    assert categories_of(admin, "good.archive.example") == ["good-cat"]
    assert not os.path.exists("/etc/evil2") and not os.path.exists(f"{admin.state}/../evil")
    assert "root:" not in admin.api.call("GET", "/categories").text


@needs_data
def test_squidguard_tree(admin):
    tree = f"{DATA}/formats/squidguard-tree"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.add(tree, arcname="blacklists")
    job = admin.api.job(admin.api.call("POST", "/categories:import", raw=out.getvalue()))
    assert job["state"] == "done", job
    names = {c["name"] for c in job["result"]["categories"]}
    folders = {d for d in os.listdir(tree) if os.path.isdir(f"{tree}/{d}")}
    assert len(names & {f.lower() for f in folders}) >= len(folders) - 3, (names, folders)
    host = next(line.strip() for line in open(f"{tree}/warez/domains") if line.strip() and line[0].isalpha())
    assert "warez" in categories_of(admin, f"www.{host}")


def test_urls_and_addresses(admin):
    load(admin, "paths", b"shared.example/bad/place\n192.0.2.77\nhttp://other.example/x?y=1\n")
    assert categories_of(admin, "shared.example") == []
    hit = admin.api.get("/lookup?url=http://shared.example/bad/place/below")
    assert hit["categories"] == ["paths"] and hit["matches"][0]["kind"] == "url"
    assert admin.api.get("/lookup?url=http://shared.example/good")["categories"] == []
    hit = admin.api.get("/lookup?host=192.0.2.77")
    assert hit["categories"] == ["paths"] and hit["matches"][0]["kind"] == "ip"


def test_entries(admin):
    load(admin, "entries", b"".join(b"e%02d.entries.example\n" % i for i in range(25)) + b"192.0.2.9\n")
    first = admin.api.get("/categories/entries/entries?limit=10")
    rest = admin.api.get(f"/categories/entries/entries?cursor={first['next_cursor']}")
    assert first["items"] + rest["items"] == [f"e{i:02}.entries.example" for i in range(25)] and rest["next_cursor"] is None
    assert admin.api.get("/categories/entries/entries?q=e07")["items"] == ["e07.entries.example"]
    assert admin.api.get("/categories/entries/entries?kind=ips")["items"] == ["192.0.2.9"]
    assert admin.api.call("GET", "/categories/entries/entries?kind=x", ok=False).status_code == 422


def test_used_category_cannot_go(admin):
    load(admin, "in-use", b"used.example\n")
    doc = policy({"action": "block", "when": {"categories": ["in-use"]}})
    tag = admin.api.put("/policy/draft", doc)["etag"]
    admin.api.call("POST", "/policy/draft:publish", {}, headers={"If-Match": tag})
    assert admin.api.get("/categories/in-use")["used_by"] == ["r1"]
    tag = admin.api.call("GET", "/categories/in-use").headers["ETag"]
    assert admin.api.call("DELETE", "/categories/in-use", headers={"If-Match": tag}, ok=False).status_code == 409
    load(admin, "unused", b"unused.example\n")
    tag = admin.api.call("GET", "/categories/unused").headers["ETag"]
    assert admin.api.call("DELETE", "/categories/unused", ok=False).status_code == 428
    assert admin.api.job(admin.api.call("DELETE", "/categories/unused", headers={"If-Match": tag}))["state"] == "done"
    assert categories_of(admin, "unused.example") == []


def test_jobs_share_one_building_and_can_be_cancelled(admin):
    """Many imports queued at once: each ends, the ones cancelled while waiting leave nothing."""
    big = b"".join(b"n%d.big.example\n" % i for i in range(200000))
    first = admin.api.call("POST", "/categories/big:import", raw=big)
    queued = [admin.api.call("POST", f"/categories/q{i}:import", raw=b"q%d.example\n" % i) for i in range(6)]
    last = queued[-1].headers["Location"].replace("/api/v1", "")
    cancelled = admin.api.call("DELETE", last, ok=False)
    for r in [first] + queued[:-1]:
        assert admin.api.job(r)["state"] == "done"
    if cancelled.status_code == 202 and cancelled.json()["state"] == "cancelled":
        assert admin.api.call("GET", "/categories/q5", ok=False).status_code == 404
    assert admin.api.call("DELETE", first.headers["Location"].replace("/api/v1", ""), ok=False).status_code == 409
    assert categories_of(admin, "q4.example") == ["q4"] and categories_of(admin, "n77.big.example") == ["big"]
    jobs = admin.api.get("/jobs")["items"]
    assert [int(j["id"]) for j in jobs] == sorted((int(j["id"]) for j in jobs), reverse=True)
    assert admin.api.get("/categories")["index"]["state"] == "current"


def test_index_is_built_again_when_it_is_behind(admin):
    """Killed between store and index, the file is gone, or damaged: the next start builds it."""
    def damage(path):
        with open(path, "r+b") as f:
            f.seek(os.path.getsize(path) // 2)
            f.write(b"\xff" * 64)

    for harm in (os.unlink, damage):
        harm(f"{admin.state}/categories.idx")
        if harm is damage:
            wait_until(lambda: admin.api.get("/status")["index"]["state"] == "damaged", 5, "the damage is seen")
            assert any(w["code"] == "index-damaged" for w in admin.api.get("/status")["warnings"])
        admin.adminui.stop(9)
        admin.start_adminui()
        wait_until(lambda: admin.api.get("/categories")["index"]["state"] == "current", 20, "the index")
        assert categories_of(admin, "q4.example") == ["q4"]


@needs_data
@pytest.mark.skipif(SLOW > 1, reason="too large for the sanitizers")
def test_all_shared_categories_at_once():
    """5.8 million memberships in 99 categories, one upload; the figures are printed (pytest -s)."""
    out = io.BytesIO()
    began = time.monotonic()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in sorted(os.listdir(f"{DATA}/categories")):
            data = subprocess.run(["zstd", "-dc", "--long=27", f"{DATA}/categories/{name}"], capture_output=True, check=True).stdout
            info = tarfile.TarInfo(name[:-4])  # gambling.domains.zst -> gambling.domains
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packed = time.monotonic() - began
    with Stack(start=False) as s:
        s.start_adminui()
        s.log_in()
        began, seen = time.monotonic(), set()
        answer = s.api.call("POST", "/categories:import", raw=out.getvalue(), timeout=300)
        uploaded = time.monotonic() - began
        path = answer.headers["Location"].replace("/api/v1", "")

        def ended():
            job = s.api.get(path)
            seen.add(round(job["progress"], 2))
            return job if job["state"] not in ("queued", "running") else None
        job = wait_until(ended, 300, "the import")
        seconds = time.monotonic() - began
        assert job["state"] == "done", job
        rss = int(next(x for x in open(f"/proc/{s.adminui.pid}/status") if x.startswith("VmHWM")).split()[1])
        listed = s.api.get("/categories")
        domains = sum(c["counts"]["domains"] for c in listed["items"])
        print(f"\nimport: {len(listed['items'])} categories, {job['result']['accepted']} accepted, {job['result']['n_rejected']} refused, "
              f"{domains} domains; packed {packed:.1f} s, upload {uploaded:.1f} s, all {seconds:.1f} s; index {listed['index']['bytes']} bytes; "
              f"peak memory {rss // 1024} MiB; store {os.path.getsize(s.state + '/policy.db')} bytes")
        assert len(listed["items"]) >= 99 and domains > 5_700_000 and listed["index"]["state"] == "current"
        assert len(seen) >= 4, "progress was shown"
        for host, want in (("www.bet365.com", "gambling"), ("doubleclick.net", "ads")):
            assert want in categories_of(s, host) or categories_of(s, host), host
        # With all that loaded: one entry by hand, then a small list, until proxyd answers by them.
        s.start_proxyd()
        s.publish(policy({"action": "block", "when": {"categories": ["gambling", "small"]}}))
        wait_until(lambda: s.get("http://www.bet365.com/").status_code == 403, 20, "proxyd has the index")
        began = time.monotonic()
        r = s.api.post("/categories/gambling/entries", {"add": ["one.by-hand.example"]})
        assert r["applied"], r
        assert s.get("http://one.by-hand.example/").status_code == 403
        one = time.monotonic() - began
        began = time.monotonic()
        load(s, "small", b"".join(b"n%d.small.example\n" % i for i in range(1000)))
        assert s.get("http://n999.small.example/").status_code == 403
        small = time.monotonic() - began
        print(f"one entry by hand live in {one:.2f} s; a list of 1,000 lines live in {small:.2f} s")
        assert one < 1 and small < 10  # 3 s on an idle machine; a loaded one is not a fault
