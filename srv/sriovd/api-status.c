// SPDX-License-Identifier: GPL-2.0-or-later
/* What is wrong, worst and widest first. */
#include "srv/sriovd/api.h"

#include "srv/sriovd/api-json.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/helper.h"
#include "srv/sriovd/net-call.h"

#define HELPER_SECONDS 1 /* a look at one file takes no time */

static void append_error(json_t *problems, bool is_error, const char *subject,
			 const struct sriov_error *error)
{
	if (error)
		srv_problem_append(problems, is_error, error->subject ?: subject, error->message);
}

/* What is on disk is not what is in force. */
static void append_refused(json_t *problems, const struct srv_daemon *daemon)
{
	const struct sriov_error *error = daemon->reload_error;
	g_autofree char *text = NULL;

	if (!error)
		return;
	text = g_strdup_printf("%s; so the configuration was refused, and %s: mend it, and: "
			       "sriovctl reload",
			       error->message,
			       daemon->configured ? "the one before stays in force"
						  : "nothing is managed");
	srv_problem_append(problems, true, error->subject ?: "configuration", text);
}

static bool wants_vfio(const struct srv_config *config)
{
	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];

		if (pool->device_type == SRV_DEVICE_VFIO)
			return true;
	}
	return false;
}

/* Before the first PF fails for it, and on a host that has none to fail. */
static void append_helper(json_t *problems, const struct srv_daemon *daemon)
{
	int64_t since = daemon->helper_look_since;

	if (since && g_get_monotonic_time() - since >= HELPER_SECONDS * G_USEC_PER_SEC)
		srv_problem_append(
			problems, true, srv_helper_program(),
			"it cannot be looked at, its file system does not answer; as long "
			"as it does not, no VF can be made, bound or reset");
	else
		append_error(problems, true, "host", daemon->helper_error);
}

/* Without either, no VF can be given to a guest, whatever else is right. */
static void append_host(json_t *problems, const struct srv_daemon *daemon)
{
	const struct srv_model *model = daemon->model;
	sriov_autoerror unlooked = NULL;

	append_error(problems, true, "host", daemon->host_error);
	if (!daemon->looked) {
		srv_gate_refusal(daemon, &unlooked);
		append_error(problems, false, "host", unlooked);
	}
	if (!daemon->looked || daemon->host_error || !wants_vfio(model->config))
		return;
	if (!model->iommu)
		srv_problem_append(problems, true, "host",
				   "there is no IOMMU, so no VF can be given to a guest: enable it "
				   "in the firmware (VT-d, AMD-Vi) and on the kernel's command "
				   "line (intel_iommu=on)");
	if (model->iommu && model->unsafe_interrupts &&
	    !model->config->vfio.allow_unsafe_interrupts)
		srv_problem_append(
			problems, true, "host",
			"VFIO gives devices away without interrupt remapping here, so no "
			"VF is given to anybody: set allow_unsafe_interrupts=N of the "
			"modules vfio_iommu_type1 and iommufd, or set \"vfio\": "
			"{\"allowUnsafeInterrupts\": true} in the configuration");
	if (!model->vfio)
		srv_problem_append(problems, true, "host",
				   "the driver vfio-pci is not there, so no VF can be given to a "
				   "guest: modprobe vfio-pci");
}

static void append_late(const char *subject, const char *what, void *problems)
{
	g_autofree char *text = g_strdup_printf(
		"%s does not come back from the kernel: a driver holds it up, see the kernel's "
		"messages: journalctl -k",
		what);

	srv_problem_append(problems, true, subject, text);
}

static void append_connection(json_t *problems, const struct srv_daemon *daemon)
{
	g_autofree char *why = daemon->virt ? srv_virt_reason(daemon->virt) : NULL;
	g_autofree char *text = g_strdup_printf(
		"not connected%s%s, so no nic of a guest can be attached or detached; sriovd keeps "
		"trying (is its daemon running: systemctl status virtqemud libvirtd)",
		why ? ": " : "", why ? why : "");

	srv_problem_append(problems, false, "libvirt", text);
}

