// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/jsonl_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/escape.h"
#include "output/format.h"

/* The ECS release whose names we use. */
#define ECS_VERSION "8.11.0"

/* Bytes of one string. A C++ name can have kilobytes; PATH_MAX is the longest path. */
#define JSON_STRING_MAX 4096

/* NULL without memory, as every function here that returns a json_t. */
static json_t *json_hostile(const char *text)
{
	char valid[JSON_STRING_MAX];
	size_t length = escape_utf8(text, valid, sizeof(valid));

	return json_stringn_nocheck(valid, length);
}

static json_t *json_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

static json_t *json_seconds(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

static json_t *json_time(int64_t wall_ns)
{
	char text[FORMAT_TIME_SIZE];

	format_time(wall_ns, 3, text);
	return json_string_nocheck(text);
}

/* Takes `value`, which may be NULL: no memory. */
static void put(struct record *record, json_t *object, const char *key, json_t *value)
{
	if (!object || !value) {
		json_decref(value);
		record->failed = true;
		return;
	}
	if (json_object_set_new_nocheck(object, key, value))
		record->failed = true;
}

static void append(struct record *record, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		record->failed = true;
}

/* An object inside an object; borrowed. */
static json_t *put_object(struct record *record, json_t *object, const char *key)
{
	json_t *fresh = json_object();

	put(record, object, key, fresh);
	return record->failed ? NULL : fresh;
}

static json_t *put_array(struct record *record, json_t *object, const char *key)
{
	json_t *fresh = json_array();

	put(record, object, key, fresh);
	return record->failed ? NULL : fresh;
}

bool record_context_start(struct record_context *context, const char *hostname, const char *run_id)
{
	context->host = json_object();
	context->ecs = json_object();
	context->run_id = json_hostile(run_id);
	if (!context->host || !context->ecs || !context->run_id)
		return false;
	return !json_object_set_new_nocheck(context->host, "name", json_hostile(hostname)) &&
	       !json_object_set_new_nocheck(context->ecs, "version",
					    json_string_nocheck(ECS_VERSION));
}

bool record_context_set_time(struct record_context *context, int64_t wall_ns)
{
	json_decref(context->timestamp);
	context->timestamp = json_time(wall_ns);
	return context->timestamp;
}

bool record_context_set_process(struct record_context *context,
				const struct watched_process *process)
{
	struct record record = {0};

	json_decref(context->process);
	json_decref(context->container);
	context->container = NULL;
	context->process = json_object();
	context->ns_pid = process->ns_pid;
	context->exec_id = process->exec_id;

	put(&record, context->process, "pid", json_count(process->pid));
	if (process->name)
		put(&record, context->process, "name", json_hostile(process->name));
	if (process->executable)
		put(&record, context->process, "executable", json_hostile(process->executable));
	if (process->start_unix_ns)
		put(&record, context->process, "start", json_time(process->start_unix_ns));
	if (process->entity_id)
		put(&record, context->process, "entity_id", json_hostile(process->entity_id));
	if (process->container_id) {
		context->container = json_object();
		put(&record, context->container, "id", json_hostile(process->container_id));
	}
	return !record.failed;
}

void record_context_release(struct record_context *context)
{
	json_decref(context->host);
	json_decref(context->ecs);
	json_decref(context->run_id);
	json_decref(context->timestamp);
	json_decref(context->process);
	json_decref(context->container);
	memset(context, 0, sizeof(*context));
}

void record_begin(struct record *record, const struct record_context *context, const char *kind,
		  const char *dataset, uint64_t seq, double interval_s)
{
	json_t *event;

	*record = (struct record){.root = json_object()};
	put(record, record->root, "@timestamp", json_incref(context->timestamp));
	event = put_object(record, record->root, "event");
	put(record, event, "kind", json_string_nocheck(kind));
	put(record, event, "dataset", json_string_nocheck(dataset));
	put(record, record->root, "host", json_incref(context->host));
	put(record, record->root, "ecs", json_incref(context->ecs));
	record->parkscope = put_object(record, record->root, "parkscope");
	put(record, record->parkscope, "run_id", json_incref(context->run_id));
	put(record, record->parkscope, "seq", json_count(seq));
	put(record, record->parkscope, "interval_s", json_real(interval_s));
}

void record_add_process(struct record *record, const struct record_context *context)
{
	put(record, record->root, "process", json_incref(context->process));
	if (context->container)
		put(record, record->root, "container", json_incref(context->container));
	if (context->ns_pid)
		put(record, record->parkscope, "ns_pid", json_count(context->ns_pid));
	put(record, record->parkscope, "exec_id", json_count(context->exec_id));
}

void record_fill_start(struct record *record, const struct jsonl_config *config)
{
	json_t *features, *degraded;

	put(record, record->parkscope, "schema", json_string_nocheck(JSONL_SCHEMA_VERSION));
	put(record, record->parkscope, "version", json_hostile(config->version));
	put(record, record->parkscope, "command", json_hostile(config->command));
	features = put_object(record, record->parkscope, "features");
	for (size_t i = 0; i < config->features_count; i++)
		put(record, features, config->features[i].name,
		    json_boolean(config->features[i].available));
	degraded = put_array(record, record->parkscope, "degraded");
	for (size_t i = 0; i < config->degraded_count; i++)
		append(record, degraded, json_hostile(config->degraded[i]));
}

/* [[upper bound in ns, count], ...] without empty buckets; null: no upper bound. */
static void put_histogram(struct record *record, json_t *object, const uint64_t *buckets)
{
	json_t *histogram = put_array(record, object, "histogram");

	for (size_t i = 0; i < WAIT_HISTOGRAM_BUCKETS; i++) {
		bool last = i + 1 == WAIT_HISTOGRAM_BUCKETS;
		json_t *pair;

		if (!buckets[i])
			continue;
		pair = json_array();
		append(record, pair, last ? json_null() : json_count(1ULL << (i + 10)));
		append(record, pair, json_count(buckets[i]));
		append(record, histogram, pair);
	}
}

static void put_waits(struct record *record, const struct emission_process *due)
{
	json_t *array = put_array(record, record->parkscope, "waits");
	const struct emission_waits none = {0}, *futex = &none;
	json_t *object;

	for (size_t i = 0; i < due->waits_count; i++) {
		const struct emission_waits *waits = &due->waits[i];

		object = json_object();
		put(record, object, "reason", json_string_nocheck(waits->reason));
		put(record, object, "count", json_count(waits->count));
		put(record, object, "restarts", json_count(waits->restarts));
		put(record, object, "seconds", json_seconds(waits->duration_ns));
		put(record, object, "waiting_s", json_seconds(waits->waiting_ns));
		put_histogram(record, object, waits->histogram);
		append(record, array, object);
		if (strcmp(waits->reason, "futex") == 0)
			futex = waits;
	}
	object = put_object(record, record->parkscope, "futex");
	put(record, object, "waits", json_count(futex->count));
	put(record, object, "seconds", json_seconds(futex->duration_ns));
}

/* Borrowed. */
static json_t *put_units(struct record *record, const char *key, const struct report *report,
			 const struct unit_count *count, const struct emission_units *due)
{
	json_t *object = put_object(record, record->parkscope, key);

	put(record, object, "now", json_count(count->now));
	if (report->events) {
		put(record, object, "born", json_count(due->born));
		put(record, object, "exited", json_count(due->exited));
		put(record, object, "rate_per_min", json_real(count->rate_per_minute));
	}
	return object;
}

static void put_goroutines(struct record *record, const struct report *report,
			   const struct watched_process *process,
			   const struct emission_process *due)
{
	json_t *goroutines;

	if (process->go_version)
		put(record, record->parkscope, "go_version", json_hostile(process->go_version));
	if (process->go_refused)
		put(record, record->parkscope, "goroutines_unavailable",
		    json_hostile(process->go_refused));
	if (!watched_process_has_goroutines(process))
		return;
	goroutines =
		put_units(record, "goroutines", report, &process->goroutines, &due->goroutines);
	put(record, goroutines, "runtime", json_count(process->runtime_goroutines));
}

void record_fill_process(struct record *record, const struct report *report,
			 const struct watched_process *process, const struct emission_process *due)
{
	put_units(record, "threads", report, &process->threads, &due->threads);
	put_goroutines(record, report, process, due);
	if (report->events)
		put_waits(record, due);
	put(record, record->parkscope, "watched_s",
	    json_seconds(report->now_ns > process->first_seen_ns
				 ? report->now_ns - process->first_seen_ns
				 : 0));
	if (process->ended)
		put(record, record->parkscope, "ended", json_true());
}

/* unit, reason (birth sites have none), site, whether it is portable and whether Go's runtime's. */
static void put_site_identity(struct record *record, const struct site *site)
{
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, site->id.hash);
	put(record, record->parkscope, "unit", json_string_nocheck(unit_name(site->unit)));
	if (site->kind == SITE_PARK)
		put(record, record->parkscope, "reason", json_string_nocheck(site->reason));
	put(record, record->parkscope, "site", json_string_nocheck(id));
	put(record, record->parkscope, "portable", json_boolean(site->id.portable));
	if (site->runtime)
		put(record, record->parkscope, "runtime", json_true());
}

