/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_JSONL_VALUES_H
#define PARKSCOPE_OUTPUT_JSONL_VALUES_H

/* Values of records, for the files that fill them. */

#include "output/escape.h"
#include "output/format.h"
#include "output/jsonl_records.h"

/* Bytes of one string. A C++ name can have kilobytes; PATH_MAX is the longest path. */
#define JSON_STRING_MAX 4096

/* NULL without memory, as every function here that returns a json_t. */
static inline json_t *json_hostile(const char *text)
{
	char valid[JSON_STRING_MAX];
	size_t length = escape_utf8(text, valid, sizeof(valid));

	return json_stringn_nocheck(valid, length);
}

static inline json_t *json_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

static inline json_t *json_seconds(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

static inline json_t *json_time(int64_t wall_ns)
{
	char text[FORMAT_TIME_SIZE];

	format_time(wall_ns, 3, text);
	return json_string_nocheck(text);
}

/* Takes `value`, which may be NULL: no memory. */
static inline void put(struct record *record, json_t *object, const char *key, json_t *value)
{
	if (!object || !value) {
		json_decref(value);
		record->failed = true;
		return;
	}
	if (json_object_set_new_nocheck(object, key, value))
		record->failed = true;
}

static inline void append(struct record *record, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		record->failed = true;
}

/* An object inside an object; borrowed. */
static inline json_t *put_object(struct record *record, json_t *object, const char *key)
{
	json_t *fresh = json_object();

	put(record, object, key, fresh);
	return record->failed ? NULL : fresh;
}

static inline json_t *put_array(struct record *record, json_t *object, const char *key)
{
	json_t *fresh = json_array();

	put(record, object, key, fresh);
	return record->failed ? NULL : fresh;
}

#endif
