// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/stay_sample.h"

/* Numbers spread over all 64 bits: splitmix64. */
static uint64_t id_of(uint64_t number)
{
	uint64_t id = (number + 1) * 0x9e3779b97f4a7c15ULL;

	id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9ULL;
	id = (id ^ id >> 27) * 0x94d049bb133111ebULL;
	return id ^ id >> 31;
}

static struct stay_sample sample_of(uint64_t first, uint64_t count)
{
	struct stay_sample sample = {0};

	for (uint64_t i = 0; i < count; i++)
		stay_sample_add(&sample, id_of(first + i));
	stay_sample_sort(&sample);
	return sample;
}

static void test_small_crowds_are_exact(void **state)
{
	struct stay_sample old = sample_of(0, 100), now = sample_of(30, 90);

	(void)state;
	assert_int_equal(old.count, 100);
	assert_int_equal(old.shift, 0);
	assert_int_equal(stay_sample_kept(&old, 100, &now), 70);
	assert_int_equal(stay_sample_kept(&now, 90, &old), 70);
	stay_sample_clear(&now);
	assert_int_equal(stay_sample_kept(&old, 100, &now), 0);
	stay_sample_release(&old);
	stay_sample_release(&now);
	assert_null(now.ids);
}

static void test_a_full_sample_is_still_exact(void **state)
{
	struct stay_sample sample = sample_of(0, STAY_SAMPLE_MAX);

	(void)state;
	assert_int_equal(sample.count, STAY_SAMPLE_MAX);
	assert_int_equal(sample.shift, 0);
	stay_sample_release(&sample);
}

static void test_large_crowds_are_thinned_out(void **state)
{
	struct stay_sample sample = sample_of(0, 100000);

	(void)state;
	assert_in_range(sample.shift, 5, 6);
	assert_in_range(sample.count, STAY_SAMPLE_MAX / 4, STAY_SAMPLE_MAX);
	for (size_t i = 0; i < sample.count; i++) {
		assert_int_equal(sample.ids[i] & ((1ULL << sample.shift) - 1), 0);
		assert_true(!i || sample.ids[i - 1] < sample.ids[i]);
	}
	stay_sample_release(&sample);
}

static void test_the_order_does_not_matter(void **state)
{
	struct stay_sample forward = {0}, backward = {0};

	(void)state;
	for (uint64_t i = 0; i < 20000; i++) {
		stay_sample_add(&forward, id_of(i));
		stay_sample_add(&backward, id_of(19999 - i));
	}
	stay_sample_sort(&forward);
	stay_sample_sort(&backward);
	assert_int_equal(forward.shift, backward.shift);
	assert_int_equal(forward.count, backward.count);
	assert_memory_equal(forward.ids, backward.ids, forward.count * sizeof(forward.ids[0]));
	stay_sample_release(&forward);
	stay_sample_release(&backward);
}

static void test_large_crowds_are_estimated(void **state)
{
	struct stay_sample old = sample_of(0, 100000), same = sample_of(0, 100000);
	struct stay_sample half = sample_of(50000, 1000000), none = sample_of(100000, 50000);

	(void)state;
	assert_int_equal(stay_sample_kept(&old, 100000, &same), 100000);
	assert_in_range(stay_sample_kept(&old, 100000, &half), 45000, 55000);
	assert_int_equal(stay_sample_kept(&old, 100000, &none), 0);
	stay_sample_release(&old);
	stay_sample_release(&same);
	stay_sample_release(&half);
	stay_sample_release(&none);
}

/* A small crowd that stays within one that became large. */
static void test_samples_of_different_sizes(void **state)
{
	struct stay_sample old = sample_of(0, 2000), now = sample_of(0, 10000);

	(void)state;
	assert_int_equal(old.shift, 0);
	assert_true(now.shift > 0);
	assert_int_equal(stay_sample_kept(&old, 2000, &now), 2000);
	stay_sample_release(&old);
	stay_sample_release(&now);
}

static void test_ids_that_are_all_the_same_cost_no_more(void **state)
{
	struct stay_sample sample = {0};

	(void)state;
	for (int i = 0; i <= STAY_SAMPLE_MAX; i++)
		stay_sample_add(&sample, 0);
	assert_true(sample.failed);
	assert_int_equal(sample.count, STAY_SAMPLE_MAX);
	stay_sample_clear(&sample);
	assert_false(sample.failed);
	stay_sample_release(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_crowds_are_exact),
		cmocka_unit_test(test_a_full_sample_is_still_exact),
		cmocka_unit_test(test_large_crowds_are_thinned_out),
		cmocka_unit_test(test_the_order_does_not_matter),
		cmocka_unit_test(test_large_crowds_are_estimated),
		cmocka_unit_test(test_samples_of_different_sizes),
		cmocka_unit_test(test_ids_that_are_all_the_same_cost_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
