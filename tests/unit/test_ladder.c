// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/ladder.h"

#define SECOND_NS   1000000000ULL
#define ATTACHED_NS (5000 * SECOND_NS)
#define SWEEP_S     5

static const struct ladder_rules rules = {
	.entrants_min = 10, .entrants_min_aged = 8, .ended_share_max = 0.05, .refuted_share = 0.25};

static void begin(struct ladder *ladder, uint64_t now_s)
{
	ladder_begin(ladder, ATTACHED_NS + now_s * SECOND_NS, now_s * SECOND_NS);
}

static void park(struct ladder *ladder, uint64_t age_s, size_t units)
{
	for (size_t i = 0; i < units; i++)
		ladder_park(ladder, age_s * SECOND_NS, AGE_EXACT);
}

static void end(struct ladder *ladder)
{
	assert_int_equal(ladder_end(ladder), 0);
}

/* `units` park just after each sweep from `first_s` on, and stay; until the sweep `last_s`. */
static void sweep_leak(struct ladder *ladder, uint64_t first_s, uint64_t last_s, size_t units)
{
	for (uint64_t now = 0; now <= last_s; now += SWEEP_S) {
		begin(ladder, now);
		for (uint64_t since = first_s; since < now; since += SWEEP_S)
			park(ladder, now - since - 1, units);
		end(ladder);
	}
}

static void test_short_stays_cost_no_memory(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	for (uint64_t now = 0; now < 1000; now += SWEEP_S) {
		begin(&ladder, now);
		park(&ladder, 4, 50);
		for (int i = 0; i < 50; i++)
			ladder_leave(&ladder, 4 * SECOND_NS, AGE_EXACT);
		end(&ladder);
	}
	assert_null(ladder.rungs);
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 0);
	assert_false(ladder_holds(&ladder, 0, &rules));
}

static void test_a_stay_enters_each_rung_once(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	sweep_leak(&ladder, 0, 5, 3);
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 0);
	sweep_leak(&ladder, 0, 15, 3); /* the first three are 14 s old, the next three 9 s */
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 3);
	ladder_clear(&ladder);

	sweep_leak(&ladder, 0, 100, 3); /* 20 groups parked; 18 and 8 of them are old enough */
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 3 * 18);
	assert_int_equal(ladder_flow(&ladder, 1).entrants, 3 * 8);
	assert_int_equal(ladder_flow(&ladder, 2).entrants, 0);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 0);
	ladder_clear(&ladder);
	assert_null(ladder.rungs);
}

static void test_says_since_when_and_how_often(void **state)
{
	struct ladder ladder = {0};
	struct ladder_flow flow;

	(void)state;
	sweep_leak(&ladder, 20, 100, 1);
	flow = ladder_flow(&ladder, 0);
	/* The first, of 20 s, is seen beyond 10 s at 35 s. */
	assert_int_equal(flow.since_ns, ATTACHED_NS + 25 * SECOND_NS);
	assert_int_equal(flow.last_entry_ns, ATTACHED_NS + 100 * SECOND_NS);
	assert_int_equal(flow.mean_gap_ns, 5 * SECOND_NS);
	ladder_clear(&ladder);
}

static void test_a_leak_holds_after_two_and_a_half_ages(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	sweep_leak(&ladder, 0, 20, 10);
	assert_false(ladder_holds(&ladder, 0, &rules));
	ladder_clear(&ladder);
	sweep_leak(&ladder, 0, 25, 10);
	assert_true(ladder_holds(&ladder, 0, &rules));
	assert_false(ladder_holds(&ladder, 1, &rules));
	ladder_clear(&ladder);
	sweep_leak(&ladder, 0, 745, 1);
	assert_false(ladder_holds(&ladder, 2, &rules));
	ladder_clear(&ladder);
	sweep_leak(&ladder, 0, 750, 1);
	assert_true(ladder_holds(&ladder, 2, &rules));
	assert_false(ladder_holds(&ladder, 3, &rules));
	ladder_clear(&ladder);
}

static void test_too_few_do_not_hold(void **state)
{
	struct ladder ladder = {0};
	struct ladder_rules strict = rules;

	(void)state;
	sweep_leak(&ladder, 0, 25, 3); /* 9 have reached 10 s */
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 9);
	assert_false(ladder_holds(&ladder, 0, &rules));
	strict.entrants_min = 9;
	assert_true(ladder_holds(&ladder, 0, &strict));
	ladder_clear(&ladder);
}

