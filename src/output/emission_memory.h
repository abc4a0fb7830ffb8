/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_EMISSION_MEMORY_H
#define PARKSCOPE_OUTPUT_EMISSION_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "output/emission.h"

/* What an emission remembers of the records that it has written. For emission.c alone. */

/* A site's counters in its last record. */
struct site_state {
	struct {
		uint64_t hash;
		uint64_t kind;
	} key;
	uint64_t written_ns; /* or first sight */
	bool written;
	bool in_report; /* and not for the last time */
	uint64_t size;
	enum verdict verdict;
	struct site_interval counts;
	UT_hash_handle hh;
};

struct reason_state {
	uint64_t count, restarts, duration_ns, open_ns;
	uint64_t histogram[WAIT_HISTOGRAM_BUCKETS];
};

/*
 * Not the start time, which is learned after the first sight of some processes.
 * first_seen_ns: a pid that is watched anew starts its counters anew.
 */
struct process_key {
	uintptr_t process;
	uint64_t pid;
	uint64_t first_seen_ns;
};

struct process_state {
	struct process_key key;
	uint64_t written_ns;
	struct emission_units threads, goroutines;
	struct attribution attribution;
	size_t reasons_count;
	struct reason_state *reasons;
	struct site_state *sites;
	bool in_report;
	UT_hash_handle hh;
};

struct stack_state {
	uint64_t hash;
	uint64_t written_ns;
	UT_hash_handle hh;
};

/* Zero-initialised is empty. */
struct emission_memory {
	struct process_state *processes;
	struct stack_state *stacks;
};

void emission_memory_clear(struct emission_memory *memory);

/* Each makes what is new, which `first` tells; NULL or -ENOMEM without memory. */
struct process_state *emission_memory_process(struct emission_memory *memory,
					      const struct watched_process *process, bool *first);
struct site_state *emission_memory_site(struct process_state *process, const struct site *site,
					uint64_t now_ns);
struct stack_state *emission_memory_stack(struct emission_memory *memory, uint64_t hash,
					  bool *first);
int emission_memory_reasons(struct process_state *process, size_t count);

/* Forgets the processes and sites that were not in the report. */
void emission_memory_end_report(struct emission_memory *memory);

#endif
