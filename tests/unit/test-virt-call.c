// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/fake-libvirt.h"

#define WEB1	"57883551-e96d-4a71-ac43-7cde003b6744"
#define WEB2	"57883551-e96d-4a71-ac43-7cde003b6745"
#define WEB3	"57883551-e96d-4a71-ac43-7cde003b6746"
#define TEST	"6695eb01-f6a4-8304-79aa-97f2502e193f" /* the test driver's own, which runs */
#define NIC(id) "<sriov:nic id='" id "' network='tenant-a'/>"

/* ---- whole objects as text ---- */

static void show_part(GString *text, const char *title, const struct srv_domain *domain)
{
	g_string_append_printf(text, " %s", title);
	if (!domain) {
		g_string_append(text, "=-");
		return;
	}
	g_string_append_printf(text, "=%s(", domain->is_ours ? "ours" : "foreign");
	for (guint i = 0; i < domain->nics->len; i++)
		g_string_append_printf(
			text, "%s%s", i ? "," : "",
			((const struct srv_nic_request *)domain->nics->pdata[i])->id);
	g_string_append(text, ")");
}

static char *show(const struct srv_virt_domain *domain)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%s %s%s%s%s%s", domain->name, domain->uuid,
			       domain->active ? " active" : "", domain->paused ? " paused" : "",
			       domain->starting ? " starting" : "",
			       domain->persistent ? " persistent" : "");
	show_part(text, "live", domain->live);
	show_part(text, "stored", domain->stored);
	if (domain->bad)
		g_string_append_printf(text, " bad[%s]", domain->bad->message);
	if (domain->stored_bad)
		g_string_append_printf(text, " stored-bad[%s]", domain->stored_bad->message);
	g_string_append_c(text, '\n');
	return g_string_free(text, FALSE);
}

static void expect_get(struct world *world, const char *domain, const char *expected)
{
	struct srv_virt_domain *got = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *text = NULL;

	assert_ok(srv_virt_get(world->virt, domain, &got, &err), err);
	text = show(got);
	assert_string_equal(text, expected);
	srv_virt_domain_free(got);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	const struct srv_virt_domain *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void expect_list(struct world *world, const char *expected)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GPtrArray) domains = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_virt_list(world->virt, &domains, &err), err);
	g_ptr_array_sort(domains, by_name);
	for (guint i = 0; i < domains->len; i++) {
		g_autofree char *line = show(domains->pdata[i]);

		g_string_append(text, line);
	}
	assert_string_equal(text->str, expected);
}

static void expect_get_fails(struct world *world, const char *domain, enum sriov_error_code code,
			     const char *text)
{
	struct srv_virt_domain *got = NULL;
	sriov_autoerror err = NULL;
	int r = srv_virt_get(world->virt, domain, &got, &err);

	expect_failure(r, err, code, text);
	assert_null(got);
}

/* A transient domain that runs. */
static void create(struct world *world, const char *name, const char *uuid, const char *nics)
{
	g_autofree char *xml = fake_domain_xml(name, uuid, nics);
	virDomainPtr domain = virDomainCreateXML(world->conn, xml, 0);

	assert_non_null(domain);
	virDomainFree(domain);
}

static void define(struct world *world, const char *name, const char *uuid, const char *nics)
{
	virDomainFree(fake_define(world, name, uuid, nics));
}

static virDomainPtr find(struct world *world, const char *name)
{
	virDomainPtr domain = virDomainLookupByName(world->conn, name);

	assert_non_null(domain);
	return domain;
}

/* ---- list and get ---- */

static void list_has_every_kind_of_domain(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NIC("net0") NIC("net1"));
	create(&world, "web2", WEB2, NIC("net0"));
	define(&world, "web3", WEB3, NULL);
	domain = find(&world, "web3");
	assert_int_equal(virDomainCreate(domain), 0);
	assert_int_equal(virDomainSuspend(domain), 0);
	virDomainFree(domain);
	expect_list(&world,
		    "test " TEST " active persistent live=foreign() stored=foreign()\n"
		    "web1 " WEB1 " persistent live=- stored=ours(net0,net1)\n"
		    "web2 " WEB2 " active live=ours(net0) stored=-\n"
		    "web3 " WEB3 " active paused persistent live=foreign() stored=foreign()\n");
	world_end(&world);
}

