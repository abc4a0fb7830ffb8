// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/trend.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define TREND_PAIRS_MAX (TREND_SAMPLES_MAX * (TREND_SAMPLES_MAX - 1) / 2)

static void drop_oldest(struct trend *trend)
{
	trend->count--;
	memmove(&trend->samples[0], &trend->samples[1], trend->count * sizeof(trend->samples[0]));
}

static void drop_every_second(struct trend *trend)
{
	size_t kept = 0;

	for (size_t i = 0; i < trend->count; i += 2)
		trend->samples[kept++] = trend->samples[i];
	trend->count = kept;
	/* Half as many fill half of the window at most: the spacing that fits the whole of it. */
	trend->spacing_ns = 2 * trend_span_ns(trend) / TREND_SAMPLES_MAX;
}

void trend_add(struct trend *trend, uint64_t time_ns, int64_t value)
{
	uint64_t window_start = time_ns > TREND_WINDOW_NS ? time_ns - TREND_WINDOW_NS : 0;

	while (trend->count && trend->samples[0].time_ns < window_start)
		drop_oldest(trend);
	/* The last one is always the newest; what is denser than needed is overwritten. */
	if (trend->count >= 2 &&
	    trend->samples[trend->count - 1].time_ns - trend->samples[trend->count - 2].time_ns <
		    trend->spacing_ns)
		trend->count--;
	if (trend->count == TREND_SAMPLES_MAX)
		drop_every_second(trend);
	trend->samples[trend->count].time_ns = time_ns;
	trend->samples[trend->count].value = value;
	trend->count++;
}

uint64_t trend_span_ns(const struct trend *trend)
{
	return trend->count ? trend->samples[trend->count - 1].time_ns - trend->samples[0].time_ns
			    : 0;
}

int64_t trend_change(const struct trend *trend)
{
	return trend->count ? trend->samples[trend->count - 1].value - trend->samples[0].value : 0;
}

static void swap(double *a, double *b)
{
	double kept = *a;

	*a = *b;
	*b = kept;
}

/* The value that would stand at `rank` if they were sorted (Hoare's selection); reorders them. */
static double select_rank(double *values, size_t count, size_t rank)
{
	size_t first = 0, end = count;

	while (end - first > 1) {
		double pivot = values[first + (end - first) / 2];
		size_t below = first, i = first, above = end;

		/* Three parts: smaller, equal (slopes of a steady crowd all are), greater. */
		while (i < above) {
			if (values[i] < pivot)
				swap(&values[i++], &values[below++]);
			else if (values[i] > pivot)
				swap(&values[i], &values[--above]);
			else
				i++;
		}
		if (rank < below)
			end = below;
		else if (rank >= above)
			first = above;
		else
			return pivot;
	}
	return values[first];
}

static double median(double *values, size_t count)
{
	double upper = select_rank(values, count, count / 2), lower = values[0];

	if (count % 2)
		return upper;
	/* Those before the upper middle are not greater: the other middle is their greatest. */
	for (size_t i = 1; i < count / 2; i++)
		if (values[i] > lower)
			lower = values[i];
	return (lower + upper) / 2;
}

/* True of most; their slope costs nothing. */
static bool never_changed(const struct trend *trend)
{
	for (size_t i = 1; i < trend->count; i++)
		if (trend->samples[i].value != trend->samples[0].value)
			return false;
	return true;
}

double trend_per_minute(const struct trend *trend)
{
	double slopes[TREND_PAIRS_MAX];
	size_t count = 0;

	if (trend_span_ns(trend) < TREND_SHORTEST_NS || never_changed(trend))
		return 0;
	for (size_t i = 0; i < trend->count; i++)
		for (size_t j = i + 1; j < trend->count; j++) {
			uint64_t time_ns = trend->samples[j].time_ns - trend->samples[i].time_ns;
			int64_t change = trend->samples[j].value - trend->samples[i].value;

			if (time_ns)
				slopes[count++] = (double)change * 60e9 / (double)time_ns;
		}
	return count ? median(slopes, count) : 0;
}

