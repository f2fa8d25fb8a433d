#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: the guests' initramfs is the base made with the root plus today's /init (an initramfs may be several archives).
{
	cat /lab/guest-base.img
	cd /tree/tests/lab/guest && printf 'init\n' | /bin/busybox cpio -o -H newc 2> /dev/null
} > /lab/guest.img
chmod 644 /lab/guest.img
