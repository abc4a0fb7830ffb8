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

/* Two units come with each sweep, each alone on its channel; `early` ones were there before. */
static void sweep_leak(struct site *site, const struct verdict_rules *rules, uint64_t sweep,
		       uint64_t early)
{
	uint64_t watched_ns = sweep * 5 * SECOND_NS;

	site_begin_sweep(site, 1000 * SECOND_NS + watched_ns, watched_ns);
	for (uint64_t i = 0; i < early; i++)
		site_park(
			site,
			&(struct stay){.age_ns = watched_ns, .bound = AGE_AT_LEAST, .early = true},
			false);
	/* The newest came since the sweep before, nobody knows when. */
	for (uint64_t came = 1; came <= sweep; came++)
		for (int i = 0; i < 2; i++)
			site_park(site,
				  &(struct stay){
					  .age_ns = came == sweep ? 5 * SECOND_NS
								  : (sweep - came) * 5 * SECOND_NS,
					  .bound = came == sweep ? AGE_AT_MOST : AGE_AT_LEAST},
				  came == sweep);
	assert_int_equal(site_end_sweep(site, 5 * SECOND_NS, rules), 0);
}

static struct site *lone_send_site(void)
{
	struct stack *stack = build_stack("main.handle.func1", NULL);
	struct site *site = site_new(SITE_PARK, UNIT_GOROUTINE, "chan_send", stack);

	assert_non_null(site);
	stack_free(stack);
	for (uint64_t i = 0; i < 10; i++)
		wait_objects_add(&site->objects, &(struct wait_object){.kind = WAIT_OBJECT_CHANNEL,
								       .identity = i,
								       .alone = true});
	return site;
}

static void test_goroutines_that_came_since_make_a_leak(void **state)
{
	const struct verdict_rules rules = verdict_rules_default();
	struct site *site = lone_send_site();

	(void)state;
	for (uint64_t sweep = 0; sweep < 8; sweep++) {
		sweep_leak(site, &rules, sweep, 100);
		/* Not before ten have been here for ten seconds, and in two sweeps. */
		assert_int_not_equal(site->verdict.verdict, VERDICT_LEAKING);
		assert_int_equal(verdict_is_pending(&site->verdict), sweep == 7);
	}
	sweep_leak(site, &rules, 8, 100);
	assert_int_equal(site->verdict.verdict, VERDICT_LEAKING);
	assert_false(verdict_is_pending(&site->verdict));
	assert_int_equal(site->verdict.class, VERDICT_CLASS_PROOF);
	assert_int_equal(site->verdict.evidence.now, 116);
	assert_true(site_verdict_changed(site));
	site_end_report(site);
	assert_false(site_verdict_changed(site));
	site_free(site);
}

/* They may have been there for days: that they are old shows nothing. */
static void test_goroutines_that_were_there_make_none(void **state)
{
	const struct verdict_rules rules = verdict_rules_default();
	struct site *site = lone_send_site();

	(void)state;
	for (uint64_t sweep = 0; sweep < 20; sweep++) {
		uint64_t watched_ns = sweep * 5 * SECOND_NS;

		site_begin_sweep(site, watched_ns, watched_ns);
		for (int i = 0; i < 1000; i++)
			site_park(site,
				  &(struct stay){.age_ns = watched_ns,
						 .bound = AGE_AT_LEAST,
						 .early = true},
				  false);
		assert_int_equal(site_end_sweep(site, 5 * SECOND_NS, &rules), 0);
	}
	assert_int_equal(site->verdict.verdict, VERDICT_STEADY);
	site_free(site);
}

static void test_a_timeout_makes_a_wait_no_leak(void **state)
{
	struct stack *stack = build_stack("pthread_cond_wait", "work", NULL);
	struct site *site = site_new(SITE_PARK, UNIT_THREAD, "futex", stack);
	struct verdict_subject subject;

	(void)state;
	assert_non_null(site);
	subject = site_subject(site);
	assert_int_equal(verdict_class_of(&subject), VERDICT_CLASS_UNTIMED);
	site->timed = true;
	subject = site_subject(site);
	assert_int_equal(verdict_class_of(&subject), VERDICT_CLASS_NEVER);
	site_free(site);
	stack_free(stack);
}

static void test_idle_stacks_are_known_from_the_start(void **state)
{
	struct stack *stack = build_stack("wait", "g_thread_pool_thread_proxy", NULL);
	struct site *park = site_new(SITE_PARK, UNIT_THREAD, "futex", stack);
	struct site *birth = site_new(SITE_BIRTH, UNIT_THREAD, "birth", stack);

	(void)state;
	assert_true(park->idle);
	assert_false(birth->idle);
	site_free(park);
	site_free(birth);
	stack_free(stack);
}

