// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a plugin gets in.
 *
 * A plugin runs as root, so nobody but root may decide what is in it. Directory and file are opened
 * first, and owner and mode are those of what was opened (fstat); the file is then loaded through
 * its descriptor, as /proc/self/fd/N, so that the file that was looked at is the file that is
 * loaded, whatever anybody renames meanwhile on the way to it.
 *
 * glibc knows a loaded object by the name it was loaded by, and gives out the one it has when it is
 * asked for that name again. So a descriptor stays open for as long as its object is loaded: its
 * number, and with it the name, must not come to mean another file.
 */
#include "srv/sriovd/plugins.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "srv/sriovd/config.h"

#define PLUGIN_TAIL	".so"
#define PLUGINS_MAX	64
#define PLUGIN_NAME_MAX 32

_Static_assert((int)SBE_ERROR_INVALID == (int)SRIOV_ERROR_INVALID &&
		       (int)SBE_ERROR_NOT_FOUND == (int)SRIOV_ERROR_NOT_FOUND &&
		       (int)SBE_ERROR_EXISTS == (int)SRIOV_ERROR_EXISTS &&
		       (int)SBE_ERROR_BUSY == (int)SRIOV_ERROR_BUSY &&
		       (int)SBE_ERROR_EXHAUSTED == (int)SRIOV_ERROR_EXHAUSTED &&
		       (int)SBE_ERROR_NOT_SUPPORTED == (int)SRIOV_ERROR_NOT_SUPPORTED &&
		       (int)SBE_ERROR_DENIED == (int)SRIOV_ERROR_DENIED &&
		       (int)SBE_ERROR_UNAVAILABLE == (int)SRIOV_ERROR_UNAVAILABLE &&
		       (int)SBE_ERROR_TIMEOUT == (int)SRIOV_ERROR_TIMEOUT &&
		       (int)SBE_ERROR_DEVICE == (int)SRIOV_ERROR_DEVICE &&
		       (int)SBE_ERROR_LEDGER == (int)SRIOV_ERROR_LEDGER &&
		       (int)SBE_ERROR_LIMIT == (int)SRIOV_ERROR_LIMIT &&
		       (int)SBE_ERROR_INTERNAL == (int)SRIOV_ERROR_INTERNAL,
	       "plugins and daemon number the kinds of errors alike");

struct srv_plugins {
	GPtrArray *list; /* of const struct sbe_plugin, in the objects' own memory */
};

struct loader {
	const char *dir;
	int dirfd;
	struct srv_plugins *plugins;
	GPtrArray *problems;
};

G_GNUC_PRINTF(3, 4)
static void refuse(const struct loader *loader, const char *file, const char *fmt, ...)
{
	g_autofree char *path = file ? g_build_filename(loader->dir, file, NULL)
				     : g_strdup(loader->dir);
	g_autofree char *subject = g_filename_display_name(path);
	g_autofree char *reason = NULL;
	va_list ap;

	va_start(ap, fmt);
	reason = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	srv_problem_add(loader->problems, true, subject,
			file ? "plugin not loaded: %s" : "no plugin loaded: %s", reason);
}

/* May only root, or the user we run as, change it. file: NULL for the directory. */
static bool is_trusted(const struct loader *loader, const char *file, int fd)
{
	const char *what = file ? "it" : "the directory";
	struct stat st;

	if (fstat(fd, &st) < 0) {
		refuse(loader, file, "%s cannot be examined: %s", what, g_strerror(errno));
		return false;
	}
	if (file && !S_ISREG(st.st_mode)) {
		refuse(loader, file, "it is not a regular file");
		return false;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		refuse(loader, file,
		       "%s belongs to user %u, who could put anything into it; make "
		       "it root's (chown root)",
		       what, st.st_uid);
		return false;
	}
	/* An access control list that lets somebody write shows in the group's bits: its mask. */
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		refuse(loader, file,
		       "%s may be written by %s (mode %04o); take that away "
		       "(chmod go-w)",
		       what, st.st_mode & S_IWOTH ? "everybody" : "its group", st.st_mode & 07777U);
		return false;
	}
	return true;
}

