// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration of a daemon: read at start, and again on request. It is read on a thread,
 * checked against the host as it was seen last, and taken on the main thread, whole or not at all.
 *
 * At start it is taken before the host has been looked at and before the groups of its access are
 * known, for neither is to keep the daemon from answering; nothing is changed before both are.
 */
#include "srv/sriovd/daemon-internal.h"

#include <errno.h>
#include <grp.h>

#include "srv/sriovd/daemon-config.h"
#include "srv/sriovd/door.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"

/* The group database may be asked over the network: not on the main thread. */
static bool find_group(const char *name, gid_t *ret)
{
	struct group group, *found = NULL;
	g_autofree char *buf = NULL;
	size_t size = 1024;
	int r;

	do {
		size *= 2;
		buf = g_realloc(buf, size);
		r = getgrnam_r(name, &group, buf, size, &found);
	} while (r == ERANGE && size < 1024 * 1024);
	if (found)
		*ret = found->gr_gid;
	return found != NULL;
}

static void resolve_access(const struct srv_config *config, struct srv_access_ids *ret,
			   GPtrArray *problems)
{
	const struct srv_access *access = &config->access;

	*ret = (struct srv_access_ids){ .read_all = !access->read_group };
	ret->has_admin = find_group(access->admin_group, &ret->admin);
	if (!ret->has_admin)
		srv_problem_add(problems, false, "access",
				"there is no group \"%s\" on this host, so only root may change "
				"anything; make it with: groupadd --system %s",
				access->admin_group, access->admin_group);
	if (!access->read_group)
		return;
	ret->has_read = find_group(access->read_group, &ret->read);
	if (!ret->has_read)
		srv_problem_add(problems, false, "access",
				"there is no group \"%s\" on this host, so only root and the "
				"admin group may read",
				access->read_group);
}

/* The first error among the problems, as an error. */
static int first_error(const GPtrArray *problems, struct sriov_error **err)
{
	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];

		if (problem->is_error)
			return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, problem->subject,
					       "%s", problem->message);
	}
	return 0;
}

/* What is wrong with it is found: it is not to be taken. */
static void refuse_bad(struct srv_config_reading *reading)
{
	if (!reading->config || first_error(reading->problems, &reading->error) == 0)
		return;
	srv_config_unref(reading->config);
	reading->config = NULL;
}

/* A driver that hangs with the RTNL lock held would keep a look at the PFs from coming back. */
static void check_host(const struct srv_config *config, struct spci_inventory *host,
		       const struct srv_daemon *daemon, GPtrArray *problems)
{
	const struct srv_model *model = daemon->model;

	g_ptr_array_set_free_func(host->pfs, NULL);
	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];

		if (pf->facts)
			g_ptr_array_add(host->pfs, pf->facts);
	}
	srv_config_check_host(config, host, problems);
	g_ptr_array_set_size(host->pfs, 0);
}

void srv_config_reading_check(struct srv_config_reading *reading, const struct srv_daemon *daemon)
{
	if (reading->config && daemon->looked)
		check_host(reading->config, reading->host, daemon, reading->problems);
	refuse_bad(reading);
}

static void read_config(struct srv_config_reading *reading, const char *const *names,
			const char *const *texts, size_t n)
{
	GPtrArray *problems = NULL;

	if (!reading->dir)
		srv_config_parse(names, texts, n, &reading->config, &problems, &reading->error);
	else
		srv_config_load(reading->dir, &reading->config, &problems, &reading->error);
	reading->problems = problems;
}

void srv_config_reading_run(struct srv_config_reading *reading, const char *root,
			    const char *const *names, const char *const *texts, size_t n)
{
	read_config(reading, names, texts, n);
	if (!reading->config)
		return;
	reading->host = spci_inventory_read_host(root);
	resolve_access(reading->config, &reading->ids, reading->problems);
}

void srv_config_reading_clear(struct srv_config_reading *reading)
{
	srv_config_unref(reading->config);
	if (reading->problems)
		g_ptr_array_unref(reading->problems);
	sriov_error_free(reading->error);
	if (reading->host)
		spci_inventory_free(reading->host);
	g_free(reading->dir);
}

