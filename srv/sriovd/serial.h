/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A line of operations on one PF, all on the main thread: an operation is started when the one
 * before has said that it is through. In between it may wait for threads and child processes, which
 * the main thread never does.
 */
struct srv_serial;

struct srv_serial *srv_serial_new(void);

/* Operations not yet started are dropped without a call; the one under way may still end. */
void srv_serial_unref(struct srv_serial *serial);

/* start is called at once when nothing is under way, else later; it must see to srv_serial_next().
 */
void srv_serial_push(struct srv_serial *serial, void (*start)(void *data), void *data);

/* The operation under way has ended. */
void srv_serial_next(struct srv_serial *serial);

/* Operations waiting or under way. */
unsigned srv_serial_length(const struct srv_serial *serial);
