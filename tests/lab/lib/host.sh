# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# sriovd itself, its configuration, and a clean slate before each scenario.

sriovd_installed() { [ -e /usr/lib/systemd/system/sriovd.service ]; }
# config_write < JSON: /etc/sriovd/sriovd.json (the daemon is not told)
config_write() { mkdir -p /etc/sriovd; cat > /etc/sriovd/sriovd.json; }
sriovd_start() { timeout 60 systemctl start sriovd.service || fail "sriovd did not start: $(sriovd_log 5)"; }
# sriovd_stop: its socket as well, so that nobody's call starts it again
sriovd_stop() { timeout 60 systemctl stop sriovd.socket sriovd.service || fail "sriovd did not stop"; }
sriovd_restart() { timeout 90 systemctl restart sriovd.service || fail "sriovd did not restart: $(sriovd_log 5)"; }
sriovd_pid() { systemctl show -p MainPID --value sriovd.service; }
# sriovd_kill: as kill -9 at this instant; systemd may start it again
sriovd_kill() { kill -KILL "$(sriovd_pid)"; }
# sriovd_log [LINES]: its journal of this scenario
sriovd_log() { journalctl -q -o short-monotonic --no-pager -u sriovd ${lab_since:+--since "@$lab_since"} -n "${1:-200}"; }

# lab_reset: no domains, no VFs, no leftovers, no configuration, no ledger, sriovd stopped. The runner calls it before each
# scenario.
lab_reset() {
	local d n i touched
	touched=$(cat /run/lab-monitored 2> /dev/null)
	if ! timeout 20 virsh -q uri > /dev/null 2>&1; then
		systemctl kill -s KILL libvirtd.service
		timeout 60 systemctl restart libvirtd.service || return 1
		timeout 20 virsh -q uri > /dev/null || return 1
	fi
	# sriovd first: it would give every domain that goes another look
	if sriovd_installed; then
		# the socket too: it stands in /run/sriovd, which goes away below
		timeout 40 systemctl stop sriovd.socket sriovd.service || systemctl kill -s KILL sriovd.service
		systemctl reset-failed sriovd.service sriovd.socket 2> /dev/null
	fi
	for d in $(virsh -q list --name); do timeout 30 virsh -q destroy "$d" > /dev/null; done
	for d in $(virsh -q list --all --name); do virsh -q undefine "$d" > /dev/null; done
	if [ -n "$(virsh -q net-list --all --name)" ]; then
		for d in $(virsh -q net-list --name); do virsh -q net-destroy "$d" > /dev/null; done
		for d in $(virsh -q net-list --all --name); do virsh -q net-undefine "$d" > /dev/null; done
	fi
	pkill -KILL -x qemu-system-x86 2> /dev/null
	if [ -n "$(ip netns list)" ]; then
		ip netns pids peer 2> /dev/null | xargs -r kill -9
		for d in $(ip netns list | cut -d' ' -f1); do
			# physical NICs go back to us by themselves
			ip netns del "$d"
		done
		for ((n = 0; n < 50; n++)); do [ ! -e "/sys/class/net/$(lab_peer_nic)" ] || break; sleep 0.1; done
	fi
	for ((i = 1; i <= $(lab_nic_count); i++)); do
		# a NIC that a scenario pulled out comes back by a scenario's own hand; if not, here
		if [ ! -e "/sys/bus/pci/devices/$(pf_pci "enp${i}s0")" ]; then
			l1_monitor device_add "igb,id=igb$i,bus=rp$i,netdev=n$i,mac=52:54:00:00:0$i:01" || true
			for ((n = 0; n < 100; n++)); do [ ! -e "/sys/class/net/enp${i}s0" ] || break; sleep 0.1; done
		elif [ ! -e "/sys/bus/pci/devices/$(pf_pci "enp${i}s0")/driver" ]; then
			echo > "/sys/bus/pci/devices/$(pf_pci "enp${i}s0")/driver_override"
			pf_pci "enp${i}s0" > /sys/bus/pci/drivers_probe
			for ((n = 0; n < 100; n++)); do [ ! -e "/sys/class/net/enp${i}s0" ] || break; sleep 0.1; done
		fi
		d=/sys/bus/pci/devices/$(pf_pci "enp${i}s0")
		[ "$(cat "$d/sriov_numvfs")" = 0 ] || echo 0 > "$d/sriov_numvfs"
		echo 1 > "$d/sriov_drivers_autoprobe"
	done
	# links that somebody made: VLANs, macvtaps, bridges, renamed PFs
	for d in $(ip -j -d link show | jq -r '.[] | select(.linkinfo.info_kind // "" | IN("vlan", "macvtap", "macvlan", "bridge", "bond", "dummy", "veth")) | .ifname'); do
		ip link del "$d" 2> /dev/null
	done
	for ((i = 1; i <= $(lab_nic_count); i++)); do
		n=$(basename "$(echo "/sys/bus/pci/devices/$(pf_pci "enp${i}s0")"/net/*)")
		if [ "$n" != "enp${i}s0" ]; then ip link set "$n" down; ip link set "$n" name "enp${i}s0"; fi
		ip addr flush dev "enp${i}s0"
		ip link set "enp${i}s0" down mtu 1500 promisc off
		case $touched in *"set_link igb$i"*) l1_monitor set_link "igb$i" on ;; esac
	done
	rm -f /run/lab-monitored
	rm -rf /etc/sriovd /var/lib/sriovd /run/sriovd "${lab_guests:?}"/* /var/log/guests/* /var/log/libvirt/qemu/*
	# what an installation would have put there
	d=/tree/$(sed -n 's/.*\blab\.stage=\([^ ]*\).*/\1/p' /proc/cmdline)/etc/sriovd
	[ ! -d "$d" ] || cp -r "$d" /etc/
	return 0
}
