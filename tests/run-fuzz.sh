#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run-fuzz.sh SECONDS TARGET.c...: builds each target with libFuzzer, ASan and UBSan, and runs it for that
# long on its seed corpus (tests/fuzz/corpus/NAME). What it finds is written to build/fuzz/ and printed.
set -eu
seconds=$1
shift
flags="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
make --no-print-directory -j"$(nproc)" VARIANT=fuzz CC=clang HARDEN= SAN=1 OPT="-O1 -g" CFLAGS="$flags" fuzz-libs
libs=$(pkg-config --libs glib-2.0 jansson libxml-2.0 libnl-3.0 libnl-route-3.0 libpci libvirt libvirt-qemu libsystemd sqlite3 libacl)
failed=0
for source in "$@"; do
	name=$(basename "$source" .c)
	corpus=tests/fuzz/corpus/${name#fuzz-}
	mkdir -p "build/fuzz/$name" "$corpus"
	# shellcheck disable=SC2046,SC2086 # lists of words
	clang -std=gnu17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE \
		-iquote . $(pkg-config --cflags glib-2.0 jansson libxml-2.0 libnl-3.0 sqlite3) \
		-DSRIOVD_RUNDIR='"/run/sriovd"' -o "build/fuzz/$name/$name" "$source" \
		-Wl,--start-group build/fuzz/tests/libsupport.a build/fuzz/lib*.a -Wl,--end-group $libs
	# New inputs go to the first folder; the seeds are only read.
	mkdir -p "build/fuzz/$name/corpus"
	if "build/fuzz/$name/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="build/fuzz/$name/" "build/fuzz/$name/corpus" "$corpus" \
		>"build/fuzz/$name/log" 2>&1; then
		echo "ok   $name ($(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name/log") runs)"
	else
		echo "FAIL $name"
		tail -n 40 "build/fuzz/$name/log"
		failed=1
	fi
done
exit "$failed"
