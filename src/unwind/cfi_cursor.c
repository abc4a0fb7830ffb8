// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/cfi_cursor.h"

#include <string.h>

#include "unwind/dwarf_constants.h"

struct cfi_cursor cfi_cursor_of(const void *data, size_t size)
{
	const unsigned char *at = data;

	return (struct cfi_cursor){.at = at, .end = at + size};
}

bool cfi_at_end(const struct cfi_cursor *cursor)
{
	return cursor->failed || cursor->at == cursor->end;
}

static void fail(struct cfi_cursor *cursor)
{
	cursor->failed = true;
	cursor->at = cursor->end;
}

static void take(struct cfi_cursor *cursor, void *target, size_t size)
{
	if ((size_t)(cursor->end - cursor->at) < size) {
		fail(cursor);
		memset(target, 0, size);
		return;
	}
	memcpy(target, cursor->at, size);
	cursor->at += size;
}

uint8_t cfi_u8(struct cfi_cursor *cursor)
{
	uint8_t value;

	take(cursor, &value, sizeof(value));
	return value;
}

uint16_t cfi_u16(struct cfi_cursor *cursor)
{
	uint16_t value;

	take(cursor, &value, sizeof(value));
	return value;
}

uint32_t cfi_u32(struct cfi_cursor *cursor)
{
	uint32_t value;

	take(cursor, &value, sizeof(value));
	return value;
}

uint64_t cfi_u64(struct cfi_cursor *cursor)
{
	uint64_t value;

	take(cursor, &value, sizeof(value));
	return value;
}

uint64_t cfi_uleb(struct cfi_cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned int shift = 0;; shift += 7) {
		uint8_t byte = cfi_u8(cursor);
		uint64_t bits = byte & 0x7f;

		if (bits && (shift > 63 || (shift == 63 && bits > 1)))
			fail(cursor);
		if (cursor->failed)
			return 0;
		if (shift <= 63)
			value |= bits << shift;
		if (!(byte & 0x80))
			return value;
	}
}

int64_t cfi_sleb(struct cfi_cursor *cursor)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = cfi_u8(cursor);
		/* The tenth byte has room for the sign alone. */
		if (shift > 63 || (shift == 63 && byte != 0 && byte != 0x7f))
			fail(cursor);
		if (cursor->failed)
			return 0;
		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && (byte & 0x40))
		value |= ~UINT64_C(0) << shift;
	return (int64_t)value;
}

struct cfi_cursor cfi_block(struct cfi_cursor *cursor, uint64_t size)
{
	struct cfi_cursor block = *cursor;

	if ((uint64_t)(cursor->end - cursor->at) < size) {
		fail(cursor);
		return *cursor;
	}
	cursor->at += size;
	block.end = cursor->at;
	return block;
}

const char *cfi_text(struct cfi_cursor *cursor)
{
	const unsigned char *text = cursor->at;
	const unsigned char *end = memchr(text, 0, (size_t)(cursor->end - text));

	if (!end) {
		fail(cursor);
		return NULL;
	}
	cursor->at = end + 1;
	return (const char *)text;
}

uint64_t cfi_pointer_value(struct cfi_cursor *cursor, uint8_t encoding)
{
	switch (encoding & DW_EH_PE_FORMAT) {
	case DW_EH_PE_ABSPTR:
	case DW_EH_PE_UDATA8:
	case DW_EH_PE_SDATA8:
		return cfi_u64(cursor);
	case DW_EH_PE_ULEB128:
		return cfi_uleb(cursor);
	case DW_EH_PE_UDATA2:
		return cfi_u16(cursor);
	case DW_EH_PE_UDATA4:
		return cfi_u32(cursor);
	case DW_EH_PE_SLEB128:
		return (uint64_t)cfi_sleb(cursor);
	case DW_EH_PE_SDATA2:
		return (uint64_t)(int16_t)cfi_u16(cursor);
	case DW_EH_PE_SDATA4:
		return (uint64_t)(int32_t)cfi_u32(cursor);
	default:
		fail(cursor);
		return 0;
	}
}

uint64_t cfi_pointer(struct cfi_cursor *cursor, uint8_t encoding,
		     const struct cfi_pointer_base *base)
{
	uint64_t here = base->vaddr + (uint64_t)(cursor->at - base->data);
	uint64_t value = cfi_pointer_value(cursor, encoding);

	/* Indirect ones have one bit more than any of these. */
	switch (encoding & ~DW_EH_PE_FORMAT) {
	case DW_EH_PE_ABSPTR:
		break;
	case DW_EH_PE_PCREL:
		value += here;
		break;
	case DW_EH_PE_DATAREL:
		if (!base->data_vaddr)
			fail(cursor);
		value += base->data_vaddr;
		break;
	default:
		fail(cursor);
	}
	return cursor->failed ? 0 : value;
}
