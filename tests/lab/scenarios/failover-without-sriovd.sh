# SPDX-License-Identifier: GPL-2.0-or-later
# A guest with a failover nic starts with sriovd gone, hook and all; a domain without ports is refused or gets them; --now on a running guest.
# timeout: 400
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

step "sriovd removed"
sriovd_stop
mv /etc/libvirt/hooks/qemu.d/sriovd /tmp/
systemctl mask --runtime --now sriovd.service sriovd.socket 2> /dev/null
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
