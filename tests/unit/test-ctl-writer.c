// SPDX-License-Identifier: GPL-2.0-or-later
/* Columns of UTF-8, broken lines, tables. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "srv/sriovctl/show.h"
#include "srv/sriovctl/text.h"
#include "srv/sriovctl/writer.h"

static void text_width_counts_columns(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} cases[] = {
		{ "", 0 },
		{ "web1", 4 },
		{ "größe", 5 },
		{ "gro\xcc\x88\xc3\x9f"
		  "e",
		  5 },			   /* o and a combining diaeresis */
		{ "日本", 4 },		   /* wide */
		{ "ﾆﾎﾝ", 3 },		   /* halfwidth kana */
		{ "\xf0\x9f\x98\x80", 2 }, /* an emoji */
		{ "a\xe2\x80\x8d"
		  "b",
		  2 }, /* zero width joiner */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(ctl_text_width(cases[i].text), cases[i].width);
}

static void text_clean_leaves_nothing_that_moves_a_cursor(void **state)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{ "plain größe 日本", "plain größe 日本" },
		{ "a\nb\tc\rd", "a?b?c?d" },
		{ "\033[2J\a\x7f", "?[2J??" },
		{ "c1 \xc2\x9b"
		  "31m",
		  "c1 ?31m" },		     /* CSI in one character */
		{ "x\xe2\x80\xaey", "x?y" }, /* right-to-left override */
		{ "x\xe2\x80\xa8y", "x?y" }, /* line separator */
		{ "bad \xff\xfe", "bad \xef\xbf\xbd\xef\xbf\xbd" },
		{ "a\xe2\x80\x8d"
		  "b",
		  "a\xe2\x80\x8d"
		  "b" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *clean = ctl_text_clean(cases[i].text);

		assert_string_equal(clean, cases[i].clean);
	}
}

static void text_wrap_breaks_at_spaces_and_long_words(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *lines; /* joined by '|' */
	} cases[] = {
		{ "", 5, "" },
		{ "one two", 0, "one two" },
		{ "one two", 7, "one two" },
		{ "one two", 6, "one|two" },
		{ "one two", 3, "one|two" },
		{ "one two three", 9, "one two|three" },
		{ "abcdefghij", 4, "abcd|efgh|ij" },
		{ "ab cdefghij", 4, "ab|cdef|ghij" },
		{ "日本語 日本", 7, "日本語|日本" },
		{ "日本語", 3, "日|本|語" },
		{ "日本", 1, "日|本" }, /* narrower than a character */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(GStrv) lines = ctl_text_wrap(cases[i].text, cases[i].width);
		g_autofree char *joined = g_strjoinv("|", lines);

		assert_string_equal(joined, cases[i].lines);
	}
}

struct sheet {
	char *text;
	size_t len;
	FILE *out;
	struct ctl_writer *writer;
};

static void sheet_open(struct sheet *sheet, bool color, unsigned width)
{
	sheet->out = open_memstream(&sheet->text, &sheet->len);
	sheet->writer = ctl_writer_new(sheet->out, color, width);
}

static void sheet_close_expecting(struct sheet *sheet, const char *expected)
{
	assert_int_equal(ctl_writer_flush(sheet->writer), 0);
	fclose(sheet->out);
	assert_string_equal(sheet->text, expected);
	ctl_writer_free(sheet->writer);
	free(sheet->text);
}

static struct ctl_table *two_by_two(struct sheet *sheet, const char *a, const char *b)
{
	struct ctl_table *table = ctl_table_new(sheet->writer, 0);

	ctl_table_column(table, "NAME", CTL_LEFT);
	ctl_table_column(table, "N", CTL_RIGHT);
	ctl_table_column(table, "NONE", CTL_OPTIONAL);
	ctl_table_column(table, "WHY", CTL_OPTIONAL | CTL_SENTENCE);
	ctl_table_text(table, CTL_PLAIN, a);
	ctl_table_format(table, CTL_GOOD, "%d", 1000);
	ctl_table_text(table, CTL_PLAIN, NULL);
	ctl_table_text(table, CTL_PLAIN, b);
	ctl_table_text(table, CTL_PLAIN, "");
	ctl_table_text(table, CTL_BAD, "7");
	ctl_table_text(table, CTL_PLAIN, "");
	ctl_table_text(table, CTL_PLAIN, NULL);
	return table;
}

static void table_aligns_wide_characters(void **state)
{
	struct sheet sheet;

	sheet_open(&sheet, false, 0);
	ctl_table_end(two_by_two(&sheet, "日本語größe", "because"));
	sheet_close_expecting(&sheet, "NAME            N  WHY\n"
				      "日本語größe  1000  because\n"
				      "-               7\n");
}

static void table_leaves_empty_columns_out(void **state)
{
	struct sheet sheet;

	sheet_open(&sheet, false, 0);
	ctl_table_end(two_by_two(&sheet, "a", NULL));
	sheet_close_expecting(&sheet, "NAME     N\n"
				      "a     1000\n"
				      "-        7\n");
}

static void table_without_rows_prints_nothing(void **state)
{
	struct sheet sheet;
	struct ctl_table *table;

	sheet_open(&sheet, false, 0);
	table = ctl_table_new(sheet.writer, 0);
	ctl_table_column(table, "NAME", CTL_LEFT);
	ctl_table_end(table);
	sheet_close_expecting(&sheet, "");
}

