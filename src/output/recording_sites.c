// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/recording_sites.h"

#include <errno.h>
#include <string.h>

#include "output/json_text.h"
#include "output/recording_lines.h"

static void put_frame(struct buffer *buffer, const struct frame *frame)
{
	json_text_comma(buffer);
	buffer_add(buffer, "[", 1);
	json_text_item(buffer, frame->kind);
	json_text_item(buffer, frame->guess);
	json_text_comma(buffer);
	json_text_optional(buffer, frame->function);
	json_text_comma(buffer);
	json_text_optional(buffer, frame->module);
	json_text_item(buffer, frame->offset);
	if (frame->file || frame->build_id || !frame->function) {
		json_text_comma(buffer);
		json_text_optional(buffer, frame->file);
		json_text_item(buffer, frame->line);
		json_text_comma(buffer);
		json_text_optional(buffer, frame->build_id);
		/* It is printed where there is nothing better. */
		json_text_item(buffer, frame->function ? 0 : frame->address);
	}
	json_text_close_array(buffer);
}

static void put_stack(struct buffer *buffer, const char *key, const struct stack *stack)
{
	if (!stack)
		return;
	json_text_open_array(buffer, key);
	for (size_t i = 0; i < stack->count; i++)
		put_frame(buffer, &stack->frames[i]);
	json_text_close_array(buffer);
}

static void put_site_identity(struct buffer *buffer, const struct site *site)
{
	json_text_open_object(buffer, "id");
	json_text_put_string(buffer, "kind", site->kind == SITE_PARK ? "park_site" : "birth_site");
	json_text_put_string(buffer, "unit", unit_name(site->unit));
	json_text_put_string(buffer, "reason", site->reason);
	put_stack(buffer, "stack", site->stack);
	put_stack(buffer, "creator", site->creator);
	json_text_close_object(buffer);
}

/* Without the zeros at its end. */
static void put_rungs(struct buffer *buffer, const char *key, const uint32_t *counts,
		      const uint32_t *expected, size_t count)
{
	if (memcmp(counts, expected, count * sizeof(counts[0])) == 0)
		return;
	while (count && !counts[count - 1])
		count--;
	json_text_open_array(buffer, key);
	for (size_t i = 0; i < count; i++)
		json_text_item(buffer, counts[i]);
	json_text_close_array(buffer);
}

static void put_three(struct buffer *buffer, const char *key, uint64_t a, uint64_t b, uint64_t c)
{
	if (!a && !b && !c)
		return;
	json_text_open_array(buffer, key);
	json_text_item(buffer, a);
	json_text_item(buffer, b);
	json_text_item(buffer, c);
	json_text_close_array(buffer);
}

static uint64_t flags_of(const struct site_sample *sample)
{
	return (uint64_t)sample->timed | (uint64_t)sample->runtime << 1 |
	       (uint64_t)sample->creators_differ << 2 | (uint64_t)sample->near_io << 3;
}

/* Digits would not give the same number again. */
static uint64_t bits_of(double number)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

/* Against what `then` was to be. */
static void put_sample(struct buffer *buffer, const struct site_sample *now,
		       const struct site_sample *then)
{
	if (now->now != then->now)
		json_text_put_number(buffer, "now", now->now);
	if (now->oldest_ns != then->oldest_ns)
		json_text_put_number(buffer, "older", now->oldest_ns - then->oldest_ns);
	if (now->oldest_bound != then->oldest_bound)
		json_text_put_number(buffer, "bound", now->oldest_bound);
	if (now->arrived != then->arrived)
		json_text_put_number(buffer, "in", now->arrived - then->arrived);
	if (now->departed != then->departed)
		json_text_put_number(buffer, "out", now->departed - then->departed);
	put_rungs(buffer, "here", now->counts.here, then->counts.here, LADDER_RUNGS);
	put_rungs(buffer, "left", now->counts.left, then->counts.left, LADDER_RUNGS);
	put_rungs(buffer, "ended", now->counts.ended, then->counts.ended, LADDER_RUNGS);
	put_rungs(buffer, "early", now->counts.early, then->counts.early, LADDER_EARLY_RUNGS);
	put_rungs(buffer, "passed", now->counts.passed, then->counts.passed, LADDER_EARLY_RUNGS);
	put_three(buffer, "waits", now->waits.count - then->waits.count,
		  now->waits.duration_ns - then->waits.duration_ns,
		  now->waits.max_ns - then->waits.max_ns);
	if (now->waits.variance != then->waits.variance)
		json_text_put_number(buffer, "variance", bits_of(now->waits.variance));
	put_three(buffer, "births", now->births.live - then->births.live,
		  now->births.born - then->births.born, now->births.exited - then->births.exited);
	if (flags_of(now) != flags_of(then))
		json_text_put_number(buffer, "flags", flags_of(now));
}

