# SPDX-License-Identifier: GPL-2.0-or-later
# sriovd is killed in the middle of a promotion, a demotion, a drain and a resize, and stopped: the guest's network never ends, and what began goes on.
# timeout: 900
# long: for its time only
failover_up 2
peer_up 100 10.9.0.1
failover_guest g1 52:54:00:aa:00:11
wait_nic g1 vf
wait_half g1 igbvf
restart_killed() {
	sriovd_kill
	systemctl reset-failed sriovd.service 2> /dev/null || true
	sriovd_start
}

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
sriovctl demote g1 --no-wait
sleep 0.3
restart_killed
wait_nic g1 vf
wait_half g1 igbvf
guest_ping g1 10.9.0.1
step "killed while it is promoted"
assert_ok sriovctl demote g1
for _ in $(seq 100); do nic_is g1 'attaching vf' > /dev/null && break; done
restart_killed
wait_nic g1 vf
wait_half g1 igbvf
guest_ping g1 10.9.0.1
step "killed while the PF is drained"
sriovctl drain enp1s0 --no-wait
sleep 0.3
restart_killed
wait_nic g1 virtio
guest_ping g1 10.9.0.1
assert_json 'pf list' '.pfs[] | select(.netdev == "enp1s0") | .drained' true
assert_ok sriovctl undrain enp1s0
wait_nic g1 vf
step "killed while the PF is resized"
sriovctl resize enp1s0 4 --no-wait
sleep 0.3
restart_killed
wait_eq 120 4 vf_count enp1s0
wait_nic g1 vf
wait_half g1 igbvf
guest_ping g1 10.9.0.1
assert_json 'pf list' '.pfs[] | select(.netdev == "enp1s0") | .drained // false' false

step "stopped: both halves receive"
sriovd_stop
assert_eq vepa "$(ip -j -d link show dev "$(guest_tap g1)" | jq -r '.[0].linkinfo.info_data.mode')" "mode of the macvtap"
guest_ping g1 10.9.0.1
sriovd_start
wait_nic g1 vf
wait_eq 30 'parked bridge' tap_takes g1
