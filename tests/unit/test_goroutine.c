// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine.h"

#include <errno.h>
#include <string.h>

#include "unit_test.h"

enum {
	FIRST_MINOR = 15,
	LAST_MINOR = 26,
	G_SIZE = 512,
};

#define ADDRESS  0xc000002000ULL
#define STACK_LO 0xc000100000ULL
#define STACK_HI 0xc000101000ULL

/* The bytes of a runtime.g, and the layout by which they were written. */
struct fixture {
	const struct go_layout *layout;
	uint8_t bytes[G_SIZE];
};

static void put(struct fixture *fixture, uint16_t offset, uint64_t word)
{
	if (offset == GO_FIELD_NONE)
		return;
	assert_true(offset + sizeof(word) <= fixture->layout->g.size);
	memcpy(fixture->bytes + offset, &word, sizeof(word));
}

static void put_status(struct fixture *fixture, uint32_t status)
{
	memcpy(fixture->bytes + fixture->layout->g.status, &status, sizeof(status));
}

/* One that waits, with another value in each field. */
static void fixture_init(struct fixture *fixture, uint32_t minor)
{
	const struct go_version version = {.minor = minor};
	const struct go_layout *layout = go_layout_find(&version);

	assert_non_null(layout);
	assert_true(layout->g.size <= G_SIZE);
	fixture->layout = layout;
	/* What is not asked for must not matter. */
	memset(fixture->bytes, 0xa5, sizeof(fixture->bytes));
	put(fixture, layout->g.stack_lo, STACK_LO);
	put(fixture, layout->g.stack_hi, STACK_HI);
	put(fixture, layout->g.m, 11);
	put(fixture, layout->g.sched_sp, STACK_LO + 0x100);
	put(fixture, layout->g.sched_pc, 12);
	put(fixture, layout->g.sched_bp, STACK_LO + 0x108);
	put(fixture, layout->g.sched_g, ADDRESS);
	put(fixture, layout->g.syscall_sp, STACK_LO + 0x200);
	put(fixture, layout->g.syscall_pc, 13);
	put(fixture, layout->g.syscall_bp, STACK_LO + 0x208);
	put(fixture, layout->g.goid, 14);
	put(fixture, layout->g.wait_since, 15);
	put(fixture, layout->g.locked_m, 16);
	put(fixture, layout->g.parent_goid, 17);
	put(fixture, layout->g.gopc, 18);
	put(fixture, layout->g.startpc, 19);
	put(fixture, layout->g.waiting, 20);
	put(fixture, layout->g.labels, 21);
	put_status(fixture, GO_STATUS_WAITING);
	fixture->bytes[layout->g.wait_reason] = 22;
	if (layout->g.tracking_seq != GO_FIELD_NONE)
		fixture->bytes[layout->g.tracking_seq] = 23;
}

static int parse(const struct fixture *fixture, struct goroutine *goroutine)
{
	return goroutine_parse(fixture->layout, ADDRESS, fixture->bytes, goroutine);
}

static void assert_result(const struct fixture *fixture, int result)
{
	struct goroutine goroutine, untouched;

	memset(&goroutine, 0x5a, sizeof(goroutine));
	untouched = goroutine;
	assert_int_equal(parse(fixture, &goroutine), result);
	assert_memory_equal(&goroutine, &untouched, sizeof(goroutine));
}

static void all_fields_of_all_layouts(void **state)
{
	(void)state;
	for (uint32_t minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		struct goroutine g = {0};
		struct fixture fixture;

		fixture_init(&fixture, minor);
		assert_int_equal(parse(&fixture, &g), 0);
		assert_int_equal(g.address, ADDRESS);
		assert_int_equal(g.goid, 14);
		assert_int_equal(g.stack_lo, STACK_LO);
		assert_int_equal(g.stack_hi, STACK_HI);
		assert_int_equal(g.sp, STACK_LO + 0x100);
		assert_int_equal(g.pc, 12);
		assert_int_equal(g.bp, STACK_LO + 0x108);
		assert_int_equal(g.wait_since_ns, 15);
		assert_int_equal(g.parent_goid, minor >= 21 ? 17 : 0);
		assert_int_equal(g.gopc, 18);
		assert_int_equal(g.startpc, 19);
		assert_int_equal(g.m, 11);
		assert_int_equal(g.locked_m, 16);
		assert_int_equal(g.waiting, 20);
		assert_int_equal(g.labels, 21);
		assert_int_equal(g.status, GO_STATUS_WAITING);
		assert_int_equal(g.wait_reason, 22);
		assert_int_equal(g.sequence, minor >= 17 ? 23 : 0);
	}
}

