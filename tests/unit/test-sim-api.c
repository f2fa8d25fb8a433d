// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "srv/sriovd/helper.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/view.h"
#include "tests/support/tree.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-assert.h"

/* Showing */

#define CLAIM_NIC                                                                         \
	"{'address':'0000:01:02.0','backing':'vf','id':'net0','mac':'52:54:00:a2:16:fb'," \
	"'mode':'required','network':'a','owner':{'kind':'manual','name':'dpdk'},"        \
	"'priority':0,'state':'attached','vf':'enp1s0/0'}"
#define CLAIM_VF(vlan)                                                                       \
	"{'address':'0000:01:02.0','attributes':{'linkState':'auto',"                        \
	"'mac':'52:54:00:a2:16:fb','maxTxRate':1000,'minTxRate':0,'qos':0,'spoofchk':true,"  \
	"'trust':false,'vlan':" vlan ",'vlanProto':'802.1Q'},'driver':'vfio-pci','index':0," \
	"'iommuGroup':1000,'name':'enp1s0/0','nic':'net0','owner':{'kind':'manual',"         \
	"'name':'dpdk'},'pf':'enp1s0','pool':'fast','state':'owned'}"

static void claim_shows_nic_and_vf_as_read_back(void **state)
{
	api_assert("Claim", "{'owner':'dpdk','network':'a'}",
		   "{'nic':" CLAIM_NIC ",'vf':" CLAIM_VF("100") "}");
	api_assert("ListNics", NULL, "{'nics':[" CLAIM_NIC "]}");
	api_assert("ListNics", "{'owner':'nobody'}", "{'nics':[]}");
	api_assert("GetNic", "{'owner':'dpdk','id':'net0'}", "{'nic':" CLAIM_NIC "}");
}

/* Somebody uses "ip link set" behind our back: what is shown is what the kernel has. */
static void get_vf_changed_by_a_stranger_shows_the_kernels_value(void **state)
{
	json_decref(api_call("Claim", "{'owner':'dpdk','network':'a'}"));
	sim_lock();
	sim_world->pf[0].vf[0].attrs.vlan = 7;
	sim_unlock();
	api_assert("GetVF", "{'vf':'enp1s0/0'}", "{'vf':" CLAIM_VF("7") "}");
	api_assert("GetVF", "{'vf':'0000:01:02.0'}", "{'vf':" CLAIM_VF("7") "}");
}

/* {"free":7,…} of each PF, in short. */
static char *pfs_in_short(const char *method)
{
	json_t *answer = api_call(method, NULL);
	GString *text = g_string_new(NULL);
	json_t *pf;
	size_t i;

	json_array_foreach (json_object_get(answer, "pfs"), i, pf) {
		g_string_append_printf(text,
				       "%s %s %s %" JSON_INTEGER_FORMAT
				       " VFs, %" JSON_INTEGER_FORMAT " free\n",
				       json_string_value(json_object_get(pf, "netdev")),
				       json_string_value(json_object_get(pf, "state")),
				       json_string_value(json_object_get(pf, "link")),
				       json_integer_value(json_object_get(pf, "numVfs")),
				       json_integer_value(json_object_get(pf, "free")));
	}
	json_decref(answer);
	return g_string_free(text, FALSE);
}

static void list_pfs_and_status_show_the_same_pfs(void **state)
{
	const char *expected = "enp1s0 ready up 7 VFs, 7 free\nenp2s0 unmanaged up 0 VFs, 0 free\n";

	sim_assert_text(pfs_in_short("ListPFs"), expected);
	sim_assert_text(pfs_in_short("GetStatus"), expected);
}

static void list_vfs_of_one_pf_lists_its_vfs(void **state)
{
	json_t *all = api_call("ListVFs", NULL), *one = api_call("ListVFs", "{'pf':'enp1s0'}");
	json_t *none = api_call("ListVFs", "{'pf':'0000:02:00.0'}");

	assert_int_equal(json_array_size(json_object_get(all, "vfs")), 7);
	assert_true(json_equal(all, one));
	assert_int_equal(json_array_size(json_object_get(none, "vfs")), 0);
	json_decref(all);
	json_decref(one);
	json_decref(none);
}

