// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/code_tables.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit_test.h"

enum {
	LARGE = 32 << 20,
	MAPPINGS_LIMIT = 1 << 20,
};

struct fixture {
	struct mapping_cache *mappings;
	struct code_tables *tables;
};

static struct fixture open_fixture(size_t limit)
{
	const struct code_tables_config config = {.map_files = true, .limit = limit};
	struct fixture fixture = {
		.mappings = mapping_cache_new(MAPPINGS_LIMIT),
		.tables = code_tables_new(&config),
	};

	assert_non_null(fixture.mappings);
	assert_non_null(fixture.tables);
	return fixture;
}

static void close_fixture(const struct fixture *fixture)
{
	code_tables_free(fixture->tables);
	mapping_cache_free(fixture->mappings);
}

static struct code code_at(const struct fixture *fixture, uint64_t address)
{
	const struct process_ref self = {.pid = getpid()};
	struct process_mappings *process = mapping_cache_get(fixture->mappings, &self, 1);
	struct mapped_object *object;
	const struct mapping *mapping;

	assert_non_null(process);
	mapping = process_mappings_find(fixture->mappings, process, address, 1, &object);
	assert_non_null(mapping);
	return code_tables_of(fixture->tables, getpid(), mapping, object);
}

static uint64_t own_code(void)
{
	return (uint64_t)(uintptr_t)own_code;
}

static void a_file_has_its_table(void **state)
{
	struct fixture fixture = open_fixture(LARGE);
	struct code code = code_at(&fixture, own_code());
	const struct unwind_row *row;

	(void)state;
	assert_non_null(code.table);
	assert_int_equal(code.marks, 0);
	row = unwind_table_find(code.table, own_code() - code.bias);
	assert_non_null(row);
	/* At the first instruction of a function only the return address has been pushed. */
	assert_int_equal(row->rules, unwind_rules(UNWIND_CFA_SP, UNWIND_BP_SAME));
	assert_int_equal(row->offset, 1);
	close_fixture(&fixture);
}

static void the_vdso_has_its_table(void **state)
{
	struct fixture fixture = open_fixture(LARGE);
	struct code code = code_at(&fixture, getauxval(AT_SYSINFO_EHDR));

	(void)state;
	assert_non_null(code.table);
	assert_int_equal(code.bias, getauxval(AT_SYSINFO_EHDR));
	close_fixture(&fixture);
}

static void code_without_a_file_is_that_of_a_jit(void **state)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct fixture fixture = open_fixture(LARGE);
	struct code code;

	(void)state;
	assert_ptr_not_equal(page, MAP_FAILED);
	code = code_at(&fixture, (uint64_t)(uintptr_t)page);
	assert_null(code.table);
	assert_int_equal(code.marks, UNWIND_MAPPING_NO_FILE);
	munmap(page, 4096);
	close_fixture(&fixture);
}

/* A JIT may map its code twice, writable and executable, through a file in memory. */
static void so_is_a_file_that_is_no_elf_file(void **state)
{
	struct fixture fixture = open_fixture(LARGE);
	int fd = memfd_create("jit", MFD_CLOEXEC);
	struct code code;
	void *page;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	code = code_at(&fixture, (uint64_t)(uintptr_t)page);
	assert_null(code.table);
	assert_int_equal(code.marks, UNWIND_MAPPING_NO_FILE);
	munmap(page, 4096);
	close(fd);
	close_fixture(&fixture);
}

/* Frame pointers would be a guess there. */
static void a_table_that_is_too_large_is_no_jit(void **state)
{
	struct fixture fixture = open_fixture(1000);
	struct code code = code_at(&fixture, own_code());

	(void)state;
	assert_null(code.table);
	assert_int_equal(code.marks, UNWIND_MAPPING_NO_TABLE);
	close_fixture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_its_table),
		cmocka_unit_test(the_vdso_has_its_table),
		cmocka_unit_test(code_without_a_file_is_that_of_a_jit),
		cmocka_unit_test(so_is_a_file_that_is_no_elf_file),
		cmocka_unit_test(a_table_that_is_too_large_is_no_jit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
