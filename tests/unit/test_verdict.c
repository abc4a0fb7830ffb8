// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <stdbool.h>

#include "model/verdict.h"

#define SECOND_NS   1000000000ULL
#define ATTACHED_NS (5000 * SECOND_NS)
#define SWEEP_S     5 /* unless a test says otherwise */

/* A site through the sweeps. Units park one second after a sweep. */
struct watch {
	struct crowd crowd;
	struct ladder ladder;
	struct verdict_state state;
	struct verdict_rules rules;
	enum verdict_class class;
	uint64_t now; /* of the next sweep, in seconds since we attached */
	uint64_t interval_s;
	unsigned int changes;
	size_t groups; /* of one age each */
	struct {
		uint64_t since;
		size_t units;
	} group[2000];
};

static struct watch watch;

static void start(enum verdict_class class)
{
	ladder_clear(&watch.ladder);
	watch = (struct watch){
		.class = class, .interval_s = SWEEP_S, .rules = verdict_rules_default()};
}

static void sweep(size_t arrivals)
{
	struct verdict_input input = {
		.class = watch.class,
		.ladder = &watch.ladder,
		.crowd = &watch.crowd,
		.now_ns = ATTACHED_NS + watch.now * SECOND_NS,
		.watched_ns = watch.now * SECOND_NS,
		.interval_ns = watch.interval_s * SECOND_NS,
		.departed = watch.crowd.departed,
	};

	crowd_begin(&watch.crowd);
	ladder_begin(&watch.ladder, input.now_ns, input.watched_ns);
	for (size_t i = 0; i < watch.groups; i++)
		for (size_t unit = 0; unit < watch.group[i].units; unit++) {
			uint64_t age_ns = (watch.now - watch.group[i].since) * SECOND_NS;

			crowd_park(&watch.crowd, age_ns, AGE_EXACT,
				   age_ns < watch.interval_s * SECOND_NS);
			ladder_park(&watch.ladder, age_ns, AGE_EXACT);
		}
	crowd_end(&watch.crowd, input.now_ns);
	assert_int_equal(ladder_end(&watch.ladder), 0);
	watch.changes += verdict_judge(&watch.state, &input, &watch.rules);
	watch.group[watch.groups].since = watch.now + 1;
	watch.group[watch.groups++].units = arrivals;
	watch.now += watch.interval_s;
}

/* Sweeps up to that second, with so many arrivals after each. */
static void sweep_until(uint64_t second, size_t arrivals)
{
	while (watch.now <= second)
		sweep(arrivals);
}

/* All units leave that came before the last sweep, but for `remain` of each age. */
static void leave(size_t remain)
{
	for (size_t i = 0; i + 1 < watch.groups; i++)
		for (; watch.group[i].units > remain; watch.group[i].units--) {
			crowd_leave(&watch.crowd);
			ladder_leave(&watch.ladder,
				     (watch.now - watch.interval_s - watch.group[i].since) *
					     SECOND_NS,
				     AGE_EXACT);
		}
}

