/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon keeps of the memory that it once needed. A picture of a host with 10,000 VFs
 * takes some 15 MiB for a moment, in small pieces made by as many threads as there are PFs; the C
 * library keeps such memory for later, and each of its arenas does so for itself.
 */

/* For the program, before there is a second thread: few arenas, and the call below does something.
 */
void srv_memory_set_up(void);

/* Something large was freed: gives it back to the kernel in a moment. Main thread. */
void srv_memory_give_back(void);
