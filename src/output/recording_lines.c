// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/recording_lines.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "output/format.h"
#include "output/json_text.h"
#include "output/jsonl.h"
#include "output/recording_sites.h"

void recording_end_line(struct buffer *buffer)
{
	buffer_add(buffer, "}\n", 2);
}

bool recording_is_old(struct buffer *buffer, size_t mark, uint64_t *hash)
{
	uint64_t fresh;

	if (buffer->failed)
		return true;
	fresh = XXH3_64bits(buffer->data + mark, buffer->length - mark);
	if (fresh == *hash) {
		buffer->length = mark;
		return true;
	}
	*hash = fresh;
	return false;
}

static void put_options(struct buffer *buffer, const struct recording_start *start)
{
	json_text_open_object(buffer, "options");
	json_text_put_number(buffer, "top", start->top);
	json_text_put_true(buffer, "full", start->full);
	json_text_put_true(buffer, "runtime_frames", start->runtime_frames);
	if (start->units != SHOWN_ALL)
		json_text_put_string(
			buffer, "unit",
			unit_name(start->units == SHOWN_THREADS ? UNIT_THREAD : UNIT_GOROUTINE));
	if (start->leak_after_ns)
		json_text_put_number(buffer, "leak_after_ns", start->leak_after_ns);
	if (start->leak_min)
		json_text_put_number(buffer, "leak_min", start->leak_min);
	json_text_close_object(buffer);
}

/* Also a record as others have them, so that whoever finds the file sees what it is. */
void recording_line_start(struct buffer *buffer, const struct recording_start *start,
			  const char *version)
{
	char time[FORMAT_TIME_SIZE];

	format_time(start->wall_ns, 3, time);
	buffer_print(buffer,
		     "{\"@timestamp\":\"%s\",\"event\":{\"kind\":\"event\",\"dataset\":"
		     "\"parkscope.sample\"},\"ecs\":{\"version\":\"" JSONL_ECS_VERSION "\"}",
		     time);
	json_text_open_object(buffer, "host");
	json_text_put_string(buffer, "name", start->hostname);
	json_text_close_object(buffer);
	json_text_open_object(buffer, "parkscope");
	json_text_put_number(buffer, "recording", RECORDING_FORMAT);
	json_text_put_string(buffer, "version", version);
	json_text_put_string(buffer, "run_id", start->run_id);
	json_text_put_number(buffer, "wall_ns", (uint64_t)start->wall_ns);
	json_text_put_number(buffer, "opened_ns", start->opened_ns);
	put_options(buffer, start);
	json_text_open_object(buffer, "features");
	for (size_t i = 0; i < start->features_count; i++) {
		json_text_key(buffer, start->features[i].name);
		buffer_add_text(buffer, start->features[i].available ? "true" : "false");
	}
	json_text_close_object(buffer);
	json_text_close_object(buffer);
	recording_end_line(buffer);
}

void recording_line_sweep(struct buffer *buffer, const struct report *report)
{
	buffer_add_text(buffer, "{");
	json_text_open_array(buffer, "sweep");
	json_text_item(buffer, report->now_ns);
	json_text_item(buffer, (uint64_t)report->wall_ns);
	json_text_close_array(buffer);
	recording_end_line(buffer);
}

static void put_identity(struct buffer *buffer, const struct watched_process *process,
			 struct recorded_process *recorded)
{
	size_t mark = buffer->length;

	json_text_open_object(buffer, "id");
	json_text_put_number(buffer, "pid", process->pid);
	json_text_put_number(buffer, "ns_pid", process->ns_pid);
	json_text_put_number(buffer, "start_ns", process->start_ns);
	json_text_put_number(buffer, "start_unix_ns", (uint64_t)process->start_unix_ns);
	json_text_put_number(buffer, "first_seen_ns", process->first_seen_ns);
	json_text_put_number(buffer, "exec_id", process->exec_id);
	json_text_put_string(buffer, "name", process->name);
	json_text_put_string(buffer, "executable", process->executable);
	json_text_put_string(buffer, "container", process->container_id);
	json_text_put_string(buffer, "entity", process->entity_id);
	json_text_close_object(buffer);
	recording_is_old(buffer, mark, &recorded->identity_hash);
}

static void put_go(struct buffer *buffer, const struct watched_process *process,
		   struct recorded_process *recorded)
{
	size_t mark = buffer->length;

