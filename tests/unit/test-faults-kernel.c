// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel refuses, forgets or does not have (tests/FAULTS.md). */
#include <errno.h>
#include <sys/resource.h>

#include "srv/sriovd/reconcile.h"
#include "tests/unit/sim-host.h"

#define NEUTRAL "00:00:00:00:00:00 vlan 0 qos 0 rate 0-0 spoofchk"

/* No descriptor can be had beyond those that are open and so many more. */
static void set_spare_descriptors(int n)
{
	struct rlimit limit;
	int next = dup(0);

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n < 0 ? limit.rlim_max : (rlim_t)(next + n);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* FAULTS row 9: what needs a descriptor fails, and is made up for as soon as there are some. */
static void claim_without_descriptors_fails_and_nothing_else(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	set_spare_descriptors(0);
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "Too many open files");
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n");
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_run(5000);
	set_spare_descriptors(-1);
	sim_run(150 * 1000);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_rules();
}

static void refuse_attr(enum snl_vf_attr attr, int err, const char *words)
{
	int bit = __builtin_ctz(attr);

	sim_world->faults.attr[bit].err = err;
	g_strlcpy(sim_world->faults.attr[bit].words, words,
		  sizeof(sim_world->faults.attr[bit].words));
}

/* FAULTS row 10: by each errno, and by each attribute that the network sets. */
static void attribute_refused_leaves_none_and_is_named(void **state)
{
	static const enum snl_vf_attr attrs[] = { SNL_VF_MAC, SNL_VF_VLAN, SNL_VF_RATE };
	static const int errnos[] = { EOPNOTSUPP, EBUSY, EPERM };
	const struct sim_faults none = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(attrs) * G_N_ELEMENTS(errnos); i++) {
		enum snl_vf_attr attr = attrs[i % G_N_ELEMENTS(attrs)];
		g_autofree char *why = NULL;

		refuse_attr(attr, errnos[i / G_N_ELEMENTS(attrs)], "the card does not like it");
		why = sim_claim_vf("dpdk", "p0", "a");
		assert_non_null(why);
		if (!strstr(why, snl_vf_attr_name(attr)) ||
		    !strstr(why, "the card does not like it"))
			fail_msg("\"%s\" names not %s, or has not the kernel's words", why,
				 snl_vf_attr_name(attr));
		sim_world->faults = none;
		sim_run(150 * 1000);
		sim_settle();
		sim_assert_nics("");
		sim_assert_counts("enp1s0", "7 free");
		for (uint32_t vf = 0; vf < SIM_VFS; vf++)
			sim_assert_attrs(1, vf, NEUTRAL);
	}
	sim_assert_rules();
}

/* FAULTS row 12: a claim is refused, a scrub waits; nothing is set that the driver would forget. */
static void pf_down_refuses_claims_and_keeps_scrubs_waiting(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	/* Nobody has told us. */
	set_link("enp1s0", false, true, false);
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "is down");
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "is down");
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "5 free, 2 dirty");
	set_link("enp1s0", false, true, true);
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "link down");
	set_link("enp1s0", true, true, true);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_attrs(1, 0, NEUTRAL);
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_rules();
}

static int set_up_without_vfio(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	tree_delete(sim_root, "sys/bus/pci/drivers/vfio-pci");
	sim_start();
	return 0;
}

static void assert_virtio_instead(void)
{
	const struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");
	g_autofree char *path = g_build_filename(
		sim_root, "sys/bus/pci/devices/0000:01:02.0/driver_override", NULL);
	g_autofree char *override = NULL;
	const char *reason;

	sim_assert_counts("enp1s0", "7 unusable");
	assert_int_equal(srv_vf_state(vf, &reason), SRV_VF_UNUSABLE);
	assert_non_null(strstr(reason, "not bound to vfio-pci"));
	assert_true(g_file_get_contents(path, &override, NULL, NULL));
	assert_null(strstr(override, "vfio"));
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_assert_refused(sim_boot(sim_guest(2, "a", SRV_MODE_REQUIRED)), "not bound to vfio-pci");
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\nweb2/net0 idle none\n");
	sim_assert_rules();
}

