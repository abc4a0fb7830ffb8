// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/goroutine_sweep.h"

#include <time.h>

#include "go_process_fixture.h"

enum {
	MINOR = 24,
	PAGE = 4096,
	/* As the allocator has them: 18 in a span of 8 KiB, in which nothing is between. */
	G_STEP = 448,
	SEEN_MAX = 256,
	MANY = 100000,
	/* Those of goroutine_sweep.c. */
	SINGLE_READS_MAX = 16384,
	BATCH_MAX = 512, /* fit into the buffer of 256 KiB, whatever the version */
};

/* What was visited. */
static struct {
	size_t count;
	struct {
		size_t index;
		uint64_t address, goid;
	} items[SEEN_MAX];
	size_t fail_at; /* 0: never; from 1 */
	int error;
	size_t lost; /* visited with nothing */
} seen;

static struct goroutine_sweep_losses losses;

static int see(size_t index, const struct goroutine *goroutine, void *context)
{
	assert_ptr_equal(context, &seen);
	if (!goroutine) {
		seen.lost++;
		return 0;
	}
	if (seen.count < SEEN_MAX) {
		seen.items[seen.count].index = index;
		seen.items[seen.count].address = goroutine->address;
		seen.items[seen.count].goid = goroutine->goid;
	}
	return ++seen.count == seen.fail_at ? seen.error : 0;
}

static int run(struct goroutine_sweep *sweep)
{
	memset(&seen.items, 0, sizeof(seen.items));
	memset(&losses, 0, sizeof(losses));
	seen.count = seen.lost = 0;
	return goroutine_sweep_run(sweep, see, &seen, &losses);
}

static int set_up(void **state)
{
	(void)state;
	fake_go_init(MINOR);
	memset(&seen, 0, sizeof(seen));
	return 0;
}

static void put_g(uint8_t *at, uint64_t goid)
{
	put_goroutine(at, address_of(at), goid, 0x1000, 0x2000, 0x1800);
}

/* `count` goroutines side by side, with goids from 1. */
static void put_row(uint8_t *memory, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_g(memory + i * G_STEP, i + 1);
}

static void set_allgs(const uint64_t *pointers, size_t length)
{
	fake_go.allgs[0] = address_of(pointers);
	fake_go.allgs[1] = fake_go.allgs[2] = length;
}

static void assert_seen(size_t at, size_t index, uint64_t goid)
{
	assert_true(at < seen.count);
	assert_int_equal(seen.items[at].index, index);
	assert_int_equal(seen.items[at].goid, goid);
}

static void assert_losses(uint64_t unreadable, uint64_t damaged, uint64_t beyond_limit)
{
	assert_int_equal(losses.unreadable, unreadable);
	/* What is no pointer, or stands twice, is no goroutine that could be missed. */
	assert_in_range(seen.lost, unreadable, unreadable + damaged);
	assert_int_equal(losses.damaged, damaged);
	assert_int_equal(losses.beyond_limit, beyond_limit);
}

static void visits_by_address_with_the_index_in_allgs(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(PAGE);
	const uint64_t allgs[] = {address_of(memory + 2 * G_STEP), address_of(memory),
				  address_of(memory + 3 * G_STEP), address_of(memory + G_STEP)};

	(void)state;
	put_row(memory, 4);
	put_status(memory + 3 * G_STEP, GO_STATUS_DEAD);
	set_allgs(allgs, 4);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 3);
	assert_seen(0, 1, 1);
	assert_seen(1, 3, 2);
	assert_seen(2, 0, 3);
	assert_int_equal(seen.items[2].address, allgs[0]);
	assert_losses(0, 0, 0);
	assert_int_equal(goroutine_sweep_length(sweep), 4);
	/* allgs, its pointers, allgs again, the goroutines. */
	assert_int_equal(fake_go.reads, 4);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(fake_go.reads, 4 + 3);
	munmap(memory, PAGE);
}

