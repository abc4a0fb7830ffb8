/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_STAY_SIMULATION_H
#define PARKSCOPE_TESTS_STAY_SIMULATION_H

/*
 * Stays at a site, made one by one from a seed, and what the model says of them from sweep to
 * sweep. Times are seconds since we attached; what came before has negative ones.
 */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "model/verdict.h"
#include "unit_test.h"

#define SECOND_NS 1000000000ULL
/* The clock does not begin when we do. */
#define ATTACHED_NS (1000000 * SECOND_NS)
#define SWEEP_S     5
#define FOR_EVER    1e12

struct simulated_stay {
	double from, to;
};

struct simulation {
	uint64_t random;
	double end;
	size_t count, capacity;
	struct simulated_stay *stays;
};

/* SplitMix64 */
static double uniform(struct simulation *simulation)
{
	uint64_t z = simulation->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double exponential(struct simulation *simulation, double mean)
{
	return -mean * log(1 - uniform(simulation));
}

static void add(struct simulation *simulation, double from, double to)
{
	/* Nobody sees what begins and ends between two sweeps. */
	if (floor(from / SWEEP_S) >= floor(to / SWEEP_S))
		return;
	if (simulation->count == simulation->capacity) {
		simulation->capacity = simulation->capacity * 2 + 1024;
		simulation->stays = realloc(simulation->stays,
					    simulation->capacity * sizeof(struct simulated_stay));
		assert_non_null(simulation->stays);
	}
	simulation->stays[simulation->count++] = (struct simulated_stay){from, to};
}

/* The next arrival of a Poisson process. */
static double next_arrival(struct simulation *simulation, double now, double per_second)
{
	return now + exponential(simulation, 1 / per_second);
}

static void leak(struct simulation *simulation, double per_second, double from, double to)
{
	double t = from;

	while ((t = next_arrival(simulation, t, per_second)) < to)
		add(simulation, t, FOR_EVER);
}

/* Those who are parked come in the order of their coming. */
static int compare_stays(const void *left, const void *right)
{
	const struct simulated_stay *a = left, *b = right;

	return (a->from > b->from) - (a->from < b->from);
}

/* What the model has of a site, and the stays that are parked. */
struct watch {
	struct crowd crowd;
	struct ladder ladder;
	struct verdict_state state;
	double swept; /* the sweep before */
	size_t parked_count;
	struct simulated_stay *parked;
};

/* As sources see it: what was parked when they came has an age that is only a bound. */
static uint64_t age_of(const struct simulated_stay *stay, double now)
{
	return (uint64_t)((now - (stay->from > 0 ? stay->from : 0)) * 1e9);
}

static enum age_bound bound_of(const struct simulated_stay *stay)
{
	return stay->from > 0 ? AGE_EXACT : AGE_AT_LEAST;
}

static void sweep_parked(struct watch *watch, double now)
{
	size_t kept = 0;

	for (size_t i = 0; i < watch->parked_count; i++) {
		const struct simulated_stay *stay = &watch->parked[i];
		bool arrived = stay->from > watch->swept && now > 0;

		if (stay->to <= now) {
			if (!arrived) {
				ladder_leave(&watch->ladder, age_of(stay, watch->swept),
					     bound_of(stay));
				crowd_leave(&watch->crowd);
			}
			continue;
		}
		ladder_park(&watch->ladder, age_of(stay, now), bound_of(stay));
		crowd_park(&watch->crowd, age_of(stay, now), bound_of(stay), arrived);
		watch->parked[kept++] = *stay;
	}
	watch->parked_count = kept;
	watch->swept = now;
}

static void sweep(struct watch *watch, enum verdict_class class, double now)
{
	const struct verdict_rules rules = verdict_rules_default();
	uint64_t watched_ns = (uint64_t)(now * 1e9);
	struct verdict_input input = {
		.class = class,
		.ladder = &watch->ladder,
		.crowd = &watch->crowd,
		.now_ns = ATTACHED_NS + watched_ns,
		.watched_ns = watched_ns,
		.departed = watch->crowd.departed,
	};

	crowd_begin(&watch->crowd);
	ladder_begin(&watch->ladder, input.now_ns, watched_ns);
	sweep_parked(watch, now);
	crowd_end(&watch->crowd, input.now_ns);
	assert_int_equal(ladder_end(&watch->ladder), 0);
	verdict_judge(&watch->state, &input, &rules);
}

#endif
