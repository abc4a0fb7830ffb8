// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "goruntime/goroutine_sweep.h"
#include "sources/goroutine_kin.h"
#include "sources/goroutine_reader.h"

/*
 * Who was in network I/O and has not stayed parked elsewhere for so long is still at it: the reader
 * of a connection also runs, and hands over what it has read.
 */
#define NETWORK_PAUSE_NS 60000000000ULL

/* What is known of the goroutine in one slot of allgs. */
struct goroutine_state {
	uint64_t goid;          /* 0: the slot is dead */
	uint32_t stay;          /* changes when the goroutine has run */
	uint32_t since_cs;      /* of the stay, in hundredths of a second after the first sweep */
	uint32_t place : 28;    /* number of its goroutine_place; 0: not parked, or not known yet */
	uint32_t seen : 1;      /* in this sweep, if it equals the tracker's */
	uint32_t parked : 1;    /* in the last sweep, in this stay */
	uint32_t uncounted : 1; /* no crowd has counted the stay yet */
	uint32_t network : 1;   /* it was seen in network I/O */
	uint32_t birth : 28;    /* number of its goroutine_birth, or BIRTH_NONE; 0: not known yet */
	uint32_t at_first : 1;  /* the stay was there at the first sweep */
	uint32_t runtime : 1;   /* counted as the runtime's own */
	uint32_t born : 1;      /* since we attached... */
	uint32_t counted : 1;   /* ...and counted */
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
	bool each;
	bool stays;
	struct goroutine_sweep *sweep;
	struct goroutine_reader *reader;
	struct goroutine_kin *kin;
	uint8_t network_reason;         /* wait_reason of network I/O; 0: not known */
	struct goroutine_state *states; /* by index in allgs */
	size_t states_count;
	uint64_t first_ns; /* of the first sweep */
	uint64_t swept_ns; /* of the last one that succeeded */
	uint64_t sweeps;   /* that succeeded */
	/* Of this sweep. */
	uint64_t now_ns;
	uint64_t started_ns; /* the process; nothing in it waits for longer */
	uint32_t seen : 1;
	bool kin_wanted;
};

void goroutine_tracker_free(struct goroutine_tracker *tracker)
{
	if (!tracker)
		return;
	/* Its stacks belong to the reader's places. */
	goroutine_list_clear(&tracker->process->goroutine_list);
	goroutine_kin_free(tracker->kin);
	goroutine_reader_free(tracker->reader);
	goroutine_sweep_free(tracker->sweep);
	free(tracker->states);
	free(tracker);
}

static uint8_t find_network_reason(const struct go_process *go)
{
	const struct go_wait_reasons *reasons = go_process_wait_reasons(go);

	for (size_t i = 0; i < reasons->count; i++)
		if (strcmp(reasons->texts[i], "IO wait") == 0)
			return (uint8_t)i;
	return 0;
}

