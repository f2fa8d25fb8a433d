# SPDX-License-Identifier: GPL-2.0-or-later
# A guest with a failover nic starts with sriovd gone and its VLAN link too, as after a boot: with the hook, which makes the link, and with the hook removed, on a link that the host makes; a domain without ports is refused or gets them; --now on a running guest.
# timeout: 520
failover_up 2
peer_up 100 10.9.0.1
step "not enough ports"
guest_define g2 --ports 0
assert_fails sriovctl nic add g2 --network tenant-a --mode failover
assert_match 'add-port' "$output" "what to do"
assert_ok sriovctl nic add g2 --network tenant-a --mode failover --mac 52:54:00:aa:00:12 --add-port
assert_match ua-sriov-net0 "$(virsh dumpxml --inactive g2)" "stored configuration"
assert_match "teaming type='persistent'" "$(virsh dumpxml --inactive g2)" "stored configuration"
step "on a running guest"
guest_define g1
guest_start g1
guest_wait_up g1
assert_ok sriovctl nic add g1 --network tenant-a --mode failover --mac 52:54:00:aa:00:11 --now
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
wait_nic g1 vf
wait_half g1 igbvf
guest_ping g1 10.9.0.1
guest_destroy g1
wait_for 60 nic_is g1 'idle none'

step "sriovd down, and no VLAN link, as after a boot of the host"
sriovd_stop
systemctl mask --runtime --now sriovd.service sriovd.socket 2> /dev/null
ip link del enp1s0.100 || fail "sriovd had not made the VLAN link"
guest_start g1
assert_match 'vlan protocol 802.1Q id 100' "$(ip -d link show dev enp1s0.100)" "the hook's link"
assert_match 'alias sriovd' "$(ip -d link show dev enp1s0.100)" "whose link it is"
guest_wait_up g1
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_ping g1 10.9.0.1
guest_destroy g1

step "sriovd removed, hook and all"
mv /etc/libvirt/hooks/qemu.d/sriovd /tmp/
ip link del enp1s0.100 || fail "the VLAN link went by itself"
assert_fails timeout 240 virsh -q start g1
assert_match 'enp1s0.100' "$output" "what is missing"
ip link add link enp1s0 name enp1s0.100 type vlan id 100 || fail "the host cannot make the link"
ip link set enp1s0.100 up
guest_start g1
guest_start g2
guest_wait_up g1
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_ping g1 10.9.0.1
guest_wait_up g2
guest_wait_nic g2 52:54:00:aa:00:12 > /dev/null
guest_ping g2 10.9.0.1

step "and back: the running guests are promoted"
systemctl unmask --runtime sriovd.service sriovd.socket
mv /tmp/sriovd /etc/libvirt/hooks/qemu.d/
sriovd_start
wait_nic g1 vf
wait_nic g2 vf
wait_half g1 igbvf
guest_ping g1 10.9.0.1
guest_ping g2 10.9.0.1