static void names_that_mean_nothing_are_not_found(void **state)
{
	api_assert_error("ListVFs", "{'pf':'enp9s0'}", "NotFound", "sriovctl pf list");
	api_assert_error("GetVF", "{'vf':'enp1s0/7'}", "NotFound", "sriovctl vf list");
	api_assert_error("GetVF", "{'vf':'enp1s0/99999'}", "NotFound", "sriovctl vf list");
	api_assert_error("GetNic", "{'owner':'web1','id':'net0'}", "NotFound", "sriovctl nic list");
	api_assert_error("Explain", "{'owner':'web1'}", "NotFound", "sriovctl nic list");
	api_assert_error("Release", "{'owner':'web1'}", "NotFound", "no claim");
	api_assert_error("WatchJob", "{'job':0}", "NotFound", "no job");
	api_assert_error("WatchJob", "{'job':4711}", "NotFound", "no job");
}

/* Calls that wait together are read for together, and each gets the whole answer. */
/* A name that was mistyped is what is wrong, whatever else is. */
static void unknown_names_are_told_before_libvirt_is_missed(void **state)
{
	sim_virt_connect(false);
	api_assert_error("Drain", "{'pf':'enp9s0'}", "NotFound", "sriovctl pf list");
	api_assert_error("Resize", "{'pf':'enp9s0','numVfs':1}", "NotFound", "sriovctl pf list");
	api_assert_error("Undrain", "{'pf':'enp9s0'}", "NotFound", "sriovctl pf list");
	api_assert_error("Demote", "{'owner':'web1'}", "NotFound", "sriovctl nic list");
	api_assert_error("Drain", "{'pf':'enp1s0'}", "Unavailable", "libvirt");
}

static void list_vfs_many_at_once_answers_all_alike(void **state)
{
	struct api_client *clients[20];
	json_t *first = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		clients[i] = api_connect();
		api_send(clients[i], "ListVFs", NULL, false);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		json_t *message = api_receive(clients[i]);

		assert_null(json_object_get(message, "error"));
		if (!first)
			first = json_incref(message);
		assert_true(json_equal(first, message));
		json_decref(message);
		api_disconnect(clients[i]);
	}
	json_decref(first);
	assert_int_equal(g_hash_table_size(sim_daemon->pf_readers), 0);
}

/* The client is gone before its answer: nobody minds. */
static void list_vfs_client_gone_is_no_harm(void **state)
{
	struct api_client *client = api_connect();

	api_send(client, "ListVFs", NULL, false);
	g_main_context_iteration(NULL, FALSE);
	api_disconnect(client);
	sim_settle();
	sim_assert_text(pfs_in_short("ListPFs"),
			"enp1s0 ready up 7 VFs, 7 free\nenp2s0 unmanaged up 0 VFs, 0 free\n");
}

/* A driver that does not come back */

struct hang {
	GMutex lock;
	GCond changed;
	bool over;
};

static void hang_run(void *data)
{
	struct hang *hang = data;

	g_mutex_lock(&hang->lock);
	while (!hang->over)
		g_cond_wait(&hang->changed, &hang->lock);
	g_mutex_unlock(&hang->lock);
}

static void hang_end(struct hang *hang)
{
	g_mutex_lock(&hang->lock);
	hang->over = true;
	g_cond_signal(&hang->changed);
	g_mutex_unlock(&hang->lock);
}

/* FAULTS row 20: a driver call that never returns */
static void list_pfs_one_hangs_answers_in_time_and_says_so(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	struct hang hang = { .over = false };
	json_t *answer, *first, *second;

	/* The simulated clock would wait for the thread that hangs. */
	g_main_context_set_poll_func(NULL, NULL);
	/* For the other PF's reader, which may come late on a busy machine. */
	sim_daemon->view_patience_ms = 2000;
	srv_queue_push(pf->reads, hang_run, NULL, &hang);
	/* Others do not wait for it at all. */
	json_decref(api_call("ListVFs", "{'pf':'enp2s0'}"));
	json_decref(api_call("ListNics", NULL));
	answer = api_call("ListPFs", NULL);
	first = json_array_get(json_object_get(answer, "pfs"), 0);
	second = json_array_get(json_object_get(answer, "pfs"), 1);
	assert_non_null(
		strstr(json_string_value(json_object_get(first, "reason")), "does not answer"));
	assert_int_equal(json_integer_value(json_object_get(first, "numVfs")), 7);
	assert_non_null(json_object_get(first, "stale"));
	assert_null(json_object_get(second, "reason"));
	json_decref(answer);
	hang_end(&hang);
	sim_clock_install();
	/* The read that hung has to come back before it is known to hang no more. */
	sim_settle();
	answer = api_call("ListPFs", NULL);
	first = json_array_get(json_object_get(answer, "pfs"), 0);
	assert_null(json_object_get(first, "reason"));
	assert_null(json_object_get(first, "stale"));
	json_decref(answer);
}

