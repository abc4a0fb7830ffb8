// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/report.h"
#include "model_builder.h"

static void set_threads(struct watched_process *process, uint64_t before, uint64_t now)
{
	const struct verdict_rules rules = verdict_rules_default();

	process->threads.now = before;
	watched_process_begin_sweep(process, 0);
	assert_int_equal(watched_process_end_sweep(process, &rules), 0);
	process->threads.now = now;
	watched_process_begin_sweep(process, 60 * SECOND_NS);
	assert_int_equal(watched_process_end_sweep(process, &rules), 0);
}

static void test_growth_comes_first_then_size_then_pid(void **state)
{
	struct watched_process *large = build_process(5, "large");
	struct watched_process *growing = build_process(9, "growing");
	struct watched_process *small_b = build_process(8, "small_b");
	struct watched_process *small_a = build_process(3, "small_a");
	struct watched_process *all[] = {small_b, large, growing, small_a};

	(void)state;
	set_threads(large, 100, 100);
	set_threads(growing, 1, 5);
	set_threads(small_a, 2, 2);
	set_threads(small_b, 2, 2);
	report_sort_processes(all, 4);
	assert_ptr_equal(all[0], growing);
	assert_ptr_equal(all[1], large);
	assert_ptr_equal(all[2], small_a);
	assert_ptr_equal(all[3], small_b);
	report_sort_processes(NULL, 0);
	for (size_t i = 0; i < 4; i++)
		watched_process_free(all[i]);
}

static void test_the_order_of_equals_is_always_the_same(void **state)
{
	struct watched_process *ended = build_process(7, "same");
	struct watched_process *reused = build_process(7, "same");
	struct watched_process *all[] = {ended, reused}, *turned[] = {reused, ended};

	(void)state;
	reused->first_seen_ns = 5;
	report_sort_processes(all, 2);
	report_sort_processes(turned, 2);
	assert_ptr_equal(all[0], reused);
	assert_ptr_equal(turned[0], reused);
	watched_process_free(ended);
	watched_process_free(reused);
}

static void set_goroutines(struct watched_process *process, uint64_t before, uint64_t now)
{
	process->go_version = build_string("go1.23.4");
	process->goroutines.now = before;
	set_threads(process, 1, 1);
	process->goroutines.rate_per_minute = (double)now - (double)before;
	process->goroutines.now = now;
}

static void test_the_unit_that_grows_more_leads(void **state)
{
	struct watched_process *go = build_process(1, "go");
	struct watched_process *threads = build_process(2, "threads");
	struct watched_process *idle = build_process(3, "idle");
	struct watched_process *refused = build_process(4, "refused");
	struct watched_process *all[] = {idle, threads, refused, go};

	(void)state;
	set_goroutines(go, 100, 150);
	set_threads(threads, 1, 41);
	set_goroutines(idle, 1000, 1000);
	set_goroutines(refused, 100, 150);
	refused->go_refused = build_string("too new");
	assert_int_equal(report_leading_unit(go), UNIT_GOROUTINE);
	assert_int_equal(report_leading_unit(threads), UNIT_THREAD);
	assert_int_equal(report_leading_unit(idle), UNIT_GOROUTINE);
	assert_int_equal(report_leading_unit(refused), UNIT_THREAD);
	report_sort_processes(all, 4);
	assert_ptr_equal(all[0], go);
	assert_ptr_equal(all[1], threads);
	assert_ptr_equal(all[2], idle);
	assert_ptr_equal(all[3], refused);

	/* Its threads grow more than its goroutines do. */
	go->threads.rate_per_minute = 999;
	assert_int_equal(report_leading_unit(go), UNIT_THREAD);
	for (size_t i = 0; i < 4; i++)
		watched_process_free(all[i]);
}

static void test_units_that_are_shown(void **state)
{
	(void)state;
	assert_true(unit_is_shown(SHOWN_ALL, UNIT_THREAD));
	assert_true(unit_is_shown(SHOWN_ALL, UNIT_GOROUTINE));
	assert_true(unit_is_shown(SHOWN_THREADS, UNIT_THREAD));
	assert_false(unit_is_shown(SHOWN_THREADS, UNIT_GOROUTINE));
	assert_false(unit_is_shown(SHOWN_GOROUTINES, UNIT_THREAD));
	assert_true(unit_is_shown(SHOWN_GOROUTINES, UNIT_GOROUTINE));
}

static void test_sites_of_one_kind_largest_then_oldest(void **state)
{
	struct watched_process *process = build_process(1, "target");
	struct site *young = build_site(process, SITE_PARK, "futex", build_stack("young", NULL));
	struct site *old = build_site(process, SITE_PARK, "futex", build_stack("old", NULL));
	struct site *large = build_site(process, SITE_PARK, "futex", build_stack("large", NULL));
	struct site *gone = build_site(process, SITE_PARK, "futex", build_stack("gone", NULL));
	struct site *left = build_site(process, SITE_PARK, "futex", build_stack("left", NULL));
	struct site *birth = build_site(process, SITE_BIRTH, "birth", build_stack("main", NULL));
	struct site **sites = NULL;
	size_t count = 0;

	(void)state;
	sweep_site(young, 2, 10, 0);
	sweep_site(old, 2, 99, 0);
	sweep_site(large, 3, 1, 0);
	sweep_site(gone, 1, 1, 0);
	sweep_site(gone, 0, 0, 0);
	sweep_site(left, 1, 1, 0);
	birth->births.live = 1;
	watched_process_end_report(process);
	sweep_site(left, 0, 0, 0);

	assert_int_equal(report_sites(process, SITE_PARK, &sites, &count), 0);
	assert_int_equal(count, 4); /* `gone` was gone before this interval */
	assert_ptr_equal(sites[0], large);
	assert_ptr_equal(sites[1], old);
	assert_ptr_equal(sites[2], young);
	assert_ptr_equal(sites[3], left);
	free(sites);
	assert_int_equal(report_sites(process, SITE_BIRTH, &sites, &count), 0);
	assert_int_equal(count, 1);
	assert_ptr_equal(sites[0], birth);
	free(sites);
	watched_process_free(process);
}

static void test_a_process_without_sites_has_none(void **state)
{
	struct watched_process *process = build_process(1, "target");
	struct site **sites = NULL;
	size_t count = 9;

	(void)state;
	assert_int_equal(report_sites(process, SITE_PARK, &sites, &count), 0);
	assert_int_equal(count, 0);
	free(sites);
	watched_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth_comes_first_then_size_then_pid),
		cmocka_unit_test(test_the_order_of_equals_is_always_the_same),
		cmocka_unit_test(test_the_unit_that_grows_more_leads),
		cmocka_unit_test(test_units_that_are_shown),
		cmocka_unit_test(test_sites_of_one_kind_largest_then_oldest),
		cmocka_unit_test(test_a_process_without_sites_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
