#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: run one scenario and leave its logs in /results/logs/NAME. Exit code: the scenario's (77: skipped), 99: L1 could not be
# made clean before it. Usage: run-scenario.sh NAME SECONDS PHASE
name=$1 limit=$2
export LAB_PHASE=$3
# shellcheck source=tests/lab/lib.sh
. /tree/tests/lab/lib.sh
out=/results/logs/$name
mkdir -p "$out"
if [ "$LAB_PHASE" = 1 ]; then
	lab_reset > "$out/reset.log" 2>&1 || { cat "$out/reset.log"; exit 99; }
fi
since=$(date +%s)
dmesg -C
rc=0
# -E: in functions too, an unforeseen failure says where it was
# shellcheck disable=SC2016
timeout -k 10 "$limit" env lab_since="$since" bash -c '
	set -eEuo pipefail
	. /tree/tests/lab/lib.sh
	trap "say \"FAILED: line \$LINENO: \$BASH_COMMAND\"" ERR
	. "$1"' "$name" "/tree/tests/lab/scenarios/$name.sh" < /dev/null || rc=$?
[ $rc != 124 ] && [ $rc != 137 ] || echo "FAILED: not done within $limit s"
# A guest's kernel that has not come as far as its init by then: its vCPU stands still
[ $rc = 0 ] || find /var/log/guests -name '*.log' -empty -mmin +1 -printf 'GUEST-HANGS: %f is empty, its guest never reached init\n'
journalctl -q --no-pager -o short-monotonic -u sriovd --since "@$since" > "$out/sriovd.log"
# L1 has no logind (a second at every boot), which libvirtd would tell each time
journalctl -q --no-pager -o short-monotonic -u libvirtd --since "@$since" |
	grep -vE "login1|inhibitor" >  "$out/libvirtd.log"
journalctl -q --no-pager -o short-monotonic --since "@$since" > "$out/journal.log"
dmesg > "$out/kernel.log"
mkdir -p "$out/guests"
cp -r /var/log/guests/. "$out/guests/" 2> /dev/null
for g in /var/log/libvirt/qemu/*.log; do [ ! -e "$g" ] || cp "$g" "$out/guests/qemu-$(basename "$g")"; done
if [ $rc != 0 ]; then
	{
		virsh list --all
		ip -s -d link
		bridge fdb
		ip -n peer -s addr 2> /dev/null
		ip -n peer neigh 2> /dev/null
		for g in $(virsh -q list --name); do
			echo "-- inside $g, twice"
			for _ in 1 2; do
				guest_run "$g" -t 5 'ip -s addr; ip neigh; cat /proc/interrupts /proc/uptime' 2>&1 || echo "exit code $?"
				sleep 1
			done
		done
		cat /proc/interrupts
		ps -ef
	} > "$out/state.log" 2>&1
fi
exit $rc
