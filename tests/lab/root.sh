#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Build the lab's root: a Debian 13 tree (QEMU for L1 runs out of it), its ext4 image, L1's kernel and initrd, and the
# base of the guests' initramfs. Usage: root.sh DIRECTORY (must not exist). Called by lab.sh, under its lock.
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/mirror.sh"
out=$1
start=$EPOCHREALTIME
say() { awk -v a="$start" -v b="$EPOCHREALTIME" -v t="$*" 'BEGIN { printf "lab root: %5.1f s  %s\n", b - a, t }' >&2; }

mirror=$(lab_mirror)
[ -n "$mirror" ] || { echo "lab root: no Debian archive in /etc/apt; set LAB_MIRROR to one" >&2; exit 1; }
packages=$(sed 's/#.*//' "$here/packages.txt" | tr -s ' \t\n' ,)
packages=${packages#,}
packages=${packages%,}
mkdir -p "$out"
root=$out/root

say "Debian 13 from this machine's own archive"
# Of a proxy only apt itself knows: hand it on.
proxy=()
for p in http https; do
	v=$(apt-config dump --format '%v%n' "Acquire::$p::Proxy" 2>/dev/null || true)
	[ -z "$v" ] || proxy+=(--aptopt="Acquire::$p::Proxy \"$v\"")
done
# shellcheck disable=SC2016  # the hooks expand their own "$1"
timeout -k 10 1500 mmdebstrap --quiet --mode=root --variant=minbase "${proxy[@]}" \
	--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "5"' --aptopt='Acquire::Languages "none"' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='force-unsafe-io' \
	--setup-hook='mkdir -p "$1"/etc/initramfs-tools/conf.d "$1"/etc/kernel/postinst.d' \
	--setup-hook='printf "#!/bin/sh\nexit 0\n" > "$1"/etc/kernel/postinst.d/initramfs-tools; chmod 755 "$1"/etc/kernel/postinst.d/initramfs-tools' \
	--dpkgopt='force-confold' --include="$packages" \
	trixie "$root" "deb $mirror trixie main" > "$out/build.log" 2>&1 ||
	{ tail -n 30 "$out/build.log" >&2; exit 1; }

say "settings"
"$here/l1/settings.sh" "$root"

say "initrds"
"$here/initrd.sh" "$root" "$out"

say "image"
# Big enough for logs and guests' disks; sparse, and booted with snapshot=on, so never written to.
mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -L lab -d "$root" "$out/root.img" 4G > /dev/null
say "done: $(du -sh --apparent-size "$root" | cut -f1)"
