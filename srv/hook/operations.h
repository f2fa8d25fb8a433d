/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * What both halves of the hook agree on; libc only, since the first half has nothing else.
 */

/*
 * The same as in srv/domain/metadata.h, which needs GLib. hook.c includes both, and the compiler
 * refuses a macro that is defined twice and differently.
 */
#define SRV_NICS_XMLNS "https://sriovd.io/xmlns/nics/1"
#define SRV_XML_MAX    (4 * 1024 * 1024) /* bytes */

/* How long libvirt may take to write the XML. Tests are built with less of each of these. */
#ifndef SRIOVD_HOOK_READ_SECONDS
#define SRIOVD_HOOK_READ_SECONDS 10
#endif
/* How long the daemon may take for its answer. */
#ifndef SRIOVD_HOOK_PREPARE_MS
#define SRIOVD_HOOK_PREPARE_MS 20000
#endif
#ifndef SRIOVD_HOOK_OTHER_MS
#define SRIOVD_HOOK_OTHER_MS 5000
#endif
/* How long making VLAN links in its place may take. */
#define SRIOVD_HOOK_LINKS_MS 2000

/* Operations and sub-operations as libvirt names them (https://libvirt.org/hooks.html). */
struct hook_operation {
	const char *name;
	const char *sub;
	int timeout_ms;
	bool may_refuse; /* a failing hook keeps the guest from starting, and does no other harm */
};

/*
 * The operations that the daemon wants to hear of, or NULL for all others: a start to reserve for
 * and one to attach to, and an end to free after. The others tell it nothing: "start" comes between
 * prepare and started, "migrate" and "restore" before prepare, and at "reconnect" (libvirtd
 * restarts) a failing hook would kill the running guest, so nothing is risked there. "attach" went
 * before qemu.d came (libvirt 6.5).
 */
static inline const struct hook_operation *hook_operation_find(const char *name, const char *sub)
{
	static const struct hook_operation operations[] = {
		{ "prepare", "begin", SRIOVD_HOOK_PREPARE_MS, true },
		{ "started", "begin", SRIOVD_HOOK_OTHER_MS, false },
		{ "stopped", "end", SRIOVD_HOOK_OTHER_MS, false },
		{ "release", "end", SRIOVD_HOOK_OTHER_MS, false },
	};

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(name, operations[i].name) == 0 && strcmp(sub, operations[i].sub) == 0)
			return &operations[i];
	}
	return NULL;
}
