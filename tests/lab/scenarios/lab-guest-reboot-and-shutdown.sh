# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: the command channel gives output, exit code and deadline; a guest reboots and obeys virsh shutdown.
# timeout: 400
guest_define g1
guest_start g1
guest_wait_up g1
step "channel"
assert_eq hello "$(guest_run g1 'echo hello')"
rc=0; guest_run g1 'exit 7' || rc=$?
assert_eq 7 $rc "exit code"
rc=0; guest_run g1 -t 2 'sleep 20' || rc=$?
assert_match '124|137|143' $rc "exit code after the deadline"
assert_eq "$(printf 'a\n\nb')" "$(guest_run g1 'echo a; echo; echo b')" "output of several lines"
guest_run g1 'sleep 2; echo one' > /tmp/one &
guest_run g1 'echo two' > /tmp/two
wait
assert_eq 'one two' "$(cat /tmp/one /tmp/two | xargs)" "two calls at once"

step "reboot"
guest_run g1 'touch /tmp/before; reboot'
wait_eq 60 '' guest_run g1 'ls /tmp/before 2>/dev/null; true'
guest_wait_up g1
assert_eq running "$(guest_state g1)"

step "shutdown"
assert_ok virsh shutdown g1
wait_eq 60 'shut off' guest_state g1
