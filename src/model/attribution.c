// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/attribution.h"

/* Sums may lag behind one another at the borders of an interval. */
static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

struct attribution attribution_since(const struct attribution *now, const struct attribution *then)
{
	return (struct attribution){
		.captured = since(now->captured, then->captured),
		.inferred = since(now->inferred, then->inferred),
		.skipped = since(now->skipped, then->skipped),
		.verified = since(now->verified, then->verified),
		.mismatched = since(now->mismatched, then->mismatched),
		.waits = since(now->waits, then->waits),
		.duration_ns = since(now->duration_ns, then->duration_ns),
		.attributed_ns = since(now->attributed_ns, then->attributed_ns),
	};
}

bool attribution_mismatch(const struct attribution *attribution, double *part)
{
	if (!attribution->verified)
		return false;
	*part = (double)attribution->mismatched / (double)attribution->verified;
	return true;
}

double attribution_error(const struct attribution *attribution)
{
	if (!attribution->duration_ns)
		return 0;
	return ((double)attribution->attributed_ns - (double)attribution->duration_ns) /
	       (double)attribution->duration_ns;
}
