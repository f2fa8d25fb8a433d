// SPDX-License-Identifier: GPL-2.0-or-later
/* The symbol is there, but too small even for the version. */
#include "plugins/sriovd-plugin.h"

SBE_EXPORT const char sbe_plugin = 'x';
