// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/memory_room.h"

/* Measured with 25 frames a stack, and rounded up (tests/scale). */
static const uint64_t bytes_of[MEMORY_THINGS] = {
	[MEMORY_PROCESS] = 8192,
	[MEMORY_THREAD] = 3072,
	[MEMORY_SITE] = 8192,
	[MEMORY_PLACE] = 192,
};

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
	*room = (struct memory_room){.limit = limit, .left = limit};
}

bool memory_room_has(struct memory_room *room, enum memory_thing thing)
{
	if (room->left >= bytes_of[thing])
		return true;
	room->refused++;
	return false;
}

bool memory_room_take(struct memory_room *room, enum memory_thing thing)
{
	if (!room)
		return true;
	if (!memory_room_has(room, thing))
		return false;
	room->left -= bytes_of[thing];
	return true;
}

void memory_room_measure(struct memory_room *room, uint64_t used)
{
	room->left = room->limit > used ? room->limit - used : 0;
}

bool memory_room_is_low(const struct memory_room *room)
{
	return room->left < room->limit / 16;
}
