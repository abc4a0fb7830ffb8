// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/range_allocator.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "unit_test.h"

static uint32_t take(struct range_allocator *allocator, uint32_t length)
{
	uint32_t first = 12345;

	assert_int_equal(range_allocator_take(allocator, length, &first), 0);
	return first;
}

static void ranges_follow_each_other(void **state)
{
	auto_free(range_allocator) struct range_allocator *allocator = range_allocator_new(10);

	(void)state;
	assert_int_equal(take(allocator, 3), 0);
	assert_int_equal(take(allocator, 4), 3);
	assert_int_equal(range_allocator_available(allocator), 3);
	assert_int_equal(take(allocator, 3), 7);
	assert_int_equal(range_allocator_available(allocator), 0);
}

static void what_does_not_fit_is_refused(void **state)
{
	auto_free(range_allocator) struct range_allocator *allocator = range_allocator_new(10);
	uint32_t first = 12345;

	(void)state;
	assert_int_equal(range_allocator_take(allocator, 11, &first), -ENOSPC);
	assert_int_equal(range_allocator_take(allocator, 0, &first), -EINVAL);
	assert_int_equal(first, 12345);
	assert_int_equal(take(allocator, 10), 0);
	assert_int_equal(range_allocator_take(allocator, 1, &first), -ENOSPC);
}

static void neighbours_become_one(void **state)
{
	auto_free(range_allocator) struct range_allocator *allocator = range_allocator_new(9);

	(void)state;
	assert_int_equal(take(allocator, 9), 0);
	/* Apart, then before, behind, and between. */
	assert_int_equal(range_allocator_give(allocator, 6, 1), 0);
	assert_int_equal(range_allocator_give(allocator, 2, 1), 0);
	assert_int_equal(range_allocator_longest(allocator), 1);
	assert_int_equal(range_allocator_give(allocator, 1, 1), 0);
	assert_int_equal(range_allocator_give(allocator, 7, 1), 0);
	assert_int_equal(range_allocator_longest(allocator), 2);
	assert_int_equal(range_allocator_give(allocator, 3, 3), 0);
	assert_int_equal(range_allocator_longest(allocator), 7);
	assert_int_equal(take(allocator, 7), 1);
	assert_int_equal(range_allocator_available(allocator), 0);
}

enum {
	SPACE = 512,
	ROUNDS = 20000,
};

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245U + 12345U;
	return *seed >> 16;
}

/* Against a map of what is taken. */
static void no_number_is_taken_twice(void **state)
{
	auto_free(range_allocator) struct range_allocator *allocator = range_allocator_new(SPACE);
	bool taken[SPACE] = {false};
	struct {
		uint32_t first, length;
	} held[64] = {{0}};
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		unsigned int i = next_random(&seed) % 64;
		uint32_t available = 0;

		if (held[i].length) {
			assert_int_equal(
				range_allocator_give(allocator, held[i].first, held[i].length), 0);
			memset(&taken[held[i].first], false, held[i].length);
			held[i].length = 0;
		} else {
			uint32_t length = 1 + next_random(&seed) % 40, first;

			if (range_allocator_take(allocator, length, &first)) {
				assert_true(range_allocator_longest(allocator) < length);
				continue;
			}
			assert_true(first + length <= SPACE);
			for (uint32_t j = first; j < first + length; j++) {
				assert_false(taken[j]);
				taken[j] = true;
			}
			held[i].first = first;
			held[i].length = length;
		}
		for (int j = 0; j < SPACE; j++)
			available += !taken[j];
		assert_int_equal(range_allocator_available(allocator), available);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_follow_each_other),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(neighbours_become_one),
		cmocka_unit_test(no_number_is_taken_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