static void test_a_proof_is_told_in_30_s_and_its_numbers_are_right(void **state)
{
	const struct verdict_evidence *evidence = &watch.state.evidence;

	(void)state;
	start(VERDICT_CLASS_PROOF);
	sweep_until(25, 10);
	assert_int_equal(watch.state.verdict, VERDICT_STEADY); /* true, but for the first time */
	sweep_until(30, 10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
	assert_int_equal(watch.changes, 1);
	assert_int_equal(evidence->now, 60);
	assert_int_equal(evidence->age_ns, 10 * SECOND_NS);
	assert_int_equal(evidence->entrants, 40);
	assert_int_equal(evidence->ended, 0);
	assert_int_equal(evidence->oldest_ns, 29 * SECOND_NS);
	assert_int_equal(evidence->watched_ns, 30 * SECOND_NS);
	assert_int_equal(evidence->since_ns, ATTACHED_NS + 5 * SECOND_NS);
	assert_int_equal(evidence->until_ns, 0);
	assert_true(evidence->rate_per_minute > 119.9 && evidence->rate_per_minute < 120.1);
	sweep_until(600, 10);
	assert_int_equal(watch.changes, 1);
	assert_true(evidence->rate_per_minute > 119.9 && evidence->rate_per_minute < 120.1);
}

static void test_an_untimed_wait_grows_until_a_leak_can_be_told(void **state)
{
	(void)state;
	start(VERDICT_CLASS_UNTIMED);
	sweep_until(60, 10);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	assert_int_equal(watch.state.evidence.until_ns, 750 * SECOND_NS);
	sweep_until(750, 10);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	assert_int_equal(watch.state.evidence.until_ns, 0);
	sweep_until(755, 10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
	assert_int_equal(watch.state.evidence.age_ns, 300 * SECOND_NS);
	assert_int_equal(watch.changes, 2);
}

static void test_a_rare_leak_says_that_it_takes_longer(void **state)
{
	(void)state;
	start(VERDICT_CLASS_UNTIMED);
	/* One a minute. 300 s, and as long as eight take: 480 s. */
	while (watch.state.verdict == VERDICT_STEADY)
		sweep(watch.now % 60 == 0);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	assert_in_range(watch.state.evidence.until_ns, 720 * SECOND_NS, 840 * SECOND_NS);
}

/* Ten a minute in batches, so that a rung of 10 s does not hold with sweeps of 5 s. */
static void grow_in_batches(uint64_t until_s)
{
	start(VERDICT_CLASS_PROOF);
	while (watch.now <= until_s)
		sweep(watch.now % 30 == 0 ? 5 : 0);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
}

static void test_sweeps_that_are_quarters_take_longer(void **state)
{
	(void)state;
	grow_in_batches(80);
	assert_int_equal(watch.state.evidence.until_ns, 150 * SECOND_NS); /* of 60 s */
	watch.rules.leak_after_ns = 60 * SECOND_NS;
	watch.interval_s = 30; /* as long as its quarters are */
	sweep(5);
	assert_int_equal(watch.state.evidence.until_ns, 150 * SECOND_NS);

	/* The budget puts reports off. */
	grow_in_batches(80);
	watch.interval_s = 60;
	sweep(0);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	assert_int_equal(watch.state.evidence.until_ns, 240 * SECOND_NS);
}

static void test_sweeps_that_are_quarters_tell_rarer_leaks(void **state)
{
	(void)state;
	start(VERDICT_CLASS_PROOF);
	/* Two a minute. */
	while (watch.state.verdict == VERDICT_STEADY)
		sweep(watch.now % 30 == 0);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	assert_int_equal(watch.state.evidence.until_ns, 750 * SECOND_NS); /* of 300 s */
	watch.interval_s = 60;
	sweep(2);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	assert_in_range(watch.state.evidence.until_ns, 240 * SECOND_NS, 400 * SECOND_NS);
}

static void test_what_may_end_at_any_time_is_only_growing(void **state)
{
	(void)state;
	start(VERDICT_CLASS_NEVER);
	sweep_until(3600, 2);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	assert_int_equal(watch.state.evidence.until_ns, 0);
	assert_int_equal(watch.changes, 1);
}

static void test_a_crowd_of_one_size_is_steady(void **state)
{
	(void)state;
	start(VERDICT_CLASS_PROOF);
	sweep(100);
	sweep_until(3600, 0);
	assert_int_equal(watch.state.verdict, VERDICT_STEADY);
	assert_false(watch.state.stopped);
}

static void test_growth_that_ends_is_steady_after_a_while(void **state)
{
	(void)state;
	start(VERDICT_CLASS_NEVER);
	sweep_until(120, 2);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	sweep_until(2000, 0);
	assert_int_equal(watch.state.verdict, VERDICT_STEADY);
	assert_true(watch.state.evidence.rate_per_minute == 0);
	assert_int_equal(watch.changes, 2);
}

static void test_a_leak_that_stops_says_so_until_half_have_gone(void **state)
{
	(void)state;
	start(VERDICT_CLASS_PROOF);
	sweep_until(100, 10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
	/* The last one enters 10 s later; ten minutes after that, nobody has come. */
	sweep_until(710, 0);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
	sweep_until(720, 0);
	assert_int_not_equal(watch.state.verdict, VERDICT_LEAKING);
	assert_true(watch.state.stopped);
	assert_int_equal(watch.state.evidence.now, 210);
	leave(6);
	sweep(0);
	assert_true(watch.state.stopped);
	leave(4);
	sweep(0);
	assert_false(watch.state.stopped);
}

static void test_a_leak_goes_at_once_when_the_crowd_leaves(void **state)
{
	(void)state;
	start(VERDICT_CLASS_PROOF);
	sweep_until(100, 10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
	leave(0);
	sweep(10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING); /* for the first time */
	sweep(10);
	assert_int_not_equal(watch.state.verdict, VERDICT_LEAKING);
	assert_false(watch.state.stopped);
	/* What has proven not to stay is not named again for the same. */
	sweep_until(220, 10);
	assert_int_not_equal(watch.state.verdict, VERDICT_LEAKING);
}

static void test_some_that_leave_take_it_back_later(void **state)
{
	(void)state;
	start(VERDICT_CLASS_PROOF);
	sweep_until(100, 10);
	leave(8); /* a fifth: more than a twentieth, less than a quarter */
	sweep_until(220, 0);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
	sweep_until(230, 0);
	assert_int_not_equal(watch.state.verdict, VERDICT_LEAKING);
}

static void test_a_class_that_changes_takes_it_back(void **state)
{
	(void)state;
	start(VERDICT_CLASS_PROOF);
	sweep_until(100, 10);
	watch.class = VERDICT_CLASS_NEVER;
	sweep(10);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	watch.class = VERDICT_CLASS_PROOF;
	sweep(10);
	sweep(10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
}

static void test_thresholds_can_be_set(void **state)
{
	(void)state;
	start(VERDICT_CLASS_PROOF);
	watch.rules.leak_after_ns = 60 * SECOND_NS;
	sweep_until(150, 10);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	sweep_until(155, 10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);
	assert_int_equal(watch.state.evidence.age_ns, 60 * SECOND_NS);

	start(VERDICT_CLASS_PROOF);
	watch.rules.ladder.entrants_min = 200;
	sweep_until(105, 10);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
	sweep_until(115, 10);
	assert_int_equal(watch.state.verdict, VERDICT_LEAKING);

	start(VERDICT_CLASS_PROOF);
	watch.rules.leak_after_ns = 7200 * SECOND_NS; /* above the last rung */
	sweep_until(4000, 2);
	assert_int_equal(watch.state.verdict, VERDICT_GROWING);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(verdict_name(VERDICT_STEADY), "steady");
	assert_string_equal(verdict_name(VERDICT_GROWING), "growing");
	assert_string_equal(verdict_name(VERDICT_LEAKING), "leaking");
}

static int release(void **state)
{
	(void)state;
	ladder_clear(&watch.ladder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_proof_is_told_in_30_s_and_its_numbers_are_right),
		cmocka_unit_test(test_an_untimed_wait_grows_until_a_leak_can_be_told),
		cmocka_unit_test(test_a_rare_leak_says_that_it_takes_longer),
		cmocka_unit_test(test_sweeps_that_are_quarters_take_longer),
		cmocka_unit_test(test_sweeps_that_are_quarters_tell_rarer_leaks),
		cmocka_unit_test(test_what_may_end_at_any_time_is_only_growing),
		cmocka_unit_test(test_a_crowd_of_one_size_is_steady),
		cmocka_unit_test(test_growth_that_ends_is_steady_after_a_while),
		cmocka_unit_test(test_a_leak_that_stops_says_so_until_half_have_gone),
		cmocka_unit_test(test_a_leak_goes_at_once_when_the_crowd_leaves),
		cmocka_unit_test(test_some_that_leave_take_it_back_later),
		cmocka_unit_test(test_a_class_that_changes_takes_it_back),
		cmocka_unit_test(test_thresholds_can_be_set),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
