#!/bin/sh
# `make deb`: a Debian package in build/, from what was built. Needs dpkg-deb alone.
#   BUILD=build/release VERSION=0.1.0 packaging/deb.sh
set -eu
BUILD=${BUILD:-build/release}
VERSION=${VERSION:?VERSION}
here=$(cd "$(dirname "$0")" && pwd)
tree=build/package                               # not below BUILD: make reads every *.d there
arch=$(dpkg --print-architecture)
out=build/proxyd_${VERSION}_$arch.deb

umask 022
rm -rf "$tree"
mkdir -p "$tree/DEBIAN" build
BUILD=$BUILD DESTDIR=$tree PREFIX=/usr "$here/install.sh"
rm -rf "$tree/etc"                               # postinst writes it from the three answers
strip --strip-unneeded "$tree/usr/sbin/proxyd" "$tree/usr/sbin/adminui" "$tree/usr/bin/proxyctl"
gzip -9n "$tree"/usr/share/man/man*/*
mkdir -p "$tree/usr/share/doc/proxyd"
printf 'proxyd %s\n' "$VERSION" >"$tree/usr/share/doc/proxyd/copyright"

# The packages of the libraries the programs name themselves.
needed() {
    for p in "$tree/usr/sbin/proxyd" "$tree/usr/sbin/adminui" "$tree/usr/bin/proxyctl"; do
        names=$(objdump -p "$p" | awk '$1 == "NEEDED" { print $2 }')
        for lib in $names; do
            ldd "$p" | awk -v lib="$lib" '$1 == lib { print $3 }'
        done
    done | sort -u
}
depends=$(for file in $(needed); do
    real=$(readlink -f "$file")
    dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}"
done | cut -d: -f1 | sort -u | paste -sd, - | sed 's/,/, /g')
[ -n "$depends" ] || { echo "error: deb: the libraries' packages were not found" >&2; exit 1; }

cat >"$tree/DEBIAN/control" <<EOF
Package: proxyd
Version: $VERSION
Architecture: $arch
Maintainer: proxyd <root@localhost>
Section: web
Priority: optional
Installed-Size: $(du -sk "$tree/usr" | cut -f1)
Depends: $depends, debconf (>= 0.5) | debconf-2.0, passwd, tzdata
Recommends: ca-certificates
Description: filtering web proxy with dashboard
 Forward proxy for an organisation: LDAP and local users, category lists, URL
 patterns, PAC files, access records, and a dashboard that explains each
 decision.
EOF
for f in config postinst prerm postrm; do install -m 755 "$here/debian/$f" "$tree/DEBIAN/$f"; done
install -m 644 "$here/debian/templates" "$tree/DEBIAN/templates"
(cd "$tree" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
dpkg-deb --root-owner-group -Zxz --build "$tree" "$out" >/dev/null
echo "info: deb: $out"
