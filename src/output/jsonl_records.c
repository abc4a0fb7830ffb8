// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/jsonl_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/jsonl_fields.h"

bool record_context_start(struct record_context *context, const char *hostname, const char *run_id)
{
	context->host = json_object();
	context->ecs = json_object();
	context->run_id = value_text(run_id);
	if (!context->host || !context->ecs || !context->run_id)
		return false;
	return !json_object_set_new_nocheck(context->host, "name", value_text(hostname)) &&
	       !json_object_set_new_nocheck(context->ecs, "version",
					    json_string_nocheck(JSONL_ECS_VERSION));
}

bool record_context_set_time(struct record_context *context, int64_t wall_ns)
{
	json_decref(context->timestamp);
	context->timestamp = value_time(wall_ns);
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

	record_put(&record, context->process, "pid", value_count(process->pid));
	if (process->name)
		record_put(&record, context->process, "name", value_text(process->name));
	if (process->executable)
		record_put(&record, context->process, "executable",
			   value_text(process->executable));
	if (process->start_unix_ns)
		record_put(&record, context->process, "start", value_time(process->start_unix_ns));
	if (process->entity_id)
		record_put(&record, context->process, "entity_id", value_text(process->entity_id));
	if (process->container_id) {
		context->container = json_object();
		record_put(&record, context->container, "id", value_text(process->container_id));
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
	record_put(record, record->root, "@timestamp", json_incref(context->timestamp));
	event = record_put_object(record, record->root, "event");
	record_put(record, event, "kind", json_string_nocheck(kind));
	record_put(record, event, "dataset", json_string_nocheck(dataset));
	record_put(record, record->root, "host", json_incref(context->host));
	record_put(record, record->root, "ecs", json_incref(context->ecs));
	record->parkscope = record_put_object(record, record->root, "parkscope");
	record_put(record, record->parkscope, "run_id", json_incref(context->run_id));
	record_put(record, record->parkscope, "seq", value_count(seq));
	record_put(record, record->parkscope, "interval_s", json_real(interval_s));
}

void record_add_process(struct record *record, const struct record_context *context)
{
	record_put(record, record->root, "process", json_incref(context->process));
	if (context->container)
		record_put(record, record->root, "container", json_incref(context->container));
	if (context->ns_pid)
		record_put(record, record->parkscope, "ns_pid", value_count(context->ns_pid));
	record_put(record, record->parkscope, "exec_id", value_count(context->exec_id));
}

void record_fill_start(struct record *record, const struct jsonl_config *config)
{
	json_t *features, *degraded;

	record_put(record, record->parkscope, "schema", json_string_nocheck(JSONL_SCHEMA_VERSION));
	record_put(record, record->parkscope, "version", value_text(config->version));
	record_put(record, record->parkscope, "command", value_text(config->command));
	features = record_put_object(record, record->parkscope, "features");
	for (size_t i = 0; i < config->features_count; i++)
		record_put(record, features, config->features[i].name,
			   json_boolean(config->features[i].available));
	degraded = record_put_array(record, record->parkscope, "degraded");
	for (size_t i = 0; i < config->degraded_count; i++)
		record_append(record, degraded, value_text(config->degraded[i]));
}

/* [[upper bound in ns, count], ...] without empty buckets; null: no upper bound. */
static void put_histogram(struct record *record, json_t *object, const uint64_t *buckets)
{
	json_t *histogram = record_put_array(record, object, "histogram");

	for (size_t i = 0; i < WAIT_HISTOGRAM_BUCKETS; i++) {
		bool last = i + 1 == WAIT_HISTOGRAM_BUCKETS;
		json_t *pair;

		if (!buckets[i])
			continue;
		pair = json_array();
		record_append(record, pair, last ? json_null() : value_count(1ULL << (i + 10)));
		record_append(record, pair, value_count(buckets[i]));
		record_append(record, histogram, pair);
	}
}

static void put_waits(struct record *record, const struct emission_process *due)
{
	json_t *array = record_put_array(record, record->parkscope, "waits");
	const struct emission_waits none = {0}, *futex = &none;
	json_t *object;

	for (size_t i = 0; i < due->waits_count; i++) {
		const struct emission_waits *waits = &due->waits[i];

		object = json_object();
		record_put(record, object, "reason", json_string_nocheck(waits->reason));
		record_put(record, object, "count", value_count(waits->count));
		record_put(record, object, "restarts", value_count(waits->restarts));
		record_put(record, object, "seconds", value_seconds(waits->duration_ns));
		record_put(record, object, "waiting_s", value_seconds(waits->waiting_ns));
		put_histogram(record, object, waits->histogram);
		record_append(record, array, object);
		if (strcmp(waits->reason, "futex") == 0)
			futex = waits;
	}
	object = record_put_object(record, record->parkscope, "futex");
	record_put(record, object, "waits", value_count(futex->count));
	record_put(record, object, "seconds", value_seconds(futex->duration_ns));
}

/* How the waits came to their sites; of a recording, which has none of it, nothing. */
static void put_sampling(struct record *record, const struct watched_process *process,
			 const struct attribution *attribution)
{
	json_t *object;
	double part;

	if (!process->attribution.captured || !attribution->waits)
		return;
	object = record_put_object(record, record->parkscope, "sampling");
	record_put(record, object, "captured", value_count(attribution->captured));
	record_put(record, object, "inferred", value_count(attribution->inferred));
	record_put(record, object, "skipped", value_count(attribution->skipped));
	record_put(record, object, "error", json_real(attribution_error(attribution)));
	if (attribution_mismatch(attribution, &part))
		record_put(record, object, "attribution_error", json_real(part));
}

/* Borrowed. */
static json_t *put_units(struct record *record, const char *key, const struct report *report,
			 const struct unit_count *count, const struct emission_units *due)
{
	json_t *object = record_put_object(record, record->parkscope, key);

	record_put(record, object, "now", value_count(count->now));
	if (report->events) {
		record_put(record, object, "born", value_count(due->born));
		record_put(record, object, "exited", value_count(due->exited));
		record_put(record, object, "rate_per_min", json_real(count->rate_per_minute));
	}
	return object;
}

static void put_goroutines(struct record *record, const struct report *report,
			   const struct watched_process *process,
			   const struct emission_process *due)
{
	json_t *goroutines;

	if (process->go_version)
		record_put(record, record->parkscope, "go_version",
			   value_text(process->go_version));
	if (process->go_refused)
		record_put(record, record->parkscope, "goroutines_unavailable",
			   value_text(process->go_refused));
	if (!watched_process_has_goroutines(process))
		return;
	goroutines =
		put_units(record, "goroutines", report, &process->goroutines, &due->goroutines);
	record_put(record, goroutines, "runtime", value_count(process->runtime_goroutines));
}

static void put_verdict(struct record *record, enum verdict verdict)
{
	record_put(record, record->parkscope, "verdict",
		   json_string_nocheck(verdict_name(verdict)));
}

static void put_limits(struct record *record, const struct watched_process *process)
{
	struct limit_prediction met[LIMIT_KINDS];
	size_t count = report_limits_met(process, met);
	json_t *limits;

	if (!count)
		return;
	limits = record_put_array(record, record->parkscope, "limits");
	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		record_put(record, object, "name", json_string_nocheck(limit_name(met[i].kind)));
		record_put(record, object, "limit", value_count(met[i].limit));
		record_put(record, object, "used", value_count(met[i].used));
		record_put(record, object, "rate_per_min", json_real(met[i].per_minute));
		record_put(record, object, "seconds", value_seconds(met[i].until_ns));
		if (!report_limit_is_own(process, &met[i]))
			record_put(record, object, "by_others", json_true());
		record_append(record, limits, object);
	}
}

