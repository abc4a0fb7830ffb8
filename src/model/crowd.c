// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/crowd.h"

void crowd_begin(struct crowd *crowd)
{
	crowd->now = 0;
	crowd->oldest_ns = 0;
	crowd->oldest_bound = AGE_EXACT;
}

void crowd_park(struct crowd *crowd, uint64_t age_ns, enum age_bound bound, bool arrived)
{
	crowd->now++;
	if (arrived)
		crowd->arrived++;
	if (age_ns >= crowd->oldest_ns) {
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
	growth_add(&crowd->growth, now_ns, (int64_t)crowd->now);
}
