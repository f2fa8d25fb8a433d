// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"

/*
 * A new command: its file, its line in commands.h and here, its paragraph in sriovctl(1), its words
 * in the completion. The commands of a group stand together, its default one first.
 */
const struct ctl_command *const ctl_commands[] = {
	&ctl_status,	   &ctl_explain,  &ctl_nic_list,     &ctl_nic_show,	  &ctl_nic_add,
	&ctl_nic_remove,   &ctl_start,	  &ctl_pf_list,	     &ctl_pf_show,	  &ctl_vf_list,
	&ctl_vf_show,	   &ctl_vf_claim, &ctl_vf_release,   &ctl_vf_scrub,	  &ctl_events,
	&ctl_watch,	   &ctl_demote,	  &ctl_drain,	     &ctl_undrain,	  &ctl_resize,
	&ctl_config_check, &ctl_reload,	  &ctl_ledger_check, &ctl_ledger_rebuild, NULL,
};
