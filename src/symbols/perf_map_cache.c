// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/perf_map_cache.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

struct cached_map {
	pid_t pid; /* the key */
	uint32_t generation;
	struct perf_map *map;
	size_t memory;
	UT_hash_handle hh;
	struct cached_map *prev, *next; /* least recently used first */
};

struct perf_map_cache {
	struct cached_map *by_pid;
	struct cached_map *by_use;
	size_t memory;
	size_t limit;
};

static void cached_map_free(struct cached_map *cached)
{
	if (!cached)
		return;
	perf_map_free(cached->map);
	free(cached);
}
define_auto_free(cached_map)

struct perf_map_cache *perf_map_cache_new(size_t limit)
{
	struct perf_map_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->limit = limit;
	return cache;
}

static void drop(struct perf_map_cache *cache, struct cached_map *cached)
{
	HASH_DEL(cache->by_pid, cached);
	DL_DELETE(cache->by_use, cached);
	cache->memory -= cached->memory;
	cached_map_free(cached);
}

void perf_map_cache_free(struct perf_map_cache *cache)
{
	if (!cache)
		return;
	while (cache->by_use)
		drop(cache, cache->by_use);
	free(cache);
}

static struct cached_map *add(struct perf_map_cache *cache, const struct process_ref *ref)
{
	auto_free(cached_map) struct cached_map *cached = calloc(1, sizeof(*cached));

	if (!cached)
		return NULL;
	cached->pid = ref->pid;
	cached->generation = ref->generation;
	cached->map = perf_map_new(ref->pid);
	if (!cached->map)
		return NULL;
	HASH_ADD_INT(cache->by_pid, pid, cached);
	/* uthash leaves what it had no memory for without a table. */
	if (!cached->hh.tbl)
		return NULL;
	DL_APPEND(cache->by_use, cached);
	return take_ptr(cached);
}

static struct cached_map *get(struct perf_map_cache *cache, const struct process_ref *ref)
{
	struct cached_map *cached;

	HASH_FIND_INT(cache->by_pid, &ref->pid, cached);
	if (cached && cached->generation != ref->generation) {
		drop(cache, cached);
		cached = NULL;
	}
	if (!cached)
		return add(cache, ref);
	DL_DELETE(cache->by_use, cached);
	DL_APPEND(cache->by_use, cached);
	return cached;
}

/* Counts again what the map takes and makes room, never at its own cost: it is the last. */
static void account(struct perf_map_cache *cache, struct cached_map *cached)
{
	cache->memory -= cached->memory;
	cached->memory = sizeof(*cached) + perf_map_memory(cached->map);
	cache->memory += cached->memory;
	while (cache->memory > cache->limit && cache->by_use->next)
		drop(cache, cache->by_use);
}

bool perf_map_cache_find(struct perf_map_cache *cache, const struct process_ref *ref,
			 uint64_t address, uint64_t now_ns, struct perf_map_symbol *found)
{
	struct cached_map *cached = get(cache, ref);
	bool is_found;

	if (!cached)
		return false;
	is_found = perf_map_find(cached->map, address, now_ns, found);
	account(cache, cached);
	return is_found;
}

void perf_map_cache_statistics(const struct perf_map_cache *cache,
			       struct perf_map_cache_statistics *statistics)
{
	const struct cached_map *cached;

	*statistics = (struct perf_map_cache_statistics){
		.maps = HASH_COUNT(cache->by_pid),
		.memory = cache->memory,
	};
	DL_FOREACH (cache->by_use, cached)
		statistics->truncated += perf_map_truncated(cached->map);
}
