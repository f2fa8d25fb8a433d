// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A configuration held against a host. What cannot work with the NICs that are there is an error;
 * what may yet come (a NIC that is plugged in later, a module loaded later) is a warning.
 */
#include "base/parse.h"
#include "srv/sriovd/config-overlap.h"
#include "srv/sriovd/config-reader.h"
#include "srv/sriovd/config-select.h"

/* A host with more PFs than these is not listed whole in one message. */
#define LISTED_MAX 8

/* "enp1s0", or the address of a PF without a netdev: as VFs are named. */
static const char *pf_name(const struct spci_pf *pf, char buf[SRIOV_BDF_STRLEN])
{
	return pf->netdev ? pf->netdev : sriov_bdf_format(pf->bdf, buf);
}

/* "enp1s0 (0000:01:00.0)", or the address alone; the caller owns the string. */
static char *pf_label(const struct spci_pf *pf)
{
	char address[SRIOV_BDF_STRLEN];

	sriov_bdf_format(pf->bdf, address);
	return pf->netdev ? g_strdup_printf("%s (%s)", pf->netdev, address) : g_strdup(address);
}

/* "enp1s0 (0000:01:00.0, 8086:10c9, igb; not by "drivers")"; refused may be NULL. */
static void list_pf(GString *list, const struct spci_pf *pf, const char *refused)
{
	char address[SRIOV_BDF_STRLEN];

	g_string_append_printf(list, "%s%s (%s, %04x:%04x, %s", list->len ? ", " : "",
			       pf->netdev ? pf->netdev : "a PF without a network interface",
			       sriov_bdf_format(pf->bdf, address), pf->vendor, pf->device,
			       pf->driver ? pf->driver : "no driver");
	if (refused)
		g_string_append_printf(list, "; refused by \"%s\"", refused);
	g_string_append_c(list, ')');
}

/* Why a pool does not take a PF: of several selectors the one that comes nearest. */
static const char *why_refused(const struct srv_pool *pool, const struct spci_pf *pf)
{
	const char *why = NULL;

	for (guint i = 0; i < pool->selectors->len; i++) {
		const char *by = srv_selector_refuses(pool->selectors->pdata[i], pf);

		if (!why || g_str_equal(why, "pfNames") || g_str_equal(why, "rootDevices"))
			why = by ? by : why;
	}
	return why;
}

/* The host's PFs as a remedy lists them; pool: whose refusals are told, or NULL. */
static char *list_pfs(const struct spci_inventory *inventory, const struct srv_pool *pool)
{
	GString *list = g_string_new(NULL);
	guint n = inventory->pfs->len;

	for (guint i = 0; i < n && i < LISTED_MAX; i++) {
		const struct spci_pf *pf = inventory->pfs->pdata[i];

		list_pf(list, pf, pool ? why_refused(pool, pf) : NULL);
	}
	if (n > LISTED_MAX)
		g_string_append_printf(list, " and %u more", n - LISTED_MAX);
	return g_string_free(list, FALSE);
}

static void report_no_match(const struct srv_pool *pool, const struct spci_inventory *inventory,
			    GPtrArray *problems)
{
	g_autofree char *pfs = list_pfs(inventory, pool);

	if (inventory->pfs->len == 0)
		srv_config_note(problems, false, pool->where,
				"the pool \"%s\" matches nothing, since this host shows no SR-IOV "
				"NIC at all; plug one in, or switch SR-IOV on in the firmware of "
				"the host and of the NIC",
				pool->name);
	else
		srv_config_note(problems, false, pool->where,
				"the pool \"%s\" matches nothing on this host; change its "
				"\"select\" or plug the NIC in; the host has %s",
				pool->name, pfs);
}

/* The number of VFs that a PF will have; pools that disagree are an error of their own. */
static uint32_t wanted_vfs(const struct srv_config *config, const struct spci_pf *pf)
{
	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];
		g_autoptr(GArray) ranges = NULL;

		if (pool->num_vfs != SRV_NUM_VFS_KEEP && srv_pool_selects(pool, pf, &ranges))
			return pool->num_vfs;
	}
	return pf->num_vfs;
}

