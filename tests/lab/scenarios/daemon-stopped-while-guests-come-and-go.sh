# SPDX-License-Identifier: GPL-2.0-or-later
# With the daemon dead guests end and start; back again it finds out, and its restart touches no guest that runs.
# timeout: 400
# FAULTS row 26: daemon dead when a hook runs
sriovd_up 3
peer_up 100 10.9.0.1
for i in 1 2 3; do guest_define g$i --nic "id=net0 network=tenant-a mac=52:54:00:aa:00:1$i"; done
guest_define must --nic 'id=net0 network=tenant-a mode=required mac=52:54:00:aa:00:21'
guest_define plain
guest_start g1
guest_start g2
wait_nic g1 vf
wait_nic g2 vf
one=$(nic_vf g1) two=$(nic_vf g2)
guest_wait_up g1
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_ping g1 10.9.0.1
kernel() { ip -j -d link show dev enp1s0 | jq -c ".[0].vfinfo_list[${one#*/}]"; }
before=$(kernel)
since=$(nic_get g1 .since)
guest_run g1 'ping -i 0.3 10.9.0.1 > /tmp/ping 2>&1 & echo $! > /tmp/pid'

step "the daemon is gone"
sriovd_stop
guest_start plain
assert_eq running "$(guest_state plain)"
guest_destroy g2
start_refused must 'must'
guest_start g3 # exclusive: let through
assert_eq running "$(guest_state g3)"

step "it is back"
sriovd_start
wait_nic g3 vf
wait_for 60 nic_is g2 'idle none'
assert_scrubbed enp1s0 "${two#*/}"
assert_eq "$one attached $since" "$(nic_get g1 '"\(.vf) \(.state) \(.since)"')" "g1's nic"
assert_eq "$before" "$(kernel)" "attributes of g1's VF"

step "restarted, and killed"
sriovd_restart
sriovd_kill
wait_for 30 sriovctl status
wait_for 60 json_is status '.reconciled' true
assert_eq "$one attached $since" "$(nic_get g1 '"\(.vf) \(.state) \(.since)"')" "g1's nic"
assert_eq "$before" "$(kernel)" "attributes of g1's VF"
guest_run g1 'kill -INT $(cat /tmp/pid); sleep 1'
say "$(guest_run g1 'tail -n 2 /tmp/ping')"
assert_match ' 0% packet loss' "$(guest_run g1 'cat /tmp/ping')" "pings of g1 meanwhile"
guest_start must
wait_nic must vf