static bool name_is_valid(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length > 0 && length <= PLUGIN_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
		       length;
}

/* Bytes that the object says its descriptor has; 0 when the linker does not tell. */
static size_t symbol_size(const void *symbol)
{
	const ElfW(Sym) *entry = NULL;
	Dl_info info;

	if (!dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) || !entry)
		return 0;
	return entry->st_size;
}

/* What is in a descriptor of our version. NULL when nothing is wrong, else the caller's. */
static char *descriptor_fault(const struct sbe_plugin *plugin)
{
	if (!name_is_valid(plugin->name))
		return g_strdup_printf("its name is not 1 to %d letters, digits and \"-\"",
				       PLUGIN_NAME_MAX);
	if (!plugin->description)
		return g_strdup("it has no description");
	if (!plugin->attach || !plugin->detach)
		return g_strdup_printf("it has no %s function",
				       plugin->attach ? "detach" : "attach");
	if (!plugin->owners || !plugin->backings)
		return g_strdup_printf("it serves no kind of %s",
				       plugin->owners ? "backing" : "owner");
	return NULL;
}

/* Whatever the version, only abi_version may be read before it is known. */
static bool fits(const struct loader *loader, const char *file, const struct sbe_plugin *plugin)
{
	size_t there = symbol_size(plugin);
	g_autofree char *fault = NULL;

	if (there && there < sizeof(plugin->abi_version)) {
		refuse(loader, file, "its \"%s\" is no descriptor (%zu bytes)", SBE_PLUGIN_SYMBOL,
		       there);
		return false;
	}
	if (plugin->abi_version != SBE_ABI_VERSION) {
		refuse(loader, file,
		       "it was built for version %u of the plugin ABI, this daemon has "
		       "version %u; install daemon and plugin of one release",
		       plugin->abi_version, (unsigned)SBE_ABI_VERSION);
		return false;
	}
	if ((there && there < sizeof(*plugin)) || plugin->size < sizeof(*plugin)) {
		refuse(loader, file,
		       "its descriptor has %zu bytes, fewer than the %zu of ABI "
		       "version %u",
		       there && there < sizeof(*plugin) ? there : plugin->size, sizeof(*plugin),
		       (unsigned)SBE_ABI_VERSION);
		return false;
	}
	fault = descriptor_fault(plugin);
	if (fault)
		refuse(loader, file, "%s", fault);
	return !fault;
}

static bool is_new(const struct loader *loader, const char *file, const struct sbe_plugin *plugin)
{
	const GPtrArray *list = loader->plugins->list;

	for (guint i = 0; i < list->len; i++) {
		const struct sbe_plugin *other = list->pdata[i];

		if (strcmp(other->name, plugin->name) == 0) {
			refuse(loader, file, "there is already a plugin \"%s\"; remove one of them",
			       plugin->name);
			return false;
		}
		if (other->owners & plugin->owners && other->backings & plugin->backings) {
			refuse(loader, file,
			       "it serves what the plugin \"%s\" serves already; "
			       "remove one of them",
			       other->name);
			return false;
		}
	}
	return true;
}

/* dlerror() speaks of /proc/self/fd/N, which tells nobody anything. */
static void refuse_dlerror(const struct loader *loader, const char *file, const char *path)
{
	const char *reason = dlerror();

	if (!reason)
		reason = "the dynamic linker gives no reason";
	if (g_str_has_prefix(reason, path) && g_str_has_prefix(reason + strlen(path), ": "))
		reason += strlen(path) + 2;
	refuse(loader, file, "%s", reason);
}

/* Unloads what was refused. An object may insist on staying; then its name must stay its own. */
static void unload(void *handle, const char *path, int *fd)
{
	void *still;

	dlclose(handle);
	still = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	if (still) {
		dlclose(still);
		sriov_steal_fd(fd);
	}
}

