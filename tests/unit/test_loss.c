// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <stdio.h>

#include "model/loss.h"

static void test_adds_by_cause(void **state)
{
	struct losses losses = {0};
	char cause[] = "map_full";

	(void)state;
	losses_add(&losses, "map_full", 2);
	losses_add(&losses, "moved", 1);
	losses_add(&losses, cause, 3); /* the text counts, not the pointer */
	assert_int_equal(losses.count, 2);
	assert_string_equal(losses.items[0].cause, "map_full");
	assert_int_equal(losses.items[0].total, 5);
	assert_int_equal(losses_interval(&losses), 6);
}

static void test_zero_adds_nothing(void **state)
{
	struct losses losses = {0};

	(void)state;
	losses_add(&losses, "map_full", 0);
	losses_set_total(&losses, "moved", 0);
	assert_int_equal(losses.count, 0);
	assert_int_equal(losses_interval(&losses), 0);
}

static void test_totals_that_somebody_else_counts(void **state)
{
	struct losses losses = {0};

	(void)state;
	losses_set_total(&losses, "map_full", 10);
	losses_end_report(&losses);
	losses_set_total(&losses, "map_full", 13);
	assert_int_equal(losses_interval(&losses), 3);
	losses_set_total(&losses, "map_full", 13);
	losses_set_total(&losses, "map_full", 5); /* never goes back */
	assert_int_equal(losses_interval(&losses), 3);
	assert_int_equal(losses.items[0].total, 13);
}

static void test_a_report_ends_the_interval_only(void **state)
{
	struct losses losses = {0};

	(void)state;
	losses_add(&losses, "moved", 4);
	losses_end_report(&losses);
	assert_int_equal(losses_interval(&losses), 0);
	assert_int_equal(losses.items[0].total, 4);
}

static void test_too_many_causes_count_as_the_last(void **state)
{
	static char causes[LOSS_CAUSES_MAX + 2][32];
	struct losses losses = {0};

	(void)state;
	for (size_t i = 0; i < LOSS_CAUSES_MAX + 2; i++) {
		snprintf(causes[i], sizeof(causes[i]), "cause_%zu", i);
		losses_add(&losses, causes[i], 1);
	}
	assert_int_equal(losses.count, LOSS_CAUSES_MAX);
	assert_int_equal(losses.items[LOSS_CAUSES_MAX - 1].total, 3);
	assert_int_equal(losses_interval(&losses), LOSS_CAUSES_MAX + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_by_cause),
		cmocka_unit_test(test_zero_adds_nothing),
		cmocka_unit_test(test_totals_that_somebody_else_counts),
		cmocka_unit_test(test_a_report_ends_the_interval_only),
		cmocka_unit_test(test_too_many_causes_count_as_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
