#!/bin/sh
# clang-tidy over every C file of the programs; takes the compiler flags as its one argument.
set -eu
cd "$(dirname "$0")/../.."
git ls-files 'base/*.c' 'policies/*.c' 'pac/*.c' 'db/*.c' 'proxyd/*.c' 'adminui/*.c' |
    xargs -P "$(nproc)" -n 4 sh -c 'flags=$0; clang-tidy --quiet "$@" -- -std=c17 -D_GNU_SOURCE -I. $flags 2>/dev/null' "${1:-}"
