"""A recording, scriptable origin server (plain or TLS), one thread per connection. It keeps every byte
each connection sent, so a test can compare what the proxy really forwarded; what it answers is free,
down to broken bytes, pauses and resets.

    with Origin() as o:
        o.on("/cut", [b"HTTP/1.1 200 OK\\r\\nContent-Length: 10\\r\\n\\r\\nabc", CLOSE])
        ... a request through the proxy to o.url("/cut") ...
        assert o.requests[-1].head.startswith(b"GET /cut HTTP/1.1\\r\\n")

An answer is bytes, a list of steps, or a function of the Request that gives either. Steps: bytes (sent),
Pause(seconds), CLOSE, RESET, HALF_CLOSE, READ_ALL (until the peer closes), ECHO (send back until it closes), and
functions of (Request, socket). A scripted path that is asked with Expect: 100-continue answers before the body is
read (a step may send the 100 itself). Without CLOSE or RESET the connection goes on with the next request.

Without a script these paths answer: / /bytes/N /chunked/N[/PIECE] /status/N /slow/SECONDS /echo /close/N
/upgrade /continue /type/MAJOR/MINOR.  TLS: Origin(tls=make_certs(folder, "origin.test")).
"""
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time


class Pause:
    """A step that waits; ends early when the origin stops."""

    def __init__(self, seconds):
        self.seconds = seconds


class Step:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


CLOSE, RESET, HALF_CLOSE, READ_ALL, ECHO = (Step(n) for n in ("CLOSE", "RESET", "HALF_CLOSE", "READ_ALL", "ECHO"))


class Request:
    """One request as it came. head: raw bytes with the empty line; body: content without chunk framing;
    raw_body: as it came; trailers: raw bytes."""

    def __init__(self, head, connection, index):
        self.head, self.connection, self.index = head, connection, index
        self.body = self.raw_body = self.trailers = b""
        self.complete = True
        lines = head.split(b"\r\n")
        parts = lines[0].split(b" ")
        self.method = parts[0].decode("latin-1")
        self.target = parts[1].decode("latin-1") if len(parts) > 1 else ""
        self.version = parts[2].decode("latin-1") if len(parts) > 2 else ""
        self.fields = []
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(b":")
                self.fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))

    def get(self, name, default=None):
        """Value of the first field of this name, in any case."""
        return next((v for n, v in self.fields if n.lower() == name.lower()), default)

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def __repr__(self):
        return f"<{self.method} {self.target} {len(self.body)}B>"


class Connection:
    """One accepted connection: all bytes it sent, how it ended ("open", "eof", "reset", "ours")."""

    def __init__(self, sock, number, peer):
        self.sock, self.number, self.peer = sock, number, peer
        self.received = bytearray()
        self.ended = "open"
        self.pending = bytearray()  # received, not yet taken by a request

    def more(self):
        """Reads once into pending; False at the end."""
        try:
            part = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"
            return False
        except OSError:
            self.ended = "ours"
            return False
        if not part:
            self.ended = "eof"
            return False
        self.received += part
        self.pending += part
        return True

    def until(self, mark):
        """Takes bytes up to and with the mark; None when the peer ends before."""
        while mark not in self.pending:
            if not self.more():
                return None
        end = self.pending.index(mark) + len(mark)
        return self.take(end)

    def exactly(self, n):
        while len(self.pending) < n:
            if not self.more():
                return None
        return self.take(n)

    def take(self, n):
        out = bytes(self.pending[:n])
        del self.pending[:n]
        return out


