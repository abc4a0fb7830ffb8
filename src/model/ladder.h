/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_LADDER_H
#define PARKSCOPE_MODEL_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/crowd.h"

/*
 * The aged flow ladder of a park site, which tells a crowd that only grows from one through which
 * units pass, however large both are. Its rungs are ages. Of each rung it remembers for a
 * while how many stays reached it (entrants) and how many ended beyond it; a rung holds when
 * stays keep reaching it and hardly any ends.
 *
 * Zero-initialised is empty; ladder_clear() releases it. Each sweep is ladder_begin(), then
 * ladder_park() of every stay that is here, ladder_leave() of every one that was in the sweep
 * before and is not any more (also before ladder_begin(): between the sweeps), then ladder_end().
 * Where sweeps are further apart than a quarter of a rung, each is a quarter. Memory: the rungs,
 * some 1.2 KiB, are allocated only where a stay has reached the first, and go when all that they
 * remember has faded. Pure.
 *
 * Who came since we attached is told from ages, without knowing any unit: those that have
 * reached a rung now, less those that had, plus those of these that have left. Bounds are taken
 * against a leak: a stay whose age is AGE_AT_MOST has reached nothing yet, but if it ends, then
 * with that age.
 */

#define LADDER_RUNGS 6
/* Rungs that stays from before we attached can speak against: those below 300 s. */
#define LADDER_EARLY_RUNGS 2
/* Slices of a rung's memory. */
#define LADDER_SLICES 16

/* Of one rung, over its memory. */
struct ladder_flow {
	uint64_t entrants;
	uint64_t ended;
	double past_entrants; /* of before, fading within a day or two */
	double past_ended;
	uint64_t since_ns;      /* when the first of the entrants in a row parked; 0: none */
	uint64_t last_entry_ns; /* 0: none */
	uint64_t mean_gap_ns;   /* between sweeps with entrants */
};

/* What a rung needs to hold. */
struct ladder_rules {
	uint64_t entrants_min;      /* 10: below rungs of 300 s */
	uint64_t entrants_min_aged; /* 8: from 300 s on, where units are rarer */
	double refuted_share;       /* 0.25: if more have ended, also in the past, it never holds */
	double ended_share_max;     /* 0.05 of the entrants; twice that to keep a verdict */
};

/* All that a sweep says to the ladder, by rung. */
struct ladder_counts {
	uint32_t here[LADDER_RUNGS];  /* stays that began since we attached and have reached it */
	uint32_t left[LADDER_RUNGS];  /* of these, those that ended since the sweep before */
	uint32_t ended[LADDER_RUNGS]; /* all that ended beyond it, also those from before */
	/* Ended before they were seen to reach it: those from before, and the others. */
	uint32_t early[LADDER_EARLY_RUNGS];
	uint32_t passed[LADDER_EARLY_RUNGS];
};

struct ladder_rung;

struct ladder {
	struct ladder_rung *rungs; /* LADDER_RUNGS, or NULL */
	uint64_t now_ns, watched_ns;
	uint64_t swept_watched_ns;     /* of the sweep before */
	struct ladder_counts counting; /* this sweep */
	struct ladder_counts counted;  /* the last one that ended */
	/* Sums of `early` and `passed`. */
	uint64_t early[LADDER_EARLY_RUNGS];
	uint64_t passed[LADDER_EARLY_RUNGS];
};

/* The ages: 10, 60, 300, 600, 1200 and 3600 s. */
uint64_t ladder_age_ns(size_t rung);

/*
 * What ladder_holds() asks of a rung: entrants, a time that we have watched, and its quarters,
 * three of which need entrants.
 */
uint64_t ladder_entrants_min(size_t rung, const struct ladder_rules *rules);
uint64_t ladder_watched_min_ns(size_t rung);
uint64_t ladder_quarter_ns(size_t rung);
#define LADDER_QUARTERS_MIN 3

/* Sweeps that are so far apart are a quarter each. */
bool ladder_sweeps_are_quarters(size_t rung, uint64_t interval_ns);

/* How long must have been watched at least until a rung can hold, with sweeps so far apart. */
uint64_t ladder_soonest_ns(size_t rung, uint64_t interval_ns);

/* `now_ns` of the sweep; `watched_ns`: since we attached. */
void ladder_begin(struct ladder *ladder, uint64_t now_ns, uint64_t watched_ns);
void ladder_park(struct ladder *ladder, uint64_t age_ns, enum age_bound bound);

/* With the age and bound that the stay had in the sweep before. */
void ladder_leave(struct ladder *ladder, uint64_t age_ns, enum age_bound bound);

/* 0 or -ENOMEM: the sweep is then not counted. */
int ladder_end(struct ladder *ladder);

/*
 * In place of all ladder_park() and ladder_leave() of a sweep, after ladder_begin(): what they
 * said, as `counted` was after it. Leads to the same ladder.
 */
void ladder_restore(struct ladder *ladder, const struct ladder_counts *counts);

void ladder_clear(struct ladder *ladder);

/* As of the last sweep. */
struct ladder_flow ladder_flow(const struct ladder *ladder, size_t rung);

/* So many have ended, of late or in the past: those that reach the rung do not stay. */
bool ladder_is_refuted(const struct ladder_flow *flow, const struct ladder_rules *rules);

/* Enough have reached the rung, and hardly any of them has left. */
bool ladder_keeps(const struct ladder *ladder, size_t rung, const struct ladder_rules *rules);

/*
 * It keeps them, and they go on coming: in at least three of the last four quarters (half an age
 * each, 0.55 from 300 s on), and we have watched two and a half ages.
 */
bool ladder_holds(const struct ladder *ladder, size_t rung, const struct ladder_rules *rules);

#endif
