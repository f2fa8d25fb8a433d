# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: VFs made by hand, one in the guest from the start, one attached right after the start, pulled out and put back.
# timeout: 400
peer_up 10.9.0.1
vfs_by_hand enp1s0 3
assert_eq vfio-pci "$(vf_driver enp1s0 0)" "driver of VF 0"

guest_define g1
guest_start g1
xml_hostdev_nic enp1s0 0 52:54:00:aa:00:11 > /tmp/vf0.xml
assert_ok virsh attach-device g1 /tmp/vf0.xml --live    # while it boots
guest_define g2 --xml-devices "$(xml_hostdev_nic enp1s0 1 52:54:00:aa:00:12)"
guest_start g2
step "attached"
assert_eq 52:54:00:aa:00:11 "$(vf_attr enp1s0 0 .address)" "MAC of VF 0"

guest_wait_up g1
guest_wait_up g2
nic=$(guest_wait_nic g1 52:54:00:aa:00:11)
assert_eq igbvf "$(guest_driver g1 "$nic")" "driver"
guest_ping g1 10.9.0.1
guest_ping g1 10.9.0.18
peer_ping 10.9.0.18

step "unplug and plug again"
assert_ok virsh detach-device g1 /tmp/vf0.xml --live
wait_eq 30 '' guest_run g1 'ls /sys/class/net | grep -v lo; true'
xml_hostdev_nic enp1s0 2 52:54:00:aa:00:11 > /tmp/vf2.xml
assert_ok virsh attach-device g1 /tmp/vf2.xml --live
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_ping g1 10.9.0.1
