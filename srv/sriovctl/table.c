// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/text.h"
#include "srv/sriovctl/writer-internal.h"

#define BETWEEN	 2  /* spaces between columns */
#define WRAP_MIN 24 /* columns that a text needs to be broken into; with less, let it run on */
#define HEAD	 -1 /* the row of the titles */

struct cell {
	char *text; /* cleaned, never NULL */
	enum ctl_style style;
};

struct column {
	const char *title;
	unsigned flags;
	size_t width;
	bool shown;
};

struct ctl_table {
	struct ctl_writer *writer;
	unsigned indent;
	GArray *columns; /* of struct column */
	GArray *cells;	 /* of struct cell, row by row */
};

static void cell_clear(gpointer data)
{
	g_free(((struct cell *)data)->text);
}

struct ctl_table *ctl_table_new(struct ctl_writer *writer, unsigned indent)
{
	struct ctl_table *table = g_new0(struct ctl_table, 1);

	table->writer = writer;
	table->indent = indent;
	table->columns = g_array_new(FALSE, FALSE, sizeof(struct column));
	table->cells = g_array_new(FALSE, FALSE, sizeof(struct cell));
	g_array_set_clear_func(table->cells, cell_clear);
	return table;
}

static void table_free(struct ctl_table *table)
{
	g_array_unref(table->columns);
	g_array_unref(table->cells);
	g_free(table);
}

void ctl_table_column(struct ctl_table *table, const char *title, unsigned flags)
{
	struct column column = { .title = title, .flags = flags };

	g_array_append_val(table->columns, column);
}

void ctl_table_text(struct ctl_table *table, enum ctl_style style, const char *text)
{
	struct cell cell = { ctl_text_clean(text ?: ""), style };

	g_array_append_val(table->cells, cell);
}

void ctl_table_format(struct ctl_table *table, enum ctl_style style, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	ctl_table_text(table, style, text);
}

static struct column *column_at(const struct ctl_table *table, guint i)
{
	return &g_array_index(table->columns, struct column, i);
}

static const struct cell *cell_at(const struct ctl_table *table, guint row, guint column)
{
	return &g_array_index(table->cells, struct cell, row * table->columns->len + column);
}

static void measure(struct ctl_table *table, guint rows)
{
	for (guint i = 0; i < table->columns->len; i++) {
		struct column *column = column_at(table, i);

		column->width = column->title ? ctl_text_width(column->title) : 0;
		column->shown = !(column->flags & CTL_OPTIONAL);
		for (guint row = 0; row < rows; row++) {
			const char *text = cell_at(table, row, i)->text;

			column->width = MAX(column->width, ctl_text_width(text));
			column->shown |= *text != '\0';
		}
	}
}

static guint last_shown(const struct ctl_table *table)
{
	guint last = 0;

	for (guint i = 0; i < table->columns->len; i++)
		if (column_at(table, i)->shown)
			last = i;
	return last;
}

static void put_cell(const struct ctl_table *table, const struct column *column,
		     enum ctl_style style, const char *text)
{
	size_t fill = column->width - ctl_text_width(text);

	if (column->flags & CTL_RIGHT)
		ctl_put_spaces(table->writer, fill);
	ctl_put(table->writer, style, text);
	ctl_put_spaces(table->writer, (column->flags & CTL_RIGHT ? 0 : fill) + BETWEEN);
}

/* The last column: no spaces behind it, and on a terminal broken into the rest of its width. */
static void put_last(const struct ctl_table *table, const struct column *column, size_t start,
		     enum ctl_style style, const char *text)
{
	struct ctl_writer *writer = table->writer;
	size_t room = writer->width > start + WRAP_MIN ? writer->width - start : 0;
	g_auto(GStrv) lines = ctl_text_wrap(text, room);

	if (column->flags & CTL_RIGHT)
		ctl_put_spaces(writer, column->width - ctl_text_width(text));
	for (char **line = lines; *line; line++) {
		if (line > lines)
			ctl_put_spaces(writer, start);
		ctl_put(writer, style, *line);
		fputc('\n', writer->out);
	}
}

static struct cell cell_or_title(const struct ctl_table *table, int row, guint column)
{
	if (row == HEAD)
		return (struct cell){ (char *)column_at(table, column)->title, CTL_BOLD };
	return *cell_at(table, (guint)row, column);
}

/* Where the line of a row ends: an empty cell of the last column leaves no spaces behind. */
static guint last_of_row(const struct ctl_table *table, int row, guint last)
{
	guint before = last;

	if (*cell_or_title(table, row, last).text)
		return last;
	while (before > 0)
		if (column_at(table, --before)->shown)
			return before;
	return last;
}

static void put_row(const struct ctl_table *table, int row, guint last)
{
	guint end = last_of_row(table, row, last);
	size_t start = table->indent;

	ctl_put_spaces(table->writer, table->indent);
	for (guint i = 0; i <= end; i++) {
		const struct column *column = column_at(table, i);
		struct cell cell = cell_or_title(table, row, i);

		if (!column->shown)
			continue;
		if (*cell.text == '\0' && i < last)
			cell = (struct cell){ (char *)"-", CTL_DIM };
		if (i == end)
			put_last(table, column, start, cell.style, cell.text);
		else
			put_cell(table, column, cell.style, cell.text);
		start += column->width + BETWEEN;
	}
}

void ctl_table_end(struct ctl_table *table)
{
	guint rows = table->cells->len / table->columns->len, last;

	g_assert(table->cells->len == rows * table->columns->len);
	measure(table, rows);
	last = last_shown(table);
	if (rows && column_at(table, 0)->title)
		put_row(table, HEAD, last);
	for (guint row = 0; row < rows; row++)
		put_row(table, (int)row, last);
	table_free(table);
}

struct ctl_table *ctl_fields_new(struct ctl_writer *writer, unsigned indent)
{
	struct ctl_table *table = ctl_table_new(writer, indent);

	ctl_table_column(table, NULL, CTL_LEFT);
	ctl_table_column(table, NULL, CTL_LEFT);
	return table;
}

void ctl_field(struct ctl_table *table, const char *name, enum ctl_style style, const char *text)
{
	if (!text || !*text)
		return;
	ctl_table_text(table, CTL_DIM, name);
	ctl_table_text(table, style, text);
}

void ctl_field_format(struct ctl_table *table, const char *name, enum ctl_style style,
		      const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	ctl_field(table, name, style, text);
}
