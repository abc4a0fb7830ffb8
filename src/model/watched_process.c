// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/watched_process.h"

#include <stdlib.h>
#include <string.h>

struct watched_process *watched_process_new(uint32_t pid, uint64_t start_ns, uint64_t now_ns)
{
	struct watched_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->pid = pid;
	process->start_ns = start_ns;
	process->first_seen_ns = process->swept_ns = now_ns;
	process->reasons = process->few;
	return process;
}

void watched_process_free(struct watched_process *process)
{
	struct site *site, *next;

	if (!process)
		return;
	HASH_ITER (hh, process->sites, site, next)
		watched_process_drop_site(process, site);
	goroutine_list_clear(&process->goroutine_list);
	if (process->reasons != process->few)
		free(process->reasons);
	free(process->forecast);
	free(process->go_version);
	free(process->go_refused);
	free(process->name);
	free(process->executable);
	free(process->container_id);
	free(process->entity_id);
	free(process);
}

struct site *watched_process_site(struct watched_process *process, enum site_kind kind,
				  enum unit unit, const char *reason, const struct stack *stack)
{
	auto_free(site) struct site *fresh = NULL;
	struct site *site = NULL;
	struct site key = {0};

	key.key.hash = site_id_of(unit, reason, stack).hash;
	key.key.kind = kind;
	HASH_FIND(hh, process->sites, &key.key, sizeof(key.key), site);
	if (site || process->sites_count >= WATCHED_SITES_MAX ||
	    !memory_room_take_site(process->room, stack->count))
		return site;

	fresh = site_new(kind, unit, reason, stack);
	if (!fresh)
		return NULL;
	fresh->key.hash = key.key.hash;
	fresh->key.kind = key.key.kind;
	site_begin_sweep(fresh, process->swept_ns, watched_process_watched_ns(process));
	fresh->since_ns = process->counted_ns;
	fresh->active_ns = process->swept_ns;
	site = take_ptr(fresh);
	HASH_ADD(hh, process->sites, key, sizeof(site->key), site);
	process->sites_count++;
	return site;
}

void watched_process_drop_site(struct watched_process *process, struct site *site)
{
	HASH_DEL(process->sites, site);
	process->sites_count--;
	site_free(site);
}

struct reason_waits *watched_process_add_reason(struct watched_process *process, const char *reason)
{
	if (process->reasons_count == WATCHED_REASONS_FEW && process->reasons == process->few) {
		struct reason_waits *more = calloc(WATCHED_REASONS_MAX, sizeof(*more));

		if (!more)
			return NULL;
		memcpy(more, process->few, sizeof(process->few));
		process->reasons = more;
	}
	if (process->reasons_count == WATCHED_REASONS_MAX)
		return NULL;
	process->reasons[process->reasons_count].reason = reason;
	return &process->reasons[process->reasons_count++];
}

struct reason_waits *watched_process_reason(struct watched_process *process, const char *reason)
{
	struct reason_waits *waits;

	for (size_t i = 0; i < process->reasons_count; i++)
		if (strcmp(process->reasons[i].reason, reason) == 0)
			return &process->reasons[i];
	waits = watched_process_add_reason(process, reason);
	return waits ? waits : &process->reasons[process->reasons_count - 1];
}

uint64_t watched_process_watched_ns(const struct watched_process *process)
{
	return process->swept_ns > process->first_seen_ns
		       ? process->swept_ns - process->first_seen_ns
		       : 0;
}

void watched_process_begin_sweep(struct watched_process *process, uint64_t now_ns)
{
	struct site *site, *next;

	process->swept_ns = now_ns;
	HASH_ITER (hh, process->sites, site, next) {
		site_begin_sweep(site, now_ns, watched_process_watched_ns(process));
		thread_names_clear(&site->names);
	}
	for (size_t i = 0; i < process->reasons_count; i++)
		process->reasons[i].open_ns = 0;
}

/* Threads and goroutines come and go for many reasons: that there are more is never a leak. */
static void judge_units(struct watched_process *process, struct unit_count *count,
			const struct verdict_rules *rules)
{
	const struct ladder nobody = {0};
	const struct verdict_input input = {
		.class = VERDICT_CLASS_NEVER,
		.ladder = &nobody,
		.crowd = &count->crowd,
		.now_ns = process->swept_ns,
		.watched_ns = watched_process_watched_ns(process),
		.interval_ns = process->interval_ns,
		.departed = count->exited,
	};

	count->crowd.now = count->now;
	crowd_end(&count->crowd, input.now_ns);
	count->rate_per_minute = trend_per_minute(&count->crowd.trend);
	verdict_judge(&count->verdict, &input, rules);
	if (process->verdict < count->verdict.verdict)
		process->verdict = count->verdict.verdict;
}

static void note_distance(struct watched_process *process)
{
	uint64_t distance_ns = process->counted_ns && process->swept_ns > process->counted_ns
				       ? process->swept_ns - process->counted_ns
				       : 0;

	process->interval_ns =
		distance_ns > process->distance_ns ? distance_ns : process->distance_ns;
	process->distance_ns = distance_ns;
	process->counted_ns = process->swept_ns;
}

int watched_process_end_sweep(struct watched_process *process, const struct verdict_rules *rules)
{
	struct site *site, *next;
	int err = 0;

	process->verdict = VERDICT_STEADY;
	process->leak_pending = false;
	note_distance(process);
	HASH_ITER (hh, process->sites, site, next) {
		int site_err = site_end_sweep(site, process->interval_ns, rules);

		err = site_err ? site_err : err;
		process->leak_pending |= verdict_is_pending(&site->verdict);
		if (process->verdict < site->verdict.verdict)
			process->verdict = site->verdict.verdict;
	}
	judge_units(process, &process->threads, rules);
	if (watched_process_has_goroutines(process))
		judge_units(process, &process->goroutines, rules);
	return err;
}

static void end_count_report(struct unit_count *count)
{
	count->reported.born = count->born;
	count->reported.exited = count->exited;
	count->reported.verdict = count->verdict.verdict;
}

struct attribution watched_process_attribution(const struct watched_process *process)
{
	struct attribution attribution = process->attribution;

	for (size_t i = 0; i < process->reasons_count; i++) {
		attribution.waits += process->reasons[i].count;
		attribution.duration_ns += process->reasons[i].duration_ns;
	}
	return attribution;
}

void watched_process_end_report(struct watched_process *process)
{
	struct site *site, *next;

	HASH_ITER (hh, process->sites, site, next)
		site_end_report(site);
	for (size_t i = 0; i < process->reasons_count; i++) {
		struct reason_waits *waits = &process->reasons[i];

		waits->reported.count = waits->count;
		waits->reported.restarts = waits->restarts;
		waits->reported.duration_ns = waits->duration_ns;
		waits->reported.open_ns = waits->open_ns;
	}
	end_count_report(&process->threads);
	end_count_report(&process->goroutines);
	process->reported_attribution = watched_process_attribution(process);
}
