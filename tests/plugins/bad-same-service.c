// SPDX-License-Identifier: GPL-2.0-or-later
/* Another name, but what good-sound does already. */
#define NAME	 "rival"
#define BACKINGS (1U << SBE_BACKING_VIRTIO)
#include "tests/plugins/descriptor.h"
