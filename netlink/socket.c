// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests and their answers. The kernel works on a NETLINK_ROUTE request inside sendmsg(), in the
 * caller's context: when that returns, the acks are in the receive queue already. What takes long,
 * and cannot be interrupted, is sendmsg() itself (the RTNL lock, the driver); the deadline here
 * only catches an ack that never comes.
 */
#include "netlink/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "netlink/link.h"

#define DEADLINE_MS    30000
#define REQUEST_RCVBUF (1024 * 1024)
#define FIRST_BUFFER   (32 * 1024) /* the kernel fills dumps in portions of up to 32 KiB */
#define DUMP_TRIES     8
#define KERNEL_ENOTSUPP \
	524 /* include/linux/errno.h: not meant for user space, but drivers return it */

bool snl_errno_is_unsupported(int errnum)
{
	return errnum == EOPNOTSUPP || errnum == EPROTONOSUPPORT || errnum == KERNEL_ENOTSUPP;
}

const char *snl_strerror(int errnum)
{
	return g_strerror(errnum == KERNEL_ENOTSUPP ? EOPNOTSUPP : errnum);
}

static void set_receive_buffer(int fd, int bytes)
{
	/* The forced one may exceed net.core.rmem_max, but needs CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int snl_socket_open(int rcvbuf, struct nl_sock **ret, struct sriov_error **err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	if (!sock)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ENOMEM, NULL,
				       "cannot allocate a netlink socket");
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r < 0) {
		int saved = errno;

		nl_socket_free(sock);
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, saved, NULL,
				       "cannot open a netlink socket: %s", nl_geterror(r));
	}
	set_receive_buffer(nl_socket_get_fd(sock), rcvbuf);
	*ret = sock;
	return 0;
}

static int open_request_socket(struct snl *nl, struct sriov_error **err)
{
	static const int options[] = { NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK };
	int on = 1;
	int r;

	r = snl_socket_open(REQUEST_RCVBUF, &nl->sock, err);
	if (r < 0)
		return r;
	nl->fd = nl_socket_get_fd(nl->sock);
	/* A kernel too old for one of them answers in fewer words, or filters less: both are
	 * handled. */
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		setsockopt(nl->fd, SOL_NETLINK, options[i], &on, sizeof(on));
	nl->stale = false;
	return 0;
}

static void close_request_socket(struct snl *nl)
{
	if (nl->sock)
		nl_socket_free(nl->sock); /* closes the descriptor */
	else if (nl->fd >= 0)
		close(nl->fd);
	nl->sock = NULL;
	nl->fd = -1;
}

static struct snl *alloc(void)
{
	struct snl *nl = g_new0(struct snl, 1);

	nl->fd = -1;
	nl->buf_size = FIRST_BUFFER;
	nl->buf = g_malloc(nl->buf_size);
	nl->timeout_ms = DEADLINE_MS;
	nl->seq = (uint32_t)g_get_monotonic_time();
	return nl;
}

int snl_new(struct snl **ret, struct sriov_error **err)
{
	struct snl *nl = alloc();
	int r = open_request_socket(nl, err);

	if (r < 0) {
		snl_free(nl);
		return r;
	}
	*ret = nl;
	return 0;
}

struct snl *snl_new_from_fd(int fd)
{
	struct snl *nl = alloc();

	nl->fd = fd;
	return nl;
}

void snl_free(struct snl *nl)
{
	if (!nl)
		return;
	close_request_socket(nl);
	g_free(nl->buf);
	g_free(nl);
}

void snl_ack_clear(struct snl_ack *ack)
{
	g_free(ack->message);
	*ack = (struct snl_ack){ 0 };
}

static void parse_ack_attrs(const uint8_t *at, size_t len, struct snl_ack *ack)
{
	const struct nlattr *nla = (const struct nlattr *)at;
	int rem = (int)len;

	for (; nla_ok(nla, rem); nla = nla_next(nla, &rem)) {
		const char *text = nla_data(nla);
		size_t n = (size_t)nla_len(nla);

		if (nla_type(nla) == NLMSGERR_ATTR_MSG && !ack->message) {
			ack->message = g_strndup(text, n);
			/* It comes from a driver and ends up in logs and terminals. */
			g_strdelimit(g_strstrip(ack->message), "\n\r\t\033", ' ');
		} else if (nla_type(nla) == NLMSGERR_ATTR_OFFS && n >= sizeof(uint32_t)) {
			memcpy(&ack->offset, text, sizeof(uint32_t));
		}
	}
}

