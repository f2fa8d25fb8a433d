// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Setting VF attributes, all or none.
 *
 * do_setlink() stops at the first failing attribute of a message and does not undo those before it,
 * and its answer does not say which one failed. So each attribute is a message of its own; all go
 * out in one sendmsg(), and each is acknowledged. The kernel does not stop between messages: after
 * a failure, later attributes may have been applied. Undoing is therefore done by what was
 * acknowledged, not by position.
 */
#include "netlink/vf.h"

#include <errno.h>

#include "netlink/socket.h"
#include "netlink/vf-internal.h"

/* i40e answers EAGAIN while a VF is in reset: some 300 ms, each of its changes being a reset. */
#define AGAIN_DEADLINE_US (3 * G_USEC_PER_SEC)
#define AGAIN_PAUSE_US	  20000

/* One snl_vf_set() under way. */
struct change {
	struct snl *nl;
	uint32_t ifindex;
	uint32_t vf;
	char *subject; /* "enp1s0/3" */
	struct sriov_mac placeholder;
	struct snl_vf_attrs before;
	bool lenient; /* the caller wants to know what is supported: skip neutral values that are
			 not */
};

/* What became of one round of messages, by attribute. */
struct outcome {
	uint32_t applied;	 /* acknowledged, or maybe applied: the ack was lost */
	uint32_t standing;	 /* refused, but the VF is that way already */
	uint32_t skipped;	 /* unknown to the driver and neutral */
	enum snl_vf_attr failed; /* the first that failed; 0: none */
	struct snl_ack ack;	 /* of that one */
};

static void outcome_clear(struct outcome *outcome)
{
	snl_ack_clear(&outcome->ack);
	*outcome = (struct outcome){ 0 };
}

/* The attributes of want that stand at their neutral value. */
static uint32_t neutral_mask(const struct snl_vf_attrs *want)
{
	struct snl_vf_attrs neutral = snl_vf_attrs_neutral();
	struct snl_vf_attrs all = *want;

	all.mask = SNL_VF_ALL;
	all.mac_placeholder = false;
	return SNL_VF_ALL & ~snl_vf_attrs_diff(&neutral, &all);
}

/* Is the VF that way already, as far as the kernel tells? */
static bool stands(const struct change *c, const struct snl_vf_attrs *want, enum snl_vf_attr attr)
{
	struct snl_vf_attrs one = *want;

	one.mask = attr;
	return snl_vf_attrs_diff(&one, &c->before) == 0;
}

/* Files one ack. One that was lost has no error in it: the attribute may be applied. */
static void judge(const struct change *c, const struct snl_vf_attrs *want, enum snl_vf_attr attr,
		  struct snl_ack *ack, struct outcome *outcome)
{
	bool reported = c->before.mask & attr;

	if (ack->err == 0) {
		outcome->applied |= attr;
	} else if (c->lenient && snl_errno_is_unsupported(ack->err) &&
		   (neutral_mask(want) & attr) && (!reported || stands(c, want, attr))) {
		outcome->skipped |= attr;
	} else if (attr == SNL_VF_RATE && ack->err == EINVAL && stands(c, want, attr)) {
		/* igb and ixgbe refuse every rate, "unlimited" too, while the PF has no link. */
		outcome->standing |= attr;
	} else if (!outcome->failed) {
		outcome->failed = attr;
		outcome->ack = *ack;
		*ack = (struct snl_ack){ 0 };
	}
}

/*
 * Sends the attributes once. Those that the driver puts off (EAGAIN) come back in *ret_again,
 * unless there is no time left. A failure of the socket leaves open what was applied: all of it may
 * be.
 */
static int send_once(const struct change *c, const struct snl_vf_attrs *want, uint32_t mask,
		     bool last, uint32_t *ret_again, struct outcome *outcome,
		     struct sriov_error **err)
{
	enum snl_vf_attr order[SNL_VF_ATTR_COUNT];
	struct nl_msg *msgs[SNL_VF_ATTR_COUNT];
	struct snl_ack acks[SNL_VF_ATTR_COUNT] = { 0 };
	size_t n = snl_vf_attrs_order(want, mask, order);
	int r;

	for (size_t i = 0; i < n; i++)
		msgs[i] = snl_vf_message_set(c->ifindex, c->vf, order[i], want);
	r = snl_batch(c->nl, msgs, n, acks, err);
	*ret_again = 0;
	for (size_t i = 0; i < n; i++) {
		if (acks[i].err == EAGAIN && !last)
			*ret_again |= order[i];
		else
			judge(c, want, order[i], &acks[i], outcome);
		snl_ack_clear(&acks[i]);
		nlmsg_free(msgs[i]);
	}
	return r;
}

static int send_all(const struct change *c, const struct snl_vf_attrs *want, uint32_t mask,
		    struct outcome *outcome, struct sriov_error **err)
{
	gint64 deadline = g_get_monotonic_time() + AGAIN_DEADLINE_US;
	uint32_t again = mask;
	int r = 0;

