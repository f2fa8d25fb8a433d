// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/promote-policy.h"
#include "tests/support/describe-model.h"

#define CONFIG(failover)                                                                    \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\",\"enp2s0\"]}}," \
	"{\"name\":\"other\",\"select\":{\"pfNames\":[\"enp3s0\"]}}],"                      \
	"\"networks\":[{\"name\":\"a\",\"pool\":\"fast\"},{\"name\":\"o\",\"pool\":"        \
	"\"other\"}],\"failover\":{" failover "}}"

#define NOW (1000 * G_USEC_PER_SEC)

/* Two PFs of one pool, one of another, each of two clean VFs. */
static struct srv_model *model;
static uint8_t macs;

static void configure(const char *text)
{
	const char *name = "a.json";
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_config_parse(&name, &text, 1, &config, NULL, &err), err);
	srv_model_set_config(model, config);
	srv_config_unref(config);
}

static struct srv_pf *pf_at(guint i)
{
	return model->pfs->pdata[i];
}

static struct srv_vf *vf_at(guint pf, guint vf)
{
	return pf_at(pf)->vfs->pdata[vf];
}

static int set_up(void **state)
{
	struct spci_inventory inventory = { .pfs = g_ptr_array_new_with_free_func(
						    (GDestroyNotify)spci_pf_free) };

	model = srv_model_new();
	macs = 0;
	configure(CONFIG("\"promotionsPerPf\":64"));
	for (uint8_t i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("enp%us0", i + 1);

		g_ptr_array_add(inventory.pfs, describe_make_pf(i + 1, name, 10 + i, 2));
	}
	srv_model_set_inventory(model, &inventory);
	g_ptr_array_unref(inventory.pfs);
	for (guint i = 0; i < 3; i++) {
		srv_model_set_pf_state(pf_at(i), SRV_PF_READY, NULL);
		for (guint j = 0; j < 2; j++)
			srv_model_mark_vf(vf_at(i, j), SRV_VF_CLEAN, NULL);
	}
	return 0;
}

static int tear_down(void **state)
{
	srv_model_free(model);
	return 0;
}

static struct srv_nic *add(const char *owner, enum srv_mode mode, uint32_t priority, int64_t place)
{
	struct srv_nic_row row = { .owner = { SRV_OWNER_LIBVIRT, (char *)owner, (char *)owner },
				   .id = (char *)"net0",
				   .network = (char *)"a",
				   .mode = mode,
				   .priority = priority,
				   .waiting_since = 1,
				   .waiting_place = place,
				   .state = SRV_NIC_ATTACHED,
				   .mac = { { 0x52, 0x54, 0, 0, 0, macs++ } } };

	return srv_model_add_nic(model, &row);
}

/* One that runs on virtio over enp1s0 and could use a VF. */
static struct srv_nic *add_waiting(const char *owner, uint32_t priority, int64_t place)
{
	struct srv_nic *nic = add(owner, SRV_MODE_FAILOVER, priority, place);

	srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
	nic->row.uplink = g_strdup("enp1s0");
	nic->team.negotiated = SRV_NEGOTIATED_YES;
	return nic;
}

static struct srv_nic *add_promoted(const char *owner, uint32_t priority, struct srv_vf *vf)
{
	struct srv_nic *nic = add(owner, SRV_MODE_FAILOVER, priority, 0);

	srv_model_set_backing(nic, SRV_BACKING_VF, vf);
	return nic;
}

/* All promotions that begin now, as "web1 enp1s0/0, …". */
static char *promote_all(void)
{
	GString *text = g_string_new(NULL);
	struct srv_promotion promotion;

	while (srv_promote_next(model, NOW, &promotion)) {
		g_autofree char *vf = srv_vf_name(promotion.vf);

		g_string_append_printf(text, "%s%s %s", text->len ? ", " : "",
				       promotion.nic->row.owner.name, vf);
		srv_model_set_backing(promotion.nic, SRV_BACKING_VF, promotion.vf);
		srv_model_set_nic_state(promotion.nic, SRV_NIC_ATTACHING, NULL);
		promotion.nic->busy = true;
	}
	return g_string_free(text, FALSE);
}

static void assert_promoted(const char *expected)
{
	g_autofree char *text = promote_all();

	assert_string_equal(text, expected);
}

static char *queue(void)
{
	g_autoptr(GPtrArray) nics = srv_promote_queue(model, NULL, NOW);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < nics->len; i++)
		g_string_append_printf(text, "%s%s", i ? " " : "",
				       ((const struct srv_nic *)nics->pdata[i])->row.owner.name);
	return g_string_free(text, FALSE);
}

