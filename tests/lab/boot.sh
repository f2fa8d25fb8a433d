# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Boot L1's QEMU and power it off.

# Quiet, it takes 16 s; beside everything else that a machine may do, minutes.
boot_deadline=${LAB_BOOT:-180}

# Only one L1 at a time out of one cache: a machine with two cores has no room for two. The lock is an open file that QEMU
# inherits, so it is free again when QEMU is gone, however it went.
l1_lock() {
	exec 9>> "$cache/l1$slot.lock"
	flock -n 9 && return
	say "waiting for the L1 of $(cat "$state/tree" 2>/dev/null || echo somebody) to go down"
	flock -w "${LAB_WAIT:-3600}" 9 || die "still up after ${LAB_WAIT:-3600} s"
}

# Use by one 'run', 'demo' or 'shell' at a time of an L1 that is up.
l1_use() {
	exec 8>> "$cache/use$slot.lock"
	flock -n 8 && return
	say "waiting: somebody else is using this L1 (sh -s does not wait; LAB_SLOT=name is an L1 of your own)"
	flock -w "${LAB_WAIT:-3600}" 8 || die "still in use after ${LAB_WAIT:-3600} s"
}

l1_pid() {
	local pid
	pid=$(cat "$state/pid" 2>/dev/null) || return 1
	# a PID can be used again: it must still be our QEMU
	[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = qemu-system-x86 ] && echo "$pid"
}
l1_is_ours() { l1_pid > /dev/null && [ "$(cat "$state/tree" 2>/dev/null)" = "$tree" ] && [ -e "$share/ready" ]; }

l1_status() {
	if l1_pid > /dev/null; then echo "up, from $(cat "$state/tree"), boots: $(cat "$share/boots" 2>/dev/null)"; else echo down; fi
}

accel() {
	case ${LAB_ACCEL:-auto} in
	auto)
		# without nested virtualisation on offer, KVM would give an L1 that has no KVM
		if [ -w /dev/kvm ] && grep -qEw 'vmx|svm' /proc/cpuinfo &&
			grep -qsE '^(1|Y)' /sys/module/kvm_{amd,intel}/parameters/nested; then
			echo kvm
		else
			echo tcg
		fi
		;;
	kvm | tcg) echo "$LAB_ACCEL" ;;
	*) die "LAB_ACCEL is auto, tcg or kvm" ;;
	esac
}

# l1_boot dies-with-us|stays: start QEMU and wait until the agent inside says that it is ready. What does not come up is tried again
# once: emulation breaks a boot too.
l1_boot() {
	cache_root
	l1_start "$1" && return
	say "once more"
	cp "$state/run/console.log" "$cache/console$slot.1.log" 2> /dev/null || true
	l1_kill
	l1_start "$1"
}

l1_start() {
	local how=$1 began n a args mac launch tick=''
	began=$EPOCHREALTIME
	a=$(accel)
	l1_broken='' l1_broken_since='' l1_looked=0
	rm -rf "$state"
	mkdir -p "$state/run" "$share/jobs"
	echo "$tree" > "$state/tree"
	echo "lab.nics=$nics" > "$state/nics"
	# what libvirt found out about QEMU in an earlier boot of this image
	[ ! -d "$key_dir/capabilities" ] || cp -r "$key_dir/capabilities" "$share/"
	mkfifo "$state/run/ctl.in" "$state/run/ctl.out"

	# At most 2700 MiB: with memory above 4 GiB, SeaBIOS places VF BARs where QEMU 10.0 maps them at the wrong address.
	args=(-name lab -machine "q35,usb=off,vmport=off$([ "$a" = tcg ] || echo ,kernel-irqchip=split)" -smp 2 -m 2700 -nodefaults -display none -vga none)
	if [ "$a" = tcg ]; then
		# la57 off: five-level page tables cost time, and KVM inside gains nothing from them
		args+=(-accel "tcg,thread=multi,tb-size=1024" -cpu max,la57=off)
		# QEMU 10.0 changes a CPU's pending interrupts without its lock where a guest of L1 is entered and left
		# (svm_helper.c), so now and then one is lost. A timer that ticks by itself brings it along 4 ms later; one that is
		# armed for each event is dead for ever.
		tick="highres=off nohz=off"
	else
		args+=(-accel kvm -cpu host)
	fi
	args+=(
		-device intel-iommu,intremap=on
		-kernel /lab/images/vmlinux -initrd /lab/images/initrd
		-append "console=ttyS0 quiet panic=0 intel_iommu=on iommu=pt mitigations=off audit=0 nokaslr tsc=nowatchdog nowatchdog sysrq_always_enabled ${tick:-} lsm=landlock systemd.show_status=0 rd.udev.log_level=3 net.ifnames=1 lab.stage=$stage lab.nics=$nics"
		-serial file:/lab/run/console.log
		# says "Triple fault" when a CPU of L1 has lost its way so far that it resets itself: see l1_breakage
		-d cpu_reset -D /lab/run/cpu.log
		-drive file=/lab/images/root.img,if=none,id=d0,format=raw,snapshot=on,cache=unsafe,aio=threads
		-device virtio-blk-pci,drive=d0
		-fsdev local,id=tree,path=/tree,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=tree,mount_tag=tree
		-fsdev local,id=results,path=/results,security_model=none
		-device virtio-9p-pci,fsdev=results,mount_tag=results
		-device virtio-serial-pci,max_ports=8
		# the control channel: lines for the agent
		-chardev pipe,id=ctl,path=/lab/run/ctl -device virtserialport,chardev=ctl,name=lab.ctl
		# a terminal for people
		-chardev socket,id=tty,path=/lab/run/tty.sock,server=on,wait=off -device virtconsole,chardev=tty
		# QEMU's monitor, for the host and, over a port joined to a second monitor, for L1 itself
		-chardev socket,id=hostmon,path=/lab/run/host.mon,server=on,wait=off -mon chardev=hostmon,mode=control
		-chardev socket,id=l1mon,path=/lab/run/l1.mon,server=on,wait=off -mon chardev=l1mon,mode=control
		-chardev socket,id=l1port,path=/lab/run/l1.mon -device virtserialport,chardev=l1port,name=lab.monitor
	)
	for ((n = 1; n <= nics; n++)); do
		printf -v mac '52:54:00:00:%02x:01' "$n"
		args+=(-device "pcie-root-port,id=rp$n,chassis=$n,slot=$n,io-reserve=0"
			-netdev "hubport,id=n$n,hubid=1"
			-device "igb,id=igb$n,bus=rp$n,netdev=n$n,mac=$mac")
	done

	launch=(setsid)
	[ "$how" = stays ] || launch=(setpriv --pdeathsig KILL)
	# A mount namespace of its own: what is mounted there goes away with the last process in it.
	"${launch[@]}" unshare --mount --propagation private \
		"$here/chroot-qemu.sh" "$key_dir" "$tree" "$state" "${args[@]}" \
		< /dev/null > "$state/qemu.log" 2>&1 8>&- &
	echo $! > "$state/pid"
	qemu_pid=$!
	disown
	say "L1 boots ($a, $nics NICs)"
	l1_wait_ready 1 "$began"
}

