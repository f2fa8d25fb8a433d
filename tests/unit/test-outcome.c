// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "pci/outcome.h"

static struct spci_outcome *parse(const char *text)
{
	struct spci_outcome *outcome = NULL;
	sriov_autoerror err = NULL;

	assert_ok(spci_outcome_parse(text, strlen(text), &outcome, &err), err);
	return outcome;
}

/* What is formatted, and parsed again, is formatted the same. */
static void check_round_trip(const struct spci_outcome *outcome, const char *expected)
{
	g_autofree char *line = spci_outcome_format(outcome);
	g_autofree char *again = NULL;
	struct spci_outcome *parsed;

	assert_string_equal(line, expected);
	parsed = parse(line);
	again = spci_outcome_format(parsed);
	assert_string_equal(again, expected);
	assert_int_equal(parsed->num, outcome->num);
	assert_int_equal(parsed->results->len, outcome->results->len);
	spci_outcome_free(parsed);
}

static void outcome_created_round_trip(void **state)
{
	struct spci_outcome *outcome = spci_outcome_new();

	outcome->num = 7;
	check_round_trip(outcome, "{\"ok\":true,\"num\":7}");
	spci_outcome_free(outcome);
}

static void outcome_failed_round_trip(void **state)
{
	struct spci_outcome *outcome = spci_outcome_new();
	struct spci_outcome *parsed;

	sriov_error_set(&outcome->error, SRIOV_ERROR_BUSY, EBUSY, "0000:01:10.0", "in \"use\": %s",
			"x");
	check_round_trip(outcome, "{\"ok\":false,\"code\":\"busy\",\"errno\":16,\"subject\":"
				  "\"0000:01:10.0\",\"message\":\"in \\\"use\\\": x\"}");
	parsed = parse(
		"{\"ok\":false,\"code\":\"not_supported\",\"errno\":95,\"message\":\"m\"}\n");
	assert_int_equal(parsed->error->code, SRIOV_ERROR_NOT_SUPPORTED);
	assert_int_equal(parsed->error->err, EOPNOTSUPP);
	assert_null(parsed->error->subject);
	assert_string_equal(parsed->error->message, "m");
	spci_outcome_free(parsed);
	spci_outcome_free(outcome);
}

static void outcome_several_functions_round_trip(void **state)
{
	struct spci_outcome *outcome = spci_outcome_new();
	struct sriov_error *error = NULL;
	struct spci_outcome *parsed;
	const struct spci_result *result;

	sriov_error_set(&error, SRIOV_ERROR_DEVICE, ENODEV, "0000:01:10.2", "gone");
	spci_outcome_add(outcome, (struct sriov_bdf){ 0, 1, 0x10, 0 }, NULL);
	spci_outcome_add(outcome, (struct sriov_bdf){ 0, 1, 0x10, 2 }, error);
	check_round_trip(outcome,
			 "{\"ok\":false,\"code\":\"device\",\"errno\":19,\"subject\":"
			 "\"0000:01:10.2\",\"message\":\"gone\",\"results\":["
			 "{\"bdf\":\"0000:01:10.0\",\"ok\":true},"
			 "{\"bdf\":\"0000:01:10.2\",\"ok\":false,\"code\":\"device\",\"errno\":19,"
			 "\"subject\":\"0000:01:10.2\",\"message\":\"gone\"}]}");
	parsed = parse("{\"ok\":true,\"results\":[{\"bdf\":\"0000:01:10.2\",\"ok\":true}]}");
	result = parsed->results->pdata[0];
	assert_int_equal(result->bdf.function, 2);
	assert_null(result->error);
	spci_outcome_free(parsed);
	spci_outcome_free(outcome);
}

static void outcome_codes_distinct(void **state)
{
	for (int a = 0; a < SRIOV_ERROR_CODES; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(spci_outcome_code_name((enum sriov_error_code)a),
						spci_outcome_code_name((enum sriov_error_code)b));
}

/* A driver's name need not be UTF-8; the line must be JSON all the same. */
static void outcome_bytes_that_are_no_text_replaced(void **state)
{
	struct spci_outcome *outcome = spci_outcome_new();
	g_autofree char *line = NULL;

	sriov_error_set(&outcome->error, SRIOV_ERROR_DEVICE, EIO, NULL, "driver \xff\xfe took it");
	line = spci_outcome_format(outcome);
	spci_outcome_free(parse(line));
	spci_outcome_free(outcome);
}

static void outcome_broken_text_internal(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"ok\":1}",
		"{\"ok\":true,\"num\":-1}",
		"{\"ok\":true,\"num\":65536}",
		"{\"ok\":true,\"num\":\"7\"}",
		"{\"ok\":true,\"ok\":false}",
		"{\"ok\":false}",
		"{\"ok\":false,\"code\":\"busy\",\"errno\":16}",
		"{\"ok\":false,\"code\":\"bus\",\"errno\":16,\"message\":\"m\"}",
		"{\"ok\":false,\"code\":\"busy\",\"errno\":0,\"message\":\"m\"}",
		"{\"ok\":false,\"code\":\"busy\",\"errno\":4294967312,\"message\":\"m\"}",
		"{\"ok\":true,\"results\":7}",
		"{\"ok\":true,\"results\":[7]}",
		"{\"ok\":true,\"results\":[{\"bdf\":\"x\",\"ok\":true}]}",
		"{\"ok\":true,\"results\":[{\"bdf\":\"0000:01:10.0\"}]}",
		/* The whole cannot be well while a part is not. */
		"{\"ok\":true,\"results\":[{\"bdf\":\"0000:01:10.0\",\"ok\":false,\"code\":"
		"\"busy\","
		"\"errno\":16,\"message\":\"m\"}]}",
		"{\"ok\":true,\"num\":7}{\"ok\":true}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct spci_outcome *outcome = NULL;
		struct sriov_error *err = NULL;

		if (spci_outcome_parse(texts[i], strlen(texts[i]), &outcome, &err) >= 0)
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(err->code, SRIOV_ERROR_INTERNAL);
		assert_null(outcome);
		sriov_error_free(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcome_created_round_trip),
		cmocka_unit_test(outcome_failed_round_trip),
		cmocka_unit_test(outcome_several_functions_round_trip),
		cmocka_unit_test(outcome_codes_distinct),
		cmocka_unit_test(outcome_bytes_that_are_no_text_replaced),
		cmocka_unit_test(outcome_broken_text_internal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
