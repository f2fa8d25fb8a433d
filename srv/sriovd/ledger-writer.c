// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-writer.h"

#include <errno.h>
#include <stdbool.h>

#include "srv/sriovd/ledger-backlog.h"
#include "srv/sriovd/log.h"

/* How often what could not be written is tried again, when nothing else is to be written. */
#define RETRY_SECONDS 5

struct srv_ledger_writer {
	struct srv_ledger_store *store;	    /* the thread's; NULL: see why */
	struct srv_ledger_backlog *backlog; /* the thread's */
	struct sriov_error *why;
	GThread *thread;
	guint retry_source; /* the main thread's */
	GMutex lock;	    /* for all below */
	GCond wake;	    /* of the thread: something waits, or stop */
	GCond idle;	    /* of srv_ledger_writer_free(): a group is through */
	GQueue waiting;	    /* of struct srv_ledger_work, in the order of commits */
	GQueue finished;    /* ditto: their callbacks are to be called */
	GSource *source;    /* which will do that; NULL: none is needed */
	bool working;	    /* a group is neither waiting nor finished */
	bool behind;	    /* there is a backlog */
	bool stop;
	uint64_t txns, commits;
};

struct srv_ledger_work *srv_ledger_work_new(void)
{
	struct srv_ledger_work *work = g_new0(struct srv_ledger_work, 1);

	work->changes = g_array_new(FALSE, FALSE, sizeof(struct srv_ledger_change));
	g_array_set_clear_func(work->changes, (GDestroyNotify)srv_ledger_change_clear);
	return work;
}

void srv_ledger_work_free(struct srv_ledger_work *work)
{
	if (!work)
		return;
	g_array_unref(work->changes);
	sriov_error_free(work->error);
	g_free(work);
}

/* Takes all of a queue, under the lock. */
static GQueue take(GQueue *queue)
{
	GQueue taken = *queue;

	g_queue_init(queue);
	return taken;
}

/* Calls back */

static void call_back(GQueue *works)
{
	struct srv_ledger_work *work;

	while ((work = g_queue_pop_head(works))) {
		if (work->done)
			work->done(work->error, work->data);
		srv_ledger_work_free(work);
	}
}

/* A transaction without changes takes the backlog with it. */
static gboolean retry(gpointer data)
{
	struct srv_ledger_writer *writer = data;

	writer->retry_source = 0;
	srv_ledger_writer_push(writer, srv_ledger_work_new());
	return G_SOURCE_REMOVE;
}

static gboolean dispatch(gpointer data)
{
	struct srv_ledger_writer *writer = data;
	GQueue works;

	g_mutex_lock(&writer->lock);
	g_clear_pointer(&writer->source, g_source_unref);
	works = take(&writer->finished);
	if (writer->behind && !writer->retry_source)
		writer->retry_source = g_timeout_add_seconds(RETRY_SECONDS, retry, writer);
	g_mutex_unlock(&writer->lock);
	/* The writer is not touched any more: a callback may close the ledger. */
	call_back(&works);
	return G_SOURCE_REMOVE;
}

/*
 * Under the lock. A source of its own, not g_main_context_invoke(), which would call at once, on
 * this thread, when the main loop does not run at the moment.
 */
static void schedule(struct srv_ledger_writer *writer)
{
	if (writer->source || g_queue_is_empty(&writer->finished))
		return;
	writer->source = g_idle_source_new();
	g_source_set_priority(writer->source, G_PRIORITY_DEFAULT);
	g_source_set_callback(writer->source, dispatch, writer, NULL);
	g_source_attach(writer->source, NULL);
}

/* A group */

/* All that have no error of their own get this one. */
static void fail_all(GQueue *group, const struct sriov_error *error)
{
	for (GList *at = group->head; at; at = at->next) {
		struct srv_ledger_work *work = at->data;

		if (!work->error)
			work->error = sriov_error_copy(error);
	}
}

