#!/bin/bash
# The README's first command on a bare Debian 12; see README.md here.
#   run.sh [BASE]      environment: CHECK=1 also make check, KEEP=1 keep the root, REF=HEAD what to take,
#                      PROXY_PORT, ADMIN_PORT where 3128 and 8443 are taken, LIMIT=1800 seconds for make run
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
LIMIT=${LIMIT:-1800}
say() { echo "bare: $*"; }
fail() { echo "error: bare: $*" >&2; exit 1; }

# --- inside: mounts of our own, the root in $R, processes that end with us ---------------------------
in_root() {
    chroot "$R" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        NODE_EXTRA_CA_CERTS=/etc/machine-ca.crt npm_config_cafile=/etc/machine-ca.crt \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} "$@"
}

ask() {                             # ask WHAT WANTED curl-arguments...: the body or the status must hold WANTED
    local what=$1 wanted=$2 got
    shift 2
    got=$(in_root curl -sS -k --noproxy '' --max-time 10 -w '\n%{http_code} %{content_type}' "$@" 2>&1) || true
    case $got in *"$wanted"*) say "ok   $what" ;;
    *) say "FAIL $what: wanted $wanted in: ${got:0:600}"; bad=$((bad + 1)) ;; esac
}

inside() {
    mount --make-rprivate /
    mount -t proc proc "$R/proc"
    mount --rbind /dev "$R/dev"
    mount -t sysfs -o ro sysfs "$R/sys" 2>/dev/null || true
    began=$SECONDS bad=0 out=$R/root/make-run.out
    in_root apt-get update -qq
    in_root apt-get install -y -qq make >/dev/null
    say "make is there after $((SECONDS - began)) s"
    in_root make -C /root/source run PROXY_PORT="$PROXY_PORT" ADMIN_PORT="$ADMIN_PORT" >"$out" 2>&1 &
    make=$!
    until grep -q '^proxyd is running' "$out"; do
        kill -0 $make 2>/dev/null || { tail -n 60 "$out"; fail "make run ended by itself"; }
        [ $((SECONDS - began)) -lt "$LIMIT" ] || { tail -n 60 "$out"; fail "not up after $LIMIT s"; }
        sleep 1
    done
    say "proxy and dashboard are up after $((SECONDS - began)) s"
    proxy=http://127.0.0.1:$PROXY_PORT admin=https://127.0.0.1:$ADMIN_PORT
    ask "the dashboard is served" "<script" "$admin/"
    ask "the API answers" "200 " "$admin/healthz"
    ask "the PAC file is served" "FindProxyForURL" "$proxy/proxy.pac"
    ask "the starter policy blocks" "403 " -x "$proxy" http://blocked.example/
    ask "a private address is refused" "403 " -x "$proxy" "http://127.0.0.1:$PROXY_PORT/"
    in_root sh -c 'cd /root/source && build/release/proxyctl --socket var/admin.sock status' >"$R/root/status.out" 2>&1 ||
        { say "FAIL proxyctl status: $(head -c 600 "$R/root/status.out")"; bad=$((bad + 1)); }
    # SIGTERM to make itself, as a service manager or `docker stop` would do it.
    target=$(pgrep -P "$make" -x make 2>/dev/null | head -n 1 || true)
    kill -TERM "${target:-$make}"
    for _ in $(seq 150); do
        pgrep -x proxyd >/dev/null || pgrep -x adminui >/dev/null || break
        sleep 0.1
    done
    if pgrep -x proxyd >/dev/null || pgrep -x adminui >/dev/null; then
        say "FAIL a program still runs 15 s after SIGTERM"; bad=$((bad + 1))
    else
        say "ok   SIGTERM ends both"
    fi
    say "done after $(((SECONDS - began + 30) / 60)) min ($((SECONDS - began)) s)"
    sed 's/^/    /' "$out" | grep -v password | tail -n 25
    if [ -n "${CHECK:-}" ]; then
        began=$SECONDS
        in_root make -C /root/source check >"$R/root/make-check.out" 2>&1 || bad=$((bad + 1))
        tail -n 15 "$R/root/make-check.out"
        grep -E '^(FAIL|FAILED|ERROR)' "$R/root/make-check.out" | head -n 60 || true
        cp "$R/root/make-check.out" "${CHECK_OUT:-/dev/null}" 2>/dev/null || true
        say "make check took $(((SECONDS - began + 30) / 60)) min ($((SECONDS - began)) s)"
    fi
    [ "$bad" = 0 ] || fail "$bad checks failed"
    say "all fine"
}

if [ "${1:-}" = --inside ]; then
    inside
    exit
fi

# --- outside -----------------------------------------------------------------------------------------
[ "$(id -u)" = 0 ] || fail "needs root (chroot and mounts)"
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
export PROXY_PORT=${PROXY_PORT:-3128} ADMIN_PORT=${ADMIN_PORT:-8443} LIMIT
for p in "$PROXY_PORT" "$ADMIN_PORT"; do
    if listens "$p"; then fail "port $p is in use; set PROXY_PORT and ADMIN_PORT"; fi
done

WORK=$(mktemp -d "${TMPDIR:-/tmp}/proxyd-bare.XXXXXX")
export R=$WORK/root
cleanup() { if [ -n "${KEEP:-}" ]; then say "kept: $R"; else rm -rf --one-file-system "$WORK"; fi; }
trap cleanup EXIT
trap 'exit 1' INT TERM
if [ -n "${1:-}" ]; then
    [ -x "$1/usr/bin/apt-get" ] || fail "$1 is no Debian root"
    cp -a "$1" "$R"
else
    command -v debootstrap >/dev/null || fail "debootstrap is not installed"
    debootstrap --variant=minbase bookworm "$R" ${MIRROR:+"$MIRROR"} >"$WORK/debootstrap.log" 2>&1 ||
        { tail "$WORK/debootstrap.log"; fail "debootstrap failed"; }
fi
say "the root is there after $SECONDS s"
if [ -e /etc/apt/sources.list.d/debian.sources ]; then
    rm -f "$R/etc/apt/sources.list"
    cp /etc/apt/sources.list.d/debian.sources "$R/etc/apt/sources.list.d/"
fi
cp -L /etc/resolv.conf "$R/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$R/etc/machine-ca.crt"
mkdir -p "$R/root/source"
git -C "$SOURCE" -c safe.directory="$SOURCE" archive "${REF:-HEAD}" | tar -x -C "$R/root/source"
unshare --mount --mount-proc --pid --fork --kill-child "$0" --inside
