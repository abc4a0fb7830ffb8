/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_LIMIT_FORECAST_H
#define PARKSCOPE_MODEL_LIMIT_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/trend.h"

/*
 * When a process that grows will meet a limit: what it uses of each over time, and what one unit
 * of its leaking crowd costs. Pure; times are nanoseconds of the caller's clock and may not go
 * back.
 */

enum limit_kind {
	LIMIT_MEMORY_MAX,    /* of the cgroup, bytes */
	LIMIT_PIDS_MAX,      /* of the cgroup, tasks */
	LIMIT_NPROC,         /* RLIMIT_NPROC, threads of the user */
	LIMIT_THREADS_MAX,   /* kernel.threads-max, tasks of the host */
	LIMIT_PID_MAX,       /* kernel.pid_max, tasks of the host */
	LIMIT_MAX_MAP_COUNT, /* vm.max_map_count, mappings */
	LIMIT_KINDS,
};

/* "memory_max", "pids_max", "nproc", "threads_max", "pid_max", "max_map_count". Static. */
const char *limit_name(enum limit_kind kind);

/* Of one limit. Zero-initialised is empty. */
struct limit_series {
	uint64_t used, limit; /* of the last sample; limit 0: never sampled */
	struct trend above;   /* of used - limit, so that a limit that changes counts */
};

/*
 * Of a process; some 4 KiB, so rather not for processes that are steady. Zero-initialised is
 * empty.
 */
struct limit_forecast {
	struct limit_series series[LIMIT_KINDS];
	uint64_t rss_bytes;
	struct trend rss;
};

struct limit_prediction {
	enum limit_kind kind;
	uint64_t used, limit;
	double per_minute; /* how fast `used` grows; 0: it does not, as far as can be told */
	bool met;          /* it grows, so it will be met... */
	uint64_t until_ns; /* ...in so long, from the last sample; 0: now */
};

void limit_forecast_add(struct limit_forecast *forecast, enum limit_kind kind, uint64_t now_ns,
			uint64_t used, uint64_t limit);
void limit_forecast_add_rss(struct limit_forecast *forecast, uint64_t now_ns, uint64_t bytes);

/* Bytes a minute; 0 while it does not grow, as far as can be told. */
double limit_forecast_rss_per_minute(const struct limit_forecast *forecast);

/*
 * Those limits that are known, the first to be met first, those that will not be met last.
 * Returns how many.
 */
size_t limit_forecast_predict(const struct limit_forecast *forecast,
			      struct limit_prediction out[LIMIT_KINDS]);

/*
 * Bytes of RSS that one unit of a crowd costs, from how both grew over the time that both trends
 * cover. 0: not known, since the crowd has not grown enough, or RSS does not grow with it.
 */
double limit_forecast_rss_per_unit(const struct limit_forecast *forecast,
				   const struct trend *crowd);

#endif
