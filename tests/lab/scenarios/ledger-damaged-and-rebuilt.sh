# SPDX-License-Identifier: GPL-2.0-or-later
# A damaged ledger is told and not guessed around: claims are refused, guests run on; a rebuild adopts what runs and loses no VF.
# timeout: 240
# FAULTS row 5: bit flips, a torn tail
ledger=/var/lib/sriovd/ledger.sqlite
sriovd_up 3
guest_define g1 --nic 'id=net0 network=tenant-a mac=52:54:00:aa:00:11'
guest_define must --nic 'id=net0 network=tenant-a mode=required mac=52:54:00:aa:00:12'
guest_define plain
guest_start g1
wait_nic g1 vf
one=$(nic_vf g1)
assert_ok sriovctl vf claim job1 --network tenant-a
job=$(nic_vf job1)
assert_ok sriovctl ledger check
kernel=$(vf_attr enp1s0 "${one#*/}")

step "damaged"
sriovd_stop
sqlite3 $ledger 'PRAGMA wal_checkpoint(TRUNCATE);' > /dev/null
size=$(stat -c %s $ledger)
dd if=/dev/urandom of=$ledger bs=4096 seek=1 count=$((size / 4096 - 1)) conv=notrunc status=none
sum=$(sha256sum < $ledger)
sriovd_start
assert_match 'ledger' "$(sriovctl status)" "status"
rc=0
output=$(sriovctl ledger check 2>&1) || rc=$?
assert_eq 13 $rc "exit code of ledger check: $output"
rc=0
output=$(sriovctl vf claim job2 --network tenant-a 2>&1) || rc=$?
assert_eq 13 $rc "exit code of a claim: $output"
assert_match 'ledger rebuild' "$output" "what to do"
start_refused must 'ledger'
guest_start plain
assert_eq "running $kernel" "$(guest_state g1) $(vf_attr enp1s0 "${one#*/}")" "g1"
assert_eq "$sum" "$(sha256sum < $ledger)" "the damaged file, untouched"

step "rebuilt"
assert_ok sriovctl ledger rebuild --yes
say "$output"
assert_ok sriovctl ledger check
wait_for 60 nic_is g1 'attached vf'
assert_eq "$one" "$(nic_vf g1)" "VF of g1"
assert_eq "$kernel" "$(vf_attr enp1s0 "${one#*/}")" "attributes of g1's VF"
assert_eq 1 "$(cat /var/lib/sriovd/ledger-*.sqlite | sha256sum | grep -c "${sum%% *}")" "the old one, set aside"
wait_vfs enp1s0 2
assert_vf_neutral enp1s0 "${job#*/}"
guest_start must
wait_nic must vf
guest_destroy g1
assert_scrubbed enp1s0 "${one#*/}"
