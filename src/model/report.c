// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/report.h"

#include <errno.h>
#include <stdlib.h>

#define compare_descending(a, b) (((b) > (a)) - ((b) < (a)))

static double growth_of(const struct watched_process *process, enum unit unit)
{
	return unit == UNIT_GOROUTINE ? process->goroutines.rate_per_minute
				      : process->threads.rate_per_minute;
}

enum unit report_leading_unit(const struct watched_process *process)
{
	if (!watched_process_has_goroutines(process))
		return UNIT_THREAD;
	return growth_of(process, UNIT_GOROUTINE) >= growth_of(process, UNIT_THREAD)
		       ? UNIT_GOROUTINE
		       : UNIT_THREAD;
}

static int compare_processes(const void *left, const void *right)
{
	const struct watched_process *a = *(struct watched_process *const *)left;
	const struct watched_process *b = *(struct watched_process *const *)right;
	double growth_a = growth_of(a, report_leading_unit(a));
	double growth_b = growth_of(b, report_leading_unit(b));
	uint64_t units_a = a->threads.now + a->goroutines.now;
	uint64_t units_b = b->threads.now + b->goroutines.now;

	if (a->verdict != b->verdict)
		return compare_descending(a->verdict, b->verdict);
	if (growth_a > growth_b || growth_a < growth_b)
		return compare_descending(growth_a, growth_b);
	if (units_a != units_b)
		return compare_descending(units_a, units_b);
	/* A pid can be used again within an interval: the order is always the same. */
	if (a->pid != b->pid)
		return -compare_descending(a->pid, b->pid);
	if (a->first_seen_ns != b->first_seen_ns)
		return compare_descending(a->first_seen_ns, b->first_seen_ns);
	return compare_descending(a->exec_id, b->exec_id);
}

void report_sort_processes(struct watched_process **processes, size_t count)
{
	if (count)
		qsort(processes, count, sizeof(processes[0]), compare_processes);
}

static int compare_sites(const void *left, const void *right)
{
	const struct site *a = *(struct site *const *)left;
	const struct site *b = *(struct site *const *)right;

	if (site_size(a) != site_size(b))
		return compare_descending(site_size(a), site_size(b));
	if (a->crowd.oldest_ns != b->crowd.oldest_ns)
		return compare_descending(a->crowd.oldest_ns, b->crowd.oldest_ns);
	return -compare_descending(a->id.hash, b->id.hash);
}

static bool has_something_to_say(const struct site *site)
{
	struct site_interval interval = site_interval(site);

	return site_size(site) || interval.arrived || interval.departed || interval.born ||
	       interval.exited || interval.waits;
}

static bool is_worse(const struct site *a, const struct site *b)
{
	if (a->verdict.verdict != b->verdict.verdict)
		return a->verdict.verdict > b->verdict.verdict;
	if (a->verdict.evidence.rate_per_minute > b->verdict.evidence.rate_per_minute ||
	    a->verdict.evidence.rate_per_minute < b->verdict.evidence.rate_per_minute)
		return a->verdict.evidence.rate_per_minute > b->verdict.evidence.rate_per_minute;
	return a->id.hash < b->id.hash;
}

const struct site *report_worst_site(const struct watched_process *process)
{
	const struct site *worst = NULL;
	struct site *site, *next;

	HASH_ITER (hh, process->sites, site, next)
		if (site->kind == SITE_PARK && site->verdict.verdict != VERDICT_STEADY &&
		    (!worst || is_worse(site, worst)))
			worst = site;
	return worst;
}

static bool is_of_threads(enum limit_kind kind)
{
	return kind == LIMIT_PIDS_MAX || kind == LIMIT_NPROC || kind == LIMIT_THREADS_MAX ||
	       kind == LIMIT_PID_MAX;
}

size_t report_limits_met(const struct watched_process *process,
			 struct limit_prediction met[LIMIT_KINDS])
{
	struct limit_prediction predictions[LIMIT_KINDS];
	size_t count, used = 0;

	if (!watched_process_has_forecast(process))
		return 0;
	count = limit_forecast_predict(process->forecast, process->swept_ns, predictions);
	for (size_t i = 0; i < count && predictions[i].will_be_met; i++)
		if (!is_of_threads(predictions[i].kind) ||
		    process->threads.verdict.verdict != VERDICT_STEADY)
			met[used++] = predictions[i];
	return used;
}

#define OWN_SHARE 0.1

bool report_limit_is_own(const struct watched_process *process, const struct limit_prediction *met)
{
	double rate = met->per_minute;

	if (met->kind == LIMIT_MEMORY_MAX)
		rate = trend_line(&process->forecast->rss).slope;
	else if (is_of_threads(met->kind))
		rate = process->threads.rate_per_minute;
	return rate >= OWN_SHARE * met->per_minute;
}

int report_sites(const struct watched_process *process, enum site_kind kind, struct site ***sites,
		 size_t *count)
{
	autofree struct site **array = calloc(process->sites_count + 1, sizeof(struct site *));
	struct site *site, *next;
	size_t used = 0;

	if (!array)
		return -ENOMEM;
	HASH_ITER (hh, process->sites, site, next)
		if (site->kind == kind && has_something_to_say(site))
			array[used++] = site;
	if (used)
		qsort(array, used, sizeof(struct site *), compare_sites);
	*sites = take_ptr(array);
	*count = used;
	return 0;
}
