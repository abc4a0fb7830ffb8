/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_BUDGET_H
#define PARKSCOPE_MODEL_BUDGET_H

/*
 * Keeps what parkscope costs within a part of one CPU. Three things cost: the hooks, which run
 * as often as threads switch and cannot be slowed; the walks in them; and the tool, most of it
 * in sweeps. Walks and sweeps get what the others leave, and at least a tenth of the budget for
 * walks and a quarter for the tool, so that neither ever stops. Pure: it is told the time.
 */

#include <stdbool.h>
#include <stdint.h>

/* Of one CPU. */
#define BUDGET_PERCENT_DEFAULT 1.0
/* Reports are put off to this interval at most, or to the user's if that is longer. */
#define BUDGET_INTERVAL_MAX_NS (60ULL * 1000000000)

/* Of a period, ns. */
struct budget_use {
	uint64_t elapsed_ns;
	uint64_t hooks_ns; /* in the kernel, without walks */
	uint64_t walks_ns;
	uint64_t tool_ns;  /* CPU time of the process, sweeps and reports included */
	uint64_t sweep_ns; /* of `tool_ns`: the last sweep, with its report */
};

struct budget {
	/* Set once: */
	double percent;
	uint32_t cpus;
	uint64_t interval_ns; /* the user's */

	/* What follows from the use: */
	uint64_t walks_ns_per_s;  /* on all CPUs together */
	double share;             /* part of it that each CPU may use up alone, 1/cpus to 1 */
	uint64_t due_interval_ns; /* of reports */
	double used_percent;      /* of the last period, of one CPU */
	double hooks_percent;
};

/* A budget of which nothing is used yet. `percent` > 0, `cpus` ≥ 1. */
struct budget budget_new(double percent, uint32_t cpus, uint64_t interval_ns);

/* After each period. One without any time changes nothing. */
void budget_adapt(struct budget *budget, const struct budget_use *use);

/* What walks may take on one CPU in such a window. */
uint64_t budget_walks_in(const struct budget *budget, uint64_t window_ns);

/* Reports come later than the user wants them. */
bool budget_puts_off(const struct budget *budget);

#endif
