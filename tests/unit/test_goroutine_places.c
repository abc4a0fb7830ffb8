// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_places.h"

#include <stdio.h>
#include <string.h>

#include "unit_test.h"

/*
 * Code made up: each function has 0x100 bytes, from 0x1000 on, and each byte of it a line of
 * its own. These functions stand in for go_process.c, which the linker leaves out.
 */
enum {
	FIRST = 0x1000,
	STEP = 0x100,
	MAIN_MAIN = FIRST,
	MAIN_WORK = FIRST + STEP,
	MAIN_OTHER = FIRST + 2 * STEP,
	RUNTIME_MAIN = FIRST + 3 * STEP,
	RUNTIME_SWEEP = FIRST + 4 * STEP,
	RUNTIME_FINALIZERS = FIRST + 5 * STEP,
	RUNTIME_CLEANUPS = FIRST + 6 * STEP,
	RUNTIME_CORO = FIRST + 7 * STEP,
	RUNTIME_INIT = FIRST + 8 * STEP,
	/* From here on: main.f, without end. */
	MAIN_F = 0x100000,
};

static const char *const functions[] = {
	"main.main",           "main.work",         "main.other",
	"runtime.main",        "runtime.bgsweep",   "runtime.runfinq",
	"runtime.runCleanups", "runtime.corostart", "runtime.init.6",
};

static const struct go_process *const fake_go = (const struct go_process *)&functions;

const char *go_process_module(const struct go_process *go)
{
	assert_ptr_equal(go, fake_go);
	return "server";
}

size_t go_process_find_calls(const struct go_process *go, uint64_t address, struct go_call *calls,
			     size_t capacity)
{
	uint64_t index = (address - FIRST) / STEP;

	assert_ptr_equal(go, fake_go);
	if (!capacity || address < FIRST)
		return 0;
	if (address >= MAIN_F) {
		calls[0] = (struct go_call){.line = (uint32_t)address, .entry = MAIN_F};
		snprintf(calls[0].function, sizeof(calls[0].function), "main.f");
		return 1;
	}
	if (index >= sizeof(functions) / sizeof(functions[0]))
		return 0;
	calls[0] =
		(struct go_call){.line = (uint32_t)(address % STEP), .entry = FIRST + index * STEP};
	snprintf(calls[0].function, sizeof(calls[0].function), "%s", functions[index]);
	snprintf(calls[0].file, sizeof(calls[0].file), "/src/a.go");
	return 1;
}

static struct watched_process *process;
static struct goroutine_places *places;

static int set_up(void **state)
{
	(void)state;
	process = watched_process_new(1, 0, 0);
	places = goroutine_places_new(fake_go, process, false);
	return process && places ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	goroutine_places_free(places);
	watched_process_free(process);
	return 0;
}

static struct goroutine_birth *birth_of(uint64_t gopc, uint64_t startpc)
{
	const struct goroutine goroutine = {.gopc = gopc, .startpc = startpc};

	return goroutine_places_birth(places, &goroutine);
}

static struct goroutine_place *park(const struct goroutine_birth *birth, const char *reason,
				    uint64_t pc, uint64_t caller)
{
	const struct goroutine_stack stack = {.count = 2, .frames = {pc, caller}};

	return goroutine_places_park(places, birth, reason, &stack, NULL, birth->runtime);
}

static void births_are_named_once(void **state)
{
	struct goroutine_birth *first = birth_of(MAIN_MAIN + 11, MAIN_WORK),
			       *second = birth_of(MAIN_MAIN + 21, MAIN_WORK),
			       *third = birth_of(MAIN_MAIN + 21, MAIN_OTHER);

	(void)state;
	assert_non_null(first);
	assert_int_equal(first->number, 1);
	assert_int_equal(second->number, 2);
	assert_int_equal(third->number, 3);
	assert_ptr_equal(birth_of(MAIN_MAIN + 11, MAIN_WORK), first);
	assert_ptr_equal(birth_of(MAIN_MAIN + 21, MAIN_OTHER), third);
	assert_ptr_equal(goroutine_places_birth_at(places, 2), second);
	assert_null(goroutine_places_birth_at(places, 0));
	assert_int_equal(first->site->kind, SITE_BIRTH);
	assert_int_equal(first->site->unit, UNIT_GOROUTINE);
	assert_string_equal(first->site->reason, "birth");
	assert_false(first->runtime || first->finalizers || first->site->runtime);
	/* The call that made it is before the address at which it goes on. */
	assert_int_equal(first->creator->count, 1);
	assert_string_equal(first->creator->frames[0].function, "main.main");
	assert_string_equal(first->creator->frames[0].module, "server");
	assert_int_equal(first->creator->frames[0].line, 10);
	assert_int_equal(second->creator->frames[0].line, 20);
}

