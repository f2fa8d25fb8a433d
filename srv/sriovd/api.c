// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/api.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "srv/protocol/errors.h"
#include "srv/protocol/interface.h"
#include "srv/sriovd/gate.h"

/* The file that documents the API is what every call is checked against: one text, built in. */
__asm__(".pushsection .rodata\n"
	".global srv_api_interface_text\n"
	".type srv_api_interface_text, %object\n"
	"srv_api_interface_text:\n"
	".incbin \"conf/io.sriovd.varlink\"\n"
	".byte 0\n"
	".size srv_api_interface_text, . - srv_api_interface_text\n"
	".popsection\n");

static const struct srv_method methods[] = {
	{ "GetStatus", false, srv_api_get_status },
	{ "ListPFs", false, srv_api_list_pfs },
	{ "ListVFs", false, srv_api_list_vfs },
	{ "GetVF", false, srv_api_get_vf },
	{ "ListNics", false, srv_api_list_nics },
	{ "GetNic", false, srv_api_get_nic },
	{ "Claim", true, srv_api_claim },
	{ "Release", true, srv_api_release },
	{ "AddNic", true, srv_api_add_nic },
	{ "RemoveNic", true, srv_api_remove_nic },
	{ "StartDomain", true, srv_api_start_domain },
	{ "WatchJob", false, srv_api_watch_job },
	{ "Explain", false, srv_api_explain },
	{ "CheckConfig", false, srv_api_check_config },
	{ "Reload", true, srv_api_reload },
	{ "Watch", false, srv_api_watch },
	{ "DomainHook", true, srv_api_domain_hook },
	{ "Demote", true, srv_api_demote },
	{ "Drain", true, srv_api_drain },
	{ "Undrain", true, srv_api_undrain },
	{ "Resize", true, srv_api_resize },
	{ "ScrubVF", true, srv_api_scrub_vf },
	{ "CheckLedger", false, srv_api_check_ledger },
	{ "RebuildLedger", true, srv_api_rebuild_ledger },
};

/* Rights */

enum srv_right srv_api_right(const char *method)
{
	if (strcmp(method, "DomainHook") == 0)
		return SRV_RIGHT_ROOT;
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (strcmp(methods[i].name, method) == 0)
			return methods[i].change ? SRV_RIGHT_CHANGE : SRV_RIGHT_READ;
	}
	return SRV_RIGHT_ROOT;
}

static bool is_member(const struct srv_peer *peer, bool exists, gid_t gid)
{
	if (!exists)
		return false;
	for (size_t i = 0; i < peer->n_groups; i++) {
		if (peer->groups[i] == gid)
			return true;
	}
	return peer->gid == gid;
}

/* join: the group that gives this right and no other; NULL when this host does not have it */
static int deny(const char *method, const char *groups, const char *join, struct sriov_error **err)
{
	g_autofree char *how = join ? srv_error_how_to_join(join) : NULL;

	return sriov_error_set(err, SRIOV_ERROR_DENIED, EPERM, method,
			       "only root and members of the %s may do this%s%s", groups,
			       how ? "; " : "", how ?: "");
}

static int deny_change(const char *method, const struct srv_access_ids *ids,
		       const struct srv_access *access, struct sriov_error **err)
{
	g_autofree char *groups = g_strdup_printf("group %s", access->admin_group);

	return deny(method, groups, ids->has_admin ? access->admin_group : NULL, err);
}

/* One group may be given both rights; it is named once. */
static int deny_read(const char *method, const struct srv_access_ids *ids,
		     const struct srv_access *access, struct sriov_error **err)
{
	g_autofree char *groups = NULL;

	if (g_strcmp0(access->read_group, access->admin_group) == 0)
		return deny_change(method, ids, access, err);
	groups = g_strdup_printf("groups %s and %s", access->admin_group, access->read_group);
	return deny(method, groups, ids->has_read ? access->read_group : NULL, err);
}

int srv_api_authorize(const struct srv_peer *peer, const char *method,
		      const struct srv_access_ids *ids, const struct srv_access *access,
		      struct sriov_error **err)
{
	bool admin = is_member(peer, ids->has_admin, ids->admin);
	bool reader = ids->read_all || is_member(peer, ids->has_read, ids->read);

	if (peer->uid == 0)
		return 0;
	switch (srv_api_right(method)) {
	case SRV_RIGHT_READ:
		if (admin || reader)
			return 0;
		return deny_read(method, ids, access, err);
	case SRV_RIGHT_CHANGE:
		if (admin)
			return 0;
		return deny_change(method, ids, access, err);
	case SRV_RIGHT_ROOT:
		return sriov_error_set(err, SRIOV_ERROR_DENIED, EPERM, method,
				       "only root may do this: it is for libvirt's hook");
	}
	g_assert_not_reached();
}

static int authorize(const struct srv_peer *peer, const struct srv_method *method, void *data,
		     struct sriov_error **err)
{
	const struct srv_daemon *daemon = data;

