// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "input/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "input/gzip_stream.h"
#include "input/jsonl_reader.h"
#include "input/recording_fields.h"
#include "input/recording_process.h"
#include "input/recording_start.h"

_Static_assert(RECORDING_LINE_MAX <= JSONL_LINE_MAX, "a line of a recording can be read");

struct replay {
	FILE *file; /* NULL: the caller's */
	struct jsonl_reader *reader;
	struct recording_start start;
	struct recording_words words;
	struct replay_usage usage;
	struct replayed_process *processes; /* by number */
	struct replayed_process *current;   /* whose sites come */
	struct watched_process **listed;
	struct losses losses;
	/* Of this sweep. */
	bool in_sweep;
	uint64_t now_ns;
	int64_t wall_ns;
	uint64_t latest_ns;   /* no sweep may be before */
	uint64_t reported_ns; /* the last report's sweep */
	const char *end_reason;
	int64_t end_wall_ns;
};

/* What a line has led to. */
enum step {
	STEP_NONE,
	STEP_REPORT,
	STEP_LAST_REPORT,
	STEP_END,
};

static void drop_process(struct replay *replay, struct replayed_process *process)
{
	HASH_DEL(replay->processes, process);
	replayed_process_free(process, &replay->usage);
}

void replay_free(struct replay *replay)
{
	struct replayed_process *process, *next;

	if (!replay)
		return;
	HASH_ITER (hh, replay->processes, process, next)
		drop_process(replay, process);
	recording_words_clear(&replay->words);
	jsonl_reader_free(replay->reader);
	if (replay->file)
		fclose(replay->file);
	free(replay->listed);
	free(replay);
}

static int in_line(const struct replay *replay, struct error *error)
{
	return error_prefix(error, "line %" PRIu64, jsonl_reader_line(replay->reader));
}

static int read_start(struct replay *replay, struct error *error)
{
	json_t *line;
	int code = jsonl_reader_next(replay->reader, &line, error);

	if (code < 0)
		return code;
	if (!code)
		return error_set(error, -EBADMSG, "it is empty");
	code = recording_start_read(line, &replay->start, error);
	json_decref(line);
	replay->reported_ns = replay->latest_ns = replay->start.opened_ns;
	return code;
}

int replay_new(FILE *file, struct replay **ret, struct error *error)
{
	auto_free(replay) struct replay *replay = calloc(1, sizeof(*replay));
	int err;

	if (replay)
		replay->reader = jsonl_reader_new(file);
	if (!replay || !replay->reader)
		return error_set(error, -ENOMEM, "out of memory");
	err = read_start(replay, error);
	if (err)
		return err;
	*ret = take_ptr(replay);
	return 0;
}

int replay_open(const char *path, struct replay **ret, struct error *error)
{
	autofclose FILE *file = NULL;
	int err = gzip_stream_open(path, &file, error);

	if (!err)
		err = replay_new(file, ret, error);
	if (err) {
		error_prefix(error, "%.256s", path);
		return err;
	}
	(*ret)->file = take_ptr(file);
	return 0;
}

const struct recording_start *replay_start(const struct replay *replay)
{
	return &replay->start;
}

/* [monotonic, wall clock] */
static int begin_sweep(struct replay *replay, json_t *times, struct error *error)
{
	struct replayed_process *process, *next;
	uint64_t now_ns, wall_ns;

	if (replay->in_sweep || !recording_item(times, 0, RECORDING_TIME_MAX, &now_ns) ||
	    !recording_item(times, 1, RECORDING_TIME_MAX, &wall_ns) || now_ns <= replay->latest_ns)
		return recording_damaged("sweep", error);
	replay->in_sweep = true;
	replay->now_ns = replay->latest_ns = now_ns;
	replay->wall_ns = (int64_t)wall_ns;
	replay->current = NULL;
	HASH_ITER (hh, replay->processes, process, next)
		replayed_process_begin(process, now_ns);
	return 0;
}

static int add_process(struct replay *replay, json_t *line, uint32_t number, struct error *error)
{
	struct replayed_process *process;
	int err;

	if (HASH_COUNT(replay->processes) == REPLAY_PROCESSES_MAX)
		return error_set(error, -E2BIG, "there are more processes than a replay holds");
	err = replayed_process_new(line, number, replay->now_ns, &process, error);
	if (err)
		return err;
	HASH_ADD(hh, replay->processes, number, sizeof(process->number), process);
	if (!process->hh.tbl) {
		replayed_process_free(process, &replay->usage);
		return error_set(error, -ENOMEM, "out of memory");
	}
	replay->current = process;
	return 0;
}

static int read_process(struct replay *replay, json_t *line, struct error *error)
{
	uint64_t number = 0;
	uint32_t key;
	int err = recording_number(line, "process", UINT32_MAX, &number, error);

	if (!err && !replay->in_sweep)
		err = recording_damaged("process", error);
	if (err)
		return err;
	key = (uint32_t)number;
	HASH_FIND(hh, replay->processes, &key, sizeof(key), replay->current);
	if (!replay->current)
		err = add_process(replay, line, key, error);
	if (!err)
		err = replayed_process_line(replay->current, line, &replay->words, error);
	if (!err && replay->latest_ns < replay->current->swept_ns)
		replay->latest_ns = replay->current->swept_ns;
	return err;
}

static int read_site(struct replay *replay, json_t *line, struct error *error)
{
	if (!replay->in_sweep || !replay->current)
		return recording_damaged("site", error);
	return replayed_process_site_line(replay->current, line, &replay->words, &replay->usage,
					  error);
}

