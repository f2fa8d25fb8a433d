// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sim/disk.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "tests/sim/doors.h"
#include "tests/support/tree.h"

#define SECTOR 512

/* One call, as it was made. */
struct op {
	enum sim_disk_op op;
	bool is_dir; /* of a flush: the directory's */
	char *name, *to;
	guint8 *data;
	size_t len;
	off_t at;
	struct sim_claim claims[SIM_CLAIMS];
	struct sim_world *world; /* when it was made; NULL away from flushes */
};

static struct {
	char *dir;
	GHashTable *before; /* name → GBytes: the files that were there */
	GPtrArray *ops;	    /* of struct op */
	GMutex lock;
} record;

static void op_free(gpointer data)
{
	struct op *op = data;

	g_free(op->name);
	g_free(op->to);
	g_free(op->data);
	g_free(op->world);
	g_free(op);
}

/* The name in the directory, "" for itself; NULL for what is elsewhere. */
static const char *name_in(const char *path)
{
	if (!path || !g_str_has_prefix(path, record.dir))
		return NULL;
	path += strlen(record.dir);
	return *path == '/' ? path + 1 : *path ? NULL : path;
}

static struct sim_world *copy_world(void)
{
	struct sim_world *world;

	sim_lock();
	world = g_memdup2(sim_world, sizeof(*sim_world));
	sim_unlock();
	return world;
}

static bool is_sync(guint i)
{
	return ((const struct op *)record.ops->pdata[i])->op == SIM_DISK_SYNC;
}

static void watch(const struct sim_disk_event *event)
{
	const char *name = name_in(event->path);
	struct op *op;

	/* What is shared between processes is made anew after a boot. */
	if (!name || g_str_has_suffix(name, "-shm"))
		return;
	op = g_new0(struct op, 1);
	op->op = event->op;
	op->is_dir = *name == '\0';
	op->name = g_strdup(name);
	op->to = g_strdup(event->to ? name_in(event->to) : NULL);
	op->data = g_memdup2(event->data, event->len);
	op->len = event->len;
	op->at = event->at;
	g_mutex_lock(&record.lock);
	memcpy(op->claims, sim_world->claim, sizeof(op->claims));
	if (op->op == SIM_DISK_SYNC || (record.ops->len && is_sync(record.ops->len - 1)))
		op->world = copy_world();
	g_ptr_array_add(record.ops, op);
	g_mutex_unlock(&record.lock);
}

static void read_before(const char *dir)
{
	GDir *open = g_dir_open(dir, 0, NULL);
	const char *name;

	while (open && (name = g_dir_read_name(open))) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		char *bytes;
		gsize len;

		if (!g_str_has_suffix(name, "-shm") &&
		    g_file_get_contents(path, &bytes, &len, NULL))
			g_hash_table_insert(record.before, g_strdup(name),
					    g_bytes_new_take(bytes, len));
	}
	if (open)
		g_dir_close(open);
}

void sim_disk_record(const char *dir)
{
	record.dir = g_strdup(dir);
	record.before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)g_bytes_unref);
	read_before(dir);
	record.ops = g_ptr_array_new_with_free_func(op_free);
	sim_disk_watch = watch;
}

void sim_disk_stop(void)
{
	sim_disk_watch = NULL;
}

void sim_disk_forget(void)
{
	g_ptr_array_unref(record.ops);
	g_hash_table_unref(record.before);
	g_clear_pointer(&record.dir, g_free);
}

static const struct op *op_at(size_t i)
{
	return record.ops->pdata[i];
}

size_t sim_disk_moments(void)
{
	return record.ops->len;
}

const struct sim_claim *sim_disk_claims(size_t moment)
{
	return op_at(moment)->claims;
}

const struct sim_world *sim_disk_world(size_t moment)
{
	return op_at(moment)->world;
}

bool sim_disk_at_flush(size_t moment)
{
	return op_at(moment)->op == SIM_DISK_SYNC ||
	       (moment > 0 && op_at(moment - 1)->op == SIM_DISK_SYNC);
}

/* The disk */

struct file {
	GByteArray *bytes; /* that are flushed */
	GArray *pending;   /* of const struct op *: since the last flush */
};

struct disk {
	GPtrArray *files;  /* all there ever were */
	GHashTable *now;   /* name → struct file, as the running system sees it */
	GHashTable *names; /* the same, as flushed */
	GArray *pending;   /* of struct naming: since the last flush of the directory */
};

struct naming {
	char *name;
	struct file *file; /* NULL: removed */
};

static void file_free(gpointer data)
{
	struct file *file = data;

	g_byte_array_unref(file->bytes);
	g_array_unref(file->pending);
	g_free(file);
}

static struct file *file_new(struct disk *disk)
{
	struct file *file = g_new(struct file, 1);

	file->bytes = g_byte_array_new();
	file->pending = g_array_new(FALSE, FALSE, sizeof(const struct op *));
	g_ptr_array_add(disk->files, file);
	return file;
}