static void get_finds_by_uuid_and_by_name(void **state)
{
	struct world world;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, "");
	expect_get(&world, "web1", "web1 " WEB1 " persistent live=- stored=ours()\n");
	expect_get(&world, WEB1, "web1 " WEB1 " persistent live=- stored=ours()\n");
	/* A name that looks like the UUID of nobody, and one that is another's UUID. */
	define(&world, WEB3, WEB2, NULL);
	expect_get(&world, WEB3, WEB3 " " WEB2 " persistent live=- stored=foreign()\n");
	define(&world, "web3", WEB3, NULL);
	expect_get(&world, WEB3, "web3 " WEB3 " persistent live=- stored=foreign()\n");
	world_end(&world);
}

static void get_of_nobody_is_not_found(void **state)
{
	g_autoptr(GPtrArray) nics = g_ptr_array_new();
	struct world world;
	sriov_autoerror err = NULL;
	int r;

	world_begin_connected(&world);
	expect_get_fails(&world, "web1", SRIOV_ERROR_NOT_FOUND,
			 "domain web1: it cannot be found: Domain not found");
	expect_get_fails(&world, WEB1, SRIOV_ERROR_NOT_FOUND,
			 "domain " WEB1 ": it cannot be found: Domain not found");
	/* The others take UUIDs only. */
	r = srv_virt_set_nics(world.virt, "test", nics, true, &err);
	expect_failure(r, err, SRIOV_ERROR_NOT_FOUND,
		       "domain test: this is not the UUID of a domain");
	world_end(&world);
}

static void live_and_stored_can_differ(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NIC("net0"));
	domain = find(&world, "web1");
	assert_int_equal(virDomainCreate(domain), 0);
	virDomainFree(domain);
	define(&world, "web1", WEB1, NIC("net0") NIC("net1"));
	expect_get(&world, "web1",
		   "web1 " WEB1 " active persistent live=ours(net0) stored=ours(net0,net1)\n");
	world_end(&world);
}

static void domain_that_starts_is_known_as_such(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NIC("net0"));
	domain = find(&world, "web1");
	assert_int_equal(virDomainCreate(domain), 0);
	virDomainFree(domain);
	fake.state = VIR_DOMAIN_PAUSED;
	fake.reason = VIR_DOMAIN_PAUSED_STARTING_UP;
	expect_get(&world, "web1",
		   "web1 " WEB1
		   " active paused starting persistent live=ours(net0) stored=ours(net0)\n");
	fake.reason = VIR_DOMAIN_PAUSED_USER;
	expect_get(&world, "web1",
		   "web1 " WEB1 " active paused persistent live=ours(net0) stored=ours(net0)\n");
	world_end(&world);
}

static void bad_metadata_is_given_with_the_domain(void **state)
{
	static const char missing[] =
		"nic net0 has no network; add network=\"NAME\", one that sriovd.json defines";
	g_autofree char *inactive = g_strdup_printf(
		"web1 " WEB1 " persistent live=- stored=ours() bad[%s] stored-bad[%s]\n", missing,
		missing);
	g_autofree char *active = g_strdup_printf(
		"web1 " WEB1 " active persistent live=ours() stored=ours() bad[%s] "
		"stored-bad[%s]\n",
		missing, missing);
	g_autofree char *mended = g_strdup_printf(
		"web1 " WEB1 " active persistent live=ours() stored=ours(net0) bad[%s]\n", missing);
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, "<sriov:nic id='net0'/>");
	expect_get(&world, "web1", inactive);
	domain = find(&world, "web1");
	assert_int_equal(virDomainCreate(domain), 0);
	expect_get(&world, "web1", active);
	/* Mended for the next start: what is in force is bad still. */
	define(&world, "web1", WEB1, NIC("net0"));
	expect_get(&world, "web1", mended);
	virDomainFree(domain);
	world_end(&world);
}

static void stored_bad_does_not_spoil_what_is_in_force(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NIC("net0"));
	domain = find(&world, "web1");
	assert_int_equal(virDomainCreate(domain), 0);
	define(&world, "web1", WEB1, "text");
	expect_get(&world, "web1",
		   "web1 " WEB1 " active persistent live=ours(net0) stored=ours() stored-bad[text "
		   "\"text\" among the nics; <nics> holds <nic> elements only]\n");
	virDomainFree(domain);
	world_end(&world);
}

