// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/sources.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sources/context.h"
#include "sources/goroutines.h"
#include "sources/kernel_losses.h"
#include "sources/limits.h"
#include "sources/memory.h"
#include "sources/own_cost.h"
#include "sources/pace.h"
#include "sources/parked_threads.h"
#include "sources/places.h"
#include "sources/reasons.h"
#include "sources/stacks.h"
#include "sources/thread_births.h"
#include "sources/wait_places.h"

/* Larger blocks are mapped, and so gone when they are freed. glibc's own limit grows. */
#define MAPPED_BLOCK_BYTES (256 * 1024)

struct sources {
	struct sources_context context;
	struct parked_threads *parked;
	struct thread_births *births; /* NULL without events */
	struct goroutines *goroutines;
	struct limits *limits; /* NULL without events */
	struct own_cost_meter *meter;
	struct pace *pace; /* NULL without events */
	struct watched_process **listed;
	bool keep_sites;
	uint64_t opened_ns;
	uint64_t reported_ns;
};

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	pace_free(sources->pace);
	own_cost_meter_free(sources->meter);
	thread_births_free(sources->births);
	goroutines_free(sources->goroutines);
	limits_free(sources->limits);
	parked_threads_free(sources->parked);
	tracer_free(sources->context.tracer);
	thread_table_free(sources->context.threads);
	process_table_free(sources->context.processes);
	stacks_free(sources->context.stacks);
	symbolizer_free(sources->context.symbolizer);
	mapping_cache_free(sources->context.mappings);
	free(sources->listed);
	free(sources);
}

/* Brings what the sweep found together with the events that were pending. */
static int take_events(struct sources *sources, struct error *error)
{
	struct sources_context *context = &sources->context;
	int err = sources->births ? thread_births_drain(sources->births) : 0;

	thread_births_reconcile(context);
	if (!err && sources->births)
		err = wait_places_read_ended(context);
	if (err)
		return error_set(error, err, "cannot read what the kernel counted: %s",
				 strerror(-err));
	wait_places_settle(context);
	return 0;
}

/* Everything that is found in a sweep and was pending in the ring buffer, brought together. */
static int sweep(struct sources *sources, struct error *error)
{
	struct sources_context *context = &sources->context;
	int err = sources->births ? wait_places_read_map(context) : 0;

	if (err)
		return error_set(error, err, "cannot read what the kernel counted: %s",
				 strerror(-err));
	err = parked_threads_sweep(sources->parked, error);
	if (!err)
		err = take_events(sources, error);
	if (err)
		return err;
	stacks_sweep(context->stacks);
	memory_look(context);
	err = goroutines_sweep(sources->goroutines, error);
	if (err)
		return err;
	parked_threads_end(sources->parked);
	if (sources->limits)
		limits_sweep(sources->limits);
	if (kernel_losses_collect(context->tracer, &context->losses))
		places_drain_stacks(context);
	return 0;
}

/*
 * `named`: the processes are few and were named by the user, so that their tables are
 * loaded before the first birth; otherwise those who need tables ask for them.
 */
static int attach(struct sources *sources, bool named, struct error *error)
{
	struct sources_context *context = &sources->context;
	int err = thread_births_open(context, &sources->births, error);

	if (!err && named) {
		err = parked_threads_meet(sources->parked, error);
		if (!err)
			stacks_load_known(context->stacks);
	}
	if (!err)
		err = tracer_attach_births(context->tracer, error);
	context->attached_ns = clock_ns(CLOCK_MONOTONIC);
	if (!err)
		err = sweep(sources, error);
	if (!err)
		err = tracer_attach_waits(context->tracer, error);
	return err;
}

/* Last: what it took to get here does not count. */
static int keep_accounts(struct sources *sources, const struct sources_config *config,
			 struct error *error)
{
	struct sources_context *context = &sources->context;
	int err = own_cost_meter_new(context, config->events, &sources->meter);

