// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/verdict_power.h"

#include <math.h>

#define NS_PER_MINUTE 60e9
/*
 * A leak is told if several things are true at once: each is asked for with 19 in 20, so that all
 * of them come to nine in ten.
 */
#define CHANCE 0.95
#define SCORE  1.645 /* the standard normal score of that */
/* The mean of a Poisson number that is not 0 with that chance. */
#define MEAN_OF_ONE 3.0
/*
 * Variance of the growth that a slope shows, for each unit: 1.2 for least squares on a random walk
 * (Theil and Sen's is close), and the score for nine in ten, a little rounded up.
 */
#define GROWTH_VARIANCE 1.2
#define GROWTH_SCORE    1.4

/*
 * The mean of a Poisson number that is at least `least` with the chance: the quantile of a gamma
 * distribution, by Wilson and Hilferty (1931).
 */
static double poisson_mean(double least)
{
	double root = 1 - 1 / (9 * least) + SCORE / (3 * sqrt(least));

	return least * root * root * root;
}

/* Chance that at least three of four quarters have an entrant, where each has with `p`. */
static double chance_of_three(double p)
{
	return p * p * p * (4 - 3 * p);
}

/* Mean of entrants in a quarter, so that three of four have one in some of `tries` rounds. */
static double mean_of_quarter(double tries)
{
	double wanted = 1 - pow(1 - CHANCE, 1 / tries), low = 0, high = 1;

	for (int i = 0; i < 40; i++) {
		double p = (low + high) / 2;

		if (chance_of_three(p) < wanted)
			low = p;
		else
			high = p;
	}
	return -log(1 - high);
}

/*
 * How long it takes that says nothing of a leak yet: a unit is seen up to a sweep after it parked,
 * and what is true must be true in several sweeps.
 */
static double lost_ns(uint64_t interval_ns, const struct verdict_rules *rules)
{
	return (double)interval_ns * rules->raise_sweeps;
}

/* When a rung can be told for the first time. */
static double rung_soonest_ns(size_t rung, uint64_t interval_ns, const struct verdict_rules *rules)
{
	return (double)ladder_soonest_ns(rung, interval_ns) +
	       (double)interval_ns * (rules->raise_sweeps ? rules->raise_sweeps - 1 : 0);
}

static double rung_power(size_t rung, const struct verdict_watch *watch,
			 const struct verdict_rules *rules)
{
	double quarter_ns = fmax((double)ladder_quarter_ns(rung), (double)watch->interval_ns);
	double spare_ns =
		(double)watch->watched_ns - rung_soonest_ns(rung, watch->interval_ns, rules);
	double entering_ns = (double)watch->watched_ns - (double)ladder_age_ns(rung) -
			     lost_ns(watch->interval_ns, rules);
	double enough, steady;

	if (spare_ns < 0 || entering_ns <= 0)
		return INFINITY;
	enough = poisson_mean((double)ladder_entrants_min(rung, &rules->ladder)) / entering_ns;
	steady = mean_of_quarter(1 + spare_ns / (4 * quarter_ns)) / quarter_ns;
	return fmax(enough, steady) * NS_PER_MINUTE;
}

double verdict_power_leaking(enum verdict_class class, const struct verdict_watch *watch,
			     const struct verdict_rules *rules)
{
	double least = INFINITY;

	for (size_t i = verdict_lowest_rung(class, rules); i < LADDER_RUNGS; i++)
		least = fmin(least, rung_power(i, watch, rules));
	return least;
}

/* The mean growth m of which `share` of m and, beyond that, `least` are shown: a square in m. */
static double mean_growth(double least, double share)
{
	double noise = GROWTH_SCORE * sqrt(GROWTH_VARIANCE);
	double root = (noise + sqrt(noise * noise + 4 * (1 - share) * least)) / (2 * (1 - share));

	return root * root;
}

/*
 * A site without a crowd is there from its first unit on, which comes in the first interval at
 * best, and then needs its samples.
 */
uint64_t verdict_power_growing_soonest_ns(uint64_t interval_ns, const struct verdict_rules *rules)
{
	return (TREND_SCORE_LEAST + (uint64_t)rules->raise_sweeps - 1) * interval_ns;
}

double verdict_power_growing(uint64_t crowd, const struct verdict_watch *watch,
			     const struct verdict_rules *rules)
{
	double window_ns = fmin((double)watch->watched_ns, (double)TREND_WINDOW_NS);
	double span_ns = window_ns - lost_ns(watch->interval_ns, rules);
	double soonest_ns = (double)verdict_power_growing_soonest_ns(watch->interval_ns, rules);
	double first_ns = window_ns - soonest_ns + (double)watch->interval_ns;
	double share = rules->growing_share, grown;

	if (share >= 1 || span_ns <= 0 || window_ns < soonest_ns)
		return INFINITY;
	grown = fmax(mean_growth(rules->growing_min, 0) + 1,
		     mean_growth(share * (double)crowd, share));
	return fmax(grown / span_ns, crowd ? 0 : MEAN_OF_ONE / first_ns) * NS_PER_MINUTE;
}

uint64_t verdict_power_soonest_ns(enum verdict_class class, uint64_t interval_ns,
				  const struct verdict_rules *rules)
{
	size_t rung = verdict_lowest_rung(class, rules);

	return rung < LADDER_RUNGS ? (uint64_t)rung_soonest_ns(rung, interval_ns, rules)
				   : UINT64_MAX;
}
