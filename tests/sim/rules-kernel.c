// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of DESIGN.md section 3 as the kernel shows them: every attribute of every VF that
 * somebody has, what a guest has that does not use sriovd, and whether what is shown to people is
 * what there is.
 */
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "srv/sriovd/api-json.h"
#include "srv/sriovd/daemon.h"
#include "tests/sim/sim.h"

static char *attrs_text(const struct sim_attrs *a)
{
	return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x vlan %u qos %u proto %04x rate %u-%u "
			       "spoofchk %u trust %u link %u",
			       a->mac[0], a->mac[1], a->mac[2], a->mac[3], a->mac[4], a->mac[5],
			       a->vlan, a->qos, a->vlan ? a->proto : ETH_P_8021Q, a->min, a->max,
			       a->spoofchk, a->trust, a->link_state);
}

/* 1, 3, 4. What an owner has is what its network says */

/* A member whose setting fails at present cannot be as it should. */
static void excuse(struct sim_attrs *want, const struct sim_attrs *has, uint32_t bit)
{
	switch ((enum snl_vf_attr)bit) {
	case SNL_VF_MAC:
		memcpy(want->mac, has->mac, 6);
		return;
	case SNL_VF_VLAN:
		want->vlan = has->vlan;
		want->qos = has->qos;
		want->proto = has->proto;
		return;
	case SNL_VF_RATE:
		want->min = has->min;
		want->max = has->max;
		return;
	case SNL_VF_SPOOFCHK:
		want->spoofchk = has->spoofchk;
		return;
	case SNL_VF_TRUST:
		want->trust = has->trust;
		return;
	case SNL_VF_LINK_STATE:
		want->link_state = has->link_state;
		return;
	}
}

static struct sim_attrs wanted(const struct srv_nic *nic, const struct srv_network *network,
			       const struct sim_attrs *has)
{
	const struct snl_vf_attrs *attrs = &network->attrs;
	struct sim_attrs want = { .vlan = attrs->vlan,
				  .qos = attrs->qos,
				  .proto = attrs->vlan_proto,
				  .min = attrs->min_tx_rate,
				  .max = attrs->max_tx_rate,
				  .spoofchk = attrs->spoofchk,
				  .trust = attrs->trust,
				  .link_state = attrs->link_state };

	memcpy(want.mac, nic->row.mac.octet, 6);
	for (uint32_t i = 0; i < SIM_ATTRS; i++) {
		if (sim_world->faults.attr[i].err || sim_world->faults.attr[i].ignore)
			excuse(&want, has, 1U << i);
	}
	/* Who is trusted may take a MAC of his own. */
	if (attrs->trust)
		excuse(&want, has, SNL_VF_MAC);
	return want;
}

static char *check_owned(void)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		const struct srv_network *network = srv_config_network(sim_daemon->model->config,
								       nic->row.network);
		g_autofree char *should = NULL, *is = NULL;
		const struct sim_vf *vf;
		struct sim_attrs want;

		if (!nic->vf || !nic->vf->facts || !network || nic->row.state != SRV_NIC_ATTACHED ||
		    nic->vf->pf->state != SRV_PF_READY)
			continue;
		vf = &sim_pf_by_bus(nic->row.vf.pf.bus)->vf[nic->row.vf.index];
		want = wanted(nic, network, &vf->attrs);
		should = attrs_text(&want);
		is = attrs_text(&vf->attrs);
		if (strcmp(should, is) != 0)
			return g_strdup_printf("VF %s/%u of %s/%s has %s, and should have %s",
					       nic->vf->pf->name, nic->vf->ref.index,
					       nic->row.owner.name, nic->row.id, is, should);
	}
	return NULL;
}

/* 5. Do no harm */

static char *check_stranger(void)
{
	const struct sim_domain *stranger = sim_stranger();
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, stranger->uuid);

	if (nics->len)
		return g_strdup_printf("%s, which does not use sriovd, has nics in the ledger",
				       stranger->name);
	for (int i = 0; i < SIM_NICS; i++) {
		const struct sim_device *device = &stranger->device[i];

		if (device->exists != (i < 2))
			return g_strdup_printf("%s, which does not use sriovd, has %s device %d",
					       stranger->name, device->exists ? "a" : "no", i);
	}
	return NULL;
}

