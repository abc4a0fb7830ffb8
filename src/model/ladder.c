// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/ladder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SECOND_NS     1000000000ULL
#define MEMORY_MIN_NS (1800 * SECOND_NS)
#define MEMORY_AGES   6
#define AGED_RUNG     LADDER_EARLY_RUNGS /* the first of 300 s */
/* Where so many times as many pass, it is they who were there when we came, too. */
#define PASSED_TIMES 2
/* Quarters of the time in which entrants are looked for, and the ticks that each has. */
#define QUARTERS      4
#define QUARTER_TICKS 16
/* Ends are remembered beyond a rung's memory, for days and batches recur: fading by 1/e in this. */
#define FADE_S 86400.0
/* Sweeps are not exactly in time. */
#define SLACK_NS     (SECOND_NS / 5)
#define ROW_BREAK_NS (600 * SECOND_NS)
#define ROW_GAPS     10

static const uint64_t ages_s[LADDER_RUNGS] = {10, 60, 300, 600, 1200, 3600};

struct ladder_rung {
	/* Ring: slice number modulo LADDER_SLICES. */
	uint32_t entered[LADDER_SLICES];
	uint32_t ended[LADDER_SLICES];
	uint64_t slice;      /* number of the newest */
	double past_entered; /* of the slices that have left the ring, fading */
	double past_ended;
	uint64_t recent; /* bit i: entrants i ticks ago */
	uint64_t tick;   /* number of bit 0 */
	uint64_t row_ns; /* first entry of those that follow each other */
	uint64_t last_entry_ns;
	uint64_t mean_gap_ns;
	uint32_t inside;     /* have reached it, began since we attached, and have not left */
	uint64_t missing_ns; /* since when fewer are here than that; 0: as many */
};

uint64_t ladder_age_ns(size_t rung)
{
	return ages_s[rung] * SECOND_NS;
}

static uint64_t memory_ns(size_t rung)
{
	uint64_t ages_ns = MEMORY_AGES * ladder_age_ns(rung);

	return ages_ns > MEMORY_MIN_NS ? ages_ns : MEMORY_MIN_NS;
}

/*
 * Half an age; a little more from 300 s on: who stays for exactly two ages, ten minutes, as
 * timers like to be set, must not make three quarters.
 */
uint64_t ladder_quarter_ns(size_t rung)
{
	uint64_t age_ns = ladder_age_ns(rung);

	return rung < AGED_RUNG ? age_ns / 2 : age_ns * 11 / 20;
}

static bool has_reached(uint64_t age_ns, size_t rung)
{
	return age_ns + SLACK_NS >= ladder_age_ns(rung);
}

/* It was parked already when we attached. */
static bool is_early(uint64_t age_ns, enum age_bound bound, uint64_t watched_ns)
{
	return bound == AGE_AT_LEAST || age_ns >= watched_ns;
}

/* As it is in `inside`. */
static bool counts_as_entrant(uint64_t age_ns, enum age_bound bound, uint64_t watched_ns)
{
	return bound == AGE_EXACT && !is_early(age_ns, bound, watched_ns);
}

void ladder_begin(struct ladder *ladder, uint64_t now_ns, uint64_t watched_ns)
{
	ladder->now_ns = now_ns;
	ladder->watched_ns = watched_ns;
	memset(ladder->counting.here, 0, sizeof(ladder->counting.here));
}

void ladder_park(struct ladder *ladder, uint64_t age_ns, enum age_bound bound)
{
	if (!counts_as_entrant(age_ns, bound, ladder->watched_ns))
		return;
	for (size_t i = 0; i < LADDER_RUNGS && has_reached(age_ns, i); i++)
		ladder->counting.here[i]++;
}

void ladder_leave(struct ladder *ladder, uint64_t age_ns, enum age_bound bound)
{
	bool early = is_early(age_ns, bound, ladder->swept_watched_ns);
	bool inside = counts_as_entrant(age_ns, bound, ladder->swept_watched_ns);

	for (size_t i = 0; i < LADDER_RUNGS; i++) {
		bool reached = has_reached(age_ns, i);

		ladder->counting.left[i] += inside && reached;
		ladder->counting.ended[i] += reached;
		if (i < LADDER_EARLY_RUNGS && !reached)
			*(early ? &ladder->counting.early[i] : &ladder->counting.passed[i]) += 1;
	}
}

