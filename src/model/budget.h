/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_BUDGET_H
#define PARKSCOPE_MODEL_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Keeps parkscope to a part of one CPU. It is told what was used, and says how long the kernel
 * may walk stacks and when the next report is due. Pure; a part is of one CPU: 0.01 is 1 %.
 *
 * What the hooks cost without walks cannot be helped. The rest is for reports and walks:
 *
 * - Reports come at the interval that was asked for while that fits beside the least that walks
 *   have, or while there are savings: what was not used of the budget within the last minute. So
 *   short runs are rarely put off. Else the interval is stretched, to a minute at most, so that
 *   they keep to the rest without what walks use or may want: to a half of it at least, and never
 *   less than a quarter of the budget.
 * - Walks have what reports leave, and never less than a tenth of the budget. It is an allowance
 *   for each CPU, and grows up to all of it while they stay below it together, so that a host of
 *   which one CPU is busy uses its budget, too; when they exceed it, it shrinks, down to an even
 *   share.
 *
 * An interval that always moves is a nuisance: it stays as it is until it should be a fifth
 * longer or shorter.
 */

/* An allowance is for windows of this length; bpf/abi.h, ABI_SAMPLING_WINDOW_SHIFT. */
#define BUDGET_WINDOW_NS (1ULL << 24)
/* Reports are not put off further than this. */
#define BUDGET_INTERVAL_MAX_NS (60ULL * 1000000000ULL)
/* What was not used can be used so much later. */
#define BUDGET_SAVINGS_S 60.0
/* What is used is averaged over about this time. */
#define BUDGET_AVERAGE_S 10.0
/* The parts of the budget that reports and walks have, whatever else there is. */
#define BUDGET_REPORTS_LEAST 0.25
#define BUDGET_WALKS_LEAST   0.1

struct budget_config {
	double part;          /* of one CPU, above 0 */
	uint32_t cpus;        /* on which walks may happen */
	uint64_t interval_ns; /* between reports, as asked for */
};

/* What was used in a period, in ns of CPU. */
struct budget_use {
	uint64_t elapsed_ns;
	uint64_t hooks_ns; /* on threads of others, without walks; 0: not known */
	uint64_t walks_ns;
	uint64_t tool_ns;    /* by the tool itself... */
	uint64_t reports_ns; /* ...and of it for reports that ended in the period */
};

struct budget {
	struct budget_config config;
	struct budget_use pending; /* of a time that was too short */
	double hooks, walks, rest; /* averages; `rest`: of the tool, without reports */
	double averaged_s;         /* over so much, up to BUDGET_AVERAGE_S */
	double report_s;           /* CPU for one report */
	double savings_s;          /* less than 0: a debt */
	double debt_s;             /* by reports alone, since they are put off */
	double share;              /* of each CPU in what walks may use together */
	double spread_s, walked_s; /* since it was looked at: time, and walks */
	uint64_t interval_ns;      /* as it is */
	uint64_t reports;          /* in report_s */
	bool exceeded;
};

/* What a report says of it. Zero-initialised: there is no budget. */
struct budget_status {
	double part;
	double hooks, walks, reports, rest; /* used, as averages */
	double asked_s;                     /* interval, as asked for */
	double interval_s;                  /* as it is, longer if reports are put off */
	bool exceeded;                      /* in spite of all that was put off */
};

/* What does not make sense (no CPU, a part that is no number above 0) becomes what does. */
void budget_init(struct budget *budget, const struct budget_config *config);

/* A period has ended. Where its clock stood still it is added to the next one. */
void budget_spend(struct budget *budget, const struct budget_use *use);

/* ns of walks in one window on one CPU, 1 to BUDGET_WINDOW_NS. */
uint64_t budget_walk_allowance(const struct budget *budget);

/* From the start of a report to that of the next one; never less than what was asked for. */
uint64_t budget_interval(const struct budget *budget);

struct budget_status budget_status(const struct budget *budget);

static inline double budget_used(const struct budget_status *status)
{
	return status->hooks + status->walks + status->reports + status->rest;
}

static inline bool budget_is_throttled(const struct budget_status *status)
{
	return status->interval_s > status->asked_s;
}

/*
 * What was done and why, a phrase: "reports every 12s, not 5s", "exceeded: the hooks alone take
 * 3.2% of a CPU"; "" where nothing had to be. Never writes more than `size` bytes, always
 * terminates. BUDGET_MESSAGE_SIZE is enough.
 */
#define BUDGET_MESSAGE_SIZE 160
void budget_message(const struct budget_status *status, char *text, size_t size);

#endif
