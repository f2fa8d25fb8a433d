# SPDX-License-Identifier: GPL-2.0-or-later
# Every attribute of a network is on the VF, read back from the kernel; a reboot inside the guest keeps VF and attributes.
# timeout: 240
sriovd_up 2 '{ "name": "tuned", "pool": "fast", "vlan": 300, "qos": 3, "maxTxRate": 500, "spoofchk": false, "trust": true }'
peer_up 300 10.9.0.1

guest_define g1 --nic 'id=net0 network=tuned mac=52:54:00:aa:00:11'
guest_start g1
wait_nic g1 vf
vf=$(nic_vf g1)
want='{"address":"52:54:00:aa:00:11","vlan_list":[{"vlan":300,"qos":3}],"rate":{"max_tx":500,"min_tx":0},"spoofchk":false,"link_state":"auto","trust":true}'
kernel() { vf_attr enp1s0 "${vf#*/}" '{address, vlan_list, rate, spoofchk, link_state, trust}'; }
step "what the kernel says"
assert_eq "$want" "$(kernel)" "attributes"
step "what sriovd says it read back"
assert_json "vf show $vf" '.vf | {state, nic, driver, a: .attributes}' '{"state":"owned","nic":"net0","driver":"vfio-pci","a":{"mac":"52:54:00:aa:00:11","vlan":300,"qos":3,"vlanProto":"802.1Q","minTxRate":0,"maxTxRate":500,"spoofchk":false,"trust":true,"linkState":"auto"}}'
since=$(nic_get g1 .since)
guest_wait_up g1
nic=$(guest_wait_nic g1 52:54:00:aa:00:11)
assert_eq igbvf "$(guest_driver g1 "$nic")" "driver"
guest_ping g1 10.9.0.1

step "reboot inside the guest"
guest_run g1 'touch /tmp/before; reboot'
wait_eq 60 '' guest_run g1 'ls /tmp/before 2>/dev/null; true'
guest_wait_up g1
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_ping g1 10.9.0.1
assert_eq "$vf attached $since" "$(nic_get g1 '"\(.vf) \(.state) \(.since)"')" "the nic, all the time"
assert_eq "$want" "$(kernel)" "attributes after the reboot"
assert_eq free "$(vf_state enp1s0/1)" "the other VF"