/* How many of the samples have this value. */
static double count_equal(const struct trend *trend, int64_t value)
{
	size_t count = 0;

	for (size_t i = 0; i < trend->count; i++)
		count += trend->samples[i].value == value;
	return (double)count;
}

double trend_score(const struct trend *trend)
{
	double n = (double)trend->count;
	double variance = n * (n - 1) * (2 * n + 5);
	int64_t score = 0; /* pairs that rise less pairs that fall */

	if (trend->count < TREND_SCORE_LEAST)
		return 0;
	for (size_t i = 0; i < trend->count; i++) {
		int64_t value = trend->samples[i].value;
		double equal = count_equal(trend, value);

		/* Each of a group of t equal ones takes its share of t(t - 1)(2t + 5). */
		variance -= (equal - 1) * (2 * equal + 5);
		for (size_t j = i + 1; j < trend->count; j++)
			score += (trend->samples[j].value > value) -
				 (trend->samples[j].value < value);
	}
	if (!score)
		return 0;
	return (double)(score > 0 ? score - 1 : score + 1) / sqrt(variance / 18);
}

struct points {
	size_t count;
	double x[TREND_SAMPLES_MAX];
	double y[TREND_SAMPLES_MAX];
};

/* Between the least and the greatest x. */
static double width(const struct points *points)
{
	double least = points->x[0], greatest = points->x[0];

	for (size_t i = 1; i < points->count; i++) {
		least = fmin(least, points->x[i]);
		greatest = fmax(greatest, points->x[i]);
	}
	return greatest - least;
}

/* Of at least one point. */
static struct trend_line fit_line(const struct points *points)
{
	double slopes[TREND_PAIRS_MAX];
	double far = width(points) / 2;
	size_t last = points->count - 1, count = 0;
	struct trend_line line = {0};

	for (size_t i = 0; i < points->count; i++)
		for (size_t j = i + 1; j < points->count; j++) {
			double along = points->x[j] - points->x[i];

			if (along != 0 && fabs(along) >= far)
				slopes[count++] = (points->y[j] - points->y[i]) / along;
		}
	if (!count)
		return line;
	line.slope = median(slopes, count);
	line.spread =
		select_rank(slopes, count, count * 9 / 10) - select_rank(slopes, count, count / 10);
	line.top = points->y[last];
	for (size_t i = 0; i < last; i++)
		line.top = fmax(line.top,
				points->y[i] + line.slope * (points->x[last] - points->x[i]));
	return line;
}

struct trend_line trend_line(const struct trend *trend)
{
	struct points points = {.count = trend->count};

	if (!trend->count)
		return (struct trend_line){0};
	for (size_t i = 0; i < trend->count; i++) {
		uint64_t time_ns = trend->samples[i].time_ns - trend->samples[0].time_ns;

		points.x[i] = (double)time_ns / 60e9;
		points.y[i] = (double)trend->samples[i].value;
	}
	return fit_line(&points);
}

/* The value at a time; false where the trend does not cover it. */
static bool value_at(const struct trend *trend, uint64_t time_ns, double *value)
{
	for (size_t i = 0; i < trend->count; i++) {
		uint64_t after_ns = trend->samples[i].time_ns;
		double share;

		if (after_ns < time_ns)
			continue;
		if (after_ns == time_ns) {
			*value = (double)trend->samples[i].value;
			return true;
		}
		if (!i)
			return false;
		share = (double)(time_ns - trend->samples[i - 1].time_ns) /
			(double)(after_ns - trend->samples[i - 1].time_ns);
		*value = (double)trend->samples[i - 1].value * (1 - share) +
			 (double)trend->samples[i].value * share;
		return true;
	}
	return false;
}

struct trend_line trend_line_per(const struct trend *trend, const struct trend *per,
				 int64_t growth_min)
{
	struct points points = {0};

	for (size_t i = 0; i < per->count; i++)
		if (value_at(trend, per->samples[i].time_ns, &points.y[points.count]))
			points.x[points.count++] = (double)per->samples[i].value;
	if (!points.count || points.x[points.count - 1] - points.x[0] < (double)growth_min)
		return (struct trend_line){0};
	return fit_line(&points);
}
