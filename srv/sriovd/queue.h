/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

/*
 * Serial queues over a shared pool of threads: what blocks (netlink, libvirt, waiting for a helper)
 * runs there, one item at a time per queue, in order. There is one queue per PF and one per domain,
 * so a device or a guest that hangs delays only itself.
 */
struct srv_queue;

/* name: for the thread's name and messages, copied */
struct srv_queue *srv_queue_new(const char *name);

struct srv_queue *srv_queue_ref(struct srv_queue *queue);

/* Items still waiting are run; the queue is gone when the last one is through. */
void srv_queue_unref(struct srv_queue *queue);

/*
 * Adds an item.
 *
 * run:  on a thread of the pool; may block
 * done: afterwards, on the default main context; may be NULL
 * data: handed to both; they own it in turn
 */
void srv_queue_push(struct srv_queue *queue, void (*run)(void *data), void (*done)(void *data),
		    void *data);

/*
 * Counts what hangs in it (net-call.h), by +1 and -1; does anything? On the main thread. The queue
 * itself makes no difference.
 */
void srv_queue_hang(struct srv_queue *queue, int by);
bool srv_queue_hanging(const struct srv_queue *queue);

/* Items waiting or running. */
unsigned srv_queue_length(struct srv_queue *queue);

/* How many queues have an item that is being run, or is about to be. Any thread. For tests. */
unsigned srv_queue_active_all(void);

/*
 * Waits until no queue has an item left, running the main context meanwhile; at most seconds.
 * Returns whether that was reached. For an orderly end and for tests.
 */
bool srv_queue_drain_all(unsigned seconds);
