#!/bin/sh
# `make install`: what was built, into DESTDIR/PREFIX. An existing proxyd.conf is kept.
#   BUILD=build/release DESTDIR= PREFIX=/usr/local packaging/install.sh
set -eu
BUILD=${BUILD:-build/release}
DESTDIR=${DESTDIR:-}
PREFIX=${PREFIX:-/usr/local}
here=$(dirname "$0")
root=$here/..

for p in proxyd adminui proxyctl; do
    [ -x "$BUILD/$p" ] || { echo "error: install: $BUILD/$p is missing; run make first" >&2; exit 1; }
done
to=$DESTDIR$PREFIX
put() { install -D -m "$1" "$2" "$3"; }                 # put MODE FILE TARGET
fill() { sed -e "s|@BINDIR@|$PREFIX/sbin|g" -e 's|@SYSCONFDIR@|/etc|g' "$1"; }

put 755 "$BUILD/proxyd" "$to/sbin/proxyd"
put 755 "$BUILD/adminui" "$to/sbin/adminui"
put 755 "$BUILD/proxyctl" "$to/bin/proxyctl"
put 644 "$here/proxyd.conf" "$to/share/proxyd/proxyd.conf"
[ -e "$DESTDIR/etc/proxyd/proxyd.conf" ] || put 644 "$here/proxyd.conf" "$DESTDIR/etc/proxyd/proxyd.conf"

rm -rf "$to/share/proxyd/web"
if [ -e "$root/web/dist/index.html" ]; then
    mkdir -p "$to/share/proxyd/web"
    cp -R "$root/web/dist/." "$to/share/proxyd/web/"
    find "$to/share/proxyd/web" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
else
    echo "warn: install: web/dist is not built, the dashboard's pages are left out" >&2
fi

mkdir -p "$to/lib/systemd/system" "$to/lib/sysusers.d"
for unit in proxyd.service proxyd-admin.service; do
    fill "$here/systemd/$unit" >"$to/lib/systemd/system/$unit"
done
put 644 "$here/systemd/proxyd.sysusers" "$to/lib/sysusers.d/proxyd.conf"
chmod 644 "$to/lib/systemd/system/proxyd.service" "$to/lib/systemd/system/proxyd-admin.service"
for page in proxyd.8 adminui.8 proxyctl.1; do
    put 644 "$here/man/$page" "$to/share/man/man${page##*.}/$page"
done

# On the machine itself, not into a package's tree: the user both programs run as.
if [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ] && ! id proxyd >/dev/null 2>&1; then
    echo "info: install: making the system user proxyd"
    useradd --system --user-group --home-dir /var/lib/proxyd --no-create-home --shell /usr/sbin/nologin proxyd
fi
if [ -z "$DESTDIR" ]; then
    echo "info: install: done. Next: edit /etc/proxyd/proxyd.conf, then"
    echo "      systemctl daemon-reload && systemctl enable --now proxyd-admin proxyd"
    echo "      journalctl -u proxyd-admin   shows the first password of the user admin"
fi
