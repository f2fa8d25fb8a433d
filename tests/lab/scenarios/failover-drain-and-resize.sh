# SPDX-License-Identifier: GPL-2.0-or-later
# Drain, undrain and resize of a PF with five running guests under traffic that goes on through all of it, and a drain that is refused.
# timeout: 900
# long: six minutes under emulation
# The virtio halves stand on another PF: igb takes its own netdev down for some three seconds whenever its number of VFs changes
# (igb_sriov_reinit()), and what stands on it has no network then.
LAB_FALLBACK='{ "type": "macvtap", "uplink": "enp2s0" }' LAB_STREAM_MS=20
guests=(g1 g2 g3 g4 g5)
failover_up 5
ip link set enp2s0 up
peer_up 100 10.9.0.1
for i in 1 2 3 4 5; do failover_define g$i 52:54:00:aa:00:1$i; guest_start g$i; done
for g in "${guests[@]}"; do guest_wait_up "$g"; wait_nic "$g" vf; done
for i in 1 2 3 4 5; do wait_half g$i igbvf; peer_ping 10.9.0.$((16 + i)); done
streams_run() { for g in "${guests[@]}"; do stream_runs "$g" || fail "$g: its traffic ended before $1"; done; }

for g in "${guests[@]}"; do guest_trace_begin "$g"; done
since=$(date +%s)
for i in 1 2 3 4 5; do stream_begin g$i 10.9.0.$((16 + i)) 600; done
stream_phase before
sleep 5
stream_phase drain
assert_ok sriovctl drain enp1s0
say "$output"
for g in "${guests[@]}"; do assert_json "nic show $g net0" .nic.backing virtio; done
assert_json 'pf list' '.pfs[] | select(.netdev == "enp1s0") | "\(.drained) \(.owned)"' 'true 0'
stream_phase drained
sleep 5
assert_json 'nic show g1 net0' .nic.backing virtio
streams_run "the undrain"
stream_phase undrain
assert_ok sriovctl undrain enp1s0
for g in "${guests[@]}"; do wait_nic "$g" vf; done
stream_phase undrained
for g in "${guests[@]}"; do wait_half "$g" igbvf; done
streams_run "the resize"
stream_phase resize
assert_ok sriovctl resize enp1s0 6
say "$output"
assert_eq 6 "$(vf_count enp1s0)" "VFs"
for g in "${guests[@]}"; do wait_nic "$g" vf; done
streams_run "the end of the resize"
stream_phase resized
for g in "${guests[@]}"; do wait_half "$g" igbvf; done
sleep 5
streams_run "the end"
for g in "${guests[@]}"; do stream_stop "$g"; done

rm -f /tmp/explained
total=0 all=0 explained=0
for g in "${guests[@]}"; do
	stream_end "$g"
	stream_phases "$g"
	guest_trace_windows "$g"
	assert_eq '2 2' "$leaves $joins" "demotions and promotions that the kernel of $g saw"
	stream_gaps "$g" 250 "$since"
	total=$((total + lost)) all=$((all + sent)) explained=$((explained + leave_ms))
	echo "$g $lost $leave_ms $leaves" >> /tmp/explained
done
streams_table "${guests[@]}" | tee /results/failover-drain-and-resize >&2
echo "lost $total of $all; the guests heard neither half for $explained ms" | tee -a /results/failover-drain-and-resize >&2
while read -r g lost leave_ms leaves; do stream_explained "$g"; done < /tmp/explained

step "an exclusive nic is not interrupted"
guest_define e1 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:31'
guest_start e1
wait_nic e1 vf
assert_fails sriovctl drain enp1s0
assert_match 'nic e1/net0 \(exclusive\)' "$output" "why not"
assert_json 'nic show g1 net0' .nic.backing vf
