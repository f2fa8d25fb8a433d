// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sim/sim.h"

#include <linux/if_ether.h>
#include <string.h>
#include <unistd.h>

#include "srv/sriovd/claim.h"
#include "srv/sriovd/helper.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/nic-edit.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/serial.h"
#include "tests/sim/netlink.h"
#include "tests/support/describe-model.h"
#include "tests/support/tree.h"

char *sim_root;
struct srv_daemon *sim_daemon;

static char *in_root(const char *name)
{
	return g_build_filename(sim_root, name, NULL);
}

static char *pf_dir(uint8_t bus)
{
	return g_strdup_printf("sys/devices/pci0000:00/0000:%02x:00.0", bus);
}

/* Making the host */

static void add_link(uint8_t bus, const char *netdev, uint32_t ifindex)
{
	struct sim_link *link = sim_link_add(netdev, "");

	link->ifindex = ifindex;
	link->up = true;
	link->mac[0] = 2;
	link->mac[5] = bus;
	sim_pf_by_bus(bus)->ifindex = ifindex;
}

static void add_pf(uint8_t bus, const char *netdev, uint32_t ifindex)
{
	struct tree_pf pf = { .bus = bus,
			      .total = SIM_VFS,
			      .netdev = netdev,
			      .ifindex = ifindex,
			      .first_group = 10U * bus };

	tree_add_pf(sim_root, &pf);
	add_link(bus, netdev, ifindex);
}

struct sim_domain *sim_stranger(void)
{
	return &sim_world->domain[SIM_DOMAINS - 1];
}

static struct sim_link *foreign_link(int i, const char *name, const char *kind)
{
	struct sim_link *link = &sim_world->link[SIM_LINKS - 1 - i];

	memset(link, 0, sizeof(*link));
	link->ifindex = 90U + (uint32_t)i; /* below all that come and go */
	g_strlcpy(link->name, name, sizeof(link->name));
	g_strlcpy(link->kind, kind, sizeof(link->kind));
	link->up = link->carrier = link->foreign = true;
	return link;
}

static void foreign_device(int i, const char *type, const char *source, struct sim_link *link)
{
	struct sim_device *device = &sim_stranger()->device[i];

	*device = (struct sim_device){ .exists = true,
				       .mac = { 0x52, 0x54, 0, 0xee, 0xee, (uint8_t)i },
				       .link = link->ifindex };
	g_snprintf(device->alias, sizeof(device->alias), "net%d", i);
	g_strlcpy(device->type, type, sizeof(device->type));
	g_strlcpy(device->source, source, sizeof(device->source));
	memcpy(link->mac, device->mac, 6);
}

/* It has a VLAN link of its own on a PF of ours, and a tap on the bridge of ours. */
static void add_stranger(void)
{
	struct sim_link *vlan = foreign_link(0, "own.300", "vlan");
	struct sim_link *macvtap = foreign_link(1, "own0", "macvtap");
	struct sim_link *tap = foreign_link(2, "own1", "tun");

	*sim_stranger() = (struct sim_domain){ .active = true, .stranger = true };
	g_strlcpy(sim_stranger()->uuid, "eeeeeeee-0000-4000-8000-000000000001",
		  sizeof(sim_stranger()->uuid));
	g_strlcpy(sim_stranger()->name, "plain", sizeof(sim_stranger()->name));
	vlan->vlan = 300;
	vlan->proto = ETH_P_8021Q;
	vlan->parent = sim_link_by_name("enp2s0")->ifindex;
	macvtap->parent = vlan->ifindex;
	tap->master = sim_link_by_name("br0")->ifindex;
	foreign_device(0, "direct", vlan->name, macvtap);
	foreign_device(1, "bridge", "br0", tap);
}

static void make_hardware(void)
{
	tree_dir(sim_root, "sys/bus/pci/drivers/vfio-pci");
	for (int i = 0; i < SIM_PFS; i++)
		sim_world->pf[i].bus = (uint8_t)(i + 1);
	add_pf(1, "enp1s0", 7);
	add_pf(2, "enp2s0", 8);
	sim_link_add("br0", "bridge")->up = true;
	add_stranger();
}

void sim_configure(const char *config)
{
	tree_file(sim_root, "config/sriovd.json", config);
}

