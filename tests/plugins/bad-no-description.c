// SPDX-License-Identifier: GPL-2.0-or-later
/* Does not say what it is. */
#define DESCRIPTION 0
#include "tests/plugins/descriptor.h"
