// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "fuzz.h"
#include "symbols/perf_map_lines.h"

static void check_index(const struct symbol_index *index)
{
	for (size_t i = 0; i < index->count; i++) {
		const struct symbol_entry *entry = &index->entries[i];
		const char *name = symbol_index_name(index, entry);

		FUZZ_REQUIRE(entry->size > 0);
		FUZZ_REQUIRE(i == 0 || entry[-1].address + entry[-1].size <= entry->address);
		FUZZ_REQUIRE(strlen(name) > 0 && strlen(name) < PERF_MAP_NAME_SIZE);
		FUZZ_REQUIRE(symbol_index_find(index, entry->address + entry->size - 1) == entry);
	}
}

/* In two pieces: what is read at once may end anywhere. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free(perf_map_lines) struct perf_map_lines *lines = NULL;
	const char *text = (const char *)data;
	struct symbol_index index = {0};
	size_t first;

	if (size < 2)
		return 0;
	first = data[0] % size;
	lines = perf_map_lines_new(data[1] & 1);
	if (!lines || perf_map_lines_add(lines, text, first) < 0 ||
	    perf_map_lines_add(lines, text + first, size - first) < 0 ||
	    perf_map_lines_index(lines, &index) < 0)
		return 0;
	check_index(&index);
	symbol_index_clear(&index);
	return 0;
}
