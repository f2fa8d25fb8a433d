// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/queue.h"

/*
 * A queue is in the pool at most once: the pool's thread takes one item, runs it, and puts the
 * queue back at the pool's end when there is more. So many queues share few threads fairly, and a
 * hanging item holds one thread. The pool has no upper limit that a stuck device could use up: one
 * thread per busy queue.
 */
#define POOL_THREADS_IDLE 4

struct item {
	void (*run)(void *data);
	void (*done)(void *data);
	void *data;
	struct srv_queue *queue;
};

struct srv_queue {
	char *name;
	GMutex lock;
	GQueue items; /* of struct item; the head is running while active */
	bool active;  /* in the pool */
	gint refs;
	int hanging;
};

static GThreadPool *pool;
static gint items_open;	   /* in all queues, until done() has run */
static gint queues_active; /* that are in the pool */

static void queue_unref(struct srv_queue *queue)
{
	if (!g_atomic_int_dec_and_test(&queue->refs))
		return;
	g_mutex_clear(&queue->lock);
	g_free(queue->name);
	g_free(queue);
}

static gboolean item_done(gpointer data)
{
	struct item *item = data;

	if (item->done)
		item->done(item->data);
	queue_unref(item->queue);
	g_free(item);
	g_atomic_int_add(&items_open, -1);
	return G_SOURCE_REMOVE;
}

static void run_one(gpointer data, gpointer user_data)
{
	struct srv_queue *queue = data;
	struct item *item;
	bool more;

	g_atomic_int_inc(&queue->refs);
	g_mutex_lock(&queue->lock);
	item = g_queue_peek_head(&queue->items);
	g_mutex_unlock(&queue->lock);

	item->run(item->data);

	g_mutex_lock(&queue->lock);
	g_queue_pop_head(&queue->items);
	more = !g_queue_is_empty(&queue->items);
	queue->active = more;
	/* Before another thread can run the next one: its done() must not come before this one's.
	 */
	g_idle_add_full(G_PRIORITY_DEFAULT, item_done, item, NULL);
	if (!more)
		g_atomic_int_add(&queues_active, -1);
	g_mutex_unlock(&queue->lock);
	if (more)
		g_thread_pool_push(pool, queue, NULL);
	queue_unref(queue);
}

struct srv_queue *srv_queue_new(const char *name)
{
	static gsize once;
	struct srv_queue *queue = g_new0(struct srv_queue, 1);

	if (g_once_init_enter(&once)) {
		pool = g_thread_pool_new(run_one, NULL, -1, FALSE, NULL);
		g_thread_pool_set_max_unused_threads(POOL_THREADS_IDLE);
		g_once_init_leave(&once, 1);
	}
	queue->name = g_strdup(name);
	g_mutex_init(&queue->lock);
	g_queue_init(&queue->items);
	queue->refs = 1;
	return queue;
}

struct srv_queue *srv_queue_ref(struct srv_queue *queue)
{
	g_atomic_int_inc(&queue->refs);
	return queue;
}

void srv_queue_unref(struct srv_queue *queue)
{
	if (queue)
		queue_unref(queue);
}

void srv_queue_push(struct srv_queue *queue, void (*run)(void *data), void (*done)(void *data),
		    void *data)
{
	struct item *item = g_new(struct item, 1);
	bool start;

	*item = (struct item){ run, done, data, queue };
	g_atomic_int_inc(&queue->refs);
	g_atomic_int_inc(&items_open);
	g_mutex_lock(&queue->lock);
	g_queue_push_tail(&queue->items, item);
	start = !queue->active;
	queue->active = true;
	if (start)
		g_atomic_int_inc(&queues_active);
	g_mutex_unlock(&queue->lock);
	if (start)
		g_thread_pool_push(pool, queue, NULL);
}

void srv_queue_hang(struct srv_queue *queue, int by)
{
	queue->hanging += by;
}

bool srv_queue_hanging(const struct srv_queue *queue)
{
	return queue->hanging > 0;
}

unsigned srv_queue_length(struct srv_queue *queue)
{
	unsigned length;

	g_mutex_lock(&queue->lock);
	length = g_queue_get_length(&queue->items);
	g_mutex_unlock(&queue->lock);
	return length;
}

unsigned srv_queue_active_all(void)
{
	return (unsigned)g_atomic_int_get(&queues_active);
}

bool srv_queue_drain_all(unsigned seconds)
{
	gint64 deadline = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;

	while (g_atomic_int_get(&items_open) > 0) {
		if (g_get_monotonic_time() >= deadline)
			return false;
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	}
	return true;
}
