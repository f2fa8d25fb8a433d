# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Run scenarios, one line each. A scenario says in its header: '# timeout: SECONDS' (180), '# nics: N' (3), '# reboots: N' (0: a
# reboot of L1 fails it; otherwise it is run again after each, with LAB_PHASE one higher), '# long: WHY' (not of 'all', but of 'long').
#
# Nested virtualisation under emulation breaks now and then, in ways that nothing in L1 can help. So a scenario that fails is run once
# more in a fresh L1, and the line says so; one that the emulator broke twice is skipped. Not in an L1 that a developer keeps
# up: there the failure is to be looked at.

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
	run_dirty=yes
	run_cpu_before=$(($(run_cpu) * $(getconf CLK_TCK)))
	l1_kill
	l1_boot "$run_how" 2> >(tee "$logs/boot.log" >&2) || return 1
	run_dirty=''
}

# run_names ARGUMENT…: sets $names, $verbose and the number of NICs that the scenarios want
run_names() {
	local n
	names=() verbose=''
	while [ $# -gt 0 ]; do
		case $1 in
		-v | --verbose) verbose=yes ;;
		-*) die "run: $1?" ;;
		# what sriovd does first, then the lab itself: should the time run out, that is what matters less
		all)
			names+=(demo)
			for n in "$here"/scenarios/*.sh; do
				grep -q '^# long:' "$n" || names+=("$(basename "$n" .sh)")
			done
			mapfile -t names < <(printf '%s\n' "${names[@]}" | awk '!seen[$0]++ { if (/^lab-/) late[++n] = $0; else print } END { for (i = 1; i <= n; i++) print late[i] }')
			;;
		long)
			for n in "$here"/scenarios/*.sh; do
				! grep -q '^# long:' "$n" || names+=("$(basename "$n" .sh)")
			done
			;;
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
}

# run_take_l1: ours that is up already, or the right to boot one
run_take_l1() {
	run_dirty='' run_how=dies-with-us
	if l1_is_ours; then
		l1_use
		run_how=stays
		# A developer's L1 may have fewer NICs than these scenarios want
		if ! grep -qs "lab.nics=$nics\b" "$state/nics"; then run_dirty=yes; else l1_reload > "$logs/boot.log" 2>&1 || run_dirty=yes; fi
	else
		l1_lock
		trap l1_off EXIT
	fi
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# run_cpu: seconds of the host's CPU that L1 has used so far, in all its boots of this run: on a busy host the clock tells little
run_cpu() {
	local pid ticks=0
	pid=$(l1_pid) || pid=
	[ -z "$pid" ] || ticks=$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat" 2> /dev/null) || ticks=0
	echo $(((${run_cpu_before:-0} + ${ticks:-0}) / $(getconf CLK_TCK)))
}

run_main() {
	local name names verbose passed=0 failed=0 skipped=0 began rc end cpu took
	run_names "$@"
	mkdir -p "$logs"
	run_take_l1
	cache_root
	end=$((SECONDS + ${LAB_RUN:-2400}))
	for name in "${names[@]}"; do
		began=$EPOCHREALTIME cpu=$(run_cpu)
		rc=0 run_first='' run_why=''
		rm -rf "${logs:?}/$name" "${logs:?}/$name".[12]
		run_tries "$name" "$end" || rc=$?
		took="$(seconds_since "$began") s, CPU $(($(run_cpu) - cpu)) s"
		case $rc in
		0)
			passed=$((passed + 1))
			echo "ok   $name ($took)"
			[ -z "$run_first" ] || echo "     passed at another try, first: $run_first (build/lab/logs$slot/$name.1)"
			;;
		77)
			skipped=$((skipped + 1))
			echo "skip $name: $run_why"
			;;
		*)
			failed=$((failed + 1))
			echo "FAIL $name ($took): $run_why"
			[ -z "$run_first" ] || echo "  the first time: $run_first (build/lab/logs$slot/$name.1)"
			run_explain "$name"
			;;
		esac
	done
	# the tree's owner, not root, reads and removes them
	chown -R --reference="$tree" "$tree/build/lab" 2> /dev/null || true
	[ "$run_how" = stays ] || l1_off
	if [ $skipped = 0 ]; then echo "$passed passed, $failed failed"; else echo "$passed passed, $failed failed, $skipped skipped"; fi
	[ $failed = 0 ]
}

# run_tries NAME END: 0, 77 (skipped, $run_why) or failed ($run_why); $run_first is why the first try failed if there was another.
# What the emulator broke says nothing of the scenario, so one failure of its own may still be followed by two more tries.
run_tries() {
	local name=$1 end=$2 try=1 rc own=0
	while :; do
		rc=0
		run_one "$name" "$end" || rc=$?
		case $rc in 0 | 77) return $rc ;; esac
		run_over "$end" && return 77
		[ "$run_how" != stays ] || return $rc
		[ -n "$run_broken" ] || own=$((own + 1))
		if [ $own = 0 ] && [ $try = 2 ]; then
			run_why="the emulator broke L1 twice: $run_first; $run_why"
			return 77
		fi
		if [ $own = 2 ] || [ $try = 3 ]; then return $rc; fi
		run_first=${run_first:-$run_why}
		rm -rf "${logs:?}/$name.$try"
		mv "$logs/$name" "$logs/$name.$try"
		try=$((try + 1)) run_dirty=yes
	done
}

# run_over END: the run's time is over, so nobody can say that a scenario failed
run_over() {
	[ "$SECONDS" -ge "$1" ] || return 1
	run_why="the whole run's time, ${LAB_RUN:-2400} s, is over"
}

# run_one NAME END: 0, 77 (skipped) or failed; $run_why says why, $run_broken that it was the emulator
run_one() {
	local name=$1 end=$2 limit phase=1 reboots out=$logs/$1/output.log tail_pid='' keep
	run_why='' run_broken=''
	mkdir -p "$logs/$name"
	run_over "$end" && return 77
	# Two scenarios that could not have an L1, tried twice each, are enough.
	if [ "${run_no_l1:-0}" -ge 4 ]; then
		run_why="L1 does not come up"
		return 77
	fi
	if ! run_ensure_l1; then
		run_no_l1=$((${run_no_l1:-0} + 1))
		run_why="L1 did not come up: $l1_why" run_broken=$l1_broken
		cp "$logs/boot.log" "$out"
		cp "$state/run/console.log" "$logs/$name/console.log" 2> /dev/null || true
		return 1
	fi
	run_no_l1=0
	limit=$(scenario_header "$name" timeout)
	limit=${limit:-180}
	[ $((SECONDS + limit)) -le "$end" ] || limit=$((end - SECONDS + 1))
	reboots=$(scenario_header "$name" reboots)
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
		[ -z "$job_rc" ] && [ "$l1_why" = "L1 rebooted" ] && [ "$phase" -le "${reboots:-0}" ] || break
		echo "-- L1 was reset: phase $((phase + 1))" >> "$out"
		phase=$((phase + 1))
	done
	run_verdict "$name"
}

# run_verdict NAME: from $job_rc (none: L1 is dead) to an exit code, $run_why and $run_broken; the logs
run_verdict() {
	local name=$1 out=$logs/$1/output.log
	# Also after a scenario that passed: the next one shall not have a broken L1.
	l1_breakage && run_dirty=yes
	if [ -z "$job_rc" ]; then
		echo "FAILED: L1: $l1_why" >> "$out"
		l1_last_words > "$logs/$name/hang.log" 2>&1 || true
		run_dirty=yes
		job_rc=1
	elif [ "$job_rc" = 99 ]; then
		echo "FAILED: L1 could not be made clean before this scenario" >> "$out"
		run_dirty=yes
	fi
	cp -r "$share/logs/$name/." "$logs/$name/" 2> /dev/null || true
	cp "$state/run/console.log" "$logs/$name/console.log" 2> /dev/null || true
	case $job_rc in
	0) return 0 ;;
	77) run_why=$(sed -n 's/^SKIP: //p' "$out" | tail -n 1) ;;
	*)
		run_broken=$l1_broken
		run_why=$(sed -n 's/^\(\[[0-9. ]*\] \)\?FAILED: //p' "$out" | head -n 1)
		# Nested virtualisation under emulation; with KVM it would be a failure as any other.
		[ "$(accel)" != tcg ] || run_broken=${run_broken:-$(sed -n 's/^GUEST-HANGS: //p' "$out" | head -n 1)}
		[ -z "$run_broken" ] || run_why="emulation: $run_broken"
		run_why=${run_why:-exit code $job_rc}
		;;
	esac
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
	if [ ! -s "$dir/sriovd.log" ] && [ -s "$dir/console.log" ]; then
		echo "  -- L1's console"
		tail -n 15 "$dir/console.log" | sed 's/^/  | /'
	fi
	echo "  -- all logs: ${dir#"$tree"/}"
}
