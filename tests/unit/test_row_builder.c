// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/row_builder.h"

#include <errno.h>
#include <stdlib.h>

#include "cfi_fixture.h"
#include "unwind/unwind_table.h"

struct rows {
	struct row_builder builder;
	struct frame_descriptions primary, secondary;
};

static void clear(struct rows *rows)
{
	free(rows->builder.rows);
	frame_descriptions_clear(&rows->primary);
	frame_descriptions_clear(&rows->secondary);
}

#define auto_rows cleanup(clear) struct rows

static void describe(struct frame_descriptions *all, const struct cfi_fixture *cfi)
{
	const struct frame_section section = cfi_section(cfi);

	assert_int_equal(frame_descriptions_read(all, &section, CFI_CODE, CFI_CODE_END), 0);
	frame_descriptions_sort(all);
}

/* `secondary` may be NULL. */
static void build(struct rows *rows, const struct cfi_fixture *primary,
		  const struct cfi_fixture *secondary)
{
	const struct cfi_pointer_base primary_base = {primary->data, CFI_VADDR, 0};
	const struct cfi_pointer_base secondary_base = {secondary ? secondary->data : primary->data,
							CFI_VADDR, 0};

	*rows = (struct rows){.builder.base = CFI_CODE};
	describe(&rows->primary, primary);
	if (secondary)
		describe(&rows->secondary, secondary);
	assert_int_equal(row_builder_add(&rows->builder, &rows->primary, &primary_base,
					 &rows->secondary, &secondary_base),
			 0);
}

static void assert_row(const struct rows *rows, size_t i, uint32_t pc, enum unwind_cfa_rule cfa,
		       int offset)
{
	const struct unwind_row *row = &rows->builder.rows[i];

	assert_true(i < rows->builder.count);
	assert_int_equal(row->pc, pc);
	assert_int_equal(row->rules & 15, cfa);
	assert_int_equal(row->offset, offset);
}

/* A function whose CFA is sp + 8 * words. */
static void function(struct cfi_fixture *cfi, size_t common, uint32_t start, uint32_t length,
		     uint8_t words)
{
	cfi_function(cfi, common, CFI_CODE + start, length,
		     BYTES(DW_CFA_DEF_CFA_OFFSET, (unsigned char)(8 * words)));
}

static void equal_neighbours_are_merged(void **state)
{
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);
	auto_rows rows;

	(void)state;
	cfi_function(&cfi, common, CFI_CODE, 0x10,
		     BYTES(DW_CFA_ADVANCE_LOC | 1, DW_CFA_OFFSET | 3, 2, DW_CFA_ADVANCE_LOC | 1,
			   DW_CFA_DEF_CFA_OFFSET, 16));
	function(&cfi, common, 0x10, 0x10, 2);
	build(&rows, &cfi, NULL);
	assert_int_equal(rows.builder.count, 3);
	assert_row(&rows, 0, 0, UNWIND_CFA_SP, 1);
	assert_row(&rows, 1, 2, UNWIND_CFA_SP, 2);
	assert_row(&rows, 2, 0x20, UNWIND_CFA_NONE, 0);
}

static void small_gaps_belong_to_the_function_before(void **state)
{
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);
	auto_rows rows;

	(void)state;
	function(&cfi, common, 0, 0x10, 1);
	function(&cfi, common, 0x10 + UNWIND_TABLE_GAP_MAX, 0x10, 2);
	function(&cfi, common, 0x30 + 2 * UNWIND_TABLE_GAP_MAX, 0x10, 3);
	build(&rows, &cfi, NULL);
	assert_int_equal(rows.builder.count, 5);
	assert_row(&rows, 0, 0, UNWIND_CFA_SP, 1);
	assert_row(&rows, 1, 0x1f, UNWIND_CFA_SP, 2);
	assert_row(&rows, 2, 0x2f, UNWIND_CFA_NONE, 0);
	assert_row(&rows, 3, 0x4e, UNWIND_CFA_SP, 3);
	assert_row(&rows, 4, 0x5e, UNWIND_CFA_NONE, 0);
}

static void of_overlapping_ones_the_later_start_holds(void **state)
{
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);
	auto_rows rows;

	(void)state;
	function(&cfi, common, 0, 0x100, 1);
	function(&cfi, common, 0x20, 0x10, 2);
	function(&cfi, common, 0x60, 0x100, 3);
	/* Of those that start together, the first of the section. */
	function(&cfi, common, 0x60, 0x400, 4);
	build(&rows, &cfi, NULL);
	assert_int_equal(rows.builder.count, 5);
	assert_row(&rows, 0, 0, UNWIND_CFA_SP, 1);
	assert_row(&rows, 1, 0x20, UNWIND_CFA_SP, 2);
	/* What reaches on behind is not consulted again. */
	assert_row(&rows, 2, 0x30, UNWIND_CFA_NONE, 0);
	assert_row(&rows, 3, 0x60, UNWIND_CFA_SP, 3);
	assert_row(&rows, 4, 0x160, UNWIND_CFA_NONE, 0);
}

