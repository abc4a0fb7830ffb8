// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input/jsonl_reader.h"

struct fixture {
	FILE *file;
	struct jsonl_reader *reader;
	struct error error;
};

static struct fixture open_text(const char *text, size_t length)
{
	struct fixture fixture = {.file = fmemopen((void *)(uintptr_t)text, length, "r")};

	assert_non_null(fixture.file);
	fixture.reader = jsonl_reader_new(fixture.file);
	assert_non_null(fixture.reader);
	return fixture;
}

static void close_text(struct fixture *fixture)
{
	jsonl_reader_free(fixture->reader);
	fclose(fixture->file);
}

static void assert_record(struct fixture *fixture, json_int_t number, uint64_t line)
{
	json_t *record = NULL;

	assert_int_equal(jsonl_reader_next(fixture->reader, &record, &fixture->error), 1);
	assert_int_equal(json_integer_value(json_object_get(record, "n")), number);
	assert_int_equal(jsonl_reader_line(fixture->reader), line);
	json_decref(record);
}

static void assert_ends(struct fixture *fixture, int code)
{
	json_t *record = NULL;

	assert_int_equal(jsonl_reader_next(fixture->reader, &record, &fixture->error), code);
	assert_null(record);
}

static void test_one_record_after_the_other(void **state)
{
	static const char text[] = "{\"n\":1}\n{\"n\":2}\r\n  {\"n\":3}\n";
	struct fixture fixture = open_text(text, strlen(text));

	(void)state;
	assert_record(&fixture, 1, 1);
	assert_record(&fixture, 2, 2);
	assert_record(&fixture, 3, 3);
	assert_ends(&fixture, 0);
	assert_ends(&fixture, 0);
	close_text(&fixture);
	jsonl_reader_free(NULL);
}

/* Lines that end anywhere in what is read at once. */
static void test_many_lines_of_many_lengths(void **state)
{
	enum {
		LINES = 2000,
	};
	size_t capacity = LINES * 600, length = 0;
	char *text = malloc(capacity);
	struct fixture fixture;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < LINES; i++)
		length += (size_t)snprintf(text + length, capacity - length,
					   "{\"n\":%d,\"x\":\"%*s\"}\n", i, i * 7 % 500, "");
	fixture = open_text(text, length);
	for (int i = 0; i < LINES; i++)
		assert_record(&fixture, i, (uint64_t)i + 1);
	assert_ends(&fixture, 0);
	close_text(&fixture);
	free(text);
}

static void test_what_is_no_record(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{"{\"n\":1}\nx\n", "line 2 is no JSON object"},
		{"{\"n\":1}\n\n", "line 2 is no JSON object"},
		{"{\"n\":1}\n[1]\n", "line 2 is no JSON object"},
		{"{\"n\":1}\n{\"n\":2} {}\n", "line 2 is no JSON object"},
		{"{\"n\":1}\n{\"n\":2,\"n\":3}\n", "line 2 is no JSON object"},
		{"{\"n\":1}\n{\"n\":\"\\u0000\"}\n", "line 2 is no JSON object"},
		{"{\"n\":1}\n{\"n\":\"\xff\"}\n", "line 2 is no JSON object"},
		{"{\"n\":1}\n{\"n\":2}", "line 2 is cut"},
		{"{\"n\":1}\n{", "line 2 is cut"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture fixture = open_text(bad[i].text, strlen(bad[i].text));

		assert_record(&fixture, 1, 1);
		assert_ends(&fixture, -EBADMSG);
		assert_string_equal(fixture.error.text, bad[i].error);
		close_text(&fixture);
	}
}

static void test_deep_nesting_is_refused(void **state)
{
	enum {
		DEPTH = 100000,
	};
	char *text = malloc(DEPTH + 1);
	struct fixture fixture;

	(void)state;
	assert_non_null(text);
	memset(text, '[', DEPTH);
	text[DEPTH] = '\n';
	fixture = open_text(text, DEPTH + 1);
	assert_ends(&fixture, -EBADMSG);
	close_text(&fixture);
	free(text);
}

static void test_a_line_without_end(void **state)
{
	char *text = malloc(2 * JSONL_LINE_MAX);
	struct fixture fixture;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', 2 * JSONL_LINE_MAX);
	fixture = open_text(text, 2 * JSONL_LINE_MAX);
	assert_ends(&fixture, -E2BIG);
	assert_string_equal(fixture.error.text, "line 1 is longer than 4194304 bytes");
	close_text(&fixture);
	free(text);
}

static void test_a_file_that_cannot_be_read(void **state)
{
	FILE *file = fopen("/", "r");
	struct jsonl_reader *reader;
	struct error error = {0};
	json_t *record = NULL;

	(void)state;
	assert_non_null(file);
	reader = jsonl_reader_new(file);
	assert_int_equal(jsonl_reader_next(reader, &record, &error), -EISDIR);
	assert_string_equal(error.text, "Is a directory");
	jsonl_reader_free(reader);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_record_after_the_other),
		cmocka_unit_test(test_many_lines_of_many_lengths),
		cmocka_unit_test(test_what_is_no_record),
		cmocka_unit_test(test_deep_nesting_is_refused),
		cmocka_unit_test(test_a_line_without_end),
		cmocka_unit_test(test_a_file_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