static void test_one_crowd_that_came_together_does_not_hold(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	for (uint64_t now = 0; now <= 2000; now += SWEEP_S) {
		begin(&ladder, now);
		if (now > 100)
			park(&ladder, now - 100, 500);
		end(&ladder);
		for (size_t i = 0; i < LADDER_RUNGS; i++)
			assert_false(ladder_holds(&ladder, i, &rules));
	}
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 0); /* forgotten after half an hour */
	assert_int_equal(ladder_flow(&ladder, 2).entrants, 500);
	ladder_clear(&ladder);
}

static void test_ends_beyond_the_rung_count_against_it(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	/* Of 234 that reached 10 s, 10 leave: so many may. Then three more. */
	for (uint64_t now = 0; now <= 200; now += SWEEP_S) {
		begin(&ladder, now);
		for (uint64_t age = 4; age < now; age += SWEEP_S)
			park(&ladder, age, 6);
		end(&ladder);
	}
	begin(&ladder, 205);
	for (uint64_t age = 9; age < 205; age += SWEEP_S)
		park(&ladder, age, 6 - (age >= 14 && age < 64));
	for (int i = 0; i < 10; i++)
		ladder_leave(&ladder, 20 * SECOND_NS, AGE_EXACT);
	ladder_leave(&ladder, 4 * SECOND_NS, AGE_EXACT); /* has not reached it */
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 6 * 39);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 10);
	assert_true(ladder_holds(&ladder, 0, &rules));

	begin(&ladder, 210);
	for (uint64_t age = 14; age < 210; age += SWEEP_S)
		park(&ladder, age, 6 - (age >= 19 && age < 84));
	for (int i = 0; i < 3; i++)
		ladder_leave(&ladder, 70 * SECOND_NS, AGE_EXACT);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 6 * 40);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 13); /* more than 12, a twentieth */
	assert_false(ladder_holds(&ladder, 0, &rules));
	ladder_clear(&ladder);
}

static void test_who_was_here_before_us_is_no_entrant(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	for (uint64_t now = 0; now <= 400; now += SWEEP_S) {
		begin(&ladder, now);
		for (int i = 0; i < 100; i++) {
			ladder_park(&ladder, now * SECOND_NS, AGE_AT_LEAST);
			ladder_park(&ladder, (now + 7) * SECOND_NS, AGE_EXACT);
			ladder_park(&ladder, (now + 999) * SECOND_NS, AGE_AT_MOST);
		}
		end(&ladder);
	}
	for (size_t i = 0; i < LADDER_RUNGS; i++)
		assert_int_equal(ladder_flow(&ladder, i).entrants, 0);
	ladder_clear(&ladder);
}

static void test_the_end_of_one_that_was_here_before_counts_on_low_rungs(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	begin(&ladder, 0);
	end(&ladder);
	ladder_leave(&ladder, 0, AGE_AT_LEAST); /* between the sweeps */
	begin(&ladder, 5);
	end(&ladder);
	assert_null(ladder.rungs); /* not remembered by rungs before there are entrants */
	for (uint64_t now = 10; now <= 30; now += SWEEP_S) {
		begin(&ladder, now);
		park(&ladder, now - 6, 1);
		end(&ladder);
	}
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 1);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 1);
	assert_int_equal(ladder_flow(&ladder, 1).ended, 1);
	assert_int_equal(ladder_flow(&ladder, 2).ended, 0);
	/* By an age that is a bound of hours, on all. */
	ladder_leave(&ladder, 7200 * SECOND_NS, AGE_AT_MOST);
	begin(&ladder, 35);
	park(&ladder, 29, 1);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 2);
	assert_int_equal(ladder_flow(&ladder, 5).ended, 1);
	ladder_clear(&ladder);
}

static void test_an_age_that_is_at_most_has_reached_nothing_yet(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	for (uint64_t now = 0; now <= 120; now += 60) {
		begin(&ladder, now);
		ladder_park(&ladder, 59 * SECOND_NS, AGE_AT_MOST);
		end(&ladder);
	}
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 0);
	begin(&ladder, 180);
	ladder_park(&ladder, 65 * SECOND_NS, AGE_EXACT);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 1);
	assert_int_equal(ladder_flow(&ladder, 1).entrants, 1);
	ladder_clear(&ladder);
}

