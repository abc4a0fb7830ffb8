/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GO_LINE_TABLE_H
#define PARKSCOPE_SYMBOLS_GO_LINE_TABLE_H

/*
 * Go's own line table, .gopclntab ("pclntab"): functions, files, lines and inlined
 * calls of the Go code in one ELF file. It stays in stripped binaries, because the
 * runtime needs it. Formats of Go 1.2 to 1.15, 1.16, 1.18 and 1.20 and newer: see
 * src/debug/gosym/pclntab.go, src/runtime/symtab.go and src/cmd/link/internal/ld/pcln.go.
 *
 * Addresses are the file's own virtual addresses ("vaddr"). The table is read with
 * pread(2) where it is asked for, so that it takes little memory: the file stays open.
 * Everything in it is hostile: bounded in time and memory. For one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	/* Bytes that are kept of a function's name and of a file's path, the NUL included. */
	GO_NAME_SIZE = 512,
	/* Inlined calls that are followed at one address; the compiler's depth is far below. */
	GO_INLINE_DEPTH_MAX = 32,
};

struct go_line_table;

/*
 * What the file alone does not always tell, from runtime.moduledata in the memory of a
 * process, as vaddrs; 0: unknown.
 */
struct go_module {
	uint64_t text;      /* runtime.text; needed from Go 1.26 on, else the table has it */
	uint64_t func_data; /* moduledata.gofunc; needed from Go 1.18 on for inlined calls; not
			     * checked against the file: a wrong one gives wrong inlined calls */
};

/* One call, as the source has it. */
struct go_call {
	/* "main.(*server).handle.func1", "main.Map[...]": as the runtime prints it. */
	char function[GO_NAME_SIZE];
	char file[GO_NAME_SIZE]; /* the whole path, "" where unknown */
	uint32_t line;           /* 0: unknown */
	uint32_t start_line;     /* of the function (1.20+), 0: unknown */
	bool inlined;            /* into the next call */
	bool wrapper;            /* of a method, a go or defer statement; pprof hides it */
	uint64_t entry;          /* of the physical function, vaddr */
};

/*
 * 0 and an object that the caller frees; -ENODATA where the file has no line table of
 * a known format, also where the section table is gone and no loaded segment has one;
 * else what reading says. The file is duplicated, memory is borrowed.
 */
int go_line_table_load(int fd, struct go_line_table **out, struct error *error);
int go_line_table_load_memory(const void *data, size_t size, struct go_line_table **out,
			      struct error *error);
void go_line_table_free(struct go_line_table *table);
define_auto_free(go_line_table)

/* Bytes of memory that the object takes. */
size_t go_line_table_memory(const struct go_line_table *table);

/* Where the table itself stands, to which moduledata points. */
uint64_t go_line_table_vaddr(const struct go_line_table *table);

/* runtime.text as the table has it; 0: it does not say (up to Go 1.17, from Go 1.26 on). */
uint64_t go_line_table_text(const struct go_line_table *table);

/*
 * The function of that name, exactly as the table has it (from Go 1.21 on generic ones
 * bear their types), the first: its vaddrs. 0 or -ENOENT. Reads the
 * whole table: for a few names at the start.
 */
int go_line_table_find_function(const struct go_line_table *table, const struct go_module *module,
				const char *name, uint64_t *start, uint64_t *end);

/*
 * The calls at `vaddr`, which lies within an instruction (a return address minus one),
 * innermost first: the inlined ones, then the physical function. Returns how many,
 * at most `capacity`; 0: the table has no function there. Without module->func_data the
 * inlined ones are left out and line and file are those of the innermost; so, too, where
 * they are damaged. What is beyond a bound for the whole lookup is unknown.
 */
size_t go_line_table_find(const struct go_line_table *table, const struct go_module *module,
			  uint64_t vaddr, struct go_call *calls, size_t capacity);

/*
 * Bytes by which the stack pointer is below the return address when the code at `vaddr` is
 * to go on: the size of its frame without the return address. 0, or -ENOENT.
 */
int go_line_table_frame_size(const struct go_line_table *table, const struct go_module *module,
			     uint64_t vaddr, uint64_t *size);

#endif
