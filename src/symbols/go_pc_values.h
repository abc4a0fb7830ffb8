/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_GO_PC_VALUES_H
#define PARKSCOPE_SYMBOLS_GO_PC_VALUES_H

/*
 * Go's tables from program counters of one function to small numbers (lines, files,
 * inlined calls): see pcvalue() and step() in src/runtime/symtab.go.
 */

#include <stddef.h>
#include <stdint.h>

#include "symbols/elf_blocks.h"

enum {
	/*
	 * Bytes of one table that are read. The longest of a dozen large programs (prometheus,
	 * terraform, caddy, etcd, Go's own compilers 1.15 to 1.24) has 33 KiB, that of the
	 * lines of an init() of the AWS SDK; most have some 100 bytes.
	 */
	GO_PC_VALUES_MAX = 96 << 10,
};

/*
 * The value at `pc`, counted from the function's entry, in the table that starts at `at`
 * of `tables`; -1: it has none, is damaged, or longer than the limit. Offset 0 stands
 * for no table. `budget` is the number of bytes that may be read, of which those are
 * taken off that were.
 */
int32_t go_pc_value(const struct elf_span *tables, uint64_t at, unsigned int quantum, uint64_t pc,
		    size_t *budget);

#endif
