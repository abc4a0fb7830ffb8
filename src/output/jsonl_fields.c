// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/jsonl_fields.h"

#include <inttypes.h>
#include <stdio.h>

#include "output/escape.h"
#include "output/format.h"

json_t *value_text(const char *text)
{
	char valid[RECORD_TEXT_MAX];
	size_t length = escape_utf8(text, valid, sizeof(valid));

	return json_stringn_nocheck(valid, length);
}

json_t *value_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *value_seconds(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

json_t *value_time(int64_t wall_ns)
{
	char text[FORMAT_TIME_SIZE];

	format_time(wall_ns, 3, text);
	return json_string_nocheck(text);
}

void record_put(struct record *record, json_t *object, const char *key, json_t *value)
{
	if (!object || !value) {
		json_decref(value);
		record->failed = true;
		return;
	}
	if (json_object_set_new_nocheck(object, key, value))
		record->failed = true;
}

void record_append(struct record *record, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		record->failed = true;
}

json_t *record_put_object(struct record *record, json_t *object, const char *key)
{
	json_t *fresh = json_object();

	record_put(record, object, key, fresh);
	return record->failed ? NULL : fresh;
}

json_t *record_put_array(struct record *record, json_t *object, const char *key)
{
	json_t *fresh = json_array();

	record_put(record, object, key, fresh);
	return record->failed ? NULL : fresh;
}

void record_put_site(struct record *record, const struct site *site)
{
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, site->id.hash);
	record_put(record, record->parkscope, "unit", json_string_nocheck(unit_name(site->unit)));
	if (site->kind == SITE_PARK)
		record_put(record, record->parkscope, "reason", json_string_nocheck(site->reason));
	record_put(record, record->parkscope, "site", json_string_nocheck(id));
	record_put(record, record->parkscope, "portable", json_boolean(site->id.portable));
	if (site->runtime)
		record_put(record, record->parkscope, "runtime", json_true());
}

/* One number where all have the same, else the least and the largest. */
static void put_capacity(struct record *record, json_t *channel, const struct wait_objects *objects)
{
	if (objects->capacity_min == objects->capacity_max) {
		record_put(record, channel, "capacity", value_count(objects->capacity_max));
		return;
	}
	record_put(record, channel, "capacity_min", value_count(objects->capacity_min));
	record_put(record, channel, "capacity_max", value_count(objects->capacity_max));
}

void record_put_channel(struct record *record, const struct wait_objects *objects)
{
	const char *sharing = wait_sharing_name(wait_objects_sharing(objects));
	json_t *channel;

	if (!sharing)
		return;
	channel = record_put_object(record, record->parkscope, "channel");
	record_put(record, channel, "kind",
		   json_string_nocheck(wait_object_kind_name(objects->kind)));
	record_put(record, channel, "sharing", json_string_nocheck(sharing));
	record_put(record, channel, "looked_at", value_count(objects->looked_at));
	record_put(record, channel, "distinct", value_count(objects->distinct));
	/* Of a select only one of its channels is known, and a semaphore has no elements. */
	if (objects->kind != WAIT_OBJECT_CHANNEL)
		return;
	put_capacity(record, channel, objects);
	record_put(record, channel, "full", value_count(objects->full));
	record_put(record, channel, "empty", value_count(objects->empty));
	record_put(record, channel, "closed", value_count(objects->closed));
}

void record_put_creator(struct record *record, const struct site *site)
{
	char text[RECORD_TEXT_MAX];

	if (!site->creator || !site->creator->count)
		return;
	frame_print(&site->creator->frames[site->creator->count - 1], text, sizeof(text));
	record_put(record, record->parkscope, "created_by", value_text(text));
	if (site->creators_differ)
		record_put(record, record->parkscope, "created_by_differs", json_true());
}

void record_put_timed(struct record *record, const struct site *site)
{
	if (site->timed)
		record_put(record, record->parkscope, "timed", json_true());
}

void record_put_stack(struct record *record, const struct stack *stack)
{
	json_t *array = record_put_array(record, record->parkscope, "stack");

	for (size_t i = 0; i < stack->count; i++) {
		char text[RECORD_TEXT_MAX];

		frame_print(&stack->frames[i], text, sizeof(text));
		record_append(record, array, value_text(text));
	}
}
