// SPDX-License-Identifier: GPL-2.0-or-later
/* No name at all. */
#define NAME 0
#include "tests/plugins/descriptor.h"
