# SPDX-License-Identifier: GPL-2.0-or-later
# A guest without failover gets no VF, one without the VF's driver loses it again, one that ignores the unplug keeps it: all keep their network.
# timeout: 600
# long: for its time only
# FAULTS row 29: guest that ignores the unplug request
# FAULTS row 30: promotion of a guest without failover, or without the VF's driver
failover_up 2
peer_up 100 10.9.0.1
step "no driver for the VF"
failover_define g1 52:54:00:aa:00:11 -- --cmdline lab.skip=igbvf
guest_start g1
guest_wait_up g1
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
wait_nic g1 vf
guest_ping g1 10.9.0.1
assert_match 'does not use the VF' "$(sriovctl explain g1)" "explain"
wait_nic g1 virtio
assert_match 'has not used the VF' "$(nic_get g1 .reason)" "reason"
guest_ping g1 10.9.0.1
guest_destroy g1

step "a virtio driver without failover"
failover_define g2 52:54:00:aa:00:12 -- --cmdline lab.nostandby
guest_start g2
guest_wait_up g2
guest_wait_nic g2 52:54:00:aa:00:12 > /dev/null
guest_ping g2 10.9.0.1
sleep 10
wait_nic g2 virtio
guest_ping g2 10.9.0.1
assert_match 'has not said that it can join' "$(sriovctl explain g2)" "explain"
wait_vfs enp1s0 2
assert_eq virtio_net "$(guest_run g2 'for n in /sys/class/net/*/device/driver; do basename "$(readlink "$n")"; done | sort -u')" "drivers of its NICs"
guest_destroy g2

step "deaf"
failover_guest g3 52:54:00:aa:00:13
wait_nic g3 vf
wait_half g3 igbvf
virsh -q suspend g3
assert_fails sriovctl demote g3
say "$output"
wait_nic g3 vf
assert_match 'keeps it' "$(nic_get g3 .reason)" "reason"
assert_eq owned "$(vf_state "$(nic_vf g3)")" "state of its VF"
virsh -q resume g3
wait_for 60 eval 'guest_ping g3 10.9.0.1'
