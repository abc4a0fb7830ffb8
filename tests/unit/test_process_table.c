// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/process_table.h"

#include <unistd.h>

#include "unit_test.h"

static void count_process(struct process_entry *entry, void *data)
{
	(void)entry;
	(*(unsigned int *)data)++;
}

static unsigned int visited(const struct process_table *table, bool with_ended)
{
	unsigned int count = 0;

	process_table_each((struct process_table *)table, with_ended, count_process, &count);
	return count;
}

static void a_process_is_identified_from_proc(void **state)
{
	struct process_table *table = process_table_new(NULL);
	struct process_entry *entry = process_table_enter(table, (uint32_t)getpid(), 7, 1, 100);

	(void)state;
	assert_non_null(entry);
	assert_string_equal(entry->process->name, "test_process_ta");
	assert_non_null(entry->process->executable);
	assert_int_equal(entry->process->start_ns, 7);
	assert_ptr_equal(process_table_enter(table, (uint32_t)getpid(), 7, 1, 200), entry);
	assert_ptr_equal(process_table_enter(table, (uint32_t)getpid(), 0, 1, 300), entry);
	assert_int_equal(entry->process->first_seen_ns, 100);
	process_table_free(table);
}

/* Another start time of the main thread: the pid was used again. */
static void a_pid_that_is_used_again_is_another_process(void **state)
{
	struct process_table *table = process_table_new(NULL);
	struct process_entry *first = process_table_enter(table, 4000000, 7, 1, 100);
	struct process_entry *second = process_table_enter(table, 4000000, 9, 2, 200);

	(void)state;
	assert_ptr_not_equal(first, second);
	assert_true(first->process->ended);
	assert_false(second->process->ended);
	assert_ptr_equal(process_table_find(table, 4000000), second);
	assert_ptr_equal(process_table_find_exec(table, 4000000, 1), first);
	assert_ptr_equal(process_table_find_exec(table, 4000000, 2), second);
	assert_null(process_table_find_exec(table, 4000000, 3));
	assert_int_equal(visited(table, false), 1);
	assert_int_equal(visited(table, true), 2);
	process_table_drop_ended(table);
	assert_int_equal(process_table_count(table, true), 1);
	process_table_free(table);
}

/* Its last thread may be removed after the process was replaced. */
static void ending_twice_is_ending_once(void **state)
{
	struct process_table *table = process_table_new(NULL);
	struct process_entry *entry = process_table_enter(table, 4000000, 7, 1, 100);

	(void)state;
	process_table_end(table, entry);
	process_table_end(table, entry);
	assert_int_equal(process_table_count(table, false), 0);
	assert_int_equal(process_table_count(table, true), 1);
	process_table_drop_ended(table);
	assert_int_equal(process_table_count(table, true), 0);
	process_table_free(table);
}

static void exec_forgets_the_places(void **state)
{
	struct process_table *table = process_table_new(NULL);
	struct process_entry *entry = process_table_enter(table, 4000000, 7, 1, 100);
	struct place *place = calloc(1, sizeof(*place));

	(void)state;
	HASH_ADD(hh, entry->places, key, sizeof(place->key), place);
	entry->places_count = 1;
	assert_ptr_equal(process_table_enter(table, 4000000, 7, 2, 200), entry);
	assert_int_equal(entry->process->exec_id, 2);
	assert_null(entry->places);
	assert_int_equal(entry->places_count, 0);
	process_table_free(table);
}

static void note_places(struct process_entry *entry, void *data)
{
	*(size_t *)data = entry->places_count;
}

static void exec_settles_the_places_before(void **state)
{
	struct process_table *table = process_table_new(NULL);
	struct process_entry *entry = process_table_enter(table, 4000000, 7, 1, 100);
	size_t places = 0;

	(void)state;
	process_table_on_exec(table, note_places, &places);
	entry->places_count = 5;
	process_table_enter(table, 4000000, 7, 2, 200);
	assert_int_equal(places, 5);
	process_table_free(table);
}

/* Events of a program can come after a sweep has seen that it was replaced. */
static void a_program_does_not_come_back(void **state)
{
	struct process_table *table = process_table_new(NULL);
	struct process_entry *entry = process_table_enter(table, 4000000, 7, 2, 100);
	uint32_t generation = entry->generation;

	(void)state;
	assert_true(process_entry_is_past(entry, 1));
	assert_false(process_entry_is_past(entry, 2));
	assert_ptr_equal(process_table_enter(table, 4000000, 7, 1, 200), entry);
	assert_int_equal(entry->process->exec_id, 2);
	assert_int_equal(entry->generation, generation);
	process_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_identified_from_proc),
		cmocka_unit_test(a_pid_that_is_used_again_is_another_process),
		cmocka_unit_test(ending_twice_is_ending_once),
		cmocka_unit_test(exec_forgets_the_places),
		cmocka_unit_test(exec_settles_the_places_before),
		cmocka_unit_test(a_program_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
