// SPDX-License-Identifier: GPL-2.0-or-later
/* Setting a VF up for its owner, and what it has otherwise than it should. */
#include "srv/sriovd/vf-work.h"

#include <errno.h>

#include "netlink/link.h"
#include "pci/sriov.h"
#include "srv/helper/protocol.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/helper.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/pf-call.h"
#include "srv/sriovd/serial.h"
#include "srv/sriovd/vf-work-internal.h"

struct configure {
	struct srv_daemon *daemon;
	struct srv_vf *vf;
	struct snl_vf_attrs attrs;
	bool only_differing;
	int group;	 /* of the IOMMU: nobody may have it open; -1: not looked at */
	char *netdev;	 /* of a VF that is bound to a network driver */
	bool reload;	 /* the driver is to learn what was set by being bound again */
	GArray *unclean; /* of uint32_t: others of the PF that nobody has, as somebody left them */
	uint32_t ifindex, index, supported;
	struct sriov_error *error;
	char *what; /* for people */
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

int srv_vf_open_pf(uint32_t ifindex, const char *name, struct snl **ret, struct sriov_error **err)
{
	struct snl_link link;
	struct snl *nl;
	int r;

	if (!ifindex)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, ENODEV, name,
				       "has no netdev in this network namespace, so its VFs cannot "
				       "be configured");
	r = snl_new(&nl, err);
	if (r < 0)
		return r;
	r = snl_link_get_index(nl, ifindex, &link, err);
	if (r == 0 && !link.admin_up)
		r = sriov_error_set(err, SRIOV_ERROR_DEVICE, ENETDOWN, link.name,
				    "is down, and its driver would not keep what is set on a VF; "
				    "bring it up: ip link set %s up",
				    link.name);
	if (r < 0)
		snl_free(nl);
	else
		*ret = nl;
	return r;
}

bool srv_vf_is_guests_mac(const struct snl_vf_attrs *want, const struct snl_vf_attrs *now)
{
	return want->trust && (now->mask & SNL_VF_TRUST) && now->trust && !now->mac_placeholder &&
	       !sriov_mac_is_zero(now->mac);
}

static int take_mac_away(struct snl *nl, const struct configure *work, uint32_t from,
			 struct sriov_error **err)
{
	struct snl_vf_attrs none = snl_vf_attrs_neutral();
	int r;

	none.mask = SNL_VF_MAC;
	r = snl_vf_set(nl, work->ifindex, from, &none, NULL, err);
	if (r < 0)
		sriov_error_wrap(err, "VF %u, which nobody has, has the same MAC still", from);
	return r;
}

/*
 * Its owner may have had another VF of this PF before, which is not scrubbed yet or could not be:
 * with his MAC on both, frames for him would go to that one as well. What the driver does not tell
 * cannot be compared.
 */
static int make_way(struct snl *nl, const struct configure *work, struct sriov_error **err)
{
	g_autofree struct snl_vf_attrs *attrs = NULL;
	size_t n = 0;
	int r = 0;

	if (!work->unclean->len || !(work->attrs.mask & SNL_VF_MAC) ||
	    sriov_mac_is_zero(work->attrs.mac) ||
	    snl_vf_get_all(nl, work->ifindex, &attrs, &n, NULL) < 0)
		return 0;
	for (guint i = 0; i < work->unclean->len && r == 0; i++) {
		uint32_t index = g_array_index(work->unclean, uint32_t, i);

		if (index < n && (attrs[index].mask & SNL_VF_MAC) &&
		    sriov_mac_equal(attrs[index].mac, work->attrs.mac))
			r = take_mac_away(nl, work, index, err);
	}
	return r;
}

/*
 * Sets what differs from what the kernel says; what it does not say is left alone. Nothing is sent
 * when nothing differs: drivers act on a value that they have already, too.
 */
