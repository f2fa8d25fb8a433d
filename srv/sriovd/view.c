// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A view waits for one reader per PF, and for a thread that looks into /proc. A reader reads for
 * all views that came before it began; views that come while it reads wait for its next round,
 * since what it reads now may be older than what their clients know already. For a reader that a
 * view has waited for in vain others do not wait at all until it has come back; and there is never
 * more than one thread per PF that can hang for it.
 */
#include "srv/sriovd/view.h"

#include "netlink/link.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/fault.h"
#include "srv/sriovd/helper.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/memory.h"

/* So often a reader whose PF was looked at by somebody else meanwhile begins anew. */
#define ROUNDS_MAX 3

struct view {
	struct srv_view public;
	struct srv_daemon *daemon;
	guint pending; /* readers and threads that have not come back */
	uint64_t vfs;  /* that they read */
	guint deadline_source;
	bool answered;
	void (*done)(const struct srv_view *view, void *data);
	void *data;
};

struct reader {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	char *key;
	bool attrs;
	bool late;	       /* somebody has waited for this round as long as one does */
	unsigned rounds;       /* begun anew for the same views */
	GPtrArray *now, *next; /* of struct view; now is NULL while it does not read */
	/* of one round */
	uint64_t since;	 /* the model's takes when it began */
	int64_t began;	 /* g_get_monotonic_time() */
	uint64_t number; /* of its look at errors */
	struct spci_pf *facts;
	struct snl_vf_attrs *vf_attrs;
	size_t n_attrs;
	struct srv_fault_look *faults;
	struct sriov_error *error, *attrs_error;
};

/* What the kernel said last of the attributes of a PF's VFs. */
struct seen {
	struct snl_vf_attrs *attrs; /* [n] */
	size_t n;
	int64_t at; /* g_get_monotonic_time() at which they were asked for */
};

static void seen_free(gpointer data)
{
	struct seen *seen = data;

	g_free(seen->attrs);
	g_free(seen);
}

GHashTable *srv_view_seen_new(void)
{
	return g_hash_table_new_full(NULL, NULL, NULL, seen_free);
}

static void pf_view_free(gpointer data)
{
	struct srv_pf_view *view = data;

	g_free((gpointer)view->attrs);
	g_free((gpointer)view->problem);
	g_free(view);
}

static void view_free(struct view *view)
{
	g_ptr_array_unref(view->public.pfs);
	g_hash_table_unref(view->public.backends);
	g_free(view);
	/* And with it what the reply took. */
	srv_memory_give_back();
}

static void view_answer(struct view *view)
{
	if (view->deadline_source)
		g_source_remove(view->deadline_source);
	view->deadline_source = 0;
	view->answered = true;
	view->done(&view->public, view->data);
}

static void view_came_back(struct view *view)
{
	if (--view->pending)
		return;
	if (!view->answered)
		view_answer(view);
	view_free(view);
}

const struct srv_pf_view *srv_view_find(const struct srv_view *view, const struct srv_pf *pf)
{
	for (guint i = 0; i < view->pfs->len; i++) {
		const struct srv_pf_view *pf_view = view->pfs->pdata[i];

		if (pf_view->pf == pf)
			return pf_view;
	}
	return NULL;
}

/* What does not come in time */

/* Shows a PF as it was read last. */
static void show_stale(struct srv_pf_view *pf_view, struct srv_daemon *daemon, bool attrs)
{
	const struct srv_pf *pf = pf_view->pf;
	const struct seen *seen = attrs ? g_hash_table_lookup(daemon->pfs_seen, pf) : NULL;
	int64_t at = seen ? MIN(seen->at, pf->taken_at) : pf->taken_at;
	int64_t seconds = (g_get_monotonic_time() - at) / G_USEC_PER_SEC;

	if (seen) {
		pf_view->attrs = g_memdup2(seen->attrs, seen->n * sizeof(*seen->attrs));
		pf_view->n_attrs = seen->n;
	}
	pf_view->stale = g_get_real_time() / G_USEC_PER_SEC - seconds;
	pf_view->problem = g_strdup_printf("the kernel does not answer for PF %s now; what is "
					   "shown was read %" G_GINT64_FORMAT " s ago",
					   pf->name, seconds);
}