# l1_wait_ready BOOT BEGAN: wait until the agent has come up for the BOOTth time.
l1_wait_ready() {
	local end=$((SECONDS + boot_deadline))
	until [ "$(cat "$share/ready" 2>/dev/null)" = "$1" ]; do
		if l1_dead "$end"; then
			say "L1 did not come up: $l1_why"
			tail -n 5 "$state/qemu.log" >&2 || true
			tail -n 20 "$state/run/console.log" >&2 || true
			return 1
		fi
		nap 0.1
	done
	if [ ! -d "$key_dir/capabilities" ] && [ -d "$share/capabilities" ]; then
		rm -rf "$key_dir/capabilities.$$"
		cp -r "$share/capabilities" "$key_dir/capabilities.$$"
		mv -T "$key_dir/capabilities.$$" "$key_dir/capabilities" 2> /dev/null || rm -rf "$key_dir/capabilities.$$"
	fi
	say "L1 is ready after $(seconds_since "$2") s ($(tr '\n' ' ' < "$share/boot.log" 2>/dev/null))"
}

# l1_breakage: has the emulator broken L1's kernel? Says how in $l1_broken. These are seen with nested virtualisation under TCG only:
# a virtual CPU that comes back from a guest with a wrong stack, one that runs a breakpoint which the kernel has taken out again
# (l1/hold.sh), one whose timer never fires again, one that faults until it resets itself (the kernel says nothing then, and boots).
l1_breakage() {
	local log=$state/run/console.log
	l1_broken=''
	if grep -qs '^Triple fault' "$state/run/cpu.log"; then l1_broken="a CPU of L1 fell into a triple fault"
	elif grep -qs 'TASK stack guard page was hit' "$log"; then l1_broken="L1's kernel lost its stack"
	elif grep -qs 'Oops: int3' "$log"; then l1_broken="L1's kernel panicked at code that it was patching"
	elif grep -qsE '(BUG|Oops|PANIC): |general protection fault|double fault' "$log" && grep -qsE 'Comm: CPU [0-9]+/KVM' "$log"; then
		l1_broken="L1's kernel panicked while it ran a guest"
	elif grep -qsE "kthread timer wakeup didn't happen|rcu_[a-z]* (self-)?detected( expedited)? stall|Timekeeping watchdog|clocksource.*unstable" "$log"; then
		l1_broken="a CPU of L1 lost its timer"
	fi
	[ -n "$l1_broken" ]
}

# l1_dead END: has QEMU gone, the kernel panicked, or the time END passed? Says why in $l1_why.
l1_dead() {
	l1_why=
	if ! [ -e "/proc/$(cat "$state/pid" 2>/dev/null || echo none)" ]; then l1_why="QEMU is gone"
	elif [ -e "$share/agent-ended" ]; then l1_why="the agent ended"
	elif [ "$SECONDS" -ge "$1" ]; then l1_why="no answer in time"
	elif [ "$SECONDS" -ge "${l1_looked:-0}" ]; then
		l1_looked=$((SECONDS + 3))
		if grep -qs 'Kernel panic' "$state/run/console.log"; then
			l1_why="kernel panic"
		elif l1_breakage; then
			# A host that is too busy looks like this as well, and then L1 goes on.
			: "${l1_broken_since:=$SECONDS}"
			[ $((SECONDS - l1_broken_since)) -lt 60 ] || l1_why=$l1_broken
		fi
	fi
	[ -z "$l1_why" ] || l1_breakage || true
	[ -n "$l1_why" ]
}

l1_off() {
	trap - EXIT
	l1_kill
}
l1_kill() {
	local pid n
	pid=$(l1_pid) || pid=''
	if [ -n "$pid" ]; then
		kill -TERM "$pid" 2>/dev/null || true
		for ((n = 0; n < 50; n++)); do
			[ -n "$(l1_pid)" ] || break
			nap 0.1
		done
		[ -z "$(l1_pid)" ] || kill -KILL "$pid" 2>/dev/null || true
		for ((n = 0; n < 100; n++)); do
			[ -n "$(l1_pid)" ] || break
			nap 0.1
		done
	fi
	rm -f "$state/pid" "$share/ready"
}
