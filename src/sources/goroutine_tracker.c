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
#include "sources/goroutine_groups.h"
#include "sources/goroutine_object.h"
#include "sources/goroutine_places.h"

#define LABELS_SIZE 1024

/* How often the stack of a goroutine that parks again and again is read. */
#define STACK_TRIES 4

/* What is known of the goroutine in one slot of allgs. */
struct goroutine_state {
	uint64_t goid;          /* 0: the slot is dead */
	uint32_t stay;          /* changes when the goroutine has run */
	uint32_t since_cs;      /* of the stay, in hundredths of a second after the first sweep */
	uint32_t place : 28;    /* number of its goroutine_place; 0: not parked, or not known yet */
	uint32_t seen : 1;      /* in this sweep, if it equals the tracker's */
	uint32_t parked : 1;    /* in the last sweep, in this stay */
	uint32_t uncounted : 1; /* no crowd has counted the stay yet */
	uint32_t birth : 28;    /* number of its goroutine_birth, or BIRTH_NONE; 0: not known yet */
	uint32_t at_first : 1;  /* the stay was there at the first sweep */
	uint32_t runtime : 1;   /* counted as the runtime's own */
	uint32_t born : 1;      /* since we attached */
};

enum {
	NUMBER_MASK = (1U << 28) - 1,
	BIRTH_NONE = NUMBER_MASK, /* there were too many */
};

_Static_assert(GOROUTINE_PLACES_MAX < BIRTH_NONE, "numbers of places and births");
_Static_assert(sizeof(struct goroutine_state) == 24, "a million of them are kept");

struct goroutine_tracker {
	const struct go_process *go;
	struct watched_process *process;
	struct goroutine_tracker_config config;
	struct goroutine_sweep *sweep;
	struct go_semaphores *semaphores;
	struct goroutine_places *places;
	struct goroutine_groups *groups;
	struct goroutine_state *states; /* by index in allgs */
	size_t states_count;
	uint64_t first_ns; /* of the first sweep */
	uint64_t swept_ns; /* of the last one that succeeded */
	uint64_t sweeps;   /* that succeeded */
	uint64_t tries;    /* that did or did not */
	/* Of this sweep. */
	uint64_t now_ns;
	uint64_t started_ns; /* the process; nothing in it waits for longer */
	uint64_t extra_reads;
	uint64_t reading_ns; /* spent on what is behind the headers */
	struct losses *losses;
	uint32_t seen : 1;
};

void goroutine_tracker_free(struct goroutine_tracker *tracker)
{
	if (!tracker)
		return;
	goroutine_groups_free(tracker->groups);
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
	tracker->groups = goroutine_groups_new();
	tracker->semaphores = go_semaphores_new(go);
	tracker->places = goroutine_places_new(go, process, config->runtime_frames);
	if (!tracker->sweep || !tracker->groups || !tracker->semaphores || !tracker->places)
		return NULL;
	return take_ptr(tracker);
}

