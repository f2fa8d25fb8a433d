# SPDX-License-Identifier: GPL-2.0-or-later
# Drain, undrain and resize of a PF with five running guests under traffic, and a drain that is refused.
# timeout: 900
# long: six minutes under emulation
# The virtio halves stand on another PF: igb takes its own netdev down for some three seconds whenever its number of VFs changes
# (igb_sriov_reinit()), and what stands on it has no network then.
LAB_FALLBACK='{ "type": "macvtap", "uplink": "enp2s0" }'
failover_up 5
ip link set enp2s0 up
peer_up 100 10.9.0.1
for i in 1 2 3 4 5; do failover_define g$i 52:54:00:aa:00:1$i; guest_start g$i; done
for i in 1 2 3 4 5; do guest_wait_up g$i; wait_nic g$i vf; done
for i in 1 2 3 4 5; do wait_half g$i igbvf; peer_ping 10.9.0.$((16 + i)); done

step "drain under traffic"
for i in 1 2 3 4 5; do
	peer_run ping -D -n -i 0.05 -c 1200 -W 2 10.9.0.$((16 + i)) > /tmp/stream.g$i 2>&1 &
	rm -f /tmp/stream.g$i.from
done
assert_ok sriovctl drain enp1s0
say "$output"
for i in 1 2 3 4 5; do assert_json "nic show g$i net0" .nic.backing virtio; done
assert_json 'pf list' '.pfs[] | select(.netdev == "enp1s0") | "\(.drained) \(.owned)"' 'true 0'
sleep 5
assert_json 'nic show g1 net0' .nic.backing virtio
step "undrain"
assert_ok sriovctl undrain enp1s0
for i in 1 2 3 4 5; do wait_nic g$i vf; done
step "resize"
assert_ok sriovctl resize enp1s0 6
say "$output"
assert_eq 6 "$(vf_count enp1s0)" "VFs"
for i in 1 2 3 4 5; do wait_nic g$i vf; done
total=0
for i in 1 2 3 4 5; do
	stream_end g$i
	total=$((total + lost))
done
echo "failover-drain-and-resize: lost $total of 6000" > /results/failover-drain-and-resize
[ "$total" -le 30 ] || fail "$total packets lost"
step "an exclusive nic is not interrupted"
guest_define e1 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:31'
guest_start e1
wait_nic e1 vf
assert_fails sriovctl drain enp1s0
assert_match 'nic e1/net0 \(exclusive\)' "$output" "why not"
assert_json 'nic show g1 net0' .nic.backing vf
