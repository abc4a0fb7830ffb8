// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/emission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/emission_memory.h"

#define compare_descending(a, b) (((b) > (a)) - ((b) < (a)))

struct emission {
	struct emission_rules rules;
	struct emission_memory memory;
	size_t sites_capacity;
	struct emission_due due;
};

struct emission *emission_new(const struct emission_rules *rules)
{
	struct emission *emission = calloc(1, sizeof(*emission));

	if (emission)
		emission->rules = *rules;
	return emission;
}

void emission_free(struct emission *emission)
{
	if (!emission)
		return;
	emission_memory_clear(&emission->memory);
	free(emission->due.sites);
	free(emission);
}

/* A counter that went back was started anew. */
static uint64_t since(uint64_t now, uint64_t then)
{
	return now >= then ? now - then : now;
}

static double seconds_since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? (double)(now_ns - then_ns) / 1e9 : 0;
}

/* Whether `period_ns` is over, or is nearer to being over now than in the next report. */
static bool period_is_over(const struct report *report, uint64_t since_ns, uint64_t period_ns)
{
	double elapsed_s = seconds_since(report->now_ns, since_ns);

	return elapsed_s + report->interval_s / 2 >= (double)period_ns / 1e9;
}

static struct site_interval site_totals(const struct site *site)
{
	return (struct site_interval){
		.arrived = site->crowd.arrived,
		.departed = site->crowd.departed,
		.born = site->births.born,
		.exited = site->births.exited,
		.waits = site->waits.count,
		.waits_ns = site->waits.duration_ns,
		.waits_variance = site->waits.variance,
	};
}

static struct site_interval counts_since(const struct site_interval *now,
					 const struct site_interval *then)
{
	return (struct site_interval){
		.arrived = since(now->arrived, then->arrived),
		.departed = since(now->departed, then->departed),
		.born = since(now->born, then->born),
		.exited = since(now->exited, then->exited),
		.waits = since(now->waits, then->waits),
		.waits_ns = since(now->waits_ns, then->waits_ns),
		.waits_variance = now->waits_variance - then->waits_variance,
	};
}

static void add_counts(struct site_interval *sum, const struct site_interval *more)
{
	sum->arrived += more->arrived;
	sum->departed += more->departed;
	sum->born += more->born;
	sum->exited += more->exited;
	sum->waits += more->waits;
	sum->waits_ns += more->waits_ns;
	sum->waits_variance += more->waits_variance;
}

static bool counts_something(const struct site_interval *counts)
{
	return counts->arrived || counts->departed || counts->born || counts->exited ||
	       counts->waits;
}

/* The rule for a change worth a record: above max(5, 10 %). */
static bool size_changed_much(uint64_t now, uint64_t then)
{
	uint64_t change = now > then ? now - then : then - now;

	return change > 5 && change > then / 10;
}

static bool site_is_due(const struct emission *emission, const struct report *report,
			const struct watched_process *process, bool first_sight,
			const struct site *site, const struct site_state *state,
			const struct site_interval *counts)
{
	uint64_t size = site_size(site);
	bool verdict_changed = report->events && site->verdict.verdict != state->verdict;
	bool changed = verdict_changed || size != state->size || counts_something(counts);

	if (emission->rules.full)
		return size || changed;
	if (report->last || process->ended || first_sight || site->expired)
		return changed;
	if (verdict_changed || size_changed_much(size, state->size))
		return true;
	return site->verdict.verdict != VERDICT_STEADY &&
	       period_is_over(report, state->written_ns, EMISSION_NOT_STEADY_NS);
}

static int make_room_for_sites(struct emission *emission, size_t count)
{
	struct emission_site *sites;

	if (count <= emission->sites_capacity)
		return 0;
	sites = realloc(emission->due.sites, count * sizeof(*sites));
	if (!sites)
		return -ENOMEM;
	emission->due.sites = sites;
	emission->sites_capacity = count;
	return 0;
}

