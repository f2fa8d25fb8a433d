# SPDX-License-Identifier: GPL-2.0-or-later
# The unit is confined (systemd-analyze security at most 1.7) and does its whole job so; its socket starts it; SIGHUP reloads.
# timeout: 180
config_lab 2
step "started by its socket"
systemctl start sriovd.socket
assert_eq inactive "$(systemctl is-active sriovd.service || true)"
assert_ok sriovctl status
assert_eq active "$(systemctl is-active sriovd.service)"
wait_vfs enp1s0 2

step "confined"
exposure=$(systemd-analyze security --no-pager sriovd.service | sed -n 's/.*Overall exposure level for sriovd.service: \([0-9.]*\).*/\1/p')
say "exposure $exposure"
awk -v e="$exposure" 'BEGIN { exit !(e > 0 && e <= 1.7) }' || fail "exposure $exposure is above 1.7"
pid=$(sriovd_pid)
assert_match 'NoNewPrivs:.1' "$(cat "/proc/$pid/status")"

step "its members' door, made in that confinement"
door=/run/sriovd/sriovd.sock.members
group=$(getent group sriovd | cut -d: -f3)
reach() { timeout 20 socat -u OPEN:/dev/null "UNIX-CONNECT:$door"; }
export -f reach
export door
assert_ok reach
assert_ok setpriv --reuid 65534 --regid 65534 --groups "$group" bash -c reach
assert_fails setpriv --reuid 65534 --regid 65534 --clear-groups bash -c reach
assert_match 'Permission denied' "$output"

step "SIGHUP"
config_lab 2 '{ "name": "more", "pool": "fast" }'
kill -HUP "$pid"
wait_for 20 sriovctl vf claim job1 --network more
step "systemctl reload, of a good and of a bad one"
assert_ok timeout 60 systemctl reload sriovd.service
echo '{ "pool": [] }' | config_write
assert_fails timeout 60 systemctl reload sriovd.service
assert_eq "active $pid" "$(systemctl is-active sriovd.service) $(sriovd_pid)"
assert_json 'nic list' '[.nics[].owner.name]' '["job1"]'

step "watchdog, and a second daemon"
assert_eq 30s "$(systemctl show -p WatchdogUSec --value sriovd.service)" "watchdog"
kill -STOP "$pid"
if ! retry 90 eval '[ "$(sriovd_pid)" != "$pid" ] && [ "$(sriovd_pid)" != 0 ]'; then kill -CONT "$pid"; fail "a daemon that hangs is not restarted"; fi
wait_for 30 sriovctl status
assert_json 'nic list' '[.nics[].owner.name]' '["job1"]'
assert_fails timeout 30 /usr/sbin/sriovd --socket /run/second.sock
say "$output"
assert_ok sriovctl status
