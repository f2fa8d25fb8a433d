/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "pci/inventory.h"

/*
 * Every field as text, for comparing whole snapshots; the caller owns the string. Without the
 * names, which change with every edition of pci.ids.
 */
char *describe_pf(const struct spci_pf *pf);
char *describe_inventory(const struct spci_inventory *inventory);
