"""A client that reads HTTP/1.1 responses as strictly as a hostile test needs: what came, whether it is
complete, and what lies behind it."""
import re
import socket
import time


class Response:
    def __init__(self, status, head, body, raw_body, complete, left):
        self.status, self.head, self.body, self.raw_body = status, head, body, raw_body
        self.complete, self.left = complete, left

    def get(self, name):
        m = re.search(rb"(?im)^" + re.escape(name.encode()) + rb":[ \t]*([^\r\n]*)\r$", self.head)
        return m.group(1).decode("latin-1") if m else None

    def __repr__(self):
        return f"<{self.status} {len(self.body)}B {'complete' if self.complete else 'CUT'} left={self.left[:60]!r}>"


def chunks(data):
    """(content, complete, bytes used)"""
    content, at = b"", 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return content, False, at
        size = int(data[at:end].split(b";")[0], 16)
        at = end + 2
        if size == 0:
            break
        if len(data) < at + size + 2:
            return content + data[at:at + size], False, len(data)
        content += data[at:at + size]
        at += size + 2
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return content, False, at
        line, at = data[at:end], end + 2
        if not line:
            return content, True, at


def parse(data, method="GET", closed=True):
    """The first final response in data (1xx passed over), or None when its head is not whole."""
    while True:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        head, rest = data[:end + 4], data[end + 4:]
        status = int(head.split(b" ")[1])
        if status >= 200 or status == 101:
            break
        data = rest
    r = Response(status, head, b"", b"", True, b"")
    length, coding = r.get("content-length"), r.get("transfer-encoding")
    if method == "HEAD" or status in (204, 304):
        r.left = rest
    elif method == "CONNECT" and 200 <= status < 300 or status == 101:
        r.body, r.raw_body = rest, rest
    elif coding:
        r.body, r.complete, used = chunks(rest)
        r.raw_body, r.left = rest[:used], rest[used:]
    elif length is not None:
        n = int(length)
        r.body = r.raw_body = rest[:n]
        r.complete, r.left = len(rest) >= n, rest[n:]
    else:
        r.body = r.raw_body = rest
        r.complete = closed
    return r


class Client:
    """One connection to the proxy."""

    def __init__(self, port, seconds=5):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seconds, self.data, self.closed, self.reset = seconds, b"", False, False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, data):
        """All of it; a proxy that has already refused may have closed."""
        try:
            self.s.sendall(data)
        except OSError:
            self.reset = True

    def read(self, seconds):
        self.s.settimeout(max(0.01, seconds))
        try:
            part = self.s.recv(1 << 16)
        except (socket.timeout, TimeoutError):
            return False
        except OSError:
            self.reset = self.closed = True
            return False
        if not part:
            self.closed = True
            return False
        self.data += part
        return True

    def response(self, method="GET"):
        """The next response, taken off the front of what came; None when the connection ends before."""
        end = time.monotonic() + self.seconds
        while True:
            r = parse(self.data, method, self.closed)
            if r and (self.closed or r.complete):
                self.data = r.left
                return r
            if self.closed or time.monotonic() > end:
                return r
            self.read(end - time.monotonic())

    def until_closed(self, seconds=None):
        """True when the proxy ends the connection in time."""
        end = time.monotonic() + (seconds or self.seconds)
        while not self.closed and time.monotonic() < end:
            self.read(end - time.monotonic())
        return self.closed
