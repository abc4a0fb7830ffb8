// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "fuzz.h"
#include "symbols/go_line_table.h"

/* What is asked for stands at the end of the input, so that the fuzzer chooses it too. */
static uint64_t word_at_end(const uint8_t *data, size_t size, size_t index)
{
	uint64_t word = 0;

	if (size >= (index + 1) * sizeof(word))
		memcpy(&word, data + size - (index + 1) * sizeof(word), sizeof(word));
	return word;
}

static void check(const struct go_call *calls, size_t count, size_t capacity)
{
	FUZZ_REQUIRE(count <= capacity);
	for (size_t i = 0; i < count; i++) {
		FUZZ_REQUIRE(calls[i].function[0]);
		FUZZ_REQUIRE(strnlen(calls[i].function, GO_NAME_SIZE) < GO_NAME_SIZE);
		FUZZ_REQUIRE(strnlen(calls[i].file, GO_NAME_SIZE) < GO_NAME_SIZE);
		FUZZ_REQUIRE(calls[i].file[0] || !calls[i].line);
		FUZZ_REQUIRE(calls[i].inlined || i + 1 == count);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct go_call calls[GO_INLINE_DEPTH_MAX + 1];
	const struct go_module module = {
		.text = word_at_end(data, size, 1),
		.func_data = word_at_end(data, size, 2),
	};
	auto_free(go_line_table) struct go_line_table *table = NULL;
	uint64_t vaddr = word_at_end(data, size, 0), start, end, frame;

	if (go_line_table_load_memory(data, size, &table, NULL) < 0)
		return 0;
	check(calls, go_line_table_find(table, &module, vaddr, calls, 2), 2);
	for (uint64_t i = 0; i < 8; i++)
		check(calls,
		      go_line_table_find(table, &module, vaddr + i * 4, calls,
					 GO_INLINE_DEPTH_MAX + 1),
		      GO_INLINE_DEPTH_MAX + 1);
	if (go_line_table_frame_size(table, &module, vaddr, &frame) == 0)
		FUZZ_REQUIRE(frame <= INT32_MAX);
	if (go_line_table_find_function(table, &module, "main.last", &start, &end) == 0)
		FUZZ_REQUIRE(start <= end);
	return 0;
}
