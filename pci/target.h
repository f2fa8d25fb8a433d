/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/bdf.h"
#include "base/error.h"

/* The function that a bind or a reset works on: opened, and locked against other helpers. */
struct spci_target {
	int sysroot;
	int device; /* its directory */
	int pf;	    /* of a VF, its PF's directory; else -1 */
	struct sriov_bdf bdf;
	char text[SRIOV_BDF_STRLEN];
};

/*
 * Opens and locks it: a VF for itself and its PF shared, so that VFs of one PF are worked on side
 * by side but never while VFs are created or destroyed. Refuses a PF that has VFs (BUSY): taking
 * its driver away or resetting it takes them all down.
 *
 * ret: to be closed with spci_target_close(), also after an error
 */
int spci_target_open(const char *root, struct sriov_bdf bdf, struct spci_target *ret,
		     struct sriov_error **err);
void spci_target_close(struct spci_target *target);

/* Takes it from its driver, and verifies. Whether it is in use is for the caller to know. */
int spci_target_unbind(const struct spci_target *target, const char *driver,
		       struct sriov_error **err);

/* Gives a VF that spci_target_unbind() took from it back to its driver, and verifies. */
int spci_target_bind_again(const struct spci_target *target, const char *driver,
			   struct sriov_error **err);

#define spci_autotarget __attribute__((cleanup(spci_target_close))) struct spci_target
