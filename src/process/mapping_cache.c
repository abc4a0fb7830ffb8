// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/mapping_cache.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

struct process_mappings {
	pid_t pid; /* the key */
	uint32_t generation;
	uint64_t read_ns;
	struct process_maps *maps;
	struct mapped_object *objects; /* one for each of the maps */
	size_t memory;
	UT_hash_handle hh;
	struct process_mappings *prev, *next; /* least recently used first */
};

struct mapping_cache {
	struct process_mappings *by_pid;
	struct process_mappings *by_use;
	size_t count;
	size_t memory;
	size_t limit;
};

static void free_maps(struct process_mappings *process)
{
	free(process->objects);
	process_maps_free(process->maps);
	process->objects = NULL;
	process->maps = NULL;
}

static void process_mappings_free(struct process_mappings *process)
{
	if (!process)
		return;
	free_maps(process);
	free(process);
}
define_auto_free(process_mappings);

struct mapping_cache *mapping_cache_new(size_t limit)
{
	struct mapping_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->limit = limit;
	return cache;
}

static void drop(struct mapping_cache *cache, struct process_mappings *process)
{
	HASH_DEL(cache->by_pid, process);
	DL_DELETE(cache->by_use, process);
	cache->memory -= process->memory;
	cache->count--;
	process_mappings_free(process);
}

void mapping_cache_free(struct mapping_cache *cache)
{
	if (!cache)
		return;
	while (cache->by_use)
		drop(cache, cache->by_use);
	free(cache);
}

/* Replaces the maps. A process that is exiting has none: the old ones stay. */
static bool read_maps(struct process_mappings *process, uint64_t now_ns)
{
	auto_free(process_maps) struct process_maps *maps = NULL;
	struct mapped_object *objects;
	size_t count;

	process->read_ns = now_ns;
	if (process_maps_read(process->pid, PROCESS_MAPS_EXECUTABLE, &maps, NULL) < 0)
		return false;
	count = process_maps_count(maps);
	objects = calloc(count + 1, sizeof(*objects));
	if (!count || !objects) {
		free(objects);
		return false;
	}
	free_maps(process);
	process->maps = take_ptr(maps);
	process->objects = objects;
	process->memory = sizeof(*process) + process_maps_memory(process->maps) +
			  (count + 1) * sizeof(*objects);
	return true;
}

/* Makes room, but never at the cost of the process that is being looked at. */
static void trim(struct mapping_cache *cache)
{
	while (cache->memory > cache->limit && cache->by_use && cache->by_use->next)
		drop(cache, cache->by_use);
}

static void refresh(struct mapping_cache *cache, struct process_mappings *process, uint64_t now_ns)
{
	cache->memory -= process->memory;
	read_maps(process, now_ns);
	cache->memory += process->memory;
	trim(cache);
}

static struct process_mappings *add(struct mapping_cache *cache, const struct process_ref *ref,
				    uint64_t now_ns)
{
	auto_free(process_mappings) struct process_mappings *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->pid = ref->pid;
	process->generation = ref->generation;
	if (!read_maps(process, now_ns))
		return NULL;
	HASH_ADD_INT(cache->by_pid, pid, process);
	if (!process->hh.tbl)
		return NULL;
	DL_APPEND(cache->by_use, process);
	cache->memory += process->memory;
	cache->count++;
	trim(cache);
	return take_ptr(process);
}

static uint64_t elapsed(const struct process_mappings *process, uint64_t now_ns)
{
	return now_ns > process->read_ns ? now_ns - process->read_ns : 0;
}

struct process_mappings *mapping_cache_get(struct mapping_cache *cache,
					   const struct process_ref *ref, uint64_t now_ns)
{
	struct process_mappings *process;

	HASH_FIND_INT(cache->by_pid, &ref->pid, process);
	if (process && process->generation != ref->generation) {
		drop(cache, process);
		process = NULL;
	}
	if (!process)
		return add(cache, ref, now_ns);
	DL_DELETE(cache->by_use, process);
	DL_APPEND(cache->by_use, process);
	if (elapsed(process, now_ns) >= MAPPING_CACHE_MAX_AGE_NS)
		refresh(cache, process, now_ns);
	return process;
}

const struct mapping *process_mappings_find(struct mapping_cache *cache,
					    struct process_mappings *process, uint64_t address,
					    uint64_t now_ns, struct mapped_object **object)
{
	const struct mapping *mapping = process_maps_find(process->maps, address);

	if (!mapping && elapsed(process, now_ns) >=
				MAPPING_CACHE_MISS_NS + MAPPING_CACHE_MISS_NS_PER_LINE *
								process_maps_lines(process->maps)) {
		refresh(cache, process, now_ns);
		mapping = process_maps_find(process->maps, address);
	}
	if (mapping)
		*object = &process->objects[mapping - process_maps_at(process->maps, 0)];
	return mapping;
}

void process_mappings_refresh(struct mapping_cache *cache, struct process_mappings *process,
			      uint64_t now_ns)
{
	refresh(cache, process, now_ns);
}

pid_t process_mappings_pid(const struct process_mappings *process)
{
	return process->pid;
}

size_t process_mappings_count(const struct process_mappings *process)
{
	return process_maps_count(process->maps);
}

const struct mapping *process_mappings_at(struct process_mappings *process, size_t index,
					  struct mapped_object **object)
{
	*object = &process->objects[index];
	return process_maps_at(process->maps, index);
}

uint64_t process_mappings_age_ns(const struct process_mappings *process, uint64_t now_ns)
{
	return elapsed(process, now_ns);
}

void mapping_cache_forget(struct mapping_cache *cache, pid_t pid)
{
	struct process_mappings *process;

	HASH_FIND_INT(cache->by_pid, &pid, process);
	if (process)
		drop(cache, process);
}

size_t mapping_cache_count(const struct mapping_cache *cache)
{
	return cache->count;
}

size_t mapping_cache_memory(const struct mapping_cache *cache)
{
	return cache->memory;
}
