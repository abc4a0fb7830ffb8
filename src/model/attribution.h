/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_ATTRIBUTION_H
#define PARKSCOPE_MODEL_ATTRIBUTION_H

/*
 * How the completed waits of a process came to their sites, and how far that can be relied
 * on. The totals by reason are exact; what stands at the sites is partly inferred and
 * partly an estimate from samples. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

/* Sums that only grow. */
struct attribution {
	uint64_t captured;   /* walked, or seen by a sweep */
	uint64_t inferred;   /* credited to the stack that their thread is known for, unwalked */
	uint64_t skipped;    /* not sampled: what was makes up for them */
	uint64_t verified;   /* inferred ones, estimated from those that were walked all the same */
	uint64_t mismatched; /* of these, inferred wrongly */
	uint64_t waits;      /* all, by reason */
	uint64_t duration_ns;   /* their time */
	uint64_t attributed_ns; /* the same time, as the sites have it */
};

struct attribution attribution_since(const struct attribution *now, const struct attribution *then);

/* Part of the inferred ones that belongs elsewhere, 0 to 1; false: none were looked at. */
bool attribution_mismatch(const struct attribution *attribution, double *part);

/* By which part the time at all sites is more (or, negative, less) than what was waited. */
double attribution_error(const struct attribution *attribution);

#endif