	while (r == 0 && again) {
		bool last = g_get_monotonic_time() >= deadline;

		r = send_once(c, want, again, last, &again, outcome, err);
		/* After a failure everything is undone anyway. */
		if (outcome->failed)
			break;
		if (r == 0 && again)
			g_usleep(AGAIN_PAUSE_US);
	}
	return r;
}

static bool refuses_zero_mac(const struct snl_vf_attrs *want, uint32_t mask,
			     const struct outcome *outcome)
{
	if (!(mask & SNL_VF_MAC) || !sriov_mac_is_zero(want->mac))
		return false;
	/* mlx4 refuses spoofchk with EPERM as long as there is no MAC. */
	if (outcome->failed == SNL_VF_SPOOFCHK)
		return want->spoofchk && outcome->ack.err == EPERM;
	return outcome->failed == SNL_VF_MAC &&
	       (outcome->ack.err == EINVAL || outcome->ack.err == EADDRNOTAVAIL ||
		outcome->ack.err == EPERM);
}

/*
 * Applies the attributes; the placeholder goes in for a zero MAC that the driver does not take.
 * Returns a negative errno when the socket failed; what drivers say is in the outcome.
 */
static int apply(const struct change *c, const struct snl_vf_attrs *want, uint32_t mask,
		 struct outcome *outcome, struct sriov_error **err)
{
	int r = send_all(c, want, mask, outcome, err);

	if (r == 0 && refuses_zero_mac(want, mask, outcome)) {
		struct snl_vf_attrs with_mac = *want;
		uint32_t applied = outcome->applied;

		with_mac.mac = c->placeholder;
		outcome_clear(outcome);
		r = send_all(c, &with_mac, mask, outcome, err);
		outcome->applied |= applied;
	}
	return r;
}

/* Reads back after undoing; undone: what was set back, or could not be for want of knowing it. */
static int check_undone(const struct change *c, const struct snl_vf_attrs *want, uint32_t undone,
			struct sriov_error **err)
{
	struct snl_vf_report now = { 0 };
	struct snl_vf_attrs before = c->before;
	uint32_t unknown = undone & ~c->before.mask;
	g_autofree char *text = NULL;
	uint32_t differ = 0;
	int r = snl_vf_read(c->nl, c->ifindex, c->vf, &now, err);

	if (r == 0) {
		before.mask &= want->mask;
		differ = snl_vf_attrs_diff(&before, &now.vfs[c->vf]);
		text = snl_vf_attrs_format(differ ? &now.vfs[c->vf] : want,
					   differ ? differ : unknown);
	}
	snl_vf_report_clear(&now);
	if (differ)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, NULL, "the VF now has %s",
				       text);
	if (r == 0 && unknown)
		return sriov_error_set(
			err, SRIOV_ERROR_DEVICE, EIO, NULL,
			"%s stays, for the driver did not tell what was there before", text);
	return r;
}

/* Undoes what was applied. Returns 0, or -errno with the reason in err. */
static int roll_back(const struct change *c, const struct snl_vf_attrs *want,
		     const struct outcome *done, struct sriov_error **err)
{
	uint32_t mask = done->applied & snl_vf_attrs_diff(want, &c->before);
	struct snl_vf_attrs before = c->before;
	struct snl_vf_report now = { 0 };
	struct outcome outcome = { 0 };
	int r;

	/* A driver may have done a part of what it then failed. */
	before.mask &= want->mask;
	if (snl_vf_read(c->nl, c->ifindex, c->vf, &now, NULL) == 0)
		mask |= snl_vf_attrs_diff(&before, &now.vfs[c->vf]);
	snl_vf_report_clear(&now);
	r = apply(c, &before, mask & before.mask, &outcome, err);
	if (r == 0 && outcome.failed)
		r = snl_ack_error(&outcome.ack, NULL, err, "set back %s",
				  snl_vf_attr_name(outcome.failed));
	outcome_clear(&outcome);
	return r < 0 ? r : check_undone(c, want, mask, err);
}

/* Undoes what was done, and adds to the error what became of that. Returns the negative errno. */
static int fail(const struct change *c, const struct snl_vf_attrs *want, const struct outcome *done,
		struct sriov_error *why, struct sriov_error **err)
{
	sriov_autoerror undo = NULL;
	char *message;

	if (roll_back(c, want, done, &undo) == 0) {
		message = g_strdup_printf("%s; the VF is as it was", why->message);
	} else if (undo->code == SRIOV_ERROR_NOT_FOUND) {
		/* The PF went away meanwhile, and took everything with it. */
		message = g_strdup_printf("%s; and the VF is gone", why->message);
		why->code = SRIOV_ERROR_NOT_FOUND;
	} else {
		message = g_strdup_printf("%s; and rolling back failed: %s", why->message,
					  undo->message);
		why->code = SRIOV_ERROR_DEVICE;
	}
	g_free(why->message);
	why->message = message;
	return sriov_error_propagate(err, why);
}

