#!/bin/bash
# `make run`: proxy and dashboard from a state directory of their own, until Ctrl-C or SIGTERM.
#   STATE=./var PROXY_PORT=3128 ADMIN_PORT=8443 BUILD=build/release ALLOW_PRIVATE= packaging/run.sh
# Both listen on 127.0.0.1 alone. Exit: 0 ended by a signal, 1 cannot start, 2 a program ended by itself.
set -u
BUILD=${BUILD:-build/release}
PROXY_PORT=${PROXY_PORT:-3128}
ADMIN_PORT=${ADMIN_PORT:-8443}
SHOWN=${STATE:-./var}
fail() { echo "error: run: $*" >&2; exit 1; }

for p in "$PROXY_PORT" "$ADMIN_PORT"; do
    [[ $p =~ ^[0-9]{1,5}$ ]] && ((p > 0 && p < 65536)) || fail "\"$p\" is no port"
done
for p in adminui proxyd proxyctl; do
    [ -x "$BUILD/$p" ] || fail "$BUILD/$p is missing; run make first"
done
(umask 077 && mkdir -p "$SHOWN") || fail "the state directory $SHOWN cannot be made"
STATE=$(cd "$SHOWN" && pwd) || exit 1
BUILD=$(cd "$BUILD" && pwd) || exit 1
CONF=$STATE/proxyd.conf

exec 9>"$STATE/run.lock" || fail "$SHOWN cannot be written"
flock -n 9 || fail "another make run works in $SHOWN; end it, or say make run STATE=other-folder"

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for v in PROXY_PORT ADMIN_PORT; do
    if listens "${!v}"; then fail "port ${!v} of 127.0.0.1 is in use; end that program, or say make run $v=other-port"; fi
done

# A file without the first line below is the user's own and stays as it is.
mark='# written by make run at each start; remove this line to keep your changes'
if [ ! -e "$CONF" ] || [ "$(head -n 1 "$CONF")" = "$mark" ]; then
    (umask 077 && cat >"$CONF") <<EOF
$mark
[state]
dir = $STATE
[proxy]
listen = 127.0.0.1:$PROXY_PORT
user = $(id -un)
# Addresses of this machine and of private networks are refused; to reach a server of your own:
# make run ALLOW_PRIVATE=loopback   (or private, or a network like 192.168.1.0/24)
allow-private = ${ALLOW_PRIVATE:-}
[admin]
listen = 127.0.0.1:$ADMIN_PORT
EOF
else
    echo "info: run: $SHOWN/proxyd.conf is kept as you changed it; PROXY_PORT, ADMIN_PORT and ALLOW_PRIVATE are not used"
fi

admin='' proxy='' relay='' ending=''
# The programs get no Ctrl-C of their own (another session), and end with us even when we are killed.
launch() { exec setsid setpriv --pdeathsig TERM -- "$@" 9>&-; }

finish() {                          # finish EXIT-CODE: ends what runs, the proxy first
    trap '' INT TERM HUP
    for pid in $proxy $admin; do kill -TERM "$pid" 2>/dev/null; done
    for pid in $proxy $admin; do wait "$pid" 2>/dev/null; done
    [ -z "$relay" ] || wait "$relay" 2>/dev/null
    exit "$1"
}
trap 'ending=1' INT TERM HUP

pipe=$STATE/.adminui-output
rm -f "$pipe" && mkfifo -m 600 "$pipe" || fail "$SHOWN cannot be written"
launch "$BUILD/adminui" --config "$CONF" >"$pipe" 2>&1 &
admin=$!
exec 3<"$pipe"
rm -f "$pipe"

# What adminui says is passed on; the first start's password is kept for the text below.
password=
for _ in $(seq 600); do
    while IFS= read -r -t 0.05 line <&3; do
        if [[ $line =~ password=\"?([^\"[:space:]]+) ]]; then password=${BASH_REMATCH[1]}; else echo "$line" >&2; fi
    done
    [ -z "$ending" ] || finish 0
    kill -0 "$admin" 2>/dev/null || { cat <&3 >&2; admin=''; finish 1; }
    listens "$ADMIN_PORT" && break
    sleep 0.05
done
listens "$ADMIN_PORT" || { echo "error: run: adminui does not answer on port $ADMIN_PORT" >&2; finish 1; }
while IFS= read -r -t 0.1 line <&3; do
    if [[ $line =~ password=\"?([^\"[:space:]]+) ]]; then password=${BASH_REMATCH[1]}; else echo "$line" >&2; fi
done
(trap '' INT TERM HUP && exec cat <&3 >&2 9>&-) &
relay=$!
exec 3<&-

launch "$BUILD/proxyd" --config "$CONF" &
proxy=$!
for _ in $(seq 300); do
    [ -z "$ending" ] || finish 0
    kill -0 "$proxy" 2>/dev/null || { proxy=''; finish 1; }
    listens "$PROXY_PORT" && break
    sleep 0.1
done
listens "$PROXY_PORT" || { echo "error: run: proxyd does not answer on port $PROXY_PORT" >&2; finish 1; }

ctl=$BUILD/proxyctl
case $ctl in "$PWD"/*) ctl=${ctl#"$PWD"/} ;; esac
sock=$STATE/admin.sock
case $sock in "$PWD"/*) sock=${sock#"$PWD"/} ;; esac
if [ -n "$password" ]; then
    who="user      admin
    password  $password   (for the first log-in; you choose your own there)"
else
    who="user      admin, with the password you chose"
fi
cat <<EOF

proxyd is running.

    dashboard https://127.0.0.1:$ADMIN_PORT/   (the certificate is its own: let the browser continue)
    $who
    proxy     127.0.0.1:$PROXY_PORT
    PAC file  http://127.0.0.1:$PROXY_PORT/proxy.pac

Try, in another terminal:

    curl -x http://127.0.0.1:$PROXY_PORT https://example.com/
    curl -x http://127.0.0.1:$PROXY_PORT http://blocked.example/
    $ctl --socket $sock status

Servers on this machine and on private networks are refused unless you allow them:
make run ALLOW_PRIVATE=loopback. Ctrl-C ends both programs; all they know stays in $SHOWN.
EOF

while [ -z "$ending" ]; do
    wait -n "$admin" "$proxy" 2>/dev/null
    code=$?
    [ -z "$ending" ] || break
    for name in proxy admin; do
        pid=${!name}
        kill -0 "$pid" 2>/dev/null && continue
        printf -v "$name" ''
        echo "error: run: $([ $name = proxy ] && echo proxyd || echo adminui) ended by itself (exit code $code)" >&2
        finish 2
    done
done
echo
echo "info: run: ending"
finish 0
