// SPDX-License-Identifier: GPL-2.0-or-later
/* A name that would break a line of the journal. */
#define NAME "a\nb"
#include "tests/plugins/descriptor.h"
