# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Have the agent in L1 do things. A job is a folder of the shared folder: its command goes in, its output and exit code come
# out; a line through a virtio-serial port tells the agent. So the host needs neither a network nor socat.

# Sleep without a process: a read that nobody answers.
exec {nap_fd}<> <(:)
nap() { read -rt "$1" -u "$nap_fd" || true; }
seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# Opened for reading as well, so that it cannot block when QEMU is gone.
l1_tell() { printf '%s\n' "$*" 1<> "$state/run/ctl.in"; }

# job_start SECONDS COMMAND: sets $job
job_start() {
	mkdir -p "$share/jobs"
	job=$(mktemp -d "$share/jobs/XXXXXXXX")
	echo "$1" > "$job/limit"
	printf '%s\n' "$2" > "$job/cmd"
	: > "$job/out"
	l1_tell "run ${job##*/}"
}

# job_wait SECONDS: wait for $job; sets $job_rc, or returns 1 with $l1_why when L1 is dead or has booted anew.
job_wait() {
	local end=$((SECONDS + $1)) boot
	boot=$(cat "$share/ready" 2>/dev/null || true)
	while [ ! -e "$job/rc" ]; do
		l1_dead "$end" && return 1
		if [ -e "$share/ready" ] && [ "$(< "$share/ready")" != "$boot" ]; then
			l1_why="L1 rebooted"
			return 1
		fi
		nap 0.1
	done
	job_rc=$(< "$job/rc")
}

# l1_command SECONDS COMMAND: run it with the output live; its exit code is ours (124: deadline, 125: L1 is dead).
l1_command() {
	local limit=$1 keep tail_pid
	job_start "$limit" "$2"
	trap 'l1_tell "kill ${job##*/}"; exit 130' INT
	sleep infinity & keep=$!
	tail -q -s 0.1 -n +1 -f --pid="$keep" "$job/out" & tail_pid=$!
	disown "$keep"
	job_rc=125
	job_wait "$((limit + 20))" || { say "$l1_why"; tail -n 20 "$state/run/console.log" >&2; }
	kill "$keep"
	wait "$tail_pid" || true
	[ "$job_rc" != 124 ] || say "stopped after $limit s"
	rm -rf "$job"
	return "$job_rc"
}

l1_reload() {
	local rc=0
	l1_command 120 '/tree/tests/lab/l1/stage.sh' || rc=$?
	return "$rc"
}

# A terminal in L1. socat comes from the lab's root, which is where QEMU's sockets are.
l1_shell() {
	local rows=24 cols=80 old='' socat
	if [ -t 0 ]; then
		old=$(stty -g)
		read -r rows cols <<< "$(stty size)"
		trap 'read -r rows cols <<< "$(stty size < /dev/tty)"; l1_tell "size $rows $cols"' WINCH
	fi
	job_start 86400 "exec /tree/tests/lab/l1/terminal.sh $rows $cols"
	chroot "/proc/$(l1_pid)/root" socat "-$([ -t 0 ] && echo ,raw,echo=0)" UNIX-CONNECT:/lab/run/tty.sock <&0 2> /dev/null &
	socat=$!
	while [ ! -e "$job/rc" ] && [ -e "/proc/$socat" ]; do nap 0.2; done
	nap 0.3
	kill "$socat" 2>/dev/null || true
	[ -z "$old" ] || stty "$old"
	rm -rf "$job"
}

# l1_hmp COMMAND: QEMU's answer. Works with a hung L1 too.
l1_hmp() {
	# shellcheck disable=SC2016
	chroot "/proc/$(l1_pid)/root" /bin/bash -c '
		jq -cn --arg c "$1" "{execute: \"qmp_capabilities\"}, {execute: \"human-monitor-command\", arguments: {\"command-line\": \$c}, id: 1}" |
		{ cat; sleep 1; } | timeout 10 socat -t 5 - UNIX-CONNECT:/lab/run/host.mon |
		jq -rj "select(.id == 1) | (.return // .error.desc)"' - "$1"
}
# l1_last_words: what an L1 that does not answer is doing: where its CPUs are, twice, and, on its console, which of its tasks wait for what
l1_last_words() {
	local key
	l1_pid > /dev/null || return 0
	for _ in 1 2; do
		l1_hmp 'info registers -a' | grep -E '^CPU|[RE]IP='
		nap 1
	done
	for key in 9 l w; do
		l1_hmp "sendkey alt-sysrq-$key"
		nap 2
	done
}