	if (!recorded->go_hash && !process->go_version && !process->go_refused)
		return;
	json_text_open_object(buffer, "go");
	json_text_put_string(buffer, "version", process->go_version);
	json_text_put_string(buffer, "refused", process->go_refused);
	json_text_close_object(buffer);
	recording_is_old(buffer, mark, &recorded->go_hash);
}

/* `*then` becomes what is now. */
static bool units_changed(const struct unit_count *count, struct recorded_units *then)
{
	struct recorded_units now = {count->now, count->born, count->exited};
	bool changed = now.now != then->now || now.born != then->born || now.exited != then->exited;

	*then = now;
	return changed;
}

static void put_units(struct buffer *buffer, const struct watched_process *process,
		      struct recorded_process *recorded)
{
	bool runtime = recorded->runtime_goroutines != process->runtime_goroutines;

	if (units_changed(&process->threads, &recorded->threads)) {
		json_text_open_array(buffer, "threads");
		json_text_item(buffer, process->threads.now);
		json_text_item(buffer, process->threads.born);
		json_text_item(buffer, process->threads.exited);
		json_text_close_array(buffer);
	}
	if (units_changed(&process->goroutines, &recorded->goroutines) || runtime) {
		json_text_open_array(buffer, "goroutines");
		json_text_item(buffer, process->goroutines.now);
		json_text_item(buffer, process->goroutines.born);
		json_text_item(buffer, process->goroutines.exited);
		json_text_item(buffer, process->runtime_goroutines);
		json_text_close_array(buffer);
	}
	recorded->runtime_goroutines = process->runtime_goroutines;
}

static void put_histogram(struct buffer *buffer, const struct reason_waits *now,
			  const struct recorded_reason *then)
{
	for (size_t i = 0; i < WAIT_HISTOGRAM_BUCKETS; i++) {
		if (now->histogram[i] == then->histogram[i])
			continue;
		json_text_item(buffer, i);
		json_text_item(buffer, now->histogram[i] - then->histogram[i]);
	}
}

/* [number, what was added to count, restarts and duration_ns, open_ns, bucket, added, ...] */
static void put_reason(struct buffer *buffer, const struct reason_waits *now, size_t number,
		       struct recorded_reason *then)
{
	json_text_comma(buffer);
	buffer_add(buffer, "[", 1);
	json_text_item(buffer, number);
	json_text_item(buffer, now->count - then->count);
	json_text_item(buffer, now->restarts - then->restarts);
	json_text_item(buffer, now->duration_ns - then->duration_ns);
	json_text_item(buffer, now->open_ns);
	put_histogram(buffer, now, then);
	json_text_close_array(buffer);
	then->count = now->count;
	then->restarts = now->restarts;
	then->duration_ns = now->duration_ns;
	then->open_ns = now->open_ns;
	memcpy(then->histogram, now->histogram, sizeof(then->histogram));
}

/* The names of those that are new, then what has changed of each. -ENOMEM. */
static int put_reasons(struct buffer *buffer, const struct watched_process *process,
		       struct recorded_process *recorded)
{
	size_t known = recorded->reasons_count, mark, empty;

	if (recording_memory_reasons(recorded, process->reasons_count))
		return -ENOMEM;
	if (known < process->reasons_count) {
		json_text_open_array(buffer, "reasons");
		for (size_t i = known; i < process->reasons_count; i++) {
			json_text_comma(buffer);
			json_text_string(buffer, process->reasons[i].reason);
		}
		json_text_close_array(buffer);
	}
	mark = buffer->length;
	json_text_open_array(buffer, "waits");
	empty = buffer->length;
	for (size_t i = 0; i < process->reasons_count; i++) {
		const struct reason_waits *now = &process->reasons[i];
		struct recorded_reason *then = &recorded->reasons[i];

		if (now->count != then->count || now->restarts != then->restarts ||
		    now->duration_ns != then->duration_ns || now->open_ns != then->open_ns)
			put_reason(buffer, now, i, then);
	}
	if (buffer->length == empty)
		buffer->length = mark;
	else
		json_text_close_array(buffer);
	return 0;
}