/* Who is named of many. */
#define NAMED_MAX 8

static bool has_something(const struct srv_nic *nic)
{
	return nic->row.state != SRV_NIC_IDLE || nic->vf;
}

/* "nic web1/net0, nic web2/net0 and 3 more"; those that have something first. The caller's. */
static char *name_nics(const GPtrArray *nics)
{
	GString *names = g_string_new(NULL);
	guint named = 0;

	for (int round = 0; round < 2; round++) {
		for (guint i = 0; i < nics->len && named < NAMED_MAX; i++) {
			g_autofree char *subject = srv_nic_subject(nics->pdata[i]);

			if (has_something(nics->pdata[i]) != (round == 0))
				continue;
			g_string_append_printf(names, "%s%s", named++ ? ", " : "", subject);
		}
	}
	if (nics->len > named)
		g_string_append_printf(names, " and %u more", nics->len - named);
	return g_string_free(names, FALSE);
}

static void note_missing_network(const char *network, const GPtrArray *nics, GPtrArray *problems)
{
	g_autofree char *names = name_nics(nics);
	g_autofree char *subject = g_strdup_printf("network %s", network);

	srv_problem_add(problems, false, subject,
			"it is not there, and %s on it: what is running keeps what it has, gets no "
			"VF and no attribute set any more, and does not start again",
			names);
}

void srv_config_note_missing_networks(struct srv_model *model, const struct srv_config *config,
				      GPtrArray *problems)
{
	g_autoptr(GHashTable) missing = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
							      (GDestroyNotify)g_ptr_array_unref);
	g_autoptr(GPtrArray) nics = srv_model_nics(model);

	/* In the order of the first nic of each. */
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		GPtrArray *its = g_hash_table_lookup(missing, nic->row.network);

		if (srv_config_network(config, nic->row.network))
			continue;
		if (!its) {
			its = g_ptr_array_new();
			g_hash_table_insert(missing, nic->row.network, its);
		}
		g_ptr_array_add(its, nics->pdata[i]);
	}
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		const GPtrArray *its = g_hash_table_lookup(missing, nic->row.network);

		if (its && its->pdata[0] == nic)
			note_missing_network(nic->row.network, its, problems);
	}
}

/* Takes a good configuration; the reading keeps its problems. */
static void take(struct srv_daemon *daemon, struct srv_config_reading *reading)
{
	guint known = reading->problems->len;

	srv_config_note_missing_networks(daemon->model, reading->config, reading->problems);
	/* A reload by signal has nobody who reads them. */
	for (guint i = known; i < reading->problems->len; i++) {
		const struct srv_problem *problem = reading->problems->pdata[i];

		srv_event(daemon->events, LOG_WARNING, "config", problem->subject, "%s",
			  problem->message);
	}
	srv_model_set_config(daemon->model, reading->config);
	daemon->ids = reading->ids;
	g_ptr_array_unref(daemon->config_problems);
	daemon->config_problems = g_ptr_array_ref(reading->problems);
	g_clear_pointer(&daemon->reload_error, sriov_error_free);
	daemon->configured = true;
	srv_door_follow(daemon);
}

/* There was none before it. */
static void refuse_first(struct srv_daemon *daemon, struct srv_config_reading *reading)
{
	g_autofree char *why = sriov_error_text(reading->error);

	srv_log(LOG_ERR, NULL,
		"the configuration is bad, so nothing is managed that was not already: %s", why);
	daemon->reload_error = g_steal_pointer(&reading->error);
}

void srv_daemon_read_config(struct srv_daemon *daemon)
{
	struct srv_config_reading reading = { .dir = g_strdup(daemon->config_dir) };

	read_config(&reading, NULL, NULL, 0);
	refuse_bad(&reading);
	if (reading.error)
		refuse_first(daemon, &reading);
	else
		take(daemon, &reading);
	daemon->ids.read_all = !daemon->model->config->access.read_group;
	srv_config_reading_clear(&reading);
}

