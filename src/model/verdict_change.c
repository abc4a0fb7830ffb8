// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/verdict_change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/verdict_message.h"

#define compare_descending(a, b) (((b) > (a)) - ((b) < (a)))

static struct verdict_change change_of_site(const struct site *site)
{
	return (struct verdict_change){
		.site = site,
		.unit = site->unit,
		.state = &site->verdict,
		.now = site->verdict.verdict,
		.was = site->reported.verdict,
		.stopped = site->verdict.stopped,
		.was_stopped = site->reported.stopped,
	};
}

static struct verdict_change change_of_units(const struct unit_count *count, enum unit unit)
{
	return (struct verdict_change){
		.unit = unit,
		.state = &count->verdict,
		.now = count->verdict.verdict,
		.was = count->reported.verdict,
	};
}

static int compare_changes(const void *left, const void *right)
{
	const struct verdict_change *a = left, *b = right;

	if (a->ended != b->ended)
		return a->ended - b->ended;
	if (a->now != b->now)
		return compare_descending(a->now, b->now);
	if (a->was != b->was)
		return compare_descending(a->was, b->was);
	if (a->state->evidence.now != b->state->evidence.now)
		return compare_descending(a->state->evidence.now, b->state->evidence.now);
	if (!a->site || !b->site)
		return a->site || b->site ? (a->site ? -1 : 1) : (int)a->unit - (int)b->unit;
	return -compare_descending(a->site->key.hash, b->site->key.hash);
}

/* At most two for each. */
static size_t add_change(struct verdict_change *changes, size_t count,
			 const struct watched_process *process, enum shown_units units,
			 struct verdict_change change)
{
	if (!unit_is_shown(units, change.unit))
		return count;
	if (change.now != change.was || change.stopped != change.was_stopped)
		changes[count++] = change;
	if (!process->ended || (change.now == VERDICT_STEADY && !change.stopped))
		return count;
	change.was = change.now;
	change.was_stopped = change.stopped;
	change.now = VERDICT_STEADY;
	change.stopped = false;
	change.ended = true;
	changes[count++] = change;
	return count;
}

int verdict_changes(const struct watched_process *process, enum shown_units units,
		    struct verdict_change **changes, size_t *count)
{
	autofree struct verdict_change *array =
		calloc(2 * (process->sites_count + 2), sizeof(*array));
	struct site *site, *next;
	size_t used = 0;

	if (!array)
		return -ENOMEM;
	HASH_ITER (hh, process->sites, site, next)
		used = add_change(array, used, process, units, change_of_site(site));
	used = add_change(array, used, process, units,
			  change_of_units(&process->threads, UNIT_THREAD));
	used = add_change(array, used, process, units,
			  change_of_units(&process->goroutines, UNIT_GOROUTINE));
	if (used)
		qsort(array, used, sizeof(*array), compare_changes);
	*changes = take_ptr(array);
	*count = used;
	return 0;
}

static bool is_park_site(const struct site *site)
{
	return site && site->kind == SITE_PARK;
}

/* Bytes of "18446744073709551615 goroutines parked". */
#define UNITS_TEXT_SIZE 48

/* "1 thread live", "41 goroutines parked". */
static void print_units(const struct verdict_change *change, char text[UNITS_TEXT_SIZE])
{
	uint64_t count = change->state->evidence.now;

	snprintf(text, UNITS_TEXT_SIZE, "%" PRIu64 " %s%s %s", count, unit_name(change->unit),
		 count == 1 ? "" : "s", is_park_site(change->site) ? "parked" : "live");
}

/* Of what grows or leaks, or is left of a leak. */
static void print_evidence(const struct verdict_change *change, char text[VERDICT_CHANGE_TEXT_SIZE])
{
	const struct verdict_evidence *evidence = &change->state->evidence;
	char units[UNITS_TEXT_SIZE], ended[UNITS_TEXT_SIZE];

	if (is_park_site(change->site)) {
		verdict_message(change->state, text, VERDICT_CHANGE_TEXT_SIZE);
		return;
	}
	print_units(change, units);
	snprintf(ended, sizeof(ended), "none");
	if (evidence->departed)
		snprintf(ended, sizeof(ended), "%" PRIu64, evidence->departed);
	snprintf(text, VERDICT_CHANGE_TEXT_SIZE, "%s, %.*f more a minute, %s ended", units,
		 evidence->rate_per_minute < 10 ? 1 : 0, evidence->rate_per_minute, ended);
}

void verdict_change_text(const struct verdict_change *change, char text[VERDICT_CHANGE_TEXT_SIZE])
{
	char units[UNITS_TEXT_SIZE];

	if (change->ended) {
		snprintf(text, VERDICT_CHANGE_TEXT_SIZE, "the process ended");
		return;
	}
	if (change->now != VERDICT_STEADY || change->stopped) {
		print_evidence(change, text);
		return;
	}
	print_units(change, units);
	if (change->was_stopped)
		snprintf(text, VERDICT_CHANGE_TEXT_SIZE, "those that remained have left, %s",
			 units);
	else
		snprintf(text, VERDICT_CHANGE_TEXT_SIZE, "no longer %s, %s",
			 verdict_name(change->was), units);
}
