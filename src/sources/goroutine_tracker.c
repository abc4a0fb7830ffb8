// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "goruntime/go_semaphores.h"
#include "goruntime/goroutine_stack.h"
#include "goruntime/goroutine_sweep.h"
#include "goruntime/goroutine_wait.h"
#include "sources/goroutine_places.h"

#define LABELS_SIZE 1024

/* How often the stack of a goroutine that parks again and again is read. */
#define STACK_TRIES 4

/* Distinct headers that are remembered; beyond it, all are forgotten. */
#define GROUPS_MAX 65536

/* What is known of the goroutine in one slot of allgs. */
struct goroutine_state {
	uint64_t goid; /* 0: the slot is dead */
	uint32_t stay; /* changes when the goroutine has run */
	uint32_t
		since_cs; /* when the stay began, in hundredths of a second after the first sweep */
	uint32_t place : 31;   /* number of its goroutine_place; 0: not parked */
	uint32_t seen : 1;     /* in this sweep, if it equals the tracker's */
	uint32_t birth : 30;   /* number of its goroutine_birth; 0: not known */
	uint32_t at_least : 1; /* the stay was there at the first sweep */
	uint32_t runtime : 1;  /* counted as the runtime's own */
};

enum {
	BIRTH_MASK = (1U << 30) - 1,
	PLACE_MASK = INT32_MAX,
};

_Static_assert(sizeof(struct goroutine_state) == 24, "a million of them are kept");

/* Goroutines with the same header, whose stacks are most likely the same. */
struct goroutine_group {
	struct {
		uint64_t gopc, startpc, pc;
		uint64_t depth; /* bytes of stack in use */
		uint64_t status_and_reason;
	} key;
	uint32_t place; /* of the last one read */
	uint32_t reads; /* in this sweep */
	uint64_t sweep;
	bool mixed; /* two stacks differed */
	UT_hash_handle hh;
};

struct goroutine_tracker {
	const struct go_process *go;
	struct watched_process *process;
	struct goroutine_tracker_config config;
	struct goroutine_sweep *sweep;
	struct go_semaphores *semaphores;
	struct goroutine_places *places;
	struct goroutine_group *groups; /* uthash */
	struct goroutine_state *states; /* by index in allgs */
	size_t states_count;
	size_t states_capacity;
	uint64_t first_ns; /* of the first sweep */
	uint64_t sweeps;
	/* Of this sweep. */
	uint64_t now_ns;
	uint64_t swept_ns;   /* the sweep before */
	uint64_t started_ns; /* the process; nothing in it waits for longer */
	uint64_t extra_reads;
	struct losses *losses;
	uint32_t seen : 1;
};

static void forget_groups(struct goroutine_tracker *tracker)
{
	struct goroutine_group *group, *next;

	HASH_ITER (hh, tracker->groups, group, next) {
		HASH_DEL(tracker->groups, group);
		free(group);
	}
}

void goroutine_tracker_free(struct goroutine_tracker *tracker)
{
	if (!tracker)
		return;
	forget_groups(tracker);
	/* Its stacks belong to the places. */
	goroutine_list_clear(&tracker->process->goroutine_list);
	goroutine_places_free(tracker->places);
	go_semaphores_free(tracker->semaphores);
	goroutine_sweep_free(tracker->sweep);
	free(tracker->states);
	free(tracker);
}

struct goroutine_tracker *goroutine_tracker_new(const struct go_process *go,
						struct watched_process *process,
						const struct goroutine_tracker_config *config)
{
	auto_free(goroutine_tracker) struct goroutine_tracker *tracker =
		calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	tracker->go = go;
	tracker->process = process;
	tracker->config = *config;
	tracker->sweep = goroutine_sweep_new(go);
	tracker->semaphores = go_semaphores_new(go);
	tracker->places = goroutine_places_new(go, process, config->runtime_frames);
	if (!tracker->sweep || !tracker->semaphores || !tracker->places)
		return NULL;
	return take_ptr(tracker);
}

