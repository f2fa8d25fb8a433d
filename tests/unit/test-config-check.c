// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include "srv/sriovd/config.h"

/* A host with two ports of one card, of which the second has 4 VFs, and a bare PF. */
static struct spci_inventory *make_host(void)
{
	static const struct spci_pf pfs[] = {
		{ .bdf = { .bus = 1 },
		  .vendor = 0x8086,
		  .device = 0x10c9,
		  .driver = "igb",
		  .netdev = (char *)"enp1s0f0",
		  .total_vfs = 7 },
		{ .bdf = { .bus = 1, .function = 1 },
		  .vendor = 0x8086,
		  .device = 0x10c9,
		  .driver = "igb",
		  .netdev = (char *)"enp1s0f1",
		  .total_vfs = 7,
		  .num_vfs = 4 },
		{ .bdf = { .bus = 2 }, .vendor = 0x15b3, .device = 0x1017, .total_vfs = 8 },
	};
	struct spci_inventory *host = g_new0(struct spci_inventory, 1);

	host->pfs = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(pfs); i++)
		g_ptr_array_add(host->pfs, (gpointer)&pfs[i]);
	host->iommu = true;
	host->vfio = true;
	return host;
}

static void free_host(struct spci_inventory *host)
{
	g_ptr_array_unref(host->pfs);
	g_free(host);
}

static void assert_checked(const struct spci_inventory *host, const char *text,
			   const char *expected)
{
	const char *name = "a.json";
	g_autoptr(GPtrArray)
		problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
	g_autoptr(GString) lines = g_string_new(NULL);
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_config_parse(&name, &text, 1, &config, NULL, &err), err);
	srv_config_check_host(config, host, problems);
	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];

		g_string_append_printf(lines, "%s %s: %s\n", problem->is_error ? "E" : "W",
				       problem->subject, problem->message);
	}
	assert_string_equal(lines->str, expected);
	srv_config_unref(config);
}

static void assert_checked_here(const char *text, const char *expected)
{
	struct spci_inventory *host = make_host();

	assert_checked(host, text, expected);
	free_host(host);
}

#define PFS(a, b, c)                                            \
	"the host has enp1s0f0 (0000:01:00.0, 8086:10c9, igb" a \
	"), enp1s0f1 (0000:01:00.1, 8086:10c9, igb" b           \
	"), a PF without a network interface (0000:02:00.0, 15b3:1017, no driver" c ")\n"
#define OVERLAP(place, b, a, at, vf)                                                         \
	"E a.json:" place ": the pools \"" b "\" and \"" a "\" (at a.json:" at               \
	") both select the VF enp1s0f1/" vf ", and a VF can be in one pool only; give them " \
	"indices that do not meet, such as \"#0-3\" and \"#4-6\"\n"
#define BY(key) "; refused by \"" key "\""

static void check_host_sound_configuration_says_nothing(void **state)
{
	assert_checked_here("{}", "");
	assert_checked_here("{\"pools\":[{\"name\":\"a\",\"numVfs\":7,"
			    "\"select\":{\"pfNames\":[\"enp1s0f0#0-3\"]}},"
			    "{\"name\":\"b\",\"select\":{\"pfNames\":[\"enp1s0f0#4-6\"]}},"
			    "{\"name\":\"c\",\"numVfs\":8,\"select\":{\"vendors\":[\"15b3\"]}},"
			    "{\"name\":\"d\",\"select\":{\"pfNames\":[\"enp1s0f1#0-3\"]}}],"
			    "\"networks\":[{\"name\":\"n\",\"pool\":\"a\"}]}",
			    "");
}

