// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input/dump_fields.h"
#include "input/recording.h"
#include "input/recording_process.h"

static int make_room(struct replayed_process *process)
{
	size_t capacity = 2 * process->sites_capacity + 8;
	struct replayed_site *sites;

	if (process->sites_count < process->sites_capacity)
		return 0;
	sites = realloc(process->sites, capacity * sizeof(*sites));
	if (!sites)
		return -ENOMEM;
	process->sites = sites;
	process->sites_capacity = capacity;
	return 0;
}

static int read_kind(json_t *id, enum site_kind *kind)
{
	const char *name = json_string_value(json_object_get(id, "kind"));

	if (!name || (strcmp(name, "park_site") != 0 && strcmp(name, "birth_site") != 0))
		return -EBADMSG;
	*kind = strcmp(name, "park_site") == 0 ? SITE_PARK : SITE_BIRTH;
	return 0;
}

static int too_large(struct error *error)
{
	return error_set(error, -E2BIG, "there are more sites than a replay holds");
}

static int make_site(struct replayed_process *process, json_t *id, struct recording_words *words,
		     struct replay_usage *usage, struct error *error)
{
	auto_free(stack) struct stack *stack = NULL, *creator = NULL;
	const char *reason = recording_word(words, json_object_get(id, "reason"));
	size_t bytes = 0, creator_bytes = 0, before = process->process->sites_count;
	enum site_kind kind = SITE_PARK;
	struct site *site;
	enum unit unit;
	int err;

	if (!reason || read_kind(id, &kind) ||
	    !dump_unit_parse(json_string_value(json_object_get(id, "unit")), &unit))
		return recording_damaged("id", error);
	err = recording_stack(id, "stack", &stack, &bytes, error);
	if (!err)
		err = recording_stack(id, "creator", &creator, &creator_bytes, error);
	if (err)
		return err;
	if (!stack)
		return recording_damaged("stack", error);
	usage->stack_bytes += bytes + creator_bytes;
	process->stack_bytes += bytes + creator_bytes;
	if (usage->sites == REPLAY_SITES_MAX || before == WATCHED_SITES_MAX ||
	    usage->stack_bytes > REPLAY_STACK_BYTES_MAX)
		return too_large(error);
	site = make_room(process)
		       ? NULL
		       : watched_process_site(process->process, kind, unit, reason, stack);
	if (!site)
		return error_set(error, -ENOMEM, "out of memory");
	if (process->process->sites_count == before)
		return error_set(error, -EBADMSG, "the same site stands there twice");
	site->creator = take_ptr(creator);
	process->sites[process->sites_count++] = (struct replayed_site){.site = site};
	usage->sites++;
	return 0;
}

static int read_rungs(json_t *line, const char *key, size_t rungs, uint32_t *counts,
		      struct error *error)
{
	json_t *array = json_object_get(line, key);

	if (!array)
		return 0;
	if (!json_is_array(array) || json_array_size(array) > rungs)
		return recording_damaged(key, error);
	memset(counts, 0, rungs * sizeof(counts[0]));
	for (size_t i = 0; i < json_array_size(array); i++) {
		uint64_t count;

		/* Sums over a rung's memory stay in 32 bits. */
		if (!recording_item(array, i, UINT32_MAX / (2 * LADDER_SLICES), &count))
			return recording_damaged(key, error);
		counts[i] = (uint32_t)count;
	}
	return 0;
}

static int add_three(json_t *line, const char *key, uint64_t *a, uint64_t *b, uint64_t *c,
		     struct error *error)
{
	json_t *array = json_object_get(line, key);
	uint64_t added[3];

	if (!array)
		return 0;
	for (size_t i = 0; i < 3; i++)
		if (!recording_item_any(array, i, &added[i]))
			return recording_damaged(key, error);
	*a += added[0];
	*b += added[1];
	*c += added[2];
	return 0;
}

static int read_variance(json_t *line, double *variance, struct error *error)
{
	json_t *value = json_object_get(line, "variance");
	uint64_t bits = (uint64_t)json_integer_value(value);
	double read;

	if (!value)
		return 0;
	memcpy(&read, &bits, sizeof(read));
	if (!json_is_integer(value) || !isfinite(read) || read < 0)
		return recording_damaged("variance", error);
	*variance = read;
	return 0;
}

static int read_flags(json_t *line, struct site_sample *sample, struct error *error)
{
	uint64_t flags = (uint64_t)sample->timed | (uint64_t)sample->runtime << 1 |
			 (uint64_t)sample->creators_differ << 2 | (uint64_t)sample->near_io << 3;
	int err = recording_number(line, "flags", NEAR_IO_NO << 3 | 7, &flags, error);

	sample->timed = flags & 1;
	sample->runtime = flags >> 1 & 1;
	sample->creators_differ = flags >> 2 & 1;
	sample->near_io = (enum near_io)(flags >> 3);
	return err;
}

