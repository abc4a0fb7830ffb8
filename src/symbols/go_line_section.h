/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GO_LINE_SECTION_H
#define PARKSCOPE_SYMBOLS_GO_LINE_SECTION_H

/* Where the line table of Go code stands in an ELF file. */

#include <stdbool.h>
#include <stdint.h>

#include "process/elf_image.h"
#include "process/load_segments.h"

enum {
	/* Bytes of a file that are searched. */
	GO_LINE_SEARCH_MAX = 512 << 20,
};

struct go_line_section {
	uint64_t offset; /* in the file */
	uint64_t size;   /* where it was searched for: up to the end of the segment */
	uint64_t vaddr;
};

/*
 * The section of that name: 0; -ENODATA where there is none, or one that no loader maps
 * as it stands in the file (compressed, not loaded, in two segments).
 */
int go_line_section_find(const struct elf_image *image, const struct load_segments *segments,
			 struct go_line_section *section);

/*
 * Whether the table may stand where no section says so: without section table, and in Go
 * programs that a C linker made position independent, which puts it into .data.rel.ro.
 */
bool go_line_section_may_be_elsewhere(const struct elf_image *image);

/*
 * The next place from file offset `from` on where a valid header stands in a loaded
 * segment: 0, -ENODATA or -ENOMEM.
 */
int go_line_section_search(const struct elf_image *image, uint64_t from,
			   struct go_line_section *section);

#endif
