#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1, once at boot, beside systemd's own work: wait until drivers, libvirt and sriovd are there. Leaves the seconds that each
# step was done at in boot.log.
set -u
lap() { echo "$1 $(cut -d' ' -f1 /proc/uptime)"  >> /results/boot.log; }
arg() { sed -n "s/.*\blab\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
rm -f /results/boot.log
lap systemd

for ((i = 1; i <= $(arg nics); i++)); do
	n=0
	until [ -e "/sys/class/net/enp${i}s0" ] || [ $((n++)) -gt 300 ]; do sleep 0.1; done
done
n=0
until [ -w /dev/kvm ] || [ $((n++)) -gt 100 ]; do sleep 0.1; done
lap drivers
/tree/tests/lab/l1/hold.sh &
hold=$!

# sriovd need not wait for libvirt: it connects when it can.
sriovd=''
if [ -e /usr/lib/systemd/system/sriovd.service ]; then
	timeout 60 systemctl start sriovd.service &
	sriovd=$!
fi
n=0
until [ -S /run/libvirt/libvirt-sock ] || [ $((n++)) -gt 300 ]; do sleep 0.1; done
timeout 60 virsh -q domcapabilities --virttype kvm --machine q35 > /dev/null
lap libvirt
if [ ! -d /results/capabilities ]; then cp -r /var/cache/libvirt/qemu/capabilities /results/capabilities; fi
if [ -n "$sriovd" ]; then
	wait $sriovd
	lap sriovd
fi
wait $hold
