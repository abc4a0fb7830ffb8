// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_tracker.h"

#include "goroutine_fixture.h"

static void test_the_first_sweep_counts_no_arrivals(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(site->unit, UNIT_GOROUTINE);
	assert_int_equal(site->crowd.now, 2);
	assert_int_equal(site->crowd.arrived, 0);
	assert_int_equal(site->crowd.oldest_bound, AGE_AT_LEAST);
	assert_int_equal(site->stack->count, 2);
	assert_string_equal(site->stack->frames[0].function, "main.send");
	assert_string_equal(site->creator->frames[0].function, "main.main");
	assert_false(site->creators_differ);
	assert_int_equal(fixture->process->goroutines.now, 2);
	assert_int_equal(fixture->process->goroutines.born, 0);
	assert_int_equal(losses_interval_of(&fixture->losses, "goroutine_damaged"), 2);
	end(fixture);
}

static void test_who_comes_and_goes_is_counted_by_id(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site, *birth;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	spawn(3, PC_SEND, REASON_SEND);
	fake.goroutines[0].goid = 9; /* the slot was used again */
	fake.goroutines[1].goid = 0; /* dead */
	sweep(fixture, 105);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(site->crowd.now, 2);
	assert_int_equal(site->crowd.arrived, 2);
	assert_int_equal(site->crowd.departed, 2);
	assert_int_equal(site->crowd.oldest_ns, 5 * SECOND_NS);
	assert_int_equal(site->crowd.oldest_bound, AGE_AT_MOST);
	assert_int_equal(fixture->process->goroutines.now, 2);
	assert_int_equal(fixture->process->goroutines.born, 2);
	assert_int_equal(fixture->process->goroutines.exited, 2);
	birth = site_of(fixture, "birth", NULL);
	assert_int_equal(birth->births.live, 2);
	assert_int_equal(birth->births.born, 2);
	assert_int_equal(birth->births.exited, 2);
	sweep(fixture, 107);
	assert_int_equal(site->crowd.oldest_ns, 2 * SECOND_NS);
	assert_int_equal(site->crowd.arrived, 2);
	goroutine_tracker_end(fixture->tracker);
	assert_int_equal(fixture->process->goroutines.now, 0);
	assert_int_equal(fixture->process->goroutines.exited, 4);
	assert_int_equal(birth->births.live, 0);
	assert_int_equal(site->crowd.departed, 4);
	end(fixture);
}