static void check_num_vfs(const struct srv_pool *pool, const struct spci_pf *pf, uint32_t wanted,
			  GPtrArray *problems)
{
	g_autofree char *label = pf_label(pf);

	if (pf->total_vfs == 0)
		srv_config_note(problems, pool->num_vfs != SRV_NUM_VFS_KEEP, pool->where,
				"the pool \"%s\" wants VFs of %s, whose TotalVFs is 0; switch "
				"SR-IOV on in the NIC's firmware",
				pool->name, label);
	else if (pool->num_vfs != SRV_NUM_VFS_KEEP && pool->num_vfs > pf->total_vfs)
		srv_config_note(problems, true, pool->where,
				"the pool \"%s\" wants %u VFs, but %s can have no more than "
				"%u (its TotalVFs); set \"numVfs\" to %u or less",
				pool->name, pool->num_vfs, label, pf->total_vfs, pf->total_vfs);
	else if (wanted == 0)
		srv_config_note(problems, false, pool->where,
				"the pool \"%s\" takes the VFs that are there, but %s has "
				"none; %s",
				pool->name, label,
				pool->externally_managed ? "whoever manages it must create them"
							 : "set \"numVfs\" to have them created");
}

/* Of a pool without numVfs; with it, the parser has said so already, at the very place. */
static void check_ranges(const struct srv_pool *pool, const struct spci_pf *pf,
			 const GArray *ranges, uint32_t wanted, GPtrArray *problems)
{
	char name[SRIOV_BDF_STRLEN];
	uint32_t last;

	if (!ranges || pool->num_vfs != SRV_NUM_VFS_KEEP || wanted == 0)
		return;
	last = g_array_index(ranges, struct sriov_range, ranges->len - 1).last;
	if (last != UINT32_MAX && last >= wanted)
		srv_config_note(
			problems, false, pool->where,
			"the pool \"%s\" selects the VF %s/%u, which does not exist: %s has "
			"%u VFs, so the last one is %u",
			pool->name, pf_name(pf, name), last, pf_name(pf, name), wanted, wanted - 1);
}

static bool is_named_pf(const struct srv_function_selector *function,
			const struct spci_inventory *inventory)
{
	for (guint i = 0; i < inventory->pfs->len; i++) {
		if (srv_function_is(function, inventory->pfs->pdata[i]))
			return true;
	}
	return false;
}

/* In a pool that matches something: PFs that it names besides and that are not there. */
static void check_named(const struct srv_pool *pool, const GPtrArray *functions,
			const struct spci_inventory *inventory, GPtrArray *problems)
{
	for (guint i = 0; functions && i < functions->len; i++) {
		const struct srv_function_selector *function = functions->pdata[i];
		char address[SRIOV_BDF_STRLEN];
		g_autofree char *pfs = NULL;

		if (is_named_pf(function, inventory))
			continue;
		pfs = list_pfs(inventory, NULL);
		srv_config_note(problems, false, pool->where,
				"the pool \"%s\" names %s, which is no SR-IOV NIC of this host; "
				"correct the name or plug the NIC in; the host has %s",
				pool->name,
				function->name ? function->name
					       : sriov_bdf_format(function->bdf, address),
				pfs);
	}
}

static void check_pool(const struct srv_config *config, const struct srv_pool *pool,
		       const struct spci_inventory *inventory, GPtrArray *problems)
{
	guint matched = 0;

	for (guint i = 0; i < inventory->pfs->len; i++) {
		const struct spci_pf *pf = inventory->pfs->pdata[i];
		g_autoptr(GArray) ranges = NULL;
		uint32_t wanted;

		if (!srv_pool_selects(pool, pf, &ranges))
			continue;
		matched++;
		wanted = wanted_vfs(config, pf);
		check_num_vfs(pool, pf, wanted, problems);
		check_ranges(pool, pf, ranges, wanted, problems);
	}
	if (!matched) {
		report_no_match(pool, inventory, problems);
		return;
	}
	for (guint i = 0; i < pool->selectors->len; i++) {
		const struct srv_selector *selector = pool->selectors->pdata[i];

		check_named(pool, selector->pf_names, inventory, problems);
		check_named(pool, selector->root_devices, inventory, problems);
	}
}

/* All pools' claims on one PF. */
static void check_pf(const struct srv_config *config, const struct spci_pf *pf, GPtrArray *problems)
{
	g_autoptr(GArray) claims = g_array_new(FALSE, FALSE, sizeof(struct srv_pool_claim));
	const struct sriov_range all = { 0, UINT32_MAX };
	char name[SRIOV_BDF_STRLEN];

	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];
		g_autoptr(GArray) ranges = NULL;

		if (!srv_pool_selects(pool, pf, &ranges))
			continue;
		for (guint j = 0; j < (ranges ? ranges->len : 1); j++) {
			struct srv_pool_claim claim = { all, pool, i };

			if (ranges)
				claim.range = g_array_index(ranges, struct sriov_range, j);
			g_array_append_val(claims, claim);
		}
	}
	srv_config_check_claims(claims, pf_name(pf, name), problems);
}

