// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/recording_process.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "input/dump_fields.h"
#include "input/recording.h"

/* An identity has not more of a text than PATH_MAX, and no reason why Go is refused either. */
#define TEXT_MAX PATH_MAX

void replayed_process_free(struct replayed_process *process, struct replay_usage *usage)
{
	if (!process)
		return;
	usage->sites -= process->sites_count;
	usage->stack_bytes -= process->stack_bytes;
	watched_process_free(process->process);
	free(process->sites);
	free(process);
}

/* What exec can change, and the rest again. */
static int read_identity(json_t *id, struct watched_process *process, struct error *error)
{
	uint64_t ns_pid = 0, exec_id = 0, start_unix_ns = 0;
	int err = recording_number(id, "ns_pid", DUMP_PID_MAX, &ns_pid, error);

	if (!err)
		err = recording_number(id, "exec_id", UINT32_MAX, &exec_id, error);
	if (!err)
		err = recording_number(id, "start_ns", RECORDING_TIME_MAX, &process->start_ns,
				       error);
	if (!err)
		err = recording_number(id, "start_unix_ns", RECORDING_TIME_MAX, &start_unix_ns,
				       error);
	if (!err)
		err = recording_text(id, "name", TEXT_MAX, &process->name, error);
	if (!err)
		err = recording_text(id, "executable", TEXT_MAX, &process->executable, error);
	if (!err)
		err = recording_text(id, "container", TEXT_MAX, &process->container_id, error);
	if (!err)
		err = recording_text(id, "entity", TEXT_MAX, &process->entity_id, error);
	process->ns_pid = (uint32_t)ns_pid;
	process->exec_id = (uint32_t)exec_id;
	process->start_unix_ns = (int64_t)start_unix_ns;
	return err;
}

int replayed_process_new(json_t *line, uint32_t number, uint64_t now_ns,
			 struct replayed_process **ret, struct error *error)
{
	json_t *id = json_object_get(line, "id");
	uint64_t pid = 0, first_seen_ns = now_ns;
	struct replayed_process *process;
	int err;

	if (!json_is_object(id))
		return recording_damaged("id", error);
	err = recording_number(id, "pid", DUMP_PID_MAX, &pid, error);
	if (!err)
		err = recording_number(id, "first_seen_ns", RECORDING_TIME_MAX, &first_seen_ns,
				       error);
	if (err)
		return err;
	process = calloc(1, sizeof(*process));
	if (!process)
		return error_set(error, -ENOMEM, "out of memory");
	process->process = watched_process_new((uint32_t)pid, 0, first_seen_ns);
	if (!process->process) {
		free(process);
		return error_set(error, -ENOMEM, "out of memory");
	}
	process->number = number;
	process->swept_ns = now_ns;
	*ret = process;
	return 0;
}

void replayed_process_begin(struct replayed_process *process, uint64_t now_ns)
{
	for (size_t i = 0; i < process->sites_count; i++)
		site_sample_pass_time(&process->sites[i].sample, now_ns - process->swept_ns);
	process->swept_ns = now_ns;
	process->limits.known = false;
}

static int read_go(json_t *go, struct watched_process *process, struct error *error)
{
	int err;

	if (!go)
		return 0;
	free(process->go_version);
	free(process->go_refused);
	process->go_version = process->go_refused = NULL;
	err = recording_text(go, "version", TEXT_MAX, &process->go_version, error);
	return err ? err : recording_text(go, "refused", TEXT_MAX, &process->go_refused, error);
}

static int read_units(json_t *line, const char *key, struct unit_count *count, uint64_t *runtime,
		      struct error *error)
{
	json_t *array = json_object_get(line, key);

	if (!array)
		return 0;
	if (json_array_size(array) != (runtime ? 4 : 3) ||
	    !recording_item(array, 0, UINT32_MAX, &count->now) ||
	    !recording_item(array, 1, RECORDING_TIME_MAX, &count->born) ||
	    !recording_item(array, 2, RECORDING_TIME_MAX, &count->exited) ||
	    (runtime && !recording_item(array, 3, UINT32_MAX, runtime)))
		return recording_damaged(key, error);
	return 0;
}

static int read_reasons(json_t *line, struct watched_process *process,
			struct recording_words *words, struct error *error)
{
	json_t *array = json_object_get(line, "reasons"), *text;
	size_t i;

	json_array_foreach(array, i, text)
	{
		const char *reason = recording_word(words, text);

		if (!reason || !watched_process_add_reason(process, reason))
			return recording_damaged("reasons", error);
	}
	return 0;
}

static bool add_item(json_t *array, size_t index, uint64_t *counter)
{
	uint64_t added;

	if (!recording_item_any(array, index, &added))
		return false;
	*counter += added;
	return true;
}

