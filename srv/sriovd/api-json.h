/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <jansson.h>

#include "srv/sriovd/config.h"
#include "srv/sriovd/model.h"
#include "srv/sriovd/view.h"

/* The types of io.sriovd.varlink; the caller owns what is returned. */

/* view: may be NULL: nothing was read for this call */
json_t *srv_pf_to_json(const struct srv_model *model, const struct srv_pf *pf,
		       const struct srv_pf_view *view);
/* attrs: as read, or NULL */
json_t *srv_vf_to_json(const struct srv_vf *vf, const struct snl_vf_attrs *attrs);
/* The same, with what a view has of its PF; NULL: nothing. */
json_t *srv_vf_view_to_json(const struct srv_vf *vf, const struct srv_pf_view *view);
json_t *srv_nic_to_json(const struct srv_nic *nic, const char *backend);
json_t *srv_owner_to_json(const struct srv_owner *owner);
json_t *srv_problems_to_json(const GPtrArray *problems);
void srv_problem_append(json_t *problems, bool is_error, const char *subject, const char *message);
