# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Guests (L2): KVM domains of 192 MiB with the kernel of L1 and the lab's initramfs. A NIC with the MAC 52:54:00:aa:SS:NN gets the
# address 10.9.SS.NN/24 (bytes in decimal).

lab_guests=/var/lib/guests

# The firmware is qboot and the kernel an unpacked one: half the time of SeaBIOS and a packed one under emulation.
# guest_define NAME [OPTION…]
#   --nic 'id=net0 network=tenant-a mode=exclusive mac=… priority=…'   a nic of sriovd in the metadata; any attribute
#   --ports N          free PCIe ports for hotplug (4)
#   --mem MIB          (192)
#   --cmdline WORDS    more for the guest's kernel, for example lab.ip=10.9.0.50/24
#   --xml-devices XML  more devices
#   --print            print the XML only
guest_define() {
	local name=$1 nics='' ports=4 mem=192 extra='' cmdline='' print='' i a xml
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--nic)
			nics+='<sriov:nic'
			for a in $2; do nics+=" ${a%%=*}=\"${a#*=}\""; done
			nics+='/>'
			shift
			;;
		--ports) ports=$2; shift ;;
		--mem) mem=$2; shift ;;
		--cmdline) cmdline=$2; shift ;;
		--xml-devices) extra+=$2; shift ;;
		--print) print=yes ;;
		*) fail "guest_define: $1?" ;;
		esac
		shift
	done
	xml="<domain type='kvm'><name>$name</name><memory unit='MiB'>$mem</memory><vcpu>1</vcpu>"
	[ -z "$nics" ] || xml+="<metadata><sriov:nics xmlns:sriov=\"https://sriovd.io/xmlns/nics/1\">$nics</sriov:nics></metadata>"
	xml+="<os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='rom'>/usr/share/qemu/qboot.rom</loader><kernel>/lab/vmlinux</kernel><initrd>/lab/guest.img</initrd>"
	xml+="<cmdline>console=ttyS0 quiet mitigations=off nokaslr panic=0 $cmdline</cmdline></os>"
	xml+="<features><acpi/><apic/></features><cpu mode='host-passthrough'/><on_reboot>restart</on_reboot>"
	xml+="<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>"
	xml+="<controller type='pci' index='0' model='pcie-root'/>"
	for ((i = 1; i <= ports + 1; i++)); do xml+="<controller type='pci' index='$i' model='pcie-root-port'/>"; done
	xml+="<serial type='file'><source path='/var/log/guests/$name.log' append='on'/><target port='0'/></serial>"
	xml+="<serial type='unix'><source mode='bind' path='$lab_guests/$name.sock'/><target port='1'/></serial>"
	xml+="<memballoon model='none'/>$extra</devices></domain>"
	if [ -n "$print" ]; then echo "$xml"; return; fi
	mkdir -p "$lab_guests"
	chmod 1777 "$lab_guests"
	printf '%s\n' "$xml" > "$lab_guests/$name.xml"
	virsh -q define "$lab_guests/$name.xml" > /dev/null || fail "cannot define $name"
}

guest_start() { timeout 240 virsh -q start "$1" || fail "cannot start $1"; }
guest_state() { virsh -q domstate "$1"; }
guest_destroy() { timeout 60 virsh -q destroy "$1"; }