	if (!err && config->events)
		err = pace_new(context, sources->meter, &config->budget, &sources->pace);
	if (err)
		return error_set(error, err, "cannot measure the cost: %s", strerror(-err));
	memory_settle(context);
	return 0;
}

int sources_open(const struct sources_config *config, struct sources **ret, struct error *error)
{
	auto_free(sources) struct sources *sources = calloc(1, sizeof(*sources));
	struct goroutines_config goroutines;
	struct symbolizer_config symbolizer;
	const struct memory_shares shares = memory_shares(config->memory);
	struct sources_context *context;
	struct tracer_config tracer;
	int err;

	if (!sources)
		return error_set(error, -ENOMEM, "out of memory");
	mallopt(M_MMAP_THRESHOLD, MAPPED_BLOCK_BYTES);
	context = &sources->context;
	context->features = config->features;
	sources->keep_sites = config->keep_sites;
	context->stays = config->stays;
	context->rules = config->rules;
	if (getrandom(&context->stack_hash_seed, sizeof(context->stack_hash_seed), 0) !=
	    sizeof(context->stack_hash_seed))
		return error_set(error, -errno, "getrandom: %s", strerror(errno));
	memory_room_init(&context->room, config->memory);
	context->processes = process_table_new(&context->room);
	context->threads = thread_table_new(&context->room);
	context->mappings = mapping_cache_new(shares.mappings);
	if (!context->processes || !context->threads || !context->mappings)
		return error_set(error, -ENOMEM, "out of memory");

	tracer = (struct tracer_config){
		.features = config->features,
		.pids = config->pids,
		.pids_count = config->pids_count,
		.stack_hash_seed = context->stack_hash_seed,
		.syscall_reasons = reasons_by_syscall(),
		.compat_syscall_reasons = reasons_by_compat_syscall(),
		.exact = config->exact,
		.walk_allowance_ns = (uint64_t)(config->budget.part * (double)BUDGET_WINDOW_NS /
						config->budget.cpus),
		.sweep_only = !config->events,
	};
	goroutines = (struct goroutines_config){
		.each = config->each_goroutine,
		.stays = config->stays,
		.runtime_frames = config->runtime_frames,
	};
	symbolizer = (struct symbolizer_config){
		.processes = context->mappings,
		.kernel_symbols = config->features->has[FEATURE_KERNEL_SYMBOLS],
		.map_files = config->features->has[FEATURE_MAP_FILES],
		.lines = config->lines,
		.demangle = config->demangle,
		.symbols_limit = shares.symbols,
		.go_tables_limit = shares.go_tables,
		.perf_maps_limit = shares.perf_maps,
	};
	err = symbolizer_new(&symbolizer, &context->symbolizer, error);
	if (!err)
		err = tracer_open(&tracer, &context->tracer, error);
	/* libbpf took several MiB to read the kernel's types, which are free now. */
	malloc_trim(0);
	if (!err)
		context->map_bytes = tracer_map_memory(context->tracer);
	context->table_bytes = shares.unwind_tables;
	if (!err)
		memory_allow_records(context);
	if (!err)
		err = stacks_open(context, shares.unwind_tables, config->events, &context->stacks,
				  error);
	if (!err)
		err = parked_threads_open(context, &sources->parked, error);
	if (!err)
		err = goroutines_open(context, &goroutines, &sources->goroutines, error);
	sources->opened_ns = sources->reported_ns = clock_ns(CLOCK_MONOTONIC);
	if (!err && config->events)
		err = limits_open(context, config->pids_count > 0, &sources->limits, error);
	if (!err && config->events)
		err = attach(sources, config->pids_count > 0, error);
	if (!err)
		err = keep_accounts(sources, config, error);
	if (err)
		return err;
	*ret = take_ptr(sources);
	return 0;
}

int sources_events_fd(const struct sources *sources)
{
	return sources->births ? thread_births_fd(sources->births) : -1;
}

