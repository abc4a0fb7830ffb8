// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "model/site_id.h"
#include "model_builder.h"

/* The id of a stack, which it takes. */
static struct site_id id_of(struct stack *stack)
{
	struct site_id id = site_id_of(UNIT_THREAD, "futex", stack);

	stack_free(stack);
	return id;
}

static void assert_same(struct stack *a, struct stack *b)
{
	assert_true(id_of(a).hash == id_of(b).hash);
}

static void assert_different(struct stack *a, struct stack *b)
{
	assert_true(id_of(a).hash != id_of(b).hash);
}

/* Published: a change here breaks what fleets have aggregated. */
static void test_is_stable(void **state)
{
	struct site_id id = id_of(build_stack("__futex_wait@libc.so.6", "work", "main", NULL));

	(void)state;
	assert_true(id.portable);
	assert_int_equal(id.hash, 0x24a415dfbe4b560e);
}

static void test_names_reason_and_unit_matter(void **state)
{
	struct stack *stack = build_stack("work", "main", NULL);
	uint64_t hash = site_id_of(UNIT_THREAD, "futex", stack).hash;

	(void)state;
	assert_true(hash != site_id_of(UNIT_GOROUTINE, "futex", stack).hash);
	assert_true(hash != site_id_of(UNIT_THREAD, "epoll", stack).hash);
	stack_free(stack);
	assert_different(build_stack("work", "main", NULL), build_stack("work", NULL));
	assert_different(build_stack("a", "b", NULL), build_stack("b", "a", NULL));
	assert_different(build_stack("ab", "c", NULL), build_stack("a", "bc", NULL));
}

static void test_module_offset_and_address_do_not(void **state)
{
	struct stack *other = build_stack("work@other", "main", NULL);

	(void)state;
	other->frames[0].offset = 0x9999;
	other->frames[0].address = 0x7fffffff;
	assert_same(build_stack("work@target", "main", NULL), other);
}

static void test_lines_and_inlined_functions_do_not(void **state)
{
	struct stack *with = build_stack("work", "inlined", "main", NULL);

	(void)state;
	with->frames[1].kind = FRAME_INLINED;
	with->frames[2].file = build_string("main.c");
	with->frames[2].line = 12;
	assert_same(with, build_stack("work", "main", NULL));
}

static void test_kernel_frames_and_guesses_do_not(void **state)
{
	struct stack *guessed = build_stack("work", "noise", "main", NULL);

	(void)state;
	assert_same(build_stack("do_futex@kernel", "work", NULL), build_stack("work", NULL));
	guessed->frames[1].guess = true;
	assert_same(guessed, build_stack("work", "main", NULL));
}

static void test_builds_give_the_same_id(void **state)
{
	(void)state;
	assert_same(build_stack("work.constprop.0", NULL), build_stack("work", NULL));
	assert_same(build_stack("work.isra.0.part.3", NULL), build_stack("work.cold", NULL));
	/* cgo's stubs bear a hash of the package. */
	assert_same(build_stack("_cgo_7df7bce4f389_Cfunc_pause", NULL),
		    build_stack("_cgo_0aac14257c60_Cfunc_pause", NULL));
	assert_same(build_stack("_cgoexp_7df7bce4f389_goCallback", NULL),
		    build_stack("_cgoexp_0aac14257c60_goCallback", NULL));
	assert_same(build_stack("main._cgoexpwrap_7df7bce4f389_goCallback", NULL),
		    build_stack("main._cgoexpwrap_0aac14257c60_goCallback", NULL));
	assert_different(build_stack("_cgo_7df7bce4f389_Cfunc_pause", NULL),
			 build_stack("_cgo_7df7bce4f389_Cfunc_sleep", NULL));
	assert_different(build_stack("_cgo_7df7bce4f38_Cfunc_pause", NULL),
			 build_stack("_cgo_0aac14257c6_Cfunc_pause", NULL));
	assert_same(build_stack("app::run::h0123456789abcdef", NULL),
		    build_stack("app::run", NULL));
	assert_different(build_stack("app::run::h0123456789abcdeg", NULL),
			 build_stack("app::run", NULL));
	/* No suffix of a compiler. */
	assert_different(build_stack("work.partial", NULL), build_stack("work", NULL));
}

static void test_recursion_is_collapsed(void **state)
{
	(void)state;
	assert_same(build_stack("f", "f", "f", "main", NULL), build_stack("f", "main", NULL));
	assert_different(build_stack("f", "g", "f", NULL), build_stack("f", "g", NULL));
}

static struct stack *without_name(const char *module, uint64_t offset)
{
	struct stack *stack = build_stack("x", "main", NULL);

	free(stack->frames[0].function);
	free(stack->frames[0].module);
	stack->frames[0].function = NULL;
	stack->frames[0].module = build_string(module);
	stack->frames[0].offset = offset;
	return stack;
}

static void test_a_frame_without_a_name_is_not_portable(void **state)
{
	(void)state;
	assert_false(id_of(without_name("lib.so", 1)).portable);
	assert_different(without_name("lib.so", 1), without_name("lib.so", 2));
	assert_different(without_name("lib.so", 1), without_name("other.so", 1));
	assert_same(without_name("libc-2.31.so", 1), without_name("libc-2.36.so", 1));
	assert_same(without_name("libfoo.so.1", 1), without_name("libfoo.so.2.0", 1));
}

static void test_an_empty_stack_has_an_id(void **state)
{
	struct stack *stack = stack_new(0);

	(void)state;
	assert_non_null(stack);
	assert_true(id_of(stack).hash != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_stable),
		cmocka_unit_test(test_names_reason_and_unit_matter),
		cmocka_unit_test(test_module_offset_and_address_do_not),
		cmocka_unit_test(test_lines_and_inlined_functions_do_not),
		cmocka_unit_test(test_kernel_frames_and_guesses_do_not),
		cmocka_unit_test(test_builds_give_the_same_id),
		cmocka_unit_test(test_recursion_is_collapsed),
		cmocka_unit_test(test_a_frame_without_a_name_is_not_portable),
		cmocka_unit_test(test_an_empty_stack_has_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
