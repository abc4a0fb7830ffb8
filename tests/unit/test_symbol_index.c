// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/symbol_index.h"

#include <stdlib.h>
#include <string.h>

#include "unit_test.h"

static const char *name_at(const struct symbol_index *index, uint64_t address)
{
	const struct symbol_entry *entry = symbol_index_find(index, address);

	return entry ? symbol_index_name(index, entry) : "";
}

static void the_innermost_function_is_found(void **state)
{
	struct symbol_entry entries[] = {
		{.address = 0x100, .size = 0x100, .name = 0},
		{.address = 0x140, .size = 0x10, .name = 6},
		{.address = UINT64_MAX - 0xf, .size = 0x10, .name = 12},
	};
	char names[] = "outer\0inner\0last";
	const struct symbol_index index = {entries, 3, names, sizeof(names)};

	(void)state;
	assert_string_equal(name_at(&index, 0), "");
	assert_string_equal(name_at(&index, 0xff), "");
	assert_string_equal(name_at(&index, 0x100), "outer");
	assert_string_equal(name_at(&index, 0x140), "inner");
	assert_string_equal(name_at(&index, 0x14f), "inner");
	assert_string_equal(name_at(&index, 0x150), "outer");
	assert_string_equal(name_at(&index, 0x1ff), "outer");
	assert_string_equal(name_at(&index, 0x200), "");
	assert_string_equal(name_at(&index, UINT64_MAX), "last");
	assert_int_equal(symbol_index_memory(&index), 3 * 16 + sizeof(names));
}

static void an_empty_index_has_nothing(void **state)
{
	struct symbol_index index = {0};

	(void)state;
	assert_null(symbol_index_find(&index, 0));
	assert_null(symbol_index_find(&index, UINT64_MAX));
	assert_int_equal(symbol_index_memory(&index), 0);
	symbol_index_clear(&index);
}

static void clearing_empties(void **state)
{
	struct symbol_index index = {calloc(1, sizeof(struct symbol_entry)), 1, strdup("name"), 5};

	(void)state;
	symbol_index_clear(&index);
	assert_int_equal(index.count, 0);
	assert_null(symbol_index_find(&index, 0));
	assert_int_equal(symbol_index_memory(&index), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_innermost_function_is_found),
		cmocka_unit_test(an_empty_index_has_nothing),
		cmocka_unit_test(clearing_empties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
