# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong types, sizes, depths and strangers at the socket: one clear error each, nothing changes, others are served.
# timeout: 180
# FAULTS row 33: hostile clients
sriovd_up 2
socket=/run/sriovd/sriovd.sock
pid=$(sriovd_pid)
rss() { awk '/VmRSS/ { print $2 }' "/proc/$pid/status"; }
# call JSON: the answer to one message; empty when the connection is closed without one
call() { printf '%s\0' "$1" | timeout 20 socat -t 10 - "UNIX-CONNECT:$socket" | tr -d '\0'; }
# says ERROR REGEX MESSAGE: the answer is that error, and its sentence matches
says() {
	local seen
	seen=$(call "$3")
	assert_eq "$1" "$(jq -r .error <<< "$seen")" "answer to ${3:0:150}: ${seen:0:300}"
	assert_match "$2" "$(jq -c .parameters <<< "$seen")" "answer to ${3:0:150}"
}
step "wrong calls"
says org.varlink.service.InvalidParameter owner '{"method":"io.sriovd.Claim","parameters":{"owner":7,"network":"tenant-a"}}'
says org.varlink.service.InvalidParameter network '{"method":"io.sriovd.Claim","parameters":{"owner":"a"}}'
says org.varlink.service.InvalidParameter nonsense '{"method":"io.sriovd.GetStatus","parameters":{"nonsense":1}}'
says org.varlink.service.MethodNotFound Nothing '{"method":"io.sriovd.Nothing"}'
says org.varlink.service.InterfaceNotFound example '{"method":"org.example.Nothing"}'
says io.sriovd.Invalid MAC '{"method":"io.sriovd.Claim","parameters":{"owner":"a","network":"tenant-a","mac":"01:00:00:00:00:01"}}'
says io.sriovd.Invalid 'no network' '{"method":"io.sriovd.Claim","parameters":{"owner":"a","network":"nowhere"}}'
says io.sriovd.NotFound . '{"method":"io.sriovd.GetVF","parameters":{"vf":"enp1s0/7"}}'
says io.sriovd.NotFound . '{"method":"io.sriovd.WatchJob","parameters":{"job":4711}}'
assert_fails sriovctl vf claim "$(printf 'x%.0s' {1..5000})" --network tenant-a

step "no messages at all"
deep=$(printf '[%.0s' {1..200})$(printf ']%.0s' {1..200})
assert_eq '' "$(call "{\"method\":\"io.sriovd.GetStatus\",\"parameters\":$deep}" | jq -r 'select(.error == null)')" "answer to 200 levels"
assert_eq '' "$(call '{"method":' | jq -r 'select(.error == null)')" "answer to half an object"
assert_eq '' "$(call $'\xff\xfe' | jq -r 'select(.error == null)')" "answer to what is no UTF-8"
before=$(rss)
{ printf '{"method":"'; head -c 300000000 /dev/zero | tr '\0' x; } 2> /dev/null | timeout 60 socat -u - "UNIX-CONNECT:$socket" 2> /dev/null || true
after=$(rss)
say "resident: $before KiB before 300 MB, $after KiB after"
[ "$after" -lt $((before + 20000)) ] || fail "it kept what it was sent: $before, then $after KiB"

step "many that say nothing, one that says something"
silent=()
for ((i = 0; i < 30; i++)); do
	sleep 60 | socat -u - "UNIX-CONNECT:$socket" > /dev/null 2>&1 &
	silent+=($!)
done
assert_ok sriovctl status
kill "${silent[@]}" 2> /dev/null || true
pkill -f "socat -u - UNIX-CONNECT:$socket" || true

step "strangers"
stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
member() { setpriv --reuid 65534 --regid 65534 --groups "$(getent group sriovd | cut -d: -f3)" "$@"; }
assert_ok stranger sriovctl status
for c in 'vf claim evil --network tenant-a' 'reload' 'vf release job1' 'start g1' 'nic add g1 --network tenant-a'; do
	rc=0
	# shellcheck disable=SC2086  # words of a command line
	output=$(stranger sriovctl $c 2>&1) || rc=$?
	assert_eq 9 $rc "exit code of $c by a stranger: $output"
	assert_match 'sriovd' "$output" "the group is named"
done
says_as_member=$(member sriovctl vf claim job1 --network tenant-a) || fail "a member of the group may claim"
assert_match 'enp1s0/' "$says_as_member"
rc=0
output=$(printf '{"method":"io.sriovd.DomainHook","parameters":{"operation":"prepare","subOperation":"begin","uuid":"11111111-2222-3333-4444-555555555555","name":"evil","nics":[]}}\0' |
	member timeout 20 socat -t 10 - "UNIX-CONNECT:$socket" | tr -d '\0')
assert_eq io.sriovd.Denied "$(jq -r .error <<< "$output")" "the hook's call by a member"
printf '%s\n' '{ "access": { "readGroup": "adm" } }' > /etc/sriovd/conf.d-none
mkdir -p /etc/sriovd/conf.d
mv /etc/sriovd/conf.d-none /etc/sriovd/conf.d/access.json
assert_ok sriovctl reload
assert_fails stranger sriovctl status
assert_ok member sriovctl status

assert_json 'nic list' '[.nics[].owner.name]' '["job1"]'
assert_eq "$pid" "$(sriovd_pid)" "sriovd's process"
