"""More than one way in: several proxy ports with names of their own in the policy, IPv6, the PROXY
protocol in front of a port, and a port for the PAC file alone."""
import socket

import pytest

from lib.daemons import SLOW, Stack, free_port, policy


@pytest.fixture(scope="module")
def ports():
    return {"guest": free_port(), "six": free_port(), "balanced": free_port(), "pac": free_port()}


@pytest.fixture(scope="module")
def s(ports):
    lines = [f"listen = 127.0.0.1:{ports['guest']}", f"listen = [::1]:{ports['six']}",
             f"listen = 127.0.0.1:{ports['balanced']} proxy-protocol=on", "[pac]", f"listen = 127.0.0.1:{ports['pac']}"]
    with Stack(proxy_lines=lines) as stack:
        stack.publish(policy({"id": "guests", "when": {"listeners": [f"127.0.0.1:{ports['guest']}"]}, "action": "block"},
                             {"id": "lab", "when": {"networks": ["192.0.2.0/24"]}, "action": "block"}))
        yield stack


def ask(port, data, host="127.0.0.1"):
    with socket.create_connection((host, port), timeout=10 * SLOW) as c:
        c.sendall(data)
        got = b""
        while True:
            try:
                part = c.recv(65536)
            except ConnectionResetError:
                return got
            if not part:
                return got
            got += part


def get(o, path="/bytes/3"):
    return f"GET {o.url(path)} HTTP/1.1\r\nHost: 127.0.0.1:{o.port}\r\nConnection: close\r\n\r\n".encode()


def test_the_listener_is_a_fact(s, o, ports):
    assert b" 200 " in ask(s.proxy_port, get(o))
    assert b" 403 " in ask(ports["guest"], get(o))
    assert s.log("rule=guests")


def test_ipv6_listener(s, o, ports):
    assert b" 200 " in ask(ports["six"], get(o), "::1")
    assert s.log("client=::1")[0]["status"] == 200


def test_proxy_protocol_names_the_client(s, o, ports):
    data = b"PROXY TCP4 198.51.100.7 203.0.113.1 4711 3128\r\n" + get(o)
    assert b" 200 " in ask(ports["balanced"], data)
    assert s.log("client=198.51.100.7")[0]["verdict"] == "allowed"
    v2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + socket.inet_aton("192.0.2.9") + socket.inet_aton("203.0.113.1") +
          (4712).to_bytes(2, "big") + (3128).to_bytes(2, "big"))
    assert b" 403 " in ask(ports["balanced"], v2 + get(o))
    assert s.log("client=192.0.2.9")[0]["rule"] == "lab"
    assert ask(ports["balanced"], get(o)) == b""  # without the header: no service
    assert ask(ports["balanced"], b"PROXY TCP4 1.2.3.4\r\n" + get(o)) == b""


def test_proxy_protocol_cut_at_every_byte(s, o, ports):
    data = b"PROXY TCP4 198.51.100.8 203.0.113.1 4711 3128\r\n" + get(o)
    for i in range(1, 60, 5):
        with socket.create_connection(("127.0.0.1", ports["balanced"]), timeout=10 * SLOW) as c:
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            c.sendall(data[:i])
            c.sendall(data[i:])
            assert b" 200 " in c.recv(1000)


def test_pac_port_serves_the_file_and_nothing_else(s, o, ports):
    got = ask(ports["pac"], b"GET /wpad.dat HTTP/1.1\r\nHost: wpad\r\nConnection: close\r\n\r\n")
    assert b" 200 " in got and f"127.0.0.1:{s.proxy_port}".encode() in got
    assert b" 200 " in ask(ports["pac"], b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for data in (get(o), b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        status = ask(ports["pac"], data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)).split(b" ")[1]
        assert status == b"400", (data, status)
