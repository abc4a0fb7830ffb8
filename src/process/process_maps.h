/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_PROCESS_MAPS_H
#define PARKSCOPE_PROCESS_PROCESS_MAPS_H

/*
 * The memory mappings of a process, from /proc/PID/maps (proc_pid_maps(5)).
 *
 * The traced process decides how many there are and what their files are
 * called, so both are bounded. Immutable once made: several threads may read
 * the same object.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	/* Mappings that are kept; vm.max_map_count is 65530 unless somebody raised it. */
	PROCESS_MAPS_MAX = 65536,
	/* Text that is read: 512 bytes for each of them, usual lines have 100. */
	PROCESS_MAPS_TEXT_MAX = 32 << 20,
};

enum mapping_kind {
	MAPPING_FILE,      /* has a file: also deleted ones, memfd, shared memory */
	MAPPING_ANONYMOUS, /* no name: path is "" */
	MAPPING_VDSO,      /* "[vdso]" */
	MAPPING_SPECIAL,   /* "[heap]", "[stack]", "[anon:name]", "[vsyscall]", … */
};

struct mapping {
	uint64_t start;       /* first address */
	uint64_t end;         /* first address behind it */
	uint64_t file_offset; /* bytes, of `start` in the file */
	uint64_t inode;       /* 0: no file */
	uint32_t device_major;
	uint32_t device_minor;
	enum mapping_kind kind;
	bool executable;
	bool deleted; /* the file has no name any more */
	/*
	 * As the kernel writes it, in the mount namespace of the process, without
	 * " (deleted)"; a newline in it reads "\012". Not to be trusted: see
	 * mapped_file.h for how to open what is behind it.
	 */
	const char *path;
};

/* Which mappings are kept. */
enum process_maps_filter {
	PROCESS_MAPS_ALL,
	PROCESS_MAPS_EXECUTABLE,
};

struct process_maps;

/*
 * Both give 0 and a new object that the caller frees, or a negative errno:
 * -ESRCH where there is no such process, -EACCES/-EPERM without the right.
 * A kernel thread, a zombie and a process that is exiting have no mappings.
 * Lines that are malformed or not in ascending order are left out.
 */
int process_maps_parse(const char *text, size_t size, enum process_maps_filter filter,
		       struct process_maps **out);
int process_maps_read(pid_t pid, enum process_maps_filter filter, struct process_maps **out,
		      struct error *error);

void process_maps_free(struct process_maps *maps);
define_auto_free(process_maps);

/*
 * Pages of code, constants and shared memory that the process has mapped; 0 where that
 * cannot be read. A library that is loaded or unloaded changes it, heaps and stacks do not.
 * Costs some µs, where the maps cost 1 µs a line.
 */
uint64_t process_maps_code_pages(pid_t pid);

/* The mapping that holds `address`, or NULL. Belongs to `maps`. O(log n). */
const struct mapping *process_maps_find(const struct process_maps *maps, uint64_t address);

/* All that were kept, by ascending address. */
size_t process_maps_count(const struct process_maps *maps);
const struct mapping *process_maps_at(const struct process_maps *maps, size_t index);

/* Lines of the text, kept or not: what reading it again will cost. */
size_t process_maps_lines(const struct process_maps *maps);

/* There were more mappings than the limits above allow; the last are missing. */
bool process_maps_truncated(const struct process_maps *maps);

/* Bytes of memory that the object takes. */
size_t process_maps_memory(const struct process_maps *maps);

/* The last part of the mapping's path: "libc.so.6", "[vdso]", "[anon]" without a path. */
const char *mapping_module(const struct mapping *mapping);

#endif
