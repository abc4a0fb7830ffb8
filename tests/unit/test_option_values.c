// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "option_values.h"

#include <errno.h>

#include "unit_test.h"

static void numbers(void **state)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "0x1", "101", "1.5", "99999999999999999999"};
	uint64_t number = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(option_number(bad[i], 100, &number), -EINVAL);
	assert_int_equal(number, 42);
	assert_int_equal(option_number("100", 100, &number), 0);
	assert_int_equal(number, 100);
	assert_int_equal(option_number("18446744073709551615", UINT64_MAX, &number), 0);
	assert_int_equal(number, UINT64_MAX);
}

static void percentages(void **state)
{
	static const char *const bad[] = {"",    "0",   "0.0", "-1",  "+1",  "101",  " 1",
					  "1 %", "1%%", "1e1", "0x1", "nan", "1.2.3"};
	double percent = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(option_percent(bad[i], 100, &percent), -EINVAL);
	assert_float_equal(percent, 42, 0);
	assert_int_equal(option_percent("0.25", 100, &percent), 0);
	assert_float_equal(percent, 0.25, 0);
	assert_int_equal(option_percent("100%", 100, &percent), 0);
	assert_float_equal(percent, 100, 0);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"500ms", 500000000ULL},  {"5s", 5000000000ULL}, {"2m", 120000000000ULL},
		    {"1h", 3600000000000ULL}, {"3", 3000000000ULL},  {"1.5s", 1500000000ULL}};
	static const char *const bad[] = {"",    "s",    "-1s", "5x",  " 5s",      "5 s",
					  "1e9", "0x10", "inf", "nan", "9999999h", "1.2.3s"};
	uint64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(option_duration(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	ns = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(option_duration(bad[i], &ns), -EINVAL);
	assert_int_equal(ns, 42);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} good[] = {{"4096", 4096}, {"8K", 8192},        {"64M", 64UL << 20}, {"1G", 1UL << 30},
		    {"2KiB", 2048}, {"3MiB", 3UL << 20}, {"1GiB", 1UL << 30}, {"0", 0}};
	static const char *const bad[] = {"",     "M",
					  "-1M",  "1.5M",
					  "1T",   "1m",
					  "0x10", " 1M",
					  "1 M",  "99999999999999999999",
					  "1MB",  "999999999999999999G"};
	size_t bytes = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(option_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	bytes = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(option_size(bad[i], &bytes), -EINVAL);
	assert_int_equal(bytes, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(percentages),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