/* 7, 8. What is shown: of each PF, and what the kernel has */

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key)) ?: "";
}

static unsigned number_of(const json_t *json, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(json, key));
}

/* As attrs_text() would write it. */
static char *shown_text(const json_t *attrs)
{
	static const char *const states[] = { "auto", "enable", "disable" };
	unsigned state = 0;

	while (state < G_N_ELEMENTS(states) &&
	       strcmp(states[state], text_of(attrs, "linkState")) != 0)
		state++;
	return g_strdup_printf(
		"%s vlan %u qos %u proto %s rate %u-%u spoofchk %d trust %d link %u",
		text_of(attrs, "mac"), number_of(attrs, "vlan"), number_of(attrs, "qos"),
		strcmp(text_of(attrs, "vlanProto"), "802.1ad") == 0 ? "88a8" : "8100",
		number_of(attrs, "minTxRate"), number_of(attrs, "maxTxRate"),
		json_is_true(json_object_get(attrs, "spoofchk")),
		json_is_true(json_object_get(attrs, "trust")), state);
}

static char *check_shown_vf(const struct srv_pf_view *view, uint32_t i)
{
	const struct srv_vf *vf = i < view->pf->vfs->len ? view->pf->vfs->pdata[i] : NULL;
	const struct sim_vf *real = &sim_pf_by_bus(view->pf->bdf.bus)->vf[i];
	g_autofree char *shown = NULL, *is = NULL;
	json_t *json;

	if (real->exists != (vf && vf->facts))
		return g_strdup_printf("VF %s/%u is%s shown, and the kernel has it%s",
				       view->pf->name, i, vf && vf->facts ? "" : " not",
				       real->exists ? "" : " not");
	if (!real->exists)
		return NULL;
	json = srv_vf_view_to_json(vf, view);
	shown = shown_text(json_object_get(json, "attributes"));
	json_decref(json);
	is = attrs_text(&real->attrs);
	if (strcmp(shown, is) == 0)
		return NULL;
	return g_strdup_printf("VF %s/%u is shown with %s, and the kernel has %s", view->pf->name,
			       i, shown, is);
}

static char *check_shown_pf(const struct srv_pf_view *view)
{
	const struct sim_pf *real = sim_pf_by_bus(view->pf->bdf.bus);
	const struct sim_link *link = sim_link_by_index(real->ifindex);
	char *broken = NULL;

	if (view->pf->state == SRV_PF_STUCK || !view->pf->facts || !link)
		return NULL;
	/* The simulated time does not wait for who reads while another thread hangs (clock.c). */
	if (view->stale && __atomic_load_n(&sim_world->hanging_threads, __ATOMIC_SEQ_CST))
		return NULL;
	if (view->problem)
		return g_strdup_printf("PF %s could not be shown: %s", view->pf->name,
				       view->problem);
	if (strcmp(view->pf->name, link->name) != 0 ||
	    (view->pf->facts->link == SPCI_LINK_UP) != (link->up && link->carrier))
		return g_strdup_printf(
			"PF %s is shown with name or link otherwise than it has them",
			view->pf->name);
	for (uint32_t i = 0; i < SIM_VFS && !broken; i++)
		broken = check_shown_vf(view, i);
	return broken;
}

struct shown {
	bool done;
	char *broken;
};

static void on_shown(const struct srv_view *view, void *data)
{
	struct shown *shown = data;

	sim_lock();
	for (guint i = 0; i < view->pfs->len && !shown->broken; i++)
		shown->broken = check_shown_pf(view->pfs->pdata[i]);
	sim_unlock();
	shown->done = true;
}

static bool is_shown(void *data)
{
	return ((struct shown *)data)->done;
}

static char *check_shown(void)
{
	static const struct srv_view_want want = { .pfs = true, .attrs = true };
	struct shown shown = { 0 };

	srv_view_read(sim_daemon, &want, on_shown, &shown);
	if (!sim_run_until(is_shown, &shown, 60000))
		return g_strdup("what there is was not shown within a minute");
	return shown.broken;
}

char *sim_check_kernel(void)
{
	static char *(*const checks[])(void) = { check_owned, check_stranger, check_shown };

	for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
		char *broken = checks[i]();

		if (broken)
			return broken;
	}
	return NULL;
}
