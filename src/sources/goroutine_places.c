// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/goroutine_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sources/go_frames.h"
#include "sources/goroutine_kin.h"

#define BIRTH_REASON "birth"

struct goroutine_places {
	const struct go_process *go;
	struct watched_process *process;
	bool runtime_frames;
	struct goroutine_birth *births; /* uthash */
	struct goroutine_birth *births_by_number[GOROUTINE_PLACES_MAX];
	uint32_t births_count;
	struct goroutine_place *places; /* uthash */
	struct goroutine_place *by_number[GOROUTINE_PLACES_MAX];
	uint32_t count;
	size_t frames; /* of all places */
};

struct goroutine_places *goroutine_places_new(const struct go_process *go,
					      struct watched_process *process, bool runtime_frames)
{
	struct goroutine_places *places = calloc(1, sizeof(*places));

	if (!places)
		return NULL;
	places->go = go;
	places->process = process;
	places->runtime_frames = runtime_frames;
	return places;
}

static void birth_free(struct goroutine_birth *birth)
{
	if (!birth)
		return;
	stack_free(birth->creator);
	free(birth);
}

static void birth_freep(struct goroutine_birth **birth)
{
	birth_free(*birth);
}

static void place_free(struct goroutine_place *place)
{
	if (!place)
		return;
	stack_free(place->stack);
	free(place);
}

static void place_freep(struct goroutine_place **place)
{
	place_free(*place);
}

void goroutine_places_free(struct goroutine_places *places)
{
	if (!places)
		return;
	HASH_CLEAR(hh, places->births);
	HASH_CLEAR(hh, places->places);
	for (uint32_t i = 0; i < places->births_count; i++)
		birth_free(places->births_by_number[i]);
	for (uint32_t i = 0; i < places->count; i++)
		place_free(places->by_number[i]);
	free(places);
}

/*
 * isSystemGoroutine(), src/runtime/traceback.go: what starts in the runtime, but for the
 * main goroutine and two that call the program's code.
 */
static void judge_start(const struct go_process *go, struct goroutine_birth *birth)
{
	static const char *const user_code[] = {"runtime.main", "runtime.handleAsyncEvent",
						"runtime.corostart"};
	static const char *const finalizers[] = {"runtime.runfinq", "runtime.runFinalizers",
						 "runtime.runCleanups"};
	struct go_call calls[GO_INLINE_DEPTH_MAX];
	size_t count = go_process_find_calls(go, birth->key.startpc, calls, GO_INLINE_DEPTH_MAX);
	const char *name = count ? calls[count - 1].function : "";

	birth->runtime = strncmp(name, "runtime.", strlen("runtime.")) == 0;
	birth->main = strcmp(name, "runtime.main") == 0;
	for (size_t i = 0; i < sizeof(user_code) / sizeof(user_code[0]); i++)
		if (strcmp(name, user_code[i]) == 0)
			birth->runtime = false;
	for (size_t i = 0; i < sizeof(finalizers) / sizeof(finalizers[0]); i++)
		if (strcmp(name, finalizers[i]) == 0)
			birth->finalizers = true;
}

static bool has_all_sites(const struct goroutine_places *places)
{
	return places->process->sites_count >= WATCHED_SITES_MAX;
}

bool goroutine_places_births_are_full(const struct goroutine_places *places)
{
	return places->births_count == GOROUTINE_PLACES_MAX;
}

static bool has_all_stacks(const struct goroutine_places *places)
{
	return places->count == GOROUTINE_PLACES_MAX ||
	       places->frames >= GOROUTINE_PLACES_FRAMES_MAX;
}

bool goroutine_places_are_full(const struct goroutine_places *places)
{
	return has_all_stacks(places) || has_all_sites(places);
}

bool goroutine_places_have_room(const struct goroutine_places *places)
{
	return memory_room_has_site(places->process->room);
}

/* What stands for a go statement where there is none. */
static const char *birth_label(const struct goroutine_birth *birth)
{
	if (birth->runtime)
		return "[Go runtime]";
	if (birth->main)
		return "[main goroutine]";
	/* newproc1() has not made it: src/runtime/proc.go, oneNewExtraM(). */
	return birth->key.gopc || birth->key.startpc ? "[unknown]" : "[thread of C]";
}

static struct site *birth_site(struct goroutine_places *places, const struct goroutine_birth *birth)
{
	auto_free(stack) struct stack *label = NULL;
	struct site *site;

	if (!birth->creator)
		label = stack_label(birth_label(birth));
	if (!birth->creator && !label)
		return NULL;
	site = watched_process_site(places->process, SITE_BIRTH, UNIT_GOROUTINE, BIRTH_REASON,
				    birth->creator ? birth->creator : label);
	if (site)
		site->runtime = birth->runtime;
	return site;
}

