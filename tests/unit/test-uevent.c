// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's device events. */
#include "tests/unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/uevent.h"

/* As the kernel says it of a VF of an 82576 on vfio-pci, some keys left out. */
#define REMOVAL                                                                  \
	"remove@/devices/pci0000:00/0000:00:02.0/0000:01:10.6\0"                 \
	"ACTION=remove\0DEVPATH=/devices/pci0000:00/0000:00:02.0/0000:01:10.6\0" \
	"SUBSYSTEM=pci\0DRIVER=vfio-pci\0PCI_CLASS=20000\0PCI_ID=8086:10CA\0"    \
	"PCI_SLOT_NAME=0000:01:10.6\0SEQNUM=2431\0"
#define WITH(action, subsystem, address) \
	action "@/x\0ACTION=" action "\0SUBSYSTEM=" subsystem "\0PCI_SLOT_NAME=" address "\0"

/* As the kernel says it when it begins to recover one. */
#define RECOVERY(what)                                                           \
	"change@/devices/pci0000:00/0000:00:02.0/0000:01:10.6\0"                 \
	"ACTION=change\0DEVPATH=/devices/pci0000:00/0000:00:02.0/0000:01:10.6\0" \
	"SUBSYSTEM=pci\0ERROR_EVENT=" what "\0DEVICE_ONLINE=0\0"                 \
	"DRIVER=vfio-pci\0PCI_SLOT_NAME=0000:01:10.6\0SEQNUM=2432\0"

#define assert_parsed(text, expected)                                                        \
	do {                                                                                 \
		struct sriov_bdf bdf_;                                                       \
                                                                                             \
		assert_int_equal(snl_uevent_parse(text, sizeof(text) - 1, &bdf_), expected); \
	} while (0)

static void uevent_parse_removal_gives_the_address(void **state)
{
	const struct sriov_bdf expected = { 0, 1, 0x10, 6 };
	struct sriov_bdf bdf;

	assert_int_equal(snl_uevent_parse(REMOVAL, sizeof(REMOVAL) - 1, &bdf), SNL_UEVENT_REMOVED);
	assert_true(sriov_bdf_equal(bdf, expected));
}

/* FAULTS row 19 */
static void uevent_parse_recovery_is_told_apart(void **state)
{
	const struct sriov_bdf expected = { 0, 1, 0x10, 6 };
	const char begun[] = RECOVERY("BEGIN_RECOVERY");
	struct sriov_bdf bdf;

	assert_int_equal(snl_uevent_parse(begun, sizeof(begun) - 1, &bdf),
			 SNL_UEVENT_RECOVERY_BEGUN);
	assert_true(sriov_bdf_equal(bdf, expected));
	assert_parsed(RECOVERY("SUCCESSFUL_RECOVERY"), SNL_UEVENT_RECOVERED);
	assert_parsed(RECOVERY("FAILED_RECOVERY"), SNL_UEVENT_RECOVERY_FAILED);
	assert_parsed(RECOVERY("BEGIN"), SNL_UEVENT_OTHER);
	assert_parsed(RECOVERY(""), SNL_UEVENT_OTHER);
}

static void uevent_parse_everything_else_is_passed_over(void **state)
{
	assert_parsed(WITH("remove", "pci", "0000:01:10.6"), SNL_UEVENT_REMOVED);
	assert_parsed(WITH("change", "pci", "0000:01:10.6"), SNL_UEVENT_OTHER);
	assert_parsed(WITH("add", "pci", "0000:01:10.6"), SNL_UEVENT_OTHER);
	assert_parsed(WITH("remove", "net", "0000:01:10.6"), SNL_UEVENT_OTHER);
	assert_parsed(WITH("remove", "pci", "here"), SNL_UEVENT_OTHER);
	assert_parsed("remove@/x\0ACTION=remove\0SUBSYSTEM=pci\0", SNL_UEVENT_OTHER);
	assert_parsed("libudev\0\xfe\xed\xca\xfe", SNL_UEVENT_OTHER);
	assert_parsed("", SNL_UEVENT_OTHER);
}

/* Each in a buffer of exactly that size, so that a sanitizer sees a read beyond it. */
static void uevent_parse_every_prefix_is_survived(void **state)
{
	static const char removal[] = REMOVAL;
	const char *after_address = memmem(removal, sizeof(removal), "SEQNUM", 6);

	for (size_t len = 0; len < sizeof(removal) - 1; len++) {
		g_autofree char *copy = g_memdup2(removal, len);
		struct sriov_bdf bdf;

		assert_int_equal(snl_uevent_parse(copy, len, &bdf),
				 len >= (size_t)(after_address - removal) ? SNL_UEVENT_REMOVED
									  : SNL_UEVENT_OTHER);
	}
}

struct seen {
	int removed, overruns, errors;
	enum snl_uevent error;
	struct sriov_bdf last;
};

static void on_removed(struct sriov_bdf bdf, void *data)
{
	struct seen *seen = data;

	seen->removed++;
	seen->last = bdf;
}

static void on_error(struct sriov_bdf bdf, enum snl_uevent what, void *data)
{
	struct seen *seen = data;

	seen->errors++;
	seen->error = what;
	seen->last = bdf;
}

static void on_overrun(void *data)
{
	((struct seen *)data)->overruns++;
}

/* FAULTS row 15: somebody else writes sriov_numvfs=0 */
static void uevents_read_takes_all_there_is(void **state)
{
	const struct snl_uevents_handler handler = { on_removed, on_error, on_overrun };
	static const char failed[] = RECOVERY("FAILED_RECOVERY");
	struct seen seen = { 0 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send(fds[0], REMOVAL, sizeof(REMOVAL) - 1, 0),
				 sizeof(REMOVAL) - 1);
		assert_true(send(fds[0], "nonsense", 8, 0) == 8);
	}
	snl_uevents_read(fds[1], &handler, &seen);
	assert_int_equal(seen.removed, 3);
	assert_int_equal(seen.overruns, 0);
	assert_int_equal(seen.errors, 0);
	assert_int_equal(seen.last.function, 6);
	assert_true(send(fds[0], failed, sizeof(failed) - 1, 0) == sizeof(failed) - 1);
	snl_uevents_read(fds[1], &handler, &seen);
	assert_int_equal(seen.errors, 1);
	assert_int_equal(seen.error, SNL_UEVENT_RECOVERY_FAILED);
	assert_int_equal(seen.removed, 3);
	close(fds[0]);
	close(fds[1]);
}

static void uevents_read_of_a_broken_socket_is_an_overrun(void **state)
{
	const struct snl_uevents_handler handler = { on_removed, on_error, on_overrun };
	struct seen seen = { 0 };

	snl_uevents_read(-1, &handler, &seen);
	assert_int_equal(seen.overruns, 1);
}

static void uevents_new_listens(void **state)
{
	const struct snl_uevents_handler handler = { on_removed, on_error, on_overrun };
	sriov_autoerror err = NULL;
	struct snl_uevents *uevents;
	struct seen seen = { 0 };

	assert_ok(snl_uevents_new(&handler, &seen, &uevents, &err), err);
	snl_uevents_free(uevents);
	snl_uevents_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uevent_parse_removal_gives_the_address),
		cmocka_unit_test(uevent_parse_recovery_is_told_apart),
		cmocka_unit_test(uevent_parse_everything_else_is_passed_over),
		cmocka_unit_test(uevent_parse_every_prefix_is_survived),
		cmocka_unit_test(uevents_read_takes_all_there_is),
		cmocka_unit_test(uevents_read_of_a_broken_socket_is_an_overrun),
		cmocka_unit_test(uevents_new_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
