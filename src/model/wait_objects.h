/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_WAIT_OBJECTS_H
#define PARKSCOPE_MODEL_WAIT_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the units of a crowd wait for, by a sample of them: one channel that all share
 * (a pool, back-pressure), or each alone on its own (what leaks look like).
 * Zero-initialised is empty. Pure.
 */

/* Units of a crowd that are looked at. */
#define WAIT_OBJECTS_MAX 32

enum wait_object_kind {
	WAIT_OBJECT_UNKNOWN,
	WAIT_OBJECT_CHANNEL,
	WAIT_OBJECT_SELECT, /* of several channels: known by the first */
	WAIT_OBJECT_SEMAPHORE,
	WAIT_OBJECT_FUTEX, /* of threads: the word that they wait for */
};

/* What one unit waits for. */
struct wait_object {
	enum wait_object_kind kind;
	uint64_t identity;         /* the same for units that wait for the same thing */
	bool alone;                /* nobody else waits there for the same, as far as is known */
	uint64_t capacity, length; /* of the channel, in elements */
	bool closed;
};

enum wait_sharing {
	WAIT_SHARING_UNKNOWN, /* nothing is known, or the units wait for different kinds */
	WAIT_SHARING_ONE,     /* all on one object; a condition variable has two futexes */
	WAIT_SHARING_ALONE,   /* each alone on its own */
	WAIT_SHARING_SEVERAL, /* some share, some do not */
};

struct wait_objects {
	enum wait_object_kind kind;
	bool kinds_differ;
	uint64_t looked_at;
	uint64_t alone;
	uint64_t closed;
	uint64_t capacity_min, capacity_max;
	uint64_t full;  /* channels whose buffer has no room; unbuffered ones are not counted */
	uint64_t empty; /* buffered channels without an element */
	size_t distinct;
	uint64_t identities[WAIT_OBJECTS_MAX]; /* the `distinct` ones */
};

void wait_objects_clear(struct wait_objects *objects);

/* Adds what one more unit waits for; beyond WAIT_OBJECTS_MAX units it does nothing. */
void wait_objects_add(struct wait_objects *objects, const struct wait_object *object);

enum wait_sharing wait_objects_sharing(const struct wait_objects *objects);

/* "channel", "select", "semaphore", "futex", or NULL for unknown. Static. */
const char *wait_object_kind_name(enum wait_object_kind kind);

/* "one", "alone", "several", or NULL for unknown. Static. */
const char *wait_sharing_name(enum wait_sharing sharing);

#endif
