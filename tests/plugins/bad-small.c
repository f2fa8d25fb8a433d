// SPDX-License-Identifier: GPL-2.0-or-later
/* The symbol is there and begins like a descriptor, but is a number. */
#include "plugins/sriovd-plugin.h"

SBE_EXPORT const uint32_t sbe_plugin = SBE_ABI_VERSION;
