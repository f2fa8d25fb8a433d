/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "pci/aer.h"
#include "pci/inventory.h"
#include "srv/domain/alias.h"
#include "srv/sriovd/config.h"
#include "srv/sriovd/ledger.h"

/*
 * The model: what the host has (facts, read from the kernel), what the configuration wants of it,
 * and who owns what (rows, as in the ledger), joined in memory. Pure: it reads and writes nothing
 * outside itself, blocks never, and belongs to the main thread.
 */

struct srv_pf;
struct srv_nic;

/* What can be done with a VF now; type VF of io.sriovd.varlink. */
enum srv_vf_state {
	SRV_VF_FREE,
	SRV_VF_OWNED,
	SRV_VF_STATE_DIRTY,
	SRV_VF_STATE_QUARANTINED,
	SRV_VF_UNUSABLE,  /* not bound as its pool wants, no IOMMU, shared group, held by a stranger
			   */
	SRV_VF_UNMANAGED, /* no pool selects it */
};
#define SRV_VF_STATES (SRV_VF_UNMANAGED + 1)

/* PCIe errors of a function, as far as they were seen; fault.h says what follows of them. */
struct srv_health {
	struct spci_aer seen; /* the kernel's counters when they were read last */
	/* Of a VF until it has been scrubbed and watched after it: "it had 1 fatal PCIe error" */
	char *fault;
	int64_t fault_at; /* g_get_monotonic_time() of the last error; 0: none */
	bool condemned;	  /* nobody gets it any more */
	/* g_get_monotonic_time() since when the kernel recovers it, and until when it is watched
	 * after its scrub; 0: not so */
	int64_t recovering_since, watched_until;
	bool unjudged; /* the kernel began to recover it, and the counters were not read since */
};

struct srv_vf {
	struct srv_pf *pf;
	struct srv_vf_ref ref;
	enum srv_vf_mark mark;
	char *reason;	     /* of a quarantine */
	char *foreign;	     /* somebody past us holds it: "domain web9"; NULL */
	struct srv_nic *nic; /* its owner's nic; NULL */
	/*
	 * Whose it was, of struct srv_nic_key, as long as the ledger is not known to say that it is
	 * so no more: who gets it next must not be written down before that. There can be several,
	 * when nothing of them could be written. NULL: nobody's
	 */
	GPtrArray *ex_owners;
	const struct srv_pool *pool; /* of the current configuration; NULL: unmanaged */
	const struct spci_vf *facts; /* NULL while the kernel does not have it */
	bool scrubbing;		     /* a scrub is under way or waiting */
	bool fresh;    /* just created by us, and nobody had it since: just out of reset */
	bool left;     /* dirty as an owner of ours left it: scrubbed whatever a pool says now */
	bool vanished; /* was clean when the kernel lost it, and the ledger says so still */
	bool held;     /* the last scrub found a process still using it */
	bool stalled;  /* the last scrub could not be tried: its PF was down */
	uint32_t verified; /* enum snl_vf_attr: set for its owner and read back */
	struct srv_health health;
};

enum srv_pf_state {
	SRV_PF_UNMANAGED,
	SRV_PF_CONFIGURING, /* its VFs are being made */
	SRV_PF_READY,
	SRV_PF_STUCK,  /* a driver call did not come back */
	SRV_PF_GONE,   /* owned VFs are known, the device is not there */
	SRV_PF_FAILED, /* see reason */
};

struct srv_model;
struct srv_serial;
struct srv_queue;

