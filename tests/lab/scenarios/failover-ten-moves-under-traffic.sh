# SPDX-License-Identifier: GPL-2.0-or-later
# A failover nic is promoted and demoted ten times while 200 packets a second go each way: how many are lost, how long is the longest gap.
# timeout: 900
# long: it does not pass yet: both halves receive for a moment at each move, and some packets come twice
failover_up 2
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
dropped=$(guest_standby_drops g1)
since=$(date +%s)
stream_begin g1 10.9.0.17 60
for _ in 1 2 3 4 5 6 7 8 9 10; do demote_promote g1; done
if ! stream_runs g1; then say "the traffic ended before the last move"; fi
stream_end g1
wait_half g1 igbvf
wait_eq 30 'parked bridge' tap_takes g1
dropped=$(($(guest_standby_drops g1) - dropped))
say "longest gap: $calm ms undisturbed, $gap ms with ten moves; the guest's net_failover dropped $dropped frames of the virtio half"
stream_gaps g1 "$(awk -v c="$calm" 'BEGIN { print c + 20 }')" "$since"
echo "failover-ten-moves: sent $sent lost $lost duplicated $duplicates gap $gap undisturbed $calm dropped-by-guest $dropped" > /results/failover-ten-moves
# Nothing may get lost but what the guest itself drops
[ "$lost" -le "$dropped" ] || fail "$lost packets lost, of which the guest dropped at most $dropped"
assert_eq 0 "$duplicates" "packets duplicated"
# What is lost is lost between the guest's closing of the VF and its leaving of net_failover; ten demotions
[ "$lost" -le 40 ] || fail "$lost packets lost in ten moves"
