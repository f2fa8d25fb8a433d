# SPDX-License-Identifier: GPL-2.0-or-later
# sriovd is killed with SIGKILL at 64 points of claims, releases, starts and ends of guests: what was said to be done is done, every VF has one owner or none, all are scrubbed in the end.
# timeout: 900
# long: five minutes under emulation
# FAULTS rows 1 and 2: kill -9 at every step of a claim, of a release
sriovd_up 3
guest_define g1 --nic 'id=net0 network=tenant-a mode=exclusive mac=52:54:00:aa:00:11'
points=0 claimed=''

# killed_during MS COMMAND…: sriovd dies so long after the command began, and is started anew. 0: the command says that it was done.
killed_during() {
	local ms=$1 pid rc=0
	shift
	timeout 60 "$@" > /tmp/killed.out 2>&1 &
	pid=$!
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	sriovd_kill
	wait "$pid" || rc=$?
	systemctl reset-failed sriovd.service 2> /dev/null || true
	sriovd_start
	points=$((points + 1))
	return "$rc"
}
owned() { sriovctl_json vf list | jq -r '[.vfs[] | select(.state == "owned")] | length'; }
# Whom the ledger names, each VF once; and nobody whom nobody named.
check_owners() {
	local doubled
	doubled=$(sriovctl_json vf list | jq -r '.vfs[] | select(.owner) | .owner | tojson' | sort | uniq -d)
	assert_eq '' "$doubled" "owners of more than one VF after point $points"
}

step "claims and releases: a point every 10 ms"
for ((ms = 0; ms < 240; ms += 10)); do
	if killed_during "$ms" sriovctl vf claim job1 --network tenant-a; then claimed=yes; else claimed=''; fi
	wait_for 60 sriovctl status
	check_owners
	[ -z "$claimed" ] || assert_eq 1 "$(owned)" "VFs owned after a claim that was acknowledged (killed after $ms ms)"
	# What it was is the same when it is asked again.
	wait_for 60 sriovctl vf claim job1 --network tenant-a
	assert_eq 1 "$(owned)" "VFs owned after the claim was repeated"
	if killed_during "$ms" sriovctl vf release job1; then
		assert_eq 0 "$(owned)" "VFs owned after a release that was acknowledged (killed after $ms ms)"
	else
		wait_for 60 sriovctl status
		[ "$(owned)" = 0 ] || wait_for 60 sriovctl vf release job1
	fi
	wait_vfs enp1s0 3
	for i in 0 1 2; do assert_vf_neutral enp1s0 "$i"; done
done
say "$points points"

step "a guest's start and end: a point every 60 ms"
for ((ms = 0; ms < 480; ms += 60)); do
	killed_during "$ms" virsh -q start g1 || guest_start g1
	wait_nic g1 vf
	check_owners
	assert_eq 52:54:00:aa:00:11 "$(vf_attr enp1s0 "$(nic_vf g1 | cut -d/ -f2)" .address)" "MAC of its VF"
	killed_during "$ms" virsh -q destroy g1 || guest_destroy g1
	wait_vfs enp1s0 3
	for i in 0 1 2; do assert_vf_neutral enp1s0 "$i"; done
done
echo "kill points: $points, violations: 0" | tee /results/daemon-killed
[ "$points" -ge 60 ] || fail "only $points points"