static void check_host_pool_that_matches_nothing_told_why(void **state)
{
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"enp1s0\"]}}]}",
		"W a.json:1:11: the pool \"a\" matches nothing on this host; change its \"select\" "
		"or plug the NIC in; " PFS(BY("pfNames"), BY("pfNames"), BY("pfNames")));
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"select\":[{\"vendors\":[\"8086\"],"
		"\"drivers\":[\"ixgbe\"]},{\"pfNames\":[\"enp1s0f1\"],\"numaNodes\":[3]}]}]}",
		"W a.json:1:11: the pool \"a\" matches nothing on this host; change its \"select\" "
		"or plug the NIC in; " PFS(BY("drivers"), BY("drivers"), BY("vendors")));
}

static void check_host_without_nics_says_so(void **state)
{
	struct spci_inventory *host = make_host();

	g_ptr_array_set_size(host->pfs, 0);
	assert_checked(host, "{\"pools\":[{\"name\":\"a\",\"select\":{\"drivers\":[\"igb\"]}}]}",
		       "W a.json:1:11: the pool \"a\" matches nothing, since this host shows no "
		       "SR-IOV NIC at all; plug one in, or switch SR-IOV on in the firmware of the "
		       "host and of the NIC\n");
	free_host(host);
}

static void check_host_many_pfs_listed_in_part(void **state)
{
	struct spci_inventory *host = make_host();
	struct spci_pf *pf = host->pfs->pdata[2];

	g_ptr_array_set_size(host->pfs, 0);
	for (int i = 0; i < 11; i++)
		g_ptr_array_add(host->pfs, pf);
	assert_checked(
		host, "{\"pools\":[{\"name\":\"a\",\"select\":{\"vendors\":[\"8086\"]}}]}",
		"W a.json:1:11: the pool \"a\" matches nothing on this host; change its \"select\" "
		"or plug the NIC in; the host has "
		"a PF without a network interface (0000:02:00.0, 15b3:1017, no driver" BY(
			"vendors") "), "
				   "a PF without a network interface (0000:02:00.0, 15b3:1017, no "
				   "driver" BY(
					   "vendors") "), "
						      "a PF without a network interface "
						      "(0000:02:00.0, 15b3:1017, no driver" BY(
							      "vendors") "), "
									 "a PF without a network "
									 "interface (0000:02:00.0, "
									 "15b3:1017, no driver" BY(
										 "vendors") "), "
											    "a PF "
											    "withou"
											    "t a "
											    "networ"
											    "k "
											    "interf"
											    "ace "
											    "(0000:"
											    "02:00."
											    "0, "
											    "15b3:"
											    "1017, "
											    "no "
											    "drive"
											    "r" BY("vendors") "), "
													      "a PF without a network interface (0000:02:00.0, 15b3:1017, no driver" BY(
														      "vendors") "), "
																 "a PF without a network interface (0000:02:00.0, 15b3:1017, no driver" BY(
																	 "vendors") "), "
																		    "a PF without a network interface (0000:02:00.0, 15b3:1017, no driver" BY(
																			    "vendors") ") "
																				       "and 3 more\n");
	free_host(host);
}

static void check_host_named_pf_that_is_not_there(void **state)
{
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"numVfs\":7,"
		"\"select\":{\"pfNames\":[\"enp1s0f0\",\"enp9s0#0\"]}}]}",
		"W a.json:1:11: the pool \"a\" names enp9s0, which is no SR-IOV NIC of this host; "
		"correct the name or plug the NIC in; " PFS("", "", ""));
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"numVfs\":7,"
		"\"select\":{\"rootDevices\":[\"01:00.0\",\"0000:09:00.0\"]}}]}",
		"W a.json:1:11: the pool \"a\" names 0000:09:00.0, which is no SR-IOV NIC of this "
		"host; correct the name or plug the NIC in; " PFS("", "", ""));
}

static void check_host_num_vfs_above_total_refused(void **state)
{
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"numVfs\":8,\"select\":{\"vendors\":[\"8086\"]}}]}",
		"E a.json:1:11: the pool \"a\" wants 8 VFs, but enp1s0f0 (0000:01:00.0) can have "
		"no "
		"more than 7 (its TotalVFs); set \"numVfs\" to 7 or less\n"
		"E a.json:1:11: the pool \"a\" wants 8 VFs, but enp1s0f1 (0000:01:00.1) can have "
		"no "
		"more than 7 (its TotalVFs); set \"numVfs\" to 7 or less\n");
}

