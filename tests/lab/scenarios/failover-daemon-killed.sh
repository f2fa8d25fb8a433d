# SPDX-License-Identifier: GPL-2.0-or-later
# sriovd is killed in the middle of a promotion, a demotion, a drain and a resize, and stopped: the guest's network never ends, and what began goes on.
# timeout: 900
# long: for its time only
failover_up 2
peer_up 100 10.9.0.1
failover_guest g1 52:54:00:aa:00:11
on_vf() {
	wait_nic g1 vf
	wait_half g1 igbvf
	guest_ping g1 10.9.0.1
}
on_vf

step "restarted and killed while nothing happens: not a packet is lost"
stream_begin g1 10.9.0.17 20
sleep 3
sriovd_restart
sleep 3
restart_killed
wait_nic g1 vf
stream_end g1
assert_eq 0 "$lost" "packets lost in a restart and a kill"
wait_eq 30 'parked bridge' tap_takes g1

step "killed while the nic is demoted"
killed_amid "a demotion" 'detaching vf' 'ledger_nic g1' 'assert_ok sriovctl demote g1 --no-wait' on_vf
on_vf
step "killed while it is promoted"
killed_amid "a promotion" 'attaching vf' 'ledger_nic g1' 'assert_ok sriovctl demote g1' on_vf
on_vf
step "killed while the PF is drained"
undrained() {
	wait_nic g1 virtio
	assert_ok sriovctl undrain enp1s0
	on_vf
}
killed_amid "a drain" 'drain, detaching vf' ledger_order 'assert_ok sriovctl drain enp1s0 --no-wait' undrained
wait_nic g1 virtio
guest_ping g1 10.9.0.1
assert_json 'pf list' '.pfs[] | select(.netdev == "enp1s0") | .drained' true
undrained

# First its guest lets go, then the VFs are made: a kill in each. The nic is promoted again only when all is over.
resized() {
	wait_eq 120 "$1" vf_count enp1s0
	on_vf
	assert_json 'pf list' '.pfs[] | select(.netdev == "enp1s0") | .drained // false' false
}
step "killed while the PF is drained for a resize"
killed_amid "the drain of a resize" 'resize to 4, detaching vf' ledger_order 'assert_ok sriovctl resize enp1s0 4 --no-wait' \
	'resized 4; assert_ok sriovctl resize enp1s0 2; resized 2'
resized 4
step "killed while its VFs are made"
killed_amid "the making of VFs" 'resize to 3, attached virtio' ledger_order 'assert_ok sriovctl resize enp1s0 3 --no-wait' \
	'resized 3; assert_ok sriovctl resize enp1s0 4; resized 4'
resized 3

step "stopped: both halves receive"
sriovd_stop
assert_eq vepa "$(ip -j -d link show dev "$(guest_tap g1)" | jq -r '.[0].linkinfo.info_data.mode')" "mode of the macvtap"
guest_ping g1 10.9.0.1
sriovd_start
wait_nic g1 vf
wait_eq 30 'parked bridge' tap_takes g1
