// SPDX-License-Identifier: GPL-2.0-or-later
/* A shared object, but no plugin. */
#include "plugins/sriovd-plugin.h"

SBE_EXPORT int answer(void);
SBE_EXPORT int answer(void)
{
	return 42;
}
