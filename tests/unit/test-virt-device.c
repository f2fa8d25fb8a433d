// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/fake-libvirt.h"

#include <errno.h>

#define TEST   "6695eb01-f6a4-8304-79aa-97f2502e193f" /* the test driver's own, which runs */
#define OTHER  "00000000-0000-0000-0000-000000000001"
#define ALIAS  "ua-sriov-net0"
#define DEVICE "<interface type='hostdev'><alias name='" ALIAS "'/></interface>"
#define LOCK                                                                     \
	"Timed out during operation: cannot acquire state change lock (held by " \
	"monitor=remoteDispatchDomainCreate)"
#define BUSY_WORDS                                                                          \
	"libvirt is busy with another operation on the domain (its start and its hooks, a " \
	"migration, a snapshot); try again when that is over (" LOCK ")"
#define NOT_RUNNING "Requested operation is not valid: domain is not running"

/* A domain that runs and has the device, as an interface or as anything else. */
#define LIVE(devices)                                                                       \
	"<domain type='kvm' id='1'><name>test</name><uuid>" TEST "</uuid><devices>" devices \
	"</devices></domain>"
#define LIVE_WITH    LIVE("<interface type='hostdev'><alias name='" ALIAS "'/></interface>")
#define LIVE_HOSTDEV LIVE("<hostdev><alias name='" ALIAS "'/></hostdev>")
#define LIVE_WITHOUT LIVE("<interface type='hostdev'><alias name='ua-sriov-net00'/></interface>")

/* ---- a call on a thread of its own, as a queue makes it ---- */

struct call {
	struct world *world;
	GThread *thread;
	unsigned timeout;
	int r;
	struct sriov_error *err;
	gint done;
};

static gpointer run_attach(gpointer data)
{
	struct call *call = data;

	call->r = srv_virt_attach(call->world->virt, TEST, DEVICE, &call->err);
	g_atomic_int_set(&call->done, 1);
	return NULL;
}

static gpointer run_detach(gpointer data)
{
	struct call *call = data;

	call->r = srv_virt_detach(call->world->virt, TEST, ALIAS, call->timeout, &call->err);
	g_atomic_int_set(&call->done, 1);
	return NULL;
}

static void begin_attach(struct call *call, struct world *world)
{
	*call = (struct call){ .world = world };
	call->thread = g_thread_new("attach", run_attach, call);
}

static void begin_detach(struct call *call, struct world *world, unsigned timeout)
{
	*call = (struct call){ .world = world, .timeout = timeout };
	call->thread = g_thread_new("detach", run_detach, call);
}

/* One that libvirt has taken, and that the guest has not answered. */
static void begin_detach_in_libvirt(struct call *call, struct world *world)
{
	fake_set_live_xml(LIVE_WITH);
	begin_detach(call, world, 3600);
	run_until(g_atomic_int_get(&fake.detaches) == 1);
}

static void join(struct call *call)
{
	run_until(g_atomic_int_get(&call->done));
	g_thread_join(call->thread);
}

static void expect_done(struct call *call)
{
	join(call);
	assert_ok(call->r, call->err);
}

static void expect_failed(struct call *call, enum sriov_error_code code, const char *text)
{
	join(call);
	expect_failure(call->r, call->err, code, text);
	sriov_error_free(call->err);
}

static virDomainPtr test_domain(struct world *world)
{
	virDomainPtr domain = virDomainLookupByName(world->conn, "test");

	assert_non_null(domain);
	return domain;
}

/* ---- attach ---- */

static void attach_hands_the_device_to_libvirt(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	begin_attach(&call, &world);
	expect_done(&call);
	assert_int_equal(fake.attaches, 1);
	assert_string_equal(fake.attached, DEVICE);
	world_end(&world);
}

/* FAULTS row 30: attach while the guest starts */
static void attach_while_the_start_holds_the_lock_is_tried_again(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, LOCK };
	fake.attach[1] = fake.attach[2] = fake.attach[0];
	fake.attach[3] = (struct fake_answer){ 0, "at last" };
	begin_attach(&call, &world);
	expect_done(&call);
	assert_int_equal(fake.attaches, 4);
	world_end(&world);
}