static void an_empty_list_is_none(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);

	(void)state;
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(goroutine_sweep_length(sweep), 0);
}

/* New ones below, between and above the old ones; the array is another one then. */
static void grows_from_sweep_to_sweep(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	static const size_t places[] = {4, 2, 6, 3, 0, 8, 1, 7, 5};
	uint8_t *memory = fake_memory(PAGE);
	uint64_t first[4], second[9];

	(void)state;
	put_row(memory, 9);
	for (size_t i = 0; i < 9; i++)
		second[i] = address_of(memory + places[i] * G_STEP);
	memcpy(first, second, sizeof(first));
	set_allgs(first, 3);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 3);
	set_allgs(first, 4);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 4);
	assert_seen(1, 3, 4);
	set_allgs(second, 9);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 9);
	for (size_t i = 0; i < 9; i++)
		for (size_t at = 0; at < 9; at++)
			if (places[i] == at)
				assert_seen(at, i, at + 1);
	assert_int_equal(goroutine_sweep_length(sweep), 9);
	munmap(memory, PAGE);
}

static struct {
	uint64_t old[4], fresh[6];
} arrays;

/* Between the slice and its pointers: the old array is overwritten. */
static void move_array(size_t number)
{
	if (number != 2)
		return;
	arrays.old[0] = arrays.old[1];
	arrays.old[2] = 0x1234567890;
	set_allgs(arrays.fresh, 6);
}

static void a_move_while_it_is_read_is_seen(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(PAGE);

	(void)state;
	put_row(memory, 6);
	for (size_t i = 0; i < 6; i++)
		arrays.fresh[i] = address_of(memory + i * G_STEP);
	memcpy(arrays.old, arrays.fresh, sizeof(arrays.old));
	set_allgs(arrays.old, 4);
	fake_go.before_read = move_array;
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_seen(i, i, i + 1);
	assert_losses(0, 0, 0);
	munmap(memory, PAGE);
}

static void move_always(size_t number)
{
	(void)number;
	fake_go.allgs[0] += sizeof(uint64_t);
}

static void an_array_that_does_not_hold_still_is_given_up(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(2 * PAGE);
	uint64_t allgs[64];

	(void)state;
	put_row(memory, 2);
	for (size_t i = 0; i < 64; i++)
		allgs[i] = address_of(memory + i % 2 * G_STEP);
	set_allgs(allgs, 2);
	fake_go.before_read = move_always;
	assert_int_equal(run(sweep), -EFAULT);
	assert_int_equal(seen.count, 0);
	assert_true(fake_go.reads < 20);
	fake_go.before_read = NULL;
	set_allgs(allgs, 2);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 2);
	assert_losses(0, 0, 0);
	munmap(memory, 2 * PAGE);
}

/* allgadd() makes room before it writes. */
static void a_zero_is_not_yet_written(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(PAGE);
	uint64_t allgs[] = {address_of(memory + 2 * G_STEP), 0, address_of(memory)};

	(void)state;
	put_row(memory, 3);
	set_allgs(allgs, 3);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(goroutine_sweep_length(sweep), 1);
	assert_losses(0, 0, 0);
	allgs[1] = address_of(memory + G_STEP);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 3);
	assert_seen(0, 2, 1);
	assert_seen(1, 1, 2);
	assert_seen(2, 0, 3);
	munmap(memory, PAGE);
}

static void what_is_no_pointer_is_damage(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(PAGE);
	const uint64_t allgs[] = {3,          address_of(memory) + 4, address_of(memory),
				  1ULL << 48, 0xffffffff81000000ULL,  8,
				  UINT64_MAX};

	(void)state;
	put_row(memory, 1);
	set_allgs(allgs, 7);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 1);
	assert_seen(0, 2, 1);
	assert_losses(0, 6, 0);
	assert_int_equal(goroutine_sweep_length(sweep), 7);
	munmap(memory, PAGE);
}

