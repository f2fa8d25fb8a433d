# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: the monitor of L1's QEMU takes a PF's link away, and a whole PF.
# timeout: 400
ip link set enp1s0 up
carrier() { cat "/sys/class/net/$1/carrier"; }
wait_eq 20 1 carrier enp1s0

step "link"
l1_monitor set_link igb1 off
wait_eq 20 0 carrier enp1s0
l1_monitor set_link igb1 on
wait_eq 20 1 carrier enp1s0

step "a command that does not exist"
assert_match 'unknown command' "$(l1_monitor nonsense)"

step "unplug and plug"
l1_monitor device_del igb2
wait_for 30 test ! -e /sys/class/net/enp2s0
l1_monitor device_add igb,id=igb2,bus=rp2,netdev=n2,mac=52:54:00:00:02:01
wait_for 30 test -e /sys/class/net/enp2s0
ip link set enp2s0 up
wait_eq 20 1 carrier enp2s0
