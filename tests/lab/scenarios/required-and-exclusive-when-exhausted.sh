# SPDX-License-Identifier: GPL-2.0-or-later
# With no VF left an exclusive nic gets virtio with vhost, and a required one is refused with a sentence until a VF is free.
# timeout: 240
sriovd_up 1
guest_define e1 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:11'
guest_define e2 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:12'
guest_define r1 --nic 'id=net0 network=tenant-a mode=required mac=52:54:00:aa:00:13'
guest_define r2 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:14' --nic 'id=net1 network=tenant-a mode=required mac=52:54:00:aa:00:15'
guest_start e1
wait_nic e1 vf
step "required"
start_refused r1 'nic r1/net0: it requires a VF, and pool fast has no VF to give: enp1s0: no free VF \(1 owned\)'
assert_json 'nic show r1 net0' '.nic | "\(.state) \(.backing)"' 'idle none'
start_refused r2 'nic r2/net1: it requires a VF'
assert_json 'nic list r2' '[.nics[] | "\(.state) \(.backing)"]' '["idle none","idle none"]'

step "exclusive"
guest_start e2
wait_nic e2 virtio
wait_for 20 has_vhost e2
assert_eq vhost "$(nic_get e2 .backend)" "backend that sriovd sees"
assert_eq enp1s0.100 "$(nic_get e2 .uplink)" "uplink"
assert_match 'no free VF' "$(sriovctl_json explain e2 | jq -r '.text[0]')" "explanation"
assert_eq 'no free VF' "$(sriovctl_json explain e2 | jq -r '.decision.candidates[0].verdict')" "verdict"

step "the VF comes free, and the required one gets it"
guest_destroy e1
guest_start r1
wait_nic r1 vf
assert_eq 52:54:00:aa:00:13 "$(vf_attr enp1s0 0 .address)" "MAC"
assert_json 'nic show e2 net0' '.nic.backing' virtio

step "nothing stays of the virtio nic"
guest_destroy e2
wait_for 20 test ! -e /sys/class/net/enp1s0.100
assert_json 'nic show e2 net0' '.nic | "\(.state) \(.backing)"' 'idle none'