/* Whatever time has passed since a sweep: the next one knows of no more than one quarter. */
static void pass_ticks(struct ladder_rung *rung, uint64_t tick)
{
	uint64_t passed = tick - rung->tick;

	rung->recent <<= passed < QUARTER_TICKS ? passed : QUARTER_TICKS;
	rung->tick = tick;
}

/* Moves the rung's memory on to `now_ns`. */
static void pass_time(struct ladder_rung *rung, size_t index, uint64_t now_ns)
{
	uint64_t slice_ns = memory_ns(index) / LADDER_SLICES;
	uint64_t slice = now_ns / slice_ns;
	uint64_t passed = slice - rung->slice;
	double fade;

	if (passed) {
		fade = exp(-(double)(passed * slice_ns) / ((double)SECOND_NS * FADE_S));
		rung->past_entered *= fade;
		rung->past_ended *= fade;
	}
	for (uint64_t i = 1; i <= passed && i <= LADDER_SLICES; i++) {
		size_t oldest = (rung->slice + i) % LADDER_SLICES;

		rung->past_entered += rung->entered[oldest];
		rung->past_ended += rung->ended[oldest];
		rung->entered[oldest] = rung->ended[oldest] = 0;
	}
	rung->slice = slice;
	pass_ticks(rung, now_ns / (ladder_quarter_ns(index) / QUARTER_TICKS));
}

static void note_entry(struct ladder_rung *rung, uint64_t now_ns)
{
	uint64_t gap_ns = now_ns - rung->last_entry_ns;
	uint64_t gaps_ns = ROW_GAPS * rung->mean_gap_ns;

	if (!rung->last_entry_ns || gap_ns > (gaps_ns > ROW_BREAK_NS ? gaps_ns : ROW_BREAK_NS)) {
		rung->row_ns = now_ns;
		rung->mean_gap_ns = 0;
	} else if (!rung->mean_gap_ns) {
		rung->mean_gap_ns = gap_ns;
	} else {
		rung->mean_gap_ns += gap_ns / 8 - rung->mean_gap_ns / 8;
	}
	rung->last_entry_ns = now_ns;
	rung->recent |= 1;
}

/*
 * How many came. Fewer than expected are here when a stay could not be read in this sweep: it
 * is expected back, and does not enter again; but not for ever.
 */
static uint32_t settle(struct ladder_rung *rung, const struct ladder *ladder, size_t index)
{
	uint32_t left = ladder->counting.left[index], here = ladder->counting.here[index];
	uint32_t expected = rung->inside > left ? rung->inside - left : 0;

	rung->inside = here > expected ? here : expected;
	if (here >= expected) {
		rung->missing_ns = 0;
		return here - expected;
	}
	if (!rung->missing_ns) {
		rung->missing_ns = ladder->now_ns;
	} else if (ladder->now_ns - rung->missing_ns >= ladder_age_ns(index)) {
		rung->inside = here;
		rung->missing_ns = 0;
	}
	return 0;
}

static void end_rung(struct ladder *ladder, size_t index)
{
	struct ladder_rung *rung = &ladder->rungs[index];
	uint32_t came = settle(rung, ladder, index);

	pass_time(rung, index, ladder->now_ns);
	rung->entered[rung->slice % LADDER_SLICES] += came;
	rung->ended[rung->slice % LADDER_SLICES] += ladder->counting.ended[index];
	if (came)
		note_entry(rung, ladder->now_ns);
}

static uint64_t sum_of(const uint32_t slices[LADDER_SLICES])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LADDER_SLICES; i++)
		sum += slices[i];
	return sum;
}

static bool rung_is_empty(const struct ladder_rung *rung)
{
	return !rung->inside && rung->past_entered < 0.5 && rung->past_ended < 0.5 &&
	       !sum_of(rung->entered) && !sum_of(rung->ended);
}

/* Nothing is left of what came and went here: after a day or some. */
static bool is_forgotten(const struct ladder *ladder)
{
	for (size_t i = 0; i < LADDER_RUNGS; i++)
		if (!rung_is_empty(&ladder->rungs[i]))
			return false;
	return true;
}

static void end_sweep(struct ladder *ladder)
{
	ladder->counted = ladder->counting;
	ladder->counting = (struct ladder_counts){0};
	ladder->swept_watched_ns = ladder->watched_ns;
}

