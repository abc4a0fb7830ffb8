/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_MAPPING_CACHE_H
#define PARKSCOPE_PROCESS_MAPPING_CACHE_H

/*
 * The executable mappings of the processes that are looked at. They are read
 * once, again when an address is in none of them, and again when they are old:
 * another library may stand where one was unloaded. The least recently used
 * processes go when the memory limit is met. For one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "process/mapped_object.h"
#include "process/process_maps.h"

/*
 * How often an address in no mapping makes the maps be read again: not before
 * MISS_NS and MISS_NS_PER_LINE for each of their lines have passed, so that a
 * process with 65,000 mappings (some 50 ms to read) cannot keep us busy.
 */
#define MAPPING_CACHE_MISS_NS          200000000ULL
#define MAPPING_CACHE_MISS_NS_PER_LINE 20000ULL
/* When they are read again though every address was found. */
#define MAPPING_CACHE_MAX_AGE_NS 10000000000ULL

struct mapping_cache;
struct process_mappings;

/* One program that a process runs. */
struct process_ref {
	pid_t pid;           /* thread group id in our pid namespace */
	uint32_t generation; /* changes with every execve, and when the pid is used again */
};

/* `limit` in bytes. Returns NULL without memory. */
struct mapping_cache *mapping_cache_new(size_t limit);
void mapping_cache_free(struct mapping_cache *cache);
define_auto_free(mapping_cache)

/*
 * The mappings of the process, or NULL where they cannot be read: it is gone.
 * `now_ns` is any clock that does not go back. Valid until the next call with this
 * cache.
 */
struct process_mappings *mapping_cache_get(struct mapping_cache *cache,
					   const struct process_ref *ref, uint64_t now_ns);

/*
 * The mapping that holds `address`, or NULL, and what is known of its file, for
 * the caller to fill in. May read the maps again, after which everything found
 * before is invalid.
 */
const struct mapping *process_mappings_find(struct mapping_cache *cache,
					    struct process_mappings *process, uint64_t address,
					    uint64_t now_ns, struct mapped_object **object);

/* Reads the maps again, which makes everything found before invalid. */
void process_mappings_refresh(struct mapping_cache *cache, struct process_mappings *process,
			      uint64_t now_ns);

pid_t process_mappings_pid(const struct process_mappings *process);

/* All executable mappings, by ascending address, and what is known of their files. */
size_t process_mappings_count(const struct process_mappings *process);
const struct mapping *process_mappings_at(struct process_mappings *process, size_t index,
					  struct mapped_object **object);

/* How long ago the maps were read. */
uint64_t process_mappings_age_ns(const struct process_mappings *process, uint64_t now_ns);

/* Forgets the process: it exited, and its pid may be used again. */
void mapping_cache_forget(struct mapping_cache *cache, pid_t pid);

size_t mapping_cache_count(const struct mapping_cache *cache);
size_t mapping_cache_memory(const struct mapping_cache *cache);

#endif
