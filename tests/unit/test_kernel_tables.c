// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/kernel_tables.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bpf_maps.h"

enum {
	LIMIT = 8 << 20,
	MAPPINGS_LIMIT = 1 << 20,
};

#define SECOND 1000000000ULL

/* Everything that a test needs; torn down after it. */
struct fixture {
	struct unwind_maps maps;
	struct mapping_cache *mappings;
	struct code_tables *code;
	struct kernel_tables *tables;
	struct kernel_tables_process self;
};

static int set_up(void **state)
{
	const struct code_tables_config code = {.map_files = true, .limit = LIMIT};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct kernel_tables_config config;

	assert_non_null(fixture);
	fixture->maps = unwind_maps_open();
	fixture->mappings = mapping_cache_new(MAPPINGS_LIMIT);
	fixture->code = code_tables_new(&code);
	config = (struct kernel_tables_config){
		.mappings = fixture->mappings,
		.tables = fixture->code,
		.processes_fd = fixture->maps.processes,
		.mappings_fd = fixture->maps.mappings,
		.shards_fd = fixture->maps.shards,
		.limit = LIMIT,
	};
	assert_int_equal(kernel_tables_new(&config, &fixture->tables, NULL), 0);
	fixture->self = (struct kernel_tables_process){
		.ref = {.pid = getpid(), .generation = 1},
		.start_ns = 77,
		.exec_id = 5,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	kernel_tables_free(fixture->tables);
	code_tables_free(fixture->code);
	mapping_cache_free(fixture->mappings);
	unwind_maps_close(&fixture->maps);
	free(fixture);
	return 0;
}

static bool published(const struct fixture *fixture, pid_t pid, struct abi_unwind_process *process)
{
	uint32_t tgid = (uint32_t)pid;

	return bpf_map_lookup_elem(fixture->maps.processes, &tgid, process) == 0;
}

static struct abi_unwind_process published_self(const struct fixture *fixture)
{
	struct abi_unwind_process process = {0};

	assert_true(published(fixture, getpid(), &process));
	return process;
}

static struct abi_unwind_mapping entry_at(const struct fixture *fixture, uint32_t index)
{
	struct abi_unwind_mapping entry = {0};

	assert_int_equal(bpf_map_lookup_elem(fixture->maps.mappings, &index, &entry), 0);
	return entry;
}

/* The entry that BPF's search would find, by looking at all of them. */
static struct abi_unwind_mapping entry_of(const struct fixture *fixture, const void *code)
{
	struct abi_unwind_process process = published_self(fixture);
	uint64_t address = (uint64_t)(uintptr_t)code;

	for (uint32_t i = 0; i < process.mappings; i++) {
		struct abi_unwind_mapping entry = entry_at(fixture, process.first_mapping + i);

		if (address >= entry.start && address < entry.end)
			return entry;
	}
	return (struct abi_unwind_mapping){0};
}

static void publishes_what_is_mapped(void **state)
{
	struct fixture *fixture = *state;
	struct abi_unwind_process process;
	uint64_t end_before = 0;

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND), 0);
	process = published_self(fixture);
	assert_int_equal(process.start_ns, 77);
	assert_int_equal(process.exec_id, 5);
	assert_int_not_equal(process.owner, 0);
	assert_true(process.mappings >= 4); /* this program, libc, the loader, the vdso */
	for (uint32_t i = 0; i < process.mappings; i++) {
		struct abi_unwind_mapping entry = entry_at(fixture, process.first_mapping + i);

		assert_int_equal(entry.owner, process.owner);
		assert_true(entry.start >= end_before);
		assert_true(entry.start < entry.end);
		end_before = entry.end;
	}
	assert_true(kernel_tables_knows(fixture->tables, getpid()));
}

