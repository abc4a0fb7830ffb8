// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/thread_names.h"

#include <stdio.h>
#include <string.h>

#include "unit_test.h"

static void add(struct thread_names *names, const char *name, uint32_t tid)
{
	char comm[THREAD_NAME_SIZE] = "";

	memcpy(comm, name, strnlen(name, sizeof(comm)));
	thread_names_add(names, comm, tid);
}

static void assert_name(const struct thread_names *names, size_t index, const char *text,
			uint64_t count)
{
	assert_true(index < names->count);
	assert_string_equal(names->items[index].text, text);
	assert_int_equal(names->items[index].count, count);
}

static void test_counts_most_frequent_first(void **state)
{
	struct thread_names names = {0};

	(void)state;
	add(&names, "writer", 1);
	add(&names, "reader", 2);
	add(&names, "cleaner", 3);
	add(&names, "reader", 4);
	thread_names_sort(&names);
	assert_int_equal(names.count, 3);
	assert_name(&names, 0, "reader", 2);
	assert_name(&names, 1, "cleaner", 1);
	assert_name(&names, 2, "writer", 1);
	assert_int_equal(names.items[0].tid, 2);
	assert_int_equal(names.items[2].tid, 1);
	assert_int_equal(names.others, 0);
}

static void test_numbers_at_the_end_are_one_name(void **state)
{
	struct thread_names names = {0};

	(void)state;
	for (uint32_t i = 1; i <= 200; i++) {
		char name[THREAD_NAME_SIZE];

		snprintf(name, sizeof(name), "worker-%u", i);
		add(&names, name, i);
	}
	assert_int_equal(names.count, 1);
	assert_name(&names, 0, "worker-*", 200);
}

static void test_a_number_that_nobody_shares_stays(void **state)
{
	struct thread_names names = {0};

	(void)state;
	add(&names, "python3", 1);
	add(&names, "python3", 2);
	add(&names, "python", 3);
	add(&names, "python3x", 4);
	add(&names, "py3", 5);
	assert_int_equal(names.count, 4);
	assert_name(&names, 0, "python3", 2);
	assert_name(&names, 1, "python", 1);
}

static void test_stems_must_be_equal(void **state)
{
	struct thread_names names = {0};

	(void)state;
	add(&names, "pool-1-thread-1", 1);
	add(&names, "pool-2-thread-1", 2);
	add(&names, "pool-1-thread-2", 3);
	add(&names, "pool-", 4);
	assert_int_equal(names.count, 3);
	assert_name(&names, 0, "pool-1-thread-*", 2);
	assert_name(&names, 1, "pool-2-thread-1", 1);
	assert_name(&names, 2, "pool-", 1);
}

/* Digits alone, a '*' of the thread's own, and no name at all. */
static void test_odd_names(void **state)
{
	struct thread_names names = {0};

	(void)state;
	add(&names, "123456789012345", 1);
	add(&names, "7", 2);
	add(&names, "", 3);
	add(&names, "x*", 4);
	add(&names, "x*", 5);
	assert_int_equal(names.count, 3);
	assert_name(&names, 0, "*", 2);
	assert_name(&names, 1, "", 1);
	assert_name(&names, 2, "x*", 2);
}

static void test_a_name_without_end_is_cut(void **state)
{
	struct thread_names names = {0};
	char comm[THREAD_NAME_SIZE];

	(void)state;
	memset(comm, 'n', sizeof(comm));
	thread_names_add(&names, comm, 1);
	assert_name(&names, 0, "nnnnnnnnnnnnnnn", 1);
}

static void test_too_many_are_others(void **state)
{
	struct thread_names names = {0};

	(void)state;
	for (uint32_t i = 0; i < THREAD_NAMES_MAX + 3; i++) {
		char name[THREAD_NAME_SIZE];

		snprintf(name, sizeof(name), "t%uend", i);
		add(&names, name, i);
	}
	add(&names, "t0end", 99);
	assert_int_equal(names.count, THREAD_NAMES_MAX);
	assert_int_equal(names.others, 3);
	assert_name(&names, 0, "t0end", 2);

	thread_names_clear(&names);
	assert_int_equal(names.count, 0);
	assert_int_equal(names.others, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_most_frequent_first),
		cmocka_unit_test(test_numbers_at_the_end_are_one_name),
		cmocka_unit_test(test_a_number_that_nobody_shares_stays),
		cmocka_unit_test(test_stems_must_be_equal),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_a_name_without_end_is_cut),
		cmocka_unit_test(test_too_many_are_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
