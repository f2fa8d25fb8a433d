# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The cache outside the tree: one folder for each version of what the root is made from.

cache_key() {
	(cd "$here" && cat packages.txt root.sh initrd.sh l1/settings.sh l1/initrd-init | sha256sum | cut -c1-16)
}

# Sets $key_dir; builds the root if it is not there. Built under another name and renamed, so what is there is whole.
cache_root() {
	local fd old
	key_dir=$cache/$(cache_key)
	if [ -d "$key_dir" ]; then
		touch "$key_dir"
		return
	fi
	command -v mmdebstrap > /dev/null || die "needs mmdebstrap: apt-get install mmdebstrap"
	command -v mke2fs > /dev/null || die "needs mke2fs: apt-get install e2fsprogs"
	exec {fd}> "$cache/root.lock"
	flock -n "$fd" || { say "waiting: somebody is building the root"; flock -w 1800 "$fd" || die "not built within 1800 s"; }
	if [ ! -d "$key_dir" ]; then
		rm -rf "$cache"/building.*
		"$here/root.sh" "$cache/building.$$" || { rm -rf "$cache/building.$$"; die "the root could not be built"; }
		mv "$cache/building.$$" "$key_dir"
		# Roots that nobody has booted for three days.
		for old in "$cache"/*/root.img; do
			old=${old%/root.img}
			if [ "$old" != "$key_dir" ] && [ -n "$(find "$old" -maxdepth 0 -mtime +2)" ]; then rm -rf "$old"; fi
		done
	fi
	exec {fd}>&-
}
