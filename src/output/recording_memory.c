// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "output/recording_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void process_free(struct recording_memory *memory, struct recorded_process *process)
{
	struct recorded_site *site, *next;

	HASH_DEL(memory->processes, process);
	HASH_ITER (hh, process->sites, site, next) {
		HASH_DEL(process->sites, site);
		free(site);
	}
	free(process->reasons);
	free(process);
}

struct recorded_process *recording_memory_process(struct recording_memory *memory,
						  const struct watched_process *process)
{
	struct recorded_process wanted = {
		.key = {(uintptr_t)process, process->pid, process->first_seen_ns}};
	struct recorded_process *recorded = NULL;

	HASH_FIND(hh, memory->processes, &wanted.key, sizeof(wanted.key), recorded);
	if (recorded)
		return recorded;
	recorded = calloc(1, sizeof(*recorded));
	if (!recorded)
		return NULL;
	recorded->key = wanted.key;
	HASH_ADD(hh, memory->processes, key, sizeof(recorded->key), recorded);
	if (recorded->hh.tbl) {
		recorded->number = memory->processes_count++;
		return recorded;
	}
	free(recorded);
	return NULL;
}

struct recorded_site *recording_memory_site(struct recorded_process *process,
					    const struct site *site)
{
	struct recorded_site wanted = {.key = {site->key.hash, site->key.kind}};
	struct recorded_site *recorded = NULL;

	HASH_FIND(hh, process->sites, &wanted.key, sizeof(wanted.key), recorded);
	if (recorded)
		return recorded;
	recorded = calloc(1, sizeof(*recorded));
	if (!recorded)
		return NULL;
	recorded->key = wanted.key;
	HASH_ADD(hh, process->sites, key, sizeof(recorded->key), recorded);
	if (recorded->hh.tbl)
		return recorded;
	free(recorded);
	return NULL;
}

int recording_memory_reasons(struct recorded_process *process, size_t count)
{
	struct recorded_reason *reasons;

	if (count <= process->reasons_count)
		return 0;
	reasons = realloc(process->reasons, count * sizeof(*reasons));
	if (!reasons)
		return -ENOMEM;
	memset(reasons + process->reasons_count, 0,
	       (count - process->reasons_count) * sizeof(*reasons));
	process->reasons = reasons;
	process->reasons_count = count;
	return 0;
}

void recording_memory_drop_ended(struct recording_memory *memory)
{
	struct recorded_process *process, *next;

	HASH_ITER (hh, memory->processes, process, next)
		if (process->ended)
			process_free(memory, process);
}

void recording_memory_clear(struct recording_memory *memory)
{
	struct recorded_process *process, *next;

	HASH_ITER (hh, memory->processes, process, next)
		process_free(memory, process);
}
