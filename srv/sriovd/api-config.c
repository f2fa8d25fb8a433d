// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/api.h"

#include "srv/sriovd/api-json.h"
#include "srv/sriovd/daemon-config.h"

/*
 * That there is no configuration at all is right for a host on which nothing is to be managed, so
 * it is no problem of the host; whoever has it read or checked, however, believes in a file.
 */
static json_t *problems_of(const GPtrArray *problems, const struct srv_config *config,
			   const char *dir)
{
	json_t *json = srv_problems_to_json(problems);

	if (config && config->files == 0 && dir)
		srv_problem_append(json, false, dir,
				   "there is no sriovd.json in it and no conf.d/*.json, so nothing "
				   "is managed; an example is in " SRIOVD_DOCDIR
				   "/sriovd.json.example, and sriovd.json(5) tells the rest");
	return json;
}

/* Reload */

struct reload_call {
	struct srv_daemon *daemon;
	struct srv_call *call;
};

static void reloaded(const struct sriov_error *error, const GPtrArray *problems, void *data)
{
	struct reload_call *reload = data;

	if (error)
		srv_call_error(reload->call, error);
	else
		srv_call_reply(reload->call,
			       json_pack("{s:o}", "problems",
					 problems_of(problems, reload->daemon->model->config,
						     reload->daemon->config_dir)));
	g_free(reload);
}

void srv_api_reload(struct srv_call *call, json_t *parameters, void *data)
{
	struct reload_call *reload = g_new0(struct reload_call, 1);

	reload->daemon = data;
	reload->call = call;
	srv_daemon_reload(data, reloaded, reload);
}

/* CheckConfig */

struct check {
	struct srv_daemon *daemon;
	struct srv_call *call;
	struct srv_config_reading reading;
	GPtrArray *names, *texts; /* of char; NULL: what is on disk */
};

static void check_run(void *data)
{
	struct check *check = data;

	if (check->names)
		srv_config_reading_run(&check->reading, check->daemon->root,
				       (const char *const *)check->names->pdata,
				       (const char *const *)check->texts->pdata, check->names->len);
	else
		srv_config_reading_run(&check->reading, check->daemon->root, NULL, NULL, 0);
}

static void check_done(void *data)
{
	struct check *check = data;

	srv_config_reading_check(&check->reading, check->daemon);
	if (check->reading.config)
		srv_config_note_missing_networks(check->daemon->model, check->reading.config,
						 check->reading.problems);
	srv_call_reply(check->call,
		       json_pack("{s:o}", "problems",
				 problems_of(check->reading.problems, check->reading.config,
					     check->reading.dir)));
	srv_config_reading_clear(&check->reading);
	if (check->names) {
		g_ptr_array_unref(check->names);
		g_ptr_array_unref(check->texts);
	}
	g_free(check);
}

static void take_files(struct check *check, const json_t *files)
{
	const json_t *file;
	size_t i;

	check->names = g_ptr_array_new_with_free_func(g_free);
	check->texts = g_ptr_array_new_with_free_func(g_free);
	json_array_foreach (files, i, file) {
		g_ptr_array_add(check->names, g_strdup(srv_api_string(file, "name")));
		g_ptr_array_add(check->texts, g_strdup(srv_api_string(file, "text")));
	}
}

void srv_api_check_config(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	const json_t *files = json_object_get(parameters, "files");
	struct check *check = g_new0(struct check, 1);
	struct srv_queue *queue;

	check->daemon = daemon;
	check->call = call;
	if (files)
		take_files(check, files);
	else
		check->reading.dir = g_strdup(daemon->config_dir);
	/* Not behind what the host's queue is doing: it changes nothing. */
	queue = srv_queue_new("check");
	srv_queue_push(queue, check_run, check_done, check);
	srv_queue_unref(queue);
}
