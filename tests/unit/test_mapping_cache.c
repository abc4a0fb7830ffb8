// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/mapping_cache.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_test.h"

enum {
	LARGE = 1 << 20
};

/* Later than any miss may be answered with a look at the old maps. */
#define LONG_AFTER (MAPPING_CACHE_MISS_NS + 100000 * MAPPING_CACHE_MISS_NS_PER_LINE)

static const struct mapping *find(struct mapping_cache *cache, uint64_t address, uint64_t now_ns)
{
	struct process_mappings *process =
		mapping_cache_get(cache, &(struct process_ref){getpid(), 0}, now_ns);
	struct mapped_object *object;

	assert_non_null(process);
	return process_mappings_find(cache, process, address, now_ns, &object);
}

static uint64_t own_code(void)
{
	return (uint64_t)(uintptr_t)own_code;
}

static void *map_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	return page;
}

static void finds_code_and_remembers_its_object(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(LARGE);
	struct process_mappings *process =
		mapping_cache_get(cache, &(struct process_ref){getpid(), 0}, 1);
	struct mapped_object *object = NULL, *again = NULL;
	const struct mapping *mapping;

	(void)state;
	mapping = process_mappings_find(cache, process, own_code(), 1, &object);
	assert_non_null(mapping);
	assert_string_equal(mapping_module(mapping), "test_mapping_cache");
	assert_int_equal(object->state, OBJECT_UNTRIED);
	object->state = OBJECT_NONE;
	process = mapping_cache_get(cache, &(struct process_ref){getpid(), 0}, 2);
	process_mappings_find(cache, process, own_code(), 2, &again);
	assert_ptr_equal(object, again);
	assert_int_equal(again->state, OBJECT_NONE);
	assert_int_equal(mapping_cache_count(cache), 1);
	assert_true(mapping_cache_memory(cache) > sizeof(*mapping));
}

static void a_miss_reads_again_but_not_at_once(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(LARGE);
	uint64_t address;
	void *page;

	(void)state;
	assert_null(find(cache, 0x10, 1000));
	page = map_code();
	address = (uint64_t)(uintptr_t)page;
	assert_null(find(cache, address, 1000));
	assert_null(find(cache, address, 1000 + MAPPING_CACHE_MISS_NS - 1));
	/* A clock that went back is not an age. */
	assert_null(find(cache, address, 1));
	assert_non_null(find(cache, address, 1000 + LONG_AFTER));
	munmap(page, 4096);
}

static void old_maps_are_read_again(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(LARGE);
	void *page = map_code();
	uint64_t address = (uint64_t)(uintptr_t)page;

	(void)state;
	assert_non_null(find(cache, address, 5));
	munmap(page, 4096);
	assert_non_null(find(cache, address, 5 + MAPPING_CACHE_MAX_AGE_NS - 1));
	assert_null(find(cache, address, 5 + MAPPING_CACHE_MAX_AGE_NS));
}

static void another_exec_id_is_another_program(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(LARGE);
	void *page = map_code();
	struct process_mappings *process;
	struct mapped_object *object;
	uint64_t address = (uint64_t)(uintptr_t)page;

	(void)state;
	assert_non_null(find(cache, address, 1));
	munmap(page, 4096);
	process = mapping_cache_get(cache, &(struct process_ref){getpid(), 1}, 1);
	assert_null(process_mappings_find(cache, process, address, 1, &object));
	assert_int_equal(mapping_cache_count(cache), 1);
}

static void a_forgotten_process_is_read_again(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(LARGE);
	void *page = map_code();
	uint64_t address = (uint64_t)(uintptr_t)page;

	(void)state;
	assert_non_null(find(cache, address, 1));
	munmap(page, 4096);
	mapping_cache_forget(cache, getpid());
	assert_int_equal(mapping_cache_count(cache), 0);
	assert_int_equal(mapping_cache_memory(cache), 0);
	mapping_cache_forget(cache, getpid());
	assert_null(find(cache, address, 1));
}

/* A child that waits to be killed. */
static pid_t start_child(void)
{
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	assert_true(child > 0);
	return child;
}

static void stop_child(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_process_that_is_gone_has_no_mappings(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(LARGE);
	pid_t child = start_child();

	(void)state;
	stop_child(child);
	assert_null(mapping_cache_get(cache, &(struct process_ref){child, 0}, 1));
	assert_int_equal(mapping_cache_count(cache), 0);
}

static void an_exiting_process_keeps_its_mappings(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(LARGE);
	struct process_mappings *process;
	struct mapped_object *object;
	pid_t child = start_child();
	siginfo_t info;

	(void)state;
	assert_non_null(mapping_cache_get(cache, &(struct process_ref){child, 0}, 1));
	assert_int_equal(kill(child, SIGKILL), 0);
	/* Dead, but its entry in /proc is still there. */
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	process = mapping_cache_get(cache, &(struct process_ref){child, 0},
				    1 + MAPPING_CACHE_MAX_AGE_NS);
	assert_non_null(process);
	assert_non_null(process_mappings_find(cache, process, own_code(), 1, &object));
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void the_least_recently_used_go(void **state)
{
	auto_free(mapping_cache) struct mapping_cache *cache = mapping_cache_new(1);
	pid_t child = start_child();

	(void)state;
	/* Never the one that is being looked at. */
	assert_non_null(mapping_cache_get(cache, &(struct process_ref){getpid(), 0}, 1));
	assert_int_equal(mapping_cache_count(cache), 1);
	assert_non_null(mapping_cache_get(cache, &(struct process_ref){child, 0}, 1));
	assert_int_equal(mapping_cache_count(cache), 1);
	stop_child(child);
	/* The child is the one that stayed: it needs no reading. */
	assert_non_null(mapping_cache_get(cache, &(struct process_ref){child, 0}, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_code_and_remembers_its_object),
		cmocka_unit_test(a_miss_reads_again_but_not_at_once),
		cmocka_unit_test(old_maps_are_read_again),
		cmocka_unit_test(another_exec_id_is_another_program),
		cmocka_unit_test(a_forgotten_process_is_read_again),
		cmocka_unit_test(a_process_that_is_gone_has_no_mappings),
		cmocka_unit_test(an_exiting_process_keeps_its_mappings),
		cmocka_unit_test(the_least_recently_used_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
