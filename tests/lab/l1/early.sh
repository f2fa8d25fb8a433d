#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1, once at boot, before systemd: what it and libvirt look for only when they start must be there.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Drivers load beside the start of systemd, which has one thread. The first probe of a NIC takes a second.
{
	modprobe -a igb
	modprobe -a kvm_amd vfio-pci vhost_net macvtap 8021q 2> /dev/null || modprobe -a kvm_intel vfio-pci vhost_net macvtap 8021q
} < /dev/null > /dev/null 2>&1 &
/tree/tests/lab/l1/stage.sh boot
if [ -e /usr/lib/sysusers.d/sriovd.conf ]; then systemd-sysusers /usr/lib/sysusers.d/sriovd.conf; fi
# What libvirt found out about this QEMU in an earlier boot; it checks itself whether that still holds (kernel, CPU, binaries).
caps=/var/cache/libvirt/qemu/capabilities
if [ -d /results/capabilities ]; then mkdir -p "$caps"; cp /results/capabilities/*.xml "$caps/"; fi
mkdir -p /var/lib/guests /var/log/guests
chmod 1777 /var/lib/guests /var/log/guests