static void attach_while_it_starts_up_is_tried_again(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake.state = VIR_DOMAIN_PAUSED;
	fake.reason = VIR_DOMAIN_PAUSED_STARTING_UP;
	fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_INVALID, NOT_RUNNING };
	fake.attach[1] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, LOCK };
	fake.attach[2] = (struct fake_answer){ 0, "at last" };
	begin_attach(&call, &world);
	expect_done(&call);
	assert_int_equal(fake.attaches, 3);
	world_end(&world);
}

static void attach_that_libvirt_refuses_is_not_tried_again(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_FAILED, "no more PCI slots" };
	begin_attach(&call, &world);
	expect_failed(&call, SRIOV_ERROR_DEVICE,
		      "domain test: the device cannot be attached: no more PCI slots");
	assert_int_equal(fake.attaches, 1);
	world_end(&world);
}

static void attach_to_a_domain_that_does_not_run_is_given_up_at_once(void **state)
{
	static const int states[] = { VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_RUNNING, VIR_DOMAIN_PAUSED };

	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		struct world world;
		struct call call;

		world_begin_connected(&world);
		fake.state = states[i];
		fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_INVALID, NOT_RUNNING };
		begin_attach(&call, &world);
		expect_failed(&call, SRIOV_ERROR_DEVICE,
			      "domain test: the device cannot be attached: " NOT_RUNNING);
		assert_int_equal(fake.attaches, 1);
		world_end(&world);
	}
}

/* FAULTS row 30: attach while the guest starts */
static void attach_whose_start_failed_is_given_up_at_once(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake.state = VIR_DOMAIN_SHUTOFF;
	fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, LOCK };
	begin_attach(&call, &world);
	expect_failed(&call, SRIOV_ERROR_DEVICE,
		      "domain test: the device cannot be attached: the domain's start failed, or "
		      "it was shut off meanwhile");
	assert_int_equal(fake.attaches, 1);
	world_end(&world);
}

static void destroy_and_undefine(virDomainPtr domain)
{
	virDomainDestroy(domain);
	virDomainUndefine(domain);
}

static void attach_to_a_domain_that_went_away_is_not_found(void **state)
{
	struct world world;
	struct call call;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = test_domain(&world);
	destroy_and_undefine(domain);
	virDomainFree(domain);
	begin_attach(&call, &world);
	expect_failed(&call, SRIOV_ERROR_NOT_FOUND,
		      "domain " TEST ": it cannot be found: Domain not found");
	assert_int_equal(fake.attaches, 0);
	world_end(&world);
}

static void fail_with_lock_and_undefine(virDomainPtr domain)
{
	destroy_and_undefine(domain);
	/* Those left libvirt's last error as they pleased. */
	fake_error(VIR_ERR_OPERATION_TIMEOUT, LOCK);
}

static void attach_to_a_domain_that_goes_away_meanwhile_is_not_found(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, LOCK };
	fake.in_call = fail_with_lock_and_undefine;
	begin_attach(&call, &world);
	expect_failed(&call, SRIOV_ERROR_NOT_FOUND,
		      "domain test: its state cannot be read: Domain not found: no domain with "
		      "matching uuid '" TEST "' (test)");
	assert_int_equal(fake.attaches, 1);
	world_end(&world);
}

static void attach_when_the_connection_dies_is_unavailable_at_once(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake.attach[0] = (struct fake_answer){ VIR_ERR_INTERNAL_ERROR, "client socket is closed" };
	fake.dead = true;
	begin_attach(&call, &world);
	expect_failed(&call, SRIOV_ERROR_UNAVAILABLE,
		      "domain test: the device cannot be attached: the connection to libvirt was "
		      "lost, and sriovd connects again by itself (client socket is closed)");
	assert_int_equal(fake.attaches, 1);
	world_end(&world);
}

/* An hour between two tries: only what ends the pause lets it come back. */
static void patient_world(struct world *world)
{
	struct srv_virt_times times = FAKE_TIMES;

	times.pause_ms = 3600 * 1000;
	world_begin_with(world, &times);
	expect_said(world, "connected\n");
	world->conn = REAL(virConnectOpen)("test:///default");
	fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, LOCK };
}

