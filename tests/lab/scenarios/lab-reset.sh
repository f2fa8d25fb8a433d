# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: L1 is reset by the monitor in the middle of a scenario; what was synced is there, what was not is gone.
# timeout: 200
# reboots: 1
if [ "$LAB_PHASE" = 1 ]; then
	mkdir -p /var/lib/lab-reset
	echo kept > /var/lib/lab-reset/synced
	sync
	echo lost > /var/lib/lab-reset/not-synced
	l1_monitor system_reset
	sleep 120
	fail "still here after the reset"
fi
assert_eq 2 "$LAB_PHASE" "phase"
assert_eq kept "$(cat /var/lib/lab-reset/synced)" "synced file"
say "unsynced file: $(cat /var/lib/lab-reset/not-synced 2>&1)"
rm -rf /var/lib/lab-reset
