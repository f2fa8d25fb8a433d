// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib.h>
#include <systemd/sd-daemon.h>

#include "srv/protocol/client.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/door.h"
#include "srv/sriovd/helper.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/memory.h"
#include "srv/sriovd/varlink.h"

/* Everybody may connect; who may call what is decided for each call (api.c). */
#define SOCKET_MODE 0666

struct options {
	char *config_dir, *state_dir, *socket, *plugins, *uri, *root, *level, *helper;
	gboolean help, version;
};

struct program {
	struct srv_daemon *daemon;
	GMainLoop *loop;
};

/* Options */

static int parse_level(const char *text, int *ret)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = { { "error", LOG_ERR },
		       { "warning", LOG_WARNING },
		       { "notice", LOG_NOTICE },
		       { "info", LOG_INFO },
		       { "debug", LOG_DEBUG } };

	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		if (strcmp(levels[i].name, text) == 0) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

/* GLib's own way to print it wants a locale for its "[OPTION…]". */
static void print_help(GOptionContext *context)
{
	g_autofree char *text = NULL;

	g_option_context_set_summary(context,
				     "The daemon that gives the guests of this host their SR-IOV "
				     "network ports.\n"
				     "systemd starts it: systemctl enable --now sriovd. People use "
				     "sriovctl(1).");
	g_option_context_set_description(
		context, "Files:\n"
			 "  " SRIOVD_SYSCONFDIR
			 "/sriovd.json, conf.d/*.json  the configuration; it need not be "
			 "there\n"
			 "  " SRIOVD_DOCDIR "/sriovd.json.example  an example of one\n"
			 "  " SRIOVD_STATEDIR "/ledger.sqlite  who owns what\n"
			 "\n"
			 "SIGHUP makes it read its configuration again.\n"
			 "\n"
			 "See also: sriovd(8), sriovd.json(5), sriovctl(1), sriovd-hook(8)\n");
	text = g_option_context_get_help(context, TRUE, NULL);
	for (const char *p = text; *p; p++) {
		if (g_str_has_prefix(p, "\u2026")) {
			fputs("...", stdout);
			p += strlen("\u2026") - 1;
		} else {
			putchar(*p);
		}
	}
}

static bool parse_options(int argc, char **argv, struct options *options)
{
	const GOptionEntry entries[] = {
		{ "config-dir", 'c', 0, G_OPTION_ARG_FILENAME, &options->config_dir,
		  "Where sriovd.json and conf.d/ are [" SRIOVD_SYSCONFDIR "]", "DIR" },
		{ "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
		  "Where the ledger is [" SRIOVD_STATEDIR "]", "DIR" },
		{ "socket", 's', 0, G_OPTION_ARG_FILENAME, &options->socket,
		  "Where to listen [" SRV_SOCKET_PATH "]", "PATH" },
		{ "plugins", 0, 0, G_OPTION_ARG_FILENAME, &options->plugins,
		  "Where the attach backends are [" SRIOVD_PLUGINDIR "]", "DIR" },
		{ "helper", 0, 0, G_OPTION_ARG_FILENAME, &options->helper,
		  "The program that does what may block [" SRIOVD_LIBEXECDIR "/sriovd-sysfs]",
		  "PATH" },
		{ "uri", 0, 0, G_OPTION_ARG_STRING, &options->uri, "libvirt [qemu:///system]",
		  "URI" },
		{ "root", 0, 0, G_OPTION_ARG_FILENAME, &options->root,
		  "Where sys/ and dev/ are [/]", "DIR" },
		{ "log-level", 'l', 0, G_OPTION_ARG_STRING, &options->level,
		  "error, warning, notice, info or debug [info]", "LEVEL" },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Show this help", NULL },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &options->version,
		  "Say which version this is", NULL },
		{ 0 }
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	int level = LOG_INFO;

	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "sriovd: %s; see sriovd --help\n", error->message);
		return false;
	}
	if (options->help)
		print_help(context);
	if (argc > 1) {
		fprintf(stderr, "sriovd: \"%s\" is no option; see sriovd --help\n", argv[1]);
		return false;
	}
	if (options->level && parse_level(options->level, &level) < 0) {
		fprintf(stderr, "sriovd: --log-level is error, warning, notice, info or debug\n");
		return false;
	}
	srv_log_set_level(level);
	return true;
}

static void options_clear(struct options *options)
{
	g_free(options->config_dir);
	g_free(options->state_dir);
	g_free(options->socket);
	g_free(options->plugins);
	g_free(options->uri);
	g_free(options->root);
	g_free(options->level);
	g_free(options->helper);
}

/* The socket */

/* The one that systemd has made, or -1 when it has made none. */
static int inherited_socket(struct sriov_error **err)
{
	int n = sd_listen_fds(1);

	if (n == 0)
		return -1;
	if (n == 1 && sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) > 0 &&
	    g_unix_set_fd_nonblocking(SD_LISTEN_FDS_START, TRUE, NULL) &&
	    listen(SD_LISTEN_FDS_START, SRV_VARLINK_BACKLOG) == 0)
		return SD_LISTEN_FDS_START;
	return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL,
			       "systemd passed %d sockets, and one listening stream socket is "
			       "needed; look at sriovd.socket",
			       n);
}

/* Where systemd has made it, or NULL when that is no path; the caller owns it. */
static char *path_of(int fd)
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address) - 1;

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 || address.sun_path[0] != '/')
		return NULL;
	return g_strdup(address.sun_path);
}

/*
 * path:     where it is to be made; where systemd has made it, instead
 * ret_made: it is ours, and not systemd's
 */
