// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <math.h>
#include <stdbool.h>

#include "model/trend.h"

#define MINUTE_NS (60 * 1000000000ULL)
#define SECOND_NS 1000000000ULL

static bool is_near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

/* A value a second, so that the slope per second is a sixtieth of that per minute. */
static struct trend trend_of(const int64_t *values, size_t count)
{
	struct trend trend = {0};

	for (size_t i = 0; i < count; i++)
		trend_add(&trend, (i + 1) * SECOND_NS, values[i]);
	return trend;
}

#define trend_of_values(...)                              \
	trend_of((const int64_t[]){__VA_ARGS__},          \
		 sizeof((const int64_t[]){__VA_ARGS__}) / \
			 sizeof(((const int64_t[]){__VA_ARGS__})[0]))

static void test_nothing_is_no_trend(void **state)
{
	struct trend trend = {0};

	(void)state;
	assert_true(is_near(trend_per_minute(&trend), 0));
	assert_true(is_near(trend_score(&trend), 0));
	assert_int_equal(trend_span_ns(&trend), 0);
	trend_add(&trend, 5, 3);
	trend_add(&trend, 5, 4);
	assert_true(is_near(trend_per_minute(&trend), 0));
}

static void test_a_line_has_its_slope_and_the_greatest_score(void **state)
{
	struct trend trend = trend_of_values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

	(void)state;
	assert_true(is_near(trend_per_minute(&trend), 60));
	/* S = 45, variance 10 * 9 * 25 / 18 = 125: 44 / sqrt(125) */
	assert_true(is_near(trend_score(&trend), 3.9354796403996297));
	assert_int_equal(trend_change(&trend), 9);
	assert_int_equal(trend_span_ns(&trend), 9 * SECOND_NS);
}

static void test_a_fall_has_a_negative_score(void **state)
{
	struct trend trend = trend_of_values(47, 46, 45, 44, 43, 42, 41, 40);

	(void)state;
	assert_true(is_near(trend_per_minute(&trend), -60));
	/* S = -28, variance 8 * 7 * 21 / 18 = 65.33: -27 / sqrt(65.33) */
	assert_true(is_near(trend_score(&trend), -3.340383700311406));
}

static void test_ties_lessen_the_variance(void **state)
{
	struct trend trend = trend_of_values(23, 24, 29, 6, 29, 24, 24, 29, 23);

	(void)state;
	/*
	 * 17 pairs rise, 14 fall: S = 3. 9 * 8 * 23 = 1656, less 2 * 1 * 9 for the 23s and 3 * 2 *
	 * 11 each for the 24s and the 29s, is 1506; a variance of 83.67: 2 / sqrt(83.67).
	 */
	assert_true(is_near(trend_score(&trend), 0.2186521551237011));
	assert_true(is_near(trend_per_minute(&trend), 0));
}

static void test_an_outlier_does_not_move_the_slope(void **state)
{
	struct trend trend = trend_of_values(10, 12, 11, 15, 14, 90, 18, 19, 21, 20);

	(void)state;
	/* The median of 45 slopes is 9/7 a second. */
	assert_true(is_near(trend_per_minute(&trend), 60 * 9 / 7.));
	/* S = 31: 30 / sqrt(125) */
	assert_true(is_near(trend_score(&trend), 2.6832815729997477));
}

static void test_even_many_slopes_have_the_mean_of_the_middle_two(void **state)
{
	struct trend trend = trend_of_values(0, 1, 5, 6);

	(void)state;
	/* 1, 1, 2, 2.5, 2.5, 4 */
	assert_true(is_near(trend_per_minute(&trend), 60 * 2.25));
	assert_true(is_near(trend_score(&trend), 0)); /* too few */
}

static void test_what_does_not_change_is_no_growth(void **state)
{
	struct trend trend = {0};

	(void)state;
	for (uint64_t i = 1; i < 500; i++)
		trend_add(&trend, i * SECOND_NS, 1000);
	assert_true(is_near(trend_score(&trend), 0));
	assert_true(is_near(trend_per_minute(&trend), 0));
}

static void test_memory_is_bounded_and_evenly_spread(void **state)
{
	struct trend trend = {0};

	(void)state;
	for (uint64_t i = 1; i <= 600; i++)
		trend_add(&trend, i * SECOND_NS, (int64_t)(2 * i));
	assert_true(trend.count <= TREND_SAMPLES_MAX);
	assert_true(trend.count >= TREND_SAMPLES_MAX / 2);
	assert_int_equal(trend.samples[0].time_ns, SECOND_NS);
	assert_int_equal(trend.samples[trend.count - 1].value, 1200);
	for (size_t i = 2; i + 1 < trend.count; i++)
		assert_in_range(trend.samples[i].time_ns - trend.samples[i - 1].time_ns,
				trend.spacing_ns / 2, 2 * trend.spacing_ns);
	assert_true(is_near(trend_per_minute(&trend), 120));
}

