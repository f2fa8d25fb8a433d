// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests, acks and answers, as bytes and with a real kernel. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <netlink/attr.h>

#include "netlink/link-message.h"
#include "netlink/socket.h"
#include "tests/unit/netns.h"

/* An NLMSG_ERROR for a request of this many bytes, which it repeats unless capped. */
static struct nl_msg *error_message(int err, bool capped, uint32_t request, const char *words)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsgerr e = { .error = -err, .msg = { .nlmsg_len = request } };

	nlmsg_put(msg, 0, 1, NLMSG_ERROR, 0, 0);
	nlmsg_append(msg, &e, sizeof(e), NLMSG_ALIGNTO);
	if (capped)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_CAPPED;
	else
		nlmsg_reserve(msg, request - NLMSG_HDRLEN, NLMSG_ALIGNTO);
	if (words) {
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK_TLVS;
		nla_put_string(msg, NLMSGERR_ATTR_MSG, words);
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS, 36);
	}
	return msg;
}

static void ack_parse_words_after_capped_and_whole_request(void **state)
{
	for (int capped = 0; capped < 2; capped++) {
		struct nl_msg *msg = error_message(EINVAL, capped, 61, " not this\none ");
		struct snl_ack ack;

		assert_int_equal(snl_ack_parse(nlmsg_hdr(msg), &ack), 0);
		assert_int_equal(ack.err, EINVAL);
		assert_true(ack.arrived);
		assert_string_equal(ack.message, "not this one");
		assert_int_equal(ack.offset, 36);
		snl_ack_clear(&ack);
		nlmsg_free(msg);
	}
}

static void ack_parse_plain_and_malformed(void **state)
{
	struct nl_msg *ok = error_message(0, true, 32, NULL),
		      *positive = error_message(-5, true, 32, NULL);
	struct nl_msg *huge = error_message(5000, true, 32, NULL),
		      *noop = nlmsg_alloc_simple(NLMSG_NOOP, 0);
	struct nl_msg *liar = error_message(EPERM, false, 64, "words");
	struct snl_ack ack = { .err = 77 };

	assert_int_equal(snl_ack_parse(nlmsg_hdr(positive), &ack), -EBADMSG);
	assert_int_equal(snl_ack_parse(nlmsg_hdr(huge), &ack), -EBADMSG);
	assert_int_equal(snl_ack_parse(nlmsg_hdr(noop), &ack), -EBADMSG);
	nlmsg_hdr(ok)->nlmsg_len -= 4;
	assert_int_equal(snl_ack_parse(nlmsg_hdr(ok), &ack), -EBADMSG);
	assert_int_equal(ack.err, 77);
	nlmsg_hdr(ok)->nlmsg_len += 4;
	assert_int_equal(snl_ack_parse(nlmsg_hdr(ok), &ack), 0);
	assert_int_equal(ack.err, 0);
	assert_null(ack.message);
	/* A request that claims to be longer than the message. */
	((struct nlmsgerr *)nlmsg_data(nlmsg_hdr(liar)))->msg.nlmsg_len = UINT32_MAX;
	assert_int_equal(snl_ack_parse(nlmsg_hdr(liar), &ack), 0);
	assert_int_equal(ack.err, EPERM);
	assert_null(ack.message);
	nlmsg_free(ok);
	nlmsg_free(positive);
	nlmsg_free(huge);
	nlmsg_free(noop);
	nlmsg_free(liar);
}

