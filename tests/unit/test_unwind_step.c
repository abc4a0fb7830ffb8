// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* unwind_step() on a stack made by hand. */
#include <string.h>

#include "unit_test.h"

enum {
	STACK = 0x7000000, /* the address of the first word */
	WORDS = 64,
};

struct stack {
	uint64_t words[WORDS];
};

static int read_stack(const struct stack *stack, void *target, size_t size, uint64_t address)
{
	if (address < STACK || address - STACK > sizeof(stack->words) ||
	    size > sizeof(stack->words) - (address - STACK))
		return -1;
	memcpy(target, (const char *)stack->words + (address - STACK), size);
	return 0;
}

#define UNWIND_READ(memory, target, size, address) read_stack(memory, target, size, address)
#include "bpf/unwind_step.h"

static uint64_t at(size_t word)
{
	return STACK + 8 * word;
}

static struct unwind_row row(enum unwind_cfa_rule cfa, enum unwind_bp_rule bp, int offset,
			     int bp_slot)
{
	return (struct unwind_row){.rules = unwind_rules(cfa, bp),
				   .offset = (int16_t)offset,
				   .bp_slot = (int8_t)bp_slot};
}

/* sp at the 4th word, bp at the 10th. */
static struct unwind_registers registers_inside(void)
{
	return (struct unwind_registers){.ip = 0x401005, .sp = at(4), .bp = at(10), .exact_ip = 1};
}

/* Word n holds 0x1000 + n. */
static struct stack numbered(void)
{
	struct stack stack;

	for (size_t i = 0; i < WORDS; i++)
		stack.words[i] = 0x1000 + i;
	return stack;
}

static enum unwind_end step(struct unwind_registers *registers, struct unwind_row by)
{
	struct stack stack = numbered();

	return unwind_step(registers, &by, &stack);
}

static void assert_registers(const struct unwind_registers *registers, uint64_t ip, uint64_t sp,
			     uint64_t bp)
{
	assert_int_equal(registers->ip, ip);
	assert_int_equal(registers->sp, sp);
	assert_int_equal(registers->bp, bp);
	assert_int_equal(registers->exact_ip, 0);
}

static void return_addresses_belong_to_the_call_before(void **state)
{
	struct unwind_registers registers = registers_inside();

	(void)state;
	assert_int_equal(unwind_code_address(&registers), 0x401005);
	registers.exact_ip = 0;
	assert_int_equal(unwind_code_address(&registers), 0x401004);
}

static void the_cfa_from_sp(void **state)
{
	struct unwind_registers registers = registers_inside();

	(void)state;
	assert_int_equal(step(&registers, row(UNWIND_CFA_SP, UNWIND_BP_SAME, 3, 0)),
			 UNWIND_GOES_ON);
	assert_registers(&registers, 0x1006, at(7), at(10));
}

static void bp_from_the_stack(void **state)
{
	struct unwind_registers registers = registers_inside();

	(void)state;
	registers.bp_unknown = 1;
	assert_int_equal(step(&registers, row(UNWIND_CFA_SP, UNWIND_BP_SAVED, 3, -2)),
			 UNWIND_GOES_ON);
	assert_registers(&registers, 0x1006, at(7), 0x1005);
	assert_int_equal(registers.bp_unknown, 0);
}

static void the_cfa_from_bp(void **state)
{
	struct unwind_registers registers = registers_inside();

	(void)state;
	assert_int_equal(step(&registers, row(UNWIND_CFA_BP, UNWIND_BP_SAVED, 2, -2)),
			 UNWIND_GOES_ON);
	assert_registers(&registers, 0x100b, at(12), 0x100a);
}

static void an_unknown_bp_is_not_used(void **state)
{
	struct unwind_registers registers = registers_inside();

	(void)state;
	assert_int_equal(step(&registers, row(UNWIND_CFA_SP, UNWIND_BP_UNKNOWN, 1, 0)),
			 UNWIND_GOES_ON);
	assert_int_equal(registers.bp_unknown, 1);
	/* It stays unknown through frames that keep it. */
	assert_int_equal(step(&registers, row(UNWIND_CFA_SP, UNWIND_BP_SAME, 1, 0)),
			 UNWIND_GOES_ON);
	assert_int_equal(step(&registers, row(UNWIND_CFA_BP, UNWIND_BP_SAME, 1, 0)),
			 UNWIND_END_UNSUPPORTED);
	assert_int_equal(step(&registers, row(UNWIND_CFA_AT_BP, UNWIND_BP_SAME, 1, 0)),
			 UNWIND_END_UNSUPPORTED);
	assert_int_equal(step(&registers, row(UNWIND_CFA_NONE, UNWIND_BP_SAME, 0, 0)),
			 UNWIND_END_BAD_FRAME);
}

