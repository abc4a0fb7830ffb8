// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/symbol_cache.h"

#include <errno.h>
#include <string.h>

#include "elf_fixture.h"

enum {
	LARGE = 1 << 20
};

/* A file with one function of this name. */
static int file_with(const char *name)
{
	struct elf_fixture file;

	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, name, 0x10, 0x10);
	return elf_fixture_file(&file, sizeof(file));
}

static const char *name_in(const struct elf_symbols *symbols)
{
	struct elf_symbol symbol = {0};

	assert_non_null(symbols);
	assert_true(elf_symbols_find(symbols, FIXTURE_TEXT_VADDR + 0x10, &symbol));
	return symbol.name;
}

static struct symbol_cache_statistics statistics_of(const struct symbol_cache *cache)
{
	struct symbol_cache_statistics statistics;

	symbol_cache_statistics(cache, &statistics);
	return statistics;
}

static void a_file_is_read_once(void **state)
{
	auto_free(symbol_cache) struct symbol_cache *cache = symbol_cache_new(LARGE);
	const struct elf_symbols *first = NULL, *second = NULL, *found = NULL;
	autoclose int fd = file_with("once");
	struct file_key key;

	(void)state;
	assert_int_equal(symbol_cache_load(cache, fd, &key, &first), 0);
	assert_int_equal(symbol_cache_load(cache, fd, &key, &second), 0);
	assert_string_equal(name_in(first), "once");
	assert_ptr_equal(first, second);
	assert_true(symbol_cache_find(cache, &key, &found));
	assert_ptr_equal(found, first);
	assert_int_equal(statistics_of(cache).loads, 1);
	assert_int_equal(statistics_of(cache).files, 1);
	assert_true(statistics_of(cache).memory > elf_symbols_memory(first));
}

/* Both have the same build id and the same size: that is not what tells files apart. */
static void files_with_the_same_build_id_stay_apart(void **state)
{
	auto_free(symbol_cache) struct symbol_cache *cache = symbol_cache_new(LARGE);
	autoclose int honest = file_with("honest"), forged = file_with("forged");
	const struct elf_symbols *symbols = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(symbol_cache_load(cache, forged, &key, &symbols), 0);
	assert_string_equal(name_in(symbols), "forged");
	assert_int_equal(symbol_cache_load(cache, honest, &key, &symbols), 0);
	assert_string_equal(name_in(symbols), "honest");
}

static void a_file_written_in_place_is_read_again(void **state)
{
	auto_free(symbol_cache) struct symbol_cache *cache = symbol_cache_new(LARGE);
	const struct elf_symbols *symbols = NULL;
	autoclose int fd = file_with("before");
	struct elf_fixture file;
	struct file_key key;

	(void)state;
	assert_int_equal(symbol_cache_load(cache, fd, &key, &symbols), 0);
	elf_fixture_init(&file, SHT_SYMTAB);
	elf_fixture_function(&file, "afterwards", 0x10, 0x10);
	/* The kernel's file times have the grain of a tick: longer makes sure. */
	assert_int_equal(pwrite(fd, &file, sizeof(file), 0), sizeof(file));
	assert_int_equal(ftruncate(fd, sizeof(file) + 1), 0);
	assert_int_equal(symbol_cache_load(cache, fd, &key, &symbols), 0);
	assert_string_equal(name_in(symbols), "afterwards");
	assert_int_equal(statistics_of(cache).loads, 2);
}

static void what_is_no_elf_file_is_remembered(void **state)
{
	auto_free(symbol_cache) struct symbol_cache *cache = symbol_cache_new(LARGE);
	autoclose int fd = elf_fixture_file("text", 4);
	const struct elf_symbols *symbols = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(symbol_cache_load(cache, fd, &key, &symbols), 0);
	assert_null(symbols);
	assert_int_equal(symbol_cache_load(cache, fd, &key, &symbols), 0);
	assert_null(symbols);
	assert_true(symbol_cache_find(cache, &key, &symbols));
	assert_int_equal(statistics_of(cache).loads, 1);
	assert_int_equal(statistics_of(cache).too_large, 0);
}

static void the_least_recently_used_go(void **state)
{
	autoclose int a = file_with("a"), b = file_with("b"), c = file_with("c");
	struct symbol_cache *unbounded = symbol_cache_new(LARGE);
	auto_free(symbol_cache) struct symbol_cache *cache = NULL;
	const struct elf_symbols *symbols = NULL;
	struct file_key key_a, key_b, key_c;
	size_t limit;

	(void)state;
	/* Room for two. */
	assert_int_equal(symbol_cache_load(unbounded, a, &key_a, &symbols), 0);
	limit = statistics_of(unbounded).memory * 5 / 2;
	symbol_cache_free(unbounded);
	cache = symbol_cache_new(limit);
	assert_int_equal(symbol_cache_load(cache, a, &key_a, &symbols), 0);
	assert_int_equal(symbol_cache_load(cache, b, &key_b, &symbols), 0);
	assert_true(symbol_cache_find(cache, &key_a, &symbols));
	assert_int_equal(symbol_cache_load(cache, c, &key_c, &symbols), 0);
	assert_string_equal(name_in(symbols), "c");
	assert_true(symbol_cache_find(cache, &key_a, &symbols));
	assert_string_equal(name_in(symbols), "a");
	assert_false(symbol_cache_find(cache, &key_b, &symbols));
	assert_int_equal(statistics_of(cache).files, 2);
	assert_true(statistics_of(cache).memory <= limit);
	assert_int_equal(symbol_cache_load(cache, b, &key_b, &symbols), 0);
	assert_string_equal(name_in(symbols), "b");
	assert_int_equal(statistics_of(cache).loads, 4);
}

static void what_is_too_large_has_no_names(void **state)
{
	auto_free(symbol_cache) struct symbol_cache *cache = symbol_cache_new(100);
	const struct elf_symbols *symbols = NULL;
	autoclose int fd = file_with("large");
	struct file_key key;

	(void)state;
	assert_int_equal(symbol_cache_load(cache, fd, &key, &symbols), 0);
	assert_null(symbols);
	assert_true(symbol_cache_find(cache, &key, &symbols));
	assert_int_equal(statistics_of(cache).too_large, 1);
}

static void a_bad_descriptor_is_an_error(void **state)
{
	auto_free(symbol_cache) struct symbol_cache *cache = symbol_cache_new(LARGE);
	const struct elf_symbols *symbols = NULL;
	struct file_key key;

	(void)state;
	assert_int_equal(symbol_cache_load(cache, -1, &key, &symbols), -EBADF);
	assert_int_equal(statistics_of(cache).files, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_once),
		cmocka_unit_test(files_with_the_same_build_id_stay_apart),
		cmocka_unit_test(a_file_written_in_place_is_read_again),
		cmocka_unit_test(what_is_no_elf_file_is_remembered),
		cmocka_unit_test(the_least_recently_used_go),
		cmocka_unit_test(what_is_too_large_has_no_names),
		cmocka_unit_test(a_bad_descriptor_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
