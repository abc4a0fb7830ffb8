// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/goroutine_list.h"

#include <string.h>

#include "unit_test.h"

static void test_sorted_by_id(void **state)
{
	struct goroutine_list list = {0};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		const struct goroutine_entry entry = {
			.goid = (i * 7919) % 1000 + 1,
			.labels = strdup("a=b"),
		};

		assert_int_equal(goroutine_list_add(&list, &entry), 0);
	}
	goroutine_list_sort(&list);
	assert_int_equal(list.count, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(list.entries[i].goid, i + 1);
	goroutine_list_clear(&list);
	assert_int_equal(list.count, 0);
	assert_null(list.entries);
	goroutine_list_sort(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_by_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
