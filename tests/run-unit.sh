#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run-unit.sh BUILD_DIR PROGRAM...: runs the unit test programs, prints what failed, and in the end what was skipped, with
# the reason (skip_because() of tests/unit/test.h), and one closing count.
set -u
build=$1
shift
export SRIOVD_TEST_BUILD=$build SRIOVD_TEST_SOURCE=$PWD
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=print_stacktrace=1
export G_SLICE=always-malloc
passed=0 failed=0 skipped=0
log=$(mktemp)
left_out=$(mktemp)
trap 'rm -f "$log" "$left_out"' EXIT

# list_skipped PROGRAM: cmocka prints nothing but the name; the reason stands between the test's start and it.
list_skipped() {
	awk -v program="$1" '
		/^\[  PASSED  \]/ { exit }
		/^\[ RUN      \] / { reason = "for no reason that it told" }
		/^skipped: / { reason = substr($0, 10) }
		/^\[  SKIPPED \] / { printf "skipped: %s: %s: %s\n", program, substr($0, 14), reason }' "$log" >>"$left_out"
}

for program in "$@"; do
	# A deadline that only catches hangs.
	CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 300 "$program" >"$log" 2>&1
	status=$?
	ok=$(grep -c '^\[       OK \]' "$log")
	bad=$(sed '/^\[  PASSED  \]/,$d' "$log" | grep -c '^\[  FAILED  \]')
	# cmocka lists the skipped ones once more at the end, behind the count of what passed.
	skip=$(sed '/^\[  PASSED  \]/,$d' "$log" | grep -c '^\[  SKIPPED \]')
	if [ "$status" -ne 0 ] || [ "$((ok + skip))" -eq 0 ]; then
		[ "$bad" -gt 0 ] || bad=1
		echo "FAIL $(basename "$program") (exit $status)"
		tail -n 60 "$log"
	else
		bad=0
		echo "ok   $(basename "$program") ($ok)"
	fi
	[ "$skip" -eq 0 ] || list_skipped "$(basename "$program")"
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done
cat "$left_out"
echo "unit tests: $passed passed, $failed failed, $skipped skipped"
if [ -n "${SRIOVD_TEST_COUNTS:-}" ]; then
	echo "$passed $failed $skipped" >>"$SRIOVD_TEST_COUNTS"
fi
[ "$failed" -eq 0 ]