static bool waits_for(const struct view *view, const struct reader *reader)
{
	return (reader->now && g_ptr_array_find(reader->now, view, NULL)) ||
	       g_ptr_array_find(reader->next, view, NULL);
}

static gboolean on_deadline(gpointer data)
{
	struct view *view = data;
	GHashTableIter iter;
	gpointer value;

	view->deadline_source = 0;
	g_hash_table_iter_init(&iter, view->daemon->pf_readers);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct reader *reader = value;

		if (!waits_for(view, reader))
			continue;
		reader->late = true;
		show_stale((struct srv_pf_view *)srv_view_find(&view->public, reader->pf),
			   view->daemon, reader->attrs);
		/* However long it hangs, who has been answered does not stay. */
		if (g_ptr_array_remove_fast(reader->next, view))
			view->pending--;
	}
	view_answer(view);
	if (!view->pending)
		view_free(view);
	return G_SOURCE_REMOVE;
}

/* Both kinds of readers of a PF stand in the same queue. */
static bool is_late(struct srv_daemon *daemon, const struct srv_pf *pf)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, daemon->pf_readers);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct reader *reader = value;

		if (reader->pf == pf && reader->late)
			return true;
	}
	return false;
}

/* Reading one PF */

static void reader_run(void *data)
{
	struct reader *reader = data;
	struct snl *nl;

	if (spci_pf_read(reader->daemon->root, reader->pf->bdf, &reader->facts, &reader->error) <
		    0 ||
	    !reader->attrs)
		return;
	reader->faults = srv_fault_look_new(reader->facts, reader->number);
	srv_fault_look_run(reader->faults, reader->daemon->root);
	if (!reader->facts->ifindex || !reader->facts->num_vfs)
		return;
	if (snl_new(&nl, &reader->attrs_error) < 0)
		return;
	snl_vf_get_all(nl, reader->facts->ifindex, &reader->vf_attrs, &reader->n_attrs,
		       &reader->attrs_error);
	snl_free(nl);
}

static void fill(const struct reader *reader, struct view *view)
{
	struct srv_pf_view *pf_view = (struct srv_pf_view *)srv_view_find(&view->public,
									  reader->pf);
	const struct sriov_error *error = reader->error ?: reader->attrs_error;

	if (view->answered)
		return;
	if (error && error->code != SRIOV_ERROR_NOT_FOUND)
		pf_view->problem = sriov_error_text(error);
	if (!reader->vf_attrs)
		return;
	pf_view->attrs = g_memdup2(reader->vf_attrs, reader->n_attrs * sizeof(*reader->vf_attrs));
	pf_view->n_attrs = reader->n_attrs;
}

static void reader_done(void *data);
static void reader_start(struct reader *reader);

static void reader_begin(struct reader *reader)
{
	reader->since = reader->daemon->model->takes;
	reader->began = g_get_monotonic_time();
	reader->number = srv_fault_number(reader->daemon);
	srv_queue_push(reader->pf->reads, reader_run, reader_done, reader);
}

static void reader_clear(struct reader *reader)
{
	if (reader->facts)
		spci_pf_free(g_steal_pointer(&reader->facts));
	g_clear_pointer(&reader->vf_attrs, g_free);
	g_clear_pointer(&reader->error, sriov_error_free);
	g_clear_pointer(&reader->attrs_error, sriov_error_free);
}

/* For the views to come, should the kernel not answer them. */
static void keep_seen(struct reader *reader)
{
	struct seen *seen;

	if (!reader->vf_attrs)
		return;
	seen = g_new(struct seen, 1);
	*seen = (struct seen){ g_steal_pointer(&reader->vf_attrs), reader->n_attrs, reader->began };
	g_hash_table_replace(reader->daemon->pfs_seen, reader->pf, seen);
}

