# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Failover nics: guests that have one.

# config_failover VFS [FAILOVER-JSON [PFS-JSON]]: like config_lab, with short times. FAILOVER-JSON: more members of "failover".
config_failover() {
	local fallback=''
	[ -z "${LAB_FALLBACK:-}" ] || fallback=", \"fallback\": $LAB_FALLBACK"
	config_write <<-JSON
		{ "pools": [ { "name": "fast", "select": { "pfNames": ${3:-[\"enp1s0\"]} }, "numVfs": $1 } ],
		  "networks": [ { "name": "tenant-a", "pool": "fast", "vlan": 100$fallback } ],
		  "failover": { "promoteAfterSeconds": 1, "negotiateSeconds": 40, "retrySeconds": 10, "unplugSeconds": 20${2:+, $2} },
		  "reconcileSeconds": 30 }
	JSON
}
failover_up() {
	config_failover "$@"
	sriovd_start
	wait_vfs enp1s0 "$1"
}

# failover_define NAME MAC [OPTION of nic add…] [-- OPTION of guest_define…]
failover_define() {
	local name=$1 mac=$2 options=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
	[ $# -eq 0 ] || shift
	guest_define "$name" "$@"
	assert_ok sriovctl nic add "$name" --network tenant-a --mode failover --mac "$mac" "${options[@]}"
}
# failover_guest NAME MAC [OPTION of nic add…]: defined, started, up, its NIC there
failover_guest() {
	failover_define "$@"
	guest_start "$1"
	guest_wait_up "$1"
	guest_wait_nic "$1" "$2" > /dev/null
}
# The half that the guest sends by: the VF's driver, or virtio_net
guest_half() {
	guest_run "$1" "for n in /sys/class/net/*/lower_*; do [ ! -e \$n ] || basename \$(readlink \$n/device/driver); done | sort | head -n 1"
}
wait_half() { wait_eq "${3:-60}" "$2" guest_half "$1"; }

# The macvtap of a guest, and what it takes: "own bridge", "own vepa" or "parked bridge"
guest_tap() { virsh -q domiflist "$1" | awk '$2 == "direct" { print $1; exit }'; }
tap_takes() {
	local tap mac
	tap=$(guest_tap "$1")
	mac=$(nic_get "$1" .mac)
	ip -j -d link show dev "$tap" | jq -r --arg mac "$mac" '.[0] | "\(if .address == $mac then "own" else "parked" end) \(.linkinfo.info_data.mode)"'
}

# demote_promote NAME: once there and back; sriovctl returns when the guest is on virtio, and soon it has a VF again
demote_promote() {
	assert_ok sriovctl demote "$1"
	wait_nic "$1" vf
}