/* The row for this function, found as BPF does, is the one of its file's table. */
static void rows_are_those_of_the_file(void **state)
{
	struct fixture *fixture = *state;
	struct process_mappings *mappings;
	struct abi_unwind_mapping entry;
	struct unwind_row row = {0}, before = {0};
	struct mapped_object *object;
	const struct mapping *mapping;
	const struct unwind_row *expected;
	uint64_t address = (uint64_t)(uintptr_t)rows_are_those_of_the_file + 1;
	uint32_t index = 0;
	struct code code;

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND), 0);
	entry = entry_of(fixture, (const void *)(uintptr_t)address);
	assert_true(entry.rows > 0);
	do {
		before = row;
		row = row_in_shard(&fixture->maps, entry.shard, entry.first_row + index);
	} while (row.pc <= address - entry.base && ++index < entry.rows);
	assert_true(index > 0);
	if (index < entry.rows)
		row = before;

	mappings = mapping_cache_get(fixture->mappings, &fixture->self.ref, SECOND);
	mapping = process_mappings_find(fixture->mappings, mappings, address, SECOND, &object);
	code = code_tables_of(fixture->code, getpid(), mapping, object);
	assert_non_null(code.table);
	expected = unwind_table_find(code.table, address - code.bias);
	assert_non_null(expected);
	assert_memory_equal(&row, expected, sizeof(row));
}

static void who_asks_again_may_ask_less_often(void **state)
{
	struct fixture *fixture = *state;
	struct abi_unwind_process first, second, later;

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, 100 * SECOND), 0);
	first = published_self(fixture);
	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, 101 * SECOND), 0);
	second = published_self(fixture);
	/* The same list under the same number. */
	assert_int_equal(second.owner, first.owner);
	assert_int_equal(second.first_mapping, first.first_mapping);
	assert_int_equal(second.request_interval_ns, 2 * first.request_interval_ns);
	assert_int_equal(second.requested_ns, 101 * SECOND);
	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, 1000 * SECOND), 0);
	later = published_self(fixture);
	assert_int_equal(later.request_interval_ns, first.request_interval_ns);
}

static void new_code_is_a_new_list(void **state)
{
	struct fixture *fixture = *state;
	struct abi_unwind_process before, after;
	struct abi_unwind_mapping entry;
	void *code;

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND), 0);
	before = published_self(fixture);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	assert_int_equal(entry_of(fixture, code).end, 0);
	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, 2 * SECOND), 0);
	after = published_self(fixture);
	assert_int_not_equal(after.owner, before.owner);
	/* What BPF may still be reading has not been written over. */
	assert_int_not_equal(after.first_mapping, before.first_mapping);
	assert_int_equal(entry_at(fixture, before.first_mapping).owner, before.owner);
	entry = entry_of(fixture, code);
	assert_int_equal(entry.marks, UNWIND_MAPPING_NO_FILE);
	assert_int_equal(entry.rows, 0);
	munmap(code, 4096);
}

static void another_program_replaces_the_list(void **state)
{
	struct fixture *fixture = *state;
	struct kernel_tables_process next = fixture->self;
	struct abi_unwind_process before, after;

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND), 0);
	before = published_self(fixture);
	next.ref.generation++;
	next.exec_id++;
	assert_int_equal(kernel_tables_load(fixture->tables, &next, SECOND + 1), 0);
	after = published_self(fixture);
	assert_int_equal(after.exec_id, 6);
	assert_int_not_equal(after.owner, before.owner);
	assert_int_equal(after.request_interval_ns, before.request_interval_ns);
}

static void a_process_that_is_forgotten_is_gone(void **state)
{
	struct fixture *fixture = *state;
	struct kernel_tables_statistics statistics;
	struct abi_unwind_process process;

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND), 0);
	kernel_tables_forget(fixture->tables, getpid());
	assert_false(published(fixture, getpid(), &process));
	assert_false(kernel_tables_knows(fixture->tables, getpid()));
	kernel_tables_forget(fixture->tables, getpid());
	kernel_tables_statistics(fixture->tables, &statistics);
	assert_int_equal(statistics.processes, 0);
}

