// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/jsonl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/buffer.h"
#include "output/emission.h"
#include "output/jsonl_diff.h"
#include "output/jsonl_records.h"
#include "output/jsonl_verdict.h"

/* Whole lines are collected up to here: few system calls, and memory stays bounded. */
#define FLUSH_BYTES (256 * 1024)

/*
 * ASCII only: U+0085 and U+2028 would end a line for some readers. 12 digits
 * hold a day in microseconds and keep 0.1 from being 0.1000000000000000056.
 */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12))

struct jsonl {
	struct jsonl_config config;
	struct sink *sink;
	struct emission *emission;
	struct record_context context;
	struct run_totals totals;
	struct buffer buffer;
	uint64_t seq;
};

struct jsonl *jsonl_new(const struct jsonl_config *config, struct sink *sink)
{
	auto_free(jsonl) struct jsonl *jsonl = calloc(1, sizeof(*jsonl));
	struct emission_rules rules;

	if (!jsonl)
		return NULL;
	jsonl->config = *config;
	jsonl->sink = sink;
	if (strcmp(config->command, "dump") == 0)
		jsonl->config.full = true;
	rules = (struct emission_rules){
		.full = jsonl->config.full, .top = config->top, .units = config->units};
	jsonl->emission = emission_new(&rules);
	if (!jsonl->emission ||
	    !record_context_start(&jsonl->context, config->hostname, config->run_id))
		return NULL;
	return take_ptr(jsonl);
}

void jsonl_free(struct jsonl *jsonl)
{
	if (!jsonl)
		return;
	emission_free(jsonl->emission);
	record_context_release(&jsonl->context);
	buffer_release(&jsonl->buffer);
	free(jsonl);
}

static int flush(struct jsonl *jsonl, struct error *error)
{
	int code;

	if (jsonl->buffer.failed)
		return error_set(error, -ENOMEM, "out of memory");
	code = sink_write(jsonl->sink, jsonl->buffer.data, jsonl->buffer.length, error);
	buffer_clear(&jsonl->buffer);
	return code;
}

static int add_to_buffer(const char *text, size_t length, void *buffer)
{
	buffer_add(buffer, text, length);
	return 0;
}

static void begin(struct jsonl *jsonl, struct record *record, const char *kind, const char *dataset,
		  double interval_s)
{
	record_begin(record, &jsonl->context, kind, dataset, jsonl->seq++, interval_s);
}

/* Takes the record. */
static int finish(struct jsonl *jsonl, struct record *record, struct error *error)
{
	bool failed = record->failed || json_dump_callback(record->root, add_to_buffer,
							   &jsonl->buffer, DUMP_FLAGS) != 0;

	json_decref(record->root);
	buffer_add(&jsonl->buffer, "\n", 1);
	if (failed || jsonl->buffer.failed)
		return error_set(error, -ENOMEM, "out of memory");
	return jsonl->buffer.length >= FLUSH_BYTES ? flush(jsonl, error) : 0;
}

static int set_time(struct jsonl *jsonl, int64_t wall_ns, struct error *error)
{
	/* A call that failed may have left half a report. */
	buffer_clear(&jsonl->buffer);
	return record_context_set_time(&jsonl->context, wall_ns)
		       ? 0
		       : error_set(error, -ENOMEM, "out of memory");
}

int jsonl_start(struct jsonl *jsonl, int64_t wall_ns, struct error *error)
{
	struct record record;
	int code = set_time(jsonl, wall_ns, error);

	if (code)
		return code;
	begin(jsonl, &record, "event", "parkscope.start", 0);
	record_fill_start(&record, &jsonl->config);
	code = finish(jsonl, &record, error);
	return code ? code : flush(jsonl, error);
}

static int write_site(struct jsonl *jsonl, const struct report *report,
		      const struct emission_site *due, struct error *error)
{
	bool park = due->site->kind == SITE_PARK;
	struct record record;

	if (due->stack_due) {
		int code;

		begin(jsonl, &record, "state", "parkscope.stack", report->interval_s);
		record_fill_stack(&record, due->site);
		code = finish(jsonl, &record, error);
		if (code)
			return code;
	}
	begin(jsonl, &record, "metric", park ? "parkscope.park_site" : "parkscope.birth_site",
	      due->interval_s);
	record_add_process(&record, &jsonl->context);
	record_fill_site(&record, report, due, jsonl->config.full);
	return finish(jsonl, &record, error);
}

static int write_verdict(struct jsonl *jsonl, const struct report *report,
			 const struct verdict_change *change, struct error *error)
{
	struct record record;

	begin(jsonl, &record, "event", "parkscope.verdict", report->interval_s);
	record_add_process(&record, &jsonl->context);
	record_fill_verdict(&record, report, change);
	return finish(jsonl, &record, error);
}