static struct goroutine_state *state_at(struct goroutine_tracker *tracker, size_t index)
{
	if (index >= tracker->states_capacity) {
		size_t capacity = index + index / 8 + 64;
		struct goroutine_state *states =
			realloc(tracker->states, capacity * sizeof(*states));

		if (!states)
			return NULL;
		memset(states + tracker->states_capacity, 0,
		       (capacity - tracker->states_capacity) * sizeof(*states));
		tracker->states = states;
		tracker->states_capacity = capacity;
	}
	if (index >= tracker->states_count)
		tracker->states_count = index + 1;
	return &tracker->states[index];
}

static const char *state_text(const struct goroutine_tracker *tracker, const struct goroutine *g)
{
	const struct go_wait_reasons *reasons = go_process_wait_reasons(tracker->go);

	switch (g->status) {
	case GO_STATUS_RUNNABLE:
		return "runnable";
	case GO_STATUS_RUNNING:
		return "running";
	case GO_STATUS_SYSCALL:
		return "syscall";
	case GO_STATUS_COPYSTACK:
		return "copystack";
	case GO_STATUS_PREEMPTED:
		return "preempted";
	case GO_STATUS_WAITING:
	case GO_STATUS_LEAKED:
		if (g->wait_reason < reasons->count && *reasons->texts[g->wait_reason])
			return reasons->texts[g->wait_reason];
		return "waiting";
	default:
		return "unknown";
	}
}

static const char *park_reason(const struct goroutine_tracker *tracker, const struct goroutine *g)
{
	return g->status == GO_STATUS_SYSCALL ? "syscall"
					      : go_wait_reason_name(state_text(tracker, g));
}

static bool is_parked(const struct goroutine *g)
{
	return g->status == GO_STATUS_WAITING || g->status == GO_STATUS_LEAKED ||
	       g->status == GO_STATUS_SYSCALL;
}

/* Without addresses in the stack, which the garbage collector moves while it is parked. */
static uint32_t stay_of(const struct goroutine *g)
{
	const uint64_t words[] = {
		g->pc,
		g->stack_hi - g->sp,
		g->waiting,
		(uint64_t)g->status << 16 | (uint64_t)g->wait_reason << 8 | g->sequence,
	};

	return (uint32_t)XXH3_64bits(words, sizeof(words));
}

/* The runtime's own, but for finalizers that are in the program's code (runfinq, fingwait). */
static bool is_runtime(const struct goroutine_tracker *tracker, const struct goroutine_birth *birth,
		       const struct goroutine *g)
{
	if (!birth || !birth->runtime)
		return false;
	return !birth->finalizers || (g->status == GO_STATUS_WAITING &&
				      strcmp(state_text(tracker, g), "finalizer wait") == 0);
}

static void count_alive(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			int64_t change)
{
	uint64_t *count = state->runtime ? &tracker->process->runtime_goroutines
					 : &tracker->process->goroutines.now;

	*count += (uint64_t)change;
}

static void leave_place(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	struct goroutine_place *place = goroutine_places_at(tracker->places, state->place);

	if (place)
		crowd_leave(&place->site->crowd);
	state->place = 0;
}

static void end_goroutine(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	struct goroutine_birth *birth = goroutine_places_birth_at(tracker->places, state->birth);

	leave_place(tracker, state);
	count_alive(tracker, state, -1);
	if (!state->runtime)
		tracker->process->goroutines.exited++;
	if (birth) {
		birth->site->births.live--;
		birth->site->births.exited++;
	}
	*state = (struct goroutine_state){0};
}

static void begin_goroutine(struct goroutine_tracker *tracker, struct goroutine_state *state,
			    const struct goroutine *g)
{
	struct goroutine_birth *birth = goroutine_places_birth(tracker->places, g);
	bool born = tracker->sweeps > 1;

	state->goid = g->goid;
	state->birth = birth ? birth->number & BIRTH_MASK : 0;
	state->runtime = is_runtime(tracker, birth, g);
	count_alive(tracker, state, 1);
	if (born && !state->runtime)
		tracker->process->goroutines.born++;
	if (!birth) {
		losses_add(tracker->losses, "sites_full", 1);
		return;
	}
	birth->site->births.live++;
	if (born)
		birth->site->births.born++;
}

