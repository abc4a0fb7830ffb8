// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The estimate of where waits are spent, over series of waits that are known: whether it
 * is right on average, whether what it states as its error is true, and what it costs.
 */
#include "bpf/wait_sampling.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/site.h"
#include "unit_test.h"

#define RUNS        100
#define SITES       8
#define WALK_NS     5000
#define GAP_NS      1000   /* on the CPU between two waits */
#define ALLOWANCE   168000 /* one percent of one CPU */
#define WINDOW_NS   (1ULL << SAMPLING_WINDOW_SHIFT)
#define REASON      1
#define SAMPLES_MIN 1000 /* of a site, from which on its stated error is held to */

struct random {
	uint64_t state;
};

/* splitmix64: https://prng.di.unimi.it/splitmix64.c (public domain) */
static uint64_t next_random(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A task's record, as the kernel keeps it. */
struct task {
	struct sampling_memory memory;
	uint64_t count, duration_ns; /* of all its waits */
	uint64_t switches;
};

struct run {
	struct random random;
	struct sampling_limiter limiter;
	uint64_t now_ns;
	uint64_t walked_ns;
	struct abi_wait_sum elsewhere[SITES]; /* what no task remembers */
	struct abi_wait_sum truth[SITES];
	uint64_t captured[SITES];
	struct abi_sampling counts;
};

static void add(struct abi_wait_sum *sum, const struct abi_wait_sum *more)
{
	sum->count += more->count;
	sum->duration_ns += more->duration_ns;
	sum->variance_high += more->variance_high;
	sum->variance_low += more->variance_low;
}

/*
 * The same steps as wait_attribute() and wait_account() in bpf/. `stack_id`: what a walk finds.
 * `swept`: both passes of a sweep see the wait.
 */
static void wait_at(struct run *run, struct task *task, const struct sampling_key *key,
		    uint64_t stack_id, uint64_t duration_ns, bool swept)
{
	struct sampling_wait wait = {0};
	struct abi_remembered_waits evicted = {0};
	struct abi_wait_sum sum = {0};
	uint64_t usual_ns;
	uint32_t shift;

	sampling_meet(&task->memory, key, &wait);
	if (wait.place != SAMPLING_NONE)
		usual_ns = task->memory.places[wait.place].usual_ns;
	else
		usual_ns = sampling_usual(task->count, task->duration_ns);
	shift = sampling_shift(&run->limiter, run->now_ns, ALLOWANCE, sampling_log2(usual_ns),
			       wait.trusted);
	if (sampling_captures(&task->memory, &wait, shift, (uint32_t)next_random(&run->random))) {
		run->walked_ns += WALK_NS;
		run->captured[stack_id]++;
		sampling_walked(&run->limiter, WALK_NS, ALLOWANCE);
		wait.stack_id = stack_id;
		if (sampling_learn(&task->memory, key, REASON, usual_ns, &wait,
				   (uint32_t)next_random(&run->random), &evicted))
			add(&run->elsewhere[evicted.user_stack_id], &evicted.sum);
	}
	run->now_ns += duration_ns + GAP_NS;
	task->switches++;
	if (swept && sampling_wants_stamp(&task->memory, &wait, task->switches)) {
		task->memory.stamped_switches = task->switches;
		task->memory.stamped_stack_id = stack_id;
	}
	if (!sampling_end(&task->memory, &wait, task->switches, REASON, duration_ns)) {
		sampling_sum_add(&sum, duration_ns, wait.shift);
		add(&run->elsewhere[wait.stack_id], &sum);
	}
	task->count++;
	task->duration_ns += duration_ns;
	run->truth[stack_id].count++;
	run->truth[stack_id].duration_ns += duration_ns;
}

static void end_task(struct run *run, struct task *task)
{
	for (size_t i = 0; i < SAMPLING_PLACES; i++)
		if (task->memory.places[i].used)
			add(&run->elsewhere[task->memory.places[i].waits.user_stack_id],
			    &task->memory.places[i].waits.sum);
	run->counts.captured += task->memory.counts.captured;
	run->counts.skipped += task->memory.counts.skipped;
	run->counts.verified += task->memory.counts.verified;
	run->counts.mismatched += task->memory.counts.mismatched;
	memset(task, 0, sizeof(*task));
}

static double error_ns(const struct abi_wait_sum *sum)
{
	const double unit = 1 << ABI_SAMPLING_SQUARE_SHIFT;

	return wait_error_ns(
		((double)sum->variance_high * 4294967296.0 + (double)sum->variance_low) * unit *
		unit);
}

/* What the runs of one series say of one site. */
struct outcome {
	double bias;      /* mean of estimate / truth - 1 */
	double deviation; /* of one run */
	double covered;   /* runs in which the truth lay within the stated error */
	double samples;   /* of the site, a run */
	double walking;   /* part of one CPU */
	double mismatched;
};

typedef void series_function(struct run *run);

static struct outcome repeat(const char *name, series_function *series, uint64_t site)
{
	struct outcome outcome = {0};
	double sum = 0, squares = 0, covered = 0, walked = 0, seconds = 0;
	uint64_t verified = 0, mismatched = 0, waits = 0, captured = 0;

	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct run run = {.random = {seed * 1000003}, .limiter = {.threshold = 10}};
		double truth, estimate;

		series(&run);
		truth = (double)run.truth[site].duration_ns;
		estimate = (double)run.elsewhere[site].duration_ns;
		sum += estimate / truth - 1;
		squares += (estimate / truth - 1) * (estimate / truth - 1);
		/* A ten-thousandth more: what the arithmetic of the sums rounds off. */
		covered += fabs(estimate - truth) <= error_ns(&run.elsewhere[site]) + truth * 1e-4;
		walked += (double)run.walked_ns;
		seconds += (double)run.now_ns / 1e9;
		verified += run.counts.verified;
		mismatched += run.counts.mismatched;
		captured += run.captured[site];
		for (size_t i = 0; i < SITES; i++)
			waits += run.truth[i].count;
		/* Once for each time that the threshold rises, then in windows that are half full.
		 */
		assert_true(run.walked_ns <= ALLOWANCE * (20 + run.now_ns / WINDOW_NS));
	}
	outcome.bias = sum / RUNS;
	outcome.deviation = sqrt(squares / RUNS - outcome.bias * outcome.bias);
	outcome.covered = covered / RUNS;
	outcome.samples = (double)captured / RUNS;
	outcome.walking = walked / seconds / 1e9;
	outcome.mismatched = verified ? (double)mismatched / (double)verified : 0;
	printf("%-34s bias %+7.3f %%  deviation %7.3f %%  covered %5.1f %%  %6.0f samples of %8.0f "
	       "waits, "
	       "walks %.2f %% of a CPU, mismatched %.2f %%\n",
	       name, 100 * outcome.bias, 100 * outcome.deviation, 100 * outcome.covered,
	       outcome.samples, (double)waits / RUNS, 100 * outcome.walking,
	       100 * outcome.mismatched);
	return outcome;
}