static GHashTable *new_names(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void give_name(struct disk *disk, const char *name, struct file *file)
{
	const struct naming naming = { g_strdup(name), file };

	if (file)
		g_hash_table_insert(disk->now, g_strdup(name), file);
	else
		g_hash_table_remove(disk->now, name);
	g_array_append_val(disk->pending, naming);
}

static void apply_naming(GHashTable *names, const struct naming *naming)
{
	if (naming->file)
		g_hash_table_insert(names, g_strdup(naming->name), naming->file);
	else
		g_hash_table_remove(names, naming->name);
}

static void put_bytes(GByteArray *bytes, const guint8 *data, size_t len, size_t at)
{
	size_t old = bytes->len;

	if (at + len > old) {
		g_byte_array_set_size(bytes, (guint)(at + len));
		memset(bytes->data + old, 0, at + len - old);
	}
	memcpy(bytes->data + at, data, len);
}

static void apply(GByteArray *bytes, const struct op *op)
{
	size_t old = bytes->len;

	if (op->op == SIM_DISK_WRITE) {
		put_bytes(bytes, op->data, op->len, (size_t)op->at);
		return;
	}
	g_byte_array_set_size(bytes, (guint)op->at);
	if ((size_t)op->at > old)
		memset(bytes->data + old, 0, (size_t)op->at - old);
}

/* Some of its sectors. */
static void apply_some(GByteArray *bytes, const struct op *op, GRand *rand)
{
	if (op->op != SIM_DISK_WRITE) {
		if (g_rand_boolean(rand))
			apply(bytes, op);
		return;
	}
	for (size_t done = 0; done < op->len;) {
		size_t n = MIN(SECTOR - ((size_t)op->at + done) % SECTOR, op->len - done);

		if (g_rand_boolean(rand))
			put_bytes(bytes, op->data + done, n, (size_t)op->at + done);
		done += n;
	}
}

static void flush(struct file *file)
{
	for (guint i = 0; i < file->pending->len; i++)
		apply(file->bytes, g_array_index(file->pending, const struct op *, i));
	g_array_set_size(file->pending, 0);
}

static void flush_names(struct disk *disk)
{
	for (guint i = 0; i < disk->pending->len; i++) {
		struct naming *naming = &g_array_index(disk->pending, struct naming, i);

		apply_naming(disk->names, naming);
		g_free(naming->name);
	}
	g_array_set_size(disk->pending, 0);
}

static void put_before(struct disk *disk)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, record.before);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		struct file *file = file_new(disk);
		gsize len;
		const guint8 *bytes = g_bytes_get_data(value, &len);

		g_byte_array_append(file->bytes, bytes, (guint)len);
		g_hash_table_insert(disk->now, g_strdup(name), file);
		g_hash_table_insert(disk->names, g_strdup(name), file);
	}
}

static void replay(struct disk *disk, const struct op *op)
{
	struct file *file = g_hash_table_lookup(disk->now, op->name);

	if (op->is_dir) {
		flush_names(disk);
		return;
	}
	if (!file && (op->op == SIM_DISK_WRITE || op->op == SIM_DISK_TRUNCATE)) {
		file = file_new(disk); /* making it is not seen; the first write is */
		give_name(disk, op->name, file);
	}
	if (!file)
		return;
	switch (op->op) {
	case SIM_DISK_WRITE:
	case SIM_DISK_TRUNCATE:
		g_array_append_val(file->pending, op);
		break;
	case SIM_DISK_SYNC:
		flush(file);
		break;
	case SIM_DISK_RENAME:
		give_name(disk, op->name, NULL);
		give_name(disk, op->to, file);
		break;
	case SIM_DISK_UNLINK:
		give_name(disk, op->name, NULL);
		break;
	}
}

static void lose_power(struct disk *disk, enum sim_disk_rest rest, GRand *rand)
{
	for (guint i = 0; i < disk->files->len && rest != SIM_DISK_NONE; i++) {
		struct file *file = disk->files->pdata[i];

		for (guint j = 0; j < file->pending->len && rest == SIM_DISK_SOME; j++)
			apply_some(file->bytes, g_array_index(file->pending, const struct op *, j),
				   rand);
		if (rest == SIM_DISK_ALL)
			flush(file);
	}
	/* Names are kept in the order in which they were given, or not at all from some on. */
	for (guint i = 0; i < disk->pending->len && rest != SIM_DISK_NONE; i++) {
		if (rest == SIM_DISK_SOME && g_rand_int_range(rand, 0, 4) == 0)
			break;
		apply_naming(disk->names, &g_array_index(disk->pending, struct naming, i));
	}
}

static void write_out(const struct disk *disk, const char *dir)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, disk->names);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const struct file *file = value;
		g_autofree char *path = g_build_filename(dir, name, NULL);

		if (!g_file_set_contents_full(path, (const char *)file->bytes->data,
					      file->bytes->len, G_FILE_SET_CONTENTS_NONE, 0600,
					      NULL))
			g_error("%s: cannot be written", path);
	}
}

void sim_disk_restore(size_t moment, enum sim_disk_rest rest, unsigned seed, const char *dir)
{
	struct disk disk = { .files = g_ptr_array_new_with_free_func(file_free),
			     .now = new_names(),
			     .names = new_names(),
			     .pending = g_array_new(FALSE, FALSE, sizeof(struct naming)) };
	GRand *rand = g_rand_new_with_seed(seed);

	put_before(&disk);
	for (size_t i = 0; i < moment; i++)
		replay(&disk, op_at(i));
	lose_power(&disk, rest, rand);
	write_out(&disk, dir);
	for (guint i = 0; i < disk.pending->len; i++)
		g_free(g_array_index(disk.pending, struct naming, i).name);
	g_array_unref(disk.pending);
	g_hash_table_unref(disk.now);
	g_hash_table_unref(disk.names);
	g_ptr_array_unref(disk.files);
	g_rand_free(rand);
}
