// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/iterator_read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "unit_test.h"

/* A descriptor that gives these bytes and then ends. */
static int descriptor_of(const void *bytes, size_t size)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, size), size);
	close(ends[1]);
	return ends[0];
}

static void snapshots_and_their_totals_come_in_order(void **state)
{
	struct {
		struct abi_task_snapshot first;
		struct abi_wait_totals totals[2];
		struct abi_task_snapshot second;
	} bytes = {
		.first = {.tid = 1, .totals_count = 2},
		.totals = {{.count = 10}, {.count = 20}},
		.second = {.tid = 2},
	};
	struct iterator_buffer buffer = {0};
	struct abi_task_snapshot *snapshot;
	size_t position = 0;

	(void)state;
	assert_int_equal(
		iterator_read(descriptor_of(&bytes, sizeof(bytes)), 1 << 20, &buffer, NULL), 0);
	snapshot = iterator_next_snapshot(&buffer, &position);
	assert_non_null(snapshot);
	assert_int_equal(snapshot->tid, 1);
	assert_int_equal(snapshot_totals(snapshot)[1].count, 20);
	snapshot = iterator_next_snapshot(&buffer, &position);
	assert_non_null(snapshot);
	assert_int_equal(snapshot->tid, 2);
	assert_null(iterator_next_snapshot(&buffer, &position));
	iterator_buffer_clear(&buffer);
}

static void what_is_not_whole_ends_the_list(void **state)
{
	struct abi_task_snapshot lying = {.tid = 1, .totals_count = 3};
	struct iterator_buffer buffer = {0};
	size_t position = 0;

	(void)state;
	assert_int_equal(
		iterator_read(descriptor_of(&lying, sizeof(lying)), 1 << 20, &buffer, NULL), 0);
	assert_null(iterator_next_snapshot(&buffer, &position));
	lying.totals_count = UINT32_MAX;
	assert_int_equal(
		iterator_read(descriptor_of(&lying, sizeof(lying)), 1 << 20, &buffer, NULL), 0);
	assert_null(iterator_next_snapshot(&buffer, &position));
	assert_int_equal(iterator_read(descriptor_of(&lying, 40), 1 << 20, &buffer, NULL), 0);
	assert_null(iterator_next_snapshot(&buffer, &position));
	iterator_buffer_clear(&buffer);
}

static void the_limit_holds(void **state)
{
	char bytes[60000] = {0};
	struct iterator_buffer buffer = {0};
	struct error error = {0};

	(void)state;
	assert_int_equal(iterator_read(descriptor_of(bytes, sizeof(bytes)), 1, &buffer, &error), 0);
	iterator_buffer_clear(&buffer);
	assert_int_equal(iterator_read(-EPERM, 1, &buffer, &error), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_and_their_totals_come_in_order),
		cmocka_unit_test(what_is_not_whole_ends_the_list),
		cmocka_unit_test(the_limit_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
