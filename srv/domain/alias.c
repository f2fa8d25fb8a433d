// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/domain/alias.h"

#include <glib.h>

/* libvirt keeps only letters, digits, '-' and '_' in an alias; our ids may have '.', too. */
char *srv_nic_alias(const char *id)
{
	GString *alias = g_string_new(SRV_NIC_ALIAS_PREFIX);

	for (; *id; id++) {
		if (*id == '_')
			g_string_append(alias, "__");
		else if (*id == '.')
			g_string_append(alias, "_d");
		else
			g_string_append_c(alias, *id);
	}
	return g_string_free(alias, FALSE);
}

/* '_' is never followed by 'v' in what srv_nic_alias() makes. */
char *srv_nic_alias_vf(const char *id)
{
	g_autofree char *alias = srv_nic_alias(id);

	return g_strconcat(alias, "_v", NULL);
}
