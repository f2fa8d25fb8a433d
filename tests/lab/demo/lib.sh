# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the demo's acts share. For people: what happens, in bold; commands as one types them, with what they print.
. /tree/tests/lab/lib.sh
trap 'say "demo: FAILED: line $LINENO: $BASH_COMMAND"' ERR
if [ -t 1 ] || [ -n "${LAB_COLOR:-}" ]; then b=$'\e[1m' n=$'\e[0m'; else b='' n=''; fi
tell() { printf '\n%s%s%s\n' "$b" "$*" "$n"; }
note() { printf '  %s\n' "$*"; }
# show COMMAND: prints it as it would be typed, and what it says; fails when it does
show() {
	printf '\n  $ %s\n' "$1"
	bash -c "$1" 2>&1 | sed 's/^/  /'
}
# works 'WORDS' FUNCTION…: a check, with its result as a line
works() {
	local out
	out=$("${@:2}" 2>&1) || { printf '%s\n' "$out"; fail "$1"; }
	note "ok  $1"
}
lab_reset > /dev/null 2>&1 || fail "L1 could not be made clean"
# shellcheck disable=SC2034
lab_since=$(date +%s)
