# SPDX-License-Identifier: GPL-2.0-or-later
# varlinkctl, which nobody here wrote, introspects the running daemon, calls it, gets errors and streams.
# timeout: 120
sriovd_up 1
s=/run/sriovd/sriovd.sock
v() { timeout 30 varlinkctl "$@"; }
step "info, introspection"
assert_ok v info $s
assert_match 'io\.sriovd' "$output" "interfaces"
assert_ok v list-interfaces $s
assert_match 'io\.sriovd' "$output" "interfaces"
v introspect $s io.sriovd > /tmp/idl
assert_match 'method GetStatus' "$(cat /tmp/idl)" "description"
v validate-idl /tmp/idl > /dev/null || fail "its description does not validate"
# sriovd's text is the file that was installed, comments and all
call=$(v call -j $s org.varlink.service.GetInterfaceDescription '{"interface":"io.sriovd"}' | jq -r .description)
assert_eq "$(cat /usr/share/sriovd/io.sriovd.varlink)" "$call" "description"

step "calls"
assert_eq 'enp1s0 ready' "$(v call -j $s io.sriovd.ListPFs '{}' | jq -r '.pfs[0] | "\(.netdev) \(.state)"')" "ListPFs"
assert_eq enp1s0/0 "$(v call -j $s io.sriovd.Claim '{"owner":"job1","network":"tenant-a"}' | jq -r .vf.name)" "Claim"
assert_fails v call -j $s io.sriovd.Claim '{"owner":"job2","network":"tenant-a"}'
assert_match 'io\.sriovd\.Exhausted' "$output" "error"
assert_fails v call -j $s io.sriovd.Claim '{"owner":"job2"}'

step "streams"
v call -j --more $s io.sriovd.Watch '{}' > /tmp/events 2>&1 &
watcher=$!
sleep 1
job=$(v call -j $s io.sriovd.Release '{"owner":"job1"}' | jq -r .job)
v call -j --more $s io.sriovd.WatchJob "{\"job\":$job}" | tr -d '\036' > /tmp/steps
say "$(cat /tmp/steps)"
assert_eq done "$(jq -r .step.state /tmp/steps | tail -n 1)" "last step"
wait_for 20 grep -q scrubbed /tmp/events
kill $watcher
