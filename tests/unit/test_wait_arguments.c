// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <sys/syscall.h>

#include "sources/wait_arguments.h"

#define WORD    0x7f0000001230
#define TIMEOUT 0x7ffd00000010

static struct wait_arguments of(int32_t number, uint32_t marks, size_t timeout_at)
{
	struct abi_task_snapshot snapshot = {.syscall_number = number, .marks = marks};

	snapshot.arguments[0] = WORD;
	snapshot.arguments[timeout_at] = timeout_at ? TIMEOUT : WORD;
	return wait_arguments_of(&snapshot);
}

static void test_a_futex_wait_has_a_word_and_maybe_a_timeout(void **state)
{
	const struct {
		int32_t number;
		uint32_t marks;
		size_t timeout_at;
	} calls[] = {
		{SYS_futex, 0, 3},
		{455, 0, 4}, /* futex_wait */
		{240, TASK_MARK_COMPAT, 3},
		{422, TASK_MARK_COMPAT, 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct wait_arguments untimed = of(calls[i].number, calls[i].marks, 0);
		struct wait_arguments timed =
			of(calls[i].number, calls[i].marks, calls[i].timeout_at);

		assert_int_equal(untimed.futex, WORD);
		assert_false(untimed.timed);
		assert_int_equal(timed.futex, WORD);
		assert_true(timed.timed);
	}
}

static void test_several_words_and_semaphores_have_no_word(void **state)
{
	(void)state;
	assert_int_equal(of(449, 0, 3).futex, 0); /* futex_waitv */
	assert_true(of(449, 0, 3).timed);
	assert_false(of(449, 0, 0).timed);
	assert_int_equal(of(SYS_semtimedop, 0, 3).futex, 0);
	assert_true(of(SYS_semtimedop, 0, 3).timed);
	assert_false(of(SYS_semop, 0, 3).timed);
}

static void test_what_restarts_had_a_timeout(void **state)
{
	(void)state;
	assert_true(of(SYS_restart_syscall, 0, 0).timed);
	assert_int_equal(of(SYS_restart_syscall, 0, 0).futex, 0);
	assert_true(of(0, TASK_MARK_COMPAT, 0).timed);
	/* The number of read(2). */
	assert_false(of(0, 0, 0).timed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_futex_wait_has_a_word_and_maybe_a_timeout),
		cmocka_unit_test(test_several_words_and_semaphores_have_no_word),
		cmocka_unit_test(test_what_restarts_had_a_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
