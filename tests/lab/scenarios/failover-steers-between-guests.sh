# SPDX-License-Identifier: GPL-2.0-or-later
# Guests of one host reach a failover guest on virtio and on its VF: a virtio guest on the same PF, a VF guest, the outside; also while it moves.
# timeout: 600
# long: two minutes and a half
failover_up 2
peer_up 100 10.9.0.1
guest_define v1 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:21'
failover_define g1 52:54:00:aa:00:11
failover_define g2 52:54:00:aa:00:12
guest_start v1
wait_nic v1 vf
guest_start g1
guest_start g2
for g in v1 g1 g2; do guest_wait_up $g; done
guest_wait_nic v1 52:54:00:aa:00:21 > /dev/null
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_wait_nic g2 52:54:00:aa:00:12 > /dev/null
# one VF for two of them
wait_for 60 eval 'nic_is g1 "attached vf" || nic_is g2 "attached vf"'
if nic_is g1 'attached vf'; then up=g1 other=g2 to=10.9.0.17; else up=g2 other=g1 to=10.9.0.18; fi
wait_half $up igbvf
wait_eq 30 'parked bridge' tap_takes $up
wait_eq 30 'own bridge' tap_takes $other

step "promoted: virtio on the same PF, VF, outside"
guest_ping $other $to
guest_ping v1 $to
peer_ping $to
step "and the MAC is not in the PF's filter"
assert_fails grep -qi "$(nic_get $up .mac)" <(bridge fdb show dev enp1s0)

step "while it is demoted"
stream_begin sibling $to 20 $other
stream_begin outside $to 20
sleep 5
assert_ok sriovctl drain enp1s0 --force
wait_half $up virtio_net
stream_end sibling
sibling=$lost
stream_end outside
say "lost when demoted: $sibling from a guest on virtio, $lost from outside"
[ "$sibling" -le 60 ] || fail "$sibling packets lost from a guest on virtio"
[ "$lost" -le 20 ] || fail "$lost packets lost from outside"
wait_eq 30 'own bridge' tap_takes $up
guest_ping $other $to
peer_ping $to