static void lazy_binding_stubs(void **state)
{
	struct unwind_registers before = registers_inside(), after = registers_inside();

	(void)state;
	before.ip = 0x40100a;
	assert_int_equal(step(&before, row(UNWIND_CFA_PLT, UNWIND_BP_SAME, 11, 0)), UNWIND_GOES_ON);
	assert_registers(&before, 0x1004, at(5), at(10));
	after.ip = 0x40100b;
	assert_int_equal(step(&after, row(UNWIND_CFA_PLT, UNWIND_BP_SAME, 11, 0)), UNWIND_GOES_ON);
	assert_registers(&after, 0x1005, at(6), at(10));
}

static void realigned_stacks(void **state)
{
	const struct unwind_row by = row(UNWIND_CFA_AT_BP, UNWIND_BP_SAME, -1, 0);
	struct unwind_registers registers = registers_inside();
	struct stack stack = numbered();

	(void)state;
	stack.words[9] = at(20);
	assert_int_equal(unwind_step(&registers, &by, &stack), UNWIND_GOES_ON);
	assert_registers(&registers, 0x1013, at(20), 0x100a);
}

static void signal_frames(void **state)
{
	const struct unwind_row by = row(UNWIND_CFA_SIGNAL, UNWIND_BP_SAME, 0, 0);
	/* The ucontext at sp; its registers begin 5 words behind. */
	const size_t first = 4 + UNWIND_UCONTEXT_REGISTERS / 8;
	struct unwind_registers registers = registers_inside();
	struct stack stack = numbered();

	(void)state;
	registers.bp_unknown = 1;
	registers.exact_ip = 0;
	/* An alternate stack: the interrupted one lies before it. */
	stack.words[first + UNWIND_SIGCONTEXT_SP] = at(1);
	assert_int_equal(unwind_step(&registers, &by, &stack), UNWIND_GOES_ON);
	assert_int_equal(registers.ip, 0x1000 + first + UNWIND_SIGCONTEXT_IP);
	assert_int_equal(registers.sp, at(1));
	assert_int_equal(registers.bp, 0x1000 + first + UNWIND_SIGCONTEXT_BP);
	assert_int_equal(registers.exact_ip, 1);
	assert_int_equal(registers.bp_unknown, 0);
}

static void frame_pointers(void **state)
{
	const struct unwind_row by = row(UNWIND_CFA_NONE, UNWIND_BP_SAME, 0, 0);
	struct unwind_registers registers = registers_inside();

	(void)state;
	assert_int_equal(step(&registers, by), UNWIND_GOES_ON);
	assert_registers(&registers, 0x100b, at(12), 0x100a);
	registers = registers_inside();
	registers.bp += 4;
	assert_int_equal(step(&registers, by), UNWIND_END_BAD_FRAME);
	registers = registers_inside();
	registers.bp = at(2);
	assert_int_equal(step(&registers, by), UNWIND_END_BAD_FRAME);
	registers = registers_inside();
	registers.bp = at(WORDS - 1);
	assert_int_equal(step(&registers, by), UNWIND_END_MEMORY);
}

static void ends(void **state)
{
	struct unwind_registers registers = registers_inside();
	const struct unwind_row usual = row(UNWIND_CFA_SP, UNWIND_BP_SAME, 1, 0);
	struct stack empty = {0};

	(void)state;
	assert_int_equal(step(&registers, row(UNWIND_CFA_OUTERMOST, UNWIND_BP_SAME, 0, 0)),
			 UNWIND_END_OUTERMOST);
	assert_int_equal(step(&registers, row(UNWIND_CFA_UNSUPPORTED, UNWIND_BP_SAME, 0, 0)),
			 UNWIND_END_UNSUPPORTED);
	/* Return address 0. */
	assert_int_equal(unwind_step(&registers, &usual, &empty), UNWIND_END_OUTERMOST);
}

static void frames_that_do_not_lead_outwards(void **state)
{
	static const int offsets[] = {0, -1, INT16_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct unwind_registers registers = registers_inside();

		assert_int_equal(
			step(&registers, row(UNWIND_CFA_SP, UNWIND_BP_SAME, offsets[i], 0)),
			UNWIND_END_BAD_FRAME);
		registers.bp = at(4);
		assert_int_equal(
			step(&registers, row(UNWIND_CFA_BP, UNWIND_BP_SAME, offsets[i], 0)),
			UNWIND_END_BAD_FRAME);
	}
}

