// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/start-mark.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "srv/sriovd/ledger-file.h"

#define PREFIX	   "start-"
#define UNFINISHED ".new"

static char *path_of(const char *dir, const char *uuid)
{
	return g_strdup_printf("%s/" PREFIX "%s", dir, uuid);
}

int srv_start_mark_put(const char *dir, const char *uuid, const char *boot_id,
		       struct sriov_error **err)
{
	g_autofree char *path = path_of(dir, uuid);
	g_autofree char *unfinished = g_strconcat(path, UNFINISHED, NULL);
	g_autoptr(GError) gerror = NULL;

	if (!g_file_set_contents_full(unfinished, boot_id, -1, G_FILE_SET_CONTENTS_NONE, 0600,
				      &gerror))
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, EIO, unfinished,
				       "that the guest is being started cannot be written down: %s",
				       gerror->message);
	return srv_ledger_publish(dir, unfinished, path, err);
}

bool srv_start_mark_is_there(const char *dir, const char *uuid)
{
	g_autofree char *path = path_of(dir, uuid);

	return access(path, F_OK) == 0;
}

void srv_start_mark_remove(const char *dir, const char *uuid)
{
	g_autofree char *path = path_of(dir, uuid);

	/* What a power cut brings back is of another boot then. */
	(void)unlink(path);
}

static bool is_of_boot(const char *path, const char *boot_id)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) && g_str_equal(text, boot_id);
}

GPtrArray *srv_start_marks(const char *dir, const char *boot_id)
{
	GPtrArray *marks = g_ptr_array_new_with_free_func(g_free);
	GDir *open = g_dir_open(dir, 0, NULL);
	const char *name;

	while (open && (name = g_dir_read_name(open))) {
		g_autofree char *path = g_build_filename(dir, name, NULL);

		if (!g_str_has_prefix(name, PREFIX))
			continue;
		if (g_uuid_string_is_valid(name + strlen(PREFIX)) && is_of_boot(path, boot_id))
			g_ptr_array_add(marks, g_strdup(name + strlen(PREFIX)));
		else
			(void)unlink(path);
	}
	if (open)
		g_dir_close(open);
	return marks;
}
