// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/jsonl_diff.h"

#include <inttypes.h>
#include <stdio.h>

#include "output/jsonl_fields.h"

bool record_context_set_diff(struct record_context *context, const struct process_diff *process)
{
	const struct dump_process *of = process->new ? process->new : process->old;
	const struct watched_process view = {
		.pid = of->pid,
		.start_unix_ns = of->start_unix_ns,
		.name = of->name,
		.executable = of->executable,
		.container_id = of->container_id,
		.entity_id = of->entity_id,
	};

	return record_context_set_process(context, &view);
}

void record_add_diff_process(struct record *record, const struct record_context *context)
{
	record_put(record, record->root, "process", json_incref(context->process));
	if (context->container)
		record_put(record, record->root, "container", json_incref(context->container));
}

/* {"old": 20, "new": 140}; borrowed. */
static json_t *put_pair(struct record *record, json_t *object, const char *key, uint64_t old,
			uint64_t now)
{
	json_t *pair = record_put_object(record, object, key);

	record_put(record, pair, "old", value_count(old));
	record_put(record, pair, "new", value_count(now));
	return pair;
}

/* A pair with the rate and the stays, where they are known. */
static void put_crowd(struct record *record, json_t *object, const char *key,
		      const struct dump_diff *diff, const struct process_diff *process,
		      uint64_t old, uint64_t now, const struct diff_stays *stays)
{
	json_t *crowd = put_pair(record, object, key, old, now);
	double per_minute;

	if (dump_diff_rate(diff, process, old, now, &per_minute))
		record_put(record, crowd, "rate_per_min", json_real(per_minute));
	if (!stays->known)
		return;
	record_put(record, crowd, "stayed", value_count(stays->stayed));
	record_put(record, crowd, "left", value_count(stays->left));
	record_put(record, crowd, "came", value_count(stays->came));
	record_put(record, crowd, "estimated", json_boolean(stays->estimated));
}

static void put_unit(struct record *record, json_t *array, const struct dump_diff *diff,
		     const struct process_diff *process, enum unit unit)
{
	const struct unit_diff *of = &process->units[unit];
	json_t *object = json_object(), *sites;

	record_put(record, object, "unit", json_string_nocheck(unit_name(unit)));
	if (of->now_known)
		put_pair(record, object, "now", of->old_now, of->new_now);
	put_crowd(record, object, "parked", diff, process, of->old_parked, of->new_parked,
		  &of->stays);
	if (of->old_folded || of->new_folded)
		put_pair(record, object, "not_compared", of->old_folded, of->new_folded);
	sites = record_put_object(record, object, "sites");
	for (enum diff_change change = DIFF_SAME; change < DIFF_CHANGES; change++)
		record_put(record, sites, diff_change_name(change),
			   value_count(of->changes[change]));
	record_append(record, array, object);
}

/* Which processes were compared, and when they were looked at. */
static void put_side(struct record *record, const char *key, const struct dump *dump,
		     const struct dump_process *process, size_t count)
{
	json_t *side = record_put_object(record, record->parkscope, key);

	if (dump->wall_ns)
		record_put(record, side, "time", value_time(dump->wall_ns));
	record_put(record, side, "processes", value_count(count));
	if (count == 1 && process->pid)
		record_put(record, side, "pid", value_count(process->pid));
	record_put(record, side, "losses", value_count(dump->losses));
}

void record_fill_process_diff(struct record *record, const struct dump_diff *diff,
			      const struct process_diff *process, const struct dump *old,
			      const struct dump *new_dump, enum shown_units shown)
{
	const char *change = diff_change_name(process->change);
	json_t *units;

	if (process->change == DIFF_SAME && process->differs)
		change = "differs";
	record_put(record, record->parkscope, "of", json_string_nocheck("process"));
	record_put(record, record->parkscope, "change", json_string_nocheck(change));
	record_put(record, record->parkscope, "same_process", json_boolean(process->same));
	if (process->other_program)
		record_put(record, record->parkscope, "other_program", json_true());
	put_side(record, "old", old, process->old, process->old_count);
	put_side(record, "new", new_dump, process->new, process->new_count);
	units = record_put_array(record, record->parkscope, "units");
	for (enum unit unit = UNIT_THREAD; unit <= UNIT_GOROUTINE; unit++)
		if (unit_is_shown(shown, unit) &&
		    (unit == UNIT_THREAD || process_diff_has_goroutines(process)))
			put_unit(record, units, diff, process, unit);
}

void record_fill_site_diff(struct record *record, const struct dump_diff *diff,
			   const struct process_diff *process, const struct site_diff *site)
{
	const struct dump_site *of = site->new ? site->new : site->old;
	json_t *stack;
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, of->id);
	record_put(record, record->parkscope, "of", json_string_nocheck("site"));
	record_put(record, record->parkscope, "change",
		   json_string_nocheck(diff_change_name(site->change)));
	record_put(record, record->parkscope, "unit", json_string_nocheck(unit_name(of->unit)));
	record_put(record, record->parkscope, "reason", value_text(of->reason));
	record_put(record, record->parkscope, "site", json_string_nocheck(id));
	stack = record_put_array(record, record->parkscope, "stack");
	for (size_t i = 0; i < of->stack->count; i++) {
		char text[RECORD_TEXT_MAX];

		dump_frame_print(&of->stack->frames[i], text, sizeof(text));
		record_append(record, stack, value_text(text));
	}
	if (of->created_by)
		record_put(record, record->parkscope, "created_by", value_text(of->created_by));
	put_crowd(record, record->parkscope, "crowd", diff, process, site->old_now, site->new_now,
		  &site->stays);
}
