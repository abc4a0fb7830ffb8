// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine_wait.h"

#include "go_process_fixture.h"

enum {
	PAGE = 4096,
	SUDOGS = 100,
	CHANNELS = 100,
	/* Those of Go 1.15 to 1.26 fit. */
	RECORD = 128,
	CASES_MAX = 64,
};

/* A goroutine, sudogs and channels, in memory. */
static struct {
	uint8_t *memory;
	uint8_t *g;
	uint8_t *sudogs, *channels, *m;
	struct goroutine goroutine;
	struct goroutine_wait wait;
} fake;

static uint8_t *sudog(size_t index)
{
	return fake.sudogs + index * RECORD;
}

static uint8_t *channel(size_t index)
{
	return fake.channels + index * RECORD;
}

static void put_sudog(size_t index, uint64_t goroutine, uint64_t c, uint64_t next, bool is_select)
{
	const struct go_layout *layout = &fake_go.layout;

	memset(sudog(index), 0, RECORD);
	put_word(sudog(index), layout->sudog.g, goroutine);
	put_word(sudog(index), layout->sudog.c, c);
	put_word(sudog(index), layout->sudog.wait_link, next);
	sudog(index)[layout->sudog.is_select] = is_select;
}

/* First and last of a channel's receivers or senders. */
static void put_queue(size_t index, uint16_t queue, const uint8_t *first, const uint8_t *last)
{
	put_word(channel(index), queue, address_of(first));
	put_word(channel(index), queue + 8U, address_of(last));
}

static void put_channel(size_t index, uint64_t length, uint64_t capacity, uint32_t closed)
{
	const struct go_layout *layout = &fake_go.layout;

	memset(channel(index), 0, RECORD);
	put_word(channel(index), layout->channel.count, length);
	put_word(channel(index), layout->channel.capacity, capacity);
	memcpy(channel(index) + layout->channel.closed, &closed, sizeof(closed));
}

/* It waits by the first sudog. */
static void park(void)
{
	put_goroutine(fake.g, address_of(fake.g), 1, 0x1000, 0x2000, 0x1800);
	put_word(fake.g, fake_go.layout.g.waiting, address_of(fake.sudogs));
	put_word(fake.g, fake_go.layout.g.m, address_of(fake.m));
	assert_int_equal(
		goroutine_parse(&fake_go.layout, address_of(fake.g), fake.g, &fake.goroutine), 0);
}

static void start(uint32_t minor)
{
	fake_go_init(minor);
	memset(fake.memory, 0, 8 * PAGE);
	park();
}

static int set_up(void **state)
{
	(void)state;
	fake.memory = fake_memory(9 * PAGE);
	munmap(fake.memory + 8 * PAGE, PAGE);
	fake.g = fake.memory;
	fake.m = fake.memory + 1024;
	fake.sudogs = fake.memory + PAGE;
	fake.channels = fake.sudogs + SUDOGS * RECORD;
	start(24);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(fake.memory, 8 * PAGE);
	return 0;
}

static int read_wait(void)
{
	memset(&fake.wait, 0x5a, sizeof(fake.wait));
	return goroutine_wait_read(FAKE_GO, &fake.goroutine, &fake.wait);
}

static void assert_stale(void)
{
	struct goroutine_wait untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	assert_int_equal(read_wait(), -ESTALE);
	assert_memory_equal(&fake.wait, &untouched, sizeof(untouched));
}

static void receivers_and_senders_of_all_layouts(void **state)
{
	(void)state;
	for (uint32_t minor = 15; minor <= 26; minor++) {
		start(minor);
		put_sudog(0, address_of(fake.g), address_of(channel(0)), 0, false);
		put_channel(0, 3, 10, 0);
		put_queue(0, fake_go.layout.channel.senders, sudog(0), sudog(0));
		assert_int_equal(read_wait(), 0);
		assert_int_equal(fake.wait.kind, GOROUTINE_WAIT_CHANNEL);
		assert_int_equal(fake.wait.object, address_of(channel(0)));
		assert_int_equal(fake.wait.length, 3);
		assert_int_equal(fake.wait.capacity, 10);
		assert_false(fake.wait.closed);
		assert_true(fake.wait.has_senders);
		assert_false(fake.wait.has_receivers);
		assert_true(fake.wait.alone);
		put_channel(0, 0, 0, 1);
		put_queue(0, fake_go.layout.channel.receivers, sudog(0), sudog(0));
		assert_int_equal(read_wait(), 0);
		assert_true(fake.wait.closed);
		assert_true(fake.wait.has_receivers);
		assert_false(fake.wait.has_senders);
		assert_true(fake.wait.alone);
	}
}