static int write_others(struct jsonl *jsonl, const struct report *report,
			const struct emission_due *due, struct error *error)
{
	int code = 0;

	for (size_t i = 0; i < 4 && !code; i++) {
		enum site_kind kind = i / 2 ? SITE_BIRTH : SITE_PARK;
		enum unit unit = i % 2 ? UNIT_GOROUTINE : UNIT_THREAD;
		const struct emission_other *other = &due->other[kind][unit];
		struct record record;

		if (!other->sites)
			continue;
		begin(jsonl, &record, "metric", "parkscope.other", other->interval_s);
		record_add_process(&record, &jsonl->context);
		record_fill_other(&record, report, kind, unit, other);
		code = finish(jsonl, &record, error);
	}
	return code;
}

static int write_process(struct jsonl *jsonl, const struct report *report,
			 const struct watched_process *process, struct error *error)
{
	autofree struct verdict_change *changes = NULL;
	const struct emission_due *due;
	struct record record;
	size_t count = 0;
	int code = emission_next(jsonl->emission, report, process, &due);

	if (!code && report->events)
		code = verdict_changes(process, jsonl->config.units, &changes, &count);
	if (code)
		return error_set(error, code, "out of memory");
	/* Without a site that is due there is none beyond `top`. */
	if (!count && !due->process.due && !due->sites_count)
		return 0;
	if (!record_context_set_process(&jsonl->context, process))
		return error_set(error, -ENOMEM, "out of memory");
	/* What has changed stands first: it is what a pipeline waits for. */
	for (size_t i = 0; i < count && !code; i++)
		code = write_verdict(jsonl, report, &changes[i], error);
	if (!code && due->process.due) {
		begin(jsonl, &record, "metric", "parkscope.process", due->process.interval_s);
		record_add_process(&record, &jsonl->context);
		record_fill_process(&record, report, process, &due->process);
		code = finish(jsonl, &record, error);
	}
	for (size_t i = 0; i < due->sites_count && !code; i++)
		code = write_site(jsonl, report, &due->sites[i], error);
	return code ? code : write_others(jsonl, report, due, error);
}

int jsonl_report(struct jsonl *jsonl, const struct report *report, struct error *error)
{
	struct record record;
	int code = set_time(jsonl, report->wall_ns, error);

	run_totals_add(&jsonl->totals, report);
	for (size_t i = 0; i < report->processes_count && !code; i++)
		code = write_process(jsonl, report, report->processes[i], error);
	if (code)
		return code;
	emission_end_report(jsonl->emission);
	if (report->losses && losses_interval(report->losses)) {
		begin(jsonl, &record, "metric", "parkscope.loss", report->interval_s);
		record_fill_loss(&record, report->losses);
		code = finish(jsonl, &record, error);
		if (code)
			return code;
	}
	if (jsonl->config.verbose && report->events && !report->cost.unknown) {
		begin(jsonl, &record, "metric", "parkscope.cost", report->interval_s);
		record_fill_cost(&record, &report->cost);
		code = finish(jsonl, &record, error);
		if (code)
			return code;
	}
	return flush(jsonl, error);
}

int jsonl_end(struct jsonl *jsonl, const struct run_end *end, struct error *error)
{
	struct record record;
	int code = set_time(jsonl, end->wall_ns, error);

	if (code)
		return code;
	begin(jsonl, &record, "event", "parkscope.end", end->watched_s);
	record_fill_end(&record, &jsonl->totals, end);
	code = finish(jsonl, &record, error);
	return code ? code : flush(jsonl, error);
}

static int write_process_diff(struct jsonl *jsonl, const struct dump_diff *diff,
			      const struct process_diff *process, const struct dump *old,
			      const struct dump *new_dump, struct error *error)
{
	double interval_s = diff->elapsed_ns > 0 ? (double)diff->elapsed_ns / 1e9 : 0;
	size_t written[UNIT_GOROUTINE + 1] = {0};
	struct record record;
	int code;

	if (!record_context_set_diff(&jsonl->context, process))
		return error_set(error, -ENOMEM, "out of memory");
	begin(jsonl, &record, "state", "parkscope.diff", interval_s);
	record_add_diff_process(&record, &jsonl->context);
	record_fill_process_diff(&record, diff, process, old, new_dump, jsonl->config.units);
	code = finish(jsonl, &record, error);
	for (size_t i = 0; i < process->sites_count && !code; i++) {
		const struct site_diff *site = &process->sites[i];
		enum unit unit = (site->new ? site->new : site->old)->unit;

		if ((site->change == DIFF_SAME && !jsonl->config.full) ||
		    (jsonl->config.top && written[unit]++ >= jsonl->config.top))
			continue;
		begin(jsonl, &record, "state", "parkscope.diff", interval_s);
		record_add_diff_process(&record, &jsonl->context);
		record_fill_site_diff(&record, diff, process, site);
		code = finish(jsonl, &record, error);
	}
	return code;
}

int jsonl_diff(struct jsonl *jsonl, const struct dump_diff *diff, const struct dump *old,
	       const struct dump *new_dump, struct error *error)
{
	int code = set_time(jsonl, new_dump->wall_ns, error);

	for (size_t i = 0; i < diff->processes_count && !code; i++)
		code = write_process_diff(jsonl, diff, &diff->processes[i], old, new_dump, error);
	return code ? code : flush(jsonl, error);
}