static struct goroutine_group *group_of(struct goroutine_tracker *tracker,
					const struct goroutine *g)
{
	struct goroutine_group *group = NULL;
	struct goroutine_group wanted = {0};

	wanted.key.gopc = g->gopc;
	wanted.key.startpc = g->startpc;
	wanted.key.pc = g->pc;
	wanted.key.depth = g->stack_hi - g->sp;
	wanted.key.status_and_reason = (uint64_t)g->status << 8 | g->wait_reason;
	HASH_FIND(hh, tracker->groups, &wanted.key, sizeof(wanted.key), group);
	if (!group) {
		if (HASH_COUNT(tracker->groups) >= GROUPS_MAX)
			forget_groups(tracker);
		group = calloc(1, sizeof(*group));
		if (!group)
			return NULL;
		group->key = wanted.key;
		HASH_ADD(hh, tracker->groups, key, sizeof(group->key), group);
	}
	if (group->sweep != tracker->sweeps) {
		group->sweep = tracker->sweeps;
		group->reads = 0;
	}
	return group;
}

/* The C frames of the thread that the goroutine holds. */
static const struct stack *native_stack(const struct goroutine_tracker *tracker,
					const struct goroutine *g)
{
	uint64_t tid;

	if (g->status != GO_STATUS_SYSCALL || !tracker->config.thread_stack)
		return NULL;
	tid = goroutine_thread(tracker->go, g);
	return tid ? tracker->config.thread_stack(tid, tracker->config.data) : NULL;
}

/*
 * The stack of a goroutine that may run meanwhile: `g` is then what it was when its stack
 * was read. -ENOENT: it does not stand still any more, which is all that there is to see;
 * -ESTALE: it stands still, but never for long enough.
 */
static int read_stack(const struct goroutine_tracker *tracker, struct goroutine *g,
		      struct goroutine_stack *stack)
{
	for (int try = 0; try < STACK_TRIES; try++) {
		struct goroutine now;

		if (!goroutine_stack_read(tracker->go, g, stack))
			return 0;
		if (goroutine_read(tracker->go, g->address, &now) || now.goid != g->goid ||
		    is_parked(&now) != is_parked(g))
			return -ENOENT;
		*g = now;
	}
	return -ESTALE;
}

/*
 * The number of the place where it is parked, or stands without a reason; 0: it moved, or
 * there are too many.
 */
static uint32_t read_place(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			   struct goroutine *g, bool parked)
{
	const struct goroutine_birth *birth =
		goroutine_places_birth_at(tracker->places, state->birth);
	struct goroutine_place *place;
	struct goroutine_stack stack;
	int err;

	if (!birth)
		return 0;
	err = read_stack(tracker, g, &stack);
	if (err == -ESTALE)
		losses_add(tracker->losses, "goroutine_moved", 1);
	if (err)
		return 0;
	if (stack.end != GOROUTINE_STACK_WHOLE)
		losses_add(tracker->losses, "goroutine_stack_cut", 1);
	place = goroutine_places_park(tracker->places, birth,
				      parked ? park_reason(tracker, g) : NULL, &stack,
				      native_stack(tracker, g));
	if (!place) {
		losses_add(tracker->losses, "sites_full", 1);
		return 0;
	}
	return place->number;
}

/* Whether to read this one's stack, too, or to take it for that of the last one like it. */
static bool wants_reading(struct goroutine_tracker *tracker, const struct goroutine_group *group,
			  const struct goroutine *g)
{
	if (tracker->config.each || !group || !group->place || group->reads < GOROUTINE_SAMPLE)
		return true;
	if (!group->mixed && g->status != GO_STATUS_SYSCALL)
		return false;
	if (tracker->extra_reads < GOROUTINE_STACKS_MAX) {
		tracker->extra_reads++;
		return true;
	}
	losses_add(tracker->losses, "goroutine_stack_not_read", 1);
	return false;
}

