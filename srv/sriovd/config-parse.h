/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "srv/sriovd/config-reader.h"
#include "srv/sriovd/config.h"

/* What the parts of the configuration's parser share. Internal to config-*.c and its tests. */

#define SRV_CONFIG_FILE_MAX	(1024 * 1024) /* bytes */
#define SRV_CONFIG_FILES_MAX	256
#define SRV_CONFIG_POOLS_MAX	1024
#define SRV_CONFIG_NETWORKS_MAX 16384
#define SRV_CONFIG_LIST_MAX	256   /* entries of a list in a selector, and selectors of a pool */
#define SRV_VF_INDEX_MAX	65534 /* TotalVFs has 16 bits: PCIe 9.3.3.5 */

/* The VF indices that an entry of a selector names, for a check against numVfs. */
struct srv_named_index {
	uint32_t node;
	uint32_t last; /* the highest of them */
};

/* A configuration while its files are read, one after the other. */
struct srv_config_build {
	struct srv_config *config;
	GHashTable *pools, *networks; /* name to where it was first given; both owned */
	GPtrArray *pool_refs; /* of char *: where the "pool" of each network stands, or NULL */
	GArray *indices;      /* of struct srv_named_index, of the pool being read */
	char *access_where, *failover_where, *vfio_where,
		*reconcile_where; /* where they were set, or NULL */
	size_t n_pools, n_networks;
};

/* What each object may hold. */
extern const struct srv_key srv_config_keys_root[];
extern const struct srv_key srv_config_keys_pool[];
extern const struct srv_key srv_config_keys_selector[];
extern const struct srv_key srv_config_keys_network[];
extern const struct srv_key srv_config_keys_fallback[];
extern const struct srv_key srv_config_keys_access[];
extern const struct srv_key srv_config_keys_failover[];
extern const struct srv_key srv_config_keys_vfio[];

/* Read one entry of "pools" or "networks" and add it to the build. */
void srv_config_read_pool(struct srv_reader *reader, struct srv_json at);
void srv_config_read_network(struct srv_reader *reader, struct srv_json at);

/* Reads "select", an object or a list of them; field: GPtrArray ** of struct srv_selector. */
void srv_key_select(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		    void *field);

void srv_selector_free(struct srv_selector *selector);
void srv_pool_free(struct srv_pool *pool);
void srv_network_free(struct srv_network *network);

/* Remembers where a name was given, or notes that it was given before. NULL is no name. */
void srv_config_claim_name(struct srv_reader *reader, GHashTable *names, const char *kind,
			   const char *name, uint32_t node);

/* How sriov_name_is_valid() is told. */
#define SRV_NAME_FORM                                                                          \
	"a name of 1 to 64 letters, digits, \".\", \"_\" and \"-\" that begins with a letter " \
	"or a digit"

bool srv_text_is_given(const char *text);

/* May text name a group or a libvirt network: 1 to 255 bytes without '/', ':', control characters.
 */
bool srv_text_is_printable(const char *text);

/* May text name a network interface: dev_valid_name() of net/core/dev.c. */
bool srv_netdev_name_is_valid(const char *text);

/*
 * Parses files like srv_config_parse(), appending to problems. The caller's also when there are
 * errors among them; names of unknown pools and the like are then still in it.
 */
struct srv_config *srv_config_read(const char *const *names, const char *const *texts, size_t n,
				   GPtrArray *problems);

/* Makes the lookups by name quick; for a configuration without mistakes, whose names all differ. */
void srv_config_index(struct srv_config *config);

/* The end of reading: config to *ret, or the first error of problems to *err. config is stolen. */
int srv_config_finish(struct srv_config *config, GPtrArray *problems, struct srv_config **ret,
		      GPtrArray **ret_problems, struct sriov_error **err);
