// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <glib.h>
#include <systemd/sd-journal.h>

#include "srv/sriovd/log.h"

static GString *journal;

/* In the place of the journal. */
int sd_journal_sendv_with_location(const char *file, const char *line, const char *func,
				   const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		g_string_append_len(journal, iov[i].iov_base, (gssize)iov[i].iov_len);
		g_string_append_c(journal, '\n');
	}
	return 0;
}

static const struct srv_log_fields all_fields = { "enp1s0", "enp1s0/3", "web1", "nic web1/net0",
						  7 };

/* As systemd says it of what stderr is now. */
static void say_stderr_is_the_journal(void)
{
	g_autofree char *text = NULL;
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	text = g_strdup_printf("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	g_setenv("JOURNAL_STREAM", text, TRUE);
}

/* What a person sees on stderr of one line; unit: as in one of systemd. */
static char *on_stderr_of(bool unit, int priority, const struct srv_log_fields *fields)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char text[256];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(fds[1], STDERR_FILENO);
	if (unit)
		say_stderr_is_the_journal();
	srv_log(priority, fields, "%s: link %s", "enp1s0", "up");
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text));
	close(fds[0]);
	return g_strndup(text, n > 0 ? (gsize)n : 0);
}

static char *on_stderr(int priority, const struct srv_log_fields *fields)
{
	return on_stderr_of(false, priority, fields);
}

static void log_by_hand_goes_to_stderr(void **state)
{
	g_autofree char *text = NULL;

	g_unsetenv("JOURNAL_STREAM");
	text = on_stderr(LOG_INFO, &all_fields);
	assert_string_equal(text, "sriovd: enp1s0: link up\n");
	assert_string_equal(journal->str, "");
}

static void log_under_systemd_goes_to_the_journal_with_its_fields(void **state)
{
	g_autofree char *text = NULL;

	text = on_stderr_of(true, LOG_WARNING, &all_fields);
	assert_string_equal(text, "");
	assert_string_equal(journal->str, "PRIORITY=4\nMESSAGE=enp1s0: link up\nPF=enp1s0\n"
					  "VF=enp1s0/3\nDOMAIN=web1\nNIC=nic web1/net0\nJOB=7\n");
}

/* Of a shell in a unit, or of one whose output was redirected: what it says is of another stream.
 */
static void log_by_hand_from_a_units_environment_goes_to_stderr(void **state)
{
	static const char *const streams[] = { "8:1234", "", "0:0", "8", "no stream" };
	g_autofree char *own = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
		g_autofree char *text = NULL;

		g_setenv("JOURNAL_STREAM", streams[i], TRUE);
		text = on_stderr(LOG_INFO, &all_fields);
		assert_string_equal(text, "sriovd: enp1s0: link up\n");
		assert_string_equal(journal->str, "");
	}
	/* That of the test's own stderr, which is not the stderr of the line. */
	say_stderr_is_the_journal();
	own = on_stderr(LOG_INFO, &all_fields);
	assert_string_equal(own, "sriovd: enp1s0: link up\n");
	assert_string_equal(journal->str, "");
}

static void log_leaves_out_fields_that_are_not_set(void **state)
{
	const struct srv_log_fields nic = { .nic = "nic web1/net0" };

	say_stderr_is_the_journal();
	srv_log(LOG_ERR, &nic, "100%% of it");
	srv_log(LOG_ERR, NULL, "nothing known");
	assert_string_equal(journal->str, "PRIORITY=3\nMESSAGE=100% of it\nNIC=nic web1/net0\n"
					  "PRIORITY=3\nMESSAGE=nothing known\n");
}

static void log_drops_what_is_below_the_level(void **state)
{
	g_autofree char *debug = NULL, *info = NULL, *quiet = NULL, *loud = NULL;

	g_unsetenv("JOURNAL_STREAM");
	debug = on_stderr(LOG_DEBUG, NULL);
	info = on_stderr(LOG_INFO, NULL);
	srv_log_set_level(LOG_ERR);
	quiet = on_stderr(LOG_WARNING, NULL);
	srv_log_set_level(LOG_DEBUG);
	loud = on_stderr(LOG_DEBUG, NULL);
	srv_log_set_level(LOG_INFO);
	assert_string_equal(debug, "");
	assert_string_equal(info, "sriovd: enp1s0: link up\n");
	assert_string_equal(quiet, "");
	assert_string_equal(loud, "sriovd: enp1s0: link up\n");
}

static int set_up(void **state)
{
	journal = g_string_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	g_string_free(journal, TRUE);
	return 0;
}

#define log_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(log_by_hand_goes_to_stderr),
		log_test(log_by_hand_from_a_units_environment_goes_to_stderr),
		log_test(log_under_systemd_goes_to_the_journal_with_its_fields),
		log_test(log_leaves_out_fields_that_are_not_set),
		log_test(log_drops_what_is_below_the_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