static void check_host_sriov_off_in_firmware_told(void **state)
{
	struct spci_inventory *host = make_host();
	struct spci_pf pf = *(struct spci_pf *)host->pfs->pdata[0];

	pf.total_vfs = 0;
	host->pfs->pdata[0] = &pf;
	assert_checked(host,
		       "{\"pools\":[{\"name\":\"a\",\"numVfs\":1,"
		       "\"select\":{\"pfNames\":[\"enp1s0f0\"]}}]}",
		       "E a.json:1:11: the pool \"a\" wants VFs of enp1s0f0 (0000:01:00.0), whose "
		       "TotalVFs is 0; switch SR-IOV on in the NIC's firmware\n");
	free_host(host);
}

static void check_host_keep_without_vfs_told(void **state)
{
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"enp1s0f0\"]}},"
		"{\"name\":\"b\",\"externallyManaged\":true,\"select\":{\"vendors\":[\"15b3\"]}}]}",
		"W a.json:1:11: the pool \"a\" takes the VFs that are there, but enp1s0f0 "
		"(0000:01:00.0) has none; set \"numVfs\" to have them created\n"
		"W a.json:1:58: the pool \"b\" takes the VFs that are there, but 0000:02:00.0 "
		"has none; whoever manages it must create them\n");
}

static void check_host_range_beyond_the_vfs_told(void **state)
{
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"enp1s0f1#2-4\"]}}]}",
		"W a.json:1:11: the pool \"a\" selects the VF enp1s0f1/4, which does not exist: "
		"enp1s0f1 has 4 VFs, so the last one is 3\n");
	/* Another pool creates more. */
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"enp1s0f1#2-4\"]}},"
		"{\"name\":\"b\",\"numVfs\":7,\"select\":{\"pfNames\":[\"enp1s0f1#5-6\"]}}]}",
		"");
}

static void check_host_overlap_names_both_places_and_the_vf(void **state)
{
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"numVfs\":7,\"select\":{\"vendors\":[\"8086\"]}},\n"
		"{\"name\":\"b\",\"select\":{\"pfNames\":[\"enp1s0f1#2-3\"]}},\n"
		"{\"name\":\"c\",\"select\":{\"rootDevices\":[\"01:00.1#3\"]}}]}",
		OVERLAP("2:1", "b", "a", "1:11", "2") OVERLAP("3:1", "c", "a", "1:11", "3")
			OVERLAP("3:1", "c", "b", "2:1", "3"));
	/* The later pool is complained about, also when its VFs come first. */
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"enp1s0f1#2-3\"]}},\n"
		"{\"name\":\"b\",\"select\":{\"rootDevices\":[\"01:00.1#0-2\"]}}]}",
		"E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) both select the VF "
		"enp1s0f1/2, and a VF can be in one pool only; give them indices that do not meet, "
		"such as \"#0-3\" and \"#4-6\"\n");
}

static void check_host_third_pool_inside_two_found(void **state)
{
	/* b lies in a; c overlaps a behind b's end; d meets nobody. */
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"numVfs\":7,\"select\":{\"rootDevices\":[\"01:00.1#0-"
		"4\"],"
		"\"drivers\":[\"igb\"]}},\n"
		"{\"name\":\"b\",\"select\":{\"pfNames\":[\"enp1s0f1#1\"]}},\n"
		"{\"name\":\"c\",\"select\":{\"pfNames\":[\"enp1s0f1#4-5\"]}},\n"
		"{\"name\":\"d\",\"select\":{\"pfNames\":[\"enp1s0f1#6\"]}}]}",
		"E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) both select the VF "
		"enp1s0f1/1, and a VF can be in one pool only; give them indices that do not meet, "
		"such as \"#0-3\" and \"#4-6\"\n"
		"E a.json:3:1: the pools \"c\" and \"a\" (at a.json:1:11) both select the VF "
		"enp1s0f1/4, and a VF can be in one pool only; give them indices that do not meet, "
		"such as \"#0-3\" and \"#4-6\"\n");
}

