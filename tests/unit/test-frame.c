// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/protocol/frame.h"

#define SMALL 64

static struct srv_frame_reader *reader_with(const char *bytes, size_t n)
{
	struct srv_frame_reader *reader = srv_frame_reader_new(SMALL);
	sriov_autoerror err = NULL;

	assert_ok(srv_frame_reader_feed(reader, bytes, n, &err), err);
	return reader;
}

static void assert_next_is(struct srv_frame_reader *reader, const char *expected)
{
	sriov_autoerror err = NULL;
	json_t *message = NULL;
	char *text;

	assert_ok(srv_frame_reader_next(reader, &message, &err), err);
	assert_non_null(message);
	text = json_dumps(message, JSON_COMPACT);
	assert_string_equal(text, expected);
	free(text);
	json_decref(message);
}

static void assert_no_next(struct srv_frame_reader *reader)
{
	json_t *message = NULL;

	assert_int_equal(srv_frame_reader_next(reader, &message, NULL), 0);
	assert_null(message);
}

/* A message that must be refused: its error, the caller's. */
static struct sriov_error *refusal_of(const char *text)
{
	struct srv_frame_reader *reader = srv_frame_reader_new(1024);
	struct sriov_error *err = NULL;
	json_t *message = NULL;

	assert_ok(srv_frame_reader_feed(reader, text, strlen(text) + 1, &err), err);
	assert_true(srv_frame_reader_next(reader, &message, &err) < 0);
	assert_null(message);
	assert_non_null(err);
	/* It was taken out all the same. */
	assert_no_next(reader);
	srv_frame_reader_free(reader);
	return err;
}

static void reader_several_in_one_chunk_come_in_order(void **state)
{
	static const char bytes[] = "{\"a\":1}\0{ \"b\" : [true] }\0{\"c\"";
	struct srv_frame_reader *reader = reader_with(bytes, sizeof(bytes) - 1);
	size_t held;

	assert_int_equal(srv_frame_reader_whole(reader, &held), 2);
	assert_int_equal(held, sizeof(bytes) - 1);
	assert_next_is(reader, "{\"a\":1}");
	assert_next_is(reader, "{\"b\":[true]}");
	assert_no_next(reader);
	assert_int_equal(srv_frame_reader_feed(reader, ":2}", 4, NULL), 0);
	assert_next_is(reader, "{\"c\":2}");
	assert_int_equal(srv_frame_reader_whole(reader, &held), 0);
	assert_int_equal(held, 0);
	srv_frame_reader_free(reader);
}

static void reader_byte_by_byte_gives_the_same(void **state)
{
	static const char bytes[] = "{\"text\":\"\\u00e4 \xc3\xa4\"}\0{}";
	struct srv_frame_reader *reader = srv_frame_reader_new(SMALL);

	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(srv_frame_reader_feed(reader, bytes + i, 1, NULL), 0);
		if (bytes[i] != '\0')
			assert_no_next(reader);
		else
			assert_next_is(reader, i < sizeof(bytes) - 1
						       ? "{\"text\":\"\xc3\xa4 \xc3\xa4\"}"
						       : "{}");
	}
	srv_frame_reader_free(reader);
}

static void reader_largest_message_accepted_one_byte_more_refused(void **state)
{
	struct srv_frame_reader *reader = srv_frame_reader_new(SMALL);
	sriov_autoerror err = NULL;
	char bytes[SMALL + 1];

	memset(bytes, ' ', sizeof(bytes));
	bytes[0] = '{';
	bytes[SMALL - 1] = '}';
	bytes[SMALL] = '\0';
	/* Twice, and cut anywhere: what counts is the message, not what lies in the buffer. */
	assert_int_equal(srv_frame_reader_feed(reader, bytes, 10, NULL), 0);
	assert_int_equal(srv_frame_reader_feed(reader, bytes + 10, SMALL + 1 - 10, NULL), 0);
	assert_int_equal(srv_frame_reader_feed(reader, bytes, SMALL + 1, NULL), 0);
	assert_int_equal(srv_frame_reader_feed(reader, bytes, SMALL, NULL), 0);
	assert_int_equal(srv_frame_reader_feed(reader, " ", 1, &err), -EMSGSIZE);
	assert_int_equal(err->code, SRIOV_ERROR_LIMIT);
	assert_string_equal(err->message, "the message is longer than 64 bytes");
	/* What was whole before it is still there. */
	assert_next_is(reader, "{}");
	assert_next_is(reader, "{}");
	assert_no_next(reader);
	srv_frame_reader_free(reader);
}

