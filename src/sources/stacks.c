// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/stacks.h"

#include <errno.h>

#include "base/clock.h"
#include "unwind/kernel_tables.h"

/* A younger process asks again if it lives on. */
#define YOUNG_NS 1000000000ULL
/* Loading may take this much of each period; what is asked for beyond it waits. */
#define LOADING_PERIOD_NS 1000000000ULL
#define LOADING_MAX_NS    250000000ULL
/* Lists of mappings that are compared with the maps at a sweep, if they are old. */
#define REFRESHED_PER_SWEEP 4

struct stacks {
	struct sources_context *context;
	struct code_tables *tables;
	struct user_walk *walk;
	struct kernel_tables *kernel; /* NULL without events */
	size_t kernel_limit;
	uint64_t period_began_ns;
	uint64_t loading_ns; /* in this period */
};

void stacks_free(struct stacks *stacks)
{
	if (!stacks)
		return;
	kernel_tables_free(stacks->kernel);
	user_walk_free(stacks->walk);
	code_tables_free(stacks->tables);
	free(stacks);
}

int stacks_open(struct sources_context *context, size_t table_memory, bool events,
		struct stacks **ret, struct error *error)
{
	const struct code_tables_config code = {
		.map_files = context->features->has[FEATURE_MAP_FILES],
		.limit = table_memory / 2,
	};
	auto_free(stacks) struct stacks *stacks = calloc(1, sizeof(*stacks));
	int err = 0;

	if (!stacks)
		return error_set(error, -ENOMEM, "out of memory");
	stacks->context = context;
	stacks->kernel_limit = table_memory / 2;
	stacks->tables = code_tables_new(&code);
	if (!stacks->tables)
		return error_set(error, -ENOMEM, "out of memory");
	stacks->walk = user_walk_new(context->mappings, stacks->tables);
	if (!stacks->walk)
		return error_set(error, -ENOMEM, "out of memory");
	if (events) {
		const struct kernel_tables_config kernel = {
			.mappings = context->mappings,
			.tables = stacks->tables,
			.processes_fd = tracer_unwind_processes_fd(context->tracer),
			.mappings_fd = tracer_unwind_mappings_fd(context->tracer),
			.shards_fd = tracer_unwind_shards_fd(context->tracer),
			.limit = stacks->kernel_limit,
		};

		err = kernel_tables_new(&kernel, &stacks->kernel, error);
	}
	if (err)
		return err;
	*ret = take_ptr(stacks);
	return 0;
}

static void load(struct stacks *stacks, const struct process_entry *entry, uint64_t start_ns)
{
	const struct kernel_tables_process process = {
		.ref = process_entry_ref(entry),
		.start_ns = start_ns,
		.exec_id = entry->process->exec_id,
	};
	uint64_t began_ns = monotonic_ns();
	int err = kernel_tables_load(stacks->kernel, &process, began_ns);

	stacks->loading_ns += monotonic_ns() - began_ns;
	/* Gone already: nobody will miss its tables. */
	if (err && err != -ESRCH)
		losses_add(&stacks->context->losses, "unwind_tables_not_loaded", 1);
}

static void load_known(struct process_entry *entry, void *data)
{
	if (entry->process->start_ns)
		load(data, entry, entry->process->start_ns);
}

void stacks_load_known(struct stacks *stacks)
{
	if (stacks->kernel)
		process_table_each(stacks->context->processes, false, load_known, stacks);
}

static bool loading_takes_too_long(struct stacks *stacks)
{
	uint64_t now_ns = monotonic_ns();

	if (now_ns - stacks->period_began_ns >= LOADING_PERIOD_NS) {
		stacks->period_began_ns = now_ns;
		stacks->loading_ns = 0;
	}
	return stacks->loading_ns >= LOADING_MAX_NS;
}

void stacks_handle_request(struct stacks *stacks, const struct abi_event *request)
{
	struct sources_context *context = stacks->context;
	struct process_entry *entry;

	if (request->now_ns - request->start_ns < YOUNG_NS &&
	    !kernel_tables_knows(stacks->kernel, (pid_t)request->tgid))
		return;
	if (loading_takes_too_long(stacks))
		return;
	entry = process_table_enter(context->processes, request->tgid, request->start_ns,
				    request->exec_id, request->now_ns);
	if (entry)
		load(stacks, entry, request->start_ns);
}

void stacks_handle_exec(struct stacks *stacks, const struct process_entry *entry)
{
	if (!kernel_tables_knows(stacks->kernel, (pid_t)entry->tgid))
		return;
	if (loading_takes_too_long(stacks))
		kernel_tables_forget(stacks->kernel, (pid_t)entry->tgid);
	else
		load(stacks, entry, entry->process->start_ns);
}

void stacks_sweep(struct stacks *stacks)
{
	for (int i = 0; stacks->kernel && i < REFRESHED_PER_SWEEP; i++)
		kernel_tables_refresh_oldest(stacks->kernel, monotonic_ns());
}

void stacks_forget(struct stacks *stacks, uint32_t tgid)
{
	if (stacks->kernel)
		kernel_tables_forget(stacks->kernel, (pid_t)tgid);
}

void stacks_walk(struct stacks *stacks, const struct process_entry *entry,
		 const struct abi_task_snapshot *snapshot, struct user_walk_result *result)
{
	const struct process_ref process = process_entry_ref(entry);
	const struct user_registers registers = {
		.ip = snapshot->ip,
		.sp = snapshot->sp,
		.bp = snapshot->bp,
	};

	/* 32-bit frames have another form. */
	if ((snapshot->marks & TASK_MARK_COMPAT) ||
	    !stacks->context->features->has[FEATURE_PROCESS_MEMORY]) {
		result->frames[0] = snapshot->ip;
		result->count = result->first_guess = 1;
		result->end =
			snapshot->marks & TASK_MARK_COMPAT ? UNWIND_END_32BIT : UNWIND_END_MEMORY;
		return;
	}
	user_walk_run(stacks->walk, &process, &registers, stacks->context->now_ns, result);
}

void stacks_limit_tables(struct stacks *stacks, uint64_t room)
{
	struct kernel_tables_statistics statistics;
	uint64_t limit;

	if (!stacks->kernel)
		return;
	kernel_tables_statistics(stacks->kernel, &statistics);
	limit = statistics.memory + room;
	if (limit < stacks->kernel_limit / 4)
		limit = stacks->kernel_limit / 4;
	if (limit > stacks->kernel_limit)
		limit = stacks->kernel_limit;
	kernel_tables_set_limit(stacks->kernel, (size_t)limit);
}

void stacks_statistics(const struct stacks *stacks, struct unwind_cost *cost)
{
	struct kernel_tables_statistics kernel = {0};
	struct file_cache_statistics tables;
	struct abi_unwind_statistics walks = {0};

	code_tables_statistics(stacks->tables, &tables);
	if (stacks->kernel) {
		kernel_tables_statistics(stacks->kernel, &kernel);
		tracer_unwind_statistics(stacks->context->tracer, &walks);
	}
	*cost = (struct unwind_cost){
		.walks = walks.walks,
		.whole = walks.whole,
		.frames = walks.frames,
		.seconds = (double)walks.duration_ns / 1e9,
		.longest_seconds = (double)walks.longest_ns / 1e9,
		.kernel_table_bytes = kernel.memory,
		.table_bytes = tables.memory,
		.processes = kernel.processes,
	};
}
