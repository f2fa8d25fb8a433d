# SPDX-License-Identifier: GPL-2.0-or-later
# sriovd is killed with SIGKILL at 98 points of claims, releases, starts and ends of guests, of making VFs, of reloads and of its own start: what was said to be done is done, every VF has one owner or none, libvirt's XML is what the ledger says, all are scrubbed in the end.
# timeout: 1500
# long: fifteen minutes under emulation
# FAULTS rows 1 and 2: kill -9 at every step of a claim, of a release
sriovd_up 3
guest_define g1 --nic 'id=net0 network=tenant-a mode=exclusive mac=52:54:00:aa:00:11'
points=0 cut=0 amid=0
declare -A points_of cut_of amid_of

# All that the ledger says of who has what, which of its VFs are clean and what is ordered of its PFs
ledger_state() {
	ledger_sql "SELECT owner_name, state, backing FROM nic ORDER BY 1; SELECT mark, count(*) FROM vf GROUP BY mark; SELECT drained, resizing, want_vfs FROM pf ORDER BY pf"
}
# killed_during WHAT MS COMMAND…: sriovd dies so long after the command began, and is started anew. 0: the command says that it was done.
# A point has cut something when the command was not over and failed (virsh, whose guest starts without sriovd too, was not over); it was
# in the midst when the ledger says neither what it said before nor what it says in the end, of which settled() tells.
killed_during() {
	local ms=$2 victim pid rc=0 running=''
	what=$1
	shift 2
	before=$(ledger_state)
	victim=$(sriovd_pid)
	timeout 100 "$@" > /tmp/killed.out 2>&1 &
	pid=$!
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	kill -KILL "$victim"
	! kill -0 "$pid" 2> /dev/null || running=yes
	at_kill=$(ledger_state)
	wait "$pid" || rc=$?
	systemctl reset-failed sriovd.service 2> /dev/null || true
	sriovd_start
	[ "$rc" != 0 ] || [ "$1" = virsh ] || running=''
	counted "$running"
	return "$rc"
}
# counted [CUT]: one more point
counted() {
	points=$((points + 1)) points_of[$what]=$((${points_of[$what]:-0} + 1))
	[ -z "$1" ] || cut=$((cut + 1)) cut_of[$what]=$((${cut_of[$what]:-0} + 1))
}
# settled: what was begun or undone is over, and nothing of it may be wrong
settled() {
	local now
	now=$(ledger_state)
	if [ "$at_kill" != "$before" ] && [ "$at_kill" != "$now" ]; then
		amid=$((amid + 1)) amid_of[$what]=$((${amid_of[$what]:-0} + 1))
	fi
	check_owners
	check_xml g1
}
owned() { sriovctl_json vf list | jq -r '[.vfs[] | select(.state == "owned")] | length'; }
# Whom the ledger names, each VF once; and nobody whom nobody named.
check_owners() {
	local doubled
	doubled=$(sriovctl_json vf list | jq -r '.vfs[] | select(.owner) | .owner | tojson' | sort | uniq -d)
	assert_eq '' "$doubled" "owners of more than one VF after point $points"
	assert_eq '' "$(ledger_sql "SELECT vf_pf, vf_index FROM nic WHERE backing = 'vf' GROUP BY 1, 2 HAVING count(*) > 1")" "VFs with two owners after point $points"
}
# check_xml GUEST: the VF that libvirt says it has, its MAC too, is the one that the ledger says; none if it does not run
check_xml() {
	local xml='' path='//devices/interface[@type="hostdev"]' a seen='' row want=''
	if [ "$(guest_state "$1")" = running ]; then
		xml=$(virsh dumpxml "$1")
		a="string($path/source/address/@"
		[ "$(xmllint --xpath "count($path)" - <<< "$xml")" = 0 ] ||
			seen=$(xmllint --xpath "concat(count($path), ' ', substring(${a}domain), 3), ':', substring(${a}bus), 3), ':', substring(${a}slot), 3), '.', substring(${a}function), 3), ' ', string($path/mac/@address))" - <<< "$xml")
	fi
	row=$(ledger_sql "SELECT vf_index || ' ' || mac FROM nic WHERE owner_name = '$1' AND backing = 'vf'")
	[ -z "$row" ] || want="1 $(vf_pci enp1s0 "${row%% *}") ${row#* }"
	assert_eq "$want" "$seen" "libvirt's XML of $1 after point $points: count, address and MAC of its VFs"
}
all_neutral() {
	local i n
	n=$(vf_count enp1s0)
	for ((i = 0; i < n; i++)); do assert_vf_neutral enp1s0 "$i"; done
}

step "claims and releases: a point every 10 ms"
for ((ms = 0; ms < 240; ms += 10)); do
	if killed_during claim "$ms" sriovctl vf claim job1 --network tenant-a; then claimed=yes; else claimed=''; fi
	wait_for 60 sriovctl status
	check_owners
	[ -z "$claimed" ] || assert_eq 1 "$(owned)" "VFs owned after a claim that was acknowledged (killed after $ms ms)"
	# What it was is the same when it is asked again.
	wait_for 60 sriovctl vf claim job1 --network tenant-a
	assert_eq 1 "$(owned)" "VFs owned after the claim was repeated"
	settled
	if killed_during release "$ms" sriovctl vf release job1; then
		assert_eq 0 "$(owned)" "VFs owned after a release that was acknowledged (killed after $ms ms)"
	else
		wait_for 60 sriovctl status
		[ "$(owned)" = 0 ] || wait_for 60 sriovctl vf release job1
	fi
	wait_vfs enp1s0 3
	settled
	all_neutral
