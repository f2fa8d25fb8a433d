// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/job.h"

#include <errno.h>

#include <jansson.h>

#include "srv/protocol/errors.h"
#include "srv/sriovd/varlink.h"

#define JOBS_KEPT 256 /* ended ones, the oldest are forgotten first */

/* Of a job's steps so many, for who comes late: the first, which says what will be done, and the
 * last. */
#define STEPS_KEPT 32

struct srv_job {
	struct srv_jobs *jobs;
	unsigned id;
	unsigned steps;
	GQueue said; /* of json_t, JobStep */
	bool ended;
	GPtrArray *watchers; /* of struct srv_call */
};

struct srv_jobs {
	GQueue all; /* of struct srv_job, oldest first */
	unsigned next_id;
};

struct srv_jobs *srv_jobs_new(void)
{
	struct srv_jobs *jobs = g_new0(struct srv_jobs, 1);

	g_queue_init(&jobs->all);
	jobs->next_id = 1;
	return jobs;
}

static void job_free(gpointer data)
{
	struct srv_job *job = data;

	g_queue_clear_full(&job->said, (GDestroyNotify)json_decref);
	g_ptr_array_unref(job->watchers);
	g_free(job);
}

void srv_jobs_free(struct srv_jobs *jobs)
{
	if (!jobs)
		return;
	g_queue_clear_full(&jobs->all, job_free);
	g_free(jobs);
}

static void forget_old(struct srv_jobs *jobs)
{
	GList *link = jobs->all.head;

	while (link && g_queue_get_length(&jobs->all) > JOBS_KEPT) {
		struct srv_job *job = link->data;
		GList *next = link->next;

		if (job->ended) {
			g_queue_delete_link(&jobs->all, link);
			job_free(job);
		}
		link = next;
	}
}

struct srv_job *srv_job_new(struct srv_jobs *jobs)
{
	struct srv_job *job = g_new0(struct srv_job, 1);

	forget_old(jobs);
	job->jobs = jobs;
	job->id = jobs->next_id++;
	job->watchers = g_ptr_array_new();
	g_queue_init(&job->said);
	g_queue_push_tail(&jobs->all, job);
	return job;
}

unsigned srv_job_id(const struct srv_job *job)
{
	return job->id;
}

static json_t *reply_of(json_t *step)
{
	return json_pack("{s:O}", "step", step);
}

static json_t *last_of(const struct srv_job *job)
{
	return g_queue_peek_tail((GQueue *)&job->said);
}

static void keep(struct srv_job *job, json_t *step)
{
	g_queue_push_tail(&job->said, step);
	if (job->said.length > STEPS_KEPT)
		json_decref(g_queue_pop_nth(&job->said, 1));
}

static void publish(struct srv_job *job, json_t *step, bool ended)
{
	keep(job, step);
	job->ended = ended;
	for (guint i = 0; i < job->watchers->len; i++) {
		struct srv_call *call = job->watchers->pdata[i];

		if (!ended) {
			srv_call_reply_more(call, reply_of(step));
			continue;
		}
		srv_call_on_gone(call, NULL, NULL);
		srv_call_reply(call, reply_of(step));
	}
	if (ended)
		g_ptr_array_set_size(job->watchers, 0);
}

static json_t *new_step(struct srv_job *job, const char *state, const char *text)
{
	return json_pack("{s:i, s:i, s:s, s:s}", "job", (int)job->id, "step", (int)++job->steps,
			 "text", text, "state", state);
}

static void say_step(struct srv_job *job, unsigned of, bool note, const char *fmt, va_list ap)
{
	g_autofree char *text = NULL;
	json_t *step;

	if (!job)
		return;
	text = g_strdup_vprintf(fmt, ap);
	step = new_step(job, "running", text);
	if (of)
		json_object_set_new(step, "of", json_integer(of));
	if (note)
		json_object_set_new(step, "note", json_true());
	publish(job, step, false);
}

void srv_job_step(struct srv_job *job, unsigned of, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_step(job, of, false, fmt, ap);
	va_end(ap);
}

void srv_job_note(struct srv_job *job, unsigned of, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_step(job, of, true, fmt, ap);
	va_end(ap);
}

void srv_job_done(struct srv_job *job, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	if (!job)
		return;
	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	publish(job, new_step(job, "done", text), true);
}

void srv_job_failed(struct srv_job *job, const struct sriov_error *error)
{
	g_autofree char *text = NULL;
	json_t *step;

	if (!job)
		return;
	text = sriov_error_text(error);
	step = new_step(job, "failed", text);
	json_object_set_new(step, "error", json_string(srv_error_name(error->code)));
	json_object_set_new(step, "message", json_string(text));
	publish(job, step, true);
}

static void watcher_gone(struct srv_call *call, void *data)
{
	struct srv_job *job = data;

	g_ptr_array_remove_fast(job->watchers, call);
	srv_call_reply(call, NULL);
}

static struct srv_job *find(struct srv_jobs *jobs, unsigned id)
{
	for (GList *link = jobs->all.head; link; link = link->next) {
		struct srv_job *job = link->data;

		if (job->id == id)
			return job;
	}
	return NULL;
}

void srv_jobs_watch(struct srv_jobs *jobs, unsigned id, struct srv_call *call)
{
	struct srv_job *job = find(jobs, id);
	sriov_autoerror err = NULL;

	if (!job || !last_of(job)) {
		sriov_error_set(&err, SRIOV_ERROR_NOT_FOUND, ENOENT, NULL,
				"there is no job %u (it ended long ago, or sriovd was restarted)",
				id);
		srv_call_error(call, err);
		return;
	}
	/* What was said before it came: whom the job hurts is said first, and is not to be missed.
	 */
	for (GList *link = job->said.head; link && srv_call_wants_more(call); link = link->next) {
		if (!job->ended || link->next)
			srv_call_reply_more(call, reply_of(link->data));
	}
	if (job->ended || !srv_call_wants_more(call)) {
		srv_call_reply(call, reply_of(last_of(job)));
		return;
	}
	g_ptr_array_add(job->watchers, call);
	srv_call_on_gone(call, watcher_gone, job);
}
