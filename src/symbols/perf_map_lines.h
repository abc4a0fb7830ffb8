/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_PERF_MAP_LINES_H
#define PARKSCOPE_SYMBOLS_PERF_MAP_LINES_H

/*
 * Makes an index of functions from the text of a perf map, piece by piece: lines
 * "<start in hex> <size in hex> <name>\n". Both numbers may start with "0x", as some
 * writers do; a name may hold any byte but NUL and newline. Any other line counts as
 * not there, like one without its newline yet: it is still being written.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "symbols/symbol_index.h"

enum {
	/* Lines; of more the last. A large JVM or node has some 100,000. */
	PERF_MAP_LINES_MAX = 1 << 20,
	/* Bytes of a line; longer ones count as not there. */
	PERF_MAP_LINE_SIZE = 4096,
	/* Bytes that are kept of a name, the NUL included. */
	PERF_MAP_NAME_SIZE = 512,
};

struct perf_map_lines;

/* `in_line`: the text starts within a line, which is left out. NULL without memory. */
struct perf_map_lines *perf_map_lines_new(bool in_line);
void perf_map_lines_free(struct perf_map_lines *lines);
define_auto_free(perf_map_lines)

/* Adds the next piece of the text, of less than 4 GiB in all: 0 or -ENOMEM. */
int perf_map_lines_add(struct perf_map_lines *lines, const char *text, size_t size);

/* Lines were left out because there are more than PERF_MAP_LINES_MAX. */
bool perf_map_lines_truncated(const struct perf_map_lines *lines);

/*
 * Makes the index, which is the caller's to clear: 0 or -ENOMEM. Of lines that
 * overlap the last counts: it replaces the whole function that stood there before,
 * whose memory was used again. O(n log n).
 */
int perf_map_lines_index(struct perf_map_lines *lines, struct symbol_index *index);

#endif
