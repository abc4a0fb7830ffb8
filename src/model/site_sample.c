// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/site_sample.h"

#include <string.h>

struct site_sample site_sample_take(const struct site *site)
{
	return (struct site_sample){
		.now = site_size(site),
		.oldest_ns = site->crowd.oldest_ns,
		.oldest_bound = site->crowd.oldest_bound,
		.arrived = site->crowd.arrived,
		.departed = site->crowd.departed,
		.counts = site->ladder.counted,
		.waits = site->waits,
		.births = site->births,
		.near_io = site->near_io,
		.timed = site->timed,
		.runtime = site->runtime,
		.creators_differ = site->creators_differ,
	};
}

void site_sample_restore(const struct site_sample *sample, struct site *site)
{
	site->crowd.now = sample->now;
	site->crowd.oldest_ns = sample->oldest_ns;
	site->crowd.oldest_bound = sample->oldest_bound;
	site->crowd.arrived = sample->arrived;
	site->crowd.departed = sample->departed;
	ladder_restore(&site->ladder, &sample->counts);
	site->waits = sample->waits;
	site->births = sample->births;
	site->near_io = sample->near_io;
	site->timed = sample->timed;
	site->runtime = sample->runtime;
	site->creators_differ = sample->creators_differ;
}

void site_sample_pass_time(struct site_sample *sample, uint64_t elapsed_ns)
{
	uint32_t here[LADDER_RUNGS];

	memcpy(here, sample->counts.here, sizeof(here));
	if (sample->now && sample->oldest_ns)
		sample->oldest_ns += elapsed_ns;
	sample->counts = (struct ladder_counts){0};
	memcpy(sample->counts.here, here, sizeof(here));
}
