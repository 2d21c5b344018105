"""What both proxies are given to judge by: made-up rules and patterns, the same at every run, and real category names
where the shared data are at hand. Written in each proxy's own words."""
import io
import json
import os
import random
import subprocess
import tarfile

N_RULES = N_PATTERNS = 1000  # of "policy"
N_LARGE = 10_000              # rules, and patterns, of "large"
N_NAMES = 200_000
N_USERS = 50
SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo zu bra cle dri flo gru pla sta tre".split()
FORMS = ["(^|[-.?+=/_0-9]){a}([-.?+=/_0-9]|$)", "/{a}/(banner|ads?)[0-9]*\\.(gif|jpe?g)", "^http://[^/]*{a}[0-9]*\\.(com|net)/",
         "[?&]{a}=[0-9a-f]+(&|$)", "/({a}|{b})[^/]*\\.(exe|zip|rar)$", "{a}(s|er|ing)?[-_]?{b}/"]


def words(seed):
    r = random.Random(seed)
    while True:
        yield "".join(r.choice(SYLLABLES) for _ in range(r.choice((3, 4, 5))))


def category_names(tools):
    """Names of real blocking categories; made-up ones when the data are not there."""
    folder = os.path.join(tools, "..", "data", "categories")
    names = []
    for category in ("gambling", "phishing", "malware", "adult"):
        path = f"{folder}/{category}.domains.zst"
        if os.path.exists(path):
            out = subprocess.run(["zstd", "-dc", "--long=27", path], stdout=subprocess.PIPE, check=True).stdout
            names += out.decode("ascii", "ignore").split()
    if not names:
        w = words(5)
        names = [f"{next(w)}.example" for _ in range(N_NAMES)]
    return without_children(names[:N_NAMES])


def category_tree(path, tools):
    """All lists there are, in one tar; nothing when the data are not there."""
    folder = os.path.join(tools, "..", "data", "categories")
    if not os.path.isdir(folder):
        os.path.exists(path) and os.unlink(path)
        return
    with tarfile.open(path, "w") as tar:
        for name in sorted(os.listdir(folder)):
            data = subprocess.run(["zstd", "-dc", "--long=27", f"{folder}/{name}"], stdout=subprocess.PIPE, check=True).stdout
            info = tarfile.TarInfo(name.removesuffix(".zst"))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def without_children(names):
    """Squid complains about names below other names of a list."""
    kept = set(names)

    def has_parent(name):
        while "." in name:
            name = name.split(".", 1)[1]
            if name in kept:
                return True
        return False

    return [n for n in sorted(kept) if not has_parent(n)]


def write_all(folder, tools, origin_port):
    """Returns the paths: what each proxy reads, and the URLs of each kind."""
    os.makedirs(folder, exist_ok=True)
    p = {k: f"{folder}/{k}" for k in ("policy.json", "nolog.json", "users.json", "full.json", "tree.tar", "users.conf", "passwords", "names.txt", "squid-names.txt", "squid-patterns.txt",
                                      "policy.conf", "large.json", "large.conf", "large-patterns.txt", "varied.urls", "blocked.urls")}
    names = category_names(tools)
    document = both_words(p, "policy", "squid-patterns.txt", N_RULES)
    both_words(p, "large", "large-patterns.txt", N_LARGE)
    nolog = dict(document, lists=[], rules=[{"id": "all", "name": "all", "enabled": True, "shadow": False, "when": {}, "unless": {},
                                             "action": "allow", "log": "none"}])
    put(p["users.json"], json.dumps(dict(document, lists=[], rules=[], identity="always")))
    put(p["full.json"], json.dumps(dict(document, identity="always")))
    category_tree(p["tree.tar"], tools)
    hashes = subprocess.run(["openssl", "passwd", "-5", "-stdin"], input="".join(f"password-{i}\n" for i in range(N_USERS)),
                            stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    put(p["passwords"], "".join(f"user{i}:{h}\n" for i, h in enumerate(hashes)))
    put(p["users.conf"], f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {p['passwords']}\n"
        "auth_param basic credentialsttl 2 hours\nacl known proxy_auth REQUIRED\nhttp_access deny !known\n")
    put(p["nolog.json"], json.dumps(nolog))
    put(p["names.txt"], "\n".join(names) + "\n")
    put(p["squid-names.txt"], "".join(f".{n}\n" for n in names))
    url = random.Random(3)  # no word of a pattern begins with x: what is measured is allowed
    u = words(4)
    put(p["varied.urls"], "".join(
        f"http://origin.test:{origin_port}/x{next(u)}/x{next(u)}-{url.randrange(10**6)}.{url.choice(['html', 'js', 'png'])}"
        f"?x{next(u)}={url.randrange(10**12):x}&x{next(u)}={url.randrange(10**9)}\n" for _ in range(20000)))
    put(p["blocked.urls"], "".join(f"http://www.{n}/x\n" for n in names[::max(1, len(names) // 1000)]))
    return p


def both_words(p, name, pattern_file, n):
    """The same n rules on hosts and n patterns for proxyd (returned) and for Squid."""
    w, r = words(11), random.Random(12)
    hosts = [f"{next(w)}.example" for _ in range(n)]
    patterns = [r.choice(FORMS).format(a=next(w), b=next(w)) for _ in range(n)]
    rules = [{"id": f"h{i}", "name": f"host {i}", "enabled": True, "shadow": False, "when": {"hosts": [h]}, "unless": {}, "action": "block"}
             for i, h in enumerate(hosts)]
    rules += [{"id": "patterns", "name": "patterns", "enabled": True, "shadow": False, "when": {"lists": ["patterns"]}, "unless": {}, "action": "block"},
              {"id": "names", "name": "names", "enabled": True, "shadow": False, "when": {"categories": ["names"]}, "unless": {}, "action": "block"}]
    document = {"comment": "", "identity": "never", "default": {"action": "allow"}, "schedules": [],
                "lists": [{"name": "patterns", "kind": "url_patterns", "entries": patterns}], "rules": rules, "tests": []}
    put(p[f"{name}.json"], json.dumps(document))
    put(p[pattern_file], "\n".join(patterns) + "\n")
    put(p[f"{name}.conf"], "".join(f"acl h{i} dstdomain .{h}\nhttp_access deny h{i}\n" for i, h in enumerate(hosts)) +
        f"acl patterns url_regex -i \"{p[pattern_file]}\"\nhttp_access deny patterns\n"
        f"acl names dstdomain \"{p['squid-names.txt']}\"\nhttp_access deny names\n")
    return document


def put(path, text):
    with open(path, "w") as f:
        f.write(text)