static void a_process_that_has_ended_is_not_loaded(void **state)
{
	struct fixture *fixture = *state;
	struct kernel_tables_process gone = fixture->self;
	struct abi_unwind_process process;

	gone.ref.pid = fork();
	if (gone.ref.pid == 0)
		_exit(0);
	assert_int_equal(waitpid(gone.ref.pid, NULL, 0), gone.ref.pid);
	assert_int_equal(kernel_tables_load(fixture->tables, &gone, SECOND), -ESRCH);
	assert_false(published(fixture, gone.ref.pid, &process));
}

/* Loads this process again and again as ever new programs, until the first entries are needed. */
static void entries_are_used_again(void **state)
{
	struct fixture *fixture = *state;
	struct kernel_tables_process program = fixture->self;
	struct kernel_tables_statistics statistics;
	uint32_t rounds, per_list;

	assert_int_equal(kernel_tables_load(fixture->tables, &program, SECOND), 0);
	per_list = published_self(fixture).mappings;
	rounds = ABI_UNWIND_MAPPINGS_MAX / per_list + 10;
	for (uint32_t i = 1; i < rounds; i++) {
		program.exec_id++;
		assert_int_equal(kernel_tables_load(fixture->tables, &program, SECOND + i), 0);
	}
	assert_int_equal(published_self(fixture).exec_id, program.exec_id);
	kernel_tables_statistics(fixture->tables, &statistics);
	assert_int_equal(statistics.evicted, 0);
	assert_true(statistics.mappings < ABI_UNWIND_MAPPINGS_MAX / 2);
}

/* Nobody asks, and after 10 s it is compared with the maps all the same. */
static void old_lists_are_compared_with_the_maps(void **state)
{
	struct fixture *fixture = *state;
	struct abi_unwind_process before, after;
	void *code;

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND), 0);
	before = published_self(fixture);
	/* Nothing has changed, and BPF may ask as often as before. */
	kernel_tables_refresh_oldest(fixture->tables, 11 * SECOND);
	after = published_self(fixture);
	assert_memory_equal(&after, &before, sizeof(after));

	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	kernel_tables_refresh_oldest(fixture->tables, 20 * SECOND);
	assert_int_equal(published_self(fixture).owner, before.owner);
	kernel_tables_refresh_oldest(fixture->tables, 22 * SECOND);
	after = published_self(fixture);
	assert_int_not_equal(after.owner, before.owner);
	assert_int_equal(entry_of(fixture, code).marks, UNWIND_MAPPING_NO_FILE);
	munmap(code, 4096);
}

/* More executable mappings than a list can have. */
static char *map_too_many(size_t *bytes)
{
	const size_t pages = 2 * (size_t)ABI_UNWIND_PROCESS_MAPPINGS_MAX + 200;
	char *area = mmap(NULL, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(area, MAP_FAILED);
	for (size_t i = 0; i < pages; i += 2)
		assert_int_equal(mprotect(area + i * 4096, 4096, PROT_READ | PROT_EXEC), 0);
	*bytes = pages * 4096;
	return area;
}

static void too_many_mappings_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct abi_unwind_process process;
	size_t bytes;
	char *area = map_too_many(&bytes);

	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND), -E2BIG);
	/* BPF knows that there is nothing, and does not ask all the time. */
	process = published_self(fixture);
	assert_int_equal(process.mappings, 0);
	assert_int_equal(process.requested_ns, SECOND);
	munmap(area, bytes);
	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND + 1), 0);
	process = published_self(fixture);
	assert_true(process.mappings > 0);

	/* What works is not thrown away. */
	area = map_too_many(&bytes);
	assert_int_equal(kernel_tables_load(fixture->tables, &fixture->self, SECOND + 2), -E2BIG);
	assert_int_equal(published_self(fixture).owner, process.owner);
	assert_int_equal(published_self(fixture).mappings, process.mappings);
	munmap(area, bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(publishes_what_is_mapped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_are_those_of_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_asks_again_may_ask_less_often, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(new_code_is_a_new_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_program_replaces_the_list, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_process_that_is_forgotten_is_gone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_process_that_has_ended_is_not_loaded, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(entries_are_used_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_lists_are_compared_with_the_maps, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(too_many_mappings_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
