// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_program.h"

#include "cfi_fixture.h"

enum {
	START = 0x1000,
	END = 0x1100,
	TOLD_MAX = 64,
};

/* What the sink was told. */
struct told {
	struct {
		uint64_t start;
		bool damaged;
		struct frame_rules rules;
	} list[TOLD_MAX];
	size_t count;
	size_t stop_at; /* 0: never */
};

static int remember_told(void *context, uint64_t start, const struct frame_rules *rules)
{
	struct told *told = context;

	assert_true(told->count < TOLD_MAX);
	told->list[told->count].start = start;
	told->list[told->count].damaged = !rules;
	if (rules)
		told->list[told->count].rules = *rules;
	told->count++;
	return told->count == told->stop_at ? -5 : 0;
}

/* CFA = sp + 8, the return address at CFA - 8. */
static struct frame_common usual(void)
{
	struct frame_common common = {.code_factor = 1, .data_factor = -8};

	assert_true(frame_program_run_initial(&common, cfi_cursor_of(BYTES(CFI_USUAL))));
	common.is_supported = true;
	return common;
}

static struct told run(const void *program, size_t size)
{
	struct frame_common common = usual();
	struct told told = {0};

	assert_int_equal(frame_program_run(&common, cfi_cursor_of(program, size), NULL, START, END,
					   remember_told, &told),
			 0);
	return told;
}

#define RUN(...) run(BYTES(__VA_ARGS__))

static void assert_register(const struct frame_register *found, enum frame_register_kind kind,
			    int64_t offset)
{
	assert_int_equal(found->kind, kind);
	assert_int_equal(found->offset, offset);
}

static void the_initial_rules_hold_everywhere(void **state)
{
	struct told told = RUN(DW_CFA_NOP);

	(void)state;
	assert_int_equal(told.count, 1);
	assert_int_equal(told.list[0].start, START);
	assert_true(told.list[0].rules.cfa_defined);
	assert_int_equal(told.list[0].rules.cfa_register, DWARF_REGISTER_SP);
	assert_int_equal(told.list[0].rules.cfa_offset, 8);
	assert_register(&told.list[0].rules.ra, FRAME_AT_OFFSET, -8);
	assert_register(&told.list[0].rules.bp, FRAME_UNSPECIFIED, 0);
}

static void rules_change_as_the_location_advances(void **state)
{
	struct told told = RUN(DW_CFA_ADVANCE_LOC | 1, DW_CFA_DEF_CFA_OFFSET, 16,
			       DW_CFA_OFFSET | DWARF_REGISTER_BP, 2, DW_CFA_ADVANCE_LOC1, 3,
			       DW_CFA_DEF_CFA_REGISTER, DWARF_REGISTER_BP, DW_CFA_ADVANCE_LOC2,
			       0x10, 0, DW_CFA_RESTORE | DWARF_REGISTER_BP, DW_CFA_ADVANCE_LOC4,
			       0x20, 0, 0, 0, DW_CFA_DEF_CFA, DWARF_REGISTER_SP, 24);

	(void)state;
	assert_int_equal(told.count, 5);
	assert_int_equal(told.list[1].start, START + 1);
	assert_int_equal(told.list[1].rules.cfa_offset, 16);
	assert_register(&told.list[1].rules.bp, FRAME_AT_OFFSET, -16);
	assert_int_equal(told.list[2].start, START + 4);
	assert_int_equal(told.list[2].rules.cfa_register, DWARF_REGISTER_BP);
	assert_int_equal(told.list[3].start, START + 0x14);
	assert_register(&told.list[3].rules.bp, FRAME_UNSPECIFIED, 0);
	assert_int_equal(told.list[4].start, START + 0x34);
	assert_int_equal(told.list[4].rules.cfa_offset, 24);
}

