/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "base/error.h"

struct srv_call;

/*
 * Long work that a client may watch (WatchJob of io.sriovd.varlink). A job lives on for a while
 * after its end, so that a client which comes late still learns how it went. Main thread.
 */
struct srv_job;
struct srv_jobs;

struct srv_jobs *srv_jobs_new(void);
void srv_jobs_free(struct srv_jobs *jobs);

/* Begins one. Borrowed until srv_job_done() or srv_job_failed(). */
struct srv_job *srv_job_new(struct srv_jobs *jobs);
unsigned srv_job_id(const struct srv_job *job);

/* Says how far it is. of: steps in all, 0 when unknown. NULL is a no-op, as below. */
void srv_job_step(struct srv_job *job, unsigned of, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/* The same of something that whoever watches must not overlook, e.g. whom it will hurt. */
void srv_job_note(struct srv_job *job, unsigned of, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void srv_job_done(struct srv_job *job, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* error is borrowed. */
void srv_job_failed(struct srv_job *job, const struct sriov_error *error);

/* Takes over a call of WatchJob; with more, the steps that there were are told first. */
void srv_jobs_watch(struct srv_jobs *jobs, unsigned id, struct srv_call *call);
