# SPDX-License-Identifier: GPL-2.0-or-later
# Without a configuration sriovd shows and manages nothing; each bad one is told with its place and changes nothing; a good one is taken.
# timeout: 180
sriovd_start
step "none"
assert_json status '{configured, pfs: [.pfs[] | "\(.netdev) \(.state)"]}' '{"configured":false,"pfs":["enp1s0 unmanaged","enp2s0 unmanaged","enp3s0 unmanaged"]}'
assert_eq 0 "$(vf_count enp1s0)" "VFs"
assert_fails sriovctl vf claim job1 --network tenant-a
assert_match 'no network .tenant-a' "$output"

# bad PLACE WORDS < configuration: 'config check' and 'reload' refuse it, each with one sentence that has the place and the words
bad() {
	local rc=0 before
	config_write
	before=$(sriovctl_json pf list | jq -c '.pfs | map({netdev, state, numVfs, pool})')
	output=$(sriovctl config check 2>&1) || rc=$?
	assert_eq 3 $rc "exit code of config check, which said: $output"
	assert_match "$1.*$2" "$output" "config check"
	say "$(grep -m 1 -o "sriovd.json.*" <<< "$output")"
	rc=0
	output=$(sriovctl reload 2>&1) || rc=$?
	assert_eq 3 $rc "exit code of reload, which said: $output"
	assert_match "$2" "$output" "reload"
	assert_eq 1 "$(wc -l <<< "$output")" "lines of: $output"
	assert_eq "$before" "$(sriovctl_json pf list | jq -c '.pfs | map({netdev, state, numVfs, pool})')" "PFs"
}
pool='{ "name": "fast", "select": { "pfNames": ["enp1s0"] }, "numVfs": 2 }'
all_bad() {
	step "bad: $1"
	bad 'sriovd.json:1:3' 'unknown key "pool".*"pools"' <<< '{ "pool": [] }'
	bad 'sriovd.json:3:' 'numVfs' <<< $'{\n"pools": [ { "name": "fast", "select": { "pfNames": ["enp1s0"] },\n"numVfs": "two" } ] }'
	bad 'sriovd.json:2:' 'fast.*(two pools|both|already|overlap|also)' <<< $'{ "pools": [ '"$pool"$',\n{ "name": "slow", "select": { "vendors": ["8086"] }, "numVfs": 2 } ] }'
	bad 'sriovd.json:1:' 'vlan.*4094' <<< "{ \"pools\": [ $pool ], \"networks\": [ { \"name\": \"a\", \"pool\": \"fast\", \"vlan\": 4095 } ] }"
	bad 'sriovd.json:1:' '(numVfs|VFs).*7' <<< '{ "pools": [ { "name": "fast", "select": { "pfNames": ["enp1s0"] }, "numVfs": 8 } ] }'
	bad 'sriovd.json:' 'expected' <<< '{ "pools": [ '
}
all_bad "while nothing is managed"
assert_eq 0 "$(vf_count enp1s0)" "VFs"

step "what may come later is a warning: it is no mistake, and it is told"
mkdir -p /tmp/later
echo '{ "pools": [ { "name": "fast", "select": { "vendors": ["ffff"] }, "numVfs": 2 } ] }' > /tmp/later/sriovd.json
assert_ok sriovctl config check /tmp/later
say "$output"
assert_match 'warning.*sriovd.json:1:14.*"fast" matches nothing on this host' "$output" "config check"

step "good"
config_lab 2
assert_ok sriovctl config check
assert_ok sriovctl reload
wait_vfs enp1s0 2
assert_ok sriovctl vf claim job1 --network tenant-a
all_bad "the good one stays"
assert_eq 2 "$(vf_count enp1s0)" "VFs"
assert_json 'nic show job1 net0' '.nic | "\(.state) \(.backing)"' 'attached vf'
assert_ok sriovctl vf claim job2 --network tenant-a
assert_match 'sriovd.json' "$(sriovctl status)" "status shows the problem"

step "a restart with a bad one: it runs, says so, and nothing is lost"
sriovd_restart
assert_json status .configured false
assert_match 'sriovd.json' "$(sriovctl status)" "status"
assert_eq 2 "$(vf_count enp1s0)" "VFs"
config_lab 2
assert_ok sriovctl reload
wait_vfs enp1s0 0
assert_json 'nic list' '[.nics[] | "\(.owner.name) \(.state) \(.backing)"]' '["job1 attached vf","job2 attached vf"]'
