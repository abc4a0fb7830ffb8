// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every simulated crowd through the model, recorded, and through the model again: the same
 * verdicts with the same evidence after every sweep.
 */
#include "unit_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "recording_fixture.h"
#include "stay_patterns.h"

/* Long enough for a leak of one a minute, and for growth that ends. */
#define WATCHED_S 3600.0

struct pattern {
	const char *name;
	void (*make)(struct simulation *simulation);
};

static const struct pattern patterns[] = {
	{"leak_2_per_s", leak_2_per_s},
	{"leak_since_long", leak_since_long},
	{"leak_2_per_s_long", leak_2_per_s_long},
	{"leak_12_per_min", leak_12_per_min},
	{"leak_1_per_min", leak_1_per_min},
	{"leak_each_minute", leak_each_minute},
	{"leak_and_pool_20", leak_and_pool_20},
	{"leak_and_pool_60", leak_and_pool_60},
	{"leak_and_churn", leak_and_churn},
	{"leak_stops", leak_stops},
	{"leak_in_bursts", leak_in_bursts},
	{"leak_of_some", leak_of_some},
	{"leak_6_per_min", leak_6_per_min},
	{"ramp", ramp},
	{"slow_consumer", slow_consumer},
	{"autoscaling_pool", autoscaling_pool},
	{"day_and_night", day_and_night},
	{"batch_held", batch_held},
	{"batch_filled_slowly", batch_filled_slowly},
	{"heavy_tail", heavy_tail},
	{"slow_start", slow_start},
	{"filling_pool", filling_pool},
	{"sawtooth_10_min", sawtooth_10_min},
	{"sawtooth_20_s", sawtooth_20_s},
	{"sawtooth_2_min", sawtooth_2_min},
	{"connection_cache", connection_cache},
	{"websockets", websockets},
	{"websockets_at_noon", websockets_at_noon},
	{"idle_pool", idle_pool},
	{"few_lazy_workers", few_lazy_workers},
	{"start_up", start_up},
	{"slow_server", slow_server},
	{"nothing_at_all", nothing_at_all},
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

/* The same crowd as lone sends, as threads without a timeout, and as what never is a leak. */
enum {
	SITES = 3
};

struct model {
	struct site *sites[SITES];
};

struct outcome {
	size_t sweeps, changes;
	size_t leaking; /* sweeps that say so of the first site */
	struct verdict_state *states;
};

static void make_sites(struct watched_process *process, struct model *model)
{
	const struct wait_object alone = {
		.kind = WAIT_OBJECT_CHANNEL, .identity = 1, .alone = true};

	model->sites[0] = build_goroutine_site(process, SITE_PARK, "chan_send",
					       build_stack("main.send", NULL));
	wait_objects_add(&model->sites[0]->objects, &alone);
	model->sites[1] = build_site(process, SITE_PARK, "futex", build_stack("work@app", NULL));
	model->sites[2] = build_site(process, SITE_PARK, "epoll", build_stack("loop@app", NULL));
}

/* As sources do: what the simulation counted is in its crowd and ladder. */
static void sweep_sites(struct watched_process *process, const struct model *model,
			const struct watch *watch, uint64_t now_ns)
{
	const struct verdict_rules rules = verdict_rules_default();
	const struct site_sample sample = {
		.now = watch->crowd.now,
		.oldest_ns = watch->crowd.oldest_ns,
		.oldest_bound = watch->crowd.oldest_bound,
		.arrived = watch->crowd.arrived,
		.departed = watch->crowd.departed,
		.counts = watch->ladder.counted,
	};

	watched_process_begin_sweep(process, now_ns);
	process->threads.now = watch->crowd.now;
	for (size_t i = 0; i < SITES; i++)
		site_sample_restore(&sample, model->sites[i]);
	assert_int_equal(watched_process_end_sweep(process, &rules), 0);
}

static void assert_same_state(const struct verdict_state *a, const struct verdict_state *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->stopped, b->stopped);
	assert_int_equal(a->evidence.now, b->evidence.now);
	assert_int_equal(a->evidence.oldest_ns, b->evidence.oldest_ns);
	assert_int_equal(a->evidence.oldest_bound, b->evidence.oldest_bound);
	assert_memory_equal(&a->evidence.rate_per_minute, &b->evidence.rate_per_minute,
			    sizeof(a->evidence.rate_per_minute));
	assert_int_equal(a->evidence.watched_ns, b->evidence.watched_ns);
	assert_int_equal(a->evidence.departed, b->evidence.departed);
	assert_int_equal(a->evidence.age_ns, b->evidence.age_ns);
	assert_int_equal(a->evidence.entrants, b->evidence.entrants);
	assert_int_equal(a->evidence.ended, b->evidence.ended);
	assert_int_equal(a->evidence.since_ns, b->evidence.since_ns);
	assert_int_equal(a->evidence.mean_gap_ns, b->evidence.mean_gap_ns);
	assert_int_equal(a->evidence.until_ns, b->evidence.until_ns);
	assert_int_equal(a->held_sweeps, b->held_sweeps);
	assert_int_equal(a->grew_sweeps, b->grew_sweeps);
}

