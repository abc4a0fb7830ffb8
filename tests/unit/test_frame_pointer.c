// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/frame_pointer.h"

#include <unistd.h>

#include "unit_test.h"

/* A chain of frames in this process's own memory. */
static struct saved {
	uint64_t next, return_address;
} chain[3];

static void set_chain(void)
{
	chain[0] = (struct saved){(uint64_t)(uintptr_t)&chain[1], 0x1001};
	chain[1] = (struct saved){(uint64_t)(uintptr_t)&chain[2], 0x1002};
	chain[2] = (struct saved){0, 0x1003};
}

static void the_chain_is_followed_to_its_end(void **state)
{
	uint64_t frames[8];

	(void)state;
	set_chain();
	assert_int_equal(
		frame_pointer_walk(getpid(), 0x1000, (uint64_t)(uintptr_t)&chain[0], frames, 8), 4);
	assert_int_equal(frames[0], 0x1000);
	assert_int_equal(frames[1], 0x1001);
	assert_int_equal(frames[3], 0x1003);
}

static void a_cycle_ends_at_the_capacity(void **state)
{
	uint64_t frames[5];

	(void)state;
	set_chain();
	chain[2].next = (uint64_t)(uintptr_t)&chain[0];
	assert_int_equal(
		frame_pointer_walk(getpid(), 0x1000, (uint64_t)(uintptr_t)&chain[0], frames, 5), 5);
}

static void a_bad_pointer_ends_it(void **state)
{
	uint64_t frames[8];

	(void)state;
	assert_int_equal(frame_pointer_walk(getpid(), 0x1000, 0, frames, 8), 1);
	assert_int_equal(frame_pointer_walk(getpid(), 0x1000, 0xffffffff81000000ULL, frames, 8), 1);
	assert_int_equal(frame_pointer_walk(getpid(), 0x1000, UINT64_MAX, frames, 8), 1);
	assert_int_equal(frame_pointer_walk(getpid(), 0x1000, 8, frames, 8), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_chain_is_followed_to_its_end),
		cmocka_unit_test(a_cycle_ends_at_the_capacity),
		cmocka_unit_test(a_bad_pointer_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