static void queue_priority_then_wait_then_name(void **state)
{
	g_autofree char *text = NULL;

	add_waiting("low-old", 1, 10);
	add_waiting("high-new", 5, 30);
	add_waiting("low-new-b", 1, 20);
	add_waiting("low-new-a", 1, 20);
	add_waiting("cannot", 9, 1)->team.negotiated = SRV_NEGOTIATED_NO;
	add("exclusive", SRV_MODE_EXCLUSIVE, 9, 1);
	add_promoted("has", 9, vf_at(0, 0));
	text = queue();
	assert_string_equal(text, "high-new low-old low-new-a low-new-b cannot");
}

static void queue_known_to_join_before_unknown(void **state)
{
	g_autofree char *text = NULL;

	add_waiting("unknown", 1, 1)->team.negotiated = SRV_NEGOTIATED_UNKNOWN;
	add_waiting("known", 1, 2);
	add_waiting("higher", 2, 3)->team.negotiated = SRV_NEGOTIATED_UNKNOWN;
	text = queue();
	assert_string_equal(text, "higher known unknown");
}

static void queue_with_preemption_known_to_join_first_of_all(void **state)
{
	g_autofree char *text = NULL;

	configure(CONFIG("\"preempt\":true"));
	add_waiting("unknown", 9, 1)->team.negotiated = SRV_NEGOTIATED_UNKNOWN;
	add_waiting("cannot", 9, 1)->team.negotiated = SRV_NEGOTIATED_NO;
	add_waiting("known", 1, 2);
	add_waiting("higher", 2, 3);
	text = queue();
	assert_string_equal(text, "higher known unknown cannot");
}

static void wait_each_obstacle_named(void **state)
{
	struct srv_nic *nic = add_waiting("web", 0, 1);

	assert_int_equal(srv_promote_wait(nic, NOW), SRV_WAIT_READY);
	nic->team.not_before = NOW + 1;
	assert_int_equal(srv_promote_wait(nic, NOW), SRV_WAIT_RESTING);
	assert_int_equal(srv_promote_wait(nic, NOW + 1), SRV_WAIT_READY);
	nic->team.negotiated = SRV_NEGOTIATED_UNKNOWN;
	assert_int_equal(srv_promote_wait(nic, NOW + 1), SRV_WAIT_READY);
	nic->team.negotiated = SRV_NEGOTIATED_NO;
	assert_int_equal(srv_promote_wait(nic, NOW + 1), SRV_WAIT_NOT_NEGOTIATED);
	nic->row.state = SRV_NIC_RESERVED;
	assert_int_equal(srv_promote_wait(nic, NOW), SRV_WAIT_NOT_RUNNING);
	nic->busy = true;
	assert_int_equal(srv_promote_wait(nic, NOW), SRV_WAIT_BUSY);
	srv_model_set_backing(nic, SRV_BACKING_VF, vf_at(0, 0));
	assert_int_equal(srv_promote_wait(nic, NOW), SRV_WAIT_HAS_VF);
}

static void next_own_pf_first_then_least_used(void **state)
{
	add_waiting("a", 0, 1);
	add_waiting("b", 0, 2);
	add_waiting("c", 0, 3);
	add_waiting("d", 0, 4);
	add_waiting("e", 0, 5);
	assert_promoted("a enp1s0/0, b enp1s0/1, c enp2s0/0, d enp2s0/1");
}

static void next_vlan_link_belongs_to_its_pf(void **state)
{
	struct srv_nic *nic = add_waiting("a", 0, 1);

	g_free(nic->row.uplink);
	nic->row.uplink = g_strdup("enp2s0.100");
	assert_promoted("a enp2s0/0");
}

static void next_other_pool_not_held_up(void **state)
{
	struct srv_nic *other;

	for (guint i = 0; i < 2; i++) {
		add_promoted(i ? "x1" : "x0", 0, vf_at(0, i));
		add_promoted(i ? "y1" : "y0", 0, vf_at(1, i));
	}
	add_waiting("first", 9, 1);
	other = add_waiting("other", 0, 1);
	g_free(other->row.network);
	other->row.network = g_strdup("o");
	assert_promoted("other enp3s0/0");
}

static void next_limit_per_pf_kept(void **state)
{
	configure(CONFIG("\"promotionsPerPf\":1"));
	add_waiting("a", 0, 1);
	add_waiting("b", 0, 2);
	add_waiting("c", 0, 3);
	assert_promoted("a enp1s0/0, b enp2s0/0");
}

static void next_nothing_of_drained_down_or_fresh_links(void **state)
{
	configure(CONFIG("\"promoteAfterSeconds\":5"));
	pf_at(0)->drained = true;
	pf_at(1)->facts->link = SPCI_LINK_DOWN;
	add_waiting("a", 0, 1);
	assert_promoted("");
	/* Back, but only since a moment ago. */
	pf_at(1)->facts->link = SPCI_LINK_UP;
	pf_at(1)->link_since = NOW - 5 * G_USEC_PER_SEC + 1;
	assert_promoted("");
	pf_at(1)->link_since--;
	assert_promoted("a enp2s0/0");
}

