// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sriov_parse_u64(const char *text, int base, uint64_t max, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	/* strtoull() takes leading spaces and signs; we do not. */
	if (!g_ascii_isxdigit(*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, base);
	if (end == text || *end != '\0')
		return -EINVAL;
	if (errno == ERANGE || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

static int parse_range(const char *text, uint32_t max, struct sriov_range *ret)
{
	const char *dash = strchr(text, '-');
	g_autofree char *head = dash ? g_strndup(text, (gsize)(dash - text)) : g_strdup(text);
	uint64_t first, last;
	int r;

	r = sriov_parse_u64(head, 10, max, &first);
	if (r < 0)
		return r;
	last = first;
	if (dash) {
		r = sriov_parse_u64(dash + 1, 10, max, &last);
		if (r < 0)
			return r;
		if (last < first)
			return -EINVAL;
	}
	*ret = (struct sriov_range){ (uint32_t)first, (uint32_t)last };
	return 0;
}

static gint compare_ranges(gconstpointer a, gconstpointer b)
{
	const struct sriov_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void sriov_ranges_normalize(GArray *ranges)
{
	guint kept = 0;

	g_array_sort(ranges, compare_ranges);
	for (guint i = 1; i < ranges->len; i++) {
		struct sriov_range *last = &g_array_index(ranges, struct sriov_range, kept);
		struct sriov_range next = g_array_index(ranges, struct sriov_range, i);

		if ((uint64_t)next.first <= (uint64_t)last->last + 1)
			last->last = MAX(last->last, next.last);
		else
			g_array_index(ranges, struct sriov_range, ++kept) = next;
	}
	if (ranges->len)
		g_array_set_size(ranges, kept + 1);
}

int sriov_ranges_parse(const char *text, uint32_t max, GArray **ret)
{
	g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(struct sriov_range));
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);

	for (char **part = parts; *part; part++) {
		struct sriov_range range;
		int r = parse_range(*part, max, &range);

		if (r < 0)
			return r;
		g_array_append_val(ranges, range);
	}
	if (ranges->len == 0)
		return -EINVAL;
	sriov_ranges_normalize(ranges);
	*ret = g_steal_pointer(&ranges);
	return 0;
}

bool sriov_ranges_contain(const GArray *ranges, uint32_t value)
{
	if (!ranges)
		return true;
	for (guint i = 0; i < ranges->len; i++) {
		const struct sriov_range *range = &g_array_index(ranges, struct sriov_range, i);

		if (value >= range->first && value <= range->last)
			return true;
	}
	return false;
}

bool sriov_ranges_overlap(const GArray *a, const GArray *b, uint32_t *ret)
{
	const struct sriov_range all = { 0, UINT32_MAX };
	guint na = a ? a->len : 1, nb = b ? b->len : 1;

	for (guint i = 0; i < na; i++) {
		struct sriov_range x = a ? g_array_index(a, struct sriov_range, i) : all;

		for (guint j = 0; j < nb; j++) {
			struct sriov_range y = b ? g_array_index(b, struct sriov_range, j) : all;
			uint32_t first = MAX(x.first, y.first);

			if (first <= MIN(x.last, y.last)) {
				*ret = first;
				return true;
			}
		}
	}
	return false;
}

char *sriov_ranges_format(const GArray *ranges)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < ranges->len; i++) {
		struct sriov_range range = g_array_index(ranges, struct sriov_range, i);

		g_string_append_printf(text, "%s%u", i ? "," : "", range.first);
		if (range.last != range.first)
			g_string_append_printf(text, "-%u", range.last);
	}
	return g_string_free(text, FALSE);
}

bool sriov_name_is_valid(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 64 || !g_ascii_isalnum(text[0]))
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       len;
}
