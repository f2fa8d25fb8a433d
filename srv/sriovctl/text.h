/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include <glib.h>

/*
 * Text on a terminal, counted in columns: whatever the locale, what we print is UTF-8, and a
 * character takes no, one or two columns.
 */

/*
 * What a domain is called or a driver says, so that it neither breaks a line nor moves a cursor nor
 * turns the direction of what follows: valid UTF-8, '?' for control and formatting characters. The
 * caller owns it.
 */
char *ctl_text_clean(const char *text);

/* Columns of a text without control characters. */
size_t ctl_text_width(const char *text);

/*
 * Breaks a text at its spaces into lines of at most width columns, and a word that is longer
 * wherever it must be. width 0: one line. Never empty. The caller owns the strings (GStrv).
 */
char **ctl_text_wrap(const char *text, size_t width);
