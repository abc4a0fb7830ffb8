// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/waits.h"

#include "unit_test.h"

struct fixture {
	struct thread_table *threads;
	struct process_entry entry;
	struct thread *thread;
};

static void set_up(struct fixture *fixture)
{
	*fixture = (struct fixture){0};
	fixture->threads = thread_table_new(NULL);
	fixture->entry.process = watched_process_new(10, 1, 1);
	fixture->thread = thread_table_add(fixture->threads, &fixture->entry, 11, 5);
}

static void tear_down(struct fixture *fixture)
{
	thread_table_free(fixture->threads);
	watched_process_free(fixture->entry.process);
}

static void totals_are_credited_once(void **state)
{
	struct abi_wait_totals totals = {
		.reason = REASON_FUTEX, .count = 3, .duration_ns = 300, .restarts = 1};
	struct reason_waits *waits;
	struct fixture f;

	(void)state;
	set_up(&f);
	totals.histogram[2] = 3;
	assert_int_equal(waits_credit(f.thread, &totals, 1), 0);
	assert_int_equal(waits_credit(f.thread, &totals, 1), 0);
	totals.count = 5;
	totals.duration_ns = 700;
	totals.histogram[2] = 4;
	totals.histogram[9] = 1;
	assert_int_equal(waits_credit(f.thread, &totals, 1), 0);

	waits = watched_process_reason(f.entry.process, "futex");
	assert_int_equal(waits->count, 5);
	assert_int_equal(waits->duration_ns, 700);
	assert_int_equal(waits->restarts, 1);
	assert_int_equal(waits->histogram[2], 4);
	assert_int_equal(waits->histogram[9], 1);
	tear_down(&f);
}

static void two_threads_add_up(void **state)
{
	const struct abi_wait_totals totals[] = {
		{.reason = REASON_FUTEX, .count = 2, .duration_ns = 20},
		{.reason = REASON_SLEEP, .count = 1, .duration_ns = 9},
	};
	struct thread *other;
	struct fixture f;

	(void)state;
	set_up(&f);
	other = thread_table_add(f.threads, &f.entry, 12, 5);
	assert_int_equal(waits_credit(f.thread, totals, 2), 0);
	assert_int_equal(waits_credit(other, totals, 1), 0);
	assert_int_equal(watched_process_reason(f.entry.process, "futex")->count, 4);
	assert_int_equal(watched_process_reason(f.entry.process, "sleep")->count, 1);
	assert_int_equal(f.entry.process->reasons_count, 2);
	tear_down(&f);
}

/* A snapshot with fewer totals than before must not take anything back. */
static void a_count_beyond_the_limit_is_cut(void **state)
{
	const struct abi_wait_totals totals[ABI_WAIT_TOTALS_MAX] = {
		{.reason = REASON_FUTEX, .count = 1}};
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(waits_credit(f.thread, totals, ABI_WAIT_TOTALS_MAX + 50), 0);
	assert_int_equal(f.thread->credited_count, ABI_WAIT_TOTALS_MAX);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_are_credited_once),
		cmocka_unit_test(two_threads_add_up),
		cmocka_unit_test(a_count_beyond_the_limit_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
