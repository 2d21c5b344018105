#!/usr/bin/env python3
"""Replay over a generated month: how many records a second, and that the unchanged policy flips none.

    replay.py BUILD [RECORDS]        default 2,000,000; needs ../shared/data for the URLs"""
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["BUILD"] = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{HERE}/../../build/release")
sys.path.insert(0, f"{HERE}/../e2e")
from lib.daemons import BUILD, SHARED, Stack, policy  # noqa: E402

RECORDS = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000_000
URLS = f"{SHARED}/data/urls-sample.txt.zst"


def document(urls):
    """A thousand rules of every kind over hosts, patterns, groups, users, networks, times."""
    r = random.Random(7)
    hosts = [u.split("/")[2].split(":")[0] for u in r.sample(urls, 4000)]
    rules = []
    for i in range(1000):
        kind = i % 5
        when = {"hosts": r.sample(hosts, 3)} if kind < 3 else {"url_patterns": [f"/{r.choice('abcdefgh')}{i}[a-z]+/"]}
        if kind == 1:
            when["groups"] = [f"group{r.randrange(40):02d}"]
        if kind == 2:
            when["networks"] = [f"10.{r.randrange(4)}.0.0/16"]
        if kind == 4:
            when["schedules"] = ["work"]
        rules.append({"id": f"r{i}", "name": f"rule {i}", "action": r.choice(["block", "block", "allow", "warn"]), "when": when})
    rules.append({"id": "staff", "name": "staff", "action": "block", "when": {"groups": ["group07"], "schedules": ["work"]}})
    return policy(*rules, schedules=[{"name": "work", "zone": "Europe/Berlin", "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00"}]}])


def replay(s, body):
    job = s.api.job(s.api.call("POST", "/replay", {"from": "now-40d", **body}), 900)
    assert job["state"] == "done", job
    return job["result"]


def main():
    if not os.path.exists(URLS):
        print("bench: replay: skipped, ../shared/data is not there")
        return
    urls = subprocess.run(["zstd", "-dc", "--long=27", URLS], capture_output=True, check=True).stdout.decode("utf-8", "replace").splitlines()
    with Stack(start=False) as s:
        s.start_adminui()
        s.log_in()
        doc = document([u for u in urls if u.count("/") >= 3])
        version = s.publish(doc)
        with open(f"{s.state}/doc.json", "w") as f:
            json.dump(doc, f)
        os.makedirs(f"{s.state}/events", mode=0o700, exist_ok=True)
        subprocess.run([f"{BUILD}/bench/month", f"{s.state}/events", f"{s.state}/doc.json", str(version), str(RECORDS)],
                       input="\n".join(urls).encode(), check=True)
        same = [replay(s, {"policy": "live"}) for _ in range(2)][-1]
        other = dict(doc, rules=[x for x in doc["rules"] if x["id"] != "staff"])
        changed = replay(s, {"document": other})
    for name, r in (("the same policy", same), ("one rule less", changed)):
        rate = r["records"] / (r["ms"] / 1000)
        print(f"replay, {name}: {r['records']:,} records in {r['ms'] / 1000:.1f} s = {rate:,.0f}/s on {os.cpu_count()} cores, "
              f"{r['flips']:,} flips by {r['people']} people, {r['unsure']} unsure")
        print(json.dumps({"bench": "replay", "row": name, "records": r["records"], "ms": r["ms"], "per_s": round(rate), "flips": r["flips"]}))
    assert same["flips"] == same["rule_changes"] == 0, same["examples"][:3]
    assert changed["flips"] > 0 and changed["newly_allowed"] == changed["flips"]


main()
