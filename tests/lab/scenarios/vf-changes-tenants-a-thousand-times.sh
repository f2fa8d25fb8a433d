# SPDX-License-Identifier: GPL-2.0-or-later
# VFs change their tenants a thousand times, between networks that set every attribute of theirs otherwise, and guests that touch their VFs' own filters: after each change nothing of the one before is left, in the kernel's words or in the NIC's registers.
# timeout: 1800
# long: a quarter of an hour under emulation; CHANGES=n in the environment of the scenario sets how many, TOUCH=n after how many a guest is the tenant
# igb takes no minTxRate, no link state and no 802.1ad of a VF: networks that ask for one of these are refused, and leave nothing.
# What igb leaves of a trusted guest, and nobody on the host can take out: MACs that it added to its own (macvlan). A reset of the VF does not
# make igb forget them, and what igbvf sends for that when it is opened is refused by Linux 6.12 ("attempted to set invalid MAC filter",
# "requested MAC filter but is administratively denied"): they stay until the VFs are made anew.
stays=52:54:00:bb:00:02
sriovd_up 7 \
	'{ "name": "loud", "pool": "fast", "vlan": 300, "qos": 3, "maxTxRate": 500, "spoofchk": false, "trust": true, "vlanProto": "802.1Q" }' \
	'{ "name": "plain", "pool": "fast", "spoofchk": true }' \
	'{ "name": "trusted", "pool": "fast", "trust": true, "spoofchk": false }' \
	'{ "name": "least", "pool": "fast", "vlan": 310, "minTxRate": 100, "trust": true }' \
	'{ "name": "outer", "pool": "fast", "vlan": 320, "vlanProto": "802.1ad", "trust": true }' \
	'{ "name": "forced", "pool": "fast", "vlan": 330, "linkState": "enable", "trust": true }'
changes=0 touched=0 refused=0
networks=(loud plain tenant-a)
declare -A want=([loud]='300 3 802.1Q 0 500 false true auto' [plain]='0 0 802.1Q 0 0 true false auto' [tenant-a]='100 0 802.1Q 0 0 true false auto')
attrs='"\(.vlan_list[0].vlan // 0) \(.vlan_list[0].qos // 0) \(.vlan_list[0].protocol // "802.1Q") \(.rate.min_tx) \(.rate.max_tx) \(.spoofchk) \(.trust) \(.link_state)"'
neutral='0 0 802.1Q 0 0 true false auto 00:00:00:00:00:00'
clean=$(vf_hardware enp1s0)
say "untouched: $clean"

# nothing_left WHEN [HARDWARE]: in any VF
nothing_left() {
	local left
	wait_vfs enp1s0 7
	left=$(ip -j -d link show dev enp1s0 | jq -rc --arg neutral "$neutral" ".[0].vfinfo_list[] | select(($attrs + \" \" + .address) != \$neutral) | .vf")
	assert_eq '' "$left" "VFs with something left of their tenant $1"
	[ -z "${2:-}" ] || assert_eq "$clean" "$(vf_hardware enp1s0 | sed "s/ macs $stays\$/ macs /")" "what the NIC has of its VFs $1"
}
# hardware_of GUEST/ID: its VF's line
hardware_of() { vf_hardware enp1s0 | grep "^$(nic_vf "$1" | cut -d/ -f2): "; }

# A guest with two VFs: one that may have VLANs of its own, one that may have other MACs. It takes both, and what else it can.
guest_define toucher --nic 'id=net0 network=plain mac=52:54:00:aa:00:11' --nic 'id=net1 network=trusted mac=52:54:00:aa:00:12'
touch_vfs() {
	local plain trusted
	guest_start toucher
	guest_wait_up toucher
	wait_nic toucher/net0 vf
	wait_nic toucher/net1 vf
	plain=$(guest_wait_nic toucher 52:54:00:aa:00:11)
	trusted=$(guest_wait_nic toucher 52:54:00:aa:00:12)
	assert_eq igbvf "$(guest_driver toucher "$plain")" "driver of $plain"
	guest_run toucher -t 60 "set -e
		for m in /more/*.ko; do insmod \$m; done
		for v in 5 6; do ip link add link $plain name $plain.\$v type vlan id \$v; ip link set $plain.\$v up; done
		ip link set $plain promisc on; ifconfig $plain allmulti; ip link set $trusted promisc on
		ip link set $trusted down; ip link set $trusted address 52:54:00:bb:00:01; ip link set $trusted up
		ip link add link $trusted name more type macvlan; ip link set more address $stays; ip link set more up" ||
		fail "the guest cannot touch its VFs"
	# That there is something to be left
	wait_for 30 eval 'hardware_of toucher/net0 | grep -q "vlans .*5,6 "'
	wait_for 30 eval 'hardware_of toucher/net1 | grep -q "macs .*52:54:00:bb:00:01"'
	[ "$touched" != 0 ] || say "touched: $(vf_hardware enp1s0)"
	guest_destroy toucher
	wait_for 60 json_is status '.pfs[] | select(.netdev == "enp1s0") | "\(.state) \(.free)"' 'ready 7'
	nothing_left "after a guest that touched them, after $changes changes" hardware
	touched=$((touched + 1)) changes=$((changes + 2))
}
refusals() {
	local network
	for network in least:'min rate' outer:'proto 802.1ad' forced:'link state'; do
		assert_fails sriovctl vf claim job1 --network "${network%%:*}"
		assert_match "${network#*:}" "$output" "why"
		[ "$refused" -ge 3 ] || say "$output"
		nothing_left "after the refused ${network%%:*}" hardware
		refused=$((refused + 1))
	done
}

next=0 round=0
# All seven at once, and one look at the kernel for all.
while [ "$changes" -lt "${CHANGES:-1000}" ]; do
	if [ "$changes" -ge "$next" ]; then
		touch_vfs
		refusals
		next=$((next + ${TOUCH:-100}))
		say "$changes changes"
	fi
	pids=()
	for i in 0 1 2 3 4 5 6; do
		timeout 120 sriovctl vf claim "t$i" --network "${networks[$(((round + i) % 3))]}" > "/tmp/claim.$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || fail "a claim failed after $changes changes"; done
	sriovctl_json vf list > /tmp/vfs.json
	ip -j -d link show dev enp1s0 > /tmp/link.json
	# tenant, VF, MAC, attributes
	jq -rn --slurpfile vfs /tmp/vfs.json --slurpfile link /tmp/link.json \
		"\$vfs[0].vfs[] | select(.owner and .pf == \"enp1s0\") | . as \$vf | \$link[0][0].vfinfo_list[] | select(.vf == \$vf.index) | \"\(\$vf.owner.name) \(.vf) \(.address) \" + $attrs" > /tmp/seen
	macs=()
	while read -r tenant vf mac seen; do
		assert_eq "${want[${networks[$(((round + ${tenant#t}) % 3))]}]}" "$seen" "attributes of VF $vf for $tenant after $changes changes"
		macs+=("$mac")
	done < /tmp/seen
	assert_eq 7 "$(printf '%s\n' "${macs[@]}" | sort -u | wc -l)" "different MACs"
	pids=()
	for i in 0 1 2 3 4 5 6; do
		timeout 120 sriovctl vf release "t$i" > /dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || fail "a release failed after $changes changes"; done
	nothing_left "after $changes changes"
	changes=$((changes + 7)) round=$((round + 1))
done
nothing_left "in the end" hardware
echo "changes of tenant: $changes, of them to guests that touched their VFs: $((2 * touched)), refused for an attribute: $refused, leaked attributes: 0" | tee /results/tenant-changes
