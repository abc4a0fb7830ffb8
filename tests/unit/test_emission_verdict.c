// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <stdio.h>

#include "emission_fixture.h"

static void test_a_site_when_its_verdict_changes(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *site = park_site(fixture, "leak");
	const struct emission_due *due;

	(void)state;
	sweep_site(site, 100, 1, 0);
	report_at(fixture, 5);
	site->verdict.verdict = VERDICT_GROWING;
	due = report_at(fixture, 10);
	assert_int_equal(due->sites_count, 1);
	assert_ptr_equal(due->sites[0].site, site);
	assert_seconds(due->sites[0].interval_s, 5);
	assert_int_equal(report_at(fixture, 15)->sites_count, 0);
	site->verdict.verdict = VERDICT_LEAKING;
	assert_int_equal(report_at(fixture, 20)->sites_count, 1);
	site->verdict.verdict = VERDICT_STEADY;
	assert_int_equal(report_at(fixture, 25)->sites_count, 1);
	assert_int_equal(report_at(fixture, 30)->sites_count, 0);
	fixture_free(fixture);
}

static void test_a_site_each_quarter_of_an_hour_while_it_is_not_steady(void **state)
{
	struct fixture *fixture = fixture_new(false, 10);
	struct site *growing = park_site(fixture, "growing");
	struct site *steady = park_site(fixture, "steady");
	const struct emission_due *due;

	(void)state;
	sweep_site(growing, 100, 1, 0);
	sweep_site(steady, 100, 1, 0);
	growing->verdict.verdict = VERDICT_GROWING;
	assert_int_equal(report_at(fixture, 0)->sites_count, 2);
	for (uint64_t second = 5; second < 895; second += 5) {
		/* A rate alone is no growth. */
		sweep_site(steady, 100 + second / 300, 1, second * SECOND_NS);
		sweep_site(growing, 100 + second / 300, 1, second * SECOND_NS);
		assert_int_equal(report_at(fixture, second)->sites_count, 0);
	}
	sweep_site(growing, 104, 1, 900 * SECOND_NS);
	due = report_at(fixture, 900);
	assert_int_equal(due->sites_count, 1);
	assert_ptr_equal(due->sites[0].site, growing);
	assert_int_equal(due->sites[0].counts.arrived, 4);
	assert_seconds(due->sites[0].interval_s, 900);
	fixture_free(fixture);
}

/* Small leaks beside large pools: they are what it is all about. */
static void test_what_leaks_is_always_within_top(void **state)
{
	struct fixture *fixture = fixture_new(false, 2);
	const struct emission_due *due;
	struct site *leaks[3], *growing;
	char name[32];

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "pool%u", (unsigned)i);
		sweep_site(park_site(fixture, name), 1000 + i, 1, 0);
		snprintf(name, sizeof(name), "leak%u", (unsigned)i);
		leaks[i] = park_site(fixture, name);
		sweep_site(leaks[i], 10 + i, 1, 0);
		leaks[i]->verdict.verdict = VERDICT_LEAKING;
	}
	growing = park_site(fixture, "growing");
	sweep_site(growing, 20, 1, 0);
	growing->verdict.verdict = VERDICT_GROWING;
	due = report_at(fixture, 5);
	assert_int_equal(due->sites_count, 5);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(due->sites[i].site, leaks[2 - i]);
	assert_ptr_equal(due->sites[3].site, growing);
	assert_int_equal(due->sites[4].site->crowd.now, 1002);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].sites, 2);
	assert_int_equal(due->other[SITE_PARK][UNIT_THREAD].size, 2001);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_site_when_its_verdict_changes),
		cmocka_unit_test(test_a_site_each_quarter_of_an_hour_while_it_is_not_steady),
		cmocka_unit_test(test_what_leaks_is_always_within_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
