// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_tracker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "goruntime/go_semaphores.h"
#include "goruntime/goroutine_stack.h"
#include "goruntime/goroutine_sweep.h"
#include "goruntime/goroutine_wait.h"
#include "model/report.h"
#include "sources/goroutine_groups.h"
#include "unit_test.h"

/*
 * A process made up: these functions stand in for the reader of Go runtimes, which the
 * linker then leaves out.
 */

#define SECOND_NS 1000000000ULL
#define FAKES_MAX 20000

enum {
	PC_SEND = 0x1000,    /* in main.send, main.go:10 */
	PC_RECEIVE = 0x2000, /* in main.receive, main.go:20 */
	PC_CALLER_A = 0x3000,
	PC_CALLER_B = 0x4000,
	PC_GO = 0x5000, /* in main.main, main.go:50 */
	PC_RUNTIME = 0x6000,
	REASON_SEND = 15,
	REASON_RECEIVE = 14,
	REASON_FINALIZER = 16,
	REASON_SEMACQUIRE = 18,
};

static struct {
	struct goroutine goroutines[FAKES_MAX];
	uint64_t callers[FAKES_MAX];
	size_t count;
	size_t stack_reads;
	uint64_t moves; /* goid whose stack cannot be read */
	uint64_t wakes; /* goid that runs when it is looked at again */
	int sweep_error;
	size_t error_at; /* how many are visited before it */
	uint64_t lost;   /* goid that cannot be read */
	bool no_thread;
	bool channels_shared;
	bool semaphores_unknown;
	uint64_t semaphores_forgotten;
	struct go_wait_reasons reasons;
} fake;

static const struct go_process *const fake_go = (const struct go_process *)&fake;

const struct go_wait_reasons *go_process_wait_reasons(const struct go_process *go)
{
	(void)go;
	return &fake.reasons;
}

const char *go_process_module(const struct go_process *go)
{
	(void)go;
	return "server";
}

size_t go_process_find_calls(const struct go_process *go, uint64_t address, struct go_call *calls,
			     size_t capacity)
{
	static const char *const names[] = {
		[0] = "unused",          [1] = "main.send",    [2] = "main.receive",
		[3] = "main.callerA",    [4] = "main.callerB", [5] = "main.main",
		[6] = "runtime.runfinq",
	};
	uint64_t index = (address + 1) >> 12;

	(void)go;
	if (!capacity || index < 1 || index > 6)
		return 0;
	calls[0] = (struct go_call){.line = (uint32_t)index * 10, .entry = index << 12};
	snprintf(calls[0].function, sizeof(calls[0].function), "%s", names[index]);
	snprintf(calls[0].file, sizeof(calls[0].file), "/src/main.go");
	return 1;
}

struct goroutine_sweep *goroutine_sweep_new(const struct go_process *go)
{
	(void)go;
	return (struct goroutine_sweep *)&fake;
}

void goroutine_sweep_free(struct goroutine_sweep *sweep)
{
	(void)sweep;
}

size_t goroutine_sweep_length(const struct goroutine_sweep *sweep)
{
	(void)sweep;
	return fake.count;
}

int goroutine_sweep_run(struct goroutine_sweep *sweep,
			int (*visit)(size_t, const struct goroutine *, void *), void *context,
			struct goroutine_sweep_losses *losses)
{
	(void)sweep;
	losses->damaged = 2;
	for (size_t i = 0; i < fake.count; i++) {
		const struct goroutine *g = &fake.goroutines[i];
		int err;

		if (fake.sweep_error && i == fake.error_at)
			return fake.sweep_error;
		err = g->goid ? visit(i, g->goid == fake.lost ? NULL : g, context) : 0;
		if (err)
			return err;
	}
	return 0;
}

int goroutine_stack_read(const struct go_process *go, const struct goroutine *goroutine,
			 struct goroutine_stack *stack)
{
	size_t index = (size_t)goroutine->address;

