#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One command over a guest's channel (stdin and stdout are the socket): its output goes to $OUT, its exit code to $OUT.rc. What is
# left in the channel of a call that was cut off comes before our @BEGIN and is dropped.
token=$RANDOM$RANDOM$RANDOM
end=$((SECONDS + LIMIT + 5))
exec 3> "$OUT"
begun='' blank='' part=''
# What comes while the guest has no ear open is lost: ask again until it begins. It knows the token of a question it has heard.
ask() { printf '\n%s %s %s\n' "$token" "$LIMIT" "$CODE"; }
ask
while [ "$SECONDS" -lt "$end" ]; do
	IFS= read -rt 1 line
	status=$?
	if [ $status != 0 ]; then
		[ $status -gt 128 ] || exit 1 # end of file: the guest is gone
		part+=$line # read keeps what has come of a line
		# An empty line is nothing to the guest but an interrupt. Under emulation the one of its timer is lost now and then,
		# and then it sleeps until another one comes.
		if [ -n "$begun" ]; then echo; else ask; fi
		continue
	fi
	line=$part${line%$'\r'}
	part=''
	if [ -z "$begun" ]; then
		[ "$line" != "@BEGIN $token" ] || begun=yes
		continue
	fi
	case $line in
	"@END $token "*)
		echo "${line##* }" > "$OUT.rc"
		exit 0
		;;
	esac
	# an empty line is held back: the one before @END is the channel's
	[ -z "$blank" ] || echo >&3
	blank=''
	if [ -z "$line" ]; then blank=yes; else printf '%s\n' "$line" >&3; fi
done
exit 1
