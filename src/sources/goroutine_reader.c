// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "goruntime/goroutine_stack.h"
#include "goruntime/goroutine_sweep.h"
#include "goruntime/goroutine_wait.h"
#include "sources/goroutine_groups.h"
#include "sources/goroutine_object.h"

#define LABELS_SIZE 1024

/* How often the stack of a goroutine that parks again and again is read. */
#define STACK_TRIES 4

struct goroutine_reader {
	const struct go_process *go;
	struct goroutine_reader_config config;
	struct watched_process *process;
	struct go_semaphores *semaphores;
	struct goroutine_places *places;
	struct goroutine_groups *groups;
	uint64_t sweeps;
	/* Of this sweep. */
	uint64_t extra_reads;
	uint64_t reading_ns;
	uint64_t naming_ns; /* of births, which others depend on: a time of their own */
	struct losses *losses;
};

void goroutine_reader_free(struct goroutine_reader *reader)
{
	if (!reader)
		return;
	goroutine_groups_free(reader->groups);
	goroutine_places_free(reader->places);
	go_semaphores_free(reader->semaphores);
	free(reader);
}

struct goroutine_reader *goroutine_reader_new(const struct go_process *go,
					      struct watched_process *process,
					      const struct goroutine_reader_config *config)
{
	auto_free(goroutine_reader) struct goroutine_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->go = go;
	reader->config = *config;
	reader->process = process;
	reader->groups = goroutine_groups_new();
	reader->semaphores = go_semaphores_new(go);
	reader->places = goroutine_places_new(go, process, config->runtime_frames);
	if (!reader->groups || !reader->semaphores || !reader->places)
		return NULL;
	return take_ptr(reader);
}

void goroutine_reader_begin(struct goroutine_reader *reader, struct losses *losses)
{
	reader->sweeps++;
	reader->losses = losses;
	reader->extra_reads = 0;
	reader->reading_ns = reader->naming_ns = 0;
	go_semaphores_forget(reader->semaphores);
}

struct goroutine_birth *goroutine_reader_birth_at(const struct goroutine_reader *reader,
						  uint32_t number)
{
	return goroutine_places_birth_at(reader->places, number);
}

struct goroutine_place *goroutine_reader_place_at(const struct goroutine_reader *reader,
						  uint32_t number)
{
	return goroutine_places_at(reader->places, number);
}

