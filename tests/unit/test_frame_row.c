// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_row.h"

#include "cfi_fixture.h"

/* No step is made here: only constants are wanted of it. */
#define UNWIND_READ(memory, target, size, address) ((void)(memory), 1)
#include "bpf/unwind_step.h"

enum {
	BREG_SP = DW_OP_BREG0 + DWARF_REGISTER_SP,
	BREG_BP = DW_OP_BREG0 + DWARF_REGISTER_BP,
	BREG_IP = DW_OP_BREG0 + DWARF_REGISTER_RA,
};

static struct frame_rules usual(void)
{
	return (struct frame_rules){
		.cfa_defined = true,
		.cfa_register = DWARF_REGISTER_SP,
		.cfa_offset = 8,
		.ra = {.kind = FRAME_AT_OFFSET, .offset = -8},
	};
}

static struct frame_rules with_expression(const void *bytes, size_t size)
{
	struct frame_rules rules = usual();

	rules.cfa_is_expression = true;
	rules.cfa_expression = cfi_cursor_of(bytes, size);
	return rules;
}

static void assert_row(const struct frame_rules *rules, enum unwind_cfa_rule cfa,
		       enum unwind_bp_rule bp, int offset, int bp_slot)
{
	struct unwind_row row = frame_row(rules, false);

	assert_int_equal(row.rules, unwind_rules(cfa, bp));
	assert_int_equal(row.offset, offset);
	assert_int_equal(row.bp_slot, bp_slot);
}

static void assert_unsupported(const struct frame_rules *rules)
{
	assert_row(rules, UNWIND_CFA_UNSUPPORTED, UNWIND_BP_SAME, 0, 0);
}

static void sp_and_bp_with_offsets(void **state)
{
	struct frame_rules rules = usual();

	(void)state;
	assert_row(&rules, UNWIND_CFA_SP, UNWIND_BP_SAME, 1, 0);
	rules.cfa_offset = INT16_MAX * 8;
	assert_row(&rules, UNWIND_CFA_SP, UNWIND_BP_SAME, INT16_MAX, 0);
	rules.cfa_register = DWARF_REGISTER_BP;
	rules.cfa_offset = INT16_MIN * 8;
	assert_row(&rules, UNWIND_CFA_BP, UNWIND_BP_SAME, INT16_MIN, 0);
}

static void offsets_that_do_not_fit(void **state)
{
	static const int64_t offsets[] = {12, INT16_MAX * 8 + 8, INT16_MIN * 8 - 8, INT64_MAX,
					  INT64_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct frame_rules rules = usual();

		rules.cfa_offset = offsets[i];
		assert_unsupported(&rules);
	}
}

static void other_registers_are_unsupported(void **state)
{
	struct frame_rules rules = usual();

	(void)state;
	rules.cfa_register = 3;
	assert_unsupported(&rules);
	rules.cfa_register = UINT64_MAX;
	assert_unsupported(&rules);
	rules = usual();
	rules.cfa_defined = false;
	assert_unsupported(&rules);
	assert_unsupported(NULL);
}

static void the_return_address_is_below_the_cfa(void **state)
{
	struct frame_rules rules = usual();

	(void)state;
	rules.ra.offset = -16;
	assert_unsupported(&rules);
	rules.ra = (struct frame_register){.kind = FRAME_IN_REGISTER, .offset = -8};
	assert_unsupported(&rules);
	rules.ra.kind = FRAME_UNSPECIFIED;
	assert_unsupported(&rules);
	rules.ra.kind = FRAME_UNDEFINED;
	assert_row(&rules, UNWIND_CFA_OUTERMOST, UNWIND_BP_SAME, 0, 0);
}

static void the_caller_s_sp_is_the_cfa(void **state)
{
	struct frame_rules rules = usual();

	(void)state;
	rules.sp = (struct frame_register){.kind = FRAME_IS_OFFSET, .offset = 0};
	assert_row(&rules, UNWIND_CFA_SP, UNWIND_BP_SAME, 1, 0);
	rules.sp.offset = 8;
	assert_unsupported(&rules);
	rules.sp = (struct frame_register){.kind = FRAME_AT_OFFSET, .offset = 0};
	assert_unsupported(&rules);
}