static void check_host_every_pair_of_three_told_once(void **state)
{
	/* All three at VF 2; a and c meet twice more. */
	assert_checked_here("{\"pools\":[{\"name\":\"a\",\"numVfs\":7,\"select\":{\"rootDevices\":["
			    "\"01:00.1\"],"
			    "\"drivers\":[\"igb\"]}},\n"
			    "{\"name\":\"b\",\"select\":{\"pfNames\":[\"enp1s0f1#1-2\"]}},\n"
			    "{\"name\":\"c\",\"select\":{\"rootDevices\":[\"01:00.1#2,4,6\"]}}]}",
			    OVERLAP("2:1", "b", "a", "1:11", "1")
				    OVERLAP("3:1", "c", "a", "1:11", "2")
					    OVERLAP("3:1", "c", "b", "2:1", "2"));
}

static void check_host_pools_side_by_side_not_confused(void **state)
{
	assert_checked_here("{\"pools\":[{\"name\":\"a\",\"numVfs\":7,\"select\":{\"pfNames\":"
			    "[\"enp1s0f1#0,2,6\"]}},{\"name\":\"b\",\"select\":{\"rootDevices\":"
			    "[\"01:00.1#1,3-5\"]}}]}",
			    "");
}

static void check_host_one_pf_two_numbers_refused(void **state)
{
	assert_checked_here(
		"{\"pools\":[{\"name\":\"a\",\"numVfs\":7,"
		"\"select\":{\"rootDevices\":[\"01:00.1#0-1\"]}},\n"
		"{\"name\":\"b\",\"numVfs\":4,\"select\":{\"pfNames\":[\"enp1s0f1#2-3\"]}}]}",
		"E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) want 4 and 7 VFs of "
		"enp1s0f1, and a PF has one number of VFs; give both the same \"numVfs\"\n");
	assert_checked_here("{\"pools\":[{\"name\":\"a\",\"externallyManaged\":true,"
			    "\"select\":{\"rootDevices\":[\"01:00.1#0-1\"]}},\n"
			    "{\"name\":\"b\",\"select\":{\"pfNames\":[\"enp1s0f1#2-3\"]}}]}",
			    "E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) both select "
			    "enp1s0f1, but "
			    "only \"a\" is \"externallyManaged\"; a PF is managed by one of us\n");
}

/* FAULTS row 22: no IOMMU, or a shared group */
static void check_host_without_iommu_or_vfio_warned(void **state)
{
	static const char vfio[] =
		"{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"enp1s0f1\"]}}]}";
	static const char netdev[] = "{\"pools\":[{\"name\":\"a\",\"deviceType\":\"netdevice\","
				     "\"select\":{\"pfNames\":[\"enp1s0f1\"]}}]}";
	static const char no_module[] =
		"W host: the kernel module vfio-pci is not loaded, so no VF can be prepared for a "
		"guest; run \"modprobe vfio-pci\" and add a line \"vfio-pci\" to a file in "
		"/etc/modules-load.d\n";
	g_autofree char *both = g_strdup_printf(
		"W host: no IOMMU is running, so no VF can be given to a guest; switch VT-d or "
		"AMD-Vi on in the host's firmware, put intel_iommu=on on the kernel's command line "
		"(Intel), and reboot\n%s",
		no_module);
	struct spci_inventory *host = make_host();

	host->iommu = false;
	host->vfio = false;
	assert_checked(host, vfio, both);
	assert_checked(host, netdev, "");
	free_host(host);
}