/* A page in the middle of the second of four is gone: those beside it are read one by one. */
static void holes_cost_only_what_is_in_them(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(4 * PAGE);
	size_t count = 4 * PAGE / G_STEP, readable = 0;
	uint64_t allgs[64];

	(void)state;
	put_row(memory, count);
	for (size_t i = 0; i < count; i++)
		allgs[i] = address_of(memory + i * G_STEP);
	/* One that is there twice is a lie, also where it is read alone. */
	allgs[count++] = allgs[0];
	set_allgs(allgs, count);
	munmap(memory + 2 * PAGE, PAGE);
	assert_int_equal(run(sweep), 0);
	for (size_t i = 0; i < count - 1; i++) {
		size_t start = i * G_STEP, end = start + fake_go.layout.g.size;

		if (end > 2 * PAGE && start < 3 * PAGE)
			continue;
		assert_seen(readable++, i, i + 1);
	}
	assert_int_equal(seen.count, readable);
	assert_losses(count - 1 - readable, 1, 0);
	munmap(memory, 4 * PAGE);
}

static void the_same_pointer_twice_is_damage(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(PAGE);
	const uint64_t allgs[] = {address_of(memory), address_of(memory + G_STEP),
				  address_of(memory), address_of(memory)};

	(void)state;
	put_row(memory, 2);
	set_allgs(allgs, 4);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 2);
	assert_seen(0, 0, 1);
	assert_seen(1, 1, 2);
	assert_losses(0, 2, 0);
	munmap(memory, PAGE);
}

/* 1024 pieces of one goroutine each, between which nothing is mapped. */
static void far_apart_is_read_in_batches(void **state)
{
	enum {
		COUNT = 2 * BATCH_MAX,
		STEP = 4 * PAGE
	};
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory((size_t)COUNT * STEP);
	autofree uint64_t *allgs = calloc(COUNT, sizeof(*allgs));

	(void)state;
	assert_non_null(allgs);
	for (size_t i = 0; i < COUNT; i++) {
		allgs[i] = address_of(memory + i * STEP);
		put_g(memory + i * STEP, i + 1);
	}
	set_allgs(allgs, COUNT);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, COUNT);
	assert_seen(SEEN_MAX - 1, SEEN_MAX - 1, SEEN_MAX);
	assert_losses(0, 0, 0);
	assert_int_equal(fake_go.reads, 3 + 2);
	/* One of them goes. */
	fake_go.reads = 0;
	munmap(memory + 7 * STEP, PAGE);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, COUNT - 1);
	assert_seen(6, 6, 7);
	assert_seen(7, 8, 9);
	assert_losses(1, 0, 0);
	assert_int_equal(fake_go.reads, 2 + 3);
	munmap(memory, (size_t)COUNT * STEP);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Pointers to nothing, each far from the next: their number is bounded, so is what they cost. */
static void many_unreadable_ones_are_bounded_in_cost(void **state)
{
	enum {
		COUNT = 300000
	};
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	autofree uint64_t *allgs = calloc(COUNT, sizeof(*allgs));
	double start;

	(void)state;
	assert_non_null(allgs);
	for (size_t i = 0; i < COUNT; i++)
		allgs[i] = (1ULL << 40) + i * 2 * PAGE;
	set_allgs(allgs, COUNT);
	start = seconds_now();
	assert_int_equal(run(sweep), 0);
	print_message("%d unreadable goroutines: %.0f ms, %zu reads\n", COUNT,
		      1000 * (seconds_now() - start), fake_go.reads);
	assert_int_equal(seen.count, 0);
	assert_losses(COUNT, 0, 0);
	assert_true(fake_go.reads <= SINGLE_READS_MAX + COUNT / BATCH_MAX + COUNT / 8192 + 8);
}

