// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <stdio.h>

#include "model/watched_process.h"
#include "model_builder.h"

static void test_a_site_is_made_once(void **state)
{
	struct watched_process *process = build_process(1, "target");
	struct site *site = build_site(process, SITE_PARK, "futex", build_stack("work", NULL));

	(void)state;
	assert_ptr_equal(build_site(process, SITE_PARK, "futex", build_stack("work", NULL)), site);
	assert_int_equal(process->sites_count, 1);
	assert_ptr_not_equal(build_site(process, SITE_PARK, "epoll", build_stack("work", NULL)),
			     site);
	/* The same identity as a birth site is another site. */
	assert_ptr_not_equal(build_site(process, SITE_BIRTH, "futex", build_stack("work", NULL)),
			     site);
	assert_int_equal(process->sites_count, 3);
	watched_process_free(process);
	watched_process_free(NULL);
}

static void test_sites_are_bounded(void **state)
{
	struct watched_process *process = build_process(1, "target");
	struct stack *last;
	char name[32];

	(void)state;
	for (int i = 0; i < WATCHED_SITES_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		build_site(process, SITE_PARK, "futex", build_stack(name, NULL));
	}
	last = build_stack("one_too_many", NULL);
	assert_null(watched_process_site(process, SITE_PARK, UNIT_THREAD, "futex", last));
	stack_free(last);
	assert_int_equal(process->sites_count, WATCHED_SITES_MAX);
	/* Those that are there are still found. */
	build_site(process, SITE_PARK, "futex", build_stack("f7", NULL));
	watched_process_free(process);
}

static void test_reasons_are_bounded(void **state)
{
	static char names[WATCHED_REASONS_MAX + 1][24];
	struct watched_process *process = build_process(1, "target");

	(void)state;
	for (int i = 0; i <= WATCHED_REASONS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "reason_%d", i);
		watched_process_reason(process, names[i])->count++;
	}
	assert_int_equal(process->reasons_count, WATCHED_REASONS_MAX);
	assert_int_equal(process->reasons[WATCHED_REASONS_MAX - 1].count, 2);
	assert_int_equal(watched_process_reason(process, "reason_0")->count, 1);
	watched_process_free(process);
}

static void test_a_sweep_resets_what_is_now(void **state)
{
	const struct verdict_rules rules = verdict_rules_default();
	const struct stay stay = {.age_ns = 5};
	struct watched_process *process = build_process(1, "target");
	struct site *site = build_site(process, SITE_PARK, "futex", build_stack("work", NULL));
	struct site *birth = build_site(process, SITE_BIRTH, "birth", build_stack("main", NULL));

	(void)state;
	site_park(site, &stay, true);
	watched_process_reason(process, "futex")->open_ns = 99;
	watched_process_begin_sweep(process, 0);
	assert_int_equal(site->crowd.now, 0);
	assert_int_equal(process->reasons[0].open_ns, 0);

	site_park(site, &stay, false);
	stay_sample_add(&site->stays, 9);
	stay_sample_add(&site->stays, 8);
	birth->births.live = 10;
	process->threads.now = 10;
	assert_int_equal(watched_process_end_sweep(process, &rules), 0);
	assert_int_equal(site->stays.ids[0], 8);
	assert_int_equal(site->stays.ids[1], 9);
	watched_process_begin_sweep(process, 60 * SECOND_NS);
	assert_int_equal(site->stays.count, 0);
	birth->births.live = 40;
	process->threads.now = 20;
	assert_int_equal(watched_process_end_sweep(process, &rules), 0);
	assert_true(site_rate_per_minute(site) == -1);
	assert_true(site_rate_per_minute(birth) == 30);
	assert_true(process->threads.rate_per_minute == 10);
	watched_process_free(process);
}

static void sweep_at(struct watched_process *process, uint64_t second, const char *found)
{
	const struct verdict_rules rules = verdict_rules_default();

	watched_process_begin_sweep(process, second * SECOND_NS);
	build_site(process, SITE_PARK, "futex", build_stack(found, NULL));
	assert_int_equal(watched_process_end_sweep(process, &rules), 0);
}

static uint64_t counts_since(struct watched_process *process, const char *name)
{
	return build_site(process, SITE_PARK, "futex", build_stack(name, NULL))->since_ns;
}

static void test_a_site_counts_since_the_sweep_before_it(void **state)
{
	struct watched_process *process = build_process(1, "target");

	(void)state;
	sweep_at(process, 100, "first");
	sweep_at(process, 105, "second");
	assert_int_equal(counts_since(process, "between"), 105 * SECOND_NS);
	sweep_at(process, 110, "second");
	assert_int_equal(counts_since(process, "first"), 0);
	assert_int_equal(counts_since(process, "second"), 100 * SECOND_NS);
	watched_process_free(process);
}

static void test_one_sweep_that_comes_early_changes_no_interval(void **state)
{
	struct watched_process *process = build_process(1, "target");

	(void)state;
	sweep_at(process, 100, "work");
	assert_int_equal(process->interval_ns, 0);
	sweep_at(process, 105, "work");
	assert_int_equal(process->interval_ns, 5 * SECOND_NS);
	sweep_at(process, 107, "work");
	assert_int_equal(process->interval_ns, 5 * SECOND_NS);
	sweep_at(process, 112, "work");
	assert_int_equal(process->interval_ns, 5 * SECOND_NS);
	sweep_at(process, 172, "work");
	assert_int_equal(process->interval_ns, 60 * SECOND_NS);
	sweep_at(process, 177, "work");
	sweep_at(process, 182, "work");
	assert_int_equal(process->interval_ns, 5 * SECOND_NS);
	watched_process_free(process);
}

static void test_a_report_ends_all_intervals(void **state)
{
	struct watched_process *process = build_process(1, "target");
	struct site *site = build_site(process, SITE_PARK, "futex", build_stack("work", NULL));
	struct reason_waits *waits = watched_process_reason(process, "futex");

	(void)state;
	sweep_site(site, 4, 1, SECOND_NS);
	waits->count = 5;
	waits->restarts = 1;
	waits->duration_ns = 500;
	waits->open_ns = 50;
	process->threads.born = 6;
	process->threads.exited = 2;
	watched_process_end_report(process);
	assert_int_equal(site_interval(site).arrived, 0);
	assert_int_equal(waits->reported.count, 5);
	assert_int_equal(waits->reported.restarts, 1);
	assert_int_equal(waits->reported.duration_ns, 500);
	assert_int_equal(waits->reported.open_ns, 50);
	assert_int_equal(process->threads.reported.born, 6);
	assert_int_equal(process->threads.reported.exited, 2);
	watched_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_site_is_made_once),
		cmocka_unit_test(test_sites_are_bounded),
		cmocka_unit_test(test_reasons_are_bounded),
		cmocka_unit_test(test_a_sweep_resets_what_is_now),
		cmocka_unit_test(test_a_site_counts_since_the_sweep_before_it),
		cmocka_unit_test(test_one_sweep_that_comes_early_changes_no_interval),
		cmocka_unit_test(test_a_report_ends_all_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