/* For example one that is larger than libvirt's protocol takes: it must not hide the others. */
static void unreadable_xml_is_a_bad_domain_that_runs(void **state)
{
	struct world world;

	world_begin_connected(&world);
	fake.xml_answer[0] = (struct fake_answer){ VIR_ERR_RPC, "Unable to encode the message" };
	fake.xml_answer[1] = (struct fake_answer){ 0, "the real one" };
	define(&world, "web1", WEB1, NIC("net0"));
	expect_get(&world, "test",
		   "test " TEST " active persistent live=- stored=foreign() bad[its XML cannot be "
		   "read: Unable to encode the message]\n");
	fake.xmls = 0;
	expect_get(&world, "web1",
		   "web1 " WEB1 " persistent live=- stored=- bad[its XML cannot be read: Unable to "
		   "encode the message]\n");
	world_end(&world);
}

static void xml_that_cannot_be_parsed_is_a_bad_domain(void **state)
{
	struct world world;

	world_begin_connected(&world);
	fake_set_live_xml("<domain type='kvm' id='1'><name>test</name></domain>");
	expect_get(&world, "test",
		   "test " TEST " active persistent live=- stored=foreign() bad[the domain has no "
		   "<uuid>; give the XML as libvirt writes it (virsh dumpxml)]\n");
	world_end(&world);
}

static void stored_xml_that_cannot_be_read_is_said(void **state)
{
	struct world world;

	world_begin_connected(&world);
	fake.xml_answer[0] = (struct fake_answer){ 0, "the real one" };
	fake.xml_answer[1] = (struct fake_answer){ VIR_ERR_RPC, "too long" };
	expect_get(&world, "test",
		   "test " TEST " active persistent live=foreign() stored=- "
		   "stored-bad[its stored XML cannot be read: too long]\n");
	world_end(&world);
}

static void domain_gone_while_it_is_read_is_not_found(void **state)
{
	struct world world;

	world_begin_connected(&world);
	fake.xml_answer[0] = (struct fake_answer){ VIR_ERR_NO_DOMAIN, "Domain not found" };
	expect_get_fails(&world, "test", SRIOV_ERROR_NOT_FOUND,
			 "domain test: its XML cannot be read: Domain not found");
	/* In a list it is left out. */
	define(&world, "web1", WEB1, NULL);
	fake.xmls = 0;
	fake.xml_answer[1] = (struct fake_answer){ 0, "the real one" };
	{
		g_autoptr(GPtrArray) domains = NULL;
		sriov_autoerror err = NULL;

		assert_ok(srv_virt_list(world.virt, &domains, &err), err);
		assert_int_equal(domains->len, 1);
	}
	world_end(&world);
}

static void connection_lost_while_listing_fails_the_list(void **state)
{
	g_autoptr(GPtrArray) domains = NULL;
	sriov_autoerror err = NULL;
	struct world world;
	int r;

	world_begin_connected(&world);
	fake.xml_answer[0] = (struct fake_answer){ VIR_ERR_INTERNAL_ERROR, "socket is closed" };
	fake.dead = true;
	r = srv_virt_list(world.virt, &domains, &err);
	expect_failure(r, err, SRIOV_ERROR_UNAVAILABLE,
		       "domain test: its XML cannot be read: the connection to libvirt was lost, "
		       "and sriovd connects again by itself (socket is closed)");
	assert_null(domains);
	world_end(&world);
}

static void xml_is_live_by_the_root_alone(void **state)
{
	assert_true(srv_virt_xml_is_live("<domain type='kvm' id='7' "
					 "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
					 "<name>a</name></domain>"));
	assert_true(srv_virt_xml_is_live("<!-- libvirt's note -->\n<domain id=\"1\"/>"));
	assert_false(srv_virt_xml_is_live("<domain type='kvm'><a id='7'/></domain>"));
	assert_false(srv_virt_xml_is_live("<domain type=\"id='7'\"/>"));
	assert_false(srv_virt_xml_is_live("<!-- <domain id='7'> --><domain/>"));
	assert_false(srv_virt_xml_is_live(""));
	assert_false(srv_virt_xml_is_live("no XML"));
}

/* ---- changes ---- */

static GPtrArray *nics_of(const char *first, const char *second)
{
	GPtrArray *nics = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_request_free);
	const char *ids[] = { first, second };

	for (size_t i = 0; i < G_N_ELEMENTS(ids) && ids[i]; i++) {
		struct srv_nic_request *nic = g_new0(struct srv_nic_request, 1);

		nic->id = g_strdup(ids[i]);
		nic->network = g_strdup("tenant-a");
		g_ptr_array_add(nics, nic);
	}
	return nics;
}

static void set(struct world *world, const char *uuid, const char *first, const char *second)
{
	g_autoptr(GPtrArray) nics = nics_of(first, second);
	sriov_autoerror err = NULL;

	assert_ok(srv_virt_set_nics(world->virt, uuid, nics, true, &err), err);
}

