# SPDX-License-Identifier: GPL-2.0-or-later
# The demo: guests get VFs, the next one virtio, all reach one another, a VF is scrubbed and given out again, a required one is refused; then a failover nic whose VF comes and goes under traffic.
# timeout: 700
bash /tree/tests/lab/demo.sh