static void who_belongs_to_the_runtime(void **state)
{
	static const struct {
		uint64_t startpc;
		bool runtime, finalizers;
	} starts[] = {
		{MAIN_WORK, false, false},
		{RUNTIME_MAIN, false, false},
		{RUNTIME_CORO, false, false},
		{RUNTIME_SWEEP, true, false},
		{RUNTIME_FINALIZERS, true, true},
		{RUNTIME_CLEANUPS, true, true},
		/* Nobody knows. */ {1, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct goroutine_birth *birth = birth_of(RUNTIME_INIT + 5, starts[i].startpc);

		assert_non_null(birth);
		assert_int_equal(birth->runtime, starts[i].runtime);
		assert_int_equal(birth->finalizers, starts[i].finalizers);
		assert_int_equal(birth->site->runtime, starts[i].runtime);
		/* What the runtime starts has no creator that is shown. */
		assert_null(birth->creator);
		assert_int_equal(birth->site->stack->count, 1);
		assert_string_equal(birth->site->stack->frames[0].function,
				    starts[i].runtime                   ? "[Go runtime]"
				    : starts[i].startpc == RUNTIME_MAIN ? "[main goroutine]"
									: "[unknown]");
	}
	assert_null(birth_of(0, RUNTIME_MAIN)->creator);
	/* A thread that C has made, and that calls Go. */
	assert_string_equal(birth_of(0, 0)->site->stack->frames[0].function, "[thread of C]");
}

static void places_are_named_once(void **state)
{
	static const char send[] = "chan_send", receive[] = "chan_receive";
	struct goroutine_birth *birth = birth_of(MAIN_MAIN + 11, MAIN_WORK);
	struct goroutine_place *first = park(birth, send, MAIN_WORK + 5, MAIN_OTHER + 5);

	(void)state;
	assert_non_null(first);
	assert_int_equal(first->number, 1);
	assert_ptr_equal(park(birth, send, MAIN_WORK + 5, MAIN_OTHER + 5), first);
	assert_int_equal(first->site->kind, SITE_PARK);
	assert_int_equal(first->site->unit, UNIT_GOROUTINE);
	assert_ptr_equal(first->site->reason, send);
	assert_false(first->site->runtime);
	assert_int_equal(first->stack->count, 2);
	assert_string_equal(first->stack->frames[0].function, "main.work");
	assert_int_equal(first->stack->frames[0].line, 4);
	assert_string_equal(first->stack->frames[1].function, "main.other");
	assert_int_equal(park(birth, receive, MAIN_WORK + 5, MAIN_OTHER + 5)->number, 2);
	assert_int_equal(park(birth, send, MAIN_WORK + 5, MAIN_MAIN + 5)->number, 3);
	assert_int_equal(park(birth, send, MAIN_MAIN + 5, MAIN_OTHER + 5)->number, 4);
	assert_ptr_equal(goroutine_places_at(places, 1), first);
	assert_null(goroutine_places_at(places, 0));
}

/* The same frames that end otherwise, and with a thread's C frames before them. */
static void ends_and_threads_tell_places_apart(void **state)
{
	struct goroutine_birth *birth = birth_of(MAIN_MAIN + 11, MAIN_WORK);
	struct goroutine_stack raw = {.count = 1, .frames = {MAIN_WORK + 5}};
	auto_free(stack) struct stack *native = stack_new(1);
	const struct held_thread thread = {.tid = 7, .site_hash = 99, .stack = native};
	struct held_thread same = thread;
	struct goroutine_place *whole, *cut, *in_c;

	(void)state;
	assert_non_null(native);
	native->frames[0].function = strdup("poll");
	native->frames[0].address = 0x10;
	whole = goroutine_places_park(places, birth, "select", &raw, NULL, false);
	in_c = goroutine_places_park(places, birth, "select", &raw, &thread, false);
	raw.end = GOROUTINE_STACK_TOO_DEEP;
	cut = goroutine_places_park(places, birth, "select", &raw, NULL, false);
	assert_int_equal(whole->stack->count, 1);
	assert_int_equal(in_c->stack->count, 2);
	assert_string_equal(in_c->stack->frames[0].function, "poll");
	assert_int_equal(cut->stack->count, 2);
	assert_string_equal(cut->stack->frames[1].function, "[cut: the stack is too deep]");
	assert_ptr_not_equal(whole->site, in_c->site);
	/* The thread's site expired, and another one's stack is where its stack was. */
	raw.end = 0;
	same.site_hash = 100;
	assert_ptr_not_equal(goroutine_places_park(places, birth, "select", &raw, &same, false),
			     in_c);
	same = (struct held_thread){.tid = 8, .site_hash = 99, .stack = birth->creator};
	assert_ptr_equal(goroutine_places_park(places, birth, "select", &raw, &same, false), in_c);
}

static void what_is_not_parked_has_no_site(void **state)
{
	struct goroutine_birth *birth = birth_of(MAIN_MAIN + 11, MAIN_WORK);
	size_t sites = process->sites_count;
	struct goroutine_place *place = park(birth, NULL, MAIN_WORK + 5, MAIN_OTHER + 5);

	(void)state;
	assert_non_null(place);
	assert_null(place->site);
	assert_int_equal(place->stack->count, 2);
	assert_int_equal(process->sites_count, sites);
}

static void sites_remember_their_creator(void **state)
{
	struct goroutine_birth *births[] = {
		birth_of(MAIN_MAIN + 11, MAIN_WORK),
		/* Another go statement in the same line. */
		birth_of(MAIN_MAIN + 11, MAIN_OTHER),
		birth_of(MAIN_MAIN + 21, MAIN_WORK),
	};
	struct goroutine_place *first = park(births[0], "select", MAIN_WORK + 5, MAIN_OTHER + 5);
	struct goroutine_place *second;

	(void)state;
	assert_string_equal(first->site->creator->frames[0].function, "main.main");
	assert_int_equal(first->site->creator->frames[0].line, 10);
	second = park(births[1], "select", MAIN_WORK + 5, MAIN_OTHER + 5);
	assert_ptr_not_equal(second, first);
	assert_ptr_equal(second->site, first->site);
	assert_false(first->site->creators_differ);
	second = park(births[2], "select", MAIN_WORK + 5, MAIN_OTHER + 5);
	assert_ptr_equal(second->site, first->site);
	assert_true(first->site->creators_differ);
	assert_int_equal(first->site->creator->frames[0].line, 10);
}

/* The main goroutine and one that was made by it. */
static void no_creator_differs_from_any(void **state)
{
	struct goroutine_place *first =
		park(birth_of(0, RUNTIME_MAIN), "select", MAIN_WORK + 5, MAIN_OTHER + 5);

	(void)state;
	assert_null(first->site->creator);
	park(birth_of(RUNTIME_INIT + 5, RUNTIME_MAIN), "select", MAIN_WORK + 5, MAIN_OTHER + 5);
	assert_false(first->site->creators_differ);
	park(birth_of(MAIN_MAIN + 11, MAIN_WORK), "select", MAIN_WORK + 5, MAIN_OTHER + 5);
	assert_true(first->site->creators_differ);
}

static void sites_of_the_runtime_are_marked(void **state)
{
	struct goroutine_place *place = park(birth_of(RUNTIME_INIT + 5, RUNTIME_SWEEP),
					     "gc_sweep_wait", RUNTIME_SWEEP + 5, RUNTIME_INIT);

	(void)state;
	assert_true(place->site->runtime);
	/* Nothing would be left of it: then the runtime's frames are shown. */
	assert_string_equal(place->stack->frames[0].function, "runtime.bgsweep");
}

static void numbers_are_limited(void **state)
{
	struct goroutine_birth *birth = NULL;

	(void)state;
	for (uint64_t i = 0; i < GOROUTINE_PLACES_MAX; i++) {
		birth = birth_of(MAIN_MAIN + 11, MAIN_F + i);
		assert_non_null(birth);
		assert_int_equal(birth->number, i + 1);
	}
	assert_null(birth_of(MAIN_MAIN + 11, MAIN_F + GOROUTINE_PLACES_MAX));
	assert_true(goroutine_places_births_are_full(places));
	assert_ptr_equal(birth_of(MAIN_MAIN + 11, MAIN_F + GOROUTINE_PLACES_MAX - 1), birth);
	assert_ptr_equal(goroutine_places_birth_at(places, GOROUTINE_PLACES_MAX), birth);
	for (uint64_t i = 0; i < GOROUTINE_PLACES_MAX; i++)
		assert_non_null(park(birth, NULL, MAIN_F + i, MAIN_MAIN));
	assert_null(park(birth, NULL, MAIN_F + GOROUTINE_PLACES_MAX, MAIN_MAIN));
	assert_int_equal(park(birth, NULL, MAIN_F, MAIN_MAIN)->number, 1);
}

/* Unlike what is full, it may be asked for again. */
static void without_memory_nothing_is_named(void **state)
{
	struct memory_room room;
	struct goroutine_birth *birth;

	(void)state;
	memory_room_init(&room, 1 << 20);
	process->room = &room;
	memory_room_measure(&room, 1 << 20);
	assert_false(goroutine_places_have_room(places));
	assert_null(birth_of(MAIN_MAIN + 11, MAIN_WORK));
	assert_false(goroutine_places_births_are_full(places));
	memory_room_measure(&room, 0);
	birth = birth_of(MAIN_MAIN + 11, MAIN_WORK);
	assert_non_null(birth);
	memory_room_measure(&room, 1 << 20);
	assert_null(park(birth, "select", MAIN_WORK + 5, MAIN_MAIN + 5));
	assert_false(goroutine_places_are_full(places));
	assert_non_null(park(birth, NULL, MAIN_WORK + 5, MAIN_MAIN + 5));
	memory_room_measure(&room, 0);
	assert_non_null(park(birth, "select", MAIN_WORK + 5, MAIN_MAIN + 5));
}

/* A process has no more of them: nothing is remembered half. */
static void sites_are_limited(void **state)
{
	struct goroutine_birth *birth = birth_of(MAIN_MAIN + 11, MAIN_WORK);
	static char reasons[WATCHED_SITES_MAX][8];
	struct goroutine_place *last = NULL;

	(void)state;
	for (size_t i = 1; i < WATCHED_SITES_MAX; i++) {
		snprintf(reasons[i], sizeof(reasons[i]), "r%zu", i);
		last = park(birth, reasons[i], MAIN_WORK + 5, MAIN_MAIN + 5);
		assert_non_null(last);
	}
	assert_int_equal(process->sites_count, WATCHED_SITES_MAX);
	assert_null(park(birth, "one more", MAIN_WORK + 5, MAIN_MAIN + 5));
	assert_null(park(birth, "one more", MAIN_WORK + 5, MAIN_MAIN + 5));
	assert_null(birth_of(MAIN_OTHER + 31, MAIN_WORK));
	assert_int_equal(goroutine_places_at(places, last->number)->key.thread_site, 0);
	/* What needs no site has a place. */
	assert_int_equal(park(birth, NULL, MAIN_WORK + 5, MAIN_MAIN + 5)->number, last->number + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(births_are_named_once),
		TEST(who_belongs_to_the_runtime),
		TEST(places_are_named_once),
		TEST(ends_and_threads_tell_places_apart),
		TEST(what_is_not_parked_has_no_site),
		TEST(sites_remember_their_creator),
		TEST(no_creator_differs_from_any),
		TEST(sites_of_the_runtime_are_marked),
		TEST(numbers_are_limited),
		TEST(without_memory_nothing_is_named),
		TEST(sites_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
