/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many system calls work(data) makes, those for memory (mmap, brk, …) not counted: how many of
 * these there are is malloc's affair. Runs it in a traced child, so nothing it does is seen here.
 * -1 when this environment does not let a process trace its child.
 */
long count_system_calls(void (*work)(void *data), void *data);
