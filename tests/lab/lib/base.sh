# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Saying, failing, waiting, comparing.

say() { echo "[$(cut -d' ' -f1 /proc/uptime)] $*" >&2; }
# fail WORDS…: end the scenario
fail() { say "FAILED: $*"; exit 1; }
# skip REASON…: end the scenario without a verdict
skip() { echo "SKIP: $*" >&2; exit 77; }
# A heading in the scenario's log, and the time since L1 was switched on.
step() { say "== $*"; }

# retry SECONDS COMMAND…: until it succeeds; then 0, else 1 after that time. It runs at least once, in this shell, without -e.
retry() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}
# wait_for SECONDS COMMAND…: like retry, silent while it waits; the scenario fails if it never succeeds, and then shows what
# the last try said.
wait_for() {
	local end=$((SECONDS + $1)) limit=$1 out
	shift
	until out=$("$@" 2>&1); do
		if [ "$SECONDS" -ge "$end" ]; then
			[ -z "$out" ] || printf '%s\n' "$out" >&2
			fail "not within $limit s: $*"
		fi
		sleep 0.2
	done
}
# wait_eq SECONDS EXPECTED COMMAND…: wait until the command prints that
wait_eq() {
	local end=$((SECONDS + $1)) limit=$1 want=$2 seen
	shift 2
	until seen=$("$@" 2>&1) && [ "$seen" = "$want" ]; do
		[ "$SECONDS" -lt "$end" ] || fail "$* within $limit s: expected '$want', saw '$seen'"
		sleep 0.2
	done
}

# assert_eq EXPECTED SEEN [WHAT]
assert_eq() { [ "$1" = "$2" ] || fail "${3:-value}: expected '$1', saw '$2'"; }
# assert_match EXTENDED-REGEX TEXT [WHAT]
assert_match() { [[ $2 =~ $1 ]] || fail "${3:-text}: expected a match of /$1/, saw '$2'"; }
# assert_ok COMMAND…; assert_fails COMMAND… (leaves what it printed in $output)
assert_ok() { output=$("$@" 2>&1) || fail "expected success: $*; exit code $?, it said: $output"; }
assert_fails() { if output=$("$@" 2>&1); then fail "expected failure: $*; it said: $output"; fi; }

# sriovctl_json ARGUMENT…: what the CLI prints with --json
sriovctl_json() { timeout 60 sriovctl --json "$@"; }
# json_is 'ARGUMENTS' FILTER EXPECTED: is that what jq -c makes of it? For retry and wait_for; says what it saw.
json_is() {
	local doc seen
	# shellcheck disable=SC2086  # words of a command line
	doc=$(sriovctl_json $1 2>&1) || { echo "sriovctl --json $1: $doc"; return 1; }
	seen=$(jq -rc "$2" <<< "$doc" 2>&1) || { echo "jq '$2': $seen, of: $doc"; return 1; }
	[ "$seen" = "$3" ] || { echo "sriovctl --json $1 | jq '$2': expected '$3', saw '$seen'"; return 1; }
}
# assert_json 'ARGUMENTS' FILTER EXPECTED
assert_json() {
	local why
	why=$(json_is "$@") || fail "$why"
}
