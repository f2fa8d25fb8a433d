# SPDX-License-Identifier: GPL-2.0-or-later
# Metadata with a mistake refuses the start with one sentence; hostile XML neither hangs nor crashes the hook; nothing is reserved.
# timeout: 240
# FAULTS row 36: hostile domain XML
sriovd_up 2
hook=/etc/libvirt/hooks/qemu.d/sriovd
guest_define good --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:11'
guest_start good
wait_nic good vf

# refused REGEX NIC…: a guest with these nics does not start
refused() {
	local regex=$1
	shift
	virsh -q undefine bad > /dev/null 2>&1 || true
	guest_define bad "$@"
	start_refused bad "$regex"
}
step "refused by virsh start"
refused 'no network "tenat-a".*tenant-a' --nic 'id=net0 network=tenat-a'
refused '(multicast|group address)' --nic 'id=net0 network=tenant-a mac=53:54:00:aa:00:12'
refused 'belongs to nic good/net0' --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:11'
refused '(twice|duplicate|another|already).*' --nic 'id=net0 network=tenant-a' --nic 'id=net0 network=tenant-a'
refused 'unknown mode "requird"' --nic 'id=net0 network=tenant-a mode=requird'
refused 'priority' --nic 'id=net0 network=tenant-a priority=high'
refused 'netwrok' --nic 'id=net0 netwrok=tenant-a'
assert_json 'nic list' '[.nics[] | select(.owner.name == "bad" and .state != "idle")]' '[]'
assert_json 'vf list enp1s0' '[.vfs[].state] | sort' '["free","owned"]'

step "what libvirt would not let through: the hook alone"
# hook RC: with standard input, in no more than 30 s
hook() {
	local rc=0
	output=$(timeout 30 $hook bad prepare begin - 2>&1) || rc=$?
	assert_eq "$1" $rc "exit code of the hook, which said: $output"
	[ "$rc" = 0 ] || assert_eq 1 "$(wc -l <<< "$output")" "lines of: $output"
}
ns='xmlns:s="https://sriovd.io/xmlns/nics/1"'
head="<domain type='kvm'><name>bad</name><uuid>11111111-2222-3333-4444-555555555555</uuid><metadata><s:nics $ns>"
tail='</s:nics></metadata></domain>'
hook 1 <<< "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>$head<s:nic id='n' network='&c;'/>$tail"
hook 1 <<< "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/shadow'>]>$head<s:nic id='n' network='&x;'/>$tail"
hook 1 <<< "$head<s:nic id='n' network='tenant-a'>"
hook 1 <<< "$head$(printf '<a>%.0s' {1..5000})$(printf '</a>%.0s' {1..5000})$tail"
hook 1 < <(printf '%s' "$head"; head -c 100000000 /dev/zero | tr '\0' x; printf '%s' "$tail")
hook 1 < <(printf '%s' "$head"; for ((i = 0; i < 300; i++)); do printf "<s:nic id='n%s' network='tenant-a'/>" $i; done; printf '%s' "$tail")
# somebody else's namespace is nobody of ours
hook 0 <<< "${head/sriovd.io/example.org}<s:nic id='n' network='nowhere'/>$tail"
assert_eq 1 "$(sriovctl_json status | jq '[.nics[] | select(.state != "idle")] | length')" "nics in use"