static int get_socket(char **path, int *ret_fd, bool *ret_made, struct sriov_error **err)
{
	sriov_autoerror why = NULL;
	g_autofree char *dir = g_path_get_dirname(*path);
	int fd = inherited_socket(&why);
	char *passed;

	*ret_made = fd < 0;
	if (fd >= 0) {
		*ret_fd = fd;
		passed = path_of(fd);
		if (passed) {
			g_free(*path);
			*path = passed;
		}
		return 0;
	}
	if (why)
		return sriov_error_propagate(err, g_steal_pointer(&why));
	if (g_mkdir_with_parents(dir, 0755) < 0)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errno, dir,
				       "the socket's directory cannot be made: %s",
				       g_strerror(errno));
	return srv_varlink_listen(*path, SOCKET_MODE, ret_fd, err);
}

/* Without it all come by the public one, which does: why is for the journal. */
static int open_members_door(struct srv_daemon *daemon, const char *public,
			     struct sriov_error **err)
{
	g_autofree char *path = g_strconcat(public, SRV_MEMBERS_SUFFIX, NULL);
	g_autofree char *text = NULL;
	sriov_autoerror why = NULL;

	if (srv_door_open(daemon, path, &why) == 0)
		return 0;
	if (why->code == SRIOV_ERROR_BUSY)
		return sriov_error_propagate(err, g_steal_pointer(&why));
	text = sriov_error_text(why);
	srv_log(LOG_WARNING, NULL, "no socket for members alone: %s", text);
	return 0;
}

/* Signals and systemd */

static gboolean on_end(gpointer data)
{
	struct program *program = data;

	g_main_loop_quit(program->loop);
	return G_SOURCE_CONTINUE;
}

/* It answers, whatever is the matter with the host. */
static void notify_ready(struct srv_daemon *daemon)
{
	const struct sriov_error *refusal = srv_daemon_refusal(daemon);

	if (refusal)
		sd_notifyf(0, "READY=1\nSTATUS=Changes nothing: %s", refusal->message);
	else if (!daemon->looked)
		sd_notify(0, "READY=1\nSTATUS=Changes nothing: looking at the host's devices");
	else if (!daemon->configured && daemon->reload_error)
		sd_notifyf(0, "READY=1\nSTATUS=Bad configuration: %s",
			   daemon->reload_error->message);
	else
		sd_notifyf(0, "READY=1\nSTATUS=%u PFs, %u networks", daemon->model->pfs->len,
			   daemon->model->config->networks->len);
}

static void reloaded(const struct sriov_error *error, const GPtrArray *problems, void *data)
{
	notify_ready(data);
}

/* As Type=notify-reload wants it; with Type=notify it does no harm. */
static gboolean on_reload(gpointer data)
{
	struct program *program = data;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\nSTATUS=Reloading",
		   g_get_monotonic_time());
	srv_daemon_reload(program->daemon, reloaded, program->daemon);
	return G_SOURCE_CONTINUE;
}

/* From the main loop, and only from there: when that hangs, nobody is served. */
static gboolean on_watchdog(gpointer data)
{
	sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

static void watch(struct program *program)
{
	uint64_t usec;

	g_unix_signal_add(SIGTERM, on_end, program);
	g_unix_signal_add(SIGINT, on_end, program);
	g_unix_signal_add(SIGHUP, on_reload, program);
	if (sd_watchdog_enabled(0, &usec) > 0)
		g_timeout_add((guint)MAX(usec / 1000 / 3, 1), on_watchdog, NULL);
}

/* Running */

static int start(struct srv_daemon *daemon, const char *uri, const char *socket, int fd,
		 struct sriov_error **err)
{
	int r = srv_daemon_start(daemon, uri, fd, err);

	return r < 0 ? r : open_members_door(daemon, socket, err);
}

static int serve(const struct options *options, struct sriov_error **err)
{
	const struct srv_daemon_options daemon_options = {
		.root = options->root ?: "/",
		.config_dir = options->config_dir ?: SRIOVD_SYSCONFDIR,
		.state_dir = options->state_dir ?: SRIOVD_STATEDIR,
		.plugin_dir = options->plugins ?: SRIOVD_PLUGINDIR,
		.begun = notify_ready,
	};
	g_autofree char *socket = g_strdup(options->socket ?: SRV_SOCKET_PATH);
	struct program program = { 0 };
	bool made;
	int r, fd;

	/* First of all, since it tells whether another one runs. */
	r = get_socket(&socket, &fd, &made, err);
	if (r < 0)
		return r;
	r = srv_daemon_new(&daemon_options, &program.daemon, err);
	if (r < 0) {
		/* Nobody shall find a socket at which nobody will ever answer. */
		if (made)
			unlink(socket);
		close(fd);
		return r;
	}
	r = start(program.daemon, options->uri ?: "qemu:///system", socket, fd, err);
	if (r == 0) {
		program.loop = g_main_loop_new(NULL, FALSE);
		watch(&program);
		notify_ready(program.daemon);
		srv_memory_give_back();
		g_main_loop_run(program.loop);
		g_main_loop_unref(program.loop);
		sd_notify(0, "STOPPING=1\nSTATUS=Ending");
	}
	srv_daemon_free(program.daemon);
	return r;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	sriov_autoerror err = NULL;
	int status = EXIT_SUCCESS;

	/* Peers go away whenever they like. */
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	srv_memory_set_up();
	if (!parse_options(argc, argv, &options)) {
		status = 2;
	} else if (options.help) {
		status = EXIT_SUCCESS;
	} else if (options.version) {
		printf("sriovd %s\n", SRIOVD_VERSION);
	} else {
		if (options.helper)
			srv_helper_set_program(options.helper);
		if (serve(&options, &err) < 0) {
			g_autofree char *text = sriov_error_text(err);

			srv_log(LOG_ERR, NULL, "%s", text);
			status = EXIT_FAILURE;
		}
	}
	options_clear(&options);
	return status;
}
