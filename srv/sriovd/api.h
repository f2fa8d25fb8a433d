/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/varlink.h"

/*
 * The API: conf/io.sriovd.varlink, method by method, in api-*.c. Handlers run on the main thread,
 * never block, and answer when what they wait for has come.
 */

/* Begins to serve on a listening socket, stolen. */
int srv_api_listen(struct srv_daemon *daemon, int listen_fd, struct sriov_error **err);

/* Who may call a method. */
enum srv_right {
	SRV_RIGHT_READ,	  /* readers, admins, root */
	SRV_RIGHT_CHANGE, /* admins, root */
	SRV_RIGHT_ROOT,
};

/* The right that a method takes. method: without the interface's name. */
enum srv_right srv_api_right(const char *method);

/* Has the peer that right? 0, or DENIED with what is missing. Pure. */
int srv_api_authorize(const struct srv_peer *peer, const char *method,
		      const struct srv_access_ids *ids, const struct srv_access *access,
		      struct sriov_error **err);

/* The text of the interface description, NUL-terminated. */
extern const char srv_api_interface_text[];

/*
 * Refuses the call when the ledger cannot be used, since nothing may be changed then: false, and
 * the call is gone.
 */
bool srv_api_may_change(struct srv_daemon *daemon, struct srv_call *call);

/* The same, and also without libvirt. */
bool srv_api_has_libvirt(struct srv_daemon *daemon, struct srv_call *call);

/*
 * Nothing is changed before the first reconcile pass (gate.h): true, and the call is run again by
 * run() when it is over, or has been refused. parameters: the call's own, kept meanwhile
 */
bool srv_api_waits(struct srv_daemon *daemon, struct srv_call *call, json_t *parameters,
		   void (*run)(struct srv_call *call, json_t *parameters, void *data));

/* An optional string member, borrowed; NULL when it is not there. */
const char *srv_api_string(const json_t *parameters, const char *key);

/* An optional MAC: 0 with *ret_has, or INVALID. */
int srv_api_mac(const json_t *parameters, const char *key, bool *ret_has, struct sriov_mac *ret,
		struct sriov_error **err);

/*
 * The nic of an owner; without id, its only one.
 * NULL: NOT_FOUND, or INVALID when the owner has several and none is named.
 */
struct srv_nic *srv_api_find_nic(struct srv_daemon *daemon, const char *owner, const char *id,
				 struct sriov_error **err);

/* Everything that is wrong now: []Problem of io.sriovd.varlink, the caller's. */
json_t *srv_api_problems(struct srv_daemon *daemon);

#define SRV_API_METHOD(name) void name(struct srv_call *call, json_t *parameters, void *data)

SRV_API_METHOD(srv_api_get_status);
SRV_API_METHOD(srv_api_list_pfs);
SRV_API_METHOD(srv_api_list_vfs);
SRV_API_METHOD(srv_api_get_vf);
SRV_API_METHOD(srv_api_list_nics);
SRV_API_METHOD(srv_api_get_nic);
SRV_API_METHOD(srv_api_claim);
SRV_API_METHOD(srv_api_release);
SRV_API_METHOD(srv_api_add_nic);
SRV_API_METHOD(srv_api_remove_nic);
SRV_API_METHOD(srv_api_start_domain);
SRV_API_METHOD(srv_api_watch_job);
SRV_API_METHOD(srv_api_watch);
SRV_API_METHOD(srv_api_explain);
SRV_API_METHOD(srv_api_check_config);
SRV_API_METHOD(srv_api_reload);
SRV_API_METHOD(srv_api_domain_hook);
SRV_API_METHOD(srv_api_demote);
SRV_API_METHOD(srv_api_drain);
SRV_API_METHOD(srv_api_undrain);
SRV_API_METHOD(srv_api_resize);
SRV_API_METHOD(srv_api_scrub_vf);
SRV_API_METHOD(srv_api_check_ledger);
SRV_API_METHOD(srv_api_rebuild_ledger);
