# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: a KVM guest with virtio on a macvtap of a PF boots, has its address, and reaches the outside peer.
# timeout: 400
peer_up 10.9.0.1
ip link set enp1s0 up

guest_define g1 --xml-devices "$(xml_macvtap_nic enp1s0 52:54:00:aa:00:11)"
guest_start g1
guest_wait_up g1
step "up"
nic=$(guest_wait_nic g1 52:54:00:aa:00:11)
assert_eq virtio_net "$(guest_driver g1 "$nic")" "driver"
assert_match '10\.9\.0\.17/24' "$(guest_run g1 "ip -4 addr show $nic")"
guest_ping g1 10.9.0.1
peer_ping 10.9.0.17