	(void)go;
	fake.stack_reads++;
	if (goroutine->status == GO_STATUS_RUNNING) {
		*stack = (struct goroutine_stack){.end = GOROUTINE_STACK_RUNNING};
		return 0;
	}
	if (goroutine->goid == fake.moves)
		return -ESTALE;
	*stack = (struct goroutine_stack){
		.end = GOROUTINE_STACK_WHOLE,
		.count = 2,
		.frames = {goroutine->pc, fake.callers[index]},
	};
	return 0;
}

int goroutine_read(const struct go_process *go, uint64_t address, struct goroutine *goroutine)
{
	(void)go;
	*goroutine = fake.goroutines[address];
	if (goroutine->goid == fake.wakes)
		goroutine->status = GO_STATUS_RUNNING;
	return 0;
}

int goroutine_wait_read(const struct go_process *go, const struct goroutine *goroutine,
			struct goroutine_wait *wait)
{
	(void)go;
	*wait = (struct goroutine_wait){
		.kind = GOROUTINE_WAIT_CHANNEL,
		.object = fake.channels_shared ? 1 : goroutine->goid,
		.alone = !fake.channels_shared,
	};
	return 0;
}

struct go_semaphores *go_semaphores_new(const struct go_process *go)
{
	(void)go;
	return (struct go_semaphores *)&fake;
}

void go_semaphores_free(struct go_semaphores *semaphores)
{
	(void)semaphores;
}

void go_semaphores_forget(struct go_semaphores *semaphores)
{
	(void)semaphores;
	fake.semaphores_forgotten++;
}

bool go_semaphores_find(struct go_semaphores *semaphores, const struct goroutine *goroutine,
			uint64_t *semaphore, bool *alone)
{
	(void)semaphores;
	if (fake.semaphores_unknown)
		return false;
	*semaphore = fake.channels_shared ? 1 : goroutine->goid;
	*alone = !fake.channels_shared;
	return true;
}

uint64_t goroutine_thread(const struct go_process *go, const struct goroutine *goroutine)
{
	(void)go;
	(void)goroutine;
	return 4711;
}

void goroutine_labels_read(const struct go_process *go, const struct goroutine *goroutine,
			   char *text, size_t size)
{
	(void)go;
	(void)goroutine;
	snprintf(text, size, "user=alice");
}

struct fixture {
	struct watched_process *process;
	struct goroutine_tracker *tracker;
	struct losses losses;
};

/* Instead of where the fixture says; NULL: there. */
static const struct stack *thread_is_at;

static bool find_4711(uint64_t tid, struct held_thread *thread, void *data)
{
	const struct stack *stack = thread_is_at ? thread_is_at : data;

	if (tid != 4711 || !stack || fake.no_thread)
		return false;
	*thread = (struct held_thread){.tid = 4711, .name = "worker", .stack = stack};
	return true;
}

static struct fixture *begin(bool each, const struct stack *native)
{
	static struct fixture fixture;
	const struct goroutine_reader_config config = {
		.each = each,
		.find_thread = find_4711,
		.data = (void *)(uintptr_t)native,
	};

	memset(&fake, 0, sizeof(fake));
	fake.reasons.count = 19;
	strcpy(fake.reasons.texts[REASON_SEND], "chan send");
	strcpy(fake.reasons.texts[REASON_RECEIVE], "chan receive");
	strcpy(fake.reasons.texts[REASON_FINALIZER], "finalizer wait");
	strcpy(fake.reasons.texts[REASON_SEMACQUIRE], "semacquire");
	fixture = (struct fixture){.process = watched_process_new(1, 0, 0)};
	assert_non_null(fixture.process);
	fixture.process->go_version = strdup("go1.19");
	fixture.tracker = goroutine_tracker_new(fake_go, fixture.process, &config);
	assert_non_null(fixture.tracker);
	return &fixture;
}

static void end(struct fixture *fixture)
{
	goroutine_tracker_free(fixture->tracker);
	watched_process_free(fixture->process);
}