/* One number where all have the same, else the least and the largest. */
static void put_capacity(struct record *record, json_t *channel, const struct wait_objects *objects)
{
	if (objects->capacity_min == objects->capacity_max) {
		put(record, channel, "capacity", json_count(objects->capacity_max));
		return;
	}
	put(record, channel, "capacity_min", json_count(objects->capacity_min));
	put(record, channel, "capacity_max", json_count(objects->capacity_max));
}

static void put_channel(struct record *record, const struct wait_objects *objects)
{
	const char *sharing = wait_sharing_name(wait_objects_sharing(objects));
	json_t *channel;

	if (!sharing)
		return;
	channel = put_object(record, record->parkscope, "channel");
	put(record, channel, "kind", json_string_nocheck(wait_object_kind_name(objects->kind)));
	put(record, channel, "sharing", json_string_nocheck(sharing));
	put(record, channel, "looked_at", json_count(objects->looked_at));
	put(record, channel, "distinct", json_count(objects->distinct));
	/* Of a select only one of its channels is known, and a semaphore has no elements. */
	if (objects->kind != WAIT_OBJECT_CHANNEL)
		return;
	put_capacity(record, channel, objects);
	put(record, channel, "full", json_count(objects->full));
	put(record, channel, "empty", json_count(objects->empty));
	put(record, channel, "closed", json_count(objects->closed));
}

