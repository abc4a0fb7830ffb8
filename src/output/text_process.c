// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/limits_text.h"
#include "output/text_internal.h"
#include "output/text_sites.h"
#include "output/text_verdict.h"

/* The sites of a process of one kind, by unit and by who they belong to. */
struct groups {
	struct site **sites; /* owned: what is shown of threads, then of goroutines */
	struct site_group threads;
	struct site_group goroutines;
	uint64_t parked_threads;
	uint64_t parked_goroutines; /* not the runtime's own, as their number leaves them out */
};

static void groups_release(struct groups *groups)
{
	free(groups->sites);
}

static void fold(struct site_group *group, const struct site *site)
{
	struct site_interval interval = site_interval(site);
	struct site *sum = &group->sum;

	group->folded++;
	sum->kind = site->kind;
	sum->crowd.now += site->crowd.now;
	sum->crowd.arrived += interval.arrived;
	sum->crowd.departed += interval.departed;
	if (site->crowd.now && site->crowd.oldest_ns >= sum->crowd.oldest_ns) {
		sum->crowd.oldest_ns = site->crowd.oldest_ns;
		sum->crowd.oldest_bound = site->crowd.oldest_bound;
	}
	sum->births.live += site->births.live;
	sum->births.born += interval.born;
	sum->births.exited += interval.exited;
}

bool text_is_of_runtime(const struct watched_process *process, const struct site *site)
{
	if (site->unit == UNIT_GOROUTINE)
		return site->runtime;
	return watched_process_has_goroutines(process) && stack_is_go_runtime(site->stack);
}

/*
 * A thread of a Go program waited in the runtime for a moment while it ran this goroutine, and
 * nobody came or stays: that was the scheduler's doing, not the application's.
 */
static bool is_scheduling(const struct watched_process *process, const struct site *site)
{
	struct site_interval interval = site_interval(site);

	return site->unit == UNIT_THREAD && site->kind == SITE_PARK &&
	       watched_process_has_goroutines(process) && !site->crowd.now && !interval.arrived &&
	       !interval.departed && stack_leaf_is_go_runtime(site->stack);
}

/* Sorts `count` sites, in their order, into groups, which have room for them. */
static void sort_into(struct groups *groups, const struct text *text, const struct report *report,
		      const struct watched_process *process, struct site *const *sites,
		      size_t count)
{

	enum unit units[] = {UNIT_THREAD, UNIT_GOROUTINE};
	size_t used = 0;

	for (size_t i = 0; i < 2; i++) {
		struct site_group *group =
			units[i] == UNIT_THREAD ? &groups->threads : &groups->goroutines;

		group->unit = units[i];
		group->sites = groups->sites + used;
		for (size_t j = 0; j < count && unit_is_shown(text->config.units, units[i]); j++) {
			bool of_runtime = text_is_of_runtime(process, sites[j]);

			if (sites[j]->unit != units[i] || is_scheduling(process, sites[j]))
				continue;
			if (units[i] == UNIT_THREAD)
				groups->parked_threads += sites[j]->crowd.now;
			else if (!of_runtime)
				groups->parked_goroutines += sites[j]->crowd.now;
			if (of_runtime && !text->config.runtime) {
				fold(group, sites[j]);
				continue;
			}
			if (report->events && text_has_block(text, process, sites[j]))
				continue;
			groups->sites[used++] = sites[j];
			group->count++;
		}
	}
}

static int groups_make(struct groups *groups, const struct text *text, const struct report *report,
		       const struct watched_process *process, enum site_kind kind)
{
	autofree struct site **sites = NULL;
	size_t count = 0;
	int code = report_sites(process, kind, &sites, &count);

	if (code)
		return code;
	groups->sites = calloc(count + 1, sizeof(struct site *));
	if (!groups->sites)
		return -ENOMEM;
	sort_into(groups, text, report, process, sites, count);
	groups->threads.kind = groups->goroutines.kind = kind;
	groups->threads.name_unit = watched_process_has_goroutines(process);
	groups->threads.folded_as =
		kind == SITE_PARK ? "idle scheduler threads" : "threads of the Go runtime";
	groups->goroutines.folded_as = "runtime goroutines";
	return 0;
}

static double watched_seconds(const struct report *report, const struct watched_process *process)
{
	return report->now_ns > process->first_seen_ns
		       ? (double)(report->now_ns - process->first_seen_ns) / 1e9
		       : 0;
}

