/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SOURCES_CONTEXT_H
#define PARKSCOPE_SOURCES_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "host/tracer.h"
#include "model/loss.h"
#include "model/memory_room.h"
#include "model/verdict.h"
#include "process/mapping_cache.h"
#include "sources/process_table.h"
#include "sources/thread_table.h"
#include "symbols/symbolizer.h"

struct stacks;

/*
 * What the sources share. Owned by src/sources/sources.c; everything in it is
 * used by one thread.
 */
struct sources_context {
	struct tracer *tracer;
	const struct host_features *features;
	struct mapping_cache *mappings;
	struct stacks *stacks;
	struct symbolizer *symbolizer;
	struct process_table *processes;
	struct thread_table *threads;
	struct losses losses;
	struct memory_room room;
	uint64_t map_bytes;   /* that the kernel keeps for maps; it does not change */
	uint64_t table_bytes; /* that unwind tables may have, in the kernel and outside */
	struct verdict_rules rules;
	uint64_t stack_hash_seed;
	uint64_t attached_ns;    /* births before it are the baseline; 0: nothing is attached */
	uint64_t now_ns;         /* of the sweep or event that is being handled */
	uint64_t swept_ns;       /* when the last sweep began */
	bool stays;              /* the stays of each crowd, for site->stays */
	uint64_t sweep;          /* number of the sweep, from 1 */
	bool memory_short;       /* as of the last report: sites expire early */
	uint64_t caches_dropped; /* in that sweep there was no room; 0: in none */
};

#endif
