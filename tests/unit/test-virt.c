// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/fake-libvirt.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define WEB1 "57883551-e96d-4a71-ac43-7cde003b6744"
#define NO_SOCKET \
	"Failed to connect socket to '/run/libvirt/virtqemud-sock': No such file or directory"

static void connection_appears_and_is_told(void **state)
{
	struct world world;

	world_begin(&world);
	expect_said(&world, "connected\n");
	assert_true(srv_virt_connected(world.virt));
	/* 5 s * (5 + 1): libvirt gives up a peer that is silent for 30 s. */
	assert_int_equal(fake.keepalive_interval, 5);
	assert_int_equal(fake.keepalive_count, 5);
	world_end(&world);
}

static void connection_lost_is_told_and_opened_again(void **state)
{
	struct world world;
	virConnectPtr first;

	world_begin_connected(&world);
	first = fake.conn;
	fake_lose(VIR_CONNECT_CLOSE_REASON_EOF);
	expect_said(&world, "lost\nconnected\n");
	assert_int_equal(fake.opens, 2);
	assert_true(srv_virt_connected(world.virt));
	assert_ptr_not_equal(first, NULL);
	world_end(&world);
}

static void connection_lost_events_of_the_next_one_arrive_once(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	fake_lose(VIR_CONNECT_CLOSE_REASON_ERROR);
	expect_said(&world, "lost\nconnected\n");
	domain = fake_define(&world, "web1", WEB1, NULL);
	expect_said(&world, "web1 defined\n");
	virDomainFree(domain);
	world_end(&world);
}

static void connection_refused_is_tried_again_with_growing_pauses(void **state)
{
	struct world world;
	gint64 pauses[5];

	fake.open_failures = 5;
	world_begin(&world);
	expect_said(&world, "connected\n");
	assert_int_equal(fake.opens, 6);
	for (int i = 0; i < 5; i++)
		pauses[i] = fake.opened_at[i + 1] - fake.opened_at[i];
	/* Never shorter than 5, 10, 20, 40 and again 40 ms. */
	assert_true(pauses[0] >= 5000 && pauses[1] >= 10000 && pauses[2] >= 20000);
	assert_true(pauses[3] >= 40000 && pauses[4] >= 40000);
	world_end(&world);
}

static void connection_lost_at_once_does_not_shorten_the_pauses(void **state)
{
	struct srv_virt_times times = FAKE_TIMES;
	struct world world;

	/* At once is what is less than the longest pause. */
	times.retry_max_ms = 3600 * 1000;
	world_begin_with(&world, &times);
	for (int i = 0; i < 3; i++) {
		expect_said(&world, "connected\n");
		fake_lose(VIR_CONNECT_CLOSE_REASON_EOF);
		expect_said(&world, "lost\n");
	}
	expect_said(&world, "connected\n");
	assert_true(fake.opened_at[3] - fake.opened_at[2] >= 20000);
	world_end(&world);
}

static void pauses_grow_until_a_connection_lasts(void **state)
{
	const struct srv_virt_times *times = &srv_virt_times;
	static const unsigned growing[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
	unsigned pause = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(growing); i++) {
		pause = srv_virt_pause(times, pause, 0);
		assert_int_equal(pause, growing[i]);
	}
	assert_int_equal(srv_virt_pause(times, 8000, 29999), 16000);
	assert_int_equal(srv_virt_pause(times, 8000, 30000), 1000);
	assert_int_equal(srv_virt_pause(times, 0, 30000), 1000);
}

static void connection_lost_while_it_is_opened_is_not_given_out(void **state)
{
	struct world world;

	fake.lost_in_events = true;
	world_begin(&world);
	expect_said(&world, "connected\n");
	assert_int_equal(fake.opens, 2);
	world_end(&world);
}

