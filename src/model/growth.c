// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/growth.h"

#include <string.h>

static void drop_oldest(struct growth *growth)
{
	growth->count--;
	memmove(&growth->samples[0], &growth->samples[1],
		growth->count * sizeof(growth->samples[0]));
}

/* Halves the resolution; the oldest sample stays. */
static void thin_out(struct growth *growth)
{
	size_t kept = 0;

	for (size_t i = 0; i < growth->count; i += 2)
		growth->samples[kept++] = growth->samples[i];
	growth->count = kept;
}

void growth_add(struct growth *growth, uint64_t time_ns, int64_t value)
{
	uint64_t window_start = time_ns > GROWTH_WINDOW_NS ? time_ns - GROWTH_WINDOW_NS : 0;

	while (growth->count >= 2 && growth->samples[1].time_ns <= window_start)
		drop_oldest(growth);
	if (growth->count == GROWTH_SAMPLES_MAX)
		thin_out(growth);
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
	return elapsed_ns ? (double)change * 60e9 / (double)elapsed_ns : 0;
}