static void attach_in_a_pause_when_the_connection_is_lost_is_unavailable(void **state)
{
	struct world world;
	struct call call;

	patient_world(&world);
	begin_attach(&call, &world);
	run_until(g_atomic_int_get(&fake.attaches) == 1);
	fake_lose(VIR_CONNECT_CLOSE_REASON_EOF);
	join(&call);
	assert_int_equal(call.r, -ENOTCONN);
	assert_int_equal(call.err->code, SRIOV_ERROR_UNAVAILABLE);
	sriov_error_free(call.err);
	assert_int_equal(fake.attaches, 1);
	world_end(&world);
}

static void attach_in_a_pause_when_its_owner_goes_ends(void **state)
{
	struct srv_virt *virt;
	struct world world;
	struct call call;

	patient_world(&world);
	begin_attach(&call, &world);
	run_until(g_atomic_int_get(&fake.attaches) == 1);
	virt = srv_virt_ref(world.virt);
	srv_virt_free(world.virt);
	join(&call);
	assert_int_equal(call.r, -ENOTCONN);
	sriov_error_free(call.err);
	world.virt = virt;
	world_end(&world);
}

static void attach_is_given_up_at_the_deadline(void **state)
{
	struct srv_virt_times times = FAKE_TIMES;
	struct world world;
	struct call call;

	times.attach_ms = 1000;
	world_begin_with(&world, &times);
	expect_said(&world, "connected\n");
	fake.attach[0] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, LOCK };
	begin_attach(&call, &world);
	expect_failed(&call, SRIOV_ERROR_BUSY,
		      "domain test: tried for 1 s: the device cannot be attached: " BUSY_WORDS);
	assert_true(fake.attaches > 1);
	world_end(&world);
}

/* ---- detach ---- */

static void removed(virDomainPtr domain)
{
	fake_set_live_xml(LIVE_WITHOUT);
	fake_device_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, domain, ALIAS);
}

static void detach_waits_for_the_event(void **state)
{
	struct world world;
	struct call call;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = test_domain(&world);
	begin_detach_in_libvirt(&call, &world);
	/* Another's, or another device: not ours. */
	fake_device_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, domain, "ua-sriov-net1");
	g_usleep(20 * 1000);
	run_rest();
	assert_int_equal(g_atomic_int_get(&call.done), 0);
	removed(domain);
	expect_done(&call);
	assert_string_equal(fake.detached, ALIAS);
	virDomainFree(domain);
	world_end(&world);
}

static void detach_sees_an_event_that_comes_before_libvirt_answers(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake_set_live_xml(LIVE_WITH);
	fake.in_call = removed;
	begin_detach(&call, &world, 3600);
	expect_done(&call);
	world_end(&world);
}

static void removal_failed(virDomainPtr domain)
{
	fake_device_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, domain, ALIAS);
}

static void detach_that_the_guest_refuses_is_an_error(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake_set_live_xml(LIVE_WITH);
	fake.in_call = removal_failed;
	begin_detach(&call, &world, 3600);
	expect_failed(&call, SRIOV_ERROR_DEVICE,
		      "domain test: the guest refused to let the device " ALIAS
		      " go, and has it still");
	world_end(&world);
}

/* FAULTS row 29: guest that ignores the unplug request */
static void detach_that_the_guest_ignores_times_out(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake_set_live_xml(LIVE_WITH);
	begin_detach(&call, &world, 1);
	expect_failed(&call, SRIOV_ERROR_TIMEOUT,
		      "domain test: the guest did not let the device " ALIAS
		      " go within 1 s, and has it still; try again when it is up and its system "
		      "can unplug devices");
	world_end(&world);
}

/* Whatever kind of device the alias is on. */
static void detach_of_a_plain_hostdev_that_the_guest_ignores_times_out(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake_set_live_xml(LIVE_HOSTDEV);
	begin_detach(&call, &world, 0);
	join(&call);
	assert_int_equal(call.r, -ETIMEDOUT);
	assert_int_equal(call.err->code, SRIOV_ERROR_TIMEOUT);
	sriov_error_free(call.err);
	world_end(&world);
}

static void detach_whose_event_got_lost_looks_at_the_deadline(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake_set_live_xml(LIVE_WITHOUT);
	begin_detach(&call, &world, 1);
	expect_done(&call);
	world_end(&world);
}

