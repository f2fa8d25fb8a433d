/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * sriovd-sysfs: what the daemon lets a child process do, because it runs driver code, takes from
 * milliseconds to for ever, and a thread that is stuck in the kernel cannot be killed.
 *
 *	sriovd-sysfs [--root DIR] create PF COUNT
 *	sriovd-sysfs [--root DIR] destroy PF
 *	sriovd-sysfs [--root DIR] bind DRIVER BDF...
 *	sriovd-sysfs [--root DIR] reset BDF...
 *
 * PF, BDF: addresses as sriov_bdf_parse() takes them
 * COUNT:   [1, 65535]
 * DRIVER:  "vfio-pci", or "-" for the one the kernel would choose
 * DIR:     where sys/ and dev/ are found; for tests
 *
 * When it is done it prints one line of JSON on stdout, which spci_outcome_parse() of
 * pci/outcome.h reads:
 *
 *	create	{"ok":true,"num":7}
 *	destroy	{"ok":true,"num":0}
 *	bind	{"ok":true,"results":[{"bdf":"0000:01:10.1","ok":true}]}; reset likewise
 *	failure	{"ok":false,"code":"busy","errno":16,"subject":"0000:01:10.1","message":"in use"}
 *
 * bind and reset try every function, in the order given; one that fails stops none of the others.
 * The failure of the whole is then that of the first one that failed, beside "results".
 *
 *	code	enum sriov_error_code, lower case, without its prefix (spci_outcome_code_name())
 *	errno	positive
 *	subject	may be missing
 *
 * Exit status: 0 when "ok" is true, 1 when it is false, 2 for a command line that is none of the
 * above (a sentence on stderr, nothing on stdout).
 *
 * The child dies when the thread that made it ends (PR_SET_PDEATHSIG is about threads, not
 * processes): spawn it from a thread that lives at least as long as the child, such as the main
 * one. Where it is stuck in the kernel it dies when it comes out. It holds flock(2)s on the sysfs
 * directories of what it works on (pci/device.h), so a second one for the same function gives up
 * with "busy" after two seconds.
 */

#define SRV_HELPER_PROGRAM "sriovd-sysfs"

#define SRV_HELPER_CREATE  "create"
#define SRV_HELPER_DESTROY "destroy"
#define SRV_HELPER_BIND	   "bind"
#define SRV_HELPER_RESET   "reset"

#define SRV_HELPER_DRIVER_VFIO	  "vfio-pci"
#define SRV_HELPER_DRIVER_DEFAULT "-"

enum srv_helper_exit {
	SRV_HELPER_OK = 0,
	SRV_HELPER_FAILED = 1,
	SRV_HELPER_USAGE = 2,
};