struct srv_pf {
	struct srv_model *model; /* that it belongs to */
	struct sriov_bdf bdf;
	char *name; /* netdev, or the address while there is none; for people */
	/*
	 * The names that its netdev had, the last one being of now or, while there is
	 * none, of before. VLAN links on it keep the name that they got from an earlier one.
	 */
	GPtrArray *netdevs;    /* of char */
	char *was;	       /* it has another one now than this, and rows may name this; NULL */
	bool netdevs_news;     /* the ledger does not say so yet */
	struct spci_pf *facts; /* NULL while gone */
	uint16_t vendor, device; /* PCI ids of the NIC that the ledger means; 0: it knows none */
	/*
	 * Another NIC is in its place now, and what was ordered of the one that the ledger means,
	 * or belongs to somebody, must not befall that one: it counts as gone meanwhile, and this
	 * is the sentence that says so. NULL: not so
	 */
	char *stranger;
	bool stranger_told;
	uint64_t taken;	  /* model->takes when it took them */
	int64_t taken_at; /* g_get_monotonic_time() then */
	enum srv_pf_state state;
	char *reason;
	bool retry;	     /* it failed, and something is otherwise now: worth another try */
	uint32_t wanted_vfs; /* numVfs of its pools; SRV_NUM_VFS_KEEP: as found */
	uint32_t asked_vfs;  /* of its driver, which made those that there are of them; 0: not by us
			      */
	unsigned hanging;    /* calls on its thread that are over their deadline (pf-call.h) */
	bool was_down;	     /* since its VFs' attributes were last seen to */
	bool external;	     /* of an externallyManaged pool */
	bool drained;	     /* gives no VF to anybody: sriovctl drain, or a resize under way */
	bool resizing;	     /* drained until it has the number of VFs that resize_vfs says */
	bool forced;	     /* drained with force: guests may be interrupted for it */
	uint32_t
		resize_vfs; /* number set by sriovctl resize, in the place of the pools'; 0: none */
	int64_t link_since; /* g_get_monotonic_time() at which the link was seen as it is */
	uint64_t link_taken; /* model->takes when an event told of it */
	/* g_get_monotonic_time() at which it was brought up, and it had no link since; 0: not so */
	int64_t settling_since;
	GPtrArray *vfs; /* of struct srv_vf, by index; also such that only the ledger knows */
	uint32_t counts[SRV_VF_STATES];
	struct srv_health health;
	uint64_t looked;       /* the last look at its errors that was taken (fault.h) */
	guint scrub_source[2]; /* when its VFs are scrubbed again (vf-scrub.c); 0: not so */
	/* The executors of its work, made and used by the operations, not by the model. */
	struct srv_serial *serial;
	struct srv_queue *queue;
	struct srv_queue *reads; /* what only looks (view.c) stands behind nothing that works */
};

/* Which half of a failover nic receives its frames; steer.h. */
enum srv_steer {
	SRV_STEER_UNKNOWN,
	SRV_STEER_VIRTIO,
	SRV_STEER_BOTH,
	SRV_STEER_VF,
};

/* Has the guest's driver said that it joins the two halves? */
enum srv_negotiated {
	SRV_NEGOTIATED_UNKNOWN, /* it may have, when nobody listened */
	SRV_NEGOTIATED_NO,
	SRV_NEGOTIATED_YES,
};

/* The two halves of a failover nic, as they are now. Not on disk: looked at again after a restart.
 */
struct srv_team {
	char *tap; /* host side of the virtio half, "macvtap0"; NULL while its owner is shut off */
	enum srv_negotiated negotiated;
	enum srv_steer steered;
	bool steer_failed;  /* the last try did not succeed, which was told */
	bool plugged;	    /* libvirt says that the guest has the VF */
	bool in_use;	    /* and the guest's driver uses it */
	bool leaving;	    /* the guest is asked to let it go */
	int64_t idle_since; /* monotonic: plugged and not in use since then */
	int64_t not_before; /* monotonic: no promotion sooner */
	int64_t ask_again;  /* monotonic: no demotion sooner, it was refused */
	/* Why its virtio half is not where its network says, so that it has no VF; NULL: it is */
	char *misplaced;
	char *off_vlan; /* of that: what the kernel says of the link under it; NULL */
	char *unlike;	/* and what libvirt says of the interface; NULL */
};

