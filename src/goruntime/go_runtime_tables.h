/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_GORUNTIME_GO_RUNTIME_TABLES_H
#define PARKSCOPE_GORUNTIME_GO_RUNTIME_TABLES_H

/* Where the Go runtime keeps its tables, found in the memory of a process without symbols. */

#include <stdint.h>

#include "goruntime/go_build_info.h"
#include "goruntime/go_layout.h"
#include "process/elf_image.h"
#include "process/load_segments.h"
#include "symbols/go_line_table.h"

/* A file with a Go runtime, as a process has it in memory. */
struct go_loaded_file {
	const struct elf_image *image;
	const struct load_segments *segments;
	const struct go_line_table *lines;
	const struct go_layout *layout;
	struct go_memory memory;
};

/*
 * runtime.moduledata of the file: it begins with the address of the line table. 0, or
 * -ENODATA. Where the version needs nothing of it, `module` may stay empty all the same.
 */
int go_find_module(const struct go_loaded_file *file, struct go_module *module);

/*
 * The address of the slice runtime.allgs: an operand of the code of runtime.allgadd, which
 * is never inlined, or else found in the data segments by what it looks like. It has shown
 * that its first goroutine points to itself. 0; -EAGAIN: there is no goroutine yet; -ENODATA.
 */
int go_find_allgs(const struct go_loaded_file *file, const struct go_module *module,
		  uint64_t *address);

/* Addresses that go_find_semtables() gives at most. */
#define GO_SEMTABLES_MAX 8

/*
 * Where runtime.semtable may be: data that the code of both runtime.semacquire1 and
 * runtime.semrelease1 refers to, not looked at; go_semaphores.c does. Returns how many.
 */
size_t go_find_semtables(const struct go_loaded_file *file, const struct go_module *module,
			 uint64_t addresses[GO_SEMTABLES_MAX]);

#endif
