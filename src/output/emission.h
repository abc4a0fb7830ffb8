/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_EMISSION_H
#define PARKSCOPE_OUTPUT_EMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/report.h"

/*
 * What a pipeline gets: which records are due in a report, and what the earlier
 * ones have not said yet. Counters count since the last record of that process
 * or site, so records may be left out and sums still hold. Pure: the clock is
 * the report's.
 *
 * Not `full`: a process at first sight, every 60 s, at its end and in the last
 * report. A site when its verdict has changed or its size by more than max(5, 10 %)
 * since it was written (never written counts as steady and 0), every 15 min
 * while it is not steady, and whenever it changed at all at the first sight of
 * its process, at its end, before it expires and in the last report. Of the sites due in a report
 * all that leak are written, and of the others of each kind and unit the `top`
 * first ones: growing ones, then the largest. The rest is one sum.
 *
 * `full`: every process in every report, and every site that has units or
 * changed since it was written; no sums.
 */
struct emission_rules {
	bool full;
	size_t top; /* 0: no limit */
	enum shown_units units;
};

/* A stack is written at most this often in a run. */
#define EMISSION_STACK_NS      (24ULL * 3600 * 1000000000)
#define EMISSION_PROCESS_NS    (60ULL * 1000000000)
#define EMISSION_NOT_STEADY_NS (15ULL * 60 * 1000000000)

/* Bounds what processes with ever new stacks cost: beyond it, all stacks are forgotten. */
#define EMISSION_STACKS_MAX 65536

struct emission_site {
	const struct site *site;
	bool stack_due; /* its stack was not written in the last 24 h */
	double interval_s;
	struct site_interval counts;
};

/* The sum of the sites of a kind and unit that are due and beyond `top`. */
struct emission_other {
	uint64_t sites;    /* 0: no record */
	uint64_t size;     /* units parked or alive */
	double interval_s; /* the longest of its sites' */
	struct site_interval counts;
};

struct emission_waits {
	const char *reason;
	uint64_t count;
	uint64_t restarts;
	uint64_t duration_ns;
	uint64_t waiting_ns; /* spent waiting inside the interval, also in waits that last */
	uint64_t histogram[WAIT_HISTOGRAM_BUCKETS];
};

struct emission_process {
	bool due;
	double interval_s;
	struct emission_units {
		uint64_t born, exited;
	} threads, goroutines;
	size_t waits_count; /* reasons with something to say */
	struct emission_waits waits[WATCHED_REASONS_MAX];
	struct attribution attribution;
};

/* Belongs to the emission and holds until its next call. */
struct emission_due {
	struct emission_process process;
	size_t sites_count;
	struct emission_site *sites; /* park sites, then birth sites; worst, then largest first */
	struct emission_other other[2][2]; /* by enum site_kind and enum unit */
};

struct emission;

/* NULL without memory. */
struct emission *emission_new(const struct emission_rules *rules);
void emission_free(struct emission *emission);
define_auto_free(emission)

/*
 * What is due of a process of this report; counts as written. Once per process
 * and report. -ENOMEM.
 */
int emission_next(struct emission *emission, const struct report *report,
		  const struct watched_process *process, const struct emission_due **due);

/* After the processes of a report: forgets those that ended or did not appear. */
void emission_end_report(struct emission *emission);

/* Processes remembered, for tests. */
size_t emission_processes(const struct emission *emission);

#endif