static uint32_t place_of(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			 struct goroutine *g)
{
	struct goroutine_group *group = group_of(tracker, g);
	uint32_t place;

	if (!wants_reading(tracker, group, g))
		return group->place;
	place = read_place(tracker, state, g, true);
	if (place && group) {
		group->mixed |= group->place && group->place != place;
		group->place = place;
		group->reads++;
	}
	return place;
}

/* When we saw it first, or a garbage collection of its own, if that was earlier. */
static uint64_t parked_since(const struct goroutine_tracker *tracker,
			     const struct goroutine_state *state, const struct goroutine *g)
{
	uint64_t since_ns = tracker->first_ns + (uint64_t)state->since_cs * 10000000;

	if (since_ns > tracker->now_ns)
		since_ns = tracker->now_ns;
	if (g->status == GO_STATUS_WAITING && g->wait_since_ns > tracker->started_ns &&
	    g->wait_since_ns < since_ns)
		return g->wait_since_ns;
	return since_ns;
}

static bool read_semaphore(struct goroutine_tracker *tracker, const struct goroutine *g,
			   struct wait_object *object)
{
	object->kind = WAIT_OBJECT_SEMAPHORE;
	return go_semaphores_find(tracker->semaphores, g, &object->identity, &object->alone);
}

static bool read_channels(const struct goroutine_tracker *tracker, const struct goroutine *g,
			  struct wait_object *object)
{
	struct goroutine_wait wait;

	if (goroutine_wait_read(tracker->go, g, &wait))
		return false;
	if (wait.kind == GOROUTINE_WAIT_CHANNEL)
		object->kind = WAIT_OBJECT_CHANNEL;
	else if (wait.kind == GOROUTINE_WAIT_SELECT)
		object->kind = WAIT_OBJECT_SELECT;
	object->identity = wait.object;
	object->alone = wait.alone;
	object->capacity = wait.capacity;
	object->length = wait.length;
	object->closed = wait.closed;
	return true;
}

/* The objects of a crowd are looked at again when it has changed. */
static void look_at_object(struct goroutine_tracker *tracker, struct site *site,
			   const struct goroutine *g)
{
	uint64_t changes = site->crowd.arrived + site->crowd.departed + 1;
	struct wait_object object = {0};

	if (!site->crowd.now) {
		site->objects_stale = site->objects_as_of != changes;
		site->objects_as_of = changes;
		if (site->objects_stale)
			wait_objects_clear(&site->objects);
	}
	if (!site->objects_stale || site->objects.looked_at == WAIT_OBJECTS_MAX ||
	    g->status != GO_STATUS_WAITING)
		return;
	if (go_wait_reason_is_semaphore(site->reason) ? read_semaphore(tracker, g, &object)
						      : read_channels(tracker, g, &object))
		wait_objects_add(&site->objects, &object);
}

static void count_parked(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			 const struct goroutine *g, bool arrived)
{
	struct goroutine_place *place = goroutine_places_at(tracker->places, state->place);

	if (!place)
		return;
	look_at_object(tracker, place->site, g);
	/* Who came since the last sweep may have come just after it. */
	if (arrived && tracker->sweeps > 1)
		crowd_park(&place->site->crowd, tracker->now_ns - tracker->swept_ns, AGE_AT_MOST,
			   true);
	else
		crowd_park(&place->site->crowd, tracker->now_ns - parked_since(tracker, state, g),
			   state->at_least ? AGE_AT_LEAST : AGE_EXACT, false);
}

/* Of one that is not parked either, if it stands still. */
static const struct goroutine_place *listed_place(struct goroutine_tracker *tracker,
						  const struct goroutine_state *state,
						  struct goroutine *g)
{
	uint32_t place = state->place;

	if (!place && (g->status == GO_STATUS_RUNNABLE || g->status == GO_STATUS_PREEMPTED))
		place = read_place(tracker, state, g, false);
	return goroutine_places_at(tracker->places, place);
}

