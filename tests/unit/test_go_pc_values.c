// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_pc_values.h"

#include "go_line_fixture.h"

/* A table in an ELF file of which nothing else matters. */
struct table {
	struct go_fixture file;
	struct elf_image *image;
	struct elf_span span;
};

static void make(struct table *table, const unsigned char *bytes, size_t size)
{
	go_fixture_init(&table->file, GO_FIXTURE_1_20);
	memcpy(table->file.bytes + 0x400, bytes, size);
	table->image = NULL;
	assert_int_equal(elf_image_open_memory(table->file.bytes, sizeof(table->file.bytes),
					       &table->image, NULL),
			 0);
	table->span.blocks = elf_blocks_new(table->image);
	assert_non_null(table->span.blocks);
	/* Offset 0 stands for no table, so that none starts there. */
	table->span.offset = 0x3ff;
	table->span.size = size + 1;
}

static void drop(struct table *table)
{
	elf_blocks_free(table->span.blocks);
	elf_image_free(table->image);
}

static void values_hold_up_to_the_next_pair(void **state)
{
	/* -1 + 11 = 10 for 4 bytes, - 3 = 7 for 2 bytes, + 0x100 = 263 for 300 bytes, the end. */
	static const unsigned char bytes[] = {22, 4, 5, 2, 0x80, 0x04, 0xac, 0x02, 0};
	struct table table;

	(void)state;
	make(&table, bytes, sizeof(bytes));
	assert_int_equal(go_pc_value(&table.span, 1, 1, 0), 10);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 3), 10);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 4), 7);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 6), 263);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 305), 263);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 306), -1);
	/* Instructions of 4 bytes. */
	assert_int_equal(go_pc_value(&table.span, 1, 4, 15), 10);
	assert_int_equal(go_pc_value(&table.span, 1, 4, 16), 7);
	assert_int_equal(go_pc_value(&table.span, 0, 1, 0), -1);
	drop(&table);
}

static void first_value_may_be_the_start_value(void **state)
{
	static const unsigned char bytes[] = {0, 4, 2, 4, 0, 9, 9};
	struct table table;

	(void)state;
	make(&table, bytes, sizeof(bytes));
	assert_int_equal(go_pc_value(&table.span, 1, 1, 3), -1);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 4), 0);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 8), -1);
	drop(&table);
}

static void what_does_not_end_has_no_value(void **state)
{
	static const unsigned char cut[] = {22, 4, 5},
				   long_number[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 4, 0};
	struct table table;

	(void)state;
	make(&table, cut, sizeof(cut));
	assert_int_equal(go_pc_value(&table.span, 1, 1, 3), 10);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 4), -1);
	assert_int_equal(go_pc_value(&table.span, UINT64_MAX, 1, 0), -1);
	drop(&table);
	make(&table, long_number, sizeof(long_number));
	assert_int_equal(go_pc_value(&table.span, 1, 1, 0), -1);
	drop(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_hold_up_to_the_next_pair),
		cmocka_unit_test(first_value_may_be_the_start_value),
		cmocka_unit_test(what_does_not_end_has_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
