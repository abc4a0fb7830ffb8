// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include <string.h>

#include "input/frame_text.h"

static void assert_string(const char *text, const char *expected)
{
	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, expected);
}

/* What is read is as expected, and printed again it is the text. */
static void assert_frame(const char *text, const struct frame *expected)
{
	struct stack *stack = stack_new(1);
	const struct frame *frame = &stack->frames[0];
	char again[256];

	assert_non_null(stack);
	assert_int_equal(frame_text_parse(text, &stack->frames[0]), 0);
	assert_int_equal(frame->kind, expected->kind);
	assert_string(frame->function, expected->function);
	assert_string(frame->module, expected->module);
	assert_string(frame->file, expected->file);
	assert_int_equal(frame->line, expected->line);
	assert_int_equal(frame->offset, expected->offset);
	assert_int_equal(frame->address, expected->address);
	assert_int_equal(frame->guess, expected->guess);
	frame_print(frame, again, sizeof(again));
	assert_string_equal(again, text);
	stack_free(stack);
}

#define assert_reads(text, ...) assert_frame(text, &(const struct frame){__VA_ARGS__})

static void test_what_frame_print_writes(void **state)
{
	(void)state;
	assert_reads("wait_for_reply+0x3b (leak_threads)", .function = (char *)"wait_for_reply",
		     .offset = 0x3b, .module = (char *)"leak_threads");
	assert_reads("std::f(int (*)(void))+0x1 (libx.so)",
		     .function = (char *)"std::f(int (*)(void))", .offset = 1,
		     .module = (char *)"libx.so");
	assert_reads("operator+0x3+0x1 (a b)", .function = (char *)"operator+0x3", .offset = 1,
		     .module = (char *)"a b");
	assert_reads("main.(*api).serve (main.go:48)", .function = (char *)"main.(*api).serve",
		     .file = (char *)"main.go", .line = 48);
	assert_reads("libc.so.6+0x1234", .module = (char *)"libc.so.6", .offset = 0x1234);
	assert_reads("do_futex+0xfd [k]", .function = (char *)"do_futex", .offset = 0xfd,
		     .kind = FRAME_KERNEL);
	assert_reads("0xffffffff81000000 [k]", .address = 0xffffffff81000000, .kind = FRAME_KERNEL);
	assert_reads("0x7f00", .address = 0x7f00);
	assert_reads("poll+0x1 (libc.so) [?]", .function = (char *)"poll", .offset = 1,
		     .module = (char *)"libc.so", .guess = true);
	assert_reads("twice (a.c:7) (inlined)", .function = (char *)"twice", .file = (char *)"a.c",
		     .line = 7, .kind = FRAME_INLINED);
	assert_reads("twice (inlined)", .function = (char *)"twice", .kind = FRAME_INLINED);
	assert_reads("[unknown: stack map full]", .function = (char *)"[unknown: stack map full]",
		     .kind = FRAME_LABEL);
}

/* Whatever it is, it is printed as it was. */
static void test_what_it_does_not_write(void **state)
{
	static const char *const texts[] = {
		"f+0x02 (a)",
		"f (a.c:07)",
		"[k]",
		" [k]",
		" [?]",
		" (inlined)",
		"()",
		"f (",
		"f ()",
		"f (:7)",
		"f (a.c:)",
		"f (a.c:x7)",
		"f (a.c:99999999999999999999)",
		"f (libc.so)",
		"+0x1",
		"f+0x",
		"f+0xg",
		"f+0x11112222333344445",
		"0x",
		"f+0x1 ()",
		"f (a.c:7) [k]",
		" (a.c:7)",
		"\n\t",
		"f+0x1 (a) (b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_frame(texts[i], &(const struct frame){.function = (char *)texts[i],
							     .kind = FRAME_LABEL});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_frame_print_writes),
		cmocka_unit_test(test_what_it_does_not_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
