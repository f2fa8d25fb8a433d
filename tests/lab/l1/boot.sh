#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1, once at boot: drivers, what was built, libvirt. Leaves the seconds that each step was done at in boot.log.
set -u
lap() { echo "$1 $(cut -d' ' -f1 /proc/uptime)"  >> /results/boot.log; }
arg() { sed -n "s/.*\blab\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
rm -f /results/boot.log
lap share

/tree/tests/lab/l1/stage.sh no-restart
mkdir -p /var/lib/guests /var/log/guests
chmod 1777 /var/lib/guests /var/log/guests
# What libvirt found out about this QEMU in an earlier boot; it checks itself whether that still holds (kernel, CPU, binaries).
caps=/var/cache/libvirt/qemu/capabilities
if [ -d /results/capabilities ]; then mkdir -p "$caps"; cp /results/capabilities/*.xml "$caps/"; fi
lap stage

modprobe -a kvm_amd vfio-pci vhost_net macvtap 8021q 2>/dev/null || modprobe -a kvm_intel vfio-pci vhost_net macvtap 8021q
for ((i = 1; i <= $(arg nics); i++)); do
	n=0
	until [ -e "/sys/class/net/enp${i}s0" ] || [ $((n++)) -gt 300 ]; do sleep 0.1; done
done
n=0
until [ -w /dev/kvm ] || [ $((n++)) -gt 100 ]; do sleep 0.1; done
lap drivers
/tree/tests/lab/l1/hold.sh &

# libvirt's first look at QEMU's capabilities must see /dev/kvm, or it says that there is no q35.
n=0
until [ -S /run/libvirt/libvirt-sock ] || [ $((n++)) -gt 300 ]; do sleep 0.1; done
timeout 60 virsh -q domcapabilities --virttype kvm --machine q35 > /dev/null
if [ ! -d /results/capabilities ]; then cp -r "$caps" /results/capabilities; fi
lap libvirt

if [ -e /usr/lib/systemd/system/sriovd.service ]; then
	timeout 30 systemctl start sriovd.service
	lap sriovd
fi
