#!/usr/bin/env python3
"""The house rules a tool can check: layers and circles of includes, sizes of files and functions,
banned calls, file headers, room READMEs. Prints one line a finding and a closing count; exit 1 on any.

    lint.py [ROOT]
"""
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 600, 60, 5
BANNED = "strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atof alloca system popen gets".split()
BANNED_RE = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
TOP = ["base", "proxyd", "policies", "pac", "convert", "db", "adminui"]
findings = []


def finding(path, line, text):
    findings.append(f"{os.path.relpath(path, ROOT)}:{line}: {text}")


def load_layers():
    layers = {}
    for row in open(f"{ROOT}/tests/lint/layers.map"):
        row = row.split("#")[0].strip()
        if row:
            room, allowed = row.split(":")
            layers[room.strip()] = set(allowed.split())
    return layers


LAYERS = load_layers()


def room_of(rel):
    parts = rel.split("/")[:-1]
    for k in (2, 1):
        if "/".join(parts[:k]) in LAYERS and len(parts) >= k:
            return "/".join(parts[:k])
    return None


def blank(text):
    """Comments, strings and character constants replaced by spaces; lines kept."""
    def gap(m):
        return "".join(c if c == "\n" else " " for c in m.group(0))
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", gap, text, flags=re.S)


def sources():
    for top in TOP:
        for d, dirs, names in os.walk(f"{ROOT}/{top}"):
            dirs[:] = [x for x in dirs if x not in ("node_modules", "dist")]
            for n in sorted(names):
                if n.endswith((".c", ".h")):
                    yield os.path.join(d, n)


def check_includes(path, rel, text, edges):
    room = room_of(rel)
    if room is None:
        finding(path, 1, "stands in no room of tests/lint/layers.map")
        return
    for no, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not m:
            continue
        target = m.group(1)
        other = room_of(target)
        if other is None or not os.path.exists(f"{ROOT}/{target}"):
            finding(path, no, f'include "{target}": paths start at the root of the project')
        elif other != room and other not in LAYERS[room]:
            finding(path, no, f"{room} may not see {other} (tests/lint/layers.map)")
        edges.setdefault(rel, set()).add(target)


def is_table(text):
    """A file that is mostly one table: more than half of its lines are initialisers."""
    lines = [x.strip() for x in text.split("\n") if x.strip()]
    rows = sum(1 for x in lines if x.startswith(("{", '"', "[")) or x.endswith(("},", '",')))
    return rows * 2 > len(lines)


def check_functions(path, code):
    """Functions are found by the house layout: an opening brace alone in column 0."""
    lines = code.split("\n")
    for i, line in enumerate(lines):
        if line != "{":
            continue
        end = next((j for j in range(i, len(lines)) if lines[j].startswith("}")), len(lines))
        start = i
        while start > 0 and lines[start - 1].strip() and not lines[start - 1].startswith(("}", "#")):
            start -= 1
        head = " ".join(x.strip() for x in lines[start:i])
        if "(" not in head or head.startswith(("struct", "enum", "union")) and "(" not in head:
            continue
        size = end - i - 1
        if size > MAX_FUNCTION:
            finding(path, i + 1, f"function of {size} lines, {MAX_FUNCTION} is the bound: {head[:60]}")
        inner = head[head.find("(") + 1:head.rfind(")")]
        depth = n = 0
        for c in inner:
            depth += c == "("
            depth -= c == ")"
            n += c == "," and depth == 0
        # A callback whose type a library dictates has the library's number of parameters.
        is_dictated = "enum MHD_Result" in head
        if inner.strip() and n + 1 > MAX_PARAMETERS and not is_dictated:
            finding(path, i + 1, f"{n + 1} parameters, {MAX_PARAMETERS} is the bound: {head[:60]}")


def check_file(path, edges):
    rel = os.path.relpath(path, ROOT)
    text = open(path, encoding="utf-8").read()
    code = blank(text)
    lines = text.count("\n")
    if lines > MAX_FILE and not is_table(text):
        finding(path, MAX_FILE, f"{lines} lines, {MAX_FILE} is the bound")
    if not text.startswith("/*"):
        finding(path, 1, "a file opens with a comment that says what it is for")
    check_includes(path, rel, text, edges)
    for no, line in enumerate(code.split("\n"), 1):
        m = BANNED_RE.search(line)
        if m and not line.lstrip().startswith("#"):
            finding(path, no, f"banned call {m.group(1)}()")
        if re.match(r"\s*typedef\s+(struct|enum)\b", line):
            finding(path, no, "no typedef for structs and enums")
    if path.endswith(".c"):
        check_functions(path, code)
        header = path[:-2] + ".h"
        if not os.path.exists(header) and not os.path.basename(path) in ("main.c",):
            finding(path, 1, "a module is one .c and one .h of the same name")


def check_circles(edges):
    state = {}

    def visit(node, trail):
        if state.get(node) == 2:
            return
        if state.get(node) == 1:
            finding(f"{ROOT}/{node}", 1, "circle of includes: " + " -> ".join(trail[trail.index(node):] + [node]))
            return
        state[node] = 1
        for nxt in sorted(edges.get(node, ())):
            visit(nxt, trail + [node])
        state[node] = 2

    for node in sorted(edges):
        visit(node, [])


def check_rooms():
    for room in LAYERS:
        if os.path.isdir(f"{ROOT}/{room}") and not os.path.exists(f"{ROOT}/{room}/README.md"):
            finding(f"{ROOT}/{room}/README.md", 1, "each room has a README")


def main():
    edges = {}
    n = 0
    for path in sources():
        check_file(path, edges)
        n += 1
    check_circles(edges)
    check_rooms()
    for f in findings:
        print(f)
    print(f"lint: {n} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
