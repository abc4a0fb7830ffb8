/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_RECORDING_MEMORY_H
#define PARKSCOPE_OUTPUT_RECORDING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "model/report.h"
#include "model/site_sample.h"

/* What a recording has said of each process and site, so that it says only what has changed. */

struct recorded_site {
	struct {
		uint64_t hash;
		uint64_t kind;
	} key; /* as the site's */
	uint32_t number;
	bool known;    /* its line with the stack is written */
	bool left_out; /* that would be too long */
	struct site_sample sample;
	uint64_t objects_hash, names_hash; /* of the text that was written; 0: none */
	UT_hash_handle hh;
};

struct recorded_units {
	uint64_t now, born, exited;
};

struct recorded_reason {
	uint64_t count, restarts, duration_ns, open_ns;
	uint64_t histogram[WAIT_HISTOGRAM_BUCKETS];
};

struct recorded_process {
	struct {
		uintptr_t process; /* a new one may get an old one's pid, or its address */
		uint64_t pid;
		uint64_t first_seen_ns;
	} key;
	uint32_t number;
	uint64_t swept_ns;
	uint64_t identity_hash, go_hash;
	struct recorded_units threads, goroutines;
	uint64_t runtime_goroutines;
	bool ended;
	size_t reasons_count;
	struct recorded_reason *reasons;
	struct attribution attribution;
	uint32_t sites_count; /* numbers that were given */
	struct recorded_site *sites;
	UT_hash_handle hh;
};

/* Zero-initialised is empty. */
struct recording_memory {
	struct recorded_process *processes;
	uint32_t processes_count; /* numbers that were given */
	struct losses losses;
};

/* NULL without memory. */
struct recorded_process *recording_memory_process(struct recording_memory *memory,
						  const struct watched_process *process);
struct recorded_site *recording_memory_site(struct recorded_process *process,
					    const struct site *site);

/* Makes room for so many reasons of a process, zeroed. -ENOMEM. */
int recording_memory_reasons(struct recorded_process *process, size_t count);

/* Those that have ended: after a report. */
void recording_memory_drop_ended(struct recording_memory *memory);
void recording_memory_clear(struct recording_memory *memory);

#endif
