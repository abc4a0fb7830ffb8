// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/symbol_index.h"

#include <stdlib.h>

enum {
	/* Symbols inside of others are rare, deep nests of them do not exist. */
	NESTING_MAX = 32,
};

const struct symbol_entry *symbol_index_find(const struct symbol_index *index, uint64_t address)
{
	size_t low = 0, high = index->count;

	/* The first entry behind the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* The nearest entry before it may be a short one inside of a longer one. */
	for (size_t tries = 0; low > 0 && tries < NESTING_MAX; tries++) {
		const struct symbol_entry *entry = &index->entries[--low];

		if (address - entry->address < entry->size)
			return entry;
	}
	return NULL;
}

const char *symbol_index_name(const struct symbol_index *index, const struct symbol_entry *entry)
{
	return index->names + entry->name;
}

size_t symbol_index_memory(const struct symbol_index *index)
{
	return index->count * sizeof(*index->entries) + index->names_size;
}

void symbol_index_clear(struct symbol_index *index)
{
	free(index->entries);
	free(index->names);
	*index = (struct symbol_index){0};
}