struct srv_nic {
	struct srv_nic_row row;
	struct srv_vf *vf; /* when backing is VF; set even while its PF is gone */
	/* Counts up whenever its owner starts anew, so that a late hint about the last run is seen
	 * as such */
	uint32_t generation;
	int64_t changed; /* g_get_monotonic_time() of the last change of its state */
	/* Ditto, since when it is kept waiting for VFs that come free soon (reconcile.c); 0: not */
	int64_t supply_since;
	bool busy;	 /* an operation on it is under way */
	GArray *waiters; /* who waits for the end of it (nic-attach.c); NULL */
	bool untouched;	 /* its VF was reserved clean, and nothing was done to it yet */
	/*
	 * Its owner starts, it says, and had it attached: either that one ended without a word, or
	 * the hook is late and it still runs. Nothing is done to it before libvirt was looked at.
	 */
	bool doubtful;
	/* Of mode failover: what its virtio half stands on from its owner's next start on; NULL:
	 * not known yet. It is being moved there; and that could not be done, which was told. */
	char *stored_uplink;
	bool mending, mend_failed;
	unsigned leaving; /* libvirt is being asked whether its owner is gone, so often */
	bool restarted;	  /* its owner started anew while it was busy: looked at when that ends */
	bool owner_gone;  /* its owner went away while it was busy: released when the operation ends
			   */
	struct srv_team team; /* of mode failover */
};

struct srv_model {
	struct srv_config *config;
	GPtrArray *pfs;		/* of struct srv_pf, ordered by address */
	GHashTable *pfs_by_key; /* sriov_bdf_key() → struct srv_pf */
	GHashTable *nics;	/* "KIND:KEY/ID" → struct srv_nic, owned */
	GHashTable *nics_by_mac;
	uint64_t takes;	    /* counts up whenever a PF takes facts */
	int64_t last_place; /* the highest waiting_place that there was */
	bool iommu, vfio;
	bool unsafe_interrupts; /* allowed by the host's modules */
	bool noiommu;		/* ditto: VFIO without an IOMMU */
	bool looked;		/* at the host: what it does not have is not there */
};

struct srv_model *srv_model_new(void);
void srv_model_free(struct srv_model *model);

/* Joins the ledger's rows in; once, before anything else. rows are copied. */
void srv_model_load(struct srv_model *model, const struct srv_ledger_image *image);

/*
 * Once, after the first inventory: a PF that is not there, and of which nothing but its name was
 * known, and on which no nic stands, was pulled out some time ago, and nobody misses it.
 */
void srv_model_forget_missing(struct srv_model *model);

/* Takes another configuration (a reference of its own) and works out every VF's pool anew. */
void srv_model_set_config(struct srv_model *model, struct srv_config *config);

/*
 * Takes a new snapshot of the host; its PFs move into the model and inventory->pfs is empty after.
 *
 * since: model->takes when it began to be read: PFs that took facts after that know better
 */
void srv_model_set_inventory_since(struct srv_model *model, struct spci_inventory *inventory,
				   uint64_t since);
/* The same, of this moment. */
void srv_model_set_inventory(struct srv_model *model, struct spci_inventory *inventory);

/*
 * Takes new facts of one PF, stolen. NULL: it is gone.
 *
 * since: model->takes when they began to be read: of its link an event after that knows better
 */
void srv_model_set_pf(struct srv_model *model, struct srv_pf *pf, struct spci_pf *facts,
		      uint64_t since);

/* Takes what a link event tells of a PF that has facts. */
void srv_model_set_link(struct srv_pf *pf, bool admin_up, enum spci_link link);

/*
 * Was it brought up just now, and has its link yet to come? The partners negotiate for some seconds
 * (IEEE 802.3 clause 28: about 3 at 1000BASE-T).
 */
bool srv_pf_is_settling(const struct srv_pf *pf);

/* Lookups: borrowed, NULL when there is none. */
struct srv_pf *srv_model_pf(struct srv_model *model, struct sriov_bdf bdf);
/* By netdev or by address. */
struct srv_pf *srv_model_find_pf(struct srv_model *model, const char *name);
struct srv_pf *srv_model_pf_by_ifindex(struct srv_model *model, uint32_t ifindex);
struct srv_vf *srv_model_vf(struct srv_model *model, struct srv_vf_ref ref);
/* By "enp1s0/3", "0000:01:00.0/3" or its PCI address. */
struct srv_vf *srv_model_find_vf(struct srv_model *model, const char *name);
struct srv_vf *srv_model_vf_by_address(struct srv_model *model, struct sriov_bdf bdf);
struct srv_nic *srv_model_nic(struct srv_model *model, const struct srv_owner *owner,
			      const char *id);