/*
 * Gives the model what was read, unless somebody who works on the PF has read it meanwhile: which
 * of the two is older cannot be told, and older facts must not take the place of newer ones.
 */
static void give_facts(struct reader *reader)
{
	if (reader->pf->taken <= reader->since &&
	    (reader->facts || (reader->error && reader->error->code == SRIOV_ERROR_NOT_FOUND)))
		srv_host_set_pf(reader->daemon, reader->pf, g_steal_pointer(&reader->facts),
				reader->since);
}

static void reader_done(void *data)
{
	struct reader *reader = data;
	g_autoptr(GPtrArray) views = NULL;

	reader->late = false;
	if (reader->faults)
		srv_fault_look_take(reader->daemon, g_steal_pointer(&reader->faults));
	if (reader->pf->taken > reader->since && ++reader->rounds < ROUNDS_MAX) {
		reader_clear(reader);
		reader_begin(reader);
		return;
	}
	views = g_steal_pointer(&reader->now);
	give_facts(reader);
	for (guint i = 0; i < views->len; i++)
		fill(reader, views->pdata[i]);
	keep_seen(reader);
	reader_clear(reader);
	if (reader->next->len) {
		reader_start(reader);
	} else {
		g_ptr_array_unref(reader->next);
		g_hash_table_remove(reader->daemon->pf_readers, reader->key);
		g_free(reader->key);
		g_free(reader);
	}
	for (guint i = 0; i < views->len; i++)
		view_came_back(views->pdata[i]);
}

static void reader_start(struct reader *reader)
{
	reader->now = reader->next;
	reader->next = g_ptr_array_new();
	reader->rounds = 0;
	reader_begin(reader);
}

static struct reader *reader_new(struct srv_daemon *daemon, struct srv_pf *pf, bool attrs,
				 char *key)
{
	struct reader *reader = g_new0(struct reader, 1);

	reader->daemon = daemon;
	reader->pf = pf;
	reader->key = g_strdup(key);
	reader->attrs = attrs;
	reader->next = g_ptr_array_new();
	g_hash_table_insert(daemon->pf_readers, key, reader);
	return reader;
}

static void read_pf(struct view *view, struct srv_pf *pf, bool attrs)
{
	char address[SRIOV_BDF_STRLEN];
	g_autofree char *key = g_strdup_printf("%s %d", sriov_bdf_format(pf->bdf, address), attrs);
	struct srv_daemon *daemon = view->daemon;
	struct reader *reader = g_hash_table_lookup(daemon->pf_readers, key);
	struct srv_pf_view *pf_view = g_new0(struct srv_pf_view, 1);

	pf_view->pf = pf;
	g_ptr_array_add(view->public.pfs, pf_view);
	if (is_late(daemon, pf)) {
		show_stale(pf_view, daemon, attrs);
		return;
	}
	view->pending++;
	view->vfs += pf->vfs->len;
	if (reader) {
		g_ptr_array_add(reader->next, view);
		return;
	}
	reader = reader_new(daemon, pf, attrs, g_steal_pointer(&key));
	g_ptr_array_add(reader->next, view);
	reader_start(reader);
}

/* What carries virtio nics */

struct backends {
	struct view *view;
	struct srv_virt *virt;
	GPtrArray *names; /* of char */
	GPtrArray *found; /* of const char, by name's index */
};

static void backends_run(void *data)
{
	struct backends *backends = data;

	for (guint i = 0; i < backends->names->len; i++)
		g_ptr_array_add(
			backends->found,
			(gpointer)srv_virt_backend(backends->virt, backends->names->pdata[i]));
}

static void backends_done(void *data)
{
	struct backends *backends = data;

	for (guint i = 0; i < backends->names->len; i++) {
		if (backends->found->pdata[i])
			g_hash_table_insert(backends->view->public.backends,
					    g_strdup(backends->names->pdata[i]),
					    backends->found->pdata[i]);
	}
	g_ptr_array_unref(backends->names);
	g_ptr_array_unref(backends->found);
	view_came_back(backends->view);
	g_free(backends);
}

