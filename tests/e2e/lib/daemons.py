"""Starts the real proxyd and adminui in a state directory of their own, on free loopback ports, and
talks to them as outsiders do. Everything a Stack starts ends, by pid, when its `with` block ends.

    with Stack(proxy={"resolvers": "127.0.0.1:5353", "allow-private": "loopback"}) as s:
        s.api.put("/policy/draft", {...}); s.publish(doc)
        s.get("http://origin.test:1234/", user=("alice", "secret"))
"""
import getpass
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import requests
import urllib3

urllib3.disable_warnings()
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build/release"))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
SLOW = 4 if os.environ.get("MODE", "release") != "release" else 1  # sanitizers are slower


def free_port():
    """A loopback port nobody listens on just now; given out once per process."""
    while True:
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        s.close()
        if port not in free_port.given:
            free_port.given.add(port)
            return port


free_port.given = set()


def wait_until(condition, seconds=10, what="condition"):
    """Polls until condition() is true; returns its value. The bound grows under sanitizers."""
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError(f"not within {seconds * SLOW} s: {what}")


def listens(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


class Process:
    """One program, its stderr kept in a file."""

    def __init__(self, argv, log, env=None, limits=None):
        self.limits = limits or {}
        self.log_path = log
        self.log = open(log, "ab")
        self.p = subprocess.Popen(argv, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                  env=dict(os.environ, **(env or {})), start_new_session=True, preexec_fn=self.like_a_terminal)

    def like_a_terminal(self):
        """A check that runs in the background has SIGINT ignored, and what it starts would inherit that."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for what, values in self.limits.items():
            resource.setrlimit(what, values)

    @property
    def pid(self):
        return self.p.pid

    def alive(self):
        return self.p.poll() is None

    def output(self):
        return open(self.log_path, errors="replace").read()

    def stop(self, sig=signal.SIGTERM, seconds=15):
        """Ends it; returns the exit code. kill -9 when it does not listen to the signal."""
        if self.alive():
            self.p.send_signal(sig)
            try:
                self.p.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait(10)
                self.log.close()
                raise AssertionError(f"pid {self.pid} did not end on {sig}:\n{self.output()[-3000:]}")
        self.log.close()
        return self.p.returncode


class Api:
    """A client of the JSON API over TLS, logged in by password; csrf and etag are handled."""

    def __init__(self, port):
        self.base = f"https://127.0.0.1:{port}/api/v1"
        self.http = requests.Session()
        self.http.verify = False
        self.http.trust_env = False
        self.csrf = None

    def login(self, username, password):
        r = self.http.post(f"{self.base}/session", json={"username": username, "password": password}, timeout=20)
        assert r.status_code in (200, 201), f"login: {r.status_code} {r.text}"
        self.csrf = r.json()["csrf_token"]
        return r.json()

    def call(self, method, path, body=None, headers=None, raw=None, ok=True, **kw):
        h = dict(headers or {})
        if method not in ("GET", "HEAD") and self.csrf:
            h["X-CSRF-Token"] = self.csrf
            h.setdefault("Origin", self.base.split("/api")[0])
        if raw is not None:
            kw["data"] = raw
        elif body is not None:
            kw["json"] = body
        r = self.http.request(method, self.base + path, headers=h, timeout=kw.pop("timeout", 60), **kw)
        if ok:
            assert r.status_code < 300, f"{method} {path}: {r.status_code} {r.text[:2000]}"
        return r

    def get(self, path, **kw):
        return self.call("GET", path, **kw).json()

    def post(self, path, body=None, **kw):
        r = self.call("POST", path, body, **kw)
        return r.json() if r.content else None

    def put(self, path, body=None, **kw):
        """PUT with the current ETag of the resource."""
        head = self.call("GET", path, ok=False)
        tag = head.headers.get("ETag")
        r = self.call("PUT", path, body, headers={"If-Match": tag} if tag else {}, **kw)
        return r.json() if r.content else None

    def delete(self, path, **kw):
        head = self.call("GET", path, ok=False)
        tag = head.headers.get("ETag")
        return self.call("DELETE", path, headers={"If-Match": tag} if tag else {}, **kw)

    def job(self, answer, seconds=120):
        """Waits for a job given by a 202 answer; returns its final state."""
        path = answer.headers["Location"].replace("/api/v1", "")

        def ended():
            j = self.get(path)
            return j if j["state"] in ("done", "failed", "cancelled") else None

        return wait_until(ended, seconds, f"job {path}")


class Stack:
    """proxyd and adminui on one state directory."""

    def __init__(self, proxy=None, admin=None, state=None, proxy_lines=(), start=True, login=True, env=None, limits=None):
        self.own_state = state is None
        self.state = state or tempfile.mkdtemp(prefix="proxyd-test-")
        self.proxy_port, self.admin_port = free_port(), free_port()
        self.proxy_options = {"workers": "1", "allow-private": "127.0.0.0/8", "user": getpass.getuser(), **(proxy or {})}
        self.proxy_lines = list(proxy_lines)
        self.admin_options = admin or {}
        self.start_now, self.login_now = start, login
        self.env, self.limits = env, limits  # of proxyd alone
        self.proxyd = self.adminui = None
        self.api = Api(self.admin_port)
        self.admin_password = None
        self.config = os.path.join(self.state, "proxyd.conf")

    def write_config(self):
        lines = ["[state]", f"dir = {self.state}", "[proxy]", f"listen = 127.0.0.1:{self.proxy_port}"]
        for key, value in self.proxy_options.items():
            for v in value if isinstance(value, (list, tuple)) else [value]:
                lines.append(f"{key} = {v}")
        lines += self.proxy_lines
        lines += ["[admin]", f"listen = 127.0.0.1:{self.admin_port}"]
        lines += [f"{k} = {v}" for k, v in self.admin_options.items()]
        with open(self.config, "w") as f:
            f.write("\n".join(lines) + "\n")

    def start_adminui(self, wait=True):
        self.adminui = Process([f"{BUILD}/adminui", "--config", self.config], f"{self.state}/adminui.log")
        if wait:
            self.wait_for(self.adminui, self.admin_port)

    def start_proxyd(self, wait=True):
        self.proxyd = Process([f"{BUILD}/proxyd", "--config", self.config], f"{self.state}/proxyd.log", self.env, self.limits)
        if wait:
            self.wait_for(self.proxyd, self.proxy_port)

    def wait_for(self, process, port):
        def up():
            assert process.alive(), f"ended with {process.p.returncode}:\n{process.output()[-3000:]}"
            return listens(port)
        wait_until(up, 20, f"listening on {port}:\n{process.output()[-2000:]}")

    def first_password(self):
        """The one-time password that the first start prints."""
        m = wait_until(lambda: re.search(r"password[=: ]+\"?(\S+?)\"?\s", self.adminui.output()), 10, "admin password")
        return m.group(1)

    def log_in(self):
        """As the first administrator; the one-time password is replaced, since nothing else is allowed with it."""
        once = self.first_password()
        self.api.login("admin", once)
        self.admin_password = "tests know this one"
        self.api.call("PUT", "/me/password", {"current_password": once, "new_password": self.admin_password})

    def __enter__(self):
        self.write_config()
        try:
            if self.start_now:
                self.start_adminui()
                self.start_proxyd()
                if self.login_now:
                    self.log_in()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        codes = []
        for p in (self.proxyd, self.adminui):
            if p:
                try:
                    codes.append((p, p.stop()))
                except AssertionError as e:
                    codes.append((p, str(e)))
        logs = {p.log_path: p.output() for p, _ in codes}
        if self.own_state and not os.environ.get("KEEP_STATE"):
            shutil.rmtree(self.state, ignore_errors=True)
        for path, text in logs.items():
            found = re.search(r"(ERROR: AddressSanitizer|WARNING: ThreadSanitizer|runtime error:|ERROR: LeakSanitizer|fatal: must)", text)
            if found:
                raise AssertionError(f"{path}:\n{text[max(0, found.start() - 500):found.start() + 6000]}")

    @property
    def worker_pid(self):
        """The process that serves: the newest child of the keeper that was started."""
        def children():
            return open(f"/proc/{self.proxyd.pid}/task/{self.proxyd.pid}/children").read().split()
        return int(wait_until(children, 10, "a serving process")[-1])

    # --- as an administrator ---------------------------------------------------------------------
    def publish(self, document, comment="test"):
        """Puts the document as draft and publishes it; returns the version that proxyd now runs."""
        self.api.put("/policy/draft", document)
        tag = self.api.call("GET", "/policy/draft").headers.get("ETag")
        return self.api.call("POST", "/policy/draft:publish", {"comment": comment},
                             headers={"If-Match": tag} if tag else {}).json()["version"]

    def add_user(self, username, password, groups=(), enabled=True):
        return self.api.post("/users", {"username": username, "password": password, "groups": list(groups), "enabled": enabled})

    def log(self, query="", want=1, seconds=8):
        """Access records that fit the query, once there are at least `want` of them, newest first."""
        def enough():
            items = self.api.get(f"/log?{query}")["items"]
            return items if len(items) >= want else None
        return wait_until(enough, seconds, f"{want} records for {query}")

    def ctl(self, *args, ok=True):
        r = subprocess.run([f"{BUILD}/proxyctl", "--socket", f"{self.state}/admin.sock", *args],
                           capture_output=True, text=True, timeout=60)
        if ok:
            assert r.returncode == 0, f"proxyctl {args}: {r.returncode} {r.stdout} {r.stderr}"
        return r

    # --- as a user of the proxy ------------------------------------------------------------------
    def proxies(self, user=None):
        who = f"{user[0]}:{user[1]}@" if user else ""
        url = f"http://{who}127.0.0.1:{self.proxy_port}"
        return {"http": url, "https": url}

    def get(self, url, user=None, **kw):
        """One GET through the proxy in a fresh session."""
        with requests.Session() as s:
            s.trust_env = False
            s.verify = kw.pop("verify", False)
            return s.request(kw.pop("method", "GET"), url, proxies=self.proxies(user), timeout=kw.pop("timeout", 20),
                             allow_redirects=False, **kw)

    def raw(self, data, seconds=5, until=None):
        """Sends raw bytes to the proxy port, returns what came back until close, `until` or the time."""
        with socket.create_connection(("127.0.0.1", self.proxy_port), timeout=seconds) as c:
            c.sendall(data)
            got = b""
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                c.settimeout(max(0.05, end - time.monotonic()))
                try:
                    part = c.recv(65536)
                except (socket.timeout, TimeoutError):
                    break
                except OSError:
                    break
                if not part:
                    break
                got += part
                if until and until in got:
                    break
            return got


def zstd_lines(path):
    """Lines of one of the shared .zst files, or None when the data are not beside the project."""
    full = os.path.join(SHARED, "data", path)
    if not os.path.exists(full):
        return None
    r = subprocess.run(["zstd", "-dc", "--long=27", full], capture_output=True, check=True)
    return r.stdout.decode("utf-8", "replace").splitlines()


ALLOW_ALL = {"comment": "", "identity": "when-needed", "default": {"action": "allow"}, "schedules": [], "lists": [],
             "rules": [], "tests": []}


def policy(*rules, **more):
    """A document with these rules; each gets an id and the defaults it lacks."""
    doc = json.loads(json.dumps(ALLOW_ALL))
    for i, r in enumerate(rules):
        doc["rules"].append({"id": f"r{i + 1}", "name": f"rule {i + 1}", "enabled": True, "shadow": False, "when": {},
                             "unless": {}, "action": "block", **r})
    doc.update(more)
    return doc