/* How waits came to their sites, without what follows from `waits`. */
static void put_attribution(struct buffer *buffer, const struct attribution *now,
			    struct attribution *then)
{
	if (memcmp(now, then, sizeof(*now)) == 0)
		return;
	json_text_open_array(buffer, "sampling");
	json_text_item(buffer, now->captured - then->captured);
	json_text_item(buffer, now->inferred - then->inferred);
	json_text_item(buffer, now->skipped - then->skipped);
	json_text_item(buffer, now->verified - then->verified);
	json_text_item(buffer, now->mismatched - then->mismatched);
	json_text_item(buffer, now->attributed_ns - then->attributed_ns);
	json_text_close_array(buffer);
	*then = *now;
}

static bool sampled_at(const struct trend *trend, uint64_t now_ns)
{
	return trend->count && trend->samples[trend->count - 1].time_ns == now_ns;
}

/* [rss, kind, used, limit, ...] */
static void put_limits(struct buffer *buffer, const struct report *report,
		       const struct limit_forecast *forecast)
{
	if (!forecast || !sampled_at(&forecast->rss, report->now_ns))
		return;
	json_text_open_array(buffer, "limits");
	json_text_item(buffer, limit_forecast_rss(forecast));
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		const struct limit_series *series = &forecast->series[i];

		if (!sampled_at(&series->above, report->now_ns))
			continue;
		json_text_item(buffer, i);
		json_text_item(buffer, series->used);
		json_text_item(buffer, series->limit);
	}
	json_text_close_array(buffer);
}

int recording_lines_process(struct buffer *buffer, const struct report *report,
			    const struct watched_process *process,
			    struct recorded_process *recorded, uint64_t *left_out)
{
	uint64_t elapsed_ns = recorded->swept_ns ? process->swept_ns - recorded->swept_ns : 0;
	size_t mark = buffer->length, empty, sites;
	bool nothing;
	int err;

	buffer_add_text(buffer, "{");
	json_text_put_number(buffer, "process", recorded->number);
	empty = buffer->length;
	put_identity(buffer, process, recorded);
	/* One that was found in the middle of a sweep. */
	if (process->swept_ns != report->now_ns)
		json_text_put_number(buffer, "swept_ns", process->swept_ns);
	put_go(buffer, process, recorded);
	put_units(buffer, process, recorded);
	err = put_reasons(buffer, process, recorded);
	put_attribution(buffer, &process->attribution, &recorded->attribution);
	put_limits(buffer, report, process->forecast);
	json_text_put_true(buffer, "ended", process->ended && !recorded->ended);
	nothing = buffer->length == empty;
	recording_end_line(buffer);
	sites = buffer->length;
	if (!err)
		err = recording_lines_sites(buffer, process, elapsed_ns, recorded, left_out);
	if (nothing && buffer->length == sites)
		buffer->length = mark;
	recorded->swept_ns = process->swept_ns;
	recorded->ended = process->ended;
	return err;
}

/* [cause, count since the start, ...] of those that have changed. */
static void put_losses(struct buffer *buffer, const struct losses *losses, struct losses *recorded)
{
	size_t mark = buffer->length, empty;

	json_text_open_array(buffer, "losses");
	empty = buffer->length;
	for (size_t i = 0; i < losses->count; i++) {
		if (i < recorded->count && recorded->items[i].total == losses->items[i].total)
			continue;
		json_text_comma(buffer);
		json_text_string(buffer, losses->items[i].cause);
		json_text_item(buffer, losses->items[i].total);
	}
	if (buffer->length == empty)
		buffer->length = mark;
	else
		json_text_close_array(buffer);
	*recorded = *losses;
}

void recording_line_swept(struct buffer *buffer, const struct report *report, bool reported,
			  struct losses *recorded)
{
	buffer_add_text(buffer, "{");
	json_text_open_object(buffer, "swept");
	json_text_put_true(buffer, "report", reported);
	json_text_put_true(buffer, "last", report->last);
	put_losses(buffer, report->losses, recorded);
	json_text_close_object(buffer);
	recording_end_line(buffer);
}

void recording_line_end(struct buffer *buffer, const char *reason, int64_t wall_ns)
{
	buffer_add_text(buffer, "{");
	json_text_open_object(buffer, "end");
	json_text_put_string(buffer, "reason", reason);
	json_text_put_number(buffer, "wall_ns", (uint64_t)wall_ns);
	json_text_close_object(buffer);
	recording_end_line(buffer);
}
