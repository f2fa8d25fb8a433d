// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bdf.h"

#include <errno.h>
#include <stdio.h>

#include <glib.h>

/* Reads min to max hex digits at *p and moves *p past them. */
static int hex_digits(const char **p, int min, int max, uint64_t *ret)
{
	uint64_t value = 0;
	int n = 0;

	while (n < max && g_ascii_isxdigit(**p)) {
		value = value << 4 | (uint64_t)g_ascii_xdigit_value(**p);
		(*p)++;
		n++;
	}
	if (n < min)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int parse_bus_device_function(const char *p, struct sriov_bdf *bdf)
{
	uint64_t bus, device;

	if (hex_digits(&p, 2, 2, &bus) < 0 || *p++ != ':')
		return -EINVAL;
	if (hex_digits(&p, 2, 2, &device) < 0 || *p++ != '.' || device > 0x1f)
		return -EINVAL;
	if (*p < '0' || *p > '7' || p[1] != '\0')
		return -EINVAL;
	bdf->bus = (uint8_t)bus;
	bdf->device = (uint8_t)device;
	bdf->function = (uint8_t)(*p - '0');
	return 0;
}

int sriov_bdf_parse(const char *text, struct sriov_bdf *ret)
{
	struct sriov_bdf bdf = { 0 };
	const char *p = text;
	uint64_t domain;

	if (hex_digits(&p, 4, 8, &domain) == 0 && *p == ':') {
		bdf.domain = (uint32_t)domain;
		p++;
	} else {
		p = text;
	}
	if (parse_bus_device_function(p, &bdf) < 0)
		return -EINVAL;
	*ret = bdf;
	return 0;
}

const char *sriov_bdf_format(struct sriov_bdf bdf, char buf[SRIOV_BDF_STRLEN])
{
	snprintf(buf, SRIOV_BDF_STRLEN, "%04x:%02x:%02x.%x", bdf.domain, bdf.bus,
		 bdf.device & 0x1fU, bdf.function & 7U);
	return buf;
}
