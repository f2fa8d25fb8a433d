// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt-alone URI
 *
 * Has a connection to libvirt and does nothing with it: the floor that bench-scale measures
 * sriovd's memory against. What libvirt's client library brings along (TLS, SSH, SASL, Kerberos,
 * curl, …) any client of libvirt has, whatever it does. Ends when its standard input does.
 */
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include <glib.h>
#include <libvirt/libvirt.h>

int main(int argc, char **argv)
{
	virConnectPtr conn;
	char c;

	if (argc != 2 || virEventRegisterDefaultImpl() < 0)
		return 2;
	conn = virConnectOpen(argv[1]);
	if (!conn)
		return 1;
	/* As sriovd does. */
	malloc_trim(0);
	puts("connected");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	virConnectClose(conn);
	return 0;
}