struct goroutine_tracker *goroutine_tracker_new(const struct go_process *go,
						struct watched_process *process,
						const struct goroutine_reader_config *config)
{
	auto_free(goroutine_tracker) struct goroutine_tracker *tracker =
		calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	tracker->go = go;
	tracker->process = process;
	tracker->each = config->each;
	tracker->stays = config->stays;
	tracker->sweep = goroutine_sweep_new(go);
	tracker->reader = goroutine_reader_new(go, process, config);
	tracker->kin = goroutine_kin_new();
	tracker->network_reason = find_network_reason(go);
	if (!tracker->sweep || !tracker->reader || !tracker->kin)
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

static void count_alive(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			int64_t change)
{
	uint64_t *count = state->runtime ? &tracker->process->runtime_goroutines
					 : &tracker->process->goroutines.now;

	*count += (uint64_t)change;
}

static uint64_t seen_since(const struct goroutine_tracker *tracker,
			   const struct goroutine_state *state, uint64_t now_ns)
{
	uint64_t since_ns = tracker->first_ns + (uint64_t)state->since_cs * 10000000;

	return since_ns < now_ns ? since_ns : now_ns;
}

/* As far as we have seen it, at a sweep. */
static struct stay seen_stay(const struct goroutine_tracker *tracker,
			     const struct goroutine_state *state, uint64_t now_ns)
{
	return (struct stay){.age_ns = now_ns - seen_since(tracker, state, now_ns),
			     .bound = AGE_AT_LEAST,
			     .early = state->at_first};
}

static void leave_place(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	struct goroutine_place *place = goroutine_reader_place_at(tracker->reader, state->place);
	const struct stay stay = seen_stay(tracker, state, tracker->swept_ns);

	if (place)
		site_leave(place->site, &stay);
	state->place = 0;
}

static struct goroutine_birth *birth_of(const struct goroutine_tracker *tracker,
					const struct goroutine_state *state)
{
	return state->birth == BIRTH_NONE
		       ? NULL
		       : goroutine_reader_birth_at(tracker->reader, state->birth);
}

/* Not those of the runtime, as far as it is known whose it is. */
static void count_born(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	if (!state->born || state->counted || state->runtime)
		return;
	state->counted = true;
	tracker->process->goroutines.born++;
}

static void end_goroutine(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	struct goroutine_birth *birth = birth_of(tracker, state);

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
	state->goid = g->goid;
	state->born = tracker->sweeps > 0;
	count_alive(tracker, state, 1);
}

/* Whose it is, which changes for the finalizers' goroutine. */
static void judge_runtime(struct goroutine_tracker *tracker, struct goroutine_state *state,
			  const struct goroutine_birth *birth, const struct goroutine *g)
{
	bool runtime = goroutine_reader_is_runtime(tracker->reader, birth, g);

	if (runtime == state->runtime)
		return;
	count_alive(tracker, state, -1);
	state->runtime = runtime;
	count_alive(tracker, state, 1);
	/* So that births less exits stay the change of what is there. */
	if ((state->birth || state->counted) && runtime)
		tracker->process->goroutines.exited++;
	else if (state->birth)
		tracker->process->goroutines.born++;
}

static void know_birth(struct goroutine_tracker *tracker, struct goroutine_state *state,
		       const struct goroutine *g)
{
	struct goroutine_birth *birth;
	bool later;

	birth = goroutine_reader_birth(tracker->reader, g, &later);
	if (birth)
		judge_runtime(tracker, state, birth, g);
	if (!later)
		state->birth = birth ? birth->number & NUMBER_MASK : BIRTH_NONE;
	count_born(tracker, state);
	if (birth) {
		birth->site->births.live++;
		birth->site->births.born += state->born;
	}
}

/*
 * When we saw it first, or a garbage collection of its own, if it was there when we came: of
 * the others it is known better.
 */
static uint64_t parked_since(const struct goroutine_tracker *tracker,
			     const struct goroutine_state *state, const struct goroutine *g)
{
	uint64_t since_ns = seen_since(tracker, state, tracker->now_ns);

	if (state->at_first && g->wait_since_ns > tracker->started_ns &&
	    g->wait_since_ns < since_ns)
		return g->wait_since_ns;
	return since_ns;
}

/* The objects of a crowd are looked at again when it has changed, or could not be all read. */
static void look_at_object(struct goroutine_tracker *tracker, struct site *site,
			   const struct goroutine *g)
{
	uint64_t changes = site->crowd.arrived + site->crowd.departed + 1;
	struct wait_object object = {0};

	if (site->objects_ns != tracker->now_ns) {
		site->objects_ns = tracker->now_ns;
		site->objects_stale = site->objects_as_of != changes;
		site->objects_as_of = changes;
		if (site->objects_stale)
			wait_objects_clear(&site->objects);
	}
	if (!site->objects_stale || site->objects.looked_at == WAIT_OBJECTS_MAX ||
	    g->status != GO_STATUS_WAITING)
		return;
	if (goroutine_reader_object(tracker->reader, site, g, &object))
		wait_objects_add(&site->objects, &object);
	else
		site->objects_as_of = 0;
}

/* The same in every look as long as the goroutine stays. */
static void note_stay(const struct goroutine_tracker *tracker, const struct goroutine_state *state,
		      struct site *site)
{
	const uint64_t words[] = {state->goid, state->stay};

	if (tracker->stays)
		stay_sample_add(&site->stays, XXH3_64bits(words, sizeof(words)));
}

/* `fresh`: it parked since the last sweep. */
static void count_parked(struct goroutine_tracker *tracker, struct goroutine_state *state,
			 const struct goroutine *g, bool fresh)
{
	struct goroutine_place *place = goroutine_reader_place_at(tracker->reader, state->place);
	bool arrived = state->uncounted && !state->at_first;
	struct stay stay = {.bound = AGE_AT_LEAST, .early = state->at_first};
	struct held_thread thread;

	if (!place)
		return;
	state->uncounted = false;
	look_at_object(tracker, place->site, g);
	note_stay(tracker, state, place->site);
	if (goroutine_reader_thread(tracker->reader, g, &thread))
		thread_names_add(&place->site->names, thread.name, thread.tid);
	/* Who came since the last sweep may have come just after it. */
	if (fresh && !state->at_first) {
		stay.age_ns = tracker->now_ns - tracker->swept_ns;
		stay.bound = AGE_AT_MOST;
	} else {
		stay.age_ns = tracker->now_ns - parked_since(tracker, state, g);
	}
	site_park(place->site, &stay, arrived);
}

/* It is taken to be where it was. */
static void count_as_before(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	const struct goroutine_place *place =
		goroutine_reader_place_at(tracker->reader, state->place);

	const struct stay stay = seen_stay(tracker, state, tracker->now_ns);

	state->seen = tracker->seen;
	if (!place)
		return;
	note_stay(tracker, state, place->site);
	site_park(place->site, &stay, false);
}

/* Of one that is not parked either, if it stands still. */
static const struct goroutine_place *listed_place(struct goroutine_tracker *tracker,
						  const struct goroutine_state *state,
						  struct goroutine *g)
{
	uint32_t place = state->place;

	if (!place && (g->status == GO_STATUS_RUNNABLE || g->status == GO_STATUS_PREEMPTED))
		place = goroutine_reader_stand(tracker->reader, birth_of(tracker, state), g);
	return goroutine_reader_place_at(tracker->reader, place);
}

static int list_goroutine(struct goroutine_tracker *tracker, const struct goroutine_state *state,
			  struct goroutine *g)
{
	const struct goroutine_place *place = listed_place(tracker, state, g);
	const struct goroutine_birth *birth = birth_of(tracker, state);
	struct goroutine_entry entry = {
		.goid = g->goid,
		.parent_goid = g->parent_goid,
		.state = goroutine_state_text(tracker->go, g),
		.stack = place ? place->stack : NULL,
		.creator = birth ? birth->creator : NULL,
		.locked = g->locked_m != 0,
		.runtime = state->runtime,
		.labels = goroutine_reader_labels(tracker->reader, g),
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

/* It is at another place only if the site is another one. */
static void move_in_c(struct goroutine_tracker *tracker, struct goroutine_state *state,
		      struct goroutine *g)
{
	uint32_t number = goroutine_reader_park(tracker->reader, birth_of(tracker, state), g);
	const struct goroutine_place *to = goroutine_reader_place_at(tracker->reader, number);
	const struct goroutine_place *from =
		goroutine_reader_place_at(tracker->reader, state->place);

	if (!to)
		return;
	if (to->site != from->site)
		begin_stay(tracker, state);
	state->place = number & NUMBER_MASK;
}

static void park(struct goroutine_tracker *tracker, struct goroutine_state *state,
		 struct goroutine *g)
{
	uint32_t stay = stay_of(g);
	bool fresh = !state->parked || state->stay != stay;

	if (fresh)
		begin_stay(tracker, state);
	else if (goroutine_reader_has_moved_in_c(tracker->reader, state->place, g))
		move_in_c(tracker, state, g);
	if (!state->place)
		state->place = goroutine_reader_park(tracker->reader, birth_of(tracker, state), g) &
			       NUMBER_MASK;
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

static bool is_in_network(const struct goroutine_tracker *tracker, const struct goroutine *g)
{
	return tracker->network_reason && g->status == GO_STATUS_WAITING &&
	       g->wait_reason == tracker->network_reason;
}

static void run(struct goroutine_tracker *tracker, struct goroutine_state *state)
{
	leave_place(tracker, state);
	state->parked = false;
}

/* Only those who have stayed for so long that it may be a leak speak for their crowd. */
static void add_kin(struct goroutine_tracker *tracker, const struct goroutine_state *state,
		    const struct goroutine *g)
{
	const struct goroutine_place *place =
		goroutine_reader_place_at(tracker->reader, state->place);
	uint64_t stayed_ns = state->parked ? seen_stay(tracker, state, tracker->now_ns).age_ns : 0;
	struct kin_goroutine kin = {
		.goid = g->goid,
		.parent_goid = g->parent_goid,
		.network = is_in_network(tracker, g) ||
			   (state->network && stayed_ns < NETWORK_PAUSE_NS),
		.stream = place && place->stream,
	};

	if (place && place->site->near_io_wanted && stayed_ns >= VERDICT_UNTIMED_NS)
		kin.site = place->site;
	goroutine_kin_add(tracker->kin, &kin);
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
	if (goroutine_is_parked(g))
		park(tracker, state, g);
	else
		run(tracker, state);
	state->network |= is_in_network(tracker, g);
	if (tracker->kin_wanted)
		add_kin(tracker, state, g);
	return tracker->each ? list_goroutine(tracker, state, g) : 0;
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
			site_begin_sweep(site, site->ladder.now_ns, site->ladder.watched_ns);
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

	if (!tracker->sweeps)
		tracker->first_ns = now_ns;
	tracker->now_ns = now_ns;
	tracker->started_ns = process_start_ns(tracker->process, now_ns);
	goroutine_reader_begin(tracker->reader, losses);
	tracker->seen = !tracker->seen;
	tracker->kin_wanted = goroutine_kin_begin(tracker->kin, tracker->process);
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
	if (tracker->kin_wanted)
		goroutine_kin_settle(tracker->kin);
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