const char *goroutine_state_text(const struct go_process *go, const struct goroutine *g)
{
	const struct go_wait_reasons *reasons = go_process_wait_reasons(go);

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

static const char *park_reason(const struct goroutine_reader *reader, const struct goroutine *g)
{
	return g->status == GO_STATUS_SYSCALL
		       ? "syscall"
		       : go_wait_reason_name(goroutine_state_text(reader->go, g));
}

bool goroutine_is_parked(const struct goroutine *g)
{
	return g->status == GO_STATUS_WAITING || g->status == GO_STATUS_SYSCALL;
}

/*
 * The runtime's own, but for the finalizers' goroutine while it is in the program's code: not
 * parked in the runtime's (runfinq(), fingwait).
 */
bool goroutine_reader_is_runtime(const struct goroutine_reader *reader,
				 const struct goroutine_birth *birth, const struct goroutine *g)
{
	if (!birth->runtime)
		return false;
	return !birth->finalizers ||
	       (g->status == GO_STATUS_WAITING &&
		strcmp(goroutine_state_text(reader->go, g), "finalizer wait") == 0);
}

/* 0: no time is left in this sweep, which is counted. Else to be given to end_reading(). */
static uint64_t begin_reading(struct goroutine_reader *reader, uint64_t spent_ns)
{
	uint64_t limit_ns = reader->config.each ? GOROUTINE_READING_EACH_NS : GOROUTINE_READING_NS;

	if (spent_ns < limit_ns)
		return monotonic_ns();
	losses_add(reader->losses, "goroutine_too_slow", 1);
	return 0;
}

static void end_reading(uint64_t *spent_ns, uint64_t began_ns)
{
	*spent_ns += monotonic_ns() - began_ns;
}

/* The process has all that it may have, or there is no memory for more. */
static void count_refusal(struct goroutine_reader *reader)
{
	if (goroutine_places_are_full(reader->places) ||
	    goroutine_places_births_are_full(reader->places))
		losses_add(reader->losses, "sites_full", 1);
	else
		memory_room_refuse(reader->process->room);
}

struct goroutine_birth *goroutine_reader_birth(struct goroutine_reader *reader,
					       const struct goroutine *g, bool *later)
{
	struct goroutine_birth *birth = goroutine_places_known_birth(reader->places, g);
	uint64_t began_ns = birth ? 0 : begin_reading(reader, reader->naming_ns);

	*later = !birth && !began_ns;
	if (!began_ns)
		return birth;
	birth = goroutine_places_birth(reader->places, g);
	end_reading(&reader->naming_ns, began_ns);
	if (birth)
		return birth;
	count_refusal(reader);
	*later = !goroutine_places_births_are_full(reader->places);
	return NULL;
}

bool goroutine_reader_thread(const struct goroutine_reader *reader, const struct goroutine *g,
			     struct held_thread *thread)
{
	uint64_t tid;

	if (g->status != GO_STATUS_SYSCALL || !reader->config.find_thread)
		return false;
	tid = goroutine_thread(reader->go, g);
	return tid && reader->config.find_thread(tid, thread, reader->config.data);
}

/*
 * The stack of a goroutine that may run meanwhile: `g` is then what it was when its stack
 * was read. -ENOENT: it does not stand still any more, which is all that there is to see;
 * -ESTALE: it stands still, but never for long enough.
 */
static int read_stack(const struct goroutine_reader *reader, struct goroutine *g,
		      struct goroutine_stack *stack)
{
	for (int try = 0; try < STACK_TRIES; try++) {
		struct goroutine now;

		if (!goroutine_stack_read(reader->go, g, stack))
			return stack->end == GOROUTINE_STACK_RUNNING ? -ENOENT : 0;
		if (goroutine_read(reader->go, g->address, &now) || now.goid != g->goid ||
		    goroutine_is_parked(&now) != goroutine_is_parked(g))
			return -ENOENT;
		*g = now;
	}
	return -ESTALE;
}

static uint32_t find_place(struct goroutine_reader *reader, const struct goroutine_birth *birth,
			   struct goroutine *g, bool parked)
{
	struct goroutine_place *place;
	struct goroutine_stack stack;
	struct held_thread thread;
	int err;

	err = read_stack(reader, g, &stack);
	if (err == -ESTALE)
		losses_add(reader->losses, "goroutine_moved", 1);
	if (err)
		return 0;
	if (stack.end != GOROUTINE_STACK_WHOLE)
		losses_add(reader->losses, "goroutine_stack_cut", 1);
	place = goroutine_places_park(reader->places, birth, parked ? park_reason(reader, g) : NULL,
				      &stack,
				      goroutine_reader_thread(reader, g, &thread) ? &thread : NULL,
				      goroutine_reader_is_runtime(reader, birth, g));
	if (!place) {
		count_refusal(reader);
		return 0;
	}
	return place->number;
}

static uint32_t read_place(struct goroutine_reader *reader, const struct goroutine_birth *birth,
			   struct goroutine *g, bool parked)
{
	uint64_t began_ns = birth ? begin_reading(reader, reader->reading_ns) : 0;
	uint32_t place;

	if (!began_ns)
		return 0;
	place = find_place(reader, birth, g, parked);
	end_reading(&reader->reading_ns, began_ns);
	return place;
}

/* Whether to read this one's stack, too, or to take it for that of the last one like it. */
static bool wants_reading(struct goroutine_reader *reader, const struct goroutine_group *group,
			  const struct goroutine *g)
{
	if (reader->config.each || !group || !group->place || group->reads < GOROUTINE_SAMPLE)
		return true;
	if (!group->mixed && g->status != GO_STATUS_SYSCALL)
		return false;
	if (reader->extra_reads < GOROUTINE_STACKS_MAX) {
		reader->extra_reads++;
		return true;
	}
	losses_add(reader->losses, "goroutine_stack_not_read", 1);
	return false;
}

/* A sample has led to no place that is known, and there is no room for another one. */
static bool is_in_vain(struct goroutine_reader *reader, const struct goroutine_group *group)
{
	if (!group || group->place || group->tries < GOROUTINE_SAMPLE ||
	    (!goroutine_places_are_full(reader->places) &&
	     goroutine_places_have_room(reader->places)))
		return false;
	count_refusal(reader);
	return true;
}

uint32_t goroutine_reader_park(struct goroutine_reader *reader, const struct goroutine_birth *birth,
			       struct goroutine *g)
{
	struct goroutine_group *group = goroutine_groups_find(reader->groups, g, reader->sweeps);
	uint32_t place;

	if (is_in_vain(reader, group))
		return 0;
	if (!wants_reading(reader, group, g))
		return group->place;
	if (group)
		group->tries++;
	place = read_place(reader, birth, g, true);
	/* It may have parked elsewhere meanwhile. */
	group = place ? goroutine_groups_find(reader->groups, g, reader->sweeps) : NULL;
	if (group)
		goroutine_group_note(group, place);
	return place;
}

uint32_t goroutine_reader_stand(struct goroutine_reader *reader,
				const struct goroutine_birth *birth, struct goroutine *g)
{
	return read_place(reader, birth, g, false);
}

bool goroutine_reader_object(struct goroutine_reader *reader, const struct site *site,
			     const struct goroutine *g, struct wait_object *object)
{
	uint64_t began_ns = begin_reading(reader, reader->reading_ns);
	bool found = began_ns &&
		     goroutine_object_read(reader->go, reader->semaphores, g, site->reason, object);

	if (began_ns)
		end_reading(&reader->reading_ns, began_ns);
	return found;
}

char *goroutine_reader_labels(struct goroutine_reader *reader, const struct goroutine *g)
{
	uint64_t began_ns = g->labels ? begin_reading(reader, reader->reading_ns) : 0;
	char labels[LABELS_SIZE];

	if (!began_ns)
		return NULL;
	goroutine_labels_read(reader->go, g, labels, sizeof(labels));
	end_reading(&reader->reading_ns, began_ns);
	return *labels ? strdup(labels) : NULL;
}

bool goroutine_reader_has_moved_in_c(const struct goroutine_reader *reader, uint32_t place,
				     const struct goroutine *g)
{
	const struct goroutine_place *known = goroutine_places_at(reader->places, place);
	struct held_thread thread;

	return known && goroutine_reader_thread(reader, g, &thread) &&
	       thread.site_hash != known->key.thread_site;
}
