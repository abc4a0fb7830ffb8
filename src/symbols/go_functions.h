/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GO_FUNCTIONS_H
#define PARKSCOPE_SYMBOLS_GO_FUNCTIONS_H

/*
 * The functions of a Go line table, by address: its functab, sorted by address, and the
 * records ("struct _func") to which it points. Of the functab only the first address
 * of each of its blocks is kept in memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "symbols/elf_blocks.h"
#include "symbols/go_line_format.h"

struct go_functions;

/* Addresses are as the functab has them: absolute or from runtime.text, see the format. */
struct go_function {
	uint64_t entry;
	uint64_t end;    /* of the space up to the next function */
	uint64_t record; /* where it stands in the table */
	uint32_t name;   /* offset into the names */
	uint32_t frames; /* program counter tables, 0: none */
	uint32_t files;
	uint32_t lines;
	uint32_t inlined; /* the same of the indexes of inlined calls */
	uint32_t unit;    /* first of its file numbers in the table of units */
	uint32_t start_line;
	uint8_t id;
	bool has_inline_tree;
	uint64_t inline_tree; /* as the record has it: an address or an offset */
};

/*
 * Reads the whole functab once. `table` is the whole line table; what it points to is
 * borrowed. Returns 0 and an object that the caller frees, -ENODATA where the
 * functions are not sorted, or what reading says.
 */
int go_functions_new(const struct elf_span *table, const struct go_line_header *header,
		     struct go_functions **out);
void go_functions_free(struct go_functions *functions);
define_auto_free(go_functions)

size_t go_functions_memory(const struct go_functions *functions);

/* The function at an address, or the one of that index: false where there is none. */
bool go_functions_find(const struct go_functions *functions, uint64_t address,
		       struct go_function *function);
bool go_functions_at(const struct go_functions *functions, uint64_t index,
		     struct go_function *function);

#endif