/* FAULTS row 21: vfio-pci missing, or bind fails */
static void vfio_missing_leaves_virtio_and_is_made_up_for(void **state)
{
	assert_virtio_instead();
	tree_dir(sim_root, "sys/bus/pci/drivers/vfio-pci");
	sim_run(150 * 1000);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 22: a VF whose group holds another device as well is not offered, and says so. */
static void vf_in_a_shared_group_is_not_offered(void **state)
{
	const struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");
	const char *dir = "sys/devices/pci0000:00/0000:00:1f.0/";
	g_autofree char *link = g_strconcat(dir, "iommu_group", NULL);
	g_autofree char *class = g_strconcat(dir, "class", NULL);
	g_autofree char *group = g_strdup_printf("../../../kernel/iommu_groups/%u",
						 sim_world->pf[0].vf[0].group);
	const char *reason;

	tree_link(sim_root, link, group);
	tree_file(sim_root, class, "0x010600");
	tree_link(sim_root, "sys/bus/pci/devices/0000:00:1f.0",
		  "../../../devices/pci0000:00/0000:00:1f.0");
	sim_link_overrun();
	sim_settle();
	assert_int_equal(srv_vf_state(vf, &reason), SRV_VF_UNUSABLE);
	assert_non_null(strstr(reason, "IOMMU group holds other devices too"));
	sim_assert_counts("enp1s0", "6 free, 1 unusable");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* FAULTS row 22: without an IOMMU guests get virtio, and the VFs say what to switch on. */
static int set_up_without_iommu(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	tree_delete(sim_root, "sys/kernel/iommu_groups");
	for (uint8_t bus = 1; bus <= SIM_PFS; bus++) {
		g_autofree char *path = pf_path(bus, "iommu_group");
		tree_delete(sim_root, path);
	}
	sim_world->next_group = 0;
	sim_start();
	return 0;
}

static void vfs_without_iommu_are_not_offered(void **state)
{
	const struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");
	const char *reason;

	sim_assert_counts("enp1s0", "7 unusable");
	assert_int_equal(srv_vf_state(vf, &reason), SRV_VF_UNUSABLE);
	assert_non_null(strstr(reason, "enable the IOMMU in the firmware"));
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_assert_refused(sim_boot(sim_guest(2, "a", SRV_MODE_REQUIRED)), "IOMMU");
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\nweb2/net0 idle none\n");
	sim_assert_rules();
}

/* SIM_CONFIG_ONE_PF with another member, and its VFs of that type. */
#define CONFIG_WITH(member, type)                                               \
	"{" member "\"pools\":[{\"name\":\"fast\",\"deviceType\":\"" type "\"," \
	"\"select\":{\"pfNames\":[\"enp1s0\"]},\"numVfs\":7}],"                 \
	"\"networks\":[{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100}]}"

static void reload(const char *config)
{
	sim_configure(config);
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_settle();
	assert_null(sim_daemon->reload_error);
}

static void look_at_host(void)
{
	sim_link_overrun();
	sim_settle();
}

static const char *why_unusable(const char *vf)
{
	const char *reason;

	assert_int_equal(srv_vf_state(srv_model_find_vf(sim_daemon->model, vf), &reason),
			 SRV_VF_UNUSABLE);
	return reason;
}

/* FAULTS row 22: the groups are VFIO's own, with no IOMMU behind them. */
static void vfs_of_vfio_without_an_iommu_are_given_only_where_allowed(void **state)
{
	tree_file(sim_root, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
	for (int i = 0; i < SIM_VFS; i++) {
		g_autofree char *path = g_strdup_printf("sys/kernel/iommu_groups/%u/name",
							sim_world->pf[0].vf[i].group);

		tree_file(sim_root, path, "vfio-noiommu");
	}
	look_at_host();
	sim_assert_counts("enp1s0", "7 unusable");
	assert_non_null(strstr(why_unusable("enp1s0/0"), "allowNoIommu"));
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "write to all of the host's memory");
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_rules();
	reload(CONFIG_WITH("\"vfio\":{\"allowUnsafeInterrupts\":true},", "vfio-pci"));
	sim_assert_counts("enp1s0", "7 unusable");
	reload(CONFIG_WITH("\"vfio\":{\"allowNoIommu\":true},", "vfio-pci"));
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_rules();
}

/* FAULTS row 22: whoever has a VF could raise any interrupt of the host. */
static void vfs_with_unsafe_interrupts_are_given_only_where_allowed(void **state)
{
	static const char *const modules[] = { "vfio_iommu_type1", "iommufd" };

	for (size_t i = 0; i < G_N_ELEMENTS(modules); i++) {
		g_autofree char *path = g_strdup_printf(
			"sys/module/%s/parameters/allow_unsafe_interrupts", modules[i]);

		tree_file(sim_root, path, "Y");
		look_at_host();
		sim_assert_counts("enp1s0", "7 unusable");
		assert_non_null(strstr(why_unusable("enp1s0/0"), "allowUnsafeInterrupts"));
		sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "interrupt remapping");
		tree_file(sim_root, path, "N");
		look_at_host();
		sim_assert_counts("enp1s0", "7 free");
	}
	tree_file(sim_root, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y");
	look_at_host();
	reload(CONFIG_WITH("\"vfio\":{\"allowNoIommu\":true},", "vfio-pci"));
	sim_assert_counts("enp1s0", "7 unusable");
	reload(CONFIG_WITH("\"vfio\":{\"allowUnsafeInterrupts\":true},", "vfio-pci"));
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_rules();
}

static bool is_unclaimed(void *claim)
{
	return ((const struct sim_claim *)claim)->state == SIM_UNCLAIMED;
}

/* FAULTS row 20: a netlink call that does not come back from the driver. */
static void vf_set_that_never_returns_costs_its_pf_only(void **state)
{
	struct sim_claim *behind = sim_claim_of("dpdk", "p1");

	sim_world->faults.hang_sets = 1 + 1;
	srv_model_find_pf(sim_daemon->model, "enp2s0")->drained = true;
	sim_begin_claim(behind, "a");
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "did not come back from its driver");
	srv_model_find_pf(sim_daemon->model, "enp2s0")->drained = false;
	/* Both are told at that moment, and not one after another's deadline. */
	assert_true(sim_run_until(is_unclaimed, behind, 5000));
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_STUCK);
	assert_int_equal(model_pf("enp2s0")->state, SRV_PF_READY);
	sim_assert_done(sim_claim_vf("dpdk", "p2", "a"));
	sim_assert_nics("dpdk/p2 attached vf enp2s0/0\n");
	/* What was being set then is not known: it is nobody's before it was scrubbed. */
	sim_assert_counts("enp1s0", "5 free, 2 dirty");
	sim_run(150 * 1000);
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_STUCK);
	sim_assert_rules();
	sim_world->faults.hang_sets = 0;
	sim_settle();
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_READY);
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_attrs(1, 0, NEUTRAL);
	sim_assert_attrs(1, 1, NEUTRAL);
	sim_assert_rules();
}

