/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_SYMBOLS_PERF_MAP_H
#define PARKSCOPE_SYMBOLS_PERF_MAP_H

/*
 * Names of code that a process makes at run time, from the file that it writes for
 * perf(1): /tmp/perf-PID.map, a line for each function with start and size in hex
 * digits and its name (linux/tools/perf/Documentation/jit-interface.txt). JVMs
 * ("jcmd PID Compiler.perfmap"), node (--perf-basic-prof), CPython (-X perf), .NET
 * and Mono write it.
 *
 * The file is read where the process sees it, /tmp in its root directory, with its
 * pid in its own namespace. What it names is the process's word: a file that is no
 * regular one, is neither the process's effective user's nor root's, or lies behind a
 * link is not read, and links in the path to it do not lead out of that root.
 *
 * A line that overlaps an earlier one replaces it: the memory was used again. Lines
 * that are no such lines count as not there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

enum {
	/* Bytes that are read of the file; of a longer one the last, which are the newest. */
	PERF_MAP_SIZE_MAX = 64 << 20,
};

/*
 * How often is looked whether the file has changed: not before CHECK_NS, and after a
 * reading not before READ_NS_PER_BYTE of the file have passed too (reading takes
 * some 10 ns a byte), so that a file that always grows cannot keep us busy.
 */
#define PERF_MAP_CHECK_NS         1000000000ULL
#define PERF_MAP_READ_NS_PER_BYTE 500ULL

struct perf_map;

struct perf_map_symbol {
	const char *name; /* as the process wrote it; valid until the next refresh */
	uint64_t address; /* of the first byte */
	uint64_t size;    /* bytes */
};

/* Of the process; reads nothing yet. Returns NULL without memory. */
struct perf_map *perf_map_new(pid_t pid);
void perf_map_free(struct perf_map *map);
define_auto_free(perf_map)

/* Whether the file may be looked at again; `now_ns` is any clock that does not go back. */
bool perf_map_is_due(const struct perf_map *map, uint64_t now_ns);

/*
 * Reads the file if it is another than the one that was read last, and says how many
 * bytes that took. Where it cannot be read the names from before stay.
 */
size_t perf_map_refresh(struct perf_map *map, uint64_t now_ns);

/* The function that holds `address`, as of the last refresh. O(log n). */
bool perf_map_find(const struct perf_map *map, uint64_t address, struct perf_map_symbol *found);

size_t perf_map_count(const struct perf_map *map);

/* One of the limits above was met: some functions have no name. */
bool perf_map_truncated(const struct perf_map *map);

/* Bytes of memory that the object takes. */
size_t perf_map_memory(const struct perf_map *map);

/*
 * What is behind it, for tests: opens the file below a root directory, and reads one
 * that is open. Both return a negative errno on failure: -EPERM for a file that is not
 * safe to read, -ENOSYS where the kernel cannot keep links inside of the root. Opening
 * returns a file descriptor that the caller closes.
 */
int perf_map_open(int root, pid_t ns_pid, uid_t owner);
int perf_map_read(struct perf_map *map, int fd);

#endif
