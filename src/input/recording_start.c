// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/recording_start.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "input/dump_fields.h"
#include "input/recording_fields.h"

#define TOP_MAX 1000000

/* That it is a recording, and one that can be read. */
static int check_format(json_t *line, json_t *fields, struct error *error)
{
	const char *dataset =
		json_string_value(json_object_get(json_object_get(line, "event"), "dataset"));
	json_t *format = json_object_get(fields, "recording");

	if (!dataset || strcmp(dataset, "parkscope.sample") != 0 || !json_is_integer(format))
		return error_set(error, -EBADMSG,
				 "it is no recording: make one by 'parkscope watch --record FILE'");
	if (json_integer_value(format) != RECORDING_FORMAT)
		return error_set(error, -EBADMSG,
				 "it has format %" JSON_INTEGER_FORMAT
				 ", but this parkscope reads format %d: use the one that made it, "
				 "or a newer one",
				 json_integer_value(format), RECORDING_FORMAT);
	return 0;
}

static int read_text(json_t *object, const char *key, char *text, size_t size, struct error *error)
{
	autofree char *copy = NULL;
	int err = recording_text(object, key, size - 1, &copy, error);

	if (err)
		return err;
	if (!copy)
		return recording_damaged(key, error);
	strcpy(text, copy);
	return 0;
}

static int read_unit(json_t *options, struct recording_start *start, struct error *error)
{
	json_t *value = json_object_get(options, "unit");
	enum unit unit;

	if (!value)
		return 0;
	if (!dump_unit_parse(json_string_value(value), &unit))
		return recording_damaged("unit", error);
	start->units = unit == UNIT_THREAD ? SHOWN_THREADS : SHOWN_GOROUTINES;
	return 0;
}

static int read_options(json_t *options, struct recording_start *start, struct error *error)
{
	int err = recording_number(options, "top", TOP_MAX, &start->top, error);

	if (!err)
		err = recording_flag(options, "full", &start->full, error);
	if (!err)
		err = recording_flag(options, "runtime_frames", &start->runtime_frames, error);
	if (!err)
		err = recording_number(options, "leak_after_ns", VERDICT_LAST_NS,
				       &start->leak_after_ns, error);
	if (!err)
		err = recording_number(options, "leak_min", UINT32_MAX, &start->leak_min, error);
	return err ? err : read_unit(options, start, error);
}

static int read_features(json_t *object, struct recording_start *start, struct error *error)
{
	const char *name;
	json_t *available;

	json_object_foreach(object, name, available)
	{
		size_t i = start->features_count;

		if (i == RECORDING_FEATURES_MAX || strlen(name) >= RECORDING_FEATURE_NAME_MAX ||
		    !json_is_boolean(available))
			return recording_damaged("features", error);
		strcpy(start->features[i].name, name);
		start->features[i].available = json_is_true(available);
		start->features_count++;
	}
	return 0;
}

int recording_start_read(json_t *line, struct recording_start *ret, struct error *error)
{
	json_t *fields = json_object_get(line, "parkscope");
	struct recording_start start = {0};
	uint64_t wall_ns = 0, run_id;
	int err = check_format(line, fields, error);

	if (!err)
		err = read_text(json_object_get(line, "host"), "name", start.hostname,
				sizeof(start.hostname), error);
	if (!err)
		err = read_text(fields, "run_id", start.run_id, sizeof(start.run_id), error);
	if (!err && !dump_id_parse(start.run_id, &run_id))
		err = recording_damaged("run_id", error);
	if (!err)
		err = recording_number(fields, "wall_ns", RECORDING_TIME_MAX, &wall_ns, error);
	if (!err)
		err = recording_number(fields, "opened_ns", RECORDING_TIME_MAX, &start.opened_ns,
				       error);
	if (!err)
		err = read_options(json_object_get(fields, "options"), &start, error);
	if (!err)
		err = read_features(json_object_get(fields, "features"), &start, error);
	if (err)
		return err;
	start.wall_ns = (int64_t)wall_ns;
	*ret = start;
	return 0;
}