static int compare_sites(const void *left, const void *right)
{
	const struct site *a = ((const struct emission_site *)left)->site;
	const struct site *b = ((const struct emission_site *)right)->site;

	if (a->kind != b->kind)
		return -compare_descending(a->kind, b->kind);
	if (a->verdict.verdict != b->verdict.verdict)
		return compare_descending(a->verdict.verdict, b->verdict.verdict);
	if (site_size(a) != site_size(b))
		return compare_descending(site_size(a), site_size(b));
	if (a->crowd.oldest_ns != b->crowd.oldest_ns)
		return compare_descending(a->crowd.oldest_ns, b->crowd.oldest_ns);
	return -compare_descending(a->id.hash, b->id.hash);
}

/* Since when the counters count that are not written. */
static uint64_t unwritten_since_ns(const struct watched_process *process, const struct site *site,
				   const struct site_state *written)
{
	if (written->written)
		return written->written_ns;
	return site->since_ns ? site->since_ns : process->first_seen_ns;
}

static int collect_due_sites(struct emission *emission, const struct report *report,
			     const struct watched_process *process, struct process_state *state,
			     bool first_sight)
{
	struct emission_due *due = &emission->due;
	struct site *site, *next;
	int code = make_room_for_sites(emission, process->sites_count);

	if (code)
		return code;
	HASH_ITER (hh, process->sites, site, next) {
		struct site_interval totals = site_totals(site), counts;
		struct site_state *written;

		if (!unit_is_shown(emission->rules.units, site->unit) ||
		    (!site_size(site) && !counts_something(&totals)))
			continue;
		written = emission_memory_site(state, site, report->now_ns);
		if (!written)
			return -ENOMEM;
		/* One that expires is another one when it comes back. */
		written->in_report = !site->expired;
		counts = counts_since(&totals, &written->counts);
		if (!site_is_due(emission, report, process, first_sight, site, written, &counts))
			continue;
		due->sites[due->sites_count++] = (struct emission_site){
			.site = site,
			.counts = counts,
			.interval_s = seconds_since(report->now_ns,
						    unwritten_since_ns(process, site, written)),
		};
		written->written = true;
		written->written_ns = report->now_ns;
		written->size = site_size(site);
		written->verdict = site->verdict.verdict;
		written->counts = totals;
	}
	if (due->sites_count)
		qsort(due->sites, due->sites_count, sizeof(due->sites[0]), compare_sites);
	return 0;
}

/* Keeps the first `top` of each kind and unit, and all that leak; sums up the rest. */
static void sum_up_beyond_top(struct emission_due *due, size_t top)
{
	size_t counts[2][2] = {{0}};
	size_t kept = 0;

	for (size_t i = 0; i < due->sites_count; i++) {
		const struct emission_site *entry = &due->sites[i];
		enum site_kind kind = entry->site->kind;
		struct emission_other *other = &due->other[kind][entry->site->unit];

		if (entry->site->verdict.verdict == VERDICT_LEAKING ||
		    counts[kind][entry->site->unit]++ < top) {
			due->sites[kept++] = *entry;
			continue;
		}
		other->sites++;
		other->size += site_size(entry->site);
		add_counts(&other->counts, &entry->counts);
		if (other->interval_s < entry->interval_s)
			other->interval_s = entry->interval_s;
	}
	due->sites_count = kept;
}

static int stack_is_due(struct emission *emission, const struct report *report, uint64_t hash,
			bool *due)
{
	bool first;
	struct stack_state *state = emission_memory_stack(&emission->memory, hash, &first);

	if (!state)
		return -ENOMEM;
	*due = first || period_is_over(report, state->written_ns, EMISSION_STACK_NS);
	if (*due)
		state->written_ns = report->now_ns;
	return 0;
}

/*
 * Time spent waiting inside the interval: what completed waits and those that
 * last have added up to. A wait from before we attached that ended leaves the
 * second without entering the first, hence not below 0.
 */