static void the_second_section_fills_what_the_first_leaves(void **state)
{
	struct cfi_fixture first = {0}, second = {.is_debug_frame = true};
	size_t common = cfi_common(&first);
	auto_rows rows;

	(void)state;
	function(&first, common, 0x40, 0x40, 1);
	common = cfi_common(&second);
	function(&second, common, 0, 0x20, 2);
	function(&second, common, 0x30, 0x20, 3);  /* reaches into the first one's */
	function(&second, common, 0x40, 0x10, 4);  /* covered */
	function(&second, common, 0x60, 0x100, 5); /* its beginning is covered */
	function(&second, common, 0x80, 0x10, 6);
	build(&rows, &first, &second);
	assert_int_equal(rows.builder.count, 6);
	assert_row(&rows, 0, 0, UNWIND_CFA_SP, 2);
	assert_row(&rows, 1, 0x20, UNWIND_CFA_NONE, 0);
	assert_row(&rows, 2, 0x30, UNWIND_CFA_SP, 3);
	assert_row(&rows, 3, 0x40, UNWIND_CFA_SP, 1);
	assert_row(&rows, 4, 0x80, UNWIND_CFA_SP, 6);
	assert_row(&rows, 5, 0x90, UNWIND_CFA_NONE, 0);
}

static void damaged_programs_are_unsupported_to_their_end(void **state)
{
	struct cfi_fixture cfi = {0};
	size_t common = cfi_common(&cfi);
	auto_rows rows;

	(void)state;
	cfi_function(&cfi, common, CFI_CODE, 0x10, BYTES(DW_CFA_ADVANCE_LOC | 4, 0x1f));
	function(&cfi, common, 0x10, 0x10, 1);
	build(&rows, &cfi, NULL);
	assert_int_equal(rows.builder.count, 4);
	assert_row(&rows, 0, 0, UNWIND_CFA_SP, 1);
	assert_row(&rows, 1, 4, UNWIND_CFA_UNSUPPORTED, 0);
	assert_row(&rows, 2, 0x10, UNWIND_CFA_SP, 1);
	assert_row(&rows, 3, 0x20, UNWIND_CFA_NONE, 0);
}

static void nothing_gives_no_rows(void **state)
{
	struct cfi_fixture cfi = {0};
	auto_rows rows;

	(void)state;
	build(&rows, &cfi, NULL);
	assert_int_equal(rows.builder.count, 0);
}

/* A program of one byte for each row, over and over. */
static void more_rows_than_allowed_are_refused(void **state)
{
	enum {
		SIZE = 3 * (UNWIND_TABLE_ROWS_MAX + 1),
	};
	autofree unsigned char *program = malloc(SIZE);
	struct frame_common common = {.code_factor = 1,
				      .is_supported = true,
				      .initial = {.cfa_defined = true,
						  .cfa_register = DWARF_REGISTER_SP,
						  .ra = {.kind = FRAME_AT_OFFSET, .offset = -8}}};
	struct frame_description description = {
		.end = UINT32_MAX, .program = program, .program_size = SIZE};
	const struct frame_descriptions all = {
		.list = &description, .count = 1, .commons = &common, .common_count = 1};
	const struct frame_descriptions none = {0};
	const struct cfi_pointer_base base = {program, 0, 0};
	auto_rows rows = {0};

	(void)state;
	assert_non_null(program);
	for (size_t i = 0; i < SIZE; i += 3) {
		program[i] = DW_CFA_DEF_CFA_OFFSET;
		program[i + 1] = i % 2 ? 8 : 16;
		program[i + 2] = DW_CFA_ADVANCE_LOC | 1;
	}
	assert_int_equal(row_builder_add(&rows.builder, &all, &base, &none, &base), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_neighbours_are_merged),
		cmocka_unit_test(small_gaps_belong_to_the_function_before),
		cmocka_unit_test(of_overlapping_ones_the_later_start_holds),
		cmocka_unit_test(the_second_section_fills_what_the_first_leaves),
		cmocka_unit_test(damaged_programs_are_unsupported_to_their_end),
		cmocka_unit_test(nothing_gives_no_rows),
		cmocka_unit_test(more_rows_than_allowed_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
