// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/frame.h"
#include "model_builder.h"

static void assert_printed(const struct frame *frame, const char *expected)
{
	char text[128];

	frame_print(frame, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_prints_every_kind(void **state)
{
	char function[] = "work", module[] = "lib.so", label[] = "[io_uring worker]";
	char file[] = "work.c";

	(void)state;
	assert_printed(&(struct frame){.function = function, .module = module, .offset = 0x1f},
		       "work+0x1f (lib.so)");
	assert_printed(&(struct frame){.function = function, .offset = 0x1f}, "work+0x1f");
	assert_printed(&(struct frame){.module = module, .offset = 0x1234}, "lib.so+0x1234");
	assert_printed(&(struct frame){.address = 0x7fff1000}, "0x7fff1000");
	assert_printed(&(struct frame){.function = function, .module = module, .guess = true},
		       "work+0x0 (lib.so) [?]");
	assert_printed(&(struct frame){.module = module, .offset = 1, .guess = true},
		       "lib.so+0x1 [?]");
	assert_printed(&(struct frame){.kind = FRAME_KERNEL, .function = function, .offset = 2},
		       "work+0x2 [k]");
	assert_printed(&(struct frame){.kind = FRAME_KERNEL, .address = 0xffffffff81000000},
		       "0xffffffff81000000 [k]");
	assert_printed(&(struct frame){.function = function,
				       .module = module,
				       .offset = 3,
				       .file = file,
				       .line = 12},
		       "work (work.c:12)");
	assert_printed(&(struct frame){.kind = FRAME_INLINED,
				       .function = function,
				       .module = module,
				       .file = file,
				       .line = 12},
		       "work (work.c:12) (inlined)");
	assert_printed(
		&(struct frame){.kind = FRAME_INLINED, .function = function, .module = module},
		"work (inlined)");
	assert_printed(&(struct frame){.kind = FRAME_LABEL, .function = label},
		       "[io_uring worker]");
}

static void test_printing_is_bounded(void **state)
{
	char function[] = "a_long_name";
	struct frame frame = {.function = function};
	char text[8];

	(void)state;
	memset(text, 'x', sizeof(text));
	frame_print(&frame, text, 6);
	assert_string_equal(text, "a_lon");
	assert_int_equal(text[6], 'x');
}

static void test_frames_go_in_between(void **state)
{
	struct stack *stack = build_stack("leaf@lib.so", "main", NULL);

	(void)state;
	stack = stack_insert(stack, 1, 2);
	assert_non_null(stack);
	assert_int_equal(stack->count, 4);
	assert_printed(&stack->frames[0], "leaf+0x10 (lib.so)");
	assert_null(stack->frames[1].function);
	assert_null(stack->frames[2].function);
	assert_printed(&stack->frames[3], "main+0x10 (target)");
	stack = stack_insert(stack, 4, 0);
	assert_non_null(stack);
	assert_int_equal(stack->count, 4);
	stack_free(stack);
}

static void test_a_copy_is_deep(void **state)
{
	struct stack *stack = build_stack("leaf@lib.so", "main", NULL);
	struct stack *copy;

	(void)state;
	stack->frames[1].file = build_string("main.c");
	stack->frames[1].line = 5;
	copy = stack_copy(stack);
	assert_non_null(copy);
	assert_ptr_not_equal(copy->frames[0].function, stack->frames[0].function);
	stack_free(stack);
	assert_int_equal(copy->count, 2);
	assert_printed(&copy->frames[0], "leaf+0x10 (lib.so)");
	assert_printed(&copy->frames[1], "main (main.c:5)");
	assert_null(copy->frames[0].build_id);
	stack_free(copy);
	stack_free(NULL);
}

static void test_a_label_is_a_stack(void **state)
{
	struct stack *stack = stack_label("[unknown: stack map full]");

	(void)state;
	assert_non_null(stack);
	assert_int_equal(stack->count, 1);
	assert_int_equal(stack->frames[0].kind, FRAME_LABEL);
	assert_printed(&stack->frames[0], "[unknown: stack map full]");
	stack_free(stack);
}

static void test_threads_of_the_go_runtime(void **state)
{
	auto_free(stack) struct stack *idle = build_stack("runtime.futex", "runtime.stopm", NULL);
	auto_free(stack) struct stack *birth =
		build_stack("pthread_create@libc.so.6", "_cgo_try_pthread_create",
			    "_cgo_sys_thread_start", "runtime.newm", NULL);
	auto_free(stack) struct stack *in_c = build_stack(
		"pause@libc.so.6", "_cgo_7df7bce4f389_Cfunc_pause", "runtime.asmcgocall", NULL);
	auto_free(stack) struct stack *plain = build_stack("pause@libc.so.6", NULL);

	(void)state;
	assert_true(stack_is_go_runtime(idle));
	assert_true(stack_is_go_runtime(birth));
	assert_false(stack_is_go_runtime(in_c));
	assert_false(stack_is_go_runtime(plain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prints_every_kind),
		cmocka_unit_test(test_printing_is_bounded),
		cmocka_unit_test(test_frames_go_in_between),
		cmocka_unit_test(test_a_copy_is_deep),
		cmocka_unit_test(test_a_label_is_a_stack),
		cmocka_unit_test(test_threads_of_the_go_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
