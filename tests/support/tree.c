// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/tree.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

static char *make_parents(const char *root, const char *path)
{
	char *full = g_build_filename(root, path, NULL);
	g_autofree char *dir = g_path_get_dirname(full);

	if (g_mkdir_with_parents(dir, 0755) < 0)
		g_error("%s: %s", dir, g_strerror(errno));
	return full;
}

char *tree_new(void)
{
	/* In memory where possible: on a disk, a host of 10,000 VFs takes minutes. */
	const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	const char *dir = g_getenv("TMPDIR") ? g_getenv("TMPDIR") : shm;
	char *root = g_build_filename(dir, "sriovd-tree-XXXXXX", NULL);

	if (!g_mkdtemp(root))
		g_error("%s: %s", root, g_strerror(errno));
	return root;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void tree_remove(char *root)
{
	nftw(root, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
	g_free(root);
}

void tree_delete(const char *root, const char *path)
{
	g_autofree char *full = g_build_filename(root, path, NULL);

	nftw(full, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}

void tree_dir(const char *root, const char *path)
{
	g_autofree char *full = g_build_filename(root, path, NULL);

	if (g_mkdir_with_parents(full, 0755) < 0)
		g_error("%s: %s", full, g_strerror(errno));
}

static void write_bytes(const char *root, const char *path, const void *data, size_t len)
{
	g_autofree char *full = make_parents(root, path);
	FILE *file = fopen(full, "we");

	if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0)
		g_error("%s: %s", full, g_strerror(errno));
}

void tree_file(const char *root, const char *path, const char *content)
{
	g_autofree char *line = g_strconcat(content, g_str_has_suffix(content, "\n") ? "" : "\n",
					    NULL);

	write_bytes(root, path, line, strlen(line));
}

void tree_link(const char *root, const char *path, const char *target)
{
	g_autofree char *full = make_parents(root, path);

	g_unlink(full);
	if (symlink(target, full) < 0)
		g_error("%s: %s", full, g_strerror(errno));
}

/* "4096 100=0100 160=10" */
static void add_binary(const char *root, const char *path, const char *spec)
{
	g_auto(GStrv) words = g_strsplit(spec, " ", -1);
	gsize size = (gsize)g_ascii_strtoull(words[0], NULL, 10);
	g_autofree guint8 *bytes = g_malloc0(size);

	for (char **word = words + 1; *word; word++) {
		char *hex;
		gsize at = (gsize)g_ascii_strtoull(*word, &hex, 16);

		g_assert(*hex == '=');
		for (hex++; hex[0] && hex[1]; hex += 2) {
			g_assert(at < size);
			bytes[at++] = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 |
					       g_ascii_xdigit_value(hex[1]));
		}
	}
	write_bytes(root, path, bytes, size);
}

static void add_entry(const char *root, const char *line)
{
	g_auto(GStrv) part = g_strsplit(line, " ", 3);
	g_autofree char *content = NULL;

	if (g_strv_length(part) < 2 || strlen(part[0]) != 1)
		g_error("not an entry of a tree: %s", line);
	content = g_strcompress(part[2] ? part[2] : "");
	switch (part[0][0]) {
	case 'd':
		tree_dir(root, part[1]);
		break;
	case 'f':
		tree_file(root, part[1], content);
		break;
	case 'l':
		tree_link(root, part[1], content);
		break;
	case 'b':
		add_binary(root, part[1], content);
		break;
	default: /* characters, not our enum */
		g_error("not an entry of a tree: %s", line);
	}
}

/* Puts i into the line's placeholders. */
static char *fill_in(const char *line, unsigned int i)
{
	GString *out = g_string_new(NULL);

	while (*line) {
		unsigned int a, b;
		int n = 0;

		if (sscanf(line, "{bdf %x+%u*i}%n", &a, &b, &n) == 2 && n) {
			a += b * i;
			g_string_append_printf(out, "%02x:%02x.%x", a >> 8, a >> 3 & 0x1f, a & 7);
		} else if (sscanf(line, "{i+%u}%n", &a, &n) == 1 && n) {
			g_string_append_printf(out, "%u", a + i);
		} else if (g_str_has_prefix(line, "{i}")) {
			g_string_append_printf(out, "%u", i);
			n = 3;
		} else {
			g_string_append_c(out, *line);
			n = 1;
		}
		line += n;
	}
	return g_string_free(out, FALSE);
}

/* Adds the lines up to "done", once for each i; returns the line after it. */
static char **add_loop(const char *root, char **line)
{
	unsigned int first, last;
	char **end = line + 1;

	if (sscanf(*line, "for %u %u", &first, &last) != 2)
		g_error("not a loop: %s", *line);
	while (*end && strcmp(*end, "done") != 0)
		end++;
	g_assert(*end);
	for (unsigned int i = first; i <= last; i++)
		for (char **body = line + 1; body < end; body++) {
			g_autofree char *filled = fill_in(*body, i);

			if (*filled && *filled != '#')
				add_entry(root, filled);
		}
	return end + 1;
}

char *tree_expand(const char *file)
{
	const char *top = g_getenv("SRIOVD_TEST_SOURCE");
	g_autofree char *path = top ? g_build_filename(top, file, NULL) : g_strdup(file);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	g_autoptr(GError) error = NULL;
	char *root = tree_new();

	if (!g_file_get_contents(path, &text, NULL, &error))
		g_error("%s", error->message);
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line;) {
		if (g_str_has_prefix(*line, "for ")) {
			line = add_loop(root, line);
			continue;
		}
		if (**line && **line != '#')
			add_entry(root, *line);
		line++;
	}
	return root;
}
