// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/text.h"
#include "srv/sriovctl/writer-internal.h"

#define BETWEEN	 2  /* spaces between columns */
#define ROOM_MIN 40 /* columns that a sentence needs beside its row, broken into several lines */
#define BELOW	 4  /* how far it is indented below its row */
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
	bool breaks = (column->flags & CTL_SENTENCE) && writer->width > start;
	g_auto(GStrv) lines = ctl_text_wrap(text, breaks ? writer->width - start : 0);

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

static guint shown_before(const struct ctl_table *table, guint column)
{
	for (guint i = column; i > 0; i--)
		if (column_at(table, i - 1)->shown)
			return i - 1;
	return column;
}

/* A row to its end, which is not the table's when its sentence is missing or stands below. */
static void put_row(const struct ctl_table *table, int row, guint end)
{
	size_t start = table->indent;

	ctl_put_spaces(table->writer, table->indent);
	for (guint i = 0; i <= end; i++) {
		const struct column *column = column_at(table, i);
		struct cell cell = cell_or_title(table, row, i);

		if (!column->shown)
			continue;
		if (*cell.text == '\0')
			cell = (struct cell){ (char *)"-", CTL_DIM };
		if (i == end)
			put_last(table, column, start, cell.style, cell.text);
		else
			put_cell(table, column, cell.style, cell.text);
		start += column->width + BETWEEN;
	}
}

/* Is there so little room beside the rows that the sentences go below them. */
static bool is_narrow(const struct ctl_table *table, guint last)
{
	size_t start = table->indent, width = table->writer->width;

	for (guint i = 0; i < last; i++)
		if (column_at(table, i)->shown)
			start += column_at(table, i)->width + BETWEEN;
	return width && start + column_at(table, last)->width > width && start + ROOM_MIN > width;
}

static void put_rows(const struct ctl_table *table, guint rows, guint last)
{
	bool sentences = column_at(table, last)->flags & CTL_SENTENCE;
	guint before = sentences ? shown_before(table, last) : last;
	bool below = sentences && is_narrow(table, last);

	if (column_at(table, 0)->title)
		put_row(table, HEAD, below ? before : last);
	for (guint row = 0; row < rows; row++) {
		const struct cell *cell = cell_at(table, row, last);

		put_row(table, (int)row, below || !*cell->text ? before : last);
		if (below && *cell->text)
			ctl_line(table->writer, table->indent + BELOW, cell->style, "%s",
				 cell->text);
	}
}

void ctl_table_end(struct ctl_table *table)
{
	guint rows = table->cells->len / table->columns->len;

	g_assert(table->cells->len == rows * table->columns->len);
	measure(table, rows);
	if (rows)
		put_rows(table, rows, shown_before(table, table->columns->len));
	table_free(table);
}

struct ctl_table *ctl_fields_new(struct ctl_writer *writer, unsigned indent)
{
	struct ctl_table *table = ctl_table_new(writer, indent);

	ctl_table_column(table, NULL, CTL_LEFT);
	ctl_table_column(table, NULL, CTL_SENTENCE);
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