static void connection_dead_before_its_callback_is_not_given_out(void **state)
{
	struct world world;

	fake.dead = true;
	world_begin(&world);
	run_until(g_atomic_int_get(&fake.opens) >= 3);
	assert_false(srv_virt_connected(world.virt));
	fake.dead = false;
	expect_said(&world, "connected\n");
	world_end(&world);
}

static void connection_without_events_is_not_given_out(void **state)
{
	struct world world;

	fake.event_failures = 2;
	world_begin(&world);
	expect_said(&world, "connected\n");
	assert_int_equal(fake.opens, 3);
	world_end(&world);
}

/* A close callback that was late: the connection it is about was given up already. */
static void close_of_another_connection_changes_nothing(void **state)
{
	struct world world;

	world_begin_connected(&world);
	fake.on_close(world.conn, VIR_CONNECT_CLOSE_REASON_EOF, fake.close_data);
	virDomainFree(fake_define(&world, "web1", WEB1, NULL));
	expect_said(&world, "web1 defined\n");
	assert_int_equal(fake.opens, 1);
	world_end(&world);
}

static void call_each(struct srv_virt *virt, const char *text)
{
	g_autoptr(GPtrArray) nics = g_ptr_array_new();
	struct srv_virt_domain *domain = NULL;
	GPtrArray *domains = NULL;
	struct sriov_error *err[7] = { NULL };
	int r[] = {
		srv_virt_list(virt, &domains, &err[0]),
		srv_virt_get(virt, "web1", &domain, &err[1]),
		srv_virt_attach(virt, WEB1, "<interface/>", &err[2]),
		srv_virt_detach(virt, WEB1, "ua-sriov-net0", 1, &err[3]),
		srv_virt_set_nics(virt, WEB1, nics, true, &err[4]),
		srv_virt_start(virt, WEB1, true, &err[5]),
		srv_virt_resume(virt, WEB1, &err[6]),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(r); i++) {
		expect_failure(r[i], err[i], SRIOV_ERROR_UNAVAILABLE, text);
		sriov_error_free(err[i]);
	}
	assert_null(domains);
	assert_null(domain);
}

static void calls_without_connection_are_unavailable_with_the_reason(void **state)
{
	struct world world;

	fake.open_failures = 1000;
	world_begin(&world);
	run_until(g_atomic_int_get(&fake.opens) >= 2);
	call_each(world.virt,
		  "test:///default: libvirt is not connected: it cannot be opened: " NO_SOCKET
		  "; sriovd connects by itself as soon as it can");
	world_end(&world);
}

static void calls_before_the_first_attempt_ended_are_unavailable(void **state)
{
	struct world world;

	fake.open_hangs = true;
	world_begin(&world);
	call_each(world.virt,
		  "test:///default: libvirt is not connected: the first attempt has not ended yet; "
		  "sriovd connects by itself as soon as it can");
	g_mutex_lock(&fake.lock);
	fake.open_hangs = false;
	g_cond_broadcast(&fake.changed);
	g_mutex_unlock(&fake.lock);
	expect_said(&world, "connected\n");
	world_end(&world);
}