static int list_goroutine(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			  struct goroutine *g)
{
	const struct goroutine_place *place = listed_place(tracker, state, g);
	const struct goroutine_birth *birth =
		goroutine_places_birth_at(tracker->places, state->birth);
	struct goroutine_entry entry = {
		.goid = g->goid,
		.parent_goid = g->parent_goid,
		.state = state_text(tracker, g),
		.stack = place ? place->stack : NULL,
		.creator = birth ? birth->creator : NULL,
		.locked = g->locked_m != 0,
		.runtime = state->runtime,
	};
	char labels[LABELS_SIZE];

	if (state->place)
		entry.waited_ns = tracker->now_ns - parked_since(tracker, state, g);
	if (g->labels) {
		goroutine_labels_read(tracker->go, g, labels, sizeof(labels));
		entry.labels = *labels ? strdup(labels) : NULL;
	}
	return goroutine_list_add(&tracker->process->goroutine_list, &entry);
}

static uint32_t centiseconds_since_first(const struct goroutine_tracker *tracker)
{
	uint64_t since = (tracker->now_ns - tracker->first_ns) / 10000000;

	return since < UINT32_MAX ? (uint32_t)since : UINT32_MAX;
}

static void park(struct goroutine_tracker *tracker, struct goroutine_state *state,
		 struct goroutine *g)
{
	bool arrived = !state->place || state->stay != stay_of(g);

	if (arrived) {
		leave_place(tracker, state);
		state->since_cs = centiseconds_since_first(tracker);
		state->at_least = tracker->sweeps == 1;
		state->place = place_of(tracker, state, g) & PLACE_MASK;
		state->stay = stay_of(g);
	}
	count_parked(tracker, state, g, arrived);
}

static int visit_goroutine(size_t index, const struct goroutine *read, void *data)
{
	struct goroutine_tracker *tracker = data;
	struct goroutine goroutine = *read, *g = &goroutine;
	struct goroutine_state *state = state_at(tracker, index);

	if (!state)
		return -ENOMEM;
	if (state->goid && state->goid != g->goid)
		end_goroutine(tracker, state);
	if (!state->goid)
		begin_goroutine(tracker, state, g);
	state->seen = tracker->seen;
	if (is_parked(g))
		park(tracker, state, g);
	else
		leave_place(tracker, state);
	return tracker->config.each ? list_goroutine(tracker, state, g) : 0;
}

static void end_unseen(struct goroutine_tracker *tracker)
{
	for (size_t i = 0; i < tracker->states_count; i++)
		if (tracker->states[i].goid && tracker->states[i].seen != tracker->seen)
			end_goroutine(tracker, &tracker->states[i]);
}

/* Of CLOCK_MONOTONIC, 0 where it is not known. */
static uint64_t process_start_ns(const struct watched_process *process, uint64_t now_ns)
{
	uint64_t lived_ns = clock_ns(CLOCK_BOOTTIME) - process->start_ns;

	return process->start_ns && lived_ns < now_ns ? now_ns - lived_ns : 0;
}

int goroutine_tracker_sweep(struct goroutine_tracker *tracker, uint64_t now_ns,
			    struct losses *losses)
{
	struct goroutine_sweep_losses lost = {0};
	int err;

	tracker->sweeps++;
	if (tracker->sweeps == 1)
		tracker->first_ns = now_ns;
	tracker->swept_ns = tracker->now_ns;
	tracker->now_ns = now_ns;
	tracker->started_ns = process_start_ns(tracker->process, now_ns);
	tracker->losses = losses;
	tracker->extra_reads = 0;
	go_semaphores_forget(tracker->semaphores);
	tracker->seen = !tracker->seen;
	goroutine_list_clear(&tracker->process->goroutine_list);
	err = goroutine_sweep_run(tracker->sweep, visit_goroutine, tracker, &lost);
	losses_add(losses, "goroutine_unreadable", lost.unreadable);
	losses_add(losses, "goroutine_damaged", lost.damaged);
	losses_add(losses, "goroutines_beyond_limit", lost.beyond_limit);
	if (err)
		return err;
	end_unseen(tracker);
	goroutine_list_sort(&tracker->process->goroutine_list);
	return 0;
}

void goroutine_tracker_end(struct goroutine_tracker *tracker)
{
	for (size_t i = 0; i < tracker->states_count; i++)
		if (tracker->states[i].goid)
			end_goroutine(tracker, &tracker->states[i]);
}
