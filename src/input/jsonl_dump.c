// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/jsonl_dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "input/dump_fields.h"
#include "input/frame_text.h"
#include "input/jsonl_reader.h"

/* What has been read of a dump. */
struct reading {
	struct dump *dump;
	bool started;
	bool ended;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, -ENOMEM, "out of memory");
}

static int damaged(struct error *error, const char *field)
{
	return error_set(error, -EBADMSG, "%s is missing or is not what it should be", field);
}

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* A count up to `max`. */
static bool count_at(const json_t *object, const char *key, uint64_t max, uint64_t *count)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return false;
	*count = (uint64_t)json_integer_value(value);
	return true;
}

/* A copy of a text that may be missing. */
static int copy_text(struct dump *dump, const json_t *object, const char *key, char **copy,
		     struct error *error)
{
	const char *text = text_at(object, key);

	if (!json_object_get(object, key))
		return 0;
	if (!text || strlen(text) > DUMP_STRING_MAX)
		return damaged(error, key);
	return dump_copy_text(dump, text, copy, error);
}

static int read_time(const json_t *object, const char *key, int64_t *wall_ns, struct error *error)
{
	const char *text = text_at(object, key);

	return text && dump_time_parse(text, wall_ns) ? 0 : damaged(error, key);
}

static int read_start(struct reading *reading, const json_t *record, const json_t *parkscope,
		      struct error *error)
{
	const char *schema = text_at(parkscope, "schema");
	const char *command = text_at(parkscope, "command");
	int err;

	if (reading->started)
		return error_set(error, -EBADMSG,
				 "here begins a second run: give each dump a file of its own");
	if (!schema || strncmp(schema, "1.", 2) != 0)
		return error_set(error, -EBADMSG,
				 "its schema is not version 1, which is known here");
	if (!command || strcmp(command, "dump") != 0)
		return error_set(error, -EBADMSG,
				 "it was not written by 'parkscope dump', but by '%.16s'",
				 command ? command : "?");
	reading->started = true;
	err = read_time(record, "@timestamp", &reading->dump->wall_ns, error);
	return err ? err
		   : copy_text(reading->dump, json_object_get(record, "host"), "name",
			       &reading->dump->hostname, error);
}

static int read_units(const json_t *parkscope, const char *key, bool *known, uint64_t *count,
		      struct error *error)
{
	const json_t *object = json_object_get(parkscope, key);

	if (!object)
		return 0;
	if (!count_at(object, "now", DUMP_COUNT_MAX, count))
		return damaged(error, key);
	*known = true;
	return 0;
}

static int read_process(struct reading *reading, const json_t *record, const json_t *parkscope,
			struct error *error)
{
	const json_t *of = json_object_get(record, "process");
	struct dump *dump = reading->dump;
	struct dump_process *process;
	uint64_t number;
	int err = dump_add_process(dump, &process);

	if (err)
		return dump_add_failed(err, error);
	if (!count_at(of, "pid", DUMP_PID_MAX, &number) || !number)
		return damaged(error, "process.pid");
	process->pid = (uint32_t)number;
	process->exec_id_known = count_at(parkscope, "exec_id", UINT32_MAX, &number);
	process->exec_id = process->exec_id_known ? (uint32_t)number : 0;
	process->go = json_object_get(parkscope, "goroutines") != NULL;
	err = read_time(record, "@timestamp", &dump->wall_ns, error);
	if (!err)
		err = copy_text(dump, of, "name", &process->name, error);
	if (!err)
		err = copy_text(dump, of, "executable", &process->executable, error);
	if (!err)
		err = copy_text(dump, of, "entity_id", &process->entity_id, error);
	if (!err && json_object_get(of, "start"))
		err = read_time(of, "start", &process->start_unix_ns, error);
	if (!err)
		err = copy_text(dump, json_object_get(record, "container"), "id",
				&process->container_id, error);
	if (!err)
		err = read_units(parkscope, "threads", &process->threads_known, &process->threads,
				 error);
	if (!err)
		err = read_units(parkscope, "goroutines", &process->goroutines_known,
				 &process->goroutines, error);
	return err;
}

static int read_stack(struct dump *dump, const json_t *array, struct stack *stack,
		      struct error *error)
{
	for (size_t i = 0; i < stack->count; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text || !*text || strlen(text) > DUMP_STRING_MAX)
			return damaged(error, "parkscope.stack");
		if (dump_take_bytes(dump, strlen(text)))
			return dump_add_failed(-E2BIG, error);
		if (frame_text_parse(text, &stack->frames[i]))
			return out_of_memory(error);
	}
	return 0;
}

/* Which stays they are. A dump of an older version does not say. */
static int read_stays(struct dump *dump, const json_t *crowd, struct dump_site *site,
		      struct error *error)
{
	const char *field = "parkscope.crowd.stays";
	const json_t *object = json_object_get(crowd, "stays");
	const json_t *ids = json_object_get(object, "ids");
	struct stay_sample *stays = &site->stays;
	uint64_t one_in;