void sim_new(const char *config)
{
	sim_root = tree_new();
	sim_world_new(sim_root);
	sim_doors_off();
	make_hardware();
	tree_file(sim_root, "proc/sys/kernel/random/boot_id",
		  "11111111-2222-3333-4444-555555555555");
	sim_configure(config);
	sim_doors_on();
}

void sim_free(void)
{
	g_assert(!sim_daemon);
	sim_world_close();
	tree_remove(sim_root);
	sim_root = NULL;
}

void sim_reboot(void)
{
	g_autofree char *id = g_uuid_string_random();

	sim_lock();
	sim_doors_off();
	for (int i = 0; i < SIM_DOMAINS; i++) {
		memset(sim_world->domain[i].device, 0, sizeof(sim_world->domain[i].device));
		sim_world->domain[i].active = sim_world->domain[i].paused = false;
	}
	memset(sim_world->link, 0, sizeof(sim_world->link));
	memset(sim_world->fdb, 0, sizeof(sim_world->fdb));
	memset(sim_world->pf, 0, sizeof(sim_world->pf));
	tree_delete(sim_root, "sys");
	tree_delete(sim_root, "dev");
	make_hardware();
	tree_file(sim_root, "proc/sys/kernel/random/boot_id", id);
	sim_doors_on();
	sim_unlock();
}

/* vfio takes a VF that goes away out of its guest. */
static void take_from_guest(uint8_t bus, uint8_t function)
{
	struct sim_domain *holder = sim_function_holder(bus, 2, function);

	for (int i = 0; holder && i < SIM_NICS; i++) {
		struct sim_device *device = &holder->device[i];

		if (device->exists && device->bus == bus && device->function == function)
			memset(device, 0, sizeof(*device));
	}
}

static void destroy_vfs(uint8_t bus)
{
	g_autofree char *dir = pf_dir(bus);
	g_autofree char *numvfs = g_build_filename(dir, "sriov_numvfs", NULL);

	for (uint8_t i = 0; i < SIM_VFS; i++) {
		g_autofree char *vf = g_strdup_printf("0000:%02x:02.%u", bus, i);
		g_autofree char *link = g_build_filename("sys/bus/pci/devices", vf, NULL);
		g_autofree char *virtfn = g_strdup_printf("%s/virtfn%u", dir, i);
		g_autofree char *device = g_build_filename("sys/devices/pci0000:00", vf, NULL);

		take_from_guest(bus, i);
		sim_pf_by_bus(bus)->vf[i] = (struct sim_vf){ .destroyed = true };
		tree_delete(sim_root, link);
		tree_delete(sim_root, virtfn);
		tree_delete(sim_root, device);
	}
	tree_file(sim_root, numvfs, "0");
}

static void remove_link(uint32_t ifindex)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		struct sim_link *link = &sim_world->link[i];

		if (link->ifindex && link->parent == ifindex)
			remove_link(link->ifindex);
	}
	if (sim_link_by_index(ifindex))
		sim_link_by_index(ifindex)->ifindex = 0;
}

/* The world is changed by somebody else than the daemon. */
static void begin(void)
{
	sim_lock();
	sim_doors_off();
}

static void end(void)
{
	sim_doors_on();
	sim_unlock();
}

void sim_destroy_vfs(uint8_t bus)
{
	begin();
	destroy_vfs(bus);
	end();
	for (uint8_t i = 0; i < SIM_VFS; i++)
		sim_pci_removed_event(bus, 2, i);
}

void sim_unbind_pf(uint8_t bus)
{
	g_autofree char *dir = pf_dir(bus);
	g_autofree char *driver = g_build_filename(dir, "driver", NULL);
	g_autofree char *net = g_build_filename(dir, "net", NULL);

	begin();
	destroy_vfs(bus);
	tree_delete(sim_root, driver);
	tree_delete(sim_root, net);
	remove_link(sim_pf_by_bus(bus)->ifindex);
	sim_pf_by_bus(bus)->ifindex = 0;
	end();
}

void sim_bind_pf(uint8_t bus, const char *netdev, uint32_t ifindex)
{
	begin();
	add_pf(bus, netdev, ifindex);
	end();
}

void sim_unplug_pf(uint8_t bus)
{
	g_autofree char *dir = pf_dir(bus);
	g_autofree char *link = g_strdup_printf("sys/bus/pci/devices/0000:%02x:00.0", bus);

	sim_unbind_pf(bus);
	begin();
	tree_delete(sim_root, link);
	tree_delete(sim_root, dir);
	end();
}