static void system_calls_have_a_position_of_their_own(void **state)
{
	(void)state;
	for (uint32_t minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		struct goroutine g = {0};
		struct fixture fixture;

		fixture_init(&fixture, minor);
		put_status(&fixture, GO_STATUS_SYSCALL);
		/* What is saved for the scheduler is not looked at. */
		put(&fixture, fixture.layout->g.sched_sp, 0);
		assert_int_equal(parse(&fixture, &g), 0);
		assert_int_equal(g.sp, STACK_LO + 0x200);
		assert_int_equal(g.pc, 13);
		assert_int_equal(g.bp, minor >= 23 ? STACK_LO + 0x208 : 0);
		put(&fixture, fixture.layout->g.syscall_sp, STACK_HI);
		assert_result(&fixture, -ESTALE);
	}
}

static void the_scan_bit_is_no_status(void **state)
{
	struct goroutine g = {0};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, 24);
	put_status(&fixture, GO_STATUS_WAITING | GO_STATUS_SCAN);
	assert_int_equal(parse(&fixture, &g), 0);
	assert_int_equal(g.status, GO_STATUS_WAITING);
	put_status(&fixture, GO_STATUS_DEAD | GO_STATUS_SCAN);
	assert_result(&fixture, -ENOENT);
	put_status(&fixture, GO_STATUS_SYSCALL | GO_STATUS_SCAN);
	assert_int_equal(parse(&fixture, &g), 0);
	assert_int_equal(g.pc, 13);
}

/* Of the dead and the idle nothing else is asked: their fields are old. */
static void the_dead_are_nobody(void **state)
{
	static const uint32_t nobody[] = {GO_STATUS_IDLE, GO_STATUS_DEAD, GO_STATUS_DEAD_EXTRA};
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		fixture_init(&fixture, 26);
		put_status(&fixture, nobody[i]);
		assert_result(&fixture, -ENOENT);
		put(&fixture, fixture.layout->g.stack_hi, 0);
		put(&fixture, fixture.layout->g.goid, 0);
		assert_result(&fixture, -ENOENT);
	}
}

static void the_living_of_all_statuses(void **state)
{
	static const uint32_t living[] = {
		GO_STATUS_RUNNABLE,  GO_STATUS_RUNNING,   GO_STATUS_WAITING,
		GO_STATUS_COPYSTACK, GO_STATUS_PREEMPTED, GO_STATUS_LEAKED,
	};
	struct goroutine g = {0};
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof(living) / sizeof(living[0]); i++) {
		fixture_init(&fixture, 26);
		put_status(&fixture, living[i]);
		assert_int_equal(parse(&fixture, &g), 0);
		/* The collector's mark on one that waits. */
		assert_int_equal(g.status,
				 living[i] == GO_STATUS_LEAKED ? GO_STATUS_WAITING : living[i]);
		assert_int_equal(g.pc, 12);
	}
}

/* While it runs or its stack is copied, what is saved of its position is old. */
static void positions_of_the_running_are_not_judged(void **state)
{
	static const uint32_t moving[] = {GO_STATUS_RUNNING, GO_STATUS_COPYSTACK};
	struct goroutine g = {0};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, 22);
	put(&fixture, fixture.layout->g.sched_sp, 1);
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++) {
		put_status(&fixture, moving[i]);
		assert_int_equal(parse(&fixture, &g), 0);
	}
	put_status(&fixture, GO_STATUS_RUNNABLE);
	assert_result(&fixture, -ESTALE);
	/* They have a stack all the same. */
	put_status(&fixture, GO_STATUS_RUNNING);
	put(&fixture, fixture.layout->g.stack_lo, STACK_HI);
	assert_result(&fixture, -ESTALE);
}

