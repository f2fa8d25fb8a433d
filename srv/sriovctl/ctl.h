/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"
#include "srv/sriovctl/writer.h"

/*
 * sriovctl: a table of commands (commands.c), of which each has a file of its own, and what they
 * share: options (options.c), help (help.c), calls (call.c), jobs (job.c) and the looks of nics,
 * VFs and PFs (show.c). It asks the daemon and prints what it answers, and knows nothing itself.
 */

/* Exit statuses; those of errors are srv_error_exit_code(). */
#define CTL_SUCCESS    0
#define CTL_UNSPECIFIC 1
#define CTL_USAGE      2

/* What the program runs in; main() takes it from the process, tests make their own. */
struct ctl_env {
	FILE *in, *out, *err;
	bool terminal;	/* out is one */
	bool can_ask;	/* in and err are terminals: somebody is there to answer */
	unsigned width; /* columns of the terminal; 0: unknown, or none */
	int64_t now;	/* seconds since the epoch */
	/* How long a reply may take: to what shows something, and to the rest; 0: as is usual */
	int read_ms, reply_ms;
};

struct ctl;

/* Why text will not do, the caller's, or NULL when it will (check.c). */
typedef char *ctl_check_fn(const char *text);

struct ctl_argument {
	const char *name; /* "OWNER" */
	bool optional;
	ctl_check_fn *check; /* NULL: any text */
};

struct ctl_option {
	const char *name;     /* "network" */
	const char *argument; /* "NETWORK"; NULL: it is a flag */
	const char *help;
	bool required;
	ctl_check_fn *check;
};

#define CTL_ARGUMENTS_MAX 2
#define CTL_OPTIONS_MAX	  8

struct ctl_command {
	const char *name; /* "vf claim" */
	const char *summary;
	const char *text;    /* paragraphs for --help, separated by empty lines; NULL */
	const char *example; /* lines; NULL */
	struct ctl_argument arguments[CTL_ARGUMENTS_MAX + 1]; /* to the first without a name */
	bool many;	 /* the last argument may be repeated */
	bool is_default; /* meant by its group's name alone: "vf" is "vf list" */
	struct ctl_option options[CTL_OPTIONS_MAX + 1]; /* ditto */
	/*
	 * Returns an exit status, or a negative errno with *err.
	 *
	 * args: the arguments, checked, as many as were given, then NULL
	 */
	int (*run)(struct ctl *ctl, char **args, struct sriov_error **err);
};

/* NULL-terminated, in the order in which help lists them. */
extern const struct ctl_command *const ctl_commands[];

struct ctl {
	const struct ctl_env *env;
	const struct ctl_command *command;
	struct ctl_writer *writer; /* to env->out */
	const char *socket;	   /* NULL: the client's default */
	const char *method;	   /* that was called last, a constant; NULL: none */
	bool json;
	char *values[CTL_OPTIONS_MAX];	 /* of the command's options; NULL: not given */
	gboolean flags[CTL_OPTIONS_MAX]; /* ditto, of those without argument */
};

/* The whole program. Returns the exit status. */
int ctl_run(int argc, char *const *argv, const struct ctl_env *env);

/* Values of the command's own options. */
const char *ctl_value(const struct ctl *ctl, const char *option);
bool ctl_flag(const struct ctl *ctl, const char *option);

/* Says what is wrong with the command line, and how it is used. Returns CTL_USAGE. */
int ctl_usage_error(struct ctl *ctl, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* help.c */
char *ctl_usage_line(const struct ctl_command *command);
void ctl_help_program(struct ctl *ctl);
void ctl_help_group(struct ctl *ctl, const char *group);
void ctl_help_command(struct ctl *ctl, const struct ctl_command *command);

/* options.c: the options of every command, for help; to the first without a name. */
extern const struct ctl_option ctl_common_options[];

/*
 * Calls a method of io.sriovd and waits for its reply, but not for ever.
 *
 * parameters: stolen; NULL for {}
 * ret:        the caller's
 */
int ctl_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret,
	     struct sriov_error **err);

/* Calls it, and shows the reply: as it is with --json, else with print. Returns an exit status. */
int ctl_show(struct ctl *ctl, const char *method, json_t *parameters,
	     void (*print)(struct ctl *ctl, const json_t *reply), struct sriov_error **err);

/* Calls with "more" and waits for ever for each reply, until fn returns false. */
int ctl_call_more(struct ctl *ctl, const char *method, json_t *parameters,
		  bool (*fn)(json_t *reply, bool continues, void *data), void *data,
		  struct sriov_error **err);

/*
 * Follows a job to its end and says how it goes; silently with --json. A job that fails is an
 * error.
 */
int ctl_follow_job(struct ctl *ctl, json_int_t job, struct sriov_error **err);

/* The same after a call that began one: reply's "job", which may be missing, unless --no-wait. */
int ctl_follow_reply(struct ctl *ctl, const json_t *reply, struct sriov_error **err);

/* The whole of a command whose answer is a job: calls, prints the answer as JSON where that is
 * wished, follows the job. parameters is stolen. */
int ctl_call_job(struct ctl *ctl, const char *method, json_t *parameters, struct sriov_error **err);
#define CTL_NO_WAIT_OPTION                                                         \
	{                                                                          \
		"no-wait", NULL, "do not wait for the end of the job", false, NULL \
	}

/* "web1/net0" as one argument stands for two, OWNER and ID; args has room for both. */
void ctl_split_nic(char **args);

/* The checks of arguments. */
char *ctl_check_name(const char *text);	 /* what we name: networks, ids, manual owners */
char *ctl_check_owner(const char *text); /* any owner: domains have names of their own */
char *ctl_check_pf(const char *text);	 /* interface or PCI address */
char *ctl_check_vf(const char *text);	 /* PF/INDEX or PCI address */
char *ctl_check_mac(const char *text);
char *ctl_check_mode(const char *text);
char *ctl_check_priority(const char *text);
char *ctl_check_job(const char *text);
