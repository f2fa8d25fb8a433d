/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/virt.h"
#include "tests/sim/clock.h"
#include "tests/sim/world.h"

/*
 * A host to run the daemon on, in the test's own process: a directory with sysfs, ledger and
 * configuration, the world (tests/sim/world.h), and the daemon's real code between them. The test
 * plays libvirt, which calls hooks and sends events, and the clients.
 */
extern char *sim_root;
extern struct srv_daemon *sim_daemon; /* the one that runs; NULL */

/* Two PFs of 7 VFs, enp1s0 and enp2s0, in one pool; networks "a" (VLAN 100), "b" (no VLAN, on a
 * bridge without VFs), "n" (no fallback). */
#define SIM_CONFIG                                                                         \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\",\"enp2s0\"]}," \
	"\"numVfs\":7}],\"networks\":["                                                    \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000},"              \
	"{\"name\":\"b\",\"pool\":\"fast\",\"fallback\":{\"type\":\"bridge\","             \
	"\"bridge\":\"br0\"}},"                                                            \
	"{\"name\":\"n\",\"pool\":\"fast\",\"fallback\":{\"type\":\"none\"}}]}"

/* The same with one PF, as most tests want it. */
#define SIM_CONFIG_ONE_PF                                                       \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]}," \
	"\"numVfs\":7}],\"networks\":["                                         \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000},"   \
	"{\"name\":\"b\",\"pool\":\"fast\",\"fallback\":{\"type\":\"bridge\","  \
	"\"bridge\":\"br0\"}},"                                                 \
	"{\"name\":\"n\",\"pool\":\"fast\",\"fallback\":{\"type\":\"none\"}}]}"

/* The same, where a nic of higher priority may have the VF of one of lower. */
#define SIM_CONFIG_PREEMPT                                                      \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]}," \
	"\"numVfs\":7}],\"networks\":["                                         \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000}],"  \
	"\"failover\":{\"preempt\":true}}"

/* Networks that set every attribute otherwise than it is on a free VF. */
#define SIM_NETWORKS_RICH                                                            \
	"\"networks\":["                                                             \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"qos\":5,\"minTxRate\":10," \
	"\"maxTxRate\":1000,\"spoofchk\":false,\"linkState\":\"enable\"},"           \
	"{\"name\":\"b\",\"pool\":\"fast\",\"trust\":true,\"fallback\":{"            \
	"\"type\":\"bridge\",\"bridge\":\"br0\"}},"                                  \
	"{\"name\":\"n\",\"pool\":\"fast\",\"fallback\":{\"type\":\"none\"}}]}"
#define SIM_CONFIG_RICH                                                                    \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\",\"enp2s0\"]}," \
	"\"numVfs\":7}]," SIM_NETWORKS_RICH
#define SIM_CONFIG_RICH_ONE_PF                                                  \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]}," \
	"\"numVfs\":7}]," SIM_NETWORKS_RICH

/* The same, and the PF is known by its address, whatever its name. */
#define SIM_CONFIG_RICH_BY_ADDRESS                                                        \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"rootDevices\":[\"0000:01:00.0\"]}," \
	"\"numVfs\":7}]," SIM_NETWORKS_RICH

/*
 * A new host, nothing running but a guest that does not use sriovd (the last domain); its PFs have
 * no VFs yet.
 */
void sim_new(const char *config);
void sim_free(void);
void sim_configure(const char *config);

/* Makes and starts the daemon, and lets it come to rest. */
void sim_start(void);
/* The same, and no time goes by. */
void sim_begin(void);
/* An orderly end. */
void sim_stop(void);
/* The host boots again: no guest, no VF, another boot_id; the ledger is as it was. */
void sim_reboot(void);
/* Somebody else writes 0 to sriov_numvfs: guests lose their VFs. */
void sim_destroy_vfs(uint8_t bus);
/*
 * The driver leaves a PF: its VFs and its netdev go; and comes back with a netdev of that name and
 * index.
 */
void sim_unbind_pf(uint8_t bus);
void sim_bind_pf(uint8_t bus, const char *netdev, uint32_t ifindex);
/* The device goes, and comes back as it was, without VFs. */
void sim_unplug_pf(uint8_t bus);
void sim_plug_pf(uint8_t bus);
void sim_rename_pf(uint8_t bus, const char *netdev);
/*
 * The kernel's counters of a function's PCIe errors, which are there from the first call on. Nobody
 * is told; see sim_pci_error_event().
 */
void sim_show_errors(uint8_t bus, uint8_t slot, uint8_t function, uint32_t fatal,
		     uint32_t nonfatal);
/* Until nothing but periodic timers is left to do. */
void sim_settle(void);

/* libvirt */

/* Defines a shut-off domain without nics; NAME's UUID is made from n. */
struct sim_domain *sim_define(unsigned n, const char *name);
void sim_add_nic(struct sim_domain *domain, const char *id, const char *network,
		 enum srv_mode mode);
void sim_undefine(struct sim_domain *domain);

/* nic add NAME --network NETWORK --mode failover. NULL, or the error's sentence (the caller's). */
struct sim_failover {
	const char *network;
	uint32_t priority;
	bool now, add_port;
};
char *sim_add_failover(struct sim_domain *domain, const struct sim_failover *nic);

