// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/decide.h"
#include "tests/support/describe-model.h"

#define CONFIG                                                                           \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\",\"enp2s0\"," \
	"\"enp3s0\"]},\"numVfs\":2},{\"name\":\"other\",\"select\":{\"pfNames\":"        \
	"[\"enp9s0\"]}}],\"networks\":["                                                 \
	"{\"name\":\"a\",\"pool\":\"fast\"},{\"name\":\"b\",\"pool\":\"fast\","          \
	"\"fallback\":{\"type\":\"bridge\",\"bridge\":\"br0\"}},"                        \
	"{\"name\":\"c\",\"pool\":\"fast\",\"fallback\":{\"type\":\"network\","          \
	"\"network\":\"default\"}},{\"name\":\"d\",\"pool\":\"fast\",\"fallback\":"      \
	"{\"type\":\"none\"}},{\"name\":\"e\",\"pool\":\"fast\",\"fallback\":"           \
	"{\"type\":\"macvtap\",\"uplink\":\"enp2s0\"}},{\"name\":\"f\",\"pool\":\"other\"}]}"

/* Three PFs of two clean VFs each, ready, on nodes 0, 1 and none. */
struct host {
	struct srv_model *model;
	struct srv_pf *pf[3];
	uint8_t nics;
};

static const struct srv_network *network(const struct host *host, const char *name)
{
	return srv_config_network(host->model->config, name);
}

static void add_pfs(struct host *host)
{
	struct spci_inventory inventory = { .pfs = g_ptr_array_new_with_free_func(
						    (GDestroyNotify)spci_pf_free) };

	for (uint8_t i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("enp%us0", i + 1);
		struct spci_pf *pf = describe_make_pf(i + 1, name, 10 + i, 2);

		pf->numa_node = i < 2 ? i : -1;
		g_ptr_array_add(inventory.pfs, pf);
	}
	srv_model_set_inventory(host->model, &inventory);
	g_ptr_array_unref(inventory.pfs);
}

static int set_up(void **state)
{
	struct host *host = g_new0(struct host, 1);
	const char *name = "a.json", *text = CONFIG;
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_config_parse(&name, &text, 1, &config, NULL, &err), err);
	host->model = srv_model_new();
	srv_model_set_config(host->model, config);
	srv_config_unref(config);
	add_pfs(host);
	for (guint i = 0; i < 3; i++) {
		host->pf[i] = host->model->pfs->pdata[i];
		srv_model_set_pf_state(host->pf[i], SRV_PF_READY, NULL);
		for (guint j = 0; j < 2; j++)
			srv_model_mark_vf(host->pf[i]->vfs->pdata[j], SRV_VF_CLEAN, NULL);
	}
	*state = host;
	return 0;
}

static int tear_down(void **state)
{
	struct host *host = *state;

	srv_model_free(host->model);
	g_free(host);
	return 0;
}

static struct srv_vf *vf_of(struct host *host, guint pf, guint vf)
{
	return host->pf[pf]->vfs->pdata[vf];
}

static struct srv_nic *add_nic(struct host *host)
{
	g_autofree char *id = g_strdup_printf("net%u", host->nics);
	struct srv_nic_row row = { .owner = { SRV_OWNER_LIBVIRT, (char *)"k", (char *)"web" },
				   .id = id,
				   .network = (char *)"a",
				   .mac = { { 0x52, 0x54, 0, 0, 0, host->nics++ } } };

	return srv_model_add_nic(host->model, &row);
}

static void own(struct host *host, guint pf, guint vf)
{
	srv_model_set_backing(add_nic(host), SRV_BACKING_VF, vf_of(host, pf, vf));
}

static void put_virtio(struct host *host, const char *uplink)
{
	struct srv_nic *nic = add_nic(host);

	srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
	nic->row.uplink = g_strdup(uplink);
}