void sim_plug_pf(uint8_t bus)
{
	g_autofree char *netdev = g_strdup_printf("enp%us0", bus);

	sim_bind_pf(bus, netdev, 6U + bus);
}

void sim_rename_pf(uint8_t bus, const char *netdev)
{
	struct sim_link *link = sim_link_by_index(sim_pf_by_bus(bus)->ifindex);
	g_autofree char *dir = pf_dir(bus);
	g_autofree char *from = g_build_filename(sim_root, dir, "net", link->name, NULL);
	g_autofree char *to = g_build_filename(sim_root, dir, "net", netdev, NULL);

	begin();
	rename(from, to);
	g_strlcpy(link->name, netdev, sizeof(link->name));
	end();
}

/* Its sysfs */

bool sim_is_on_vfio(uint8_t bus, uint8_t function)
{
	g_autofree char *path = g_strdup_printf("%s/sys/devices/pci0000:00/0000:%02x:02.%u/driver",
						sim_root, bus, function);
	g_autofree char *driver = g_file_read_link(path, NULL);

	return driver && g_str_has_suffix(driver, "/vfio-pci");
}

void sim_show_link(const struct sim_link *link)
{
	const struct sim_pf *pf = sim_pf_by_ifindex(link->ifindex);
	g_autofree char *dir = NULL, *flags = NULL, *carrier = NULL, *state = NULL;

	if (!pf)
		return;
	dir = g_strdup_printf("sys/devices/pci0000:00/0000:%02x:00.0/net/%s", pf->bus, link->name);
	flags = g_build_filename(dir, "flags", NULL);
	carrier = g_build_filename(dir, "carrier", NULL);
	state = g_build_filename(dir, "operstate", NULL);
	sim_doors_off();
	tree_file(sim_root, flags, link->up ? "0x1003" : "0x1002");
	tree_file(sim_root, carrier, link->carrier ? "1" : "0");
	tree_file(sim_root, state, link->up && link->carrier ? "up" : "down");
	sim_doors_on();
}

/* The first and the last of the kernel's lines, and one between. */
static void show_errors(const char *bdf, const char *severity, const char *total, uint32_t count)
{
	g_autofree char *path = g_strdup_printf("sys/devices/pci0000:00/%s/aer_dev_%s", bdf,
						severity);
	g_autofree char *text = g_strdup_printf("Undefined 0\nCmpltTO %u\nTOTAL_%s %u", count,
						total, count);

	tree_file(sim_root, path, text);
}

void sim_show_errors(uint8_t bus, uint8_t slot, uint8_t function, uint32_t fatal, uint32_t nonfatal)
{
	g_autofree char *bdf = g_strdup_printf("0000:%02x:%02x.%u", bus, slot, function);

	begin();
	show_errors(bdf, "fatal", "ERR_FATAL", fatal);
	show_errors(bdf, "nonfatal", "ERR_NONFATAL", nonfatal);
	end();
}

/* The daemon */

/* Two folders above this program: plugins and helper are to be of the same build. */
static char *build_folder(void)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = g_path_get_dirname(program);
	g_autofree char *tests = g_path_get_dirname(folder);

	return g_path_get_dirname(tests);
}

void sim_begin(void)
{
	g_autofree char *config = in_root("config"), *state = in_root("state");
	g_autofree char *build = build_folder();
	g_autofree char *plugins = g_build_filename(build, "plugins", NULL);
	g_autofree char *helper = g_build_filename(build, "tests/sim/sriovd-sysfs", NULL);
	const struct srv_daemon_options options = {
		.root = sim_root, .config_dir = config, .state_dir = state, .plugin_dir = plugins
	};
	sriov_autoerror err = NULL;

	sim_clock_install();
	srv_log_set_level(g_getenv("SIM_LOG") ? LOG_DEBUG : -1);
	srv_helper_set_program(helper);
	if (srv_daemon_new(&options, &sim_daemon, &err) < 0 ||
	    srv_daemon_start(sim_daemon, "test:///", -1, &err) < 0)
		g_error("the daemon does not start: %s", err->message);
	/* What tests compare does not depend on how busy this machine is. */
	sim_daemon->view_patience_ms = 10000;
}

void sim_start(void)
{
	sim_begin();
	sim_settle();
}

void sim_stop(void)
{
	srv_daemon_free(sim_daemon);
	sim_daemon = NULL;
}