/* FAULTS row 22: VFIO without an IOMMU, or with unsafe interrupts */
static void check_host_with_unsafe_vfio_warned_unless_allowed(void **state)
{
#define POOL "\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"enp1s0f1\"]}}]}"
	static const char strict[] = "{" POOL;
	static const char allowed[] =
		"{\"vfio\":{\"allowUnsafeInterrupts\":true,\"allowNoIommu\":true}," POOL;
	struct spci_inventory *host = make_host();

	host->noiommu = true;
	/* Those behind the IOMMU are not concerned. */
	assert_checked(host, strict, "");
	host->iommu = false;
	assert_checked(host, strict,
		       "W host: no IOMMU is running, and VFIO is in its mode without one "
		       "(enable_unsafe_noiommu_mode=Y), in which whoever has a VF can write to "
		       "all of the host's memory, so no VF is given to anybody; switch VT-d or "
		       "AMD-Vi on in the host's firmware, put intel_iommu=on on the kernel's "
		       "command line (Intel), and reboot; or set \"vfio\": {\"allowNoIommu\": "
		       "true}\n");
	assert_checked(host, allowed, "");
	host->iommu = true;
	host->noiommu = false;
	host->unsafe_interrupts = true;
	assert_checked(host, strict,
		       "W host: this host lets VFIO give devices away without interrupt remapping "
		       "(allow_unsafe_interrupts=Y), so that whoever has a VF may raise any "
		       "interrupt of the host, so no VF is given to anybody; set the parameter of "
		       "the modules vfio_iommu_type1 and iommufd to N (in /etc/modprobe.d), or set "
		       "\"vfio\": {\"allowUnsafeInterrupts\": true}\n");
	assert_checked(host, allowed, "");
	free_host(host);
#undef POOL
}

static void check_host_macvtap_without_netdev_warned(void **state)
{
	static const char pool[] = "{\"pools\":[{\"name\":\"a\",\"numVfs\":8,"
				   "\"select\":{\"vendors\":[\"15b3\"]}}],\n\"networks\":[{"
				   "\"name\":\"n\",\"pool\":\"a\",\"fallback\":%s}]}";
	g_autofree char *on_pf = g_strdup_printf(pool, "{}");
	g_autofree char *on_bond = g_strdup_printf(pool, "{\"uplink\":\"bond0\"}");
	g_autofree char *bridge = g_strdup_printf(pool, "{\"type\":\"bridge\",\"bridge\":\"br0\"}");

	assert_checked_here(
		on_pf,
		"W a.json:2:13: the network \"n\" falls back to macvtap on a PF of the pool \"a\", "
		"but none of them has a network interface here; bind the PF to its driver, or name "
		"another \"uplink\" in \"fallback\"\n");
	assert_checked_here(on_bond, "");
	assert_checked_here(bridge, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_host_sound_configuration_says_nothing),
		cmocka_unit_test(check_host_pool_that_matches_nothing_told_why),
		cmocka_unit_test(check_host_without_nics_says_so),
		cmocka_unit_test(check_host_many_pfs_listed_in_part),
		cmocka_unit_test(check_host_named_pf_that_is_not_there),
		cmocka_unit_test(check_host_num_vfs_above_total_refused),
		cmocka_unit_test(check_host_sriov_off_in_firmware_told),
		cmocka_unit_test(check_host_keep_without_vfs_told),
		cmocka_unit_test(check_host_range_beyond_the_vfs_told),
		cmocka_unit_test(check_host_overlap_names_both_places_and_the_vf),
		cmocka_unit_test(check_host_third_pool_inside_two_found),
		cmocka_unit_test(check_host_every_pair_of_three_told_once),
		cmocka_unit_test(check_host_pools_side_by_side_not_confused),
		cmocka_unit_test(check_host_one_pf_two_numbers_refused),
		cmocka_unit_test(check_host_without_iommu_or_vfio_warned),
		cmocka_unit_test(check_host_with_unsafe_vfio_warned_unless_allowed),
		cmocka_unit_test(check_host_macvtap_without_netdev_warned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
