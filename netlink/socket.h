/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <linux/netlink.h>
#include <netlink/msg.h>

#include "base/error.h"

/*
 * Inside netlink/ only: how requests go out and answers come in.
 *
 * One request, or a batch of them, is under way at a time. Each message has a sequence number of
 * its own; what arrives with a number that nobody waits for is dropped. When an answer does not
 * come (which only a defect in the kernel explains: it answers before sendmsg() returns), the
 * socket is replaced before the next request, so that the late answer meets nobody.
 */

struct nl_sock;

struct snl {
	struct nl_sock *sock; /* NULL when the descriptor is a test's */
	int fd;
	uint32_t seq;
	uint8_t *buf;
	size_t buf_size;
	int timeout_ms; /* for one request or batch, to catch hangs */
	bool stale;	/* an answer may still come in: reopen before the next request */
};

/* What the kernel said of one message: NLMSG_ERROR (0 is the plain ack) or the end of a dump. */
struct snl_ack {
	int err;	 /* positive errno; 0: done */
	bool arrived;	 /* false: the kernel has not answered */
	char *message;	 /* NLMSGERR_ATTR_MSG, the kernel's own words, or NULL */
	uint32_t offset; /* NLMSGERR_ATTR_OFFS: of the attribute at fault in the request; 0: none */
};

void snl_ack_clear(struct snl_ack *ack);
static inline void snl_ack_cleanup(struct snl_ack *ack)
{
	snl_ack_clear(ack);
}
#define snl_autoack __attribute__((cleanup(snl_ack_cleanup))) struct snl_ack

static inline void snl_msg_cleanup(struct nl_msg **msg)
{
	if (*msg)
		nlmsg_free(*msg);
}
#define snl_automsg __attribute__((cleanup(snl_msg_cleanup))) struct nl_msg *

/*
 * Reads an NLMSG_ERROR or NLMSG_DONE message (pure).
 * h must be whole (nlmsg_ok()). Returns 0, or -EBADMSG when it is too short or another type.
 */
int snl_ack_parse(const struct nlmsghdr *h, struct snl_ack *ret);

/*
 * Sets the error that an ack stands for: "cannot WHAT: strerror (the kernel says: …)".
 * The code follows errno; an unknown protocol is NOT_SUPPORTED. Returns the negative errno.
 */
int snl_ack_error(const struct snl_ack *ack, const char *subject, struct sriov_error **err,
		  const char *fmt, ...) G_GNUC_PRINTF(4, 5);

/* Does this errno say "I do not know how"? Drivers leak the kernel's own ENOTSUPP (524) too. */
bool snl_errno_is_unsupported(int errnum);

/* An errno in words; strerror() does not know ENOTSUPP. */
const char *snl_strerror(int errnum);

/* A netlink socket of protocol NETLINK_ROUTE: close-on-exec, connected, buffers as large as
 * allowed. */
int snl_socket_open(int rcvbuf, struct nl_sock **ret, struct sriov_error **err);

/* Takes over a connected descriptor (a test's end of a socketpair) instead of opening one. */
struct snl *snl_new_from_fd(int fd);

/*
 * Receives one datagram whole, however long: the buffer grows to MSG_PEEK | MSG_TRUNC's answer.
 * Does not wait. *ret_len is 0 for one that did not come from the kernel. Returns 0 or -errno
 * (EAGAIN: nothing there; ENOBUFS: messages were lost).
 */
int snl_receive(int fd, uint8_t **buf, size_t *buf_size, size_t *ret_len);

/*
 * Sends n requests with NLM_F_ACK in one sendmsg() and collects their acks. Blocks as long as the
 * kernel works on them. The kernel handles each message on its own: a later one may be done
 * although an earlier one failed.
 *
 * acks: [n], zeroed by the caller, who clears them. Returns 0 when all arrived, whatever they say;
 * else those that did are filled in all the same.
 */
int snl_batch(struct snl *nl, struct nl_msg *const *msgs, size_t n, struct snl_ack *acks,
	      struct sriov_error **err);

/*
 * Sends one request that has an answer, and hands each of its messages to reply.
 *
 * reply: returns 0 or a negative errno, which ends the query and is returned (wrapped as DEVICE)
 * ack:   what the kernel said: its err is EINTR when a dump was inconsistent (NLM_F_DUMP_INTR)
 */
int snl_query(struct snl *nl, struct nl_msg *msg,
	      int (*reply)(const struct nlmsghdr *h, void *data), void *data, struct snl_ack *ack,
	      struct sriov_error **err);

/*
 * A dump whose answer is collected in rows by reply; repeated while something changed under it.
 * what: for the error's text, "list the links"
 */
int snl_dump(struct snl *nl, struct nl_msg *msg, int (*reply)(const struct nlmsghdr *h, void *rows),
	     GArray *rows, const char *what, struct sriov_error **err);