static void ack_error_has_code_words_and_place(void **state)
{
	static const struct {
		struct snl_ack ack;
		enum sriov_error_code code;
		const char *message;
	} cases[] = {
		{ { .err = EBUSY, .message = (char *)"try later" },
		  SRIOV_ERROR_BUSY,
		  "cannot do it: Device or resource busy (the kernel says: try later)" },
		{ { .err = EINVAL, .offset = 36 },
		  SRIOV_ERROR_INVALID,
		  "cannot do it: Invalid argument (at byte 36 of the request)" },
		{ { .err = 524 },
		  SRIOV_ERROR_NOT_SUPPORTED,
		  "cannot do it: Operation not supported" },
		{ { .err = EPROTONOSUPPORT },
		  SRIOV_ERROR_NOT_SUPPORTED,
		  "cannot do it: Protocol not supported" },
		{ { .err = EAGAIN },
		  SRIOV_ERROR_BUSY,
		  "cannot do it: Resource temporarily unavailable" },
		{ { .err = EPERM }, SRIOV_ERROR_DENIED, "cannot do it: Operation not permitted" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		sriov_autoerror err = NULL;

		assert_int_equal(snl_ack_error(&cases[i].ack, "enp1s0/3", &err, "do %s", "it"),
				 -cases[i].ack.err);
		assert_int_equal(err->code, cases[i].code);
		assert_string_equal(err->subject, "enp1s0/3");
		assert_string_equal(err->message, cases[i].message);
	}
}

static void batch_acks_are_told_apart(void **state)
{
	static const uint32_t indexes[] = { 1, 99, 1, 98 };
	struct snl *nl = netns_enter();
	struct nl_msg *msgs[4];
	struct snl_ack acks[4] = { 0 };
	sriov_autoerror err = NULL;

	for (size_t i = 0; i < 4; i++)
		msgs[i] = snl_link_message_set_flags(indexes[i], IFF_UP, IFF_UP);
	assert_ok(snl_batch(nl, msgs, 4, acks, &err), err);
	for (size_t i = 0; i < 4; i++) {
		assert_true(acks[i].arrived);
		assert_int_equal(acks[i].err, indexes[i] == 1 ? 0 : ENODEV);
		snl_ack_clear(&acks[i]);
		nlmsg_free(msgs[i]);
	}
}

static int ignore(const struct nlmsghdr *h, void *data)
{
	return 0;
}

static void query_refused_attribute_is_named_by_the_kernel(void **state)
{
	struct snl *nl = netns_enter();
	snl_automsg msg = snl_link_message_get(NULL, 1, 0);
	sriov_autoerror err = NULL;
	snl_autoack ack = { 0 };

	/* Strict checking is what makes the kernel refuse it. */
	nla_put_u32(msg, IFLA_MTU, 1500);
	assert_ok(snl_query(nl, msg, ignore, NULL, &ack, &err), err);
	assert_int_equal(ack.err, EINVAL);
	assert_string_equal(ack.message, "Unsupported attribute in get link request");
}

static int fail_at_first(const struct nlmsghdr *h, void *data)
{
	return -EBADMSG;
}

static void query_given_up_does_not_disturb_the_next(void **state)
{
	struct snl *nl = netns_enter();
	snl_automsg msg = snl_link_message_dump(NULL, -1);
	sriov_autoerror err = NULL;
	snl_autoack ack = { 0 };
	struct snl_link link;

	assert_int_equal(snl_query(nl, msg, fail_at_first, NULL, &ack, &err), -EBADMSG);
	assert_int_equal(err->code, SRIOV_ERROR_DEVICE);
	assert_true(nl->stale);
	assert_int_equal(snl_link_get(nl, "lo", &link, NULL), 0);
	assert_false(nl->stale);
}

static void receive_drops_what_is_not_from_the_kernel(void **state)
{
	struct snl *nl = netns_enter();
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	socklen_t to_len = sizeof(to);
	struct nl_sock *other = netns_socket();
	struct nlmsghdr forged = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_NOOP };
	size_t len = 77;

	assert_int_equal(getsockname(nl->fd, (struct sockaddr *)&to, &to_len), 0);
	assert_true(to.nl_pid != 0);
	assert_int_equal(sendto(nl_socket_get_fd(other), &forged, sizeof(forged), 0,
				(struct sockaddr *)&to, sizeof(to)),
			 sizeof(forged));
	assert_int_equal(snl_receive(nl->fd, &nl->buf, &nl->buf_size, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(snl_receive(nl->fd, &nl->buf, &nl->buf_size, &len), -EAGAIN);
	nl_socket_free(other);
}

static void receive_grows_to_the_answer(void **state)
{
	g_autofree uint8_t *bytes = g_malloc(300000);
	uint8_t *buf = g_malloc(16);
	size_t size = 16, len = 0;
	int fds[2];

	for (size_t i = 0; i < 150000; i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(send(fds[1], bytes, 150000, 0), 150000);
	assert_int_equal(snl_receive(fds[0], &buf, &size, &len), 0);
	assert_int_equal(len, 150000);
	assert_memory_equal(buf, bytes, 150000);
	close(fds[0]);
	close(fds[1]);
	g_free(buf);
}

static void socket_does_not_leak_into_children(void **state)
{
	struct snl *nl = netns_enter();

	assert_int_equal(fcntl(nl->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ack_parse_words_after_capped_and_whole_request),
		cmocka_unit_test(ack_parse_plain_and_malformed),
		cmocka_unit_test(ack_error_has_code_words_and_place),
		cmocka_unit_test(batch_acks_are_told_apart),
		cmocka_unit_test(query_refused_attribute_is_named_by_the_kernel),
		cmocka_unit_test(query_given_up_does_not_disturb_the_next),
		cmocka_unit_test(receive_drops_what_is_not_from_the_kernel),
		cmocka_unit_test(receive_grows_to_the_answer),
		cmocka_unit_test(socket_does_not_leak_into_children),
	};

	return cmocka_run_group_tests(tests, NULL, netns_leave);
}
