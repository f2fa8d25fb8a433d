#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every test: unit tests, the same under ASan and UBSan, clang without warnings, the daemon killed at many
# points and soaked on a simulated host, a short fuzz of each parser, the documents, the lab's scenarios. Goes on
# after a failure; the last line counts.
set -u
cd "$(dirname "$0")/.." || exit 1
jobs=$(nproc)
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
export SRIOVD_TEST_COUNTS=$counts

# stage NAME COMMAND...: runs it; one that leaves no count of its own counts as one test.
stage() {
	local name=$1 before after
	shift
	before=$(wc -l <"$counts")
	echo "== $name"
	if "$@"; then
		after="1 0 0"
	else
		after="0 1 0"
	fi
	[ "$(wc -l <"$counts")" -gt "$before" ] || echo "$after" >>"$counts"
}

lab() {
	local log status line
	log=$(mktemp)
	# What is left of 36 minutes, so that the whole, with packages to install and the lab's root to build, fits 40.
	# shellcheck disable=SC2086 # a list of names
	LAB_RUN=${LAB_RUN:-$((SECONDS < 1260 ? 2160 - SECONDS : 900))} tests/lab/lab.sh run ${CHECK_LAB:-all} | tee "$log"
	status=${PIPESTATUS[0]}
	line=$(tail -n 1 "$log")
	rm -f "$log"
	if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[4]:-0}" >>"$counts"
	fi
	return "$status"
}

stage "build and unit tests" make --no-print-directory -j"$jobs" unit
stage "unit tests under ASan and UBSan" make --no-print-directory -j"$jobs" san
stage "clang, without warnings" make --no-print-directory -j"$jobs" clang
stage "crash: the daemon killed at every ${CHECK_CRASH_EVERY:-50}th system call" \
	make --no-print-directory -j"$jobs" crash CRASH_EVERY="${CHECK_CRASH_EVERY:-50}"
stage "soak: random operations against a reference model" \
	make --no-print-directory -j"$jobs" soak SOAK_SECONDS="${CHECK_SOAK_SECONDS:-30}"
stage "fuzz" make --no-print-directory fuzz FUZZ_SECONDS="${CHECK_FUZZ_SECONDS:-5}"
stage "documents" tests/check-documents.sh
stage "installed tree" make --no-print-directory -j"$jobs" stage
stage "lab" lab

awk '{ p += $1; f += $2; s += $3 }
	END { printf "%d passed, %d failed", p, f; if (s) printf ", %d skipped", s; print ""; exit f != 0 }' "$counts"