/*
 * FAULTS row 20: ditto, with the kernel's RTNL lock held, of which there is one: no PF can be
 * worked on then, and whoever asks for that is told, each after one deadline.
 */
static void driver_that_hangs_with_the_rtnl_lock_held_refuses_claims(void **state)
{
	sim_world->faults.hang_sets = sim_world->faults.hang_looks = SIM_EVERY_PF;
	sim_world->faults.hang_links = true;
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "did not come back from its driver");
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "did not come back from its driver");
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_STUCK);
	assert_int_equal(model_pf("enp2s0")->state, SRV_PF_STUCK);
	sim_assert_refused(sim_claim_vf("dpdk", "p2", "a"), "it is stuck");
	sim_world->faults.hang_sets = sim_world->faults.hang_looks = 0;
	sim_world->faults.hang_links = false;
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_counts("enp2s0", "7 free");
	sim_assert_done(sim_claim_vf("dpdk", "p2", "a"));
	sim_assert_rules();
}

/* FAULTS row 20: ditto, with no other PF to go to, and in a scrub. */
static void pf_whose_scrub_never_returns_refuses_claims(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_world->faults.hang_sets = 1 + 1;
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_run(100 * 1000);
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_STUCK);
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "it is stuck");
	sim_assert_counts("enp1s0", "6 free, 1 dirty");
	sim_world->faults.hang_sets = 0;
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_rules();
}

/* FAULTS row 20: ditto, in the VF of a guest that can do with virtio. */
static void guest_whose_vf_set_never_returns_gets_virtio(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_world->faults.hang_sets = 1 + 1;
	sim_assert_done(sim_boot(web));
	sim_run(100 * 1000);
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_rules();
	sim_world->faults.hang_sets = 0;
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(claim_without_descriptors_fails_and_nothing_else),
		sim_test(attribute_refused_leaves_none_and_is_named),
		sim_test(pf_down_refuses_claims_and_keeps_scrubs_waiting),
		sim_test_of(vfio_missing_leaves_virtio_and_is_made_up_for, set_up_without_vfio),
		sim_test(vf_in_a_shared_group_is_not_offered),
		sim_test_of(vfs_without_iommu_are_not_offered, set_up_without_iommu),
		sim_test(vfs_of_vfio_without_an_iommu_are_given_only_where_allowed),
		sim_test(vfs_with_unsafe_interrupts_are_given_only_where_allowed),
		sim_test_two(vf_set_that_never_returns_costs_its_pf_only),
		sim_test_two(driver_that_hangs_with_the_rtnl_lock_held_refuses_claims),
		sim_test(pf_whose_scrub_never_returns_refuses_claims),
		sim_test(guest_whose_vf_set_never_returns_gets_virtio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