static void set_nics_of_a_running_domain_changes_both(void **state)
{
	struct world world;

	world_begin_connected(&world);
	set(&world, TEST, "net0", "net1");
	expect_get(&world, "test",
		   "test " TEST " active persistent live=ours(net0,net1) stored=ours(net0,net1)\n");
	assert_int_equal(fake.metadata_flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG);
	expect_said(&world, "test defined\n");
	set(&world, TEST, "net1", NULL);
	expect_get(&world, "test",
		   "test " TEST " active persistent live=ours(net1) stored=ours(net1)\n");
	world_end(&world);
}

static void set_nics_for_later_changes_the_stored_one(void **state)
{
	g_autoptr(GPtrArray) nics = nics_of("net1", NULL);
	struct world world;

	world_begin_connected(&world);
	set(&world, TEST, "net0", NULL);
	srv_virt_set_nics(world.virt, TEST, nics, false, NULL);
	assert_int_equal(fake.metadata_flags, VIR_DOMAIN_AFFECT_CONFIG);
	world_end(&world);
}

static void set_live_nics_leaves_the_stored_ones(void **state)
{
	g_autoptr(GPtrArray) nics = nics_of("net1", NULL);
	sriov_autoerror err = NULL;
	struct world world;

	world_begin_connected(&world);
	set(&world, TEST, "net0", NULL);
	assert_ok(srv_virt_set_live_nics(world.virt, TEST, nics, &err), err);
	expect_get(&world, "test",
		   "test " TEST " active persistent live=ours(net1) stored=ours(net0)\n");
	world_end(&world);
}

static void set_live_nics_of_a_shut_off_domain_changes_nothing(void **state)
{
	g_autoptr(GPtrArray) nics = nics_of("net0", NULL);
	sriov_autoerror err = NULL;
	struct world world;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NULL);
	assert_ok(srv_virt_set_live_nics(world.virt, WEB1, nics, &err), err);
	assert_int_equal(fake.metadata_sets, 0);
	world_end(&world);
}

static void set_nics_for_later_of_a_transient_domain_changes_the_live_one(void **state)
{
	g_autoptr(GPtrArray) nics = nics_of("net1", NULL);
	sriov_autoerror err = NULL;
	struct world world;

	world_begin_connected(&world);
	create(&world, "web2", WEB2, NIC("net0"));
	assert_ok(srv_virt_set_nics(world.virt, WEB2, nics, false, &err), err);
	expect_get(&world, "web2", "web2 " WEB2 " active live=ours(net1) stored=-\n");
	world_end(&world);
}

static void set_nics_to_none_takes_the_element_away(void **state)
{
	struct world world;

	world_begin_connected(&world);
	set(&world, TEST, "net0", NULL);
	set(&world, TEST, NULL, NULL);
	expect_get(&world, "test",
		   "test " TEST " active persistent live=foreign() stored=foreign()\n");
	world_end(&world);
}

static void set_nics_of_a_transient_domain_changes_the_live_one(void **state)
{
	struct world world;

	world_begin_connected(&world);
	create(&world, "web2", WEB2, NIC("net0"));
	set(&world, WEB2, "net1", NULL);
	assert_int_equal(fake.metadata_flags, VIR_DOMAIN_AFFECT_LIVE);
	expect_get(&world, "web2", "web2 " WEB2 " active live=ours(net1) stored=-\n");
	world_end(&world);
}

/* The test driver cannot change a domain that is shut off; what it would be told is looked at. */
static void set_nics_of_a_shut_off_domain_changes_the_stored_one(void **state)
{
	g_autoptr(GPtrArray) nics = nics_of("net0", NULL);
	struct world world;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NULL);
	srv_virt_set_nics(world.virt, WEB1, nics, true, NULL);
	assert_int_equal(fake.metadata_flags, VIR_DOMAIN_AFFECT_CONFIG);
	world_end(&world);
}

static void set_nics_while_it_starts_is_done_again(void **state)
{
	struct world world;

	world_begin_connected(&world);
	fake.set_metadata[0] = (struct fake_answer){ VIR_ERR_OPERATION_INVALID, "not running" };
	fake.set_metadata[1] = (struct fake_answer){ 0, "the real one" };
	set(&world, TEST, "net0", NULL);
	assert_int_equal(fake.metadata_sets, 2);
	world_end(&world);
}

