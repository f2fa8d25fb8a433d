/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bdf.h"
#include "base/error.h"
#include "base/mac.h"

/*
 * What libvirt domain XML says: which nics a domain asks for (its <metadata>), and which network
 * devices it has. Parsed with libxml2 without DTDs, entities and network, with caps on size and
 * depth: the XML comes from whoever may define domains.
 */
#define SRV_NICS_XMLNS	       "https://sriovd.io/xmlns/nics/1"
#define SRV_NICS_PREFIX	       "sriov"
#define SRV_XML_MAX	       (4 * 1024 * 1024) /* bytes */
#define SRV_XML_DEPTH	       64
#define SRV_NICS_PER_OWNER_MAX 32

enum srv_mode {
	SRV_MODE_EXCLUSIVE, /* the default */
	SRV_MODE_REQUIRED,
	SRV_MODE_FAILOVER,
};

const char *srv_mode_name(enum srv_mode mode);
/* 0 or -EINVAL */
int srv_mode_parse(const char *text, enum srv_mode *ret);

#define SRV_PRIORITY_MAX 1000 /* priority: [0, 1000], default 0, higher goes first */

struct srv_nic_request {
	char *id;      /* sriov_name_is_valid() */
	char *network; /* ditto */
	enum srv_mode mode;
	bool has_mac;
	struct sriov_mac mac;
	uint32_t priority;
};

/* A network device of a live or stored domain. */
struct srv_domain_iface {
	char *alias; /* "net0", "ua-sriov-net0"; NULL when the XML has none (stored domains) */
	char *type;  /* "hostdev", "direct", "bridge", "network", … */
	struct sriov_mac mac;
	bool has_vf; /* of type hostdev: source address is a PCI function */
	struct sriov_bdf vf;
	char *source; /* of type direct: dev; of bridge: bridge; of network: network; else NULL */
	char *target; /* host side netdev, e.g. "macvtap0"; NULL */
	char *driver; /* <driver name=>: "vhost", "qemu", "vfio"; NULL */
};

struct srv_domain {
	char *uuid; /* lower case */
	char *name;
	int numa_node;	   /* its memory comes from this one alone (<numatune>); -1: not so */
	bool is_ours;	   /* has our metadata element, be it empty or broken */
	GPtrArray *nics;   /* of struct srv_nic_request */
	GPtrArray *ifaces; /* of struct srv_domain_iface */
	/* PCI functions given by plain <hostdev>, i.e. past us: of uint64_t, sriov_bdf_key() */
	GArray *hostdevs;
	GPtrArray *aliases; /* of char *, of all its devices of whatever kind, in no order */
};

/*
 * Parses a whole <domain>.
 *
 * Errors, each with "line N" as its subject where there is one: INVALID (not well-formed, no uuid
 * or name, our element with an unknown attribute or child, an id or network missing or malformed, a
 * duplicate id or MAC, an invalid or multicast MAC, an unknown mode), LIMIT (size, depth, number of
 * nics or attributes). *ret is NULL then, except that when only our metadata is bad, it is still
 * set, with uuid, name, ifaces and is_ours, and nics empty.
 */
int srv_domain_parse(const char *xml, size_t len, struct srv_domain **ret,
		     struct sriov_error **err);
void srv_domain_free(struct srv_domain *domain);

/*
 * Parses only our metadata element; *ret: of srv_nic_request. Takes what virDomainGetMetadata()
 * gives, which is the element with its namespace taken off (virXMLExtractNamespaceXML()), and the
 * element as it stands in a domain's XML. Errors as of srv_domain_parse().
 */
int srv_nics_parse(const char *xml, size_t len, GPtrArray **ret, struct sriov_error **err);

/*
 * The metadata element for a list of nics, as virDomainSetMetadata(VIR_DOMAIN_METADATA_ELEMENT)
 * takes it with SRV_NICS_PREFIX and SRV_NICS_XMLNS: without a namespace, which libvirt puts on
 * (virXMLInjectNamespace() fails when the element declares that prefix already). The caller owns
 * the string.
 */
char *srv_nics_format(const GPtrArray *nics);

struct srv_nic_request *srv_nic_request_copy(const struct srv_nic_request *request);
void srv_nic_request_free(struct srv_nic_request *request);
