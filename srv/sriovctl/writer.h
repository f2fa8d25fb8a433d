/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <glib.h>
#include <jansson.h>

/*
 * Everything that sriovctl prints for people and programs goes through here: headings, sentences,
 * tables aligned by the columns that a text takes on a terminal, and JSON. What is printed is
 * cleaned of whatever could harm a terminal (text.h), since names come from strangers.
 */
struct ctl_writer;
struct ctl_table;

enum ctl_style {
	CTL_PLAIN,
	CTL_GOOD,
	CTL_WARN,
	CTL_BAD,
	CTL_DIM,
	CTL_BOLD,
};

/*
 * out:   borrowed
 * color: use the terminal's colours
 * width: columns of the terminal, into which long sentences are broken; 0: they are not
 */
struct ctl_writer *ctl_writer_new(FILE *out, bool color, unsigned width);
void ctl_writer_free(struct ctl_writer *writer);
/* For prose that somebody reads also where there is no terminal: a width, if there is none. */
void ctl_writer_set_prose(struct ctl_writer *writer);

/* One line; text is broken into the width and indented, with every line's start below the first. */
void ctl_line(struct ctl_writer *writer, unsigned indent, enum ctl_style style, const char *fmt,
	      ...) G_GNUC_PRINTF(4, 5);
/* An empty line between two parts. */
void ctl_gap(struct ctl_writer *writer);

/*
 * A line that the next one of its kind replaces (on a terminal), or an ordinary one. text NULL
 * takes it away.
 */
void ctl_progress(struct ctl_writer *writer, bool in_place, const char *text);

/* One object over several lines, or on a line of its own, and out at once. */
void ctl_json(struct ctl_writer *writer, const json_t *json);
void ctl_json_line(struct ctl_writer *writer, const json_t *json);

/* Everything out; 0, or -errno when some of what was printed did not arrive. */
int ctl_writer_flush(struct ctl_writer *writer);

enum ctl_column {
	CTL_LEFT = 0,
	CTL_RIGHT = 1 << 0,
	CTL_OPTIONAL = 1 << 1, /* not shown when all its cells are empty */
	/* For the last column: broken into the terminal's width, or below when little is left. */
	CTL_SENTENCE = 1 << 2,
};

/*
 * Columns first, then the cells row by row. Empty cells are shown as "-", sentences as nothing.
 */
struct ctl_table *ctl_table_new(struct ctl_writer *writer, unsigned indent);
/* title: NULL in all columns for a table without a head; borrowed */
void ctl_table_column(struct ctl_table *table, const char *title, unsigned flags);
/* text NULL or "": empty; copied */
void ctl_table_text(struct ctl_table *table, enum ctl_style style, const char *text);
void ctl_table_format(struct ctl_table *table, enum ctl_style style, const char *fmt, ...)
	G_GNUC_PRINTF(3, 4);
/* Prints and frees it. Without rows it prints nothing. */
void ctl_table_end(struct ctl_table *table);

/*
 * For a table without a head of two columns, of names and values: one row, unless text is NULL or
 * empty.
 */
struct ctl_table *ctl_fields_new(struct ctl_writer *writer, unsigned indent);
void ctl_field(struct ctl_table *table, const char *name, enum ctl_style style, const char *text);
void ctl_field_format(struct ctl_table *table, const char *name, enum ctl_style style,
		      const char *fmt, ...) G_GNUC_PRINTF(4, 5);
