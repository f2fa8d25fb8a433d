// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a configuration. They are small and root's, but a FIFO, a device or a disk image
 * under the name of a drop-in must not stop the daemon from starting.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "srv/sriovd/config-parse.h"

#define MAIN_FILE   "sriovd.json"
#define DROPIN_DIR  "conf.d"
#define DROPIN_TAIL ".json"

struct files {
	const char *dir; /* for messages */
	GPtrArray *names, *texts;
	GPtrArray *problems;
};

static void unreadable(const struct files *files, const char *name, const char *what)
{
	g_autofree char *path = name ? g_build_filename(files->dir, name, NULL)
				     : g_strdup(files->dir);
	g_autofree char *subject = srv_text_clean(path, PATH_MAX);

	srv_config_note(files->problems, true, subject, "%s", what);
}

static void unreadable_errno(const struct files *files, const char *name, int errnum)
{
	g_autofree char *what = g_strdup_printf("cannot be read: %s", g_strerror(errnum));

	unreadable(files, name, what);
}

/* Reads to the end, at most one byte beyond the limit. The text or NULL with errno. */
static char *read_all(int fd, size_t *ret_length)
{
	g_autofree char *text = g_malloc(SRV_CONFIG_FILE_MAX + 2);
	size_t length = 0;
	ssize_t n;

	do {
		n = TEMP_FAILURE_RETRY(read(fd, text + length, SRV_CONFIG_FILE_MAX + 1 - length));
		if (n < 0)
			return NULL;
		length += (size_t)n;
	} while (n > 0 && length <= SRV_CONFIG_FILE_MAX);
	text[length] = '\0';
	*ret_length = length;
	return g_realloc(g_steal_pointer(&text), length + 1);
}

static void read_open_file(struct files *files, const char *name, int fd)
{
	g_autofree char *text = NULL;
	struct stat st;
	size_t length;

	if (fstat(fd, &st) < 0) {
		unreadable_errno(files, name, errno);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		unreadable(files, name, "is not a regular file");
		return;
	}
	text = read_all(fd, &length);
	if (!text) {
		unreadable_errno(files, name, errno);
	} else if (memchr(text, '\0', length)) {
		unreadable(files, name, "holds a NUL byte and so is no JSON");
	} else {
		g_ptr_array_add(files->names, g_strdup(name));
		g_ptr_array_add(files->texts, g_steal_pointer(&text));
	}
}

static void read_file_at(struct files *files, int dirfd, const char *name)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	sriov_autofd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0)
		read_open_file(files, name, fd);
	else if (errno != ENOENT || strcmp(name, MAIN_FILE) != 0)
		unreadable_errno(files, name, errno); /* also a dangling symbolic link */
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "conf.d/…" of each drop-in, sorted. */
static GPtrArray *list_dropins(struct files *files, DIR *dir)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && g_str_has_suffix(entry->d_name, DROPIN_TAIL))
			g_ptr_array_add(names, g_build_filename(DROPIN_DIR, entry->d_name, NULL));
		errno = 0;
	}
	if (errno)
		unreadable_errno(files, DROPIN_DIR, errno);
	g_ptr_array_sort(names, compare_names);
	return names;
}

static void read_dropins(struct files *files, int dirfd)
{
	int fd = openat(dirfd, DROPIN_DIR, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	g_autoptr(GPtrArray) names = NULL;
	DIR *dir;

	if (fd < 0) {
		if (errno != ENOENT)
			unreadable_errno(files, DROPIN_DIR, errno);
		return;
	}
	dir = fdopendir(fd);
	if (!dir) {
		unreadable_errno(files, DROPIN_DIR, errno);
		close(fd);
		return;
	}
	names = list_dropins(files, dir);
	closedir(dir);
	if (names->len >= SRV_CONFIG_FILES_MAX) {
		unreadable(files, DROPIN_DIR,
			   "holds too many files: at most 255 drop-ins are read");
		return;
	}
	for (guint i = 0; i < names->len; i++)
		read_file_at(files, dirfd, names->pdata[i]);
}

int srv_config_load(const char *dir, struct srv_config **ret, GPtrArray **ret_problems,
		    struct sriov_error **err)
{
	sriov_autofd int dirfd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	int open_errno = errno;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	struct files files = {
		.dir = dir,
		.names = names,
		.texts = texts,
		.problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free),
	};
	struct srv_config *config;

	if (dirfd >= 0) {
		read_file_at(&files, dirfd, MAIN_FILE);
		read_dropins(&files, dirfd);
	} else if (open_errno != ENOENT) {
		unreadable_errno(&files, NULL, open_errno);
	}
	config = srv_config_read((const char *const *)names->pdata,
				 (const char *const *)texts->pdata, names->len, files.problems);
	config->files = names->len;
	return srv_config_finish(config, files.problems, ret, ret_problems, err);
}