int snl_ack_parse(const struct nlmsghdr *h, struct snl_ack *ret)
{
	const uint8_t *payload = nlmsg_data(h);
	size_t len = (size_t)nlmsg_datalen(h);
	size_t skip;
	int code = 0;

	if (h->nlmsg_type == NLMSG_ERROR) {
		struct nlmsgerr e;

		if (len < sizeof(e))
			return -EBADMSG;
		memcpy(&e, payload, sizeof(e));
		code = e.error;
		skip = sizeof(e);
		/* Without NETLINK_CAP_ACK the whole request is repeated before the attributes. */
		if (!(h->nlmsg_flags & NLM_F_CAPPED) && e.msg.nlmsg_len > sizeof(e.msg))
			skip += NLMSG_ALIGN((size_t)e.msg.nlmsg_len) - sizeof(e.msg);
	} else if (h->nlmsg_type == NLMSG_DONE) {
		skip = NLMSG_ALIGN(sizeof(code));
		if (len >= sizeof(code))
			memcpy(&code, payload, sizeof(code));
	} else {
		return -EBADMSG;
	}
	if (code > 0 || code < -4095) /* include/linux/err.h: MAX_ERRNO */
		return -EBADMSG;

	*ret = (struct snl_ack){ .err = -code, .arrived = true };
	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && len > skip)
		parse_ack_attrs(payload + skip, len - skip, ret);
	return 0;
}

static enum sriov_error_code code_of(int errnum)
{
	if (snl_errno_is_unsupported(errnum))
		return SRIOV_ERROR_NOT_SUPPORTED;
	if (errnum == EAGAIN)
		return SRIOV_ERROR_BUSY;
	return sriov_error_code_from_errno(errnum);
}

int snl_ack_error(const struct snl_ack *ack, const char *subject, struct sriov_error **err,
		  const char *fmt, ...)
{
	g_autofree char *what = NULL;
	g_autofree char *detail = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	if (ack->message && *ack->message)
		detail = g_strdup_printf(" (the kernel says: %s)", ack->message);
	else if (ack->offset)
		detail = g_strdup_printf(" (at byte %u of the request)", ack->offset);
	return sriov_error_set(err, code_of(ack->err), ack->err, subject, "cannot %s: %s%s", what,
			       snl_strerror(ack->err), detail ? detail : "");
}

int snl_receive(int fd, uint8_t **buf, size_t *buf_size, size_t *ret_len)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t n;

	do {
		n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n > *buf_size) {
		*buf_size = ((size_t)n + 4095) & ~(size_t)4095;
		g_free(*buf);
		*buf = g_malloc(*buf_size);
	}
	do {
		n = recvfrom(fd, *buf, *buf_size, MSG_TRUNC | MSG_DONTWAIT,
			     (struct sockaddr *)&from, &from_len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* Only the kernel's port is 0: another process with CAP_NET_ADMIN can send to ours. */
	*ret_len = from.nl_family == AF_NETLINK && from.nl_pid != 0 ? 0 : MIN((size_t)n, *buf_size);
	return 0;
}

static int wait_readable(int fd, gint64 deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* The next datagram, by the deadline. A failure leaves answers outstanding: the socket is stale. */
static int next_datagram(struct snl *nl, gint64 deadline, size_t *ret_len, struct sriov_error **err)
{
	int r;

	for (;;) {
		r = snl_receive(nl->fd, &nl->buf, &nl->buf_size, ret_len);
		if (r != -EAGAIN)
			break;
		r = wait_readable(nl->fd, deadline);
		if (r < 0)
			break;
	}
	if (r == 0)
		return 0;
	nl->stale = true;
	if (r == -ETIMEDOUT)
		return sriov_error_set(err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, NULL,
				       "the kernel did not answer a netlink request within %d s",
				       (nl->timeout_ms + 999) / 1000);
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, -r, NULL,
			       "cannot receive the kernel's answer to a netlink request: %s",
			       g_strerror(-r));
}

static int send_bytes(struct snl *nl, const void *bytes, size_t len, struct sriov_error **err)
{
	ssize_t n;

	do {
		n = send(nl->fd, bytes, len,
			 0); /* unconnected netlink sockets send to the kernel */
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	nl->stale = true;
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, n < 0 ? errno : EIO, NULL,
			       "cannot send a netlink request: %s",
			       g_strerror(n < 0 ? errno : EIO));
}

static int begin(struct snl *nl, struct sriov_error **err)
{
	if (!nl->stale)
		return 0;
	close_request_socket(nl);
	return open_request_socket(nl, err);
}

static gint64 deadline_of(const struct snl *nl)
{
	return g_get_monotonic_time() + (gint64)nl->timeout_ms * 1000;
}

/* Files the acks of one datagram; returns how many were waited for. */
static size_t collect_acks(const struct snl *nl, size_t len, uint32_t first, size_t n,
			   struct snl_ack *acks)
{
	struct nlmsghdr *h = (struct nlmsghdr *)nl->buf;
	size_t arrived = 0;

	for (int rem = (int)len; nlmsg_ok(h, rem); h = nlmsg_next(h, &rem)) {
		uint32_t i = h->nlmsg_seq - first;

		if (i >= n || acks[i].arrived || h->nlmsg_type != NLMSG_ERROR)
			continue;
		if (snl_ack_parse(h, &acks[i]) == 0)
			arrived++;
	}
	return arrived;
}

int snl_batch(struct snl *nl, struct nl_msg *const *msgs, size_t n, struct snl_ack *acks,
	      struct sriov_error **err)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	uint32_t first;
	gint64 deadline;
	int r = begin(nl, err);

	if (r < 0)
		return r;
	first = nl->seq + 1;
	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr *h = nlmsg_hdr(msgs[i]);

		h->nlmsg_seq = ++nl->seq;
		h->nlmsg_pid = 0;
		h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
		g_byte_array_append(bytes, (const guint8 *)h, h->nlmsg_len);
		while (bytes->len % NLMSG_ALIGNTO)
			g_byte_array_append(bytes, (const guint8 *)"", 1);
	}
	r = send_bytes(nl, bytes->data, bytes->len, err);
	deadline = deadline_of(nl);
	for (size_t arrived = 0; r == 0 && arrived < n;) {
		size_t len;

		r = next_datagram(nl, deadline, &len, err);
		if (r == 0)
			arrived += collect_acks(nl, len, first, n, acks);
	}
	return r;
}