/* The mean of so many runs lies within three of its own deviations, or next to nothing away. */
static void assert_no_bias(struct outcome outcome)
{
	assert_true(fabs(outcome.bias) <= 3 * outcome.deviation / sqrt(RUNS) + 0.0005);
}

/* Exponentially distributed with this mean, from a table: log() would take most of the time. */
static uint64_t about(struct run *run, double mean_ns)
{
	enum {
		STEPS = 4096
	};
	static double table[STEPS];

	if (table[0] == 0)
		for (int i = 0; i < STEPS; i++)
			table[i] = -log((i + 0.5) / STEPS);
	return (uint64_t)(table[next_random(&run->random) % STEPS] * mean_ns);
}

static const struct sampling_key one_key = {.ip = 1, .sp = 2, .address = 3, .call = 202};

static void ping_pong(struct run *run)
{
	struct task task = {0};

	for (int i = 0; i < 200000; i++)
		wait_at(run, &task, &one_key, 1, about(run, 2000), false);
	end_task(run, &task);
}

/* Two places in one task, told apart by their keys. */
static void two_keys(struct run *run)
{
	struct sampling_key key = one_key;
	struct task task = {0};

	for (int i = 0; i < 200000; i++) {
		key.sp = 2 + (uint64_t)(i % 2);
		wait_at(run, &task, &key, 1 + (uint64_t)(i % 2), about(run, i % 2 ? 1000 : 9000),
			false);
	}
	end_task(run, &task);
}

/* More places than a task remembers. */
static void seven_keys(struct run *run)
{
	struct sampling_key key = one_key;
	struct task task = {0};

	for (int i = 0; i < 1900000; i++) {
		key.sp = (__u64)(i % 7);
		wait_at(run, &task, &key, (uint64_t)(i % 7), about(run, 3000), false);
	}
	end_task(run, &task);
}