void record_fill_process(struct record *record, const struct report *report,
			 const struct watched_process *process, const struct emission_process *due)
{
	put_units(record, "threads", report, &process->threads, &due->threads);
	put_goroutines(record, report, process, due);
	if (report->events) {
		put_waits(record, due);
		put_sampling(record, process, &due->attribution);
	}
	if (report->events)
		put_verdict(record, process->verdict);
	if (watched_process_has_forecast(process)) {
		uint64_t rss = limit_forecast_rss(process->forecast);

		if (rss)
			record_put(record, record->parkscope, "rss_bytes", value_count(rss));
		put_limits(record, process);
	}
	record_put(record, record->parkscope, "watched_s",
		   value_seconds(report->now_ns > process->first_seen_ns
					 ? report->now_ns - process->first_seen_ns
					 : 0));
	if (process->ended)
		record_put(record, record->parkscope, "ended", json_true());
}

void record_fill_stack(struct record *record, const struct site *site)
{
	record_put_site(record, site);
	record_put_stack(record, site->stack);
}

/* Who is in the crowd; a thread that is the only one of its name is known by its id, too. */
static void put_threads(struct record *record, json_t *crowd, const struct thread_names *names)
{
	json_t *array = record_put_array(record, crowd, "threads");

	for (size_t i = 0; i < names->count; i++) {
		const struct thread_name *name = &names->items[i];
		json_t *object = json_object();

		record_put(record, object, "name", value_text(name->text));
		record_put(record, object, "count", value_count(name->count));
		if (name->count == 1)
			record_put(record, object, "tid", value_count(name->tid));
		record_append(record, array, object);
	}
	if (names->others)
		record_put(record, crowd, "threads_other", value_count(names->others));
}

