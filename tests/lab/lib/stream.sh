# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Traffic while nics move: streams of packets, what they suffered and when, and how much of it the guest's own kernel explains.

# stream_begin NAME ADDRESS SECONDS [FROM]: 200 packets a second (one each LAB_STREAM_MS, 5) to the address and back, from the peer or
# (FROM) another guest
stream_begin() {
	local ms=${LAB_STREAM_MS:-5} count every
	count=$(($3 * 1000 / ms))
	every=$(printf '0.%03d' "$ms")
	rm -f "/tmp/stream.$1" "/tmp/stream.$1.pid" "/tmp/stream.$1.phases"
	if [ -n "${4:-}" ]; then
		guest_run "$4" "ping -i $every -c $count -W 2 $2 > /tmp/stream.$1 2>&1 &"
		echo "$4" > "/tmp/stream.$1.from"
	else
		rm -f "/tmp/stream.$1.from"
		(exec ip netns exec peer ping -D -n -i "$every" -c "$count" -W 2 "$2") > "/tmp/stream.$1" 2>&1 &
		echo $! > "/tmp/stream.$1.pid"
	fi
}
# stream_stop NAME: one from the peer ends now; stream_end says what came of it
stream_stop() { kill -INT "$(cat "/tmp/stream.$1.pid")"; }
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
				t = substr($0, 2, RLENGTH - 2) + 0
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

# stream_explained NAME: nothing was lost by the stream that has just ended but what came while the guest heard neither half: a packet each
# LAB_STREAM_MS, and one at an edge of each window, of which guest_trace_windows has just told
stream_explained() {
	local most=$((leave_ms / ${LAB_STREAM_MS:-5} + leaves))
	[ "$lost" -le "$most" ] || fail "$1: $lost packets lost, of which the guest's own windows explain $most"
}

# stream_phase LABEL: from now on it is that phase, for all streams
stream_phase() {
	stream_phases_begun=$(printf '%s%s %s\n.' "${stream_phases_begun:-}" "$EPOCHREALTIME" "$1")
	stream_phases_begun=${stream_phases_begun%.}
	step "$1"
}
# stream_phases NAME: after stream_end of one from the peer: LABEL SENT LOST GAP-MS of each phase into /tmp/stream.NAME.phases, and $lost
# without what was still under way when it was stopped. What was lost belongs to the phase in which the last packet before it came
# back, and so does a gap. Sequence numbers have 16 bits: not more packets than that.
stream_phases() {
	awk '
		FNR == NR { since[++n] = $1; label[n] = $2; next }
		/bytes from/ && match($0, /^\[[0-9.]+\]/) {
			t = substr($0, 2, RLENGTH - 2) + 0
			match($0, /icmp_seq=[0-9]+/)
			seq = substr($0, RSTART + 9, RLENGTH - 9) + 0
			if (!(seq in at)) at[seq] = t
			if (seq > top) top = seq
			if (last) {
				for (p = n; p > 1 && since[p] > last; p--) ;
				if (t - last > gap[p]) gap[p] = t - last
			}
			last = t
		}
		END {
			for (seq = 1; seq <= top; seq++) {
				if (seq in at) now = at[seq]
				for (p = n; p > 1 && since[p] > now; p--) ;
				sent[p]++
				if (!(seq in at)) missed[p]++
			}
			for (p = 1; p <= n; p++) printf "%s %d %d %.1f\n", label[p], sent[p], missed[p], gap[p] * 1000
		}' <(printf '%s' "$stream_phases_begun") "/tmp/stream.$1" > "/tmp/stream.$1.phases"
	lost=$(awk '{ n += $3 } END { print n + 0 }' "/tmp/stream.$1.phases")
	[ $((sent - $(awk '{ n += $2 } END { print n + 0 }' "/tmp/stream.$1.phases"))) -le $((500 / ${LAB_STREAM_MS:-5})) ] ||
		fail "$1: nothing came back any more when its traffic was stopped"
}
# streams_table NAME…: after stream_phases of each: all together, a line a phase
streams_table() {
	local files=("$@")
	files=("${files[@]/#//tmp/stream.}")
	files=("${files[@]/%/.phases}")
	awk '{ if (!($1 in sent)) order[++n] = $1; sent[$1] += $2; lost[$1] += $3; if ($4 > gap[$1]) gap[$1] = $4 }
		END { for (i = 1; i <= n; i++) printf "%s: lost %d of %d, longest gap %.0f ms\n", order[i], lost[order[i]], sent[order[i]], gap[order[i]] }' \
		"${files[@]}"
}

# stream_gaps NAME MS SINCE: each pause of the last stream that was longer, and what sriovd had last said of the guest before it ended
stream_gaps() {
	journalctl -q --no-pager -o short-unix -u sriovd --since "@$3" | grep " nic $1/" > "/tmp/said.$1" || true
	awk -v min="$2" '
		FNR == NR { at[++n] = $1; $1 = $2 = $3 = ""; said[n] = $0; next }
		/bytes from/ && match($0, /^\[[0-9.]+\]/) {
			t = substr($0, 2, RLENGTH - 2) + 0
			if (last && (t - last) * 1000 > min) {
				for (i = n; i > 0 && at[i] > t; i--) ;
				printf "  pause of %d ms, %.0f ms after:%s\n", (t - last) * 1000, i ? (last - at[i]) * 1000 : 0, i ? said[i] : " nothing"
			}
			last = t
		}' "/tmp/said.$1" "/tmp/stream.$1" >&2
}
