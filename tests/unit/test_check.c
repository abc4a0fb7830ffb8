// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/check.h"

#include <math.h>

#include "model_builder.h"
#include "unit_test.h"

/* Watched for a minute, with a sweep every 2 s, by the usual thresholds. */
static struct check_result judge(const struct watched_process *process,
				 const struct check_rules *rules)
{
	const struct verdict_rules verdict_rules = verdict_rules_default();

	return check_judge(process, rules, &verdict_rules, 2 * SECOND_NS);
}

static struct watched_process *watched_for(uint64_t seconds)
{
	struct watched_process *process = build_process(7, "server");

	process->swept_ns = process->first_seen_ns + seconds * SECOND_NS;
	process->threads.now = 12;
	return process;
}

static struct site *site_with(struct watched_process *process, enum site_kind kind,
			      const char *function, enum verdict verdict, double rate)
{
	struct site *site = build_site(process, kind, "futex", build_stack(function, NULL));

	site->verdict.verdict = verdict;
	site->verdict.evidence.rate_per_minute = rate;
	if (process->verdict < verdict)
		process->verdict = verdict;
	return site;
}

static void test_nothing_wrong(void **state)
{
	struct watched_process *process = watched_for(60);
	const struct check_rules rules = {0};
	struct check_result result = judge(process, &rules);

	(void)state;
	assert_int_equal(result.status, CHECK_OK);
	assert_int_equal(result.verdict, VERDICT_STEADY);
	assert_null(result.site);
	assert_false(result.blind);
	watched_process_free(process);
}

static void test_growing_is_what_the_user_says(void **state)
{
	struct watched_process *process = watched_for(60);
	struct check_rules rules = {0};

	(void)state;
	site_with(process, SITE_PARK, "grows", VERDICT_GROWING, 10);
	assert_int_equal(judge(process, &rules).status, CHECK_WARNING);
	rules.fail_on = CHECK_FAIL_ON_GROWING;
	assert_int_equal(judge(process, &rules).status, CHECK_CRITICAL);
	rules.fail_on = CHECK_FAIL_ON_LEAKING;
	assert_true(judge(process, &rules).blind);
	assert_int_equal(judge(process, &rules).status, CHECK_UNKNOWN);
	process->swept_ns += 900 * SECOND_NS;
	assert_int_equal(judge(process, &rules).status, CHECK_OK);
	watched_process_free(process);
}

static void test_leaking_is_critical_always(void **state)
{
	struct watched_process *process = watched_for(60);

	(void)state;
	site_with(process, SITE_PARK, "leaks", VERDICT_LEAKING, 10);
	for (int fail_on = CHECK_FAIL_ON_BOTH; fail_on <= CHECK_FAIL_ON_LEAKING; fail_on++) {
		const struct check_rules rules = {.fail_on = (enum check_fail_on)fail_on};

		assert_int_equal(judge(process, &rules).status, CHECK_CRITICAL);
	}
	watched_process_free(process);
}

static void test_a_stopped_leak_is_still_one(void **state)
{
	struct watched_process *process = watched_for(60);
	const struct check_rules rules = {0};
	struct check_result result;
	struct site *stopped;

	(void)state;
	site_with(process, SITE_PARK, "grows", VERDICT_GROWING, 10);
	stopped = site_with(process, SITE_PARK, "leaked", VERDICT_STEADY, 0);
	stopped->verdict.stopped = true;
	result = judge(process, &rules);
	assert_int_equal(result.status, CHECK_CRITICAL);
	assert_int_equal(result.verdict, VERDICT_LEAKING);
	assert_true(result.stopped);
	assert_ptr_equal(result.site, stopped);
	watched_process_free(process);
}

static void test_the_worst_site_is_named(void **state)
{
	struct watched_process *process = watched_for(60);
	const struct check_rules rules = {0};
	struct site *born, *slow, *fast, *leak;

	(void)state;
	born = site_with(process, SITE_BIRTH, "made", VERDICT_GROWING, 100);
	assert_ptr_equal(judge(process, &rules).site, born);
	assert_int_equal(judge(process, &rules).sites_count, 0);
	slow = site_with(process, SITE_PARK, "slow", VERDICT_GROWING, 10);
	assert_ptr_equal(judge(process, &rules).site, slow);
	fast = site_with(process, SITE_PARK, "fast", VERDICT_GROWING, 50);
	assert_ptr_equal(judge(process, &rules).site, fast);
	assert_int_equal(judge(process, &rules).sites_count, 2);
	leak = site_with(process, SITE_PARK, "leak", VERDICT_LEAKING, 1);
	assert_ptr_equal(judge(process, &rules).site, leak);
	assert_int_equal(judge(process, &rules).sites_count, 1);
	watched_process_free(process);
}