/* Which stays they are, for `diff`. Where they were not asked for, or memory was short: nothing. */
static void put_stays(struct record *record, json_t *crowd, const struct stay_sample *stays,
		      uint64_t now)
{
	json_t *object, *ids;

	if (stays->failed || !(stays->count || stays->shift) ||
	    (!stays->shift && stays->count != now))
		return;
	object = record_put_object(record, crowd, "stays");
	record_put(record, object, "one_in", value_count(1ULL << stays->shift));
	ids = record_put_array(record, object, "ids");
	for (size_t i = 0; i < stays->count; i++) {
		char id[17];

		snprintf(id, sizeof(id), "%016" PRIx64, stays->ids[i]);
		record_append(record, ids, json_string_nocheck(id));
	}
}

static void put_park_site(struct record *record, const struct report *report,
			  const struct emission_site *due, bool with_threads)
{
	const struct site *site = due->site;
	json_t *crowd, *waits;
	double error_ns;

	record_put_creator(record, site);
	record_put_channel(record, &site->objects);
	record_put_timed(record, site);
	crowd = record_put_object(record, record->parkscope, "crowd");
	record_put(record, crowd, "now", value_count(site->crowd.now));
	record_put(record, crowd, "oldest_s", value_seconds(site->crowd.oldest_ns));
	record_put(record, crowd, "oldest_at_most",
		   json_boolean(site->crowd.oldest_bound == AGE_AT_MOST));
	record_put(record, crowd, "oldest_at_least",
		   json_boolean(site->crowd.oldest_bound == AGE_AT_LEAST));
	if (with_threads && (site->unit == UNIT_THREAD || site->names.count))
		put_threads(record, crowd, &site->names);
	put_stays(record, crowd, &site->stays, site->crowd.now);
	if (!report->events)
		return;
	record_put(record, crowd, "arrived", value_count(due->counts.arrived));
	record_put(record, crowd, "departed", value_count(due->counts.departed));
	record_put(record, crowd, "rate_per_min", json_real(site_rate_per_minute(site)));
	/* Goroutines are looked at in each sweep; their waits between two are not seen. */
	if (site->unit == UNIT_GOROUTINE)
		return;
	waits = record_put_object(record, record->parkscope, "waits");
	record_put(record, waits, "count", value_count(due->counts.waits));
	record_put(record, waits, "seconds", value_seconds(due->counts.waits_ns));
	record_put(record, waits, "max_s", value_seconds(site->waits.max_ns));
	error_ns = wait_error_ns(due->counts.waits_variance);
	if (error_ns > 0)
		record_put(record, waits, "error_s", json_real(error_ns / 1e9));
}

static void put_birth_site(struct record *record, const struct report *report,
			   const struct emission_site *due)
{
	record_put(record, record->parkscope, "live", value_count(due->site->births.live));
	if (!report->events)
		return;
	record_put(record, record->parkscope, "born", value_count(due->counts.born));
	record_put(record, record->parkscope, "exited", value_count(due->counts.exited));
	record_put(record, record->parkscope, "rate_per_min",
		   json_real(site_rate_per_minute(due->site)));
}

void record_fill_site(struct record *record, const struct report *report,
		      const struct emission_site *due, bool full)
{
	record_put_site(record, due->site);
	if (full)
		record_put_stack(record, due->site->stack);
	if (due->site->kind == SITE_PARK)
		put_park_site(record, report, due, full);
	else
		put_birth_site(record, report, due);
	if (report->events)
		put_verdict(record, due->site->verdict.verdict);
}

void record_fill_other(struct record *record, const struct report *report, enum site_kind kind,
		       enum unit unit, const struct emission_other *other)
{
	bool park = kind == SITE_PARK;

	record_put(record, record->parkscope, "kind",
		   json_string_nocheck(park ? "park_site" : "birth_site"));
	record_put(record, record->parkscope, "unit", json_string_nocheck(unit_name(unit)));
	record_put(record, record->parkscope, "sites", value_count(other->sites));
	record_put(record, record->parkscope, park ? "now" : "live", value_count(other->size));
	if (!report->events)
		return;
	record_put(record, record->parkscope, park ? "arrived" : "born",
		   value_count(park ? other->counts.arrived : other->counts.born));
	record_put(record, record->parkscope, park ? "departed" : "exited",
		   value_count(park ? other->counts.departed : other->counts.exited));
	if (park && unit == UNIT_THREAD) {
		json_t *waits = record_put_object(record, record->parkscope, "waits");

		record_put(record, waits, "count", value_count(other->counts.waits));
		record_put(record, waits, "seconds", value_seconds(other->counts.waits_ns));
	}
}

