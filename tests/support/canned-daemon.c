// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/canned-daemon.h"

#include <errno.h>

#include <glib/gstdio.h>

#include "srv/sriovd/varlink.h"

struct canned_answer {
	GPtrArray *replies; /* of json_t */
	struct sriov_error *error;
	bool open_end;
};

static void answer_free(void *data)
{
	struct canned_answer *answer = data;

	g_ptr_array_unref(answer->replies);
	sriov_error_free(answer->error);
	g_free(answer);
}

static void gone(struct srv_call *call, void *data)
{
	struct canned_daemon *daemon = data;

	g_ptr_array_remove(daemon->held, call);
	srv_call_reply(call, NULL);
}

static void note(struct canned_daemon *daemon, const char *method, const json_t *parameters)
{
	char *text = json_dumps(parameters, JSON_COMPACT);

	g_string_append_printf(daemon->calls, "%s %s\n", method, text);
	free(text);
}

static void run(struct srv_call *call, const char *method, const json_t *parameters,
		struct canned_daemon *daemon)
{
	const struct canned_answer *answer = g_hash_table_lookup(daemon->answers, method);
	guint n, last;

	note(daemon, method, parameters);
	if (!answer)
		g_error("%s was called, and no test said what to answer", method);
	n = answer->replies->len;
	last = answer->error || answer->open_end ? n : n - 1;
	for (guint i = 0; i < last; i++)
		srv_call_reply_more(call, json_incref(answer->replies->pdata[i]));
	if (answer->error) {
		srv_call_error(call, answer->error);
	} else if (answer->open_end) {
		g_ptr_array_add(daemon->held, call);
		srv_call_on_gone(call, gone, daemon);
	} else {
		srv_call_reply(call, json_incref(answer->replies->pdata[last]));
	}
}

/* Which method it was, only its function knows. */
#define METHOD(name)                                                                  \
	static void run_##name(struct srv_call *call, json_t *parameters, void *data) \
	{                                                                             \
		run(call, #name, parameters, data);                                   \
	}

METHOD(GetStatus)
METHOD(ListPFs)
METHOD(ListVFs)
METHOD(GetVF)
METHOD(ListNics)
METHOD(GetNic)
METHOD(Claim)
METHOD(Release)
METHOD(AddNic)
METHOD(RemoveNic)
METHOD(StartDomain)
METHOD(WatchJob)
METHOD(Explain)
METHOD(CheckConfig)
METHOD(Reload)
METHOD(Watch)
METHOD(CheckLedger)
METHOD(RebuildLedger)
METHOD(ScrubVF)

static const struct srv_method methods[] = {
	{ "GetStatus", false, run_GetStatus },
	{ "ListPFs", false, run_ListPFs },
	{ "ListVFs", false, run_ListVFs },
	{ "GetVF", false, run_GetVF },
	{ "ListNics", false, run_ListNics },
	{ "GetNic", false, run_GetNic },
	{ "Claim", true, run_Claim },
	{ "Release", true, run_Release },
	{ "AddNic", true, run_AddNic },
	{ "RemoveNic", true, run_RemoveNic },
	{ "StartDomain", true, run_StartDomain },
	{ "WatchJob", false, run_WatchJob },
	{ "Explain", false, run_Explain },
	{ "CheckConfig", false, run_CheckConfig },
	{ "Reload", true, run_Reload },
	{ "Watch", false, run_Watch },
	{ "CheckLedger", false, run_CheckLedger },
	{ "RebuildLedger", true, run_RebuildLedger },
	{ "ScrubVF", true, run_ScrubVF },
};

static int authorize(const struct srv_peer *peer, const struct srv_method *method, void *data,
		     struct sriov_error **err)
{
	const struct canned_daemon *daemon = data;

	if (!daemon->denies)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_DENIED, EPERM, method->name,
			       "only root and members of the group sriovd may do this");
}

