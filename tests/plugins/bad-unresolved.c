// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls a function of the daemon, which plugins cannot. */
#define ATTACH attach
#include "plugins/sriovd-plugin.h"

int srv_function_of_the_daemon(void);

static int attach(const struct sbe_host *host, const struct sbe_nic *nic, struct sbe_error *error)
{
	return srv_function_of_the_daemon();
}

#include "tests/plugins/descriptor.h"
