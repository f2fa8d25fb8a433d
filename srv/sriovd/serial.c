// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/serial.h"

#include <stdbool.h>

#include <glib.h>

struct op {
	void (*start)(void *data);
	void *data;
};

struct srv_serial {
	GQueue waiting; /* of struct op */
	bool busy;
	bool starting; /* inside start(): keeps operations that end at once from recursing */
	unsigned refs;
};

static void serial_unref(struct srv_serial *serial)
{
	if (--serial->refs)
		return;
	g_queue_clear_full(&serial->waiting, g_free);
	g_free(serial);
}

struct srv_serial *srv_serial_new(void)
{
	struct srv_serial *serial = g_new0(struct srv_serial, 1);

	g_queue_init(&serial->waiting);
	serial->refs = 1;
	return serial;
}

void srv_serial_unref(struct srv_serial *serial)
{
	if (!serial)
		return;
	g_queue_clear_full(&serial->waiting, g_free);
	serial_unref(serial);
}

static void run(struct srv_serial *serial)
{
	struct op *op;

	if (serial->starting)
		return;
	serial->starting = true;
	serial->refs++;
	while (!serial->busy && (op = g_queue_pop_head(&serial->waiting))) {
		serial->busy = true;
		serial->refs++;
		op->start(op->data);
		g_free(op);
	}
	serial->starting = false;
	serial_unref(serial);
}

void srv_serial_push(struct srv_serial *serial, void (*start)(void *data), void *data)
{
	struct op *op = g_new(struct op, 1);

	*op = (struct op){ start, data };
	g_queue_push_tail(&serial->waiting, op);
	run(serial);
}

void srv_serial_next(struct srv_serial *serial)
{
	g_assert(serial->busy);
	serial->busy = false;
	run(serial);
	serial_unref(serial);
}

unsigned srv_serial_length(const struct srv_serial *serial)
{
	return g_queue_get_length((GQueue *)&serial->waiting) + serial->busy;
}
