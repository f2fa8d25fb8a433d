// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/nearest.h"

#include <string.h>

#include <glib.h>

/* Longer than any name of ours. */
#define LENGTH_MAX 64

/*
 * Levenshtein's distance of two strings of at most LENGTH_MAX bytes, without regard to case; two
 * neighbours swapped count as one mistake (optimal string alignment).
 */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][LENGTH_MAX + 1] = { 0 };
	size_t na = strlen(a), nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);

			row[j] = MIN(above[j], row[j - 1]) + 1;
			row[j] = MIN(row[j], above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
			    y == g_ascii_tolower(a[i - 2]))
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

/* The only one that begins with it; NULL: none, or several. */
static const char *only_beginning(const char *text, const char *const *names, size_t n)
{
	const char *only = NULL;

	for (size_t i = 0; i < n; i++) {
		if (g_ascii_strncasecmp(names[i], text, strlen(text)) != 0)
			continue;
		if (only)
			return NULL;
		only = names[i];
	}
	return only;
}

const char *sriov_nearest(const char *text, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t length = strlen(text);
	/* A third of the letters wrong is still a typo; more is another word. */
	unsigned limit = (unsigned)MAX(length / 3, 1), nearest = limit + 1;

	if (length < 2 || length > LENGTH_MAX)
		return NULL;
	best = only_beginning(text, names, n);
	if (best)
		return best;
	for (size_t i = 0; i < n; i++) {
		unsigned d = strlen(names[i]) <= LENGTH_MAX ? distance(text, names[i]) : nearest;

		if (d < nearest) {
			nearest = d;
			best = names[i];
		}
	}
	return best;
}
