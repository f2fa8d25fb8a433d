# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: VLAN 100 on a VF, on a macvtap of the PF's VLAN link, and on the peer's VLAN link is one network.
# timeout: 400
vfs_by_hand enp1s0 2
peer_up 100 10.9.0.1
ip link add link enp1s0 name enp1s0.100 type vlan id 100
ip link set enp1s0.100 up

guest_define g1 --xml-devices "$(xml_hostdev_nic enp1s0 0 52:54:00:aa:00:11 100)"
guest_define g2 --xml-devices "$(xml_macvtap_nic enp1s0.100 52:54:00:aa:00:12)"
guest_start g1
guest_start g2
assert_eq 100 "$(vf_attr enp1s0 0 '.vlan_list[0].vlan')" "VLAN of VF 0"
guest_wait_up g1
guest_wait_up g2
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_wait_nic g2 52:54:00:aa:00:12 > /dev/null
step "VF to peer"
guest_ping g1 10.9.0.1
step "macvtap to peer"
guest_ping g2 10.9.0.1
step "VF to macvtap"
guest_ping g1 10.9.0.18
guest_ping g2 10.9.0.17
