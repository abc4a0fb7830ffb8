// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "output/emission_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void process_state_free(struct process_state *process)
{
	struct site_state *site, *next;

	HASH_ITER (hh, process->sites, site, next) {
		HASH_DEL(process->sites, site);
		free(site);
	}
	free(process->reasons);
	free(process);
}

static void forget_stacks(struct emission_memory *memory)
{
	struct stack_state *stack, *next;

	HASH_ITER (hh, memory->stacks, stack, next) {
		HASH_DEL(memory->stacks, stack);
		free(stack);
	}
}

void emission_memory_clear(struct emission_memory *memory)
{
	struct process_state *process, *next;

	HASH_ITER (hh, memory->processes, process, next) {
		HASH_DEL(memory->processes, process);
		process_state_free(process);
	}
	forget_stacks(memory);
}

struct process_state *emission_memory_process(struct emission_memory *memory,
					      const struct watched_process *process, bool *first)
{
	struct process_key key = {(uintptr_t)process, process->pid, process->first_seen_ns};
	struct process_state *state = NULL;

	HASH_FIND(hh, memory->processes, &key, sizeof(key), state);
	*first = !state;
	if (state)
		return state;
	state = calloc(1, sizeof(*state));
	if (!state)
		return NULL;
	state->key = key;
	HASH_ADD(hh, memory->processes, key, sizeof(state->key), state);
	if (state->hh.tbl)
		return state;
	free(state);
	return NULL;
}

struct site_state *emission_memory_site(struct process_state *process, const struct site *site,
					uint64_t now_ns)
{
	struct site_state *state = NULL;
	struct site_state key = {.key = {site->id.hash, site->kind}};

	HASH_FIND(hh, process->sites, &key.key, sizeof(key.key), state);
	if (state)
		return state;
	state = calloc(1, sizeof(*state));
	if (!state)
		return NULL;
	state->key = key.key;
	state->written_ns = now_ns;
	HASH_ADD(hh, process->sites, key, sizeof(state->key), state);
	if (state->hh.tbl)
		return state;
	free(state);
	return NULL;
}

struct stack_state *emission_memory_stack(struct emission_memory *memory, uint64_t hash,
					  bool *first)
{
	struct stack_state *state = NULL;

	HASH_FIND(hh, memory->stacks, &hash, sizeof(hash), state);
	*first = !state;
	if (state)
		return state;
	if (HASH_COUNT(memory->stacks) >= EMISSION_STACKS_MAX)
		forget_stacks(memory);
	state = calloc(1, sizeof(*state));
	if (!state)
		return NULL;
	state->hash = hash;
	HASH_ADD(hh, memory->stacks, hash, sizeof(state->hash), state);
	if (state->hh.tbl)
		return state;
	free(state);
	return NULL;
}

int emission_memory_reasons(struct process_state *process, size_t count)
{
	struct reason_state *reasons;

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

static void end_site_reports(struct process_state *process)
{
	struct site_state *site, *next;

	HASH_ITER (hh, process->sites, site, next) {
		if (site->in_report) {
			site->in_report = false;
			continue;
		}
		HASH_DEL(process->sites, site);
		free(site);
	}
}

void emission_memory_end_report(struct emission_memory *memory)
{
	struct process_state *process, *next;

	HASH_ITER (hh, memory->processes, process, next) {
		if (process->in_report) {
			process->in_report = false;
			end_site_reports(process);
			continue;
		}
		HASH_DEL(memory->processes, process);
		process_state_free(process);
	}
}
