#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: the demo's second act. A guest whose VF comes and goes while its packets are counted.
set -eEuo pipefail
. /tree/tests/lab/demo/lib.sh
# The packets of g1 so far: 20 a second, there and back. The last one may be on its way.
counter() {
	awk '/bytes from/ && match($0, /icmp_seq=[0-9]+/) {
			n = substr($0, RSTART + 9, RLENGTH - 9) + 0
			if (n > max) max = n
			if (seen[n]++) doubled++; else got++
		}
		END { printf "%d of %d answered, %d lost, %d doubled", got, max, max - got, doubled }' /tmp/stream.g1
}
packets() { note "packets of g1: $(counter); it sends by $(guest_half g1)"; }
few_lost() { [ "$(($(counter | awk '{ print 100 * $5, "<=", 2 * $3 }')))" = 1 ]; }

tell "One VF, two guests with failover nics: each has a virtio NIC of its own, in its own configuration."
# The virtio halves stand on the other PF: igb takes its own netdev down when its number of VFs changes.
LAB_FALLBACK='{ "type": "macvtap", "uplink": "enp2s0" }'
ip link set enp2s0 up
config_failover 1 '"preempt": true' > /dev/null
sriovd_start
wait_vfs enp1s0 1
peer_up 100 10.9.0.1
guest_define g1
guest_define g2
show "sriovctl nic add g1 --network tenant-a --mode failover --mac 52:54:00:aa:00:11 --priority 1"
show "sriovctl nic add g2 --network tenant-a --mode failover --mac 52:54:00:aa:00:12 --priority 5"
show "virsh dumpxml --inactive g1 | sed -n \"/<interface/,/<.interface>/p\""
guest_start g1
guest_wait_up g1
guest_wait_nic g1 52:54:00:aa:00:11 > /dev/null
wait_nic g1 vf
wait_half g1 igbvf
tell "g1 has the VF. From now on the peer sends it 20 packets a second."
peer_ping 10.9.0.17 1
peer_run ping -D -n -i 0.05 -c 100000 -W 2 10.9.0.17 > /tmp/stream.g1 2>&1 &
pinger=$!
trap 'kill $pinger 2> /dev/null' EXIT
sleep 2
packets

tell "g2 starts. It matters more, and takes the VF; g1 goes on over virtio."
guest_start g2
guest_wait_up g2
wait_nic g2 vf
wait_nic g1 virtio
show "sriovctl nic list"
show "sriovctl explain g1"
packets

tell "g2 is gone: its VF is scrubbed, and g1 has it again."
guest_destroy g2
wait_nic g1 vf
wait_half g1 igbvf
packets

tell "The PF is to be serviced: drained, resized, put back."
show "sriovctl drain enp1s0"
packets
show "sriovctl resize enp1s0 3"
wait_nic g1 vf
wait_half g1 igbvf
show "sriovctl"
packets
works "all the while: $(counter)" few_lost
