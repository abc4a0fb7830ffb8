// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model_builder.h"
#include "output/run.h"

static void test_sums_what_reports_add(void **state)
{
	struct watched_process *stays = build_process(1, "stays");
	struct watched_process *ends = build_process(2, "ends");
	struct watched_process *both[] = {stays, ends};
	struct report report = {.processes_count = 2, .processes = both};
	struct run_totals totals = {0};

	(void)state;
	stays->threads.born = 5;
	stays->goroutines.born = 70;
	stays->goroutines.exited = 30;
	watched_process_reason(stays, "futex")->count = 10;
	watched_process_reason(ends, "epoll")->count = 3;
	run_totals_add(&totals, &report);
	watched_process_end_report(stays);
	watched_process_end_report(ends);
	assert_int_equal(totals.processes, 2);
	assert_int_equal(totals.waits, 13);
	assert_int_equal(totals.births, 5);

	ends->ended = true;
	ends->threads.exited = 4;
	stays->goroutines.born = 71;
	watched_process_reason(stays, "futex")->count = 11;
	run_totals_add(&totals, &report);
	watched_process_end_report(stays);
	watched_process_end_report(ends);
	report.processes_count = 1;
	run_totals_add(&totals, &report);
	assert_int_equal(totals.processes, 2);
	assert_int_equal(totals.waits, 14);
	assert_int_equal(totals.births, 5);
	assert_int_equal(totals.exits, 4);
	assert_int_equal(totals.goroutine_births, 71);
	assert_int_equal(totals.goroutine_exits, 30);
	watched_process_free(stays);
	watched_process_free(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_what_reports_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
