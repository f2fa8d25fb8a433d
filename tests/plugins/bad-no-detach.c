// SPDX-License-Identifier: GPL-2.0-or-later
/* Cannot detach. */
#define DETACH 0
#include "tests/plugins/descriptor.h"
