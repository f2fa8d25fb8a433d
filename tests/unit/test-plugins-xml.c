// SPDX-License-Identifier: GPL-2.0-or-later
/* The shipped plugins, loaded as the daemon loads them, with a host that writes down what it is
 * asked. */
#include "tests/unit/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "plugins/sriovd-plugin.h"

struct fake_host {
	struct sbe_host host;
	GString *calls;
	int result; /* of every service */
};

static int answer(const struct fake_host *fake, struct sbe_error *error)
{
	if (fake->result < 0) {
		error->code = SBE_ERROR_UNAVAILABLE;
		error->err = -fake->result;
		g_strlcpy(error->message, "the host's own words", sizeof(error->message));
	}
	return fake->result;
}

static int fake_attach(void *priv, const char *uuid, const char *xml, struct sbe_error *error)
{
	struct fake_host *fake = priv;

	g_string_append_printf(fake->calls, "attach to %s:\n%s", uuid, xml);
	return answer(fake, error);
}

static int fake_detach(void *priv, const char *uuid, const char *alias, struct sbe_error *error)
{
	struct fake_host *fake = priv;

	g_string_append_printf(fake->calls, "detach from %s: %s\n", uuid, alias);
	return answer(fake, error);
}

static struct fake_host *fake_host_new(void)
{
	struct fake_host *fake = g_new0(struct fake_host, 1);

	fake->host.size = sizeof(fake->host);
	fake->host.priv = fake;
	fake->host.domain_attach = fake_attach;
	fake->host.domain_detach = fake_detach;
	fake->calls = g_string_new(NULL);
	return fake;
}

static void fake_host_free(struct fake_host *fake)
{
	g_string_free(fake->calls, TRUE);
	g_free(fake);
}

static const struct sbe_plugin *open_plugin(const char *name)
{
	g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *dir = g_path_get_dirname(exe);
	g_autofree char *path = g_strdup_printf("%s/../../plugins/%s.so", dir, name);
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct sbe_plugin *plugin;

	if (!handle)
		fail_msg("%s", dlerror());
	plugin = dlsym(handle, SBE_PLUGIN_SYMBOL);
	assert_non_null(plugin);
	return plugin;
}

/* Which call, what is expected of it. */
struct expected {
	int result;
	const char *calls;
	int code; /* of the error; not looked at on success */
	const char *message;
};

static void check(const char *plugin, bool attach, const struct sbe_nic *nic,
		  struct expected expected)
{
	const struct sbe_plugin *ops = open_plugin(plugin);
	struct fake_host *fake = fake_host_new();
	struct sbe_error error = { 0 };
	int r = (attach ? ops->attach : ops->detach)(&fake->host, nic, &error);

	assert_string_equal(error.message, expected.message ? expected.message : "");
	assert_int_equal(r, expected.result);
	assert_string_equal(fake->calls->str, expected.calls ? expected.calls : "");
	assert_int_equal(error.err, -r);
	if (r < 0)
		assert_int_equal(error.code, expected.code);
	fake_host_free(fake);
}

#define UUID "c7a5fdbd-edaf-9455-926a-d65c16db1809"

static struct sbe_nic vf_nic(void)
{
	return (struct sbe_nic){
		.size = sizeof(struct sbe_nic),
		.owner_kind = SBE_OWNER_DOMAIN,
		.owner_uuid = UUID,
		.owner_name = "web1",
		.id = "net0",
		.alias = "ua-sriov-net0",
		.mac = { 0x52, 0x54, 0x00, 0xaa, 0x00, 0x11 },
		.backing = SBE_BACKING_VF,
		.vf_bus = 0x01,
		.vf_device = 0x10,
		.vf_function = 6,
	};
}

static struct sbe_nic virtio_nic(void)
{
	struct sbe_nic nic = vf_nic();

	nic.backing = SBE_BACKING_VIRTIO;
	nic.uplink_type = SBE_UPLINK_MACVTAP;
	nic.uplink = "enp1s0.100";
	nic.queues = 1;
	return nic;
}