static void set_nics_that_libvirt_refuses_is_an_error(void **state)
{
	g_autoptr(GPtrArray) nics = nics_of("net0", NULL);
	sriov_autoerror err = NULL;
	sriov_autoerror busy = NULL;
	struct world world;
	int r;

	world_begin_connected(&world);
	fake.set_metadata[0] = (struct fake_answer){ VIR_ERR_OPERATION_INVALID, "never" };
	r = srv_virt_set_nics(world.virt, TEST, nics, true, &err);
	expect_failure(r, err, SRIOV_ERROR_DEVICE,
		       "domain test: its nics cannot be written down: never");
	assert_int_equal(fake.metadata_sets, 3);
	fake.set_metadata[0] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, "lock" };
	r = srv_virt_set_nics(world.virt, TEST, nics, true, &busy);
	expect_failure(r, busy, SRIOV_ERROR_BUSY,
		       "domain test: its nics cannot be written down: libvirt is busy with another "
		       "operation on the domain (its start and its hooks, a migration, a "
		       "snapshot); try again when that is over (lock)");
	assert_int_equal(fake.metadata_sets, 4);
	world_end(&world);
}

static void start_paused_then_resume_runs_it(void **state)
{
	sriov_autoerror err = NULL;
	sriov_autoerror again = NULL;
	struct world world;
	int r;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NULL);
	assert_ok(srv_virt_start(world.virt, WEB1, true, &err), err);
	expect_get(&world, "web1",
		   "web1 " WEB1 " active paused persistent live=foreign() stored=foreign()\n");
	r = srv_virt_start(world.virt, WEB1, true, &again);
	expect_failure(
		r, again, SRIOV_ERROR_DEVICE,
		"domain web1: it cannot be started: internal error: Domain 'web1' is already "
		"running");
	assert_ok(srv_virt_resume(world.virt, WEB1, &err), err);
	expect_get(&world, "web1",
		   "web1 " WEB1 " active persistent live=foreign() stored=foreign()\n");
	/* Somebody may have been quicker. */
	assert_ok(srv_virt_resume(world.virt, WEB1, &err), err);
	world_end(&world);
}

static void resume_of_a_shut_off_domain_is_an_error(void **state)
{
	sriov_autoerror err = NULL;
	struct world world;
	int r;

	world_begin_connected(&world);
	define(&world, "web1", WEB1, NULL);
	r = srv_virt_resume(world.virt, WEB1, &err);
	expect_failure(r, err, SRIOV_ERROR_DEVICE,
		       "domain web1: it cannot be resumed: internal error: domain 'web1' not "
		       "paused");
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_has_every_kind_of_domain),
		cmocka_unit_test(get_finds_by_uuid_and_by_name),
		cmocka_unit_test(get_of_nobody_is_not_found),
		cmocka_unit_test(live_and_stored_can_differ),
		cmocka_unit_test(domain_that_starts_is_known_as_such),
		cmocka_unit_test(bad_metadata_is_given_with_the_domain),
		cmocka_unit_test(stored_bad_does_not_spoil_what_is_in_force),
		cmocka_unit_test(unreadable_xml_is_a_bad_domain_that_runs),
		cmocka_unit_test(xml_that_cannot_be_parsed_is_a_bad_domain),
		cmocka_unit_test(stored_xml_that_cannot_be_read_is_said),
		cmocka_unit_test(domain_gone_while_it_is_read_is_not_found),
		cmocka_unit_test(connection_lost_while_listing_fails_the_list),
		cmocka_unit_test(xml_is_live_by_the_root_alone),
		cmocka_unit_test(set_nics_of_a_running_domain_changes_both),
		cmocka_unit_test(set_nics_for_later_changes_the_stored_one),
		cmocka_unit_test(set_live_nics_leaves_the_stored_ones),
		cmocka_unit_test(set_live_nics_of_a_shut_off_domain_changes_nothing),
		cmocka_unit_test(set_nics_for_later_of_a_transient_domain_changes_the_live_one),
		cmocka_unit_test(set_nics_to_none_takes_the_element_away),
		cmocka_unit_test(set_nics_of_a_transient_domain_changes_the_live_one),
		cmocka_unit_test(set_nics_of_a_shut_off_domain_changes_the_stored_one),
		cmocka_unit_test(set_nics_while_it_starts_is_done_again),
		cmocka_unit_test(set_nics_that_libvirt_refuses_is_an_error),
		cmocka_unit_test(start_paused_then_resume_runs_it),
		cmocka_unit_test(resume_of_a_shut_off_domain_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
