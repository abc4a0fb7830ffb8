// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/growth.h"

#include <string.h>

static void drop_oldest(struct growth *growth)
{
	growth->count--;
	memmove(&growth->samples[0], &growth->samples[1],
		growth->count * sizeof(growth->samples[0]));
}

/* Two samples this far apart leave room for the window and the sample before it. */
#define GROWTH_STEP_NS (2 * GROWTH_WINDOW_NS / (GROWTH_SAMPLES_MAX - 2))

void growth_add(struct growth *growth, uint64_t time_ns, int64_t value)
{
	uint64_t window_start = time_ns > GROWTH_WINDOW_NS ? time_ns - GROWTH_WINDOW_NS : 0;

	while (growth->count >= 2 && growth->samples[1].time_ns <= window_start)
		drop_oldest(growth);
	/* The last one is always the newest; what is denser than needed is overwritten. */
	if (growth->count >= 2 &&
	    time_ns - growth->samples[growth->count - 2].time_ns < GROWTH_STEP_NS)
		growth->count--;
	if (growth->count == GROWTH_SAMPLES_MAX)
		drop_oldest(growth);
	growth->samples[growth->count].time_ns = time_ns;
	growth->samples[growth->count].value = value;
	growth->count++;
}

double growth_per_minute(const struct growth *growth)
{
	uint64_t elapsed_ns;
	int64_t change;

	if (growth->count < 2)
		return 0;
	elapsed_ns = growth->samples[growth->count - 1].time_ns - growth->samples[0].time_ns;
	change = growth->samples[growth->count - 1].value - growth->samples[0].value;
	return elapsed_ns >= GROWTH_SHORTEST_NS ? (double)change * 60e9 / (double)elapsed_ns : 0;
}
