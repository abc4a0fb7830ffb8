// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "output/format.h"

static void assert_count(uint64_t count, const char *expected)
{
	char text[FORMAT_NUMBER_SIZE];

	format_count(count, text);
	assert_string_equal(text, expected);
}

static void assert_duration(uint64_t ns, const char *expected)
{
	char text[FORMAT_NUMBER_SIZE];

	format_duration(ns, text);
	assert_string_equal(text, expected);
}

static void test_counts(void **state)
{
	(void)state;
	assert_count(0, "0");
	assert_count(999, "999");
	assert_count(1000, "1,000");
	assert_count(1234567, "1,234,567");
	assert_count(UINT64_MAX, "18,446,744,073,709,551,615");
}

static void test_durations_round_down(void **state)
{
	const uint64_t second = 1000000000;

	(void)state;
	assert_duration(0, "0us");
	assert_duration(999999, "999us");
	assert_duration(850999999, "850ms");
	assert_duration(12 * second + 199999999, "12.1s");
	assert_duration(60 * second - 1, "59.9s");
	assert_duration(250 * second, "4m10s");
	assert_duration(3600 * second - 1, "59m59s");
	assert_duration(3 * 3600 * second + 179 * second, "3h2m");
	assert_duration((5 * 24 + 3) * 3600 * second, "5d3h");
	assert_duration(UINT64_MAX, "213503d23h");
}

static void test_seconds_and_bytes(void **state)
{
	char text[FORMAT_NUMBER_SIZE];

	(void)state;
	format_seconds(4.99, text);
	assert_string_equal(text, "4s");
	format_seconds(-1, text);
	assert_string_equal(text, "0s");
	format_seconds(721, text);
	assert_string_equal(text, "12m1s");
	format_bytes(1023, text);
	assert_string_equal(text, "1023 B");
	format_bytes(12897485, text);
	assert_string_equal(text, "12.3 MiB");
	format_bytes(UINT64_MAX, text);
	assert_string_equal(text, "16.0 EiB");
}

static void test_time_is_rfc3339_utc(void **state)
{
	char text[FORMAT_TIME_SIZE];

	(void)state;
	format_time(0, 3, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	format_time(1790000000999999999, 3, text);
	assert_string_equal(text, "2026-09-21T14:13:20.999Z");
	format_time(1790000000999999999, 0, text);
	assert_string_equal(text, "2026-09-21T14:13:20Z");
	format_time(-1, 3, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_durations_round_down),
		cmocka_unit_test(test_seconds_and_bytes),
		cmocka_unit_test(test_time_is_rfc3339_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
