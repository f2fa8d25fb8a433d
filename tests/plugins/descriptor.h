/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "plugins/sriovd-plugin.h"

/*
 * A plugin that is right in everything. A test plugin defines the one member that it breaks, and
 * includes this.
 */
#ifndef ABI_VERSION
#define ABI_VERSION SBE_ABI_VERSION
#endif
#ifndef SIZE
#define SIZE sizeof(struct sbe_plugin)
#endif
#ifndef NAME
#define NAME "sound"
#endif
#ifndef DESCRIPTION
#define DESCRIPTION "attaches nothing to containers"
#endif
#ifndef OWNERS
#define OWNERS (1U << SBE_OWNER_CONTAINER)
#endif
#ifndef BACKINGS
#define BACKINGS (1U << SBE_BACKING_VF | 1U << SBE_BACKING_VIRTIO)
#endif
#ifndef ATTACH
#define ATTACH nothing
#endif
#ifndef DETACH
#define DETACH nothing
#endif
#ifndef EXPORT
#define EXPORT SBE_EXPORT
#endif

static inline int nothing(const struct sbe_host *host, const struct sbe_nic *nic,
			  struct sbe_error *error)
{
	return 0;
}

EXPORT const struct sbe_plugin sbe_plugin = {
	.abi_version = ABI_VERSION,
	.size = SIZE,
	.name = NAME,
	.description = DESCRIPTION,
	.owners = OWNERS,
	.backings = BACKINGS,
	.attach = ATTACH,
	.detach = DETACH,
};
