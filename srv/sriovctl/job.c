// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/ctl.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "srv/protocol/errors.h"

/* What Ctrl-C leaves on the terminal, made before it can come. */
static char interrupt_note[160];

/* Says how to go on, and ends us as the signal would have, so that a shell sees it. */
static void on_interrupt(int signo)
{
	if (write(STDERR_FILENO, interrupt_note, strlen(interrupt_note)) < 0)
		_exit(128 + signo);
	raise(signo);
}

static void catch_interrupt(json_int_t job)
{
	struct sigaction action = { .sa_handler = on_interrupt,
				    .sa_flags = SA_RESETHAND | SA_NODEFER };

	snprintf(interrupt_note, sizeof(interrupt_note),
		 "\nsriovctl: job %" JSON_INTEGER_FORMAT
		 " goes on; to watch it: sriovctl watch %" JSON_INTEGER_FORMAT "\n",
		 job, job);
	sigaction(SIGINT, &action, NULL);
}

struct follow {
	struct ctl *ctl;
	bool print_json;
	struct sriov_error *error; /* of a failed job */
};

static char *describe(const json_t *step)
{
	json_int_t number = json_integer_value(json_object_get(step, "step"));
	json_int_t of = json_integer_value(json_object_get(step, "of"));
	const char *text = json_string_value(json_object_get(step, "text")) ?: "";

	if (of < number)
		return g_strdup(text);
	return g_strdup_printf("[%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT "] %s", number, of,
			       text);
}

static struct sriov_error *error_of(const json_t *step)
{
	const char *name = json_string_value(json_object_get(step, "error"));
	const char *message = json_string_value(json_object_get(step, "message"))
				      ?: json_string_value(json_object_get(step, "text"));
	json_t *parameters = json_pack("{s:s}", "message", message ?: "the job failed");
	struct sriov_error *error = srv_error_from_reply(name ?: SRV_INTERFACE ".Internal",
							 parameters);

	json_decref(parameters);
	return error;
}

static bool on_step(json_t *reply, bool continues, void *data)
{
	struct follow *follow = data;
	struct ctl *ctl = follow->ctl;
	const json_t *step = json_object_get(reply, "step");
	const char *state = json_string_value(json_object_get(step, "state")) ?: "";
	bool failed = strcmp(state, "failed") == 0, running = strcmp(state, "running") == 0;
	g_autofree char *text = running ? describe(step) : NULL;

	if (follow->print_json) {
		ctl_json_line(ctl->writer, reply);
	} else if (!ctl->json) {
		/* The next step goes over a step, but not over a note. */
		bool note = running && json_is_true(json_object_get(step, "note"));

		ctl_progress(ctl->writer, ctl->env->terminal, note ? NULL : text);
		if (note)
			ctl_line(ctl->writer, 0, CTL_PLAIN, "%s", text);
		if (!running && !failed)
			ctl_line(ctl->writer, 0, CTL_GOOD, "%s",
				 json_string_value(json_object_get(step, "text")) ?: "done");
	}
	if (failed)
		follow->error = error_of(step);
	return running;
}

static int follow_job(struct ctl *ctl, json_int_t job, bool print_json, struct sriov_error **err)
{
	struct follow follow = { .ctl = ctl, .print_json = print_json };
	int r;

	catch_interrupt(job);
	r = ctl_call_more(ctl, "WatchJob", json_pack("{s:I}", "job", job), on_step, &follow, err);
	signal(SIGINT, SIG_DFL);
	ctl_progress(ctl->writer, ctl->env->terminal, NULL);
	if (follow.error && r < 0)
		sriov_error_free(follow.error);
	else if (follow.error)
		r = sriov_error_propagate(err, follow.error);
	return r;
}

int ctl_follow_job(struct ctl *ctl, json_int_t job, struct sriov_error **err)
{
	return follow_job(ctl, job, ctl->json, err);
}

int ctl_follow_reply(struct ctl *ctl, const json_t *reply, struct sriov_error **err)
{
	const json_t *job = json_object_get(reply, "job");

	if (!json_is_integer(job))
		return 0;
	if (!ctl_flag(ctl, "no-wait"))
		return follow_job(ctl, json_integer_value(job), false, err);
	if (!ctl->json)
		ctl_line(ctl->writer, 0, CTL_PLAIN,
			 "job %" JSON_INTEGER_FORMAT
			 " has begun; to watch it: sriovctl watch %" JSON_INTEGER_FORMAT,
			 json_integer_value(job), json_integer_value(job));
	return 0;
}

int ctl_call_job(struct ctl *ctl, const char *method, json_t *parameters, struct sriov_error **err)
{
	json_t *reply = NULL;
	int r = ctl_call(ctl, method, parameters, &reply, err);

	if (r == 0 && ctl->json)
		ctl_json(ctl->writer, reply);
	if (r == 0)
		r = ctl_follow_reply(ctl, reply, err);
	json_decref(reply);
	return r;
}
