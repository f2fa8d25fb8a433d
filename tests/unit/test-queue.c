// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <glib.h>

#include "srv/sriovd/queue.h"
#include "srv/sriovd/serial.h"

/* A gate that an item waits at until the test opens it. */
struct gate {
	GMutex lock;
	GCond cond;
	bool open;
	gint reached;
};

static void gate_wait(void *data)
{
	struct gate *gate = data;

	g_atomic_int_inc(&gate->reached);
	g_mutex_lock(&gate->lock);
	while (!gate->open)
		g_cond_wait(&gate->cond, &gate->lock);
	g_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
	g_mutex_lock(&gate->lock);
	gate->open = true;
	g_cond_broadcast(&gate->cond);
	g_mutex_unlock(&gate->lock);
}

/* Runs the main context until *value is there; only a hang ends it otherwise. */
static void wait_for(const gint *value, gint wanted)
{
	gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	while (g_atomic_int_get(value) != wanted && g_get_monotonic_time() < deadline) {
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(200);
	}
	assert_int_equal(g_atomic_int_get(value), wanted);
}

/* Items that write down what happens to them */

struct note {
	GString *log; /* run: from the queue's threads, one at a time */
	GString *done_log;
	char name;
	GThread *main;
};

static void note_run(void *data)
{
	struct note *note = data;

	assert_ptr_not_equal(g_thread_self(), note->main);
	g_string_append_c(note->log, note->name);
}

static void note_done(void *data)
{
	struct note *note = data;

	assert_ptr_equal(g_thread_self(), note->main);
	g_string_append_c(note->done_log, note->name);
	g_free(note);
}

static void push_note(struct srv_queue *queue, GString *log, GString *done_log, char name)
{
	struct note *note = g_new(struct note, 1);

	*note = (struct note){ log, done_log, name, g_thread_self() };
	srv_queue_push(queue, note_run, note_done, note);
}

static void push_runs_in_order_and_done_follows_on_the_main_thread(void **state)
{
	struct srv_queue *queue = srv_queue_new("test");
	GString *log = g_string_new(NULL), *done_log = g_string_new(NULL);

	for (const char *c = "abcdefghij"; *c; c++)
		push_note(queue, log, done_log, *c);
	assert_string_equal(done_log->str, "");
	assert_true(srv_queue_drain_all(20));
	assert_string_equal(log->str, "abcdefghij");
	assert_string_equal(done_log->str, "abcdefghij");
	assert_int_equal(srv_queue_length(queue), 0);
	srv_queue_unref(queue);
	g_string_free(log, TRUE);
	g_string_free(done_log, TRUE);
}

/* Each done() must come after those before it, also when the queue runs dry in between. */
struct count {
	gint *next;
	gint number;
	guint *late;
};

static void count_run(void *data)
{
}

static void count_done(void *data)
{
	struct count *count = data;

	if (*count->next != count->number)
		++*count->late;
	++*count->next;
	g_free(count);
}

static void done_keeps_the_order_of_items_that_come_while_others_end(void **state)
{
	struct srv_queue *queue = srv_queue_new("test");
	gint next = 0;
	guint late = 0;

	for (gint i = 0; i < 30000; i++) {
		struct count *count = g_new(struct count, 1);

		*count = (struct count){ &next, i, &late };
		srv_queue_push(queue, count_run, count_done, count);
		if (i % 3 == 0)
			g_thread_yield();
	}
	assert_true(srv_queue_drain_all(60));
	assert_int_equal(next, 30000);
	assert_int_equal(late, 0);
	srv_queue_unref(queue);
}

static void hanging_item_holds_up_its_own_queue_only(void **state)
{
	struct srv_queue *stuck = srv_queue_new("stuck"), *other = srv_queue_new("other");
	GString *log = g_string_new(NULL), *done_log = g_string_new(NULL);
	struct gate gate = { .reached = 0 };

	srv_queue_push(stuck, gate_wait, NULL, &gate);
	push_note(stuck, log, done_log, 's');
	wait_for(&gate.reached, 1);
	push_note(other, log, done_log, 'o');
	while (!done_log->len)
		g_main_context_iteration(NULL, TRUE);
	assert_string_equal(log->str, "o");
	assert_string_equal(done_log->str, "o");
	assert_int_equal(srv_queue_length(stuck), 2);
	assert_int_equal(srv_queue_length(other), 0);
	assert_false(srv_queue_drain_all(0));

	gate_open(&gate);
	assert_true(srv_queue_drain_all(20));
	assert_string_equal(log->str, "os");
	assert_string_equal(done_log->str, "os");
	srv_queue_unref(stuck);
	srv_queue_unref(other);
	g_string_free(log, TRUE);
	g_string_free(done_log, TRUE);
}