class Origin:
    def __init__(self, host="127.0.0.1", port=0, tls=None, name=None, backlog=512):
        self.host, self.name = host, name or host
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(tls[0], tls[1])
        self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.requests, self.connections = [], []
        self.answers = {}
        self.default = None
        self.on_connect = None  # steps run before anything is read
        self.thread = None

    # --- for the test --------------------------------------------------------------------------------
    def url(self, path="/"):
        host = f"[{self.name}]" if ":" in self.name else self.name
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def on(self, path, answer):
        """What this path (without query) answers; None for `path` is for everything not named."""
        if path is None:
            self.default = answer
        else:
            self.answers[path] = answer

    def clear(self):
        """Forgets what was recorded, also of connections that are still open; scripts stay."""
        with self.lock:
            self.requests, self.connections = [], [c for c in self.connections if c.ended == "open"]
            for c in self.connections:
                c.received = bytearray(c.pending)

    def received(self):
        """All bytes of all connections, in the order the connections came."""
        with self.lock:
            return b"".join(bytes(c.received) for c in self.connections)

    def wait(self, n=1, seconds=5):
        """The requests, once there are at least n."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lock:
                if len(self.requests) >= n:
                    return list(self.requests)
            time.sleep(0.01)
        raise AssertionError(f"{len(self.requests)} requests at the origin, {n} wanted")

    def start(self):
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for c in list(self.connections):
            try:
                c.sock.close()
            except OSError:
                pass
        if self.thread:
            self.thread.join(2)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # --- serving -------------------------------------------------------------------------------------
    def _accept(self):
        while not self.stopping.is_set():
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock, peer), daemon=True).start()

    def _serve(self, sock, peer):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except (ssl.SSLError, OSError):
                sock.close()
                return
        with self.lock:
            c = Connection(sock, len(self.connections), peer)
            self.connections.append(c)
        try:
            if self.on_connect is not None and not self._run(self.on_connect, None, c):
                return
            while not self.stopping.is_set() and self._one(c):
                pass
        except (OSError, ValueError):
            c.ended = "reset" if c.ended == "open" else c.ended
        finally:
            if c.ended == "open":
                c.ended = "ours"
            try:
                sock.close()
            except OSError:
                pass

    def _one(self, c):
        head = c.until(b"\r\n\r\n")
        if head is None:
            return False
        r = Request(head, c, len(self.requests))
        expects = (r.get("expect") or "").lower() == "100-continue"
        if expects and self._answer(r) is None:
            c.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            expects = False
        if not expects:
            self._body(r, c)
        with self.lock:
            self.requests.append(r)
        answer = self._answer(r)
        if callable(answer):
            answer = answer(r)
        if answer is None:
            answer = builtin(r)
        return self._run(answer, r, c) and r.complete

    def _answer(self, r):
        path = r.target.split("?")[0]
        return self.answers.get(path, self.default)

    def _body(self, r, c):
        before = len(c.received) - len(c.pending)
        coding = (r.get("transfer-encoding") or "").lower()
        if "chunked" in coding:
            self._chunked(r, c)
        elif (r.get("content-length") or "").isdigit():
            body = c.exactly(int(r.get("content-length")))
            r.complete = body is not None
            r.body = body if body is not None else bytes(c.pending)
        r.raw_body = bytes(c.received[before:len(c.received) - len(c.pending)])

    def _chunked(self, r, c):
        while True:
            line = c.until(b"\r\n")
            if line is None:
                r.complete = False
                return
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            data = c.exactly(size + 2)
            if data is None:
                r.complete = False
                return
            r.body += data[:-2]
        while True:
            line = c.until(b"\r\n")
            if line is None:
                r.complete = False
                return
            if line == b"\r\n":
                return
            r.trailers += line

    def _run(self, answer, r, c):
        """True when the connection goes on."""
        for step in [answer] if isinstance(answer, (bytes, bytearray)) else answer:
            if isinstance(step, (bytes, bytearray)):
                c.sock.sendall(step)
            elif isinstance(step, Pause):
                if self.stopping.wait(step.seconds):
                    return False
            elif step is CLOSE:
                c.ended = "ours"
                return False
            elif step is HALF_CLOSE:
                c.sock.shutdown(socket.SHUT_WR)
            elif step is RESET:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                c.ended = "ours"
                return False
            elif step is READ_ALL:
                while c.more():
                    pass
                return False
            elif step is ECHO:
                while c.pending or c.more():
                    c.sock.sendall(c.take(len(c.pending)))
                return False
            else:
                step(r, c.sock)
        return True


# --- answers -----------------------------------------------------------------------------------------
def reply(status=200, body=b"", headers=(), reason="X"):
    """A complete response with a Content-Length."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"] + [f"{n}: {v}" for n, v in headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces, headers=(), trailers=b""):
    """A complete chunked response, one chunk a piece."""
    head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"] + [f"{n}: {v}" for n, v in headers])
    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)
    return head.encode("latin-1") + b"\r\n\r\n" + body + b"0\r\n" + trailers + b"\r\n"


def pattern(n):
    """n bytes that differ by position, so that a lost or doubled piece shows."""
    unit = b"".join(b"%07d." % i for i in range(8192))
    return (unit * (n // len(unit) + 1))[:n]


def builtin(r):
    part = r.target.split("?")[0].split("/")[1:] + ["", "", ""]
    kind = part[0]
    if r.method == "HEAD":
        return b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"
    if kind == "bytes":
        return reply(200, pattern(int(part[1])), [("Content-Type", "application/octet-stream")])
    if kind == "chunked":
        data, size = pattern(int(part[1])), int(part[2] or 1000)
        return chunked(*[data[i:i + size] for i in range(0, len(data), size)])
    if kind == "close":
        return [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + pattern(int(part[1])), CLOSE]
    if kind == "status":
        status = int(part[1])
        if status in (204, 304):
            return f"HTTP/1.1 {status} X\r\n\r\n".encode()
        return reply(status, f"status {status}\n")
    if kind == "slow":
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Pause(float(part[1])), b"slow\n"]
    if kind == "type":
        return reply(200, "typed\n", [("Content-Type", f"{part[1]}/{part[2]}")])
    if kind == "echo":
        seen = {"method": r.method, "target": r.target, "fields": r.fields, "body": r.body.decode("latin-1"),
                "connection": r.connection.number}
        return reply(200, json.dumps(seen), [("Content-Type", "application/json")])
    if kind == "upgrade":
        return [b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                + (r.get("upgrade") or "x").encode() + b"\r\n\r\n", ECHO]
    if kind == "continue":
        return [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", reply(200, "after hints\n")]
    return reply(200, "hello world\n", [("Content-Type", "text/plain"), ("X-Origin", "yes")])


# --- certificates ------------------------------------------------------------------------------------
def make_certs(folder, *names, days=2):
    """A throw-away CA and one leaf for the names (DNS names or addresses). Returns (cert, key, ca)."""
    path = {k: os.path.join(folder, f"{names[0]}-{k}.pem") for k in ("ca", "cakey", "cert", "key", "csr", "ext")}
    san = ",".join(("IP:" if n.replace(".", "").isdigit() or ":" in n else "DNS:") + n for n in names)
    with open(path["ext"], "w") as f:
        f.write(f"subjectAltName={san}\n")

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *ec, "-days", str(days), "-subj", "/CN=test ca", "-keyout", path["cakey"], "-out", path["ca"])
    openssl("req", *ec, "-subj", f"/CN={names[0]}", "-keyout", path["key"], "-out", path["csr"])
    openssl("x509", "-req", "-in", path["csr"], "-CA", path["ca"], "-CAkey", path["cakey"], "-CAcreateserial",
            "-days", str(days), "-extfile", path["ext"], "-out", path["cert"])
    return path["cert"], path["key"], path["ca"]
