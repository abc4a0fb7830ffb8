/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_SYMBOL_CACHE_H
#define PARKSCOPE_SYMBOLS_SYMBOL_CACHE_H

/*
 * Symbols of ELF files, shared by all processes that map them. The least
 * recently used go when the memory limit is met.
 *
 * A file is known by what fstat(2) says of the open file, never by what a
 * process's maps or the file's build id say: both are the process's word, and a
 * process that lies must not give other processes its names. The time of the
 * last change is part of it, so that a file written in place is read again.
 *
 * For one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "symbols/elf_symbols.h"

struct file_key {
	uint64_t device;
	uint64_t inode;
	uint64_t size;       /* bytes */
	uint64_t changed_ns; /* st_ctim */
};

struct symbol_cache;

struct symbol_cache_statistics {
	size_t files;
	size_t memory;      /* bytes */
	uint64_t loads;     /* files read, again after they had gone included */
	uint64_t too_large; /* loads whose result alone was above the limit: no names */
};

/* `limit` in bytes. Returns NULL without memory. */
struct symbol_cache *symbol_cache_new(size_t limit);
void symbol_cache_free(struct symbol_cache *cache);
define_auto_free(symbol_cache);

/*
 * Whether the file is known; `symbols` is NULL then for a file that has none to
 * give. The symbols belong to the cache and are valid until the next call of
 * symbol_cache_load().
 */
bool symbol_cache_find(struct symbol_cache *cache, const struct file_key *key,
		       const struct elf_symbols **symbols);

/*
 * Reads the file unless it is known, and gives its key and symbols, as above.
 * Returns 0 also for what is no ELF file, or a negative errno (fstat(2), -ENOMEM).
 */
int symbol_cache_load(struct symbol_cache *cache, int fd, struct file_key *key,
		      const struct elf_symbols **symbols);

void symbol_cache_statistics(const struct symbol_cache *cache,
			     struct symbol_cache_statistics *statistics);

#endif