static void a_hundred_thousand(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	autofree uint64_t *allgs = calloc(MANY, sizeof(*allgs));
	uint8_t *memory = fake_memory((size_t)MANY * G_STEP);
	double start;

	(void)state;
	assert_non_null(allgs);
	put_row(memory, MANY);
	/* Neither up nor down: 7919 is prime. */
	for (size_t i = 0; i < MANY; i++)
		allgs[i] = address_of(memory + i * 7919 % MANY * G_STEP);
	set_allgs(allgs, MANY);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, MANY);
	for (size_t i = 0; i < SEEN_MAX; i++) {
		assert_int_equal(seen.items[i].goid, i + 1);
		assert_int_equal(seen.items[i].index * 7919 % MANY, i);
	}
	start = seconds_now();
	fake_go.reads = 0;
	assert_int_equal(run(sweep), 0);
	print_message("100000 goroutines again: %.1f ms, %zu reads\n",
		      1000 * (seconds_now() - start), fake_go.reads);
	assert_int_equal(seen.count, MANY);
	assert_losses(0, 0, 0);
	/* 256 KiB at a time. */
	assert_true(fake_go.reads <= 2 + (size_t)MANY * G_STEP / (256 << 10) + 2);
	assert_true(goroutine_sweep_memory(sweep) <= (256 << 10) + 12 * MANY + 256);
	munmap(memory, (size_t)MANY * G_STEP);
}

static void lengths_beyond_the_limit_are_a_loss(void **state)
{
	const size_t length = GOROUTINES_MAX + 5;
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint64_t *allgs = fake_memory(length * sizeof(*allgs));
	uint8_t *memory = fake_memory(PAGE);

	(void)state;
	put_row(memory, 1);
	allgs[0] = address_of(memory);
	set_allgs(allgs, length);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 1);
	assert_losses(0, 0, 5);
	munmap(allgs, length * sizeof(*allgs));
	munmap(memory, PAGE);
}

/* It is not the list that it was: nothing of the old one is kept. */
static void a_shorter_list_is_read_anew(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(PAGE);
	uint64_t allgs[] = {address_of(memory), address_of(memory + G_STEP),
			    address_of(memory + 2 * G_STEP)};

	(void)state;
	put_row(memory, 3);
	set_allgs(allgs, 3);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 3);
	allgs[0] = allgs[2];
	set_allgs(allgs, 2);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 2);
	assert_seen(0, 1, 2);
	assert_seen(1, 0, 3);
	set_allgs(allgs, 0);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(goroutine_sweep_length(sweep), 0);
	munmap(memory, PAGE);
}

static void lists_that_cannot_be(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	const uint64_t allgs[] = {0};

	(void)state;
	set_allgs(allgs, 2);
	fake_go.allgs[2] = 1;
	assert_int_equal(run(sweep), -EFAULT);
	set_allgs(allgs, 1);
	fake_go.allgs[0] |= 1;
	assert_int_equal(run(sweep), -EFAULT);
	fake_go.allgs[0] = 0;
	assert_int_equal(run(sweep), -EFAULT);
	fake_go.allgs[0] = 1ULL << 40;
	assert_int_equal(run(sweep), -EFAULT);
	fake_go.allgs_at = 1ULL << 40;
	assert_int_equal(run(sweep), -EFAULT);
	assert_int_equal(seen.count, 0);
	assert_int_equal(goroutine_sweep_length(sweep), 0);
	fake_go.pid = INT32_MAX;
	assert_int_equal(run(sweep), -ESRCH);
}

static void a_visit_can_end_the_sweep(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(2 * PAGE);
	const uint64_t allgs[] = {address_of(memory), address_of(memory + G_STEP),
				  /* In another piece, and half of it is not there. */
				  address_of(memory + 2 * G_STEP + PAGE / 2),
				  address_of(memory + PAGE - 8)};

	(void)state;
	put_row(memory, 2);
	put_g(memory + 2 * G_STEP + PAGE / 2, 3);
	munmap(memory + PAGE, PAGE);
	set_allgs(allgs, 4);
	seen.error = -ENOMEM;
	for (seen.fail_at = 1; seen.fail_at <= 3; seen.fail_at++) {
		assert_int_equal(run(sweep), -ENOMEM);
		assert_int_equal(seen.count, seen.fail_at);
	}
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 3);
	assert_losses(1, 0, 0);
	munmap(memory, PAGE);
}

