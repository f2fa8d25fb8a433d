// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /etc/libvirt/hooks/qemu.d/sriovd: what libvirt runs for every step of every guest's life, with
 * the domain's XML on stdin (https://libvirt.org/hooks.html). Most guests are none of ours, so this
 * only looks for the namespace of our metadata; sriovd-hook, which parses, is run for the guests
 * that have it. No library but libc, linked statically: what a guest that does not use sriovd pays
 * is the spawn.
 *
 * How this works:
 *
 * - It is a search for bytes, not a parser. libvirt always hands out XML that it serialised itself
 *   (xmlNodeDump() for metadata), in which a namespace URI stands as it is, never with character
 *   references, since ours has nothing that needs escaping. A false alarm, such as the URI in a
 *   <description>, costs a run of sriovd-hook, which then finds no element of ours.
 * - stdin is read to its end also when the XML is larger than sriovd-hook takes, so that the answer
 *   is right for those guests too. sriovd-hook then gets one byte more than its limit, and refuses.
 * - libvirt waits for a hook for ever, so an alarm ends it. A writer that stalls that long tells us
 *   nothing about the guest, and a guest that may not be ours is let through.
 * - stdout stays empty: at "migrate" and "restore" it would replace the domain's XML.
 * - Which of libvirt's drivers runs it stands in argv[0] (…/qemu.d/sriovd), which sriovd-hook gets
 *   unchanged.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "srv/hook/operations.h"

#define HOOK	       SRIOVD_LIBEXECDIR "/sriovd-hook"
#define LOG_SECONDS    2
#define REFUSED	       1
#define LET_THROUGH    0
#define LITERAL(bytes) (bytes), sizeof(bytes) - 1

static const char namespace_uri[] = SRV_NICS_XMLNS;
#define URI_LEN (sizeof(namespace_uri) - 1)

/* In .bss: a page of it exists once something is read into it. */
static char xml[SRV_XML_MAX + 1];

/* The exit status, also when the alarm rings. */
static volatile sig_atomic_t verdict = LET_THROUGH;

static void on_alarm(int signo)
{
	_exit(verdict);
}

/* Like read(2), but a signal does not end it. */
static ssize_t read_some(char *to, size_t size)
{
	ssize_t n;

	do {
		n = read(STDIN_FILENO, to, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* As much of stdin as fits into xml[]; *ret_end: that was all. */
static size_t read_xml(bool *ret_end)
{
	size_t len = 0;

	*ret_end = false;
	while (len < sizeof(xml)) {
		ssize_t n = read_some(xml + len, sizeof(xml) - len);

		if (n <= 0) {
			*ret_end = true;
			break;
		}
		len += (size_t)n;
	}
	return len;
}

/* Is the URI in what is left of stdin, where xml[] full is what came before? Keeps xml[] as it is.
 */
static bool rest_has_uri(void)
{
	char window[URI_LEN - 1 + 65536];
	size_t kept = URI_LEN - 1;
	ssize_t n;

	memcpy(window, xml + sizeof(xml) - kept, kept);
	while ((n = read_some(window + kept, sizeof(window) - kept)) > 0) {
		size_t len = kept + (size_t)n;

		if (memmem(window, len, namespace_uri, URI_LEN))
			return true;
		kept = len < URI_LEN - 1 ? len : URI_LEN - 1;
		memmove(window, window + len - kept, kept);
	}
	return false;
}

static bool is_ours(size_t len, bool end)
{
	if (memmem(xml, len, namespace_uri, URI_LEN))
		return true;
	return !end && rest_has_uri();
}

/*
 * Does a nic ask for a VF or else no start? Only asked when nothing that could parse is there, so
 * an approximation must do: the attribute's value in quotes, between the declaration of our
 * namespace, which stands before our elements, and the end of the metadata.
 */
static bool wants_required(size_t len)
{
	const char *from = memmem(xml, len, namespace_uri, URI_LEN);
	size_t left = from ? (size_t)(xml + len - from) : 0;
	const char *to = from ? memmem(from, left, LITERAL("</metadata>")) : NULL;

	if (to)
		left = (size_t)(to - from);
	return from && (memmem(from, left, LITERAL("mode=\"required\"")) ||
			memmem(from, left, LITERAL("mode='required'")));
}

/* stdin becomes a file with the XML that was read; false with errno set when it cannot. */
static bool give_back_stdin(size_t len)
{
	int fd = memfd_create("domain-xml", MFD_CLOEXEC);

	if (fd < 0)
		return false;
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, xml + done, len - done);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			done += (size_t)n;
	}
	return lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO;
}

/*
 * The guest asked for nics, and what asks the daemon for them cannot be run: the same rule as for a
 * daemon that is dead. Who requires a VF does not start, with a sentence that libvirt shows; all
 * others do, and the log has it.
 */
static void cannot_ask(const char *guest, const struct hook_operation *operation, size_t len,
		       int errnum)
{
	/* Debian's AppArmor profile of libvirtd keeps hooks from running most programs. */
	const char *hint = errnum == EACCES ? "let libvirt run it, see APPARMOR in sriovd-hook(8)"
					    : "install sriovd again";

	if (operation->may_refuse && wants_required(len)) {
		verdict = REFUSED;
		dprintf(STDERR_FILENO,
			"sriovd: %s requires a VF, but " HOOK " cannot be run: %s; %s", guest,
			strerror(errnum), hint);
	}
	/* The logger may be stuck. */
	alarm(LOG_SECONDS);
	openlog("sriovd-hook", LOG_PID, LOG_DAEMON);
	syslog(LOG_ERR, "%s, %s: cannot run " HOOK ": %s; %s", guest, operation->name,
	       strerror(errnum), hint);
}

int main(int argc, char **argv)
{
	const struct hook_operation *operation;
	size_t len;
	bool end;

	operation = argc < 4 ? NULL : hook_operation_find(argv[2], argv[3]);
	if (!operation)
		return LET_THROUGH;
	signal(SIGALRM, on_alarm);
	alarm(SRIOVD_HOOK_READ_SECONDS);
	len = read_xml(&end);
	if (!is_ours(len, end))
		return LET_THROUGH;
	/* It would outlive exec. */
	alarm(0);
	if (give_back_stdin(len))
		execv(HOOK, argv);
	cannot_ask(argv[1], operation, len, errno);
	return verdict;
}
