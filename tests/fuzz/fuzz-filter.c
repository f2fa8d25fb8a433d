// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first half of the libvirt hook, which gets every guest's XML on stdin: it finds our namespace
 * wherever in its input it stands, however the input comes in pieces, and however much of it there
 * is.
 *
 * The input's first byte says how many bytes a read gives, 0 being an interrupted one first; the
 * rest is stdin. The buffer is made so small that what does not fit into it is reached.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "srv/hook/operations.h"

#undef SRV_XML_MAX
#define SRV_XML_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t input_len, piece;
static int interrupted;

static ssize_t fuzz_read(int fd, void *to, size_t size)
{
	size_t n = input_len < size ? input_len : size;

	if (interrupted) {
		interrupted = 0;
		errno = EINTR;
		return -1;
	}
	n = n < piece ? n : piece;
	memcpy(to, input, n);
	input += n;
	input_len -= n;
	return (ssize_t)n;
}

int filter_main(int argc, char **argv); /* never called */
#define SRIOVD_LIBEXECDIR "/nowhere"
#define read		  fuzz_read
#define main		  filter_main
#include "srv/hook/filter.c" /* its parts are its own */
#undef read
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	bool end, ours;

	if (!size)
		return 0;
	interrupted = data[0] == 0;
	piece = data[0] ?: 1000;
	input = data + 1;
	input_len = size - 1;
	len = read_xml(&end);
	if (len > sizeof(xml) || end != (size - 1 < sizeof(xml)))
		abort();
	ours = is_ours(len, end);
	if (ours != (memmem(data + 1, size - 1, namespace_uri, URI_LEN) != NULL))
		abort();
	if (wants_required(len) && (!ours || !memmem(data + 1, size - 1, LITERAL("required"))))
		abort();
	return 0;
}