/* The event comes a moment before the XML follows. */
static void detach_with_an_event_ahead_of_the_xml_looks_again(void **state)
{
	struct world world;
	struct call call;
	virDomainPtr domain;
	int looks;

	world_begin_connected(&world);
	domain = test_domain(&world);
	begin_detach_in_libvirt(&call, &world);
	looks = g_atomic_int_get(&fake.xmls);
	fake_device_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, domain, ALIAS);
	run_until(g_atomic_int_get(&fake.xmls) >= looks + 2);
	assert_int_equal(g_atomic_int_get(&call.done), 0);
	fake_set_live_xml(LIVE_WITHOUT);
	expect_done(&call);
	virDomainFree(domain);
	world_end(&world);
}

static void assert_done_when_it_ends(void (*end)(virDomainPtr domain))
{
	struct world world;
	struct call call;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = test_domain(&world);
	begin_detach_in_libvirt(&call, &world);
	fake_set_live_xml(NULL);
	end(domain);
	expect_done(&call);
	virDomainFree(domain);
	world_end(&world);
}

static void stop(virDomainPtr domain)
{
	assert_int_equal(virDomainDestroy(domain), 0);
}

static void detach_from_a_domain_that_stops_is_done(void **state)
{
	assert_done_when_it_ends(stop);
}

static void detach_from_a_domain_that_goes_away_is_done(void **state)
{
	assert_done_when_it_ends(destroy_and_undefine);
}

static void detach_when_the_connection_is_lost_is_unavailable(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	begin_detach_in_libvirt(&call, &world);
	fake.xml_answer[0] = (struct fake_answer){ VIR_ERR_INTERNAL_ERROR, "socket is closed" };
	fake.dead = true;
	fake_lose(VIR_CONNECT_CLOSE_REASON_EOF);
	expect_failed(
		&call, SRIOV_ERROR_UNAVAILABLE,
		"domain test: its devices cannot be read: the connection to libvirt was lost, "
		"and sriovd connects again by itself (socket is closed)");
	world_end(&world);
}

static void detach_when_its_owner_goes_ends(void **state)
{
	struct srv_virt *virt;
	struct world world;
	struct call call;

	world_begin_connected(&world);
	begin_detach_in_libvirt(&call, &world);
	virt = srv_virt_ref(world.virt);
	srv_virt_free(world.virt);
	join(&call);
	assert_int_equal(call.r, -ENOTCONN);
	assert_int_equal(call.err->code, SRIOV_ERROR_UNAVAILABLE);
	sriov_error_free(call.err);
	assert_int_equal(virt->waiters->len, 0);
	world.virt = virt;
	world_end(&world);
}

static void detach_asked_for_before_waits_for_the_same_answer(void **state)
{
	struct world world;
	struct call call;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = test_domain(&world);
	fake_set_live_xml(LIVE_WITH);
	fake.detach[0] = (struct fake_answer){
		VIR_ERR_INTERNAL_ERROR,
		"internal error: unable to execute QEMU command 'device_del': Device " ALIAS
		" is already in the process of unplug"
	};
	begin_detach(&call, &world, 3600);
	run_until(g_atomic_int_get(&fake.detaches) == 1);
	removed(domain);
	expect_done(&call);
	virDomainFree(domain);
	world_end(&world);
}

static void detach_of_what_is_not_there_is_not_found(void **state)
{
	static const struct fake_answer answers[] = {
		{ VIR_ERR_DEVICE_MISSING, "no device found with alias " ALIAS },
		{ VIR_ERR_INTERNAL_ERROR, "no device found with alias " ALIAS },
		{ VIR_ERR_OPERATION_INVALID, "no device found with alias " ALIAS },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct world world;
		struct call call;

		world_begin_connected(&world);
		fake_set_live_xml(LIVE_WITHOUT);
		fake.detach[0] = answers[i];
		begin_detach(&call, &world, 3600);
		expect_failed(&call, SRIOV_ERROR_NOT_FOUND,
			      "domain test: the device " ALIAS
			      " cannot be detached: no device found with alias " ALIAS);
		world_end(&world);
	}
}

