// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sriovd-hook: tells the daemon at which point of its life a guest with nics of ours is, and lets
 * the daemon refuse its start. The hook in qemu.d (filter.c) runs it with libvirt's arguments,
 * GUEST OPERATION SUBOPERATION EXTRA, and the domain's XML on stdin.
 *
 * How this works:
 *
 * - Only "prepare" can fail. Afterwards a failing hook would tear down a guest that runs.
 * - What the daemon answers at "prepare" decides. When there is no answer, because it is down,
 * hangs or dies meanwhile, a guest with a required nic is refused, and every other one starts: it
 * has, or will get, virtio. The VLAN links that it needs for that, the hook makes itself (links.c).
 * - libvirt holds the domain's lock and waits for us, so calling libvirt here would deadlock, and
 *   everything has a deadline. libvirt also waits until stdout and stderr are closed, so nothing is
 *   left running behind.
 * - stderr is what libvirt puts at the end of its error message, which virsh shows; stdout stays
 *   empty.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"
#include "srv/domain/metadata.h"
#include "srv/hook/links.h"
#include "srv/hook/operations.h"
#include "srv/protocol/client.h"

#define REFUSED	    1
#define USAGE	    2
#define LET_THROUGH 0

/* How long after the client's own deadline the alarm rings, and how long logging may take. */
#define GRACE_SECONDS 2

/* What the alarm does: exit with this status, after this sentence when there is one. */
static volatile sig_atomic_t alarm_status = LET_THROUGH;
static char alarm_sentence[1024];

static void on_alarm(int signo)
{
	size_t len = strlen(alarm_sentence);

	if (len && write(STDERR_FILENO, alarm_sentence, len) < 0)
		_exit(alarm_status);
	_exit(alarm_status);
}

/* Whoever runs a hook may leak descriptors to it; one that we kept open could be waited for. */
static void isolate(const struct hook_operation *operation)
{
	close_range(STDERR_FILENO + 1, ~0U, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, on_alarm);
	alarm((unsigned int)(operation->timeout_ms + 999) / 1000 + GRACE_SECONDS);
}

/* libvirt ends its error with this text as it is; with a line feed, virsh prints an empty line. */
static int refuse(const char *sentence)
{
	fprintf(stderr, "sriovd: %s%s", sentence, isatty(STDERR_FILENO) ? "\n" : "");
	return REFUSED;
}

/*
 * Where an operator finds what nobody was told: the start went through, or was long since over.
 * syslog(), since loading libsystemd costs every start of a guest more than all else we do.
 */
static void note(const char *guest, const struct hook_operation *operation, const char *sentence)
{
	/* The logger may be what hangs; by now the verdict is known. */
	alarm_status = LET_THROUGH;
	alarm_sentence[0] = '\0';
	alarm(GRACE_SECONDS);
	openlog("sriovd-hook", LOG_PID, LOG_DAEMON);
	syslog(LOG_WARNING, "%s, %s: %s", guest, operation->name, sentence);
}

/* All of stdin, but not more than one byte above the limit, for the parser to refuse. */
static GByteArray *read_stdin(void)
{
	GByteArray *xml = g_byte_array_new();
	guint8 buf[65536];

	while (xml->len <= SRV_XML_MAX) {
		ssize_t n = read(STDIN_FILENO, buf, MIN(sizeof(buf), SRV_XML_MAX + 1 - xml->len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		g_byte_array_append(xml, buf, (guint)n);
	}
	return xml;
}

static json_t *nic_to_json(const struct srv_nic_request *nic)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "id", nic->id, "network", nic->network,
				 "mode", srv_mode_name(nic->mode), "priority",
				 (json_int_t)nic->priority);
	char mac[SRIOV_MAC_STRLEN];

	if (nic->has_mac)
		json_object_set_new(json, "mac", json_string(sriov_mac_format(nic->mac, mac)));
	return json;
}

static json_t *links_to_json(const struct srv_domain *domain)
{
	g_autoptr(GPtrArray) names = hook_links(domain);
	json_t *json = json_array();

	for (guint i = 0; i < names->len; i++)
		json_array_append_new(json, json_string(names->pdata[i]));
	return json;
}

static json_t *call_parameters(const struct hook_operation *operation,
			       const struct srv_domain *domain)
{
	json_t *nics = json_array(), *json, *links;

	for (guint i = 0; i < domain->nics->len; i++)
		json_array_append_new(nics, nic_to_json(domain->nics->pdata[i]));
	json = json_pack("{s:s, s:s, s:s, s:s, s:o}", "operation", operation->name, "subOperation",
			 operation->sub, "uuid", domain->uuid, "name", domain->name, "nics", nics);
	if (domain->numa_node >= 0)
		json_object_set_new(json, "numaNode", json_integer(domain->numa_node));
	links = operation->may_refuse ? links_to_json(domain) : NULL;
	if (json_array_size(links))
		json_object_set(json, "links", links);
	json_decref(links);
	return json;
}

