// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/outcome.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

/* Names rather than numbers: a line that strace or a log shows can be read. */
const char *spci_outcome_code_name(enum sriov_error_code code)
{
	switch (code) {
	case SRIOV_ERROR_INVALID:
		return "invalid";
	case SRIOV_ERROR_NOT_FOUND:
		return "not_found";
	case SRIOV_ERROR_EXISTS:
		return "exists";
	case SRIOV_ERROR_BUSY:
		return "busy";
	case SRIOV_ERROR_EXHAUSTED:
		return "exhausted";
	case SRIOV_ERROR_NOT_SUPPORTED:
		return "not_supported";
	case SRIOV_ERROR_DENIED:
		return "denied";
	case SRIOV_ERROR_UNAVAILABLE:
		return "unavailable";
	case SRIOV_ERROR_TIMEOUT:
		return "timeout";
	case SRIOV_ERROR_DEVICE:
		return "device";
	case SRIOV_ERROR_LEDGER:
		return "ledger";
	case SRIOV_ERROR_LIMIT:
		return "limit";
	case SRIOV_ERROR_INTERNAL:
		return "internal";
	}
	return "internal";
}

static int parse_code(const char *name, enum sriov_error_code *ret)
{
	for (int code = 0; code < SRIOV_ERROR_CODES; code++)
		if (strcmp(spci_outcome_code_name((enum sriov_error_code)code), name) == 0) {
			*ret = (enum sriov_error_code)code;
			return 0;
		}
	return -EINVAL;
}

struct spci_outcome *spci_outcome_new(void)
{
	struct spci_outcome *outcome = g_new0(struct spci_outcome, 1);

	outcome->results = g_ptr_array_new();
	return outcome;
}

void spci_outcome_free(struct spci_outcome *outcome)
{
	if (!outcome)
		return;
	for (guint i = 0; i < outcome->results->len; i++) {
		struct spci_result *result = outcome->results->pdata[i];

		sriov_error_free(result->error);
		g_free(result);
	}
	g_ptr_array_unref(outcome->results);
	sriov_error_free(outcome->error);
	g_free(outcome);
}

void spci_outcome_add(struct spci_outcome *outcome, struct sriov_bdf bdf, struct sriov_error *error)
{
	struct spci_result *result = g_new0(struct spci_result, 1);

	result->bdf = bdf;
	result->error = error;
	g_ptr_array_add(outcome->results, result);
	if (error && !outcome->error)
		outcome->error = sriov_error_copy(error);
}

/* A string that jansson takes whatever a driver's name or a path may hold. */
static json_t *text(const char *string)
{
	g_autofree char *valid = g_utf8_make_valid(string, -1);

	return json_string(valid);
}

static void put_status(json_t *object, const struct sriov_error *error)
{
	json_object_set_new(object, "ok", json_boolean(!error));
	if (!error)
		return;
	json_object_set_new(object, "code", json_string(spci_outcome_code_name(error->code)));
	json_object_set_new(object, "errno", json_integer(error->err));
	if (error->subject)
		json_object_set_new(object, "subject", text(error->subject));
	json_object_set_new(object, "message", text(error->message));
}

char *spci_outcome_format(const struct spci_outcome *outcome)
{
	json_t *object = json_object();
	char *line, *ret;

	put_status(object, outcome->error);
	if (outcome->results->len == 0 && !outcome->error)
		json_object_set_new(object, "num", json_integer(outcome->num));
	if (outcome->results->len > 0) {
		json_t *array = json_array();

		for (guint i = 0; i < outcome->results->len; i++) {
			const struct spci_result *result = outcome->results->pdata[i];
			json_t *entry = json_object();
			char bdf[SRIOV_BDF_STRLEN];

			json_object_set_new(entry, "bdf",
					    json_string(sriov_bdf_format(result->bdf, bdf)));
			put_status(entry, result->error);
			json_array_append_new(array, entry);
		}
		json_object_set_new(object, "results", array);
	}
	line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	ret = g_strdup(line);
	free(line);
	return ret;
}

/* Reads ok, code, errno, subject, message. *ret is NULL when ok. */
static int get_status(json_t *object, struct sriov_error **ret)
{
	const char *code, *subject = NULL, *message;
	enum sriov_error_code parsed;
	json_int_t errnum;
	int ok;

	if (json_unpack(object, "{s:b}", "ok", &ok) < 0)
		return -EINVAL;
	if (ok)
		return 0;
	if (json_unpack(object, "{s:s, s:I, s?s, s:s}", "code", &code, "errno", &errnum, "subject",
			&subject, "message", &message) < 0)
		return -EINVAL;
	if (parse_code(code, &parsed) < 0 || errnum < 1 || errnum > 4095)
		return -EINVAL;
	sriov_error_set(ret, parsed, (int)errnum, subject, "%s", message);
	return 0;
}

static int get_results(json_t *array, struct spci_outcome *outcome)
{
	json_t *entry;
	size_t i;

	if (!json_is_array(array))
		return -EINVAL;
	json_array_foreach (array, i, entry) {
		struct sriov_error *error = NULL;
		struct sriov_bdf bdf;
		const char *name;

		if (json_unpack(entry, "{s:s}", "bdf", &name) < 0 ||
		    sriov_bdf_parse(name, &bdf) < 0 || get_status(entry, &error) < 0)
			return -EINVAL;
		spci_outcome_add(outcome, bdf, error);
	}
	return 0;
}

static int get_outcome(json_t *object, struct spci_outcome *outcome)
{
	json_t *results = json_object_get(object, "results");
	json_t *num = json_object_get(object, "num");
	struct sriov_error *first;
	int r = get_status(object, &outcome->error);

	if (r == 0 && num) {
		if (!json_is_integer(num) || json_integer_value(num) < 0 ||
		    json_integer_value(num) > UINT16_MAX)
			return -EINVAL;
		outcome->num = (uint32_t)json_integer_value(num);
	}
	if (r < 0 || !results)
		return r;
	/* Success of the whole with a failure among the parts contradicts itself. */
	first = outcome->error;
	r = get_results(results, outcome);
	return r == 0 && outcome->error != first ? -EINVAL : r;
}

int spci_outcome_parse(const char *text_, size_t len, struct spci_outcome **ret,
		       struct sriov_error **err)
{
	struct spci_outcome *outcome = spci_outcome_new();
	json_error_t problem;
	json_t *object = json_loadb(text_, len, JSON_REJECT_DUPLICATES, &problem);
	int r = json_is_object(object) ? get_outcome(object, outcome) : -EINVAL;

	json_decref(object);
	if (r < 0) {
		spci_outcome_free(outcome);
		return sriov_error_set(err, SRIOV_ERROR_INTERNAL, EPROTO, "sriovd-sysfs",
				       "the helper's answer of %zu bytes cannot be read", len);
	}
	*ret = outcome;
	return 0;
}
