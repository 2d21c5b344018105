"""The case tables of tests/unit/wire/*.cases, expanded as test_http_cases.c expands them."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def request_macros(origin="origin.test:8080"):
    a, h = f"http://{origin}", f"Host: {origin}\r\n"
    chunked = "Transfer-Encoding: chunked\r\n\r\n"
    return {"$A": a, "$H": h, "$G": f"GET {a}/ HTTP/1.1\r\n{h}", "$P": f"POST {a}/ HTTP/1.1\r\n{h}",
            "$C": f"POST {a}/ HTTP/1.1\r\n{h}{chunked}", "$g": f"GET / HTTP/1.1\r\n{h}",
            "$p": f"POST / HTTP/1.1\r\n{h}", "$c": f"POST / HTTP/1.1\r\n{h}{chunked}"}


RESPONSE_MACROS = {"$O": "HTTP/1.1 200 OK\r\n", "$c": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}


def expand(text, macros):
    out, i = b"", 0
    while i < len(text):
        c = text[i]
        if c == "\\" and text[i + 1] == "x":
            out += bytes([int(text[i + 2:i + 4], 16)])
            i += 4
        elif c == "\\":
            out += ESCAPES[text[i + 1]]
            i += 2
        elif text.startswith("${", i):
            depth, end = 0, i + 1
            while True:
                depth += (text[end] == "{") - (text[end] == "}")
                end += 1
                if depth == 0:
                    break
            inner, _, n = text[i + 2:end - 1].rpartition("*")
            out += expand(inner, macros) * int(n)
            i = end
        elif text[i:i + 2] in macros:
            out += macros[text[i:i + 2]].encode("latin-1")
            i += 2
        else:
            out += c.encode("latin-1")
            i += 1
    return out


class Case:
    def __init__(self, columns, is_response, macros, origin):
        self.section, self.want, self.why = columns[:3]
        rest = columns[3:]
        self.method = rest.pop(0) if is_response else None

        def whole(text):
            return expand(text, macros).replace(b":8080", b":" + origin.encode().split(b":")[1])

        self.input = whole(rest[0])
        self.output = whole(rest[1]) if len(rest) > 1 and rest[1] else None
        self.status = int(self.want.split()[0]) if self.want[0].isdigit() else None
        self.id = re.sub(r"[^A-Za-z0-9]+", "-", f"{self.section}-{self.why}").strip("-")


def load(name, origin="origin.test:8080"):
    """The rows of requests.cases or responses.cases, with the port of this origin in the place of 8080."""
    is_response = name == "responses"
    macros = RESPONSE_MACROS if is_response else request_macros()
    cases = []
    with open(f"{ROOT}/tests/unit/wire/{name}.cases", encoding="latin-1") as f:
        for line in f:
            line = line.rstrip("\n")
            if line and line[0] != "#":
                cases.append(Case(line.split(" :: "), is_response, macros, origin))
    return cases
