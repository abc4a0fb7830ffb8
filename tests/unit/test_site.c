// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/site.h"
#include "model_builder.h"

static void test_interval_is_what_the_last_report_did_not_say(void **state)
{
	struct stack *stack = build_stack("work", NULL);
	struct site *site = site_new(SITE_PARK, UNIT_THREAD, "futex", stack);
	struct site_interval interval;

	(void)state;
	assert_non_null(site);
	stack_free(stack); /* it has its own */
	sweep_site(site, 5, 10, SECOND_NS);
	site_add_waits(site, &(struct wait_sum){.count = 2, .duration_ns = 100, .max_ns = 80});
	site_end_report(site);
	sweep_site(site, 3, 10, 2 * SECOND_NS);
	site_add_waits(site, &(struct wait_sum){.count = 1, .duration_ns = 30, .max_ns = 30});
	interval = site_interval(site);
	assert_int_equal(interval.arrived, 0);
	assert_int_equal(interval.departed, 2);
	assert_int_equal(interval.waits, 1);
	assert_int_equal(interval.waits_ns, 30);
	assert_int_equal(site->waits.count, 3);
	assert_int_equal(site->waits.max_ns, 80);
	assert_int_equal(site_size(site), 3);
	assert_true(site_rate_per_minute(site) == -120);
	site_free(site);
	site_free(NULL);
}

static void test_a_birth_site_counts_the_living(void **state)
{
	struct stack *stack = build_stack("main", NULL);
	struct site *site = site_new(SITE_BIRTH, UNIT_THREAD, "birth", stack);
	struct site_interval interval;

	(void)state;
	assert_non_null(site);
	site->births = (struct birth_count){.live = 7, .born = 9, .exited = 2};
	assert_int_equal(site_size(site), 7);
	interval = site_interval(site);
	assert_int_equal(interval.born, 9);
	assert_int_equal(interval.exited, 2);
	site_end_report(site);
	interval = site_interval(site);
	assert_int_equal(interval.born, 0);
	site_free(site);
	stack_free(stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval_is_what_the_last_report_did_not_say),
		cmocka_unit_test(test_a_birth_site_counts_the_living),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
