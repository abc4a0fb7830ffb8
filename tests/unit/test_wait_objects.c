// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/wait_objects.h"

#include "unit_test.h"

static void add_channel(struct wait_objects *objects, uint64_t identity, bool alone,
			uint64_t capacity, uint64_t length)
{
	const struct wait_object object = {
		.kind = WAIT_OBJECT_CHANNEL,
		.identity = identity,
		.alone = alone,
		.capacity = capacity,
		.length = length,
	};

	wait_objects_add(objects, &object);
}

static void test_nothing_is_unknown(void **state)
{
	struct wait_objects objects = {0};

	(void)state;
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_UNKNOWN);
	assert_null(wait_sharing_name(WAIT_SHARING_UNKNOWN));
	assert_null(wait_object_kind_name(WAIT_OBJECT_UNKNOWN));
}

static void test_workers_share_one_channel(void **state)
{
	struct wait_objects objects = {0};

	(void)state;
	for (int i = 0; i < 500; i++)
		add_channel(&objects, 7, false, 16, 16);
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_ONE);
	assert_int_equal(objects.looked_at, WAIT_OBJECTS_MAX);
	assert_int_equal(objects.distinct, 1);
	assert_int_equal(objects.full, WAIT_OBJECTS_MAX);
	assert_int_equal(objects.empty, 0);
	assert_int_equal(objects.capacity_min, 16);
	assert_int_equal(objects.capacity_max, 16);
}

static void test_leaks_are_alone(void **state)
{
	struct wait_objects objects = {0};

	(void)state;
	for (uint64_t i = 0; i < 500; i++)
		add_channel(&objects, 100 + i, true, 0, 0);
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_ALONE);
	assert_int_equal(objects.distinct, WAIT_OBJECTS_MAX);
	assert_int_equal(objects.full, 0);
	assert_int_equal(objects.capacity_max, 0);
}

static void test_one_unit_alone_is_not_shared(void **state)
{
	struct wait_objects objects = {0};

	(void)state;
	add_channel(&objects, 1, true, 4, 0);
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_ALONE);
	assert_int_equal(objects.empty, 1);
	add_channel(&objects, 2, false, 2, 1);
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_SEVERAL);
	assert_int_equal(objects.capacity_min, 2);
	assert_int_equal(objects.capacity_max, 4);
	wait_objects_clear(&objects);
	assert_int_equal(objects.looked_at, 0);
}

static void test_different_kinds_are_unknown(void **state)
{
	const struct wait_object select = {
		.kind = WAIT_OBJECT_SELECT, .identity = 1, .alone = true};
	struct wait_objects objects = {0};

	(void)state;
	add_channel(&objects, 1, true, 0, 0);
	wait_objects_add(&objects, &select);
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_UNKNOWN);
	assert_string_equal(wait_object_kind_name(objects.kind), "channel");
}

/* glibc spreads the waiters of a condition variable over two words. */
static void test_two_futexes_that_many_share_are_one_object(void **state)
{
	struct wait_objects objects = {0};

	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		wait_objects_add(&objects, &(struct wait_object){.kind = WAIT_OBJECT_FUTEX,
								 .identity = 0x1000 + 4 * (i % 2),
								 .alone = true});
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_SEVERAL);
	wait_objects_add(&objects, &(struct wait_object){.kind = WAIT_OBJECT_FUTEX,
							 .identity = 0x1000,
							 .alone = true});
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_ONE);
	wait_objects_add(&objects, &(struct wait_object){.kind = WAIT_OBJECT_FUTEX,
							 .identity = 0x2000,
							 .alone = true});
	assert_int_equal(wait_objects_sharing(&objects), WAIT_SHARING_SEVERAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_unknown),
		cmocka_unit_test(test_workers_share_one_channel),
		cmocka_unit_test(test_leaks_are_alone),
		cmocka_unit_test(test_one_unit_alone_is_not_shared),
		cmocka_unit_test(test_different_kinds_are_unknown),
		cmocka_unit_test(test_two_futexes_that_many_share_are_one_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
