#!/bin/sh
# clang-tidy over every C file of the programs; takes the compiler flags as its one argument.
set -eu
cd "$(dirname "$0")/../.."
find base policies pac db proxyd adminui -name '*.c' -print0 |
    xargs -0 -P "$(nproc)" -n 4 sh -c 'flags=$0; clang-tidy --quiet "$@" -- -std=c17 -D_GNU_SOURCE -I. $flags 2>/dev/null' "${1:-}"
