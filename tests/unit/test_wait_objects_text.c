// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit_test.h"

#include "output/wait_objects_text.h"

static struct wait_object channel(uint64_t identity, bool alone, uint64_t capacity, uint64_t length)
{
	return (struct wait_object){
		.kind = WAIT_OBJECT_CHANNEL,
		.identity = identity,
		.alone = alone,
		.capacity = capacity,
		.length = length,
	};
}

/* The text for a crowd of which these were looked at. */
static void assert_text(uint64_t crowd, const struct wait_object *items, size_t count,
			const char *expected)
{
	struct wait_objects objects = {0};
	char text[WAIT_OBJECTS_TEXT_SIZE] = "x";

	for (size_t i = 0; i < count; i++)
		wait_objects_add(&objects, &items[i]);
	assert_int_equal(wait_objects_text(&objects, crowd, text), *expected != '\0');
	assert_string_equal(text, expected);
}

#define assert_objects(crowd, expected, ...)                            \
	assert_text(crowd, (const struct wait_object[]){__VA_ARGS__},   \
		    sizeof((const struct wait_object[]){__VA_ARGS__}) / \
			    sizeof(struct wait_object),                 \
		    expected)

static void test_each_alone_is_what_leaks_look_like(void **state)
{
	(void)state;
	assert_objects(2, "unbuffered channel, each alone on its own", channel(1, true, 0, 0),
		       channel(2, true, 0, 0));
	assert_objects(2, "each alone on its own channel of capacity 4, empty",
		       channel(1, true, 4, 0), channel(2, true, 4, 0));
	assert_objects(2, "each alone on its own channel of capacity 4", channel(1, true, 4, 0),
		       channel(2, true, 4, 1));
	assert_objects(2, "each alone on its own channel of capacity 0 to 4",
		       channel(1, true, 0, 0), channel(2, true, 4, 0));
	assert_objects(1402, "unbuffered channel, each alone on its own (2 looked at)",
		       channel(1, true, 0, 0), channel(2, true, 0, 0));
	assert_objects(1, "unbuffered channel, alone on it", channel(1, true, 0, 0));
}

static void test_one_is_what_pools_look_like(void **state)
{
	(void)state;
	assert_objects(2, "one unbuffered channel, shared by all", channel(1, false, 0, 0),
		       channel(1, false, 0, 0));
	assert_objects(2, "one channel of capacity 16, full, shared by all",
		       channel(1, false, 16, 16), channel(1, false, 16, 16));
	assert_objects(1, "one unbuffered channel, others wait there, too",
		       channel(1, false, 0, 0));
}

static void test_several(void **state)
{
	(void)state;
	assert_objects(3, "2 unbuffered channels, some shared", channel(1, false, 0, 0),
		       channel(1, false, 0, 0), channel(2, true, 0, 0));
	assert_objects(3, "2 channels of capacity 2 to 18446744073709551615, some shared",
		       channel(1, false, 2, 0), channel(1, false, 2, 0),
		       channel(2, true, UINT64_MAX, 3));
	assert_objects(3, "2 semaphores, some shared", {.kind = WAIT_OBJECT_SEMAPHORE, 1},
		       {.kind = WAIT_OBJECT_SEMAPHORE, 1}, {.kind = WAIT_OBJECT_SEMAPHORE, 2});
}

static void test_semaphores_and_selects(void **state)
{
	(void)state;
	assert_objects(2, "one semaphore, shared by all", {.kind = WAIT_OBJECT_SEMAPHORE, 1},
		       {.kind = WAIT_OBJECT_SEMAPHORE, 1});
	assert_objects(2, "semaphore, each alone on its own",
		       {.kind = WAIT_OBJECT_SEMAPHORE, 1, true},
		       {.kind = WAIT_OBJECT_SEMAPHORE, 2, true});
	assert_objects(2, "select, each alone", {.kind = WAIT_OBJECT_SELECT, 1, true},
		       {.kind = WAIT_OBJECT_SELECT, 2, true});
	assert_objects(2, "select, all share a channel", {.kind = WAIT_OBJECT_SELECT, 1},
		       {.kind = WAIT_OBJECT_SELECT, 1});
	assert_objects(3, "select, some share a channel", {.kind = WAIT_OBJECT_SELECT, 1},
		       {.kind = WAIT_OBJECT_SELECT, 1}, {.kind = WAIT_OBJECT_SELECT, 2, true});
	assert_objects(1, "select, alone", {.kind = WAIT_OBJECT_SELECT, 1, true});
}

static struct wait_object futex(uint64_t identity, bool alone)
{
	return (struct wait_object){
		.kind = WAIT_OBJECT_FUTEX, .identity = identity, .alone = alone};
}

static void test_futexes(void **state)
{
	(void)state;
	assert_objects(2, "one futex, shared by all", futex(1, false), futex(1, false));
	assert_objects(2, "each alone on its own futex", futex(1, true), futex(2, true));
	assert_objects(40, "each alone on its own futex (2 looked at)", futex(1, true),
		       futex(2, true));
	assert_objects(3, "2 futexes, some shared", futex(1, false), futex(1, false),
		       futex(2, true));
	/* A condition variable has two words. */
	assert_objects(5, "two futexes, shared by all", futex(1, false), futex(1, false),
		       futex(1, false), futex(2, false), futex(2, false));
	/* Every single thread has one for itself. */
	assert_objects(1, "", futex(1, true));
}

static void test_what_is_not_known_is_not_said(void **state)
{
	(void)state;
	assert_text(7, NULL, 0, "");
	assert_objects(1, "", {.kind = WAIT_OBJECT_UNKNOWN, 1});
	assert_objects(2, "", channel(1, true, 0, 0), {.kind = WAIT_OBJECT_SELECT, 2, true});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_alone_is_what_leaks_look_like),
		cmocka_unit_test(test_one_is_what_pools_look_like),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_semaphores_and_selects),
		cmocka_unit_test(test_futexes),
		cmocka_unit_test(test_what_is_not_known_is_not_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
