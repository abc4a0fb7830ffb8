// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/memory_room.h"

#include "unit_test.h"

#define MIB (1ULL << 20)

static void what_is_taken_stays_within_the_limit(void **state)
{
	struct memory_room room;
	uint64_t taken = 0;

	(void)state;
	memory_room_init(&room, 64 * MIB);
	while (memory_room_take(&room, MEMORY_THREAD))
		taken++;
	/* 3 KiB each. */
	assert_int_equal(taken, 64 * MIB / 3072);
	assert_int_equal(room.refused, 1);
	/* What is smaller may still fit. */
	assert_true(memory_room_take(&room, MEMORY_PLACE));
	assert_int_equal(room.refused, 1);
	assert_false(memory_room_has_site(&room));
	assert_int_equal(room.refused, 1);
	assert_false(memory_room_take_site(&room, 1));
	assert_int_equal(room.refused, 2);
}

static void a_site_takes_room_by_its_frames(void **state)
{
	struct memory_room room;

	(void)state;
	memory_room_init(&room, 9 * 1024);
	assert_true(memory_room_has_site(&room));
	assert_true(memory_room_take_site(&room, 2));
	assert_int_equal(room.left, 9 * 1024 - 2048 - 2 * 256);
	assert_false(memory_room_has_site(&room));
	assert_false(memory_room_take_site(&room, 25));
	assert_true(memory_room_take_site(&room, 18));
	assert_int_equal(room.left, 0);
}

static void a_process_needs_room_for_a_thread(void **state)
{
	struct memory_room room;

	(void)state;
	memory_room_init(&room, 8192 + 3072 - 1);
	assert_false(memory_room_take(&room, MEMORY_PROCESS));
	memory_room_init(&room, 8192 + 3072);
	assert_true(memory_room_take(&room, MEMORY_PROCESS));
	assert_true(memory_room_take(&room, MEMORY_THREAD));
	assert_int_equal(room.refused, 0);
	memory_room_refuse(&room);
	assert_int_equal(room.refused, 1);
	memory_room_refuse(NULL);
}

/* Threads that come and go between two measurements, more than fit at once. */
static void what_is_gone_makes_room(void **state)
{
	struct memory_room room;

	(void)state;
	memory_room_init(&room, 64 * MIB);
	memory_room_measure(&room, 64 * MIB - 2 * 3072);
	assert_int_equal(memory_room_for(&room, MEMORY_THREAD), 2);
	for (int i = 0; i < 1000; i++) {
		assert_true(memory_room_take(&room, MEMORY_THREAD));
		assert_true(memory_room_take(&room, MEMORY_THREAD));
		assert_int_equal(memory_room_for(&room, MEMORY_THREAD), 0);
		memory_room_give(&room, MEMORY_THREAD);
		memory_room_give(&room, MEMORY_THREAD);
	}
	assert_int_equal(room.refused, 0);
	/* One from before: RSS is still what was measured. */
	memory_room_give(&room, MEMORY_THREAD);
	assert_int_equal(memory_room_for(&room, MEMORY_THREAD), 2);
	memory_room_give(NULL, MEMORY_THREAD);
}

static void what_is_measured_counts(void **state)
{
	struct memory_room room;

	(void)state;
	memory_room_init(&room, 64 * MIB);
	memory_room_measure(&room, 65 * MIB);
	assert_false(memory_room_take(&room, MEMORY_PLACE));
	assert_true(memory_room_is_low(&room));
	memory_room_measure(&room, 61 * MIB);
	assert_true(memory_room_is_low(&room));
	assert_true(memory_room_take(&room, MEMORY_PROCESS));
	memory_room_measure(&room, 56 * MIB);
	assert_false(memory_room_is_low(&room));
	assert_int_equal(room.refused, 1);
}

static void without_a_limit_there_is_room(void **state)
{
	(void)state;
	for (int thing = 0; thing < MEMORY_THINGS; thing++)
		assert_true(memory_room_take(NULL, (enum memory_thing)thing));
	assert_true(memory_room_take_site(NULL, 25));
	assert_true(memory_room_has_site(NULL));
}

/* The defaults of 256 MiB. */
static void caches_have_shares(void **state)
{
	const struct memory_shares shares = memory_shares(256 * MIB);

	(void)state;
	assert_int_equal(shares.unwind_tables, 64 * MIB);
	assert_int_equal(shares.symbols, 64 * MIB);
	assert_int_equal(shares.go_tables, 32 * MIB);
	assert_int_equal(shares.perf_maps, 32 * MIB);
	assert_int_equal(shares.mappings, 16 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_stays_within_the_limit),
		cmocka_unit_test(a_site_takes_room_by_its_frames),
		cmocka_unit_test(a_process_needs_room_for_a_thread),
		cmocka_unit_test(what_is_gone_makes_room),
		cmocka_unit_test(what_is_measured_counts),
		cmocka_unit_test(without_a_limit_there_is_room),
		cmocka_unit_test(caches_have_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