/* The whole decision: what was chosen, every candidate, whether waiting helps, and the sentence. */
static char *decide(struct host *host, const char *name, int numa_node)
{
	struct srv_decision *decision = srv_decide(host->model, network(host, name), numa_node);
	g_autofree char *summary = srv_decision_summary(decision, network(host, name));
	GString *out = g_string_new(summary);

	for (guint i = 0; i < decision->candidates->len; i++) {
		const struct srv_candidate *candidate = &g_array_index(decision->candidates,
								       struct srv_candidate, i);

		g_string_append_printf(out, "\n%s: %s%s%s", candidate->pf->name,
				       srv_verdict_text(candidate->verdict),
				       candidate->link_up ? "" : ", no link",
				       candidate->numa_local ? ", local" : "");
		if (candidate->vf)
			g_string_append_printf(out, ", VF %u", candidate->vf->ref.index);
		assert_true((candidate->verdict == SRV_VERDICT_CHOSEN) ==
			    (decision->vf && decision->vf == candidate->vf));
	}
	if (decision->scrub_pending)
		g_string_append(out, "\npending");
	srv_decision_free(decision);
	return g_string_free(out, FALSE);
}

static void assert_decided(struct host *host, const char *name, int numa_node, const char *expected)
{
	g_autofree char *text = decide(host, name, numa_node);

	assert_string_equal(text, expected);
}

static void decide_takes_the_lowest_of_equals(void **state)
{
	assert_decided(*state, "a", -1,
		       "VF enp1s0/0 of pool fast\n"
		       "enp1s0: chosen, VF 0\n"
		       "enp2s0: another PF is preferred, VF 0\n"
		       "enp3s0: another PF is preferred, VF 0");
}

static void decide_prefers_the_least_used_pf(void **state)
{
	own(*state, 0, 0);
	assert_decided(*state, "a", -1,
		       "VF enp2s0/0 of pool fast\n"
		       "enp1s0: another PF is preferred, VF 1\n"
		       "enp2s0: chosen, VF 0\n"
		       "enp3s0: another PF is preferred, VF 0");
}

static void decide_prefers_the_owners_node_over_the_least_used(void **state)
{
	own(*state, 1, 0);
	assert_decided(*state, "a", 1,
		       "VF enp2s0/1 of pool fast\n"
		       "enp1s0: another PF is preferred, VF 0\n"
		       "enp2s0: chosen, local, VF 1\n"
		       "enp3s0: another PF is preferred, VF 0");
}

static void decide_hands_out_nothing_of_a_pf_without_link(void **state)
{
	struct host *host = *state;

	host->pf[1]->facts->link = SPCI_LINK_DOWN;
	host->pf[0]->facts->link = SPCI_LINK_DOWN;
	host->pf[2]->facts->link = SPCI_LINK_UNKNOWN; /* its driver does not tell */
	assert_decided(host, "a", 1,
		       "VF enp3s0/0 of pool fast\n"
		       "enp1s0: link down, no link, VF 0\n"
		       "enp2s0: link down, no link, local, VF 0\n"
		       "enp3s0: chosen, VF 0");
	host->pf[2]->facts->link = SPCI_LINK_DOWN;
	assert_decided(host, "a", -1,
		       "pool fast has no VF to give: enp1s0: link down (2 free); "
		       "enp2s0: link down (2 free); enp3s0: link down (2 free)\n"
		       "enp1s0: link down, no link, VF 0\n"
		       "enp2s0: link down, no link, VF 0\n"
		       "enp3s0: link down, no link, VF 0");
}

/* It is in another network namespace: nobody here could set its VFs' attributes. */
static void decide_hands_out_nothing_of_a_pf_without_netdev(void **state)
{
	struct host *host = *state;
	struct spci_pf *facts = host->pf[0]->facts;

	g_clear_pointer(&facts->netdev, g_free);
	facts->ifindex = 0;
	facts->link = SPCI_LINK_UNKNOWN;
	srv_model_set_pf_state(host->pf[1], SRV_PF_FAILED, NULL);
	srv_model_set_pf_state(host->pf[2], SRV_PF_FAILED, NULL);
	assert_decided(host, "a", -1,
		       "pool fast has no VF to give: enp1s0: not ready, it has no netdev in the "
		       "host's network namespace (2 free); enp2s0: not ready, it is failed "
		       "(2 free); enp3s0: not ready, it is failed (2 free)\n"
		       "enp1s0: not ready\n"
		       "enp2s0: not ready\n"
		       "enp3s0: not ready");
}

