/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_ROW_BUILDER_H
#define PARKSCOPE_UNWIND_ROW_BUILDER_H

/* From descriptions of functions to the rows of a table (unwind_table.h). */

#include <stddef.h>
#include <stdint.h>

#include "bpf/unwind_row.h"
#include "unwind/frame_description.h"

struct row_builder {
	uint64_t base; /* vaddr that rows count from */
	struct unwind_row *rows;
	size_t count;
	size_t capacity;
};

/*
 * Appends the rows of both sections' descriptions, which are sorted and begin
 * between `base` and 4 GiB behind it; of `secondary` only those whose beginning
 * `primary` does not cover. 0, -ENOMEM, or -E2BIG for more than
 * UNWIND_TABLE_ROWS_MAX rows; the caller frees builder->rows in any case.
 */
int row_builder_add(struct row_builder *builder, const struct frame_descriptions *primary,
		    const struct cfi_pointer_base *primary_base,
		    const struct frame_descriptions *secondary,
		    const struct cfi_pointer_base *secondary_base);

#endif