static void next_dirty_vf_not_given(void **state)
{
	for (guint i = 0; i < 2; i++) {
		srv_model_mark_vf(vf_at(0, i), SRV_VF_DIRTY, NULL);
		srv_model_mark_vf(vf_at(1, i), SRV_VF_QUARANTINED, "broken");
	}
	add_waiting("a", 0, 1);
	assert_promoted("");
}

static void fill_pool(uint32_t first_priority)
{
	add_promoted("p0", first_priority, vf_at(0, 0))->row.since = 10;
	add_promoted("p1", first_priority + 1, vf_at(0, 1))->row.since = 20;
	add_promoted("p2", first_priority, vf_at(1, 0))->row.since = 30;
	add_promoted("p3", first_priority + 2, vf_at(1, 1))->row.since = 40;
}

static const char *victim(void)
{
	const struct srv_nic *wants = NULL;
	const struct srv_nic *nic = srv_promote_next_victim(model, NOW, &wants);

	assert_int_equal(nic != NULL, wants != NULL);
	return nic ? nic->row.owner.name : NULL;
}

static void victim_only_when_configured(void **state)
{
	fill_pool(0);
	add_waiting("high", 9, 1);
	assert_null(victim());
	configure(CONFIG("\"preempt\":true"));
	assert_string_equal(victim(), "p2");
}

static void victim_of_lower_priority_only(void **state)
{
	configure(CONFIG("\"preempt\":true"));
	fill_pool(5);
	add_waiting("same", 5, 1);
	assert_null(victim());
	add_waiting("higher", 6, 1);
	assert_string_equal(victim(), "p2");
}

static void victim_never_for_one_that_has_not_said_it_joins(void **state)
{
	configure(CONFIG("\"preempt\":true"));
	fill_pool(5);
	add_waiting("unknown", 9, 1)->team.negotiated = SRV_NEGOTIATED_UNKNOWN;
	assert_null(victim());
	/* Who stands behind it is not held up. */
	add_waiting("known", 6, 2);
	assert_string_equal(victim(), "p2");
}

static void victim_none_while_something_comes(void **state)
{
	struct srv_nic *leaving;

	configure(CONFIG("\"preempt\":true"));
	fill_pool(0);
	add_waiting("high", 9, 1);
	leaving = vf_at(0, 0)->nic;
	leaving->row.state = SRV_NIC_DETACHING;
	assert_null(victim());
	/* It has left, and its VF is being scrubbed. */
	srv_model_set_backing(leaving, SRV_BACKING_VIRTIO, NULL);
	leaving->row.state = SRV_NIC_ATTACHED;
	leaving->team.not_before = NOW + 1;
	assert_null(victim());
	srv_model_mark_vf(vf_at(0, 0), SRV_VF_QUARANTINED, "broken");
	assert_string_equal(victim(), "p2");
}

static void victim_who_refused_or_helps_nobody_left_alone(void **state)
{
	configure(CONFIG("\"preempt\":true"));
	fill_pool(0);
	add_waiting("high", 9, 1);
	vf_at(1, 0)->nic->team.ask_again = NOW + 1;
	assert_string_equal(victim(), "p0");
	pf_at(0)->facts->link = SPCI_LINK_DOWN;
	assert_string_equal(victim(), "p3");
	pf_at(1)->drained = true;
	assert_null(victim());
}

static void victim_for_a_start_by_its_priority(void **state)
{
	struct srv_nic *starts = add("starts", SRV_MODE_REQUIRED, 1, 0);

	configure(CONFIG("\"preempt\":true"));
	fill_pool(0);
	starts->row.state = SRV_NIC_IDLE;
	assert_string_equal(srv_promote_victim(model, starts, NOW)->row.owner.name, "p2");
	starts->row.priority = 0;
	assert_null(srv_promote_victim(model, starts, NOW));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(queue_priority_then_wait_then_name),
		CASE(queue_known_to_join_before_unknown),
		CASE(queue_with_preemption_known_to_join_first_of_all),
		CASE(wait_each_obstacle_named),
		CASE(next_own_pf_first_then_least_used),
		CASE(next_vlan_link_belongs_to_its_pf),
		CASE(next_other_pool_not_held_up),
		CASE(next_limit_per_pf_kept),
		CASE(next_nothing_of_drained_down_or_fresh_links),
		CASE(next_dirty_vf_not_given),
		CASE(victim_only_when_configured),
		CASE(victim_of_lower_priority_only),
		CASE(victim_never_for_one_that_has_not_said_it_joins),
		CASE(victim_none_while_something_comes),
		CASE(victim_who_refused_or_helps_nobody_left_alone),
		CASE(victim_for_a_start_by_its_priority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
