/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The simulated host: what a kernel, libvirt and the guests keep while sriovd comes and goes. It
 * sits in a file that every process of a test maps (the daemon, its helper, the test that looks
 * afterwards), so it outlives the daemon however that ends. What sysfs shows of it is in the tree
 * beside that file.
 *
 * Whatever acts on the world does so under its lock, like a system call: a process that is killed
 * leaves it done or not done, never half.
 */
#define SIM_PFS	    2
#define SIM_VFS	    7
#define SIM_LINKS   64
#define SIM_DOMAINS 41 /* the last one does not use sriovd */
#define SIM_NICS    4  /* of one domain */
#define SIM_ATTRS   6  /* as enum snl_vf_attr has bits */
#define SIM_CLAIMS  16

struct sim_attrs {
	uint8_t mac[6];
	uint16_t vlan, qos, proto;
	uint32_t min, max;
	uint32_t spoofchk, trust, link_state;
};

struct sim_vf {
	bool exists;
	struct sim_attrs attrs;
	/* The MAC of whoever's state the function holds: since it was used, until it is reset. */
	uint8_t user[6];
	uint8_t last_mac[6]; /* the last one asked for that is not zero; rolling back sets it again
			      */
	uint32_t group;	     /* of the IOMMU */
	bool open;	     /* a process that is no guest has its group open */
	bool destroyed;	     /* by somebody else than sriovd, and not set up by it since */
	uint32_t resets;
};

/* What a PF was told by its operator; holds over a boot. */
enum sim_drain {
	SIM_SERVES,	  /* nothing, or that it is to serve again */
	SIM_DRAIN_UNSURE, /* asked for, or for the end of it, and no answer yet */
	SIM_DRAINED,
};

struct sim_order {
	enum sim_drain drain;
	uint32_t vfs;	/* acknowledged number of VFs; 0: unsure */
	uint32_t asked; /* for which there is no answer yet; 0: none */
};

struct sim_pf {
	uint8_t bus; /* at 0000:BUS:00.0; VFs from BUS:10.0 on */
	uint32_t ifindex;
	struct sim_vf vf[SIM_VFS];
};

struct sim_link {
	uint32_t ifindex; /* 0: none */
	char name[16], kind[16], alias[32];
	uint32_t parent, master;
	uint16_t vlan, proto;
	uint8_t mac[6];
	bool up, carrier;
	uint32_t mode; /* of a macvtap: MACVLAN_MODE_* */
	bool foreign;  /* somebody else made it, for himself: it is not sriovd's to touch */
};

struct sim_fdb {
	uint32_t ifindex; /* 0: none */
	uint8_t mac[6];
};

/* A device of a running domain. */
struct sim_device {
	bool exists;
	char alias[80];
	char type[16]; /* "hostdev", "direct", "bridge", "network" */
	uint8_t mac[6];
	uint8_t bus, slot, function; /* of a hostdev */
	char source[32];
	uint32_t link; /* ifindex of its macvtap or tap; 0 */
	/* What libvirt found on the VF and puts back after the detach. */
	uint8_t found_mac[6];
	uint16_t found_vlan;
};

struct sim_nic {
	char id[16], network[16];
	int mode; /* enum srv_mode */
	uint32_t priority;
	bool has_mac;
	uint8_t mac[6];
};

struct sim_domain {
	char uuid[40]; /* "": none */
	char name[40]; /* can look like a UUID */
	bool active, paused, starting;
	bool in_hook; /* it starts, and libvirt waits for its hook */
	uint32_t n_nics;
	uint32_t n_later;	      /* the last so many are in the stored configuration only */
	bool spoilt;		      /* its stored metadata is no XML of ours */
	bool spoilt_live;	      /* ditto those of its running one */
	bool stranger;		      /* it does not use sriovd: nothing may be done to it */
	struct sim_nic nic[SIM_NICS]; /* of its metadata */
	struct sim_device device[SIM_NICS];
	struct sim_device stored[SIM_NICS]; /* of its own configuration, for its next start */
	uint32_t ports;			    /* free PCIe root ports in it */
	bool uses_vfs;			    /* its guest's driver works with the VFs that it gets */
};

/* What a client was told of its claim by hand. */
enum sim_claim_state {
	SIM_UNCLAIMED, /* nothing asked for, or the release was acknowledged */
	SIM_CLAIMING,  /* asked for, no answer yet: there or not there */
	SIM_CLAIMED,   /* acknowledged */
	SIM_RELEASING, /* asked for, no answer yet */
};

struct sim_claim {
	char owner[24], id[16], network[16];
	enum sim_claim_state state;
	uint8_t mac[6]; /* when acknowledged */
	uint8_t bus;	/* ditto: of its VF's PF */
	uint32_t vf;
};

/* What goes wrong. All zero: nothing. */
#define SIM_EVERY_PF 0xff

