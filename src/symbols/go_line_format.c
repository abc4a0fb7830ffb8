// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_line_format.h"

#include <string.h>

enum {
	MAGIC_GO_1_2 = 0xfffffffb,
	MAGIC_GO_1_16 = 0xfffffffa,
	MAGIC_GO_1_18 = 0xfffffff0,
	MAGIC_GO_1_20 = 0xfffffff1,
	POINTER_SIZE = 8,
	/* Header: magic, two zeros, quantum, pointer size; words follow. */
	AT_PADDING = 4,
	AT_QUANTUM = 6,
	AT_POINTER_SIZE = 7,
	AT_WORDS = 8,
};

static const struct go_line_format formats[] = {
	/*
	 * Go 1.2 to 1.15. FuncIDs, inline trees and their place are those of 1.12 to 1.15;
	 * older versions have no function data of that index.
	 */
	{
		.magic = MAGIC_GO_1_2,
		.address_size = 8,
		.name = 8,
		.id = 36,
		.size = 40,
		.inline_tree = 4,
		.call_size = 20,
		.call_id = 2,
		.call_name = 12,
		.call_parent = 16,
		.wrapper = 22,
	},
	/* Go 1.16 and 1.17. */
	{
		.magic = MAGIC_GO_1_16,
		.address_size = 8,
		.name = 8,
		.unit = 36,
		.id = 40,
		.size = 44,
		.inline_tree = 3,
		.call_size = 20,
		.call_id = 2,
		.call_name = 12,
		.call_parent = 16,
		.wrapper = 22,
	},
	/* Go 1.18 and 1.19. */
	{
		.magic = MAGIC_GO_1_18,
		.address_size = 4,
		.name = 4,
		.unit = 32,
		.id = 36,
		.size = 40,
		.inline_tree = 3,
		.call_size = 20,
		.call_id = 2,
		.call_name = 12,
		.call_parent = 16,
		.wrapper = 21,
	},
	/* Go 1.20 and newer: 21 up to 1.21, 22 up to 1.24, 23 in 1.25. */
	{
		.magic = MAGIC_GO_1_20,
		.address_size = 4,
		.name = 4,
		.unit = 32,
		.start_line = 36,
		.id = 40,
		.size = 44,
		.inline_tree = 3,
		.call_size = 16,
		.call_id = 0,
		.call_name = 4,
		.call_parent = 8,
		.call_line = 12,
		.wrapper = 0,
		.shape_names = true,
	},
};

static const struct go_line_format *find_format(const unsigned char *bytes)
{
	uint32_t magic;

	memcpy(&magic, bytes, sizeof(magic));
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (formats[i].magic == magic)
			return &formats[i];
	return NULL;
}

static uint64_t word_at(const unsigned char *bytes, size_t index)
{
	uint64_t word;

	memcpy(&word, bytes + AT_WORDS + index * POINTER_SIZE, sizeof(word));
	return word;
}

bool go_line_format_matches(const unsigned char *bytes)
{
	unsigned char quantum = bytes[AT_QUANTUM];

	return find_format(bytes) && !bytes[AT_PADDING] && !bytes[AT_PADDING + 1] &&
	       (quantum == 1 || quantum == 2 || quantum == 4) &&
	       bytes[AT_POINTER_SIZE] == POINTER_SIZE;
}

/* Names, file names and program counter tables stand anywhere in the table. */
static void parse_go_1_2(const unsigned char *bytes, struct go_line_header *header)
{
	header->functions = word_at(bytes, 0);
	header->function_tab = AT_WORDS + POINTER_SIZE;
}

/* Parts in the order of the words, from `first` on. */
static bool parse_parts(const unsigned char *bytes, size_t first, uint64_t size,
			struct go_line_header *header)
{
	header->functions = word_at(bytes, 0);
	header->names = word_at(bytes, first);
	header->units = word_at(bytes, first + 1);
	header->files = word_at(bytes, first + 2);
	header->pc_values = word_at(bytes, first + 3);
	header->function_tab = word_at(bytes, first + 4);
	header->function_base = header->function_tab;
	if (header->names < AT_WORDS + (first + 5) * POINTER_SIZE ||
	    header->units < header->names || header->files < header->units ||
	    header->pc_values < header->files || header->function_tab < header->pc_values ||
	    header->function_tab > size)
		return false;
	header->unit_count = (header->files - header->units) / sizeof(uint32_t);
	return true;
}

uint64_t go_line_header_functab_size(const struct go_line_header *header)
{
	return (2 * header->functions + 1) * header->format->address_size;
}

bool go_line_header_parse(const unsigned char bytes[GO_LINE_HEADER_SIZE], uint64_t size,
			  struct go_line_header *header)
{
	struct go_line_header found = {.format = find_format(bytes), .quantum = bytes[AT_QUANTUM]};

	if (size < GO_LINE_HEADER_SIZE || !go_line_format_matches(bytes))
		return false;
	if (found.format->magic == MAGIC_GO_1_2) {
		parse_go_1_2(bytes, &found);
	} else if (found.format->magic == MAGIC_GO_1_16) {
		if (!parse_parts(bytes, 2, size, &found))
			return false;
	} else {
		found.text = word_at(bytes, 2);
		if (!parse_parts(bytes, 3, size, &found))
			return false;
	}
	if (!found.functions || found.functions > GO_FUNCTIONS_MAX ||
	    go_line_header_functab_size(&found) > size - found.function_tab)
		return false;
	*header = found;
	return true;
}
