// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

#include "netlink/socket.h"

/* The kernel's own events; group 2 is what udev makes of them. */
#define GROUP_KERNEL 1
/* Removing hundreds of VFs makes thousands of events (each device's queues, groups, …). */
#define UEVENT_RCVBUF (1024 * 1024)

struct snl_uevents {
	int fd;
	guint source;
	struct snl_uevents_handler handler;
	void *data;
};

/* The value of a key in a list of "KEY=VALUE\0", or NULL. */
static const char *value_of(const char *text, size_t len, const char *key)
{
	size_t key_len = strlen(key);

	while (len) {
		size_t n = strnlen(text, len);

		if (n == len)
			return NULL; /* not ended */
		if (n > key_len && text[key_len] == '=' && memcmp(text, key, key_len) == 0)
			return text + key_len + 1;
		text += n + 1;
		len -= n + 1;
	}
	return NULL;
}

static enum snl_uevent what_of_error(const char *error)
{
	static const char *const errors[] = { [SNL_UEVENT_RECOVERY_BEGUN] = "BEGIN_RECOVERY",
					      [SNL_UEVENT_RECOVERED] = "SUCCESSFUL_RECOVERY",
					      [SNL_UEVENT_RECOVERY_FAILED] = "FAILED_RECOVERY" };

	for (size_t i = SNL_UEVENT_RECOVERY_BEGUN; error && i < G_N_ELEMENTS(errors); i++) {
		if (strcmp(error, errors[i]) == 0)
			return (enum snl_uevent)i;
	}
	return SNL_UEVENT_OTHER;
}

enum snl_uevent snl_uevent_parse(const char *text, size_t len, struct sriov_bdf *ret)
{
	const char *action = value_of(text, len, "ACTION");
	const char *subsystem = value_of(text, len, "SUBSYSTEM");
	const char *address = value_of(text, len, "PCI_SLOT_NAME");
	enum snl_uevent what = SNL_UEVENT_OTHER;

	if (g_strcmp0(action, "remove") == 0)
		what = SNL_UEVENT_REMOVED;
	else if (g_strcmp0(action, "change") == 0)
		what = what_of_error(value_of(text, len, "ERROR_EVENT"));
	if (what == SNL_UEVENT_OTHER || g_strcmp0(subsystem, "pci") != 0 || !address ||
	    sriov_bdf_parse(address, ret) < 0)
		return SNL_UEVENT_OTHER;
	return what;
}

static void tell(const char *text, size_t len, const struct snl_uevents_handler *handler,
		 void *data)
{
	struct sriov_bdf bdf;
	enum snl_uevent what = snl_uevent_parse(text, len, &bdf);

	switch (what) {
	case SNL_UEVENT_OTHER:
		return;
	case SNL_UEVENT_REMOVED:
		handler->pci_removed(bdf, data);
		return;
	case SNL_UEVENT_RECOVERY_BEGUN:
	case SNL_UEVENT_RECOVERED:
	case SNL_UEVENT_RECOVERY_FAILED:
		handler->pci_error(bdf, what, data);
		return;
	}
	g_assert_not_reached();
}

void snl_uevents_read(int fd, const struct snl_uevents_handler *handler, void *data)
{
	g_autofree uint8_t *buf = NULL;
	size_t size = 0, len;
	int r;

	while ((r = snl_receive(fd, &buf, &size, &len)) != -EAGAIN) {
		if (r < 0)
			handler->overrun(data);
		else
			tell((const char *)buf, len, handler, data);
		if (r < 0 && r != -ENOBUFS)
			return; /* not one that ends by reading on */
	}
}

static gboolean readable(int fd, GIOCondition condition, gpointer data)
{
	struct snl_uevents *uevents = data;

	snl_uevents_read(fd, &uevents->handler, uevents->data);
	return G_SOURCE_CONTINUE;
}

static int open_socket(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);
	int size = UEVENT_RCVBUF;

	if (fd < 0)
		return -errno;
	/* Beyond the system's limit where that is allowed. A smaller one is no failure. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int saved = errno;

		close(fd);
		return -saved;
	}
	return fd;
}

int snl_uevents_new(const struct snl_uevents_handler *handler, void *data, struct snl_uevents **ret,
		    struct sriov_error **err)
{
	int fd = open_socket();

	if (fd < 0)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, -fd, NULL,
				       "cannot listen to the kernel's device events: %s",
				       g_strerror(-fd));
	*ret = g_new(struct snl_uevents, 1);
	**ret = (struct snl_uevents){ .fd = fd, .handler = *handler, .data = data };
	(*ret)->source = g_unix_fd_add(fd, G_IO_IN, readable, *ret);
	return 0;
}

void snl_uevents_free(struct snl_uevents *uevents)
{
	if (!uevents)
		return;
	g_source_remove(uevents->source);
	close(uevents->fd);
	g_free(uevents);
}