/* "goroutines 1,424 (+120.0/min)", or how many are parked where nothing is known of growth. */
static void print_units(struct text *text, const char *name, const struct unit_count *count,
			bool rate)
{
	char item[64], number[FORMAT_NUMBER_SIZE];

	format_count(count->now, number);
	if (rate)
		snprintf(item, sizeof(item), "%s %s (%+.1f/min)", name, number,
			 count->rate_per_minute);
	else
		snprintf(item, sizeof(item), "%s %s", name, number);
	layout_item(&text->layout, item, 2, 2);
}

static void print_counted(struct text *text, const char *name, uint64_t count)
{
	char item[64], number[FORMAT_NUMBER_SIZE];

	format_count(count, number);
	snprintf(item, sizeof(item), "%s %s", name, number);
	layout_item(&text->layout, item, 2, 2);
}

/* "parked 121"; of a Go program who they are, too. */
static void print_parked(struct text *text, const struct watched_process *process,
			 const struct groups *parked)
{
	char item[96], number[FORMAT_NUMBER_SIZE];

	if (!watched_process_has_goroutines(process)) {
		print_counted(text, "parked", parked->parked_threads);
		return;
	}
	if (unit_is_shown(text->config.units, UNIT_GOROUTINE)) {
		format_count(parked->parked_goroutines, number);
		snprintf(item, sizeof(item), "parked %s goroutine%s", number,
			 parked->parked_goroutines == 1 ? "" : "s");
		layout_item(&text->layout, item, 2, 2);
	}
	if (unit_is_shown(text->config.units, UNIT_THREAD)) {
		format_count(parked->parked_threads, number);
		snprintf(item, sizeof(item), "parked %s thread%s", number,
			 parked->parked_threads == 1 ? "" : "s");
		layout_item(&text->layout, item, 2, 2);
	}
}

static void print_verdict(struct text *text, enum verdict verdict)
{
	struct layout *layout = &text->layout;

	layout_colour(layout, verdict == VERDICT_LEAKING ? COLOUR_ALARM : COLOUR_WARNING);
	layout_item(layout, text_verdict_word(verdict), 2, 2);
	layout_colour(layout, COLOUR_NONE);
	layout_colour(layout, COLOUR_HEAD);
}

static void print_head(struct text *text, const struct report *report,
		       const struct watched_process *process, const struct groups *parked)
{
	bool goroutines = watched_process_has_goroutines(process);
	const struct unit_count *first = goroutines ? &process->goroutines : &process->threads;
	struct layout *layout = &text->layout;
	char item[64], number[FORMAT_NUMBER_SIZE], limit[LIMITS_TEXT_SIZE];

	layout_colour(layout, COLOUR_HEAD);
	layout_hostile(layout, process->name ? process->name : "[unknown]", layout->width / 2);
	snprintf(item, sizeof(item), " %" PRIu32, process->pid);
	layout_text(layout, item);
	if (process->ended)
		layout_item(layout, "ended", 2, 2);
	else if (report->events && process->verdict != VERDICT_STEADY)
		print_verdict(text, process->verdict);
	print_units(text, goroutines ? "goroutines" : "threads", first,
		    report->events && !process->ended);
	if (report->events && limits_text_headline(process, limit))
		layout_item(layout, limit, 2, 2);
	if (report->events) {
		print_counted(text, "born", first->born - first->reported.born);
		print_counted(text, "exited", first->exited - first->reported.exited);
	}
	if (goroutines)
		print_counted(text, "threads", process->threads.now);
	if (report->events) {
		format_seconds(watched_seconds(report, process), number);
		snprintf(item, sizeof(item), "watched %s", number);
		layout_item(layout, item, 2, 2);
	} else {
		print_parked(text, process, parked);
	}
	if (process->go_version)
		layout_hostile_item(layout, process->go_version, 2, 2);
	layout_colour(layout, COLOUR_NONE);
	layout_end_line(layout);
	if (process->go_refused && unit_is_shown(text->config.units, UNIT_GOROUTINE)) {
		layout_text(layout, "goroutines: not read: ");
		layout_hostile(layout, process->go_refused, layout_room(layout, 10));
		layout_end_line(layout);
	}
}

