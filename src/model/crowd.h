/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_CROWD_H
#define PARKSCOPE_MODEL_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "model/trend.h"

/* What an age says of how long a unit has been parked. */
enum age_bound {
	AGE_EXACT,
	AGE_AT_MOST,  /* we have not seen it park: no older than its last run, or the last sweep */
	AGE_AT_LEAST, /* a goroutine that was parked when we came: as long as we have seen it */
};

/*
 * The units parked at a site now: how many, the oldest, who came and who left.
 * Zero-initialised is empty. Each sweep is crowd_begin(), then one call per
 * unit that is parked here or was in the sweep before, then crowd_end(). What
 * counts is the stay: a unit that parks again at the same site leaves and
 * arrives. Pure.
 */
struct crowd {
	uint64_t now;
	uint64_t oldest_ns;
	enum age_bound oldest_bound;
	uint64_t arrived; /* since the first sweep, which itself counts none */
	uint64_t departed;
	struct trend trend; /* of `now` */
};

void crowd_begin(struct crowd *crowd);

/* A unit is parked here, for `age_ns`. `arrived`: this stay was not here in the last sweep. */
void crowd_park(struct crowd *crowd, uint64_t age_ns, enum age_bound bound, bool arrived);

/* A stay of the last sweep has ended. */
void crowd_leave(struct crowd *crowd);

void crowd_end(struct crowd *crowd, uint64_t now_ns);

#endif