done
say "$points points, $cut cut, $amid of them in the midst"

step "a guest's start and end: a point every 60 ms"
for ((ms = 0; ms < 480; ms += 60)); do
	killed_during start "$ms" virsh -q start g1 || guest_start g1
	wait_nic g1 vf
	settled
	assert_eq 52:54:00:aa:00:11 "$(vf_attr enp1s0 "$(nic_vf g1 | cut -d/ -f2)" .address)" "MAC of its VF"
	killed_during end "$ms" virsh -q destroy g1 || guest_destroy g1
	wait_vfs enp1s0 3
	settled
	all_neutral
done
say "$points points, $cut cut, $amid of them in the midst"

step "another number of VFs: a point every 300 ms"
is_served() { json_is 'pf list' '.pfs[] | select(.netdev == "enp1s0") | "\(.state) \(.drained // false) \(.resizing // false)"' 'ready false false'; }
count=3
for ((ms = 50; ms < 3000; ms += 300)); do
	want=$((8 - count))
	if killed_during resize "$ms" sriovctl resize enp1s0 $want; then done=yes; else done=''; fi
	wait_for 60 sriovctl status
	wait_for 90 is_served
	# Cut off before it was in the ledger, it is as if it had never been asked for.
	if [ -n "$done" ] || [ "$(vf_count enp1s0)" != "$count" ]; then assert_eq "$want" "$(vf_count enp1s0)" "VFs after a resize to $want"; fi
	count=$(vf_count enp1s0)
	wait_vfs enp1s0 "$count"
	settled
	all_neutral
done
[ "$count" = 3 ] || assert_ok sriovctl resize enp1s0 3
wait_vfs enp1s0 3

step "reloads under a running guest: a point every 20 ms"
guest_start g1
wait_nic g1 vf
vf=$(nic_vf g1)
for ((ms = 0; ms < 160; ms += 20)); do
	config_write <<-J
		{ "pools": [ { "name": "fast", "select": { "pfNames": ["enp1s0"] }, "numVfs": 3 } ],
		  "networks": [ { "name": "tenant-a", "pool": "fast", "vlan": 100, "maxTxRate": $((100 + ms)) },
		                { "name": "n$ms", "pool": "fast", "vlan": $((200 + ms)) } ],
		  "reconcileSeconds": 10 }
	J
	if killed_during reload "$ms" sriovctl reload; then :; fi
	wait_for 60 sriovctl status
	# The new one is in force, whether it was read by the reload or at the start.
	wait_for 30 sriovctl vf claim job1 --network "n$ms"
	assert_eq $((200 + ms)) "$(vf_attr enp1s0 "$(sriovctl_json nic list job1 | jq -r '.nics[0].vf' | cut -d/ -f2)" '.vlan_list[0].vlan')" "VLAN of the network that the reload made"
	assert_ok sriovctl vf release job1
	wait_vfs enp1s0 2
	wait_eq 60 $((100 + ms)) vf_attr enp1s0 "${vf#*/}" .rate.max_tx
	assert_eq "attached vf $vf" "$(nic_get g1 '"\(.state) \(.backing) \(.vf)"')" "what g1 has"
	settled
done
guest_destroy g1
wait_vfs enp1s0 3

step "its start: a point every 60 ms"
sriovd_runs() { [ "$(sriovd_pid)" != 0 ]; }
# What happened while sriovd was away is made up for by its first pass, and cut.
for ((ms = 20; ms < 500; ms += 60)); do
	for now in started ended; do
		what=reconcile
		sriovd_stop
		if [ $now = started ]; then guest_start g1; else guest_destroy g1; fi
		before=$(ledger_state)
		systemctl start --no-block sriovd.socket sriovd.service
		wait_for 30 sriovd_runs
		sleep "0.$(printf %03d $ms)"
		sriovd_kill
		at_kill=$(ledger_state)
		systemctl reset-failed sriovd.service 2> /dev/null || true
		systemctl start sriovd.socket
		sriovd_start
		if [ $now = started ]; then wait_nic g1 vf; else wait_vfs enp1s0 3; fi
		if [ "$at_kill" = "$(ledger_state)" ]; then counted ''; else counted yes; fi
		settled
		[ $now = started ] || all_neutral
	done
done

for w in claim release start end resize reload reconcile; do
	say "$w: ${points_of[$w]} points, ${cut_of[$w]:-0} cut, ${amid_of[$w]:-0} in the midst"
done
echo "kill points: $points, of which cut something: $cut, in the midst of it by the ledger: $amid, violations: 0" | tee /results/daemon-killed
[ "$points" -ge 60 ] || fail "only $points points"
[ "$cut" -ge 30 ] || fail "only $cut of $points points cut anything"
[ "$amid" -ge 10 ] || fail "only $amid of $points points were in the midst of something"
# A claim takes sriovd so little, and a reload too, that a whole run may miss them: who asks while sriovd is away is served by the next one.
for w in release start end resize reconcile; do
	[ "${cut_of[$w]:-0}" -ge 1 ] || fail "no point cut a $w"
done
