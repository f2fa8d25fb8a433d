// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

static int level = LOG_INFO;

void srv_log_set_level(int priority)
{
	level = priority;
}

static void add(GPtrArray *lines, const char *name, const char *value)
{
	if (value)
		g_ptr_array_add(lines, g_strdup_printf("%s=%s", name, value));
}

static void to_journal(int priority, const struct srv_log_fields *fields, const char *text)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	struct iovec iov[8];

	g_ptr_array_add(lines, g_strdup_printf("PRIORITY=%d", priority));
	add(lines, "MESSAGE", text);
	if (fields) {
		add(lines, "PF", fields->pf);
		add(lines, "VF", fields->vf);
		add(lines, "DOMAIN", fields->domain);
		add(lines, "NIC", fields->nic);
		if (fields->job)
			g_ptr_array_add(lines, g_strdup_printf("JOB=%u", fields->job));
	}
	for (guint i = 0; i < lines->len; i++)
		iov[i] = (struct iovec){ lines->pdata[i], strlen(lines->pdata[i]) };
	sd_journal_sendv(iov, (int)lines->len);
}

/*
 * systemd.exec(5): $JOURNAL_STREAM has device and inode of the journal's socket, and stays in the
 * environment of what has its stderr redirected, so only both together say what stderr is.
 */
static bool stderr_is_the_journal(void)
{
	const char *stream = g_getenv("JOURNAL_STREAM");
	g_autofree char *ours = NULL;
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	ours = g_strdup_printf("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void srv_log(int priority, const struct srv_log_fields *fields, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	if (priority > level)
		return;
	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	/* By hand, stderr is a person's. */
	if (stderr_is_the_journal())
		to_journal(priority, fields, text);
	else
		fprintf(stderr, "sriovd: %s\n", text);
}
