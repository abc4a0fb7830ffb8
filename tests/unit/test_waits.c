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

static int credit(struct thread *thread, uint32_t exec_id, const struct abi_wait_totals *totals,
		  uint32_t count)
{
	return waits_credit(thread, exec_id, totals, count, &(struct abi_sampling){0});
}

static uint64_t counted(const struct fixture *fixture, const char *reason)
{
	return watched_process_reason(fixture->entry.process, reason)->count;
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
	assert_int_equal(credit(f.thread, 1, &totals, 1), 0);
	assert_int_equal(credit(f.thread, 1, &totals, 1), 0);
	totals.count = 5;
	totals.duration_ns = 700;
	totals.histogram[2] = 4;
	totals.histogram[9] = 1;
	assert_int_equal(credit(f.thread, 1, &totals, 1), 0);

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
	assert_int_equal(credit(f.thread, 1, totals, 2), 0);
	assert_int_equal(credit(other, 1, totals, 1), 0);
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
	assert_int_equal(credit(f.thread, 1, totals, ABI_WAIT_TOTALS_MAX + 50), 0);
	assert_int_equal(f.thread->credited.count, ABI_WAIT_TOTALS_MAX);
	tear_down(&f);
}

/* The slots of the new program have other reasons, and begin at zero. */
static void a_sweep_may_see_exec_before_its_event(void **state)
{
	const struct abi_wait_totals before = {.reason = REASON_WAIT_CHILD, .count = 900};
	const struct abi_wait_totals in_the_end = {.reason = REASON_WAIT_CHILD, .count = 997};
	const struct abi_wait_totals after[] = {{.reason = REASON_PIPE_READ, .count = 3},
						{.reason = REASON_PIPE_READ, .count = 5}};
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(credit(f.thread, 7, &before, 1), 0);
	assert_int_equal(credit(f.thread, 8, &after[0], 1), 0);
	assert_int_equal(counted(&f, "wait_child"), 900);
	assert_int_equal(counted(&f, "pipe_read"), 3);
	assert_int_equal(credit(f.thread, 7, &in_the_end, 1), 0);
	waits_end_program(f.thread, 7);
	assert_int_equal(credit(f.thread, 8, &after[1], 1), 0);
	assert_int_equal(counted(&f, "wait_child"), 997);
	assert_int_equal(counted(&f, "pipe_read"), 5);
	tear_down(&f);
}

/* Of the second program nothing was credited when the third is seen. */
static void two_execs_between_two_sweeps(void **state)
{
	const struct abi_wait_totals waits = {.reason = REASON_FUTEX, .count = 10};
	const struct abi_wait_totals more = {.reason = REASON_FUTEX, .count = 11};
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(credit(f.thread, 7, &waits, 1), 0);
	assert_int_equal(credit(f.thread, 9, &waits, 1), 0);
	assert_int_equal(credit(f.thread, 7, &more, 1), 0);
	waits_end_program(f.thread, 7);
	assert_int_equal(credit(f.thread, 8, &waits, 1), 0);
	waits_end_program(f.thread, 8);
	assert_int_equal(credit(f.thread, 9, &more, 1), 0);
	assert_int_equal(counted(&f, "futex"), 11 + 10 + 11);
	tear_down(&f);
}

static void totals_begin_at_zero_after_exec(void **state)
{
	const struct abi_wait_totals totals = {.reason = REASON_FUTEX, .count = 4};
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(credit(f.thread, 7, &totals, 1), 0);
	waits_end_program(f.thread, 7);
	assert_int_equal(f.thread->credited.exec_id, 8);
	assert_int_equal(credit(f.thread, 8, &totals, 1), 0);
	assert_int_equal(counted(&f, "futex"), 8);
	tear_down(&f);
}

/* Counts were read before their times. */
static void a_torn_read_is_made_good(void **state)
{
	struct abi_wait_totals totals = {.reason = REASON_FUTEX, .count = 1};
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(credit(f.thread, 1, &totals, 1), 0);
	totals.duration_ns = 100;
	assert_int_equal(credit(f.thread, 1, &totals, 1), 0);
	assert_int_equal(watched_process_reason(f.entry.process, "futex")->duration_ns, 100);
	tear_down(&f);
}

static void nothing_is_taken_back(void **state)
{
	const struct abi_wait_totals many = {.reason = REASON_FUTEX, .count = 9, .duration_ns = 90};
	const struct abi_wait_totals few[] = {
		{.reason = REASON_FUTEX, .count = 2, .duration_ns = 95},
		{.reason = REASON_SLEEP, .count = 20, .duration_ns = 200}};
	const struct abi_sampling sampling = {.captured = 8, .inferred = 1};
	struct attribution *sums;
	struct fixture f;

	(void)state;
	set_up(&f);
	sums = &f.entry.process->attribution;
	assert_int_equal(waits_credit(f.thread, 1, &many, 1, &sampling), 0);
	assert_int_equal(credit(f.thread, 1, &few[0], 1), 0);
	assert_int_equal(credit(f.thread, 1, &few[1], 1), 0);
	assert_int_equal(counted(&f, "futex"), 9);
	assert_int_equal(counted(&f, "sleep"), 0);
	assert_int_equal(sums->captured, 8);
	assert_int_equal(sums->inferred, 1);
	tear_down(&f);
}

/* The last slot takes what has no slot of its own, and is called so from then on. */
static void the_last_slot_may_change_its_reason(void **state)
{
	struct abi_wait_totals totals = {.reason = REASON_FUTEX, .count = 2};
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(credit(f.thread, 1, &totals, 1), 0);
	totals.reason = REASON_OTHER;
	totals.count = 5;
	assert_int_equal(credit(f.thread, 1, &totals, 1), 0);
	assert_int_equal(counted(&f, "other"), 3);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_are_credited_once),
		cmocka_unit_test(two_threads_add_up),
		cmocka_unit_test(a_count_beyond_the_limit_is_cut),
		cmocka_unit_test(a_sweep_may_see_exec_before_its_event),
		cmocka_unit_test(two_execs_between_two_sweeps),
		cmocka_unit_test(totals_begin_at_zero_after_exec),
		cmocka_unit_test(a_torn_read_is_made_good),
		cmocka_unit_test(nothing_is_taken_back),
		cmocka_unit_test(the_last_slot_may_change_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
