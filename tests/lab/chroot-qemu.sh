#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a mount namespace of our own: join the lab's root, the tree and the state folder, and become QEMU in there.
# Usage: chroot-qemu.sh CACHE-ENTRY TREE STATE QEMU-ARGUMENT...
set -euo pipefail
images=$1 tree=$2 state=$3
shift 3
root=$images/root
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$images" "$root/lab/images"
mount --bind "$state/run" "$root/lab/run"
mount --bind "$state/share" "$root/results"
mount --bind -o ro "$tree" "$root/tree"
# the overlay of snapshot=on goes to TMPDIR
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin TMPDIR=/lab/run /usr/bin/qemu-system-x86_64 "$@"