struct query {
	uint32_t seq;
	bool dump;
	bool interrupted;
	bool replied;
	int (*reply)(const struct nlmsghdr *h, void *data);
	void *data;
	struct snl_ack *ack;
};

/* Returns 1 when the answer is complete, 0 when more is to come, or a negative errno. */
static int take_message(struct query *q, const struct nlmsghdr *h)
{
	int r;

	if (h->nlmsg_seq != q->seq)
		return 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		q->interrupted = true;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		r = snl_ack_parse(h, q->ack);
		return r < 0 ? r : 1;
	}
	if (h->nlmsg_type < NLMSG_MIN_TYPE)
		return 0;
	r = q->reply(h, q->data);
	q->replied = true;
	if (r < 0)
		return r;
	/* One that is not of a dump is the whole answer: no ack was asked for. */
	return q->dump ? 0 : 1;
}

static int take_datagram(struct query *q, struct nlmsghdr *h, size_t len)
{
	for (int rem = (int)len; nlmsg_ok(h, rem); h = nlmsg_next(h, &rem)) {
		int r = take_message(q, h);

		if (r != 0)
			return r;
	}
	return 0;
}

int snl_query(struct snl *nl, struct nl_msg *msg,
	      int (*reply)(const struct nlmsghdr *h, void *data), void *data, struct snl_ack *ack,
	      struct sriov_error **err)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct query q = { .reply = reply, .data = data, .ack = ack };
	gint64 deadline;
	int r = begin(nl, err);

	if (r < 0)
		return r;
	q.seq = h->nlmsg_seq = ++nl->seq;
	q.dump = (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	h->nlmsg_pid = 0;
	h->nlmsg_flags |= NLM_F_REQUEST;
	r = send_bytes(nl, h, h->nlmsg_len, err);
	if (r < 0)
		return r;
	deadline = deadline_of(nl);
	for (r = 0; r == 0;) {
		size_t len;

		r = next_datagram(nl, deadline, &len, err);
		if (r < 0)
			return r;
		r = take_datagram(&q, (struct nlmsghdr *)nl->buf, len);
	}
	if (r < 0) {
		nl->stale = true; /* the rest of a dump may be in the queue */
		return sriov_error_set(
			err, SRIOV_ERROR_DEVICE, -r, NULL,
			"the kernel's answer to a netlink request makes no sense: %s",
			g_strerror(-r));
	}
	if (!ack->arrived)
		ack->arrived = q.replied;
	if (q.interrupted && ack->err == 0)
		ack->err = EINTR;
	return 0;
}

int snl_dump(struct snl *nl, struct nl_msg *msg, int (*reply)(const struct nlmsghdr *h, void *rows),
	     GArray *rows, const char *what, struct sriov_error **err)
{
	for (int tries = 1;; tries++) {
		snl_autoack ack = { 0 };
		int r;

		g_array_set_size(rows, 0);
		r = snl_query(nl, msg, reply, rows, &ack, err);
		if (r < 0) {
			sriov_error_wrap(err, "cannot %s", what);
			return r;
		}
		if (ack.err == 0)
			return 0;
		if (ack.err != EINTR || tries == DUMP_TRIES)
			return snl_ack_error(&ack, NULL, err, "%s", what);
	}
}
