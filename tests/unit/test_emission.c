// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <stdio.h>

#include "emission_fixture.h"

static void test_a_process_each_minute(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	int written = 0;

	(void)state;
	for (uint64_t second = 5; second <= 305; second += 5) {
		const struct emission_due *due = report_at(fixture, second);

		if (!due->process.due)
			continue;
		assert_int_equal((second - 5) % 60, 0);
		assert_seconds(due->process.interval_s, second == 5 ? 5 : 60);
		written++;
	}
	assert_int_equal(written, 6);
	fixture_free(fixture);
}

/* Reports drift: 59.99 s must not become 65 s. */
static void test_the_minute_is_the_nearest_report(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);

	(void)state;
	report_at(fixture, 0);
	fixture->report.now_ns = 59990000000;
	assert_int_equal(
		emission_next(fixture->emission, &fixture->report, fixture->process, &fixture->due),
		0);
	assert_true(fixture->due->process.due);
	fixture_free(fixture);
}

static void test_process_counters_cover_the_reports_left_out(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct reason_waits *waits = watched_process_reason(fixture->process, "futex");
	const struct emission_due *due;

	(void)state;
	report_at(fixture, 0);
	for (uint64_t second = 5; second <= 60; second += 5) {
		fixture->process->threads.born += 2;
		fixture->process->threads.exited += 1;
		waits->count += 10;
		waits->restarts += 1;
		waits->duration_ns += SECOND_NS;
		waits->open_ns = second * SECOND_NS; /* one thread waits all the time */
		waits->histogram[3] += 10;
		due = report_at(fixture, second);
		watched_process_end_report(fixture->process);
	}
	assert_true(due->process.due);
	assert_int_equal(due->process.threads.born, 24);
	assert_int_equal(due->process.threads.exited, 12);
	assert_int_equal(due->process.waits_count, 1);
	assert_string_equal(due->process.waits[0].reason, "futex");
	assert_int_equal(due->process.waits[0].count, 120);
	assert_int_equal(due->process.waits[0].restarts, 12);
	assert_true(due->process.waits[0].duration_ns == 12 * SECOND_NS);
	assert_true(due->process.waits[0].waiting_ns == 72 * SECOND_NS);
	assert_int_equal(due->process.waits[0].histogram[3], 120);
	assert_int_equal(due->process.waits[0].histogram[4], 0);

	/* The wait that lasted ends, but began before we attached: it enters no total. */
	waits->open_ns = 0;
	due = report_at(fixture, 120);
	assert_true(due->process.due);
	assert_int_equal(due->process.threads.born, 0);
	assert_int_equal(due->process.waits_count, 0);
	fixture_free(fixture);
}

static void test_goroutines_are_counted_beside_threads(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	const struct emission_due *due;

	(void)state;
	fixture->process->goroutines.born = 7;
	due = report_at(fixture, 5);
	assert_int_equal(due->process.goroutines.born, 7);
	assert_int_equal(due->process.goroutines.exited, 0);
	fixture->process->goroutines.born = 107;
	report_at(fixture, 10);
	fixture->process->goroutines.exited = 40;
	due = report_at(fixture, 65);
	assert_true(due->process.due);
	assert_int_equal(due->process.goroutines.born, 100);
	assert_int_equal(due->process.goroutines.exited, 40);
	assert_int_equal(due->process.threads.born, 0);
	fixture_free(fixture);
}

static void test_top_and_sums_are_of_each_unit(void **state)
{
	struct fixture *fixture = fixture_new(false, 1);
	const char *const names[] = {"a", "b", "c"};
	const struct emission_due *due;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		sweep_site(park_site(fixture, names[i]), i + 1, 1, 0);
		sweep_site(build_goroutine_site(fixture->process, SITE_PARK, "chan_send",
						build_stack(names[i], NULL)),
			   10 * (i + 1), 1, 0);
	}
	due = report_at(fixture, 5);
	assert_int_equal(due->sites_count, 2);
	assert_int_equal(due->sites[0].site->unit, UNIT_GOROUTINE);
	assert_int_equal(due->sites[0].site->crowd.now, 30);
	assert_int_equal(due->sites[1].site->unit, UNIT_THREAD);
	assert_int_equal(due->sites[1].site->crowd.now, 3);
	assert_int_equal(due->other[SITE_PARK][UNIT_GOROUTINE].sites, 2);
	assert_int_equal(due->other[SITE_PARK][UNIT_GOROUTINE].size, 30);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].sites, 2);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].size, 3);
	fixture_free(fixture);
}