struct goroutine_birth *goroutine_places_known_birth(const struct goroutine_places *places,
						     const struct goroutine *goroutine)
{
	struct goroutine_birth *birth = NULL;
	struct goroutine_birth wanted = {0};

	wanted.key.gopc = goroutine->gopc;
	wanted.key.startpc = goroutine->startpc;
	HASH_FIND(hh, places->births, &wanted.key, sizeof(wanted.key), birth);
	return birth;
}

struct goroutine_birth *goroutine_places_birth(struct goroutine_places *places,
					       const struct goroutine *goroutine)
{
	cleanup(birth_freep) struct goroutine_birth *fresh = NULL;
	struct goroutine_birth *birth = goroutine_places_known_birth(places, goroutine);

	/* Names take long to look for, which would be in vain. */
	if (birth || goroutine_places_births_are_full(places) || has_all_sites(places) ||
	    !goroutine_places_have_room(places))
		return birth;

	fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return NULL;
	fresh->key.gopc = goroutine->gopc;
	fresh->key.startpc = goroutine->startpc;
	fresh->creator = go_frames_creator(places->go, goroutine->gopc);
	judge_start(places->go, fresh);
	fresh->site = birth_site(places, fresh);
	if (!fresh->site)
		return NULL;
	birth = take_ptr(fresh);
	places->births_by_number[places->births_count++] = birth;
	birth->number = places->births_count;
	HASH_ADD(hh, places->births, key, sizeof(birth->key), birth);
	return birth;
}

static bool same_creator(const struct stack *a, const struct stack *b)
{
	if (!a || !b)
		return a == b;
	return a->frames[0].line == b->frames[0].line &&
	       strcmp(a->frames[0].function, b->frames[0].function) == 0;
}

/* A site is made by its first stack; units with the same one can have other creators. */
static void note_creator(struct site *site, const struct goroutine_birth *birth, bool first)
{
	if (first && birth->creator)
		site->creator = stack_copy(birth->creator);
	else if (!same_creator(site->creator, birth->creator))
		site->creators_differ = true;
}

static int find_site(struct goroutine_places *places, struct goroutine_place *place,
		     const struct goroutine_birth *birth)
{
	size_t sites_before = places->process->sites_count;

	place->site = watched_process_site(places->process, SITE_PARK, UNIT_GOROUTINE,
					   place->key.reason, place->stack);
	if (!place->site)
		return -ENOSPC;
	note_creator(place->site, birth, places->process->sites_count > sites_before);
	return 0;
}

static struct goroutine_place *add_place(struct goroutine_places *places,
					 const struct goroutine_place *wanted,
					 const struct goroutine_birth *birth,
					 const struct goroutine_stack *raw,
					 const struct held_thread *thread, bool runtime)
{
	cleanup(place_freep) struct goroutine_place *fresh = calloc(1, sizeof(*fresh));
	struct goroutine_place *place;

	if (!fresh)
		return NULL;
	fresh->key = wanted->key;
	fresh->stack = go_frames_stack(places->go, raw, thread ? thread->stack : NULL,
				       places->runtime_frames);
	if (!fresh->stack)
		return NULL;
	if (wanted->key.reason && find_site(places, fresh, birth))
		return NULL;
	if (fresh->site)
		fresh->site->runtime = runtime;
	fresh->stream = goroutine_kin_serves_stream(fresh->stack);
	place = take_ptr(fresh);
	places->frames += place->stack->count > raw->count ? place->stack->count : raw->count;
	places->by_number[places->count++] = place;
	place->number = places->count;
	HASH_ADD(hh, places->places, key, sizeof(place->key), place);
	return place;
}

struct goroutine_place *goroutine_places_park(struct goroutine_places *places,
					      const struct goroutine_birth *birth,
					      const char *reason,
					      const struct goroutine_stack *stack,
					      const struct held_thread *thread, bool runtime)
{
	struct goroutine_place *place = NULL;
	struct goroutine_place wanted = {0};

	wanted.key.stack_hash = XXH3_64bits_withSeed(
		stack->frames, stack->count * sizeof(stack->frames[0]), stack->end);
	wanted.key.birth = birth->number;
	wanted.key.reason = reason;
	wanted.key.thread_site = thread ? thread->site_hash : 0;
	HASH_FIND(hh, places->places, &wanted.key, sizeof(wanted.key), place);
	if (place || has_all_stacks(places) ||
	    (reason && (has_all_sites(places) || !goroutine_places_have_room(places))))
		return place;
	return add_place(places, &wanted, birth, stack, thread, runtime);
}

struct goroutine_birth *goroutine_places_birth_at(const struct goroutine_places *places,
						  uint32_t number)
{
	return number ? places->births_by_number[number - 1] : NULL;
}

struct goroutine_place *goroutine_places_at(const struct goroutine_places *places, uint32_t number)
{
	return number ? places->by_number[number - 1] : NULL;
}
