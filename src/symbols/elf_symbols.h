/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_ELF_SYMBOLS_H
#define PARKSCOPE_SYMBOLS_ELF_SYMBOLS_H

/*
 * Function names of one ELF file: a sorted index of 16 bytes a symbol and one
 * block of names.
 *
 * Sources, the first that has symbols wins: the file's .symtab; the .symtab of
 * the separate debug file that this host has for its build id; the .symtab in the
 * file's .gnu_debugdata together with its .dynsym. Everything is read with pread(2) (see
 * elf_image.h for why), nothing is kept open, and the object does not change: several threads may
 * use it.
 *
 * Addresses are the file's own virtual addresses ("vaddr"), as nm prints them;
 * elf_symbols_vaddr() makes them of file offsets, which a mapping knows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	/* Symbols that are looked at; node has 0.2 million, a Chromium with all symbols 1.5. */
	ELF_SYMBOLS_MAX = 4 << 20,
	/* Bytes of a string table; symbols whose name lies behind them have none. */
	ELF_SYMBOLS_NAMES_MAX = 128 << 20,
};

struct elf_symbols;

struct elf_symbol {
	/*
	 * Raw, as the file has it. A hostile file can have names of many megabytes:
	 * cap when copying. Belongs to the index.
	 */
	const char *name;
	uint64_t address; /* vaddr of the first byte */
	uint64_t size;    /* bytes; where the file says 0, up to the next symbol */
};

/* What a caller may want to change; NULL stands for the defaults. */
struct elf_symbols_options {
	const char *debug_directory; /* default "/usr/lib/debug/.build-id"; "" for none */
};

/*
 * Returns 0 and an object that the caller frees, or a negative errno: -ENOEXEC
 * for what is no ELF file. A file without symbols, or whose tables are damaged,
 * gives an index without symbols. `fd` is only read, `image` (say, of a vdso) is
 * not needed afterwards; neither is taken over.
 */
int elf_symbols_load(int fd, const struct elf_symbols_options *options, struct elf_symbols **out,
		     struct error *error);
int elf_symbols_load_memory(const void *image, size_t size, struct elf_symbols **out,
			    struct error *error);

void elf_symbols_free(struct elf_symbols *symbols);
define_auto_free(elf_symbols);

/*
 * The function that holds `vaddr`. Of several names for one address the one that
 * is sized, a function, global rather than local rather than weak, with fewer
 * leading underscores, and first by bytes. O(log n).
 */
bool elf_symbols_find(const struct elf_symbols *symbols, uint64_t vaddr, struct elf_symbol *found);

/* The vaddr at which the loader puts the byte at `file_offset`, code before data. */
bool elf_symbols_vaddr(const struct elf_symbols *symbols, uint64_t file_offset, uint64_t *vaddr);

/* Hex digits, NULL where the file has no build id. Belongs to the index. */
const char *elf_symbols_build_id(const struct elf_symbols *symbols);

size_t elf_symbols_count(const struct elf_symbols *symbols);

/* One of the limits above was met: some functions have no name. */
bool elf_symbols_truncated(const struct elf_symbols *symbols);

/* Bytes of memory that the object takes. */
size_t elf_symbols_memory(const struct elf_symbols *symbols);

#endif