static void put_losses(struct record *record, const struct losses *losses, bool of_run)
{
	json_t *object = record_put_object(record, record->parkscope, "losses");

	for (size_t i = 0; i < losses->count; i++) {
		uint64_t count = of_run ? losses->items[i].total : losses->items[i].interval;

		if (count)
			record_put(record, object, losses->items[i].cause, value_count(count));
	}
}

void record_fill_loss(struct record *record, const struct losses *losses)
{
	put_losses(record, losses, false);
}

static void put_unwind_cost(struct record *record, json_t *parent, const struct unwind_cost *cost)
{
	json_t *object = record_put_object(record, parent, "unwind");

	record_put(record, object, "stacks", value_count(cost->walks));
	record_put(record, object, "whole", value_count(cost->whole));
	record_put(record, object, "frames", value_count(cost->frames));
	record_put(record, object, "seconds", json_real(cost->seconds));
	record_put(record, object, "longest_s", json_real(cost->longest_seconds));
	record_put(record, object, "processes", value_count(cost->processes));
	record_put(record, object, "kernel_table_bytes", value_count(cost->kernel_table_bytes));
	record_put(record, object, "table_bytes", value_count(cost->table_bytes));
}

static void put_budget(struct record *record, json_t *parent, const struct budget_status *budget)
{
	json_t *object = record_put_object(record, parent, "budget");
	char message[BUDGET_MESSAGE_SIZE];

	record_put(record, object, "percent", json_real(100 * budget->part));
	record_put(record, object, "used_percent", json_real(100 * budget_used(budget)));
	record_put(record, object, "hooks_percent", json_real(100 * budget->hooks));
	record_put(record, object, "walks_percent", json_real(100 * budget->walks));
	record_put(record, object, "reports_percent", json_real(100 * budget->reports));
	record_put(record, object, "rest_percent", json_real(100 * budget->rest));
	record_put(record, object, "asked_interval_s", json_real(budget->asked_s));
	record_put(record, object, "interval_s", json_real(budget->interval_s));
	record_put(record, object, "exceeded", json_boolean(budget->exceeded));
	budget_message(budget, message, sizeof(message));
	if (*message)
		record_put(record, object, "message", value_text(message));
}

void record_fill_cost(struct record *record, const struct own_cost *cost)
{
	json_t *object = record_put_object(record, record->parkscope, "cost");

	record_put(record, object, "cpu_s", json_real(cost->cpu_seconds));
	if (cost->bpf_seconds >= 0) {
		record_put(record, object, "bpf_s", json_real(cost->bpf_seconds));
		record_put(record, object, "bpf_runs", value_count(cost->bpf_runs));
		if (cost->bpf_sampled_seconds > 0)
			record_put(record, object, "bpf_sampled_s",
				   json_real(cost->bpf_sampled_seconds));
	} else if (cost->bpf_error) {
		record_put(record, object, "bpf_unknown", value_text(strerror(cost->bpf_error)));
	}
	record_put(record, object, "rss_bytes", value_count(cost->rss_bytes));
	record_put(record, object, "map_bytes", value_count(cost->map_bytes));
	record_put(record, object, "sweep_s", json_real(cost->sweep_seconds));
	if (cost->budget.part > 0)
		put_budget(record, object, &cost->budget);
	put_unwind_cost(record, object, &cost->unwind);
}

void record_fill_end(struct record *record, const struct run_totals *totals,
		     const struct run_end *end)
{
	json_t *object = record_put_object(record, record->parkscope, "totals");

	record_put(record, object, "processes", value_count(totals->processes));
	record_put(record, object, "waits", value_count(totals->waits));
	record_put(record, object, "births", value_count(totals->births));
	record_put(record, object, "exits", value_count(totals->exits));
	record_put(record, object, "goroutine_births", value_count(totals->goroutine_births));
	record_put(record, object, "goroutine_exits", value_count(totals->goroutine_exits));
	put_losses(record, end->losses, true);
	if (!end->cost->unknown)
		record_fill_cost(record, end->cost);
	record_put(record, record->parkscope, "watched_s", json_real(end->watched_s));
	record_put(record, record->parkscope, "reason", value_text(end->reason));
}