static bool always_false(void *data)
{
	return false;
}

/* Thousands of them take longer than a PF that does not answer is waited for. */
static void list_vfs_takes_long_to_read_is_not_stale(void **state)
{
	const struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	struct hang hang = { .over = false };
	struct api_client *client = api_connect();
	json_t *message, *vf;

	g_main_context_set_poll_func(NULL, NULL);
	sim_daemon->view_patience_ms = SRV_VIEW_PATIENCE_MS;
	sim_daemon->view_vf_us = 60 * G_USEC_PER_SEC;
	srv_queue_push(pf->reads, hang_run, NULL, &hang);
	api_send(client, "ListVFs", NULL, false);
	sim_run_until(always_false, NULL, 3 * SRV_VIEW_PATIENCE_MS);
	assert_false(api_has_message(client));
	hang_end(&hang);
	message = api_receive(client);
	vf = json_array_get(json_object_get(json_object_get(message, "parameters"), "vfs"), 0);
	assert_string_equal(json_string_value(json_object_get(vf, "name")), "enp1s0/0");
	assert_null(json_object_get(vf, "stale"));
	json_decref(message);
	api_disconnect(client);
	sim_clock_install();
	sim_settle();
}

/* The ledger */

static char *first_problem(json_t *answer)
{
	const json_t *problem = json_array_get(json_object_get(answer, "problems"), 0);
	char *text = g_strdup_printf("%s %s",
				     json_string_value(json_object_get(problem, "severity")),
				     json_string_value(json_object_get(problem, "subject")));

	json_decref(answer);
	return text;
}

static void damage_ledger(void)
{
	g_autofree char *path = g_build_filename(sim_root, "state/ledger.sqlite", NULL);

	assert_true(g_file_set_contents(path, "no ledger at all", -1, NULL));
}

/* FAULTS row 5: bit flips, a torn tail */
static void damaged_ledger_changes_nothing_until_it_is_rebuilt(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	uint32_t changes;
	json_t *answer;

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_stop();
	damage_ledger();
	changes = sim_world->changes;
	sim_start();
	api_serve();
	api_assert_error("Claim", "{'owner':'dpdk','network':'a'}", "Ledger", "ledger rebuild");
	api_assert_error("AddNic", "{'domain':'web1','network':'a'}", "Ledger", "ledger rebuild");
	api_assert_error("DomainHook",
			 "{'operation':'prepare','subOperation':'begin','uuid':"
			 "'0d0d0d0d-0000-4000-8000-000000000002','name':'web2',"
			 "'nics':[{'id':'net0','network':'a'}]}",
			 "Unavailable", "ledger rebuild");
	sim_virt_event(web->uuid, SRV_VIRT_RESUMED);
	sim_run(200000);
	assert_int_equal(sim_world->changes, changes);
	sim_assert_counts("enp1s0", "7 dirty");
	sim_assert_text(first_problem(api_call("CheckLedger", NULL)), "error ledger");
	answer = api_call("RebuildLedger", NULL);
	assert_int_equal(json_integer_value(json_object_get(answer, "nics")), 1);
	assert_non_null(json_string_value(json_object_get(answer, "setAside")));
	assert_int_equal(json_array_size(json_object_get(answer, "problems")), 0);
	json_decref(answer);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	api_assert_error("RebuildLedger", NULL, "Busy", "sound");
	api_assert("CheckLedger", NULL, "{'problems':[]}");
	sim_assert_rules();
}

/* Claims */