static void vfio_attach_writes_a_hostdev_interface(void **state)
{
	struct sbe_nic nic = vf_nic();

	check("vfio", true, &nic,
	      (struct expected){ .calls = "attach to " UUID ":\n"
					  "<interface type='hostdev' managed='no'>\n"
					  "  <mac address='52:54:00:aa:00:11'/>\n"
					  "  <driver name='vfio'/>\n"
					  "  <source>\n"
					  "    <address type='pci' domain='0x0000' bus='0x01' "
					  "slot='0x10' function='0x6'/>\n"
					  "  </source>\n"
					  "  <alias name='ua-sriov-net0'/>\n"
					  "</interface>\n" });
}

static void vfio_attach_with_vlan_and_team_says_both(void **state)
{
	struct sbe_nic nic = vf_nic();

	nic.vf_domain = 0x10000;
	nic.vlan = 4094;
	nic.teaming = SBE_TEAMING_TRANSIENT;
	nic.team_alias = "ua-sriov-net0-base";
	check("vfio", true, &nic,
	      (struct expected){ .calls = "attach to " UUID ":\n"
					  "<interface type='hostdev' managed='no'>\n"
					  "  <mac address='52:54:00:aa:00:11'/>\n"
					  "  <driver name='vfio'/>\n"
					  "  <source>\n"
					  "    <address type='pci' domain='0x10000' bus='0x01' "
					  "slot='0x10' function='0x6'/>\n"
					  "  </source>\n"
					  "  <vlan>\n"
					  "    <tag id='4094'/>\n"
					  "  </vlan>\n"
					  "  <teaming type='transient' "
					  "persistent='ua-sriov-net0-base'/>\n"
					  "  <alias name='ua-sriov-net0'/>\n"
					  "</interface>\n" });
}

static void vhost_attach_writes_each_kind_of_uplink(void **state)
{
	struct sbe_nic nic = virtio_nic();

	check("vhost", true, &nic,
	      (struct expected){ .calls = "attach to " UUID ":\n"
					  "<interface type='direct'>\n"
					  "  <mac address='52:54:00:aa:00:11'/>\n"
					  "  <source dev='enp1s0.100' mode='bridge'/>\n"
					  "  <model type='virtio'/>\n"
					  "  <driver name='vhost'/>\n"
					  "  <alias name='ua-sriov-net0'/>\n"
					  "</interface>\n" });
	nic.uplink_type = SBE_UPLINK_BRIDGE;
	nic.uplink = "br0";
	nic.queues = 2;
	nic.teaming = SBE_TEAMING_PERSISTENT;
	check("vhost", true, &nic,
	      (struct expected){ .calls = "attach to " UUID ":\n"
					  "<interface type='bridge'>\n"
					  "  <mac address='52:54:00:aa:00:11'/>\n"
					  "  <source bridge='br0'/>\n"
					  "  <model type='virtio'/>\n"
					  "  <driver name='vhost' queues='2'/>\n"
					  "  <teaming type='persistent'/>\n"
					  "  <alias name='ua-sriov-net0'/>\n"
					  "</interface>\n" });
	nic.uplink_type = SBE_UPLINK_NETWORK;
	nic.uplink = "a&b<c>'d\"é";
	nic.queues = 256;
	nic.teaming = SBE_TEAMING_NONE;
	check("vhost", true, &nic,
	      (struct expected){ .calls = "attach to " UUID ":\n"
					  "<interface type='network'>\n"
					  "  <mac address='52:54:00:aa:00:11'/>\n"
					  "  <source network='a&amp;b&lt;c&gt;&apos;d&quot;é'/>\n"
					  "  <model type='virtio'/>\n"
					  "  <driver name='vhost' queues='256'/>\n"
					  "  <alias name='ua-sriov-net0'/>\n"
					  "</interface>\n" });
}

static void detach_goes_by_alias(void **state)
{
	struct sbe_nic vf = vf_nic(), virtio = virtio_nic();
	struct expected expected = { .calls = "detach from " UUID ": ua-sriov-net0\n" };

	/* What is only needed to attach may be gone by now. */
	memset(vf.mac, 0, sizeof(vf.mac));
	virtio.uplink = NULL;
	check("vfio", false, &vf, expected);
	check("vhost", false, &virtio, expected);
}

static void detach_of_what_is_not_there_succeeds(void **state)
{
	static const char *const plugins[] = { "vfio", "vhost" };
	const struct sbe_nic nics[] = { vf_nic(), virtio_nic() };

	for (size_t i = 0; i < G_N_ELEMENTS(plugins); i++) {
		struct fake_host *fake = fake_host_new();
		struct sbe_error error = { 0 }, none = { 0 };

		fake->result = -ENOENT;
		assert_int_equal(open_plugin(plugins[i])->detach(&fake->host, &nics[i], &error), 0);
		assert_memory_equal(&error, &none, sizeof(none));
		assert_string_equal(fake->calls->str, "detach from " UUID ": ua-sriov-net0\n");
		fake_host_free(fake);
	}
}