/* Never to be written, whatever the disk does: a defect of whoever made it. */
static bool is_defect(const struct sriov_error *error)
{
	return error->err == EINVAL || error->err == EEXIST;
}

/* Adds one to the group. False: the group is over, and everything in it fails with *err. */
static bool apply(struct srv_ledger_writer *writer, const GArray *changes, struct sriov_error **err)
{
	int r = srv_ledger_store_apply(writer->store, changes, err);

	if (r == 0 || r == -ESTALE)
		return r == 0;
	if (is_defect(*err))
		return true;
	/* Others that come later must not be on disk before it. */
	srv_ledger_store_abandon(writer->store);
	return false;
}

/* First what should be there already. */
static bool apply_backlog(struct srv_ledger_writer *writer, struct sriov_error **err)
{
	if (!apply(writer, srv_ledger_backlog_changes(writer->backlog), err))
		return false;
	if (*err) {
		srv_log(LOG_ERR, NULL, "what could not be recorded at its time never will: %s",
			(*err)->message);
		srv_ledger_backlog_clear(writer->backlog);
		sriov_error_clear(err);
	}
	return true;
}

/* Is there room for it? Asked once for a group. */
static bool has_room(const struct srv_ledger_writer *writer, const struct srv_ledger_work *work,
		     bool *asked, struct sriov_error **full)
{
	if (work->needs_room && !*asked)
		srv_ledger_store_check_room(writer->store, full);
	*asked |= work->needs_room;
	return !work->needs_room || !*full;
}

static bool apply_group(struct srv_ledger_writer *writer, const GQueue *group,
			struct sriov_error **err)
{
	sriov_autoerror full = NULL;
	bool asked = false;

	for (GList *at = group->head; at; at = at->next) {
		struct srv_ledger_work *work = at->data;

		if (!has_room(writer, work, &asked, &full)) {
			work->error = sriov_error_copy(full);
			continue;
		}
		if (apply(writer, work->changes, &work->error))
			continue;
		*err = sriov_error_copy(work->error);
		return false;
	}
	return true;
}

static void keep_failed(struct srv_ledger_writer *writer, const GQueue *group)
{
	for (GList *at = group->head; at; at = at->next) {
		struct srv_ledger_work *work = at->data;

		if (work->keep && work->error && !is_defect(work->error))
			srv_ledger_backlog_take(writer->backlog, work->changes);
	}
}

static void write_group(struct srv_ledger_writer *writer, GQueue *group, bool *ret_written)
{
	sriov_autoerror err = NULL;

	*ret_written = false;
	if (srv_ledger_store_begin(writer->store, &err) == 0 && apply_backlog(writer, &err) &&
	    apply_group(writer, group, &err) &&
	    srv_ledger_store_commit(writer->store, ret_written, &err) == 0) {
		srv_ledger_backlog_clear(writer->backlog);
		return;
	}
	fail_all(group, err);
	keep_failed(writer, group);
}

static uint64_t count_done(const GQueue *group)
{
	uint64_t n = 0;

	for (const GList *at = group->head; at; at = at->next)
		n += !((const struct srv_ledger_work *)at->data)->error;
	return n;
}

/* Takes what waits; false when the thread is to end. */
static bool take_group(struct srv_ledger_writer *writer, GQueue *ret)
{
	g_mutex_lock(&writer->lock);
	while (g_queue_is_empty(&writer->waiting) && !writer->stop)
		g_cond_wait(&writer->wake, &writer->lock);
	*ret = take(&writer->waiting);
	writer->working = !g_queue_is_empty(ret);
	g_mutex_unlock(&writer->lock);
	return writer->working;
}

