/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_CODE_TABLES_H
#define PARKSCOPE_UNWIND_CODE_TABLES_H

/*
 * What is known, for unwinding, of the code that a process has mapped: the unwind
 * table of its file, read when it is first needed, shared by all processes, the
 * least recently used dropped when the memory limit is met. For one thread at a
 * time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "bpf/abi.h"
#include "process/mapping_cache.h"
#include "unwind/unwind_table.h"

struct code_tables;

struct code_tables_config {
	bool map_files; /* see src/host/features.h */
	size_t limit;   /* bytes of tables */
};

/* NULL without memory. */
struct code_tables *code_tables_new(const struct code_tables_config *config);
void code_tables_free(struct code_tables *tables);
define_auto_free(code_tables)

/* The code of one mapping. */
struct code {
	const struct unwind_table *table; /* NULL: there is none to go by, `marks` say why */
	uint64_t bias;                    /* an address less this is the table's vaddr */
	uint32_t marks;                   /* enum abi_unwind_mapping_mark */
};

/*
 * Describes the code of a mapping of this process, reading its file if need be.
 * `object` belongs to the mapping. The table is valid until the next call.
 */
struct code code_tables_of(struct code_tables *tables, pid_t pid, const struct mapping *mapping,
			   struct mapped_object *object);

void code_tables_statistics(const struct code_tables *tables,
			    struct file_cache_statistics *statistics);

#endif
