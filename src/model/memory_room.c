// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/memory_room.h"

/* Measured and rounded up; scripts/bench-scale. */
static const uint64_t bytes_of[MEMORY_THINGS] = {
	[MEMORY_PROCESS] = 8192,
	[MEMORY_THREAD] = 3072,
	[MEMORY_PLACE] = 192,
};

#define SITE_BYTES        2048
#define FRAME_BYTES       256 /* with its names */
#define SITE_FRAMES_USUAL 25

/* More than all of it together: rarely all of them are full. */
struct memory_shares memory_shares(uint64_t limit)
{
	return (struct memory_shares){
		.unwind_tables = limit / 4,
		.symbols = limit / 4,
		.go_tables = limit / 8,
		.perf_maps = limit / 8,
		.mappings = limit / 16,
	};
}

void memory_room_init(struct memory_room *room, uint64_t limit)
{
	*room = (struct memory_room){.limit = limit, .left = limit, .measured = limit};
}

static bool has(struct memory_room *room, uint64_t bytes)
{
	if (room->left >= bytes)
		return true;
	room->refused++;
	return false;
}

static bool take(struct memory_room *room, uint64_t bytes)
{
	if (!room)
		return true;
	if (!has(room, bytes))
		return false;
	room->left -= bytes;
	return true;
}

static uint64_t bytes_of_site(size_t frames)
{
	return SITE_BYTES + FRAME_BYTES * (uint64_t)frames;
}

bool memory_room_take(struct memory_room *room, enum memory_thing thing)
{
	if (room && thing == MEMORY_PROCESS &&
	    !has(room, bytes_of[MEMORY_PROCESS] + bytes_of[MEMORY_THREAD]))
		return false;
	return take(room, bytes_of[thing]);
}

void memory_room_give(struct memory_room *room, enum memory_thing thing)
{
	if (!room)
		return;
	room->left += bytes_of[thing];
	if (room->left > room->measured)
		room->left = room->measured;
}

uint64_t memory_room_for(const struct memory_room *room, enum memory_thing thing)
{
	return room->left / bytes_of[thing];
}

bool memory_room_take_site(struct memory_room *room, size_t frames)
{
	return take(room, bytes_of_site(frames));
}

bool memory_room_has_site(const struct memory_room *room)
{
	return !room || room->left >= bytes_of_site(SITE_FRAMES_USUAL);
}

void memory_room_refuse(struct memory_room *room)
{
	if (room)
		room->refused++;
}

void memory_room_measure(struct memory_room *room, uint64_t used)
{
	room->left = room->measured = room->limit > used ? room->limit - used : 0;
}

bool memory_room_is_low(const struct memory_room *room)
{
	return room->left < room->limit / 8;
}