/* Where a process has nothing parked that is shown. */
static const char *nothing_parked(const struct text *text, const struct watched_process *process)
{
	if (text->config.units == SHOWN_GOROUTINES)
		return watched_process_has_goroutines(process) ? "no goroutine is parked"
							       : "there is no Go in it";
	if (text->config.units == SHOWN_ALL && watched_process_has_goroutines(process))
		return "no goroutine and no thread is parked";
	return "no thread is parked";
}

static int compare_waits(const void *left, const void *right)
{
	const struct reason_waits *a = *(const struct reason_waits *const *)left;
	const struct reason_waits *b = *(const struct reason_waits *const *)right;
	uint64_t time_a = a->duration_ns - a->reported.duration_ns;
	uint64_t time_b = b->duration_ns - b->reported.duration_ns;

	return (time_b > time_a) - (time_b < time_a);
}

/* The waits that ended in the interval, most time first. */
static void print_waits(struct text *text, const struct watched_process *process)
{
	const struct reason_waits *waits[WATCHED_REASONS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < process->reasons_count; i++)
		if (process->reasons[i].count > process->reasons[i].reported.count)
			waits[count++] = &process->reasons[i];
	if (!count)
		return;
	qsort(waits, count, sizeof(waits[0]), compare_waits);
	layout_text(&text->layout, "WAITED");
	for (size_t i = 0; i < count; i++) {
		uint64_t ended = waits[i]->count - waits[i]->reported.count;
		uint64_t duration_ns = waits[i]->duration_ns - waits[i]->reported.duration_ns;
		char item[160], number[FORMAT_NUMBER_SIZE];
		char sum[FORMAT_NUMBER_SIZE], mean[FORMAT_NUMBER_SIZE];

		format_count(ended, number);
		format_duration(duration_ns, sum);
		format_duration(duration_ns / ended, mean);
		snprintf(item, sizeof(item), "%s %s wait%s %s (mean %s)", waits[i]->reason, number,
			 ended == 1 ? "" : "s", sum, mean);
		layout_item(&text->layout, item, 2, 8);
	}
	layout_end_line(&text->layout);
}

/* How the waits came to their sites, and what that is worth. */
static void print_attribution(struct text *text, const struct watched_process *process)
{
	const struct attribution now = watched_process_attribution(process);
	const struct attribution since = attribution_since(&now, &process->reported_attribution);
	char item[128], number[FORMAT_NUMBER_SIZE];
	double part;

	if (!process->attribution.captured || !since.waits)
		return;
	layout_text(&text->layout, "STACKS");
	format_count(since.captured, number);
	snprintf(item, sizeof(item), "%s walked", number);
	layout_item(&text->layout, item, 2, 8);
	format_count(since.inferred, number);
	if (attribution_mismatch(&since, &part))
		snprintf(item, sizeof(item), "%s inferred (%.2f%% wrongly)", number, 100 * part);
	else
		snprintf(item, sizeof(item), "%s inferred", number);
	layout_item(&text->layout, item, 2, 8);
	format_count(since.skipped, number);
	snprintf(item, sizeof(item), "%s sampled out", number);
	layout_item(&text->layout, item, 2, 8);
	snprintf(item, sizeof(item), "time at sites off by %+.2f%%",
		 100 * attribution_error(&since));
	layout_item(&text->layout, item, 2, 8);
	layout_end_line(&text->layout);
}

int text_process(struct text *text, const struct report *report,
		 const struct watched_process *process)
{
	cleanup(groups_release) struct groups parked = {0};
	cleanup(groups_release) struct groups births = {0};
	int code = groups_make(&parked, text, report, process, SITE_PARK);

	if (!code)
		code = groups_make(&births, text, report, process, SITE_BIRTH);
	if (code)
		return code;
	print_head(text, report, process, &parked);
	if (report->events)
		code = text_verdicts(text, process);
	if (code)
		return code;
	if (!parked.parked_threads && !parked.parked_goroutines) {
		layout_text(&text->layout, nothing_parked(text, process));
		layout_end_line(&text->layout);
	}
	text_sites(text, &parked.goroutines, report->events);
	text_sites(text, &parked.threads, report->events);
	/* Without events nothing is known of births but that they were before. */
	if (report->events) {
		text_sites(text, &births.goroutines, true);
		text_sites(text, &births.threads, true);
	}
	/* Of threads: goroutines are looked at, not followed. */
	if (report->events && unit_is_shown(text->config.units, UNIT_THREAD))
		print_waits(text, process);
	if (report->events && text->config.verbose)
		print_attribution(text, process);
	return 0;
}