/* Where a go statement made the units of a park site. */
static void put_creator(struct record *record, const struct site *site)
{
	char text[JSON_STRING_MAX];

	if (!site->creator || !site->creator->count)
		return;
	frame_print(&site->creator->frames[site->creator->count - 1], text, sizeof(text));
	put(record, record->parkscope, "created_by", json_hostile(text));
	if (site->creators_differ)
		put(record, record->parkscope, "created_by_differs", json_true());
}

static void put_stack(struct record *record, const struct stack *stack)
{
	json_t *array = put_array(record, record->parkscope, "stack");

	for (size_t i = 0; i < stack->count; i++) {
		char text[JSON_STRING_MAX];

		frame_print(&stack->frames[i], text, sizeof(text));
		append(record, array, json_hostile(text));
	}
}

void record_fill_stack(struct record *record, const struct site *site)
{
	put_site_identity(record, site);
	put_stack(record, site->stack);
}

/* Who is in the crowd; a thread that is the only one of its name is known by its id, too. */
static void put_threads(struct record *record, json_t *crowd, const struct thread_names *names)
{
	json_t *array = put_array(record, crowd, "threads");

	for (size_t i = 0; i < names->count; i++) {
		const struct thread_name *name = &names->items[i];
		json_t *object = json_object();

		put(record, object, "name", json_hostile(name->text));
		put(record, object, "count", json_count(name->count));
		if (name->count == 1)
			put(record, object, "tid", json_count(name->tid));
		append(record, array, object);
	}
	if (names->others)
		put(record, crowd, "threads_other", json_count(names->others));
}

static void put_park_site(struct record *record, const struct report *report,
			  const struct emission_site *due, bool with_threads)
{
	const struct site *site = due->site;
	json_t *crowd, *waits;

	put_creator(record, site);
	put_channel(record, &site->objects);
	crowd = put_object(record, record->parkscope, "crowd");
	put(record, crowd, "now", json_count(site->crowd.now));
	put(record, crowd, "oldest_s", json_seconds(site->crowd.oldest_ns));
	put(record, crowd, "oldest_at_most", json_boolean(site->crowd.oldest_bound == AGE_AT_MOST));
	put(record, crowd, "oldest_at_least",
	    json_boolean(site->crowd.oldest_bound == AGE_AT_LEAST));
	if (with_threads && (site->unit == UNIT_THREAD || site->names.count))
		put_threads(record, crowd, &site->names);
	if (!report->events)
		return;
	put(record, crowd, "arrived", json_count(due->counts.arrived));
	put(record, crowd, "departed", json_count(due->counts.departed));
	put(record, crowd, "rate_per_min", json_real(site_rate_per_minute(site)));
	/* Goroutines are looked at in each sweep; their waits between two are not seen. */
	if (site->unit == UNIT_GOROUTINE)
		return;
	waits = put_object(record, record->parkscope, "waits");
	put(record, waits, "count", json_count(due->counts.waits));
	put(record, waits, "seconds", json_seconds(due->counts.waits_ns));
	put(record, waits, "max_s", json_seconds(site->waits.max_ns));
}

