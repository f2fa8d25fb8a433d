// SPDX-License-Identifier: GPL-2.0-or-later
/* Built for another version of the ABI. */
#define ABI_VERSION (SBE_ABI_VERSION + 6)
#include "tests/plugins/descriptor.h"
