// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_semaphores.h"

#include <string.h>
#include <unistd.h>

#include "unit_test.h"

/*
 * The runtime's table in this process's own memory, with the layout of 1.24. These functions
 * stand in for go_process.c, which the linker then leaves out.
 */

enum {
	ROOTS = 251,
	SUDOGS_MAX = 40000,
	/* Two semaphores of the same root, and one of another. */
	SEMAPHORE_A = 251 * 8,
	SEMAPHORE_B = 2 * 251 * 8,
	SEMAPHORE_C = 251 * 8 + 8,
};

struct sudog {
	uint64_t g, next, prev, elem;
	uint64_t words_4_to_7[4];
	uint64_t wait_link, wait_tail, channel;
};

static struct {
	struct {
		uint64_t lock, treap, waiters, padding[5];
	} table[ROOTS];
	struct sudog sudogs[SUDOGS_MAX];
	size_t count;
	uint64_t addresses[2];
	size_t addresses_count;
} fake;

static const struct go_process *const fake_go = (const struct go_process *)&fake;

pid_t go_process_pid(const struct go_process *go)
{
	(void)go;
	return getpid();
}

const struct go_layout *go_process_layout(const struct go_process *go)
{
	const struct go_version version = {.minor = 24};

	(void)go;
	return go_layout_find(&version);
}

size_t go_process_semtables(const struct go_process *go, const uint64_t **addresses)
{
	(void)go;
	*addresses = fake.addresses;
	return fake.addresses_count;
}

static uint64_t address_of(const void *object)
{
	return (uint64_t)(uintptr_t)object;
}

static struct go_semaphores *begin(void)
{
	struct go_semaphores *semaphores = go_semaphores_new(fake_go);

	memset(&fake, 0, sizeof(fake));
	fake.addresses[fake.addresses_count++] = address_of(fake.table);
	assert_non_null(semaphores);
	return semaphores;
}

/* Of a goroutine; in no treap and in no list yet. */
static struct sudog *wait_for(uint64_t goroutine, uint64_t semaphore)
{
	struct sudog *sudog = &fake.sudogs[fake.count++];

	assert_true(fake.count <= SUDOGS_MAX);
	sudog->g = goroutine;
	sudog->elem = semaphore;
	return sudog;
}

static struct sudog *wait_in_root(uint64_t goroutine, uint64_t semaphore)
{
	struct sudog *sudog = wait_for(goroutine, semaphore);
	size_t root = semaphore / 8 % ROOTS;

	fake.table[root].treap = address_of(sudog);
	fake.table[root].waiters++;
	return sudog;
}

/* As many as that behind `sudog`, with the numbers from `goroutine` on. */
static void wait_behind(struct sudog *sudog, uint64_t goroutine, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sudog *next = wait_for(goroutine + i, sudog->elem);

		sudog->wait_link = address_of(next);
		sudog = next;
	}
}

static bool find(struct go_semaphores *semaphores, uint64_t address, uint64_t *semaphore,
		 bool *alone)
{
	const struct goroutine goroutine = {.address = address};

	return go_semaphores_find(semaphores, &goroutine, semaphore, alone);
}

static void assert_waits(struct go_semaphores *semaphores, uint64_t goroutine, uint64_t semaphore,
			 bool alone)
{
	uint64_t found = 0;
	bool found_alone = !alone;

	assert_true(find(semaphores, goroutine, &found, &found_alone));
	assert_int_equal(found, semaphore);
	assert_int_equal(found_alone, alone);
}

static void assert_unknown(struct go_semaphores *semaphores, uint64_t goroutine)
{
	uint64_t semaphore = 4711;
	bool alone = true;

	assert_false(find(semaphores, goroutine, &semaphore, &alone));
	assert_int_equal(semaphore, 4711);
	assert_true(alone);
}

