#!/bin/sh
# `make bench`: see README.md here.   run.sh [BUILD]      SECS=4 RUNS=3 ROWS=all TOOLS=../shared/tools
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec /usr/bin/python3 "$here/bench.py" "$(cd "${1:-$here/../../build/release}" && pwd)"