int sources_handle_events(struct sources *sources)
{
	int err = sources->births ? thread_births_drain(sources->births) : 0;

	memory_allow_records(&sources->context);
	return err;
}

int sources_timer_fd(const struct sources *sources)
{
	return own_cost_meter_fd(sources->meter);
}

void sources_handle_timer(struct sources *sources)
{
	if (own_cost_meter_step(sources->meter))
		pace_step(sources->pace);
}

uint64_t sources_interval_ns(const struct sources *sources)
{
	return pace_interval(sources->pace);
}

size_t sources_living(const struct sources *sources)
{
	return process_table_count(sources->context.processes, false);
}

struct listing {
	struct watched_process **processes;
	size_t count;
};

static void list_process(struct process_entry *entry, void *data)
{
	struct listing *listing = data;

	listing->processes[listing->count++] = entry->process;
}

/* Of the last sweep. */
static int fill_report(struct sources *sources, struct report *report, struct error *error)
{
	struct sources_context *context = &sources->context;
	uint64_t swept_ns = context->swept_ns;
	uint64_t wall_ns = clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_MONOTONIC) - swept_ns);
	struct listing listing = {0};

	listing.processes = calloc(process_table_count(context->processes, true) + 1,
				   sizeof(struct watched_process *));
	if (!listing.processes)
		return error_set(error, -ENOMEM, "out of memory");
	process_table_each(context->processes, true, list_process, &listing);
	report_sort_processes(listing.processes, listing.count);
	free(sources->listed);
	sources->listed = listing.processes;

	*report = (struct report){
		.wall_ns = (int64_t)wall_ns,
		.now_ns = swept_ns,
		.opened_ns = sources->opened_ns,
		.interval_s = (double)(swept_ns - sources->reported_ns) / 1e9,
		.watched_s = (double)(swept_ns - sources->opened_ns) / 1e9,
		.events = sources->births != NULL,
		.processes = listing.processes,
		.processes_count = listing.count,
		.losses = &context->losses,
	};
	for (size_t i = 0; i < listing.count; i++)
		report->leak_pending |= listing.processes[i]->leak_pending;
	return 0;
}

int sources_baseline(struct sources *sources, struct report *report, struct error *error)
{
	return fill_report(sources, report, error);
}

static void expire_sites(struct process_entry *entry, void *data)
{
	places_expire_sites(data, entry);
}

int sources_take_report(struct sources *sources, struct report *report, struct error *error)
{
	uint64_t began_ns = clock_ns(CLOCK_MONOTONIC);
	int err;

	if (sources->pace)
		pace_begin_report(sources->pace);
	err = sweep(sources, error);
	if (!err)
		err = fill_report(sources, report, error);
	if (err)
		return err;
	report->cost = own_cost_meter_cost(sources->meter);
	memory_settle(&sources->context);
	if (!sources->keep_sites)
		process_table_each(sources->context.processes, false, expire_sites,
				   &sources->context);
	report->cost.sweep_seconds = (double)(clock_ns(CLOCK_MONOTONIC) - began_ns) / 1e9;
	if (sources->pace)
		report->cost.budget = pace_status(sources->pace);
	sources->reported_ns = report->now_ns;
	return 0;
}

static void end_process_report(struct process_entry *entry, void *data)
{
	struct sources *sources = data;
	struct sources_context *context = &sources->context;

	/* Its mappings named the last stacks; the files stay cached. */
	if (entry->process->ended) {
		mapping_cache_forget(context->mappings, (pid_t)entry->tgid);
		goroutines_forget(sources->goroutines, entry);
		stacks_forget(context->stacks, entry->tgid);
	}
	watched_process_end_report(entry->process);
	places_drop_expired(entry);
}

void sources_end_report(struct sources *sources)
{
	struct sources_context *context = &sources->context;

	process_table_each(context->processes, true, end_process_report, sources);
	process_table_drop_ended(context->processes);
	memory_trim(context);
	losses_end_report(&context->losses);
	if (sources->pace)
		pace_end_report(sources->pace);
}
