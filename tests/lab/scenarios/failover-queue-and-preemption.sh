# SPDX-License-Identifier: GPL-2.0-or-later
# A VF that comes free goes to the right one of three that wait; a nic of higher priority takes the VF of the lowest; explain tells the place.
# timeout: 600
failover_up 1
peer_up 100 10.9.0.1
failover_guest g1 52:54:00:aa:00:11 --priority 5
wait_nic g1 vf
failover_guest g2 52:54:00:aa:00:12 --priority 1
failover_guest g3 52:54:00:aa:00:13 --priority 3
failover_guest g4 52:54:00:aa:00:14 --priority 1
for g in g2 g3 g4; do
	wait_nic $g virtio
	wait_for 30 eval "sriovctl explain $g | grep -q 'in the queue'"
done
assert_match 'number 1 of 3' "$(sriovctl explain g3)" "explain g3"
assert_match 'number 3 of 3' "$(sriovctl explain g4)" "explain g4"
assert_match 'Before it comes nic g2/net0' "$(sriovctl explain g4)" "explain g4"

step "the VF comes free"
guest_destroy g1
wait_nic g3 vf
wait_half g3 igbvf
assert_json 'nic show g2 net0' '.nic.backing' virtio

step "preemption"
config_failover 1 '"preempt": true'
assert_ok sriovctl reload
assert_json 'nic show g3 net0' '.nic.backing' vf
guest_start g1
guest_wait_up g1
wait_nic g1 vf
wait_nic g3 virtio
assert_match 'priority 5 wants its VF' "$(nic_get g3 .reason)" "why g3 lost its VF"
guest_ping g3 10.9.0.1
guest_ping g1 10.9.0.1
