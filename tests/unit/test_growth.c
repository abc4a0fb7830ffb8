// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/growth.h"

#define SECOND_NS 1000000000ULL

static void test_no_rate_before_the_second_sample(void **state)
{
	struct growth growth = {0};

	(void)state;
	assert_true(growth_per_minute(&growth) == 0);
	growth_add(&growth, 5 * SECOND_NS, 100);
	assert_true(growth_per_minute(&growth) == 0);
}

static void test_rate_is_per_minute(void **state)
{
	struct growth growth = {0};

	(void)state;
	growth_add(&growth, 10 * SECOND_NS, 100);
	growth_add(&growth, 15 * SECOND_NS, 110);
	assert_true(growth_per_minute(&growth) == 120);
	growth_add(&growth, 20 * SECOND_NS, 90);
	assert_true(growth_per_minute(&growth) == -60);
}

static void test_samples_at_the_same_time_have_no_rate(void **state)
{
	struct growth growth = {0};

	(void)state;
	growth_add(&growth, SECOND_NS, 1);
	growth_add(&growth, SECOND_NS, 2);
	assert_true(growth_per_minute(&growth) == 0);
}

static void test_a_moment_has_no_rate(void **state)
{
	struct growth growth = {0};

	(void)state;
	growth_add(&growth, SECOND_NS, 1);
	growth_add(&growth, SECOND_NS + GROWTH_SHORTEST_NS - 1, 0);
	assert_true(growth_per_minute(&growth) == 0);
	growth_add(&growth, SECOND_NS + GROWTH_SHORTEST_NS, 0);
	assert_true(growth_per_minute(&growth) == -600);
}

static void test_the_window_slides(void **state)
{
	struct growth growth = {0};

	(void)state;
	/* Grows by 1 a second for 2 min, then stands still for 2 min. */
	for (uint64_t i = 0; i <= 240; i++)
		growth_add(&growth, i * SECOND_NS, (int64_t)(i < 120 ? i : 120));
	assert_true(growth_per_minute(&growth) == 0);
	assert_true(growth.count <= GROWTH_SAMPLES_MAX);
}

static void test_memory_is_bounded_and_the_window_stays_covered(void **state)
{
	struct growth growth = {0};
	uint64_t covered_ns;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		growth_add(&growth, i * SECOND_NS / 10, (int64_t)i);
		assert_true(growth.count <= GROWTH_SAMPLES_MAX);
	}
	covered_ns = growth.samples[growth.count - 1].time_ns - growth.samples[0].time_ns;
	assert_true(covered_ns >= GROWTH_WINDOW_NS);
	assert_true(covered_ns <= GROWTH_WINDOW_NS + 5 * SECOND_NS);
	assert_true(growth_per_minute(&growth) == 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rate_before_the_second_sample),
		cmocka_unit_test(test_rate_is_per_minute),
		cmocka_unit_test(test_samples_at_the_same_time_have_no_rate),
		cmocka_unit_test(test_a_moment_has_no_rate),
		cmocka_unit_test(test_the_window_slides),
		cmocka_unit_test(test_memory_is_bounded_and_the_window_stays_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
