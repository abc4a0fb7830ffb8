/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_UNWIND_TABLE_H
#define PARKSCOPE_UNWIND_UNWIND_TABLE_H

/*
 * The unwind table of one x86-64 ELF file, 8 bytes a row (bpf/unwind_row.h),
 * made of its call frame information: .eh_frame, by its section or, where the
 * section table is gone, by PT_GNU_EH_FRAME; and .debug_frame for code that
 * .eh_frame does not cover.
 *
 * Everything is read with pread(2) (see elf_image.h for why), nothing is kept
 * open, and the object does not change: several threads may use it. Addresses are
 * the file's own virtual addresses ("vaddr").
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bpf/unwind_row.h"

enum {
	/* librustc_driver has 1.05 million; 32 MiB. */
	UNWIND_TABLE_ROWS_MAX = 4 << 20,
	/* Bytes of one section; librustc_driver has 6.1 MiB. Held only while the table is made. */
	UNWIND_TABLE_SECTION_MAX = 32 << 20,
	/*
	 * Bytes between two functions that belong to the one before: padding, and what
	 * hand-written code leaves out (glibc's clone3 ends its description before its
	 * system call).
	 */
	UNWIND_TABLE_GAP_MAX = 15,
	UNWIND_TABLE_DESCRIBED_SHARE = 16,
};

struct unwind_table;

/*
 * Returns 0 and an object that the caller frees, or a negative errno: -ENOEXEC
 * for what is no x86-64 ELF file, -E2BIG where a limit above is passed or code
 * lies more than 4 GiB apart. A file without call frame information gives a
 * table without rows; what is damaged counts as not there, or, inside a function's
 * program, as UNWIND_CFA_UNSUPPORTED. `fd` is only read, `data` (say, of a vdso) is
 * not needed afterwards; neither is taken over.
 */
int unwind_table_load(int fd, struct unwind_table **out, struct error *error);
int unwind_table_load_memory(const void *data, size_t size, struct unwind_table **out,
			     struct error *error);

void unwind_table_free(struct unwind_table *table);
define_auto_free(unwind_table);

/*
 * Rows in strictly ascending order, no two neighbours alike, the last one
 * UNWIND_CFA_NONE. Where descriptions overlap, the one that begins last before an
 * address holds, as for the search table that C++ exceptions use. They belong to
 * the table.
 */
const struct unwind_row *unwind_table_rows(const struct unwind_table *table, size_t *count);

/* The vaddr that row.pc counts from. */
uint64_t unwind_table_base(const struct unwind_table *table);

/* The row that holds at `vaddr`, NULL before the first one. O(log n). */
const struct unwind_row *unwind_table_find(const struct unwind_table *table, uint64_t vaddr);

/* The vaddr at which the loader puts the code at `file_offset`; false for what is not code. */
bool unwind_table_vaddr(const struct unwind_table *table, uint64_t file_offset, uint64_t *vaddr);

/*
 * The code has call frame information, and what has no row is an exception. A library
 * whose own code has none (musl) still has some, of the linker's and libgcc's: less than
 * a sixteenth of its code. Its rows hold all the same.
 */
bool unwind_table_has_cfi(const struct unwind_table *table);

/* Made by the Go linker: functions without rows keep frame pointers. */
bool unwind_table_is_go(const struct unwind_table *table);

/* Bytes of memory that the object takes. */
size_t unwind_table_memory(const struct unwind_table *table);

#endif