static void test_limits(void **state)
{
	struct watched_process *process = watched_for(60);
	struct check_rules rules = {.threads_max = 12};

	(void)state;
	process->threads.rate_per_minute = 5;
	assert_int_equal(judge(process, &rules).status, CHECK_OK);
	rules.threads_max = 11;
	assert_true(judge(process, &rules).threads_over);
	assert_int_equal(judge(process, &rules).status, CHECK_CRITICAL);

	rules = (struct check_rules){.growth_max = 5};
	assert_int_equal(judge(process, &rules).status, CHECK_OK);
	rules.growth_max = 4.9;
	assert_true(judge(process, &rules).threads_grow_over);
	assert_int_equal(judge(process, &rules).status, CHECK_CRITICAL);

	/* What cannot be counted is not within its limit. */
	rules = (struct check_rules){.goroutines_max = 100};
	assert_true(judge(process, &rules).goroutines_unknown);
	assert_int_equal(judge(process, &rules).status, CHECK_UNKNOWN);
	process->go_version = build_string("go1.23.4");
	process->goroutines.now = 100;
	assert_int_equal(judge(process, &rules).status, CHECK_OK);
	process->goroutines.now = 101;
	assert_true(judge(process, &rules).goroutines_over);
	assert_int_equal(judge(process, &rules).status, CHECK_CRITICAL);
	rules = (struct check_rules){.growth_max = 5};
	process->goroutines.rate_per_minute = 6;
	assert_true(judge(process, &rules).goroutines_grow_over);
	watched_process_free(process);
}

static void test_power_without_growth_is_that_of_leaking(void **state)
{
	struct watched_process *process = watched_for(60);
	const struct check_rules both = {0}, leaking = {.fail_on = CHECK_FAIL_ON_LEAKING};
	struct check_result result = judge(process, &both);

	(void)state;
	assert_in_range((uintmax_t)(result.power.any * 10), 110, 120);
	/* No untimed wait can be told to be a leak in a minute, and only those are here. */
	result = judge(process, &leaking);
	assert_true(result.power.any == INFINITY);
	assert_true(result.power.lone_goroutines == INFINITY);
	assert_int_equal(result.power.soonest_ns, 752 * SECOND_NS);
	assert_true(result.blind);
	assert_int_equal(result.status, CHECK_UNKNOWN);

	process->go_version = build_string("go1.23.4");
	result = judge(process, &leaking);
	assert_in_range((uintmax_t)(result.power.lone_goroutines * 10), 200, 210);
	assert_int_equal(result.status, CHECK_OK);
	watched_process_free(process);

	process = watched_for(900);
	assert_in_range((uintmax_t)(judge(process, &leaking).power.any * 10), 13, 14);
	watched_process_free(process);
}

static void test_a_large_crowd_hides_more(void **state)
{
	struct watched_process *process = watched_for(60);
	const struct check_rules rules = {0};
	struct check_result result;
	struct site *site = site_with(process, SITE_PARK, "idle", VERDICT_STEADY, 0);

	(void)state;
	site->crowd.now = 100;
	assert_null(judge(process, &rules).power.crowd);
	site->crowd.now = 1000;
	result = judge(process, &rules);
	assert_ptr_equal(result.power.crowd, site);
	assert_in_range((uintmax_t)result.power.in_crowd, 68, 72);
	/* Not one that is none of the application's. */
	site->runtime = true;
	assert_null(judge(process, &rules).power.crowd);
	watched_process_free(process);
}

static void test_who_sees_nothing_does_not_say_ok(void **state)
{
	struct watched_process *process = watched_for(3);
	struct check_rules rules = {0};

	(void)state;
	assert_true(judge(process, &rules).blind);
	assert_int_equal(judge(process, &rules).status, CHECK_UNKNOWN);
	/* A limit is seen at once. */
	rules.threads_max = 100;
	assert_false(judge(process, &rules).blind);
	assert_int_equal(judge(process, &rules).status, CHECK_OK);
	rules.threads_max = 0;
	site_with(process, SITE_PARK, "leaks", VERDICT_LEAKING, 10);
	assert_int_equal(judge(process, &rules).status, CHECK_CRITICAL);
	watched_process_free(process);
}

static void test_worse(void **state)
{
	static const enum check_status order[] = {CHECK_OK, CHECK_UNKNOWN, CHECK_WARNING,
						  CHECK_CRITICAL};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(check_worse(order[i], order[j]), order[i > j ? i : j]);
	assert_string_equal(check_status_name(CHECK_OK), "OK");
	assert_string_equal(check_status_name(CHECK_WARNING), "WARNING");
	assert_string_equal(check_status_name(CHECK_CRITICAL), "CRITICAL");
	assert_string_equal(check_status_name(CHECK_UNKNOWN), "UNKNOWN");
}

static void test_interval(void **state)
{
	(void)state;
	assert_int_equal(check_interval_ns(60 * SECOND_NS), 2 * SECOND_NS);
	assert_int_equal(check_interval_ns(SECOND_NS), SECOND_NS / 2);
	assert_int_equal(check_interval_ns(3600 * SECOND_NS), 5 * SECOND_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_wrong),
		cmocka_unit_test(test_growing_is_what_the_user_says),
		cmocka_unit_test(test_leaking_is_critical_always),
		cmocka_unit_test(test_a_stopped_leak_is_still_one),
		cmocka_unit_test(test_the_worst_site_is_named),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_power_without_growth_is_that_of_leaking),
		cmocka_unit_test(test_a_large_crowd_hides_more),
		cmocka_unit_test(test_who_sees_nothing_does_not_say_ok),
		cmocka_unit_test(test_worse),
		cmocka_unit_test(test_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
