# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Run scenarios, one line each. A scenario says in its header: '# timeout: SECONDS' (180), '# nics: N' (3), '# reboots: N' (0: a
# reboot of L1 fails it; otherwise it is run again after each, with LAB_PHASE one higher).

scenario_list() {
	local f
	for f in "$here"/scenarios/*.sh; do
		printf '%-32s %s\n' "$(basename "$f" .sh)" "$(sed -n '2s/^# //p' "$f")"
	done
}
scenario_header() { sed -n "s/^# $2: *\([0-9]*\).*/\1/p;/^[^#]/q" "$here/scenarios/$1.sh" | head -n 1; }

# Boot if there is no L1 or a dead one; 1: it does not come up.
run_ensure_l1() {
	[ -n "$(l1_pid)" ] && [ -e "$share/ready" ] && [ -z "$run_dirty" ] && return
	l1_kill
	if ! l1_boot "$run_how" 2> >(tee "$logs/boot.log" >&2); then return 1; fi
	run_dirty=''
}

run_main() {
	local name names=() passed=0 failed=0 skipped=0 n began rc line end
	verbose='' run_dirty='' run_how=dies-with-us
	while [ $# -gt 0 ]; do
		case $1 in
		-v | --verbose) verbose=yes ;;
		-*) die "run: $1?" ;;
		all) for n in "$here"/scenarios/*.sh; do names+=("$(basename "$n" .sh)"); done ;;
		*)
			n=$(basename "$1" .sh)
			[ -f "$here/scenarios/$n.sh" ] || die "no scenario $n; there are: $(scenario_list | cut -d' ' -f1 | xargs)"
			names+=("$n")
			;;
		esac
		shift
	done
	[ ${#names[@]} -gt 0 ] || die "run: which scenarios? (lab.sh list)"
	for name in "${names[@]}"; do
		n=$(scenario_header "$name" nics)
		[ "${n:-0}" -le "$nics" ] || nics=$n
	done
	end=$((SECONDS + ${LAB_RUN:-7200}))

	mkdir -p "$logs"
	if l1_is_ours; then
		l1_use
		run_how=stays
		trap 'exit 130' INT
		trap 'exit 143' TERM HUP
		# A developer's L1 may have fewer NICs than these scenarios want
		if ! grep -qs "lab.nics=$nics\b" "$state/nics"; then run_dirty=yes; else l1_reload > "$logs/boot.log" 2>&1 || run_dirty=yes; fi
	else
		l1_lock
		trap l1_off EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM HUP
	fi

	for name in "${names[@]}"; do
		# booting is not the scenario's time
		[ "$SECONDS" -ge "$end" ] || run_ensure_l1 || true
		began=$EPOCHREALTIME
		rc=0
		rm -rf "${logs:?}/$name"
		mkdir -p "$logs/$name"
		if [ "$SECONDS" -ge "$end" ]; then
			rc=1
			echo "FAILED: the whole run's time, ${LAB_RUN:-7200} s, is over" > "$logs/$name/output.log"
		else
			run_one "$name" || rc=$?
		fi
		line="$name ($(seconds_since "$began") s)"
		case $rc in
		0) passed=$((passed + 1)); echo "ok   $line" ;;
		77)
			skipped=$((skipped + 1))
			echo "skip $name: $(sed -n 's/^SKIP: //p' "$logs/$name/output.log" | tail -n 1)"
			;;
		*) failed=$((failed + 1)); echo "FAIL $line"; run_explain "$name" ;;
		esac
	done
	# the tree's owner, not root, reads and removes them
	chown -R --reference="$tree" "$tree/build/lab" 2> /dev/null || true
	[ "$run_how" = stays ] || l1_off
	if [ $skipped = 0 ]; then echo "$passed passed, $failed failed"; else echo "$passed passed, $failed failed, $skipped skipped"; fi
	[ $failed = 0 ]
}

# run_one NAME [again]: 0, 77 (skipped) or not
run_one() {
	local name=$1 again=${2:-} limit phase=1 reboots out=$logs/$1/output.log tail_pid='' keep
	limit=$(scenario_header "$name" timeout)
	limit=${limit:-180}
	reboots=$(scenario_header "$name" reboots)
	reboots=${reboots:-0}
	run_ensure_l1 || { cp "$logs/boot.log" "$out"; run_dirty=yes; return 1; }
	rm -rf "$share/logs"
	: > "$out"
	while :; do
		job_start "$((limit + 90))" "exec /tree/tests/lab/l1/run-scenario.sh $name $limit $phase"
		if [ -n "$verbose" ]; then
			sleep infinity & keep=$!
			tail -q -s 0.1 -n +1 -f --pid="$keep" "$job/out" & tail_pid=$!
			disown "$keep"
		fi
		job_rc=''
		job_wait "$((limit + 110))" || true
		if [ -n "$tail_pid" ]; then kill "$keep"; wait "$tail_pid" || true; fi
		cat "$job/out" >> "$out"
		rm -rf "$job"
		[ -z "$job_rc" ] && [ "$l1_why" = "L1 rebooted" ] && [ "$phase" -le "$reboots" ] || break
		echo "-- L1 was reset: phase $((phase + 1))" >> "$out"
		phase=$((phase + 1))
	done
	# The emulator's fault, not the scenario's (l1/hold.sh): once more.
	if [ -z "$job_rc" ] && [ -z "$again" ] && grep -qs "Oops: int3" "$state/run/console.log"; then
		say "$name: L1 panicked at code that it was patching (emulation); again"
		cp "$state/run/console.log" "$logs/$name/console-int3.log"
		run_dirty=yes
		run_one "$name" again
		return
	fi
	if [ -z "$job_rc" ]; then
		echo "FAILED: L1: $l1_why" >> "$out"
		run_dirty=yes
		job_rc=1
	elif [ "$job_rc" = 99 ]; then
		echo "FAILED: L1 could not be made clean before this scenario" >> "$out"
		run_dirty=yes
	fi
	cp -r "$share/logs/$name/." "$logs/$name/" 2> /dev/null || true
	cp "$state/run/console.log" "$logs/$name/console.log" 2> /dev/null || true
	return "$job_rc"
}

# What a reader of the failed line wants next.
run_explain() {
	local f dir=$logs/$1
	for f in output.log:40 sriovd.log:30 libvirtd.log:15 kernel.log:10; do
		[ -s "$dir/${f%:*}" ] || continue
		echo "  -- ${f%:*}"
		tail -n "${f#*:}" "$dir/${f%:*}" | sed 's/^/  | /'
	done
	for f in "$dir"/guests/*.log; do
		[ -s "$f" ] || continue
		echo "  -- guests/${f##*/}"
		tail -n 8 "$f" | sed 's/^/  | /'
	done
	[ ! -s "$dir/sriovd.log" ] && grep -q '^FAILED: L1:' "$dir/output.log" && tail -n 15 "$dir/console.log" 2> /dev/null | sed 's/^/  | /'
	echo "  -- all logs: ${dir#"$tree"/}"
}
