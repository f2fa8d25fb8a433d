// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/ioctl.h>
#include <unistd.h>

#include "srv/sriovctl/ctl.h"

static unsigned width_of(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int main(int argc, char **argv)
{
	struct ctl_env env = { .in = stdin, .out = stdout, .err = stderr };

	env.terminal = isatty(STDOUT_FILENO);
	env.can_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	env.width = env.terminal ? width_of(STDOUT_FILENO) : 0;
	env.now = g_get_real_time() / G_USEC_PER_SEC;
	return ctl_run(argc, argv, &env);
}