static void others_at_the_same_channel_are_seen(void **state)
{
	const uint16_t receivers = fake_go.layout.channel.receivers;

	(void)state;
	put_sudog(0, address_of(fake.g), address_of(channel(0)), 0, false);
	put_channel(0, 10, 10, 0);
	put_queue(0, receivers, sudog(0), sudog(1));
	assert_int_equal(read_wait(), 0);
	assert_false(fake.wait.alone);
	put_queue(0, receivers, sudog(1), sudog(0));
	assert_int_equal(read_wait(), 0);
	assert_false(fake.wait.alone);
	put_queue(0, receivers, sudog(1), sudog(1));
	assert_int_equal(read_wait(), 0);
	assert_false(fake.wait.alone);
	assert_int_equal(fake.wait.kind, GOROUTINE_WAIT_CHANNEL);
}

static void more_than_the_capacity_is_damage(void **state)
{
	(void)state;
	put_sudog(0, address_of(fake.g), address_of(channel(0)), 0, false);
	put_channel(0, 10, 10, 0);
	assert_int_equal(read_wait(), 0);
	put_channel(0, 11, 10, 0);
	assert_stale();
}

/* A select on `count` channels, alone on each. */
static void put_select(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		put_sudog(i, address_of(fake.g), address_of(channel(i)),
			  i + 1 < count ? address_of(sudog(i + 1)) : 0, true);
		put_channel(i, i, 100, 0);
		put_queue(i, fake_go.layout.channel.receivers, sudog(i), sudog(i));
	}
}

static void selects_have_cases(void **state)
{
	(void)state;
	put_select(1);
	assert_int_equal(read_wait(), 0);
	assert_int_equal(fake.wait.kind, GOROUTINE_WAIT_SELECT);
	assert_int_equal(fake.wait.cases, 1);
	put_select(3);
	put_channel(0, 7, 9, 0);
	put_queue(0, fake_go.layout.channel.receivers, sudog(0), sudog(0));
	assert_int_equal(read_wait(), 0);
	assert_int_equal(fake.wait.kind, GOROUTINE_WAIT_SELECT);
	assert_int_equal(fake.wait.cases, 3);
	/* The first one's. */
	assert_int_equal(fake.wait.object, address_of(channel(0)));
	assert_int_equal(fake.wait.length, 7);
	assert_int_equal(fake.wait.capacity, 9);
	assert_true(fake.wait.alone);
	for (size_t i = 0; i < 3; i++) {
		put_select(3);
		put_queue(i, fake_go.layout.channel.receivers, sudog(i), sudog(9));
		assert_int_equal(read_wait(), 0);
		assert_false(fake.wait.alone);
	}
}

static void cases_are_bounded(void **state)
{
	(void)state;
	put_select(SUDOGS);
	assert_int_equal(read_wait(), 0);
	assert_int_equal(fake.wait.cases, CASES_MAX);
	/* In a circle. */
	put_select(2);
	put_word(sudog(1), fake_go.layout.sudog.wait_link, address_of(sudog(0)));
	fake_go.reads = 0;
	assert_int_equal(read_wait(), 0);
	assert_int_equal(fake.wait.cases, CASES_MAX);
	assert_int_equal(fake_go.reads, 2 * CASES_MAX + 1);
}

