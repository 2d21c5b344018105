"""The pages of the proxy itself in Chromium, through the proxy: blocked, warned, overrides, a used up quota, /why, /quota; what
people do there, and how they look. Node drives the browser (blocked.mjs)."""
import pytest

from test_dashboard import ROOT, SHOTS, Dns, Origin, Stack, need, run, HERE  # noqa: F401

HOSTS = ("warn", "why", "pass", "tun", "frame", "later", "secret", "blocked", "spent", "fine")
LONG = "A name of a rule that goes on for quite a while, as people like to write, withoutanybreakinthemiddleofitatallwhichiswhatreallyhurts"


def rules():
    def on(host, **rule):
        return {"id": host, "name": f"Rule {host}", "when": {"hosts": [f"{host}.test"]}, **rule}
    password = {"by": "password", "password": "open sesame"}
    return {"default": {"action": "allow"}, "rules": [
        on("warn", action="warn"), on("why", action="override"), on("pass", action="override", override=password),
        on("tun", action="warn", message="Think twice"), on("frame", action="warn", message="This costs time"),
        on("later", action="override", name=LONG), on("secret", action="override", override=password, message="Ask the office for the password"),
        on("blocked", action="block", message="Not <b>here</b>, and " + "x" * 90, name=LONG),
        on("spent", action="allow", name="Games", message="That was all for today",
           quota={"bytes_per_day": 1, "minutes_per_day": 30, "zone": "Europe/Paris"}),
    ]}


@pytest.fixture(scope="module", autouse=True)
def packages():
    need(HERE, "playwright-core")


def test_pages_of_the_proxy_in_chromium():
    names = {f"{h}.test": ["127.0.0.1"] for h in HOSTS}
    with Dns(names) as dns, Origin() as origin, Stack(proxy={"resolvers": dns.address, "workers": "2"}) as s:
        s.publish(rules())
        s.add_user("alice", "wonderland-7", ["staff"])
        for url in ("blocked", "later", "spent"):
            s.get(f"http://{url}.test:{origin.port}/type/text/html")
        r = run(["node", "blocked.mjs"], 150, PROXY=f"127.0.0.1:{s.proxy_port}", ORIGIN_PORT=str(origin.port), SCREENSHOTS=SHOTS)
        assert r.returncode == 0, f"{r.stdout}\n{r.stderr}"
        notes = [x["note"] for x in s.log("host=why.test&status=303")]
        assert notes == ["The yearly audit asks for it"]