static void table_colours_do_not_count_as_columns(void **state)
{
	struct sheet sheet;

	sheet_open(&sheet, true, 0);
	ctl_table_end(two_by_two(&sheet, "a", NULL));
	sheet_close_expecting(&sheet, "\033[1mNAME\033[0m     \033[1mN\033[0m\n"
				      "a     \033[32m1000\033[0m\n"
				      "\033[2m-\033[0m        \033[1;31m7\033[0m\n");
}

static void table_sentence_is_broken_or_goes_below(void **state)
{
	static const char why[] = "a sentence that is longer than there is room for beside";
	struct sheet sheet;

	sheet_open(&sheet, false, 55);
	ctl_table_end(two_by_two(&sheet, "a", why));
	sheet_close_expecting(&sheet, "NAME     N  WHY\n"
				      "a     1000  a sentence that is longer than there is\n"
				      "            room for beside\n"
				      "-        7\n");
	sheet_open(&sheet, false, 40);
	ctl_table_end(two_by_two(&sheet, "a", why));
	sheet_close_expecting(&sheet, "NAME     N\n"
				      "a     1000\n"
				      "    a sentence that is longer than there\n"
				      "    is room for beside\n"
				      "-        7\n");
}

static void fields_leave_out_what_is_not_known(void **state)
{
	struct sheet sheet;
	struct ctl_table *table;

	sheet_open(&sheet, false, 0);
	table = ctl_fields_new(sheet.writer, 2);
	ctl_field(table, "name", CTL_PLAIN, "web1");
	ctl_field(table, "unknown", CTL_PLAIN, NULL);
	ctl_field(table, "empty", CTL_PLAIN, "");
	ctl_field_format(table, "number", CTL_PLAIN, "%d", 0);
	ctl_table_end(table);
	sheet_close_expecting(&sheet, "  name    web1\n"
				      "  number  0\n");
}

static void line_is_broken_and_indented(void **state)
{
	struct sheet sheet;

	sheet_open(&sheet, false, 20);
	ctl_line(sheet.writer, 2, CTL_PLAIN, "%s", "one two three four five six");
	ctl_line(sheet.writer, 30, CTL_PLAIN, "%s", "too far");
	sheet_close_expecting(&sheet, "  one two three four\n"
				      "  five six\n"
				      "                              too far\n");
}

static void progress_replaces_itself_in_place(void **state)
{
	struct sheet sheet;

	sheet_open(&sheet, false, 12);
	ctl_progress(sheet.writer, true, "first");
	ctl_progress(sheet.writer, true, "longer than the line");
	ctl_progress(sheet.writer, true, NULL);
	ctl_progress(sheet.writer, true, NULL);
	ctl_progress(sheet.writer, false, "a\nline");
	sheet_close_expecting(&sheet, "first\r\033[Klonger than\r\033[Ka?line\n");
}

static void flush_tells_of_what_was_lost(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct ctl_writer *writer = ctl_writer_new(full, false, 0);

	assert_non_null(full);
	ctl_line(writer, 0, CTL_PLAIN, "text");
	assert_int_equal(ctl_writer_flush(writer), -ENOSPC);
	ctl_writer_free(writer);
	fclose(full);
}

static void numbers_look_as_people_say_them(void **state)
{
	static const struct {
		json_int_t n;
		const char *duration, *speed;
	} cases[] = {
		{ -5, "0s", NULL },
		{ 0, "0s", NULL },
		{ 59, "59s", "59 Mbit/s" },
		{ 60, "1m", "60 Mbit/s" },
		{ 1000, "16m", "1 Gbit/s" },
		{ 2500, "41m", "2.5 Gbit/s" },
		{ 3600, "1h00m", "3.6 Gbit/s" },
		{ 86399, "23h59m", "86.399 Gbit/s" },
		{ 100000, "1d03h", "100 Gbit/s" },
		{ 400000, "4d15h", "400 Gbit/s" },
		{ 864000, "10d", "864 Gbit/s" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *duration = ctl_duration(cases[i].n);
		g_autofree char *speed = ctl_speed(cases[i].n);

		assert_string_equal(duration, cases[i].duration);
		assert_string_equal(speed ?: "none", cases[i].speed ?: "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_width_counts_columns),
		cmocka_unit_test(text_clean_leaves_nothing_that_moves_a_cursor),
		cmocka_unit_test(text_wrap_breaks_at_spaces_and_long_words),
		cmocka_unit_test(table_aligns_wide_characters),
		cmocka_unit_test(table_leaves_empty_columns_out),
		cmocka_unit_test(table_without_rows_prints_nothing),
		cmocka_unit_test(table_colours_do_not_count_as_columns),
		cmocka_unit_test(table_sentence_is_broken_or_goes_below),
		cmocka_unit_test(fields_leave_out_what_is_not_known),
		cmocka_unit_test(line_is_broken_and_indented),
		cmocka_unit_test(progress_replaces_itself_in_place),
		cmocka_unit_test(flush_tells_of_what_was_lost),
		cmocka_unit_test(numbers_look_as_people_say_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