static const struct srv_varlink_handler handler = {
	.methods = methods,
	.n_methods = G_N_ELEMENTS(methods),
	.authorize = authorize,
	.vendor = "sriovd",
	.product = "canned",
	.version = "0",
	.url = "https://example.org",
	.check_replies = true,
};

static void must(int r, struct sriov_error *err)
{
	if (r < 0)
		g_error("%s", err->message);
}

static char *read_source(const char *path)
{
	const char *source = g_getenv("SRIOVD_TEST_SOURCE");
	g_autofree char *file = g_build_filename(source ?: ".", path, NULL);
	char *text = NULL;

	if (!g_file_get_contents(file, &text, NULL, NULL))
		g_error("cannot read %s", file);
	return text;
}

char *canned_fixture(const char *name)
{
	g_autofree char *path = g_build_filename("tests/fixtures/ctl", name, NULL);

	return read_source(path);
}

struct canned_daemon *canned_daemon_new(void)
{
	struct canned_daemon *daemon = g_new0(struct canned_daemon, 1);
	g_autofree char *description = read_source("conf/io.sriovd.varlink");
	struct sriov_error *err = NULL;
	int fd = -1;

	daemon->dir = g_dir_make_tmp("sriovd-canned-XXXXXX", NULL);
	g_assert(daemon->dir);
	daemon->path = g_build_filename(daemon->dir, "socket", NULL);
	daemon->answers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, answer_free);
	daemon->held = g_ptr_array_new();
	daemon->calls = g_string_new(NULL);
	must(srv_interface_parse(description, &daemon->interface, &err), err);
	must(srv_varlink_listen(daemon->path, 0600, &fd, &err), err);
	must(srv_varlink_new(fd, daemon->interface, &handler, &srv_varlink_limits_default, daemon,
			     &daemon->varlink, &err),
	     err);
	return daemon;
}

void canned_daemon_free(struct canned_daemon *daemon)
{
	g_autofree char *lock = g_strconcat(daemon->path, ".lock", NULL);

	/* Calls that are held are told off by this. */
	srv_varlink_free(daemon->varlink);
	(void)g_unlink(daemon->path);
	(void)g_unlink(lock);
	if (g_rmdir(daemon->dir) < 0)
		g_error("%s is not empty", daemon->dir);
	srv_interface_free(daemon->interface);
	g_hash_table_unref(daemon->answers);
	g_ptr_array_unref(daemon->held);
	g_string_free(daemon->calls, TRUE);
	g_free(daemon->path);
	g_free(daemon->dir);
	g_free(daemon);
}

/* method is a literal of the test. */
static struct canned_answer *answer_of(struct canned_daemon *daemon, const char *method)
{
	struct canned_answer *answer = g_hash_table_lookup(daemon->answers, method);

	if (!answer) {
		answer = g_new0(struct canned_answer, 1);
		answer->replies = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
		g_hash_table_insert(daemon->answers, (char *)method, answer);
	}
	return answer;
}

void canned_reply(struct canned_daemon *daemon, const char *method, json_t *json)
{
	g_assert(json);
	g_ptr_array_add(answer_of(daemon, method)->replies, json);
}

void canned_reply_file(struct canned_daemon *daemon, const char *method, const char *name)
{
	g_autofree char *file = g_strconcat(name, ".json", NULL);
	g_autofree char *text = canned_fixture(file);
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);

	if (!json)
		g_error("%s:%d: %s", file, why.line, why.text);
	canned_reply(daemon, method, json);
}

void canned_error(struct canned_daemon *daemon, const char *method, enum sriov_error_code code,
		  const char *subject, const char *message)
{
	sriov_error_set(&answer_of(daemon, method)->error, code, EIO, subject, "%s", message);
}

void canned_open_end(struct canned_daemon *daemon, const char *method)
{
	answer_of(daemon, method)->open_end = true;
}

void canned_reset(struct canned_daemon *daemon)
{
	g_hash_table_remove_all(daemon->answers);
	g_string_truncate(daemon->calls, 0);
	daemon->denies = false;
}
