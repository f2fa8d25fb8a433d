/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovctl/writer.h"

/* What writer.c and table.c share. */
struct ctl_writer {
	FILE *out;
	bool color;
	unsigned width;
	bool progress; /* a progress line is on the terminal */
};

/* text in style; it has been cleaned. */
void ctl_put(struct ctl_writer *writer, enum ctl_style style, const char *text);
void ctl_put_spaces(struct ctl_writer *writer, size_t n);
