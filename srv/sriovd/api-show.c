// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What there is: read from the kernel for the call, then answered from the model, which has taken
 * what was read.
 */
#include "srv/sriovd/api.h"

#include <errno.h>

#include "srv/sriovd/api-json.h"

struct show {
	struct srv_daemon *daemon;
	struct srv_call *call;
	struct srv_vf_ref vf;
	char *owner, *id;
};

static struct show *show_new(struct srv_daemon *daemon, struct srv_call *call)
{
	struct show *show = g_new0(struct show, 1);

	show->daemon = daemon;
	show->call = call;
	return show;
}

static void show_free(struct show *show)
{
	g_free(show->owner);
	g_free(show->id);
	g_free(show);
}

static void show_end(struct show *show, json_t *reply)
{
	srv_call_reply(show->call, reply);
	show_free(show);
}

static void show_fail(struct show *show, const struct sriov_error *error)
{
	srv_call_error(show->call, error);
	show_free(show);
}

/* PFs */

static void pfs_read(const struct srv_view *view, void *data)
{
	struct show *show = data;
	const struct srv_model *model = show->daemon->model;
	json_t *pfs = json_array();

	for (guint i = 0; i < view->pfs->len; i++) {
		const struct srv_pf_view *pf_view = view->pfs->pdata[i];

		json_array_append_new(pfs, srv_pf_to_json(model, pf_view->pf, pf_view));
	}
	show_end(show, json_pack("{s:o}", "pfs", pfs));
}

void srv_api_list_pfs(struct srv_call *call, json_t *parameters, void *data)
{
	static const struct srv_view_want want = { .pfs = true };

	srv_view_read(data, &want, pfs_read, show_new(data, call));
}

/* VFs */

struct vf_walk {
	const struct srv_view *view;
	guint pf, vf; /* the next one */
};

/* Those that the kernel has, and those that it should have because somebody owns them. */
static json_t *next_vf(void *data)
{
	struct vf_walk *walk = data;

	for (; walk->pf < walk->view->pfs->len; walk->pf++, walk->vf = 0) {
		const struct srv_pf_view *view = walk->view->pfs->pdata[walk->pf];

		while (walk->vf < view->pf->vfs->len) {
			const struct srv_vf *vf = view->pf->vfs->pdata[walk->vf++];

			if (vf->facts || vf->nic)
				return srv_vf_view_to_json(vf, view);
		}
	}
	return NULL;
}

static void vfs_read(const struct srv_view *view, void *data)
{
	struct show *show = data;
	struct vf_walk walk = { .view = view };

	srv_call_reply_list(show->call, "vfs", next_vf, &walk);
	show_free(show);
}

static void fail_not_found(struct srv_call *call, const char *name, const char *what,
			   const char *command)
{
	sriov_autoerror err = NULL;

	sriov_error_set(&err, SRIOV_ERROR_NOT_FOUND, ENOENT, name,
			"there is no such %s on this host; %s shows what there is", what, command);
	srv_call_error(call, err);
}

void srv_api_list_vfs(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	const char *name = srv_api_string(parameters, "pf");
	struct srv_view_want want = { .pfs = !name, .attrs = true };

	if (name)
		want.pf = srv_model_find_pf(daemon->model, name);
	if (name && !want.pf) {
		fail_not_found(call, name, "PF", "sriovctl pf list");
		return;
	}
	srv_view_read(daemon, &want, vfs_read, show_new(daemon, call));
}

static void vf_read(const struct srv_view *view, void *data)
{
	struct show *show = data;
	const struct srv_vf *vf = srv_model_vf(show->daemon->model, show->vf);
	json_t *json = srv_vf_view_to_json(vf, srv_view_find(view, vf->pf));

	show_end(show, json_pack("{s:o}", "vf", json));
}

void srv_api_get_vf(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	const char *name = srv_api_string(parameters, "vf");
	const struct srv_vf *vf = srv_model_find_vf(daemon->model, name);
	struct srv_view_want want = { .attrs = true };
	struct show *show;

	if (!vf || (!vf->facts && !vf->nic)) {
		fail_not_found(call, name, "VF", "sriovctl vf list");
		return;
	}
	want.pf = vf->pf;
	show = show_new(daemon, call);
	show->vf = vf->ref;
	srv_view_read(daemon, &want, vf_read, show);
}

