# SPDX-License-Identifier: GPL-2.0-or-later
# VFs change their tenants a thousand times, between networks that set every attribute of theirs otherwise: after each change no attribute of the one before is left.
# timeout: 1800
# long: a quarter of an hour under emulation; CHANGES=n in the environment of the scenario sets how many
sriovd_up 7 \
	'{ "name": "loud", "pool": "fast", "vlan": 300, "qos": 3, "maxTxRate": 500, "spoofchk": false, "trust": true }' \
	'{ "name": "plain", "pool": "fast", "spoofchk": true }'
changes=0
networks=(loud plain tenant-a)
declare -A want=([loud]='300 3 500 false true' [plain]='0 0 0 true false' [tenant-a]='100 0 0 true false')
attrs='"\(.vlan_list[0].vlan // 0) \(.vlan_list[0].qos // 0) \(.rate.max_tx) \(.spoofchk) \(.trust)"'

# All seven at once, and one look at the kernel for all.
while [ "$changes" -lt "${CHANGES:-1000}" ]; do
	pids=()
	for i in 0 1 2 3 4 5 6; do
		timeout 120 sriovctl vf claim "t$i" --network "${networks[$(((changes + i) % 3))]}" > "/tmp/claim.$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || fail "a claim failed after $changes changes"; done
	state=$(ip -j -d link show dev enp1s0)
	macs=()
	for i in 0 1 2 3 4 5 6; do
		vf=$(sriovctl_json nic list "t$i" | jq -r '.nics[0].vf' | cut -d/ -f2)
		seen=$(jq -rc --argjson i "$vf" ".[0].vfinfo_list[] | select(.vf == \$i) | $attrs" <<< "$state")
		assert_eq "${want[${networks[$(((changes + i) % 3))]}]}" "$seen" "attributes of VF $vf for t$i after $changes changes"
		macs+=("$(jq -rc --argjson i "$vf" '.[0].vfinfo_list[] | select(.vf == $i) | .address' <<< "$state")")
	done
	assert_eq 7 "$(printf '%s\n' "${macs[@]}" | sort -u | wc -l)" "different MACs"
	pids=()
	for i in 0 1 2 3 4 5 6; do
		timeout 120 sriovctl vf release "t$i" > /dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || fail "a release failed after $changes changes"; done
	wait_vfs enp1s0 7
	left=$(ip -j -d link show dev enp1s0 | jq -rc '.[0].vfinfo_list[] | select(.address != "00:00:00:00:00:00" or (.vlan_list[0].vlan // 0) != 0 or (.vlan_list[0].qos // 0) != 0 or .rate.max_tx != 0 or .spoofchk != true or .trust != false) | .vf')
	assert_eq '' "$left" "VFs with something left of their tenant after $changes changes"
	changes=$((changes + 7))
	[ $((changes % 70)) != 0 ] || say "$changes changes"
done
echo "changes of tenant: $changes, leaked attributes: 0" | tee /results/tenant-changes