/* As two dumps have them, which know nothing of each other. */
static void test_stays_are_the_same_in_every_look(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct stay_sample first = {0};
	struct site *site;

	(void)state;
	for (uint64_t goid = 1; goid <= 4; goid++)
		spawn(goid, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(site->stays.count, 4);
	for (size_t i = 0; i < 4; i++)
		stay_sample_add(&first, site->stays.ids[i]);
	goroutine_tracker_free(fixture->tracker);
	fixture->tracker = goroutine_tracker_new(fake_go, fixture->process,
						 &(struct goroutine_reader_config){.stays = true});
	assert_non_null(fixture->tracker);
	fake.goroutines[0].goid = 9;   /* another one in its slot */
	fake.goroutines[1].sequence++; /* it has run */
	fake.goroutines[2].stack_hi += 4096;
	fake.goroutines[2].sp += 4096; /* the garbage collector has moved its stack */
	sweep(fixture, 200);
	assert_int_equal(site->stays.count, 4);
	assert_int_equal(stay_sample_kept(&first, 4, &site->stays), 2);
	/* The next sweep does not add to them. */
	sweep(fixture, 201);
	assert_int_equal(site->stays.count, 4);
	stay_sample_release(&first);
	end(fixture);
}

static void test_who_has_run_begins_a_new_stay(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	fake.goroutines[0].sequence++;
	sweep(fixture, 101);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(site->crowd.arrived, 1);
	assert_int_equal(site->crowd.departed, 1);
	/* A stack that the garbage collector has moved is the same stay. */
	fake.goroutines[0].stack_lo += 0x100000;
	fake.goroutines[0].stack_hi += 0x100000;
	fake.goroutines[0].sp += 0x100000;
	sweep(fixture, 102);
	assert_int_equal(site->crowd.arrived, 1);
	assert_int_equal(site->crowd.oldest_ns, SECOND_NS);
	fake.goroutines[0].status = GO_STATUS_RUNNING;
	sweep(fixture, 103);
	assert_int_equal(site->crowd.now, 0);
	assert_int_equal(site->crowd.departed, 2);
	assert_int_equal(fixture->process->goroutines.now, 1);
	end(fixture);
}

/* Who came when there was no memory for names is named when there is. */
static void test_who_finds_no_room_is_named_later(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct memory_room room;
	struct site *birth;
	struct goroutine *g;

	(void)state;
	memory_room_init(&room, 1 << 20);
	fixture->process->room = &room;
	spawn(1, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	memory_room_measure(&room, 1 << 20);
	fake.goroutines[0].gopc++;
	fake.goroutines[0].goid = 2;
	g = spawn(3, PC_RUNTIME, REASON_FINALIZER);
	g->startpc = PC_RUNTIME;
	g->gopc = PC_RUNTIME;
	sweep(fixture, 105);
	assert_int_equal(fixture->process->goroutines.now, 2);
	assert_int_equal(fixture->process->goroutines.born, 2);
	assert_int_equal(room.refused, 2);
	assert_int_equal(losses_interval_of(&fixture->losses, "sites_full"), 0);
	assert_int_equal(site_of(fixture, "chan_send", NULL)->crowd.now, 0);
	memory_room_measure(&room, 0);
	sweep(fixture, 110);
	assert_int_equal(site_of(fixture, "chan_send", NULL)->crowd.now, 1);
	assert_int_equal(fixture->process->goroutines.now, 1);
	assert_int_equal(fixture->process->runtime_goroutines, 1);
	/* One of the first sweep, who ended; one who was the runtime's after all. */
	assert_int_equal(fixture->process->goroutines.born, 2);
	assert_int_equal(fixture->process->goroutines.exited, 2);
	birth = site_with_leaf(fixture, "main.main");
	assert_int_equal(birth->births.live, 1);
	assert_int_equal(birth->births.born, 1);
	fixture->process->room = NULL;
	end(fixture);
}

static void test_the_runtimes_own_are_counted_apart(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct goroutine *g;

	(void)state;
	spawn(1, PC_RECEIVE, REASON_RECEIVE);
	g = spawn(2, PC_RUNTIME, REASON_FINALIZER);
	g->startpc = PC_RUNTIME;
	g->gopc = PC_RUNTIME;
	fake.callers[1] = PC_RUNTIME;
	sweep(fixture, 100);
	assert_int_equal(fixture->process->goroutines.now, 1);
	assert_int_equal(fixture->process->runtime_goroutines, 1);
	assert_true(site_of(fixture, "finalizer_wait", NULL)->runtime);
	assert_null(site_of(fixture, "finalizer_wait", NULL)->creator);
	assert_false(site_of(fixture, "chan_receive", NULL)->runtime);
	/* Only the runtime's frames are there: they are shown. */
	assert_string_equal(site_of(fixture, "finalizer_wait", NULL)->stack->frames[0].function,
			    "runtime.runfinq");
	end(fixture);
}

static void test_each_is_listed_by_id(void **state)
{
	struct fixture *fixture = begin(true, NULL);
	const struct goroutine_list *list = &fixture->process->goroutine_list;
	struct goroutine *g;

	(void)state;
	spawn(7, PC_SEND, REASON_SEND)->locked_m = 1;
	g = spawn(3, PC_RECEIVE, REASON_RECEIVE);
	g->status = GO_STATUS_RUNNING;
	g->parent_goid = 1;
	g->labels = 1;
	sweep(fixture, 100);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->entries[0].goid, 3);
	assert_int_equal(list->entries[0].parent_goid, 1);
	assert_string_equal(list->entries[0].state, "running");
	assert_string_equal(list->entries[0].labels, "user=alice");
	assert_null(list->entries[0].stack);
	assert_int_equal(list->entries[1].goid, 7);
	assert_string_equal(list->entries[1].state, "chan send");
	assert_true(list->entries[1].locked);
	assert_non_null(list->entries[1].stack);
	sweep(fixture, 101);
	assert_int_equal(list->count, 2);
	end(fixture);
}

/* Its header says nothing of what its thread does in C. */
static void test_who_moves_in_c_is_placed_anew(void **state)
{
	auto_free(stack) struct stack *poll = stack_new(1), *lock = stack_new(1);
	struct site *first, *second;
	struct fixture *fixture;

	(void)state;
	poll->frames[0] = (struct frame){.function = strdup("poll")};
	lock->frames[0] = (struct frame){.function = strdup("pthread_mutex_lock")};
	fixture = begin(false, poll);
	spawn(1, PC_SEND, 0)->status = GO_STATUS_SYSCALL;
	sweep(fixture, 100);
	first = site_of(fixture, "syscall", "main.send");
	assert_string_equal(first->stack->frames[0].function, "poll");
	thread_is_at = lock;
	sweep(fixture, 101);
	assert_int_equal(first->crowd.now, 0);
	assert_int_equal(first->crowd.departed, 1);
	second = site_with_leaf(fixture, "pthread_mutex_lock");
	assert_int_equal(second->crowd.now, 1);
	assert_int_equal(second->crowd.arrived, 1);
	/* It runs in C: nothing is known of where. */
	thread_is_at = NULL;
	fake.no_thread = true;
	sweep(fixture, 102);
	assert_int_equal(second->crowd.now, 1);
	end(fixture);
}

static void test_a_sweep_that_fails_changes_nothing(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	site = site_of(fixture, "chan_send", NULL);
	fake.sweep_error = -EFAULT;
	watched_process_begin_sweep(fixture->process, 101 * SECOND_NS);
	assert_int_equal(
		goroutine_tracker_sweep(fixture->tracker, 101 * SECOND_NS, &fixture->losses),
		-EFAULT);
	fake.sweep_error = 0;
	sweep(fixture, 102);
	assert_int_equal(site->crowd.now, 1);
	assert_int_equal(site->crowd.arrived, 0);
	assert_int_equal(site->crowd.departed, 0);
	end(fixture);
}

static void test_a_sweep_that_fails_halfway_changes_no_crowd(void **state)
{
	const struct verdict_rules rules = verdict_rules_default();
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	for (uint64_t goid = 1; goid <= 10; goid++)
		spawn(goid, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	site = site_of(fixture, "chan_send", NULL);
	/* Five die, and the sweep fails in between. */
	for (size_t i = 5; i < 10; i++)
		fake.goroutines[i].goid = 0;
	fake.sweep_error = -EFAULT;
	fake.error_at = 2;
	watched_process_begin_sweep(fixture->process, 101 * SECOND_NS);
	assert_int_equal(
		goroutine_tracker_sweep(fixture->tracker, 101 * SECOND_NS, &fixture->losses),
		-EFAULT);
	assert_int_equal(watched_process_end_sweep(fixture->process, &rules), 0);
	assert_int_equal(site->crowd.now, 10);
	assert_int_equal(fixture->process->goroutines.now, 10);
	assert_int_equal(fixture->process->goroutines.exited, 0);
	/* The next one counts them at once. */
	fake.sweep_error = 0;
	sweep(fixture, 102);
	assert_int_equal(site->crowd.now, 5);
	assert_int_equal(site->crowd.departed, 5);
	assert_int_equal(fixture->process->goroutines.exited, 5);
	end(fixture);
}

static void test_a_first_sweep_that_fails_is_none(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	fake.sweep_error = -EFAULT;
	fake.error_at = 1;
	watched_process_begin_sweep(fixture->process, 100 * SECOND_NS);
	goroutine_tracker_sweep(fixture->tracker, 100 * SECOND_NS, &fixture->losses);
	fake.sweep_error = 0;
	sweep(fixture, 101);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(site->crowd.now, 2);
	assert_int_equal(site->crowd.arrived, 0);
	assert_int_equal(site->crowd.oldest_bound, AGE_AT_LEAST);
	assert_int_equal(fixture->process->goroutines.born, 0);
	end(fixture);
}

static void test_who_cannot_be_read_stays_where_he_was(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	fake.lost = 2;
	sweep(fixture, 105);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(site->crowd.now, 2);
	assert_int_equal(site->crowd.oldest_ns, 5 * SECOND_NS);
	assert_int_equal(site->crowd.departed, 0);
	assert_int_equal(fixture->process->goroutines.now, 2);
	fake.lost = 0;
	sweep(fixture, 110);
	assert_int_equal(site->crowd.now, 2);
	assert_int_equal(site->crowd.arrived, 0);
	assert_int_equal(fixture->process->goroutines.born, 0);
	assert_int_equal(fixture->process->goroutines.exited, 0);
	end(fixture);
}

/* Its stack could not be read at first: that is our fault, not an arrival. */
static void test_who_is_read_later_did_not_come_later(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	fake.moves = 2;
	sweep(fixture, 100);
	spawn(3, PC_SEND, REASON_SEND);
	fake.moves = 3;
	sweep(fixture, 110);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(site->crowd.now, 2);
	assert_int_equal(site->crowd.arrived, 0);
	assert_int_equal(site->crowd.oldest_ns, 10 * SECOND_NS);
	/* This one came, and is counted when it is read. */
	fake.moves = 0;
	sweep(fixture, 120);
	assert_int_equal(site->crowd.now, 3);
	assert_int_equal(site->crowd.arrived, 1);
	end(fixture);
}

static void test_dropped_ones_have_not_ended(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *birth;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	birth = site_of(fixture, "birth", NULL);
	goroutine_tracker_drop(fixture->tracker);
	assert_int_equal(fixture->process->goroutines.now, 0);
	assert_int_equal(fixture->process->goroutines.exited, 0);
	assert_int_equal(birth->births.live, 0);
	assert_int_equal(birth->births.exited, 0);
	end(fixture);
}

/* A connection: its parent has ended, its writer waits, its reader reads. */
static struct goroutine *spawn_connection(uint64_t goid)
{
	struct goroutine *reader;

	spawn(goid, PC_RECEIVE, REASON_RECEIVE)->parent_goid = goid + 2;
	reader = spawn(goid + 1, PC_SEND, REASON_IO);
	reader->parent_goid = goid + 2;
	return reader;
}

static enum near_io ask(struct fixture *fixture, uint64_t now_s)
{
	struct site *site = site_of(fixture, "chan_receive", NULL);

	site->near_io = NEAR_IO_UNKNOWN;
	site->near_io_wanted = true;
	sweep(fixture, now_s);
	return site->near_io;
}

static void test_who_has_stayed_for_long_speaks_for_the_crowd(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn_connection(10);
	sweep(fixture, 100);
	assert_int_equal(ask(fixture, 399), NEAR_IO_UNKNOWN);
	for (uint64_t goid = 20; goid < 30; goid++)
		spawn(goid, PC_RECEIVE, REASON_RECEIVE)->parent_goid = 1000 + goid;
	assert_int_equal(ask(fixture, 400), NEAR_IO_YES);
	assert_int_equal(ask(fixture, 699), NEAR_IO_YES);
	assert_int_equal(ask(fixture, 700), NEAR_IO_NO);
	/* Who does not ask learns nothing. */
	site = site_of(fixture, "chan_receive", NULL);
	site->near_io = NEAR_IO_UNKNOWN;
	site->near_io_wanted = false;
	sweep(fixture, 701);
	assert_int_equal(site->near_io, NEAR_IO_UNKNOWN);
	end(fixture);
}

static void test_a_reader_may_pause(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct goroutine *reader;

	(void)state;
	reader = spawn_connection(10);
	sweep(fixture, 100);
	reader->status = GO_STATUS_RUNNING;
	assert_int_equal(ask(fixture, 500), NEAR_IO_YES);
	reader->status = GO_STATUS_WAITING;
	reader->wait_reason = REASON_SEND;
	assert_int_equal(ask(fixture, 510), NEAR_IO_YES);
	assert_int_equal(ask(fixture, 569), NEAR_IO_YES);
	/* It does not read any more: it has something else to wait for. */
	assert_int_equal(ask(fixture, 570), NEAR_IO_NO);
	reader->wait_reason = REASON_IO;
	assert_int_equal(ask(fixture, 571), NEAR_IO_YES);
	/* Another one in its slot. */
	reader->goid = 99;
	reader->status = GO_STATUS_RUNNING;
	assert_int_equal(ask(fixture, 572), NEAR_IO_NO);
	end(fixture);
}

static void test_a_sweep_that_fails_answers_nothing(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn_connection(10);
	sweep(fixture, 100);
	site = site_of(fixture, "chan_receive", NULL);
	site->near_io_wanted = true;
	fake.sweep_error = -EFAULT;
	fake.error_at = 1;
	watched_process_begin_sweep(fixture->process, 500 * SECOND_NS);
	assert_int_equal(
		goroutine_tracker_sweep(fixture->tracker, 500 * SECOND_NS, &fixture->losses),
		-EFAULT);
	assert_int_equal(site->near_io, NEAR_IO_UNKNOWN);
	fake.sweep_error = 0;
	assert_int_equal(ask(fixture, 510), NEAR_IO_YES);
	end(fixture);
}

/* From what is read to the verdict: one more every ten seconds, for half an hour. */
static enum verdict verdict_of_receivers(bool connections)
{
	struct fixture *fixture = begin(false, NULL);
	enum verdict verdict = VERDICT_STEADY;

	sweep(fixture, 100);
	for (uint64_t i = 1; i < 180; i++) {
		uint64_t goid = 10 * i;

		if (connections)
			spawn_connection(goid);
		else
			spawn(goid, PC_RECEIVE, REASON_RECEIVE)->parent_goid = goid + 2;
		sweep(fixture, 100 + 10 * i);
		if (verdict < site_of(fixture, "chan_receive", NULL)->verdict.verdict)
			verdict = site_of(fixture, "chan_receive", NULL)->verdict.verdict;
	}
	end(fixture);
	return verdict;
}

static void test_receivers_leak_unless_they_serve_connections(void **state)
{
	(void)state;
	assert_int_equal(verdict_of_receivers(true), VERDICT_GROWING);
	assert_int_equal(verdict_of_receivers(false), VERDICT_LEAKING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_sweep_counts_no_arrivals),
		cmocka_unit_test(test_who_comes_and_goes_is_counted_by_id),
		cmocka_unit_test(test_stays_are_the_same_in_every_look),
		cmocka_unit_test(test_who_has_run_begins_a_new_stay),
		cmocka_unit_test(test_who_finds_no_room_is_named_later),
		cmocka_unit_test(test_the_runtimes_own_are_counted_apart),
		cmocka_unit_test(test_each_is_listed_by_id),
		cmocka_unit_test(test_who_moves_in_c_is_placed_anew),
		cmocka_unit_test(test_a_sweep_that_fails_changes_nothing),
		cmocka_unit_test(test_a_sweep_that_fails_halfway_changes_no_crowd),
		cmocka_unit_test(test_a_first_sweep_that_fails_is_none),
		cmocka_unit_test(test_who_cannot_be_read_stays_where_he_was),
		cmocka_unit_test(test_who_is_read_later_did_not_come_later),
		cmocka_unit_test(test_dropped_ones_have_not_ended),
		cmocka_unit_test(test_who_has_stayed_for_long_speaks_for_the_crowd),
		cmocka_unit_test(test_a_reader_may_pause),
		cmocka_unit_test(test_a_sweep_that_fails_answers_nothing),
		cmocka_unit_test(test_receivers_leak_unless_they_serve_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
