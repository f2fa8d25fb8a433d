// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The format: SQLite, "Database File Format", section 4 (The Write-Ahead Log). Numbers are
 * big-endian; the checksums' own words are of the order that the magic number says.
 *
 *	header	0 magic, 4 version, 8 page size, 12 sequence, 16 salt (8 bytes), 24 checksum of
 *these frame	0 page number, 4 size of the database for a commit else 0, 8 salt, 16 checksum, 24
 *the page. The checksum goes on from that of the frame before, and is over the first 8 bytes and
 *the page.
 */
#include "srv/sriovd/ledger-wal.h"

#include <string.h>

#include <glib.h>

#define WAL_MAGIC	 0x377f0682 /* the lowest bit: checksums of big-endian words */
#define WAL_VERSION	 3007000
#define WAL_HEADER	 32
#define WAL_FRAME_HEADER 24
#define WAL_PAGE_MIN	 512
#define WAL_PAGE_MAX	 65536

struct checksum {
	uint32_t a, b;
};

struct wal {
	const uint8_t *bytes;
	size_t page;
	size_t frames; /* whole ones */
	bool big_endian;
};

static uint32_t be32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT32_FROM_BE(value);
}

/* n: a multiple of 8 */
static struct checksum add(bool big_endian, struct checksum sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint32_t x[2];

		memcpy(x, bytes + i, sizeof(x));
		sum.a += (big_endian ? GUINT32_FROM_BE(x[0]) : GUINT32_FROM_LE(x[0])) + sum.b;
		sum.b += (big_endian ? GUINT32_FROM_BE(x[1]) : GUINT32_FROM_LE(x[1])) + sum.a;
	}
	return sum;
}

static bool is_at(struct checksum sum, const uint8_t *bytes)
{
	return sum.a == be32(bytes) && sum.b == be32(bytes + 4);
}

/* False: the log does not begin like one. */
static bool open_log(const uint8_t *log, size_t n, struct wal *ret)
{
	uint32_t magic = be32(log);
	uint32_t page = be32(log + 8);

	ret->bytes = log;
	ret->page = page;
	ret->big_endian = magic & 1;
	if ((magic & ~1U) != WAL_MAGIC || be32(log + 4) != WAL_VERSION || page < WAL_PAGE_MIN ||
	    page > WAL_PAGE_MAX || (page & (page - 1)))
		return false;
	ret->frames = (n - WAL_HEADER) / (WAL_FRAME_HEADER + ret->page);
	return is_at(add(ret->big_endian, (struct checksum){ 0 }, log, 24), log + 24);
}

static const uint8_t *frame_at(const struct wal *wal, size_t i)
{
	return wal->bytes + WAL_HEADER + i * (WAL_FRAME_HEADER + wal->page);
}

/* Written since the log was last begun anew. */
static bool is_current(const struct wal *wal, size_t i)
{
	return memcmp(frame_at(wal, i) + 8, wal->bytes + 16, 8) == 0;
}

/*
 * Does the frame follow from the checksum that the one before says it has?
 *
 * size: the size of the database that it is taken to say
 */
static bool follows(const struct wal *wal, size_t i, uint32_t size)
{
	const uint8_t *before = i ? frame_at(wal, i - 1) + 16 : wal->bytes + 24;
	const uint8_t *frame = frame_at(wal, i);
	struct checksum sum = { be32(before), be32(before + 4) };
	uint8_t header[8];

	size = GUINT32_TO_BE(size);
	memcpy(header, frame, 4);
	memcpy(header + 4, &size, 4);
	sum = add(wal->big_endian, sum, header, sizeof(header));
	sum = add(wal->big_endian, sum, frame + WAL_FRAME_HEADER, wal->page);
	return is_at(sum, frame + 16);
}

static bool is_valid(const struct wal *wal, size_t i)
{
	return is_current(wal, i) && be32(frame_at(wal, i)) != 0 &&
	       follows(wal, i, be32(frame_at(wal, i) + 4));
}

static bool is_commit(const struct wal *wal, size_t i)
{
	return is_current(wal, i) && be32(frame_at(wal, i) + 4) != 0;
}

/*
 * Was a frame that is bad one, before a bit went wrong in what makes it one: in the salt, which no
 * checksum is over, or in the size?
 */
static bool was_commit(const struct wal *wal, size_t i)
{
	uint32_t size = be32(frame_at(wal, i) + 4);

	if (size)
		return is_current(wal, i) || follows(wal, i, size);
	for (size = 1; size; size <<= 1) {
		if (follows(wal, i, size))
			return true;
	}
	return false;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

const char *srv_ledger_wal_problem(const uint8_t *log, size_t n)
{
	bool committed = false;
	struct wal wal;
	size_t bad = 0;

	/* The log's very first write, torn; nothing had been acknowledged by then. */
	if (n <= WAL_HEADER || is_zero(log, WAL_HEADER))
		return NULL;
	if (!open_log(log, n, &wal))
		return "the header of its write-ahead log is damaged";
	while (bad < wal.frames && is_valid(&wal, bad))
		bad++;
	if (bad < wal.frames)
		committed = was_commit(&wal, bad);
	for (size_t i = bad + 1; i < wal.frames; i++) {
		if (committed && is_valid(&wal, i))
			return "its write-ahead log is damaged before its end";
		committed = committed || is_commit(&wal, i);
	}
	return NULL;
}
