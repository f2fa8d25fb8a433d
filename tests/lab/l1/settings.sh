#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Settings of L1 that live in its image (everything else in l1/ is read from the shared tree at boot, so that editing it
# rebuilds nothing). Usage: settings.sh ROOT
set -euo pipefail
root=$1
etc=$root/etc

# Mount points: for QEMU, which runs out of this root, and for L1 itself. /tree is the checkout, /results a writable folder.
mkdir -p "$root"/{tree,results} "$root"/lab/{run,images}

echo lab > "$etc/hostname"
printf '127.0.0.1 localhost lab\n::1 localhost\n' > "$etc/hosts"
: > "$etc/fstab"
echo 4d5c1a5f3c0e4b0f9a7e000000000001 > "$etc/machine-id"
chroot "$root" passwd -q -d root
# The emulated root has no users but root; no need to ask polkit about it.

# Nothing here runs on a timer, waits for a network, or asks somebody to log in: every unit costs a second under emulation.
for u in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer logrotate.timer \
	systemd-tmpfiles-clean.timer e2scrub_all.timer e2scrub_reap.service \
	lxc.service lxc-net.service lxc-monitord.service libvirt-guests.service systemd-pstore.service \
	getty@tty1.service getty.target systemd-logind.service systemd-networkd.service systemd-networkd.socket \
	systemd-networkd-wait-online.service systemd-timesyncd.service systemd-hwdb-update.service \
	systemd-firstboot.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
	systemd-random-seed.service systemd-journal-flush.service systemd-journal-catalog-update.service \
	systemd-boot-random-seed.service ldconfig.service systemd-sysusers.service systemd-tpm2-setup.service \
	systemd-tpm2-setup-early.service systemd-pcrmachine.service systemd-pcrphase.service \
	systemd-pcrphase-sysinit.service systemd-update-done.service remote-fs.target machines.target \
	serial-getty@ttyS0.service serial-getty@hvc0.service systemd-user-sessions.service \
	dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
	modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service sys-fs-fuse-connections.mount \
	proc-sys-fs-binfmt_misc.automount sys-kernel-config.mount systemd-binfmt.service systemd-hibernate-clear.service \
	systemd-modules-load.service kmod-static-nodes.service systemd-machine-id-commit.service \
	systemd-ask-password-console.path systemd-ask-password-wall.path systemd-creds.socket systemd-hostnamed.socket \
	systemd-importd.socket systemd-initctl.socket systemd-pcrextend.socket systemd-pcrlock.socket systemd-sysext.socket; do
	ln -sf /dev/null "$etc/systemd/system/$u"
done
ln -sf /usr/lib/systemd/system/multi-user.target "$etc/systemd/system/default.target"

# Generators find nothing here, and each is a process at every boot and daemon-reload.
mkdir -p "$etc/systemd/system-generators"
for g in debug fstab getty gpt-auto hibernate-resume import rc-local run ssh system-update sysv tpm2; do
	ln -sf /dev/null "$etc/systemd/system-generators/systemd-$g-generator"
done

# Of the 300 devices only these need udev: l1/early.sh loads the drivers.
mkdir -p "$etc/systemd/system/systemd-udev-trigger.service.d"
cat > "$etc/systemd/system/systemd-udev-trigger.service.d/lab.conf" <<'UNIT'
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=net --subsystem-match=block --subsystem-match=misc \
	--subsystem-match=virtio-ports
UNIT

# Drivers for what QEMU's q35 brings and nobody here uses.
cat > "$etc/modprobe.d/lab.conf" <<'CONF'
blacklist ahci
blacklist i2c_i801
blacklist lpc_ich
blacklist iTCO_wdt
blacklist psmouse
blacklist pcspkr
blacklist joydev
blacklist bochs
blacklist ccp
blacklist qemu_fw_cfg
blacklist parport_pc
blacklist floppy
blacklist intel_agp
blacklist serio_raw
blacklist sg
blacklist cdrom
CONF

mkdir -p "$etc/systemd/journald.conf.d" "$etc/systemd/system.conf.d"
# The journal is in memory: a scenario's logs are copied out by the runner. No rate limit: tests want every line.
cat > "$etc/systemd/journald.conf.d/lab.conf" <<'CONF'
[Journal]
Storage=volatile
RateLimitBurst=0
ForwardToSyslog=no
Audit=no
CONF
cat > "$etc/systemd/system.conf.d/lab.conf" <<'CONF'
[Manager]
DefaultTimeoutStartSec=60s
DefaultTimeoutStopSec=15s
ShowStatus=no
LogColor=no
CONF

cat > "$etc/systemd/system/lab.service" <<'UNIT'
[Unit]
Description=lab: do what the host asks
DefaultDependencies=no
After=systemd-remount-fs.service systemd-tmpfiles-setup-dev-early.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=exec
ExecStart=/lab/start
KillMode=process
Restart=no
OOMScoreAdjust=-900
LimitNOFILE=65536
StandardOutput=journal+console

[Install]
WantedBy=sysinit.target
UNIT
mkdir -p "$etc/systemd/system/sysinit.target.wants"
ln -sf /etc/systemd/system/lab.service "$etc/systemd/system/sysinit.target.wants/lab.service"

cat > "$root/lab/start" <<'SH'
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything else is read from the shared tree, which the initrd has mounted.
/bin/bash /tree/tests/lab/l1/agent.sh
echo "agent: exit code $?" > /results/agent-ended
SH
chmod 755 "$root/lab/start"
