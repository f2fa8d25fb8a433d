// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/log.h"

#include <stdio.h>
#include <string.h>
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

void srv_log(int priority, const struct srv_log_fields *fields, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	if (priority > level)
		return;
	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	/* systemd says so when our stderr is the journal's socket; by hand, stderr is a person's.
	 */
	if (g_getenv("JOURNAL_STREAM"))
		to_journal(priority, fields, text);
	else
		fprintf(stderr, "sriovd: %s\n", text);
}
