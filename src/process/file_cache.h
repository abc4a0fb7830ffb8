/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_FILE_CACHE_H
#define PARKSCOPE_PROCESS_FILE_CACHE_H

/*
 * What was made of files (symbols, unwind tables), shared by all processes that
 * map them. The least recently used go when the memory limit is met. For one
 * thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "process/file_key.h"

/* How a thing is made of a file, and what it is. */
struct file_cache_kind {
	/* 0 and a new thing, or a negative errno: there is nothing to make of the file. */
	int (*load)(int fd, void **thing);
	int (*load_image)(const void *data, size_t size, void **thing);
	void (*free)(void *thing);
	size_t (*memory)(const void *thing); /* bytes */
};

struct file_cache;

struct file_cache_statistics {
	size_t files;
	size_t memory;      /* bytes */
	uint64_t loads;     /* files read, again after they had gone included */
	uint64_t too_large; /* loads whose result alone was above the limit: nothing was kept */
};

/* `limit` in bytes; `kind` must outlive the cache. Returns NULL without memory. */
struct file_cache *file_cache_new(const struct file_cache_kind *kind, size_t limit);
void file_cache_free(struct file_cache *cache);
define_auto_free(file_cache)

/* Forgets all files; whatever was found before is invalid. */
void file_cache_clear(struct file_cache *cache);

/*
 * Whether the file is known; `thing` is NULL then for a file of which nothing can
 * be made. It belongs to the cache and is valid until the next load.
 */
bool file_cache_find(struct file_cache *cache, const struct file_key *key, const void **thing);

/*
 * Reads the file, or the image in memory, unless it is known, and gives its key
 * and thing, as above. Returns 0 also where nothing can be made of it, or a
 * negative errno (fstat(2), -ENOMEM, or a read that failed: that is not remembered).
 */
int file_cache_load(struct file_cache *cache, int fd, struct file_key *key, const void **thing);
int file_cache_load_image(struct file_cache *cache, const void *data, size_t size,
			  struct file_key *key, const void **thing);

/*
 * Why there is no thing for a file that is known: what the kind's load said, or -EFBIG
 * where it would have been larger than the cache; 0 where there is one, or the file is
 * not known.
 */
int file_cache_error(const struct file_cache *cache, const struct file_key *key);

void file_cache_statistics(const struct file_cache *cache,
			   struct file_cache_statistics *statistics);

#endif