/* Tells the daemon. *ret_answered: it is the daemon that says no, and not that nobody answered. */
static int tell_daemon(const struct hook_operation *operation, const struct srv_domain *domain,
		       bool *ret_answered, struct sriov_error **err)
{
	struct srv_client *client = NULL;
	struct sriov_error *error = NULL;
	int r;

	*ret_answered = false;
	r = srv_client_connect(NULL, operation->timeout_ms, &client, err);
	if (r < 0)
		return r;
	r = srv_client_call(client, "io.sriovd.DomainHook", call_parameters(operation, domain),
			    NULL, &error);
	srv_client_free(client);
	if (r == 0)
		return 0;
	/*
	 * The daemon itself says UNAVAILABLE or TIMEOUT when it has no libvirt or a device hangs:
	 * it cannot serve this guest now, which is no reason to keep one from starting that can do
	 * without.
	 */
	*ret_answered = error->code != SRIOV_ERROR_UNAVAILABLE &&
			error->code != SRIOV_ERROR_TIMEOUT;
	return sriov_error_propagate(err, error);
}

static const struct srv_nic_request *required_nic(const struct srv_domain *domain)
{
	for (guint i = 0; i < domain->nics->len; i++) {
		const struct srv_nic_request *nic = domain->nics->pdata[i];

		if (nic->mode == SRV_MODE_REQUIRED)
			return nic;
	}
	return NULL;
}

/* From here on a hanging call ends in the verdict that an unreachable daemon would get. */
static void arm_verdict(const struct hook_operation *operation, const struct srv_domain *domain)
{
	const struct srv_nic_request *required = required_nic(domain);

	if (!operation->may_refuse || !required)
		return;
	snprintf(alarm_sentence, sizeof(alarm_sentence),
		 "sriovd: nic %s of %s requires a VF, but sriovd did not answer within %g s; see "
		 "'systemctl status sriovd'",
		 required->id, domain->name, operation->timeout_ms / 1000.0);
	alarm_status = REFUSED;
}

static int report(const struct hook_operation *operation, const struct srv_domain *domain,
		  bool answered, const struct sriov_error *error)
{
	const struct srv_nic_request *required = required_nic(domain);
	g_autofree char *text = sriov_error_text(error);
	g_autofree char *sentence = NULL;

	if (operation->may_refuse && answered)
		return refuse(text);
	if (operation->may_refuse && required) {
		sentence = g_strdup_printf("nic %s of %s requires a VF, but none can be had: %s",
					   required->id, domain->name, text);
		return refuse(sentence);
	}
	if (operation->may_refuse)
		hook_make_links(domain);
	note(domain->name, operation, text);
	return LET_THROUGH;
}

/* The guest's XML cannot be understood. */
static int report_bad_xml(const struct hook_operation *operation, const char *guest,
			  const struct sriov_error *error)
{
	g_autofree char *text = sriov_error_text(error);
	g_autofree char *sentence = g_strdup_printf("the XML of %s cannot be used: %s", guest,
						    text);

	if (operation->may_refuse)
		return refuse(sentence);
	note(guest, operation, sentence);
	return LET_THROUGH;
}

static int refuse_metadata(const char *guest, const struct sriov_error *error)
{
	g_autofree char *text = sriov_error_text(error);
	g_autofree char *sentence = g_strdup_printf(
		"the nics in the <metadata> of %s are wrong: %s (correct them "
		"with 'virsh edit %s')",
		guest, text, guest);

	return refuse(sentence);
}

static int tell(const struct hook_operation *operation, const struct srv_domain *domain)
{
	sriov_autoerror err = NULL;
	bool answered;

	arm_verdict(operation, domain);
	if (tell_daemon(operation, domain, &answered, &err) == 0)
		return LET_THROUGH;
	return report(operation, domain, answered, err);
}

static int run(const struct hook_operation *operation, const char *guest)
{
	g_autoptr(GByteArray) xml = read_stdin();
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;
	int status = LET_THROUGH;

	srv_domain_parse((const char *)xml->data, xml->len, &domain, &err);
	/*
	 * Of a domain whose metadata was spoilt while it ran, the daemon still wants to hear: the
	 * UUID alone says whose VFs come free.
	 */
	if (!domain)
		status = report_bad_xml(operation, guest, err);
	else if (err && operation->may_refuse)
		status = refuse_metadata(guest, err);
	else if (domain->is_ours)
		status = tell(operation, domain);
	srv_domain_free(domain);
	return status;
}

int main(int argc, char **argv)
{
	const struct hook_operation *operation;

	if (argc < 4) {
		fprintf(stderr,
			"usage: %s GUEST OPERATION SUBOPERATION [EXTRA] <DOMAIN.XML\n"
			"libvirt runs it; see sriovd-hook(8).\n",
			argv[0]);
		return USAGE;
	}
	operation = hook_operation_find(argv[2], argv[3]);
	if (!operation)
		return LET_THROUGH;
	isolate(operation);
	return run(operation, argv[1]);
}