static bool any_vfio_match(const struct srv_config *config, const struct spci_inventory *inventory)
{
	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];

		for (guint j = 0; pool->device_type == SRV_DEVICE_VFIO && j < inventory->pfs->len;
		     j++) {
			g_autoptr(GArray) ranges = NULL;

			if (srv_pool_selects(pool, inventory->pfs->pdata[j], &ranges))
				return true;
		}
	}
	return false;
}

/* What VFIO would do on this host, and what is refused of it (srv/sriovd/model.c). */
static void check_unsafe(const struct srv_config *config, const struct spci_inventory *inventory,
			 GPtrArray *problems)
{
	const struct srv_vfio_settings *allowed = &config->vfio;

	if (inventory->noiommu && !inventory->iommu && !allowed->allow_noiommu)
		srv_config_note(
			problems, false, "host",
			"no IOMMU is running, and VFIO is in its mode without one "
			"(enable_unsafe_noiommu_mode=Y), in which whoever has a VF can write to "
			"all of the host's memory, so no VF is given to anybody; switch VT-d or "
			"AMD-Vi on in the host's firmware, put intel_iommu=on on the kernel's "
			"command line (Intel), and reboot; or set \"vfio\": "
			"{\"allowNoIommu\": true}");
	if (inventory->iommu && inventory->unsafe_interrupts && !allowed->allow_unsafe_interrupts)
		srv_config_note(
			problems, false, "host",
			"this host lets VFIO give devices away without interrupt remapping "
			"(allow_unsafe_interrupts=Y), so that whoever has a VF may raise any "
			"interrupt of the host, so no VF is given to anybody; set the parameter "
			"of the modules vfio_iommu_type1 and iommufd to N (in /etc/modprobe.d), "
			"or set \"vfio\": {\"allowUnsafeInterrupts\": true}");
}

static void check_vfio(const struct srv_config *config, const struct spci_inventory *inventory,
		       GPtrArray *problems)
{
	if (!any_vfio_match(config, inventory))
		return;
	check_unsafe(config, inventory, problems);
	if (!inventory->iommu && !inventory->noiommu)
		srv_config_note(
			problems, false, "host",
			"no IOMMU is running, so no VF can be given to a guest; switch VT-d "
			"or AMD-Vi on in the host's firmware, put intel_iommu=on on the "
			"kernel's command line (Intel), and reboot");
	if (!inventory->vfio)
		srv_config_note(
			problems, false, "host",
			"the kernel module vfio-pci is not loaded, so no VF can be prepared "
			"for a guest; run \"modprobe vfio-pci\" and add a line \"vfio-pci\" "
			"to a file in /etc/modules-load.d");
}

/* macvtap without an uplink stands on a PF of the pool, which must have a network interface. */
static void check_fallback(const struct srv_config *config, const struct srv_network *network,
			   const struct spci_inventory *inventory, GPtrArray *problems)
{
	const struct srv_pool *pool = srv_config_pool(config, network->pool);
	guint matched = 0;

	if (!pool || network->fallback.type != SRV_FALLBACK_MACVTAP || network->fallback.source)
		return;
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const struct spci_pf *pf = inventory->pfs->pdata[i];
		g_autoptr(GArray) ranges = NULL;

		if (!srv_pool_selects(pool, pf, &ranges))
			continue;
		if (pf->netdev)
			return;
		matched++;
	}
	if (matched)
		srv_config_note(problems, false, network->where,
				"the network \"%s\" falls back to macvtap on a PF of the pool "
				"\"%s\", but none of them has a network interface here; bind the "
				"PF to its driver, or name another \"uplink\" in \"fallback\"",
				network->name, pool->name);
}

void srv_config_check_host(const struct srv_config *config, const struct spci_inventory *inventory,
			   GPtrArray *problems)
{
	for (guint i = 0; i < config->pools->len; i++)
		check_pool(config, config->pools->pdata[i], inventory, problems);
	for (guint i = 0; i < inventory->pfs->len; i++)
		check_pf(config, inventory->pfs->pdata[i], problems);
	for (guint i = 0; i < config->networks->len; i++)
		check_fallback(config, config->networks->pdata[i], inventory, problems);
	check_vfio(config, inventory, problems);
}
