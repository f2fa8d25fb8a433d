#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab: one virtual machine (L1) with emulated SR-IOV NICs, an IOMMU and nested KVM, and guests (L2) inside it.
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

usage() {
	cat <<'HELP'
Usage: tests/lab/lab.sh COMMAND [ARGUMENTS]      (as root)

  root                       build L1's root, once (later calls find it in the cache)
  run [-v] SCENARIO...|all|long
                             run scenarios in one L1; one line each; exit code 1 if any failed; "all" are those
                             without a "# long:" line, "long" those with one, which take too long for "all"
  list                       the scenarios there are
  demo                       run tests/lab/demo.sh in L1, its output live
  shell                      a shell in L1, sriovd running; logout powers it off
  exec [-t SEC] 'COMMAND'    boot, run one command, power off; its output and exit code
  up                         boot L1 and leave it running
  sh [-s] [-t SEC] 'COMMAND' run a command in the running L1 (lib.sh's functions are there too); one at a time,
                             with -s at once beside whatever runs there
  reload                     copy build/stage into the running L1 again and restart sriovd
  monitor 'HMP COMMAND'      ask the monitor of L1's QEMU, for example 'set_link igb1 off'
  status                     is L1 up, and whose
  down                       power L1 off

With L1 up from this tree, run, demo, shell and exec use it (after a reload) and leave it up.

Environment:
  LAB_CACHE   where root, image and locks are kept             /var/cache/sriovd-lab
  LAB_ACCEL   auto, tcg or kvm                                 auto
  LAB_NICS    igb NICs; the last one is the outside peer       3, or what a scenario asks for
  LAB_STAGE   install tree to copy into L1, inside the tree    build/stage
  LAB_SLOT    a name: an L1 of one's own beside others' (slower: they share the cores)
  LAB_WAIT    seconds to wait for somebody else's L1           3600
  LAB_RUN     seconds a whole 'run' may take; what is left then is skipped   2400
  LAB_BOOT    seconds L1 has for its boot (twice, if it must)  180
  LAB_MIRROR  Debian archive to build the root from            apt's own
HELP
}

tree=$(realpath "$here/../..")
cache=${LAB_CACHE:-/var/cache/sriovd-lab}
slot=${LAB_SLOT:+-$LAB_SLOT}
state=$cache/l1$slot     # what belongs to the one L1 of this cache (and slot)
share=$state/share       # writable from L1, as /results
logs=$tree/build/lab/logs$slot
stage=${LAB_STAGE:-build/stage}
nics=${LAB_NICS:-3}

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 1; }

. "$here/cache.sh"
. "$here/boot.sh"
. "$here/control.sh"
. "$here/run.sh"

# Boot L1 unless this tree has one up already. Ours is powered off when this script ends, whatever happens.
with_l1() {
	if l1_is_ours; then
		l1_use
		l1_reload > /dev/null || die "reload failed"
	else
		l1_lock
		trap l1_off EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM HUP
		l1_boot dies-with-us || die "L1 did not come up"
	fi
}

cmd=${1:-}
[ $# -eq 0 ] || shift
case $cmd in
-h | --help | help | "") usage; [ -n "$cmd" ] || exit 2; exit 0 ;;
list) scenario_list; exit 0 ;;
esac
[ "$(id -u)" = 0 ] || die "needs root (mounts, chroot): sudo $0 $cmd"
mkdir -p "$cache"

case $cmd in
root) cache_root ;;
up)
	if l1_is_ours; then say "already up"; exit 0; fi
	l1_lock
	l1_boot stays || { l1_off; die "L1 did not come up"; }
	say "up; lab.sh sh 'COMMAND', lab.sh down"
	;;
down) l1_off ;;
status) l1_status ;;
sh | exec)
	limit=300 shared=''
	while :; do
		case ${1:-} in
		-t) limit=$2; shift 2 ;;
		-s) shared=yes; shift ;;
		*) break ;;
		esac
	done
	[ $# -gt 0 ] || die "which command?"
	if [ "$cmd" = exec ]; then
		with_l1
	else
		l1_is_ours || die "no L1 is up from this tree: lab.sh up"
		[ -n "$shared" ] || l1_use
	fi
	l1_command "$limit" "$*"
	;;
reload)
	l1_is_ours || die "no L1 is up from this tree: lab.sh up"
	l1_use
	l1_reload
	;;
monitor) l1_is_ours || die "no L1 is up from this tree: lab.sh up"; l1_hmp "$*" ;;
run) run_main "$@" ;;
demo)
	[ -f "$here/demo.sh" ] || die "no tests/lab/demo.sh"
	with_l1
	l1_command "${LAB_DEMO_SECONDS:-900}" 'exec bash /tree/tests/lab/demo.sh'
	;;
shell) with_l1; l1_shell ;;
*) usage >&2; exit 2 ;;
esac
