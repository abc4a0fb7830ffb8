/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_PERF_MAP_CACHE_H
#define PARKSCOPE_SYMBOLS_PERF_MAP_CACHE_H

/*
 * The perf maps of the processes that are looked at. The least recently used go
 * when the memory limit is met. For one thread at a time.
 *
 * However many processes there are, how often they execute another program and how
 * fast their files change, no more than READ_BYTES_PER_SECOND are read in the long
 * run: a tenth of one CPU. Who comes too late is named when it is asked for again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "process/mapping_cache.h"
#include "symbols/perf_map.h"

#define PERF_MAP_CACHE_READ_BYTES_PER_SECOND (10ULL << 20)
/* What may be read at once after a pause. */
#define PERF_MAP_CACHE_READ_BYTES_BURST (2ULL * PERF_MAP_SIZE_MAX)

struct perf_map_cache;

struct perf_map_cache_statistics {
	size_t maps;      /* processes that were asked for, also those without a perf map */
	size_t memory;    /* bytes */
	size_t truncated; /* of the maps, those that a limit of perf_map.h has cut */
	uint64_t delayed; /* lookups for which a file was not read: too much had been */
};

/*
 * `limit` in bytes; one process alone may be above it, as far as the limits of
 * perf_map.h go. Returns NULL without memory.
 */
struct perf_map_cache *perf_map_cache_new(size_t limit);
void perf_map_cache_free(struct perf_map_cache *cache);

/* Forgets all maps; whatever was found before is invalid. */
void perf_map_cache_clear(struct perf_map_cache *cache);
define_auto_free(perf_map_cache)

/*
 * The function that holds `address` in that program; what an earlier program of the
 * same pid wrote is forgotten. Reads the file where that is due; `now_ns` is any
 * clock that does not go back. `found` is valid until the next call with this cache.
 */
bool perf_map_cache_find(struct perf_map_cache *cache, const struct process_ref *ref,
			 uint64_t address, uint64_t now_ns, struct perf_map_symbol *found);

void perf_map_cache_statistics(const struct perf_map_cache *cache,
			       struct perf_map_cache_statistics *statistics);

#endif