static void host_errors_passed_on(void **state)
{
	static const char *const plugins[] = { "vfio", "vhost" };
	const struct sbe_nic nics[] = { vf_nic(), virtio_nic() };

	for (size_t i = 0; i < 4; i++) {
		const struct sbe_plugin *plugin = open_plugin(plugins[i / 2]);
		struct fake_host *fake = fake_host_new();
		struct sbe_error error = { 0 };

		fake->result = -ETIMEDOUT;
		assert_int_equal((i % 2 ? plugin->attach : plugin->detach)(&fake->host,
									   &nics[i / 2], &error),
				 -ETIMEDOUT);
		assert_int_equal(error.code, SBE_ERROR_UNAVAILABLE);
		assert_int_equal(error.err, ETIMEDOUT);
		assert_string_equal(error.message, "the host's own words");
		fake_host_free(fake);
	}
}

#define REFUSE(plugin, nic_fn, change, code_, errnum, text)                               \
	do {                                                                              \
		struct sbe_nic nic = nic_fn();                                            \
		change;                                                                   \
		check(plugin, true, &nic,                                                 \
		      (struct expected){                                                  \
			      .result = -(errnum), .code = (code_), .message = (text) }); \
	} while (0)

#define ALIAS_TEXT(alias)                                                                 \
	"\"" alias                                                                        \
	"\" cannot be a device's alias: libvirt wants \"ua-\" and then letters, digits, " \
	"\"_\" or \"-\""

/* Structs may grow at their end, but never be shorter than what this version of the ABI has. */
static void attach_from_an_older_daemon_refused(void **state)
{
	size_t host_size = offsetof(struct sbe_host, log);
	size_t nic_size = offsetof(struct sbe_nic, queues) + sizeof(uint32_t);
	g_autofree char *expected = g_strdup_printf(
		"the daemon passes less than ABI 1 promises (%zu and %zu bytes of %zu and %zu); "
		"install daemon and plugin of one release",
		sizeof(struct sbe_host), nic_size - 1, host_size, nic_size);

	REFUSE("vfio", vf_nic, nic.size = nic_size - 1, SBE_ERROR_INTERNAL, EPROTO, expected);
	REFUSE("vhost", virtio_nic, nic.size = nic_size - 1, SBE_ERROR_INTERNAL, EPROTO, expected);
}

static void attach_from_a_newer_daemon_works(void **state)
{
	const struct sbe_plugin *plugin = open_plugin("vhost");
	struct fake_host *fake = fake_host_new();
	struct sbe_nic nic = virtio_nic();

	nic.size += 64;
	fake->host.size += 64;
	assert_int_equal(plugin->attach(&fake->host, &nic, NULL), 0);
	fake_host_free(fake);
}

static void attach_of_unsound_calls_refused(void **state)
{
	REFUSE("vhost", virtio_nic, nic.owner_kind = SBE_OWNER_CONTAINER, SBE_ERROR_NOT_SUPPORTED,
	       EOPNOTSUPP, "owners of kind 2 are not served, only libvirt domains");
	REFUSE("vfio", vf_nic, nic.backing = SBE_BACKING_VIRTIO, SBE_ERROR_NOT_SUPPORTED,
	       EOPNOTSUPP, "a backing of kind 2 is not served, only 1");
	REFUSE("vhost", virtio_nic, nic.backing = SBE_BACKING_VF, SBE_ERROR_NOT_SUPPORTED,
	       EOPNOTSUPP, "a backing of kind 1 is not served, only 2");
	REFUSE("vfio", vf_nic, nic.owner_uuid = NULL, SBE_ERROR_INVALID, EINVAL,
	       "the domain has no UUID");
	REFUSE("vfio", vf_nic, nic.alias = NULL, SBE_ERROR_INVALID, EINVAL, ALIAS_TEXT(""));
	REFUSE("vfio", vf_nic, nic.alias = "net0", SBE_ERROR_INVALID, EINVAL, ALIAS_TEXT("net0"));
	REFUSE("vhost", virtio_nic, nic.alias = "ua-", SBE_ERROR_INVALID, EINVAL,
	       ALIAS_TEXT("ua-"));
	REFUSE("vhost", virtio_nic, nic.alias = "ua-net0.1", SBE_ERROR_INVALID, EINVAL,
	       ALIAS_TEXT("ua-net0.1"));
}

