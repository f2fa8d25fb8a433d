# SPDX-License-Identifier: GPL-2.0-or-later
# A running guest gets a nic and loses it again by sriovctl; VFs are claimed and released by hand, for vfio-pci and as a netdev.
# timeout: 300
config_write <<-'JSON'
	{ "pools": [ { "name": "fast", "select": { "pfNames": ["enp1s0"] }, "numVfs": 2 },
	             { "name": "ct", "select": { "pfNames": ["enp2s0"] }, "numVfs": 1, "deviceType": "netdevice" } ],
	  "networks": [ { "name": "tenant-a", "pool": "fast", "vlan": 100 },
	                { "name": "pods", "pool": "ct", "vlan": 100, "fallback": { "type": "none" } } ] }
JSON
sriovd_start
wait_vfs enp1s0 2
wait_vfs enp2s0 1
peer_up 100 10.9.0.1

step "nic add --now, on a running guest without any"
guest_define g1
guest_start g1
guest_wait_up g1
assert_ok sriovctl nic add g1 --network tenant-a --mac 52:54:00:aa:00:11 --now
say "$output"
assert_json 'nic show g1 net0' '.nic | "\(.state) \(.backing)"' 'attached vf'
vf=$(nic_vf g1)
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_ping g1 10.9.0.1
assert_match 'sriov:nic id="?.?net0' "$(virsh -q dumpxml --inactive g1)" "stored metadata"
assert_fails sriovctl nic add g1 --network tenant-a --id net0
assert_fails sriovctl nic add g1 --network nowhere

step "nic remove --now"
assert_ok sriovctl nic remove g1 net0 --now
wait_eq 30 '' guest_run g1 'ls /sys/class/net | grep -v lo; true'
assert_scrubbed enp1s0 "${vf#*/}"
assert_json 'nic list g1' '.nics' '[]'
assert_fails grep -q sriov:nic <<< "$(virsh -q dumpxml --inactive g1)"
assert_fails sriovctl nic remove g1 net0

step "nic add for the next start"
assert_ok sriovctl nic add g1 --network tenant-a
mac=$(nic_get g1 .mac)
assert_json 'nic show g1 net0' '.nic.state' idle
guest_destroy g1
guest_start g1
wait_nic g1 vf
assert_eq "$mac" "$(nic_get g1 .mac)" "MAC"

step "claim by hand, for vfio-pci"
assert_ok sriovctl vf claim dpdk1 --network tenant-a
say "$output"
first=$(sriovctl_json nic show dpdk1 net0)
pci=$(jq -r .nic.address <<< "$first")
group=$(basename "$(readlink "/sys/bus/pci/devices/$pci/iommu_group")")
assert_match "$pci" "$output" "PCI address"
assert_match "/dev/vfio/$group" "$output" "VFIO device"
mac=$(jq -r .nic.mac <<< "$first") i=$(jq -r '.nic.vf | sub(".*/"; "")' <<< "$first")
assert_eq "$mac 100" "$(vf_attr enp1s0 "$i" '"\(.address) \(.vlan_list[0].vlan)"')" "MAC and VLAN"
assert_ok sriovctl vf claim dpdk1 --network tenant-a
assert_eq "$first" "$(sriovctl_json nic show dpdk1 net0)" "the same claim again"
rc=0
output=$(sriovctl vf claim dpdk2 --network tenant-a 2>&1) || rc=$?
assert_eq 7 $rc "exit code when exhausted: $output"
assert_match 'no free VF' "$output"

step "and as a netdev"
assert_ok sriovctl vf claim pod1 --network pods
say "$output"
wait_for 20 ls "/sys/bus/pci/devices/$(vf_pci enp2s0 0)/net"
nic=$(ls "/sys/bus/pci/devices/$(vf_pci enp2s0 0)/net")
assert_json 'vf show enp2s0/0' '.vf | "\(.state) \(.driver) \(.netdev)"' "owned igbvf $nic"
ip link set "$nic" up
ip addr add 10.9.0.77/24 dev "$nic"
retry 20 ping -q -c 1 -W 1 -I "$nic" 10.9.0.1 > /dev/null || fail "no answer from the peer on $nic"

step "released"
assert_ok sriovctl vf release pod1
assert_ok sriovctl vf release dpdk1
assert_scrubbed enp1s0 "$i"
wait_eq 30 free vf_state enp2s0/0
assert_vf_neutral enp2s0 0
assert_fails sriovctl vf release dpdk1