static void where_bp_is(void **state)
{
	static const struct {
		enum frame_register_kind kind;
		int64_t offset;
		enum unwind_bp_rule rule;
		int slot;
	} cases[] = {
		{FRAME_UNSPECIFIED, 0, UNWIND_BP_SAME, 0},
		{FRAME_SAME, 0, UNWIND_BP_SAME, 0},
		{FRAME_IN_REGISTER, DWARF_REGISTER_BP, UNWIND_BP_SAME, 0},
		{FRAME_AT_OFFSET, -16, UNWIND_BP_SAVED, -2},
		{FRAME_AT_OFFSET, 0, UNWIND_BP_SAVED, 0},
		{FRAME_AT_OFFSET, INT8_MIN * 8, UNWIND_BP_SAVED, INT8_MIN},
		{FRAME_AT_OFFSET, INT8_MAX * 8, UNWIND_BP_SAVED, INT8_MAX},
		{FRAME_AT_OFFSET, INT8_MIN * 8 - 8, UNWIND_BP_UNKNOWN, 0},
		{FRAME_AT_OFFSET, -12, UNWIND_BP_UNKNOWN, 0},
		{FRAME_IS_OFFSET, -16, UNWIND_BP_UNKNOWN, 0},
		{FRAME_IN_REGISTER, 3, UNWIND_BP_UNKNOWN, 0},
		{FRAME_UNDEFINED, 0, UNWIND_BP_UNKNOWN, 0},
		{FRAME_AT_EXPRESSION, 0, UNWIND_BP_UNKNOWN, 0},
		{FRAME_IS_EXPRESSION, 0, UNWIND_BP_UNKNOWN, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_rules rules = usual();

		rules.bp =
			(struct frame_register){.kind = cases[i].kind, .offset = cases[i].offset};
		assert_row(&rules, UNWIND_CFA_SP, cases[i].rule, 1, cases[i].slot);
	}
}

static void plt_expressions(void **state)
{
	unsigned char bytes[] = {BREG_SP, 8,         BREG_IP,         0,
				 0x3f,    DW_OP_AND, DW_OP_LIT0 + 11, DW_OP_GE,
				 0x33,    DW_OP_SHL, DW_OP_PLUS};
	struct frame_rules rules = with_expression(bytes, sizeof(bytes));

	(void)state;
	assert_row(&rules, UNWIND_CFA_PLT, UNWIND_BP_SAME, 11, 0);
	bytes[6] = DW_OP_LIT0 + 10;
	assert_row(&rules, UNWIND_CFA_PLT, UNWIND_BP_SAME, 10, 0);
	rules.bp.kind = FRAME_UNDEFINED;
	assert_unsupported(&rules);
	rules.bp.kind = FRAME_UNSPECIFIED;
	rules.cfa_expression.end--;
	assert_unsupported(&rules);
	rules.cfa_expression.end++;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x40;
		assert_unsupported(&rules);
		bytes[i] ^= 0x40;
	}
}

static void the_cfa_in_memory_at_bp(void **state)
{
	static const unsigned char at_bp[] = {BREG_BP, 0};
	static const unsigned char elsewhere[] = {BREG_BP, 8};
	static const unsigned char more[] = {BREG_BP, 0, DW_OP_DEREF};
	struct frame_rules rules = with_expression(BYTES(BREG_BP, 0x78, DW_OP_DEREF));

	(void)state;
	/* bp itself must be the word at bp. */
	assert_unsupported(&rules);
	rules.bp.kind = FRAME_AT_EXPRESSION;
	rules.bp.expression = cfi_cursor_of(at_bp, sizeof(at_bp));
	assert_row(&rules, UNWIND_CFA_AT_BP, UNWIND_BP_SAME, -1, 0);
	rules.bp.kind = FRAME_IS_EXPRESSION;
	assert_unsupported(&rules);
	rules.bp.kind = FRAME_AT_EXPRESSION;
	rules.bp.expression = cfi_cursor_of(elsewhere, sizeof(elsewhere));
	assert_unsupported(&rules);
	rules.bp.expression = cfi_cursor_of(more, sizeof(more));
	assert_unsupported(&rules);
	rules.bp.expression = cfi_cursor_of(at_bp, sizeof(at_bp));
	rules.cfa_expression = cfi_cursor_of(BYTES(BREG_BP, 0x7c, DW_OP_DEREF));
	assert_unsupported(&rules);
	rules.cfa_expression = cfi_cursor_of(BYTES(BREG_BP, 0x78));
	assert_unsupported(&rules);
	rules.cfa_expression = cfi_cursor_of(BYTES(BREG_BP, 0x78, DW_OP_DEREF, DW_OP_DEREF));
	assert_unsupported(&rules);
	rules.cfa_expression = cfi_cursor_of(BYTES(BREG_BP, 0x78, DW_OP_PLUS));
	assert_unsupported(&rules);
}

static void signal_frames_are_those_of_the_kernel(void **state)
{
	enum {
		SP = UNWIND_UCONTEXT_REGISTERS + 8 * UNWIND_SIGCONTEXT_SP,
	};
	struct frame_rules rules =
		with_expression(BYTES(BREG_SP, 0x80 | (SP & 0x7f), SP >> 7, DW_OP_DEREF));
	struct unwind_row row = frame_row(&rules, true);

	(void)state;
	assert_int_equal(row.rules, unwind_rules(UNWIND_CFA_SIGNAL, UNWIND_BP_SAME));
	assert_unsupported(&rules);
	rules = usual();
	row = frame_row(&rules, true);
	assert_int_equal(row.rules, unwind_rules(UNWIND_CFA_UNSUPPORTED, UNWIND_BP_SAME));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sp_and_bp_with_offsets),
		cmocka_unit_test(offsets_that_do_not_fit),
		cmocka_unit_test(other_registers_are_unsupported),
		cmocka_unit_test(the_return_address_is_below_the_cfa),
		cmocka_unit_test(the_caller_s_sp_is_the_cfa),
		cmocka_unit_test(where_bp_is),
		cmocka_unit_test(plt_expressions),
		cmocka_unit_test(the_cfa_in_memory_at_bp),
		cmocka_unit_test(signal_frames_are_those_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