static void put_birth_site(struct record *record, const struct report *report,
			   const struct emission_site *due)
{
	put(record, record->parkscope, "live", json_count(due->site->births.live));
	if (!report->events)
		return;
	put(record, record->parkscope, "born", json_count(due->counts.born));
	put(record, record->parkscope, "exited", json_count(due->counts.exited));
	put(record, record->parkscope, "rate_per_min", json_real(site_rate_per_minute(due->site)));
}

void record_fill_site(struct record *record, const struct report *report,
		      const struct emission_site *due, bool full)
{
	put_site_identity(record, due->site);
	if (full)
		put_stack(record, due->site->stack);
	if (due->site->kind == SITE_PARK)
		put_park_site(record, report, due, full);
	else
		put_birth_site(record, report, due);
}

void record_fill_other(struct record *record, const struct report *report, enum site_kind kind,
		       enum unit unit, const struct emission_other *other)
{
	bool park = kind == SITE_PARK;

	put(record, record->parkscope, "kind",
	    json_string_nocheck(park ? "park_site" : "birth_site"));
	put(record, record->parkscope, "unit", json_string_nocheck(unit_name(unit)));
	put(record, record->parkscope, "sites", json_count(other->sites));
	put(record, record->parkscope, park ? "now" : "live", json_count(other->size));
	if (!report->events)
		return;
	put(record, record->parkscope, park ? "arrived" : "born",
	    json_count(park ? other->counts.arrived : other->counts.born));
	put(record, record->parkscope, park ? "departed" : "exited",
	    json_count(park ? other->counts.departed : other->counts.exited));
	if (park && unit == UNIT_THREAD) {
		json_t *waits = put_object(record, record->parkscope, "waits");

		put(record, waits, "count", json_count(other->counts.waits));
		put(record, waits, "seconds", json_seconds(other->counts.waits_ns));
	}
}

static void put_losses(struct record *record, const struct losses *losses, bool of_run)
{
	json_t *object = put_object(record, record->parkscope, "losses");

	for (size_t i = 0; i < losses->count; i++) {
		uint64_t count = of_run ? losses->items[i].total : losses->items[i].interval;

		if (count)
			put(record, object, losses->items[i].cause, json_count(count));
	}
}

void record_fill_loss(struct record *record, const struct losses *losses)
{
	put_losses(record, losses, false);
}

static void put_unwind_cost(struct record *record, json_t *parent, const struct unwind_cost *cost)
{
	json_t *object = put_object(record, parent, "unwind");

	put(record, object, "stacks", json_count(cost->walks));
	put(record, object, "whole", json_count(cost->whole));
	put(record, object, "frames", json_count(cost->frames));
	put(record, object, "seconds", json_real(cost->seconds));
	put(record, object, "longest_s", json_real(cost->longest_seconds));
	put(record, object, "processes", json_count(cost->processes));
	put(record, object, "kernel_table_bytes", json_count(cost->kernel_table_bytes));
	put(record, object, "table_bytes", json_count(cost->table_bytes));
}

void record_fill_end(struct record *record, const struct run_totals *totals,
		     const struct run_end *end)
{
	json_t *object = put_object(record, record->parkscope, "totals");

	put(record, object, "processes", json_count(totals->processes));
	put(record, object, "waits", json_count(totals->waits));
	put(record, object, "births", json_count(totals->births));
	put(record, object, "exits", json_count(totals->exits));
	put(record, object, "goroutine_births", json_count(totals->goroutine_births));
	put(record, object, "goroutine_exits", json_count(totals->goroutine_exits));
	put_losses(record, end->losses, true);
	object = put_object(record, record->parkscope, "cost");
	put(record, object, "cpu_s", json_real(end->cost->cpu_seconds));
	if (end->cost->bpf_seconds >= 0) {
		put(record, object, "bpf_s", json_real(end->cost->bpf_seconds));
		put(record, object, "bpf_runs", json_count(end->cost->bpf_runs));
	}
	put(record, object, "rss_bytes", json_count(end->cost->rss_bytes));
	put_unwind_cost(record, object, &end->cost->unwind);
	put(record, record->parkscope, "watched_s", json_real(end->watched_s));
	put(record, record->parkscope, "reason", json_hostile(end->reason));
}
