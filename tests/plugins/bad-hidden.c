// SPDX-License-Identifier: GPL-2.0-or-later
/* Forgot SBE_EXPORT: the descriptor is there, but nobody outside can see it. */
#define EXPORT
#include "tests/plugins/descriptor.h"
