// SPDX-License-Identifier: GPL-2.0-or-later
/* What sriovctl does when the daemon does not answer: it is stopped, or hangs. */
#include "tests/unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "srv/sriovd/varlink.h"
#include "tests/support/ctl-run.h"

/* The deadline that must not be the one that counts: the message names the one that was. */
#define OTHER_MS (60 * 1000)

#define SEE                                                                       \
	"see what it does with: systemctl status sriovd, and what it said with: " \
	"journalctl -u sriovd\n"

static const char *const reads[] = { "",
				     "status --json",
				     "explain web1/net0",
				     "nic list",
				     "nic list web1",
				     "nic show web1 net0",
				     "nic show web1",
				     "pf list",
				     "pf show enp1s0",
				     "vf list",
				     "vf list enp1s0",
				     "vf show enp1s0/0" };

static const char *const others[] = { "vf claim x --network a",
				      "vf release x",
				      "vf scrub enp1s0/0",
				      "nic add web1 --network a",
				      "nic remove web1 net0",
				      "start web1",
				      "demote web1 net0",
				      "drain enp1s0",
				      "undrain enp1s0",
				      "resize enp1s0 4",
				      "reload",
				      "config check -",
				      "ledger check",
				      "ledger rebuild --yes" };

/* As the kernel does for a daemon that is stopped: connections are made, and nobody takes them. */
struct stopped {
	char *dir, *path;
	int fd;
};

static int set_up(void **state)
{
	struct stopped *stopped = g_new0(struct stopped, 1);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	stopped->dir = g_dir_make_tmp("sriovd-stopped-XXXXXX", NULL);
	stopped->path = g_build_filename(stopped->dir, "socket", NULL);
	g_strlcpy(address.sun_path, stopped->path, sizeof(address.sun_path));
	stopped->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(stopped->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(stopped->fd, 64) < 0)
		return -1;
	*state = stopped;
	return 0;
}

static int tear_down(void **state)
{
	struct stopped *stopped = *state;

	close(stopped->fd);
	(void)g_unlink(stopped->path);
	(void)g_rmdir(stopped->dir);
	g_free(stopped->path);
	g_free(stopped->dir);
	g_free(stopped);
	return 0;
}

static void assert_late(const struct stopped *stopped, const char *command, struct ctl_run_of run,
			const char *end)
{
	g_autofree char *args = g_strdup_printf("--socket %s %s", stopped->path, command);
	g_autofree char *expected = g_strdup_printf(
		"sriovctl: sriovd did not answer within 0.01 s; %s", end);

	run.args = args;
	run.in = "{}";
	ctl_run_it(NULL, &run);
	assert_string_equal(run.err, expected);
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, 11);
	ctl_run_clear(&run);
}

static void read_of_a_stopped_daemon_fails_soon_and_says_where_to_look(void **state)
{
	const struct ctl_run_of run = { .read_ms = 10, .reply_ms = OTHER_MS };

	for (size_t i = 0; i < G_N_ELEMENTS(reads); i++)
		assert_late(*state, reads[i], run,
			    "this is answered at once, unless it hangs, is stopped or has not "
			    "finished starting; " SEE);
}

static void change_has_a_deadline_of_its_own(void **state)
{
	const struct ctl_run_of run = { .read_ms = OTHER_MS, .reply_ms = 10 };

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		assert_late(*state, others[i], run, "what was asked for may still happen; " SEE);
}

/* The daemon is there, and does not come to answering. */
static void read_of_a_daemon_that_hangs_fails_too(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "pf list", .read_ms = 100, .reply_ms = OTHER_MS };

	canned_open_end(daemon, "ListPFs");
	ctl_run_it(daemon, &run);
	assert_non_null(strstr(run.err, "did not answer within 0.1 s"));
	assert_int_equal(run.status, 11);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static gboolean end_job(gpointer data)
{
	struct canned_daemon *daemon = data;

	if (!daemon->held->len)
		return G_SOURCE_CONTINUE;
	srv_call_reply(g_ptr_array_steal_index(daemon->held, 0),
		       json_pack("{s:{s:i, s:i, s:s, s:s}}", "step", "job", 7, "step", 1, "text",
				 "done", "state", "done"));
	return G_SOURCE_REMOVE;
}

/* Silent for many times as long as any reply may take. */
static void job_that_is_silent_is_followed_all_the_same(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "watch 7", .read_ms = 1, .reply_ms = 1 };

	canned_open_end(daemon, "WatchJob");
	g_timeout_add(100, end_job, daemon);
	ctl_run_it(daemon, &run);
	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

#define late_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		late_test(read_of_a_stopped_daemon_fails_soon_and_says_where_to_look),
		late_test(change_has_a_deadline_of_its_own),
		cmocka_unit_test(read_of_a_daemon_that_hangs_fails_too),
		cmocka_unit_test(job_that_is_silent_is_followed_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
