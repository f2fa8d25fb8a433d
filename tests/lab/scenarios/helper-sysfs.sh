# SPDX-License-Identifier: GPL-2.0-or-later
# sriovd-sysfs on the real kernel: VFs made, bound, reset and destroyed, and left alone while somebody uses them.
# timeout: 400
helper=/usr/libexec/sriovd/sriovd-sysfs
[ -x "$helper" ] || helper=/tree/build/release/sriovd-sysfs
pf=$(pf_pci enp1s0)
dev=/sys/bus/pci/devices

# helper_ok ARGUMENT…: succeeds; its answer in $answer
helper_ok() {
	answer=$("$helper" "$@") || fail "$*: $answer"
	assert_eq true "$(jq -r .ok <<< "$answer")" "$*"
}
# helper_fails CODE SUBJECT REGEX ARGUMENT…
helper_fails() {
	local code=$1 subject=$2 regex=$3 rc=0
	shift 3
	answer=$("$helper" "$@") || rc=$?
	assert_eq 1 "$rc" "exit code of $*"
	assert_eq "$code $subject" "$(jq -r '.code + " " + .subject' <<< "$answer")" "$*"
	assert_match "$regex" "$(jq -r .message <<< "$answer")" "$*"
}
all_vfs() { local i; for ((i = 0; i < $(vf_count enp1s0); i++)); do vf_pci enp1s0 "$i"; done; }

step "create"
ip link set enp1s0 up
helper_fails invalid "$pf" '1 to 7' create "$pf" 8
helper_ok create "$pf" 7
assert_eq '{"ok":true,"num":7}' "$answer" "answer"
assert_eq 7 "$(vf_count enp1s0)" "VFs"
assert_eq 0 "$(cat "$dev/$pf/sriov_drivers_autoprobe")" "autoprobe"
udevadm settle
for v in $(all_vfs); do assert_fails readlink "$dev/$v/driver"; done
helper_fails busy "$pf" 'has 7 VFs already' create "$pf" 3

step "bind to vfio-pci"
modprobe vfio-pci
# shellcheck disable=SC2046  # a word for each
helper_ok bind vfio-pci $(all_vfs)
for ((i = 0; i < 7; i++)); do assert_eq vfio-pci "$(vf_driver enp1s0 "$i")" "driver of VF $i"; done
helper_ok bind vfio-pci "$(vf_pci enp1s0 0)"

step "open through VFIO"
v=$(vf_pci enp1s0 2)
group=$(basename "$(readlink "$dev/$v/iommu_group")")
exec {vfio}<> "/dev/vfio/$group"
helper_fails busy "$v" "VFIO group $group" reset "$v"
helper_fails busy "$v" "VFIO group $group" bind - "$v"
helper_fails busy "$v" "not destroying the VFs of $pf: in use" destroy "$pf"
# one of several: the others are tried
other=$(vf_pci enp1s0 3)
helper_fails busy "$v" 'in use' reset "$v" "$other"
assert_eq '[false,true]' "$(jq -c '[.results[].ok]' <<< "$answer")" "results"
assert_eq vfio-pci "$(vf_driver enp1s0 2)" "driver of VF 2"
assert_eq 7 "$(vf_count enp1s0)" "VFs"
exec {vfio}>&-
helper_ok reset "$v"

step "the daemon dies"
vfs=$(all_vfs)
# shellcheck disable=SC2086  # a word for each
{ bash -c '"$@" > /dev/null & sleep 0.2; kill -KILL $$' - "$helper" reset $vfs $vfs $vfs $vfs $vfs || true; } 2> /dev/null
wait_for 5 bash -c '! pgrep -x sriovd-sysfs'
helper_ok reset "$(vf_pci enp1s0 0)"

step "VFs of one PF side by side"
for v in $vfs; do "$helper" reset "$v" > "/tmp/reset-$v" & done
wait
for v in $vfs; do assert_eq true "$(jq .ok "/tmp/reset-$v")" "reset of $v"; done

step "the kernel's own choice"
v=$(vf_pci enp1s0 6)
modprobe igbvf
helper_ok bind - "$v"
assert_eq igbvf "$(vf_driver enp1s0 6)" "driver of VF 6"
assert_eq vfio-pci "$(vf_driver enp1s0 5)" "driver of VF 5"
assert_eq 0 "$(cat "$dev/$pf/sriov_drivers_autoprobe")" "autoprobe"
assert_eq '(null)' "$(cat "$dev/$v/driver_override")" "override"
wait_for 10 ls "$dev/$v/net"
udevadm settle
nic=$(ls "$dev/$v/net")

step "its netdev up, then in a container's namespace"
ip link set "$nic" up
helper_fails busy "$v" "netdev $nic is up" destroy "$pf"
ip netns add box
ip link set "$nic" netns box
helper_fails busy "$v" 'another network namespace' destroy "$pf"
helper_fails busy "$v" 'another network namespace' bind vfio-pci "$v"
helper_fails busy "$v" 'another network namespace' reset "$v"
ip netns del box
wait_for 10 ls "$dev/$v/net/$nic"
ip link set "$nic" up
helper_ok bind vfio-pci "$v" # up on the host is no owner
assert_eq vfio-pci "$(vf_driver enp1s0 6)" "driver of VF 6"

step "driver not loaded"
helper_ok bind - "$v"
for ((i = 0; i < 6; i++)); do vf_pci enp1s0 "$i" > "$dev/$(vf_pci enp1s0 "$i")/driver/unbind"; done
modprobe -r vfio-pci
helper_fails not_supported "$v" 'modprobe vfio-pci' bind vfio-pci "$v"
assert_eq igbvf "$(vf_driver enp1s0 6)" "driver of VF 6"
modprobe vfio-pci

step "destroy"
helper_ok destroy "$pf"
assert_eq 0 "$(vf_count enp1s0)" "VFs"
helper_ok destroy "$pf"

step "PF without its driver"
echo "$pf" > "$dev/$pf/driver/unbind"
helper_fails not_supported "$pf" 'no driver is bound' create "$pf" 2
echo "$pf" > /sys/bus/pci/drivers_probe
wait_for 10 ls "$dev/$pf/net"
