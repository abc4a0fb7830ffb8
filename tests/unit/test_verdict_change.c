// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <string.h>

#include "model/verdict_change.h"
#include "model_builder.h"

static struct site *add_site(struct watched_process *process, enum site_kind kind,
			     const char *function, enum verdict was, enum verdict now,
			     uint64_t count)
{
	struct site *site = build_site(process, kind, kind == SITE_PARK ? "futex" : "birth",
				       build_stack(function, NULL));

	site->reported.verdict = was;
	site->verdict.verdict = now;
	site->verdict.evidence.now = count;
	return site;
}

static void assert_change_text(const struct verdict_change *change, const char *expected)
{
	char text[VERDICT_CHANGE_TEXT_SIZE];

	memset(text, 'x', sizeof(text));
	verdict_change_text(change, text);
	assert_string_equal(text, expected);
}

static void test_worst_first_and_only_what_changed(void **state)
{
	auto_free(watched_process) struct watched_process *process = build_process(7, "server");
	autofree struct verdict_change *changes = NULL;
	struct site *small, *large, *back, *stopped;
	size_t count = 0;

	(void)state;
	back = add_site(process, SITE_PARK, "back", VERDICT_LEAKING, VERDICT_STEADY, 900);
	small = add_site(process, SITE_PARK, "small", VERDICT_GROWING, VERDICT_LEAKING, 20);
	large = add_site(process, SITE_PARK, "large", VERDICT_GROWING, VERDICT_LEAKING, 30);
	stopped = add_site(process, SITE_PARK, "stopped", VERDICT_STEADY, VERDICT_STEADY, 5);
	stopped->verdict.stopped = true;
	add_site(process, SITE_PARK, "same", VERDICT_LEAKING, VERDICT_LEAKING, 1000);
	add_site(process, SITE_PARK, "calm", VERDICT_STEADY, VERDICT_STEADY, 1000);
	process->threads.verdict.verdict = VERDICT_GROWING;
	assert_int_equal(verdict_changes(process, SHOWN_ALL, &changes, &count), 0);
	assert_int_equal(count, 5);
	assert_ptr_equal(changes[0].site, large);
	assert_ptr_equal(changes[1].site, small);
	assert_null(changes[2].site);
	assert_int_equal(changes[2].unit, UNIT_THREAD);
	assert_ptr_equal(changes[3].site, back);
	assert_ptr_equal(changes[4].site, stopped);
	assert_true(changes[4].stopped && !changes[4].was_stopped);

	watched_process_end_report(process);
	free(take_ptr(changes));
	assert_int_equal(verdict_changes(process, SHOWN_ALL, &changes, &count), 0);
	assert_int_equal(count, 0);
}

static void test_only_the_units_that_are_shown(void **state)
{
	auto_free(watched_process) struct watched_process *process = build_process(7, "server");
	autofree struct verdict_change *changes = NULL;
	size_t count = 0;

	(void)state;
	add_site(process, SITE_PARK, "leak", VERDICT_STEADY, VERDICT_LEAKING, 20);
	process->threads.verdict.verdict = VERDICT_GROWING;
	process->goroutines.verdict.verdict = VERDICT_GROWING;
	assert_int_equal(verdict_changes(process, SHOWN_GOROUTINES, &changes, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(changes[0].unit, UNIT_GOROUTINE);
}

static void test_a_process_that_ended_takes_all_back_last(void **state)
{
	auto_free(watched_process) struct watched_process *process = build_process(7, "server");
	autofree struct verdict_change *changes = NULL;
	struct site *fresh, *old;
	size_t count = 0;

	(void)state;
	fresh = add_site(process, SITE_PARK, "fresh", VERDICT_STEADY, VERDICT_GROWING, 20);
	old = add_site(process, SITE_PARK, "old", VERDICT_LEAKING, VERDICT_LEAKING, 30);
	add_site(process, SITE_PARK, "calm", VERDICT_STEADY, VERDICT_STEADY, 1000);
	process->ended = true;
	assert_int_equal(verdict_changes(process, SHOWN_ALL, &changes, &count), 0);
	assert_int_equal(count, 3);
	assert_ptr_equal(changes[0].site, fresh);
	assert_false(changes[0].ended);
	assert_int_equal(changes[0].now, VERDICT_GROWING);
	assert_ptr_equal(changes[1].site, old);
	assert_true(changes[1].ended);
	assert_int_equal(changes[1].was, VERDICT_LEAKING);
	assert_int_equal(changes[1].now, VERDICT_STEADY);
	assert_ptr_equal(changes[2].site, fresh);
	assert_true(changes[2].ended);
	assert_int_equal(changes[2].was, VERDICT_GROWING);
	assert_change_text(&changes[2], "the process ended");
}

static void test_texts(void **state)
{
	auto_free(watched_process) struct watched_process *process = build_process(7, "server");
	struct site *park =
		add_site(process, SITE_PARK, "park", VERDICT_STEADY, VERDICT_LEAKING, 12);
	struct site *birth =
		add_site(process, SITE_BIRTH, "birth", VERDICT_STEADY, VERDICT_GROWING, 1);
	struct verdict_change change = {
		.site = park, .state = &park->verdict, .now = VERDICT_LEAKING};

	(void)state;
	assert_change_text(&change, "12 parked, oldest 0s, none left");
	change.was = VERDICT_LEAKING;
	change.now = VERDICT_STEADY;
	assert_change_text(&change, "no longer leaking, 12 threads parked");
	change.was_stopped = true;
	assert_change_text(&change, "those that remained have left, 12 threads parked");

	birth->verdict.evidence.rate_per_minute = 9.94;
	change = (struct verdict_change){
		.site = birth, .state = &birth->verdict, .now = VERDICT_GROWING};
	assert_change_text(&change, "1 thread live, 9.9 more a minute, none ended");
	birth->verdict.evidence.departed = 3;
	birth->verdict.evidence.rate_per_minute = 1234.5;
	change.site = NULL;
	change.unit = UNIT_GOROUTINE;
	assert_change_text(&change, "1 goroutine live, 1234 more a minute, 3 ended");
	birth->verdict.evidence.rate_per_minute = 1e300;
	verdict_change_text(&change, (char[VERDICT_CHANGE_TEXT_SIZE]){0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worst_first_and_only_what_changed),
		cmocka_unit_test(test_only_the_units_that_are_shown),
		cmocka_unit_test(test_a_process_that_ended_takes_all_back_last),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