static void release_job_ends_when_the_vf_is_scrubbed(void **state)
{
	json_decref(api_call("Claim", "{'owner':'dpdk','network':'a'}"));
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	api_assert_job(api_call("Release", "{'owner':'dpdk'}"), "done: released and scrubbed");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void claim_bad_arguments_are_invalid(void **state)
{
	api_assert_error("Claim", "{'owner':'a b','network':'a'}", "Invalid", "1 to 64");
	api_assert_error("Claim", "{'owner':'x','network':'nope'}", "Invalid", "no network");
	api_assert_error("Claim", "{'owner':'x','network':'a','mac':'nope'}", "Invalid",
			 "no MAC address");
	api_assert_error("Claim", "{'owner':'x','network':'a','mac':'01:00:5e:00:00:01'}",
			 "Invalid", "multicast");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_nics("");
}

/* Configuration */

static void reload_bad_configuration_changes_nothing_and_is_told(void **state)
{
	json_t *status;

	sim_configure("{\"pools\":[{}]}");
	api_assert_error("Reload", NULL, "Invalid", "name");
	sim_assert_counts("enp1s0", "7 free");
	status = api_call("GetStatus", NULL);
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(status, "problems"), 0), "severity")),
		"error");
	json_decref(status);
	sim_configure(SIM_CONFIG);
	json_decref(api_call("Reload", NULL));
	sim_settle();
	sim_assert_counts("enp2s0", "7 free");
	status = api_call("GetStatus", NULL);
	assert_false(json_object_get(status, "problems") &&
		     json_string_value(
			     json_object_get(json_array_get(json_object_get(status, "problems"), 0),
					     "severity"))[0] == 'e');
	json_decref(status);
}

static bool has_problem(json_t *answer, const char *severity, const char *part)
{
	bool found = false;
	json_t *problem;
	size_t i;

	json_array_foreach (json_object_get(answer, "problems"), i, problem)
		found |= strstr(json_string_value(json_object_get(problem, "message")), part) &&
			 g_str_equal(json_string_value(json_object_get(problem, "severity")),
				     severity);
	json_decref(answer);
	return found;
}

/* Who has a configuration read believes in one; a host without any has no problem, though. */
static void no_configuration_is_said_to_who_reads_it(void **state)
{
	g_autofree char *path = g_build_filename(sim_root, "config/sriovd.json", NULL);
	const char *what = "there is no sriovd.json in it";

	assert_false(has_problem(api_call("CheckConfig", NULL), "warning", what));
	assert_false(has_problem(api_call("Reload", NULL), "warning", what));
	assert_int_equal(unlink(path), 0);
	assert_true(has_problem(api_call("CheckConfig", NULL), "warning", what));
	assert_true(has_problem(api_call("Reload", NULL), "warning", what));
	assert_true(has_problem(api_call("Reload", NULL), "warning", "/sriovd.json.example"));
	assert_false(has_problem(api_call("GetStatus", NULL), "warning", what));
	/* Files that were handed over are what there is to check. */
	assert_false(has_problem(api_call("CheckConfig", "{'files':[]}"), "warning", what));
}

static bool is_refused(json_t *status, const char *part)
{
	const char *why = json_string_value(json_object_get(status, "refused"));
	bool refused = why && strstr(why, part);

	json_decref(status);
	return refused;
}

static void refused_configuration_is_told_by_status_until_a_good_one(void **state)
{
	const char *what = "the one before stays in force";

	sim_configure("{\"pools\":[{}]}");
	api_assert_error("Reload", NULL, "Invalid", "name");
	assert_true(has_problem(api_call("GetStatus", NULL), "error", what));
	assert_true(is_refused(api_call("GetStatus", NULL), "name"));
	sim_configure(SIM_CONFIG);
	json_decref(api_call("Reload", NULL));
	assert_false(is_refused(api_call("GetStatus", NULL), ""));
	assert_false(has_problem(api_call("GetStatus", NULL), "error", what));
}

static void helper_that_is_missing_is_a_problem_of_the_host(void **state)
{
	const char *what = "helper is not there";

	assert_false(has_problem(api_call("GetStatus", NULL), "error", what));
	srv_helper_set_program(sim_root); /* a directory */
	assert_true(has_problem(api_call("GetStatus", NULL), "error", what));
	srv_helper_set_program("/nonexistent/sriovd-sysfs");
	assert_true(has_problem(api_call("GetStatus", NULL), "error", what));
}

