#!/usr/bin/env python3
"""Runs the tests and closes with `N passed, N failed[, N skipped]`.

    run.py --build DIR [--mode release|asan|tsan] STAGE [ROOM]
    STAGE: lint unit fuzz golden e2e browser all
Each stage adds its own counts; a stage that cannot start counts as one failure.
"""
import argparse
import glob
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.chdir(ROOT)
total = {"passed": 0, "failed": 0, "skipped": 0}


def add(passed=0, failed=0, skipped=0):
    total["passed"] += passed
    total["failed"] += failed
    total["skipped"] += skipped


def environment(mode):
    env = dict(os.environ, MODE=mode)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=1:strict_string_checks=1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    if mode != "release":
        env.setdefault("FAULT_SECONDS", "180")
    env.setdefault("LSAN_OPTIONS", f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0")
    env.setdefault("TSAN_OPTIONS", f"halt_on_error=1:suppressions={ROOT}/tests/tsan.supp")
    return env


def stage_lint(args):
    for cmd in (["/usr/bin/python3", "tests/lint/lint.py", "."], ["tests/lint/format.sh"]):
        if not os.path.exists(cmd[-1] if len(cmd) == 1 else cmd[1]):
            continue
        r = subprocess.run(cmd)
        add(passed=r.returncode == 0, failed=r.returncode != 0)


def stage_unit(args):
    pattern = f"{args.build}/unit/{args.room or '*'}/test_*"
    for path in sorted(p for p in glob.glob(pattern) if os.access(p, os.X_OK) and not p.endswith(".d")):
        try:
            r = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               timeout=300, env=environment(args.mode))
        except subprocess.TimeoutExpired:
            print(f"FAIL {path}: no end after 300 s")
            add(failed=1)
            continue
        good = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", r.stdout)))
        bad = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", r.stdout)))
        skip = sum(map(int, re.findall(r"\[  SKIPPED \] (\d+) test", r.stdout)))
        if r.returncode != 0 and bad == 0:
            bad = 1
        if bad or good + skip == 0:
            print(f"FAIL {path} (exit {r.returncode})\n{r.stdout[-6000:]}")
            bad = max(bad, 1)
        else:
            print(f"ok   {path} {good}")
        add(good, bad, skip)


def stage_fuzz(args):
    for path in sorted(p for p in glob.glob(f"{args.build}/fuzz/fuzz_*") if os.access(p, os.X_OK) and not p.endswith(".d")):
        corpus = f"tests/fuzz/corpus/{os.path.basename(path)[5:]}"
        r = subprocess.run([path, corpus], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                           timeout=300, env=environment(args.mode))
        print(("ok   " if r.returncode == 0 else "FAIL ") + path + " " + r.stdout.strip()[-4000:])
        add(passed=r.returncode == 0, failed=r.returncode != 0)


def count_junit(path):
    suites = ET.parse(path).getroot()
    tests = fails = skips = 0
    for s in suites.iter("testsuite"):
        tests += int(s.get("tests", 0))
        fails += int(s.get("failures", 0)) + int(s.get("errors", 0))
        skips += int(s.get("skipped", 0))
    return tests - fails - skips, fails, skips


def pytest(args, folder, name):
    out = f"{args.build}/{name}.xml"
    if os.path.exists(out):
        os.unlink(out)
    env = environment(args.mode)
    env["BUILD"] = os.path.abspath(args.build)
    r = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-x" if args.stop else "-q", "-p", "no:cacheprovider",
                        f"--junitxml={out}", folder], env=env)
    if not os.path.exists(out):
        add(failed=1)
        return
    good, bad, skip = count_junit(out)
    add(good, max(bad, 1) if r.returncode not in (0, 5) else bad, skip)


def stage_golden(args):
    if glob.glob("tests/golden/test_*.py"):
        pytest(args, "tests/golden", "golden")


def stage_e2e(args):
    pytest(args, "tests/e2e", "e2e")


def stage_browser(args):
    if args.mode != "release":
        print("browser: only in release mode")
        return
    if glob.glob("tests/browser/test_*.py"):
        pytest(args, "tests/browser", "browser")


STAGES = {"lint": stage_lint, "unit": stage_unit, "fuzz": stage_fuzz, "golden": stage_golden, "e2e": stage_e2e,
          "browser": stage_browser}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build/release")
    p.add_argument("--mode", default="release")
    p.add_argument("--stop", action="store_true", help="stop a stage at its first failure")
    p.add_argument("stage", choices=[*STAGES, "all"])
    p.add_argument("room", nargs="?")
    args = p.parse_args()
    for name in STAGES if args.stage == "all" else [args.stage]:
        print(f"== {name}", flush=True)
        began, before = time.time(), dict(total)
        try:
            STAGES[name](args)
        except Exception as e:  # a stage that cannot run is a failure, and the others still run
            print(f"FAIL {name}: {e}")
            add(failed=1)
        print(f"-- {name}: {total['passed'] - before['passed']} passed, {total['failed'] - before['failed']} failed "
              f"in {time.time() - began:.1f} s", flush=True)
    tail = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{tail}")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
