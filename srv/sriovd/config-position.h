/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <glib.h>

#include "base/error.h"

/*
 * Where each value of a JSON text stands.
 *
 * jansson says where a syntax error is, and forgets the places of everything that it could read.
 * One pass over a text that jansson has accepted gives a list of the values in the order of the
 * text. jansson keeps the members of an object in that order too, so somebody who walks its objects
 * and arrays walks this list beside them: the first child of node n is n + 1, the node after n and
 * all that is in it is nodes[n].next.
 */

/* Nothing in a configuration is nested deeper than pools[].select[].pfNames[]. */
#define SRV_POSITION_DEPTH_MAX 16

struct srv_place {
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1, in characters, as jansson and editors count; a tab is one */
};

struct srv_position {
	struct srv_place key;	/* of a member of an object; of anything else: as value */
	struct srv_place value; /* its first character */
	uint32_t next;		/* index of the node after this one and all that is in it */
};

/*
 * Scans a text. Linear in time and memory; does not block.
 *
 * text: JSON that jansson accepts; of another text the places mean nothing, but nothing worse
 *       happens
 * ret:  array of struct srv_position, the root at 0; the caller's
 * ret_place: on LIMIT: where the nesting gets too deep
 * Errors: LIMIT (E2BIG) when nested deeper than SRV_POSITION_DEPTH_MAX.
 */
int srv_positions_scan(const char *text, GArray **ret, struct srv_place *ret_place,
		       struct sriov_error **err);