/* In the place of libc's: on which thread the helper is looked at, and for how long. */
static gint helper_looks, helper_looks_on_main, helper_hangs;
static pthread_t main_thread;

int access(const char *path, int mode)
{
	if (g_str_has_suffix(path, "/sriovd-sysfs")) {
		g_atomic_int_inc(&helper_looks);
		g_atomic_int_add(&helper_looks_on_main, pthread_equal(pthread_self(), main_thread));
		__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
		while (g_atomic_int_get(&helper_hangs))
			g_usleep(1000);
		__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	}
	return faccessat(AT_FDCWD, path, mode, 0);
}

static void helper_on_a_file_system_that_hangs_holds_up_nobody(void **state)
{
	const char *what = "its file system does not answer";
	gint looks = g_atomic_int_get(&helper_looks);

	main_thread = pthread_self();
	assert_false(has_problem(api_call("GetStatus", NULL), "error", what));
	assert_int_equal(g_atomic_int_get(&helper_looks), looks + 1);
	assert_int_equal(g_atomic_int_get(&helper_looks_on_main), 0);
	g_atomic_int_set(&helper_hangs, 1);
	assert_true(has_problem(api_call("GetStatus", NULL), "error", what));
	assert_true(has_problem(api_call("GetStatus", NULL), "error", what));
	/* However often somebody asks, one thread is lost to it. */
	assert_int_equal(g_atomic_int_get(&helper_looks), looks + 2);
	g_atomic_int_set(&helper_hangs, 0);
	sim_settle();
	assert_false(has_problem(api_call("GetStatus", NULL), "error", what));
	assert_int_equal(g_atomic_int_get(&helper_looks), looks + 3);
}

static void check_config_finds_mistakes_and_changes_nothing(void **state)
{
	sim_assert_text(first_problem(api_call("CheckConfig",
					       "{'files':[{'name':'sriovd.json','text':'{'}]}")),
			"error sriovd.json:1:1");
	sim_configure("{\"pools\":[{}]}");
	sim_assert_text(first_problem(api_call("CheckConfig", NULL)), "error sriovd.json:1:11");
	sim_assert_counts("enp1s0", "7 free");
	json_decref(api_call("CheckConfig", "{'files':[]}"));
	json_decref(api_call("Claim", "{'owner':'dpdk','network':'a'}"));
	sim_assert_counts("enp1s0", "6 free, 1 owned");
}

/* The hook */

#define HOOK(operation, sub, nics)                          \
	"{'operation':'" operation "','subOperation':'" sub \
	"','uuid':'0D0D0D0D-0000-4000-8000-000000000001','name':'web1','nics':[" nics "]}"
#define NIC(mode) "{'id':'net0','network':'a','mode':'" mode "'}"

static void hook_prepare_reserves_and_release_frees(void **state)
{
	sim_guest(1, "a", SRV_MODE_REQUIRED);
	api_assert("DomainHook", HOOK("prepare", "begin", NIC("required")), "{}");
	sim_assert_nics("web1/net0 reserved vf enp1s0/0\n");
	/* It did not start after all. */
	api_assert("DomainHook", HOOK("release", "end", NIC("required")), "{}");
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
}

