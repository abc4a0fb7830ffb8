// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/crowd.h"

static void test_counts_who_is_here_and_who_came(void **state)
{
	struct crowd crowd = {0};

	(void)state;
	crowd_begin(&crowd);
	crowd_park(&crowd, 100, AGE_EXACT, false);
	crowd_park(&crowd, 300, AGE_EXACT, false);
	crowd_park(&crowd, 200, AGE_EXACT, true);
	crowd_end(&crowd, 1000);
	assert_int_equal(crowd.now, 3);
	assert_int_equal(crowd.oldest_ns, 300);
	assert_int_equal(crowd.arrived, 1);
	assert_int_equal(crowd.departed, 0);
}

static void test_a_sweep_starts_empty_but_flows_add_up(void **state)
{
	struct crowd crowd = {0};

	(void)state;
	crowd_begin(&crowd);
	crowd_park(&crowd, 500, AGE_AT_MOST, true);
	crowd_end(&crowd, 1000);
	assert_int_equal(crowd.oldest_bound, AGE_AT_MOST);

	crowd_begin(&crowd);
	crowd_leave(&crowd);
	crowd_park(&crowd, 7, AGE_EXACT, true);
	crowd_end(&crowd, 2000);
	assert_int_equal(crowd.now, 1);
	assert_int_equal(crowd.oldest_ns, 7);
	assert_int_equal(crowd.oldest_bound, AGE_EXACT);
	assert_int_equal(crowd.arrived, 2);
	assert_int_equal(crowd.departed, 1);
}

static void test_at_most_belongs_to_the_oldest(void **state)
{
	struct crowd crowd = {0};

	(void)state;
	crowd_begin(&crowd);
	crowd_park(&crowd, 900, AGE_AT_MOST, false);
	crowd_park(&crowd, 100, AGE_EXACT, false);
	crowd_end(&crowd, 1000);
	assert_int_equal(crowd.oldest_ns, 900);
	assert_int_equal(crowd.oldest_bound, AGE_AT_MOST);

	crowd_begin(&crowd);
	crowd_park(&crowd, 100, AGE_AT_MOST, false);
	crowd_park(&crowd, 900, AGE_EXACT, false);
	crowd_end(&crowd, 2000);
	assert_int_equal(crowd.oldest_bound, AGE_EXACT);

	/* Of the same age for all we know, whatever their order. */
	crowd_begin(&crowd);
	crowd_park(&crowd, 900, AGE_AT_LEAST, false);
	crowd_park(&crowd, 900, AGE_AT_MOST, false);
	crowd_end(&crowd, 3000);
	assert_int_equal(crowd.oldest_bound, AGE_AT_LEAST);
	crowd_begin(&crowd);
	crowd_park(&crowd, 900, AGE_AT_MOST, false);
	crowd_park(&crowd, 900, AGE_AT_LEAST, false);
	crowd_end(&crowd, 4000);
	assert_int_equal(crowd.oldest_bound, AGE_AT_LEAST);
}

static void test_growth_follows_the_crowd(void **state)
{
	struct crowd crowd = {0};

	(void)state;
	crowd_begin(&crowd);
	crowd_end(&crowd, 0);
	crowd_begin(&crowd);
	crowd_park(&crowd, 1, AGE_EXACT, true);
	crowd_end(&crowd, 30000000000ULL);
	assert_true(trend_per_minute(&crowd.trend) == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_who_is_here_and_who_came),
		cmocka_unit_test(test_a_sweep_starts_empty_but_flows_add_up),
		cmocka_unit_test(test_at_most_belongs_to_the_oldest),
		cmocka_unit_test(test_growth_follows_the_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
