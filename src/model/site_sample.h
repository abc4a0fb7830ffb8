/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_SITE_SAMPLE_H
#define PARKSCOPE_MODEL_SITE_SAMPLE_H

#include "model/site.h"

/*
 * What a sweep says of a site, as numbers: with what its units wait for, all that the model
 * concludes anything from. Taken after a sweep and restored in another model, sweep by sweep, it
 * leads to the same verdicts. Pure.
 */
struct site_sample {
	uint64_t now;
	uint64_t oldest_ns;
	enum age_bound oldest_bound;
	uint64_t arrived, departed; /* since the first sweep */
	struct ladder_counts counts;
	struct wait_sum waits;
	struct birth_count births;
	enum near_io near_io;
	bool timed, runtime, creators_differ;
};

/* After site_end_sweep(). */
struct site_sample site_sample_take(const struct site *site);

/* Between site_begin_sweep() and site_end_sweep(), in place of whatever else counts. */
void site_sample_restore(const struct site_sample *sample, struct site *site);

/* What it is if nothing happens for so long: who is parked stays, nobody comes or goes. */
void site_sample_pass_time(struct site_sample *sample, uint64_t elapsed_ns);

#endif
