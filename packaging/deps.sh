#!/bin/sh
# Installs what a group of make targets needs, only when something of it is missing, saying so first.
#   deps.sh build|web|check|bench
# With sudo when not root. Services that come with test peers are kept from starting.
set -eu
group=${1:?usage: deps.sh build|web|check|bench}

build='gcc libc6-dev pkg-config libjansson-dev libsqlite3-dev libpcre2-dev libc-ares-dev libidn2-dev libpsl-dev
libargon2-dev libssl-dev libxxhash-dev libzstd-dev libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev
libarchive-dev libldap-dev libinih-dev libvectorscan-dev curl ca-certificates openssl'
check='python3 python3-pytest python3-requests python3-h11 python3-ldap3 libcmocka-dev clang-format clang-tidy slapd ldap-utils nginx-light dnsmasq-base
squid-openssl chromium zstd procps iproute2 util-linux git duktape libpacparser1 mujs'
bench='squid-openssl trafficserver haproxy nginx-light dnsmasq-base liburing-dev python3 zstd'
web=''
case $group in
build) want=$build ;;
web)
    if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; then exit 0; fi
    want='nodejs npm' ;;
check)
    want=$check
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then want="$want nodejs npm"; fi ;;
bench) want=$bench ;;
*) echo "usage: deps.sh build|web|check|bench" >&2; exit 1 ;;
esac

missing=
for p in $want; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)" != installed ]; then
        missing="$missing $p"
    fi
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: deps: missing packages, and no apt-get to install them with:$missing" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
echo "info: deps: installing for '$group':$missing"

# Peers for tests must not start as services of this machine.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ "$group" != build ] && [ "$group" != web ] && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
    made_policy=1
fi
cleanup() { if [ -n "$made_policy" ]; then $sudo rm -f "$policy"; fi; }
trap cleanup EXIT
export DEBIAN_FRONTEND=noninteractive
install() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; }
if ! install 2>/dev/null; then
    $sudo apt-get update -qq
    install
fi