static void fresh_addresses(struct run *run)
{
	struct sampling_key key = one_key;
	struct task task = {0};

	for (uint64_t i = 0; i < 900000; i++) {
		key.address = 1000 + 64 * i;
		wait_at(run, &task, &key, 1 + next_random(&run->random) % 4 / 3, about(run, 3000),
			false);
	}
	end_task(run, &task);
}

static void short_lived_threads(struct run *run)
{
	for (uint64_t i = 0; i < 450000; i++) {
		struct task task = {0};
		uint64_t site = 1 + next_random(&run->random) % 3;

		for (uint64_t waits = next_random(&run->random) % 3; waits > 0; waits--)
			wait_at(run, &task, &one_key, site, about(run, 8000), false);
		end_task(run, &task);
	}
}

/* Nothing but a walk tells them apart, and one waits a thousand times as long. */
static void alternating(struct run *run)
{
	struct task task = {0};

	for (int i = 0; i < 50000; i++)
		wait_at(run, &task, &one_key, 1 + (uint64_t)(i % 2),
			about(run, i % 2 ? 500000 : 2000), false);
	end_task(run, &task);
}

/* The same, at random and both short. */
static void mixed(struct run *run)
{
	struct task task = {0};

	for (int i = 0; i < 450000; i++) {
		uint64_t site = 1 + next_random(&run->random) % 2;

		wait_at(run, &task, &one_key, site, about(run, site == 1 ? 2000 : 4000), false);
	}
	end_task(run, &task);
}

/* Sweeps each 5 s see most of the long ones. */
static void heavy_tail_at(struct run *run, const struct sampling_key *key, bool fresh)
{
	struct sampling_key varied = *key;
	struct task task = {0};
	uint64_t swept_ns = 0;

	for (uint64_t i = 0; i < 200000; i++) {
		bool is_long = next_random(&run->random) % 10000 == 0;
		uint64_t duration_ns = is_long ? 2000000000 : about(run, 2000);
		bool swept = (run->now_ns + duration_ns) / 5000000000ULL > swept_ns;

		swept_ns = (run->now_ns + duration_ns) / 5000000000ULL;
		if (fresh)
			varied.address = i;
		wait_at(run, &task, &varied, 1, duration_ns, swept);
	}
	end_task(run, &task);
}

static void heavy_tail(struct run *run)
{
	heavy_tail_at(run, &one_key, false);
}

static void heavy_tail_fresh(struct run *run)
{
	heavy_tail_at(run, &one_key, true);
}

/* A sweep each millisecond; a third of the waits that its first pass sees last until its second. */
static void slow_sweeps(struct run *run)
{
	const uint64_t interval_ns = 1000000, passes_ns = 110000;
	struct sampling_key key = one_key;
	struct task task = {0};

	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t duration_ns = about(run, 100000);
		uint64_t first_ns = (run->now_ns / interval_ns + 1) * interval_ns;

		key.address = i;
		wait_at(run, &task, &key, 1, duration_ns,
			run->now_ns + duration_ns > first_ns + passes_ns);
	}
	end_task(run, &task);
}

/* Few waits: all of them are walked. */
static void calm(struct run *run)
{
	struct task task = {0};

	for (int i = 0; i < 2000; i++)
		wait_at(run, &task, &one_key, 1, about(run, 10000000), false);
	end_task(run, &task);
}

static void a_calm_task_is_walked_each_time(void **state)
{
	struct outcome outcome = repeat("10 ms waits", calm, 1);

	(void)state;
	assert_true(outcome.samples == 2000);
	assert_true(outcome.bias == 0 && outcome.deviation == 0);
}

static void known_places_are_credited_in_full(void **state)
{
	struct outcome outcome = repeat("ping-pong", ping_pong, 1);

	(void)state;
	assert_true(fabs(outcome.bias) < 0.001);
	assert_true(outcome.deviation < 0.01);
	outcome = repeat("two places", two_keys, 1);
	assert_true(fabs(outcome.bias) < 0.001 && outcome.deviation < 0.01);
	outcome = repeat("two places: the short one", two_keys, 2);
	assert_true(fabs(outcome.bias) < 0.001 && outcome.deviation < 0.01);
	assert_true(outcome.mismatched == 0);
}

