/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_PROCESS_IDENTITY_H
#define PARKSCOPE_PROCESS_PROCESS_IDENTITY_H

/*
 * Who a process is: what /proc/PID says that stays the same while it runs (but
 * for an execve, which changes name and executable).
 *
 * Names and paths are the process's own choice and are kept as they are, with
 * whatever bytes they have: who prints them escapes them. The container id comes
 * from the name of a cgroup, which a process with a delegated cgroup can choose.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	/* proc_task_name() in the kernel: TASK_COMM_LEN is 16, kernel workers have up to 63. */
	PROCESS_NAME_SIZE = 64,
	CONTAINER_ID_SIZE = 65, /* 64 hex digits */
	ENTITY_ID_SIZE = 17,    /* 16 hex digits */
	BOOT_ID_SIZE = 37,      /* a UUID */
};

struct process_identity {
	pid_t pid;
	pid_t ns_pid;        /* in the innermost pid namespace; equals pid outside of containers */
	pid_t tgid;          /* of the process; another than pid where pid is one of its threads */
	uid_t effective_uid; /* of the leader; as our user namespace numbers it */
	uint32_t threads;
	bool is_kernel_thread;
	bool executable_deleted;
	char name[PROCESS_NAME_SIZE]; /* comm of the leader */
	char *executable;             /* NULL: a kernel thread, a zombie, or not allowed */
	uint64_t start_ticks;         /* since boot, sysconf(_SC_CLK_TCK) of them a second */
	uint64_t start_ns;            /* CLOCK_BOOTTIME, as exact as a tick (usually 10 ms) */
	int64_t start_unix_ns;        /* CLOCK_REALTIME; moves if that clock is set */
	char container_id[CONTAINER_ID_SIZE]; /* "": not in a container that we know */
	/*
	 * XXH3 over boot id, pid and start_ticks: no other process of any boot of
	 * any machine has it, and it stays the same from run to run.
	 */
	char entity_id[ENTITY_ID_SIZE];
};

/*
 * Reads /proc/PID. All comes from one process, even when the pid is used again
 * meanwhile. Returns 0 and an object that the caller frees, or a negative errno:
 * -ESRCH where there is no such process.
 */
int process_identity_read(pid_t pid, struct process_identity **out, struct error *error);

void process_identity_free(struct process_identity *identity);
define_auto_free(process_identity);

/*
 * The parsers, which know no files. Each returns 0 or -EINVAL for a text that is
 * not what it should be, and then leaves the rest alone.
 */

/* /proc/PID/stat: name, is_kernel_thread, start_ticks. */
int process_identity_parse_stat(const char *text, size_t size, struct process_identity *identity);

/*
 * /proc/PID/status: tgid, ns_pid and effective_uid (stay as they are without their
 * lines), threads.
 */
int process_identity_parse_status(const char *text, struct process_identity *identity);

/*
 * /proc/PID/cgroup: the innermost container of docker, containerd, CRI-O or
 * podman. Leaves "" where there is none.
 */
void process_identity_parse_cgroup(const char *text, char id[CONTAINER_ID_SIZE]);

/* What entity_id is made of. */
void process_entity_id(const char *boot_id, pid_t pid, uint64_t start_ticks,
		       char id[ENTITY_ID_SIZE]);

#endif