static void each_damaged_field_is_seen(void **state)
{
	const uint64_t damage[][2] = {
		{offsetof(struct go_layout, g.sched_g), ADDRESS + 8},
		{offsetof(struct go_layout, g.sched_g), 0},
		{offsetof(struct go_layout, g.goid), 0},
		{offsetof(struct go_layout, g.goid), 1ULL << 48},
		{offsetof(struct go_layout, g.goid), UINT64_MAX},
		{offsetof(struct go_layout, g.stack_lo), STACK_HI},
		{offsetof(struct go_layout, g.stack_lo), STACK_LO + 0x101},
		{offsetof(struct go_layout, g.stack_hi), 0},
		{offsetof(struct go_layout, g.stack_hi), STACK_LO},
		{offsetof(struct go_layout, g.stack_hi), STACK_LO + 0x100},
		{offsetof(struct go_layout, g.sched_sp), 0},
		{offsetof(struct go_layout, g.sched_sp), STACK_LO - 8},
		{offsetof(struct go_layout, g.sched_sp), STACK_HI},
		{offsetof(struct go_layout, g.sched_sp), UINT64_MAX},
	};
	struct fixture fixture;
	struct goroutine g;

	(void)state;
	for (uint32_t minor = FIRST_MINOR; minor <= LAST_MINOR; minor++)
		for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
			uint16_t offset;

			fixture_init(&fixture, minor);
			memcpy(&offset, (const char *)fixture.layout + damage[i][0],
			       sizeof(offset));
			put(&fixture, offset, damage[i][1]);
			assert_result(&fixture, -ESTALE);
		}
	/* The last that are good. */
	fixture_init(&fixture, 24);
	put(&fixture, fixture.layout->g.goid, (1ULL << 48) - 1);
	put(&fixture, fixture.layout->g.sched_sp, STACK_HI - 1);
	assert_int_equal(parse(&fixture, &g), 0);
	put(&fixture, fixture.layout->g.sched_sp, STACK_LO);
	assert_int_equal(parse(&fixture, &g), 0);
}

static void unknown_statuses_are_damage(void **state)
{
	static const uint32_t unknown[] = {12, 0x100, 0x2004, 0x10004, UINT32_MAX};
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		fixture_init(&fixture, 24);
		put_status(&fixture, unknown[i]);
		assert_result(&fixture, -ESTALE);
	}
}

static void a_stay_ends_with_any_step(void **state)
{
	struct fixture fixture;
	struct goroutine a, b;

	(void)state;
	fixture_init(&fixture, 24);
	assert_int_equal(parse(&fixture, &a), 0);
	b = a;
	assert_true(goroutine_unmoved(&a, &b));
	/* What the garbage collector and the program do to it meanwhile. */
	b.wait_since_ns++;
	b.labels++;
	assert_true(goroutine_unmoved(&a, &b));
#define ASSERT_TELLS(field)                              \
	do {                                             \
		b = a;                                   \
		b.field++;                               \
		assert_false(goroutine_unmoved(&a, &b)); \
	} while (0)
	ASSERT_TELLS(goid);
	ASSERT_TELLS(status);
	ASSERT_TELLS(sp);
	ASSERT_TELLS(pc);
	ASSERT_TELLS(stack_lo);
	ASSERT_TELLS(waiting);
	ASSERT_TELLS(sequence);
#undef ASSERT_TELLS
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields_of_all_layouts),
		cmocka_unit_test(system_calls_have_a_position_of_their_own),
		cmocka_unit_test(the_scan_bit_is_no_status),
		cmocka_unit_test(the_dead_are_nobody),
		cmocka_unit_test(the_living_of_all_statuses),
		cmocka_unit_test(positions_of_the_running_are_not_judged),
		cmocka_unit_test(each_damaged_field_is_seen),
		cmocka_unit_test(unknown_statuses_are_damage),
		cmocka_unit_test(a_stay_ends_with_any_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
