/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_MODEL_REPORT_H
#define PARKSCOPE_MODEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/budget.h"
#include "model/loss.h"
#include "model/watched_process.h"

/* Walks of waits' user stacks in the kernel, since the start, and what they go by. */
struct unwind_cost {
	uint64_t walks;
	uint64_t whole; /* of them: reached the outermost frame */
	uint64_t frames;
	double seconds;
	double longest_seconds; /* of one walk: so long was a run queue locked */
	uint64_t kernel_table_bytes;
	uint64_t table_bytes; /* in the tool's own memory */
	uint64_t processes;   /* whose tables are in the kernel */
};

/* What the tool itself costs, since it started. */
struct own_cost {
	bool unknown;       /* in a replay: all else here is 0 then */
	double cpu_seconds; /* user and system, of the tool, with what its sweeps run in the kernel
			     */
	double bpf_seconds; /* run time of its hooks, on threads of others; < 0: not known */
	double bpf_sampled_seconds; /* of which the kernel counted so long, the rest is an estimate;
				       0: it counted all the time */
	int bpf_error;              /* why it is not known, an errno; 0: there is no hook */
	uint64_t bpf_runs;
	uint64_t rss_bytes;
	uint64_t map_bytes;   /* kernel memory for BPF maps, kernel_table_bytes included */
	double sweep_seconds; /* the last sweep, from its start to the end of the report */
	struct unwind_cost unwind;
	struct budget_status budget; /* none in `dump` */
};

/*
 * What one interval says. A view: processes, sites and losses belong to the
 * sources and are valid until the next sweep.
 */
struct report {
	int64_t wall_ns;    /* the sweep's start, Unix time */
	uint64_t now_ns;    /* the same, monotonic */
	uint64_t opened_ns; /* when we attached, monotonic */
	double interval_s;  /* as it was */
	double watched_s;   /* since we attached */
	bool last;          /* of this run */
	bool leak_pending;  /* a leak was shown by one sweep, and has to be by another one */
	bool events;        /* waits, births and exits were watched; false in `dump` */
	size_t processes_count;
	struct watched_process **processes; /* in print order */
	const struct losses *losses;
	struct own_cost cost;
};

/* Which units a format shows. */
enum shown_units {
	SHOWN_ALL,
	SHOWN_THREADS,
	SHOWN_GOROUTINES,
};

static inline bool unit_is_shown(enum shown_units shown, enum unit unit)
{
	return shown == SHOWN_ALL || (shown == SHOWN_GOROUTINES) == (unit == UNIT_GOROUTINE);
}

/* The unit of a process that grows faster; goroutines, where it has them, when it is a draw. */
enum unit report_leading_unit(const struct watched_process *process);

/*
 * Orders processes for people: the worst verdict first, then most growth of their leading unit,
 * then by threads and goroutines together, then by pid.
 */
void report_sort_processes(struct watched_process **processes, size_t count);

/*
 * The park site with the worst verdict that is not steady, of these the one that grows fastest;
 * NULL: there is none.
 */
const struct site *report_worst_site(const struct watched_process *process);

/*
 * The limits that the process will meet, the first one first; none while it is steady. Those on
 * threads are shared with others: they are its own affair only while its own threads grow in
 * number. Returns how many.
 */
size_t report_limits_met(const struct watched_process *process,
			 struct limit_prediction met[LIMIT_KINDS]);

/*
 * Whether the process itself has a part in using up a limit that it shares with others: a tenth
 * of the growth or more, so that each of a few workers that leak together still has its part.
 */
bool report_limit_is_own(const struct watched_process *process, const struct limit_prediction *met);

/*
 * The process's sites of one kind, largest first, then oldest, then by id.
 * Leaves out those without units and without anything in the interval. The
 * array is the caller's to free(); -ENOMEM.
 */
int report_sites(const struct watched_process *process, enum site_kind kind, struct site ***sites,
		 size_t *count);

#endif
