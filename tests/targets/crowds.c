/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "crowds.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

#define TICK_S      0.1
#define TICK_NS     100000000ULL
#define CHURN_S     0.1
#define MAX_KINDS   4
#define STACK_BYTES (64 * 1024)

static uint64_t rate_per_min = 120;
static uint64_t size = 200;
static uint64_t period_s = 120;
static uint64_t churn_per_s;
static uint64_t pool_size;

enum plan {
	LEAK,
	LEAK_STOPS,
	POOL,
	FILL,
	IDLE,
	RAMP,
	AUTOSCALE,
	BATCH,
	SAWTOOTH,
	SLOWER,
	RELOAD,
	BURSTS,
	SESSIONS,
};

static const char *const plan_names[] = {"leak",   "leak_stops", "pool",    "fill",     "idle",
					 "ramp",   "autoscale",  "batch",   "sawtooth", "slower",
					 "reload", "bursts",     "sessions"};

struct unit {
	const struct crowd_kind *kind;
	void *object;
	/* Its next stay to end is its last. (With a shared object another one may wake up.) */
	atomic_bool last;
	double leaves_s; /* for good */
	double due_s;    /* the end of this stay */
	bool works;      /* it stays 10 to 30 s at a time */
	/* Its thread, and the planner until it has released it for good. */
	atomic_int owners;
};

static struct unit **units; /* those that will be released some day */
static size_t unit_count, unit_capacity;
static atomic_uint_fast64_t arrived, left;
static uint64_t random_state;

/* SplitMix64, as a number from 0 to 1. */
static double next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double between(double least, double most)
{
	return least + (most - least) * next_random();
}

/* Units that come per second, at `t` seconds. */
static double arrival_rate(enum plan plan, double t)
{
	double rate = (double)rate_per_min / 60, crowd = (double)size, period = (double)period_s;
	double at = fmod(t, period), half = period / 2;

	switch (plan) {
	case LEAK_STOPS:
		return t < period ? rate : 0;
	case POOL:
		return t < 10 ? crowd / 10 : 0;
	case FILL:
	case IDLE:
		return t < crowd / rate ? rate : 0;
	case RAMP:
		return rate * (1 - fabs(at - half) / half);
	case AUTOSCALE: /* five steps up in the first half */
		return at < half && fmod(at, period / 10) < 1 ? crowd / 5 : 0;
	case BATCH:
		return at < period / 10 ? crowd / (period / 10) : 0;
	case RELOAD:
	case BURSTS:
		return at < 1 ? crowd : 0;
	default: /* LEAK, SAWTOOTH, SLOWER, SESSIONS */
		return rate;
	}
}

/* For how many seconds a unit that comes at `t` will be there. */
static double lifetime(enum plan plan, double t)
{
	double period = (double)period_s, at = fmod(t, period);

	switch (plan) {
	case RAMP:
		return between(2, 30);
	case AUTOSCALE: /* down again in the second half */
		return period - 2 * at;
	case BATCH:
		return 0.8 * period - at;
	case SAWTOOTH:
		return period - at;
	case SLOWER:
		return fmin(0.1 + t / 10, period);
	case RELOAD: /* the new ones are there before the old ones leave */
		return period - at + 2;
	case BURSTS:
		return between(2, 6);
	case SESSIONS:
		return between(0.1, 2) * period;
	default: /* LEAK, LEAK_STOPS, POOL, FILL, IDLE */
		return INFINITY;
	}
}

static bool plan_works(enum plan plan)
{
	return plan == POOL || plan == FILL || plan == AUTOSCALE || plan == RELOAD;
}

static void let_go(struct unit *unit)
{
	if (--unit->owners == 0)
		free(unit);
}

static void *unit_main(void *argument)
{
	struct unit *unit = argument;
	bool last;

	do {
		arrived++;
		unit->kind->park(unit->object);
		left++;
		last = unit->last;
	} while (!last);
	if (unit->kind->drop)
		unit->kind->drop(unit->object);
	let_go(unit);
	return NULL;
}

static void remember(struct unit *unit)
{
	if (unit_count == unit_capacity) {
		unit_capacity = unit_capacity * 2 + 64;
		units = realloc(units, unit_capacity * sizeof(*units));
		if (!units)
			target_die("no memory");
	}
	units[unit_count++] = unit;
	unit->owners++;
}