static void set_differing(struct snl *nl, struct configure *work)
{
	struct snl_vf_attrs want = work->attrs, now;
	uint32_t set = 0;

	if (snl_vf_get(nl, work->ifindex, work->index, &now, &work->error) < 0)
		return;
	work->attrs.mask &= now.mask;
	want.mask = snl_vf_attrs_diff(&work->attrs, &now) & work->attrs.mask;
	if ((want.mask & SNL_VF_MAC) && srv_vf_is_guests_mac(&work->attrs, &now)) {
		want.mask &= ~SNL_VF_MAC;
		work->attrs.mask &= ~SNL_VF_MAC;
	}
	if ((want.mask & SNL_VF_MAC) && make_way(nl, work, &work->error) < 0)
		return;
	if (want.mask)
		snl_vf_set(nl, work->ifindex, work->index, &want, &set, &work->error);
	work->supported = (work->attrs.mask & ~want.mask) | set;
}

/*
 * A network driver took its MAC from the VF when it was bound, or made one up, and most do not look
 * at what is set through the PF later. The netdev may be in a container already, with the same
 * claim made again: then it has what it had then.
 */
static int set_netdev_mac(struct snl *nl, const struct configure *work, struct sriov_error **err)
{
	sriov_autoerror not_here = NULL;
	struct snl_link link;

	if (!work->netdev || !(work->attrs.mask & SNL_VF_MAC) ||
	    snl_link_get(nl, work->netdev, &link, &not_here) < 0)
		return 0;
	return snl_link_set_mac(nl, link.ifindex, work->attrs.mac, err);
}

/* A stranger may have opened it since it was scrubbed: a guest or a DPDK process past us. */
static bool is_taken(struct configure *work)
{
	if (work->group < 0 || spci_vfio_group_in_use(work->daemon->root, work->group) <= 0)
		return false;
	sriov_error_set(&work->error, SRIOV_ERROR_BUSY, EBUSY, NULL,
			"somebody past sriovd has it open; see who: fuser -v /dev/vfio/%d",
			work->group);
	return true;
}

static void configure_run(void *data)
{
	struct configure *work = data;
	sriov_autoerror refused = NULL;
	struct snl *nl;

	if (is_taken(work) || srv_vf_open_pf(work->ifindex, NULL, &nl, &work->error) < 0)
		return;
	if (work->only_differing)
		set_differing(nl, work);
	else if (make_way(nl, work, &work->error) == 0 &&
		 snl_vf_set(nl, work->ifindex, work->index, &work->attrs, &work->supported,
			    &work->error) >= 0)
		work->reload = set_netdev_mac(nl, work, &refused) < 0;
	snl_free(nl);
}

static void configure_free(void *data)
{
	struct configure *work = data;

	sriov_error_free(work->error);
	g_array_unref(work->unclean);
	g_free(work->netdev);
	g_free(work->what);
	g_free(work);
}

/* error is stolen; work may still be the PF's thread's. */
static void configure_tell(const struct configure *work, struct sriov_error *error,
			   uint32_t verified)
{
	g_autofree char *name = srv_vf_name(work->vf);
	sriov_autoerror why = error;

	srv_serial_next(work->vf->pf->serial);
	work->vf->verified = verified;
	if (why)
		sriov_error_wrap(&why, "VF %s cannot be configured", name);
	work->done(why, work->data);
}

static void configure_end(struct configure *work)
{
	uint32_t verified = work->error ? 0 : work->supported & work->attrs.mask;

	configure_tell(work, g_steal_pointer(&work->error), verified);
	configure_free(work);
}

/*
 * What hangs may still be done some time: the VF is not known then, and nothing else is done to it
 * before, because whatever comes next stands behind it in the same queue.
 */
static void configure_late(const struct configure *work, const struct sriov_error *late)
{
	configure_tell(work, sriov_error_copy(late), 0);
}

/* The driver anew */

#define NETDEV_POLL_MS	 50
#define NETDEV_POLLS_MAX 60 /* udev has given it its name by then */

/* Whoever made the claim is told the netdev's name: not before udev has given it the one that it
 * had. */
static void reload_look(void *data)
{
	struct configure *work = data;
	struct snl_link link;
	struct snl *nl;
	int r = -ENODEV;

	if (snl_new(&nl, &work->error) < 0)
		return;
	for (unsigned i = 0; i < NETDEV_POLLS_MAX && r < 0; i++) {
		sriov_autoerror not_yet = NULL;

		if (i)
			g_usleep(NETDEV_POLL_MS * 1000);
		r = snl_link_get(nl, work->netdev, &link, &not_yet);
	}
	if (r == 0)
		snl_link_set_mac(nl, link.ifindex, work->attrs.mac, &work->error);
	snl_free(nl);
}