	if (daemon->stopping)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ESHUTDOWN, NULL,
				       "sriovd is ending; try again when it runs");
	return srv_api_authorize(peer, method->name, &daemon->ids, &daemon->model->config->access,
				 err);
}

static bool is_stranger(const struct srv_peer *peer, void *data)
{
	const struct srv_access_ids *ids = &((const struct srv_daemon *)data)->ids;

	return peer->uid != 0 && !is_member(peer, ids->has_admin, ids->admin) &&
	       !is_member(peer, ids->has_read, ids->read);
}

int srv_api_listen(struct srv_daemon *daemon, int listen_fd, struct sriov_error **err)
{
	static struct srv_varlink_handler handler = { .methods = methods,
						      .n_methods = G_N_ELEMENTS(methods),
						      .authorize = authorize,
						      .is_stranger = is_stranger,
						      .vendor = "sriovd",
						      .product = "sriovd",
						      .version = SRIOVD_VERSION,
						      .url = "https://sriovd.io/" };
	int r = srv_interface_parse(srv_api_interface_text, &daemon->interface, err);

	if (r < 0) {
		close(listen_fd);
		return sriov_error_wrap(err, "the description of the API");
	}
	handler.check_replies = daemon->check_replies;
	return srv_varlink_new(listen_fd, daemon->interface, &handler, &srv_varlink_limits_default,
			       daemon, &daemon->varlink, err);
}

/* What handlers share */

bool srv_api_may_change(struct srv_daemon *daemon, struct srv_call *call)
{
	const struct sriov_error *refusal = srv_daemon_refusal(daemon);

	if (refusal)
		srv_call_error(call, refusal);
	return !refusal;
}

bool srv_api_has_libvirt(struct srv_daemon *daemon, struct srv_call *call)
{
	g_autofree char *why = NULL;
	sriov_autoerror err = NULL;

	if (!srv_api_may_change(daemon, call))
		return false;
	if (daemon->virt && srv_virt_connected(daemon->virt))
		return true;
	why = daemon->virt ? srv_virt_reason(daemon->virt) : NULL;
	sriov_error_set(&err, SRIOV_ERROR_UNAVAILABLE, ENOTCONN, NULL,
			"libvirt is not connected%s%s; is its daemon running (systemctl status "
			"virtqemud libvirtd)?",
			why ? ": " : "", why ? why : "");
	srv_call_error(call, err);
	return false;
}

struct late_call {
	struct srv_daemon *daemon;
	struct srv_call *call;
	json_t *parameters;
	void (*run)(struct srv_call *call, json_t *parameters, void *data);
};

static void run_late(const struct sriov_error *error, void *data)
{
	struct late_call *late = data;

	if (error)
		srv_call_error(late->call, error);
	else
		late->run(late->call, late->parameters, late->daemon);
	json_decref(late->parameters);
	g_free(late);
}

bool srv_api_waits(struct srv_daemon *daemon, struct srv_call *call, json_t *parameters,
		   void (*run)(struct srv_call *call, json_t *parameters, void *data))
{
	struct late_call *late;

	/* Without the ledger there will be no pass, and the handler says what is wrong. */
	if (srv_gate_is_open(daemon) || srv_daemon_refusal(daemon))
		return false;
	late = g_new(struct late_call, 1);
	*late = (struct late_call){ daemon, call, json_incref(parameters), run };
	srv_gate_then(daemon, run_late, late);
	return true;
}

const char *srv_api_string(const json_t *parameters, const char *key)
{
	return json_string_value(json_object_get(parameters, key));
}

int srv_api_mac(const json_t *parameters, const char *key, bool *ret_has, struct sriov_mac *ret,
		struct sriov_error **err)
{
	const char *text = srv_api_string(parameters, key);
	struct sriov_mac mac;

	*ret_has = false;
	if (!text)
		return 0;
	if (sriov_mac_parse(text, &mac) < 0)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, key,
				       "it is no MAC address; one looks like 52:54:00:aa:00:11");
	if (!sriov_mac_is_valid(mac))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, key,
				       "a port's MAC cannot be all zero or a multicast address");
	*ret_has = true;
	*ret = mac;
	return 0;
}

static int fail_several(const char *owner, const GPtrArray *nics, struct sriov_error **err)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < nics->len; i++)
		g_string_append_printf(names, "%s%s", i ? ", " : "",
				       ((const struct srv_nic *)nics->pdata[i])->row.id);
	return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, owner,
			       "it has several nics (%s); say which", names->str);
}

struct srv_nic *srv_api_find_nic(struct srv_daemon *daemon, const char *owner, const char *id,
				 struct sriov_error **err)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(daemon->model, owner);

	for (guint i = 0; id && i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];

		if (g_str_equal(nic->row.id, id))
			return nic;
	}
	if (!id && nics->len == 1)
		return nics->pdata[0];
	if (!id && nics->len > 1)
		fail_several(owner, nics, err);
	else if (id && nics->len)
		sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, owner,
				"it has no nic \"%s\"; sriovctl nic list %s shows what it has", id,
				owner);
	else
		sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, owner,
				"sriovd knows no nic of it; sriovctl nic list shows all");
	return NULL;
}