static struct goroutine_state *state_at(struct goroutine_tracker *tracker, size_t index)
{
	if (index >= tracker->states_count) {
		size_t count = goroutine_sweep_length(tracker->sweep);
		struct goroutine_state *states = realloc(tracker->states, count * sizeof(*states));

		if (!states)
			return NULL;
		memset(states + tracker->states_count, 0,
		       (count - tracker->states_count) * sizeof(*states));
		tracker->states = states;
		tracker->states_count = count;
	}
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
	return g->status == GO_STATUS_WAITING || g->status == GO_STATUS_SYSCALL;
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

/*
 * The runtime's own, but for the finalizers' goroutine while it is in the program's code: not
 * parked in the runtime's (runfinq(), fingwait).
 */
static bool is_runtime(const struct goroutine_tracker *tracker, const struct goroutine_birth *birth,
		       const struct goroutine *g)
{
	if (!birth->runtime)
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

static struct goroutine_birth *birth_of(const struct goroutine_tracker *tracker,
					const struct goroutine_state *state)
{
	return state->birth == BIRTH_NONE
		       ? NULL
		       : goroutine_places_birth_at(tracker->places, state->birth);
}

static void end_goroutine(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	struct goroutine_birth *birth = birth_of(tracker, state);

	leave_place(tracker, state);
	count_alive(tracker, state, -1);
	if (!state->runtime) {
		tracker->process->goroutines.born += state->born && !state->birth;
		tracker->process->goroutines.exited++;
	}
	if (birth) {
		birth->site->births.live--;
		birth->site->births.exited++;
	}
	*state = (struct goroutine_state){0};
}

static void begin_goroutine(struct goroutine_tracker *tracker, struct goroutine_state *state,
			    const struct goroutine *g)
{
	state->goid = g->goid;
	state->born = tracker->sweeps > 0;
	count_alive(tracker, state, 1);
}

/* 0: no time is left in this sweep, which is counted. Else to be given to end_reading(). */
static uint64_t begin_reading(struct goroutine_tracker *tracker)
{
	uint64_t limit_ns = tracker->config.each ? GOROUTINE_READING_EACH_NS : GOROUTINE_READING_NS;

	if (tracker->reading_ns < limit_ns)
		return monotonic_ns();
	losses_add(tracker->losses, "goroutine_too_slow", 1);
	return 0;
}

static void end_reading(struct goroutine_tracker *tracker, uint64_t began_ns)
{
	tracker->reading_ns += monotonic_ns() - began_ns;
}

/* NULL: there are too many, or (`*later`) there was no time to name it. */
static struct goroutine_birth *find_birth(struct goroutine_tracker *tracker,
					  const struct goroutine *g, bool *later)
{
	struct goroutine_birth *birth = goroutine_places_known_birth(tracker->places, g);
	uint64_t began_ns = birth ? 0 : begin_reading(tracker);

	*later = !birth && !began_ns;
	if (!began_ns)
		return birth;
	birth = goroutine_places_birth(tracker->places, g);
	end_reading(tracker, began_ns);
	if (!birth)
		losses_add(tracker->losses, "sites_full", 1);
	return birth;
}

/* Whose it is, which changes for the finalizers' goroutine. */
static void judge_runtime(struct goroutine_tracker *tracker, struct goroutine_state *state,
			  const struct goroutine_birth *birth, const struct goroutine *g)
{
	bool runtime = is_runtime(tracker, birth, g);

	if (runtime == state->runtime)
		return;
	count_alive(tracker, state, -1);
	state->runtime = runtime;
	count_alive(tracker, state, 1);
}

static void know_birth(struct goroutine_tracker *tracker, struct goroutine_state *state,
		       const struct goroutine *g)
{
	struct goroutine_birth *birth;
	bool later;

	birth = find_birth(tracker, g, &later);
	if (later)
		return;
	state->birth = birth ? birth->number & NUMBER_MASK : BIRTH_NONE;
	if (birth)
		judge_runtime(tracker, state, birth, g);
	if (state->born && !state->runtime)
		tracker->process->goroutines.born++;
	if (birth) {
		birth->site->births.live++;
		birth->site->births.born += state->born;
	}
}

static bool find_held_thread(const struct goroutine_tracker *tracker, const struct goroutine *g,
			     struct held_thread *thread)
{
	uint64_t tid;

	if (g->status != GO_STATUS_SYSCALL || !tracker->config.find_thread)
		return false;
	tid = goroutine_thread(tracker->go, g);
	return tid && tracker->config.find_thread(tid, thread, tracker->config.data);
}

/* The frames of the thread that the goroutine holds. */
static const struct stack *native_stack(const struct goroutine_tracker *tracker,
					const struct goroutine *g)
{
	struct held_thread thread;

	return find_held_thread(tracker, g, &thread) ? thread.stack : NULL;
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

static uint32_t find_place(struct goroutine_tracker *tracker, const struct goroutine_birth *birth,
			   struct goroutine *g, bool parked)
{
	struct goroutine_place *place;
	struct goroutine_stack stack;
	int err;

	err = read_stack(tracker, g, &stack);
	if (err == -ESTALE)
		losses_add(tracker->losses, "goroutine_moved", 1);
	if (err)
		return 0;
	if (stack.end != GOROUTINE_STACK_WHOLE)
		losses_add(tracker->losses, "goroutine_stack_cut", 1);
	place = goroutine_places_park(tracker->places, birth,
				      parked ? park_reason(tracker, g) : NULL, &stack,
				      native_stack(tracker, g), is_runtime(tracker, birth, g));
	if (!place) {
		losses_add(tracker->losses, "sites_full", 1);
		return 0;
	}
	return place->number;
}

/*
 * The number of the place where it is parked, or stands without a reason; 0: it moved, or
 * there are too many.
 */
static uint32_t read_place(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			   struct goroutine *g, bool parked)
{
	const struct goroutine_birth *birth = birth_of(tracker, state);
	uint64_t began_ns = birth ? begin_reading(tracker) : 0;
	uint32_t place;

	if (!began_ns)
		return 0;
	place = find_place(tracker, birth, g, parked);
	end_reading(tracker, began_ns);
	return place;
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
	struct goroutine_group *group = goroutine_groups_find(tracker->groups, g, tracker->tries);
	uint32_t place;

	if (!wants_reading(tracker, group, g))
		return group->place;
	place = read_place(tracker, state, g, true);
	/* It may have parked elsewhere meanwhile. */
	group = place ? goroutine_groups_find(tracker->groups, g, tracker->tries) : NULL;
	if (group)
		goroutine_group_note(group, place);
	return place;
}

static uint64_t seen_since(const struct goroutine_tracker *tracker,
			   const struct goroutine_state *state)
{
	uint64_t since_ns = tracker->first_ns + (uint64_t)state->since_cs * 10000000;

	return since_ns < tracker->now_ns ? since_ns : tracker->now_ns;
}

/* When we saw it first, or a garbage collection of its own, if that was earlier. */
static uint64_t parked_since(const struct goroutine_tracker *tracker,
			     const struct goroutine_state *state, const struct goroutine *g)
{
	uint64_t since_ns = seen_since(tracker, state);

	if (g->wait_since_ns > tracker->started_ns && g->wait_since_ns < since_ns)
		return g->wait_since_ns;
	return since_ns;
}

static bool read_object(struct goroutine_tracker *tracker, const struct site *site,
			const struct goroutine *g, struct wait_object *object)
{
	uint64_t began_ns = begin_reading(tracker);
	bool found = began_ns && goroutine_object_read(tracker->go, tracker->semaphores, g,
						       site->reason, object);

	if (began_ns)
		end_reading(tracker, began_ns);
	return found;
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
	    g->status != GO_STATUS_WAITING || !read_object(tracker, site, g, &object))
		return;
	wait_objects_add(&site->objects, &object);
}

/* `fresh`: it parked since the last sweep. */
static void count_parked(struct goroutine_tracker *tracker, struct goroutine_state *state,
			 const struct goroutine *g, bool fresh)
{
	struct goroutine_place *place = goroutine_places_at(tracker->places, state->place);
	bool arrived = state->uncounted && !state->at_first;
	struct held_thread thread;

	if (!place)
		return;
	state->uncounted = false;
	look_at_object(tracker, place->site, g);
	if (find_held_thread(tracker, g, &thread))
		thread_names_add(&place->site->names, thread.name, thread.tid);
	/* Who came since the last sweep may have come just after it. */
	if (fresh && !state->at_first)
		crowd_park(&place->site->crowd, tracker->now_ns - tracker->swept_ns, AGE_AT_MOST,
			   arrived);
	else
		crowd_park(&place->site->crowd, tracker->now_ns - parked_since(tracker, state, g),
			   AGE_AT_LEAST, arrived);
}

/* It is taken to be where it was. */
static void count_as_before(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	const struct goroutine_place *place = goroutine_places_at(tracker->places, state->place);

	state->seen = tracker->seen;
	if (place)
		crowd_park(&place->site->crowd, tracker->now_ns - seen_since(tracker, state),
			   AGE_AT_LEAST, false);
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

/* NULL: none, or no memory. */
static char *read_labels(struct goroutine_tracker *tracker, const struct goroutine *g)
{
	uint64_t began_ns = g->labels ? begin_reading(tracker) : 0;
	char labels[LABELS_SIZE];

	if (!began_ns)
		return NULL;
	goroutine_labels_read(tracker->go, g, labels, sizeof(labels));
	end_reading(tracker, began_ns);
	return *labels ? strdup(labels) : NULL;
}

static int list_goroutine(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			  struct goroutine *g)
{
	const struct goroutine_place *place = listed_place(tracker, state, g);
	const struct goroutine_birth *birth = birth_of(tracker, state);
	struct goroutine_entry entry = {
		.goid = g->goid,
		.parent_goid = g->parent_goid,
		.state = state_text(tracker, g),
		.stack = place ? place->stack : NULL,
		.creator = birth ? birth->creator : NULL,
		.locked = g->locked_m != 0,
		.runtime = state->runtime,
		.labels = read_labels(tracker, g),
	};

	if (state->place)
		entry.waited_ns = tracker->now_ns - parked_since(tracker, state, g);
	return goroutine_list_add(&tracker->process->goroutine_list, &entry);
}

static uint32_t centiseconds_since_first(const struct goroutine_tracker *tracker)
{
	uint64_t since = (tracker->now_ns - tracker->first_ns) / 10000000;

	return since < UINT32_MAX ? (uint32_t)since : UINT32_MAX;
}

static void begin_stay(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	leave_place(tracker, state);
	state->since_cs = centiseconds_since_first(tracker);
	state->at_first = !tracker->sweeps;
	state->uncounted = true;
}

static void park(struct goroutine_tracker *tracker, struct goroutine_state *state,
		 struct goroutine *g)
{
	uint32_t stay = stay_of(g);
	bool fresh = !state->parked || state->stay != stay;

	if (fresh)
		begin_stay(tracker, state);
	if (!state->place)
		state->place = place_of(tracker, state, g) & NUMBER_MASK;
	/* It may have run while its stack was read. */
	if (stay_of(g) != stay && !fresh) {
		state->since_cs = centiseconds_since_first(tracker);
		state->at_first = false;
		fresh = true;
	}
	state->stay = stay_of(g);
	state->parked = true;
	count_parked(tracker, state, g, fresh);
}

static void run(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	leave_place(tracker, state);
	state->parked = false;
}

static int visit_goroutine(size_t index, const struct goroutine *read, void *data)
{
	struct goroutine_tracker *tracker = data;
	struct goroutine_state *state = state_at(tracker, index);
	struct goroutine goroutine, *g = &goroutine;
	const struct goroutine_birth *birth;

	if (!state)
		return -ENOMEM;
	if (!read) {
		count_as_before(tracker, state);
		return 0;
	}
	goroutine = *read;
	if (state->goid && state->goid != g->goid)
		end_goroutine(tracker, state);
	if (!state->goid)
		begin_goroutine(tracker, state, g);
	if (!state->birth)
		know_birth(tracker, state, g);
	birth = birth_of(tracker, state);
	if (birth && birth->finalizers)
		judge_runtime(tracker, state, birth, g);
	state->seen = tracker->seen;
	if (is_parked(g))
		park(tracker, state, g);
	else
		run(tracker, state);
	return tracker->config.each ? list_goroutine(tracker, state, g) : 0;
}

/* Whoever is in allgs, but was not there. What allgs does not reach is not known. */
static void end_unseen(struct goroutine_tracker *tracker)
{
	size_t length = goroutine_sweep_length(tracker->sweep);

	for (size_t i = 0; i < tracker->states_count; i++) {
		struct goroutine_state *state = &tracker->states[i];

		if (!state->goid || state->seen == tracker->seen)
			continue;
		if (i < length)
			end_goroutine(tracker, state);
		else
			count_as_before(tracker, state);
	}
}

/* The sweep came to nothing: everybody is taken to be where he was. */
static void restore(struct goroutine_tracker *tracker)
{
	struct site *site, *next;

	HASH_ITER (hh, tracker->process->sites, site, next)
		if (site->kind == SITE_PARK && site->unit == UNIT_GOROUTINE)
			crowd_begin(&site->crowd);
	for (size_t i = 0; i < tracker->states_count; i++)
		if (tracker->states[i].goid)
			count_as_before(tracker, &tracker->states[i]);
	goroutine_list_clear(&tracker->process->goroutine_list);
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

	tracker->tries++;
	if (!tracker->sweeps)
		tracker->first_ns = now_ns;
	tracker->now_ns = now_ns;
	tracker->started_ns = process_start_ns(tracker->process, now_ns);
	tracker->losses = losses;
	tracker->extra_reads = 0;
	tracker->reading_ns = 0;
	go_semaphores_forget(tracker->semaphores);
	tracker->seen = !tracker->seen;
	goroutine_list_clear(&tracker->process->goroutine_list);
	err = goroutine_sweep_run(tracker->sweep, visit_goroutine, tracker, &lost);
	losses_add(losses, "goroutine_unreadable", lost.unreadable);
	losses_add(losses, "goroutine_damaged", lost.damaged);
	losses_add(losses, "goroutines_beyond_limit", lost.beyond_limit);
	if (err) {
		restore(tracker);
		return err;
	}
	tracker->sweeps++;
	tracker->swept_ns = now_ns;
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

void goroutine_tracker_drop(struct goroutine_tracker *tracker)
{
	for (size_t i = 0; i < tracker->states_count; i++) {
		struct goroutine_state *state = &tracker->states[i];
		struct goroutine_birth *birth = birth_of(tracker, state);

		if (!state->goid)
			continue;
		count_alive(tracker, state, -1);
		if (birth)
			birth->site->births.live--;
		*state = (struct goroutine_state){0};
	}
}
