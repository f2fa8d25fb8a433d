# SPDX-License-Identifier: GPL-2.0-or-later
# A PF without link gets no new guests; a PF that is pulled out is told and comes back with its VFs.
# timeout: 240
# FAULTS row 17: PF unplugged and plugged back
# FAULTS row 18: link of a PF down, up, flapping
config_write <<-'JSON'
	{ "pools": [ { "name": "fast", "select": { "pfNames": ["enp1s0", "enp2s0"] }, "numVfs": 2 } ],
	  "networks": [ { "name": "tenant-a", "pool": "fast", "vlan": 100 } ] }
JSON
sriovd_start
wait_vfs enp1s0 2
wait_vfs enp2s0 2
pf_is() { json_is status ".pfs[] | select(.address == \"$(pf_pci "$1")\") | \"\(.state) \(.link)\"" "$2"; }
for pf in enp1s0 enp2s0; do wait_for 30 pf_is $pf 'ready up'; done

step "link down"
l1_monitor set_link igb1 off
wait_for 30 pf_is enp1s0 'ready down'
assert_ok sriovctl vf claim job1 --network tenant-a
assert_match enp2s0 "$(nic_vf job1)" "VF of job1"
assert_eq 'link down' "$(sriovctl_json explain job1 | jq -r '.decision.candidates[] | select(.netdev == "enp1s0") | .verdict')" "verdict"
step "link up"
l1_monitor set_link igb1 on
wait_for 30 pf_is enp1s0 'ready up'
assert_ok sriovctl vf claim job2 --network tenant-a
assert_match enp1s0 "$(nic_vf job2)" "VF of job2: the less used PF"

step "pulled out, nobody on it"
assert_ok sriovctl vf release job1
l1_monitor device_del igb2
wait_for 60 test ! -e "/sys/bus/pci/devices/$(pf_pci enp2s0)"
wait_for 60 eval '! json_is status ".pfs[] | select(.address == \"0000:02:00.0\") | .state" ready > /dev/null'
assert_json 'nic show job2 net0' '.nic | "\(.state) \(.backing)"' 'attached vf'
step "and plugged in again"
l1_monitor device_add igb,id=igb2,bus=rp2,netdev=n2,mac=52:54:00:00:02:01
wait_vfs enp2s0 2 90
wait_for 30 pf_is enp2s0 'ready up' # without a link it gives none
assert_ok sriovctl vf claim job3 --network tenant-a
assert_match enp2s0 "$(nic_vf job3)" "VF of job3"

step "pulled out under a claim"
l1_monitor device_del igb2
wait_for 60 test ! -e "/sys/bus/pci/devices/$(pf_pci enp2s0)"
wait_for 60 pf_is enp2s0 'gone unknown'
assert_json 'nic show job3 net0' '.nic.owner.name' job3
l1_monitor device_add igb,id=igb2,bus=rp2,netdev=n2,mac=52:54:00:00:02:01
wait_vfs enp2s0 1 90
assert_json 'nic show job3 net0' '.nic | "\(.state) \(.backing)"' 'attached vf'
vf=$(nic_vf job3)
assert_eq "$(nic_get job3 .mac) 100" "$(vf_attr enp2s0 "${vf#*/}" '"\(.address) \(.vlan_list[0].vlan)"')" "the kernel's view of job3's VF"