static bool is_at_rest(void *data)
{
	if (sim_is_busy() || sim_daemon->gate_source || sim_daemon->refresh_source ||
	    sim_daemon->refreshing || sim_daemon->reconcile_soon_source ||
	    sim_daemon->reconciling || sim_daemon->waiting->len || g_main_context_pending(NULL))
		return false;
	for (guint i = 0; i < sim_daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = sim_daemon->model->pfs->pdata[i];

		if (pf->state != SRV_PF_STUCK && srv_serial_length(pf->serial))
			return false;
	}
	return true;
}

void sim_settle(void)
{
	/* Twice, for what a timer of a second at most begins. */
	for (int i = 0; i < 2; i++) {
		sim_run_until(is_at_rest, NULL, 60000);
		sim_run(1100);
	}
	sim_run_until(is_at_rest, NULL, 60000);
}

/* libvirt's side */

struct sim_domain *sim_define(unsigned n, const char *name)
{
	struct sim_domain *domain = NULL;

	sim_lock();
	for (int i = 0; i < SIM_DOMAINS - 1 && !domain; i++) {
		if (!*sim_world->domain[i].uuid)
			domain = &sim_world->domain[i];
	}
	g_assert(domain);
	memset(domain, 0, sizeof(*domain));
	g_snprintf(domain->uuid, sizeof(domain->uuid), "0d0d0d0d-0000-4000-8000-%012u", n);
	g_strlcpy(domain->name, name, sizeof(domain->name));
	sim_unlock();
	return domain;
}

void sim_add_nic(struct sim_domain *domain, const char *id, const char *network, enum srv_mode mode)
{
	struct sim_nic *nic = &domain->nic[domain->n_nics++];

	g_assert(domain->n_nics <= SIM_NICS);
	g_strlcpy(nic->id, id, sizeof(nic->id));
	g_strlcpy(nic->network, network, sizeof(nic->network));
	nic->mode = mode;
}

void sim_undefine(struct sim_domain *domain)
{
	char uuid[40];

	g_assert(!domain->active);
	sim_lock();
	g_strlcpy(uuid, domain->uuid, sizeof(uuid));
	domain->uuid[0] = '\0';
	sim_unlock();
	sim_virt_event(uuid, SRV_VIRT_UNDEFINED);
}

void sim_unplug_all(struct sim_domain *domain)
{
	for (int i = 0; i < SIM_NICS; i++) {
		if (domain->device[i].exists)
			sim_device_leave(&domain->device[i]);
	}
}

void sim_appear(struct sim_domain *domain)
{
	sim_lock();
	if (domain->active) {
		sim_unlock();
		return;
	}
	domain->n_later = 0;
	domain->active = sim_plug_stored(domain);
	if (!domain->active)
		sim_unplug_all(domain);
	sim_unlock();
}

void sim_appear_unanswered(struct sim_domain *domain)
{
	sim_lock();
	if (!domain->active)
		sim_make_stored_links(domain);
	sim_unlock();
	sim_appear(domain);
}

void sim_vanish(struct sim_domain *domain)
{
	sim_lock();
	sim_unplug_all(domain);
	domain->active = domain->paused = false;
	sim_unlock();
}

static bool is_answered(void *data)
{
	return ((struct sim_answer *)data)->done;
}

void sim_on_answer(const struct sriov_error *error, void *data)
{
	struct sim_answer *answer = data;

	answer->text = error ? sriov_error_text(error) : NULL;
	answer->done = true;
}

char *sim_wait_for(struct sim_answer *answer)
{
	if (!sim_run_until(is_answered, answer, 120000))
		g_error("a call was not answered within two minutes");
	return answer->text;
}

char *sim_hook_prepare(struct sim_domain *domain)
{
	g_autoptr(GPtrArray) requests = sim_domain_requests(domain);
	g_autoptr(GPtrArray) links = sim_domain_links(domain);
	struct sim_answer answer = { 0 };

	srv_nic_prepare(sim_daemon, domain->uuid, domain->name, requests, links, sim_on_answer,
			&answer);
	return sim_wait_for(&answer);
}

void sim_ignore(const struct sriov_error *error, void *data)
{
}

void sim_hook_started(struct sim_domain *domain)
{
	srv_nic_attach_owner(sim_daemon, domain->uuid);
}

