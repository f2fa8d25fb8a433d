# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For scenarios, inside L1. Everything that waits has a deadline. Sourcing it changes no shell options.
LAB_DIR=/tree/tests/lab
for _f in "$LAB_DIR"/lib/*.sh; do . "$_f"; done
unset _f
