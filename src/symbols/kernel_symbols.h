/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_KERNEL_SYMBOLS_H
#define PARKSCOPE_SYMBOLS_KERNEL_SYMBOLS_H

/*
 * Names of kernel functions, from /proc/kallsyms, modules included. A snapshot:
 * modules and BPF programs that are loaded later have no names. Does not change
 * once made: several threads may use it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	/* Bytes of /proc/kallsyms: usually 5 to 15 MB. */
	KERNEL_SYMBOLS_TEXT_MAX = 256 << 20,
	/*
	 * kallsyms has no sizes. An address that far behind a symbol is not in that
	 * function but in a gap; the largest functions have some tens of kB.
	 */
	KERNEL_SYMBOL_SIZE_MAX = 1 << 20,
};

struct kernel_symbols;

struct kernel_symbol {
	const char *name;   /* belongs to the table, like the module */
	const char *module; /* "nf_tables", "bpf" for BPF programs; NULL: the kernel itself */
	uint64_t offset;    /* bytes from the start of the function */
};

/*
 * Both return 0 and a table that the caller frees, or a negative errno: -EPERM
 * where all addresses read as zero (kernel.kptr_restrict, or CAP_SYSLOG is
 * missing), -ENODATA where there are no functions.
 */
int kernel_symbols_load(struct kernel_symbols **out, struct error *error);

int kernel_symbols_parse(const char *text, size_t size, struct kernel_symbols **out,
			 struct error *error);

void kernel_symbols_free(struct kernel_symbols *symbols);
define_auto_free(kernel_symbols);

/* The function that holds `address`. O(log n). */
bool kernel_symbols_find(const struct kernel_symbols *symbols, uint64_t address,
			 struct kernel_symbol *found);

size_t kernel_symbols_count(const struct kernel_symbols *symbols);

#endif