/* More than 1,000 samples of each site: the error that is stated holds. */
static void unknown_places_are_estimated(void **state)
{
	static const struct {
		const char *name;
		series_function *series;
		uint64_t site;
	} cases[] = {
		{"seven places", seven_keys, 3},
		{"fresh addresses, 3 of 4", fresh_addresses, 1},
		{"fresh addresses, 1 of 4", fresh_addresses, 2},
		{"short-lived threads", short_lived_threads, 1},
		{"alternating in one frame: long", alternating, 2},
		{"mixed in one frame", mixed, 1},
	};
	enum {
		CASES = sizeof(cases) / sizeof(cases[0])
	};

	double covered = 0;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct outcome outcome = repeat(cases[i].name, cases[i].series, cases[i].site);

		assert_no_bias(outcome);
		assert_true(outcome.samples >= SAMPLES_MIN);
		assert_true(outcome.covered >= 0.92);
		covered += outcome.covered / CASES;
	}
	assert_true(covered >= 0.95);
}

/* 99 % of the time is in 1 of 10,000 waits: right on average, and far from it in one run. */
static void a_heavy_tail_has_no_bias(void **state)
{
	(void)state;
	assert_no_bias(repeat("heavy tail", heavy_tail, 1));
	assert_no_bias(repeat("heavy tail, fresh addresses", heavy_tail_fresh, 1));
}

/* A wait for 1 us under `one_key` that the coin has walked, with p = 2^-shift. 0: not kept. */
static struct abi_wait_sum walk_once(struct sampling_memory *memory, uint32_t shift,
				     uint64_t stack_id)
{
	struct abi_remembered_waits evicted;
	struct abi_wait_sum elsewhere = {0};
	struct sampling_wait wait = {0};

	sampling_meet(memory, &one_key, &wait);
	assert_true(sampling_captures(memory, &wait, shift, 0));
	wait.stack_id = stack_id;
	if (stack_id)
		sampling_learn(memory, &one_key, REASON, 1000, &wait, 0, &evicted);
	else
		sampling_learn_nothing(memory, &wait);
	if (!sampling_end(memory, &wait, 1, REASON, 1000))
		sampling_sum_add(&elsewhere, 1000, wait.shift);
	return elsewhere;
}

static void trust(struct sampling_memory *memory)
{
	for (int i = 0; i <= SAMPLING_TRUST_FIRST; i++)
		assert_int_equal(walk_once(memory, 0, 1).count, 0);
}

static bool is_trusted(const struct sampling_memory *memory)
{
	struct sampling_wait wait;

	sampling_meet(memory, &one_key, &wait);
	return wait.trusted;
}

static void a_walk_that_verifies_and_is_not_kept_counts_once(void **state)
{
	struct sampling_memory memory = {0};

	(void)state;
	trust(&memory);
	assert_true(is_trusted(&memory));
	assert_int_equal(walk_once(&memory, 3, 0).count, 1);
	assert_int_equal(memory.counts.verified, 8);
	assert_int_equal(memory.counts.mismatched, 8);
	/* What was there stays, and is not relied on. */
	assert_int_equal(memory.places[0].waits.user_stack_id, 1);
	assert_int_equal(memory.places[0].waits.sum.count, SAMPLING_TRUST_FIRST + 1);
	assert_int_equal(memory.places[0].needed, 4 * SAMPLING_TRUST_FIRST);
	assert_false(is_trusted(&memory));
}

static void a_sampled_walk_that_is_not_kept_has_its_weight(void **state)
{
	struct sampling_memory memory = {0};

	(void)state;
	assert_int_equal(walk_once(&memory, 3, 0).count, 8);
	assert_int_equal(memory.counts.verified, 0);
	assert_int_equal(memory.places[0].used, 0);
}

static void what_ends_while_a_sweep_looks_has_no_bias(void **state)
{
	struct outcome outcome = repeat("sweeps that take long", slow_sweeps, 1);

	(void)state;
	assert_no_bias(outcome);
	assert_true(outcome.deviation < 0.02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_that_verifies_and_is_not_kept_counts_once),
		cmocka_unit_test(a_sampled_walk_that_is_not_kept_has_its_weight),
		cmocka_unit_test(a_calm_task_is_walked_each_time),
		cmocka_unit_test(known_places_are_credited_in_full),
		cmocka_unit_test(unknown_places_are_estimated),
		cmocka_unit_test(a_heavy_tail_has_no_bias),
		cmocka_unit_test(what_ends_while_a_sweep_looks_has_no_bias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