static void every_kind_of_register_rule(void **state)
{
	static const struct {
		unsigned char program[4];
		enum frame_register_kind kind;
		int64_t offset;
	} cases[] = {
		{{DW_CFA_OFFSET | DWARF_REGISTER_BP, 3}, FRAME_AT_OFFSET, -24},
		{{DW_CFA_OFFSET_EXTENDED, DWARF_REGISTER_BP, 3}, FRAME_AT_OFFSET, -24},
		{{DW_CFA_OFFSET_EXTENDED_SF, DWARF_REGISTER_BP, 0x7d}, FRAME_AT_OFFSET, 24},
		{{DW_CFA_GNU_NEGATIVE_OFFSET_EXTENDED, DWARF_REGISTER_BP, 3}, FRAME_AT_OFFSET, 24},
		{{DW_CFA_VAL_OFFSET, DWARF_REGISTER_BP, 1}, FRAME_IS_OFFSET, -8},
		{{DW_CFA_VAL_OFFSET_SF, DWARF_REGISTER_BP, 0x7f}, FRAME_IS_OFFSET, 8},
		{{DW_CFA_UNDEFINED, DWARF_REGISTER_BP}, FRAME_UNDEFINED, 0},
		{{DW_CFA_SAME_VALUE, DWARF_REGISTER_BP}, FRAME_SAME, 0},
		{{DW_CFA_REGISTER, DWARF_REGISTER_BP, 3}, FRAME_IN_REGISTER, 3},
		{{DW_CFA_EXPRESSION, DWARF_REGISTER_BP, 1, DW_OP_DEREF}, FRAME_AT_EXPRESSION, 0},
		{{DW_CFA_VAL_EXPRESSION, DWARF_REGISTER_BP, 1, DW_OP_DEREF},
		 FRAME_IS_EXPRESSION,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Zeros behind are DW_CFA_nop. */
		struct told told = run(cases[i].program, sizeof(cases[i].program));

		assert_int_equal(told.count, 1);
		assert_false(told.list[0].damaged);
		assert_register(&told.list[0].rules.bp, cases[i].kind, cases[i].offset);
	}
}

static void other_registers_are_read_over(void **state)
{
	struct told told = RUN(DW_CFA_OFFSET | 3, 4, DW_CFA_EXPRESSION, 12, 2, 0x76, 0,
			       DW_CFA_RESTORE | 3, DW_CFA_RESTORE_EXTENDED, 12, DW_CFA_REGISTER, 1,
			       2, DW_CFA_GNU_ARGS_SIZE, 16, DW_CFA_DEF_CFA_OFFSET, 32);

	(void)state;
	assert_int_equal(told.count, 1);
	assert_int_equal(told.list[0].rules.cfa_offset, 32);
	assert_register(&told.list[0].rules.bp, FRAME_UNSPECIFIED, 0);
}

static void cfa_rules_of_both_forms(void **state)
{
	struct told told =
		RUN(DW_CFA_DEF_CFA_SF, 3, 0x7e, DW_CFA_ADVANCE_LOC | 1, DW_CFA_DEF_CFA_OFFSET_SF,
		    0x7d, DW_CFA_ADVANCE_LOC | 1, DW_CFA_DEF_CFA_EXPRESSION, 2, 0x76, 0x10,
		    DW_CFA_ADVANCE_LOC | 1, DW_CFA_DEF_CFA, DWARF_REGISTER_BP, 16);
	const struct cfi_cursor *expression = &told.list[2].rules.cfa_expression;

	(void)state;
	assert_int_equal(told.count, 4);
	assert_int_equal(told.list[0].rules.cfa_register, 3);
	assert_int_equal(told.list[0].rules.cfa_offset, 16);
	assert_int_equal(told.list[1].rules.cfa_offset, 24);
	assert_true(told.list[2].rules.cfa_is_expression);
	assert_int_equal(expression->end - expression->at, 2);
	assert_false(told.list[3].rules.cfa_is_expression);
}

static void states_are_remembered_and_restored(void **state)
{
	struct told told =
		RUN(DW_CFA_REMEMBER_STATE, DW_CFA_DEF_CFA_OFFSET, 48, DW_CFA_REMEMBER_STATE,
		    DW_CFA_DEF_CFA, DWARF_REGISTER_BP, 16, DW_CFA_ADVANCE_LOC | 1,
		    DW_CFA_RESTORE_STATE, DW_CFA_ADVANCE_LOC | 1, DW_CFA_RESTORE_STATE);

	(void)state;
	assert_int_equal(told.count, 3);
	assert_int_equal(told.list[0].rules.cfa_register, DWARF_REGISTER_BP);
	assert_int_equal(told.list[1].rules.cfa_register, DWARF_REGISTER_SP);
	assert_int_equal(told.list[1].rules.cfa_offset, 48);
	assert_int_equal(told.list[2].rules.cfa_offset, 8);
}

static void the_code_factor_counts(void **state)
{
	struct frame_common common = usual();
	struct told told = {0};

	(void)state;
	common.code_factor = 4;
	assert_int_equal(frame_program_run(&common,
					   cfi_cursor_of(BYTES(DW_CFA_ADVANCE_LOC | 2,
							       DW_CFA_DEF_CFA_OFFSET, 16)),
					   NULL, START, END, remember_told, &told),
			 0);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.list[1].start, START + 8);
}

static void locations_can_be_set_forwards(void **state)
{
	static const unsigned char program[] = {DW_CFA_SET_LOC, 0x40, 0x10,
						DW_CFA_SET_LOC, 0x10, 0x10};
	const struct cfi_pointer_base base = {.data = program};
	struct frame_common common = usual();
	struct told told = {0};

	(void)state;
	common.pointer_encoding = DW_EH_PE_UDATA2;
	assert_int_equal(frame_program_run(&common, cfi_cursor_of(program, sizeof(program)), &base,
					   START, END, remember_told, &told),
			 0);
	assert_int_equal(told.count, 2);
	assert_false(told.list[0].damaged);
	assert_int_equal(told.list[1].start, START + 0x40);
	/* Backwards: damaged. */
	assert_true(told.list[1].damaged);
}