struct srv_nic *srv_model_nic_by_mac(struct srv_model *model, struct sriov_mac mac);

/*
 * The nics of an owner, by key or by name, ordered by id: of struct srv_nic, the caller's array.
 * For people: a domain can have the name of another's UUID, or of somebody who claims by hand.
 */
GPtrArray *srv_model_nics_of(struct srv_model *model, const char *owner);
/* The nics of a libvirt domain, ordered by id. */
GPtrArray *srv_model_nics_of_domain(struct srv_model *model, const char *uuid);
/* All of them, ordered by owner's name and id. */
GPtrArray *srv_model_nics(struct srv_model *model);

/*
 * Adds a nic without backing. row is copied. The caller has seen to it that its id and MAC are new.
 */
struct srv_nic *srv_model_add_nic(struct srv_model *model, const struct srv_nic_row *row);
/* Removes one that has no VF. */
void srv_model_remove_nic(struct srv_model *model, struct srv_nic *nic);

/*
 * Gives a nic a backing: with a VF (backing VF), or none (virtio, none). A VF given up, or given to
 * somebody, is dirty from then on, until srv_model_mark_vf() says otherwise.
 */
void srv_model_set_backing(struct srv_nic *nic, enum srv_backing backing, struct srv_vf *vf);
/* The ledger says of a VF whose it was that it is so no more. */
void srv_model_forget_ex_owners(struct srv_vf *vf);
void srv_model_mark_vf(struct srv_vf *vf, enum srv_vf_mark mark, const char *reason);
void srv_model_set_foreign(struct srv_vf *vf, const char *holder);
/* Sets what is wrong with a function (copied; NULL: nothing any more). */
void srv_health_set_fault(struct srv_health *health, const char *fault);
/* Nothing is known of its errors any more: it is another one now. */
void srv_health_reset(struct srv_health *health);

/* By their names: is an uplink this netdev itself, or a VLAN link "NETDEV.VLAN" on it? */
bool srv_uplink_is_on(const char *uplink, const char *netdev);

/* Does its virtio device stand on the PF, or on a VLAN link of it? */
bool srv_nic_stands_on(const struct srv_nic *nic, const struct srv_pf *pf);

/* Names a nic that may be gone meanwhile. */
struct srv_nic_key {
	struct srv_owner owner; /* without a name */
	char *id;
};

struct srv_nic_key *srv_nic_key_of(const struct srv_nic *nic);
void srv_nic_key_free(struct srv_nic_key *key);
/* NULL: it is gone. */
struct srv_nic *srv_nic_of_key(struct srv_model *model, const struct srv_nic_key *key);

/* It wants a VF and has none: takes the last place, unless it waits already. */
void srv_model_waits(struct srv_model *model, struct srv_nic *nic);
void srv_model_waits_no_more(struct srv_nic *nic);

/* State and reason (copied, may be NULL), with the time of the change. */
void srv_model_set_nic_state(struct srv_nic *nic, enum srv_nic_state state, const char *reason);
void srv_model_set_pf_state(struct srv_pf *pf, enum srv_pf_state state, const char *reason);

/*
 * What can be done with a VF. ret_reason: NULL, or receives why it is unusable or quarantined
 * (borrowed or static; NULL for the other states).
 */
enum srv_vf_state srv_vf_state(const struct srv_vf *vf, const char **ret_reason);
const char *srv_vf_state_name(enum srv_vf_state state);
const char *srv_pf_state_name(enum srv_pf_state state);

/* "enp1s0/3"; the caller owns the string. */
char *srv_vf_name(const struct srv_vf *vf);

/* Recounts after a change of one of its VFs that did not go through a function of this header. */
void srv_pf_recount(struct srv_pf *pf);

/* The attributes that a VF of this nic must have: the network's, and the nic's MAC. */
struct snl_vf_attrs srv_nic_attrs(const struct srv_nic *nic, const struct srv_network *network);

/* Forgets what was known of the halves of a run that is over. */
void srv_team_reset(struct srv_team *team);