static void test_only_the_units_that_are_shown(void **state)
{
	const struct emission_rules rules = {.full = true, .units = SHOWN_GOROUTINES};
	struct fixture *fixture = fixture_new(true, 10);
	const struct emission_due *due;

	(void)state;
	emission_free(fixture->emission);
	fixture->emission = emission_new(&rules);
	assert_non_null(fixture->emission);
	sweep_site(park_site(fixture, "thread"), 1, 1, 0);
	sweep_site(build_goroutine_site(fixture->process, SITE_PARK, "chan_send",
					build_stack("goroutine", NULL)),
		   2, 1, 0);
	due = report_at(fixture, 5);
	assert_int_equal(due->sites_count, 1);
	assert_int_equal(due->sites[0].site->crowd.now, 2);
	fixture_free(fixture);
}

static void test_a_site_at_first_sight_of_its_process(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = park_site(fixture, "work");
	const struct emission_due *due;

	(void)state;
	sweep_site(site, 1, 1, 0);
	due = report_at(fixture, 5);
	assert_int_equal(due->sites_count, 1);
	assert_ptr_equal(due->sites[0].site, site);
	assert_true(due->sites[0].stack_due);
	assert_int_equal(due->sites[0].counts.arrived, 1);
	assert_seconds(due->sites[0].interval_s, 5);
	assert_int_equal(report_at(fixture, 10)->sites_count, 0);
	fixture_free(fixture);
}

static void test_a_site_when_its_crowd_changes_by_more_than_five(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = park_site(fixture, "work");
	const struct emission_due *due;

	(void)state;
	report_at(fixture, 0);
	sweep_site(site, 5, 1, 5 * SECOND_NS);
	assert_int_equal(report_at(fixture, 5)->sites_count, 0);
	watched_process_end_report(fixture->process);
	sweep_site(site, 6, 1, 10 * SECOND_NS);
	due = report_at(fixture, 10);
	assert_int_equal(due->sites_count, 1);
	/* Everything since it was never written, not since the last report. */
	assert_int_equal(due->sites[0].counts.arrived, 6);
	assert_seconds(due->sites[0].interval_s, 10);
	assert_true(due->sites[0].stack_due);
	watched_process_end_report(fixture->process);

	sweep_site(site, 1, 1, 15 * SECOND_NS);
	assert_int_equal(report_at(fixture, 15)->sites_count, 0);
	sweep_site(site, 0, 1, 20 * SECOND_NS);
	due = report_at(fixture, 20);
	assert_int_equal(due->sites_count, 1);
	assert_int_equal(due->sites[0].counts.departed, 6);
	assert_int_equal(due->sites[0].counts.arrived, 0);
	assert_seconds(due->sites[0].interval_s, 10);
	assert_false(due->sites[0].stack_due);
	fixture_free(fixture);
}

static void test_a_large_site_when_it_changes_by_more_than_a_tenth(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = birth_site(fixture, "main");

	(void)state;
	site->births.live = 1000;
	assert_int_equal(report_at(fixture, 5)->sites_count, 1);
	site->births.live = 1100;
	assert_int_equal(report_at(fixture, 10)->sites_count, 0);
	site->births.live = 1101;
	assert_int_equal(report_at(fixture, 15)->sites_count, 1);
	/* A tenth of what was written last. */
	site->births.live = 991;
	assert_int_equal(report_at(fixture, 20)->sites_count, 0);
	site->births.live = 990;
	assert_int_equal(report_at(fixture, 25)->sites_count, 1);
	fixture_free(fixture);
}

static void test_the_last_report_writes_all_that_changed(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *waited = park_site(fixture, "waited");
	struct site *never = park_site(fixture, "never");
	struct site *same = park_site(fixture, "same");
	const struct emission_due *due;

	(void)state;
	sweep_site(waited, 3, 1, 0);
	sweep_site(same, 3, 1, 0);
	assert_int_equal(report_at(fixture, 0)->sites_count, 2);
	sweep_site(never, 2, 1, 0);
	site_add_waits(waited, &(struct wait_sum){.count = 7, .duration_ns = 70, .max_ns = 20});
	fixture->process->threads.born = 1;
	assert_int_equal(report_at(fixture, 5)->sites_count, 0);
	watched_process_end_report(fixture->process);
	fixture->report.last = true;
	due = report_at(fixture, 10);
	assert_true(due->process.due);
	assert_int_equal(due->process.threads.born, 1);
	assert_int_equal(due->sites_count, 2);
	assert_ptr_equal(due->sites[0].site, waited);
	assert_int_equal(due->sites[0].counts.waits, 7);
	assert_int_equal(due->sites[0].counts.waits_ns, 70);
	assert_ptr_equal(due->sites[1].site, never);
	fixture_free(fixture);
}

