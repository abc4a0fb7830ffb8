// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/site.h"

#include <stdlib.h>

struct site *site_new(enum site_kind kind, enum unit unit, const char *reason,
		      const struct stack *stack)
{
	auto_free(site) struct site *site = calloc(1, sizeof(*site));

	if (!site)
		return NULL;
	site->kind = kind;
	site->unit = unit;
	site->reason = reason;
	site->id = site_id_of(unit, reason, stack);
	site->stack = stack_copy(stack);
	if (!site->stack)
		return NULL;
	return take_ptr(site);
}

void site_free(struct site *site)
{
	if (!site)
		return;
	stack_free(site->stack);
	stack_free(site->creator);
	stay_sample_release(&site->stays);
	free(site);
}

uint64_t site_size(const struct site *site)
{
	return site->kind == SITE_PARK ? site->crowd.now : site->births.live;
}

double site_rate_per_minute(const struct site *site)
{
	return growth_per_minute(site->kind == SITE_PARK ? &site->crowd.growth : &site->growth);
}

void site_add_waits(struct site *site, const struct wait_sum *sum)
{
	site->waits.count += sum->count;
	site->waits.duration_ns += sum->duration_ns;
	if (site->waits.max_ns < sum->max_ns)
		site->waits.max_ns = sum->max_ns;
}

struct site_interval site_interval(const struct site *site)
{
	return (struct site_interval){
		.arrived = site->crowd.arrived - site->reported.arrived,
		.departed = site->crowd.departed - site->reported.departed,
		.born = site->births.born - site->reported.born,
		.exited = site->births.exited - site->reported.exited,
		.waits = site->waits.count - site->reported.waits.count,
		.waits_ns = site->waits.duration_ns - site->reported.waits.duration_ns,
	};
}

void site_end_report(struct site *site)
{
	site->reported.arrived = site->crowd.arrived;
	site->reported.departed = site->crowd.departed;
	site->reported.born = site->births.born;
	site->reported.exited = site->births.exited;
	site->reported.waits = site->waits;
}
