"""The short form of bench/overload.py: more than the proxy can or may do; what it must show is in its table."""
import os
import subprocess
import sys

import pytest

from lib.daemons import BUILD

BENCH = os.path.join(os.path.dirname(__file__), "../bench")
TOOLS = os.path.abspath(os.environ.get("TOOLS", os.path.join(BENCH, "../../../shared/tools")))


@pytest.mark.skipif(os.environ.get("MODE", "release") != "release", reason="figures of a sanitizer build say nothing")
@pytest.mark.skipif(not os.path.exists(f"{TOOLS}/pxload/pxload.c"), reason="the load generator is not beside the project")
def test_overload():
    r = subprocess.run([sys.executable, f"{BENCH}/overload.py", BUILD, "--short"], capture_output=True, text=True, timeout=150,
                       env={**os.environ, "TOOLS": TOOLS, "PYTHONWARNINGS": "ignore"})
    assert r.returncode == 0, r.stdout[-4000:] + r.stderr[-3000:]
