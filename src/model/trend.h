/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_TREND_H
#define PARKSCOPE_MODEL_TREND_H

#include <stddef.h>
#include <stdint.h>

/*
 * Whether a number grows, and how fast, by methods that outliers do not move: the slope by
 * Theil and Sen (the median of the slopes of all pairs), its significance by Mann and Kendall
 * (do later values tend to be larger?). Over a sliding window, in bounded memory and time.
 * Zero-initialised is empty. Pure; times are nanoseconds of the caller's clock and may not go
 * back.
 */

#define TREND_SAMPLES_MAX 32
/* Long enough for one unit a minute to stand out: ten of them. */
#define TREND_WINDOW_NS (600ULL * 1000000000ULL)

struct trend {
	size_t count;
	uint64_t spacing_ns; /* between the samples that are kept, but for the newest */
	struct {
		uint64_t time_ns;
		int64_t value;
	} samples[TREND_SAMPLES_MAX]; /* oldest first */
};

/*
 * Adds a sample. Samples before the window go. Where there are more than memory allows, every
 * second one goes, so that they stay evenly spread; the newest is always there.
 */
void trend_add(struct trend *trend, uint64_t time_ns, int64_t value);

/* From the first sample to the last. */
uint64_t trend_span_ns(const struct trend *trend);

/* From the first value to the last. */
int64_t trend_change(const struct trend *trend);

/* Less, say between the birth and the end of a short process, makes one thread a flood. */
#define TREND_SHORTEST_NS (100ULL * 1000000ULL)

/* Theil and Sen's slope per minute; 0 while the samples cover less than TREND_SHORTEST_NS. */
double trend_per_minute(const struct trend *trend);

/* Samples that trend_score() needs. */
#define TREND_SCORE_LEAST 8

/*
 * Mann and Kendall's test, with the correction for ties and for continuity: the standard normal
 * score of "it grows". Above 2.58: chance alone does this in one of 200 series. 0 while there
 * are fewer than TREND_SCORE_LEAST, too few for the normal approximation (Gilbert 1987 asks for
 * 10; 8 is the least in use).
 */
double trend_score(const struct trend *trend);

/*
 * The line along which something rises that goes up in steps or in a sawtooth (the memory of a
 * runtime that collects garbage): the median of the slopes of those pairs only that are at least
 * half of the span apart, since pairs within one tooth show the tooth, not the line.
 */
struct trend_line {
	double slope;
	/*
	 * From the ninth to the first decile of these slopes. More than the slope itself: it was
	 * a step or two, or it rises unevenly, and the slope says little of what comes.
	 */
	double spread;
	double top; /* where the line through the highest teeth is at the newest sample */
};

/* The slope is per minute. All 0 without two samples of different times. */
struct trend_line trend_line(const struct trend *trend);

/*
 * How one number grows with another one, per unit of that: its trend is `per`, and the times are
 * those of its samples that `trend` covers, between whose samples values are interpolated. All 0
 * where `per` has not grown by at least `growth_min`.
 */
struct trend_line trend_line_per(const struct trend *trend, const struct trend *per,
				 int64_t growth_min);

#endif
