/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_UNWIND_KERNEL_TABLES_H
#define PARKSCOPE_UNWIND_KERNEL_TABLES_H

/*
 * What BPF knows of the code of processes: the lists of their mappings, and through
 * kernel_rows.h the tables. A list is never changed in place: a new one is published
 * under a new owner number, and what BPF may still be reading is not used again
 * before its readers have ended. So neither exec, nor a PID that is used again, nor
 * eviction gives a wrong stack: it gives one that is cut, and a request.
 * For one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "process/mapping_cache.h"
#include "unwind/code_tables.h"

struct kernel_tables;

struct kernel_tables_config {
	struct mapping_cache *mappings; /* not owned, as all here */
	struct code_tables *tables;
	int processes_fd; /* the maps unwind_processes, unwind_mappings, unwind_shards */
	int mappings_fd;
	int shards_fd;
	size_t limit; /* bytes of rows */
};

int kernel_tables_new(const struct kernel_tables_config *config, struct kernel_tables **tables,
		      struct error *error);
void kernel_tables_free(struct kernel_tables *tables);
define_auto_free(kernel_tables)

/* A program that a process runs, as BPF knows it. */
struct kernel_tables_process {
	struct process_ref ref;
	uint64_t start_ns; /* of the main thread */
	uint32_t exec_id;
};

/*
 * Publishes the process's code as it is mapped now: at first, and again when BPF has
 * met code that it does not know. Who asks again and again may ask less often each
 * time. Returns 0, or a negative errno: -ESRCH
 * where it is gone, -E2BIG where it has more than 4,095 executable mappings, -ENOSPC
 * where the limits are met by others that were loaded a short time ago. Where it is
 * not gone, BPF knows then that it has no tables, and that it may ask again later.
 */
int kernel_tables_load(struct kernel_tables *tables, const struct kernel_tables_process *process,
		       uint64_t now_ns);

/*
 * Compares the list that was published first with the process's maps, if that was more
 * than 10 s ago: where one file has taken the place of another, walks may go wrong
 * without noticing. To be called now and then.
 */
void kernel_tables_refresh_oldest(struct kernel_tables *tables, uint64_t now_ns);

/* Is there a list for this process, whatever program it was for? */
bool kernel_tables_knows(const struct kernel_tables *tables, pid_t pid);

/* The process is gone. Does nothing if it was not loaded. */
void kernel_tables_forget(struct kernel_tables *tables, pid_t pid);

/* Bytes of rows, from now on. What is there already stays. */
void kernel_tables_set_limit(struct kernel_tables *tables, size_t limit);

struct kernel_tables_statistics {
	size_t processes;
	size_t mappings;  /* entries in use */
	size_t memory;    /* bytes of kernel memory for rows */
	uint64_t evicted; /* processes, since the start */
};

void kernel_tables_statistics(const struct kernel_tables *tables,
			      struct kernel_tables_statistics *statistics);

#endif