static void sweep(struct fixture *fixture, uint64_t now_s)
{
	watched_process_begin_sweep(fixture->process);
	assert_int_equal(
		goroutine_tracker_sweep(fixture->tracker, now_s * SECOND_NS, &fixture->losses), 0);
	watched_process_end_sweep(fixture->process, now_s * SECOND_NS);
}

static struct goroutine *spawn(uint64_t goid, uint64_t pc, uint8_t reason)
{
	struct goroutine *g = &fake.goroutines[fake.count];

	*g = (struct goroutine){
		.address = fake.count,
		.goid = goid,
		.stack_lo = 0x10000,
		.stack_hi = 0x12000,
		.sp = 0x11f00,
		.pc = pc,
		.gopc = PC_GO,
		.startpc = PC_CALLER_A,
		.waiting = 0x900000 + goid,
		.status = GO_STATUS_WAITING,
		.wait_reason = reason,
		.sequence = 1,
	};
	fake.callers[fake.count++] = PC_CALLER_A;
	return g;
}

/* The only site of that kind and reason whose second frame is `caller`. */
static struct site *site_of(struct fixture *fixture, const char *reason, const char *caller)
{
	struct site *site, *next, *found = NULL;

	HASH_ITER (hh, fixture->process->sites, site, next)
		if (strcmp(site->reason, reason) == 0 &&
		    (!caller || strcmp(site->stack->frames[1].function, caller) == 0)) {
			assert_null(found);
			found = site;
		}
	assert_non_null(found);
	return found;
}

static struct site *site_with_leaf(struct fixture *fixture, const char *function)
{
	struct site *site, *next;

	HASH_ITER (hh, fixture->process->sites, site, next)
		if (strcmp(site->stack->frames[0].function, function) == 0)
			return site;
	fail_msg("no site at %s", function);
	return NULL;
}

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
	watched_process_begin_sweep(fixture->process);
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
	watched_process_begin_sweep(fixture->process);
	assert_int_equal(
		goroutine_tracker_sweep(fixture->tracker, 101 * SECOND_NS, &fixture->losses),
		-EFAULT);
	watched_process_end_sweep(fixture->process, 101 * SECOND_NS);
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
	watched_process_begin_sweep(fixture->process);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_sweep_counts_no_arrivals),
		cmocka_unit_test(test_who_comes_and_goes_is_counted_by_id),
		cmocka_unit_test(test_who_has_run_begins_a_new_stay),
		cmocka_unit_test(test_a_crowd_is_read_by_a_sample),
		cmocka_unit_test(test_where_the_sample_differs_all_are_read),
		cmocka_unit_test(test_too_many_that_differ_are_a_loss),
		cmocka_unit_test(test_who_moves_is_lost_and_looked_at_again),
		cmocka_unit_test(test_who_wakes_up_meanwhile_is_no_loss),
		cmocka_unit_test(test_the_runtimes_own_are_counted_apart),
		cmocka_unit_test(test_what_a_crowd_waits_for),
		cmocka_unit_test(test_what_a_crowd_at_semaphores_waits_for),
		cmocka_unit_test(test_each_is_listed_by_id),
		cmocka_unit_test(test_native_frames_come_first_in_a_call_of_c),
		cmocka_unit_test(test_who_runs_at_last_has_no_stack),
		cmocka_unit_test(test_who_moves_in_c_is_placed_anew),
		cmocka_unit_test(test_a_sweep_that_fails_changes_nothing),
		cmocka_unit_test(test_a_sweep_that_fails_halfway_changes_no_crowd),
		cmocka_unit_test(test_a_first_sweep_that_fails_is_none),
		cmocka_unit_test(test_who_cannot_be_read_stays_where_he_was),
		cmocka_unit_test(test_who_is_read_later_did_not_come_later),
		cmocka_unit_test(test_dropped_ones_have_not_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
