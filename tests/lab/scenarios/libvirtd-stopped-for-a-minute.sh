# SPDX-License-Identifier: GPL-2.0-or-later
# libvirtd is stopped (SIGSTOP) for a minute: it takes connections and answers nothing. Reads and claims go on as usual, no guest is hurt, and what happened meanwhile is made up for.
# timeout: 400
# long: for its time only
# FAULTS row 23: libvirtd that does not answer
sriovd_up 4
guest_define g1 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:11'
guest_define g2 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:12'
guest_start g1
guest_start g2
wait_nic g1 vf
wait_nic g2 vf
one=$(nic_vf g1) two=$(nic_vf g2)
since=$(nic_get g1 .since)
pid=$(sriovd_pid)
libvirtd=$(systemctl show -p MainPID --value libvirtd.service)

ms() { echo $(($(date +%s%N) / 1000000)); }
# median COUNT COMMAND…: of its times, in ms
median() {
	local count=$1 i began
	shift
	for ((i = 0; i < count; i++)); do
		began=$(ms)
		"$@" > /dev/null || fail "$* failed"
		echo $(($(ms) - began))
	done | sort -n | sed -n "$(((count + 1) / 2))p"
}
claim_and_release() {
	assert_ok timeout 60 sriovctl vf claim job1 --network tenant-a
	assert_ok timeout 60 sriovctl vf release job1
	wait_for 60 json_is 'vf list' '[.vfs[] | select(.state == "free")] | length' 2
}

step "as usual"
read_before=$(median 21 timeout 30 sriovctl status)
claim_before=$(median 5 claim_and_release)

step "libvirtd is stopped"
kill -STOP "$libvirtd"
trap 'kill -CONT $libvirtd' EXIT
stopped=$SECONDS
kill -KILL "$(qemu_pid g2)"
read_during=$(median 21 timeout 30 sriovctl status)
list_during=$(median 21 timeout 30 sriovctl vf list)
claim_during=$(median 5 claim_and_release)
assert_json 'nic show g1 net0' '.nic | "\(.state) \(.vf)"' "attached $one"
assert_json 'nic show g2 net0' '.nic.state' attached
[ $((SECONDS - stopped)) -ge 60 ] || sleep $((60 - SECONDS + stopped))
read_late=$(median 21 timeout 30 sriovctl status)
say "median in ms: status $read_before as usual, $read_during at once, $read_late after a minute; vf list $list_during; claim and release $claim_before and $claim_during"
echo "libvirtd-stopped: status $read_before $read_during $read_late claim $claim_before $claim_during" > /results/libvirtd-stopped
for t in "$read_during" "$read_late" "$list_during"; do
	[ "$t" -le $((2 * read_before + 50)) ] || fail "a read took $t ms, as usual $read_before"
done
[ "$claim_during" -le $((2 * claim_before + 100)) ] || fail "a claim took $claim_during ms, as usual $claim_before"

step "it goes on"
kill -CONT "$libvirtd"
trap - EXIT
wait_for 90 json_is status .libvirt true
assert_scrubbed enp1s0 "${two#*/}" 60
assert_eq "$one attached $since" "$(nic_get g1 '"\(.vf) \(.state) \(.since)"')" "g1"
guest_start g2
wait_nic g2 vf
assert_eq "$pid" "$(sriovd_pid)" "sriovd's process"