static void test_the_end_of_a_process_writes_and_forgets(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = park_site(fixture, "work");
	const struct emission_due *due;

	(void)state;
	sweep_site(site, 3, 1, 0);
	report_at(fixture, 0);
	assert_int_equal(emission_processes(fixture->emission), 1);
	sweep_site(site, 0, 1, 0);
	fixture->process->ended = true;
	due = report_at(fixture, 5);
	assert_true(due->process.due);
	assert_int_equal(due->sites_count, 1);
	assert_int_equal(due->sites[0].counts.departed, 3);
	assert_int_equal(emission_processes(fixture->emission), 0);
	fixture_free(fixture);
}

static void test_a_process_that_is_missing_is_forgotten(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);

	(void)state;
	report_at(fixture, 0);
	emission_end_report(fixture->emission);
	assert_int_equal(emission_processes(fixture->emission), 0);
	fixture_free(fixture);
}

static void test_a_site_that_expires_says_what_was_left_out(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = park_site(fixture, "work");
	const struct emission_due *due;

	(void)state;
	sweep_site(site, 2, 1, 0);
	assert_int_equal(report_at(fixture, 0)->sites_count, 1);
	sweep_site(site, 0, 1, 5 * SECOND_NS);
	site_add_waits(site, &(struct wait_sum){.count = 7, .duration_ns = 70, .max_ns = 20});
	assert_int_equal(report_at(fixture, 5)->sites_count, 0);
	site->expired = true;
	due = report_at(fixture, 605);
	assert_int_equal(due->sites_count, 1);
	assert_ptr_equal(due->sites[0].site, site);
	assert_int_equal(due->sites[0].counts.departed, 2);
	assert_int_equal(due->sites[0].counts.waits, 7);
	assert_int_equal(due->sites[0].counts.waits_ns, 70);
	assert_seconds(due->sites[0].interval_s, 605);
	fixture_free(fixture);
}

static void test_a_site_that_expires_and_has_said_all_is_not_due(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = park_site(fixture, "work");

	(void)state;
	site_add_waits(site, &(struct wait_sum){.count = 7, .duration_ns = 70, .max_ns = 20});
	assert_int_equal(report_at(fixture, 0)->sites_count, 1);
	site->expired = true;
	assert_int_equal(report_at(fixture, 600)->sites_count, 0);
	fixture_free(fixture);
}

static void test_sites_that_expire_beyond_top_are_in_the_sum(void **state)
{
	struct fixture *fixture = fixture_new(false, 1);
	const char *const names[] = {"a", "b", "c"};
	const struct emission_due *due;
	uint64_t waits;

	(void)state;
	report_at(fixture, 0);
	for (uint64_t i = 0; i < 3; i++) {
		struct site *site = park_site(fixture, names[i]);

		site_add_waits(site,
			       &(struct wait_sum){.count = i + 1, .duration_ns = 1, .max_ns = 1});
		site->expired = true;
	}
	due = report_at(fixture, 600);
	assert_int_equal(due->sites_count, 1);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].sites, 2);
	waits = due->sites[0].counts.waits + due->other[SITE_PARK][UNIT_THREAD].counts.waits;
	assert_int_equal(waits, 6);
	fixture_free(fixture);
}

