// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/site.h"

#include <math.h>
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
	site->idle = kind == SITE_PARK && verdict_stack_is_idle(unit, stack);
	return take_ptr(site);
}

void site_free(struct site *site)
{
	if (!site)
		return;
	stack_free(site->stack);
	stack_free(site->creator);
	stay_sample_release(&site->stays);
	ladder_clear(&site->ladder);
	free(site);
}

void site_begin_sweep(struct site *site, uint64_t now_ns, uint64_t watched_ns)
{
	crowd_begin(&site->crowd);
	stay_sample_clear(&site->stays);
	ladder_begin(&site->ladder, now_ns, watched_ns);
}

/*
 * What is at least as old as we have seen it is as good as exact for the ladder, unless it was
 * there when we came: between two sweeps is no age.
 */
static enum age_bound ladder_bound(const struct stay *stay)
{
	return stay->bound == AGE_AT_LEAST && !stay->early ? AGE_EXACT : stay->bound;
}

void site_park(struct site *site, const struct stay *stay, bool arrived)
{
	crowd_park(&site->crowd, stay->age_ns, stay->bound, arrived);
	ladder_park(&site->ladder, stay->age_ns, ladder_bound(stay));
}

void site_leave(struct site *site, const struct stay *stay)
{
	crowd_leave(&site->crowd);
	ladder_leave(&site->ladder, stay->age_ns, ladder_bound(stay));
}

/* The ages from which untimed waits can show a leak. */
static bool keeps_untimed(const struct site *site, const struct verdict_rules *rules)
{
	for (size_t i = 0; i < LADDER_RUNGS; i++)
		if (ladder_age_ns(i) >= VERDICT_UNTIMED_NS &&
		    ladder_keeps(&site->ladder, i, &rules->ladder))
			return true;
	return false;
}

static void note_use(struct site *site)
{
	uint64_t count = site->crowd.arrived + site->crowd.departed + site->births.born +
			 site->births.exited + site->waits.count;

	site->grew |= site->verdict.verdict != VERDICT_STEADY;
	if (!site_size(site) && count == site->active_count &&
	    site->verdict.verdict == VERDICT_STEADY)
		return;
	site->active_count = count;
	site->active_ns = site->ladder.now_ns;
}

int site_end_sweep(struct site *site, uint64_t interval_ns, const struct verdict_rules *rules)
{
	const struct verdict_subject subject = site_subject(site);
	const struct verdict_input input = {
		.class = verdict_class_of(&subject),
		.ladder = &site->ladder,
		.crowd = &site->crowd,
		.now_ns = site->ladder.now_ns,
		.watched_ns = site->ladder.watched_ns,
		.interval_ns = interval_ns,
		.departed = site->kind == SITE_PARK ? site->crowd.departed : site->births.exited,
	};
	int err = 0;

	if (site->kind == SITE_BIRTH)
		site->crowd.now = site->births.live;
	crowd_end(&site->crowd, input.now_ns);
	if (site->kind == SITE_PARK) {
		thread_names_sort(&site->names);
		stay_sample_sort(&site->stays);
		err = ladder_end(&site->ladder);
		site->near_io_wanted =
			verdict_depends_on_near_io(&subject) && keeps_untimed(site, rules);
	}
	verdict_judge(&site->verdict, &input, rules);
	note_use(site);
	return err;
}

bool site_is_expired(const struct site *site, uint64_t now_ns, bool scarce)
{
	uint64_t unused_ns = now_ns > site->active_ns ? now_ns - site->active_ns : 0;
	uint64_t expires_ns = site->grew ? SITE_EXPIRES_GREW_NS
			      : scarce   ? SITE_EXPIRES_SCARCE_NS
					 : SITE_EXPIRES_NS;

	return site->unit == UNIT_THREAD && !site_size(site) &&
	       site->verdict.verdict == VERDICT_STEADY && unused_ns >= expires_ns &&
	       (scarce || !site->ladder.rungs);
}

struct verdict_subject site_subject(const struct site *site)
{
	return (struct verdict_subject){
		.unit = site->unit,
		.reason = site->reason,
		.objects = &site->objects,
		.stack = site->stack,
		.idle = site->idle,
		.timed = site->timed,
		.runtime = site->runtime,
		.near_io = site->near_io,
	};
}

bool site_verdict_changed(const struct site *site)
{
	return site->verdict.verdict != site->reported.verdict ||
	       site->verdict.stopped != site->reported.stopped;
}

uint64_t site_size(const struct site *site)
{
	return site->kind == SITE_PARK ? site->crowd.now : site->births.live;
}

double site_rate_per_minute(const struct site *site)
{
	return trend_per_minute(&site->crowd.trend);
}

void wait_sum_add(struct wait_sum *sum, const struct wait_sum *more)
{
	sum->count += more->count;
	sum->duration_ns += more->duration_ns;
	sum->variance += more->variance;
	if (sum->max_ns < more->max_ns)
		sum->max_ns = more->max_ns;
}

double wait_error_ns(double variance)
{
	return variance > 0 ? WAIT_ERROR_DEVIATIONS * sqrt(variance) : 0;
}

void site_add_waits(struct site *site, const struct wait_sum *sum)
{
	wait_sum_add(&site->waits, sum);
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
		.waits_variance = site->waits.variance - site->reported.waits.variance,
	};
}

void site_end_report(struct site *site)
{
	site->reported.arrived = site->crowd.arrived;
	site->reported.departed = site->crowd.departed;
	site->reported.born = site->births.born;
	site->reported.exited = site->births.exited;
	site->reported.waits = site->waits;
	site->reported.verdict = site->verdict.verdict;
	site->reported.stopped = site->verdict.stopped;
}
