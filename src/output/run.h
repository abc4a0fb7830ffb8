/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_RUN_H
#define PARKSCOPE_OUTPUT_RUN_H

#include <stdint.h>

#include "model/report.h"

/* What a whole run has seen. Formats add each report; zero-initialised is empty. */
struct run_totals {
	uint64_t processes; /* that ended or were there in the last report */
	uint64_t waits;     /* completed */
	uint64_t births;    /* of threads */
	uint64_t exits;
	uint64_t goroutine_births;
	uint64_t goroutine_exits;
	uint64_t ended_processes; /* that had their last report */
};

void run_totals_add(struct run_totals *totals, const struct report *report);

/* How a run ended. A view: losses and cost belong to the caller. */
struct run_end {
	int64_t wall_ns;    /* Unix time */
	double watched_s;   /* since we attached */
	const char *reason; /* "interrupted", "count", "duration", "process_ended", "dump" or
			       "failed" */
	const struct losses *losses;
	const struct own_cost *cost;
};

#endif
