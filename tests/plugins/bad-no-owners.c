// SPDX-License-Identifier: GPL-2.0-or-later
/* Serves nobody. */
#define OWNERS 0
#include "tests/plugins/descriptor.h"
