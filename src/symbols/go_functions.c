// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_functions.h"

#include <errno.h>
#include <string.h>

enum {
	/* Functions for which one address is kept: those of a block or two of the file. */
	STRIDE = 512,
	/* Fields of struct _func that stand at one distance from nameoff in all formats. */
	FRAMES_BEHIND_NAME = 12, /* pcsp */
	FILES_BEHIND_NAME = 16,
	LINES_BEHIND_NAME = 20,
	PC_DATA_COUNT_BEHIND_NAME = 24,
	FUNC_DATA_COUNT_BEHIND_ID = 3,
	/* Tables per function: 4 and 8 are in use; their numbers have 32 and 8 bits. */
	PC_DATA_MAX = 64,
	RECORD_SIZE_MAX = 44,
	/* Address 32 bits wide and offset that stand for nothing. */
	NO_FUNC_DATA = -1,
};

struct go_functions {
	struct elf_span table;
	struct elf_span functab;
	struct go_line_header header;
	uint64_t end; /* of the last function */
	size_t count; /* of `first` */
	uint64_t first[];
};

/* Reads a field of the functab: address and offset alternate. */
static int read_field(const struct elf_span *functab, unsigned int size, uint64_t index,
		      uint64_t *value)
{
	uint32_t narrow;
	int result;

	if (size == sizeof(*value))
		return elf_span_read(functab, index * size, value, sizeof(*value));
	result = elf_span_read(functab, index * size, &narrow, sizeof(narrow));
	if (result == 0)
		*value = narrow;
	return result;
}

/* Checks that the functions are sorted, and keeps some of their addresses. */
static int read_addresses(struct go_functions *functions)
{
	unsigned int size = functions->header.format->address_size;
	uint64_t count = functions->header.functions, last = 0;

	for (uint64_t i = 0; i <= count; i++) {
		uint64_t address;
		int result = read_field(&functions->functab, size, 2 * i, &address);

		if (result < 0)
			return result;
		if (address < last)
			return -ENODATA;
		if (i < count && i % STRIDE == 0)
			functions->first[functions->count++] = address;
		last = address;
	}
	functions->end = last;
	return last > functions->first[0] ? 0 : -ENODATA;
}

int go_functions_new(const struct elf_span *table, const struct go_line_header *header,
		     struct go_functions **out)
{
	uint64_t size = go_line_header_functab_size(header);
	size_t kept = (size_t)((header->functions + STRIDE - 1) / STRIDE);
	auto_free(go_functions) struct go_functions *functions = NULL;
	int result;

	functions = calloc(1, sizeof(*functions) + kept * sizeof(*functions->first));
	if (!functions)
		return -ENOMEM;
	functions->table = *table;
	functions->functab =
		elf_span_part(table, header->function_tab, header->function_tab + size);
	functions->header = *header;
	result = read_addresses(functions);
	if (result < 0)
		return result;
	*out = take_ptr(functions);
	return 0;
}

void go_functions_free(struct go_functions *functions)
{
	free(functions);
}

size_t go_functions_memory(const struct go_functions *functions)
{
	return sizeof(*functions) + functions->count * sizeof(*functions->first);
}

static uint32_t word_of(const unsigned char *record, size_t at)
{
	uint32_t word;

	memcpy(&word, record + at, sizeof(word));
	return word;
}

static int read_word(const struct elf_span *span, uint64_t at, uint32_t *word)
{
	return elf_span_read(span, at, word, sizeof(*word));
}

/* The function's tables: `pc_data` offsets and then `func_data` addresses or offsets. */
static bool read_tables(const struct go_functions *functions, uint32_t pc_data, uint8_t func_data,
			struct go_function *function)
{
	const struct go_line_format *format = functions->header.format;
	uint64_t at = function->record + format->size, start;
	uint64_t address;
	uint32_t offset;

	if (pc_data > PC_DATA_MAX)
		return false;
	if (pc_data > GO_PC_DATA_INLINE &&
	    read_word(&functions->table, at + GO_PC_DATA_INLINE * sizeof(uint32_t),
		      &function->inlined) < 0)
		return false;
	if (func_data <= format->inline_tree)
		return true;
	start = at + pc_data * sizeof(uint32_t);
	if (format->address_size == sizeof(uint32_t)) {
		if (read_word(&functions->table, start + format->inline_tree * sizeof(uint32_t),
			      &offset) < 0)
			return false;
		function->has_inline_tree = offset != (uint32_t)NO_FUNC_DATA;
		function->inline_tree = offset;
		return true;
	}
	/* Addresses are aligned, as the table itself is. */
	start = (start + sizeof(address) - 1) & ~(uint64_t)(sizeof(address) - 1);
	if (elf_span_read(&functions->table, start + format->inline_tree * sizeof(address),
			  &address, sizeof(address)) < 0)
		return false;
	function->has_inline_tree = address != 0;
	function->inline_tree = address;
	return true;
}

/* The record's own entry must be the one by which it was found. */
static bool read_record(const struct go_functions *functions, struct go_function *function)
{
	const struct go_line_format *format = functions->header.format;
	unsigned char record[RECORD_SIZE_MAX];
	uint64_t entry = 0;

	if (elf_span_read(&functions->table, function->record, record, format->size) < 0)
		return false;
	memcpy(&entry, record, format->address_size);
	if (entry != function->entry)
		return false;
	function->name = word_of(record, format->name);
	function->frames = word_of(record, format->name + FRAMES_BEHIND_NAME);
	function->files = word_of(record, format->name + FILES_BEHIND_NAME);
	function->lines = word_of(record, format->name + LINES_BEHIND_NAME);
	function->unit = format->unit ? word_of(record, format->unit) : 0;
	function->start_line = format->start_line ? word_of(record, format->start_line) : 0;
	function->id = record[format->id];
	return read_tables(functions, word_of(record, format->name + PC_DATA_COUNT_BEHIND_NAME),
			   record[format->id + FUNC_DATA_COUNT_BEHIND_ID], function);
}

bool go_functions_at(const struct go_functions *functions, uint64_t index,
		     struct go_function *function)
{
	const struct go_line_header *header = &functions->header;
	unsigned int size = header->format->address_size;
	struct go_function found = {0};
	uint64_t offset;

	if (index >= header->functions ||
	    read_field(&functions->functab, size, 2 * index, &found.entry) < 0 ||
	    read_field(&functions->functab, size, 2 * index + 1, &offset) < 0 ||
	    read_field(&functions->functab, size, 2 * index + 2, &found.end) < 0)
		return false;
	/* An offset of all ones marks code that Go's linker does not know. */
	if (offset >= functions->table.size || found.end < found.entry)
		return false;
	found.record = header->function_base + offset;
	if (!read_record(functions, &found))
		return false;
	*function = found;
	return true;
}

/* The last of the addresses kept that is not above `address`, which is not below the first. */
static size_t find_stride(const struct go_functions *functions, uint64_t address)
{
	size_t low = 0, high = functions->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (functions->first[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool go_functions_find(const struct go_functions *functions, uint64_t address,
		       struct go_function *function)
{
	unsigned int size = functions->header.format->address_size;
	uint64_t low, high;

	if (address < functions->first[0] || address >= functions->end)
		return false;
	low = (uint64_t)find_stride(functions, address) * STRIDE;
	high = low + STRIDE;
	if (high > functions->header.functions)
		high = functions->header.functions;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2, entry;

		if (read_field(&functions->functab, size, 2 * middle, &entry) < 0)
			return false;
		if (entry <= address)
			low = middle;
		else
			high = middle;
	}
	return go_functions_at(functions, low, function) && address >= function->entry &&
	       address < function->end;
}
