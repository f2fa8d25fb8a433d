// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "base/bdf.h"
#include "base/mac.h"
#include "base/nearest.h"
#include "base/parse.h"
#include "srv/sriovctl/ctl.h"

/* As sriovd has it: [0, 1000], higher goes first. */
#define PRIORITY_MAX 1000

/* A PF has at most 65535 VFs (PCIe SR-IOV capability, TotalVFs is 16 bits). */
#define VF_INDEX_MAX 65534

/* The longest name that the kernel knows an interface by (ALTIFNAMSIZ, with its NUL). */
#define NETDEV_MAX 128

char *ctl_check_name(const char *text)
{
	if (sriov_name_is_valid(text))
		return NULL;
	return g_strdup("a name has 1 to 64 letters, digits, '.', '_' or '-', and begins with a "
			"letter or digit");
}

char *ctl_check_owner(const char *text)
{
	if (*text)
		return NULL;
	return g_strdup("it cannot be empty");
}

/* dev_valid_name() of the kernel, for alternative names too, and nothing that does not print. */
static bool is_netdev(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p; p++)
		if (strchr("/: ", *p) || g_ascii_iscntrl(*p))
			return false;
	return len > 0 && len < NETDEV_MAX && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

char *ctl_check_pf(const char *text)
{
	struct sriov_bdf bdf;

	if (is_netdev(text) || sriov_bdf_parse(text, &bdf) == 0)
		return NULL;
	return g_strdup("a PF is named by its network interface, such as enp1s0, or its PCI "
			"address, such as 0000:01:00.0");
}

char *ctl_check_vf(const char *text)
{
	const char *slash = strrchr(text, '/');
	g_autofree char *pf = slash ? g_strndup(text, (gsize)(slash - text)) : NULL;
	struct sriov_bdf bdf;
	uint64_t index;

	if (sriov_bdf_parse(text, &bdf) == 0)
		return NULL;
	if (slash && (is_netdev(pf) || sriov_bdf_parse(pf, &bdf) == 0) &&
	    sriov_parse_u64(slash + 1, 10, VF_INDEX_MAX, &index) == 0)
		return NULL;
	return g_strdup("a VF is named by its PF and index, such as enp1s0/3, or its PCI address, "
			"such as 0000:01:10.6");
}

char *ctl_check_mac(const char *text)
{
	struct sriov_mac mac;

	if (sriov_mac_parse(text, &mac) < 0)
		return g_strdup("a MAC address is written like 52:54:00:aa:00:11");
	if (!sriov_mac_is_valid(mac))
		return g_strdup("a port's MAC address cannot be all zero or a multicast address");
	return NULL;
}

char *ctl_check_mode(const char *text)
{
	static const char *const modes[] = { "exclusive", "required", "failover" };
	const char *meant;

	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++)
		if (strcmp(text, modes[i]) == 0)
			return NULL;
	meant = sriov_nearest(text, modes, G_N_ELEMENTS(modes));
	if (meant)
		return g_strdup_printf("did you mean \"%s\"?", meant);
	return g_strdup("a mode is exclusive, required or failover");
}

char *ctl_check_priority(const char *text)
{
	uint64_t priority;

	if (sriov_parse_u64(text, 10, PRIORITY_MAX, &priority) == 0)
		return NULL;
	return g_strdup_printf("a priority is a number from 0 to %d", PRIORITY_MAX);
}

char *ctl_check_job(const char *text)
{
	uint64_t job;

	if (sriov_parse_u64(text, 10, G_MAXINT32, &job) == 0)
		return NULL;
	return g_strdup("a job is named by its number");
}

void ctl_split_nic(char **args)
{
	char *slash = args[1] ? NULL : strrchr(args[0], '/');

	if (!slash || slash == args[0] || !slash[1])
		return;
	*slash = '\0';
	args[1] = slash + 1;
}
