/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_RESOURCE_LIMITS_H
#define PARKSCOPE_HOST_RESOURCE_LIMITS_H

/*
 * How much a process uses of what the kernel limits: memory and tasks of its cgroup, threads of
 * its user, tasks of the host, mappings. What a process can influence (its cgroup's path, the
 * texts in /proc/PID) is bounded and validated; what cannot be read is not known, and no error.
 *
 * A sweep is resource_limits_begin_sweep(), then one resource_limits_read() for each process. What
 * the processes of one cgroup share is read once in a sweep.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

struct resource_limits;

struct resource_use {
	bool known; /* and there is a limit */
	uint64_t used;
	uint64_t limit;
};

struct process_resources {
	uint64_t rss_bytes;
	uint32_t threads;
	/*
	 * Bytes, of the ancestor of its cgroup with the least room. Used is the working set as the
	 * kubelet has it: usage without inactive_file, the page cache that goes first. The kernel
	 * also takes back active_file and swaps before it kills.
	 */
	struct resource_use memory_max;
	struct resource_use pids_max; /* tasks, of the ancestor with the least room */
	/*
	 * Threads of its real user and its soft RLIMIT_NPROC. Only in a sweep with
	 * resource_limits_count_users(), and not for who is exempt from it (copy_process() in
	 * kernel/fork.c: the host's root, CAP_SYS_RESOURCE or CAP_SYS_ADMIN of the initial user
	 * namespace).
	 */
	struct resource_use nproc;
	struct resource_use threads_max; /* tasks of the host, kernel.threads-max */
	struct resource_use pid_max;     /* the same, kernel.pid_max */
	/* Mappings, vm.max_map_count; where asked for. */
	struct resource_use max_map_count;
};

/*
 * `root` is put in front of every path: "" for the host, a directory with a tree of files for
 * tests. Reads where cgroups are mounted. 0, -ENOMEM, or a negative errno where there is no /proc.
 */
int resource_limits_new(const char *root, struct resource_limits **out, struct error *error);
void resource_limits_free(struct resource_limits *limits);
define_auto_free(resource_limits)

void resource_limits_begin_sweep(struct resource_limits *limits);

/*
 * Counts the threads of each user, by reading /proc/PID/status of every process of the host: 9 us
 * each (measured, 97 of them), so 9 ms where there are a thousand. Say, twice a minute, and only
 * while a process grows. 0 or a negative errno; then `nproc` is not known in this sweep.
 */
int resource_limits_count_users(struct resource_limits *limits);

/*
 * Takes 40 us for the first process of a cgroup in a sweep (two levels deep, with a limit of
 * memory), 12 us for further ones. `with_mappings` reads /proc/PID/maps, too: 0.15 to 0.25 us a
 * mapping, 10 ms for 40,000. On kernels that read it under the lock of the whole address space,
 * mmap() and page faults of the process wait meanwhile, a page of text at a time. 0, or a
 * negative errno: -ESRCH where the process is gone.
 */
int resource_limits_read(struct resource_limits *limits, pid_t pid, bool with_mappings,
			 struct process_resources *out);

#endif