static void memory_that_cannot_be_read(void **state)
{
	static const struct {
		enum unwind_cfa_rule cfa;
		enum unwind_bp_rule bp;
		int offset, bp_slot;
	} cases[] = {
		{UNWIND_CFA_SP, UNWIND_BP_SAME, WORDS, 0},
		{UNWIND_CFA_SP, UNWIND_BP_SAVED, 1, INT8_MIN},
		{UNWIND_CFA_BP, UNWIND_BP_SAME, INT16_MAX, 0},
		{UNWIND_CFA_AT_BP, UNWIND_BP_SAME, INT16_MIN, 0},
	};
	struct unwind_registers registers = registers_inside();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		registers = registers_inside();
		assert_int_equal(step(&registers, row(cases[i].cfa, cases[i].bp, cases[i].offset,
						      cases[i].bp_slot)),
				 UNWIND_END_MEMORY);
	}
	registers.sp = at(WORDS);
	assert_int_equal(step(&registers, row(UNWIND_CFA_SIGNAL, UNWIND_BP_SAME, 0, 0)),
			 UNWIND_END_MEMORY);
}

/* A leaf without a frame: what stands at sp is behind a call of this very function. */
static void a_leaf_of_go(void **state)
{
	struct stack stack = numbered();
	struct unwind_registers registers = registers_inside();
	unsigned char *call = (unsigned char *)&stack.words[40];
	uint64_t return_address = at(40) + 5;
	int32_t distance = (int32_t)(0x401000 - (int64_t)return_address);

	(void)state;
	stack.words[4] = return_address;
	call[0] = 0xe8;
	memcpy(call + 1, &distance, sizeof(distance));
	assert_int_equal(unwind_step_go(&registers, &stack), UNWIND_GOES_ON);
	assert_registers(&registers, return_address, at(5), at(10));

	/* The call leads elsewhere: to a function behind, or far before. */
	for (int away = 0; away < 2; away++) {
		int32_t wrong = distance + (away ? 6 : -1000);

		registers = registers_inside();
		memcpy(call + 1, &wrong, sizeof(wrong));
		assert_int_equal(unwind_step_go(&registers, &stack), UNWIND_GOES_ON);
		assert_registers(&registers, 0x100b, at(12), 0x100a);
	}
}

/* From the scheduler's stack to the goroutine's, which may lie below; it ends with 0, or
 * with what is no frame pointer.
 */
static void frame_pointers_of_go(void **state)
{
	struct stack stack = numbered();
	struct unwind_registers registers = {.ip = 0x401005, .sp = at(30), .bp = at(10)};

	(void)state;
	assert_int_equal(unwind_step_go(&registers, &stack), UNWIND_GOES_ON);
	assert_registers(&registers, 0x100b, at(12), 0x100a);
	/* What was loaded is no pointer. */
	assert_int_equal(unwind_step_go(&registers, &stack), UNWIND_END_OUTERMOST);
	registers.bp = 0;
	assert_int_equal(unwind_step_go(&registers, &stack), UNWIND_END_OUTERMOST);
	registers.bp_unknown = 1;
	assert_int_equal(unwind_step_go(&registers, &stack), UNWIND_END_BAD_FRAME);
}

static void beyond_the_frames_of_go_there_is_no_code(void **state)
{
	struct unwind_registers registers = {0};

	(void)state;
	assert_int_equal(unwind_end_without_code(&registers), UNWIND_END_NO_CODE);
	registers.from_go = 1;
	assert_int_equal(unwind_end_without_code(&registers), UNWIND_END_OUTERMOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(return_addresses_belong_to_the_call_before),
		cmocka_unit_test(the_cfa_from_sp),
		cmocka_unit_test(bp_from_the_stack),
		cmocka_unit_test(the_cfa_from_bp),
		cmocka_unit_test(an_unknown_bp_is_not_used),
		cmocka_unit_test(lazy_binding_stubs),
		cmocka_unit_test(realigned_stacks),
		cmocka_unit_test(signal_frames),
		cmocka_unit_test(frame_pointers),
		cmocka_unit_test(ends),
		cmocka_unit_test(frames_that_do_not_lead_outwards),
		cmocka_unit_test(memory_that_cannot_be_read),
		cmocka_unit_test(a_leaf_of_go),
		cmocka_unit_test(frame_pointers_of_go),
		cmocka_unit_test(beyond_the_frames_of_go_there_is_no_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