static void give_back(struct srv_ledger_writer *writer, GQueue *group, bool written)
{
	struct srv_ledger_work *work;
	uint64_t done = count_done(group);

	g_mutex_lock(&writer->lock);
	writer->txns += done;
	writer->commits += written;
	while ((work = g_queue_pop_head(group)))
		g_queue_push_tail(&writer->finished, work);
	writer->working = false;
	writer->behind = !srv_ledger_backlog_is_empty(writer->backlog);
	schedule(writer);
	g_cond_signal(&writer->idle);
	g_mutex_unlock(&writer->lock);
}

static gpointer write_groups(gpointer data)
{
	struct srv_ledger_writer *writer = data;
	GQueue group;
	bool written;

	while (take_group(writer, &group)) {
		write_group(writer, &group, &written);
		give_back(writer, &group, written);
		/* Behind the answers: nobody waits for it but who comes next. */
		srv_ledger_store_tidy(writer->store);
	}
	return NULL;
}

/* The outside */

struct srv_ledger_writer *srv_ledger_writer_new(struct srv_ledger_store *store,
						const struct sriov_error *why)
{
	struct srv_ledger_writer *writer = g_new0(struct srv_ledger_writer, 1);

	writer->store = store;
	writer->backlog = srv_ledger_backlog_new();
	writer->why = sriov_error_copy(why);
	g_mutex_init(&writer->lock);
	g_cond_init(&writer->wake);
	g_cond_init(&writer->idle);
	if (store)
		writer->thread = g_thread_new("ledger", write_groups, writer);
	return writer;
}

void srv_ledger_writer_push(struct srv_ledger_writer *writer, struct srv_ledger_work *work)
{
	g_mutex_lock(&writer->lock);
	if (writer->store) {
		g_queue_push_tail(&writer->waiting, work);
		g_cond_signal(&writer->wake);
	} else {
		work->error = sriov_error_copy(writer->why);
		g_queue_push_tail(&writer->finished, work);
		schedule(writer);
	}
	g_mutex_unlock(&writer->lock);
}

/* Waits until nothing is under way, and takes what is finished. False: there is nothing left. */
static bool settle(struct srv_ledger_writer *writer, GQueue *ret)
{
	g_mutex_lock(&writer->lock);
	while (writer->working || (writer->store && !g_queue_is_empty(&writer->waiting)))
		g_cond_wait(&writer->idle, &writer->lock);
	*ret = take(&writer->finished);
	if (writer->source) {
		g_source_destroy(writer->source);
		g_clear_pointer(&writer->source, g_source_unref);
	}
	writer->stop = g_queue_is_empty(ret);
	g_cond_signal(&writer->wake);
	g_mutex_unlock(&writer->lock);
	return !writer->stop;
}

void srv_ledger_writer_free(struct srv_ledger_writer *writer)
{
	GQueue works;

	if (!writer)
		return;
	if (writer->retry_source)
		g_source_remove(writer->retry_source);
	/* For the last time. */
	if (writer->behind)
		srv_ledger_writer_push(writer, srv_ledger_work_new());
	/* Callbacks may hand over more. */
	while (settle(writer, &works))
		call_back(&works);
	if (writer->thread)
		g_thread_join(writer->thread);
	srv_ledger_store_close(writer->store);
	srv_ledger_backlog_free(writer->backlog);
	sriov_error_free(writer->why);
	g_mutex_clear(&writer->lock);
	g_cond_clear(&writer->wake);
	g_cond_clear(&writer->idle);
	g_free(writer);
}

bool srv_ledger_writer_is_busy(struct srv_ledger_writer *writer)
{
	bool busy;

	g_mutex_lock(&writer->lock);
	busy = writer->working || !g_queue_is_empty(&writer->waiting) ||
	       !g_queue_is_empty(&writer->finished);
	g_mutex_unlock(&writer->lock);
	return busy;
}

void srv_ledger_writer_counts(struct srv_ledger_writer *writer, uint64_t *ret_txns,
			      uint64_t *ret_commits)
{
	g_mutex_lock(&writer->lock);
	*ret_txns = writer->txns;
	*ret_commits = writer->commits;
	g_mutex_unlock(&writer->lock);
}
