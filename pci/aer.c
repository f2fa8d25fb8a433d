// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/aer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/sysfs.h"

int spci_aer_parse(const char *text, const char *what, uint32_t *ret)
{
	size_t len = strlen(what);
	char number[24];
	uint64_t value;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *digits;
		size_t n;

		line += *line == '\n';
		if (strncmp(line, what, len) != 0 || line[len] != ' ')
			continue;
		digits = line + len + 1;
		n = strcspn(digits, "\n");
		if (n >= sizeof(number))
			return -EINVAL;
		memcpy(number, digits, n);
		number[n] = '\0';
		if (sriov_parse_u64(number, 10, UINT64_MAX, &value) < 0)
			return -EINVAL;
		*ret = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
		return 0;
	}
	return -EINVAL;
}

static int read_total(int sysroot, const char *bdf, const char *name, const char *what,
		      uint32_t *ret)
{
	char text[SRIOV_SYSFS_LINE_MAX];
	char path[80];
	int r;

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", bdf, name);
	r = sriov_sysfs_read(sysroot, path, text, sizeof(text));
	return r < 0 ? r : spci_aer_parse(text, what, ret);
}

void spci_aer_read(const char *root, const struct sriov_bdf *bdfs, size_t n, struct spci_aer *ret)
{
	sriov_autofd int sysroot = sriov_sysroot_open(root);

	memset(ret, 0, n * sizeof(*ret));
	for (size_t i = 0; sysroot >= 0 && i < n; i++) {
		char text[SRIOV_BDF_STRLEN];

		sriov_bdf_format(bdfs[i], text);
		/* They are there both, or neither. */
		ret[i].known = read_total(sysroot, text, "aer_dev_fatal", "TOTAL_ERR_FATAL",
					  &ret[i].fatal) == 0 &&
			       read_total(sysroot, text, "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL",
					  &ret[i].nonfatal) == 0;
	}
}
