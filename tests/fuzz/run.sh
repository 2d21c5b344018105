#!/bin/bash
# libFuzzer over every target of tests/fuzz, SECONDS in all, under ASan and UBSan. Seeds come from
# tests/fuzz/corpus; what is found stays in build/fuzz-clang/corpus, a crash in build/fuzz-clang/crash.
#   run.sh SECONDS CPPFLAGS LIBS [TARGET...]
set -euo pipefail
seconds=${1:-60} cppflags=${2:-"-D_GNU_SOURCE -I."} libs=${3:-}
shift $(($# < 3 ? $# : 3))
cd "$(dirname "$0")/../.."
out=build/fuzz-clang
command -v clang >/dev/null || { echo 'error: fuzz: clang is missing (packaging/deps.sh check)' >&2; exit 1; }
mkdir -p "$out/crash"

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for f in tests/fuzz/fuzz_*.c; do targets+=("$(basename "$f" .c)"); done
fi

flags="-std=c17 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
# Every library room, so that any target links; a room that clang does not take is left out and named.
compile() {
    local object="$out/obj/${1%.c}.o"
    mkdir -p "$(dirname "$object")"
    if [ ! -e "$object" ] || [ "$(find "$1" base policies convert db pac proxyd adminui -newer "$object" -name '*.[ch]' -print -quit)" ]; then
        clang $flags -fsanitize=fuzzer-no-link $cppflags -c "$1" -o "$object" 2>"$object.log" ||
            { rm -f "$object"; echo "warning: fuzz: $1 does not compile, left out" >&2; }
    fi
}
export -f compile
export out flags cppflags
find base policies pac convert db proxyd adminui -name '*.c' ! -path 'proxyd/main/*' ! -path 'adminui/ctl/*' ! -path adminui/main.c -print0 | xargs -0 -P 2 -I{} bash -c 'compile {}'
rm -f "$out/all.a"
find "$out/obj" -name '*.o' -print0 | xargs -0 ar rcs "$out/all.a"

each=$((seconds / ${#targets[@]}))
[ "$each" -ge 1 ] || each=1
bad=0
for t in "${targets[@]}"; do
    name=${t#fuzz_}
    mkdir -p "$out/corpus/$name"
    clang $flags -fsanitize=fuzzer $cppflags "tests/fuzz/$t.c" "$out/all.a" $libs -lldap -llber -linih -lpthread -lm -o "$out/$t"
    if "$out/$t" -max_total_time="$each" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$out/crash/$name-" "$out/corpus/$name" "tests/fuzz/corpus/$name" >"$out/$t.log" 2>&1; then
        echo "ok   $t $(sed -n 's/^stat::number_of_executed_units: */runs /p' "$out/$t.log") in ${each} s"
    else
        echo "FAIL $t, see $out/$t.log and $out/crash/"
        tail -40 "$out/$t.log"
        bad=1
    fi
done
exit $bad
