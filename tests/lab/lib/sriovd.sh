# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What most scenarios want of sriovd: a configuration, it running with its VFs ready, what a nic has.

# config_lab VFS [NETWORK-JSON…]: one pool 'fast' of the first PF with that many VFs, the network 'tenant-a' on VLAN 100, and more
# networks. LAB_RECONCILE: seconds between two passes (60).
config_lab() {
	local vfs=$1
	shift
	config_write <<-JSON
		{ "pools": [ { "name": "fast", "select": { "pfNames": ["enp1s0"] }, "numVfs": $vfs } ],
		  "networks": [ { "name": "tenant-a", "pool": "fast", "vlan": 100 }$(printf ', %s' "$@" | sed 's/^, $//') ],
		  "reconcileSeconds": ${LAB_RECONCILE:-60} }
	JSON
}
# wait_vfs PF FREE [SECONDS]: until that PF is ready and so many of its VFs are free
wait_vfs() { wait_for "${3:-60}" json_is status ".pfs[] | select(.netdev == \"$1\") | \"\\(.state) \\(.free)\"" "ready $2"; }
# sriovd_up VFS [NETWORK-JSON…]: config_lab, and sriovd running with all of them free
sriovd_up() {
	config_lab "$@"
	sriovd_start
	wait_vfs enp1s0 "$1"
	# Its link comes a moment later: what the scenarios measure and look at begins with it up.
	wait_for 30 json_is 'pf list' '.pfs[] | select(.netdev == "enp1s0") | .link' up
}

# nic_get OWNER[/ID] FILTER: what jq makes of .nic
nic_get() { sriovctl_json nic show "${1%%/*}" "$(nic_id "$1")" | jq -rc ".nic | $2"; }
nic_id() { case $1 in */*) echo "${1#*/}" ;; *) echo net0 ;; esac; }
# nic_is OWNER[/ID] 'STATE BACKING': for wait_for
nic_is() { json_is "nic show ${1%%/*} $(nic_id "$1")" '.nic | "\(.state) \(.backing)"' "$2"; }
# wait_nic OWNER[/ID] vf|virtio [SECONDS]: until it is attached with that backing
wait_nic() { wait_for "${3:-120}" nic_is "$1" "attached $2"; }
# nic_vf OWNER[/ID]: its VF, as "enp1s0/3"
nic_vf() { nic_get "$1" .vf; }
# vf_state PF/INDEX: free, owned, …
vf_state() { sriovctl_json vf show "$1" | jq -r .vf.state; }

# assert_vf_neutral PF INDEX: the kernel's view of a scrubbed VF, as far as the driver tells
assert_vf_neutral() {
	assert_eq '{"address":"00:00:00:00:00:00","vlan":0,"qos":0,"max_tx":0,"min_tx":0,"spoofchk":true,"link_state":"auto","trust":false}' \
		"$(vf_attr "$1" "$2" '{address, vlan: (.vlan_list[0].vlan // 0), qos: (.vlan_list[0].qos // 0), max_tx: .rate.max_tx, min_tx: .rate.min_tx, spoofchk, link_state, trust}')" \
		"attributes of VF $1/$2"
}
# assert_scrubbed PF INDEX [SECONDS]: free in sriovd's eyes, neutral in the kernel's, bound to vfio-pci
assert_scrubbed() {
	wait_eq "${3:-60}" free vf_state "$1/$2"
	assert_vf_neutral "$1" "$2"
	assert_eq vfio-pci "$(vf_driver "$1" "$2")" "driver of VF $1/$2"
}

# has_vhost GUEST: does its QEMU use the kernel's vhost-net? (the open /dev/vhost-net)
has_vhost() {
	local pid
	pid=$(qemu_pid "$1") && find "/proc/$pid/fd" -lname /dev/vhost-net 2> /dev/null | grep -q .
}
qemu_pid() { cat "/run/libvirt/qemu/$1.pid"; }

# start_refused NAME REGEX: virsh start fails, in one sentence of sriovd that matches
start_refused() {
	local said
	assert_fails timeout 120 virsh -q start "$1"
	said=$(grep -o 'sriovd: .*' <<< "$output") || fail "no sentence of sriovd in: $output"
	assert_eq 1 "$(wc -l <<< "$said")" "lines of the refusal"
	assert_match "$2" "$said" "the refusal"
	assert_eq 'shut off' "$(guest_state "$1")" "state of $1"
	say "refused: $said"
}
