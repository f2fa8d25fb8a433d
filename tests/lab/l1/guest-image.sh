#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: the guests' initramfs is the base made with the root plus today's /init (an initramfs may be several archives), and
# a virtio_net that does not know failover, as other systems' drivers do not (lab.nostandby): in its list of features
# VIRTIO_NET_F_STANDBY (62) stands between F_SPEED_DUPLEX (63) and F_RSS (60); there the 63 before it stands twice. Its signature is no more to be found: without one it is taken, with a wrong one not.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp /tree/tests/lab/guest/init "$tmp/"
mkdir "$tmp/nostandby"
LC_ALL=C sed 's/~Module signature appended~/~Module signature is gone../;s/\x3f\x00\x00\x00\x3e\x00\x00\x00\x3c\x00\x00\x00/\x3f\x00\x00\x00\x3f\x00\x00\x00\x3c\x00\x00\x00/' \
	"/usr/lib/modules/$(uname -r)/kernel/drivers/net/virtio_net.ko" > "$tmp/nostandby/virtio_net.ko"
# For guests that touch their VF's filters: VLANs and more MACs. Loaded by who wants them (insmod /more/*.ko, in this order).
mkdir "$tmp/more"
n=10
for f in $(modprobe -S "$(uname -r)" -a --show-depends 8021q macvlan | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
	cp "$f" "$tmp/more/$n-${f##*/}"
	n=$((n + 1))
done
{
	cat /lab/guest-base.img
	cd "$tmp" && find . -mindepth 1 | /bin/busybox cpio -o -H newc 2> /dev/null
} > /lab/guest.img
chmod 644 /lab/guest.img