static void load_file(const struct loader *loader, const char *file)
{
	/* No links: their target's directory is not looked at. No waiting for a FIFO's writer. */
	sriov_autofd int fd = openat(loader->dirfd, file,
				     O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int open_errno = errno;
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	const struct sbe_plugin *plugin;
	void *handle;

	if (fd < 0 && open_errno == ELOOP)
		refuse(loader, file, "it is a symbolic link; put the file itself there");
	else if (fd < 0)
		refuse(loader, file, "it cannot be opened: %s", g_strerror(open_errno));
	if (fd < 0)
		return;
	if (!is_trusted(loader, file, fd))
		return;
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		refuse_dlerror(loader, file, path);
		return;
	}
	plugin = dlsym(handle, SBE_PLUGIN_SYMBOL);
	if (!plugin)
		refuse(loader, file, "it is no plugin of sriovd: it has no symbol \"%s\"",
		       SBE_PLUGIN_SYMBOL);
	if (!plugin || !fits(loader, file, plugin) || !is_new(loader, file, plugin)) {
		unload(handle, path, &fd);
		return;
	}
	g_ptr_array_add(loader->plugins->list, (gpointer)plugin);
	sriov_steal_fd(&fd);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the candidates, sorted. Steals nothing: fdopendir() gets a descriptor of its own. */
static int list_files(int dirfd, GPtrArray *names)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	struct dirent *entry;
	DIR *dir;
	int r;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	errno = 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && g_str_has_suffix(entry->d_name, PLUGIN_TAIL))
			g_ptr_array_add(names, g_strdup(entry->d_name));
		errno = 0;
	}
	r = -errno;
	closedir(dir);
	g_ptr_array_sort(names, compare_names);
	return r;
}

static int load_directory(const struct loader *loader, struct sriov_error **err)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int r = list_files(loader->dirfd, names);

	if (r < 0)
		return sriov_error_set(err, sriov_error_code_from_errno(-r), -r, loader->dir,
				       "cannot read the plugin directory: %s", g_strerror(-r));
	if (names->len == 0)
		refuse(loader, NULL, "there is none in the directory; install sriovd's plugins");
	for (guint i = 0; i < names->len; i++) {
		if (i < PLUGINS_MAX)
			load_file(loader, names->pdata[i]);
		else
			refuse(loader, names->pdata[i], "more than %d plugins", PLUGINS_MAX);
	}
	return 0;
}

int srv_plugins_load(const char *dir, struct srv_plugins **ret, GPtrArray *problems,
		     struct sriov_error **err)
{
	sriov_autofd int dirfd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	struct loader loader = { .dir = dir, .dirfd = dirfd, .problems = problems };
	int r = dirfd < 0 ? -errno : 0;

	if (r < 0 && r != -ENOENT)
		return sriov_error_set(err, sriov_error_code_from_errno(-r), -r, dir,
				       "cannot open the plugin directory: %s", g_strerror(-r));
	loader.plugins = g_new0(struct srv_plugins, 1);
	loader.plugins->list = g_ptr_array_new();
	if (r == -ENOENT) {
		refuse(&loader, NULL, "the directory is not there; install sriovd's plugins");
		r = 0;
	} else if (is_trusted(&loader, NULL, dirfd)) {
		r = load_directory(&loader, err);
	}
	if (r < 0)
		srv_plugins_free(loader.plugins);
	else
		*ret = loader.plugins;
	return r;
}

const struct sbe_plugin *srv_plugins_find(const struct srv_plugins *plugins,
					  enum sbe_owner_kind owner_kind, enum sbe_backing backing)
{
	for (guint i = 0; i < plugins->list->len; i++) {
		const struct sbe_plugin *plugin = plugins->list->pdata[i];

		if (plugin->owners & 1U << owner_kind && plugin->backings & 1U << backing)
			return plugin;
	}
	return NULL;
}

const struct sbe_plugin *const *srv_plugins_list(const struct srv_plugins *plugins, size_t *ret_n)
{
	*ret_n = plugins->list->len;
	return (const struct sbe_plugin *const *)plugins->list->pdata;
}

void srv_plugins_free(struct srv_plugins *plugins)
{
	if (!plugins)
		return;
	g_ptr_array_unref(plugins->list);
	g_free(plugins);
}