static void what_lies_behind_the_end_is_not_told(void **state)
{
	struct told told = RUN(DW_CFA_ADVANCE_LOC4, 0, 1, 0, 0, DW_CFA_DEF_CFA_OFFSET, 16,
			       DW_CFA_ADVANCE_LOC | 1, DW_CFA_NOP);

	(void)state;
	assert_int_equal(told.count, 1);
	assert_int_equal(told.list[0].rules.cfa_offset, 8);
	assert_false(told.list[0].damaged);
}

static void damage_spoils_the_rest_only(void **state)
{
	static const struct {
		unsigned char bytes[12];
		size_t size;
	} cases[] = {
		{{0x1f, 1}, 2},                                /* no such instruction */
		{{DW_CFA_DEF_CFA, 0x80}, 2},                   /* cut */
		{{DW_CFA_DEF_CFA_EXPRESSION, 9, 0x76}, 3},     /* longer than the program */
		{{DW_CFA_EXPRESSION, 6, 0xff, 0xff, 3, 0}, 6}, /* likewise */
		{{DW_CFA_RESTORE_STATE}, 1},                   /* nothing remembered */
		{{DW_CFA_DEF_CFA_EXPRESSION, 0, DW_CFA_DEF_CFA_OFFSET, 8}, 4},
		{{DW_CFA_DEF_CFA_EXPRESSION, 0, DW_CFA_DEF_CFA_REGISTER, 7}, 4},
		{{DW_CFA_OFFSET | 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 10},
		{{DW_CFA_OFFSET | 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 11},
		{{DW_CFA_GNU_NEGATIVE_OFFSET_EXTENDED, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		  0x80, 0x80, 1},
		 12},
		{{DW_CFA_SET_LOC, 0, 0, 0, 0, 0, 0, 0, 0}, 9}, /* nothing to be relative to */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char program[13] = {DW_CFA_ADVANCE_LOC | 1};
		struct told told;

		memcpy(program + 1, cases[i].bytes, cases[i].size);
		told = run(program, 1 + cases[i].size);
		assert_int_equal(told.count, 2);
		assert_false(told.list[0].damaged);
		assert_int_equal(told.list[1].start, START + 1);
		assert_true(told.list[1].damaged);
	}
}

static void too_many_remembered_states_are_damage(void **state)
{
	unsigned char program[64];
	struct told told;

	(void)state;
	memset(program, DW_CFA_REMEMBER_STATE, sizeof(program));
	told = run(program, sizeof(program));
	assert_int_equal(told.count, 1);
	assert_true(told.list[0].damaged);
}

static void addresses_do_not_wrap(void **state)
{
	struct frame_common common = usual();
	struct told told = {0};

	(void)state;
	common.code_factor = UINT64_MAX / 2;
	assert_int_equal(frame_program_run(&common, cfi_cursor_of(BYTES(DW_CFA_ADVANCE_LOC | 3)),
					   NULL, START, END, remember_told, &told),
			 0);
	assert_int_equal(told.count, 1);
	assert_true(told.list[0].damaged);
}

static void initial_programs_have_no_addresses(void **state)
{
	struct frame_common common = {.code_factor = 1, .data_factor = -8};

	(void)state;
	assert_false(frame_program_run_initial(
		&common, cfi_cursor_of(BYTES(CFI_USUAL, DW_CFA_ADVANCE_LOC | 1))));
	assert_false(common.initial.cfa_defined);
}

static void an_unsupported_record_tells_one_damaged_piece(void **state)
{
	struct frame_common common = usual();
	struct told told = {0};

	(void)state;
	common.is_supported = false;
	assert_int_equal(frame_program_run(&common, cfi_cursor_of(BYTES(DW_CFA_ADVANCE_LOC | 1)),
					   NULL, START, END, remember_told, &told),
			 0);
	assert_int_equal(told.count, 1);
	assert_true(told.list[0].damaged);
}

static void the_sink_can_stop_it(void **state)
{
	struct frame_common common = usual();
	struct told told = {.stop_at = 2};

	(void)state;
	assert_int_equal(frame_program_run(
				 &common,
				 cfi_cursor_of(BYTES(DW_CFA_ADVANCE_LOC | 1, DW_CFA_ADVANCE_LOC | 1,
						     DW_CFA_ADVANCE_LOC | 1)),
				 NULL, START, END, remember_told, &told),
			 -5);
	assert_int_equal(told.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_initial_rules_hold_everywhere),
		cmocka_unit_test(rules_change_as_the_location_advances),
		cmocka_unit_test(every_kind_of_register_rule),
		cmocka_unit_test(other_registers_are_read_over),
		cmocka_unit_test(cfa_rules_of_both_forms),
		cmocka_unit_test(states_are_remembered_and_restored),
		cmocka_unit_test(the_code_factor_counts),
		cmocka_unit_test(locations_can_be_set_forwards),
		cmocka_unit_test(what_lies_behind_the_end_is_not_told),
		cmocka_unit_test(damage_spoils_the_rest_only),
		cmocka_unit_test(too_many_remembered_states_are_damage),
		cmocka_unit_test(addresses_do_not_wrap),
		cmocka_unit_test(initial_programs_have_no_addresses),
		cmocka_unit_test(an_unsupported_record_tells_one_damaged_piece),
		cmocka_unit_test(the_sink_can_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
