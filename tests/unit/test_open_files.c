// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/open_files.h"

#include <sys/resource.h>

#include "unit_test.h"

static void the_soft_limit_becomes_the_hard_one(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	open_files_raise_limit();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_cur > 64);
	assert_int_equal(limit.rlim_cur, limit.rlim_max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_soft_limit_becomes_the_hard_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