static void test_who_cannot_be_read_once_does_not_enter_again(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	sweep_leak(&ladder, 0, 100, 2);
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 36);
	begin(&ladder, 105);
	end(&ladder); /* nobody was read, nobody has left */
	begin(&ladder, 110);
	park(&ladder, 50, 36);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).entrants, 36);
	ladder_clear(&ladder);
}

static void test_memory_fades_but_ends_are_not_forgotten_at_once(void **state)
{
	struct ladder ladder = {0};
	struct ladder_flow flow;

	(void)state;
	sweep_leak(&ladder, 0, 100, 2);
	for (int i = 0; i < 36; i++)
		ladder_leave(&ladder, 60 * SECOND_NS, AGE_EXACT);
	begin(&ladder, 105);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 36);
	begin(&ladder, 105 + 3600);
	end(&ladder);
	flow = ladder_flow(&ladder, 0);
	assert_int_equal(flow.entrants, 0);
	assert_int_equal(flow.ended, 0);
	assert_true(flow.past_ended > 33 && flow.past_ended <= 36);
	assert_true(ladder_is_refuted(&flow, &rules));
	begin(&ladder, 105 + 10 * 86400);
	end(&ladder);
	assert_true(ladder_flow(&ladder, 0).past_ended < 0.1);
	ladder_clear(&ladder);
}

/* One has parked each second, the youngest of them so long ago, and all stay. */
static void sweep_one_a_second(struct ladder *ladder, uint64_t now_s, uint64_t youngest_s)
{
	begin(ladder, now_s);
	for (uint64_t age = youngest_s; age < now_s; age++)
		park(ladder, age, 1);
	end(ladder);
}

/* Sweeps are further apart than the lowest rung's quarters. */
static void test_sweeps_far_apart_are_quarters(void **state)
{
	static const uint64_t sweeps_s[] = {10, 22, 60};

	(void)state;
	for (size_t i = 0; i < sizeof(sweeps_s) / sizeof(sweeps_s[0]); i++) {
		const uint64_t interval = sweeps_s[i], last = 10 * interval;
		struct ladder ladder = {0};
		uint64_t now;

		for (now = 0; now <= last; now += interval) {
			sweep_one_a_second(&ladder, now, 1);
			/* Those of the first sweep but for the last 10 s, and of two more. */
			assert_int_equal(ladder_holds(&ladder, 0, &rules),
					 now >= (interval > 10 ? 3 : 4) * interval);
		}
		/* No more come. */
		for (uint64_t sweep = 1; sweep <= 2; sweep++, now += interval) {
			assert_true(ladder_holds(&ladder, 0, &rules));
			sweep_one_a_second(&ladder, now, now - last + 1);
		}
		sweep_one_a_second(&ladder, now, now - last + 1);
		assert_false(ladder_holds(&ladder, 0, &rules));
		ladder_clear(&ladder);
	}
}

/* When it holds for the first time where ages count from the sweep that saw a unit first. */
static uint64_t holds_first_s(size_t rung, uint64_t interval_s)
{
	struct ladder ladder = {0};
	uint64_t now = 0;
	bool holds = false;

	for (; !holds; now += holds ? 0 : interval_s) {
		begin(&ladder, now);
		for (uint64_t age = interval_s; age < now; age += interval_s)
			park(&ladder, age, 10);
		end(&ladder);
		holds = ladder_holds(&ladder, rung, &rules);
	}
	ladder_clear(&ladder);
	return now;
}

static void test_says_when_it_can_hold_for_the_first_time(void **state)
{
	(void)state;
	for (size_t rung = 0; rung < LADDER_RUNGS; rung++) {
		uint64_t quarter_s = ladder_quarter_ns(rung) / SECOND_NS;

		assert_false(ladder_sweeps_are_quarters(rung, quarter_s * SECOND_NS));
		assert_int_equal(ladder_soonest_ns(rung, quarter_s * SECOND_NS),
				 ladder_watched_min_ns(rung));
		for (uint64_t s = quarter_s + 1; s < 4 * quarter_s; s += 1 + quarter_s / 30) {
			assert_true(ladder_sweeps_are_quarters(rung, s * SECOND_NS));
			assert_int_equal(ladder_soonest_ns(rung, s * SECOND_NS),
					 holds_first_s(rung, s) * SECOND_NS);
		}
	}
	/* Sweeps are not exactly in time. */
	assert_int_equal(ladder_soonest_ns(0, 5100000000), 25 * SECOND_NS);
	assert_int_equal(ladder_soonest_ns(0, 9900000000), 39600000000);
}

