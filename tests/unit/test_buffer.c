// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <string.h>

#include "output/buffer.h"

static void test_grows_and_keeps(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	for (int i = 0; i < 10000; i++)
		buffer_print(&buffer, "%04d,", i);
	assert_false(buffer.failed);
	assert_int_equal(buffer.length, 50000);
	assert_memory_equal(buffer.data, "0000,0001,", 10);
	assert_memory_equal(buffer.data + 49990, "9998,9999,", 10);
	buffer_release(&buffer);
}

static void test_clear_keeps_the_memory(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	buffer_add_text(&buffer, "text");
	buffer_pad(&buffer, 2);
	buffer_add(&buffer, "x\0y", 3);
	assert_int_equal(buffer.length, 9);
	assert_memory_equal(buffer.data, "text  x\0y", 9);
	buffer.failed = true;
	buffer_add_text(&buffer, "ignored");
	assert_int_equal(buffer.length, 9);
	buffer_clear(&buffer);
	assert_int_equal(buffer.length, 0);
	assert_false(buffer.failed);
	assert_true(buffer.capacity > 0);
	buffer_release(&buffer);
	assert_null(buffer.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_and_keeps),
		cmocka_unit_test(test_clear_keeps_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
