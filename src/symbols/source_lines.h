/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_SOURCE_LINES_H
#define PARKSCOPE_SYMBOLS_SOURCE_LINES_H

/*
 * Source lines and inlined functions of one ELF file, from the DWARF of the separate
 * debug file that this host has for its build id, or else from its own, by libdw.
 *
 * What is safe with a hostile file: libdw gets a private copy, read with pread(2), so
 * that truncating the file is no SIGBUS; copy and uncompressed sections are bounded,
 * before memory is taken; nothing is opened that the file names (no split DWARF, no
 * shared part by dwz: such files have no lines); the search for inlined functions is
 * bounded in depth and in entries.
 *
 * What is not: libdw itself. It checks offsets, but it is not made for hostile input;
 * its decoded line tables take about 100 bytes for each byte of .debug_line, and a
 * DIE tree that leads it in circles is not ruled out. So all this is used only where
 * the user asks for it.
 *
 * For one thread at a time, as lookups are remembered.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	/* Bytes of the copy and of its uncompressed sections; libjvm's debug file has 100 MB. */
	SOURCE_LINES_SIZE_MAX = 384 << 20,
	/* Bytes of .debug_line, of which libdw makes much more; libjvm's has 8 MB. */
	SOURCE_LINES_TABLE_MAX = 32 << 20,
	/* Functions inlined into each other at one address; the innermost ones are kept. */
	SOURCE_INLINED_MAX = 16,
};

struct source_lines;

/* Strings are raw, as the file has them: cap when copying. They belong to the lines. */
struct source_location {
	const char *function; /* inlined here, mangled; NULL: the one that the code is part of */
	const char *file;     /* as the compiler was called; NULL: unknown, as is the line */
	uint32_t line;
};

/* What a caller may want to change; NULL stands for the defaults. */
struct source_lines_options {
	const char *debug_directory; /* see debug_file_open() */
};

/*
 * Returns 0 and an object that the caller frees, or a negative errno: -ENODATA where
 * there is no line information, -EFBIG beyond the limits above, -ENOTSUP for forms of
 * DWARF that are not read. `fd` is only read and not needed afterwards.
 */
int source_lines_load(int fd, const struct source_lines_options *options, struct source_lines **out,
		      struct error *error);

void source_lines_free(struct source_lines *lines);
define_auto_free(source_lines)

/*
 * Where the instruction at `vaddr` (see elf_symbols.h) comes from: functions that are
 * inlined there, innermost first, and at last the one that they are part of. The
 * location of each but the first is where it calls the one before it. Returns their
 * number, 0 where nothing is known. They are valid until the next call.
 */
size_t source_lines_find(const struct source_lines *lines, uint64_t vaddr,
			 const struct source_location **found);

/* Bytes of memory, without what libdw decodes. */
size_t source_lines_memory(const struct source_lines *lines);

#endif
