// SPDX-License-Identifier: GPL-2.0-or-later
/* Says of itself that it is older than the first version of the ABI. */
#define SIZE (sizeof(struct sbe_plugin) - 1)
#include "tests/plugins/descriptor.h"
