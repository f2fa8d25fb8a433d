# SPDX-License-Identifier: GPL-2.0-or-later
# libvirtd restarts, and is away for a while: no guest is hurt, sriovd connects again and learns what happened meanwhile.
# timeout: 240
# FAULTS row 23: libvirtd restarted or stopped
sriovd_up 2
guest_define g1 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:11'
guest_define g2 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:12'
guest_start g1
guest_start g2
wait_nic g1 vf
wait_nic g2 vf
one=$(nic_vf g1) two=$(nic_vf g2)
since=$(nic_get g1 .since)
pid=$(sriovd_pid)

step "restart"
timeout 60 systemctl restart libvirtd.service
wait_for 60 json_is status .libvirt true
assert_eq "running $one attached $since" "$(guest_state g1) $(nic_get g1 '"\(.vf) \(.state) \(.since)"')" "g1"

step "away, while a QEMU is killed"
timeout 60 systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
wait_for 30 json_is status .libvirt false
assert_json 'nic show g2 net0' '.nic.state' attached
kill -KILL "$(qemu_pid g2)"
timeout 60 systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
wait_for 60 json_is status .libvirt true
assert_scrubbed enp1s0 "${two#*/}"
assert_eq "$one attached $since" "$(nic_get g1 '"\(.vf) \(.state) \(.since)"')" "g1"

step "events are heard again"
guest_start g2
wait_nic g2 vf
guest_destroy g2
assert_scrubbed enp1s0 "${two#*/}" 20
guest_destroy g1
assert_scrubbed enp1s0 "${one#*/}" 20
assert_eq "$pid" "$(sriovd_pid)" "sriovd's process"