static void record_sweep(struct recorded_run *run, struct model *model, struct watch *watch,
			 double now, struct outcome *outcome)
{
	struct verdict_state *states = outcome->states + outcome->sweeps * SITES, direct;
	struct report report;

	sweep(watch, VERDICT_CLASS_PROOF, now);
	sweep_sites(run->processes[0], model, watch, ATTACHED_NS + (uint64_t)(now * 1e9));
	/* What a sweep says of a site is all that its verdict needs. */
	direct = watch->state;
	direct.evidence.departed = watch->crowd.departed;
	assert_same_state(&model->sites[0]->verdict, &direct);
	report = recorded_report(run, now + 1);
	assert_int_equal(recording_sweep(run->recording, &report, outcome->sweeps > 0, NULL), 0);
	for (size_t i = 0; i < SITES; i++) {
		states[i] = model->sites[i]->verdict;
		outcome->changes += site_verdict_changed(model->sites[i]);
	}
	outcome->leaking += states[0].verdict == VERDICT_LEAKING;
	outcome->sweeps++;
	if (outcome->sweeps > 1)
		end_recorded_report(run, &report);
}

static void record_pattern(struct recorded_run *run, const struct pattern *pattern,
			   struct outcome *outcome)
{
	struct simulation simulation = {.random = 7919};
	struct watch watch = {0};
	struct model model;
	size_t next = 0;

	pattern->make(&simulation);
	if (simulation.count)
		qsort(simulation.stays, simulation.count, sizeof(simulation.stays[0]),
		      compare_stays);
	watch.parked = calloc(simulation.count + 1, sizeof(watch.parked[0]));
	outcome->states =
		calloc((size_t)(WATCHED_S / SWEEP_S + 2) * SITES, sizeof(outcome->states[0]));
	assert_non_null(watch.parked);
	assert_non_null(outcome->states);
	run->processes[run->processes_count++] = watched_process_new(7, 1, ATTACHED_NS);
	make_sites(run->processes[0], &model);
	for (double now = 0; now <= simulation.end && now <= WATCHED_S; now += SWEEP_S) {
		for (; next < simulation.count && simulation.stays[next].from <= now; next++)
			if (simulation.stays[next].to > now)
				watch.parked[watch.parked_count++] = simulation.stays[next];
		record_sweep(run, &model, &watch, now, outcome);
	}
	end_recording_of_run(run);
	ladder_clear(&watch.ladder);
	free(watch.parked);
	free(simulation.stays);
}

static const struct site *site_of(const struct report *report, const char *reason)
{
	struct site *site, *next;

	assert_int_equal(report->processes_count, 1);
	HASH_ITER (hh, report->processes[0]->sites, site, next)
		if (strcmp(site->reason, reason) == 0)
			return site;
	fail();
	return NULL;
}

static void assert_replays(const struct recorded_run *run, const struct outcome *outcome)
{
	static const char *const reasons[SITES] = {"chan_send", "futex", "epoll"};
	const struct verdict_rules rules = verdict_rules_default();
	struct replay *replay;
	struct report report;
	size_t sweeps = 1; /* the first has no report */
	int code;

	assert_int_equal(replay_open(run->scratch.file, &replay, NULL), 0);
	while ((code = replay_next(replay, &rules, &report, NULL)) > 0) {
		for (size_t i = 0; i < SITES; i++)
			assert_same_state(&site_of(&report, reasons[i])->verdict,
					  &outcome->states[sweeps * SITES + i]);
		replay_end_report(replay);
		sweeps++;
	}
	assert_int_equal(code, 0);
	assert_int_equal(sweeps, outcome->sweeps);
	replay_free(replay);
}

static void test_replays_are_what_was_recorded(void **state)
{
	size_t changes = 0, leaking = 0, bytes = 0, sweeps = 0;

	(void)state;
	for (size_t i = 0; i < PATTERNS; i++) {
		struct recorded_run *run = recorded_run_new();
		struct outcome outcome = {0};
		struct stat status;

		record_pattern(run, &patterns[i], &outcome);
		assert_replays(run, &outcome);
		assert_int_equal(stat(run->scratch.file, &status), 0);
		changes += outcome.changes;
		leaking += outcome.leaking > 0;
		bytes += (size_t)status.st_size;
		sweeps += outcome.sweeps;
		free(outcome.states);
		recorded_run_free(run);
	}
	printf("%zu patterns, %zu sweeps, %zu changes of verdicts; %zu bytes a sweep and site\n",
	       PATTERNS, sweeps, changes, bytes / sweeps / SITES);
	/* The patterns have something to say. */
	assert_true(changes > 60);
	assert_true(leaking > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replays_are_what_was_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
