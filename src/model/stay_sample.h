/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_STAY_SAMPLE_H
#define PARKSCOPE_MODEL_STAY_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which stays a crowd has, in bounded memory, so that two looks at the same process tell who
 * stayed, left and came. A stay has an id of 64 random bits, a hash of what tells it from all
 * others; of more stays than STAY_SAMPLE_MAX those are kept whose id is a multiple of a power
 * of two. Which ones does not depend on their order or on the look: two samples have the same
 * stays if the crowds have. Zero-initialised is empty. Pure.
 */

#define STAY_SAMPLE_MAX 4096

/* Of a crowd of any size that fits into memory: 4096 * 2^32. */
#define STAY_SAMPLE_SHIFT_MAX 32

struct stay_sample {
	uint64_t *ids; /* owned */
	size_t count;
	size_t capacity;
	unsigned int shift; /* one in 2^shift is kept: multiples of that */
	bool failed;        /* there was no memory: what it has is not to be used */
};

void stay_sample_add(struct stay_sample *sample, uint64_t id);

/* Ascending; after the last stay_sample_add(), before stay_sample_kept(). */
void stay_sample_sort(struct stay_sample *sample);

/* Empties it; the memory stays. */
void stay_sample_clear(struct stay_sample *sample);
void stay_sample_release(struct stay_sample *sample);

/*
 * The stays of `old`, a sorted sample of a crowd of `old_now`, that are in the sorted `new_sample`,
 * too. Exact where both have every stay (shift 0), else an estimate with an error of some percent.
 */
uint64_t stay_sample_kept(const struct stay_sample *old, uint64_t old_now,
			  const struct stay_sample *new_sample);

#endif
