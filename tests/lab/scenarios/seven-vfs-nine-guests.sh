# SPDX-License-Identifier: GPL-2.0-or-later
# Seven VFs and nine guests: the first seven get one each, the last two virtio; each VF has one owner, in sriovd, libvirt and the kernel.
# timeout: 600
sriovd_up 7
for i in 1 2 3 4 5 6 7 8 9; do
	guest_define g$i --mem 128 --ports 1 --nic "id=net0 network=tenant-a mac=52:54:00:aa:00:1$i"
	guest_start g$i
	if [ $i -le 7 ]; then wait_nic g$i vf; else wait_nic g$i virtio; fi
done
step "seven and two"
assert_json 'nic list' '[.nics[].backing] | group_by(.) | map("\(.[0]) \(length)")' '["vf 7","virtio 2"]'
assert_json 'nic list' '[.nics[] | select(.backing == "vf") | .vf] | unique | length' 7
assert_json 'vf list enp1s0' '[.vfs[] | select(.state == "owned")] | length' 7
for i in 1 2 3 4 5 6 7; do
	vf=$(nic_vf g$i)
	assert_eq 52:54:00:aa:00:1$i "$(vf_attr enp1s0 "${vf#*/}" .address)" "MAC of $vf"
	pci=$(vf_pci enp1s0 "${vf#*/}")
	assert_match "bus='0x${pci:5:2}' slot='0x${pci:8:2}' function='0x${pci##*.}'" "$(virsh -q dumpxml g$i)" "g$i in libvirt"
done
for i in 8 9; do has_vhost g$i || fail "g$i has no vhost"; done
step "a VF guest and a virtio guest reach each other"
guest_wait_up g1
guest_wait_up g9
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
guest_wait_nic g9 52:54:00:aa:00:19 > /dev/null
guest_ping g1 10.9.0.25
guest_ping g9 10.9.0.17
step "all of them go"
for i in 1 2 3 4 5 6 7 8 9; do guest_destroy g$i; done
wait_vfs enp1s0 7
for i in 0 1 2 3 4 5 6; do assert_vf_neutral enp1s0 $i; done