struct sim_faults {
	/* netlink: errno of the next sets of one attribute, by the number of its bit */
	struct {
		int err, times; /* times 0: for ever */
		bool ignore;	/* says yes and does nothing */
		char words[64]; /* extended ack */
	} attr[SIM_ATTRS];
	/* The helper's kernel; see tests/support/fake-kernel.h */
	char fail_file[32], deaf_file[32], hang_file[32], refuses[32];
#define SIM_EXEC "(exec)" /* as hang_file: the program itself cannot be read */
	int fail_errno;
	/*
	 * Setting a VF of the PF on this bus + 1 by netlink does not come back; 0: of none,
	 * SIM_EVERY_PF: a driver hangs with the RTNL lock held
	 */
	uint8_t hang_sets;
	/* Nor does anything else that changes links or forwarding entries */
	bool hang_links;
	uint8_t hang_looks;    /* ditto: looking at it, by netlink and in sysfs */
	bool hang_host;	       /* a driver has the RTNL lock: no look at any PF comes back */
	bool hang_names;       /* who knows the host's groups does not answer */
	bool hang_virt;	       /* no call of libvirt comes back */
	uint8_t fail_function; /* only of VFs with this function number + 1; 0: any */
	uint32_t vf_limit;
	/* libvirt */
	bool virt_down;
	bool hang_list; /* listing the domains does not come back */
	/* No configuration can be changed, with these words */
	char define_words[32];
	char attach_words[96]; /* attaching a hostdev fails with these */
	uint32_t attach_times; /* so often; 0: for ever */
	bool busy_domains; /* srv_virt_attach() has waited for as long as it does, and says so */
	bool lose_attach;  /* it attaches, and the connection is lost before it says so */
	bool late_attach;  /* the connection is lost first, and it attaches when more is asked */
	bool lose_resume;  /* the connection is lost before it lets a guest run */
	bool spoil_attach; /* from the attach of a VF on its VLAN cannot be set */
	bool deaf_guest;   /* it ignores the unplug request */
	/* The ledger's disk: errno of every write, or of every sync; or neither comes back, nor any
	 * question about it */
	int write_errno, sync_errno;
	bool hang_disk;
};

struct sim_world {
	pthread_mutex_t lock;
	/* The doors: calls that change something outside the process, in the order they are made.
	 */
	uint32_t doors;	    /* made so far */
	uint32_t kill_at;   /* dies before this one; 0: never */
	pid_t mortals;	    /* the process group that dies: the daemon and its helper */
	char killed_at[64]; /* what it was */
	/* The kernel */
	struct sim_pf pf[SIM_PFS];
	struct sim_order order[SIM_PFS];
	struct sim_link link[SIM_LINKS];
	struct sim_fdb fdb[SIM_LINKS];
	uint32_t next_ifindex, next_group;
	pid_t hanging[8]; /* helpers that are in a driver which does not come back, some time */
	bool killed[8];	  /* of which that one dies as soon as it comes out */
	uint32_t hung;	  /* how many there were */
	uint32_t hanging_threads; /* that are in one now */
	/* libvirt */
	struct sim_domain domain[SIM_DOMAINS];
	uint32_t attaches; /* asked for of libvirt, whatever came of it */
	/* The clients */
	struct sim_claim claim[SIM_CLAIMS];
	uint64_t operations; /* of make soak */
	/* A PF was pulled since all was at rest: what stood on it went, between any two calls. */
	bool unplugged;
	struct sim_faults faults;
	/* What a daemon did to devices and guests: one line each, the oldest lost first. */
	uint32_t changes;
	uint32_t log_len;
	char log[16384];
	/* A rule was broken in the kernel's or libvirt's eyes; the first one's sentence. */
	uint32_t violations;
	char violation[256];
};

extern struct sim_world *sim_world;

/* Makes a world file in a directory and maps it; or maps the one that is there. */
void sim_world_new(const char *dir);
void sim_world_open(const char *dir);
void sim_world_close(void);

/* After a kill: nobody holds the lock any more, and no hook waits. */
void sim_world_renew_lock(void);

void sim_lock(void);
void sim_unlock(void);

/* The calling process begins a daemon's life, in a process group of its own, that ends at that
 * door. */
void sim_live(uint32_t kill_at);

/*
 * A door: what comes next leaves the process. The daemon and its helper die here when it is their
 * turn, with everything done before and nothing after. Not to be called with the lock held.
 */
void sim_door(const char *what);
/* In between nothing of this thread is counted: the simulation itself is at work. */
void sim_doors_off(void);
void sim_doors_on(void);

/* With the lock held: writes down a change, or a broken rule. */
void sim_changed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void sim_broken(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Lookups, with the lock held; NULL when there is none. */
struct sim_pf *sim_pf_by_ifindex(uint32_t ifindex);
struct sim_pf *sim_pf_by_bus(uint8_t bus);
struct sim_vf *sim_vf_by_function(uint8_t bus, uint8_t slot, uint8_t function);
struct sim_link *sim_link_by_name(const char *name);
struct sim_link *sim_link_by_index(uint32_t ifindex);
struct sim_link *sim_link_add(const char *name, const char *kind);
/* As its name says, "enp1s0.100"; nothing when it cannot be (netlink.c). */
void sim_link_add_vlan(const char *name);
struct sim_domain *sim_domain_by_uuid(const char *uuid);
/* The running domain that has this function. */
struct sim_domain *sim_function_holder(uint8_t bus, uint8_t slot, uint8_t function);

/* The attributes as a driver leaves them after making the VF. */
struct sim_attrs sim_attrs_neutral(void);
bool sim_attrs_are_neutral(const struct sim_attrs *attrs);
bool sim_mac_is_zero(const uint8_t mac[6]);