static void start_unit(const struct crowd_kind *kind, enum plan plan, double t, double life)
{
	struct unit *unit = calloc(1, sizeof(*unit));

	if (!unit)
		target_die("no memory");
	unit->kind = kind;
	unit->object = kind->make();
	unit->leaves_s = t + life;
	unit->works = plan_works(plan);
	unit->last = !unit->works;
	unit->owners = 1;
	unit->due_s = unit->leaves_s;
	if (unit->works)
		unit->due_s = fmin(t + between(10, 30), unit->leaves_s);
	if (plan == FILL) /* no work before all are there */
		unit->due_s += (double)size * 60 / (double)rate_per_min - t;
	if (isfinite(unit->due_s)) {
		if (!kind->release || (unit->works && kind->once))
			target_die("kind %s does not go with this plan", kind->name);
		remember(unit);
	}
	target_thread(kind->name, STACK_BYTES, NULL, unit_main, unit);
}

static void release_due(double t)
{
	for (size_t i = 0; i < unit_count;) {
		struct unit *unit = units[i];
		bool stays = unit->leaves_s > t;

		if (unit->due_s > t) {
			i++;
			continue;
		}
		if (stays)
			unit->due_s = fmin(t + between(10, 30), unit->leaves_s);
		else
			unit->last = true;
		unit->kind->release(unit->object);
		if (stays) {
			i++;
		} else {
			units[i] = units[--unit_count];
			let_go(unit);
		}
	}
}

static void report(void)
{
	uint64_t gone = left;

	printf("stayed=%" PRIu64 " left=%" PRIu64 "\n", arrived - gone, gone);
}

static enum plan find_plan(const char *name)
{
	for (size_t i = 0; i < sizeof(plan_names) / sizeof(*plan_names); i++)
		if (strcmp(plan_names[i], name) == 0)
			return (enum plan)i;
	target_die("unknown plan: %s", name);
}

static const struct crowd_kind *find_kind(const struct crowd_kind *kinds, size_t count,
					  const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	target_die("unknown kind: %s", name);
}

void crowds_run(int argc, char **argv, const struct crowd_kind *kinds, size_t count,
		const struct crowd_kind *pool)
{
	const struct target_option options[] = {
		{"rate", &rate_per_min}, {"size", &size},      {"period", &period_s},
		{"churn", &churn_per_s}, {"pool", &pool_size},
	};
	const struct crowd_kind *chosen[MAX_KINDS];
	size_t chosen_count = 0, turn = 0;
	double due = 0, churn_due = 0;
	enum plan plan;
	uint64_t start_ns;

	if (argc < 3)
		target_die("usage: KIND[+KIND...] PLAN [name=number]...");
	for (char *name = strtok(argv[1], "+"); name; name = strtok(NULL, "+")) {
		if (chosen_count == MAX_KINDS)
			target_die("too many kinds");
		chosen[chosen_count++] = find_kind(kinds, count, name);
	}
	plan = find_plan(argv[2]);
	target_start(argc - 2, argv + 2, options, sizeof(options) / sizeof(*options));
	if (!chosen_count || !rate_per_min || !size || period_s < 10)
		target_die("rate and size must not be 0, period must be 10 at least");
	target_on_report(report);
	target_ready();
	for (uint64_t i = 0; i < pool_size; i++)
		start_unit(pool, POOL, 0, INFINITY);

	start_ns = target_now_ns();
	for (uint64_t tick = 1;;) {
		double t = (double)tick * TICK_S;
		enum target_event event = target_next((int64_t)(start_ns + tick * TICK_NS));

		if (event == TARGET_QUIT)
			target_finish();
		if (event != TARGET_TIMEOUT)
			continue;
		release_due(t);
		for (due += arrival_rate(plan, t) * TICK_S; due >= 1; due--)
			start_unit(chosen[turn++ % chosen_count], plan, t, lifetime(plan, t));
		for (churn_due += (double)churn_per_s * TICK_S; churn_due >= 1; churn_due--)
			start_unit(chosen[turn % chosen_count], LEAK, t, CHURN_S);
		if (tick++ % 10 == 0)
			report();
	}
}