/* As without any: also who may do what. */
static void take_none(struct srv_daemon *daemon)
{
	struct srv_config *empty = srv_config_new_empty();

	srv_model_set_config(daemon->model, empty);
	srv_config_unref(empty);
	daemon->configured = false;
	g_ptr_array_set_size(daemon->config_problems, 0);
	srv_daemon_find_groups(daemon);
}

void srv_daemon_check_config(struct srv_daemon *daemon)
{
	const struct srv_model *model = daemon->model;
	struct srv_config_reading reading = { .config = srv_config_ref(model->config),
					      .problems = g_ptr_array_ref(daemon->config_problems),
					      .host = g_new0(struct spci_inventory, 1) };

	*reading.host = (struct spci_inventory){ g_ptr_array_new(), model->iommu, model->vfio,
						 model->unsafe_interrupts, model->noiommu };
	if (daemon->configured && !daemon->host_error)
		srv_config_reading_check(&reading, daemon);
	if (reading.error) {
		refuse_first(daemon, &reading);
		take_none(daemon);
	}
	srv_config_reading_clear(&reading);
}

struct groups {
	struct srv_daemon *daemon;
	struct srv_config *config;
	struct srv_access_ids ids;
	GPtrArray *problems;
};

static void groups_run(void *data)
{
	struct groups *groups = data;

	resolve_access(groups->config, &groups->ids, groups->problems);
}

static void groups_done(void *data)
{
	struct groups *groups = data;
	struct srv_daemon *daemon = groups->daemon;

	daemon->ids = groups->ids;
	daemon->groups_known = true;
	g_ptr_array_extend_and_steal(daemon->config_problems, groups->problems);
	srv_door_follow(daemon);
	srv_config_unref(groups->config);
	g_free(groups);
}

void srv_daemon_find_groups(struct srv_daemon *daemon)
{
	struct groups *groups = g_new0(struct groups, 1);

	groups->daemon = daemon;
	groups->config = srv_config_ref(daemon->model->config);
	groups->problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
	srv_queue_push(daemon->config_queue, groups_run, groups_done, groups);
}

/* Again */

struct reload {
	struct srv_daemon *daemon;
	struct srv_config_reading reading;
	void (*done)(const struct sriov_error *error, const GPtrArray *problems, void *data);
	void *data;
};

static void reload_run(void *data)
{
	struct reload *reload = data;

	srv_config_reading_run(&reload->reading, reload->daemon->root, NULL, NULL, 0);
}

static void refuse(struct srv_daemon *daemon, const struct sriov_error *error)
{
	g_autofree char *why = sriov_error_text(error);

	sriov_error_free(daemon->reload_error);
	daemon->reload_error = sriov_error_copy(error);
	srv_event(daemon->events, LOG_ERR, "config", "configuration",
		  "refused, the old one stays: %s", why);
}

static void reload_done(void *data)
{
	struct reload *reload = data;
	struct srv_daemon *daemon = reload->daemon;

	srv_config_reading_check(&reload->reading, daemon);
	if (reload->reading.error) {
		refuse(daemon, reload->reading.error);
	} else {
		take(daemon, &reload->reading);
		srv_event(daemon->events, LOG_INFO, "config", "configuration",
			  "read, %u pools, %u networks", daemon->model->config->pools->len,
			  daemon->model->config->networks->len);
		srv_reconcile_schedule(daemon);
		srv_host_retry_failed(daemon);
		srv_host_provision(daemon);
		srv_nic_serve_waiting(daemon);
		srv_reconcile(daemon);
	}
	if (reload->done)
		reload->done(reload->reading.error, reload->reading.problems, reload->data);
	srv_config_reading_clear(&reload->reading);
	g_free(reload);
}

void srv_daemon_reload(struct srv_daemon *daemon,
		       void (*done)(const struct sriov_error *error, const GPtrArray *problems,
				    void *data),
		       void *data)
{
	struct reload *reload = g_new0(struct reload, 1);

	reload->daemon = daemon;
	reload->reading.dir = g_strdup(daemon->config_dir);
	reload->done = done;
	reload->data = data;
	srv_queue_push(daemon->config_queue, reload_run, reload_done, reload);
}