static void damaged_cases(void **state)
{
	(void)state;
	put_select(3);
	put_word(sudog(1), fake_go.layout.sudog.g, address_of(fake.g) + 8);
	assert_stale();
	put_select(3);
	put_word(sudog(2), fake_go.layout.sudog.c, 0);
	assert_stale();
	put_select(3);
	put_word(sudog(2), fake_go.layout.sudog.wait_link, 1);
	assert_stale();
	put_select(3);
	put_word(sudog(1), fake_go.layout.sudog.c, 8);
	assert_stale();
	put_select(3);
	put_channel(2, 2, 1, 0);
	assert_stale();
}

static void damaged_sudogs(void **state)
{
	put_channel(0, 0, 0, 0);
	(void)state;
	put_sudog(0, address_of(fake.g) + 8, address_of(channel(0)), 0, false);
	assert_stale();
	put_sudog(0, address_of(fake.g), 8, 0, false);
	assert_stale();
	put_sudog(0, address_of(fake.g), address_of(fake.memory + 8 * PAGE - 16), 0, false);
	assert_stale();
	fake.goroutine.waiting = address_of(fake.memory + 8 * PAGE - 16);
	assert_stale();
	fake.goroutine.waiting = 8;
	assert_stale();
}

/* From Go 1.26 on. */
static void semaphores_have_an_address(void **state)
{
	(void)state;
	start(26);
	put_sudog(0, address_of(fake.g), 0, 0, false);
	/* Neither a channel nor a semaphore. */
	assert_stale();
	put_word(sudog(0), fake_go.layout.sudog.elem, 0xc000123450);
	assert_int_equal(read_wait(), 0);
	assert_int_equal(fake.wait.kind, GOROUTINE_WAIT_SEMAPHORE);
	assert_int_equal(fake.wait.object, 0xc000123450);
	assert_int_equal(fake.wait.capacity, 0);
	assert_false(fake.wait.alone);
}

static void nothing_is_known_of_the_others(void **state)
{
	(void)state;
	put_select(1);
	fake.goroutine.status = GO_STATUS_RUNNABLE;
	assert_int_equal(read_wait(), 0);
	assert_int_equal(fake.wait.kind, GOROUTINE_WAIT_UNKNOWN);
	fake.goroutine.status = GO_STATUS_WAITING;
	fake.goroutine.waiting = 0;
	assert_int_equal(read_wait(), 0);
	assert_int_equal(fake.wait.kind, GOROUTINE_WAIT_UNKNOWN);
	assert_int_equal(fake_go.reads, 0);
}

static void wake_before_the_last_read(size_t number)
{
	if (number == 3)
		put_status(fake.g, GO_STATUS_RUNNABLE);
}

static void what_moved_meanwhile_is_stale(void **state)
{
	(void)state;
	put_select(1);
	fake_go.before_read = wake_before_the_last_read;
	assert_stale();
	assert_int_equal(fake_go.reads, 3);
}

static void the_thread_that_it_holds(void **state)
{
	(void)state;
	put_word(fake.m, fake_go.layout.m.procid, 4711);
	assert_int_equal(goroutine_thread(FAKE_GO, &fake.goroutine), 4711);
	fake.goroutine.m = address_of(fake.memory + 8 * PAGE);
	assert_int_equal(goroutine_thread(FAKE_GO, &fake.goroutine), 0);
	fake.goroutine.m = UINT64_MAX;
	assert_int_equal(goroutine_thread(FAKE_GO, &fake.goroutine), 0);
	fake_go.reads = 0;
	fake.goroutine.m = 0;
	assert_int_equal(goroutine_thread(FAKE_GO, &fake.goroutine), 0);
	assert_int_equal(fake_go.reads, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(receivers_and_senders_of_all_layouts),
		TEST(others_at_the_same_channel_are_seen),
		TEST(more_than_the_capacity_is_damage),
		TEST(selects_have_cases),
		TEST(cases_are_bounded),
		TEST(damaged_cases),
		TEST(damaged_sudogs),
		TEST(semaphores_have_an_address),
		TEST(nothing_is_known_of_the_others),
		TEST(what_moved_meanwhile_is_stale),
		TEST(the_thread_that_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
