// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/limits.h"

#include <errno.h>
#include <stdlib.h>

#include "host/resource_limits.h"

/* Reading all of /proc takes long on a large host, some 20 us a process. */
#define COUNT_USERS_NS 30000000000ULL
/* Reading the mappings of one process holds up its own changes of them. */
#define MAPPINGS_THREADS_MAX 20000

struct limits {
	struct sources_context *context;
	struct resource_limits *resources;
	bool named;
	bool threads_grow;         /* of any process, in the last sweep */
	uint64_t users_counted_ns; /* 0: never */
};

void limits_free(struct limits *limits)
{
	if (!limits)
		return;
	resource_limits_free(limits->resources);
	free(limits);
}

int limits_open(struct sources_context *context, bool named, struct limits **ret,
		struct error *error)
{
	auto_free(limits) struct limits *limits = calloc(1, sizeof(*limits));
	int err;

	if (!limits)
		return error_set(error, -ENOMEM, "out of memory");
	limits->context = context;
	limits->named = named;
	err = resource_limits_new("", &limits->resources, error);
	if (err)
		return err;
	*ret = take_ptr(limits);
	return 0;
}

static bool threads_grow(const struct watched_process *process)
{
	return process->threads.verdict.verdict != VERDICT_STEADY;
}

static bool is_of_interest(const struct limits *limits, const struct watched_process *process)
{
	return limits->named || process->verdict != VERDICT_STEADY ||
	       trend_change(&process->threads.crowd.trend) > 0 ||
	       trend_change(&process->goroutines.crowd.trend) > 0;
}

static void add_use(struct limit_forecast *forecast, enum limit_kind kind, uint64_t now_ns,
		    const struct resource_use *use)
{
	if (use->known)
		limit_forecast_add(forecast, kind, now_ns, use->used, use->limit);
}

static void add_resources(struct limit_forecast *forecast, uint64_t now_ns,
			  const struct process_resources *resources)
{
	limit_forecast_add_rss(forecast, now_ns, resources->rss_bytes);
	add_use(forecast, LIMIT_MEMORY_MAX, now_ns, &resources->memory_max);
	add_use(forecast, LIMIT_PIDS_MAX, now_ns, &resources->pids_max);
	add_use(forecast, LIMIT_NPROC, now_ns, &resources->nproc);
	add_use(forecast, LIMIT_THREADS_MAX, now_ns, &resources->threads_max);
	add_use(forecast, LIMIT_PID_MAX, now_ns, &resources->pid_max);
	add_use(forecast, LIMIT_MAX_MAP_COUNT, now_ns, &resources->max_map_count);
}

static void sweep_process(struct process_entry *entry, void *data)
{
	struct limits *limits = data;
	struct watched_process *process = entry->process;
	struct process_resources resources;
	bool mappings;

	limits->threads_grow |= threads_grow(process);
	if (!is_of_interest(limits, process))
		return;
	mappings = threads_grow(process) && process->threads.now <= MAPPINGS_THREADS_MAX;
	/* It may have ended meanwhile: its last report says so. */
	if (resource_limits_read(limits->resources, (pid_t)entry->tgid, mappings, &resources))
		return;
	if (!process->forecast)
		process->forecast = calloc(1, sizeof(*process->forecast));
	if (!process->forecast) {
		losses_add(&limits->context->losses, "out_of_memory", 1);
		return;
	}
	add_resources(process->forecast, limits->context->swept_ns, &resources);
}

void limits_sweep(struct limits *limits)
{
	uint64_t now_ns = limits->context->swept_ns;

	resource_limits_begin_sweep(limits->resources);
	if (limits->threads_grow &&
	    (!limits->users_counted_ns || now_ns - limits->users_counted_ns >= COUNT_USERS_NS)) {
		limits->users_counted_ns = now_ns;
		resource_limits_count_users(limits->resources);
	}
	limits->threads_grow = false;
	process_table_each(limits->context->processes, false, sweep_process, limits);
}
