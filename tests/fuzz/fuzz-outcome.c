// SPDX-License-Identifier: GPL-2.0-or-later
/* The helper's answer, as a killed, broken or replaced helper might leave it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pci/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spci_outcome *outcome, *again;
	g_autofree char *line = NULL;

	if (spci_outcome_parse((const char *)data, size, &outcome, NULL) < 0)
		return 0;
	/* What was understood can be said again, and is understood the same. */
	line = spci_outcome_format(outcome);
	if (spci_outcome_parse(line, strlen(line), &again, NULL) < 0)
		abort();
	if (!again->error != !outcome->error || again->results->len != outcome->results->len)
		abort();
	spci_outcome_free(again);
	spci_outcome_free(outcome);
	return 0;
}
