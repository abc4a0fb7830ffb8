// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input/dump_fields.h"
#include "output/format.h"

static void test_ids(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"3fa91c02be77d41",
		"3fa91c02be77d4100",
		"3FA91C02BE77D410",
		"3fa91c02be77d41g",
		" fa91c02be77d410",
		"0x91c02be77d4100",
	};
	uint64_t id = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dump_id_parse(bad[i], &id));
	assert_int_equal(id, 42);
	assert_true(dump_id_parse("3fa91c02be77d410", &id));
	assert_int_equal(id, 0x3fa91c02be77d410);
	assert_true(dump_id_parse("ffffffffffffffff", &id));
	assert_int_equal(id, UINT64_MAX);
}

static void test_times_are_what_was_formatted(void **state)
{
	static const int64_t times[] = {0, 1790000000123000000, 1709208000000000000,
					4102444799999000000};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[FORMAT_TIME_SIZE];
		int64_t wall_ns = 42;

		format_time(times[i], 3, text);
		assert_true(dump_time_parse(text, &wall_ns));
		assert_int_equal(wall_ns, times[i]);
		format_time(times[i], 0, text);
		assert_true(dump_time_parse(text, &wall_ns));
		assert_int_equal(wall_ns, times[i] / 1000000000 * 1000000000);
	}
}

static void test_what_is_no_time(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-01-31T23:59:59",
		"2026-01-31T23:59:59+01:00",
		"2026-01-31 23:59:59Z",
		"2026-13-31T23:59:59Z",
		"2026-00-31T23:59:59Z",
		"2026-01-00T23:59:59Z",
		"2026-01-31T24:59:59Z",
		"2026-01-31T23:60:59Z",
		"2026-01-31T23:59:59.Z",
		"2026-01-31T23:59:59.1Z",
		"2026-01-31T23:59:59.1234Z",
		"1969-12-31T23:59:59Z",
		"9999-01-31T23:59:59Z",
		"2026-01-31T23:59:59ZZ",
		"-026-01-31T23:59:59Z",
	};
	int64_t wall_ns = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dump_time_parse(bad[i], &wall_ns));
	assert_int_equal(wall_ns, 42);
}

static void test_units_and_reasons(void **state)
{
	char longest[64] = "";
	enum unit unit;

	(void)state;
	assert_true(dump_unit_parse("thread", &unit));
	assert_int_equal(unit, UNIT_THREAD);
	assert_true(dump_unit_parse("goroutine", &unit));
	assert_int_equal(unit, UNIT_GOROUTINE);
	assert_false(dump_unit_parse("fiber", &unit));
	assert_false(dump_unit_parse(NULL, &unit));

	assert_true(dump_reason_is_valid("chan_receive_nil_chan"));
	assert_false(dump_reason_is_valid(""));
	assert_false(dump_reason_is_valid(NULL));
	assert_false(dump_reason_is_valid("chan send"));
	assert_false(dump_reason_is_valid("futex\n"));
	memset(longest, 'a', 48);
	assert_true(dump_reason_is_valid(longest));
	longest[48] = 'a';
	assert_false(dump_reason_is_valid(longest));
}

static void test_copies_are_counted(void **state)
{
	struct dump *dump = dump_new();
	struct error error = {0};
	char *copy = NULL;

	(void)state;
	assert_int_equal(dump_copy_text(dump, "text", &copy, &error), 0);
	assert_string_equal(copy, "text");
	free(copy);
	assert_int_equal(dump->bytes, 4);
	dump->bytes = DUMP_BYTES_MAX - 3;
	copy = NULL;
	assert_int_equal(dump_copy_text(dump, "text", &copy, &error), -E2BIG);
	assert_null(copy);
	assert_string_equal(error.text, "it is too large to be compared");
	dump_free(dump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_times_are_what_was_formatted),
		cmocka_unit_test(test_what_is_no_time),
		cmocka_unit_test(test_units_and_reasons),
		cmocka_unit_test(test_copies_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
