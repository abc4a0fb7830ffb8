// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/parked_threads.h"

#include "unit_test.h"

#define SECOND 1000000000ULL

static void a_wait_seen_from_its_beginning_has_an_exact_age(void **state)
{
	const struct abi_task_snapshot snapshot = {
		.now_ns = 100 * SECOND,
		.start_ns = 1 * SECOND,
		.switches = 7,
		.begin_ns = 90 * SECOND,
		.begin_switches = 7,
		.last_arrival_ns = 80 * SECOND,
	};
	struct stay stay = park_stay_of(&snapshot, 0);

	(void)state;
	assert_int_equal(stay.age_ns, 10 * SECOND);
	assert_int_equal(stay.bound, AGE_EXACT);
}

/* The record speaks of an older wait: the counters have moved on. */
static void a_stale_record_is_not_believed(void **state)
{
	const struct abi_task_snapshot snapshot = {
		.now_ns = 100 * SECOND,
		.start_ns = 1 * SECOND,
		.switches = 8,
		.begin_ns = 10 * SECOND,
		.begin_switches = 7,
		.last_arrival_ns = 60 * SECOND,
	};
	struct stay stay = park_stay_of(&snapshot, 5 * (int64_t)SECOND);

	(void)state;
	assert_int_equal(stay.age_ns, 35 * SECOND);
	assert_int_equal(stay.bound, AGE_AT_MOST);
}

static void an_unseen_wait_is_bounded_by_the_last_time_on_a_cpu(void **state)
{
	const struct abi_task_snapshot snapshot = {
		.now_ns = 100 * SECOND, .start_ns = 1 * SECOND, .last_arrival_ns = 40 * SECOND};
	struct stay stay = park_stay_of(&snapshot, -10 * (int64_t)SECOND);

	(void)state;
	assert_int_equal(stay.age_ns, 70 * SECOND);
	assert_int_equal(stay.bound, AGE_AT_MOST);
}

static void without_the_scheduler_clock_it_is_bounded_by_its_life(void **state)
{
	const struct abi_task_snapshot snapshot = {
		.now_ns = 100 * SECOND, .start_ns = 30 * SECOND, .last_arrival_ns = 40 * SECOND};
	struct abi_task_snapshot without = snapshot;
	struct stay stay = park_stay_of(&snapshot, INT64_MIN);

	(void)state;
	assert_int_equal(stay.age_ns, 70 * SECOND);
	assert_int_equal(stay.bound, AGE_AT_MOST);
	without.last_arrival_ns = 0;
	assert_int_equal(park_stay_of(&without, 0).age_ns, 70 * SECOND);
}

static void ages_are_never_negative_nor_longer_than_the_life(void **state)
{
	struct abi_task_snapshot snapshot = {
		.now_ns = 100 * SECOND, .start_ns = 30 * SECOND, .last_arrival_ns = 101 * SECOND};

	(void)state;
	assert_int_equal(park_stay_of(&snapshot, 0).age_ns, 0);
	snapshot.last_arrival_ns = 1;
	assert_int_equal(park_stay_of(&snapshot, 0).age_ns, 70 * SECOND);
	snapshot.start_ns = 200 * SECOND;
	assert_int_equal(park_stay_of(&snapshot, 0).age_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_seen_from_its_beginning_has_an_exact_age),
		cmocka_unit_test(a_stale_record_is_not_believed),
		cmocka_unit_test(an_unseen_wait_is_bounded_by_the_last_time_on_a_cpu),
		cmocka_unit_test(without_the_scheduler_clock_it_is_bounded_by_its_life),
		cmocka_unit_test(ages_are_never_negative_nor_longer_than_the_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