static void vfio_attach_of_unsound_nics_refused(void **state)
{
	REFUSE("vfio", vf_nic, nic.mac[0] = 0x53, SBE_ERROR_INVALID, EINVAL,
	       "53:54:00:aa:00:11 cannot be a port's MAC address");
	REFUSE("vfio", vf_nic, memset(nic.mac, 0, 6), SBE_ERROR_INVALID, EINVAL,
	       "00:00:00:00:00:00 cannot be a port's MAC address");
	REFUSE("vfio", vf_nic, nic.vf_device = 32, SBE_ERROR_INVALID, EINVAL,
	       "0000:01:20.6 is no PCI address");
	REFUSE("vfio", vf_nic, nic.vf_function = 8, SBE_ERROR_INVALID, EINVAL,
	       "0000:01:10.8 is no PCI address");
	REFUSE("vfio", vf_nic, nic.vlan = 4095, SBE_ERROR_INVALID, EINVAL,
	       "4095 is no VLAN id, [0, 4094]");
	REFUSE("vfio", vf_nic, nic.teaming = SBE_TEAMING_PERSISTENT, SBE_ERROR_INVALID, EINVAL,
	       "a VF cannot have the place 1 in a team: it is the transient half");
	REFUSE("vfio", vf_nic, nic.teaming = SBE_TEAMING_TRANSIENT, SBE_ERROR_INVALID, EINVAL,
	       "\"\" cannot be the alias of the persistent half of a team");
	REFUSE("vfio", vf_nic, nic.teaming = SBE_TEAMING_TRANSIENT;
	       nic.team_alias = "x'/>", SBE_ERROR_INVALID, EINVAL,
	       "\"x'/>\" cannot be the alias of the persistent half of a team");
}

static void vhost_attach_of_unsound_nics_refused(void **state)
{
	REFUSE("vhost", virtio_nic, nic.mac[0] = 0xff, SBE_ERROR_INVALID, EINVAL,
	       "ff:54:00:aa:00:11 cannot be a port's MAC address");
	REFUSE("vhost", virtio_nic, nic.uplink_type = 0, SBE_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
	       "an uplink of kind 0 is not known");
	REFUSE("vhost", virtio_nic, nic.uplink_type = 4, SBE_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
	       "an uplink of kind 4 is not known");
	REFUSE("vhost", virtio_nic, nic.uplink = NULL, SBE_ERROR_INVALID, EINVAL,
	       "\"\" cannot be an uplink");
	REFUSE("vhost", virtio_nic, nic.uplink = "a\nb", SBE_ERROR_INVALID, EINVAL,
	       "\"a\nb\" cannot be an uplink");
	REFUSE("vhost", virtio_nic, nic.queues = 0, SBE_ERROR_INVALID, EINVAL,
	       "0 is no number of queues, [1, 256]");
	REFUSE("vhost", virtio_nic, nic.queues = 257, SBE_ERROR_INVALID, EINVAL,
	       "257 is no number of queues, [1, 256]");
	REFUSE("vhost", virtio_nic, nic.teaming = SBE_TEAMING_TRANSIENT, SBE_ERROR_INVALID, EINVAL,
	       "a virtio NIC cannot have the place 2 in a team: it is the persistent half");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vfio_attach_writes_a_hostdev_interface),
		cmocka_unit_test(vfio_attach_with_vlan_and_team_says_both),
		cmocka_unit_test(vhost_attach_writes_each_kind_of_uplink),
		cmocka_unit_test(detach_goes_by_alias),
		cmocka_unit_test(detach_of_what_is_not_there_succeeds),
		cmocka_unit_test(host_errors_passed_on),
		cmocka_unit_test(attach_from_an_older_daemon_refused),
		cmocka_unit_test(attach_from_a_newer_daemon_works),
		cmocka_unit_test(attach_of_unsound_calls_refused),
		cmocka_unit_test(vfio_attach_of_unsound_nics_refused),
		cmocka_unit_test(vhost_attach_of_unsound_nics_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
