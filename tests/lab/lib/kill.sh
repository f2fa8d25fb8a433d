# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# sriovd is killed in the middle of something, and what was in its ledger then.

# ledger_sql SQL: asked of a copy of the ledger, so that nothing of it changes and no lock is in the way. sriovd is stopped or dead.
ledger_sql() {
	rm -f /tmp/ledger.copy*
	cp /var/lib/sriovd/ledger.sqlite /tmp/ledger.copy
	[ ! -e /var/lib/sriovd/ledger.sqlite-wal ] || cp /var/lib/sriovd/ledger.sqlite-wal /tmp/ledger.copy-wal
	sqlite3 /tmp/ledger.copy "$1"
}
# restart_killed: kill -9 now, and started anew
restart_killed() {
	sriovd_kill
	systemctl reset-failed sriovd.service 2> /dev/null || true
	sriovd_start
}

# killed_when SECONDS EXPECTED COMMAND: sriovd is killed, and started anew, as soon as the command, which must not need it, prints that. It is
# stopped while one looks, so that what is seen is what is killed. 1: not within these seconds.
killed_when() {
	local end=$((SECONDS + $1)) pid seen
	pid=$(sriovd_pid)
	while [ "$SECONDS" -lt "$end" ]; do
		kill -STOP "$pid"
		seen=$(eval "$3") || seen='unreadable'
		if [ "$seen" = "$2" ]; then
			restart_killed
			return 0
		fi
		kill -CONT "$pid"
		sleep 0.05
	done
	return 1
}
# killed_amid WHAT EXPECTED COMMAND BEGIN RESTORE: BEGIN, a command, begins WHAT; sriovd is killed in the middle of it, which is when COMMAND prints
# EXPECTED. When it came too late, RESTORE makes all as it was before, and once more; the scenario fails if it never came in time.
killed_amid() {
	local try
	for try in 1 2 3 4 5; do
		eval "$4"
		if killed_when 45 "$2" "$3"; then
			say "killed in the middle of $1 (try $try): $2"
			return
		fi
		say "too late for the middle of $1 (try $try)"
		eval "$5"
	done
	fail "in five tries never killed in the middle of $1"
}
# ledger_nic NAME: the state and the backing of its nic there; ledger_order: what is ordered of the PF that is drained or resized, and of the nic
ledger_nic() { ledger_sql "SELECT state || ' ' || backing FROM nic WHERE owner_name = '$1'"; }
ledger_order() {
	ledger_sql "SELECT CASE WHEN resizing THEN 'resize to ' || want_vfs ELSE 'drain' END || ', ' || state || ' ' || backing FROM pf, nic WHERE drained OR resizing"
}
