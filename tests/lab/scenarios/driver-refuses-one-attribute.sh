# SPDX-License-Identifier: GPL-2.0-or-later
# igb knows no link state of a VF: what was set before is rolled back, the error has the kernel's words, nobody keeps a half-set VF.
# timeout: 240
# FAULTS row 10: netlink refuses one attribute of several
sriovd_up 1 '{ "name": "forced", "pool": "fast", "vlan": 400, "linkState": "enable" }'

step "claimed by hand"
assert_fails sriovctl vf claim job1 --network forced
say "$output"
assert_match 'link state.*(Operation not supported|not supported)' "$output" "error"
assert_scrubbed enp1s0 0
assert_json 'nic list job1' '.nics' '[]'

step "exclusive: virtio, and the reason"
guest_define g1 --nic 'id=net0 network=forced mac=52:54:00:aa:00:11'
guest_start g1
wait_nic g1 virtio
assert_match 'link state.*not supported' "$(nic_get g1 .reason)" "reason"
assert_scrubbed enp1s0 0
guest_destroy g1

step "required: the nic has failed, the VF is free"
guest_define g2 --nic 'id=net0 network=forced mode=required mac=52:54:00:aa:00:12'
guest_start g2
wait_for 60 nic_is g2 'failed none'
assert_match 'link state.*not supported' "$(nic_get g2 .reason)" "reason"
assert_scrubbed enp1s0 0
