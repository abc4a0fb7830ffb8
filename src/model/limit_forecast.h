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
 *
 * Memory rises in steps where a runtime collects garbage: it stands still until the heap is
 * larger than ever before. So a limit is met by the highest steps, along the line through many;
 * and while there were only one or two, no time is given. (That of a cgroup is better than RSS,
 * which is of one process and has shared pages in it. The crowd's rate times the bytes for each
 * unit is no better, and wrong where something else grows, too.) tests/unit/limit_recordings.h
 * has processes that were killed in the end, and how near the predictions came.
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

/* A limit of which there was no sample for so long is not known any more. */
#define LIMIT_STALE_NS (120ULL * 1000000000ULL)

struct limit_series {
	uint64_t used, limit; /* of the last sample */
	struct trend above;   /* of used - limit: it is met at 0, also if the limit changes */
};

/*
 * Of a process; some 4 KiB, so rather not for processes that are steady. Zero-initialised is
 * empty.
 */
struct limit_forecast {
	struct limit_series series[LIMIT_KINDS];
	struct trend rss; /* bytes */
};

struct limit_prediction {
	enum limit_kind kind;
	uint64_t used, limit;
	double per_minute; /* how fast `used` grows towards it; 0: it does not, as far as is seen */
	bool will_be_met;  /* it grows evenly enough to say when... */
	uint64_t until_ns; /* ...from now; 0: any moment */
};

/*
 * A sample. Where the limit is another one (it was set anew, or another ancestor has less room
 * now) and there is much more or less room than before, what was before is forgotten.
 */
void limit_forecast_add(struct limit_forecast *forecast, enum limit_kind kind, uint64_t now_ns,
			uint64_t used, uint64_t limit);
void limit_forecast_add_rss(struct limit_forecast *forecast, uint64_t now_ns, uint64_t bytes);

/* Bytes, of the last sample; 0: there was none. */
uint64_t limit_forecast_rss(const struct limit_forecast *forecast);

/* Bytes a minute; 0 while it does not grow, as far as is seen. */
double limit_forecast_rss_per_minute(const struct limit_forecast *forecast);

/*
 * Of the limits that are known: those that will be met, the first one first, then the others,
 * the one of which most is used first. Returns how many.
 */
size_t limit_forecast_predict(const struct limit_forecast *forecast, uint64_t now_ns,
			      struct limit_prediction out[LIMIT_KINDS]);

/*
 * Bytes of RSS for each unit of a crowd, from how both grew while both were looked at. 0: not
 * known, since the crowd has not grown by LIMIT_CROWD_GROWTH_MIN, or RSS does not grow with it
 * evenly enough. All that grows with the crowd is in it, also what is not of these units.
 */
double limit_forecast_rss_per_unit(const struct limit_forecast *forecast,
				   const struct trend *crowd);

/* Fewer units are lost in the noise of RSS. */
#define LIMIT_CROWD_GROWTH_MIN 10

#endif