/* FAULTS row 20: a driver call that never returns */
static void many_hanging_queues_leave_a_thread_for_one_more(void **state)
{
	struct srv_queue *stuck[64], *other = srv_queue_new("other");
	GString *log = g_string_new(NULL), *done_log = g_string_new(NULL);
	struct gate gate = { .reached = 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(stuck); i++) {
		stuck[i] = srv_queue_new("stuck");
		srv_queue_push(stuck[i], gate_wait, NULL, &gate);
	}
	wait_for(&gate.reached, G_N_ELEMENTS(stuck));
	push_note(other, log, done_log, 'o');
	while (!done_log->len)
		g_main_context_iteration(NULL, TRUE);
	gate_open(&gate);
	assert_true(srv_queue_drain_all(20));
	for (size_t i = 0; i < G_N_ELEMENTS(stuck); i++)
		srv_queue_unref(stuck[i]);
	srv_queue_unref(other);
	g_string_free(log, TRUE);
	g_string_free(done_log, TRUE);
}

static void unref_runs_what_still_waits(void **state)
{
	struct srv_queue *queue = srv_queue_new("test");
	GString *log = g_string_new(NULL), *done_log = g_string_new(NULL);
	struct gate gate = { .reached = 0 };

	srv_queue_push(queue, gate_wait, NULL, &gate);
	push_note(queue, log, done_log, 'a');
	push_note(queue, log, done_log, 'b');
	srv_queue_unref(queue);
	gate_open(&gate);
	assert_true(srv_queue_drain_all(20));
	assert_string_equal(log->str, "ab");
	assert_string_equal(done_log->str, "ab");
	g_string_free(log, TRUE);
	g_string_free(done_log, TRUE);
}

/* Lines of operations */

struct line {
	struct srv_serial *serial;
	GString *log;
	char name;
	bool ends_at_once;
};

static void line_start(void *data)
{
	struct line *line = data;

	g_string_append_c(line->log, line->name);
	if (line->ends_at_once)
		srv_serial_next(line->serial);
}

static void serial_starts_the_next_when_the_one_before_has_ended(void **state)
{
	struct srv_serial *serial = srv_serial_new();
	GString *log = g_string_new(NULL);
	struct line a = { serial, log, 'a', false }, b = { serial, log, 'b', false };

	srv_serial_push(serial, line_start, &a);
	srv_serial_push(serial, line_start, &b);
	assert_string_equal(log->str, "a");
	assert_int_equal(srv_serial_length(serial), 2);
	srv_serial_next(serial);
	assert_string_equal(log->str, "ab");
	assert_int_equal(srv_serial_length(serial), 1);
	srv_serial_next(serial);
	assert_int_equal(srv_serial_length(serial), 0);
	srv_serial_unref(serial);
	g_string_free(log, TRUE);
}

/* With a recursion this would need gigabytes of stack. */
static void serial_operations_that_end_at_once_do_not_pile_up(void **state)
{
	struct srv_serial *serial = srv_serial_new();
	GString *log = g_string_new(NULL);
	struct line first = { serial, log, 'a', false }, rest = { serial, log, 'b', true };

	srv_serial_push(serial, line_start, &first);
	for (int i = 0; i < 1000000; i++)
		srv_serial_push(serial, line_start, &rest);
	srv_serial_next(serial);
	assert_int_equal(log->len, 1000001);
	assert_int_equal(srv_serial_length(serial), 0);
	srv_serial_unref(serial);
	g_string_free(log, TRUE);
}

static void serial_unref_drops_what_waits_and_lets_the_one_under_way_end(void **state)
{
	struct srv_serial *serial = srv_serial_new();
	GString *log = g_string_new(NULL);
	struct line a = { serial, log, 'a', false }, b = { serial, log, 'b', false };

	srv_serial_push(serial, line_start, &a);
	srv_serial_push(serial, line_start, &b);
	srv_serial_unref(serial);
	srv_serial_next(serial);
	assert_string_equal(log->str, "a");
	g_string_free(log, TRUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(push_runs_in_order_and_done_follows_on_the_main_thread),
		cmocka_unit_test(done_keeps_the_order_of_items_that_come_while_others_end),
		cmocka_unit_test(hanging_item_holds_up_its_own_queue_only),
		cmocka_unit_test(many_hanging_queues_leave_a_thread_for_one_more),
		cmocka_unit_test(unref_runs_what_still_waits),
		cmocka_unit_test(serial_starts_the_next_when_the_one_before_has_ended),
		cmocka_unit_test(serial_operations_that_end_at_once_do_not_pile_up),
		cmocka_unit_test(serial_unref_drops_what_waits_and_lets_the_one_under_way_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
