#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run-unit.sh [-j JOBS] BUILD_DIR PROGRAM...: runs the unit test programs, JOBS of them at a time (or $JOBS; by itself as many
# as there are processors), prints what failed, and in the end what was skipped, with the reason (skip_because() of
# tests/unit/test.h), and one closing count. Whatever ends first, it is printed in the order of the arguments, those that run
# alone before all others.
set -u
jobs=${JOBS:-$(nproc)}
if [ "${1:-}" = -j ]; then
	jobs=$2
	shift 2
fi
[[ $jobs =~ ^[1-9][0-9]*$ ]] || { echo "$0: \"$jobs\" is no number of jobs" >&2; exit 2; }
build=$1
shift
export SRIOVD_TEST_BUILD=$build SRIOVD_TEST_SOURCE=$PWD
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=print_stacktrace=1
export G_SLICE=always-malloc
# A deadline that only catches hangs.
seconds=${SRIOVD_TEST_SECONDS:-300}
passed=0 failed=0 skipped=0
dir=$(mktemp -d)
# They compare times of this machine with each other: nothing else runs meanwhile, so they come first.
alone=' test-sim-reads test-varlink-budget '
programs=() others=()
for program in "$@"; do
	case $alone in
	*" $(basename "$program") "*) programs+=("$program") ;;
	*) others+=("$program") ;;
	esac
done
n_alone=${#programs[@]}
programs+=(${others[@]+"${others[@]}"})
running=() # processes, by index of their programs
ended=()   # exit statuses, ditto
mkfifo "$dir/ended"
exec {news}<>"$dir/ended"

# shellcheck disable=SC2329 # by the trap
leave() {
	[ "${#running[@]}" -eq 0 ] || kill "${running[@]}" 2>/dev/null
	rm -rf "$dir"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run INDEX: in the background. That the shell ignores SIGINT there is no business of the program's.
run() {
	local child
	trap 'kill "$child"' TERM
	CMOCKA_MESSAGE_OUTPUT=STDOUT env --default-signal=INT,QUIT timeout -k 10 "$seconds" "${programs[$1]}" \
		>"$dir/$1" 2>&1 </dev/null {news}>&- &
	child=$!
	wait "$child" 2>/dev/null
	echo "$1 $?" >&"$news"
}

start() {
	run "$1" &
	running[$1]=$!
}

# Until one of them has ended.
reap() {
	local i status
	read -r i status <&"$news"
	ended[i]=$status
	unset "running[$i]"
}

how() {
	if [ "$1" -eq 124 ]; then
		echo "exit 124: it hung, and was ended after $seconds s"
	elif [ "$1" -gt 128 ] && kill -l "$1" >/dev/null 2>&1; then
		echo "exit $1: SIG$(kill -l "$1")"
	else
		echo "exit $1"
	fi
}

# list_skipped INDEX: cmocka prints nothing but the name; the reason stands between the test's start and it.
list_skipped() {
	awk -v program="$(basename "${programs[$1]}")" '
		/^\[  PASSED  \]/ { exit }
		/^\[ RUN      \] / { reason = "for no reason that it told" }
		/^skipped: / { reason = substr($0, 10) }
		/^\[  SKIPPED \] / { printf "skipped: %s: %s: %s\n", program, substr($0, 14), reason }' "$dir/$1" >>"$dir/skipped"
}

report() {
	local log=$dir/$1 status=${ended[$1]} name ok bad skip
	name=$(basename "${programs[$1]}")
	ok=$(grep -c '^\[       OK \]' "$log")
	bad=$(sed '/^\[  PASSED  \]/,$d' "$log" | grep -c '^\[  FAILED  \]')
	# cmocka lists the skipped ones once more at the end, behind the count of what passed.
	skip=$(sed '/^\[  PASSED  \]/,$d' "$log" | grep -c '^\[  SKIPPED \]')
	if [ "$status" -ne 0 ] || [ "$((ok + skip))" -eq 0 ]; then
		[ "$bad" -gt 0 ] || bad=1
		echo "FAIL $name ($(how "$status"))"
		tail -n 60 "$log"
	else
		bad=0
		echo "ok   $name ($ok)"
	fi
	[ "$skip" -eq 0 ] || list_skipped "$1"
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

next=0
report_ended() {
	while [ -n "${ended[$next]:-}" ]; do
		report "$next"
		next=$((next + 1))
	done
}

for i in "${!programs[@]}"; do
	start "$i"
	if [ "$i" -lt "$n_alone" ] || [ "${#running[@]}" -ge "$jobs" ]; then
		reap
	fi
	report_ended
done
while [ "${#running[@]}" -gt 0 ]; do
	reap
	report_ended
done
[ ! -e "$dir/skipped" ] || cat "$dir/skipped"
echo "unit tests: $passed passed, $failed failed, $skipped skipped"
if [ -n "${SRIOVD_TEST_COUNTS:-}" ]; then
	echo "$passed $failed $skipped" >>"$SRIOVD_TEST_COUNTS"
fi
[ "$failed" -eq 0 ]