/* [cause, total, ...] */
static int read_losses(struct replay *replay, json_t *array, struct error *error)
{
	for (size_t i = 0; i < json_array_size(array); i += 2) {
		const char *cause = recording_word(&replay->words, json_array_get(array, i));
		uint64_t total;

		if (!cause || !recording_item(array, i + 1, RECORDING_TIME_MAX, &total))
			return recording_damaged("losses", error);
		losses_set_total(&replay->losses, cause, total);
	}
	return 0;
}

static int end_sweep(struct replay *replay, json_t *fields, const struct verdict_rules *rules,
		     enum step *step, struct error *error)
{
	struct replayed_process *process, *next;
	bool report = false, last = false;
	int err = replay->in_sweep ? 0 : recording_damaged("swept", error);

	if (!err)
		err = recording_flag(fields, "report", &report, error);
	if (!err)
		err = recording_flag(fields, "last", &last, error);
	if (!err)
		err = read_losses(replay, json_object_get(fields, "losses"), error);
	if (err)
		return err;
	HASH_ITER (hh, replay->processes, process, next)
		if (replayed_process_end(process, replay->now_ns, rules))
			return error_set(error, -ENOMEM, "out of memory");
	replay->in_sweep = false;
	if (report)
		*step = last ? STEP_LAST_REPORT : STEP_REPORT;
	return 0;
}

static int read_end(struct replay *replay, json_t *fields, enum step *step, struct error *error)
{
	uint64_t wall_ns = 0;
	int err = recording_number(fields, "wall_ns", RECORDING_TIME_MAX, &wall_ns, error);

	replay->end_reason = recording_word(&replay->words, json_object_get(fields, "reason"));
	replay->end_wall_ns = (int64_t)wall_ns;
	if (err || replay->in_sweep || !replay->end_reason)
		return recording_damaged("end", error);
	*step = STEP_END;
	return 0;
}

/* Which kind of line it is, its first name says. */
static int read_line(struct replay *replay, json_t *line, const struct verdict_rules *rules,
		     enum step *step, struct error *error)
{
	json_t *value = json_object_get(line, "site");

	if (value)
		return read_site(replay, line, error);
	value = json_object_get(line, "process");
	if (value)
		return read_process(replay, line, error);
	value = json_object_get(line, "sweep");
	if (value)
		return begin_sweep(replay, value, error);
	value = json_object_get(line, "swept");
	if (value)
		return end_sweep(replay, value, rules, step, error);
	value = json_object_get(line, "end");
	if (value)
		return read_end(replay, value, step, error);
	return error_set(error, -EBADMSG, "it is no line of a recording");
}

static int fill_report(struct replay *replay, bool last, struct report *report, struct error *error)
{
	struct watched_process **listed =
		calloc(HASH_COUNT(replay->processes) + 1, sizeof(struct watched_process *));
	struct replayed_process *process, *next;
	uint64_t now_ns = replay->now_ns;
	size_t count = 0;

	if (!listed)
		return error_set(error, -ENOMEM, "out of memory");
	HASH_ITER (hh, replay->processes, process, next)
		listed[count++] = process->process;
	report_sort_processes(listed, count);
	free(replay->listed);
	replay->listed = listed;
	*report = (struct report){
		.wall_ns = replay->wall_ns,
		.now_ns = now_ns,
		.opened_ns = replay->start.opened_ns,
		.interval_s = (double)(now_ns - replay->reported_ns) / 1e9,
		.watched_s = (double)(now_ns - replay->start.opened_ns) / 1e9,
		.last = last,
		.events = true,
		.processes = listed,
		.processes_count = count,
		.losses = &replay->losses,
		.cost = {.unknown = true},
	};
	for (size_t i = 0; i < count; i++)
		report->leak_pending |= listed[i]->leak_pending;
	replay->reported_ns = now_ns;
	return 1;
}

/* Nothing may follow. */
static int check_end(struct replay *replay, struct error *error)
{
	json_t *line;
	int code = jsonl_reader_next(replay->reader, &line, error);

	if (code <= 0)
		return code;
	json_decref(line);
	return error_set(error, -EBADMSG, "line %" PRIu64 ": it follows the end",
			 jsonl_reader_line(replay->reader));
}

int replay_next(struct replay *replay, const struct verdict_rules *rules, struct report *report,
		struct error *error)
{
	for (;;) {
		enum step step = STEP_NONE;
		json_t *line;
		int code = jsonl_reader_next(replay->reader, &line, error);

		if (code < 0)
			return code;
		if (!code)
			return error_set(error, -EBADMSG,
					 "it is cut after line %" PRIu64
					 ": parkscope was killed, or some of it is missing",
					 jsonl_reader_line(replay->reader));
		code = read_line(replay, line, rules, &step, error);
		json_decref(line);
		if (code) {
			in_line(replay, error);
			return code;
		}
		if (step == STEP_END)
			return check_end(replay, error);
		if (step != STEP_NONE)
			return fill_report(replay, step == STEP_LAST_REPORT, report, error);
	}
}

void replay_end_report(struct replay *replay)
{
	struct replayed_process *process, *next;

	HASH_ITER (hh, replay->processes, process, next) {
		watched_process_end_report(process->process);
		if (process->process->ended)
			drop_process(replay, process);
	}
	replay->current = NULL;
	losses_end_report(&replay->losses);
}

const char *replay_end_reason(const struct replay *replay)
{
	return replay->end_reason;
}

int64_t replay_end_wall_ns(const struct replay *replay)
{
	return replay->end_wall_ns;
}
