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
	uint64_t read_bytes; /* above what READ_BYTES_PER_SECOND has paid for */
	uint64_t paid_ns;    /* up to when */
	uint64_t delayed;
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

void perf_map_cache_clear(struct perf_map_cache *cache)
{
	while (cache->by_use)
		drop(cache, cache->by_use);
}

void perf_map_cache_free(struct perf_map_cache *cache)
{
	if (!cache)
		return;
	perf_map_cache_clear(cache);
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

/* Pays for what was read with the time since the last payment. */
static void pay(struct perf_map_cache *cache, uint64_t now_ns)
{
	uint64_t seconds_max =
		PERF_MAP_CACHE_READ_BYTES_BURST / PERF_MAP_CACHE_READ_BYTES_PER_SECOND;
	uint64_t passed_ns = now_ns - cache->paid_ns, paid;

	if (passed_ns / 1000000000 > 2 * seconds_max)
		paid = cache->read_bytes;
	else
		paid = passed_ns * (PERF_MAP_CACHE_READ_BYTES_PER_SECOND / 1000) / 1000000;
	cache->read_bytes -= paid < cache->read_bytes ? paid : cache->read_bytes;
	cache->paid_ns = now_ns;
}

static void refresh(struct perf_map_cache *cache, struct cached_map *cached, uint64_t now_ns)
{
	pay(cache, now_ns);
	if (cache->read_bytes >= PERF_MAP_CACHE_READ_BYTES_BURST) {
		cache->delayed++;
		return;
	}
	cache->read_bytes += perf_map_refresh(cached->map, now_ns);
	account(cache, cached);
}

bool perf_map_cache_find(struct perf_map_cache *cache, const struct process_ref *ref,
			 uint64_t address, uint64_t now_ns, struct perf_map_symbol *found)
{
	struct cached_map *cached = get(cache, ref);

	if (!cached)
		return false;
	if (perf_map_is_due(cached->map, now_ns))
		refresh(cache, cached, now_ns);
	return perf_map_find(cached->map, address, found);
}

void perf_map_cache_statistics(const struct perf_map_cache *cache,
			       struct perf_map_cache_statistics *statistics)
{
	const struct cached_map *cached;

	*statistics = (struct perf_map_cache_statistics){
		.maps = HASH_COUNT(cache->by_pid),
		.memory = cache->memory,
		.delayed = cache->delayed,
	};
	DL_FOREACH (cache->by_use, cached)
		statistics->truncated += perf_map_truncated(cached->map);
}