static uint64_t waiting_since(const struct reason_waits *now, const struct reason_state *then)
{
	uint64_t have = now->duration_ns + now->open_ns;
	uint64_t had = then->duration_ns + then->open_ns;

	return have > had ? have - had : 0;
}

static void add_waits(struct emission_process *process, const struct reason_waits *now,
		      struct reason_state *then)
{
	struct emission_waits *waits = &process->waits[process->waits_count];

	*waits = (struct emission_waits){
		.reason = now->reason,
		.count = since(now->count, then->count),
		.restarts = since(now->restarts, then->restarts),
		.duration_ns = since(now->duration_ns, then->duration_ns),
		.waiting_ns = waiting_since(now, then),
	};
	for (size_t i = 0; i < WAIT_HISTOGRAM_BUCKETS; i++) {
		waits->histogram[i] = since(now->histogram[i], then->histogram[i]);
		then->histogram[i] = now->histogram[i];
	}
	then->count = now->count;
	then->restarts = now->restarts;
	then->duration_ns = now->duration_ns;
	then->open_ns = now->open_ns;
	if (waits->count || waits->waiting_ns)
		process->waits_count++;
}

static bool process_is_due(const struct emission *emission, const struct report *report,
			   const struct watched_process *process, bool first_sight,
			   const struct process_state *state)
{
	return first_sight || emission->rules.full || report->last || process->ended ||
	       period_is_over(report, state->written_ns, EMISSION_PROCESS_NS);
}

/* What was born and exited since; from here on it counts as written. */
static struct emission_units units_since(const struct unit_count *now, struct emission_units *then)
{
	struct emission_units counts = {
		.born = since(now->born, then->born),
		.exited = since(now->exited, then->exited),
	};

	*then = (struct emission_units){.born = now->born, .exited = now->exited};
	return counts;
}

static void fill_process(struct emission_process *entry, const struct report *report,
			 const struct watched_process *process, bool first_sight,
			 struct process_state *state)
{
	const struct attribution attribution = watched_process_attribution(process);

	entry->due = true;
	entry->interval_s = seconds_since(report->now_ns,
					  first_sight ? process->first_seen_ns : state->written_ns);
	entry->threads = units_since(&process->threads, &state->threads);
	entry->goroutines = units_since(&process->goroutines, &state->goroutines);
	for (size_t i = 0; i < process->reasons_count; i++)
		add_waits(entry, &process->reasons[i], &state->reasons[i]);
	entry->attribution = attribution_since(&attribution, &state->attribution);
	state->attribution = attribution;
	state->written_ns = report->now_ns;
}

int emission_next(struct emission *emission, const struct report *report,
		  const struct watched_process *process, const struct emission_due **due)
{
	struct process_state *state;
	bool first_sight;
	int code;

	emission->due.process.due = false;
	emission->due.process.waits_count = 0;
	emission->due.sites_count = 0;
	memset(emission->due.other, 0, sizeof(emission->due.other));

	state = emission_memory_process(&emission->memory, process, &first_sight);
	if (!state)
		return -ENOMEM;
	state->in_report = true;
	code = emission_memory_reasons(state, process->reasons_count);
	if (code)
		return code;
	code = collect_due_sites(emission, report, process, state, first_sight);
	if (code)
		return code;
	if (!emission->rules.full && emission->rules.top)
		sum_up_beyond_top(&emission->due, emission->rules.top);
	for (size_t i = 0; !emission->rules.full && i < emission->due.sites_count && !code; i++)
		code = stack_is_due(emission, report, emission->due.sites[i].site->id.hash,
				    &emission->due.sites[i].stack_due);
	if (code)
		return code;
	if (process_is_due(emission, report, process, first_sight, state))
		fill_process(&emission->due.process, report, process, first_sight, state);
	if (process->ended)
		state->in_report = false;
	*due = &emission->due;
	return 0;
}

void emission_end_report(struct emission *emission)
{
	emission_memory_end_report(&emission->memory);
}

size_t emission_processes(const struct emission *emission)
{
	return HASH_COUNT(emission->memory.processes);
}