static void calls_after_the_loss_are_unavailable_with_the_reason(void **state)
{
	static const struct {
		int reason;
		const char *words;
	} cases[] = {
		{ VIR_CONNECT_CLOSE_REASON_EOF, "libvirt ended the connection" },
		{ VIR_CONNECT_CLOSE_REASON_KEEPALIVE, "libvirt did not answer for 30 s" },
		{ 77, "the connection was lost" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct world world;
		g_autofree char *text = g_strdup_printf(
			"test:///default: libvirt is not connected: %s; sriovd connects by itself "
			"as soon as it can",
			cases[i].words);

		world_begin_connected(&world);
		fake.open_hangs = true;
		fake_lose(cases[i].reason);
		expect_said(&world, "lost\n");
		call_each(world.virt, text);
		g_mutex_lock(&fake.lock);
		fake.open_hangs = false;
		g_cond_broadcast(&fake.changed);
		g_mutex_unlock(&fake.lock);
		expect_said(&world, "connected\n");
		world_end(&world);
	}
}

static bool has_ended(struct srv_virt *virt)
{
	bool ended;

	g_mutex_lock(&virt->lock);
	ended = virt->ended;
	g_mutex_unlock(&virt->lock);
	return ended;
}

static void free_while_opening_hangs_returns(void **state)
{
	struct srv_virt_times times = FAKE_TIMES;
	struct srv_virt *virt;
	struct world world;

	times.free_ms = 50;
	fake.open_hangs = true;
	world_begin_with(&world, &times);
	run_until(g_atomic_int_get(&fake.opens) == 1);
	virt = srv_virt_ref(world.virt);
	srv_virt_free(world.virt);
	assert_false(virt->ended);
	/* The thread comes back much later, finds its owner gone, and closes what it got. */
	g_mutex_lock(&fake.lock);
	fake.open_hangs = false;
	g_cond_broadcast(&fake.changed);
	g_mutex_unlock(&fake.lock);
	run_until(has_ended(virt));
	run_rest();
	assert_int_equal(world.said->len, 0);
	assert_null(virt->conn);
	assert_null(fake.on_close);
	srv_virt_unref(virt);
	g_string_free(world.said, TRUE);
	fake_reset();
}

static void free_ends_all_news(void **state)
{
	struct world world;
	struct srv_virt *virt;

	world_begin(&world);
	/* The main context must not run. */
	for (int i = 0; i < WAIT_SECONDS * 1000 && !srv_virt_connected(world.virt); i++)
		g_usleep(1000);
	virt = srv_virt_ref(world.virt);
	/* "connected" is on its way to us, and "lost" will be. */
	srv_virt_free(world.virt);
	run_rest();
	assert_int_equal(world.said->len, 0);
	assert_true(virt->ended);
	/* Only ours is left: the thread, the callbacks and the news gave theirs back. */
	run_until(g_atomic_int_get(&virt->refs) == 1);
	srv_virt_unref(virt);
	srv_virt_free(NULL);
	g_string_free(world.said, TRUE);
	fake_reset();
}

static void errors_print_nothing(void **state)
{
	char name[] = "/tmp/sriovd-stderr-XXXXXX";
	int fd = mkstemp(name), saved = dup(STDERR_FILENO);
	struct srv_virt_domain *domain = NULL;
	sriov_autoerror err = NULL;
	struct world world;
	off_t written;

	world_begin_connected(&world);
	assert_true(fd >= 0 && saved >= 0);
	fflush(stderr);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	srv_virt_get(world.virt, "nobody", &domain, &err);
	fflush(stderr);
	written = lseek(fd, 0, SEEK_END);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(fd);
	unlink(name);
	assert_non_null(err);
	assert_int_equal(written, 0);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection_appears_and_is_told),
		cmocka_unit_test(connection_lost_is_told_and_opened_again),
		cmocka_unit_test(connection_lost_events_of_the_next_one_arrive_once),
		cmocka_unit_test(connection_refused_is_tried_again_with_growing_pauses),
		cmocka_unit_test(connection_lost_at_once_does_not_shorten_the_pauses),
		cmocka_unit_test(pauses_grow_until_a_connection_lasts),
		cmocka_unit_test(connection_lost_while_it_is_opened_is_not_given_out),
		cmocka_unit_test(connection_dead_before_its_callback_is_not_given_out),
		cmocka_unit_test(connection_without_events_is_not_given_out),
		cmocka_unit_test(close_of_another_connection_changes_nothing),
		cmocka_unit_test(calls_without_connection_are_unavailable_with_the_reason),
		cmocka_unit_test(calls_before_the_first_attempt_ended_are_unavailable),
		cmocka_unit_test(calls_after_the_loss_are_unavailable_with_the_reason),
		cmocka_unit_test(free_while_opening_hangs_returns),
		cmocka_unit_test(free_ends_all_news),
		cmocka_unit_test(errors_print_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
