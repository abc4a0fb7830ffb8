/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_SYMBOL_INDEX_H
#define PARKSCOPE_SYMBOLS_SYMBOL_INDEX_H

/*
 * Functions by address: 16 bytes each and one block of names. What the readers of
 * ELF files and perf maps make, and all that stays of what they read. Zeroed is
 * empty. Does not change once made: several threads may use it.
 */

#include <stddef.h>
#include <stdint.h>

struct symbol_entry {
	uint64_t address;
	uint32_t size; /* bytes; more than 4 GiB count as that */
	uint32_t name; /* offset into the names, where it ends with a NUL */
};

struct symbol_index {
	struct symbol_entry *entries; /* by ascending address */
	size_t count;
	char *names;
	size_t names_size; /* bytes */
};

/* The innermost function that holds `address`, or NULL. O(log n). */
const struct symbol_entry *symbol_index_find(const struct symbol_index *index, uint64_t address);

const char *symbol_index_name(const struct symbol_index *index, const struct symbol_entry *entry);

/* Bytes of memory behind the structure. */
size_t symbol_index_memory(const struct symbol_index *index);

/* Frees what it holds and empties it. */
void symbol_index_clear(struct symbol_index *index);

#endif
