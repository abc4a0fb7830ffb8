/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_MEMORY_ROOM_H
#define PARKSCOPE_MODEL_MEMORY_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Keeps what parkscope remembers within a limit, in the kernel and outside.
 *
 * Caches have shares, from which they evict by themselves. What must not be evicted (processes,
 * threads, sites) takes from the room that is left, by what one of them costs as a rule; where
 * there is none it is refused, and counted. How much there really is left is measured with each
 * report. Pure.
 */

struct memory_shares {
	size_t unwind_tables; /* in the kernel and outside together */
	size_t symbols;       /* of ELF files */
	size_t go_tables;     /* Go's line tables */
	size_t perf_maps;
	size_t mappings; /* lists of them */
};

struct memory_shares memory_shares(uint64_t limit);

enum memory_thing {
	MEMORY_PROCESS, /* only with room for its first thread, too */
	MEMORY_THREAD,  /* with its record in the kernel */
	MEMORY_PLACE,   /* a raw stack that was named */
	MEMORY_THINGS,
};

struct memory_room {
	uint64_t limit;
	uint64_t left;
	uint64_t measured; /* `left` when it was measured last */
	uint64_t refused;  /* since the start */
};

void memory_room_init(struct memory_room *room, uint64_t limit);

/* There is room for one more, which takes it. `room` NULL: there always is. */
bool memory_room_take(struct memory_room *room, enum memory_thing thing);

/*
 * It is gone, so that another one can take its place. No more is given back than was taken since
 * it was measured: what went before that has not made RSS smaller.
 */
void memory_room_give(struct memory_room *room, enum memory_thing thing);

/* For how many more there is room. */
uint64_t memory_room_for(const struct memory_room *room, enum memory_thing thing);

/* The same for a site with so many frames, and what the outputs remember of it. */
bool memory_room_take_site(struct memory_room *room, size_t frames);

/* Is there room for a usual site? To ask before names are looked for. */
bool memory_room_has_site(const struct memory_room *room);

/* Counts one as refused that was not even asked for, or for which there was room, but no memory. */
void memory_room_refuse(struct memory_room *room);

/* So many bytes are in use. */
void memory_room_measure(struct memory_room *room, uint64_t used);

/* Caches are to make room, even if they are within their shares. */
bool memory_room_is_low(const struct memory_room *room);

#endif
