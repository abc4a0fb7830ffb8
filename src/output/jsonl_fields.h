/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_JSONL_FIELDS_H
#define PARKSCOPE_OUTPUT_JSONL_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/site.h"

/*
 * What records are made of. Functions add to a record and note in `failed` that memory was
 * short, so that callers check once.
 */
struct record {
	json_t *root;
	json_t *parkscope; /* borrowed from `root` */
	bool failed;
};

/* Bytes of one string. A C++ name can have kilobytes; PATH_MAX is the longest path. */
#define RECORD_TEXT_MAX 4096

/* NULL without memory, which record_put() and record_append() take. */
json_t *value_text(const char *text); /* of whatever bytes; at most RECORD_TEXT_MAX of it */
json_t *value_count(uint64_t count);
json_t *value_seconds(uint64_t ns);
json_t *value_time(int64_t wall_ns);

/* Take `value`. */
void record_put(struct record *record, json_t *object, const char *key, json_t *value);
void record_append(struct record *record, json_t *array, json_t *value);

/* An object or array inside an object; borrowed, and NULL where the record has failed. */
json_t *record_put_object(struct record *record, json_t *object, const char *key);
json_t *record_put_array(struct record *record, json_t *object, const char *key);

/* unit, reason (birth sites have none), site, whether it is portable and whether Go's runtime's. */
void record_put_site(struct record *record, const struct site *site);

/* What the crowd waits for, where that is known. */
void record_put_channel(struct record *record, const struct wait_objects *objects);

/* Where a go statement made the units of a park site, where that is known. */
void record_put_creator(struct record *record, const struct site *site);

/* That some of the waits of a park site have a timeout. */
void record_put_timed(struct record *record, const struct site *site);

void record_put_stack(struct record *record, const struct stack *stack);

#endif
