// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/elf_symbol_table.h"

#include "elf_fixture.h"

/* One table of two images, `first` and `second`, by what they call which function. */
struct scene {
	struct elf_fixture first, second;
	struct elf_symbol_table *table;
	struct symbol_index index;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	elf_fixture_init(&scene->first, SHT_SYMTAB);
	elf_fixture_init(&scene->second, SHT_DYNSYM);
	scene->table = elf_symbol_table_new();
	assert_non_null(scene->table);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	elf_symbol_table_free(scene->table);
	symbol_index_clear(&scene->index);
	free(scene);
	return 0;
}

static void add(struct scene *scene, const struct elf_fixture *file, uint32_t type)
{
	auto_free(elf_image) struct elf_image *image = NULL;

	assert_int_equal(elf_image_open_memory(file, sizeof(*file), &image, NULL), 0);
	assert_int_equal(elf_symbol_table_add(scene->table, image, type), 0);
}

static void make_index(struct scene *scene)
{
	assert_int_equal(elf_symbol_table_index(scene->table, &scene->index), 0);
}

static void assert_name(const struct scene *scene, uint64_t text_offset, const char *name)
{
	const struct symbol_entry *entry =
		symbol_index_find(&scene->index, FIXTURE_TEXT_VADDR + text_offset);

	assert_non_null(entry);
	assert_string_equal(symbol_index_name(&scene->index, entry), name);
}

static void tables_are_merged(void **state)
{
	struct scene *scene = *state;

	elf_fixture_function(&scene->first, "local_one", 0x10, 0x10);
	elf_fixture_function(&scene->first, "local_three", 0x30, 0x10);
	elf_fixture_function(&scene->second, "exported_two", 0x20, 0x10);
	add(scene, &scene->first, SHT_SYMTAB);
	add(scene, &scene->second, SHT_DYNSYM);
	make_index(scene);
	assert_int_equal(scene->index.count, 3);
	assert_name(scene, 0x10, "local_one");
	assert_name(scene, 0x20, "exported_two");
	assert_name(scene, 0x30, "local_three");
}

static void what_both_name_keeps_the_better_name(void **state)
{
	struct scene *scene = *state;

	elf_fixture_function(&scene->first, "__worse", 0x10, 0x10);
	elf_fixture_function(&scene->second, "better", 0x10, 0x10);
	add(scene, &scene->first, SHT_SYMTAB);
	add(scene, &scene->second, SHT_DYNSYM);
	make_index(scene);
	assert_int_equal(scene->index.count, 1);
	assert_name(scene, 0x10, "better");
}

static void unsized_symbols_end_in_their_own_image_s_section(void **state)
{
	struct scene *scene = *state;

	scene->first.sections[FIXTURE_TEXT].sh_size = 0x40;
	elf_fixture_symbol(&scene->first, "short", 0x30, 0, STB_GLOBAL, STT_FUNC, FIXTURE_TEXT);
	elf_fixture_symbol(&scene->second, "long", 0x50, 0, STB_GLOBAL, STT_FUNC, FIXTURE_TEXT);
	add(scene, &scene->first, SHT_SYMTAB);
	add(scene, &scene->second, SHT_DYNSYM);
	make_index(scene);
	assert_name(scene, 0x3f, "short");
	assert_null(symbol_index_find(&scene->index, FIXTURE_TEXT_VADDR + 0x40));
	assert_name(scene, FIXTURE_TEXT_SIZE - 1, "long");
}

static void a_damaged_table_takes_nothing_from_the_other(void **state)
{
	struct scene *scene = *state;

	elf_fixture_function(&scene->first, "good", 0x10, 0x10);
	elf_fixture_function(&scene->second, "nameless", 0x20, 0x10);
	scene->second.sections[FIXTURE_NAMES].sh_offset = sizeof(scene->second);
	add(scene, &scene->first, SHT_SYMTAB);
	add(scene, &scene->second, SHT_DYNSYM);
	make_index(scene);
	assert_int_equal(scene->index.count, 1);
	assert_name(scene, 0x10, "good");
}

static void an_image_without_that_table(void **state)
{
	struct scene *scene = *state;

	elf_fixture_function(&scene->second, "exported", 0x20, 0x10);
	add(scene, &scene->second, SHT_SYMTAB);
	assert_true(elf_symbol_table_is_empty(scene->table));
	make_index(scene);
	assert_int_equal(scene->index.count, 0);
	add(scene, &scene->second, SHT_DYNSYM);
	assert_false(elf_symbol_table_is_empty(scene->table));
	assert_false(elf_symbol_table_truncated(scene->table));
}

static void a_table_that_the_file_cuts_is_truncated(void **state)
{
	struct scene *scene = *state;

	elf_fixture_function(&scene->first, "there", 0x10, 0x10);
	scene->first.sections[FIXTURE_SYMBOLS].sh_size = UINT64_MAX;
	add(scene, &scene->first, SHT_SYMTAB);
	assert_true(elf_symbol_table_truncated(scene->table));
	make_index(scene);
	assert_true(elf_symbol_table_truncated(scene->table));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(tables_are_merged),
		TEST(what_both_name_keeps_the_better_name),
		TEST(unsized_symbols_end_in_their_own_image_s_section),
		TEST(a_damaged_table_takes_nothing_from_the_other),
		TEST(an_image_without_that_table),
		TEST(a_table_that_the_file_cuts_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