static void reload_looked(const struct sriov_error *late, void *data)
{
	if (late)
		configure_late(data, late);
	else
		configure_end(data);
}

static void reload_done(const struct spci_outcome *outcome, const struct sriov_error *error,
			void *data)
{
	const struct spci_result *result = outcome && outcome->results->len
						   ? outcome->results->pdata[0]
						   : NULL;
	struct configure *work = data;

	if (!outcome && error->code == SRIOV_ERROR_TIMEOUT)
		srv_pf_stuck(work->daemon, work->vf->pf, error);
	if (!outcome || (result && result->error)) {
		work->error = sriov_error_copy(outcome ? result->error : error);
		configure_end(work);
		return;
	}
	srv_pf_call(work->daemon, work->vf->pf, work->what, reload_look, reload_looked,
		    configure_free, work);
}

static void configure_done(const struct sriov_error *late, void *data)
{
	struct configure *work = data;
	char address[SRIOV_BDF_STRLEN];

	if (late) {
		configure_late(work, late);
		return;
	}
	if (work->reload && work->vf->facts) {
		const char *argv[] = { SRV_HELPER_RESET,
				       sriov_bdf_format(work->vf->facts->bdf, address), NULL };

		/* igb: a VF may not take even the MAC that its PF has set, but its driver finds it
		 * there. */
		srv_helper_run(argv, work->daemon->root, SRV_VF_RESET_SECONDS(1), reload_done, NULL,
			       work);
		return;
	}
	configure_end(work);
}

static void collect_unclean(struct configure *work)
{
	const GPtrArray *vfs = work->vf->pf->vfs;

	for (guint i = 0; i < vfs->len; i++) {
		const struct srv_vf *vf = vfs->pdata[i];

		if (vf != work->vf && vf->facts && (vf->pool || vf->left) && !vf->nic &&
		    !vf->foreign && vf->mark != SRV_VF_CLEAN)
			g_array_append_val(work->unclean, vf->ref.index);
	}
}

static void configure_start(void *data)
{
	struct configure *work = data;

	/* Whoever stood behind one that hangs has waited long enough. */
	if (srv_pf_call_refuse(work->vf->pf, &work->error) < 0) {
		configure_end(work);
		return;
	}
	work->ifindex = work->vf->pf->facts ? work->vf->pf->facts->ifindex : 0;
	collect_unclean(work);
	work->netdev = g_strdup(work->vf->facts ? work->vf->facts->netdev : NULL);
	srv_pf_call(work->daemon, work->vf->pf, work->what, configure_run, configure_done,
		    configure_free, work);
}

static struct configure *configure_new(struct srv_daemon *daemon, struct srv_vf *vf,
				       const struct snl_vf_attrs *attrs)
{
	struct configure *work = g_new0(struct configure, 1);

	work->daemon = daemon;
	work->vf = vf;
	work->index = vf->ref.index;
	work->attrs = *attrs;
	work->group = -1;
	work->unclean = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	work->what = g_strdup_printf("setting up VF %u", vf->ref.index);
	return work;
}

void srv_vf_configure(struct srv_daemon *daemon, struct srv_vf *vf,
		      const struct snl_vf_attrs *attrs,
		      void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct configure *work = configure_new(daemon, vf, attrs);

	if (vf->facts && g_strcmp0(vf->facts->driver, "vfio-pci") == 0)
		work->group = vf->facts->iommu_group;
	work->done = done;
	work->data = data;
	srv_serial_push(vf->pf->serial, configure_start, work);
}

void srv_vf_restore(struct srv_daemon *daemon, struct srv_vf *vf, const struct snl_vf_attrs *attrs,
		    void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct configure *work = configure_new(daemon, vf, attrs);

	work->only_differing = true;
	work->done = done;
	work->data = data;
	srv_serial_push(vf->pf->serial, configure_start, work);
}