static uint8_t *being_made;

/* Done when it is looked at for the second time. */
static void finish_making(size_t number)
{
	if (number == 5)
		put_g(being_made, 9);
}

static void one_that_is_being_made_is_read_again(void **state)
{
	auto_free(goroutine_sweep) struct goroutine_sweep *sweep = goroutine_sweep_new(FAKE_GO);
	uint8_t *memory = fake_memory(PAGE);
	const uint64_t allgs[] = {address_of(memory), address_of(memory + G_STEP)};

	(void)state;
	put_row(memory, 1);
	being_made = memory + G_STEP;
	put_status(being_made, GO_STATUS_WAITING);
	set_allgs(allgs, 2);
	fake_go.before_read = finish_making;
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 2);
	assert_seen(1, 1, 9);
	assert_losses(0, 0, 0);
	put_word(being_made, fake_go.layout.g.sched_g, 1);
	assert_int_equal(run(sweep), 0);
	assert_int_equal(seen.count, 1);
	assert_losses(0, 1, 0);
	munmap(memory, PAGE);
}

static void one_goroutine_is_read_by_its_address(void **state)
{
	struct goroutine goroutine = {0};
	uint8_t *memory = fake_memory(2 * PAGE);

	(void)state;
	put_row(memory, 1);
	munmap(memory + PAGE, PAGE);
	assert_int_equal(goroutine_read(FAKE_GO, address_of(memory), &goroutine), 0);
	assert_int_equal(goroutine.goid, 1);
	assert_int_equal(goroutine.address, address_of(memory));
	goroutine.goid = 7;
	assert_int_equal(goroutine_read(FAKE_GO, address_of(memory) + 8, &goroutine), -ESTALE);
	put_status(memory, GO_STATUS_DEAD);
	assert_int_equal(goroutine_read(FAKE_GO, address_of(memory), &goroutine), -ESTALE);
	assert_int_equal(goroutine_read(FAKE_GO, address_of(memory + PAGE - 8), &goroutine),
			 -EFAULT);
	assert_int_equal(goroutine.goid, 7);
	munmap(memory, PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(visits_by_address_with_the_index_in_allgs, set_up),
		cmocka_unit_test_setup(an_empty_list_is_none, set_up),
		cmocka_unit_test_setup(grows_from_sweep_to_sweep, set_up),
		cmocka_unit_test_setup(a_move_while_it_is_read_is_seen, set_up),
		cmocka_unit_test_setup(an_array_that_does_not_hold_still_is_given_up, set_up),
		cmocka_unit_test_setup(a_zero_is_not_yet_written, set_up),
		cmocka_unit_test_setup(what_is_no_pointer_is_damage, set_up),
		cmocka_unit_test_setup(holes_cost_only_what_is_in_them, set_up),
		cmocka_unit_test_setup(the_same_pointer_twice_is_damage, set_up),
		cmocka_unit_test_setup(far_apart_is_read_in_batches, set_up),
		cmocka_unit_test_setup(many_unreadable_ones_are_bounded_in_cost, set_up),
		cmocka_unit_test_setup(a_hundred_thousand, set_up),
		cmocka_unit_test_setup(lengths_beyond_the_limit_are_a_loss, set_up),
		cmocka_unit_test_setup(a_shorter_list_is_read_anew, set_up),
		cmocka_unit_test_setup(lists_that_cannot_be, set_up),
		cmocka_unit_test_setup(a_visit_can_end_the_sweep, set_up),
		cmocka_unit_test_setup(one_that_is_being_made_is_read_again, set_up),
		cmocka_unit_test_setup(one_goroutine_is_read_by_its_address, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
