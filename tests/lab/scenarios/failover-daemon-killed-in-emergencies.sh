# SPDX-License-Identifier: GPL-2.0-or-later
# sriovd is killed in the middle of a preemption, of a promotion of the right one of three, while a guest ignores an unplug, while the link of the PF goes down and while the PF is pulled out: what began is ended, and no guest loses its network.
# timeout: 1500
# long: for its time only
LAB_FALLBACK='{ "type": "macvtap", "uplink": "enp2s0" }'
ip link set enp2s0 up
failover_up 1 '"preempt": true'
peer_up 100 10.9.0.1
pings() { for i in "$@"; do guest_ping "g$i" 10.9.0.1; done; }
failover_guest g1 52:54:00:aa:00:11 --priority 1
wait_nic g1 vf
wait_half g1 igbvf
failover_guest g2 52:54:00:aa:00:12 --priority 2
g2_on_vf() {
	wait_nic g2 vf 180
	wait_half g2 igbvf
	pings 1 2
}
g2_on_vf

step "preemption"
# g3 comes with the highest priority, and g2 is asked to let go.
failover_define g3 52:54:00:aa:00:13 --priority 3
g3_ends() {
	wait_nic g3 vf
	guest_destroy g3
	g2_on_vf
}
killed_amid "a preemption" 'detaching vf' 'ledger_nic g2' 'guest_start g3' g3_ends
wait_nic g3 vf
wait_nic g2 virtio
guest_wait_up g3
guest_wait_nic g3 52:54:00:aa:00:13 > /dev/null
pings 1 2 3

step "the right one of those that wait"
g3_has_it() {
	g2_on_vf
	guest_start g3
	wait_nic g3 vf
	wait_nic g2 virtio
}
killed_amid "a promotion" 'attaching vf' 'ledger_nic g2' 'guest_destroy g3' g3_has_it
g2_on_vf
assert_json 'nic show g1 net0' '.nic.backing' virtio

step "a guest that does not let go"
virsh -q suspend g2
killed_amid "a demotion whose guest does not answer" 'detaching vf' 'ledger_nic g2' 'assert_ok sriovctl demote g2 --no-wait' \
	'fail "the demotion of a guest that stands still is over"'
wait_for 120 eval "sriovctl nic show g2 net0 | grep -q 'keeps it'"
assert_eq owned "$(vf_state "$(nic_vf g2)")" "state of its VF"
assert_json 'nic show g1 net0' '.nic.backing' virtio
virsh -q resume g2
wait_for 60 eval 'guest_ping g2 10.9.0.1'

step "link down"
link_is_back() {
	wait_nic g2 virtio
	l1_monitor set_link igb1 on
	g2_on_vf
}
g2_on_vf
killed_amid "the demotion by a dead link" 'detaching vf' 'ledger_nic g2' 'l1_monitor set_link igb1 off' link_is_back
wait_nic g2 virtio
guest_ping g2 10.9.0.1
link_is_back

step "pulled out"
pf_is_back() {
	wait_for 90 test ! -e "/sys/bus/pci/devices/$(pf_pci enp1s0)"
	wait_nic g2 virtio
	pings 1 2
	l1_monitor device_add igb,id=igb1,bus=rp1,netdev=n1,mac=52:54:00:00:01:01
	g2_on_vf
}
# The kernel asks for the VF, the guest lets go, and some seconds later the PF is gone: in between.
pf_leaves() { echo "$(ledger_nic g2), the PF $([ -e "/sys/bus/pci/devices/$(pf_pci enp1s0)" ] && echo there || echo gone)"; }
killed_amid "a PF's being pulled out" 'attached virtio, the PF there' pf_leaves 'l1_monitor device_del igb1' pf_is_back
pf_is_back
