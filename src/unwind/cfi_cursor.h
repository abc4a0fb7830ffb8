/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_CFI_CURSOR_H
#define PARKSCOPE_UNWIND_CFI_CURSOR_H

/*
 * Reading call frame information byte by byte without leaving it: numbers as
 * DWARF 5 section 7.6 has them, pointers as the Linux Standard Base Core
 * Specification 5.0, 10.5 ("DWARF Extensions") has them.
 *
 * A failure sticks: from then on everything reads as 0 and `failed` is set, so
 * that a caller may read all of a record before it asks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfi_cursor {
	const unsigned char *at;
	const unsigned char *end;
	bool failed;
};

/* What pointers may be relative to. */
struct cfi_pointer_base {
	const unsigned char *data; /* where the section begins, here */
	uint64_t vaddr;            /* and in the process, as its file counts */
	uint64_t data_vaddr;       /* of DW_EH_PE_datarel; 0: such pointers are refused */
};

struct cfi_cursor cfi_cursor_of(const void *data, size_t size);

bool cfi_at_end(const struct cfi_cursor *cursor);

uint8_t cfi_u8(struct cfi_cursor *cursor);
uint16_t cfi_u16(struct cfi_cursor *cursor);
uint32_t cfi_u32(struct cfi_cursor *cursor);
uint64_t cfi_u64(struct cfi_cursor *cursor);

/* More than 64 bits fail. */
uint64_t cfi_uleb(struct cfi_cursor *cursor);
int64_t cfi_sleb(struct cfi_cursor *cursor);

/* The next `size` bytes as a cursor of their own. */
struct cfi_cursor cfi_block(struct cfi_cursor *cursor, uint64_t size);

/* A text with its end, or NULL. Points into the data. */
const char *cfi_text(struct cfi_cursor *cursor);

/*
 * A pointer by its DW_EH_PE_… encoding. Those that are indirect, aligned,
 * relative to something unknown, or left out fail.
 */
uint64_t cfi_pointer(struct cfi_cursor *cursor, uint8_t encoding,
		     const struct cfi_pointer_base *base);

/* The number that a pointer of that encoding consists of, relative to nothing. */
uint64_t cfi_pointer_value(struct cfi_cursor *cursor, uint8_t encoding);

#endif
