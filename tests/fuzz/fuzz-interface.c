// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An interface description and, after a NUL, JSON that is held against each of its methods. Beyond
 * not crashing: errors say where, and what is taken keeps the promises of srv/protocol/interface.h.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "srv/protocol/interface.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(int r, const struct sriov_error *err)
{
	g_assert(err && r == -err->err && err->code == SRIOV_ERROR_INVALID);
	g_assert(err->subject && g_utf8_validate(err->subject, -1, NULL));
	g_assert(g_utf8_validate(err->message, -1, NULL));
	g_assert(!strchr(err->message, '\n') && !strchr(err->subject, '\n'));
}

static void check_parameters(const struct srv_interface *interface, const json_t *parameters)
{
	const char *const *methods = srv_interface_methods(interface);

	for (size_t i = 0; methods[i]; i++) {
		g_autofree char *path = NULL;
		sriov_autoerror err = NULL;
		int r = srv_interface_check_call(interface, methods[i], parameters, &path, &err);

		if (r < 0) {
			check_error(r, err);
			g_assert_cmpstr(path, ==, err->subject);
		} else {
			g_assert(!path && !err);
		}
		srv_interface_check_reply(interface, methods[i], parameters, NULL, NULL);
		g_assert(srv_interface_check_error(interface, methods[i], parameters, NULL, NULL) <
			 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	struct srv_interface *interface = NULL;
	sriov_autoerror err = NULL;
	size_t used = strlen(text) + 1;
	json_t *parameters = NULL;
	int r = srv_interface_parse(text, &interface, &err);

	if (r < 0) {
		check_error(r, err);
		return 0;
	}
	g_assert_cmpstr(srv_interface_text(interface), ==, text);
	g_assert(strchr(srv_interface_name(interface), '.'));
	if (used < size)
		parameters = json_loadb((const char *)data + used, size - used,
					JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	check_parameters(interface, parameters);
	json_decref(parameters);
	srv_interface_free(interface);
	return 0;
}
