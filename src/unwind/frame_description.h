/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_FRAME_DESCRIPTION_H
#define PARKSCOPE_UNWIND_FRAME_DESCRIPTION_H

/*
 * The records of .eh_frame (LSB Core 5.0, 10.6.1) and .debug_frame (DWARF 5,
 * section 6.4.1): which code has call frame information, and where its program
 * is. Whoever owns the file may write there what they like: every size is
 * checked, each byte is looked at a bounded number of times, and a record that is
 * damaged, or whose encoding is not known, counts as not there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "unwind/cfi_cursor.h"
#include "unwind/frame_program.h"

enum {
	/* Functions; librustc_driver has 0.11 million. 32 MiB while they are read. */
	FRAME_DESCRIPTIONS_MAX = 1 << 20,
	/* Linkers merge equal ones of .eh_frame; .debug_frame has one per object file. */
	FRAME_COMMONS_MAX = 1 << 17,
};

/* The bytes of one section. They are borrowed, and descriptions point into them. */
struct frame_section {
	const unsigned char *data;
	size_t size;
	uint64_t vaddr;
	uint64_t data_vaddr; /* see struct cfi_pointer_base */
	bool is_debug_frame;
	/* The section's size is not known: a record of length 0 is its end, else nothing. */
	bool ends_at_zero;
};

/* What one record (FDE) says of one piece of code. */
struct frame_description {
	uint64_t start; /* vaddr */
	uint64_t end;   /* the first vaddr behind it */
	const unsigned char *program;
	uint32_t program_size;
	uint32_t common; /* place in the list's `commons` */
};

/* All of one section. */
struct frame_descriptions {
	struct frame_description *list;
	size_t count;
	size_t capacity;
	struct frame_common *commons; /* in the order of the section */
	size_t common_count;
	size_t common_capacity;
};

/*
 * Fills the empty list with the descriptions that begin between two vaddrs; their
 * ends are cut there. 0, -ENOMEM, or -E2BIG for more than the limits above.
 */
int frame_descriptions_read(struct frame_descriptions *all, const struct frame_section *section,
			    uint64_t code_start, uint64_t code_end);

/* Frees what the list holds. */
void frame_descriptions_clear(struct frame_descriptions *all);

/* Sorts by start; those of one start stay in the order of the section. */
void frame_descriptions_sort(struct frame_descriptions *all);

#endif
