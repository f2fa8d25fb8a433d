// SPDX-License-Identifier: GPL-2.0-or-later
/* Cannot attach. */
#define ATTACH 0
#include "tests/plugins/descriptor.h"