static void hook_started_attaches(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	api_assert("DomainHook", HOOK("prepare", "begin", NIC("required")), "{}");
	sim_appear(web);
	api_assert("DomainHook", HOOK("started", "begin", NIC("required")), "{}");
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	api_assert("DomainHook", HOOK("stopped", "end", NIC("required")), "{}");
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

static void hook_bad_nics_are_invalid(void **state)
{
	api_assert_error("DomainHook", HOOK("prepare", "begin", "{'id':'','network':'a'}"),
			 "Invalid", "\"id\"");
	api_assert_error("DomainHook", HOOK("prepare", "begin", "{'id':'n','network':'../a'}"),
			 "Invalid", "\"network\"");
	api_assert_error("DomainHook",
			 HOOK("prepare", "begin", "{'id':'n','network':'a','priority':1001}"),
			 "Invalid", "\"priority\"");
	api_assert_error("DomainHook",
			 HOOK("prepare", "begin", "{'id':'n','network':'a','mac':'ff'}"), "Invalid",
			 "nic n: it is no MAC address");
	api_assert_error("DomainHook", HOOK("prepare", "begin", "{'id':'n','network':'zz'}"),
			 "Invalid", "there is no network \"zz\"");
	api_assert_error("DomainHook",
			 "{'operation':'prepare','subOperation':'begin','uuid':'1','name':'x',"
			 "'nics':[]}",
			 "Invalid", "UUID");
	api_assert_error("DomainHook", HOOK("prepare", "begin", "],'links':['enp1s0'"), "Invalid",
			 "it is no name of a VLAN link");
	sim_assert_nics("");
}

static void hook_unknown_operation_is_let_through(void **state)
{
	api_assert("DomainHook", HOOK("reconnect", "begin", NIC("required")), "{}");
	api_assert("DomainHook", HOOK("prepare", "end", NIC("required")), "{}");
	sim_assert_nics("");
}

#define HOOK_ON_NODE(node)                                                                     \
	"{'operation':'prepare','subOperation':'begin','uuid':'0d0d0d0d-0000-4000-8000-"       \
	"000000000001','name':'web1','numaNode':" node ",'nics':[{'id':'net0','network':'a'}," \
	"{'id':'net1','network':'a'}]}"

static void hook_prepare_of_a_guest_on_a_node_prefers_its_pf(void **state)
{
	sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	tree_file(sim_root, "sys/devices/pci0000:00/0000:02:00.0/numa_node", "1\n");
	sim_configure(SIM_CONFIG);
	json_decref(api_call("Reload", NULL));
	sim_settle();
	api_assert("DomainHook", HOOK_ON_NODE("1"), "{}");
	sim_assert_nics("web1/net0 reserved vf enp2s0/0\nweb1/net1 reserved vf enp2s0/1\n");
	api_assert("DomainHook", HOOK("release", "end", ""), "{}");
	sim_settle();
	/* Without one, the two PFs take turns. */
	api_assert("DomainHook", HOOK_ON_NODE("null"), "{}");
	sim_assert_nics("web1/net0 reserved vf enp1s0/0\nweb1/net1 reserved vf enp2s0/0\n");
}

/* libvirt does not answer: a start must not wait for it. */
static void hook_prepare_without_libvirt_reserves(void **state)
{
	sim_guest(1, "a", SRV_MODE_REQUIRED);
	sim_virt_connect(false);
	api_assert("DomainHook", HOOK("prepare", "begin", NIC("required")), "{}");
	sim_assert_nics("web1/net0 reserved vf enp1s0/0\n");
}

/* Events */

static void watch_streams_events_until_the_client_goes(void **state)
{
	struct api_client *client = api_connect();
	json_t *message;

	api_assert_error("Watch", NULL, "Invalid", "\"more\"");
	api_send(client, "Watch", NULL, true);
	json_decref(api_call("ListNics", NULL));
	json_decref(api_call("Reload", NULL));
	message = api_receive(client);
	assert_true(json_is_true(json_object_get(message, "continues")));
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(message, "parameters"), "event"), "kind")),
		"config");
	json_decref(message);
	api_disconnect(client);
	json_decref(api_call("Reload", NULL));
	sim_settle();
}

/* All steps of the job that an answer names, a line each; the caller's. */
static char *steps_of(json_t *answer)
{
	struct api_client *client = api_connect();
	g_autofree char *parameters = g_strdup_printf(
		"{'job':%" JSON_INTEGER_FORMAT "}",
		json_integer_value(json_object_get(answer, "job")));
	GString *text = g_string_new(NULL);
	bool more = true;

	api_send(client, "WatchJob", parameters, true);
	while (more) {
		json_t *message = api_receive(client);
		json_t *step = json_object_get(json_object_get(message, "parameters"), "step");

		g_assert(step);
		g_string_append_printf(text, "%s\n",
				       json_string_value(json_object_get(step, "text")));
		more = json_is_true(json_object_get(message, "continues"));
		json_decref(message);
	}
	json_decref(answer);
	api_disconnect(client);
	return g_string_free(text, FALSE);
}

