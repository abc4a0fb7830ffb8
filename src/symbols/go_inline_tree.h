/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GO_INLINE_TREE_H
#define PARKSCOPE_SYMBOLS_GO_INLINE_TREE_H

/*
 * The calls that Go's compiler inlined into one function: see struct inlinedCall in
 * src/runtime/symtab.go, symtabinl.go from Go 1.20 on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "symbols/elf_blocks.h"
#include "symbols/go_line_format.h"

struct go_inlined_call {
	uint32_t name;      /* offset into the names */
	uint32_t parent_pc; /* within the code that it is inlined into, from the function's entry */
	uint32_t start_line;
	uint8_t id;
};

/* The call of that index in the tree, which starts with the span. False: not there. */
bool go_inline_tree_read(const struct elf_span *tree, const struct go_line_format *format,
			 int32_t index, struct go_inlined_call *call);

#endif