static const char *hint(enum snl_vf_attr attr, int errnum)
{
	if (attr == SNL_VF_RATE && errnum == EINVAL)
		return ": drivers refuse a rate while the PF has no link, above the link's speed, "
		       "or a "
		       "min rate that they cannot keep";
	if (attr == SNL_VF_VLAN && errnum == EPROTONOSUPPORT)
		return ": the driver does not know 802.1ad";
	if (errnum == EAGAIN)
		return ": the VF or its PF is in reset";
	return "";
}

static struct sriov_error *refused(const struct change *c, const struct snl_vf_attrs *want,
				   const struct outcome *outcome)
{
	g_autofree char *what = snl_vf_attrs_format(want, outcome->failed);
	struct sriov_error *error = NULL;
	char *message;

	snl_ack_error(&outcome->ack, c->subject, &error, "set %s", what);
	message = g_strconcat(error->message, hint(outcome->failed, outcome->ack.err), NULL);
	g_free(error->message);
	error->message = message;
	return error;
}

/* Compares what the kernel says now with what was wanted; *ret is what differs. */
static int verify(const struct change *c, const struct snl_vf_attrs *want, uint32_t *ret,
		  struct snl_vf_attrs *now, struct sriov_error **err)
{
	struct snl_vf_report report = { 0 };
	struct snl_vf_attrs reported = *want;
	int r = snl_vf_read(c->nl, c->ifindex, c->vf, &report, err);

	if (r == 0) {
		*now = report.vfs[c->vf];
		/* What the driver does not report cannot be compared. */
		reported.mask &= now->mask;
		*ret = snl_vf_attrs_diff(&reported, now);
	}
	snl_vf_report_clear(&report);
	return r;
}

/* Applies and verifies. On failure *why is set, and outcome says what there is to undo. */
static int attempt(const struct change *c, const struct snl_vf_attrs *want, struct outcome *outcome,
		   struct sriov_error **why)
{
	g_autofree char *wanted = NULL;
	g_autofree char *found = NULL;
	struct snl_vf_attrs now;
	uint32_t differ = 0;
	int r = apply(c, want, want->mask, outcome, why);

	if (r < 0) {
		sriov_error_wrap(why, "cannot set attributes of VF %s", c->subject);
		return r;
	}
	if (outcome->failed) {
		*why = refused(c, want, outcome);
		return -(*why)->err;
	}
	r = verify(c, want, &differ, &now, why);
	/* bnxt takes the zero MAC, and goes on with the one that the VF's own driver had. */
	if (r == 0 && (differ & SNL_VF_MAC) && sriov_mac_is_zero(want->mac)) {
		struct snl_vf_attrs mac = { .mask = SNL_VF_MAC, .mac = c->placeholder };

		r = send_all(c, &mac, SNL_VF_MAC, outcome, why);
		if (r == 0 && !outcome->failed)
			r = verify(c, want, &differ, &now, why);
	}
	if (r < 0 || differ == 0)
		return r;
	wanted = snl_vf_attrs_format(want, differ);
	found = snl_vf_attrs_format(&now, differ);
	return sriov_error_set(why, SRIOV_ERROR_DEVICE, EIO, c->subject,
			       "the driver accepted %s, but the VF has %s", wanted, found);
}

static int change_vf(const struct change *c, const struct snl_vf_attrs *want, uint32_t *supported,
		     struct sriov_error **err)
{
	struct outcome outcome = { 0 };
	struct sriov_error *why = NULL;
	int r = attempt(c, want, &outcome, &why);

	if (r < 0)
		r = fail(c, want, &outcome, why, err);
	else if (supported)
		*supported = outcome.applied | outcome.standing;
	outcome_clear(&outcome);
	return r;
}

int snl_vf_set(struct snl *nl, uint32_t ifindex, uint32_t vf, const struct snl_vf_attrs *want,
	       uint32_t *supported, struct sriov_error **err)
{
	struct change c = { .nl = nl, .ifindex = ifindex, .vf = vf, .lenient = supported != NULL };
	g_autofree char *name = g_strdup_printf("VF %u of ifindex %u", vf, ifindex);
	g_autofree char *subject = NULL;
	struct snl_vf_report report = { 0 };
	int r = snl_vf_attrs_check(want, name, err);

	if (r < 0)
		return r;
	r = snl_vf_read(nl, ifindex, vf, &report, err);
	if (r == 0) {
		subject = g_strdup_printf("%s/%u", report.pf, vf);
		c.subject = subject;
		c.before = report.vfs[vf];
		c.placeholder = snl_vf_placeholder_mac(report.pf_mac, vf);
		r = change_vf(&c, want, supported, err);
	}
	snl_vf_report_clear(&report);
	return r;
}
