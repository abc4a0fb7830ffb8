// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "unit_test.h"

static void set_returns_the_code_and_keeps_the_text(void **state)
{
	struct error error = {0};

	(void)state;
	assert_int_equal(error_set(&error, -ENOENT, "no %s", "file"), -ENOENT);
	assert_int_equal(error.code, -ENOENT);
	assert_string_equal(error.text, "no file");
}

static void null_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, -EPERM, "x"), -EPERM);
	assert_int_equal(error_prefix(NULL, "x"), 0);
}

static void prefix_stands_in_front(void **state)
{
	struct error error = {0};

	(void)state;
	error_set(&error, -EIO, "broken");
	assert_int_equal(error_prefix(&error, "reading %d", 7), -EIO);
	assert_string_equal(error.text, "reading 7: broken");
}

static void long_texts_are_cut_and_terminated(void **state)
{
	struct error error = {0};
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&error, -EIO, "%s", text);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
	error_prefix(&error, "%s", text);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_returns_the_code_and_keeps_the_text),
		cmocka_unit_test(null_is_accepted),
		cmocka_unit_test(prefix_stands_in_front),
		cmocka_unit_test(long_texts_are_cut_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
