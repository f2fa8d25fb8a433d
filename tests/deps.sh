#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh [build]: installs what building and testing need, by Debian package name; with "build" only what make,
# make unit and make install need, and no compiler but gcc, no lab. Quick when all is there.
set -eu
packages="gcc make pkg-config libc6-dev libglib2.0-dev libjansson-dev libxml2-dev libnl-3-dev libnl-route-3-dev
	libpci-dev libvirt-dev libsystemd-dev libsqlite3-dev libacl1-dev libcmocka-dev"
[ "${1:-}" = build ] || packages="$packages clang clang-format libclang-rt-14-dev|libclang-rt-19-dev
	mmdebstrap e2fsprogs xz-utils mandoc shellcheck"

installed() {
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

missing=
for names in $packages; do
	found=
	for name in ${names//|/ }; do
		installed "$name" && found=1
	done
	[ -n "$found" ] && continue
	# The first of the alternatives that this Debian release has.
	for name in ${names//|/ }; do
		candidate=$name
		apt-cache show "$name" >/dev/null 2>&1 && break
	done
	missing="$missing $candidate"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "deps: these packages are missing and need root to install:$missing" >&2
	exit 1
fi
echo "deps: installing$missing"
apt-get -qq update || true
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends $missing >/dev/null