static GPtrArray *virtio_owners(struct srv_daemon *daemon, const char *owner)
{
	g_autoptr(GPtrArray) nics = *owner ? srv_model_nics_of(daemon->model, owner)
					   : srv_model_nics(daemon->model);
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	/* Ordered by owner: each comes once. */
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic_row *row = &((const struct srv_nic *)nics->pdata[i])->row;
		const char *last = names->len ? names->pdata[names->len - 1] : NULL;

		if (row->owner.kind == SRV_OWNER_LIBVIRT && row->state == SRV_NIC_ATTACHED &&
		    row->backing == SRV_BACKING_VIRTIO && g_strcmp0(last, row->owner.name) != 0)
			g_ptr_array_add(names, g_strdup(row->owner.name));
	}
	return names;
}

static void read_backends(struct view *view, const char *owner)
{
	struct srv_daemon *daemon = view->daemon;
	GPtrArray *names = virtio_owners(daemon, owner);
	struct backends *backends;
	struct srv_queue *queue;

	if (!names->len || !daemon->virt) {
		g_ptr_array_unref(names);
		return;
	}
	backends = g_new0(struct backends, 1);
	backends->view = view;
	backends->virt = daemon->virt;
	backends->names = names;
	backends->found = g_ptr_array_new();
	view->pending++;
	/* A queue for this once: nobody has to wait behind anybody here. */
	queue = srv_queue_new("backends");
	srv_queue_push(queue, backends_run, backends_done, backends);
	srv_queue_unref(queue);
}

/* Whether the helper can be run */

struct helper_look {
	struct view *view;
	char *path;
	struct sriov_error *error;
};

static void helper_run(void *data)
{
	struct helper_look *look = data;

	srv_helper_check(look->path, &look->error);
}

static void helper_done(void *data)
{
	struct helper_look *look = data;
	struct srv_daemon *daemon = look->view->daemon;

	sriov_error_free(daemon->helper_error);
	daemon->helper_error = look->error;
	daemon->helper_look_since = 0;
	view_came_back(look->view);
	g_free(look->path);
	g_free(look);
}

/* Its file system may hang. One look at a time: while one is under way, what the last one said. */
static void read_helper(struct view *view)
{
	struct helper_look *look;
	struct srv_queue *queue;

	if (view->daemon->helper_look_since)
		return;
	look = g_new0(struct helper_look, 1);
	look->view = view;
	look->path = g_strdup(srv_helper_program());
	view->daemon->helper_look_since = g_get_monotonic_time();
	view->pending++;
	queue = srv_queue_new("helper");
	srv_queue_push(queue, helper_run, helper_done, look);
	srv_queue_unref(queue);
}

static guint patience_ms(const struct view *view)
{
	const struct srv_daemon *daemon = view->daemon;

	return daemon->view_patience_ms + (guint)(view->vfs * daemon->view_vf_us / 1000);
}

static gboolean nothing_to_wait_for(gpointer data)
{
	view_came_back(data);
	return G_SOURCE_REMOVE;
}

void srv_view_read(struct srv_daemon *daemon, const struct srv_view_want *want,
		   void (*done)(const struct srv_view *view, void *data), void *data)
{
	struct view *view = g_new0(struct view, 1);

	view->daemon = daemon;
	view->done = done;
	view->data = data;
	view->public.pfs = g_ptr_array_new_with_free_func(pf_view_free);
	view->public.backends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (want->pf)
		read_pf(view, want->pf, want->attrs);
	for (guint i = 0; want->pfs && i < daemon->model->pfs->len; i++)
		read_pf(view, daemon->model->pfs->pdata[i], want->attrs);
	if (want->backends)
		read_backends(view, want->backends);
	if (want->helper)
		read_helper(view);
	if (!view->pending) {
		view->pending = 1;
		g_idle_add_full(G_PRIORITY_DEFAULT, nothing_to_wait_for, view, NULL);
		return;
	}
	view->deadline_source = g_timeout_add(patience_ms(view), on_deadline, view);
}
