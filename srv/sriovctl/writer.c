// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/writer.h"

#include <errno.h>

#include "srv/sriovctl/text.h"
#include "srv/sriovctl/writer-internal.h"

/* Select Graphic Rendition and Erase in Line (ECMA-48, 8.3.117 and 8.3.41). */
#define RESET	   "\033[0m"
#define CLEAR_LINE "\r\033[K"

#define PROSE_WIDTH 80

static const char *start_of(enum ctl_style style)
{
	switch (style) {
	case CTL_PLAIN:
		return NULL;
	case CTL_GOOD:
		return "\033[32m";
	case CTL_WARN:
		return "\033[33m";
	case CTL_BAD:
		return "\033[1;31m";
	case CTL_DIM:
		return "\033[2m";
	case CTL_BOLD:
		return "\033[1m";
	}
	return NULL;
}

struct ctl_writer *ctl_writer_new(FILE *out, bool color, unsigned width)
{
	struct ctl_writer *writer = g_new0(struct ctl_writer, 1);

	writer->out = out;
	writer->color = color;
	writer->width = width;
	return writer;
}

void ctl_writer_set_prose(struct ctl_writer *writer)
{
	if (writer->width == 0)
		writer->width = PROSE_WIDTH;
}

void ctl_writer_free(struct ctl_writer *writer)
{
	g_free(writer);
}

void ctl_put(struct ctl_writer *writer, enum ctl_style style, const char *text)
{
	const char *start = writer->color ? start_of(style) : NULL;

	if (start && *text)
		fprintf(writer->out, "%s%s%s", start, text, RESET);
	else
		fputs(text, writer->out);
}

void ctl_put_spaces(struct ctl_writer *writer, size_t n)
{
	fprintf(writer->out, "%*s", (int)n, "");
}

void ctl_line(struct ctl_writer *writer, unsigned indent, enum ctl_style style, const char *fmt,
	      ...)
{
	g_autofree char *text = NULL, *clean = NULL;
	g_auto(GStrv) lines = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	clean = ctl_text_clean(text);
	lines = ctl_text_wrap(clean, writer->width > indent ? writer->width - indent : 0);
	for (char **line = lines; *line; line++) {
		ctl_put_spaces(writer, indent);
		ctl_put(writer, style, *line);
		fputc('\n', writer->out);
	}
}

void ctl_gap(struct ctl_writer *writer)
{
	fputc('\n', writer->out);
}

/* A line that is longer than the terminal is wide could not be taken back. */
static char *cut(const char *text, unsigned width)
{
	g_auto(GStrv) lines = ctl_text_wrap(text, width > 1 ? width - 1 : 0);

	return g_strdup(lines[0]);
}

void ctl_progress(struct ctl_writer *writer, bool in_place, const char *text)
{
	g_autofree char *clean = text ? ctl_text_clean(text) : NULL;

	if (writer->progress)
		fputs(CLEAR_LINE, writer->out);
	writer->progress = false;
	if (text && in_place) {
		g_autofree char *line = cut(clean, writer->width);

		ctl_put(writer, CTL_DIM, line);
		writer->progress = true;
	} else if (text) {
		fprintf(writer->out, "%s\n", clean);
	}
	fflush(writer->out);
}

void ctl_json(struct ctl_writer *writer, const json_t *json)
{
	json_dumpf(json, writer->out, JSON_INDENT(2));
	fputc('\n', writer->out);
	fflush(writer->out);
}

void ctl_json_line(struct ctl_writer *writer, const json_t *json)
{
	json_dumpf(json, writer->out, JSON_COMPACT);
	fputc('\n', writer->out);
	fflush(writer->out);
}

int ctl_writer_flush(struct ctl_writer *writer)
{
	errno = 0;
	if (fflush(writer->out) == 0 && !ferror(writer->out))
		return 0;
	return errno ? -errno : -EIO;
}
