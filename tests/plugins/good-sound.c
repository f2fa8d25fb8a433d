// SPDX-License-Identifier: GPL-2.0-or-later
/* Nothing is wrong with this one. */
#include "tests/plugins/descriptor.h"