static void test_sweeps_far_apart_show_higher_rungs(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	for (uint64_t now = 0; now <= 1000; now += 10) {
		begin(&ladder, now);
		for (uint64_t age = 4; age < now; age += 10)
			park(&ladder, age, 10);
		end(&ladder);
	}
	assert_true(ladder_holds(&ladder, 1, &rules));
	assert_true(ladder_holds(&ladder, 2, &rules));
	ladder_clear(&ladder);
}

/* Batches of those who leave after two ages, as sweeps far apart see them. */
static void test_batches_between_sweeps_far_apart_do_not_hold(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	for (uint64_t now = 0; now <= 2000; now += 22) {
		begin(&ladder, now);
		park(&ladder, 12, now ? 100 : 0);
		for (int i = 0; now > 22 && i < 100; i++)
			ladder_leave(&ladder, 12 * SECOND_NS, AGE_EXACT);
		end(&ladder);
		assert_false(now > 22 && ladder_holds(&ladder, 0, &rules));
	}
	ladder_clear(&ladder);
}

/* Through a crowd of churn everybody passes: also who was there when we came. */
static void test_the_end_of_one_that_was_here_before_does_not_count_where_many_pass(void **state)
{
	struct ladder ladder = {0};

	(void)state;
	sweep_leak(&ladder, 0, 25, 3);
	begin(&ladder, 30);
	for (int i = 0; i < 100; i++)
		ladder_leave(&ladder, 0, AGE_AT_LEAST);
	for (int i = 0; i < 199; i++)
		ladder_leave(&ladder, 2 * SECOND_NS, AGE_EXACT);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 100);
	assert_int_equal(ladder_flow(&ladder, 1).ended, 100);
	assert_int_equal(ladder_flow(&ladder, 2).ended, 0);
	ladder_leave(&ladder, 2 * SECOND_NS, AGE_EXACT);
	begin(&ladder, 35);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 0);
	assert_int_equal(ladder_flow(&ladder, 1).ended, 0);
	/* Who had been seen there for long enough counts. */
	ladder_leave(&ladder, 20 * SECOND_NS, AGE_AT_LEAST);
	begin(&ladder, 40);
	end(&ladder);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 1);
	ladder_clear(&ladder);
}

static void test_an_old_ladder_is_forgotten(void **state)
{
	struct ladder ladder = {0};
	uint64_t now;

	(void)state;
	sweep_leak(&ladder, 0, 60, 1);
	for (uint64_t since = 0; since < 60; since += SWEEP_S)
		ladder_leave(&ladder, (59 - since) * SECOND_NS, AGE_EXACT);
	for (now = 65; now < 12 * 3600; now += 60) {
		begin(&ladder, now);
		end(&ladder);
	}
	assert_non_null(ladder.rungs); /* a batch a day must not look new each time */
	for (; now < 5 * 24 * 3600; now += 600) {
		begin(&ladder, now);
		end(&ladder);
	}
	assert_null(ladder.rungs);
	assert_int_equal(ladder_flow(&ladder, 0).ended, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_stays_cost_no_memory),
		cmocka_unit_test(test_a_stay_enters_each_rung_once),
		cmocka_unit_test(test_says_since_when_and_how_often),
		cmocka_unit_test(test_a_leak_holds_after_two_and_a_half_ages),
		cmocka_unit_test(test_too_few_do_not_hold),
		cmocka_unit_test(test_one_crowd_that_came_together_does_not_hold),
		cmocka_unit_test(test_ends_beyond_the_rung_count_against_it),
		cmocka_unit_test(test_who_was_here_before_us_is_no_entrant),
		cmocka_unit_test(test_the_end_of_one_that_was_here_before_counts_on_low_rungs),
		cmocka_unit_test(
			test_the_end_of_one_that_was_here_before_does_not_count_where_many_pass),
		cmocka_unit_test(test_an_age_that_is_at_most_has_reached_nothing_yet),
		cmocka_unit_test(test_who_cannot_be_read_once_does_not_enter_again),
		cmocka_unit_test(test_memory_fades_but_ends_are_not_forgotten_at_once),
		cmocka_unit_test(test_sweeps_far_apart_are_quarters),
		cmocka_unit_test(test_says_when_it_can_hold_for_the_first_time),
		cmocka_unit_test(test_sweeps_far_apart_show_higher_rungs),
		cmocka_unit_test(test_batches_between_sweeps_far_apart_do_not_hold),
		cmocka_unit_test(test_an_old_ladder_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
