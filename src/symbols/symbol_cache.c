// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/symbol_cache.h"

#include <errno.h>
#include <sys/stat.h>

/* An element that could not be added has hh.tbl NULL; nobody exits. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

struct cached_file {
	struct file_key key;
	struct elf_symbols *symbols; /* NULL: no ELF file, or too large */
	size_t memory;
	UT_hash_handle hh;
	struct cached_file *prev, *next; /* least recently used first */
};

struct symbol_cache {
	struct cached_file *by_key;
	struct cached_file *by_use;
	size_t limit;
	struct symbol_cache_statistics statistics;
};

static void cached_file_free(struct cached_file *file)
{
	if (!file)
		return;
	elf_symbols_free(file->symbols);
	free(file);
}
define_auto_free(cached_file);

struct symbol_cache *symbol_cache_new(size_t limit)
{
	struct symbol_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->limit = limit;
	return cache;
}

static void drop_oldest(struct symbol_cache *cache)
{
	struct cached_file *file = cache->by_use;

	HASH_DEL(cache->by_key, file);
	DL_DELETE(cache->by_use, file);
	cache->statistics.memory -= file->memory;
	cache->statistics.files--;
	cached_file_free(file);
}

void symbol_cache_free(struct symbol_cache *cache)
{
	if (!cache)
		return;
	while (cache->by_use)
		drop_oldest(cache);
	free(cache);
}

bool symbol_cache_find(struct symbol_cache *cache, const struct file_key *key,
		       const struct elf_symbols **symbols)
{
	struct cached_file *file;

	HASH_FIND(hh, cache->by_key, key, sizeof(*key), file);
	if (!file)
		return false;
	if (file->next) {
		DL_DELETE(cache->by_use, file);
		DL_APPEND(cache->by_use, file);
	}
	*symbols = file->symbols;
	return true;
}

static int key_of(int fd, struct file_key *key)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*key = (struct file_key){
		.device = status.st_dev,
		.inode = status.st_ino,
		.size = (uint64_t)status.st_size,
		.changed_ns = (uint64_t)status.st_ctim.tv_sec * 1000000000U +
			      (uint64_t)status.st_ctim.tv_nsec,
	};
	return 0;
}

/* Takes the file over, also where that fails. */
static int add_file(struct symbol_cache *cache, struct cached_file *added)
{
	auto_free(cached_file) struct cached_file *file = added;

	file->memory = sizeof(*file) + (file->symbols ? elf_symbols_memory(file->symbols) : 0);
	if (file->symbols && file->memory > cache->limit) {
		elf_symbols_free(take_ptr(file->symbols));
		file->memory = sizeof(*file);
		cache->statistics.too_large++;
	}
	while (cache->by_use && cache->statistics.memory + file->memory > cache->limit)
		drop_oldest(cache);
	HASH_ADD(hh, cache->by_key, key, sizeof(file->key), file);
	if (!file->hh.tbl)
		return -ENOMEM;
	DL_APPEND(cache->by_use, file);
	cache->statistics.memory += file->memory;
	cache->statistics.files++;
	file = NULL;
	return 0;
}

int symbol_cache_load(struct symbol_cache *cache, int fd, struct file_key *key,
		      const struct elf_symbols **symbols)
{
	const struct elf_symbols *found = NULL;
	struct cached_file *file;
	struct file_key wanted;
	int result = key_of(fd, &wanted);

	if (result < 0)
		return result;
	if (!symbol_cache_find(cache, &wanted, &found)) {
		file = calloc(1, sizeof(*file));
		if (!file)
			return -ENOMEM;
		file->key = wanted;
		cache->statistics.loads++;
		/* What cannot be read stays known as a file without symbols. */
		if (elf_symbols_load(fd, NULL, &file->symbols, NULL) < 0)
			file->symbols = NULL;
		result = add_file(cache, file);
		if (result < 0)
			return result;
		symbol_cache_find(cache, &wanted, &found);
	}
	*key = wanted;
	*symbols = found;
	return 0;
}

void symbol_cache_statistics(const struct symbol_cache *cache,
			     struct symbol_cache_statistics *statistics)
{
	*statistics = cache->statistics;
}
