#!/bin/sh
# Fails when a C file is not laid out as .clang-format says; `make format` mends it.
set -eu
cd "$(dirname "$0")/../.."
bad=$(find base policies pac convert db proxyd adminui tests -name '*.[ch]' -print0 | xargs -0 -r clang-format --dry-run 2>&1 | grep -oE '^[^ :]+\.[ch]:' | sort -u || true)
[ -z "$bad" ] || { echo "not laid out (make format):"; echo "$bad"; exit 1; }
echo "format: all C files are laid out"