static void test_who_waits_for_what(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();
	struct sudog *a = wait_in_root(0x1000, SEMAPHORE_A);
	struct sudog *b = wait_for(0x2000, SEMAPHORE_B);

	(void)state;
	a->next = address_of(b);
	wait_behind(a, 0x1001, 2);
	wait_in_root(0x3000, SEMAPHORE_C);
	assert_waits(semaphores, 0x1000, SEMAPHORE_A, false);
	assert_waits(semaphores, 0x1001, SEMAPHORE_A, false);
	assert_waits(semaphores, 0x1002, SEMAPHORE_A, false);
	assert_waits(semaphores, 0x2000, SEMAPHORE_B, true);
	assert_waits(semaphores, 0x3000, SEMAPHORE_C, true);
	assert_unknown(semaphores, 0x4000);
}

/* The table is found when someone waits: until then nothing can be told. */
static void test_an_empty_table_is_asked_again(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();

	(void)state;
	assert_unknown(semaphores, 0x1000);
	wait_in_root(0x1000, SEMAPHORE_A);
	assert_unknown(semaphores, 0x1000);
	go_semaphores_forget(semaphores);
	assert_waits(semaphores, 0x1000, SEMAPHORE_A, true);
	fake.table[0].treap = 0;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 0x1000);
}

static void test_what_is_no_table_is_not_taken_for_one(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();
	struct sudog *sudog = wait_in_root(0x1000, SEMAPHORE_A);

	(void)state;
	/* None at all, one that cannot be read, and one that is shifted. */
	fake.addresses_count = 0;
	assert_unknown(semaphores, 0x1000);
	fake.addresses_count = 2;
	fake.addresses[0] = 8;
	fake.addresses[1] = address_of(fake.table) + 8;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 0x1000);
	/* The right address, but not the right contents. */
	fake.addresses[1] = address_of(fake.table);
	sudog->elem = SEMAPHORE_C;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 0x1000);
	sudog->elem = SEMAPHORE_A;
	sudog->channel = 8;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 0x1000);
	sudog->channel = 0;
	fake.table[ROOTS - 1].padding[4] = 1;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 0x1000);
	fake.table[ROOTS - 1].padding[4] = 0;
	fake.table[7].waiters = UINT32_MAX;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 0x1000);
	fake.table[7].waiters = 0;
	fake.table[7].treap = 1;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 0x1000);
	fake.table[7].treap = 0;
	go_semaphores_forget(semaphores);
	assert_waits(semaphores, 0x1000, SEMAPHORE_A, true);
}

static void test_who_left_meanwhile_is_not_told_about(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();
	struct sudog *a = wait_in_root(0x1000, SEMAPHORE_A);
	struct sudog *c = wait_in_root(0x3000, SEMAPHORE_C);

	(void)state;
	wait_behind(a, 0x1001, 1);
	assert_waits(semaphores, 0x3000, SEMAPHORE_C, true);
	/* Its sudog is another one's now, or its own for something else. */
	c->g = 0x4000;
	assert_unknown(semaphores, 0x3000);
	c->g = 0x3000;
	c->elem = SEMAPHORE_A;
	assert_unknown(semaphores, 0x3000);
	c->elem = SEMAPHORE_C;
	c->channel = 8;
	assert_unknown(semaphores, 0x3000);
	c->channel = 0;
	/* Someone has come. */
	wait_behind(c, 0x3001, 1);
	assert_waits(semaphores, 0x3000, SEMAPHORE_C, false);
	assert_unknown(semaphores, 0x3001);
	go_semaphores_forget(semaphores);
	assert_waits(semaphores, 0x3001, SEMAPHORE_C, false);
}

/* A list that leads to another semaphore's waiters, and a treap to another root's. */
static void test_strangers_are_left_out(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();
	struct sudog *a = wait_in_root(0x1000, SEMAPHORE_A);
	struct sudog *c = wait_for(0x3000, SEMAPHORE_C);
	struct sudog *d = wait_for(0x4000, SEMAPHORE_B);

	(void)state;
	a->prev = address_of(c);
	a->next = 8;
	c->next = address_of(d);
	wait_behind(a, 0x1001, 1);
	fake.sudogs[fake.count - 1].wait_link = address_of(d);
	assert_waits(semaphores, 0x1001, SEMAPHORE_A, false);
	assert_unknown(semaphores, 0x3000);
	assert_unknown(semaphores, 0x4000);
}

