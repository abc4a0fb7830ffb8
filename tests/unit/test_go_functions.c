// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_functions.h"

#include <errno.h>

#include "go_line_fixture.h"

enum {
	/* More than the stride of the addresses that are kept. */
	MANY = 5000,
	RECORD = 44,
	TABLE_SIZE = GO_LINE_HEADER_SIZE + (2 * MANY + 1) * 4 + MANY * RECORD,
};

struct table {
	unsigned char *bytes;
	struct elf_image *image;
	struct elf_span span;
	struct go_line_header header;
};

/* Function i of a table of Go 1.20 starts at 16 i and has the name i; some are empty. */
static uint32_t entry_of(size_t i)
{
	return (uint32_t)(i % 7 == 3 ? i + 1 : i) * 16;
}

static void put(struct table *table, size_t at, uint32_t word)
{
	memcpy(table->bytes + GO_FIXTURE_TABLE + at, &word, sizeof(word));
}

static void make(struct table *table)
{
	struct go_fixture fixture;
	size_t functab = (2 * MANY + 1) * 4;

	go_fixture_init(&fixture, GO_FIXTURE_1_20);
	memset(table, 0, sizeof(*table));
	table->bytes = calloc(1, GO_FIXTURE_TABLE + TABLE_SIZE);
	assert_non_null(table->bytes);
	memcpy(table->bytes, fixture.bytes, GO_FIXTURE_TABLE);
	assert_true(go_line_header_parse(fixture.bytes + GO_FIXTURE_TABLE,
					 GO_FIXTURE_SIZE - GO_FIXTURE_TABLE, &table->header));
	table->header.functions = MANY;
	table->header.function_tab = table->header.function_base = GO_LINE_HEADER_SIZE;
	for (size_t i = 0; i <= MANY; i++) {
		size_t record = functab + i * RECORD;

		put(table, GO_LINE_HEADER_SIZE + 8 * i, entry_of(i));
		if (i == MANY)
			break;
		put(table, GO_LINE_HEADER_SIZE + 8 * i + 4, (uint32_t)record);
		put(table, GO_LINE_HEADER_SIZE + record, entry_of(i));
		put(table, GO_LINE_HEADER_SIZE + record + 4, (uint32_t)i);
	}
	assert_int_equal(elf_image_open_memory(table->bytes, GO_FIXTURE_TABLE + TABLE_SIZE,
					       &table->image, NULL),
			 0);
	table->span = (struct elf_span){
		.blocks = elf_blocks_new(table->image),
		.offset = GO_FIXTURE_TABLE,
		.size = TABLE_SIZE,
	};
	assert_non_null(table->span.blocks);
}

static void drop(struct table *table)
{
	elf_blocks_free(table->span.blocks);
	elf_image_free(table->image);
	free(table->bytes);
}

static void every_address_belongs_to_the_last_function_that_starts_before(void **state)
{
	auto_free(go_functions) struct go_functions *functions = NULL;
	struct go_function found;
	struct table table;
	size_t index = 0;

	(void)state;
	make(&table);
	assert_int_equal(go_functions_new(&table.span, &table.header, &functions), 0);
	for (uint32_t address = 0; address < entry_of(MANY); address++) {
		while (index + 1 < MANY && entry_of(index + 1) <= address)
			index++;
		assert_true(go_functions_find(functions, address, &found));
		assert_int_equal(found.name, index);
		assert_int_equal(found.entry, entry_of(index));
		assert_int_equal(found.end, entry_of(index + 1));
	}
	assert_false(go_functions_find(functions, entry_of(MANY), &found));
	assert_true(go_functions_at(functions, MANY - 1, &found));
	assert_false(go_functions_at(functions, MANY, &found));
	/* Little of the functab is kept. */
	assert_true(go_functions_memory(functions) < 1024);
	drop(&table);
}

static void unsorted_functions_are_refused(void **state)
{
	struct go_functions *functions = NULL;
	struct table table;

	(void)state;
	make(&table);
	put(&table, GO_LINE_HEADER_SIZE + 8 * 3000, entry_of(2000));
	assert_int_equal(go_functions_new(&table.span, &table.header, &functions), -ENODATA);
	put(&table, GO_LINE_HEADER_SIZE + 8 * 3000, entry_of(3000));
	table.span.size = GO_LINE_HEADER_SIZE + 8 * 3000;
	assert_int_equal(go_functions_new(&table.span, &table.header, &functions), -ENODATA);
	assert_null(functions);
	drop(&table);
}

static void records_outside_are_unknown(void **state)
{
	auto_free(go_functions) struct go_functions *functions = NULL;
	struct go_function found;
	struct table table;

	(void)state;
	make(&table);
	put(&table, GO_LINE_HEADER_SIZE + 4, UINT32_MAX);
	put(&table, GO_LINE_HEADER_SIZE + 8 + 4, TABLE_SIZE - GO_LINE_HEADER_SIZE - 8);
	assert_int_equal(go_functions_new(&table.span, &table.header, &functions), 0);
	assert_false(go_functions_find(functions, 5, &found));
	assert_false(go_functions_find(functions, 17, &found));
	assert_true(go_functions_find(functions, 33, &found));
	drop(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_belongs_to_the_last_function_that_starts_before),
		cmocka_unit_test(unsorted_functions_are_refused),
		cmocka_unit_test(records_outside_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
