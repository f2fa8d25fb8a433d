#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: copy what was built (an install tree) over the system; files of the last copy that are no longer in it go away.
# With the argument boot, that is all: nothing runs yet.
set -euo pipefail
/tree/tests/lab/l1/guest-image.sh
stage=/tree/$(sed -n 's/.*\blab\.stage=\([^ ]*\).*/\1/p' /proc/cmdline)
list=/lab/stage.list
[ -d "$stage" ] || { echo "nothing built in ${stage#/tree/} yet"; exit 0; }
new=$(cd "$stage" && find . ! -type d | sort)
# keep-directory-symlink: /lib is a link here, whatever it is in the install tree. tar unlinks before writing: no ETXTBSY.
tar -C "$stage" --owner=0 --group=0 -cf - . | tar -C / --keep-directory-symlink --no-overwrite-dir -xpf -
if [ -f "$list" ]; then
	comm -23 "$list" - <<< "$new" | while read -r f; do rm -f "/$f"; done
fi
echo "$new" > "$list"
if grep -qE '^\./usr/lib/([^/]*-linux-gnu/)?[^/]*\.so' <<< "$new"; then ldconfig; fi
if [ "${1:-}" != boot ]; then systemctl daemon-reload; fi
if [ "${1:-}" != boot ] && [ -e /usr/lib/systemd/system/sriovd.service ]; then
	timeout 60 systemctl restart sriovd.service
fi
echo "$(wc -l <<< "$new") files from ${stage#/tree/}"
