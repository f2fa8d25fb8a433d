# SPDX-License-Identifier: GPL-2.0-or-later
# sriovd is killed in the middle of a preemption, of a promotion of the right one of three, while a guest ignores an unplug, while the link of the PF goes down and while the PF is pulled out: what began is ended, and no guest loses its network.
# timeout: 1200
# long: for its time only
LAB_FALLBACK='{ "type": "macvtap", "uplink": "enp2s0" }'
ip link set enp2s0 up
failover_up 1 '"preempt": true'
peer_up 100 10.9.0.1
restart_killed() {
	sriovd_kill
	systemctl reset-failed sriovd.service 2> /dev/null || true
	sriovd_start
}
# killed_when GUEST 'STATE BACKING': as soon as its nic is in that state, or has passed it
killed_when() {
	for _ in $(seq 400); do
		if nic_is "$1" "$2" > /dev/null; then break; fi
	done
	say "$1 is $(nic_get "$1" '"\(.state) \(.backing)"')"
	restart_killed
}
failover_guest g1 52:54:00:aa:00:11 --priority 1
wait_nic g1 vf
wait_half g1 igbvf
failover_guest g2 52:54:00:aa:00:12 --priority 2
wait_nic g2 vf

step "preemption"
# g3 comes with the highest priority, and g2 is asked to let go.
failover_define g3 52:54:00:aa:00:13 --priority 3
guest_start g3
killed_when g2 'detaching vf'
wait_nic g3 vf
wait_nic g2 virtio
guest_wait_up g3
guest_wait_nic g3 52:54:00:aa:00:13 > /dev/null
for i in 1 2 3; do guest_ping g$i 10.9.0.1; done

step "the right one of those that wait"
guest_destroy g3
killed_when g2 'attaching vf'
wait_nic g2 vf
wait_half g2 igbvf
assert_json 'nic show g1 net0' '.nic.backing' virtio
for i in 1 2; do guest_ping g$i 10.9.0.1; done

step "a guest that does not let go"
virsh -q suspend g2
sriovctl demote g2 --no-wait
sleep 1
restart_killed
wait_for 120 eval "sriovctl nic show g2 net0 | grep -q 'keeps it'"
assert_eq owned "$(vf_state "$(nic_vf g2)")" "state of its VF"
assert_json 'nic show g1 net0' '.nic.backing' virtio
virsh -q resume g2
wait_for 60 eval 'guest_ping g2 10.9.0.1'

step "link down"
l1_monitor set_link igb1 off
killed_when g2 'detaching vf'
wait_nic g2 virtio
guest_ping g2 10.9.0.1
l1_monitor set_link igb1 on
wait_nic g2 vf
wait_half g2 igbvf
guest_ping g2 10.9.0.1

step "pulled out"
l1_monitor device_del igb1
sleep 1
restart_killed
wait_for 90 test ! -e "/sys/bus/pci/devices/$(pf_pci enp1s0)"
wait_nic g2 virtio
for i in 1 2; do guest_ping g$i 10.9.0.1; done
l1_monitor device_add igb,id=igb1,bus=rp1,netdev=n1,mac=52:54:00:00:01:01
wait_nic g2 vf 180
wait_half g2 igbvf
for i in 1 2; do guest_ping g$i 10.9.0.1; done