static int read_sample(json_t *line, struct site_sample *sample, struct error *error)
{
	uint64_t bound = sample->oldest_bound;
	int err = recording_number(line, "now", UINT32_MAX, &sample->now, error);

	if (!err)
		err = recording_added(line, "older", &sample->oldest_ns, error);
	if (!err && sample->oldest_ns > RECORDING_TIME_MAX)
		err = recording_damaged("older", error);
	if (!err)
		err = recording_number(line, "bound", AGE_AT_LEAST, &bound, error);
	sample->oldest_bound = (enum age_bound)bound;
	if (!err)
		err = recording_added(line, "in", &sample->arrived, error);
	if (!err)
		err = recording_added(line, "out", &sample->departed, error);
	if (!err)
		err = read_rungs(line, "here", LADDER_RUNGS, sample->counts.here, error);
	if (!err)
		err = read_rungs(line, "left", LADDER_RUNGS, sample->counts.left, error);
	if (!err)
		err = read_rungs(line, "ended", LADDER_RUNGS, sample->counts.ended, error);
	if (!err)
		err = read_rungs(line, "early", LADDER_EARLY_RUNGS, sample->counts.early, error);
	if (!err)
		err = read_rungs(line, "passed", LADDER_EARLY_RUNGS, sample->counts.passed, error);
	if (!err)
		err = add_three(line, "waits", &sample->waits.count, &sample->waits.duration_ns,
				&sample->waits.max_ns, error);
	if (!err)
		err = read_variance(line, &sample->waits.variance, error);
	if (!err)
		err = add_three(line, "births", &sample->births.live, &sample->births.born,
				&sample->births.exited, error);
	if (!err && sample->births.live > UINT32_MAX)
		err = recording_damaged("births", error);
	return err ? err : read_flags(line, sample, error);
}

static int read_objects(json_t *line, struct wait_objects *objects, struct error *error)
{
	json_t *array = json_object_get(line, "objects");
	struct wait_objects read = {0};
	uint64_t kind, differ, distinct;

	if (!array)
		return 0;
	if (json_array_size(array) != 10 || !recording_item(array, 0, WAIT_OBJECT_FUTEX, &kind) ||
	    !recording_item(array, 1, 1, &differ) ||
	    !recording_item(array, 2, WAIT_OBJECTS_MAX, &read.looked_at) ||
	    !recording_item(array, 3, WAIT_OBJECTS_MAX, &read.alone) ||
	    !recording_item(array, 4, WAIT_OBJECTS_MAX, &read.closed) ||
	    !recording_item_any(array, 5, &read.capacity_min) ||
	    !recording_item_any(array, 6, &read.capacity_max) ||
	    !recording_item(array, 7, WAIT_OBJECTS_MAX, &read.full) ||
	    !recording_item(array, 8, WAIT_OBJECTS_MAX, &read.empty) ||
	    !recording_item(array, 9, WAIT_OBJECTS_MAX, &distinct))
		return recording_damaged("objects", error);
	read.kind = (enum wait_object_kind)kind;
	read.kinds_differ = differ;
	read.distinct = distinct;
	*objects = read;
	return 0;
}

static bool read_name(json_t *array, size_t index, struct thread_name *name)
{
	autofree char *text = NULL;
	uint64_t tid;

	if (recording_copy_text(json_array_get(array, index), &text) ||
	    strlen(text) >= THREAD_NAME_SIZE ||
	    !recording_item(array, index + 1, UINT32_MAX, &name->count) ||
	    !recording_item(array, index + 2, UINT32_MAX, &tid))
		return false;
	strcpy(name->text, text);
	name->tid = (uint32_t)tid;
	return true;
}

static int read_names(json_t *line, struct thread_names *names, struct error *error)
{
	json_t *array = json_object_get(line, "names");
	struct thread_names read = {0};

	if (!array)
		return 0;
	if (!recording_item(array, 0, UINT32_MAX, &read.others))
		return recording_damaged("names", error);
	for (size_t i = 1; i < json_array_size(array); i += 3)
		if (read.count == THREAD_NAMES_MAX ||
		    !read_name(array, i, &read.items[read.count++]))
			return recording_damaged("names", error);
	*names = read;
	return 0;
}

int replayed_process_site_line(struct replayed_process *process, json_t *line,
			       struct recording_words *words, struct replay_usage *usage,
			       struct error *error)
{
	uint64_t number = UINT64_MAX;
	struct replayed_site *site;
	int err = recording_number(line, "site", (int64_t)process->sites_count, &number, error);

	if (!err && number == UINT64_MAX)
		err = recording_damaged("site", error);
	if (!err && number == process->sites_count)
		err = make_site(process, json_object_get(line, "id"), words, usage, error);
	if (err)
		return err;
	site = &process->sites[number];
	err = read_sample(line, &site->sample, error);
	if (!err)
		err = read_objects(line, &site->site->objects, error);
	return err ? err : read_names(line, &site->names, error);
}
