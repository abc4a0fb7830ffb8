// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/limit_forecast.h"

#include <stdlib.h>

/* As verdicts have it: one of 200 by chance. */
#define GROWS_SCORE 2.58

/*
 * No time by less: a program that has just begun first fills its heap, and a few samples may be
 * all of one step.
 */
#define LEAST_SPAN_NS (30ULL * 1000000000ULL)

/*
 * Slopes that differ by more than this share of their median say nothing of what comes. Of 10
 * units that come by chance in the window, nine of ten series are more even than this; of the
 * recorded Go heaps with garbage, predictions after 30 s that are off by half or more are a tenth.
 */
#define EVEN_SHARE 0.8

/* A limit that changes must not look like growth: more than this share of it is a new start. */
#define JUMP_SHARE 0.05

static const char *const names[LIMIT_KINDS] = {
	[LIMIT_MEMORY_MAX] = "memory_max", [LIMIT_PIDS_MAX] = "pids_max",
	[LIMIT_NPROC] = "nproc",           [LIMIT_THREADS_MAX] = "threads_max",
	[LIMIT_PID_MAX] = "pid_max",       [LIMIT_MAX_MAP_COUNT] = "max_map_count",
};

const char *limit_name(enum limit_kind kind)
{
	return names[kind];
}

static int64_t to_signed(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static int64_t newest(const struct trend *trend)
{
	return trend->samples[trend->count - 1].value;
}

void limit_forecast_add(struct limit_forecast *forecast, enum limit_kind kind, uint64_t now_ns,
			uint64_t used, uint64_t limit)
{
	struct limit_series *series = &forecast->series[kind];
	int64_t above = to_signed(used) - to_signed(limit);

	if (series->above.count && series->limit != limit) {
		double jump = (double)above - (double)newest(&series->above);

		if (jump > JUMP_SHARE * (double)limit || jump < -JUMP_SHARE * (double)limit)
			series->above = (struct trend){0};
	}
	series->used = used;
	series->limit = limit;
	trend_add(&series->above, now_ns, above);
}

void limit_forecast_add_rss(struct limit_forecast *forecast, uint64_t now_ns, uint64_t bytes)
{
	trend_add(&forecast->rss, now_ns, to_signed(bytes));
}

uint64_t limit_forecast_rss(const struct limit_forecast *forecast)
{
	return forecast->rss.count ? (uint64_t)newest(&forecast->rss) : 0;
}

static double growth_per_minute(const struct trend *trend, const struct trend_line *line)
{
	return line->slope > 0 && trend_score(trend) > GROWS_SCORE ? line->slope : 0;
}

static bool is_even(const struct trend_line *line)
{
	return line->slope > 0 && line->spread <= EVEN_SHARE * line->slope;
}

double limit_forecast_rss_per_minute(const struct limit_forecast *forecast)
{
	struct trend_line line = trend_line(&forecast->rss);

	return growth_per_minute(&forecast->rss, &line);
}

double limit_forecast_rss_per_unit(const struct limit_forecast *forecast, const struct trend *crowd)
{
	struct trend_line line = trend_line_per(&forecast->rss, crowd, LIMIT_CROWD_GROWTH_MIN);

	return is_even(&line) ? line.slope : 0;
}

/* From now; more than fits is as far away as can be said. */
static uint64_t until_met_ns(const struct trend_line *line, uint64_t elapsed_ns)
{
	double ns = -line->top / line->slope * 60e9 - (double)elapsed_ns;

	if (ns <= 0)
		return 0;
	return ns < (double)INT64_MAX ? (uint64_t)ns : INT64_MAX;
}

static struct limit_prediction predict(const struct limit_series *series, enum limit_kind kind,
				       uint64_t elapsed_ns)
{
	struct limit_prediction prediction = {
		.kind = kind,
		.used = series->used,
		.limit = series->limit,
	};
	struct trend_line line = trend_line(&series->above);

	prediction.per_minute = growth_per_minute(&series->above, &line);
	if (prediction.per_minute > 0 && is_even(&line) &&
	    trend_span_ns(&series->above) >= LEAST_SPAN_NS) {
		prediction.will_be_met = true;
		prediction.until_ns = until_met_ns(&line, elapsed_ns);
	}
	return prediction;
}

static double used_share(const struct limit_prediction *prediction)
{
	return (double)prediction->used / ((double)prediction->limit + 1);
}

static int compare_predictions(const void *a, const void *b)
{
	const struct limit_prediction *left = a, *right = b;

	if (left->will_be_met != right->will_be_met)
		return left->will_be_met ? -1 : 1;
	if (left->will_be_met && left->until_ns != right->until_ns)
		return left->until_ns < right->until_ns ? -1 : 1;
	if (used_share(left) > used_share(right))
		return -1;
	if (used_share(left) < used_share(right))
		return 1;
	return (int)left->kind - (int)right->kind;
}

size_t limit_forecast_predict(const struct limit_forecast *forecast, uint64_t now_ns,
			      struct limit_prediction out[LIMIT_KINDS])
{
	size_t count = 0;

	for (int i = 0; i < LIMIT_KINDS; i++) {
		const struct limit_series *series = &forecast->series[i];
		uint64_t elapsed_ns;

		if (!series->above.count)
			continue;
		elapsed_ns = now_ns - series->above.samples[series->above.count - 1].time_ns;
		if (elapsed_ns <= LIMIT_STALE_NS)
			out[count++] = predict(series, (enum limit_kind)i, elapsed_ns);
	}
	qsort(out, count, sizeof(*out), compare_predictions);
	return count;
}