int ladder_end(struct ladder *ladder)
{
	int err = 0;

	for (size_t i = 0; i < LADDER_EARLY_RUNGS; i++) {
		ladder->early[i] += ladder->counting.early[i];
		ladder->passed[i] += ladder->counting.passed[i];
	}
	if (!ladder->rungs && (ladder->counting.here[0] || ladder->counting.ended[0])) {
		ladder->rungs = calloc(LADDER_RUNGS, sizeof(ladder->rungs[0]));
		err = ladder->rungs ? 0 : -ENOMEM;
	}
	for (size_t i = 0; ladder->rungs && i < LADDER_RUNGS; i++)
		end_rung(ladder, i);
	if (ladder->rungs && is_forgotten(ladder))
		free(take_ptr(ladder->rungs));
	end_sweep(ladder);
	return err;
}

void ladder_restore(struct ladder *ladder, const struct ladder_counts *counts)
{
	ladder->counting = *counts;
}

void ladder_clear(struct ladder *ladder)
{
	free(ladder->rungs);
	*ladder = (struct ladder){0};
}

/*
 * Stays from before that ended at an age that nobody knows: all that is known at first of how long
 * units stay here. They count as if they had reached the rung.
 */
static uint64_t doubtful_ends(const struct ladder *ladder, size_t index)
{
	if (index >= LADDER_EARLY_RUNGS ||
	    ladder->passed[index] >= PASSED_TIMES * ladder->early[index])
		return 0;
	return ladder->early[index];
}

struct ladder_flow ladder_flow(const struct ladder *ladder, size_t index)
{
	uint64_t doubtful = doubtful_ends(ladder, index);
	bool recent = ladder->watched_ns < memory_ns(index);
	const struct ladder_rung *rung;

	if (!ladder->rungs)
		return (struct ladder_flow){0};
	rung = &ladder->rungs[index];
	return (struct ladder_flow){
		.entrants = sum_of(rung->entered),
		.ended = sum_of(rung->ended) + (recent ? doubtful : 0),
		.past_entrants = rung->past_entered,
		.past_ended = rung->past_ended + (recent ? 0 : (double)doubtful),
		.since_ns = rung->row_ns > ladder_age_ns(index)
				    ? rung->row_ns - ladder_age_ns(index)
				    : rung->row_ns,
		.last_entry_ns = rung->last_entry_ns,
		.mean_gap_ns = rung->mean_gap_ns,
	};
}

bool ladder_is_refuted(const struct ladder_flow *flow, const struct ladder_rules *rules)
{
	return (double)flow->ended + flow->past_ended >
	       rules->refuted_share * ((double)flow->entrants + flow->past_entrants);
}

/* In at least three of the last four quarters: then one of them is among the newest two. */
static bool enters_steadily(const struct ladder_rung *rung)
{
	int quarters = 0;

	for (int i = 0; i < QUARTERS; i++)
		quarters += (rung->recent >> (i * QUARTER_TICKS) & 0xffff) != 0;
	return quarters >= LADDER_QUARTERS_MIN;
}

uint64_t ladder_entrants_min(size_t rung, const struct ladder_rules *rules)
{
	return rung < AGED_RUNG ? rules->entrants_min : rules->entrants_min_aged;
}

uint64_t ladder_watched_min_ns(size_t rung)
{
	return ladder_age_ns(rung) * 5 / 2;
}

bool ladder_sweeps_are_quarters(size_t rung, uint64_t interval_ns)
{
	return interval_ns > ladder_quarter_ns(rung) + SLACK_NS;
}

uint64_t ladder_soonest_ns(size_t rung, uint64_t interval_ns)
{
	uint64_t sweeps;

	if (!ladder_sweeps_are_quarters(rung, interval_ns))
		return ladder_watched_min_ns(rung);
	/* Who is seen in the first sweep reaches the rung after so many, and others follow. */
	sweeps = (ladder_age_ns(rung) - SLACK_NS + interval_ns - 1) / interval_ns;
	return (sweeps + LADDER_QUARTERS_MIN) * interval_ns;
}

bool ladder_keeps(const struct ladder *ladder, size_t rung, const struct ladder_rules *rules)
{
	struct ladder_flow flow = ladder_flow(ladder, rung);

	return flow.entrants && flow.entrants >= ladder_entrants_min(rung, rules) &&
	       (double)flow.ended <= rules->ended_share_max * (double)flow.entrants &&
	       !ladder_is_refuted(&flow, rules);
}

bool ladder_holds(const struct ladder *ladder, size_t rung, const struct ladder_rules *rules)
{
	return ladder_keeps(ladder, rung, rules) &&
	       ladder->watched_ns + SLACK_NS >= ladder_watched_min_ns(rung) &&
	       enters_steadily(&ladder->rungs[rung]);
}
