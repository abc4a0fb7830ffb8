// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/go_frames.h"

#include <string.h>

#include "unit_test.h"

static void test_frames_of_the_program_are_shown(void **state)
{
	(void)state;
	assert_true(go_frames_shown("main.main", true));
	assert_true(go_frames_shown("net/http.(*conn).serve", false));
	assert_true(go_frames_shown("example.com/runtime.helper", false));
	assert_true(go_frames_shown("internal/poll.(*FD).Read", true));
}

static void test_frames_of_the_runtime_are_hidden(void **state)
{
	(void)state;
	assert_false(go_frames_shown("runtime.gopark", true));
	assert_false(go_frames_shown("runtime.chansend1", false));
	assert_false(go_frames_shown("runtime.(*mheap).alloc", false));
	assert_false(go_frames_shown("_rt0_amd64_linux", false));
	assert_false(go_frames_shown("", false));
}

static void test_what_the_runtime_exports_is_shown(void **state)
{
	(void)state;
	assert_true(go_frames_shown("runtime.Gosched", true));
	assert_true(go_frames_shown("runtime.(*Frames).Next", false));
}

static void test_a_panic_is_shown_below_deferred_code(void **state)
{
	(void)state;
	assert_true(go_frames_shown("runtime.gopanic", false));
	assert_false(go_frames_shown("runtime.gopanic", true));
}

static struct stack *thread_of(const char *const *functions, size_t count)
{
	struct stack *stack = stack_new(count);

	assert_non_null(stack);
	for (size_t i = 0; i < count; i++)
		stack->frames[i].function = strdup(functions[i]);
	return stack;
}

static void test_a_thread_ends_where_it_left_a_goroutine(void **state)
{
	static const char *const names[] = {"runtime.futex.abi0", "runtime.park_m",
					    "runtime.mcall.abi0", "runtime.chansend", "main.leak"};
	auto_free(stack) struct stack *stack = thread_of(names, 5);

	(void)state;
	assert_true(go_frames_end_thread(stack));
	assert_int_equal(stack->count, 3);
	assert_string_equal(stack->frames[2].function, "runtime.mcall.abi0");
	assert_true(go_frames_end_thread(stack));
	assert_int_equal(stack->count, 3);
}

static void test_other_threads_are_left_alone(void **state)
{
	static const char *const names[] = {"futex", "runtime.mcaller", "runtime.mcall.func1"};
	auto_free(stack) struct stack *stack = thread_of(names, 3);

	(void)state;
	assert_false(go_frames_end_thread(stack));
	assert_int_equal(stack->count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_of_the_program_are_shown),
		cmocka_unit_test(test_frames_of_the_runtime_are_hidden),
		cmocka_unit_test(test_what_the_runtime_exports_is_shown),
		cmocka_unit_test(test_a_panic_is_shown_below_deferred_code),
		cmocka_unit_test(test_a_thread_ends_where_it_left_a_goroutine),
		cmocka_unit_test(test_other_threads_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
