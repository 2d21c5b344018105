"""Fills a Stack with what a small company would have: people, categories, a policy, and traffic through
the real proxy. Used by the browser tests and by screenshots.py."""
import base64
import http.client
import random

NAMES = ["www.example.com", "mail.corp.example", "wiki.corp.example", "cdn.news.example", "www.news.example", "video.stream.example",
         "static.shop.example", "api.weather.example", "updates.os.example", "git.dev.example", "maps.geo.example", "ads.track.example",
         "pixel.track.example", "casino.example", "poker.bets.example", "chat.social.example", "photos.social.example", "files.share.example"]
CATEGORIES = {
    "gambling": ["casino.example", "bets.example", "lotto.example"], "social": ["social.example", "friends.example"],
    "advertising": ["track.example", "doubleads.example", "banner.example"], "streaming": ["stream.example", "films.example"],
    "news": ["news.example"], "filesharing": ["share.example"],
}
PEOPLE = {"alice": ["staff", "finance"], "bob": ["staff", "sales"], "carol": ["staff", "it"], "dave": ["guests"], "erika": ["staff", "sales"], "frank": ["it"]}
PASSWORD = "correct horse"


def rule(rid, name, action, when=None, unless=None, **more):
    return {"id": rid, "name": name, "enabled": True, "shadow": False, "when": when or {}, "unless": unless or {}, "action": action,
            "message": "", "owner": "", "comment": "", "expires_at": None, **more}


def document():
    return {
        "comment": "", "identity": "when-needed", "default": {"action": "allow"},
        "schedules": [{"name": "work-hours", "zone": "Europe/Berlin", "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00"}]},
                      {"name": "night-backup", "zone": "UTC", "windows": [{"days": ["sat", "sun"], "from": "22:00", "to": "04:00"}]}],
        "lists": [{"name": "always-allowed", "kind": "domains", "entries": ["corp.example", "os.example", "always.example"]},
                  {"name": "casino-urls", "kind": "url_patterns", "entries": ["^https?://[^/]+/casino/", "/jackpot[0-9]*\\b"]},
                  {"name": "offices", "kind": "networks", "entries": ["10.0.0.0/8", "192.168.0.0/16"]}],
        "rules": [
            rule("always-allowed", "Always allowed", "allow", {"lists": ["always-allowed"]}, comment="What must work for everybody, first.", owner="it"),
            rule("no-trackers", "No advertising and trackers", "block", {"categories": ["advertising"]}, owner="it"),
            rule("no-gambling", "No gambling at work", "block", {"categories": ["gambling"]}, {"users": ["frank"]},
                 message="Gambling sites are closed at work.", comment="Works council agreement 12.", owner="hr"),
            rule("casino-urls", "Casino pages on other sites", "block", {"lists": ["casino-urls"]}),
            rule("social-sales", "Social media only for sales", "block", {"categories": ["social"]}, {"groups": ["sales"]},
                 message="Social media is open for sales only.", owner="hr"),
            rule("warn-sharing", "Careful with file sharing", "warn", {"categories": ["filesharing"]}, comment="Private data stay here."),
            rule("video-quota", "Video for half an hour", "allow", {"categories": ["streaming"], "groups": ["staff"]}, owner="hr", quota={"minutes_per_day": 30, "bytes_per_day": 50000000, "zone": "Europe/Berlin"}),
            rule("no-video-work", "No video at work hours", "block", {"categories": ["streaming"], "schedules": ["work-hours"], "groups": ["staff"]}, {"groups": ["it"]}, enabled=False),
            rule("big-downloads", "Large downloads (watching)", "block", {"min_bytes": 500000000, "networks": ["10.0.0.0/8"]}, shadow=True),
        ],
        "tests": [{"name": "wiki is reachable", "url": "https://wiki.corp.example/", "expect": "allow"},
                  {"name": "casinos are closed", "url": "http://casino.example/", "user": "bob", "groups": ["staff", "sales"], "expect": "block"}],
    }


def people(stack):
    for name, groups in PEOPLE.items():
        stack.add_user(name, PASSWORD, groups)


def categories(stack):
    for name, entries in CATEGORIES.items():
        stack.api.job(stack.api.call("POST", f"/categories/{name}:import?source={name}.domains", raw=("\n".join(entries) + "\n").encode(),
                                     headers={"Content-Type": "application/octet-stream"}))


def traffic(stack, origin, n, seed=7):
    """n requests over kept connections, as different people; returns how many were answered."""
    rnd = random.Random(seed)
    weights = [30, 24, 22, 14, 16, 9, 10, 8, 7, 9, 6, 18, 9, 5, 3, 9, 6, 4]
    agents = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_1)", "curl/8.4", "git/2.43"]
    paths = ["/", "/bytes/1200", "/bytes/36000", "/status/404", "/status/304", "/bytes/240000", "/search?q=weather", "/casino/roulette", "/chunked/20000"]
    connections, good = {}, 0
    for _ in range(n):
        host = rnd.choices(NAMES, weights)[0]
        who = rnd.choice(list(PEOPLE) + [None])
        key = (who, rnd.randrange(2))
        c = connections.get(key) or http.client.HTTPConnection("127.0.0.1", stack.proxy_port, timeout=10)
        connections[key] = c
        fields = {"Host": f"{host}:{origin.port}", "User-Agent": rnd.choice(agents)}
        if who:
            fields["Proxy-Authorization"] = "Basic " + base64.b64encode(f"{who}:{PASSWORD}".encode()).decode()
        path = rnd.choices(paths, [40, 20, 10, 5, 5, 2, 10, 1, 5])[0]
        try:
            c.request("GET", f"http://{host}:{origin.port}{path}", headers=fields)
            r = c.getresponse()
            r.read()
            good += 1
            if r.will_close:
                c.close()
                connections.pop(key)
        except (OSError, http.client.HTTPException):
            c.close()
            connections.pop(key, None)
    for c in connections.values():
        c.close()
    return good
