// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_groups.h"

#include "unit_test.h"

static const struct goroutine parked = {
	.stack_lo = 0x10000,
	.stack_hi = 0x12000,
	.sp = 0x11f00,
	.pc = 0x1000,
	.gopc = 0x2000,
	.startpc = 0x3000,
	.status = GO_STATUS_WAITING,
	.wait_reason = 15,
};

static void test_headers_that_say_the_same_are_one_group(void **state)
{
	auto_free(goroutine_groups) struct goroutine_groups *groups = goroutine_groups_new();
	struct goroutine moved = parked, deeper = parked, other = parked;
	struct goroutine_group *group = goroutine_groups_find(groups, &parked, 1);

	(void)state;
	assert_non_null(group);
	moved.stack_lo += 0x100000;
	moved.stack_hi += 0x100000;
	moved.sp += 0x100000;
	moved.goid = 7;
	assert_ptr_equal(goroutine_groups_find(groups, &moved, 1), group);
	deeper.sp -= 8;
	assert_ptr_not_equal(goroutine_groups_find(groups, &deeper, 1), group);
	other.wait_reason = 14;
	assert_ptr_not_equal(goroutine_groups_find(groups, &other, 1), group);
}

static void test_reads_count_by_sweep_and_mixed_stays(void **state)
{
	auto_free(goroutine_groups) struct goroutine_groups *groups = goroutine_groups_new();
	struct goroutine_group *group = goroutine_groups_find(groups, &parked, 1);

	(void)state;
	goroutine_group_note(group, 3);
	goroutine_group_note(group, 3);
	assert_int_equal(group->reads, 2);
	assert_false(group->mixed);
	goroutine_group_note(group, 4);
	assert_true(group->mixed);
	group = goroutine_groups_find(groups, &parked, 2);
	assert_int_equal(group->reads, 0);
	assert_int_equal(group->place, 4);
	assert_true(group->mixed);
}

static void test_too_many_are_forgotten(void **state)
{
	auto_free(goroutine_groups) struct goroutine_groups *groups = goroutine_groups_new();
	struct goroutine g = parked;

	(void)state;
	goroutine_group_note(goroutine_groups_find(groups, &parked, 1), 3);
	for (uint64_t i = 1; i <= 65536; i++) {
		g.gopc = 0x100000 + i;
		assert_non_null(goroutine_groups_find(groups, &g, 1));
	}
	assert_int_equal(goroutine_groups_find(groups, &parked, 1)->place, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_that_say_the_same_are_one_group),
		cmocka_unit_test(test_reads_count_by_sweep_and_mixed_stays),
		cmocka_unit_test(test_too_many_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
