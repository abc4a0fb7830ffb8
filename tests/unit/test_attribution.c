// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/attribution.h"

#include "unit_test.h"

static void an_interval_is_a_difference(void **state)
{
	const struct attribution then = {.captured = 10,
					 .inferred = 400,
					 .skipped = 5,
					 .verified = 100,
					 .mismatched = 1,
					 .waits = 1000,
					 .duration_ns = 5000,
					 .attributed_ns = 4900};
	const struct attribution now = {.captured = 30,
					.inferred = 1500,
					.skipped = 15,
					.verified = 300,
					.mismatched = 11,
					.waits = 3000,
					.duration_ns = 9000,
					.attributed_ns = 9100};
	const struct attribution since = attribution_since(&now, &then);
	double part = -1;

	(void)state;
	assert_int_equal(since.captured, 20);
	assert_int_equal(since.inferred, 1100);
	assert_int_equal(since.skipped, 10);
	assert_int_equal(since.waits, 2000);
	assert_true(attribution_mismatch(&since, &part));
	assert_float_equal(part, 0.05, 1e-9);
	assert_float_equal(attribution_error(&since), 0.05, 1e-9);
}

/* The parts are read at slightly different times. */
static void sums_that_lag_do_not_wrap(void **state)
{
	const struct attribution then = {.captured = 10, .skipped = 3, .waits = 20};
	const struct attribution now = {.captured = 12, .skipped = 2, .waits = 21};
	const struct attribution since = attribution_since(&now, &then);

	(void)state;
	assert_int_equal(since.skipped, 0);
}

static void nothing_is_no_error(void **state)
{
	const struct attribution none = {0};
	double part = -1;

	(void)state;
	assert_false(attribution_mismatch(&none, &part));
	assert_float_equal(part, -1, 0);
	assert_float_equal(attribution_error(&none), 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interval_is_a_difference),
		cmocka_unit_test(sums_that_lag_do_not_wrap),
		cmocka_unit_test(nothing_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
