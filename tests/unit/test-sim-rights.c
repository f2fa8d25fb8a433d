// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rights as clients have them: processes of root, of members of the two groups and of a
 * stranger call every method over the socket, and the daemon learns from the kernel who they are.
 */
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/api-client.h"
#include "tests/unit/api-rights.h"
#include "tests/unit/sim-assert.h"

#define SERVICE "org.varlink.service."
#define OURS	"io.sriovd."

/* What the table has, and what anybody may. */
static const char *const for_all[] = { SERVICE "GetInfo", SERVICE "GetInterfaceDescription" };

/* So that calls that are let through can be seen to have been made. */
static const struct {
	const char *method, *parameters;
} calls[] = {
	{ "GetVF", "{\"vf\":\"enp1s0/0\"}" },
	{ "GetNic", "{\"owner\":\"dpdk\",\"id\":\"p0\"}" },
	{ "Claim", "{\"owner\":\"new\",\"network\":\"a\"}" },
	{ "Release", "{\"owner\":\"dpdk\"}" },
	{ "AddNic", "{\"domain\":\"web1\",\"network\":\"a\",\"id\":\"net7\"}" },
	{ "RemoveNic", "{\"domain\":\"web1\",\"id\":\"net0\"}" },
	{ "StartDomain", "{\"domain\":\"web1\"}" },
	{ "WatchJob", "{\"job\":1}" },
	{ "Explain", "{\"owner\":\"dpdk\"}" },
	{ "DomainHook", "{\"operation\":\"release\",\"subOperation\":\"end\",\"uuid\":"
			"\"0d0d0d0d-0000-4000-8000-000000000001\",\"name\":\"web1\",\"nics\":[]}" },
	{ "Demote", "{\"owner\":\"dpdk\"}" },
	{ "Drain", "{\"pf\":\"enp1s0\"}" },
	{ "Undrain", "{\"pf\":\"enp1s0\"}" },
	{ "Resize", "{\"pf\":\"enp1s0\",\"numVfs\":7}" },
	{ "ScrubVF", "{\"vf\":\"enp1s0/6\"}" },
	{ "GetInterfaceDescription", "{\"interface\":\"io.sriovd\"}" },
};

static const struct caller {
	uid_t uid;
	gid_t gid, groups[2];
	size_t n_groups;
} callers[PEOPLE] = {
	[ROOT] = { 0, 0, { 0 }, 0 },
	[ADMIN] = { 61001, OTHER_GID, { 10, ADMIN_GID }, 2 },
	[READER] = { 61002, OTHER_GID, { READER_GID, 10 }, 2 },
	[STRANGER] = { 61003, OTHER_GID, { 10 }, 1 },
};

static const char *parameters_of(const char *method)
{
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		if (strcmp(calls[i].method, strrchr(method, '.') + 1) == 0)
			return calls[i].parameters;
	}
	return "{}";
}

/* In the caller's process, which has no other thread: nothing of GLib. 'D' denied, '+' not. */

static char read_answer(int fd)
{
	static char bytes[1 << 20];
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(bytes) - 1 && (r = read(fd, bytes + n, sizeof(bytes) - 1 - n)) > 0) {
		n += (size_t)r;
		if (bytes[n - 1] == '\0')
			return strstr(bytes, "\"io.sriovd.Denied\"") ? 'D' : '+';
	}
	return '?'; /* the connection was closed */
}

static char call(const char *path, const char *method)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char message[512], answer = '?';
	int n = snprintf(message, sizeof(message), "{\"method\":\"%s\",\"parameters\":%s}", method,
			 parameters_of(method));

	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    write(fd, message, (size_t)n + 1) == n + 1)
		answer = read_answer(fd);
	close(fd);
	return answer;
}

static void become(const struct caller *who)
{
	if (setgroups(who->n_groups, who->groups) < 0 ||
	    setresgid(who->gid, who->gid, who->gid) < 0 ||
	    setresuid(who->uid, who->uid, who->uid) < 0)
		_exit(1);
}

#define METHODS (G_N_ELEMENTS(rights) + G_N_ELEMENTS(for_all))