static bool read_reason_waits(json_t *array, struct replayed_process *process)
{
	struct reason_waits *waits;
	uint64_t number, bucket;

	if (!process->process->reasons_count ||
	    !recording_item(array, 0, (int64_t)process->process->reasons_count - 1, &number))
		return false;
	waits = &process->process->reasons[number];
	if (!add_item(array, 1, &waits->count) || !add_item(array, 2, &waits->restarts) ||
	    !add_item(array, 3, &waits->duration_ns) ||
	    !recording_item_any(array, 4, &process->open_ns[number]))
		return false;
	for (size_t i = 5; i < json_array_size(array); i += 2)
		if (!recording_item(array, i, WAIT_HISTOGRAM_BUCKETS - 1, &bucket) ||
		    !add_item(array, i + 1, &waits->histogram[bucket]))
			return false;
	return true;
}

static int read_waits(json_t *line, struct replayed_process *process, struct error *error)
{
	json_t *array = json_object_get(line, "waits"), *item;
	size_t i;

	json_array_foreach(
		array, i,
		item) if (!read_reason_waits(item, process)) return recording_damaged("waits",
										      error);
	return 0;
}

static int read_attribution(json_t *line, struct attribution *sums, struct error *error)
{
	json_t *array = json_object_get(line, "sampling");

	if (!array)
		return 0;
	if (!add_item(array, 0, &sums->captured) || !add_item(array, 1, &sums->inferred) ||
	    !add_item(array, 2, &sums->skipped) || !add_item(array, 3, &sums->verified) ||
	    !add_item(array, 4, &sums->mismatched) || !add_item(array, 5, &sums->attributed_ns))
		return recording_damaged("sampling", error);
	return 0;
}

static int read_limits(json_t *line, struct replayed_limits *limits, struct error *error)
{
	json_t *array = json_object_get(line, "limits");
	uint64_t kind;

	if (!array)
		return 0;
	*limits = (struct replayed_limits){.known = true};
	if (!recording_item(array, 0, RECORDING_TIME_MAX, &limits->rss_bytes))
		return recording_damaged("limits", error);
	for (size_t i = 1; i < json_array_size(array); i += 3) {
		if (!recording_item(array, i, LIMIT_KINDS - 1, &kind) ||
		    !recording_item(array, i + 1, RECORDING_TIME_MAX, &limits->kinds[kind].used) ||
		    !recording_item(array, i + 2, RECORDING_TIME_MAX, &limits->kinds[kind].limit))
			return recording_damaged("limits", error);
		limits->kinds[kind].known = true;
	}
	return 0;
}

int replayed_process_line(struct replayed_process *process, json_t *line,
			  struct recording_words *words, struct error *error)
{
	struct watched_process *watched = process->process;
	uint64_t swept_ns = process->swept_ns;
	json_t *id = json_object_get(line, "id");
	int err = id ? read_identity(id, watched, error) : 0;

	if (!err)
		err = recording_number(line, "swept_ns", RECORDING_TIME_MAX, &swept_ns, error);
	if (!err && swept_ns < process->swept_ns)
		err = recording_damaged("swept_ns", error);
	process->swept_ns = swept_ns;
	if (!err)
		err = read_go(json_object_get(line, "go"), watched, error);
	if (!err)
		err = read_units(line, "threads", &watched->threads, NULL, error);
	if (!err)
		err = read_units(line, "goroutines", &watched->goroutines,
				 &watched->runtime_goroutines, error);
	if (!err)
		err = read_reasons(line, watched, words, error);
	if (!err)
		err = read_waits(line, process, error);
	if (!err)
		err = read_attribution(line, &watched->attribution, error);
	if (!err)
		err = read_limits(line, &process->limits, error);
	return err ? err : recording_flag(line, "ended", &watched->ended, error);
}

static int use_limits(const struct replayed_limits *limits, uint64_t now_ns,
		      struct watched_process *process)
{
	if (!limits->known)
		return 0;
	if (!process->forecast)
		process->forecast = calloc(1, sizeof(*process->forecast));
	if (!process->forecast)
		return -ENOMEM;
	limit_forecast_add_rss(process->forecast, now_ns, limits->rss_bytes);
	for (size_t i = 0; i < LIMIT_KINDS; i++)
		if (limits->kinds[i].known)
			limit_forecast_add(process->forecast, (enum limit_kind)i, now_ns,
					   limits->kinds[i].used, limits->kinds[i].limit);
	return 0;
}

int replayed_process_end(struct replayed_process *process, uint64_t now_ns,
			 const struct verdict_rules *rules)
{
	struct watched_process *watched = process->process;
	int err;

	watched_process_begin_sweep(watched, process->swept_ns);
	for (size_t i = 0; i < watched->reasons_count; i++)
		watched->reasons[i].open_ns = process->open_ns[i];
	for (size_t i = 0; i < process->sites_count; i++) {
		site_sample_restore(&process->sites[i].sample, process->sites[i].site);
		process->sites[i].site->names = process->sites[i].names;
	}
	err = watched_process_end_sweep(watched, rules);
	return err ? err : use_limits(&process->limits, now_ns, watched);
}
