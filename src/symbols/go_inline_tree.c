// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_inline_tree.h"

#include <string.h>

enum {
	CALL_SIZE_MAX = 20,
	/* The trees' own bound in the runtime. */
	CALLS_MAX = 1 << 20,
};

static uint32_t word_of(const unsigned char *call, size_t at)
{
	uint32_t word;

	memcpy(&word, call + at, sizeof(word));
	return word;
}

bool go_inline_tree_read(const struct elf_span *tree, const struct go_line_format *format,
			 int32_t index, struct go_inlined_call *call)
{
	unsigned char raw[CALL_SIZE_MAX];

	if (index < 0 || index >= CALLS_MAX ||
	    elf_span_read(tree, (uint64_t)index * format->call_size, raw, format->call_size) < 0)
		return false;
	*call = (struct go_inlined_call){
		.name = word_of(raw, format->call_name),
		.parent_pc = word_of(raw, format->call_parent),
		.start_line = format->call_line ? word_of(raw, format->call_line) : 0,
		.id = raw[format->call_id],
	};
	return true;
}