/* Which ones they are stays untold: addresses in the process say nothing to anybody else. */
static void put_objects(struct buffer *buffer, const struct wait_objects *objects,
			struct recorded_site *recorded)
{
	size_t mark = buffer->length;

	if (!recorded->objects_hash && !objects->looked_at)
		return;
	json_text_open_array(buffer, "objects");
	json_text_item(buffer, objects->kind);
	json_text_item(buffer, objects->kinds_differ);
	json_text_item(buffer, objects->looked_at);
	json_text_item(buffer, objects->alone);
	json_text_item(buffer, objects->closed);
	json_text_item(buffer, objects->capacity_min);
	json_text_item(buffer, objects->capacity_max);
	json_text_item(buffer, objects->full);
	json_text_item(buffer, objects->empty);
	json_text_item(buffer, objects->distinct);
	json_text_close_array(buffer);
	recording_is_old(buffer, mark, &recorded->objects_hash);
}

/* [others, name, count, tid, ...] */
static void put_names(struct buffer *buffer, const struct thread_names *names,
		      struct recorded_site *recorded)
{
	size_t mark = buffer->length;

	if (!recorded->names_hash && !names->count && !names->others)
		return;
	json_text_open_array(buffer, "names");
	json_text_item(buffer, names->others);
	for (size_t i = 0; i < names->count; i++) {
		json_text_comma(buffer);
		json_text_string(buffer, names->items[i].text);
		json_text_item(buffer, names->items[i].count);
		json_text_item(buffer, names->items[i].tid);
	}
	json_text_close_array(buffer);
	recording_is_old(buffer, mark, &recorded->names_hash);
}

/* Its line, unless there is nothing new. */
static void put_site(struct buffer *buffer, const struct site *site, uint64_t elapsed_ns,
		     uint32_t *numbers, struct recorded_site *recorded)
{
	struct site_sample sample = site_sample_take(site);
	size_t mark = buffer->length, empty;
	bool fresh = !recorded->known;

	buffer_add_text(buffer, "{");
	json_text_put_number(buffer, "site", fresh ? *numbers : recorded->number);
	if (fresh)
		put_site_identity(buffer, site);
	empty = buffer->length;
	site_sample_pass_time(&recorded->sample, elapsed_ns);
	put_sample(buffer, &sample, &recorded->sample);
	put_objects(buffer, &site->objects, recorded);
	put_names(buffer, &site->names, recorded);
	recorded->sample = sample;
	if (!fresh && buffer->length == empty) {
		buffer->length = mark;
		return;
	}
	recording_end_line(buffer);
	if (buffer->length - mark > RECORDING_LINE_MAX) {
		buffer->length = mark;
		recorded->left_out = true;
		return;
	}
	if (fresh)
		recorded->number = (*numbers)++;
	recorded->known = true;
}

int recording_lines_sites(struct buffer *buffer, const struct watched_process *process,
			  uint64_t elapsed_ns, struct recorded_process *recorded,
			  uint64_t *left_out)
{
	struct site *site, *next;

	HASH_ITER (hh, process->sites, site, next) {
		struct recorded_site *entry = recording_memory_site(recorded, site);

		if (!entry)
			return -ENOMEM;
		if (entry->left_out)
			continue;
		put_site(buffer, site, elapsed_ns, &recorded->sites_count, entry);
		*left_out += entry->left_out;
	}
	return 0;
}
