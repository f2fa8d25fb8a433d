#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Holds what the documents say against the tree: paths and make targets that they name exist, the manual pages are
# sound, every command of sriovctl is in its manual page and every man page's command exists, scripts pass shellcheck,
# and each fault of tests/FAULTS.md has its tests.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck disable=SC2016,SC2086 # backticks as such; a list of names
documents='README.md ARCHITECTURE.md HACKING.md tests/lab/README.md'
passed=0 failed=0

# verdict WHAT PROBLEMS: none means passed.
verdict() {
	if [ -z "$2" ]; then
		passed=$((passed + 1))
		echo "ok   $1"
	else
		failed=$((failed + 1))
		printf 'FAIL %s\n%s\n' "$1" "$2"
	fi
}

# Between backticks, what looks like a path of the tree: it begins with one of its top folders.
paths() {
	local word
	grep -ohE '`[^` ]+`' $documents | tr -d '`' | sort -u |
		grep -E '^(base|pci|netlink|srv|plugins|conf|tests)/' | grep -v '[*<>=A-Z]' |
		while read -r word; do
			[ -e "${word%/}" ] || echo "  $word is named and not there"
		done
}

targets() {
	local target
	grep -ohE '(^|`|\bsudo )make [a-z][a-z-]*' $documents | sed 's/.*make //' | sort -u |
		while read -r target; do
			grep -qhE "^(\.PHONY:.*)?\b$target\b.*:|^\.PHONY:.* $target( |$)" Makefile ./*/Makefile.inc ||
				echo "  make $target is named and no target"
		done
}

manuals() {
	mandoc -Tlint -Wwarning conf/man/*.[1-8] 2>&1 | sed 's/^/  /'
}

# What is installed names the directories of its own PREFIX, and is made again for another one.
prefixes() {
	local prefix files
	files=$(printf 'build/prefix/%s ' conf/man/*.[1-8] conf/sriovd.json.example conf/sriovd.service)
	for prefix in /opt/one /opt/two; do
		# shellcheck disable=SC2086 # a list of names
		make -s --no-print-directory VARIANT=prefix PREFIX=$prefix SYSCONFDIR=$prefix/etc STATEDIR=$prefix/state \
			RUNDIR=$prefix/run $files >/dev/null || echo "  PREFIX=$prefix: they cannot be made"
		# shellcheck disable=SC2086
		grep -nE '/usr/local|/opt/one.*/opt/two|@[A-Z]+@|(^|[ "])(/etc|/run|/var/lib)/sriovd|[ "]/etc/libvirt/hooks' $files |
			sed "s,^,  PREFIX=$prefix: ,"
		# shellcheck disable=SC2086
		[ "$prefix" = "$(grep -ohE '/opt/[a-z]+' $files | sort -u)" ] || echo "  PREFIX=$prefix: another one is named"
		grep -q "$prefix/libexec/sriovd/sriovd-hook" build/prefix/conf/man/sriovd-hook.8 &&
			grep -q "\"$prefix/share/sriovd/sriovd.schema.json\"" build/prefix/conf/sriovd.json.example ||
			echo "  PREFIX=$prefix: it is not in sriovd-hook.8 or not in the example"
	done
	rm -rf build/prefix
}

commands() {
	local command
	[ -x build/release/sriovctl ] || { echo "  build/release/sriovctl is not built"; return; }
	build/release/sriovctl --help | awk '/^Commands/ { on = 1; next } /^[A-Z]/ { on = 0 } on && NF { print $1 }' |
		sort -u | while read -r command; do
		mandoc -Tascii conf/man/sriovctl.1 | sed 's/.\x08//g' | grep -qE "^ +(sriovctl )?$command\b" ||
			echo "  sriovctl $command is not in its manual page"
	done
}

# What one script takes from another that sources it is not known to shellcheck, hence the exceptions.
scripts() {
	find . \( -path ./build -o -path ./.git -o -path ./tests/lab/scenarios \) -prune -o -name '*.sh' -print0 |
		xargs -0 shellcheck -S warning -e SC2154,SC2034,SC1090,SC2054,SC2046,SC2187 \
			tests/lab/guest/init .ci/run 2>&1 | sed 's/^/  /'
}

# tests/FAULTS.md: a row for each of the 36 faults, in order; every test that it names is there, is run, and says its row.
faults() {
	local row=0 line number word file uses
	while IFS= read -r line; do
		row=$((row + 1))
		number=$(cut -d '|' -f 2 <<<"$line" | tr -d ' ')
		[ "$number" = $row ] || echo "  tests/FAULTS.md: row $number stands where $row should"
		file=''
		for word in $(cut -d '|' -f 5- <<<"$line" | grep -oE '`[^` ]+`' | tr -d '`'); do
			case $word in
			tests/*)
				file=$word
				[ -f "$file" ] || echo "  row $row: $file is named and not there"
				grep -qE "FAULTS row $number\b" "$file" || echo "  row $row: $file does not say \"FAULTS row $number\""
				;;
			*_*)
				[ -f "$file" ] || continue
				grep -qE "^static .*\b$word\(" "$file" ||
					{ echo "  row $row: $file has no $word()"; continue; }
				uses=$(grep -cE "\b$word\b" "$file")
				[ "$uses" -gt 1 ] || echo "  row $row: $word() is not run"
				;;
			esac
		done
		[ -n "$file" ] || echo "  row $row names no test"
	done < <(grep -E '^\| [0-9]+ ' tests/FAULTS.md)
	[ $row = 36 ] || echo "  tests/FAULTS.md has $row rows, not 36"
}

verdict "paths in the documents" "$(paths)"
verdict "make targets in the documents" "$(targets)"
verdict "manual pages" "$(manuals)"
verdict "the directories of a PREFIX in the documents" "$(prefixes)"
verdict "sriovctl's commands in its manual page" "$(commands)"
verdict "shell scripts" "$(scripts)"
verdict "faults and their tests" "$(faults)"
echo "documents: $passed passed, $failed failed"
[ -z "${SRIOVD_TEST_COUNTS:-}" ] || echo "$passed $failed 0" >>"$SRIOVD_TEST_COUNTS"
[ "$failed" -eq 0 ]