	if (!object)
		return 0;
	if (!count_at(object, "one_in", 1ULL << STAY_SAMPLE_SHIFT_MAX, &one_in) || !one_in ||
	    (one_in & (one_in - 1)) || !json_is_array(ids) ||
	    json_array_size(ids) > STAY_SAMPLE_MAX ||
	    (one_in == 1 ? json_array_size(ids) != site->now : json_array_size(ids) > site->now))
		return damaged(error, field);
	if (dump_take_bytes(dump, json_array_size(ids) * sizeof(stays->ids[0])))
		return dump_add_failed(-E2BIG, error);
	while (one_in >> stays->shift > 1)
		stays->shift++;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *text = json_string_value(json_array_get(ids, i));
		uint64_t id;

		if (!text || !dump_id_parse(text, &id) || (id & (one_in - 1)))
			return damaged(error, field);
		stay_sample_add(stays, id);
	}
	if (stays->failed)
		return out_of_memory(error);
	stay_sample_sort(stays);
	return 0;
}

static int read_site(struct reading *reading, const json_t *record, const json_t *parkscope,
		     struct error *error)
{
	struct dump *dump = reading->dump;
	struct dump_process *process =
		dump->processes_count ? &dump->processes[dump->processes_count - 1] : NULL;
	const json_t *crowd = json_object_get(parkscope, "crowd");
	const json_t *stack = json_object_get(parkscope, "stack");
	const char *id = text_at(parkscope, "site");
	struct dump_site *site;
	uint64_t pid;
	int err;

	/* Sites follow their process. */
	if (!process || !count_at(json_object_get(record, "process"), "pid", DUMP_PID_MAX, &pid) ||
	    pid != process->pid)
		return damaged(error, "process.pid");
	if (!json_is_array(stack))
		return damaged(error, "parkscope.stack");
	err = dump_add_site(dump, process, json_array_size(stack), &site);
	if (err)
		return dump_add_failed(err, error);
	if (!id || !dump_id_parse(id, &site->id))
		return damaged(error, "parkscope.site");
	if (!dump_unit_parse(text_at(parkscope, "unit"), &site->unit))
		return damaged(error, "parkscope.unit");
	if (!dump_reason_is_valid(text_at(parkscope, "reason")))
		return damaged(error, "parkscope.reason");
	if (!count_at(crowd, "now", DUMP_COUNT_MAX, &site->now))
		return damaged(error, "parkscope.crowd.now");
	site->runtime = json_is_true(json_object_get(parkscope, "runtime"));
	err = copy_text(dump, parkscope, "reason", &site->reason, error);
	if (!err && !json_object_get(parkscope, "created_by_differs"))
		err = copy_text(dump, parkscope, "created_by", &site->created_by, error);
	if (!err)
		err = read_stack(dump, stack, site->stack, error);
	return err ? err : read_stays(dump, crowd, site, error);
}

static int read_end(struct reading *reading, const json_t *parkscope, struct error *error)
{
	json_t *losses = json_object_get(parkscope, "losses"), *loss;
	const char *cause;
	int err = 0;

	json_object_foreach(losses, cause, loss)
	{
		uint64_t count;

		if (!count_at(losses, cause, DUMP_COUNT_MAX, &count) ||
		    reading->dump->losses > DUMP_COUNT_MAX)
			err = damaged(error, "parkscope.losses");
		else
			reading->dump->losses += count;
	}
	reading->ended = true;
	return err;
}

static int read_record(struct reading *reading, const json_t *record, struct error *error)
{
	const json_t *parkscope = json_object_get(record, "parkscope");
	const char *dataset = text_at(json_object_get(record, "event"), "dataset");

	if (!dataset || strncmp(dataset, "parkscope.", strlen("parkscope.")) != 0 ||
	    !json_is_object(parkscope))
		return error_set(error, -EBADMSG, "this is no record of parkscope");
	if (strcmp(dataset, "parkscope.start") == 0)
		return read_start(reading, record, parkscope, error);
	if (!reading->started || reading->ended)
		return error_set(error, -EBADMSG,
				 "this stands outside of a run: a dump is from one parkscope.start "
				 "to its parkscope.end");
	if (strcmp(dataset, "parkscope.process") == 0)
		return read_process(reading, record, parkscope, error);
	if (strcmp(dataset, "parkscope.park_site") == 0)
		return read_site(reading, record, parkscope, error);
	if (strcmp(dataset, "parkscope.end") == 0)
		return read_end(reading, parkscope, error);
	return 0;
}

int jsonl_dump_read(FILE *file, struct dump **ret, struct error *error)
{
	auto_free(jsonl_reader) struct jsonl_reader *reader = jsonl_reader_new(file);
	auto_free(dump) struct dump *dump = dump_new();
	struct reading reading = {.dump = dump};
	json_t *record;
	int code;

	if (!reader || !dump)
		return out_of_memory(error);
	while ((code = jsonl_reader_next(reader, &record, error)) > 0) {
		int err = read_record(&reading, record, error);

		json_decref(record);
		if (err) {
			error_prefix(error, "line %" PRIu64, jsonl_reader_line(reader));
			return err;
		}
	}
	if (code < 0)
		return code;
	if (!reading.started)
		return error_set(error, -EBADMSG, "it is empty");
	if (!reading.ended)
		return error_set(error, -EBADMSG,
				 "it is cut after line %" PRIu64 ": there is no parkscope.end",
				 jsonl_reader_line(reader));
	*ret = take_ptr(dump);
	return 0;
}