static void decide_says_what_became_of_every_vf(void **state)
{
	struct host *host = *state;

	own(host, 0, 0);
	own(host, 0, 1);
	srv_model_mark_vf(vf_of(host, 1, 0), SRV_VF_QUARANTINED, "its reset failed");
	srv_model_set_foreign(vf_of(host, 1, 1), "domain x has it past sriovd");
	srv_model_set_pf_state(host->pf[2], SRV_PF_STUCK, "it hangs");
	assert_decided(host, "a", -1,
		       "pool fast has no VF to give: enp1s0: no free VF (2 owned); "
		       "enp2s0: no free VF (1 quarantined, 1 unusable: domain x has it past "
		       "sriovd); "
		       "enp3s0: not ready, it is stuck (2 free)\n"
		       "enp1s0: no free VF\n"
		       "enp2s0: no free VF\n"
		       "enp3s0: not ready");
}

static void decide_knows_when_waiting_helps(void **state)
{
	struct host *host = *state;

	for (guint i = 0; i < 3; i++) {
		own(host, i, 0);
		own(host, i, 1);
	}
	srv_model_set_backing(vf_of(host, 0, 1)->nic, SRV_BACKING_NONE, NULL);
	assert_decided(host, "a", -1,
		       "pool fast has no VF to give: enp1s0: no free VF (1 owned, 1 dirty); "
		       "enp2s0: no free VF (2 owned); enp3s0: no free VF (2 owned)\n"
		       "enp1s0: no free VF\n"
		       "enp2s0: no free VF\n"
		       "enp3s0: no free VF\n"
		       "pending");
	/* Nobody scrubs the VFs of a PF that does not work. */
	srv_model_set_pf_state(host->pf[0], SRV_PF_FAILED, "it does not work");
	assert_decided(host, "a", -1,
		       "pool fast has no VF to give: enp1s0: not ready, it is failed "
		       "(1 owned, 1 dirty); enp2s0: no free VF (2 owned); "
		       "enp3s0: no free VF (2 owned)\n"
		       "enp1s0: not ready\n"
		       "enp2s0: no free VF\n"
		       "enp3s0: no free VF");
	srv_model_set_pf_state(host->pf[0], SRV_PF_CONFIGURING, NULL);
	assert_decided(host, "a", -1,
		       "pool fast has no VF to give: enp1s0: not ready, it is configuring "
		       "(1 owned, 1 dirty); enp2s0: no free VF (2 owned); "
		       "enp3s0: no free VF (2 owned)\n"
		       "enp1s0: not ready\n"
		       "enp2s0: no free VF\n"
		       "enp3s0: no free VF\n"
		       "pending");
}

static void decide_of_a_pool_without_pfs_says_so(void **state)
{
	assert_decided(*state, "f", -1,
		       "pool other has no VF to give: none of the host's PFs is in it");
}

static void decide_counts_a_pf_whose_vfs_are_still_to_be_made(void **state)
{
	struct host *host = *state;
	struct spci_pf *bare = describe_make_pf(1, "enp1s0", 10, 0);

	srv_model_set_pf(host->model, host->pf[0], bare, host->model->takes);
	srv_model_set_pf_state(host->pf[0], SRV_PF_CONFIGURING, NULL);
	srv_model_set_pf_state(host->pf[1], SRV_PF_FAILED, NULL);
	srv_model_set_pf_state(host->pf[2], SRV_PF_FAILED, NULL);
	assert_decided(host, "a", -1,
		       "pool fast has no VF to give: enp1s0: not ready, it is configuring; "
		       "enp2s0: not ready, it is failed (2 free); "
		       "enp3s0: not ready, it is failed (2 free)\n"
		       "enp1s0: not ready\n"
		       "enp2s0: not ready\n"
		       "enp3s0: not ready\n"
		       "pending");
}

/* "UPLINK PF" or why not. */
static char *uplink(struct host *host, const char *name)
{
	struct srv_pf *pf;
	const char *why;
	g_autofree char *link = srv_decide_uplink(host->model, network(host, name), &pf, &why);

	assert_true((link == NULL) == (why != NULL));
	return link ? g_strdup_printf("%s %s", link, pf ? pf->name : "-") : g_strdup(why);
}

static void assert_uplink(struct host *host, const char *name, const char *expected)
{
	g_autofree char *text = uplink(host, name);

	assert_string_equal(text, expected);
}

