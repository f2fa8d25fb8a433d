#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: keep the kernel from patching its own code while scenarios run. Static keys that flip while another virtual CPU executes
# the patched place have panicked L1 ("Oops: int3" in vcpu_run): multi-threaded emulation may still run the breakpoint that the
# kernel has already taken out. So whoever flips a key for the first time and for ever is started here, before anything else runs.
ln -sf /usr/bin/qemu-system-x86_64 /lab/lab-hold
# A paused VM: KVM's keys for the scheduler's notifiers and for a local APIC that is not enabled yet.
systemd-run -q --unit=lab-hold --slice=lab.slice -p CPUWeight=idle -p AllowedCPUs=0-1 \
	/lab/lab-hold -name hold -machine microvm,accel=kvm -m 8 -S -nodefaults -no-user-config -display none
# A socket that wants time stamps, as every ping does.
ip link set lo up
systemd-run -q --unit=lab-hold-ping --slice=lab.slice ping -q -i 3600 127.0.0.1