static void append_libvirt(json_t *problems, const struct srv_daemon *daemon)
{
	sriov_autoerror why = NULL;

	if (daemon->looked && !srv_gate_is_open(daemon) && !srv_gate_holds_starts(daemon) &&
	    !srv_daemon_refusal(daemon)) {
		srv_gate_refusal(daemon, &why);
		srv_problem_append(problems, true, "libvirt", why->message);
	} else if (!daemon->virt || !srv_virt_connected(daemon->virt))
		append_connection(problems, daemon);
}

/* Of one that is gone or stuck there is worse to say. */
static void append_fault(json_t *problems, const struct srv_pf *pf)
{
	if (pf->facts && pf->health.fault)
		srv_problem_append(problems, false, pf->name, pf->health.fault);
}

static void append_pf(json_t *problems, const struct srv_pf *pf)
{
	guint reserved = pf->counts[SRV_VF_OWNED];
	g_autofree char *text = NULL;

	switch (pf->state) {
	case SRV_PF_STUCK:
	case SRV_PF_FAILED:
		srv_problem_append(problems, true, pf->name, pf->reason ?: "it failed");
		return;
	case SRV_PF_GONE:
		if (pf->stranger) {
			srv_problem_append(problems, true, pf->name, pf->stranger);
			return;
		}
		if (!reserved)
			return;
		text = g_strdup_printf("it is gone, and %u of its VFs have owners", reserved);
		srv_problem_append(problems, true, pf->name, text);
		return;
	case SRV_PF_READY:
		/* Why it is less than what was wanted. */
		if (pf->reason)
			srv_problem_append(problems, false, pf->name, pf->reason);
		if (pf->facts && pf->facts->link == SPCI_LINK_DOWN)
			srv_problem_append(problems, false, pf->name,
					   "its link is down, so none of its VFs is handed out");
		return;
	case SRV_PF_CONFIGURING:
	case SRV_PF_UNMANAGED:
		return;
	}
	g_assert_not_reached();
}

static void append_vfs(json_t *problems, const struct srv_pf *pf)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		const struct srv_vf *vf = pf->vfs->pdata[i];
		g_autofree char *name = srv_vf_name(vf);
		const char *reason;

		if (vf->nic && !vf->facts)
			srv_problem_append(problems, true, name,
					   "it has an owner, and the kernel does not have it");
		if (vf->nic && vf->health.fault) {
			g_autofree char *subject = srv_nic_subject(vf->nic);
			g_autofree char *text = g_strdup_printf("%s, and %s has it",
								vf->health.fault, subject);

			srv_problem_append(problems, true, name, text);
		}
		if (vf->facts && srv_vf_state(vf, &reason) == SRV_VF_STATE_QUARANTINED) {
			g_autofree char *text = g_strdup_printf(
				"%s; nobody gets it until it was looked after, and: sriovctl vf "
				"scrub %s",
				reason ?: "quarantined, for a reason that was lost", name);

			srv_problem_append(problems, true, name, text);
		}
	}
}

static void append_nics(json_t *problems, struct srv_daemon *daemon)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(daemon->model);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		g_autofree char *subject = srv_nic_subject(nic);

		if (nic->row.state == SRV_NIC_FAILED)
			srv_problem_append(problems, true, subject,
					   nic->row.reason ?: "it could not be attached");
		if (nic->team.misplaced) {
			g_autofree char *text = g_strdup_printf(
				"%s: it gets no VF until its guest is shut off and started again",
				nic->team.misplaced);

			srv_problem_append(problems, true, subject, text);
		}
	}
}

static void append_list(json_t *problems, const GPtrArray *list)
{
	json_t *json = srv_problems_to_json(list);

	json_array_extend(problems, json);
	json_decref(json);
}

json_t *srv_api_problems(struct srv_daemon *daemon)
{
	json_t *problems = json_array();

	append_error(problems, true, "ledger", srv_daemon_refusal(daemon));
	append_refused(problems, daemon);
	append_list(problems, daemon->config_problems);
	append_list(problems, daemon->plugin_problems);
	append_helper(problems, daemon);
	append_host(problems, daemon);
	append_libvirt(problems, daemon);
	srv_net_each_late(daemon, append_late, problems);
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		append_pf(problems, daemon->model->pfs->pdata[i]);
		append_fault(problems, daemon->model->pfs->pdata[i]);
		append_vfs(problems, daemon->model->pfs->pdata[i]);
	}
	append_nics(problems, daemon);
	return problems;
}
