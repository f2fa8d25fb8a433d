// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* As sriovd has them, sriovd.json(5). */
#define FILE_MAX    (1024 * 1024)
#define MAIN_FILE   "sriovd.json"
#define DROPIN_DIR  "conf.d"
#define DROPIN_TAIL ".json"

static int fail(const char *path, int errnum, struct sriov_error **err)
{
	return sriov_error_set(err, sriov_error_code_from_errno(errnum), errnum, path,
			       "cannot be read: %s", g_strerror(errnum));
}

static int too_long(const char *path, struct sriov_error **err)
{
	return sriov_error_set(err, SRIOV_ERROR_LIMIT, EFBIG, path,
			       "is longer than 1 MiB, the most that sriovd reads");
}

/* To the end, but not more than one byte above the limit. */
static int read_all(int fd, const char *path, GString *text, struct sriov_error **err)
{
	char buf[16384];
	ssize_t n;

	while (text->len <= FILE_MAX) {
		n = TEMP_FAILURE_RETRY(read(fd, buf, sizeof(buf)));
		if (n < 0)
			return fail(path, errno, err);
		if (n == 0)
			break;
		g_string_append_len(text, buf, n);
	}
	return text->len > FILE_MAX ? too_long(path, err) : 0;
}

static int add_file(const char *path, const char *name, const GString *text, json_t *files,
		    struct sriov_error **err)
{
	json_t *file = json_pack("{s:s, s:s%}", "name", name, "text", text->str, text->len);

	if (!file)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EILSEQ, path,
				       "is no text in UTF-8");
	json_array_append_new(files, file);
	return 0;
}

/* A pipe will do, such as <(jq ... FILE) of a shell. */
static int read_file(const char *path, const char *name, json_t *files, struct sriov_error **err)
{
	sriov_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	g_autoptr(GString) text = g_string_new(NULL);
	int r;

	if (fd < 0)
		return fail(path, errno, err);
	r = read_all(fd, path, text, err);
	return r < 0 ? r : add_file(path, name, text, files, err);
}

static int read_stream(FILE *in, json_t *files, struct sriov_error **err)
{
	static const char name[] = "standard input";
	g_autoptr(GString) text = g_string_new(NULL);
	char buf[16384];
	size_t n;

	while (text->len <= FILE_MAX && (n = fread(buf, 1, sizeof(buf), in)) > 0)
		g_string_append_len(text, buf, (gssize)n);
	if (ferror(in))
		return fail(name, errno, err);
	if (text->len > FILE_MAX)
		return too_long(name, err);
	return add_file(name, name, text, files, err);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_dropins(const char *path, GPtrArray **ret, struct sriov_error **err)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) why = NULL;
	g_autoptr(GDir) dir = g_dir_open(path, 0, &why);
	const char *name;

	*ret = names;
	if (!dir && g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		return 0;
	if (!dir)
		return fail(path, errno, err);
	while ((name = g_dir_read_name(dir)))
		if (name[0] != '.' && g_str_has_suffix(name, DROPIN_TAIL))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return 0;
}

static int read_dropins(const char *dir, json_t *files, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, DROPIN_DIR, NULL);
	g_autoptr(GPtrArray) names = NULL;
	int r = list_dropins(path, &names, err);

	for (guint i = 0; r == 0 && i < names->len; i++) {
		g_autofree char *file = g_build_filename(path, names->pdata[i], NULL);
		g_autofree char *name = g_build_filename(DROPIN_DIR, names->pdata[i], NULL);

		r = read_file(file, name, files, err);
	}
	return r;
}

static int read_dir(const char *dir, json_t *files, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, MAIN_FILE, NULL);
	size_t before = json_array_size(files);
	int r = 0;

	/* It need not be there. */
	if (access(path, F_OK) == 0 || errno != ENOENT)
		r = read_file(path, MAIN_FILE, files, err);
	if (r == 0)
		r = read_dropins(dir, files, err);
	if (r == 0 && json_array_size(files) == before)
		r = sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, dir,
				    "there is no configuration in it: no " MAIN_FILE
				    " and no " DROPIN_DIR "/*" DROPIN_TAIL);
	return r;
}

int ctl_config_files(char *const *paths, FILE *in, json_t **ret, struct sriov_error **err)
{
	json_t *files = json_array();
	int r = 0;

	for (; *paths && r == 0; paths++) {
		if (strcmp(*paths, "-") == 0)
			r = read_stream(in, files, err);
		else if (g_file_test(*paths, G_FILE_TEST_IS_DIR))
			r = read_dir(*paths, files, err);
		else
			r = read_file(*paths, *paths, files, err);
	}
	if (r < 0)
		json_decref(files);
	else
		*ret = files;
	return r;
}