/* Its driver may take the PF's own netdev down meanwhile. */
static void resize_tells_how_many_ports_stand_on_the_pf(void **state)
{
	static const char words[] = "running virtio ports stand on enp1s0 itself";
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	g_autofree char *before = NULL, *with_guests = NULL;

	before = steps_of(api_call("Resize", "{'pf':'enp1s0','numVfs':6}"));
	assert_null(strstr(before, words));
	pf->drained = true;
	for (unsigned i = 1; i <= 2; i++)
		sim_assert_done(sim_boot(sim_guest(i, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	pf->drained = false;
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n"
			"web2/net0 attached virtio enp1s0.100\n");
	/* One that is shut off has nothing to lose. */
	sim_shut_down(&sim_world->domain[0]);
	sim_settle();
	with_guests = steps_of(api_call("Resize", "{'pf':'enp1s0','numVfs':3}"));
	if (!strstr(with_guests, "1 running virtio ports stand on enp1s0 itself"))
		fail_msg("not told: %s", with_guests);
	sim_assert_counts("enp1s0", "3 free");
	sim_assert_rules();
}

/* Does a watcher hear this of web1/net0 until all is quiet? */
static bool hears(struct api_client *watcher, const char *words)
{
	bool heard = false;

	sim_settle();
	while (api_has_message(watcher)) {
		json_t *event = json_object_get(json_object_get(watcher->message, "parameters"),
						"event");
		const char *subject = json_string_value(json_object_get(event, "subject"));
		const char *text = json_string_value(json_object_get(event, "text"));

		heard |= g_strcmp0(subject, "nic web1/net0") == 0 && strstr(text, words);
		json_decref(g_steal_pointer(&watcher->message));
	}
	return heard;
}

/* Reconciliation may come in the midst of a start, and gives the guest what it was to get. */
static void guest_that_starts_is_not_said_to_run_without_its_nic(void **state)
{
	static const char words[] = "runs without it";
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct api_client *watcher = api_connect();

	api_send(watcher, "Watch", NULL, true);
	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	srv_reconcile(sim_daemon);
	assert_false(hears(watcher, words));
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_shut_down(web);
	sim_settle();
	/* Its hook was lost, and libvirt says that it starts. */
	web->starting = true;
	sim_appear(web);
	srv_reconcile(sim_daemon);
	assert_false(hears(watcher, words));
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_shut_down(web);
	sim_settle();
	web->starting = false;
	sim_appear(web);
	srv_reconcile(sim_daemon);
	assert_true(hears(watcher, words));
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	api_disconnect(watcher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(claim_shows_nic_and_vf_as_read_back),
		api_test(get_vf_changed_by_a_stranger_shows_the_kernels_value),
		api_test(list_pfs_and_status_show_the_same_pfs),
		api_test(list_vfs_of_one_pf_lists_its_vfs),
		api_test(names_that_mean_nothing_are_not_found),
		api_test(unknown_names_are_told_before_libvirt_is_missed),
		api_test(list_vfs_many_at_once_answers_all_alike),
		api_test(list_vfs_client_gone_is_no_harm),
		api_test(list_pfs_one_hangs_answers_in_time_and_says_so),
		api_test(list_vfs_takes_long_to_read_is_not_stale),
		api_test(damaged_ledger_changes_nothing_until_it_is_rebuilt),
		api_test(release_job_ends_when_the_vf_is_scrubbed),
		api_test(claim_bad_arguments_are_invalid),
		api_test(reload_bad_configuration_changes_nothing_and_is_told),
		api_test(no_configuration_is_said_to_who_reads_it),
		api_test(refused_configuration_is_told_by_status_until_a_good_one),
		api_test(helper_that_is_missing_is_a_problem_of_the_host),
		api_test(helper_on_a_file_system_that_hangs_holds_up_nobody),
		api_test(check_config_finds_mistakes_and_changes_nothing),
		api_test(hook_prepare_reserves_and_release_frees),
		api_test(hook_started_attaches),
		api_test(hook_bad_nics_are_invalid),
		api_test(hook_unknown_operation_is_let_through),
		api_test(hook_prepare_of_a_guest_on_a_node_prefers_its_pf),
		api_test(hook_prepare_without_libvirt_reserves),
		api_test(watch_streams_events_until_the_client_goes),
		api_test(resize_tells_how_many_ports_stand_on_the_pf),
		api_test(guest_that_starts_is_not_said_to_run_without_its_nic),
	};

	return run_group_as_root(tests);
}