static void test_the_window_slides(void **state)
{
	struct trend trend = {0};

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		trend_add(&trend, i * 5 * SECOND_NS, (int64_t)i);
	/* Then nothing grows any more, for longer than the window. */
	for (uint64_t i = 100; i < 300; i++)
		trend_add(&trend, i * 5 * SECOND_NS, 99);
	assert_true(trend_span_ns(&trend) <= TREND_WINDOW_NS);
	assert_true(trend_span_ns(&trend) >= TREND_WINDOW_NS - MINUTE_NS);
	assert_true(is_near(trend_per_minute(&trend), 0));
	assert_int_equal(trend_change(&trend), 0);
}

static void test_a_long_pause_forgets_everything(void **state)
{
	struct trend trend = trend_of_values(1, 2, 3, 4, 5, 6, 7, 8);

	(void)state;
	trend_add(&trend, 60 * MINUTE_NS, 4);
	assert_int_equal(trend.count, 1);
	assert_int_equal(trend.samples[0].value, 4);
}

static void test_a_line_through_a_sawtooth_is_that_of_its_teeth(void **state)
{
	struct trend trend = {0};
	struct trend_line line;

	(void)state;
	/* 1 a second, and teeth that rise by 10 a second for 9 seconds. */
	for (int64_t i = 0; i < 30; i++)
		trend_add(&trend, (uint64_t)(i + 1) * SECOND_NS, i + 10 * (i % 9));
	assert_true(trend_per_minute(&trend) > 90);
	line = trend_line(&trend);
	assert_true(is_near(line.slope, 60));
	/* The last is 49; a tooth that ended there would end at 29 + 80. */
	assert_true(is_near(line.top, 109));
	assert_true(line.spread > line.slope);
}

static void test_a_straight_line_has_no_spread(void **state)
{
	struct trend trend = trend_of_values(3, 5, 7, 9, 11);
	struct trend_line line = trend_line(&trend);

	(void)state;
	assert_true(is_near(line.slope, 120));
	assert_true(is_near(line.spread, 0));
	assert_true(is_near(line.top, 11));
}

static void test_a_line_needs_two_times(void **state)
{
	struct trend trend = {0};

	(void)state;
	assert_true(is_near(trend_line(&trend).slope, 0));
	trend_add(&trend, 5, 3);
	trend_add(&trend, 5, 9);
	assert_true(is_near(trend_line(&trend).slope, 0));
	assert_true(is_near(trend_line(&trend).top, 0));
}

static void test_a_line_per_unit_pairs_the_times(void **state)
{
	struct trend bytes = {0}, units = {0};
	struct trend_line line;

	(void)state;
	/* 100 bytes a second, 4 units a second, at other times; the first and the last are alone.
	 */
	for (int64_t i = 0; i < 20; i++) {
		trend_add(&bytes, (uint64_t)(i + 10) * SECOND_NS, 100 * i);
		trend_add(&units, (uint64_t)(i + 9) * SECOND_NS + SECOND_NS / 4, 4 * i);
	}
	line = trend_line_per(&bytes, &units, 72);
	assert_true(is_near(line.slope, 25));
	assert_true(is_near(line.spread, 0));
	/* 4 * 18 of them are covered. */
	assert_true(is_near(trend_line_per(&bytes, &units, 73).slope, 0));
	assert_true(is_near(trend_line_per(&(struct trend){0}, &units, 0).slope, 0));
	assert_true(is_near(trend_line_per(&bytes, &(struct trend){0}, 0).slope, 0));
}

static void test_units_that_come_and_go_still_have_a_cost(void **state)
{
	static const int64_t crowd[] = {10, 30, 20, 50, 40, 60, 55, 80};
	struct trend bytes = {0}, units = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(crowd) / sizeof(crowd[0]); i++) {
		trend_add(&units, (i + 1) * SECOND_NS, crowd[i]);
		trend_add(&bytes, (i + 1) * SECOND_NS, 1000 + 8 * crowd[i]);
	}
	assert_true(is_near(trend_line_per(&bytes, &units, 10).slope, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_no_trend),
		cmocka_unit_test(test_a_line_has_its_slope_and_the_greatest_score),
		cmocka_unit_test(test_a_fall_has_a_negative_score),
		cmocka_unit_test(test_ties_lessen_the_variance),
		cmocka_unit_test(test_an_outlier_does_not_move_the_slope),
		cmocka_unit_test(test_even_many_slopes_have_the_mean_of_the_middle_two),
		cmocka_unit_test(test_what_does_not_change_is_no_growth),
		cmocka_unit_test(test_memory_is_bounded_and_evenly_spread),
		cmocka_unit_test(test_the_window_slides),
		cmocka_unit_test(test_a_long_pause_forgets_everything),
		cmocka_unit_test(test_a_line_through_a_sawtooth_is_that_of_its_teeth),
		cmocka_unit_test(test_a_straight_line_has_no_spread),
		cmocka_unit_test(test_a_line_needs_two_times),
		cmocka_unit_test(test_a_line_per_unit_pairs_the_times),
		cmocka_unit_test(test_units_that_come_and_go_still_have_a_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
