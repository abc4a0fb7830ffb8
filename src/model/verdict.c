// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/verdict.h"

#define SECOND_NS 1000000000ULL
/*
 * Entrants needed in each quarter on average (half an age, or a sweep), so that three of the last
 * four have one four times out of five.
 */
#define ENTRANTS_PER_QUARTER 1.5

struct verdict_rules verdict_rules_default(void)
{
	return (struct verdict_rules){
		.ladder = {.entrants_min = 10,
			   .entrants_min_aged = 8,
			   .ended_share_max = 0.05,
			   .refuted_share = 0.25},
		.raise_sweeps = 2,
		.clear_after_ns = 120 * SECOND_NS,
		.stopped_after_ns = 600 * SECOND_NS,
		.mean_gaps = 10,
		.growing_score = 2.58,
		.growing_min = 5,
		.growing_share = 0.05,
	};
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

size_t verdict_lowest_rung(enum verdict_class class, const struct verdict_rules *rules)
{
	uint64_t least_ns = class == VERDICT_CLASS_PROOF ? VERDICT_PROOF_NS : VERDICT_UNTIMED_NS;
	size_t rung = 0;

	if (class == VERDICT_CLASS_NEVER)
		return LADDER_RUNGS;
	while (rung < LADDER_RUNGS && ladder_age_ns(rung) < greater(least_ns, rules->leak_after_ns))
		rung++;
	return rung;
}

/* The lowest rung that holds; LADDER_RUNGS: none. */
static size_t holding_rung(const struct verdict_input *input, const struct verdict_rules *rules)
{
	size_t rung = verdict_lowest_rung(input->class, rules);

	while (rung < LADDER_RUNGS && !ladder_holds(input->ladder, rung, &rules->ladder))
		rung++;
	return rung;
}

/* Nobody has reached the class's lowest rung for long. */
static bool has_stopped(const struct verdict_input *input, const struct verdict_rules *rules)
{
	size_t rung = verdict_lowest_rung(input->class, rules);
	struct ladder_flow flow;

	if (rung == LADDER_RUNGS)
		return true;
	flow = ladder_flow(input->ladder, rung);
	return !flow.last_entry_ns ||
	       input->now_ns - flow.last_entry_ns >
		       greater(rules->stopped_after_ns, rules->mean_gaps * flow.mean_gap_ns);
}

static void raise_leak(struct verdict_state *state, const struct verdict_input *input,
		       const struct verdict_rules *rules, size_t rung)
{
	bool holds = rung < LADDER_RUNGS && !has_stopped(input, rules);

	state->held_sweeps = holds ? state->held_sweeps + 1 : 0;
	if (state->held_sweeps < rules->raise_sweeps)
		return;
	state->leaking = true;
	state->stopped = false;
	state->refuted_sweeps = 0;
}

static void clear_leak(struct verdict_state *state, const struct verdict_input *input,
		       const struct verdict_rules *rules)
{
	struct ladder_flow flow = ladder_flow(input->ladder, state->rung);
	bool refuted = ladder_is_refuted(&flow, &rules->ladder);
	uint64_t patience_ns =
		greater(greater(rules->clear_after_ns, 2 * ladder_age_ns(state->rung)),
			rules->mean_gaps * flow.mean_gap_ns);

	state->refuted_sweeps = refuted ? state->refuted_sweeps + 1 : 0;
	if (input->class != VERDICT_CLASS_NEVER && !refuted && has_stopped(input, rules)) {
		state->stopped = true;
		state->stopped_now = input->crowd->now;
		state->leaking = false;
	} else if (input->class == VERDICT_CLASS_NEVER ||
		   state->refuted_sweeps >= rules->raise_sweeps ||
		   input->now_ns - state->held_ns > patience_ns) {
		state->leaking = false;
	}
	if (!state->leaking)
		state->held_sweeps = 0;
}

static void judge_leak(struct verdict_state *state, const struct verdict_input *input,
		       const struct verdict_rules *rules)
{
	size_t rung = holding_rung(input, rules);
	struct ladder_rules lenient = rules->ladder;

	/* Twice the share: what is just below the limit must not come and go. */
	lenient.ended_share_max *= 2;
	if (rung < LADDER_RUNGS)
		state->rung = rung;
	/* Who pauses in coming has not left: has_stopped() is for that. */
	if (rung < LADDER_RUNGS || ladder_keeps(input->ladder, state->rung, &lenient))
		state->held_ns = input->now_ns;
	if (state->leaking)
		clear_leak(state, input, rules);
	else
		raise_leak(state, input, rules, rung);
	/* Those that remained have gone after all, at least half of them. */
	if (state->stopped && input->crowd->now <= state->stopped_now / 2)
		state->stopped = false;
}

/* Later sizes tend to be larger. Cheap things first: most sites are steady. */
static bool is_significant(const struct verdict_input *input, const struct verdict_rules *rules)
{
	return (double)trend_change(&input->crowd->trend) >= rules->growing_min &&
	       trend_score(&input->crowd->trend) > rules->growing_score;
}

static bool is_large(const struct verdict_input *input, const struct verdict_rules *rules,
		     double rate)
{
	double grown = rate * (double)trend_span_ns(&input->crowd->trend) / 60e9;

	return grown >= rules->growing_min &&
	       grown >= rules->growing_share * (double)input->crowd->now;
}

static void judge_growth(struct verdict_state *state, const struct verdict_input *input,
			 const struct verdict_rules *rules, bool grows)
{
	if (!grows) {
		state->grew_sweeps = 0;
		if (input->now_ns - state->grew_ns > rules->clear_after_ns)
			state->growing = false;
		return;
	}
	if (!state->growing && !state->grew_sweeps) {
		uint64_t span_ns = trend_span_ns(&input->crowd->trend);

		state->growth_watched_ns =
			input->watched_ns > span_ns ? input->watched_ns - span_ns : 0;
	}
	state->grew_ns = input->now_ns;
	state->grew_sweeps++;
	if (state->grew_sweeps >= rules->raise_sweeps)
		state->growing = true;
}

/* How long we must have watched at least until a leak of this rate can be told. */
static uint64_t tellable_ns(const struct verdict_state *state, const struct verdict_input *input,
			    const struct verdict_rules *rules, double rate)
{
	uint64_t soonest_ns = 0;

	for (size_t i = verdict_lowest_rung(input->class, rules); i < LADDER_RUNGS; i++) {
		uint64_t age_ns = ladder_age_ns(i), told_ns;
		uint64_t quarter_ns = ladder_sweeps_are_quarters(i, input->interval_ns)
					      ? input->interval_ns
					      : age_ns / 2;
		uint64_t least = ladder_entrants_min(i, &rules->ladder);

		if (rate < ENTRANTS_PER_QUARTER * (60e9 / (double)quarter_ns))
			continue;
		told_ns =
			state->growth_watched_ns + age_ns + (uint64_t)((double)least * 60e9 / rate);
		told_ns = greater(told_ns, ladder_soonest_ns(i, input->interval_ns));
		if (!soonest_ns || told_ns < soonest_ns)
			soonest_ns = told_ns;
	}
	return soonest_ns > input->watched_ns ? soonest_ns : 0;
}

static void gather_evidence(struct verdict_state *state, const struct verdict_input *input,
			    const struct verdict_rules *rules, double rate)
{
	size_t lowest = verdict_lowest_rung(input->class, rules);
	size_t rung = state->leaking ? state->rung : lowest < LADDER_RUNGS ? lowest : 0;
	struct ladder_flow flow = ladder_flow(input->ladder, rung);

	state->evidence = (struct verdict_evidence){
		.now = input->crowd->now,
		.oldest_ns = input->crowd->oldest_ns,
		.oldest_bound = input->crowd->oldest_bound,
		.rate_per_minute = rate,
		.watched_ns = input->watched_ns,
		.departed = input->departed,
		.age_ns = ladder_age_ns(rung),
		.entrants = flow.entrants,
		.ended = flow.ended,
		.since_ns = flow.since_ns,
		.mean_gap_ns = flow.mean_gap_ns,
		.until_ns = state->growing && !state->leaking
				    ? tellable_ns(state, input, rules, rate)
				    : 0,
	};
}

bool verdict_judge(struct verdict_state *state, const struct verdict_input *input,
		   const struct verdict_rules *rules)
{
	enum verdict was = state->verdict;
	bool was_stopped = state->stopped, significant;
	double rate = 0;

	state->class = input->class;
	judge_leak(state, input, rules);
	significant = is_significant(input, rules);
	if (significant || state->leaking || state->growing)
		rate = trend_per_minute(&input->crowd->trend);
	judge_growth(state, input, rules, significant && is_large(input, rules, rate));
	state->verdict = state->leaking   ? VERDICT_LEAKING
			 : state->growing ? VERDICT_GROWING
					  : VERDICT_STEADY;
	gather_evidence(state, input, rules, state->verdict == VERDICT_STEADY ? 0 : rate);
	return state->verdict != was || state->stopped != was_stopped;
}

bool verdict_is_pending(const struct verdict_state *state)
{
	return !state->leaking && state->held_sweeps > 0;
}

const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_LEAKING:
		return "leaking";
	case VERDICT_GROWING:
		return "growing";
	default:
		return "steady";
	}
}
