/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_GOROUTINE_FIXTURE_H
#define PARKSCOPE_TESTS_GOROUTINE_FIXTURE_H

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
	REASON_IO = 2,
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

static inline bool find_4711(uint64_t tid, struct held_thread *thread, void *data)
{
	const struct stack *stack = thread_is_at ? thread_is_at : data;

	if (tid != 4711 || !stack || fake.no_thread)
		return false;
	*thread = (struct held_thread){
		.tid = 4711, .name = "worker", .site_hash = (uintptr_t)stack, .stack = stack};
	return true;
}

static inline struct fixture *begin(bool each, const struct stack *native)
{
	static struct fixture fixture;
	const struct goroutine_reader_config config = {
		.each = each,
		.stays = true,
		.find_thread = find_4711,
		.data = (void *)(uintptr_t)native,
	};

	memset(&fake, 0, sizeof(fake));
	fake.reasons.count = 19;
	strcpy(fake.reasons.texts[REASON_IO], "IO wait");
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

static inline void end(struct fixture *fixture)
{
	goroutine_tracker_free(fixture->tracker);
	watched_process_free(fixture->process);
}

static inline void sweep(struct fixture *fixture, uint64_t now_s)
{
	const struct verdict_rules rules = verdict_rules_default();

	watched_process_begin_sweep(fixture->process, now_s * SECOND_NS);
	assert_int_equal(
		goroutine_tracker_sweep(fixture->tracker, now_s * SECOND_NS, &fixture->losses), 0);
	assert_int_equal(watched_process_end_sweep(fixture->process, &rules), 0);
}

static inline struct goroutine *spawn(uint64_t goid, uint64_t pc, uint8_t reason)
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
static inline struct site *site_of(struct fixture *fixture, const char *reason, const char *caller)
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

static inline struct site *site_with_leaf(struct fixture *fixture, const char *function)
{
	struct site *site, *next;

	HASH_ITER (hh, fixture->process->sites, site, next)
		if (strcmp(site->stack->frames[0].function, function) == 0)
			return site;
	fail_msg("no site at %s", function);
	return NULL;
}

#endif
