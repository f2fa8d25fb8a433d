# SPDX-License-Identifier: GPL-2.0-or-later
# Link of a PF down and up, and the PF pulled out: failover nics carry on over virtio on another uplink, and come back.
# FAULTS row 17: PF unplugged and plugged back
# FAULTS row 18: link of a PF down and up
# timeout: 600
# long: for its time only
LAB_FALLBACK='{ "type": "macvtap", "uplink": "enp2s0" }'
failover_up 2
ip link set enp2s0 up
peer_up 100 10.9.0.1
failover_guest g1 52:54:00:aa:00:11
wait_nic g1 vf
wait_half g1 igbvf
guest_ping g1 10.9.0.1

step "link down"
l1_monitor set_link igb1 off
wait_nic g1 virtio
wait_half g1 virtio_net
assert_match 'link of enp1s0 is down' "$(nic_get g1 .reason)" "reason"
guest_ping g1 10.9.0.1
step "link up"
l1_monitor set_link igb1 on
wait_nic g1 vf
wait_half g1 igbvf
guest_ping g1 10.9.0.1

step "pulled out"
l1_monitor device_del igb1
wait_for 90 test ! -e "/sys/bus/pci/devices/$(pf_pci enp1s0)"
wait_nic g1 virtio
guest_ping g1 10.9.0.1
step "and back"
l1_monitor device_add igb,id=igb1,bus=rp1,netdev=n1,mac=52:54:00:00:01:01
wait_nic g1 vf 180
wait_half g1 igbvf
guest_ping g1 10.9.0.1