/* Sweeps every 5 s, of which the first finds one unit if `parked`, and the next that it left. */
static void sweep_for(struct site *site, bool parked, uint64_t from_s, uint64_t to_s)
{
	const struct verdict_rules rules = verdict_rules_default();
	const struct stay stay = {.age_ns = SECOND_NS, .bound = AGE_EXACT};

	for (uint64_t second = from_s; second <= to_s; second += 5) {
		site_begin_sweep(site, second * SECOND_NS, second * SECOND_NS);
		if (parked && second == from_s)
			site_park(site, &stay, true);
		else if (parked && second == from_s + 5)
			site_leave(site, &stay);
		assert_int_equal(site_end_sweep(site, 5 * SECOND_NS, &rules), 0);
	}
}

static void test_a_site_expires_when_it_was_not_used_for_long(void **state)
{
	struct stack *stack = build_stack("work", NULL);
	struct site *site = site_new(SITE_PARK, UNIT_THREAD, "futex", stack);

	(void)state;
	assert_non_null(site);
	sweep_for(site, true, 1000, 1000);
	assert_false(site_is_expired(site, 9999 * SECOND_NS, false));
	sweep_for(site, true, 1000, 1200);
	assert_int_equal(site->active_ns, 1005 * SECOND_NS);
	/* One waits here that no sweep sees. */
	site_add_waits(site, &(struct wait_sum){.count = 1, .duration_ns = 1, .max_ns = 1});
	sweep_for(site, false, 1205, 1900);
	assert_int_equal(site->active_ns, 1205 * SECOND_NS);
	assert_false(site_is_expired(site, 1804 * SECOND_NS, false));
	assert_true(site_is_expired(site, 1805 * SECOND_NS, false));
	assert_false(site_is_expired(site, 1264 * SECOND_NS, true));
	assert_true(site_is_expired(site, 1265 * SECOND_NS, true));
	site->grew = true;
	assert_false(site_is_expired(site, 1805 * SECOND_NS, false));
	assert_true(site_is_expired(site, 4805 * SECOND_NS, false));
	site->unit = UNIT_GOROUTINE;
	assert_false(site_is_expired(site, 9999 * SECOND_NS, false));
	site_free(site);
	stack_free(stack);
}

/* Twelve stay for half a minute, as in every night: that they left is known the next night. */
static void test_a_site_stays_while_its_ladder_remembers(void **state)
{
	const struct verdict_rules rules = verdict_rules_default();
	const struct stay before = {.age_ns = 30 * SECOND_NS, .bound = AGE_EXACT};
	struct stack *stack = build_stack("batch", NULL);
	struct site *site = site_new(SITE_PARK, UNIT_THREAD, "futex", stack);

	(void)state;
	assert_non_null(site);
	site_begin_sweep(site, 1000 * SECOND_NS, 1000 * SECOND_NS);
	for (int i = 0; i < 12; i++)
		site_park(site, &before, true);
	assert_int_equal(site_end_sweep(site, 5 * SECOND_NS, &rules), 0);
	site_begin_sweep(site, 1005 * SECOND_NS, 1005 * SECOND_NS);
	for (int i = 0; i < 12; i++)
		site_leave(site, &before);
	assert_int_equal(site_end_sweep(site, 5 * SECOND_NS, &rules), 0);
	sweep_for(site, false, 1010, 87400);
	assert_false(site_is_expired(site, 87400 * SECOND_NS, false));
	assert_true(site_is_expired(site, 87400 * SECOND_NS, true));
	/* Some ends are left of those, fading: ln(24) days. */
	sweep_for(site, false, 87405, 1000 + 4 * 86400);
	assert_true(site_is_expired(site, (1000 + 4 * 86400) * SECOND_NS, false));
	site_free(site);
	stack_free(stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval_is_what_the_last_report_did_not_say),
		cmocka_unit_test(test_a_birth_site_counts_the_living),
		cmocka_unit_test(test_goroutines_that_came_since_make_a_leak),
		cmocka_unit_test(test_goroutines_that_were_there_make_none),
		cmocka_unit_test(test_a_timeout_makes_a_wait_no_leak),
		cmocka_unit_test(test_idle_stacks_are_known_from_the_start),
		cmocka_unit_test(test_a_site_expires_when_it_was_not_used_for_long),
		cmocka_unit_test(test_a_site_stays_while_its_ladder_remembers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
