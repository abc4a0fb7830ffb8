/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_SYMBOLIZER_H
#define PARKSCOPE_SYMBOLS_SYMBOLIZER_H

/*
 * Turns the addresses of a stack into frames.
 *
 * Names come from the ELF file that is mapped at the address; where that is none (JIT
 * code in anonymous memory, a memfd or /dev/zero), from the process's perf map.
 *
 * Names are those of the moment of asking: ask while the process lives. What has
 * no name keeps its module and offset, what is in no mapping keeps its address;
 * nothing is guessed. For one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/frame.h"
#include "process/mapping_cache.h"

enum {
	/* Bytes that are kept of a name, the NUL included. */
	SYMBOL_NAME_SIZE = 512,
	/* Memory for debug information, of which libdw needs whole files. */
	SYMBOLIZER_LINES_LIMIT = 512 << 20,
};

struct symbolizer;

struct symbolizer_statistics {
	size_t files;       /* ELF files in the cache */
	size_t memory;      /* bytes that they and perf maps take, kernel symbols not counted */
	uint64_t loads;     /* ELF files read since the start */
	uint64_t too_large; /* files without names because their symbols are above the limit */
	size_t perf_maps_truncated; /* perf maps in the cache that a limit has cut */
	uint64_t perf_maps_delayed; /* lookups before the perf map could be read */
};

/* What the host allows, see src/host/features.h, and what the user wants. */
struct symbolizer_config {
	bool kernel_symbols;
	bool map_files;
	bool lines;    /* source lines and inlined functions, too; see source_lines.h */
	bool demangle; /* C++ and Rust names, see demangle.h */
	struct mapping_cache *processes; /* not owned, must outlive the symbolizer */
	/* Bytes; 0: no limit. */
	size_t symbols_limit;   /* for symbols of ELF files */
	size_t go_tables_limit; /* for Go's line tables: 100 programs have 7 MiB */
	size_t perf_maps_limit; /* for perf maps, see perf_map_cache.h */
};

/*
 * Reads the kernel's symbols, so that the right to do so is needed only here.
 * Returns 0 and an object that the caller frees, or -ENOMEM. Where kernel symbols
 * cannot be read it works without.
 */
int symbolizer_new(const struct symbolizer_config *config, struct symbolizer **out,
		   struct error *error);
void symbolizer_free(struct symbolizer *symbolizer);
define_auto_free(symbolizer);

/*
 * Names a stack, leaf first: the kernel frames, then the user frames. The first
 * address of each part is where a thread stands, the others are return addresses
 * and belong to the call before them: they are looked up one byte lower, while
 * `offset` and `address` stay what they are. `now_ns` is any clock that does not go
 * back; it says when mappings have to be read again.
 *
 * Frames: `function` and `offset` in it; without a name, `offset` is the ELF virtual
 * address in the module (as addr2line takes it), or the file offset where the file
 * could not be read, or counts from the start of a mapping without file. `module` is
 * a file name, a name in brackets ("[vdso]", "[anon]"), or the kernel module.
 *
 * Go code is named by Go's own line table, whether or not there are symbols, as the
 * runtime prints it: see go_line_table.h.
 *
 * With lines: `file` and `line` where they are known, and before a frame those that are
 * inlined into it, so that there are more frames than addresses.
 *
 * Returns 0 and a stack that the caller frees, or -ENOMEM. A process that is gone
 * gives frames that are bare addresses.
 */
int symbolizer_stack(struct symbolizer *symbolizer, const struct process_ref *process,
		     const uint64_t *kernel, size_t kernel_count, const uint64_t *user,
		     size_t user_count, uint64_t now_ns, struct stack **out);

/*
 * The kernel function that holds one address. Returns 0 or -ENOENT. `name` belongs
 * to the symbolizer. Does not lower return addresses.
 */
int symbolizer_kernel_name(const struct symbolizer *symbolizer, uint64_t address, const char **name,
			   uint64_t *offset);

/* Forgets the symbols of files and perf maps; they are read again when they are needed. */
void symbolizer_drop_caches(struct symbolizer *symbolizer);

void symbolizer_statistics(const struct symbolizer *symbolizer,
			   struct symbolizer_statistics *statistics);

#endif
