// SPDX-License-Identifier: GPL-2.0-or-later
/* For another version of the ABI, and linked so that it stays when it is unloaded. */
#define ABI_VERSION (SBE_ABI_VERSION + 1)
#include "tests/plugins/descriptor.h"