static void detach_from_a_domain_that_does_not_run_is_not_found(void **state)
{
	struct world world;
	struct call call;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = test_domain(&world);
	assert_int_equal(virDomainDestroy(domain), 0);
	fake.detach[0] = (struct fake_answer){ VIR_ERR_OPERATION_INVALID, NOT_RUNNING };
	begin_detach(&call, &world, 3600);
	expect_failed(&call, SRIOV_ERROR_NOT_FOUND,
		      "domain test: the device " ALIAS " cannot be detached: " NOT_RUNNING);
	virDomainFree(domain);
	world_end(&world);
}

static void detach_that_libvirt_refuses_is_an_error(void **state)
{
	struct world world;
	struct call call;

	world_begin_connected(&world);
	fake_set_live_xml(LIVE_WITH);
	fake.detach[0] = (struct fake_answer){ VIR_ERR_OPERATION_FAILED, "rejected by the guest" };
	begin_detach(&call, &world, 3600);
	expect_failed(&call, SRIOV_ERROR_DEVICE,
		      "domain test: the device " ALIAS
		      " cannot be detached: rejected by the guest");
	fake.detaches = 0;
	fake.detach[0] = (struct fake_answer){ VIR_ERR_OPERATION_TIMEOUT, LOCK };
	begin_detach(&call, &world, 3600);
	expect_failed(&call, SRIOV_ERROR_BUSY,
		      "domain test: the device " ALIAS " cannot be detached: " BUSY_WORDS);
	world_end(&world);
}

static void detach_of_two_at_once_ends_each_with_its_own_event(void **state)
{
	struct world world;
	struct call calls[2];
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = test_domain(&world);
	fake_set_live_xml(LIVE_WITH);
	begin_detach(&calls[0], &world, 3600);
	begin_detach(&calls[1], &world, 3600);
	run_until(g_atomic_int_get(&fake.detaches) == 2);
	removed(domain);
	expect_done(&calls[0]);
	expect_done(&calls[1]);
	assert_int_equal(world.virt->waiters->len, 0);
	virDomainFree(domain);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_hands_the_device_to_libvirt),
		cmocka_unit_test(attach_while_the_start_holds_the_lock_is_tried_again),
		cmocka_unit_test(attach_while_it_starts_up_is_tried_again),
		cmocka_unit_test(attach_that_libvirt_refuses_is_not_tried_again),
		cmocka_unit_test(attach_to_a_domain_that_does_not_run_is_given_up_at_once),
		cmocka_unit_test(attach_whose_start_failed_is_given_up_at_once),
		cmocka_unit_test(attach_to_a_domain_that_went_away_is_not_found),
		cmocka_unit_test(attach_to_a_domain_that_goes_away_meanwhile_is_not_found),
		cmocka_unit_test(attach_when_the_connection_dies_is_unavailable_at_once),
		cmocka_unit_test(attach_in_a_pause_when_the_connection_is_lost_is_unavailable),
		cmocka_unit_test(attach_in_a_pause_when_its_owner_goes_ends),
		cmocka_unit_test(attach_is_given_up_at_the_deadline),
		cmocka_unit_test(detach_waits_for_the_event),
		cmocka_unit_test(detach_sees_an_event_that_comes_before_libvirt_answers),
		cmocka_unit_test(detach_that_the_guest_refuses_is_an_error),
		cmocka_unit_test(detach_that_the_guest_ignores_times_out),
		cmocka_unit_test(detach_of_a_plain_hostdev_that_the_guest_ignores_times_out),
		cmocka_unit_test(detach_whose_event_got_lost_looks_at_the_deadline),
		cmocka_unit_test(detach_with_an_event_ahead_of_the_xml_looks_again),
		cmocka_unit_test(detach_from_a_domain_that_stops_is_done),
		cmocka_unit_test(detach_from_a_domain_that_goes_away_is_done),
		cmocka_unit_test(detach_when_the_connection_is_lost_is_unavailable),
		cmocka_unit_test(detach_when_its_owner_goes_ends),
		cmocka_unit_test(detach_asked_for_before_waits_for_the_same_answer),
		cmocka_unit_test(detach_of_what_is_not_there_is_not_found),
		cmocka_unit_test(detach_from_a_domain_that_does_not_run_is_not_found),
		cmocka_unit_test(detach_that_libvirt_refuses_is_an_error),
		cmocka_unit_test(detach_of_two_at_once_ends_each_with_its_own_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
