/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/ledger.h"

/* What the ledger's own files need of rows beyond srv/sriovd/ledger.h. */

/* NULL for a number that is none of the enum's. */
const char *srv_vf_mark_name(enum srv_vf_mark mark);

/* 0 or -EINVAL, *ret only on success; text may be NULL. */
int srv_nic_state_parse(const char *text, enum srv_nic_state *ret);
int srv_backing_parse(const char *text, enum srv_backing *ret);
int srv_owner_kind_parse(const char *text, enum srv_owner_kind *ret);
int srv_vf_mark_parse(const char *text, enum srv_vf_mark *ret);

struct srv_vf_row *srv_vf_row_copy(const struct srv_vf_row *row);

/* Empty lists, boot_id NULL. */
struct srv_ledger_image *srv_ledger_image_new(void);
