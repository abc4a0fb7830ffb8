// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/file_cache.h"

#include <errno.h>

/* An element that could not be added has hh.tbl NULL; nobody exits. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

struct cached_file {
	struct file_key key;
	void *thing; /* NULL: see `error` */
	int error;
	size_t memory;
	UT_hash_handle hh;
	struct cached_file *prev, *next; /* least recently used first */
};

struct file_cache {
	const struct file_cache_kind *kind;
	struct cached_file *by_key;
	struct cached_file *by_use;
	size_t limit;
	struct file_cache_statistics statistics;
};

/* Where a thing is made from. */
struct content {
	int fd; /* -1: `data` */
	const void *data;
	size_t size;
};

struct file_cache *file_cache_new(const struct file_cache_kind *kind, size_t limit)
{
	struct file_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->kind = kind;
	cache->limit = limit;
	return cache;
}

static void free_file(const struct file_cache *cache, struct cached_file *file)
{
	if (file->thing)
		cache->kind->free(file->thing);
	free(file);
}

static void drop_oldest(struct file_cache *cache)
{
	struct cached_file *file = cache->by_use;

	HASH_DEL(cache->by_key, file);
	DL_DELETE(cache->by_use, file);
	cache->statistics.memory -= file->memory;
	cache->statistics.files--;
	free_file(cache, file);
}

void file_cache_clear(struct file_cache *cache)
{
	while (cache->by_use)
		drop_oldest(cache);
}

void file_cache_free(struct file_cache *cache)
{
	if (!cache)
		return;
	file_cache_clear(cache);
	free(cache);
}

bool file_cache_find(struct file_cache *cache, const struct file_key *key, const void **thing)
{
	struct cached_file *file;

	HASH_FIND(hh, cache->by_key, key, sizeof(*key), file);
	if (!file)
		return false;
	if (file->next) {
		DL_DELETE(cache->by_use, file);
		DL_APPEND(cache->by_use, file);
	}
	*thing = file->thing;
	return true;
}

static int add_file(struct file_cache *cache, struct cached_file *file)
{
	file->memory = sizeof(*file) + (file->thing ? cache->kind->memory(file->thing) : 0);
	if (file->thing && file->memory > cache->limit) {
		cache->kind->free(take_ptr(file->thing));
		file->error = -EFBIG;
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
	return 0;
}

/* Says nothing about the file: another time it may be read. */
static bool is_transient(int error)
{
	return error == -ENOMEM || error == -EIO || error == -EINTR || error == -EAGAIN ||
	       error == -ESTALE;
}

/* What cannot be read stays known as a file of which nothing can be made. */
static int load_file(struct file_cache *cache, const struct file_key *key,
		     const struct content *content)
{
	struct cached_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	file->key = *key;
	cache->statistics.loads++;
	file->error = content->fd < 0
			      ? cache->kind->load_image(content->data, content->size, &file->thing)
			      : cache->kind->load(content->fd, &file->thing);
	if (is_transient(file->error)) {
		err = file->error;
		free(file);
		return err;
	}
	if (file->error)
		file->thing = NULL;
	err = add_file(cache, file);
	if (err)
		free_file(cache, file);
	return err;
}

static int find_or_load(struct file_cache *cache, const struct file_key *wanted,
			const struct content *content, struct file_key *key, const void **thing)
{
	const void *found = NULL;

	if (!file_cache_find(cache, wanted, &found)) {
		int err = load_file(cache, wanted, content);

		if (err)
			return err;
		file_cache_find(cache, wanted, &found);
	}
	*key = *wanted;
	*thing = found;
	return 0;
}

int file_cache_load(struct file_cache *cache, int fd, struct file_key *key, const void **thing)
{
	const struct content content = {.fd = fd};
	struct file_key wanted;
	int err = file_key_of(fd, &wanted);

	return err ? err : find_or_load(cache, &wanted, &content, key, thing);
}

int file_cache_load_image(struct file_cache *cache, const void *data, size_t size,
			  struct file_key *key, const void **thing)
{
	const struct content content = {.fd = -1, .data = data, .size = size};
	const struct file_key wanted = file_key_of_image(data, size);

	return find_or_load(cache, &wanted, &content, key, thing);
}

int file_cache_error(const struct file_cache *cache, const struct file_key *key)
{
	const struct cached_file *file;

	HASH_FIND(hh, cache->by_key, key, sizeof(*key), file);
	return file ? file->error : 0;
}

void file_cache_statistics(const struct file_cache *cache, struct file_cache_statistics *statistics)
{
	*statistics = cache->statistics;
}
