#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: bring the machine up, then do the jobs that the host puts into /results/jobs.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
l1=/tree/tests/lab/l1
boot=$(($(cat /results/boots 2>/dev/null || echo 0) + 1))
echo "$boot" > /results/boots
rm -f /results/ready
# straight from sysfs: udev, which makes /dev/virtio-ports, is not up yet
n=0
until port=$(grep -lx lab.ctl /sys/class/virtio-ports/*/name 2>/dev/null) || [ $((n++)) -gt 100 ]; do sleep 0.1; done
port=${port%/name}
exec 3<> "/dev/${port##*/}" || exit 1

bash "$l1/boot.sh" > /results/boot.out 2>&1
echo "$boot" > /results/ready.tmp
mv /results/ready.tmp /results/ready

job() {
	local dir=/results/jobs/$1 rc=0
	[ -f "$dir/cmd" ] || return
	cd /
	# shellcheck disable=SC2016
	timeout -k 10 "$(cat "$dir/limit")" bash -c '
		export LAB_BOOT='"$boot"'
		. /tree/tests/lab/lib.sh
		. "$1"' "job-$1" "$dir/cmd" < /dev/null > "$dir/out" 2>&1 3>&- || rc=$?
	[ $rc != 137 ] || rc=124
	echo $rc > "$dir/rc.tmp"
	mv "$dir/rc.tmp" "$dir/rc"
}

while read -r verb a b <&3; do
	case $verb in
	run) job "$a" & ;;
	kill) pkill -TERM -f "job-$a" ;;
	size) stty -F /dev/hvc0 rows "$a" cols "$b" ;;
	esac
done
