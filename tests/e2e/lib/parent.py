"""A recording parent proxy, one thread per connection: answers requests in absolute form itself (the body is its name
and the target), or forwards CONNECT to a server of the test's own. Every byte a connection sent first is kept.

    with Parent("one", login=("u", "p"), line="v1") as p:
        ... p.address ... p.heads[-1] ... p.lines[-1] ...
        p.connect_answer = b"HTTP/1.1 503 Busy\\r\\nContent-Length: 4\\r\\n\\r\\nbusy"
        p.mode = "hang"      # or "close": after the head; "serve" is the usual

`python3 parent.py PORT NAME` is one as a process of its own, to be killed.
"""
import base64
import os
import socket
import subprocess
import sys
import threading

V2_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def listening(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(256)
    return s


def copy(a, b):
    try:
        while part := a.recv(1 << 16):
            b.sendall(part)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Parent:
    def __init__(self, name="parent", login=None, line=None, port=0):
        self.name, self.login, self.line = name, login, line
        self.port, self.listener = port, None
        self.mode = "serve"
        self.connect_answer = None  # bytes in place of a tunnel
        self.answer = None          # bytes in place of an answer to a plain request
        self.heads, self.lines, self.open = [], [], []
        self.n_connections = 0

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.listener = listening(self.port)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        """The port is closed, and every connection with it."""
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        while self.open:
            c = self.open.pop()
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def accept(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.n_connections += 1
            self.open.append(c)
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def read_line(self, f):
        if self.line == "v1":
            return f.readline()
        head = f.read(16)
        return head + f.read(int.from_bytes(head[14:16], "big"))

    def read_head(self, f):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            part = f.readline()
            if not part:
                return b""
            head += part
        return head

    def is_welcome(self, head):
        if not self.login:
            return True
        word = b"Proxy-Authorization: Basic " + base64.b64encode(":".join(self.login).encode())
        return word in head.split(b"\r\n")

    def serve(self, c):
        f = c.makefile("rb")
        try:
            if self.line:
                line = self.read_line(f)
                if not line:
                    return
                self.lines.append(line)
            while head := self.read_head(f):
                self.heads.append(head)
                if self.mode == "close":
                    return
                if self.mode == "hang":
                    c.recv(1)
                    return
                if not self.is_welcome(head):
                    c.sendall(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"up\"\r\nContent-Length: 6\r\n\r\nup-407")
                elif head.startswith(b"CONNECT "):
                    if self.connect_answer is not None:
                        c.sendall(self.connect_answer)
                        return
                    self.tunnel(c, head)
                    return
                else:
                    c.sendall(self.answer or self.plain(head))
        except OSError:
            pass
        finally:
            f.close()
            c.close()

    def plain(self, head):
        length = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length: ")]
        assert not length, "requests with a body are not for this one"
        body = self.name.encode() + b" " + head.split(b" ")[1]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def tunnel(self, c, head):
        """Every name is this machine."""
        port = int(head.split(b" ")[1].rsplit(b":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            c.sendall(b"HTTP/1.0 200 Connection established\r\nX-Parent: yes\r\n\r\n")
            t = threading.Thread(target=copy, args=(s, c), daemon=True)
            t.start()
            copy(c, s)
            t.join(5)


class ParentProcess:
    """The same as a process that can be killed, on a port that stays its own."""

    def __init__(self, name, port):
        self.name, self.port, self.p = name, port, None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.p = subprocess.Popen([sys.executable, os.path.abspath(__file__), str(self.port), self.name],
                                  stdout=subprocess.PIPE, start_new_session=True)
        assert self.p.stdout.readline() == b"ready\n"
        return self

    def kill(self):
        if self.p:
            self.p.kill()
            self.p.wait(10)
            self.p.stdout.close()
            self.p = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


if __name__ == "__main__":
    server = Parent(sys.argv[2], port=int(sys.argv[1])).start()
    print("ready", flush=True)
    threading.Event().wait()
