/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_ELF_SYMBOL_TABLE_H
#define PARKSCOPE_SYMBOLS_ELF_SYMBOL_TABLE_H

/*
 * Makes an index of functions from the symbol tables of one program. They may come
 * from several images: what is named twice keeps the better name. For
 * elf_symbols.c, whose header says which symbols count and which names are better.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "process/elf_image.h"
#include "symbols/symbol_index.h"

struct elf_symbol_table;

/* Returns NULL without memory. */
struct elf_symbol_table *elf_symbol_table_new(void);
void elf_symbol_table_free(struct elf_symbol_table *table);
define_auto_free(elf_symbol_table)

/*
 * Adds the image's first section of that type, SHT_SYMTAB or SHT_DYNSYM, as far as
 * it can be read. Returns 0, also where it has none or a damaged one, or -ENOMEM.
 */
int elf_symbol_table_add(struct elf_symbol_table *table, const struct elf_image *image,
			 uint32_t type);

/* Whether nothing that names code was added. */
bool elf_symbol_table_is_empty(const struct elf_symbol_table *table);

/* A limit of elf_symbols.h was met, or the file ended before its table did. */
bool elf_symbol_table_truncated(const struct elf_symbol_table *table);

/*
 * Makes the index, which is the caller's to clear, and empties the table. Returns 0
 * or -ENOMEM.
 */
int elf_symbol_table_index(struct elf_symbol_table *table, struct symbol_index *index);

#endif
