# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# PFs and VFs as the kernel sees them, the outside peer, QEMU's monitor.

# lab_nics: all igb NICs; lab_pfs: those that sriovd may have; lab_peer_nic: the last one, the outside peer
lab_nic_count() { sed -n 's/.*\blab\.nics=\([0-9]*\).*/\1/p' /proc/cmdline; }
lab_pfs() { local i; for ((i = 1; i < $(lab_nic_count); i++)); do echo "enp${i}s0"; done; }
lab_peer_nic() { echo "enp$(lab_nic_count)s0"; }

# pf_pci PF: its address, found without the netdev (which may be renamed, in a namespace or gone)
pf_pci() { local n=${1#enp}; printf '0000:%02x:00.0\n' "$((10#${n%s0}))"; }
# vf_pci PF INDEX
vf_pci() { basename "$(readlink "/sys/bus/pci/devices/$(pf_pci "$1")/virtfn$2")"; }

# vf_attr PF INDEX [FILTER]: what the kernel says of this VF, as JSON (or what the jq filter makes of it)
vf_attr() { ip -j -d link show dev "$1" | jq -rc --argjson i "$2" ".[0].vfinfo_list[] | select(.vf == \$i) | ${3:-.}"; }
vf_count() { cat "/sys/bus/pci/devices/$(pf_pci "$1")/sriov_numvfs"; }
vf_driver() { local d; d=$(readlink "/sys/bus/pci/devices/$(vf_pci "$1" "$2")/driver") && echo "${d##*/}"; }

# pf_registers PF OFFSET COUNT: words of its BAR 0, as QEMU's device has them, whatever any driver believes
pf_registers() {
	local base
	read -r base _ < "/sys/bus/pci/devices/$(pf_pci "$1")/resource"
	l1_monitor "$(printf 'xp /%dwx 0x%x' "$3" $((base + $2)))" | sed 's/^[^:]*://' | xargs
}
# In which register which of them stands says nothing.
in_order() { tr , '\n' <<< "${1#,}" | sort -n | paste -sd ,; }
# vf_hardware PF: a line a VF, what the 82576 has of it: its receive filter (VMOLR, without the longest frame that its last driver asked for, which every driver
# sets anew), the tag that it adds (VMVIR), the VLANs (VLVF) and the MACs
# (RAL, RAH) that are let through to it
vf_hardware() {
	local i n vf vlans macs low high
	local -a vmolr vmvir vlvf ra
	read -ra vmolr <<< "$(pf_registers "$1" 0x5ad0 8)"
	read -ra vmvir <<< "$(pf_registers "$1" 0x3700 8)"
	read -ra vlvf <<< "$(pf_registers "$1" 0x5d00 32)"
	read -ra ra <<< "$(pf_registers "$1" 0x5400 32) $(pf_registers "$1" 0x54e0 16)"
	[ ${#vmolr[@]} = 8 ] && [ ${#vmvir[@]} = 8 ] && [ ${#vlvf[@]} = 32 ] && [ ${#ra[@]} = 48 ] || fail "the registers of $1 cannot be read"
	n=$(vf_count "$1")
	for ((vf = 0; vf < n; vf++)); do
		vlans='' macs=''
		for ((i = 0; i < 32; i++)); do
			[ $((vlvf[i] >> 31 & 1 & vlvf[i] >> (12 + vf))) = 0 ] || vlans+=,$((vlvf[i] & 0xfff))
		done
		for ((i = 0; i < 24; i++)); do
			low=${ra[2 * i]} high=${ra[2 * i + 1]}
			[ $((high >> 31 & 1 & high >> (18 + vf))) = 0 ] ||
				macs+=,$(printf '%02x:%02x:%02x:%02x:%02x:%02x' $((low & 255)) $((low >> 8 & 255)) $((low >> 16 & 255)) $((low >> 24 & 255)) $((high & 255)) $((high >> 8 & 255)))
		done
		echo "$vf: filter $(printf 0x%08x $((vmolr[vf] & 0xfffec000))) tag ${vmvir[vf]} vlans $(in_order "$vlans") macs $(in_order "$macs")"
	done
}

# vfs_by_hand PF COUNT: VFs bound to vfio-pci without sriovd, for scenarios about the lab itself and for comparisons
vfs_by_hand() {
	local i v d
	d=/sys/bus/pci/devices/$(pf_pci "$1")
	ip link set "$1" up # igbvf and the mailbox need the PF up
	echo 0 > "$d/sriov_drivers_autoprobe"
	echo 0 > "$d/sriov_numvfs"
	echo "$2" > "$d/sriov_numvfs"
	for ((i = 0; i < $2; i++)); do
		v=$(vf_pci "$1" "$i")
		echo vfio-pci > "/sys/bus/pci/devices/$v/driver_override"
		echo "$v" > /sys/bus/pci/drivers_probe
	done
}

# peer_up [VLAN] ADDRESS[/LENGTH]: the outside peer, in the namespace 'peer', on the last NIC or a VLAN link of it. It can be
# called again for more addresses.
peer_up() {
	local vlan='' nic dev
	if [ $# -gt 1 ]; then vlan=$1; shift; fi
	nic=$(lab_peer_nic)
	ip netns list | grep -q '^peer\b' || ip netns add peer
	[ ! -e "/sys/class/net/$nic" ] || ip link set "$nic" netns peer
	peer_run ip link set lo up
	peer_run ip link set "$nic" up
	dev=$nic
	if [ -n "$vlan" ]; then
		dev=$nic.$vlan
		peer_run ip link show "$dev" > /dev/null 2>&1 || peer_run ip link add link "$nic" name "$dev" type vlan id "$vlan"
		peer_run ip link set "$dev" up
	fi
	case $1 in */*) ;; *) set -- "$1/24" ;; esac
	peer_run ip addr replace "$1" dev "$dev"
	wait_eq 10 1 peer_run cat "/sys/class/net/$nic/carrier"
}
peer_run() { ip netns exec peer "$@"; }
# peer_ping ADDRESS [COUNT]: as guest_ping, from the peer
peer_ping() {
	local out
	retry 20 peer_run ping -q -c 1 -W 1 "$1" > /dev/null || fail "peer: no answer from $1"
	out=$(peer_run ping -q -c "${2:-3}" -i 0.3 -W 15 "$1") || true
	assert_match ' 0% packet loss' "$out" "peer pings $1"
}

# l1_monitor HMP COMMAND: ask the monitor of L1's own QEMU; prints the answer (nothing is the usual one)
l1_monitor() {
	local port line answer='' id=$RANDOM$RANDOM out='' n fd lock
	port=/dev/virtio-ports/lab.monitor
	exec {lock}> /run/lab-monitor.lock
	flock -w 30 "$lock" || fail "monitor: busy"
	echo "$*" >> /run/lab-monitored # lab_reset undoes a set_link
	exec {fd}<> "$port" || fail "monitor: no port"
	jq -cn --arg c "$*" --arg id "$id" '{execute: "qmp_capabilities"}, {execute: "human-monitor-command", arguments: {"command-line": $c}, id: $id}' >&"$fd"
	for ((n = 0; n < 500; n++)); do
		read -rt 15 -u "$fd" line || break
		case $line in
		*"\"id\": \"$id\""*) answer=$line; break ;;
		esac
	done
	exec {fd}>&-
	exec {lock}>&-
	[ -n "${answer:-}" ] || fail "monitor: no answer to '$*'"
	out=$(jq -rj '.return // .error.desc' <<< "$answer" | tr -d '\r')
	[ -z "$out" ] || printf '%s\n' "$out"
	jq -e 'has("return")' <<< "$answer" > /dev/null
}