void sim_hook_release(struct sim_domain *domain)
{
	srv_nic_owner_gone(sim_daemon, domain->uuid);
}

/* Whatever it needed was to be there when its hook said yes. */
static void must_run(const struct sim_domain *domain)
{
	sim_lock();
	if (!domain->active && !sim_world->unplugged)
		sim_broken("%s cannot start, though its hook let it", domain->name);
	sim_unlock();
}

char *sim_boot(struct sim_domain *domain)
{
	char *refusal;

	if (!sim_daemon) {
		sim_appear_unanswered(domain);
		return NULL;
	}
	refusal = sim_hook_prepare(domain);
	if (refusal) {
		sim_hook_release(domain);
		return refusal;
	}
	sim_appear(domain);
	must_run(domain);
	sim_hook_started(domain);
	sim_virt_event(domain->uuid, SRV_VIRT_STARTED);
	return NULL;
}

static void boot_on(const struct sriov_error *error, void *data)
{
	struct sim_domain *domain = data;

	if (error || domain->active) {
		domain->in_hook = false;
		sim_hook_release(domain);
		return;
	}
	sim_appear(domain);
	domain->in_hook = false;
	must_run(domain);
	if (!domain->active) {
		sim_hook_release(domain);
		return;
	}
	sim_hook_started(domain);
	sim_virt_event(domain->uuid, SRV_VIRT_STARTED);
}

void sim_begin_boot(struct sim_domain *domain)
{
	g_autoptr(GPtrArray) requests = sim_domain_requests(domain);
	g_autoptr(GPtrArray) links = sim_domain_links(domain);

	domain->in_hook = true;
	srv_nic_prepare(sim_daemon, domain->uuid, domain->name, requests, links, boot_on, domain);
}

void sim_shut_down(struct sim_domain *domain)
{
	sim_vanish(domain);
	if (!sim_daemon)
		return;
	sim_hook_release(domain);
	sim_virt_event(domain->uuid, SRV_VIRT_STOPPED);
}

/* Clients */

char *sim_add_failover(struct sim_domain *domain, const struct sim_failover *nic)
{
	struct srv_nic_request request = { .id = (char *)"net0",
					   .network = (char *)nic->network,
					   .mode = SRV_MODE_FAILOVER,
					   .priority = nic->priority };
	struct srv_nic_edit *edit = g_new0(struct srv_nic_edit, 1);
	struct sim_answer answer = { 0 };

	edit->domain = g_strdup(domain->name);
	edit->request = srv_nic_request_copy(&request);
	edit->now = nic->now;
	edit->add_port = nic->add_port;
	srv_nic_edit_run(sim_daemon, edit, sim_on_answer, &answer);
	if (!sim_run_until(is_answered, &answer, 60000))
		g_error("nic add is not answered");
	srv_nic_edit_free(edit);
	return answer.text;
}

/* Showing */

char *sim_nics(void)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		g_string_append_printf(text, "%s/%s %s %s", nic->row.owner.name, nic->row.id,
				       srv_nic_state_name(nic->row.state),
				       srv_backing_name(nic->row.backing));
		if (nic->vf)
			g_string_append_printf(text, " %s/%u", nic->vf->pf->name,
					       nic->vf->ref.index);
		if (nic->row.uplink)
			g_string_append_printf(text, " %s", nic->row.uplink);
		g_string_append_c(text, '\n');
	}
	return g_string_free(text, FALSE);
}

char *sim_counts(const char *name)
{
	const struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, name);
	GString *text = g_string_new(NULL);

	for (int i = 0; i < SRV_VF_STATES; i++) {
		if (pf->counts[i])
			g_string_append_printf(text, "%s%u %s", text->len ? ", " : "",
					       pf->counts[i],
					       srv_vf_state_name((enum srv_vf_state)i));
	}
	return g_string_free(text, FALSE);
}

char *sim_vf_attrs(uint8_t bus, uint32_t vf)
{
	const struct sim_attrs *a = &sim_pf_by_bus(bus)->vf[vf].attrs;

	return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x vlan %u qos %u rate %u-%u%s%s%s",
			       a->mac[0], a->mac[1], a->mac[2], a->mac[3], a->mac[4], a->mac[5],
			       a->vlan, a->qos, a->min, a->max, a->spoofchk ? " spoofchk" : "",
			       a->trust ? " trust" : "", a->link_state ? " forced" : "");
}