static void reader_malformed_message_refused_with_place(void **state)
{
	static const struct {
		const char *text;
		const char *part; /* of the sentence */
	} cases[] = {
		{ "", "line 1, column 0 (byte 0)" },
		{ "{", "line 1, column 1 (byte 1)" },
		{ "{\n\"a\": 1,\n}", "line 3, column 1" },
		{ "{\"a\":1,\"a\":2}", "duplicate" },
		{ "{\"a\":\"\\u0000\"}", "\\u0000" },
		{ "{\"a\":\"\xff\"}", "unable to decode byte 0xff" },
		{ "{\"a\":\"\xc3\"}", "unable to decode" },
		{ "{} {}", "end of file expected" },
		{ "{\"a\":123456789012345678901234567890}", "too big integer" },
		{ "[]", "not a JSON object" },
		{ "\"text\"", "line 1" },
		{ "null", "line 1" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		sriov_autoerror err = refusal_of(cases[i].text);

		assert_int_equal(err->code, SRIOV_ERROR_INVALID);
		if (!strstr(err->message, cases[i].part))
			fail_msg("%s: %s", cases[i].text, err->message);
		assert_true(g_utf8_validate(err->message, -1, NULL));
	}
}

/* {"a":[[[…]]]}, depth levels in all */
static char *nested(size_t depth, char open, char close)
{
	GString *text = g_string_new("{\"a\":");

	for (size_t i = 1; i < depth; i++)
		g_string_append(text, open == '{' ? "{\"a\":" : "[");
	g_string_append(text, "0");
	for (size_t i = 1; i < depth; i++)
		g_string_append_c(text, close);
	g_string_append_c(text, '}');
	return g_string_free(text, FALSE);
}

static void reader_nesting_limit_is_exact(void **state)
{
	static const char marks[][2] = { { '[', ']' }, { '{', '}' } };

	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
		g_autofree char *good = nested(SRV_MESSAGE_DEPTH, marks[i][0], marks[i][1]);
		g_autofree char *deep = nested(SRV_MESSAGE_DEPTH + 1, marks[i][0], marks[i][1]);
		struct srv_frame_reader *reader = srv_frame_reader_new(1024);
		sriov_autoerror err = refusal_of(deep);

		assert_int_equal(srv_frame_reader_feed(reader, good, strlen(good) + 1, NULL), 0);
		assert_next_is(reader, good);
		srv_frame_reader_free(reader);
		assert_int_equal(err->code, SRIOV_ERROR_LIMIT);
		assert_non_null(strstr(err->message, "deeper than 16 levels at byte "));
	}
}

static void reader_brackets_in_strings_are_no_nesting(void **state)
{
	static const char bytes[] = "{\"[[[[[[[[[[[\":\"\\\"{{{{{{{{{{{{{{{{{{{{{{{\"}";
	struct srv_frame_reader *reader = reader_with(bytes, sizeof(bytes));

	assert_next_is(reader, bytes);
	srv_frame_reader_free(reader);
}

static void encode_ends_with_one_nul(void **state)
{
	json_t *message = json_pack("{s:s, s:{s:[i,i]}}", "method", "a.B", "parameters", "x", 1, 2);
	g_autoptr(GBytes) bytes = srv_frame_encode(message);
	static const char expected[] = "{\"method\":\"a.B\",\"parameters\":{\"x\":[1,2]}}";
	gsize n;
	const char *data = g_bytes_get_data(bytes, &n);

	assert_int_equal(n, sizeof(expected));
	assert_memory_equal(data, expected, sizeof(expected));
	json_decref(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_several_in_one_chunk_come_in_order),
		cmocka_unit_test(reader_byte_by_byte_gives_the_same),
		cmocka_unit_test(reader_largest_message_accepted_one_byte_more_refused),
		cmocka_unit_test(reader_malformed_message_refused_with_place),
		cmocka_unit_test(reader_nesting_limit_is_exact),
		cmocka_unit_test(reader_brackets_in_strings_are_no_nesting),
		cmocka_unit_test(encode_ends_with_one_nul),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
