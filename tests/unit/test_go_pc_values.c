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

static int32_t value_at(const struct table *table, uint64_t at, unsigned int quantum, uint64_t pc)
{
	size_t budget = SIZE_MAX;

	return go_pc_value(&table->span, at, quantum, pc, &budget);
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
	assert_int_equal(value_at(&table, 1, 1, 0), 10);
	assert_int_equal(value_at(&table, 1, 1, 3), 10);
	assert_int_equal(value_at(&table, 1, 1, 4), 7);
	assert_int_equal(value_at(&table, 1, 1, 6), 263);
	assert_int_equal(value_at(&table, 1, 1, 305), 263);
	assert_int_equal(value_at(&table, 1, 1, 306), -1);
	/* Instructions of 4 bytes. */
	assert_int_equal(value_at(&table, 1, 4, 15), 10);
	assert_int_equal(value_at(&table, 1, 4, 16), 7);
	assert_int_equal(value_at(&table, 0, 1, 0), -1);
	drop(&table);
}

static void first_value_may_be_the_start_value(void **state)
{
	static const unsigned char bytes[] = {0, 4, 2, 4, 0, 9, 9};
	struct table table;

	(void)state;
	make(&table, bytes, sizeof(bytes));
	assert_int_equal(value_at(&table, 1, 1, 3), -1);
	assert_int_equal(value_at(&table, 1, 1, 4), 0);
	assert_int_equal(value_at(&table, 1, 1, 8), -1);
	drop(&table);
}

static void what_does_not_end_has_no_value(void **state)
{
	static const unsigned char cut[] = {22, 4, 5},
				   long_number[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 4, 0};
	struct table table;

	(void)state;
	make(&table, cut, sizeof(cut));
	assert_int_equal(value_at(&table, 1, 1, 3), 10);
	assert_int_equal(value_at(&table, 1, 1, 4), -1);
	assert_int_equal(value_at(&table, UINT64_MAX, 1, 0), -1);
	drop(&table);
	make(&table, long_number, sizeof(long_number));
	assert_int_equal(value_at(&table, 1, 1, 0), -1);
	drop(&table);
}

static void what_was_read_is_taken_off_the_budget(void **state)
{
	static const unsigned char bytes[] = {22, 4, 5, 2, 0x80, 0x04, 0xac, 0x02, 0};
	struct table table;
	size_t budget = 100;

	(void)state;
	make(&table, bytes, sizeof(bytes));
	assert_int_equal(go_pc_value(&table.span, 1, 1, 0, &budget), 10);
	assert_int_equal(budget, 98);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 6, &budget), 263);
	assert_int_equal(budget, 90);
	/* No table costs nothing; the end of one is a byte. */
	assert_int_equal(go_pc_value(&table.span, 0, 1, 0, &budget), -1);
	assert_int_equal(budget, 90);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 999, &budget), -1);
	assert_int_equal(budget, 81);
	budget = 8;
	assert_int_equal(go_pc_value(&table.span, 1, 1, 6, &budget), 263);
	assert_int_equal(budget, 0);
	assert_int_equal(go_pc_value(&table.span, 1, 1, 0, &budget), -1);
	budget = 7;
	assert_int_equal(go_pc_value(&table.span, 1, 1, 6, &budget), -1);
	assert_int_equal(budget, 0);
	drop(&table);
}

/* A table that goes on without end: pairs that stand for one byte of code each. */
static void no_table_takes_more_than_the_limit(void **state)
{
	enum {
		SIZE = 4 * GO_PC_VALUES_MAX
	};
	auto_free(elf_image) struct elf_image *image = NULL;
	auto_free(elf_blocks) struct elf_blocks *blocks = NULL;
	autofree unsigned char *file = malloc(SIZE);
	struct elf_span span = {.offset = 0x800, .size = SIZE - 0x800};
	struct go_fixture fixture;
	size_t budget = SIZE;

	(void)state;
	assert_non_null(file);
	go_fixture_init(&fixture, GO_FIXTURE_1_20);
	memset(file, 1, SIZE);
	memcpy(file, fixture.bytes, sizeof(fixture.bytes));
	for (size_t i = 0x800; i < SIZE; i += 4)
		file[i] = 2;
	assert_int_equal(elf_image_open_memory(file, SIZE, &image, NULL), 0);
	blocks = elf_blocks_new(image);
	assert_non_null(blocks);
	span.blocks = blocks;
	assert_int_equal(go_pc_value(&span, 4, 1, GO_PC_VALUES_MAX / 2 - 1, &budget), -1);
	assert_int_equal(budget, SIZE - GO_PC_VALUES_MAX);
	assert_int_equal(go_pc_value(&span, 4, 1, 1ULL << 40, &budget), -1);
	assert_int_equal(budget, SIZE - 2 * GO_PC_VALUES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_hold_up_to_the_next_pair),
		cmocka_unit_test(first_value_may_be_the_start_value),
		cmocka_unit_test(what_does_not_end_has_no_value),
		cmocka_unit_test(what_was_read_is_taken_off_the_budget),
		cmocka_unit_test(no_table_takes_more_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
