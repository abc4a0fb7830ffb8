// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/go_pc_values.h"

#include <stdbool.h>

/* Where a table is read, byte by byte. */
struct cursor {
	const struct elf_span *span;
	uint64_t at;
	const unsigned char *bytes; /* those at `at` */
	size_t available;
	size_t budget; /* bytes that may still be read */
};

static bool next_byte(struct cursor *cursor, unsigned char *byte)
{
	if (!cursor->budget)
		return false;
	if (!cursor->available)
		cursor->bytes = elf_span_peek(cursor->span, cursor->at, &cursor->available);
	if (!cursor->bytes)
		return false;
	*byte = *cursor->bytes++;
	cursor->available--;
	cursor->at++;
	cursor->budget--;
	return true;
}

/* Seven bits a byte, the lowest ones first: 32 bits are in five. */
static bool next_number(struct cursor *cursor, uint32_t *number)
{
	uint32_t value = 0;

	for (unsigned int shift = 0; shift < 32; shift += 7) {
		unsigned char byte;

		if (!next_byte(cursor, &byte))
			return false;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*number = value;
			return true;
		}
	}
	return false;
}

/*
 * Pairs of a difference of values and one of program counters up to which the value holds.
 * A difference of 0 ends the table, but for the first pair.
 */
static int32_t find_value(struct cursor *cursor, unsigned int quantum, uint64_t pc)
{
	uint32_t value = UINT32_MAX; /* -1 */
	uint64_t end = 0;

	for (;;) {
		uint32_t difference, length;

		if (!next_number(cursor, &difference) || (!difference && end))
			return -1;
		if (!next_number(cursor, &length))
			return -1;
		/* Zigzag: the sign is in the lowest bit. */
		value += (difference >> 1) ^ (0 - (difference & 1));
		end += (uint64_t)length * quantum;
		if (pc < end)
			return (int32_t)value;
	}
}

int32_t go_pc_value(const struct elf_span *tables, uint64_t at, unsigned int quantum, uint64_t pc,
		    size_t *budget)
{
	size_t limit = *budget < GO_PC_VALUES_MAX ? *budget : GO_PC_VALUES_MAX;
	struct cursor cursor = {.span = tables, .at = at, .budget = limit};
	int32_t value;

	if (!at)
		return -1;
	value = find_value(&cursor, quantum, pc);
	*budget -= limit - cursor.budget;
	return value;
}
