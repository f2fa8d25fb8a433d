/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "srv/sriovd/model.h"

struct srv_daemon;
struct srv_job;

/*
 * VFs for owners that are no guests: a DPDK process, a script. Who claims by hand also releases by
 * hand.
 */

struct srv_claim_request {
	const char *owner; /* sriov_name_is_valid() */
	const char *network;
	const char *id; /* sriov_name_is_valid() */
	bool has_mac;
	struct sriov_mac mac;
	/*
	 * Does who claims still wait for the answer? Asked before each try, with srv_claim()'s
	 * data; false: nothing is claimed any more. NULL: it does
	 */
	bool (*is_wanted)(void *data);
};

/*
 * Claims a VF. The same claim again finds the one that is there. While a VF comes free soon it
 * waits as the start of a guest does (srv_nic_wait()).
 *
 * done: called once, when the claim is durable and the VF is configured and read back. nic is
 * borrowed; NULL with error: INVALID (name, network), EXISTS (MAC taken), EXHAUSTED, LEDGER, DEVICE
 * …
 */
void srv_claim(struct srv_daemon *daemon, const struct srv_claim_request *request,
	       void (*done)(const struct srv_nic *nic, const struct sriov_error *error, void *data),
	       void *data);

/*
 * Releases a manual owner's nic, or all of them (id NULL).
 *
 * job:  told how the scrub of the VFs goes; its end is the job's
 * done: called once when the release is durable; error NULL or borrowed: NOT_FOUND, BUSY, LEDGER
 */
void srv_claim_release(struct srv_daemon *daemon, const char *owner, const char *id,
		       struct srv_job *job,
		       void (*done)(const struct sriov_error *error, void *data), void *data);
