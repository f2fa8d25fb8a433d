# SPDX-License-Identifier: GPL-2.0-or-later
# A guest on a VF and one on a host bridge over the same PF reach each other, by the fdb entry that sriovd keeps and puts back; it goes with the guest.
# timeout: 240
# It looks for its entries no sooner than it is told to: one is missing for a while below.
LAB_RECONCILE=3600
sriovd_up 1 '{ "name": "flat", "pool": "fast", "fallback": { "type": "bridge", "bridge": "br0" } }'
ip link add br0 type bridge
ip link set enp1s0 master br0
# QEMU's igb gives a PF its own broadcasts back, which no real NIC does: the bridge would learn g2 on the wrong side.
bridge link set dev enp1s0 learning off
ip link set br0 up
guest_define g1 --nic 'id=net0 network=flat mac=52:54:00:aa:00:11'
guest_define g2 --nic 'id=net0 network=flat mac=52:54:00:aa:00:12'
guest_start g1
guest_start g2
wait_nic g1 vf
wait_nic g2 virtio
has_vhost g2 || fail "g2 has no vhost"
assert_eq br0 "$(nic_get g2 .uplink)" "uplink"
fdb() { bridge -j fdb show dev enp1s0 | jq -c '[.[] | select(.mac == "52:54:00:aa:00:12" and (.flags // [] | index("self")))] | length'; }
assert_eq 1 "$(fdb)" "fdb entries on the PF"
guest_wait_up g1
guest_wait_up g2
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_wait_nic g2 52:54:00:aa:00:12 > /dev/null
guest_ping g1 10.9.0.18
guest_ping g2 10.9.0.17
step "gone with the guest"
guest_destroy g2
wait_eq 30 0 fdb

step "it is what does it: without the entry they do not reach each other"
guest_start g2
wait_nic g2 virtio
assert_eq 1 "$(fdb)" "fdb entries on the PF"
bridge fdb del 52:54:00:aa:00:12 dev enp1s0 self
guest_wait_up g2
guest_wait_nic g2 52:54:00:aa:00:12 > /dev/null
assert_fails guest_run g1 'ping -q -c 3 -W 1 10.9.0.18'
step "sriovd puts it back when it looks"
assert_eq 0 "$(fdb)" "fdb entries on the PF"
assert_ok sriovctl reload
wait_eq 30 1 fdb
guest_ping g1 10.9.0.18
