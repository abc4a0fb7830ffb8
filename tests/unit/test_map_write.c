// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/map_write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bpf_maps.h"

#define ENTRIES 2048 /* of 8 bytes: four pages of 4 KiB */

static void assert_entry(int fd, uint32_t index, uint64_t expected)
{
	uint64_t value = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &index, &value), 0);
	assert_int_equal(value, expected);
}

static void writes_where_it_is_told(void **state)
{
	int fd = map_of(BPF_MAP_TYPE_ARRAY, sizeof(uint64_t), ENTRIES, BPF_F_MMAPABLE, -1);
	uint64_t values[1024];

	(void)state;
	for (uint64_t i = 0; i < 1024; i++)
		values[i] = 1000 + i;
	/* From the middle of a page, across one and into a third. */
	assert_int_equal(map_write(fd, 300 * sizeof(values[0]), values, sizeof(values)), 0);
	assert_entry(fd, 299, 0);
	assert_entry(fd, 300, 1000);
	assert_entry(fd, 812, 1512);
	assert_entry(fd, 1323, 2023);
	assert_entry(fd, 1324, 0);
	assert_int_equal(map_write(fd, (ENTRIES - 1) * sizeof(values[0]), values, 8), 0);
	assert_entry(fd, ENTRIES - 1, 1000);
	close(fd);
}

static void nothing_is_written_outside(void **state)
{
	int fd = map_of(BPF_MAP_TYPE_ARRAY, sizeof(uint64_t), ENTRIES, BPF_F_MMAPABLE, -1);
	const uint64_t values[2] = {1, 2};

	(void)state;
	assert_int_equal(map_write(fd, (ENTRIES - 1) * sizeof(values[0]), values, sizeof(values)),
			 -EINVAL);
	assert_entry(fd, ENTRIES - 1, 0);
	assert_int_equal(map_write(fd, 0, values, 0), 0);
	assert_entry(fd, 0, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_where_it_is_told),
		cmocka_unit_test(nothing_is_written_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