static void call_all(const char *path, int answers)
{
	char method[64], all[METHODS];
	size_t n = G_N_ELEMENTS(rights), reload = n;

	for (size_t i = 0; i < n; i++) {
		snprintf(method, sizeof(method), OURS "%s", rights[i].method);
		if (strcmp(rights[i].method, "Reload") == 0)
			reload = i;
		else
			all[i] = call(path, method);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(for_all); i++)
		all[n + i] = call(path, for_all[i]);
	/* The last, because it takes the groups from the configuration. */
	if (reload < n)
		all[reload] = call(path, OURS "Reload");
	_exit(write(answers, all, METHODS) == METHODS ? 0 : 2);
}

/* The daemon's side */

struct child {
	pid_t pid;
	int status;
};

static bool has_ended(void *data)
{
	struct child *child = data;

	return waitpid(child->pid, &child->status, WNOHANG) == child->pid;
}

static gboolean on_tick(gpointer data)
{
	return G_SOURCE_CONTINUE;
}

static void run_caller(enum who who, char answers[METHODS])
{
	g_autofree char *path = api_socket();
	struct child child;
	guint tick;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	child.pid = fork();
	if (child.pid == 0) {
		become(&callers[who]);
		call_all(path, fds[1]);
	}
	close(fds[1]);
	/* The simulated clock knows nothing of this process. */
	g_main_context_set_poll_func(NULL, NULL);
	/* Its end wakes nobody. */
	tick = g_timeout_add(2, on_tick, NULL);
	assert_true(sim_run_until(has_ended, &child, 60000));
	g_source_remove(tick);
	sim_clock_install();
	assert_int_equal(child.status, 0);
	assert_int_equal(read(fds[0], answers, METHODS), METHODS);
	close(fds[0]);
}

static void assert_row(const char *method, const char *may, enum who who, char answer)
{
	char expected = may[who] == '-' ? 'D' : '+';

	if (answer != expected)
		fail_msg("%s, called by the %uth kind of caller: '%c' is not '%c'", method,
			 who + 1U, answer, expected);
}

static void assert_matrix(enum who who, bool with_read_group)
{
	char answers[METHODS];

	sim_daemon->ids = (struct srv_access_ids){ .has_admin = true,
						   .admin = ADMIN_GID,
						   .has_read = with_read_group,
						   .read = READER_GID,
						   .read_all = !with_read_group };
	run_caller(who, answers);
	for (size_t i = 0; i < G_N_ELEMENTS(rights); i++)
		assert_row(rights[i].method,
			   with_read_group ? rights[i].with_read_group
					   : rights[i].without_read_group,
			   who, answers[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(for_all); i++)
		assert_row(for_all[i], "RArs", who, answers[G_N_ELEMENTS(rights) + i]);
}

static int set_up(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	sim_start();
	api_serve();
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_virt_event(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	return 0;
}

/* Everybody may get as far as the socket: what he may call is the daemon's to say. */
static void open_socket(void)
{
	g_autofree char *path = api_socket();

	if (getuid() != 0)
		skip_because("calling as others needs root");
	assert_int_equal(chmod(sim_root, 0711), 0);
	assert_int_equal(chmod(path, 0666), 0);
}

static void stranger_and_reader_call_every_method_and_change_nothing(void **state)
{
	open_socket();
	for (int with = 0; with < 2; with++) {
		assert_matrix(STRANGER, with);
		assert_matrix(READER, with);
	}
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\nweb1/net0 idle none\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

static void admin_calls_every_method_but_the_hooks(void **state)
{
	g_autofree char *nics = NULL;

	open_socket();
	assert_matrix(ADMIN, true);
	sim_settle();
	/* It was not for nothing: given back, claimed, removed, added. */
	nics = sim_nics();
	assert_null(strstr(nics, "dpdk/p0"));
	assert_non_null(strstr(nics, "new/net0 attached vf"));
	assert_null(strstr(nics, "web1/net0"));
	assert_non_null(strstr(nics, "web1/net7 attached vf"));
	sim_claim_of("dpdk", "p0")->state = SIM_UNCLAIMED;
}

static void root_calls_every_method(void **state)
{
	open_socket();
	assert_matrix(ROOT, true);
	sim_settle();
}

#define rights_test(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rights_test(stranger_and_reader_call_every_method_and_change_nothing),
		rights_test(admin_calls_every_method_but_the_hooks),
		rights_test(root_calls_every_method),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