/* Nics */

static const char *backend_of(const struct srv_view *view, const struct srv_nic *nic)
{
	return g_hash_table_lookup(view->backends, nic->row.owner.name);
}

static json_t *nics_to_json(const struct srv_view *view, const GPtrArray *nics)
{
	json_t *json = json_array();

	for (guint i = 0; i < nics->len; i++)
		json_array_append_new(
			json, srv_nic_to_json(nics->pdata[i], backend_of(view, nics->pdata[i])));
	return json;
}

struct nic_walk {
	const struct srv_view *view;
	const GPtrArray *nics;
	guint next;
};

static json_t *next_nic(void *data)
{
	struct nic_walk *walk = data;
	const struct srv_nic *nic;

	if (walk->next == walk->nics->len)
		return NULL;
	nic = walk->nics->pdata[walk->next++];
	return srv_nic_to_json(nic, backend_of(walk->view, nic));
}

static void nics_read(const struct srv_view *view, void *data)
{
	struct show *show = data;
	struct srv_model *model = show->daemon->model;
	g_autoptr(GPtrArray) nics = show->owner ? srv_model_nics_of(model, show->owner)
						: srv_model_nics(model);
	struct nic_walk walk = { view, nics, 0 };

	srv_call_reply_list(show->call, "nics", next_nic, &walk);
	show_free(show);
}

void srv_api_list_nics(struct srv_call *call, json_t *parameters, void *data)
{
	const char *owner = srv_api_string(parameters, "owner");
	const struct srv_view_want want = { .backends = owner ?: "" };
	struct show *show = show_new(data, call);

	show->owner = g_strdup(owner);
	srv_view_read(data, &want, nics_read, show);
}

static void nic_read(const struct srv_view *view, void *data)
{
	struct show *show = data;
	sriov_autoerror err = NULL;
	const struct srv_nic *nic = srv_api_find_nic(show->daemon, show->owner, show->id, &err);

	if (nic)
		show_end(show,
			 json_pack("{s:o}", "nic", srv_nic_to_json(nic, backend_of(view, nic))));
	else
		show_fail(show, err);
}

void srv_api_get_nic(struct srv_call *call, json_t *parameters, void *data)
{
	const char *owner = srv_api_string(parameters, "owner");
	const struct srv_view_want want = { .backends = owner };
	struct show *show = show_new(data, call);

	show->owner = g_strdup(owner);
	show->id = g_strdup(srv_api_string(parameters, "id"));
	srv_view_read(data, &want, nic_read, show);
}

/* Everything at a glance; what is wrong is in api-status.c. */

static void status_read(const struct srv_view *view, void *data)
{
	struct show *show = data;
	struct srv_daemon *daemon = show->daemon;
	g_autoptr(GPtrArray) nics = srv_model_nics(daemon->model);
	g_autofree char *refused = daemon->reload_error ? sriov_error_text(daemon->reload_error)
							: NULL;
	json_t *pfs = json_array();

	for (guint i = 0; i < view->pfs->len; i++) {
		const struct srv_pf_view *pf_view = view->pfs->pdata[i];

		json_array_append_new(pfs, srv_pf_to_json(daemon->model, pf_view->pf, pf_view));
	}
	show_end(show,
		 json_pack("{s:s, s:s, s:b, s:s*, s:b, s:b, s:b, s:o, s:o, s:o}", "version",
			   SRIOVD_VERSION, "hostname", g_get_host_name(), "configured",
			   daemon->configured && daemon->model->config->pools->len > 0, "refused",
			   refused, "libvirt", daemon->virt && srv_virt_connected(daemon->virt),
			   "reconciled", daemon->reconciled, "iommu", daemon->model->iommu, "pfs",
			   pfs, "nics", nics_to_json(view, nics), "problems",
			   srv_api_problems(daemon)));
}

void srv_api_get_status(struct srv_call *call, json_t *parameters, void *data)
{
	static const struct srv_view_want want = { .pfs = true, .backends = "", .helper = true };

	srv_view_read(data, &want, status_read, show_new(data, call));
}
