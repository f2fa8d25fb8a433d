// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ledgers that something has got at. The first byte says what the rest is:
 *
 *	'f'	a whole file: whatever opens goes on being a ledger
 *	'd'	damage to a sound file, 4 bytes each: where (3 bytes, little-endian), and what is
 *		XORed there. It is refused, or reads as it was
 *	'l'	the same to the log of one that a crash left open. It is refused, or reads as it was
 *		after one of its commits
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "srv/sriovd/ledger-row.h"
#include "srv/sriovd/ledger.h"
#include "tests/support/ledger-rows.h"
#include "tests/support/tree.h"

#define COMMITS 5
#define DAMAGE	4

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *dir, *file_path, *log_path, *shm_path;
static GBytes *closed, *open_file, *open_log;
static char *closed_text, *texts[COMMITS + 1];

static void fail(const char *what, const char *detail)
{
	g_printerr("%s: %s\n", what, detail);
	abort();
}

static GBytes *read_bytes(const char *path)
{
	char *bytes;
	gsize n;

	if (!g_file_get_contents(path, &bytes, &n, NULL))
		fail("cannot read", path);
	return g_bytes_new_take(bytes, n);
}

static void write_bytes(const char *path, const void *bytes, gsize n)
{
	if (!g_file_set_contents_full(path, bytes, (gssize)n, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
				      NULL))
		fail("cannot write", path);
}

static struct srv_ledger *open_sound(void)
{
	struct srv_ledger *ledger;
	sriov_autoerror err = NULL;

	if (srv_ledger_open(dir, &ledger, &err) < 0)
		fail("a sound ledger is refused", err->message);
	return ledger;
}

static void put(struct srv_ledger *ledger, uint32_t first, uint32_t n)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	sriov_autoerror err = NULL;

	for (uint32_t i = first; i < first + n; i++)
		test_put(txn, i);
	if (test_commit(txn, &err) < 0)
		fail("cannot commit", err->message);
}

static void clean_up(void)
{
	tree_remove(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct srv_ledger *ledger;

	dir = tree_new();
	atexit(clean_up);
	file_path = g_build_filename(dir, "ledger.sqlite", NULL);
	log_path = g_strconcat(file_path, "-wal", NULL);
	shm_path = g_strconcat(file_path, "-shm", NULL);
	ledger = open_sound();
	put(ledger, 0, 8);
	srv_ledger_close(ledger);
	closed = read_bytes(file_path);
	ledger = open_sound();
	closed_text = test_describe_ledger(ledger);
	texts[0] = g_strdup(closed_text);
	for (uint32_t i = 0; i < COMMITS; i++) {
		put(ledger, 8 + i, 1);
		texts[i + 1] = test_describe_ledger(ledger);
	}
	open_file = read_bytes(file_path);
	open_log = read_bytes(log_path);
	srv_ledger_close(ledger);
	return 0;
}

/* Text that can be sent, logged and shown: nothing in it moves a terminal's cursor. */
static bool is_clean(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return false;
	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		if (!g_unichar_isprint(g_utf8_get_char(p)))
			return false;
	}
	return true;
}

/* Opens what is laid out; NULL when it is refused, which must be said as it should. */
static struct srv_ledger *try_open(void)
{
	struct srv_ledger *ledger;
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	sriov_autoerror err = NULL;
	sriov_autoerror check_err = NULL;

	if (srv_ledger_open(dir, &ledger, &err) == 0)
		return ledger;
	if (err->code != SRIOV_ERROR_LEDGER || !is_clean(err->message))
		fail("not an error to show", err->message);
	if (srv_ledger_check(dir, problems, &check_err) == 0 && problems->len == 0)
		fail("refused, and nothing is wrong", err->message);
	return NULL;
}

/* It can be written to, and then read again. */
static void check_goes_on(struct srv_ledger *ledger)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	g_autofree char *text = NULL, *again = NULL;

	/* In a file of the fuzzer's making VFs may be another's: that refuses, and is all. */
	test_put(txn, 2);
	test_commit(txn, NULL);
	text = test_describe_ledger(ledger);
	srv_ledger_close(ledger);
	ledger = open_sound();
	again = test_describe_ledger(ledger);
	if (strcmp(text, again) != 0)
		fail("closed and opened again it is another", again);
	srv_ledger_close(ledger);
}

static bool is_known(const char *text, bool with_log)
{
	for (int i = 0; with_log && i <= COMMITS; i++) {
		if (strcmp(text, texts[i]) == 0)
			return true;
	}
	return strcmp(text, closed_text) == 0;
}

/* The sound bytes with the damage done; the caller owns them. */
static guint8 *damaged(GBytes *sound, const uint8_t *data, size_t size, gsize *ret_n)
{
	const guint8 *bytes = g_bytes_get_data(sound, ret_n);
	guint8 *copy = g_memdup2(bytes, *ret_n);

	for (; size >= DAMAGE; data += DAMAGE, size -= DAMAGE) {
		gsize at = data[0] | (gsize)data[1] << 8 | (gsize)data[2] << 16;

		copy[at % *ret_n] ^= data[3];
	}
	return copy;
}

static void check_damaged(bool with_log)
{
	struct srv_ledger *ledger = try_open();
	g_autofree char *text = NULL;

	if (!ledger)
		return;
	text = test_describe_ledger(ledger);
	if (!is_known(text, with_log))
		fail("damaged it reads as it never was", text);
	check_goes_on(ledger);
}

static void lay_out(const void *file, gsize file_n, const void *log, gsize log_n)
{
	tree_delete(dir, "ledger.sqlite-wal");
	tree_delete(dir, "ledger.sqlite-shm");
	write_bytes(file_path, file, file_n);
	if (log)
		write_bytes(log_path, log, log_n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree guint8 *bytes = NULL;
	struct srv_ledger *ledger;
	gsize n;

	if (size == 0)
		return 0;
	if (data[0] == 'd') {
		bytes = damaged(closed, data + 1, size - 1, &n);
		lay_out(bytes, n, NULL, 0);
		check_damaged(false);
	} else if (data[0] == 'l') {
		const void *file = g_bytes_get_data(open_file, NULL);

		bytes = damaged(open_log, data + 1, size - 1, &n);
		lay_out(file, g_bytes_get_size(open_file), bytes, n);
		check_damaged(true);
	} else {
		lay_out(data + 1, size - 1, NULL, 0);
		ledger = try_open();
		if (ledger)
			check_goes_on(ledger);
	}
	return 0;
}