/* Also in the very next report it has counters of its own, and the time that they cover. */
static void test_a_site_that_comes_back_begins_anew(void **state)
{
	const struct verdict_rules rules = verdict_rules_default();
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = park_site(fixture, "work");
	const struct emission_due *due;

	(void)state;
	site_add_waits(site, &(struct wait_sum){
				     .count = 7, .duration_ns = 70, .max_ns = 10, .variance = 4});
	due = report_at(fixture, 0);
	assert_int_equal(due->sites[0].counts.waits, 7);
	watched_process_begin_sweep(fixture->process, 7200 * SECOND_NS);
	assert_int_equal(watched_process_end_sweep(fixture->process, &rules), 0);
	site->expired = true;
	report_at(fixture, 7200);
	watched_process_drop_site(fixture->process, site);
	assert_int_equal(fixture->process->sites_count, 0);

	watched_process_begin_sweep(fixture->process, 7205 * SECOND_NS);
	site = park_site(fixture, "work");
	site_add_waits(site, &(struct wait_sum){
				     .count = 9, .duration_ns = 90, .max_ns = 10, .variance = 1});
	assert_int_equal(watched_process_end_sweep(fixture->process, &rules), 0);
	fixture->report.last = true;
	due = report_at(fixture, 7205);
	assert_int_equal(due->sites_count, 1);
	assert_int_equal(due->sites[0].counts.waits, 9);
	assert_int_equal(due->sites[0].counts.waits_ns, 90);
	assert_true(due->sites[0].counts.waits_variance == 1);
	assert_seconds(due->sites[0].interval_s, 5);
	fixture_free(fixture);
}

/* Sources learn the start time of some processes after they have seen them. */
static void test_a_start_time_learned_later_is_the_same_process(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);

	(void)state;
	fixture->process->threads.born = 3;
	assert_true(report_at(fixture, 5)->process.due);
	fixture->process->start_ns = 12345;
	assert_false(report_at(fixture, 10)->process.due);
	fixture_free(fixture);
}

static void test_beyond_top_there_is_a_sum(void **state)
{
	struct fixture *fixture = fixture_new(false, 2);
	const struct emission_due *due;
	struct site *sites[5], *birth;
	uint64_t arrived = 0;
	char name[32];

	(void)state;
	for (uint64_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "f%u", (unsigned)i);
		sites[i] = park_site(fixture, name);
		sweep_site(sites[i], 10 * (i + 1), 1, 0);
	}
	birth = birth_site(fixture, "main");
	birth->births = (struct birth_count){.live = 3, .born = 3};
	due = report_at(fixture, 5);
	assert_int_equal(due->sites_count, 3);
	assert_ptr_equal(due->sites[0].site, sites[4]);
	assert_ptr_equal(due->sites[1].site, sites[3]);
	assert_ptr_equal(due->sites[2].site, birth);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].sites, 3);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].size, 60);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].counts.arrived, 60);
	assert_seconds(due->other[SITE_PARK][UNIT_THREAD].interval_s, 5);
	assert_int_equal(due->other[SITE_BIRTH][UNIT_THREAD].sites, 0);

	/* Nothing is counted twice, nothing is lost. */
	sweep_site(sites[0], 30, 1, 0);
	sweep_site(sites[1], 40, 1, 0);
	sweep_site(sites[2], 50, 1, 0);
	due = report_at(fixture, 10);
	assert_int_equal(due->sites_count, 2);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].sites, 1);
	for (size_t i = 0; i < 2; i++)
		arrived += due->sites[i].counts.arrived;
	assert_int_equal(arrived + due->other[SITE_PARK][UNIT_THREAD].counts.arrived, 60);
	fixture_free(fixture);
}

static void test_a_stack_once_for_all_processes_and_each_day(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct watched_process *second = build_process(200, "target");
	struct site *site = park_site(fixture, "work");
	const uint64_t day = 24 * 3600;

	(void)state;
	sweep_site(site, 10, 1, 0);
	sweep_site(build_site(second, SITE_PARK, "futex", build_stack("work", NULL)), 10, 1, 0);
	assert_true(report_at(fixture, 0)->sites[0].stack_due);
	assert_int_equal(emission_next(fixture->emission, &fixture->report, second, &fixture->due),
			 0);
	assert_int_equal(fixture->due->sites_count, 1);
	assert_false(fixture->due->sites[0].stack_due);

	report_at(fixture, day - 10);
	sweep_site(site, 20, 1, 0);
	assert_false(report_at(fixture, day - 5)->sites[0].stack_due);
	sweep_site(site, 30, 1, 0);
	assert_true(report_at(fixture, day)->sites[0].stack_due);
	sweep_site(site, 40, 1, 0);
	assert_false(report_at(fixture, day + 5)->sites[0].stack_due);
	watched_process_free(second);
	fixture_free(fixture);
}

