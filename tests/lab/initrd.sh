#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Make, from the root under $1, in the folder $2: vmlinuz and initrd of L1, and into the root: /lab/guest-base.img, the
# initramfs of the guests without its /init (L1 appends tests/lab/guest/init at boot, so editing that rebuilds nothing).
# Our own initrds of busybox and a few modules: initramfs-tools' cost seconds under emulation.
set -euo pipefail
root=$1
out=$2
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
kernel=$(basename "$root"/usr/lib/modules/*)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Paths, inside the root, of modules and of what they need, in the order to load them.
module_files() {
	local m
	for m in "$@"; do
		chroot "$root" modprobe -S "$kernel" --show-depends "$m" | awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++'
}

# Modules used at every boot are unpacked once here: xz under emulation is slow.
module_files ext4 virtio_blk 9p 9pnet_virtio igb igbvf vfio-pci kvm kvm_amd vhost_net macvtap 8021q virtio_net button evdev \
	bridge | while read -r f; do
	case $f in *.xz) xz -d "$root/$f" ;; esac
done
chroot "$root" depmod "$kernel"

pack() { # DIRECTORY FILE
	(cd "$1" && find . -mindepth 1 | chroot_cpio) > "$2"
}
# cpio comes from the lab's root: the host needs none.
chroot_cpio() { "$root/bin/busybox" cpio -o -H newc 2>/dev/null; }

modules_into() { # DIRECTORY MODULE…: copies them and writes the load order
	local dir=$1 f n=10
	shift
	mkdir -p "$dir/mod"
	for f in $(module_files "$@"); do
		case $f in
		*.xz) xz -dc "$root/$f" > "$dir/mod/$n-$(basename "$f" .xz)" ;;
		*) cp "$root/$f" "$dir/mod/$n-$(basename "$f")" ;;
		esac
		n=$((n + 1))
	done
}

# L1
d=$tmp/l1
mkdir -p "$d"/{bin,proc,sys,dev,root}
cp "$root/bin/busybox" "$d/bin/"
modules_into "$d" virtio_blk ext4 9pnet_virtio 9p
cp "$here/l1/initrd-init" "$d/init"
chmod 755 "$d/init"
pack "$d" "$out/initrd"

# The kernel, unpacked: QEMU boots an ELF kernel by its PVH entry, and unpacking it under emulation takes seconds at every boot.
# The compressed one is a zstd frame somewhere in vmlinuz, the first one that unpacks to an ELF file.
vmlinuz=$(echo "$root"/boot/vmlinuz-*)
while read -r offset; do
	tail -c +$((offset + 1)) "$vmlinuz" | chroot "$root" zstd -qdc > "$root/lab/vmlinux" 2> /dev/null || true # what follows is no zstd
	[ "$(head -c 4 "$root/lab/vmlinux" | tail -c 3)" != ELF ] || break
done < <(LC_ALL=C grep -aboP '\x28\xb5\x2f\xfd' "$vmlinuz" | cut -d: -f1)
[ "$(head -c 4 "$root/lab/vmlinux" | tail -c 3)" = ELF ] || cp "$vmlinuz" "$root/lab/vmlinux"
chmod 644 "$root/lab/vmlinux"
ln "$root/lab/vmlinux" "$out/vmlinux"

# the guests
d=$tmp/guest
mkdir -p "$d"/{bin,sbin,etc,proc,sys,dev,run,tmp}
cp "$root/bin/busybox" "$d/bin/"
modules_into "$d" button evdev virtio_net net_failover igbvf
mkdir -p "$root/lab"
pack "$d" "$root/lab/guest-base.img"
