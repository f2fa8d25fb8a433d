# SPDX-License-Identifier: GPL-2.0-or-later
# A failover nic is promoted and demoted ten times while 200 packets a second go each way: how many are lost, how long is the longest gap.
# timeout: 900
# long: six minutes under emulation
#
# Three runs of the same guest, so that what sriovd does is told from what it cannot help:
#   undisturbed	on the VF
#   floor	on virtio, while libvirt plugs and unplugs a VF that is not sriovd's and has no traffic: what QEMU's hotplug costs
#   moves	ten demotions and promotions
# The guest's kernel is traced meanwhile: how long it hears neither half in a demotion, and both in a promotion.
failover_up 2
vfs_by_hand enp2s0 1
peer_up 100 10.9.0.1
failover_guest g1 52:54:00:aa:00:11
wait_nic g1 vf
wait_half g1 igbvf
wait_eq 30 'parked bridge' tap_takes g1
guest_ping g1 10.9.0.1

step "undisturbed, 20 s on the VF"
stream_begin g1 10.9.0.17 20
stream_end g1
calm=$gap
assert_eq 0 "$lost" "packets lost without any move"

step "ten moves"
guest_trace_begin g1
dropped=$(guest_standby_drops g1)
since=$(date +%s)
stream_begin g1 10.9.0.17 60
for _ in 1 2 3 4 5 6 7 8 9 10; do demote_promote g1; done
if ! stream_runs g1; then say "the traffic ended before the last move"; fi
stream_end g1
wait_half g1 igbvf
wait_eq 30 'parked bridge' tap_takes g1
dropped=$(($(guest_standby_drops g1) - dropped))
moves_gap=$gap moves_lost=$lost moves_sent=$sent moves_doubled=$duplicates
stream_gaps g1 "$(awk -v c="$calm" 'BEGIN { print c + 20 }')" "$since"
guest_trace_windows g1
assert_eq '10 10' "$leaves $joins" "demotions and promotions that the guest's kernel saw"

step "floor: a VF that is not sriovd's, ten times plugged and unplugged"
assert_ok sriovctl drain enp1s0
wait_half g1 virtio_net
xml_hostdev_nic enp2s0 0 52:54:00:bb:00:01 > /tmp/floor.xml
stream_begin g1 10.9.0.17 60
for _ in 1 2 3 4 5 6 7 8 9 10; do
	assert_ok virsh attach-device g1 /tmp/floor.xml --live
	wait_eq 30 52:54:00:bb:00:01 guest_run g1 'cat /sys/class/net/*/address | grep 52:54:00:bb; true'
	assert_ok virsh detach-device g1 /tmp/floor.xml --live
	wait_eq 30 '' guest_run g1 'cat /sys/class/net/*/address | grep 52:54:00:bb; true'
done
stream_end g1
floor=$gap

say "longest gap: $calm ms undisturbed, $floor ms with plugging alone, $moves_gap ms with ten moves"
say "lost in ten moves: $moves_lost of $moves_sent; the guest's net_failover dropped $dropped frames of the virtio half"
echo "failover-ten-moves: sent $moves_sent lost $moves_lost duplicated $moves_doubled gap $moves_gap undisturbed $calm floor $floor deaf $leave_ms deaf-max $leave_max both $join_ms dropped-by-guest $dropped" > /results/failover-ten-moves
lost=$moves_lost
stream_explained g1
# No pause but QEMU's for hotplug and the guest's window
longest=$(awk -v f="$floor" -v l="$leave_max" 'BEGIN { printf "%d", f + l + 20 }')
[ "${moves_gap%.*}" -le "$longest" ] || fail "a pause of $moves_gap ms, of which plugging and the guest's own windows explain $longest"
