#!/bin/bash
# Starts proxyd on 127.0.0.1:PORT for measuring:   start-proxyd.sh PORT [DIR] [CPU-LIST]
# Writes DIR/pids (proxyd first), returns when it listens and runs the policy; end it with
# kill $(head -1 DIR/pids). adminui runs only while the policy is published. Variants by environment:
#   PX_POLICY=FILE      policy document to publish (default: allow everything)
#   PX_CATEGORIES="name=file ..."   domain lists to import first
#   PX_TREE=FILE             tar of category lists to import first
#   PX_USERS=n          local users user0..: password "password-0".. to log in with
#   PX_WORKERS=1        worker threads
#   PX_RESOLVERS=address:port       name server (default: the system's)
#   BUILD=build/release
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-$HERE/../../build/release}
PORT=${1:?port}
W=${2:-$(mktemp -d /tmp/proxyd-bench.XXXXXX)}
CPUS=${3:-}
ADMIN=$((PORT + 5))
mkdir -p "$W" && chmod 700 "$W"
ulimit -n "$(ulimit -Hn)"

cat >"$W/proxyd.conf" <<EOF
[state]
dir = $W
[proxy]
listen = 127.0.0.1:$PORT
workers = ${PX_WORKERS:-1}
user = $(id -un)
allow-private = 127.0.0.0/8
${PX_RESOLVERS:+resolvers = $PX_RESOLVERS}
[admin]
listen = 127.0.0.1:$ADMIN
EOF

wait_port() {
    for _ in $(seq $(($2 * 20))); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
        sleep 0.05
    done
    echo "error: start-proxyd: nothing listens on $1 after $2 s; see $W" >&2
    return 1
}

admin='' proxy=''
cleanup() { for p in $admin $proxy; do kill "$p" 2>/dev/null || true; done; }
trap cleanup EXIT
"$BUILD/adminui" --config "$W/proxyd.conf" >"$W/adminui.out" 2>&1 &
admin=$!
wait_port "$ADMIN" 20
${CPUS:+taskset -c "$CPUS"} "$BUILD/proxyd" --config "$W/proxyd.conf" >"$W/proxyd.out" 2>&1 &
proxy=$!
wait_port "$PORT" 20

ctl() { "$BUILD/proxyctl" --socket "$W/admin.sock" "$@" >>"$W/ctl.out" 2>&1 ||
    { tail -5 "$W/ctl.out" >&2; return 1; }; }
[ -z "${PX_TREE:-}" ] || ctl category import-tree "$PX_TREE"
for c in ${PX_CATEGORIES:-}; do ctl category import "${c%%=*}" "${c#*=}"; done
for i in $(seq 0 $((${PX_USERS:-0} - 1))); do echo "password-$i" | ctl user add "user$i"; done
if [ -z "${PX_POLICY:-}" ]; then
    PX_POLICY=$W/allow.json
    printf '{"comment":"","identity":"never","default":{"action":"allow"},"schedules":[],"lists":[],"rules":[],"tests":[]}' >"$PX_POLICY"
fi
ctl policy publish "$PX_POLICY" --comment bench
kill "$admin" && wait "$admin" 2>/dev/null || true
trap - EXIT
{ echo "$proxy"; tr ' ' '\n' <"/proc/$proxy/task/$proxy/children"; } >"$W/pids" # the keeper, the one that serves
echo "$W $proxy"