static void test_cycles_end(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();
	struct sudog *a = wait_in_root(0x1000, SEMAPHORE_A);
	struct sudog *b = wait_for(0x2000, SEMAPHORE_B);

	(void)state;
	a->next = a->prev = address_of(b);
	b->next = b->prev = address_of(a);
	assert_waits(semaphores, 0x1000, SEMAPHORE_A, true);
	assert_waits(semaphores, 0x2000, SEMAPHORE_B, true);
	assert_unknown(semaphores, 0x3000);
	b->next = b->prev = a->prev = a->next = 0;
	a->wait_link = address_of(a);
	wait_in_root(0x3000, SEMAPHORE_C);
	go_semaphores_forget(semaphores);
	assert_waits(semaphores, 0x1000, SEMAPHORE_A, false);
	assert_waits(semaphores, 0x3000, SEMAPHORE_C, true);
	assert_unknown(semaphores, 0x4000);
}

/* One long list hides no other semaphore. */
static void test_long_lists_are_cut(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();

	(void)state;
	wait_behind(wait_in_root(0x10000, SEMAPHORE_A), 0x10001, 20000);
	wait_in_root(0x3000, SEMAPHORE_C);
	assert_waits(semaphores, 0x10000 + 4000, SEMAPHORE_A, false);
	assert_waits(semaphores, 0x3000, SEMAPHORE_C, true);
	assert_unknown(semaphores, 0x10000 + 20000);
}

/* A treap that is too large is read to the limit, and so is one that is as deep as a list. */
static void test_large_treaps_are_cut(void **state)
{
	auto_free(go_semaphores) struct go_semaphores *semaphores = begin();
	struct sudog *a = wait_in_root(1, SEMAPHORE_A);

	(void)state;
	for (uint64_t i = 2; i <= 30000; i++) {
		struct sudog *sudog = wait_for(i, SEMAPHORE_A * i);

		if (i % 2)
			fake.sudogs[i / 2 - 1].next = address_of(sudog);
		else
			fake.sudogs[i / 2 - 1].prev = address_of(sudog);
	}
	assert_waits(semaphores, 1, SEMAPHORE_A, true);
	assert_unknown(semaphores, 30000);
	/* Too many branches are left to look at. */
	for (uint64_t i = 1; i < 1000; i++) {
		fake.sudogs[i - 1].next = 8;
		fake.sudogs[i - 1].prev = address_of(&fake.sudogs[i]);
	}
	go_semaphores_forget(semaphores);
	assert_waits(semaphores, 100, SEMAPHORE_A * 100, true);
	assert_unknown(semaphores, 1000);
	/* None is left, as each leads nowhere. */
	for (uint64_t i = 1; i < 1000; i++) {
		fake.sudogs[i - 1].next = address_of(&fake.sudogs[i]);
		fake.sudogs[i - 1].prev = 8;
	}
	go_semaphores_forget(semaphores);
	assert_waits(semaphores, 1000, SEMAPHORE_A * 1000, true);
	a->next = a->prev = 0;
	go_semaphores_forget(semaphores);
	assert_unknown(semaphores, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_waits_for_what),
		cmocka_unit_test(test_an_empty_table_is_asked_again),
		cmocka_unit_test(test_what_is_no_table_is_not_taken_for_one),
		cmocka_unit_test(test_who_left_meanwhile_is_not_told_about),
		cmocka_unit_test(test_strangers_are_left_out),
		cmocka_unit_test(test_cycles_end),
		cmocka_unit_test(test_long_lists_are_cut),
		cmocka_unit_test(test_large_treaps_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
