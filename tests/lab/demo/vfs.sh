#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: the demo's first act. A PF with two VFs, guests that want them.
set -eEuo pipefail
. /tree/tests/lab/demo/lib.sh
jobs=()
attrs() { vf_attr enp1s0 "$1" '"\(.address) VLAN \(.vlan_list[0].vlan // 0), spoof check \(if .spoofchk then "on" else "off" end), trust \(if .trust then "on" else "off" end)"'; }

sriovd_start

tell "One PF with two VFs. tenant-a is VLAN 100, tenant-b VLAN 200; four guests of tenant-a, one of tenant-b, one that insists on a VF."
config_lab 2 '{ "name": "tenant-b", "pool": "fast", "vlan": 200 }'
show "cat /etc/sriovd/sriovd.json"
show "sriovctl config check"
show "sriovctl reload"
wait_vfs enp1s0 2
show "sriovctl status"
show "sriovctl vf list"

peer_up 100 10.9.0.1
for i in 1 2 3 4; do
	guest_define "g$i" --nic "id=net0 network=tenant-a mac=52:54:00:aa:00:1$i"
done
guest_define other --nic "id=net0 network=tenant-b mac=52:54:00:aa:00:21"
guest_define must --nic "id=net0 network=tenant-a mode=required mac=52:54:00:aa:00:22"
show "virsh dumpxml g1 | sed -n '/<metadata>/,/<.metadata>/p'"

tell "g1 and g2 start as guests always do, and get a VF each."
show "virsh start g1"
show "virsh start g2"
wait_nic g1 vf
wait_nic g2 vf
show "sriovctl nic list"
note "what the kernel says of the VFs:"
note "  VF 0: $(attrs 0), driver $(vf_driver enp1s0 0)"
note "  VF 1: $(attrs 1), driver $(vf_driver enp1s0 1)"

tell "g3 finds none left: virtio over vhost-net, with its own MAC, on the same VLAN."
show "virsh start g3"
wait_nic g3 virtio
show "sriovctl nic list"
works "QEMU of g3 has /dev/vhost-net open" has_vhost g3
works "QEMU of g1 has not" eval '! has_vhost g1'
show "virsh domiflist g3"
guest_start other &

tell "g1, g2, g3 and the outside peer ping one another."
for i in 1 2 3; do
	guest_wait_up "g$i"
	nic=$(guest_wait_nic "g$i" "52:54:00:aa:00:1$i")
	note "driver of the NIC in g$i: $(guest_driver "g$i" "$nic")"
done
# Who pings whom; every source at the same time as the others.
pings_from() {
	local i
	for i in 1 2 3; do
		[ "g$i" = "$1" ] || works "$1 -> g$i, no packet lost" "$2" "10.9.0.$((16 + i))"
	done
}
pings_of_guest() {
	ping() { guest_ping "$g" "$1"; }
	g=$1
	pings_from "$g" ping
	works "$g -> peer, no packet lost" ping 10.9.0.1
}
for g in g1 g2 g3; do pings_of_guest $g > /tmp/pings.$g 2>&1 & jobs+=($!); done
pings_from peer peer_ping > /tmp/pings.peer 2>&1 & jobs+=($!)
lost=''
for j in "${jobs[@]}"; do wait "$j" || lost=yes; done
cat /tmp/pings.{g1,g2,g3,peer}
[ -z "$lost" ] || fail "not all of them reach one another"

tell "A guest on another VLAN, in the same subnet, reaches none of them."
wait
wait_nic other virtio
guest_wait_up other
guest_wait_nic other 52:54:00:aa:00:21 > /dev/null
for a in 1 17 18 19; do
	works "other -> 10.9.0.$a: no answer" eval "! guest_run other 'ping -q -c 2 -i 0.3 -W 1 10.9.0.$a'"
done

tell "Why has g3 no VF?"
show "sriovctl explain g3"

tell "g1 is destroyed: its VF is scrubbed and free again, and g4 gets it."
vf=$(nic_vf g1)
show "virsh destroy g1"
assert_scrubbed enp1s0 "${vf#*/}"
note "what the kernel says of it: $(attrs "${vf#*/}")"
show "sriovctl vf list"
show "virsh start g4"
wait_nic g4 vf
assert_eq "$vf" "$(nic_vf g4)" "VF of g4"
guest_wait_up g4
guest_wait_nic g4 52:54:00:aa:00:14 > /dev/null
works "g4 -> g3, no packet lost" guest_ping g4 10.9.0.19
works "g4 -> peer, no packet lost" guest_ping g4 10.9.0.1

tell "A guest that requires a VF is refused while there is none, and told why."
printf '\n  $ virsh start must\n'
start_refused must 'requires a VF' 2> /dev/null
sed 's/^/  /' <<< "$output"
show "sriovctl"
