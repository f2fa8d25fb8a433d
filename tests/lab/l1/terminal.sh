#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside L1: a shell on the terminal hvc0. Usage: terminal.sh ROWS COLUMNS
export TERM=xterm-256color
cd /root || exit
exec < /dev/hvc0 > /dev/hvc0 2>&1 # held open, or the size is forgotten
stty sane rows "$1" cols "$2"
exec setsid --ctty --wait bash --rcfile /tree/tests/lab/l1/bashrc -i