/*
 * Starts it as libvirt does: the prepare hook, whose refusal ends it; QEMU; the started hook and
 * the event. NULL, or the sentence of the refusal (the caller's). Without a daemon, unanswered.
 */
char *sim_boot(struct sim_domain *domain);
/* QEMU ends, libvirt takes its devices back; then the hooks and the event. */
void sim_shut_down(struct sim_domain *domain);
/* The same without telling anybody. */
void sim_vanish(struct sim_domain *domain);
/* QEMU runs, without a word to anybody. */
void sim_appear(struct sim_domain *domain);
/* The same, its hook having asked in vain: it makes the VLAN links itself (srv/hook/links.c). */
void sim_appear_unanswered(struct sim_domain *domain);
/* The hooks and events, one by one. */
char *sim_hook_prepare(struct sim_domain *domain);
void sim_hook_started(struct sim_domain *domain);
void sim_hook_release(struct sim_domain *domain);

/* A callback that does not mind. */
void sim_ignore(const struct sriov_error *error, void *data);

/* Events and connection of libvirt, to the daemon. */
void sim_virt_event(const char *uuid, enum srv_virt_event event);
void sim_virt_connect(bool up);
void sim_virt_negotiated(const char *uuid, const char *alias);
void sim_virt_device_removed(const char *uuid, const char *alias);
/* Has it an attach to do yet (faults.late_attach)? */
bool sim_virt_has_late_attach(void);

/* Clients */

/* Claims and waits; NULL when it was acknowledged, else the error's sentence (the caller's). */
char *sim_claim_vf(const char *owner, const char *id, const char *network);
/* Releases (id NULL: all of the owner's), and waits for the answer. */
char *sim_release_vf(const char *owner, const char *id);
/* The world's note of a claim, made when it is not there. */
struct sim_claim *sim_claim_of(const char *owner, const char *id);

/* The same without waiting: the claim's state tells of the answer. */
void sim_begin_claim(struct sim_claim *claim, const char *network);
void sim_begin_release(struct sim_claim *claim);
/* Asks with the prepare hook; when that is granted the domain starts. */
void sim_begin_boot(struct sim_domain *domain);

/* Makes the running daemon serve its API; calls a method, whatever comes of it (client.c). */
void sim_serve(void);
void sim_ask(const char *method, const char *parameters);

/* What there is to see */

/* "owner/id state backing: reason" … of every nic, in order; the caller's. */
char *sim_nics(void);
/* "1 free, 6 owned": of one PF; the caller's. */
char *sim_counts(const char *pf);
/* The attributes that the kernel has of a VF; the caller's. */
char *sim_vf_attrs(uint8_t bus, uint32_t vf);

/*
 * Every rule of DESIGN.md section 3 that can be seen from here, with the daemon at rest: NULL, or
 * the first one that is broken (the caller's).
 */
char *sim_check_rules(void);

/*
 * Ditto, with nothing that fails: each PF serves, or does what its operator wants; no guest waits
 * paused; a domain's own configuration has what its nics need (rules-host.c).
 */
char *sim_check_mended(void);
/* And when nobody has anything any more. */
char *sim_check_empty(void);

/* Parts of sim_check_rules(): seen from the kernel (rules-kernel.c), and MACs (rules-host.c). */
char *sim_check_kernel(void);
char *sim_check_macs(void);

/*
 * What an operator does to a PF, and its note in the world, which the rules go by (orders.c).
 * Nothing is waited for: sim_note_orders() says that all is at rest, and so what has come of it.
 */
void sim_drain(uint8_t bus, bool force);
void sim_undrain(uint8_t bus);
void sim_resize(uint8_t bus, uint32_t vfs, bool force);
void sim_note_orders(void);
/* After sim_settle(): until no PF is resized any more, at most until guests were asked again. */
void sim_settle_orders(void);

/* The driver of a domain's guest begins to use the VFs that it has, or stops. */
void sim_guest_uses_vfs(struct sim_domain *domain, bool uses);

/* Inside the simulation. */

/* What a call says in the end: a callback for it, and its sentence (NULL, or the caller's). */
struct sim_answer {
	bool done;
	char *text;
};
void sim_on_answer(const struct sriov_error *error, void *answer);
char *sim_wait_for(struct sim_answer *answer);

/* The guest that does not use sriovd. */
struct sim_domain *sim_stranger(void);
/* On a thread of the daemon's: hangs in the kernel while *where has that value. Fatal on the main
 * thread. */
void sim_hang(const uint8_t *where, uint8_t value);
/* With the lock held: what its own configuration gives a domain that starts. */
bool sim_plug_stored(struct sim_domain *domain);
/* With the lock held: the VLAN links under that, as the domain's hook makes them. */
void sim_make_stored_links(struct sim_domain *domain);
void sim_unplug_all(struct sim_domain *domain);
GPtrArray *sim_domain_requests(const struct sim_domain *domain);
/* As the hook finds them in its configuration: of char, the caller's. */
GPtrArray *sim_domain_links(const struct sim_domain *domain);
void sim_device_leave(struct sim_device *device);
bool sim_is_on_vfio(uint8_t bus, uint8_t function);
/* A PF's link as sysfs shows it, after it changed. */
void sim_show_link(const struct sim_link *link);