# guest_run NAME [-t SECONDS] 'COMMAND': output and exit code of a shell command in the guest. 124: the guest did not answer in
# time, 125: no channel. Calls at the same time wait for one another.
guest_run() {
	local name=$1 limit=20 lock out rc
	shift
	if [ "$1" = -t ]; then limit=$2; shift 2; fi
	[ -S "$lab_guests/$name.sock" ] || return 125
	out=$(mktemp /tmp/guest.XXXXXXXX) || return 125
	exec {lock}> "$lab_guests/$name.lock"
	if flock -w 120 "$lock"; then
		# the client talks to the guest for socat and ends when it has the answer, and socat with it
		timeout -k 1 "$((limit + 10))" env OUT="$out" LIMIT="$limit" CODE="$(printf '%s' "$*" | base64 -w0)" \
			socat -t 0 "UNIX-CONNECT:$lab_guests/$name.sock" "EXEC:$LAB_DIR/l1/guest-client.sh" 2> /dev/null || true
	fi
	exec {lock}>&-
	rc=$(cat "$out.rc" 2> /dev/null || echo 124)
	cat "$out"
	rm -f "$out" "$out.rc"
	return "$rc"
}
# guest_cpu NAME: seconds of CPU that its QEMU has used
guest_cpu() {
	local pid
	pid=$(cat "/run/libvirt/qemu/$1.pid" 2> /dev/null) || return 0
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) / hz) }' "/proc/$pid/stat" 2> /dev/null
}
# guest_wait_up NAME [SECONDS]: until the command channel answers. A guest that boots uses its CPU; one that is idle and silent has lost
# an interrupt (under emulation, run.sh) and will not come any more.
guest_wait_up() {
	local end=$((SECONDS + ${2:-180})) looked=$SECONDS used
	used=$(guest_cpu "$1")
	until guest_run "$1" -t 3 true > /dev/null 2>&1; do
		if [ $((SECONDS - looked)) -ge 30 ]; then
			if [ $(($(guest_cpu "$1") - used)) -le 3 ]; then
				echo "GUEST-HANGS: $1 is idle, and its channel silent"
				fail "$1 does not come up: idle for 30 s"
			fi
			looked=$SECONDS used=$(guest_cpu "$1")
		fi
		[ "$(guest_state "$1" 2>&1)" = running ] || fail "$1 is not running: $(guest_state "$1" 2>&1)"
		[ "$SECONDS" -lt "$end" ] || fail "$1 did not come up within ${2:-180} s"
		sleep 0.2
	done
}
# guest_wait_nic NAME MAC [SECONDS]: until a NIC with that MAC is up and has an address in the guest; prints its name
guest_wait_nic() {
	local end=$((SECONDS + ${3:-120})) nic
	until nic=$(guest_run "$1" -t 5 "ip -o -4 addr | awk '{print \$2}' | while read -r n; do grep -qx $2 /sys/class/net/\$n/address && echo \$n; done | head -n 1") &&
		[ -n "$nic" ]; do
		[ "$SECONDS" -lt "$end" ] || fail "$1: no NIC $2 with an address within ${3:-120} s"
		sleep 0.2
	done
	echo "$nic"
}
# guest_driver NAME NIC: igbvf, virtio_net, or net_failover
guest_driver() {
	guest_run "$1" "set -- /sys/class/net/$2/lower_*; if [ -e \"\$1\" ]; then echo net_failover; else basename \$(readlink /sys/class/net/$2/device/driver); fi"
}

# guest_ping NAME ADDRESS [COUNT]: no packet lost, once the first one has found its way (ARP, the switch learning). An answer that
# comes late is not lost: on a busy host an emulated guest stands still for seconds.
guest_ping() {
	local out n=${3:-3}
	retry 20 guest_run "$1" "ping -q -c 1 -W 1 $2" > /dev/null || fail "$1: no answer from $2"
	out=$(guest_run "$1" -t $((n + 25)) "ping -q -c $n -i 0.3 -W 15 $2") || true
	assert_match ' 0% packet loss' "$out" "$1 pings $2"
}

# XML of devices
# xml_hostdev_nic PF INDEX MAC [VLAN]: a VF as <interface type='hostdev'>
xml_hostdev_nic() {
	local pci
	pci=$(vf_pci "$1" "$2")
	# shellcheck disable=SC2016
	echo "<interface type='hostdev' managed='no'><mac address='$3'/><source><address type='pci' domain='0x${pci%%:*}' bus='0x${pci:5:2}' slot='0x${pci:8:2}' function='0x${pci##*.}'/></source>${4:+<vlan><tag id='$4'/></vlan>}</interface>"
}
# xml_macvtap_nic LINK MAC: virtio with vhost on a macvtap of LINK
xml_macvtap_nic() {
	echo "<interface type='direct'><mac address='$2'/><source dev='$1' mode='bridge'/><model type='virtio'/><driver name='vhost'/></interface>"
}
