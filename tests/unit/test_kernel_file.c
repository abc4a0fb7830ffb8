// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/kernel_file.h"

#include <errno.h>

#include "fake_host.h"

static void numbers_are_decimal_and_whole(void **state)
{
	static const char *const wrong[] = {"",     "-1", "+1", " 1",
					    "0x10", "1a", "a",  "18446744073709551616"};
	uint64_t number = 0;

	(void)state;
	assert_true(kernel_file_parse_number("42\n", &number));
	assert_int_equal(number, 42);
	assert_true(kernel_file_parse_number("18446744073709551615 7", &number));
	assert_true(number == UINT64_MAX);
	assert_true(kernel_file_parse_number("0", &number));
	assert_int_equal(number, 0);
	number = 5;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(kernel_file_parse_number(wrong[i], &number));
	assert_int_equal(number, 5);
}

static void fields_stand_at_the_start_of_a_line(void **state)
{
	const char *text = "Name:\tThreads:7\nThreads:\t 3\n";

	(void)state;
	assert_string_equal(kernel_file_field(text, "Threads:"), "3\n");
	assert_string_equal(kernel_file_field(text, "Name:"), "Threads:7\nThreads:\t 3\n");
	assert_null(kernel_file_field(text, "Uid:"));
	assert_null(kernel_file_field("", "Uid:"));
}

static void files_are_read_as_far_as_there_is_room(void **state)
{
	struct fake_host host;
	char path[PATH_MAX], text[6];
	uint64_t number = 7;

	(void)state;
	fake_host_make(&host);
	fake_file(&host, "/long", "123456789");
	fake_file(&host, "/max", "max\n");
	fake_file(&host, "/number", "9223372036854771712\n");
	fake_file(&host, "/words", "many words\n");

	fake_host_path(&host, "/long", path);
	assert_int_equal(kernel_file_read(path, text, sizeof(text)), 0);
	assert_string_equal(text, "12345");
	fake_host_path(&host, "/words", path);
	assert_int_equal(kernel_file_read_number(path, &number), -EINVAL);
	fake_host_path(&host, "/missing", path);
	assert_int_equal(kernel_file_read_number(path, &number), -ENOENT);
	assert_int_equal(number, 7);
	fake_host_path(&host, "/max", path);
	assert_int_equal(kernel_file_read_number(path, &number), 0);
	assert_true(number == UINT64_MAX);
	fake_host_path(&host, "/number", path);
	assert_int_equal(kernel_file_read_number(path, &number), 0);
	assert_true(number == 9223372036854771712ULL);
	fake_host_remove(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_decimal_and_whole),
		cmocka_unit_test(fields_stand_at_the_start_of_a_line),
		cmocka_unit_test(files_are_read_as_far_as_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
