// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_reader.h"

#include "goroutine_fixture.h"

static void test_a_crowd_is_read_by_a_sample(void **state)
{
	struct fixture *fixture = begin(false, NULL);

	(void)state;
	for (uint64_t goid = 1; goid <= 10000; goid++)
		spawn(goid, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	assert_int_equal(fake.stack_reads, GOROUTINE_SAMPLE);
	assert_int_equal(site_of(fixture, "chan_send", NULL)->crowd.now, 10000);
	sweep(fixture, 101);
	assert_int_equal(fake.stack_reads, GOROUTINE_SAMPLE);
	end(fixture);
}

static void test_where_the_sample_differs_all_are_read(void **state)
{
	struct fixture *fixture = begin(false, NULL);

	(void)state;
	for (uint64_t goid = 1; goid <= 1000; goid++) {
		spawn(goid, PC_SEND, REASON_SEND);
		if (goid % 4 == 0)
			fake.callers[goid - 1] = PC_CALLER_B;
	}
	sweep(fixture, 100);
	assert_int_equal(fake.stack_reads, 1000);
	assert_int_equal(site_of(fixture, "chan_send", "main.callerA")->crowd.now, 750);
	assert_int_equal(site_of(fixture, "chan_send", "main.callerB")->crowd.now, 250);
	assert_int_equal(losses_interval_of(&fixture->losses, "goroutine_stack_not_read"), 0);
	end(fixture);
}

static void test_too_many_that_differ_are_a_loss(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	uint64_t lost;

	(void)state;
	for (uint64_t goid = 1; goid <= 18000; goid++) {
		spawn(goid, PC_SEND, REASON_SEND);
		fake.callers[goid - 1] = goid % 2 ? PC_CALLER_A : PC_CALLER_B;
	}
	sweep(fixture, 100);
	lost = losses_interval_of(&fixture->losses, "goroutine_stack_not_read");
	assert_int_equal(lost, 18000 - GOROUTINE_SAMPLE - GOROUTINE_STACKS_MAX);
	assert_int_equal(site_of(fixture, "chan_send", "main.callerA")->crowd.now +
				 site_of(fixture, "chan_send", "main.callerB")->crowd.now,
			 18000);
	end(fixture);
}

static void test_who_moves_is_lost_and_looked_at_again(void **state)
{
	struct fixture *fixture = begin(false, NULL);

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	fake.moves = 2;
	sweep(fixture, 100);
	assert_int_equal(site_of(fixture, "chan_send", NULL)->crowd.now, 1);
	assert_int_equal(losses_interval_of(&fixture->losses, "goroutine_moved"), 1);
	assert_int_equal(fixture->process->goroutines.now, 2);
	fake.moves = 0;
	sweep(fixture, 101);
	assert_int_equal(site_of(fixture, "chan_send", NULL)->crowd.now, 2);
	end(fixture);
}

static void test_who_wakes_up_meanwhile_is_no_loss(void **state)
{
	struct fixture *fixture = begin(false, NULL);

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	fake.moves = fake.wakes = 2;
	sweep(fixture, 100);
	assert_int_equal(site_of(fixture, "chan_send", NULL)->crowd.now, 1);
	assert_int_equal(losses_interval_of(&fixture->losses, "goroutine_moved"), 0);
	assert_int_equal(fixture->process->goroutines.now, 2);
	end(fixture);
}

static void test_what_a_crowd_waits_for(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	spawn(1, PC_SEND, REASON_SEND);
	spawn(2, PC_SEND, REASON_SEND);
	sweep(fixture, 100);
	site = site_of(fixture, "chan_send", NULL);
	assert_int_equal(wait_objects_sharing(&site->objects), WAIT_SHARING_ALONE);
	/* Nobody came or left: nothing is read again. */
	fake.channels_shared = true;
	sweep(fixture, 101);
	assert_int_equal(wait_objects_sharing(&site->objects), WAIT_SHARING_ALONE);
	spawn(3, PC_SEND, REASON_SEND);
	sweep(fixture, 102);
	sweep(fixture, 103);
	assert_int_equal(wait_objects_sharing(&site->objects), WAIT_SHARING_ONE);
	assert_int_equal(site->objects.looked_at, 3);
	end(fixture);
}

static void test_what_a_crowd_at_semaphores_waits_for(void **state)
{
	struct fixture *fixture = begin(false, NULL);
	struct site *site;

	(void)state;
	fake.semaphores_unknown = true;
	spawn(1, PC_SEND, REASON_SEMACQUIRE)->waiting = 0;
	spawn(2, PC_SEND, REASON_SEMACQUIRE)->waiting = 0;
	sweep(fixture, 100);
	site = site_of(fixture, "semacquire", NULL);
	assert_int_equal(site->objects.looked_at, 0);
	assert_int_equal(wait_objects_sharing(&site->objects), WAIT_SHARING_UNKNOWN);
	fake.semaphores_unknown = false;
	spawn(3, PC_SEND, REASON_SEMACQUIRE)->waiting = 0;
	sweep(fixture, 101);
	sweep(fixture, 102);
	assert_int_equal(site->objects.looked_at, 3);
	assert_int_equal(site->objects.kind, WAIT_OBJECT_SEMAPHORE);
	assert_int_equal(wait_objects_sharing(&site->objects), WAIT_SHARING_ALONE);
	fake.channels_shared = true;
	spawn(4, PC_SEND, REASON_SEMACQUIRE)->waiting = 0;
	sweep(fixture, 103);
	sweep(fixture, 104);
	assert_int_equal(wait_objects_sharing(&site->objects), WAIT_SHARING_ONE);
	assert_int_equal(fake.semaphores_forgotten, 5);
	assert_int_equal(losses_interval_of(&fixture->losses, "goroutine_moved"), 0);
	assert_int_equal(site->crowd.now, 4);
	end(fixture);
}

static void test_native_frames_come_first_in_a_call_of_c(void **state)
{
	auto_free(stack) struct stack *native = stack_new(3);
	struct fixture *fixture;
	struct site *site;

	(void)state;
	native->frames[0] =
		(struct frame){.kind = FRAME_KERNEL, .function = strdup("do_nanosleep")};
	native->frames[1] = (struct frame){.function = strdup("usleep")};
	native->frames[2] = (struct frame){.function = strdup("runtime.asmcgocall.abi0"),
					   .address = PC_RUNTIME + 8};
	fixture = begin(false, native);
	spawn(1, PC_SEND, 0)->status = GO_STATUS_SYSCALL;
	sweep(fixture, 100);
	site = site_of(fixture, "syscall", NULL);
	assert_int_equal(site->stack->count, 3);
	assert_string_equal(site->stack->frames[0].function, "usleep");
	assert_string_equal(site->stack->frames[1].function, "main.send");
	assert_int_equal(site->names.count, 1);
	assert_string_equal(site->names.items[0].text, "worker");
	assert_int_equal(site->names.items[0].tid, 4711);
	end(fixture);
}

/* It was about to run, and did: there is no stack of it, and no place. */
static void test_who_runs_at_last_has_no_stack(void **state)
{
	struct fixture *fixture = begin(true, NULL);
	const struct goroutine_list *list = &fixture->process->goroutine_list;

	(void)state;
	spawn(1, PC_SEND, 0)->status = GO_STATUS_RUNNABLE;
	sweep(fixture, 100);
	assert_non_null(list->entries[0].stack);
	fake.moves = fake.wakes = 1;
	sweep(fixture, 101);
	assert_int_equal(list->count, 1);
	assert_null(list->entries[0].stack);
	assert_int_equal(losses_interval_of(&fixture->losses, "goroutine_stack_cut"), 0);
	end(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_crowd_is_read_by_a_sample),
		cmocka_unit_test(test_where_the_sample_differs_all_are_read),
		cmocka_unit_test(test_too_many_that_differ_are_a_loss),
		cmocka_unit_test(test_who_moves_is_lost_and_looked_at_again),
		cmocka_unit_test(test_who_wakes_up_meanwhile_is_no_loss),
		cmocka_unit_test(test_what_a_crowd_waits_for),
		cmocka_unit_test(test_what_a_crowd_at_semaphores_waits_for),
		cmocka_unit_test(test_native_frames_come_first_in_a_call_of_c),
		cmocka_unit_test(test_who_runs_at_last_has_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
