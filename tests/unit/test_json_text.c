// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <string.h>

#include "output/json_text.h"

static void assert_written(struct buffer *buffer, const char *expected)
{
	assert_false(buffer->failed);
	assert_int_equal(buffer->length, strlen(expected));
	assert_memory_equal(buffer->data, expected, buffer->length);
	buffer_clear(buffer);
}

static void test_numbers(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	json_text_number(&buffer, 0);
	assert_written(&buffer, "0");
	json_text_number(&buffer, -1);
	assert_written(&buffer, "-1");
	json_text_number(&buffer, INT64_MAX);
	assert_written(&buffer, "9223372036854775807");
	json_text_number(&buffer, INT64_MIN);
	assert_written(&buffer, "-9223372036854775808");
	buffer_release(&buffer);
}

static void test_strings_lose_nothing(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	json_text_string(&buffer, "");
	assert_written(&buffer, "\"\"");
	json_text_string(&buffer, "a\"b\\c\n\x1f\x7f\xc3\xa4");
	assert_written(&buffer, "\"a\\\"b\\\\c\\u000a\\u001f\x7f\xc3\xa4\"");
	json_text_string(&buffer, "a\xff");
	assert_written(&buffer, "[\"61ff\"]");
	json_text_optional(&buffer, NULL);
	assert_written(&buffer, "null");
	json_text_optional(&buffer, "x");
	assert_written(&buffer, "\"x\"");
	buffer_release(&buffer);
}

static void test_commas_stand_between(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	buffer_add_text(&buffer, "{");
	json_text_put_number(&buffer, "a", UINT64_MAX);
	json_text_put_true(&buffer, "no", false);
	json_text_put_true(&buffer, "b", true);
	json_text_put_string(&buffer, "none", NULL);
	json_text_put_string(&buffer, "c", "{");
	json_text_open_object(&buffer, "d");
	json_text_close_object(&buffer);
	json_text_open_array(&buffer, "e");
	json_text_item(&buffer, 1);
	json_text_item(&buffer, 2);
	json_text_close_array(&buffer);
	buffer_add_text(&buffer, "}");
	assert_written(&buffer, "{\"a\":-1,\"b\":true,\"c\":\"{\",\"d\":{},\"e\":[1,2]}");
	buffer_release(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings_lose_nothing),
		cmocka_unit_test(test_commas_stand_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
