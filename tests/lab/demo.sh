#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: the main job, shown and checked, in two acts.
set -euo pipefail
began=$SECONDS
here=/tree/tests/lab/demo
bash "$here/vfs.sh"
bash "$here/failover.sh"
printf '\nAll of it worked, in %d s.\n' $((SECONDS - began))
