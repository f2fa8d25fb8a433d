# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Failover nics: guests that have one, and what their traffic suffers.

# config_failover VFS [FAILOVER-JSON [PFS-JSON]]: like config_lab, with short times. FAILOVER-JSON: more members of "failover".
config_failover() {
	local fallback=''
	[ -z "${LAB_FALLBACK:-}" ] || fallback=", \"fallback\": $LAB_FALLBACK"
	config_write <<-JSON
		{ "pools": [ { "name": "fast", "select": { "pfNames": ${3:-[\"enp1s0\"]} }, "numVfs": $1 } ],
		  "networks": [ { "name": "tenant-a", "pool": "fast", "vlan": 100$fallback } ],
		  "failover": { "promoteAfterSeconds": 1, "negotiateSeconds": 40, "retrySeconds": 10, "unplugSeconds": 20${2:+, $2} },
		  "reconcileSeconds": 30 }
	JSON
}
failover_up() {
	config_failover "$@"
	sriovd_start
	wait_vfs enp1s0 "$1"
}

# failover_define NAME MAC [OPTION of nic add…] [-- OPTION of guest_define…]
failover_define() {
	local name=$1 mac=$2 options=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
	[ $# -eq 0 ] || shift
	guest_define "$name" "$@"
	assert_ok sriovctl nic add "$name" --network tenant-a --mode failover --mac "$mac" "${options[@]}"
}
# failover_guest NAME MAC [OPTION of nic add…]: defined, started, up, its NIC there
failover_guest() {
	failover_define "$@"
	guest_start "$1"
	guest_wait_up "$1"
	guest_wait_nic "$1" "$2" > /dev/null
}
# The half that the guest sends by: the VF's driver, or virtio_net
guest_half() {
	guest_run "$1" "for n in /sys/class/net/*/lower_*; do [ ! -e \$n ] || basename \$(readlink \$n/device/driver); done | sort | head -n 1"
}
wait_half() { wait_eq "${3:-60}" "$2" guest_half "$1"; }

# The macvtap of a guest, and what it takes: "own bridge", "own vepa" or "parked bridge"
guest_tap() { virsh -q domiflist "$1" | awk '$2 == "direct" { print $1; exit }'; }
tap_takes() {
	local tap mac
	tap=$(guest_tap "$1")
	mac=$(nic_get "$1" .mac)
	ip -j -d link show dev "$tap" | jq -r --arg mac "$mac" '.[0] | "\(if .address == $mac then "own" else "parked" end) \(.linkinfo.info_data.mode)"'
}

# stream_begin NAME ADDRESS SECONDS [FROM]: 200 packets a second to the address and back, from the peer or (FROM) another guest
stream_begin() {
	local count=$(($3 * 200))
	rm -f "/tmp/stream.$1"
	if [ -n "${4:-}" ]; then
		guest_run "$4" "ping -i 0.005 -c $count -W 2 $2 > /tmp/stream.$1 2>&1 &"
		echo "$4" > "/tmp/stream.$1.from"
	else
		rm -f "/tmp/stream.$1.from"
		peer_run ping -D -n -i 0.005 -c "$count" -W 2 "$2" > "/tmp/stream.$1" 2>&1 &
	fi
}
stream_runs() {
	if [ -e "/tmp/stream.$1.from" ]; then
		! guest_run "$(cat "/tmp/stream.$1.from")" "grep -q transmitted /tmp/stream.$1" > /dev/null
	else
		! grep -q transmitted "/tmp/stream.$1"
	fi
}
# stream_end NAME: waits for it; sets lost, duplicates, gap (ms, 0 when not known), sent, and says them
stream_end() {
	local result
	wait_for 600 eval "! stream_runs $1"
	# Only what counts: all of it takes half a minute over a serial line.
	[ ! -e "/tmp/stream.$1.from" ] ||
		guest_run "$(cat "/tmp/stream.$1.from")" "grep -e DUP -e transmitted /tmp/stream.$1" > "/tmp/stream.$1"
	# shellcheck disable=SC2016
	result=$(awk '
		/bytes from/ {
			if (/DUP/) dup++
			if (match($0, /^\[[0-9.]+\]/)) {
				t = substr($0, 2, RLENGTH - 2)
				if (last && t - last > gap) gap = t - last
				last = t
			}
		}
		/packets transmitted/ { sent = $1; received = $4 }
		END { printf "%d %d %d %.1f", sent, sent - received, dup, gap * 1000 }' "/tmp/stream.$1")
	# shellcheck disable=SC2034
	read -r sent lost duplicates gap <<< "$result"
	say "$1: $sent sent, $lost lost, $duplicates duplicated, longest gap $gap ms"
}

# guest_standby_drops NAME: frames that came in by the virtio half and that the guest's net_failover dropped, because a VF was joined
# (net_failover_handle_frame(); the kernel counts them as rx_nohandler)
guest_standby_drops() {
	guest_run "$1" 'for n in /sys/class/net/*/lower_*; do [ "$(basename "$(readlink "$n/device/driver")")" != virtio_net ] || cat "$n/statistics/rx_nohandler"; done'
}
# The two windows in which a guest loses or doubles frames, whatever the host does, measured in the guest with kprobes:
#   leave	from igbvf_close(), which switches the VF's queues off, to the end of net_failover_slave_unregister(): until then what comes
#		by the virtio half is dropped
#   join	from igbvf_open(), which switches them on, to the end of net_failover_slave_register(): until then both halves are heard
guest_trace_begin() {
	guest_run "$1" 'mount -t tracefs t /sys/kernel/tracing 2> /dev/null; cd /sys/kernel/tracing &&
		echo 0 > tracing_on && echo > trace && echo > kprobe_events &&
		for e in p:off:igbvf_close p:on:igbvf_open r:left:net_failover_slave_unregister r:joined:net_failover_slave_register; do
			echo "${e%:*} ${e##*:}" >> kprobe_events || exit 1
		done && echo 1 > events/kprobes/enable && echo 1 > tracing_on' || fail "$1: its kernel cannot be traced"
}
# guest_trace_windows NAME: sets leaves, leave_ms (all together), leave_max (ms), joins, join_ms, join_max, and says them
guest_trace_windows() {
	local result
	# shellcheck disable=SC2016
	result=$(guest_run "$1" 'grep -E " (off|on|left|joined): " /sys/kernel/tracing/trace' | awk '
		{ match($0, /[0-9]+\.[0-9]+: (off|on|left|joined): /); split(substr($0, RSTART, RLENGTH), f, ": "); t = f[1] * 1000 }
		f[2] == "off" { off = t }
		f[2] == "on" { on = t }
		f[2] == "left" && off { n++; sum += t - off; if (t - off > max) max = t - off; off = 0 }
		f[2] == "joined" && on { jn++; jsum += t - on; if (t - on > jmax) jmax = t - on; on = 0 }
		END { printf "%d %d %d %d %d %d", n, sum + 0.5, max + 0.5, jn, jsum + 0.5, jmax + 0.5 }')
	# shellcheck disable=SC2034
	read -r leaves leave_ms leave_max joins join_ms join_max <<< "$result"
	say "$1: deaf to both halves for $leave_ms ms in $leaves demotions (longest $leave_max), hears both for $join_ms ms in $joins promotions (longest $join_max)"
}

# stream_gaps NAME MS SINCE: each pause of the last stream that was longer, and what sriovd had last said of the guest before it ended
stream_gaps() {
	journalctl -q --no-pager -o short-unix -u sriovd --since "@$3" | grep " nic $1/" > "/tmp/said.$1" || true
	awk -v min="$2" '
		FNR == NR { at[++n] = $1; $1 = $2 = $3 = ""; said[n] = $0; next }
		/bytes from/ && match($0, /^\[[0-9.]+\]/) {
			t = substr($0, 2, RLENGTH - 2)
			if (last && (t - last) * 1000 > min) {
				for (i = n; i > 0 && at[i] > t; i--) ;
				printf "  pause of %d ms, %.0f ms after:%s\n", (t - last) * 1000, i ? (last - at[i]) * 1000 : 0, i ? said[i] : " nothing"
			}
			last = t
		}' "/tmp/said.$1" "/tmp/stream.$1" >&2
}

# demote_promote NAME: once there and back; sriovctl returns when the guest is on virtio, and soon it has a VF again
demote_promote() {
	assert_ok sriovctl demote "$1"
	wait_nic "$1" vf
}
