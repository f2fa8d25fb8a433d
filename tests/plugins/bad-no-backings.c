// SPDX-License-Identifier: GPL-2.0-or-later
/* Serves with nothing. */
#define BACKINGS 0
#include "tests/plugins/descriptor.h"
