/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovctl/ctl.h"

/* One file each. */
extern const struct ctl_command ctl_status, ctl_explain, ctl_start, ctl_events, ctl_watch;
extern const struct ctl_command ctl_nic_list, ctl_nic_show, ctl_nic_add, ctl_nic_remove;
extern const struct ctl_command ctl_pf_list, ctl_pf_show;
extern const struct ctl_command ctl_vf_list, ctl_vf_show, ctl_vf_claim, ctl_vf_release;
extern const struct ctl_command ctl_vf_scrub;
extern const struct ctl_command ctl_demote, ctl_drain, ctl_undrain, ctl_resize;
extern const struct ctl_command ctl_config_check, ctl_reload;
extern const struct ctl_command ctl_ledger_check, ctl_ledger_rebuild;
