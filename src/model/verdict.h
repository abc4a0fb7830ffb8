/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_VERDICT_H
#define PARKSCOPE_MODEL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/ladder.h"
#include "model/trend.h"
#include "model/verdict_class.h"

/*
 * Which crowd is a leak, from the aged flow ladder and the trend of a site, with hysteresis.
 * Pure: the same sweeps give the same verdicts.
 */

/* From which ages on a wait of class P or U can show a leak. */
#define VERDICT_PROOF_NS   (10ULL * 1000000000ULL)
#define VERDICT_UNTIMED_NS (300ULL * 1000000000ULL)
/* The ladder's last rung. */
#define VERDICT_LAST_NS (3600ULL * 1000000000ULL)

enum verdict {
	VERDICT_STEADY,
	VERDICT_GROWING, /* it grows; that it is a leak is not shown, or not yet */
	VERDICT_LEAKING,
};

/* All thresholds; verdict_rules_default() says what they are unless the user says otherwise. */
struct verdict_rules {
	struct ladder_rules ladder; /* --leak-min: both numbers of entrants */
	uint64_t leak_after_ns;     /* --leak-after: 0; rungs below this age are not used */
	uint32_t raise_sweeps;      /* 2: a verdict must be true in so many sweeps in a row */
	/*
	 * 2 min: growth goes when it was untrue for so long; a leak when its rung has not kept
	 * who reached it for so long, for two ages and for ten mean gaps. (It goes at once when
	 * its rung is refuted.)
	 */
	uint64_t clear_after_ns;
	/* 10 min: a leak has stopped when nobody came for so long, and for ten mean gaps. */
	uint64_t stopped_after_ns;
	uint32_t mean_gaps; /* 10: for both */
	/* Growth is shown by Mann and Kendall's score (2.58: one of 200 by chance)... */
	double growing_score;
	/* ...and, by the slope over the window, by 5 units and a twentieth of those here. */
	double growing_min;
	double growing_share;
};

struct verdict_rules verdict_rules_default(void);

/* The first rung of the ladder that can show a leak of this class; LADDER_RUNGS: none can. */
size_t verdict_lowest_rung(enum verdict_class class, const struct verdict_rules *rules);

/* Numbers only; of the last sweep. */
struct verdict_evidence {
	uint64_t now;
	uint64_t oldest_ns;
	enum age_bound oldest_bound;
	double rate_per_minute; /* of the crowd, by Theil and Sen; 0 while steady */
	uint64_t watched_ns;
	uint64_t departed; /* stays that have ended since we attached, of whatever age */
	/* The rung that shows the leak; while none does, the lowest one that could. */
	uint64_t age_ns;
	uint64_t entrants; /* stays that reached this age, in its memory */
	uint64_t ended;    /* stays beyond this age that ended, in its memory */
	/* When the first of the entrants in a row parked, on the sweeps' clock; 0: none. */
	uint64_t since_ns;
	uint64_t mean_gap_ns;
	/* A leak, if it is one, can be told once we have watched so long; 0: never, or overdue. */
	uint64_t until_ns;
};

/* Of a site. Zero-initialised is steady. */
struct verdict_state {
	enum verdict verdict;
	enum verdict_class class;
	bool stopped; /* it was leaking; nobody comes any more, but `evidence.now` remain */
	struct verdict_evidence evidence;

	/* How long the two verdicts have been true, or not. */
	uint32_t held_sweeps, refuted_sweeps, grew_sweeps;
	size_t rung; /* that held last */
	uint64_t held_ns;
	uint64_t grew_ns;
	uint64_t growth_watched_ns; /* `watched_ns` when the growth began */
	uint64_t stopped_now;       /* how many were here then */
	bool leaking, growing;
};

/* What a sweep says of a site. */
struct verdict_input {
	enum verdict_class class;
	const struct ladder *ladder; /* after ladder_end() */
	const struct crowd *crowd;   /* after crowd_end() */
	uint64_t now_ns;
	uint64_t watched_ns;
	uint64_t interval_ns; /* between the last sweeps, but for one that came early */
	uint64_t departed;    /* see struct verdict_evidence */
};

/* After each sweep. Whether the verdict, or `stopped`, has changed. */
bool verdict_judge(struct verdict_state *state, const struct verdict_input *input,
		   const struct verdict_rules *rules);

/* A leak was true in the last sweep, but not in as many in a row as are needed. */
bool verdict_is_pending(const struct verdict_state *state);

/* "steady", "growing" or "leaking". Static. */
const char *verdict_name(enum verdict verdict);

#endif
