// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/crowd.h"

void crowd_begin(struct crowd *crowd)
{
	crowd->now = 0;
	crowd->oldest_ns = 0;
	crowd->oldest_bound = AGE_EXACT;
}

/* Whether the first, of the same number, may be the older one. */
static bool is_older(enum age_bound a, enum age_bound b)
{
	static const int order[] = {[AGE_AT_MOST] = 0, [AGE_EXACT] = 1, [AGE_AT_LEAST] = 2};

	return order[a] > order[b];
}

void crowd_park(struct crowd *crowd, uint64_t age_ns, enum age_bound bound, bool arrived)
{
	crowd->now++;
	if (arrived)
		crowd->arrived++;
	/* Of two that are as old for all we know, the one that may be older. */
	if (age_ns > crowd->oldest_ns || crowd->now == 1 ||
	    (age_ns == crowd->oldest_ns && is_older(bound, crowd->oldest_bound))) {
		crowd->oldest_ns = age_ns;
		crowd->oldest_bound = bound;
	}
}

void crowd_leave(struct crowd *crowd)
{
	crowd->departed++;
}

void crowd_end(struct crowd *crowd, uint64_t now_ns)
{
	trend_add(&crowd->trend, now_ns, (int64_t)crowd->now);
}
