// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/text.h"

#include <stdbool.h>
#include <string.h>

/* Joiners hold emoji and Indic letters together and do no harm. */
#define ZERO_WIDTH_NON_JOINER 0x200c
#define ZERO_WIDTH_JOINER     0x200d

static bool is_harmless(gunichar c)
{
	GUnicodeType type = g_unichar_type(c);

	if (c == ZERO_WIDTH_NON_JOINER || c == ZERO_WIDTH_JOINER)
		return true;
	/* CONTROL has the C1 controls too, FORMAT the overrides of the writing direction. */
	return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT &&
	       type != G_UNICODE_LINE_SEPARATOR && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

char *ctl_text_clean(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *clean = g_string_sized_new(strlen(valid));

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(clean, is_harmless(c) ? c : '?');
	}
	return g_string_free(clean, FALSE);
}

static size_t char_width(gunichar c)
{
	if (g_unichar_iszerowidth(c))
		return 0;
	return g_unichar_iswide(c) ? 2 : 1;
}

size_t ctl_text_width(const char *text)
{
	size_t width = 0;

	for (const char *p = text; *p; p = g_utf8_next_char(p))
		width += char_width(g_utf8_get_char(p));
	return width;
}

/* The end of as much of text as fits into width, but at least of one character. */
static const char *fit(const char *text, size_t width)
{
	const char *p = text;
	size_t used = 0;

	while (*p) {
		used += char_width(g_utf8_get_char(p));
		if (used > width && p > text)
			break;
		p = g_utf8_next_char(p);
	}
	return p;
}

char **ctl_text_wrap(const char *text, size_t width)
{
	GPtrArray *lines = g_ptr_array_new();

	for (const char *end; width && *(end = fit(text, width));) {
		const char *next = end, *space = end;

		while (space > text && *space != ' ')
			space--;
		if (space > text) {
			end = space;
			next = space + 1;
		}
		g_ptr_array_add(lines, g_strndup(text, (gsize)(end - text)));
		text = next;
	}
	g_ptr_array_add(lines, g_strdup(text));
	g_ptr_array_add(lines, NULL);
	return (char **)g_ptr_array_free(lines, FALSE);
}
