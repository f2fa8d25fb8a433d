// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "srv/protocol/client.h"
#include "srv/protocol/errors.h"
#include "srv/sriovctl/ctl.h"

/*
 * How long one answer may take. Some calls are answered only when libvirt and a driver have done
 * their part, each of which may take half a minute, or when a whole ledger has been read. A read is
 * answered at once, whatever hangs, but by a daemon that is stopped, or has yet to start.
 */
#define REPLY_MS 120000
#define READ_MS	 10000

#define LATE_LOOK                                                                 \
	"see what it does with: systemctl status sriovd, and what it said with: " \
	"journalctl -u sriovd"

/* How long connecting may take, which is nothing unless the daemon hangs. */
#define CONNECT_MS 10000

/* Nobody listens: the client's reason, and where to look on. */
static int explain_connect(struct sriov_error *error, struct sriov_error **err)
{
	struct sriov_error *more = NULL;

	if (error->code != SRIOV_ERROR_UNAVAILABLE)
		return sriov_error_propagate(err, error);
	sriov_error_set(&more, error->code, error->err, error->subject,
			"%s, and see why it does not run with: systemctl status sriovd",
			error->message);
	sriov_error_free(error);
	return sriov_error_propagate(err, more);
}

/* Those that the daemon answers out of what it knows. */
static bool is_read(const char *method)
{
	static const char *const reads[] = { "GetStatus", "ListPFs", "ListVFs", "GetVF",
					     "ListNics",  "GetNic",  "Explain", NULL };

	return g_strv_contains(reads, method);
}

static void set_patience(const struct ctl *ctl, struct srv_client *client)
{
	if (is_read(ctl->method)) {
		srv_client_set_timeout(client, ctl->env->read_ms ?: READ_MS);
		srv_client_set_late(client, "this is answered at once, unless it hangs, is stopped "
					    "or has not finished starting; " LATE_LOOK);
	} else {
		srv_client_set_timeout(client, ctl->env->reply_ms ?: REPLY_MS);
		srv_client_set_late(client, "what was asked for may still happen; " LATE_LOOK);
	}
}

static int connect_daemon(struct ctl *ctl, const char *method, struct srv_client **ret,
			  struct sriov_error **err)
{
	struct sriov_error *error = NULL;

	ctl->method = method;
	if (srv_client_connect(ctl->socket, CONNECT_MS, ret, &error) < 0)
		return explain_connect(error, err);
	return 0;
}

/*
 * The daemon answers at once, where the kernel does not with what that said last. A person, and
 * even more a script, rather waits a little for what is.
 */
#define STALE_TRIES 5
#define STALE_MS    200

static bool any_stale(const json_t *things)
{
	const json_t *thing;
	size_t i;

	json_array_foreach (things, i, thing) {
		if (json_object_get(thing, "stale"))
			return true;
	}
	return false;
}

static bool is_stale(const json_t *reply)
{
	return any_stale(json_object_get(reply, "pfs")) ||
	       any_stale(json_object_get(reply, "vfs")) ||
	       json_object_get(json_object_get(reply, "vf"), "stale");
}

static int call_again(struct srv_client *client, const char *name, json_t *parameters, json_t **ret,
		      struct sriov_error **err)
{
	json_t *reply = NULL;
	int r = srv_client_call(client, name, json_incref(parameters), &reply, err);

	for (unsigned i = 0; r >= 0 && i < STALE_TRIES && is_stale(reply); i++) {
		g_clear_pointer(&reply, json_decref);
		g_usleep(STALE_MS * 1000);
		r = srv_client_call(client, name, json_incref(parameters), &reply, err);
	}
	json_decref(parameters);
	if (r >= 0 && ret)
		*ret = reply;
	else if (reply)
		json_decref(reply);
	return r;
}

int ctl_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret,
	     struct sriov_error **err)
{
	g_autofree char *name = g_strdup_printf("%s.%s", SRV_INTERFACE, method);
	struct srv_client *client;
	int r = connect_daemon(ctl, method, &client, err);

	if (r < 0) {
		json_decref(parameters);
		return r;
	}
	set_patience(ctl, client);
	r = call_again(client, name, parameters, ret, err);
	srv_client_free(client);
	return r;
}

int ctl_show(struct ctl *ctl, const char *method, json_t *parameters,
	     void (*print)(struct ctl *ctl, const json_t *reply), struct sriov_error **err)
{
	json_t *reply = NULL;
	int r = ctl_call(ctl, method, parameters, &reply, err);

	if (r < 0)
		return r;
	if (ctl->json)
		ctl_json(ctl->writer, reply);
	else
		print(ctl, reply);
	json_decref(reply);
	return CTL_SUCCESS;
}

int ctl_call_more(struct ctl *ctl, const char *method, json_t *parameters,
		  bool (*fn)(json_t *reply, bool continues, void *data), void *data,
		  struct sriov_error **err)
{
	g_autofree char *name = g_strdup_printf("%s.%s", SRV_INTERFACE, method);
	struct srv_client *client;
	int r = connect_daemon(ctl, method, &client, err);

	if (r < 0) {
		json_decref(parameters);
		return r;
	}
	srv_client_set_timeout(client, -1);
	r = srv_client_call_more(client, name, parameters, fn, data, err);
	srv_client_free(client);
	return r;
}
