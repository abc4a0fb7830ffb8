// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model_builder.h"
#include "output/where.h"

static size_t where(struct stack *stack)
{
	size_t index = where_frame(stack);

	stack_free(stack);
	return index;
}

static void test_skips_the_kernel_and_the_c_library(void **state)
{
	(void)state;
	assert_int_equal(where(build_stack("do_futex@kernel", "__futex_wait@libc.so.6",
					   "pthread_cond_wait@libpthread-2.31.so",
					   "std::condition_variable::wait@libstdc++.so.6", "work",
					   "main", NULL)),
			 4);
	assert_int_equal(where(build_stack("__read@ld-musl-x86_64.so.1", "work", NULL)), 1);
	assert_int_equal(where(build_stack("do_wait@[vdso]", "work", NULL)), 1);
}

static void test_skips_wrappers_in_a_static_program(void **state)
{
	(void)state;
	assert_int_equal(where(build_stack("__futex_abstimed_wait_common", "pthread_cond_wait",
					   "work", NULL)),
			 2);
	assert_int_equal(where(build_stack("clone3", "pthread_create", "spawn", NULL)), 2);
	/* Not a wrapper, though it begins like one. */
	assert_int_equal(where(build_stack("read_config", "main", NULL)), 0);
	assert_int_equal(where(build_stack("libcurl_perform@libcurl.so.4", "main", NULL)), 0);
}

static void test_inlined_functions_are_passed_over(void **state)
{
	struct stack *stack = build_stack("inlined", "work", NULL);

	(void)state;
	stack->frames[0].kind = FRAME_INLINED;
	assert_int_equal(where_frame(stack), 1);
	free(stack->frames[1].function);
	free(stack->frames[1].module);
	stack->frames[1].function = stack->frames[1].module = NULL;
	assert_int_equal(where_frame(stack), 1);
	stack_free(stack);
}

static void test_an_application_frame_needs_no_name_and_is_a_guess_at_last(void **state)
{
	struct stack *stack = build_stack("x@libc.so.6", "guess", "x", NULL);

	(void)state;
	free(stack->frames[2].function);
	stack->frames[2].function = NULL;
	stack->frames[1].guess = true;
	assert_int_equal(where(stack), 2);

	stack = build_stack("wait@libc.so", "main", "x@libc.so", NULL);
	stack->frames[1].guess = stack->frames[2].guess = true;
	assert_int_equal(where(stack), 1);
}

static void test_skips_what_goroutines_park_in(void **state)
{
	(void)state;
	assert_int_equal(
		where(build_stack("runtime.gopark", "runtime.chansend", "runtime.chansend1",
				  "main.handleRequest.func1", "runtime.goexit", NULL)),
		3);
	assert_int_equal(where(build_stack("internal/poll.(*FD).Read", "net.(*netFD).Read",
					   "net.(*conn).Read",
					   "net/http.(*connReader).backgroundRead", NULL)),
			 3);
	assert_int_equal(where(build_stack("sync.runtime_SemacquireMutex", "internal/sync.x",
					   "sync.(*Mutex).Lock", "example.com/sync.Do", NULL)),
			 3);
	assert_int_equal(
		where(build_stack("internal/runtime/syscall.Syscall6", "syscall.read",
				  "os.(*File).Read", "bufio.(*Reader).fill", "main.read", NULL)),
		4);
	assert_int_equal(
		where(build_stack("__libc_pause@libc.so.6", "_cgo_7df7bce4f389_Cfunc_pause_in_c",
				  "main._Cfunc_pause_in_c", "main.pauseInC", NULL)),
		3);
	assert_int_equal(where(build_stack("time.Sleep", "time.After", NULL)), 1);
	/* Nothing but packages that read: the first of them. */
	assert_int_equal(where(build_stack("internal/poll.(*FD).Accept", "net.(*netFD).accept",
					   "runtime.goexit", NULL)),
			 1);
	assert_int_equal(where(build_stack("runtime.futex", "runtime.stopm", NULL)), 0);
}

static void test_falls_back_to_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(where(build_stack("do_futex@kernel", "wait@libc.so.6", NULL)), 1);
	assert_int_equal(where(build_stack("do_futex@kernel", "schedule@kernel", NULL)), 0);
	assert_int_equal(where(stack_label("[unknown: stack map full]")), 0);
	assert_int_equal(where(stack_new(0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skips_the_kernel_and_the_c_library),
		cmocka_unit_test(test_skips_wrappers_in_a_static_program),
		cmocka_unit_test(test_inlined_functions_are_passed_over),
		cmocka_unit_test(test_an_application_frame_needs_no_name_and_is_a_guess_at_last),
		cmocka_unit_test(test_skips_what_goroutines_park_in),
		cmocka_unit_test(test_falls_back_to_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
