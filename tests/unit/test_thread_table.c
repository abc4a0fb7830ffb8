// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/thread_table.h"

#include "unit_test.h"

static void a_tid_that_is_used_again_is_another_thread(void **state)
{
	struct thread_table *table = thread_table_new(NULL);
	struct thread *first = thread_table_add(table, NULL, 7, 100);
	struct thread *second = thread_table_add(table, NULL, 7, 200);

	(void)state;
	assert_ptr_not_equal(first, second);
	assert_ptr_equal(thread_table_find(table, 7, 100), first);
	assert_ptr_equal(thread_table_find(table, 7, 200), second);
	assert_null(thread_table_find(table, 8, 100));
	thread_table_remove(table, first);
	assert_null(thread_table_find(table, 7, 100));
	assert_ptr_equal(thread_table_find(table, 7, 200), second);
	thread_table_free(table);
}

static void threads_are_found_in_any_order(void **state)
{
	struct thread_table *table = thread_table_new(NULL);
	struct thread *threads[100];

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		threads[i] = thread_table_add(table, NULL, i, 10);
	for (uint32_t i = 0; i < 100; i++)
		assert_ptr_equal(thread_table_find(table, i, 10), threads[i]);
	for (uint32_t i = 100; i-- > 0;)
		assert_ptr_equal(thread_table_find(table, i, 10), threads[i]);
	for (uint32_t i = 0; i < 100; i++)
		assert_null(thread_table_find(table, i, 11));
	thread_table_free(table);
}

/* The next one is looked for behind the one found last. */
static void the_one_found_last_may_be_removed(void **state)
{
	struct thread_table *table = thread_table_new(NULL);
	struct thread *first = thread_table_add(table, NULL, 1, 10);
	struct thread *second = thread_table_add(table, NULL, 2, 10);
	struct thread *third = thread_table_add(table, NULL, 3, 10);

	(void)state;
	assert_ptr_equal(thread_table_find(table, 1, 10), first);
	thread_table_remove(table, second);
	assert_null(thread_table_find(table, 2, 10));
	assert_ptr_equal(thread_table_find(table, 3, 10), third);
	thread_table_remove(table, third);
	assert_null(thread_table_find(table, 3, 10));
	assert_ptr_equal(thread_table_find(table, 1, 10), first);
	thread_table_remove(table, first);
	assert_null(thread_table_find(table, 1, 10));
	thread_table_free(table);
}

struct removal {
	struct thread_table *table;
	unsigned int visited;
};

static void remove_even(struct thread *thread, void *data)
{
	struct removal *removal = data;

	removal->visited++;
	if (thread->key.tid % 2 == 0)
		thread_table_remove(removal->table, thread);
}

static void the_visited_one_may_be_removed(void **state)
{
	struct removal removal = {.table = thread_table_new(NULL)};

	(void)state;
	for (uint32_t tid = 1; tid <= 1000; tid++)
		assert_non_null(thread_table_add(removal.table, NULL, tid, tid));
	thread_table_each(removal.table, remove_even, &removal);
	assert_int_equal(removal.visited, 1000);
	removal.visited = 0;
	thread_table_each(removal.table, remove_even, &removal);
	assert_int_equal(removal.visited, 500);
	thread_table_free(removal.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tid_that_is_used_again_is_another_thread),
		cmocka_unit_test(threads_are_found_in_any_order),
		cmocka_unit_test(the_one_found_last_may_be_removed),
		cmocka_unit_test(the_visited_one_may_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