static void uplink_is_what_the_network_names(void **state)
{
	assert_uplink(*state, "b", "br0 -");
	assert_uplink(*state, "c", "default -");
	assert_uplink(*state, "d", "the network's fallback is \"none\"");
	assert_uplink(*state, "e", "enp2s0 enp2s0");
	assert_uplink(*state, "f", "no PF of its pool has a netdev to put a macvtap on");
}

static void uplink_is_the_pf_with_link_and_the_fewest_virtio_nics(void **state)
{
	struct host *host = *state;

	assert_uplink(host, "a", "enp1s0 enp1s0");
	put_virtio(host, "enp1s0.100");
	put_virtio(host, "enp2s0");
	put_virtio(host, "enp3s01"); /* another netdev whose name begins alike */
	assert_uplink(host, "a", "enp3s0 enp3s0");
	put_virtio(host, "enp3s0");
	put_virtio(host, "enp3s0");
	put_virtio(host, "enp1s0");
	assert_uplink(host, "a", "enp2s0 enp2s0");
	host->pf[1]->facts->link = SPCI_LINK_DOWN;
	assert_uplink(host, "a", "enp1s0 enp1s0");
	host->pf[0]->facts->link = SPCI_LINK_DOWN;
	assert_uplink(host, "a", "enp3s0 enp3s0");
	/* Without any link the fewest count again: one may come back. */
	host->pf[2]->facts->link = SPCI_LINK_DOWN;
	assert_uplink(host, "a", "enp2s0 enp2s0");
}

static void decision_as_json_has_every_candidate(void **state)
{
	struct host *host = *state;
	struct srv_decision *decision;
	json_t *json;
	g_autofree char *text = NULL;

	own(host, 0, 0);
	srv_model_set_pf_state(host->pf[2], SRV_PF_STUCK, "it hangs");
	g_clear_pointer(&host->pf[1]->facts->netdev, g_free);
	decision = srv_decide(host->model, network(host, "a"), 0);
	json = srv_decision_to_json(decision, SRV_BACKING_VF, "VF enp1s0/1 of pool fast");
	assert_true(json_integer_value(json_object_get(json, "time")) > 0);
	json_object_del(json, "time");
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(
		text,
		"{\"backing\":\"vf\",\"summary\":\"VF enp1s0/1 of pool fast\",\"candidates\":["
		"{\"pf\":\"0000:01:00.0\",\"netdev\":\"enp1s0\",\"chosen\":true,"
		"\"verdict\":\"chosen\",\"free\":1,\"owned\":1,\"dirty\":0,"
		"\"quarantined\":0,\"unusable\":0,\"linkUp\":true,\"numaLocal\":true,"
		"\"vf\":1},"
		"{\"pf\":\"0000:02:00.0\",\"netdev\":null,\"chosen\":false,"
		"\"verdict\":\"another PF is preferred\",\"free\":2,\"owned\":0,\"dirty\":0,"
		"\"quarantined\":0,\"unusable\":0,\"linkUp\":true,\"numaLocal\":false,"
		"\"vf\":0},"
		"{\"pf\":\"0000:03:00.0\",\"netdev\":\"enp3s0\",\"chosen\":false,"
		"\"verdict\":\"not ready\",\"free\":2,\"owned\":0,\"dirty\":0,"
		"\"quarantined\":0,\"unusable\":0,\"linkUp\":true,\"numaLocal\":false}]}");
	json_decref(json);
	srv_decision_free(decision);
}

#define decide_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		decide_test(decide_takes_the_lowest_of_equals),
		decide_test(decide_prefers_the_least_used_pf),
		decide_test(decide_prefers_the_owners_node_over_the_least_used),
		decide_test(decide_hands_out_nothing_of_a_pf_without_link),
		decide_test(decide_hands_out_nothing_of_a_pf_without_netdev),
		decide_test(decide_says_what_became_of_every_vf),
		decide_test(decide_knows_when_waiting_helps),
		decide_test(decide_of_a_pool_without_pfs_says_so),
		decide_test(decide_counts_a_pf_whose_vfs_are_still_to_be_made),
		decide_test(uplink_is_what_the_network_names),
		decide_test(uplink_is_the_pf_with_link_and_the_fewest_virtio_nics),
		decide_test(decision_as_json_has_every_candidate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