static void test_full_writes_everything_in_every_report(void **state)
{
	struct fixture *fixture = fixture_new(true, 1);
	struct site *one = park_site(fixture, "one");
	struct site *two = park_site(fixture, "two");
	const struct emission_due *due;

	(void)state;
	sweep_site(one, 1, 1, 0);
	sweep_site(two, 2, 1, 0);
	report_at(fixture, 5);
	sweep_site(two, 0, 1, 0);
	due = report_at(fixture, 10);
	assert_true(due->process.due);
	assert_seconds(due->process.interval_s, 5);
	assert_int_equal(due->sites_count, 2);
	assert_int_equal(due->sites[1].counts.departed, 2);
	assert_false(due->sites[0].stack_due);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].sites, 0);
	/* Empty and unchanged: nothing to say. */
	due = report_at(fixture, 15);
	assert_int_equal(due->sites_count, 1);
	assert_ptr_equal(due->sites[0].site, one);
	fixture_free(fixture);
}

static void test_no_top_is_no_limit(void **state)
{
	struct fixture *fixture = fixture_new(false, 0);
	char name[32];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		sweep_site(park_site(fixture, name), 1, 1, 0);
	}
	assert_int_equal(report_at(fixture, 5)->sites_count, 50);
	assert_int_equal(fixture->due->other[SITE_PARK][UNIT_THREAD].sites, 0);
	fixture_free(fixture);
}

/* Whatever is thinned out, each arrival is in exactly one record. */
static void test_sums_hold_over_a_long_run(void **state)
{
	struct fixture *fixture = fixture_new(false, 3);
	uint64_t written = 0, records = 0, expired = 0, now_ns;
	struct site *sites[12];
	char name[32];

	(void)state;
	srand(7);
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		sites[i] = park_site(fixture, name);
	}
	for (uint64_t second = 0; second <= 3000; second += 5) {
		const struct emission_due *due;
		uint64_t arrived = 0;

		now_ns = second * SECOND_NS;
		for (int i = 0; i < 12; i++)
			sweep_site(sites[i], (uint64_t)rand() % (uint64_t)(3 * i + 2), 1, now_ns);
		fixture->report.last = second == 3000;
		sites[0]->expired = second % 50 == 0 && !site_size(sites[0]);
		due = report_at(fixture, second);
		assert_true(due->sites_count <= 3);
		for (size_t i = 0; i < due->sites_count; i++)
			written += due->sites[i].counts.arrived;
		written += due->other[SITE_PARK][UNIT_THREAD].counts.arrived;
		records += due->sites_count;
		watched_process_end_report(fixture->process);
		if (sites[0]->expired) {
			expired += sites[0]->crowd.arrived;
			watched_process_drop_site(fixture->process, sites[0]);
			sites[0] = park_site(fixture, "f0");
		}
		if (!fixture->report.last)
			continue;
		for (int i = 0; i < 12; i++)
			arrived += sites[i]->crowd.arrived;
		assert_int_equal(written, arrived + expired);
	}
	assert_true(expired > 0);
	assert_true(records > 100 && records < 1800);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_each_minute),
		cmocka_unit_test(test_the_minute_is_the_nearest_report),
		cmocka_unit_test(test_process_counters_cover_the_reports_left_out),
		cmocka_unit_test(test_goroutines_are_counted_beside_threads),
		cmocka_unit_test(test_top_and_sums_are_of_each_unit),
		cmocka_unit_test(test_only_the_units_that_are_shown),
		cmocka_unit_test(test_a_site_at_first_sight_of_its_process),
		cmocka_unit_test(test_a_site_when_its_crowd_changes_by_more_than_five),
		cmocka_unit_test(test_a_large_site_when_it_changes_by_more_than_a_tenth),
		cmocka_unit_test(test_the_last_report_writes_all_that_changed),
		cmocka_unit_test(test_the_end_of_a_process_writes_and_forgets),
		cmocka_unit_test(test_a_process_that_is_missing_is_forgotten),
		cmocka_unit_test(test_a_site_that_expires_says_what_was_left_out),
		cmocka_unit_test(test_a_site_that_expires_and_has_said_all_is_not_due),
		cmocka_unit_test(test_sites_that_expire_beyond_top_are_in_the_sum),
		cmocka_unit_test(test_a_site_that_comes_back_begins_anew),
		cmocka_unit_test(test_a_start_time_learned_later_is_the_same_process),
		cmocka_unit_test(test_beyond_top_there_is_a_sum),
		cmocka_unit_test(test_a_stack_once_for_all_processes_and_each_day),
		cmocka_unit_test(test_full_writes_everything_in_every_report),
		cmocka_unit_test(test_no_top_is_no_limit),
		cmocka_unit_test(test_sums_hold_over_a_long_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
