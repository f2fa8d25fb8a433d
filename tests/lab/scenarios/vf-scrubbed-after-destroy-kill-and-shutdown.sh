# SPDX-License-Identifier: GPL-2.0-or-later
# However a guest ends (virsh destroy, QEMU killed, virsh shutdown), its VF is scrubbed, neutral in the kernel, and free.
# timeout: 400
# FAULTS row 24: QEMU killed, no release hook
sriovd_up 1 '{ "name": "tuned", "pool": "fast", "vlan": 300, "qos": 3, "maxTxRate": 500, "spoofchk": false, "trust": true }'
guest_define g1 --nic 'id=net0 network=tuned mode=required mac=52:54:00:aa:00:11'
up() {
	guest_start g1
	wait_nic g1 vf
	assert_eq 52:54:00:aa:00:11 "$(vf_attr enp1s0 0 .address)" "MAC"
}
ended() {
	assert_scrubbed enp1s0 0
	assert_json 'nic show g1 net0' '.nic | "\(.state) \(.backing)"' 'idle none'
}
step "virsh destroy, at once"
up
guest_destroy g1
ended
step "QEMU killed"
up
kill -KILL "$(qemu_pid g1)"
wait_eq 30 'shut off' guest_state g1
ended
step "virsh shutdown"
up
guest_wait_up g1
assert_ok virsh shutdown g1
wait_eq 60 'shut off' guest_state g1
ended
step "destroyed and started again at once: it waits for the scrub"
up
guest_destroy g1
up
guest_destroy g1
ended
