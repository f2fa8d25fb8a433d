// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How this works:
 *
 * - A request to make a link waits in the kernel for a lock that a driver may hold for ever, and
 *   nothing wakes it. So a child makes it, which holds none of what libvirt waits for, and is left
 *   behind when it does not come back in time.
 * - A link is made as its name says, "enp1s0.100", with an 802.1Q tag, and marked as the daemon
 *   marks its own, which takes it over when it is back. Which network has 802.1ad tags only the
 *   configuration knows: when it speaks of any, no link is made, as one with the wrong tag is in
 *   somebody else's network.
 */
#include "srv/hook/links.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "netlink/uplink.h"
#include "srv/domain/alias.h"
#include "srv/hook/operations.h"

GPtrArray *hook_links(const struct srv_domain *domain)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < domain->ifaces->len; i++) {
		const struct srv_domain_iface *iface = domain->ifaces->pdata[i];
		g_autofree char *parent = NULL;
		uint16_t vlan;

		if (!iface->alias || !iface->source || g_strcmp0(iface->type, "direct") != 0 ||
		    !g_str_has_prefix(iface->alias, SRV_NIC_ALIAS_PREFIX))
			continue;
		parent = snl_uplink_split(iface->source, &vlan);
		if (parent)
			g_ptr_array_add(names, g_strdup(iface->source));
	}
	return names;
}

static bool file_speaks_of_8021ad(const char *path)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, "802.1ad");
}

static bool config_speaks_of_8021ad(void)
{
	static const char dropins[] = SRIOVD_SYSCONFDIR "/conf.d";
	GDir *dir = g_dir_open(dropins, 0, NULL);
	bool speaks = file_speaks_of_8021ad(SRIOVD_SYSCONFDIR "/sriovd.json");
	const char *name;

	while (dir && !speaks && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(dropins, name, NULL);

		speaks = file_speaks_of_8021ad(path);
	}
	if (dir)
		g_dir_close(dir);
	return speaks;
}

static void make(const struct srv_domain *domain, const GPtrArray *names)
{
	bool unsure = config_speaks_of_8021ad();

	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		sriov_autoerror err = NULL;

		if (unsure)
			syslog(LOG_WARNING,
			       "%s: VLAN link %s is not made without sriovd: the configuration has "
			       "networks with 802.1ad tags, and whether it is one is not known",
			       domain->name, name);
		else if (snl_uplink_ensure(name, ETH_P_8021Q, &err) < 0)
			syslog(LOG_WARNING, "%s: VLAN link %s cannot be made: %s", domain->name,
			       name, err->message);
	}
}

/* Its end closes the pipe. libvirt waits for everybody who has its stdout or stderr. */
static void run_child(const struct srv_domain *domain, const GPtrArray *names)
{
	int null = open("/dev/null", O_RDWR);

	signal(SIGALRM, SIG_DFL);
	alarm(SRIOVD_HOOK_OTHER_MS / 1000 + 1);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	}
	openlog("sriovd-hook", LOG_PID, LOG_DAEMON);
	make(domain, names);
	_exit(0);
}

void hook_make_links(const struct srv_domain *domain)
{
	g_autoptr(GPtrArray) names = hook_links(domain);
	struct pollfd end = { .events = POLLIN };
	int pipe_fds[2];
	pid_t child;

	if (!names->len || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return;
	child = fork();
	if (child == 0)
		run_child(domain, names);
	close(pipe_fds[1]);
	end.fd = pipe_fds[0];
	if (child > 0 && poll(&end, 1, SRIOVD_HOOK_LINKS_MS) > 0)
		waitpid(child, NULL, 0);
	close(pipe_fds[0]);
}
