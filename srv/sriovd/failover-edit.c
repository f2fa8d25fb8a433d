// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/failover-edit.h"

#include <errno.h>
#include <string.h>

#include "srv/domain/ports.h"
#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/virt.h"

/* The virtio half, which the configuration gets, and the VF, which needs a port when it comes. */
#define PORTS_NEEDED 2

struct srv_attach_work *srv_failover_edit_new(struct srv_daemon *daemon, const char *uuid,
					      const char *name,
					      const struct srv_nic_request *request,
					      struct sriov_error **err)
{
	/* As its row will be; it has none yet. */
	struct srv_nic nic = { .row = { .owner = { SRV_OWNER_LIBVIRT, (char *)uuid, (char *)name },
					.id = request->id,
					.network = request->network,
					.mode = request->mode,
					.mac = request->mac } };
	struct srv_attach_work *work = NULL;

	if (srv_failover_reserve(daemon, &nic, err) == 0)
		work = srv_attach_work_new(daemon, &nic, err);
	if (work)
		srv_attach_work_await(work);
	g_free(nic.row.uplink);
	g_free(nic.row.reason);
	return work;
}

static int count(struct srv_virt *virt, const char *uuid, bool live, struct srv_ports *ret,
		 struct sriov_error **err)
{
	g_autofree char *xml = NULL;
	int r = live ? srv_virt_live_xml(virt, uuid, &xml, err)
		     : srv_virt_stored_xml(virt, uuid, &xml, err);

	return r < 0 ? r : srv_ports_parse(xml, strlen(xml), ret, err);
}

int srv_failover_edit_ports(struct srv_virt *virt, const char *uuid, bool now, bool add_port,
			    struct sriov_error **err)
{
	struct srv_ports ports;
	int r = count(virt, uuid, false, &ports, err);

	if (r < 0)
		return r;
	if (!ports.pcie)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL,
				       "the domain's machine has no PCI Express, which QEMU wants "
				       "for a failover nic: use machine type q35, or mode "
				       "\"exclusive\"");
	if (ports.free < PORTS_NEEDED && !add_port)
		return sriov_error_set(
			err, SRIOV_ERROR_LIMIT, ENOSPC, NULL,
			"the domain's configuration has %u free PCIe root ports, and a failover "
			"nic takes 2, one for virtio and one for the VF: add --add-port, or with "
			"virsh edit so many <controller type='pci' model='pcie-root-port'/>",
			ports.free);
	if (ports.free < PORTS_NEEDED) {
		r = srv_virt_add_root_ports(virt, uuid, PORTS_NEEDED - ports.free, err);
		if (r < 0)
			return r;
	}
	if (!now)
		return 0;
	r = count(virt, uuid, true, &ports, err);
	if (r == 0 && ports.free < PORTS_NEEDED)
		r = sriov_error_set(err, SRIOV_ERROR_LIMIT, ENOSPC, NULL,
				    "the running guest has %u free PCIe root ports, and a failover "
				    "nic takes 2; a port cannot be plugged in while it runs: add "
				    "the nic without --now%s, and start the guest anew",
				    ports.free, add_port ? "" : " and with --add-port");
	return r;
}
