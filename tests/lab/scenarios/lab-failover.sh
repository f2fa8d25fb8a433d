# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: a teamed VF comes and goes under a virtio NIC; the guest's net_failover master keeps the address and the traffic.
# timeout: 400
peer_up 10.9.0.1
vfs_by_hand enp1s0 1
mac=52:54:00:aa:00:11
nic=$(xml_macvtap_nic enp1s0 $mac)
nic=${nic%</interface>}"<teaming type='persistent'/><alias name='ua-net0'/></interface>"
guest_define g1 --xml-devices "$nic"
guest_start g1
guest_wait_up g1
name=$(guest_wait_nic g1 $mac)
assert_eq net_failover "$(guest_driver g1 "$name")" "driver of the NIC with the address"
guest_ping g1 10.9.0.1

step "plug in the VF, traffic running"
guest_run g1 'ping -i 0.2 -w 30 10.9.0.1 > /tmp/ping 2>&1 &'
vf=$(xml_hostdev_nic enp1s0 0 $mac)
printf '%s\n' "${vf%</interface>}<teaming type='transient' persistent='ua-net0'/><alias name='ua-net0-vf'/></interface>" > /tmp/vf.xml
assert_ok virsh attach-device g1 /tmp/vf.xml --live
slaves() { guest_run g1 "ls -d /sys/class/net/$name/lower_* | wc -l"; }
wait_eq 60 2 slaves
step "pull it out"
# by alias: libvirt refuses by XML, because both NICs have the MAC
assert_ok virsh detach-device-alias g1 ua-net0-vf --live
wait_eq 60 1 slaves
wait_for 60 guest_run g1 'grep -q transmitted /tmp/ping'
say "$(guest_run g1 'tail -n 2 /tmp/ping')"
assert_match '([0-9]|1[0-9])% packet loss' "$(guest_run g1 'cat /tmp/ping')" "pings meanwhile"
guest_ping g1 10.9.0.1
